// SPDX-License-Identifier: MIT
/* Inside of the field table, for the filter and the list. */
#ifndef TIMBRE_STORE_FIELDS_INTERNAL_H
#define TIMBRE_STORE_FIELDS_INTERNAL_H

#include "store/fields.h"

/* Where the value is found.  In SQL, t is the row of tracks and f that of features. */
typedef enum tb_field_source {
    TB_FROM_TRACKS,
    TB_FROM_FEATURES,
    TB_FROM_LIBRARIES,
    TB_FROM_FILES,
    TB_FROM_EXTERNAL_IDS,
    TB_FROM_PAYLOAD,
    TB_FROM_KEY, /* features key and mode together; neighbours of it: key_compatible */
} tb_field_source;

struct tb_field {
    char *name; /* "external.*" for those with a free part */
    tb_field_type type;
    tb_field_source source;
    char *sql;       /* the column, "t.artist"; NULL where it is not one */
    const char *fts; /* column of tracks_fts; NULL: no words */
    bool sortable;
};

struct tb_fields {
    tb_field *fields;
    size_t n_fields;
    size_t first_feature; /* the features are the last n_features fields */
    size_t n_features;
    bool has_key; /* there are features "key" and "mode" */
};

/* The field of that name; *rest: what stands for the '*' (borrowed from name), else NULL.
 * TB_NOT_FOUND with the nearest name in the sentence. */
tb_status tb__fields_find(const tb_fields *fields, const char *name, const tb_field **field,
                          const char **rest, tb_error *err) TB_MUST_CHECK;
/* The features without a column (an old database that is open for reading): they are absent from every
 * track. */
tb_status tb__fields_miss(tb_fields *fields, size_t feature, tb_error *err) TB_MUST_CHECK;

#endif
