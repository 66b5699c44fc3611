// SPDX-License-Identifier: MIT
/* The scan of a library.
 *
 * 1. walk: every audio file below the root, by the ending of its name; links, hidden names, excluded paths and folders
 *    with a file .ignore are passed over;
 * 2. compare with the files that the store knows: same size and time is unchanged, whether it is a failure or a track
 *    that every space has;
 * 3. take in the others, on the engine's pool, in the order of their paths;
 * 4. forget files that are gone, if the walk saw everything.  Moved files were taken in by step 3, which found their
 *    audio known, so their tracks still have a file. */
#include "engine/engine_internal.h"
#include "engine/params.h"

#include "audio/file_name.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/walk.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct found_file {
    char *path;
    int64_t size_bytes, modified_ns;
} found_file;

typedef struct known_file {
    char *path;
    int64_t id, track_id, size_bytes, modified_ns; /* track_id 0: it failed */
    bool seen;
} known_file;

typedef struct scanning {
    tb_engine *engine;
    tb__job_run *run;
    tb_library library;
    int64_t library_id;
    char *from; /* root, or the folder below it that is scanned */
    bool force;
    found_file *found;
    size_t n_found, found_capacity;
    known_file *known; /* sorted by path */
    size_t n_known, known_capacity;
    bool walk_failed; /* a folder could not be read */
    pthread_mutex_t mutex; /* guards what follows while the pool works */
    int64_t n_todo, n_done, n_added, n_failed, n_removed, n_unchanged;
    tb_error fatal; /* ends the scan: the disk is full, the database damaged */
} scanning;

/* --- the walk ------------------------------------------------------------------------------------------------ */

static bool is_excluded(const scanning *s, const char *path)
{
    const char *below = path + strlen(s->library.root);
    while (*below == '/') below++;
    for (size_t i = 0; i < s->library.n_exclude; i++)
        if (fnmatch(s->library.exclude[i], below, 0) == 0 || fnmatch(s->library.exclude[i], tb_fs_name(path), 0) == 0) return true;
    return false;
}

static tb_status find_file(void *context, const char *path, const struct stat *info, tb_error *err)
{
    scanning *s = context;
    if (tb__job_should_stop(s->run)) return tb_error_set(err, TB_CANCELLED, "the scan was stopped");
    if (!tb_audio_is_file_name(path) || is_excluded(s, path)) return TB_OK;
    if (s->n_found == s->found_capacity) {
        const size_t capacity = s->found_capacity ? 2 * s->found_capacity : 256;
        found_file *bigger = tb_realloc(s->found, capacity, sizeof *bigger);
        if (!bigger) return tb_error_set(err, TB_NO_MEMORY, "no memory for the names of %zu files", capacity);
        s->found = bigger;
        s->found_capacity = capacity;
    }
    char *copy = tb_strdup(path);
    if (!copy) return tb_error_set(err, TB_NO_MEMORY, "no memory for a path");
    s->found[s->n_found++] = (found_file){copy, info->st_size, tb_fs_modified_ns(info)};
    return TB_OK;
}

static bool enter_folder(void *context, const char *folder, char *const *names, size_t n)
{
    const scanning *s = context;
    for (size_t i = 0; i < n; i++)
        if (strcmp(names[i], ".ignore") == 0) return false;
    return strcmp(folder, s->library.root) == 0 || !is_excluded(s, folder);
}

static void note_failed_folder(void *context, const char *folder, const tb_error *why)
{
    scanning *s = context;
    (void)folder;
    tb_log(TB_LOG_WARN, "engine", "scan of %s: %s", s->library.name, why->message);
    s->walk_failed = true;
}

/* --- what is known ----------------------------------------------------------------------------------------------- */

static tb_status add_known(void *context, const tb_file_row *file)
{
    scanning *s = context;
    if (s->n_known == s->known_capacity) {
        const size_t capacity = s->known_capacity ? 2 * s->known_capacity : 256;
        known_file *bigger = tb_realloc(s->known, capacity, sizeof *bigger);
        if (!bigger) return TB_NO_MEMORY;
        s->known = bigger;
        s->known_capacity = capacity;
    }
    char *path = tb_strdup(file->path);
    if (!path) return TB_NO_MEMORY;
    s->known[s->n_known++] = (known_file){path, file->id, file->track_id, file->size_bytes, file->modified_ns, !tb_fs_is_within(s->from, file->path)};
    return TB_OK;
}

static int compare_known(const void *a, const void *b)
{
    return strcmp(((const known_file *)a)->path, ((const known_file *)b)->path);
}

static known_file *find_known(scanning *s, const char *path)
{
    const known_file key = {.path = (char *)(uintptr_t)path};
    return s->n_known ? bsearch(&key, s->known, s->n_known, sizeof *s->known, compare_known) : NULL;
}

