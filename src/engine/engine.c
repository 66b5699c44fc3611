// SPDX-License-Identifier: MIT
/* Opening and closing: folders, models, the store, the indexes made from it, the jobs. */
#include "engine/engine_internal.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "base/half.h"
#include "base/log.h"
#include "base/text.h"
#include "store/embedding_table.h"

#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- spaces ------------------------------------------------------------------------------------------- */

/* Description of the parts for the store: [{"name":"timbre","offset":0,"dim":64},…]. Names are plain words. */
static tb_status describe_parts(const tb_model_info *info, tb_buffer *json)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(json, "["));
    for (size_t i = 0; i < info->n_parts; i++)
        TB_TRY(tb_buffer_printf(json, "%s{\"name\":\"%s\",\"offset\":%zu,\"dim\":%zu}", i ? "," : "", info->parts[i].name,
                                info->parts[i].offset, info->parts[i].dim));
    TB_TRY(tb_buffer_append_text(json, "]"));
out:
    return status;
}

static tb_status open_space(tb_engine *engine, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb__space space = {0};
    tb_buffer parts;
    tb_buffer_init(&parts, 64 * 1024);

    if (engine->n_spaces == TB__MAX_SPACES) TB_FAIL(err, TB_TOO_LARGE, "more than %d models in %s", TB__MAX_SPACES, engine->models_folder);
    TB_TRY(tb_model_open(path, &space.model, err));
    space.info = tb_model_get_info(space.model);
    tb_index_layout layout = {.n_parts = space.info->n_parts};
    for (size_t i = 0; i < space.info->n_parts; i++) {
        space.part_names[i] = space.info->parts[i].name;
        space.part_offsets[i] = space.info->parts[i].offset;
        space.part_dims[i] = layout.part_dims[i] = space.info->parts[i].dim;
    }
    TB_TRY(describe_parts(space.info, &parts));
    const tb_space_put row = {
        .name = space.info->name,
        .model_hash = (const uint8_t *)space.info->version,
        .model_hash_size = strlen(space.info->version),
        .dim = space.info->dim,
        .n_parts = space.info->n_parts,
        .parts = parts.bytes,
    };
    TB_TRY(tb_store_put_space(engine->store, &row, &space.id, err));
    TB_TRY(tb_store_activate_space(engine->store, space.id, err));
    TB_TRY(tb_index_new(&layout, 1, &space.tracks, err));
    TB_TRY(tb_index_new(&layout, engine->n_threads, &space.segments, err));
    engine->spaces[engine->n_spaces++] = space;
    space = (tb__space){0};
out:
    tb_buffer_clear(&parts);
    tb_index_free(space.segments);
    tb_index_free(space.tracks);
    tb_model_close(space.model);
    return status;
}

/* Every model of the folder, in the order of names.  A model that cannot be read is left out with an error in the
 * log: the others serve. */
static tb_status open_spaces(tb_engine *engine, tb_error *err)
{
    tb_status status = TB_OK;
    char **names = NULL;
    size_t n = 0;
    tb_error why = {0};
    TB_TRY(tb_fs_list(engine->models_folder, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tb_fs_extension(names[i]), "safetensors") != 0) continue;
        char *path = tb_fs_join(engine->models_folder, names[i]);
        const tb_status opened = path ? open_space(engine, path, &why) : TB_NO_MEMORY;
        tb_free(path);
        if (opened == TB_CORRUPT || opened == TB_UNSUPPORTED || opened == TB_NEWER || opened == TB_FORBIDDEN)
            tb_log(TB_LOG_ERROR, "engine", "model %s is left out: %s", names[i], why.message);
        else if (opened != TB_OK)
            TB_FAIL(err, opened, "%s: %s", names[i], why.message);
    }
    if (engine->n_spaces == 0)
        TB_FAIL(err, TB_NOT_FOUND, "there is no usable model (*.safetensors) in %s; install timbre's models or name their folder with --models",
                engine->models_folder);
    for (size_t i = 0; i < engine->n_spaces; i++)
        if (strcmp(engine->spaces[i].info->name, "instruments") == 0) engine->active = i;
out:
    tb_fs_list_free(names, n);
    return status;
}

