// SPDX-License-Identifier: MIT
/* What a call can be told beside its path: one table a call, one row an option.
 *
 * The same row reads the URL (`limit=5`), a form field of a multipart body and a member of a JSON body
 * (`{"limit": 5}`), so that whatever GET can say POST can say too, with the same ranges and sentences.
 * The values go into a struct of the caller's, at the offsets of the rows.
 *
 *     type            in the struct   text form                     JSON form
 *     INTEGER         int64_t         10                            10
 *     NUMBER          double          0.5                           0.5
 *     BOOL            bool            true, 1, or nothing           true
 *     TEXT            const char *    any                           "any"
 *     CHOICE          int             one of the choices            "one of the choices"
 *     FLAGS           unsigned        a,b                           ["a", "b"] or "a,b"
 *     TEXTS           tb_texts        a,b                           ["a", "b"] or "a,b"
 *     WEIGHTS         tb_weights      drums:1,bass:0.5              {"drums": 1, "bass": 0.5} or ["drums"]
 *     FILTER          tb_filter *     tempo:[90 TO 120]             that text, or {"must": …}
 *     JSON            json_t *        JSON text                     anything
 *
 * null in JSON stands for the default.  Errors: TB_INVALID for an unknown name (the sentence has the nearest
 * one), a name given twice, a wrong type or range; TB_SYNTAX where a filter or JSON text does not parse.
 * Threads: tables are constant; values belong to one thread. */
#ifndef TIMBRE_API_OPTIONS_H
#define TIMBRE_API_OPTIONS_H

#include "engine/catalog.h"
#include "engine/search.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tb_option_type {
    TB_OPTION_INTEGER,
    TB_OPTION_NUMBER,
    TB_OPTION_BOOL,
    TB_OPTION_TEXT,
    TB_OPTION_CHOICE,
    TB_OPTION_FLAGS,
    TB_OPTION_TEXTS,
    TB_OPTION_WEIGHTS,
    TB_OPTION_FILTER,
    TB_OPTION_JSON,
} tb_option_type;

typedef struct tb_texts {
    const char **items; /* owned, NULL when n is 0; the texts point into the request or into `copy` */
    size_t n;
    char *copy;
} tb_texts;

typedef struct tb_weights {
    tb_part_weight items[TB_MAX_PARTS];
    size_t n;
    char *copy; /* owned: what the part names point into */
} tb_weights;

enum {
    TB_MAX_OPTION_TEXTS = 10000,
    TB_MAX_OPTION_TEXT_BYTES = 4096, /* of one TEXT or item of TEXTS; filters have their own limit */
};

typedef struct tb_option {
    const char *name;
    tb_option_type type;
    size_t offset;
    double low, high;       /* of INTEGER and NUMBER, both included */
    double initial;         /* default of INTEGER, NUMBER and CHOICE; NAN: not given */
    const char *choices;    /* "skip|exclude|penalize" */
    const char *alias;      /* another name, or NULL */
    bool body_only;         /* not in the URL */
} tb_option;

/* A row: the member of a struct, the name, the type, and what else there is (".low = 1, .high = 10"). */
#define TB_OPTION(struct_type, member, option_name, option_type, ...)                                      \
    {.name = option_name,                                                                                  \
     .type = TB_OPTION_##option_type,                                                                      \
     .offset = offsetof(struct_type, member),                                                              \
     __VA_ARGS__}

typedef struct tb_option_table {
    const tb_option *options;
    size_t n_options;
    size_t struct_size;
} tb_option_table;

/* A struct under way: values and what was given so far. */
typedef struct tb_options {
    const tb_option_table *table;
    tb_engine *engine; /* for filters */
    void *values;      /* owned until clear */
    uint64_t given;    /* bit i: row i was given */
} tb_options;

/* Values at their defaults.  table: at most 64 rows. */
tb_status tb_options_init(tb_options *options, const tb_option_table *table, tb_engine *engine,
                          tb_error *err) TB_MUST_CHECK;
/* Frees the values and all that they own.  Accepts one that is all zero. */
void tb_options_clear(tb_options *options);
/* From the URL (in_url) or a form field; text: borrowed until clear. */
tb_status tb_options_set_text(tb_options *options, const char *name, const char *text, bool in_url,
                              tb_error *err) TB_MUST_CHECK;
/* From every member of a JSON object; borrowed until clear. */
tb_status tb_options_set_object(tb_options *options, const json_t *object,
                                tb_error *err) TB_MUST_CHECK;
/* Whether the table has that name or alias. */
bool tb_options_know(const tb_option_table *table, const char *name);

/* How far two names are apart: insertions, deletions, changes and swaps of neighbours of single bytes. */
size_t tb_name_distance(const char *a, const char *b);

#endif