/* Same size and time, and every space has the track: a new model has to hear it first. */
static bool is_unchanged(const scanning *s, const known_file *known, const found_file *file)
{
    if (known->size_bytes != file->size_bytes || known->modified_ns != file->modified_ns) return false;
    return known->track_id == 0 || tb__is_embedded(s->engine, known->track_id);
}

/* Moves the files that have to be taken in to the front of `found`, and counts the others. */
static void compare_with_known(scanning *s)
{
    size_t n_todo = 0;
    for (size_t i = 0; i < s->n_found; i++) {
        const found_file file = s->found[i];
        known_file *known = find_known(s, file.path);
        if (known) known->seen = true;
        if (known && !s->force && is_unchanged(s, known, &file)) {
            s->n_unchanged++;
            tb_free(file.path);
        } else {
            s->found[n_todo++] = file;
        }
    }
    s->n_found = n_todo;
    s->n_todo = (int64_t)n_todo;
}

/* --- taking in ------------------------------------------------------------------------------------------------------ */

typedef struct file_task {
    scanning *scan;
    const found_file *file;
} file_task;

static bool task_should_stop(void *context)
{
    scanning *s = context;
    return tb__job_should_stop(s->run);
}

/* What no other file would fare better with. */
static bool is_fatal(tb_status status)
{
    return status == TB_FULL || status == TB_NO_MEMORY || status == TB_BUSY;
}

/* Fails when it cannot be written: then the database is what is wrong, not the file. */
static tb_status keep_failure(scanning *s, const found_file *file, const tb_error *why, tb_error *err)
{
    const tb_file_put row = {.path = file->path, .library_id = s->library_id, .size_bytes = file->size_bytes, .modified_ns = file->modified_ns};
    int64_t removed = 0;
    pthread_mutex_lock(&s->engine->commit);
    const tb_status status = tb_store_put_failure(s->engine->store, &row, why->code, why->message, &removed, err);
    if (status == TB_OK && removed) tb__unindex_track(s->engine, removed);
    pthread_mutex_unlock(&s->engine->commit);
    tb_log(TB_LOG_INFO, "engine", "left out %s: %s", file->path, why->message);
    return status;
}

static void take_in(void *context)
{
    file_task *task = context;
    scanning *s = task->scan;
    tb_error err = {0}, unwritten = {0};
    tb_add_result result = {0};
    const tb_add_options options = {.library = s->library.name, .force = s->force, .cancelled = task_should_stop, .context = s};
    pthread_mutex_lock(&s->mutex);
    const bool skip = s->fatal.code != TB_OK;
    pthread_mutex_unlock(&s->mutex);
    const tb_status status = skip ? TB_CANCELLED : tb_engine_add_file(s->engine, task->file->path, &options, &result, &err);
    const bool failed_alone = status != TB_OK && status != TB_CANCELLED && !is_fatal(status);
    const bool is_written = !failed_alone || keep_failure(s, task->file, &err, &unwritten) == TB_OK;

    pthread_mutex_lock(&s->mutex);
    if (is_fatal(status)) s->fatal = err;
    if (!is_written) s->fatal = unwritten;
    s->n_done += status != TB_CANCELLED;
    s->n_added += status == TB_OK && result.created;
    s->n_failed += status != TB_OK && status != TB_CANCELLED;
    const int64_t done = s->n_done, failed = s->n_failed;
    pthread_mutex_unlock(&s->mutex);
    tb__job_progress(s->run, done, s->n_todo, failed);
    tb_free(task);
}

static tb_status take_all_in(scanning *s, tb_error *err)
{
    tb_status status = TB_OK;
    tb__job_progress(s->run, 0, s->n_todo, 0);
    for (size_t i = 0; i < s->n_found; i++) {
        if (tb__job_should_stop(s->run)) TB_FAIL(err, TB_CANCELLED, "the scan was stopped");
        file_task *task = tb_alloc(1, sizeof *task);
        if (!task) TB_FAIL(err, TB_NO_MEMORY, "no memory for a task");
        *task = (file_task){s, &s->found[i]};
        tb_pool_submit(s->engine->pool, take_in, task);
    }
out:
    tb_pool_wait(s->engine->pool);
    if (status == TB_OK && s->fatal.code != TB_OK) return tb_error_set(err, s->fatal.code, "%s", s->fatal.message);
    if (status == TB_OK && tb__job_should_stop(s->run)) return tb_error_set(err, TB_CANCELLED, "the scan was stopped");
    return status;
}

/* --- forgetting ------------------------------------------------------------------------------------------------------ */

