// SPDX-License-Identifier: MIT
/* Libraries: folders on the server's disk, scanned into tracks.
 *
 * A scan walks the folder (links are not followed), passes over files whose size and time are as before,
 * analyses the rest, and at the end forgets files that are gone; a moved or retagged file keeps its record
 * because its audio is the same.  A folder that is missing or empty where files were known ends the scan with
 * an error and forgets nothing: it is more likely unmounted than cleared. */
#ifndef TIMBRE_ENGINE_LIBRARY_H
#define TIMBRE_ENGINE_LIBRARY_H

#include "engine/engine.h"

typedef struct tb_library {
    char *name;
    char *root; /* real path; bytes */
    char **exclude; /* glob patterns on paths below root; `*` also stands for '/' */
    size_t n_exclude;
    int64_t n_files, n_tracks, n_failures;
    int64_t scanned_ms; /* end of the last whole scan; 0 = never */
} tb_library;

void tb_library_clear(tb_library *library);

/* Makes or changes.  TB_NOT_FOUND: no such folder; TB_INVALID: bad name ([a-z0-9_-]{1,64}) or not a folder;
 * TB_EXISTS: another library's root contains it or lies in it. */
tb_status tb_engine_put_library(tb_engine *engine, const char *name, const char *root, const char *const *exclude, size_t n_exclude, bool *created, tb_error *err) TB_MUST_CHECK;
tb_status tb_engine_get_library(tb_engine *engine, const char *name, tb_library *library, tb_error *err) TB_MUST_CHECK;
tb_status tb_engine_list_libraries(tb_engine *engine, tb_library **libraries, size_t *n, tb_error *err) TB_MUST_CHECK;
/* Forgets the library and every track that no other file holds; touches no file. */
tb_status tb_engine_remove_library(tb_engine *engine, const char *name, tb_error *err) TB_MUST_CHECK;

/* Queues a scan; sub: a folder below the root or NULL for all; force: analyse unchanged files again too.
 * A scan of the same library that is queued already is answered with its job. */
tb_status tb_engine_queue_scan(tb_engine *engine, const char *name, const char *sub, bool force, int64_t *job_id, tb_error *err) TB_MUST_CHECK;

typedef struct tb_failure {
    char *path;   /* as UTF-8, other bytes replaced */
    char *reason;
    int64_t at_ms, attempts;
} tb_failure;
/* Files that could not be taken in, by path; retried by the next scan after they change (or with force). */
tb_status tb_engine_list_failures(tb_engine *engine, const char *library, size_t offset, size_t limit, tb_failure **failures, size_t *n, int64_t *total, tb_error *err) TB_MUST_CHECK;
void tb_failures_free(tb_failure *failures, size_t n);

/* Real path of `path` when it lies in a library (then *library is its name), else TB_FORBIDDEN. Both: tb_free. */
tb_status tb_engine_resolve_path(tb_engine *engine, const char *path, char **real, char **library, tb_error *err) TB_MUST_CHECK;

#endif