tb_status tb__find_space(const tb_engine *engine, const char *name, size_t *space, tb_error *err)
{
    if (!name) {
        *space = engine->active;
        return TB_OK;
    }
    char known[256] = "";
    for (size_t i = 0; i < engine->n_spaces; i++) {
        if (strcmp(engine->spaces[i].info->name, name) == 0) {
            *space = i;
            return TB_OK;
        }
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", engine->spaces[i].info->name);
    }
    return tb_error_set(err, TB_NOT_FOUND, "there is no space \"%.64s\"; there is: %s", name, known);
}

tb_status tb__index_embedding(const tb__space *space, int64_t track, const tb_space_embedding *embedding, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t dim = space->info->dim, n_parts = space->info->n_parts;
    const uint32_t group = (uint32_t)track;
    if (track < 1 || track > UINT32_MAX) return tb_error_set(err, TB_TOO_LARGE, "the track number %lld is out of range", (long long)track);
    if (embedding->n_segments > TB__MAX_SEGMENTS)
        return tb_error_set(err, TB_TOO_LARGE, "track %lld has more than %d segments", (long long)track, TB__MAX_SEGMENTS);
    tb_index_item *items = tb_alloc(embedding->n_segments, sizeof *items);
    if (!items) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu segments", embedding->n_segments);
    for (size_t i = 0; i < embedding->n_segments; i++)
        items[i] = (tb_index_item){
            .label = (uint64_t)track << TB__SEGMENT_BITS | i,
            .group = group,
            .vector = embedding->vectors + i * dim,
            .presence = embedding->presence + i * n_parts,
        };
    TB_TRY(tb_index_put_group(space->segments, group, items, embedding->n_segments, err));
    const tb_index_item whole = {
        .label = (uint64_t)track, .group = group, .vector = embedding->track_vector, .presence = embedding->track_presence};
    TB_TRY(tb_index_put(space->tracks, &whole, err));
out:
    tb_free(items);
    return status;
}

void tb__unindex_track(tb_engine *engine, int64_t track)
{
    for (size_t i = 0; i < engine->n_spaces; i++) {
        tb_index_remove_group(engine->spaces[i].tracks, (uint32_t)track);
        tb_index_remove_group(engine->spaces[i].segments, (uint32_t)track);
    }
}

/* --- the indexes, made from the store ------------------------------------------------------------------ */

/* One stored row as floats; the arrays grow to the largest row and are used again. */
typedef struct loading {
    tb_engine *engine;
    tb__space *space;
    float *values;
    size_t capacity;
    int64_t n_tracks;
    size_t n_unfit; /* rows that the index does not take */
    tb_error *err;
} loading;

static float *widen(float *out, const uint16_t *halves, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = tb_half_to_float(halves[i]);
    return out + n;
}

static tb_status load_embedding(void *context, int64_t track, const tb_embedding_row *row)
{
    loading *l = context;
    const size_t n = row->n_segments, per_item = row->dim + row->n_parts;
    if ((n + 1) * per_item > l->capacity) {
        float *bigger = tb_realloc(l->values, (n + 1) * per_item, sizeof *bigger);
        if (!bigger) return tb_error_set(l->err, TB_NO_MEMORY, "no memory for the index");
        l->values = bigger;
        l->capacity = (n + 1) * per_item;
    }
    tb_space_embedding e = {.n_segments = n};
    float *at = l->values;
    e.vectors = at;
    at = widen(at, row->segment_vectors, n * row->dim);
    e.presence = at;
    at = widen(at, row->segment_presence, n * row->n_parts);
    e.track_vector = at;
    at = widen(at, row->track_vector, row->dim);
    e.track_presence = at;
    widen(at, row->track_presence, row->n_parts);
    tb_error why = {0};
    const tb_status status = tb__index_embedding(l->space, track, &e, &why);
    if (status == TB_NO_MEMORY) return tb_error_set(l->err, TB_NO_MEMORY, "%s", why.message);
    if (status == TB_OK) l->n_tracks++;
    else l->n_unfit++; /* one bad row must not keep all others from being served */
    return TB_OK;
}