static tb_status forget_gone(scanning *s, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t *gone = tb_alloc(s->n_known, sizeof *gone), *removed = NULL;
    size_t n_gone = 0, n_removed = 0;
    if (!gone) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu files", s->n_known);
    for (size_t i = 0; i < s->n_known; i++)
        if (!s->known[i].seen) gone[n_gone++] = s->known[i].id;
    if (n_gone == 0) goto out;
    pthread_mutex_lock(&s->engine->commit);
    status = tb_store_remove_files(s->engine->store, gone, n_gone, &removed, &n_removed, err);
    for (size_t i = 0; status == TB_OK && i < n_removed; i++) tb__unindex_track(s->engine, removed[i]);
    pthread_mutex_unlock(&s->engine->commit);
    s->n_removed = (int64_t)n_removed;
out:
    tb_free(removed);
    tb_free(gone);
    return status;
}

/* --- the whole ---------------------------------------------------------------------------------------------------------- */

static tb_status prepare(scanning *s, const char *params, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row row = {0};
    char *name = tb__params_member(params, "library"), *sub = tb__params_member(params, "sub"), *real = NULL;
    json_t *object = json_loads(params, 0, NULL);
    s->force = json_is_true(json_object_get(object, "force"));
    json_decref(object);
    if (!name) TB_FAIL(err, TB_CORRUPT, "the job's parameters are damaged");
    TB_TRY(tb_engine_get_library(s->engine, name, &s->library, err));
    TB_TRY(tb_store_get_library(s->engine->store, name, &row, err));
    s->library_id = row.id;
    s->from = sub ? tb_fs_join(s->library.root, sub) : tb_strdup(s->library.root);
    if (!s->from) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    if (tb_fs_real_path(s->from, &real, NULL) != TB_OK)
        TB_FAIL(err, TB_NOT_FOUND, "the folder %.300s cannot be read; is it mounted?  Nothing was forgotten", s->from);
    if (!tb_fs_is_within(s->library.root, real)) TB_FAIL(err, TB_FORBIDDEN, "%.200s does not lie in the library", sub ? sub : s->from);
    tb_free(s->from);
    s->from = real;
    real = NULL;
out:
    tb_free(real);
    tb_free(sub);
    tb_free(name);
    tb_library_row_clear(&row);
    return status;
}

static void clear(scanning *s)
{
    for (size_t i = 0; i < s->n_found; i++) tb_free(s->found[i].path);
    for (size_t i = 0; i < s->n_known; i++) tb_free(s->known[i].path);
    tb_free(s->found);
    tb_free(s->known);
    tb_free(s->from);
    tb_library_clear(&s->library);
    pthread_mutex_destroy(&s->mutex);
}

tb_status tb__run_scan(tb_engine *engine, tb__job_run *run, const char *params, char **message, tb_error *err)
{
    tb_status status = TB_OK;
    scanning s = {.engine = engine, .run = run};
    tb_buffer text;
    tb_buffer_init(&text, 4096);
    pthread_mutex_init(&s.mutex, NULL);

    TB_TRY(prepare(&s, params, err));
    const tb_walk walk = {.context = &s, .file = find_file, .enter = enter_folder, .failed = note_failed_folder};
    TB_TRY(tb_walk_folder(&walk, s.from, err));
    const size_t n_seen = s.n_found;
    status = tb_store_each_file(engine->store, s.library_id, add_known, &s, err);
    if (status == TB_NO_MEMORY) TB_FAIL(err, TB_NO_MEMORY, "no memory for the names of %zu files", s.n_known);
    TB_TRY(status);
    if (s.n_known) qsort(s.known, s.n_known, sizeof *s.known, compare_known);
    if (n_seen == 0 && s.n_known > 0 && strcmp(s.from, s.library.root) == 0)
        TB_FAIL(err, TB_NOT_FOUND, "there is no audio file below %.300s, where %zu were known; is it mounted?  Nothing was forgotten. "
                "If they are really gone, delete the library", s.from, s.n_known);
    compare_with_known(&s);
    TB_TRY(take_all_in(&s, err));
    if (!s.walk_failed) TB_TRY(forget_gone(&s, err));
    TB_TRY(tb_store_library_scanned(engine->store, s.library_id, err));
    TB_TRY(tb_buffer_printf(&text, "%lld new, %lld known again, %lld unchanged, %lld gone, %lld failed%s", (long long)s.n_added,
                            (long long)(s.n_done - s.n_added - s.n_failed), (long long)s.n_unchanged, (long long)s.n_removed, (long long)s.n_failed,
                            s.walk_failed ? "; some folders could not be read, so nothing was forgotten" : ""));
    *message = tb_buffer_take(&text);
out:
    tb_buffer_clear(&text);
    clear(&s);
    return status;
}
