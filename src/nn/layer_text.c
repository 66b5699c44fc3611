// SPDX-License-Identifier: MIT
#include "nn/layer_text.h"

#include "base/text.h"

#include <stdint.h>
#include <string.h>

static tb_status complain(const tb_words *words, tb_error *err, const char *what, const char *word)
{
    if (words->usage)
        return tb_error_set(err, TB_SYNTAX, "line %zu of the network: %s \"%s\"; expected: %s", words->line,
                            what, word, words->usage);
    return tb_error_set(err, TB_SYNTAX, "line %zu of the network: %s \"%s\"", words->line, what, word);
}

static tb_status complain_missing(const tb_words *words, tb_error *err, const char *what)
{
    return tb_error_set(err, TB_SYNTAX, "line %zu of the network lacks %s; expected: %s", words->line, what,
                        words->usage ? words->usage : "more words");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

tb_status tb__words_split(tb_words *words, const char *line, size_t size, tb_error *err)
{
    words->n = 0;
    for (size_t i = 0; i < size;) {
        if (is_blank(line[i])) {
            i++;
            continue;
        }
        const size_t begin = i;
        while (i < size && !is_blank(line[i])) {
            if (line[i] < '!' || line[i] > '~')
                return tb_error_set(err, TB_SYNTAX,
                                    "line %zu of the network has a character that is not printable ASCII",
                                    words->line);
            i++;
        }
        if (i - begin >= TB_WORD_BYTES || words->n == TB_WORDS_MAX)
            return tb_error_set(err, TB_SYNTAX, "line %zu of the network has too long or too many words",
                                words->line);
        memcpy(words->word[words->n], line + begin, i - begin);
        words->word[words->n++][i - begin] = '\0';
    }
    return TB_OK;
}

static void remove_words(tb_words *words, size_t at, size_t n)
{
    memmove(words->word[at], words->word[at + n], (words->n - at - n) * sizeof *words->word);
    words->n -= n;
}

static tb_status read_size(const tb_words *words, const char *what, const char *text, size_t low, size_t high,
                           size_t *value, tb_error *err)
{
    int64_t number = 0;
    const tb_status status = tb_parse_int(text, (int64_t)low, (int64_t)high, &number);
    if (status == TB_OK) {
        *value = (size_t)number;
        return TB_OK;
    }
    return tb_error_set(err, TB_SYNTAX,
                        "line %zu of the network: %s \"%s\" is no whole number from %zu to %zu", words->line,
                        what, text, low, high);
}

static tb_status read_pair(const tb_words *words, const char *what, const char *text, size_t low, size_t high,
                           size_t *height, size_t *width, tb_error *err)
{
    tb_status status = TB_OK;
    char first[TB_WORD_BYTES];
    size_t h = 0, w = 0;
    const char *x = strchr(text, 'x');
    if (x == NULL) {
        TB_TRY(read_size(words, what, text, low, high, &h, err));
        w = h;
    } else {
        memcpy(first, text, (size_t)(x - text));
        first[x - text] = '\0';
        TB_TRY(read_size(words, what, first, low, high, &h, err));
        TB_TRY(read_size(words, what, x + 1, low, high, &w, err));
    }
    *height = h;
    *width = w;
out:
    return status;
}

static tb_status read_real(const tb_words *words, const char *what, const char *text, double low, double high,
                           double *value, tb_error *err)
{
    double number = 0;
    if (tb_parse_double(text, &number) != TB_OK || !(number >= low && number <= high))
        return tb_error_set(err, TB_SYNTAX, "line %zu of the network: %s \"%s\" is no number from %g to %g",
                            words->line, what, text, low, high);
    *value = number;
    return TB_OK;
}

tb_status tb__words_size(tb_words *words, const char *what, size_t low, size_t high, size_t *value,
                         tb_error *err)
{
    if (words->n == 0) return complain_missing(words, err, what);
    const tb_status status = read_size(words, what, words->word[0], low, high, value, err);
    if (status == TB_OK) remove_words(words, 0, 1);
    return status;
}

tb_status tb__words_pair(tb_words *words, const char *what, size_t low, size_t high, size_t *height,
                         size_t *width, tb_error *err)
{
    if (words->n == 0) return complain_missing(words, err, what);
    const tb_status status = read_pair(words, what, words->word[0], low, high, height, width, err);
    if (status == TB_OK) remove_words(words, 0, 1);
    return status;
}

tb_status tb__words_real(tb_words *words, const char *what, double low, double high, double *value,
                         tb_error *err)
{
    if (words->n == 0) return complain_missing(words, err, what);
    const tb_status status = read_real(words, what, words->word[0], low, high, value, err);
    if (status == TB_OK) remove_words(words, 0, 1);
    return status;
}

bool tb__words_take(tb_words *words, const char *word)
{
    if (words->n == 0 || strcmp(words->word[0], word) != 0) return false;
    remove_words(words, 0, 1);
    return true;
}

/* words->n when there is none */
static size_t find(const tb_words *words, const char *name)
{
    size_t i = 0;
    while (i < words->n && strcmp(words->word[i], name) != 0) i++;
    return i;
}

bool tb__words_flag(tb_words *words, const char *name)
{
    const size_t at = find(words, name);
    if (at == words->n) return false;
    remove_words(words, at, 1);
    return true;
}

/* at: of the option's name; words->n when it is not there.  TB_SYNTAX if it has no value behind it. */
static tb_status find_option(const tb_words *words, const char *name, size_t *at, tb_error *err)
{
    *at = find(words, name);
    if (*at + 1 == words->n) return complain_missing(words, err, "a value at its end");
    return TB_OK;
}

tb_status tb__words_option_size(tb_words *words, const char *name, size_t low, size_t high, size_t *value,
                                tb_error *err)
{
    tb_status status = TB_OK;
    size_t at = 0;
    TB_TRY(find_option(words, name, &at, err));
    if (at < words->n) {
        TB_TRY(read_size(words, name, words->word[at + 1], low, high, value, err));
        remove_words(words, at, 2);
    }
out:
    return status;
}

tb_status tb__words_option_pair(tb_words *words, const char *name, size_t low, size_t high, size_t *height,
                                size_t *width, tb_error *err)
{
    tb_status status = TB_OK;
    size_t at = 0;
    TB_TRY(find_option(words, name, &at, err));
    if (at < words->n) {
        TB_TRY(read_pair(words, name, words->word[at + 1], low, high, height, width, err));
        remove_words(words, at, 2);
    }
out:
    return status;
}

tb_status tb__words_option_real(tb_words *words, const char *name, double low, double high, double *value,
                                tb_error *err)
{
    tb_status status = TB_OK;
    size_t at = 0;
    TB_TRY(find_option(words, name, &at, err));
    if (at < words->n) {
        TB_TRY(read_real(words, name, words->word[at + 1], low, high, value, err));
        remove_words(words, at, 2);
    }
out:
    return status;
}

tb_status tb__words_end(const tb_words *words, tb_error *err)
{
    if (words->n == 0) return TB_OK;
    return complain(words, err, "what is this:", words->word[0]);
}
