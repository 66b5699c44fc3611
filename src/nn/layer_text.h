// SPDX-License-Identifier: MIT
/* The words of one line of a network's text ("conv 16 5x5 stride 2 pad 2"), for the parsers of layers.
 *
 * Words are taken from the front (tb__words_size, tb__words_pair, tb__words_text) or, for options, from
 * anywhere by their name (tb__words_option_...), in any order but before the words at the front run out.
 * Errors are TB_SYNTAX and name line, word and usage.  One thread at a time. */
#ifndef TIMBRE_NN_LAYER_TEXT_H
#define TIMBRE_NN_LAYER_TEXT_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

enum { TB_WORDS_MAX = 24, TB_WORD_BYTES = 32 };

typedef struct tb_words {
    size_t line;       /* for messages, from 1 */
    const char *usage; /* for messages; NULL: none */
    size_t n;
    char word[TB_WORDS_MAX][TB_WORD_BYTES];
} tb_words;

/* Splits at blanks and tabs; TB_SYNTAX for too many or too long words and for control characters. */
tb_status tb__words_split(tb_words *words, const char *line, size_t size, tb_error *err) TB_MUST_CHECK;
/* The first word, a whole number in [low, high]; what: for the message ("channels"). */
tb_status tb__words_size(tb_words *words, const char *what, size_t low, size_t high, size_t *value,
                         tb_error *err) TB_MUST_CHECK;
/* The first word, "HEIGHTxWIDTH" or one number for both. */
tb_status tb__words_pair(tb_words *words, const char *what, size_t low, size_t high, size_t *height,
                         size_t *width, tb_error *err) TB_MUST_CHECK;
/* The first word, a number in [low, high]. */
tb_status tb__words_real(tb_words *words, const char *what, double low, double high, double *value,
                         tb_error *err) TB_MUST_CHECK;
/* The first word is this one: takes it and gives true; else leaves it. */
bool tb__words_take(tb_words *words, const char *word);

/* A word that stands anywhere: takes it; false if there is none. */
bool tb__words_flag(tb_words *words, const char *name);
/* "NAME VALUE" anywhere: takes both; *value stays as it was (the default) if NAME is not there. */
tb_status tb__words_option_size(tb_words *words, const char *name, size_t low, size_t high, size_t *value,
                                tb_error *err) TB_MUST_CHECK;
tb_status tb__words_option_pair(tb_words *words, const char *name, size_t low, size_t high, size_t *height,
                                size_t *width, tb_error *err) TB_MUST_CHECK;
tb_status tb__words_option_real(tb_words *words, const char *name, double low, double high, double *value,
                                tb_error *err) TB_MUST_CHECK;
/* TB_SYNTAX unless all words were taken. */
tb_status tb__words_end(const tb_words *words, tb_error *err) TB_MUST_CHECK;

#endif
