// SPDX-License-Identifier: MIT
/* What the files of the engine share.
 *
 * Lock order: jobs.mutex, then commit, then whatever the store and the indexes hold inside.  `commit` is held
 * from the write to the store until searches see it, so that both always happen in the same order. */
#ifndef TIMBRE_ENGINE_ENGINE_INTERNAL_H
#define TIMBRE_ENGINE_ENGINE_INTERNAL_H

#include "engine/catalog.h"
#include "engine/engine.h"
#include "engine/ingest.h"
#include "engine/job.h"
#include "engine/library.h"
#include "engine/search.h"

#include "base/pool.h"
#include "engine/track_cache.h"
#include "index/index.h"
#include "model/model.h"
#include "store/store.h"
#include "store/track_table.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    TB__MAX_SPACES = 8,
    TB__SEGMENT_BITS = 24, /* of an index label; above them the track's number */
    TB__CACHED_TRACKS = 4096,   /* a power of two */
    TB__MAX_SEGMENTS = 1 << 20, /* of one track; below 2^TB__SEGMENT_BITS */
};

/* A model with its place in the store and its two indexes: whole tracks (label = track number) and segments
 * (label = track number << TB__SEGMENT_BITS | position). */
typedef struct tb__space {
    tb_model *model;
    const tb_model_info *info;
    int64_t id; /* in the store */
    tb_index *tracks, *segments;
    const char *part_names[TB_MAX_PARTS];
    size_t part_offsets[TB_MAX_PARTS], part_dims[TB_MAX_PARTS];
} tb__space;

typedef struct tb__jobs tb__jobs;

struct tb_engine {
    char *data_folder, *incoming_folder, *uploads_folder, *models_folder;
    const tb_clock *clock;
    double max_duration_s;
    size_t n_threads;
    tb_store *store;
    tb__track_cache *cache;
    tb__space spaces[TB__MAX_SPACES];
    size_t n_spaces;
    size_t active; /* space used when none is named */
    pthread_mutex_t commit;
    tb_pool *pool; /* for jobs */
    tb__jobs *jobs;
    atomic_bool closing;
    _Atomic int64_t n_searches, n_ingested;
};

/* --- engine.c */

/* Position of the space of that name (NULL: the active one); TB_NOT_FOUND lists those that there are. */
tb_status tb__find_space(const tb_engine *engine, const char *name, size_t *space, tb_error *err) TB_MUST_CHECK;
/* Shows a track's embedding to searches, replacing what was there.  Called with `commit` held. */
tb_status tb__index_embedding(const tb__space *space, int64_t track, const tb_space_embedding *embedding, tb_error *err) TB_MUST_CHECK;
/* Hides a track from searches.  Called with `commit` held. */
void tb__unindex_track(tb_engine *engine, int64_t track);

/* --- catalog.c */

/* Number of the track that the id names; TB_NOT_FOUND names the id. */
tb_status tb__find_track(tb_engine *engine, const char *id, int64_t *track, tb_error *err) TB_MUST_CHECK;
/* Tracks by number, in that order; tracks[i].number is 0 where there is none any more.  tracks: n, zeroed. */
tb_status tb__get_tracks(tb_engine *engine, const int64_t *numbers, size_t n, tb_track *tracks, tb_error *err) TB_MUST_CHECK;
/* *to: tb_track_clear; false without memory, then *to is empty. */
bool tb__track_copy(const tb_track *from, tb_track *to);
/* The patch's tags over `values` (which then borrow them), and which ones they are (tb_edit_what) or'ed to *edited. */
tb_status tb__apply_patch(const tb_track_patch *patch, tb_tag_values *values, unsigned *edited, tb_error *err) TB_MUST_CHECK;
/* The embedding of a stored track. */
tb_status tb__get_embedding(tb_engine *engine, int64_t track, size_t space, tb_track_embedding *embedding, tb_error *err) TB_MUST_CHECK;

/* --- ingest.c */

/* fsync of an upload: what is acknowledged survives power loss. */
tb_status tb__sync_file(const char *path, tb_error *err) TB_MUST_CHECK;
/* Removes files of the uploads folder that no row names: what a crash left between moving and storing. */
void tb__sweep_uploads(tb_engine *engine);

/* Whether every space can find the track. */
bool tb__is_embedded(const tb_engine *engine, int64_t track);

/* --- job.c */

tb_status tb__jobs_start(tb_engine *engine, bool run, tb_error *err) TB_MUST_CHECK;
/* Asks what runs to stop at a safe place and waits for it. */
void tb__jobs_stop(tb_engine *engine);

/* Cancels the scan of that library that runs, if any, and waits for its end. */
void tb__cancel_scans(tb_engine *engine, const char *library);

/* What a running job sees. */
typedef struct tb__job_run tb__job_run;
/* Waits while the job is paused; true when it has to stop (cancelled, or the engine closes). */
bool tb__job_should_stop(tb__job_run *run);
/* How far the job is; done and failed never go back. */
void tb__job_progress(tb__job_run *run, int64_t done, int64_t total, int64_t failed);
/* The work of a scan; `params` is what was queued. */
tb_status tb__run_scan(tb_engine *engine, tb__job_run *run, const char *params, char **message, tb_error *err) TB_MUST_CHECK;

#endif
