// SPDX-License-Identifier: MIT
/* Filters on tracks: a typed tree of conditions, its builder, and the parser of the short form.
 *
 * A filter is a group with three clauses, as in Qdrant: all of `must` hold, at least one (or min_should) of
 * `should` holds if there are any, none of `must_not` holds.  What stands in a clause is a condition on a
 * field or another group.  An empty group is true.  A condition on a value that a track does not have is
 * false.
 *
 * Short form (conditions side by side must all hold):
 *
 *     tempo:[90 TO 120]       range, both ends included; `{90 TO 120}` leaves the ends out; `*` is open
 *     year:>=1990 year:<2000  one-sided ranges
 *     genre:rock              text equal but for case; `*` stands for anything: artist:Miles*
 *     genre:(rock OR jazz)    any of them; also genre:rock,jazz
 *     -artist:"The X"         not; in quotes, \" and \\ stand for " and \ .
 *     title~"blue train"      words in the field, any case, accents or none; the last may be cut
 *     blue train              words anywhere in the tags
 *     has:artist -has:year    the field has a value, or not
 *     key:8A key:Am           Camelot or plain key; key_compatible:8A also takes its three neighbours
 *     library:main external.mbid:abc payload.mood:happy path:*live*
 *     (genre:rock OR genre:pop) -live   groups, OR binds weaker than side by side
 *
 * One thread at a time; a finished filter is immutable and may be used by many. */
#ifndef TIMBRE_STORE_FILTER_H
#define TIMBRE_STORE_FILTER_H

#include "base/status.h"
#include "store/fields.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    TB_FILTER_MAX_CONDITIONS = 256, /* in one tree */
    TB_FILTER_MAX_DEPTH = 16,       /* groups in groups */
    TB_FILTER_MAX_VALUES = 10000,   /* of all conditions together */
    TB_FILTER_MAX_TEXT = 64 * 1024  /* bytes of the short form */
};

typedef struct tb_filter tb_filter;

typedef enum tb_filter_clause { TB_FILTER_MUST, TB_FILTER_SHOULD, TB_FILTER_MUST_NOT } tb_filter_clause;

/* A text or a number, borrowed during the call.  A text may stand for a number or a date ("120",
 * "2026-01-31", "2026-01-31T12:00:00Z"; a day, month or year is the whole of it). */
typedef struct tb_filter_value {
    const char *text; /* NULL: it is the number */
    double number;    /* dates: ms */
    bool pattern;     /* each `*` in the text stands for anything */
} tb_filter_value;

/* Each end is absent while its `text` is NULL and its number is NAN: TB_FILTER_OPEN. */
typedef struct tb_filter_range {
    tb_filter_value gte, gt, lte, lt;
} tb_filter_range;
#define TB_FILTER_OPEN ((tb_filter_value){NULL, __builtin_nan(""), false})
#define TB_FILTER_NUMBER(value) ((tb_filter_value){NULL, (value), false})
#define TB_FILTER_STRING(value) ((tb_filter_value){(value), 0, false})

/* An empty filter, true for every track.  fields: borrowed for as long as the filter lives. */
tb_status tb_filter_new(const tb_fields *fields, tb_filter **filter, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_filter_free(tb_filter *filter);
bool tb_filter_is_empty(const tb_filter *filter);

/* The builder's functions give TB_NOT_FOUND for an unknown field (the sentence names the nearest one),
 * TB_INVALID for a value that does not fit the field, TB_TOO_LARGE past the limits above. */

/* The field has one of the values (n_values >= 1). */
tb_status tb_filter_match(tb_filter *filter, tb_filter_clause clause, const char *field,
                          const tb_filter_value *values,
                          size_t n_values, tb_error *err) TB_MUST_CHECK;
/* At least one end must be given; not both gte and gt, or lte and lt. */
tb_status tb_filter_range_of(tb_filter *filter, tb_filter_clause clause, const char *field,
                             const tb_filter_range *range,
                             tb_error *err) TB_MUST_CHECK;
/* The field has no value. */
tb_status tb_filter_empty(tb_filter *filter, tb_filter_clause clause, const char *field,
                          tb_error *err) TB_MUST_CHECK;
/* Words in a text field, or in all tags when field is NULL.  Any text is fine; one without a word finds
 * nothing. */
tb_status tb_filter_words(tb_filter *filter, tb_filter_clause clause, const char *field, const char *words,
                          tb_error *err) TB_MUST_CHECK;
/* A group of its own; `inner` moves to the filter, also when the call fails. */
tb_status tb_filter_group(tb_filter *filter, tb_filter_clause clause, tb_filter *inner,
                          tb_error *err) TB_MUST_CHECK;
/* How many of `should` must hold; 1 at first, 0 makes them count for nothing. */
tb_status tb_filter_min_should(tb_filter *filter, size_t n, tb_error *err) TB_MUST_CHECK;

/* Parses the short form; NULL or blank text gives an empty filter.  TB_SYNTAX or a builder's error with the
 * position: "filter, at character 17: expected TO". */
tb_status tb_filter_parse(const tb_fields *fields, const char *text, tb_filter **filter,
                          tb_error *err) TB_MUST_CHECK;

#endif