static tb_status load_indexes(tb_engine *engine, tb_error *err)
{
    tb_status status = TB_OK;
    loading l = {.engine = engine, .err = err};
    for (size_t i = 0; i < engine->n_spaces; i++) {
        const int64_t begin = engine->clock->mono_ns(engine->clock);
        size_t n_bad = 0;
        l.space = &engine->spaces[i];
        l.n_tracks = 0;
        l.n_unfit = 0;
        TB_TRY(tb_store_each_embedding(engine->store, l.space->id, 0, load_embedding, &l, &n_bad, err));
        tb_log(TB_LOG_INFO, "engine", "space %s: %lld tracks, %zu segments in memory after %.3f s", l.space->info->name,
               (long long)l.n_tracks, tb_index_count(l.space->segments), tb_clock_elapsed_s(engine->clock, begin));
        n_bad += l.n_unfit;
        if (n_bad) tb_log(TB_LOG_ERROR, "engine", "space %s: %zu damaged embeddings are left out; scan with force to make them anew", l.space->info->name, n_bad);
    }
out:
    tb_free(l.values);
    return status;
}

/* --- open and close ------------------------------------------------------------------------------------ */

/* Uploads that were under way when the process ended are of no use; those of jobs lie in a folder of their own. */
static void clear_incoming(const char *folder)
{
    char **names = NULL;
    size_t n = 0;
    if (tb_fs_list(folder, &names, &n, NULL) != TB_OK) return;
    for (size_t i = 0; i < n; i++) {
        char *path = tb_fs_join(folder, names[i]);
        if (path && unlink(path) != 0) tb_log(TB_LOG_DEBUG, "engine", "%s stays", path);
        tb_free(path);
    }
    tb_fs_list_free(names, n);
}

static tb_status open_store(tb_engine *engine, const tb_engine_options *options, tb_error *err)
{
    const char *features[TB_FEATURE_COUNT];
    for (size_t i = 0; i < TB_FEATURE_COUNT; i++) features[i] = tb_feature_get_info((tb_feature)i)->name;
    const tb_store_options store = {
        .folder = options->data_folder,
        .busy_timeout_ms = (int)(1000 * (options->busy_timeout_s > 0 ? options->busy_timeout_s : 10)),
        .features = features,
        .n_features = TB_FEATURE_COUNT,
        .clock = engine->clock,
    };
    return tb_store_open(&store, &engine->store, err);
}

tb_status tb_engine_open(const tb_engine_options *options, tb_engine **engine, tb_error *err)
{
    tb_status status = TB_OK;
    tb_engine *made = tb_alloc(1, sizeof *made);
    if (!made) return tb_error_set(err, TB_NO_MEMORY, "no memory for the engine");
    pthread_mutex_init(&made->commit, NULL);
    made->clock = options->clock ? options->clock : tb_clock_system();
    made->max_duration_s = options->max_duration_s > 0 ? options->max_duration_s : 24 * 3600.0;
    const long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    made->n_threads = options->n_threads ? options->n_threads : n_processors > 0 ? (size_t)n_processors : 1;
    if (made->n_threads > TB_INDEX_MAX_THREADS) made->n_threads = TB_INDEX_MAX_THREADS;

    TB_TRY(tb_fs_make_directories(options->data_folder, err));
    TB_TRY(tb_fs_real_path(options->data_folder, &made->data_folder, err)); /* the store keeps whole paths */
    made->models_folder = tb_strdup(options->models_folder);
    made->incoming_folder = tb_fs_join(made->data_folder, "incoming");
    made->uploads_folder = tb_fs_join(made->data_folder, "audio");
    if (!made->models_folder || !made->incoming_folder || !made->uploads_folder)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the engine");
    TB_TRY(tb__track_cache_new(TB__CACHED_TRACKS, &made->cache, err));
    TB_TRY(open_store(made, options, err)); /* takes the folder's lock: from here on it is ours */
    TB_TRY(tb_fs_make_directories(made->incoming_folder, err));
    TB_TRY(tb_fs_make_directories(made->uploads_folder, err));
    TB_TRY(tb_fs_sync_directory(made->data_folder, err));
    clear_incoming(made->incoming_folder);
    tb__sweep_uploads(made);
    TB_TRY(open_spaces(made, err));
    TB_TRY(load_indexes(made, err));
    TB_TRY(tb_pool_new("tb-job", made->n_threads, 2 * made->n_threads, &made->pool, err));
    TB_TRY(tb__jobs_start(made, options->run_jobs, err));
    *engine = made;
    made = NULL;
out:
    tb_engine_close(made);
    return status;
}

