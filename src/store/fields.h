// SPDX-License-Identifier: MIT
/* What tracks can be filtered and sorted by: one table of built-in fields, to which the features that the
 * caller names are added as numbers.  Immutable after it is made, any thread. */
#ifndef TIMBRE_STORE_FIELDS_H
#define TIMBRE_STORE_FIELDS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

typedef enum tb_field_type {
    TB_FIELD_TEXT,    /* equal but for ASCII case, `*` stands for anything; ranges by text order */
    TB_FIELD_LIST,    /* text that may hold several values joined by "; " (genre): any of them matches */
    TB_FIELD_NUMBER,  /* equal, ranges */
    TB_FIELD_DATE,    /* a time in ms; texts are RFC 3339 or a date; ranges */
    TB_FIELD_KEY,     /* musical key: "8A", "Am", "C# minor", "Db major", or 0 to 11 for the tonic alone */
    TB_FIELD_PART_OF, /* text looked up in a table of its own (library, path, external.SCHEME): equal,
                                                               `*` */
    TB_FIELD_PAYLOAD, /* payload.NAME.NAME: text, number or boolean in the track's payload */
} tb_field_type;

typedef struct tb_fields tb_fields;
typedef struct tb_field tb_field;

/* Feature names as in tb_store_options.  TB_INVALID for a name that is malformed, twice there, or that of a
 * built-in field. */
tb_status tb_fields_new(const char *const *features, size_t n_features, tb_fields **fields,
                        tb_error *err) TB_MUST_CHECK;
void tb_fields_free(tb_fields *fields);

/* The fields in a fixed order, for documentation and completion; NULL past the last.  Fields with a free
 * part are listed as "external.*" and "payload.*". */
const tb_field *tb_fields_at(const tb_fields *fields, size_t position);
const char *tb_field_name(const tb_field *field);
tb_field_type tb_field_kind(const tb_field *field);
bool tb_field_sortable(const tb_field *field);
/* How many features, and their names in the order in which they were given. */
size_t tb_fields_n_features(const tb_fields *fields);
const char *tb_fields_feature(const tb_fields *fields, size_t position);

#endif
