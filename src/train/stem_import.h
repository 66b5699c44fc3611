// SPDX-License-Identifier: MIT
/* A folder of recordings with stems (stem_folder.h) becomes a piece cache.
 *
 * Tracks are stored in the order of their paths under their names relative to the folder (the last 63 bytes
 * of them), so the cache is the same by any number of threads; those that are in it already are kept.  What
 * is wrong with a track is said, the track is left out, and the work goes on. */
#ifndef TIMBRE_TRAIN_STEM_IMPORT_H
#define TIMBRE_TRAIN_STEM_IMPORT_H

#include "base/status.h"

#include <stdatomic.h>
#include <stddef.h>

typedef struct tb_stem_import_options {
    const char *folder, *path; /* where from; the cache */
    size_t n_bands;
    double max_s;     /* above 0: how much of a track is taken at most */
    size_t n_threads; /* 0 = 1 */
    void (*progress)(void *context, size_t done,
                     size_t total); /* may be NULL; from any thread, one at a time */
    /* A track that was left out; may be NULL; as progress. */
    void (*skipped)(void *context, const char *name, const tb_error *why);
    void *context;
    const atomic_bool *cancel; /* NULL = never */
} tb_stem_import_options;

typedef struct tb_stem_import_result {
    size_t n_made, n_kept, n_skipped;
    size_t n_silent; /* silent files of the tracks made */
} tb_stem_import_result;

/* TB_NOT_FOUND when there is no track below the folder, TB_CORRUPT when not one of them can be used,
 * TB_EXISTS for a cache that was begun otherwise, TB_CANCELLED, TB_FULL and the like. */
tb_status tb_stem_import(const tb_stem_import_options *options, tb_stem_import_result *result,
                         tb_error *err) TB_MUST_CHECK;

#endif
