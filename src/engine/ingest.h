// SPDX-License-Identifier: MIT
/* Taking audio in, and analysing audio without keeping it: one code path.
 *
 * Life of a file: its bytes are hashed (a file seen before ends here); it is decoded once, and that one pass
 * gives the identity, the loudness, the features and the segments of every space; then one transaction writes
 * it all, and only then searches see it.  Memory is flat in the length of the file.
 *
 * Heavy: computes on the calling thread. */
#ifndef TIMBRE_ENGINE_INGEST_H
#define TIMBRE_ENGINE_INGEST_H

#include "engine/catalog.h"
#include "engine/engine.h"
#include "model/track_features.h"

/* What analysis found; owned by the caller, freed by tb_analysis_clear. */
typedef struct tb_space_embedding {
    int space;           /* position in the engine */
    size_t n_segments;
    float *vectors;      /* n_segments x dim */
    float *presence;     /* n_segments x n_parts, 0..1 */
    float *start_s;      /* n_segments */
    float *duration_s;   /* n_segments */
    float *track_vector; /* dim */
    float *track_presence; /* n_parts */
} tb_space_embedding;

typedef struct tb_analysis {
    double duration_s; /* of what was analysed */
    int rate_hz, channels;
    char format[48];
    bool has_identity; /* false for a passage and with skip_identity */
    uint8_t audio_hash[32];
    bool truncated;
    int64_t n_bad_samples; /* NaN and Inf, taken as 0 */
    tb_track_features features;
    tb_space_embedding *embeddings; /* one per space asked for */
    size_t n_embeddings;
    double decode_s, embed_s;
} tb_analysis;

typedef struct tb_analysis_options {
    int only_space;             /* -1 = every space */
    bool skip_identity;         /* audio_hash is not needed */
    double start_s, duration_s; /* passage; duration_s <= 0 = to the end */
    bool (*cancelled)(void *context);
    void *context;
} tb_analysis_options;

/* Decodes and analyses a file; stores nothing. */
tb_status tb_engine_analyse(tb_engine *engine, const char *path, const tb_analysis_options *options,
                            tb_analysis *analysis, tb_error *err) TB_MUST_CHECK;
void tb_analysis_clear(tb_analysis *analysis);

typedef struct tb_add_options {
    const char *library;   /* the folder that the file lies in; NULL = an upload */
    bool move_upload;      /* path lies in the incoming folder: it is moved to the uploads, or removed if known */
    const char *file_name; /* name that the uploader gave, for a title when there is no tag; NULL = of path */
    const tb_track_patch *metadata; /* tags, payload, external IDs that win over the file's; NULL = none */
    bool force;            /* analyse again even if the file is known */
    bool (*cancelled)(void *context);
    void *context;
} tb_add_options;

typedef struct tb_add_result {
    char id[TB_TRACK_ID_SIZE];
    bool created; /* false: this audio was there already */
} tb_add_result;

/* Adds a file.  When it returns TB_OK the track survives a crash and power loss, and searches find it. */
tb_status tb_engine_add_file(tb_engine *engine, const char *path, const tb_add_options *options,
                             tb_add_result *result, tb_error *err) TB_MUST_CHECK;

/* Removes the track, its embeddings and its uploaded file (never a file of a library).  TB_NOT_FOUND. */
tb_status tb_engine_remove_track(tb_engine *engine, const char *id, tb_error *err) TB_MUST_CHECK;

#endif
