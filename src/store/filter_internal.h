// SPDX-License-Identifier: MIT
/* Inside of a filter, for its SQL, and the SQL that it becomes. */
#ifndef TIMBRE_STORE_FILTER_INTERNAL_H
#define TIMBRE_STORE_FILTER_INTERNAL_H

#include "store/fields_internal.h"
#include "store/filter.h"
#include "store/sql_internal.h"

typedef enum tb_condition_kind {
    TB_CONDITION_MATCH,
    TB_CONDITION_RANGE,
    TB_CONDITION_EMPTY,
    TB_CONDITION_WORDS,
    TB_CONDITION_GROUP,
} tb_condition_kind;

/* A value as SQL compares it: conversions are done when the filter is built. */
typedef struct tb_condition_value {
    char *text;         /* as it is, or (pattern) for LIKE with '\'; NULL: there is only the number */
    char *plain;        /* of a list, the value itself; NULL when it has a '*' */
    bool pattern;
    bool has_number;    /* payload: a text that is a number too */
    double number;      /* number; start of a date; tonic of a key, 0 to 11 */
    double number_end;  /* a date is [number, number_end); */
    int mode;           /* of a key: 0 minor, 1 major, -1 any */
} tb_condition_value;

typedef struct tb_condition_end {
    bool given, inclusive;
    tb_condition_value value;
} tb_condition_end;

typedef struct tb_condition {
    tb_condition_kind kind;
    const tb_field *field;
    char *rest; /* scheme of external.*, JSON path of payload.* */
    tb_condition_value *values;
    size_t n_values;
    tb_condition_end low, high;
    char *words; /* an FTS5 expression */
    tb_filter *group;
} tb_condition;

typedef struct tb_clause {
    tb_condition *conditions;
    size_t n;
} tb_clause;

struct tb_filter {
    const tb_fields *fields;
    tb_clause clauses[3]; /* by tb_filter_clause */
    size_t min_should;
    size_t n_conditions, n_values, depth; /* of the whole tree below */
};

/* An FTS5 expression that finds rows with all of the words, each quoted, the last as a beginning (unless a
 * blank follows it).  column: NULL for all.  *expression: tb_free; NULL when there is no word.
 * TB_TOO_LARGE. */
tb_status tb__words_expression(const char *column, const char *words, char **expression,
                               tb_error *err) TB_MUST_CHECK;

/* --- SQL ---------------------------------------------------------------------------------------------- */

/* SQL text with the values of its parameters, which are borrowed from the filter. */
typedef struct tb__sql {
    tb_buffer text;
    struct tb__sql_value {
        const char *text; /* NULL: the number */
        double number;
    } *values;
    size_t n_values, capacity;
} tb__sql;
void tb__sql_init(tb__sql *sql);
void tb__sql_clear(tb__sql *sql);
tb_status tb__sql_add(tb__sql *sql, const char *text, tb_error *err) TB_MUST_CHECK;
/* Appends "?" and remembers the value. */
tb_status tb__sql_add_text(tb__sql *sql, const char *value, tb_error *err) TB_MUST_CHECK;
tb_status tb__sql_add_number(tb__sql *sql, double value, tb_error *err) TB_MUST_CHECK;
tb_status tb__sql_open(tb__query *q, tb__conn *conn, const tb__sql *sql, tb_error *err) TB_MUST_CHECK;

/* Which tables a query needs that has this filter, beside those in `also`: tracks AS t, features AS f. */
enum { TB__NEEDS_TRACKS = 1, TB__NEEDS_FEATURES = 2 };
unsigned tb__filter_needs(const tb_filter *filter, unsigned also);
/* " FROM …" for those tables, and the name of the track's number in them. */
const char *tb__from_sql(unsigned needs);
const char *tb__id_sql(unsigned needs);
/* Appends the condition as an expression ("1" for an empty filter or NULL). */
tb_status tb__filter_where(const tb_filter *filter, const char *id, tb__sql *sql,
                           tb_error *err) TB_MUST_CHECK;

#endif
