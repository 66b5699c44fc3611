// SPDX-License-Identifier: MIT
/* The engine: what the server, the command line and the C library all stand on.
 *
 * It joins the layers below: a file is decoded (audio), analysed and embedded (dsp, model) in one pass,
 * written in one transaction (store) and then shown to searches (index).  The store is the truth; the index
 * in memory is rebuilt from it when the engine opens.
 *
 *   engine.h   open, close, status          ingest.h  add, remove, analyse without storing
 *   search.h   nearest neighbours           library.h folders and their scans
 *   catalog.h  read and edit tracks         job.h     long work with progress
 *
 * Threads: a tb_engine is shared; every function may be called from any thread.  Heavy functions compute on
 * the calling thread and say so. */
#ifndef TIMBRE_ENGINE_ENGINE_H
#define TIMBRE_ENGINE_ENGINE_H

#include "base/clock.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tb_engine tb_engine;

typedef struct tb_engine_options {
    const char *data_folder;   /* made if it is not there */
    const char *models_folder; /* *.safetensors */
    size_t n_threads;          /* for scans and jobs; 0 = one per processor */
    double busy_timeout_s;     /* how long a locked database is waited for; 0 = 10 */
    double max_duration_s;     /* longer audio is refused; 0 = 24 hours */
    bool run_jobs;             /* false: jobs are kept but not run (a command line that only looks) */
    const tb_clock *clock;     /* NULL = the system's; outlives the engine */
} tb_engine_options;

/* Opens or makes the data folder, runs migrations and loads every space into memory.
 * TB_BUSY: another process has the folder (the sentence names its pid).  TB_NEWER: the data were written by a
 * newer version; they are left as they are.  TB_CORRUPT: the database is damaged. */
tb_status tb_engine_open(const tb_engine_options *options, tb_engine **engine, tb_error *err) TB_MUST_CHECK;
/* Lets running jobs stop at a safe place (they go on at the next start) and closes.  Accepts NULL. */
void tb_engine_close(tb_engine *engine);

/* One space (model) that the engine serves.  Strings are borrowed until the engine closes. */
typedef struct tb_space_info {
    const char *name;
    const char *model_version;
    size_t dim;
    size_t n_parts;
    const char *const *part_names;
    const size_t *part_offsets, *part_dims;
    bool unit_length; /* each part's vector has length 1 */
    double window_s, hop_s;
    bool active; /* the one that is used when none is named */
    size_t n_tracks, n_segments;
    size_t index_bytes;
} tb_space_info;

size_t tb_engine_n_spaces(const tb_engine *engine);
/* i < tb_engine_n_spaces */
void tb_engine_space(const tb_engine *engine, size_t i, tb_space_info *info);

typedef struct tb_engine_stats {
    int64_t n_tracks, n_segments, n_files, n_failures;
    int64_t database_bytes, index_bytes;
    int64_t n_searches, n_ingested; /* since the engine opened */
    const char *kernel;             /* distance kernels in use: "avx2", "plain" */
} tb_engine_stats;
tb_status tb_engine_get_stats(tb_engine *engine, tb_engine_stats *stats, tb_error *err) TB_MUST_CHECK;

/* TB_OK when searches and writes both work now; else what is wrong, as a sentence. */
tb_status tb_engine_ready(tb_engine *engine, tb_error *err) TB_MUST_CHECK;

/* Folder for uploads under way; files in it are removed when the engine opens, but for those of jobs. */
const char *tb_engine_incoming_folder(const tb_engine *engine);
const tb_clock *tb_engine_clock(const tb_engine *engine);

#endif