void tb_engine_close(tb_engine *engine)
{
    if (!engine) return;
    atomic_store(&engine->closing, true);
    tb__jobs_stop(engine);
    tb_pool_free(engine->pool);
    for (size_t i = 0; i < engine->n_spaces; i++) {
        tb_index_free(engine->spaces[i].segments);
        tb_index_free(engine->spaces[i].tracks);
        tb_model_close(engine->spaces[i].model);
    }
    tb_store_close(engine->store);
    tb__track_cache_free(engine->cache);
    pthread_mutex_destroy(&engine->commit);
    tb_free(engine->uploads_folder);
    tb_free(engine->incoming_folder);
    tb_free(engine->models_folder);
    tb_free(engine->data_folder);
    tb_free(engine);
}

/* --- what it is and how it does -------------------------------------------------------------------------- */

size_t tb_engine_n_spaces(const tb_engine *engine)
{
    return engine->n_spaces;
}

void tb_engine_space(const tb_engine *engine, size_t i, tb_space_info *info)
{
    const tb__space *space = &engine->spaces[i];
    tb_index_stats tracks, segments;
    tb_index_get_stats(space->tracks, &tracks);
    tb_index_get_stats(space->segments, &segments);
    *info = (tb_space_info){
        .name = space->info->name,
        .model_version = space->info->version,
        .dim = space->info->dim,
        .n_parts = space->info->n_parts,
        .part_names = space->part_names,
        .part_offsets = space->part_offsets,
        .part_dims = space->part_dims,
        .unit_length = space->info->unit_length,
        .window_s = space->info->window_s,
        .hop_s = space->info->hop_s,
        .active = i == engine->active,
        .n_tracks = tracks.n_items,
        .n_segments = segments.n_items,
        .index_bytes = tracks.n_bytes + segments.n_bytes,
    };
}

tb_status tb_engine_get_stats(tb_engine *engine, tb_engine_stats *stats, tb_error *err)
{
    tb_status status = TB_OK;
    tb_store_counts counts;
    TB_TRY(tb_store_count(engine->store, &counts, err));
    tb_engine_stats made = {
        .n_tracks = counts.tracks,
        .n_segments = counts.segments,
        .n_files = counts.files,
        .n_failures = counts.failed_files,
        .database_bytes = counts.size_bytes,
        .n_searches = atomic_load(&engine->n_searches),
        .n_ingested = atomic_load(&engine->n_ingested),
    };
    for (size_t i = 0; i < engine->n_spaces; i++) {
        tb_index_stats tracks, segments;
        tb_index_get_stats(engine->spaces[i].tracks, &tracks);
        tb_index_get_stats(engine->spaces[i].segments, &segments);
        made.index_bytes += (int64_t)(tracks.n_bytes + segments.n_bytes);
        made.kernel = segments.kernels;
    }
    *stats = made;
out:
    return status;
}

/* Looks at what a write needs without writing: probes come every few seconds. */
tb_status tb_engine_ready(tb_engine *engine, tb_error *err)
{
    tb_status status = TB_OK;
    enum { LOW_DISK_BYTES = 16 * 1024 * 1024 };
    struct statvfs disk;
    if (atomic_load(&engine->closing)) TB_FAIL(err, TB_BUSY, "the server is stopping");
    if (statvfs(engine->data_folder, &disk) != 0) TB_FAIL(err, TB_IO, "the data folder %s cannot be reached", engine->data_folder);
    if ((uint64_t)disk.f_bavail * disk.f_frsize < LOW_DISK_BYTES)
        TB_FAIL(err, TB_FULL, "less than 16 MiB are free on the disk of %s", engine->data_folder);
    tb_store_counts counts;
    TB_TRY(tb_store_count(engine->store, &counts, err));
out:
    return status;
}

const char *tb_engine_incoming_folder(const tb_engine *engine)
{
    return engine->incoming_folder;
}

const tb_clock *tb_engine_clock(const tb_engine *engine)
{
    return engine->clock;
}
