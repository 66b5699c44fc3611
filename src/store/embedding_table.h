// SPDX-License-Identifier: MIT
/* Spaces (what one model file computes) and the embeddings of tracks in them.  See store.h for threads and
 * errors that all share.
 *
 * Vectors of different models are never mixed: a space is a name and the hash of its model.  While a new
 * model's space is being filled, the old one of the same name stays active. */
#ifndef TIMBRE_STORE_EMBEDDING_TABLE_H
#define TIMBRE_STORE_EMBEDDING_TABLE_H

#include "store/store.h"

enum {
    TB_STORE_SPACE_NAME_MAX = 64,           /* bytes: [a-z][a-z0-9_-]* */
    TB_STORE_SPACE_DIM_MAX = 65536,
    TB_STORE_SPACE_PARTS_MAX = 256,
    TB_STORE_EMBEDDING_SEGMENTS_MAX = 1000000
};

typedef struct tb_space_put {
    const char *name;
    const uint8_t *model_hash; /* 16 to 64 bytes */
    size_t model_hash_size;
    size_t dim;        /* numbers per vector */
    size_t n_parts;    /* numbers of presence per vector */
    const char *parts; /* JSON text that describes the parts; the store only keeps it */
} tb_space_put;

typedef struct tb_space_row {
    int64_t id;
    char *name, *parts;
    uint8_t model_hash[64];
    size_t model_hash_size;
    size_t dim, n_parts;
    bool active;        /* the one of its name that answers */
    int64_t created_ms;
    int64_t n_tracks, n_segments; /* that have an embedding in it */
} tb_space_row;

/* Finds or makes the space of that name and model; the first of a name is active at once.
 * Errors: TB_INVALID; TB_EXISTS when it is there with another dim or number of parts. */
tb_status tb_store_put_space(tb_store *store, const tb_space_put *row, int64_t *space_id,
                             tb_error *err) TB_MUST_CHECK;
/* All of them, by name and age.  *spaces: tb_space_rows_free. */
tb_status tb_store_list_spaces(tb_store *store, tb_space_row **spaces, size_t *n,
                               tb_error *err) TB_MUST_CHECK;
void tb_space_rows_free(tb_space_row *spaces, size_t n);
/* It answers from now on in place of the others of its name.  TB_NOT_FOUND. */
tb_status tb_store_activate_space(tb_store *store, int64_t space_id, tb_error *err) TB_MUST_CHECK;
/* With all its embeddings, in many transactions, the space itself last.  TB_NOT_FOUND; TB_FORBIDDEN while
 * it is active. */
tb_status tb_store_delete_space(tb_store *store, int64_t space_id, tb_error *err) TB_MUST_CHECK;
/* Numbers of tracks above after_id without an embedding in the space, ascending, at most limit (1 to
 * 100000) of them.  *ids: tb_free; NULL when there are none. */
tb_status tb_store_list_unembedded(tb_store *store, int64_t space_id, int64_t after_id, size_t limit,
                                   int64_t **ids,
                                   size_t *n, tb_error *err) TB_MUST_CHECK;

/* One track in one space.  Vectors and presence are f16 (base/half.h), finite, row after row. */
typedef struct tb_embedding_row {
    int64_t space_id;
    size_t n_segments;                /* 0 is allowed: audio too short for a segment */
    size_t dim, n_parts;              /* as in the space */
    const uint16_t *track_vector;     /* dim */
    const uint16_t *track_presence;   /* n_parts */
    const float *starts_s;            /* n_segments, >= 0 */
    const float *durations_s;         /* n_segments, >= 0 */
    const uint16_t *segment_vectors;  /* n_segments × dim */
    const uint16_t *segment_presence; /* n_segments × n_parts */
} tb_embedding_row;

/* Sets it, replacing what is there.
 * TB_NOT_FOUND (track or space), TB_INVALID (sizes, numbers not finite). */
tb_status tb_store_put_embedding(tb_store *store, int64_t track_id, const tb_embedding_row *embedding,
                                 tb_error *err) TB_MUST_CHECK;
/* *memory holds what *embedding points to: tb_free.  TB_NOT_FOUND. */
tb_status tb_store_get_embedding(tb_store *store, int64_t track_id, int64_t space_id,
                                 tb_embedding_row *embedding,
                                 void **memory, tb_error *err) TB_MUST_CHECK;

/* Every embedding of a space, ascending by track, from the first track above after_id on: what the index is
 * made from.  The callback borrows the embedding during the call; anything but TB_OK from it ends the walk
 * and is returned.  A row that is damaged is left out and counted in *n_bad (may be NULL), with a line in
 * the log. A walk is not one moment: tracks that are added or removed meanwhile may be seen or not. */
typedef tb_status tb_embedding_visit(void *context, int64_t track_id, const tb_embedding_row *embedding);
tb_status tb_store_each_embedding(tb_store *store, int64_t space_id, int64_t after_id,
                                  tb_embedding_visit *visit,
                                  void *context, size_t *n_bad, tb_error *err) TB_MUST_CHECK;

#endif
