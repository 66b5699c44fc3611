// SPDX-License-Identifier: MIT
/* Adding and removing tracks.
 *
 * Order of an add, so that a crash at any point leaves nothing half there: the upload's bytes are synced, then
 * renamed to their place, then one transaction writes the track, then searches see it.  A crash before the
 * transaction leaves a file without a row, which the next start removes (tb__sweep_uploads); a crash after it
 * loses nothing, because indexes are made from the store.
 * Order of a removal: the transaction, the indexes, the file. */
#include "engine/engine_internal.h"

#include "audio/identity.h"
#include "audio/tags.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/half.h"
#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Version of the code that computes features, kept with each track; a scan with force computes them anew. */
enum { ANALYSIS_VERSION = 1 };

/* --- what is put into the store --------------------------------------------------------------------------- */

/* A tb_track_put and the memory that it points to. */
typedef struct put_memory {
    tb_embedding_row rows[TB__MAX_SPACES];
    uint16_t *halves[TB__MAX_SPACES];
    tb_feature_value features[TB_FEATURE_COUNT];
    tb_external_id_value *external_ids;
} put_memory;

static uint16_t *narrow(uint16_t *out, const float *values, size_t n)
{
    for (size_t i = 0; i < n; i++) out[i] = tb_half_from_float(values[i]);
    return out + n;
}

static tb_status make_embedding_row(const tb__space *space, const tb_space_embedding *e, tb_embedding_row *row, uint16_t **halves, tb_error *err)
{
    const size_t dim = space->info->dim, n_parts = space->info->n_parts, n = e->n_segments;
    uint16_t *at = *halves = tb_alloc((n + 1) * (dim + n_parts), sizeof *at);
    if (!at) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu segments", n);
    *row = (tb_embedding_row){.space_id = space->id, .n_segments = n, .dim = dim, .n_parts = n_parts,
                              .starts_s = e->start_s, .durations_s = e->duration_s};
    row->track_vector = at;
    at = narrow(at, e->track_vector, dim);
    row->track_presence = at;
    at = narrow(at, e->track_presence, n_parts);
    row->segment_vectors = at;
    at = narrow(at, e->vectors, n * dim);
    row->segment_presence = at;
    narrow(at, e->presence, n * n_parts);
    return TB_OK;
}

static tb_status fill_put(tb_engine *engine, const tb_analysis *analysis, const tb_track_patch *metadata, tb_track_put *put, put_memory *memory, tb_error *err)
{
    tb_status status = TB_OK;
    put->audio_hash = analysis->audio_hash;
    put->audio_hash_size = sizeof analysis->audio_hash;
    put->duration_s = analysis->duration_s;
    put->rate_hz = analysis->rate_hz;
    put->channels = analysis->channels;
    put->format = analysis->format;
    put->analysis_version = ANALYSIS_VERSION;
    for (size_t f = 0; f < TB_FEATURE_COUNT; f++)
        if (analysis->features.has[f])
            memory->features[put->n_features++] = (tb_feature_value){tb_feature_get_info((tb_feature)f)->name, analysis->features.value[f]};
    put->features = memory->features;
    for (size_t i = 0; i < analysis->n_embeddings; i++) {
        const tb_space_embedding *e = &analysis->embeddings[i];
        TB_TRY(make_embedding_row(&engine->spaces[e->space], e, &memory->rows[i], &memory->halves[i], err));
    }
    put->embeddings = memory->rows;
    put->n_embeddings = analysis->n_embeddings;
    if (metadata) {
        TB_TRY(tb__apply_patch(metadata, &put->tags, &put->edited, err));
        put->payload = metadata->set_payload ? metadata->payload : NULL;
        memory->external_ids = tb_alloc(metadata->n_external_ids, sizeof *memory->external_ids);
        if (!memory->external_ids) TB_FAIL(err, TB_NO_MEMORY, "no memory for external IDs");
        for (size_t i = 0; i < metadata->n_external_ids; i++)
            memory->external_ids[i] = (tb_external_id_value){metadata->external_ids[i].scheme, metadata->external_ids[i].value};
        put->external_ids = memory->external_ids;
        put->n_external_ids = metadata->n_external_ids;
    }
out:
    return status;
}

static void clear_put_memory(put_memory *memory)
{
    for (size_t i = 0; i < TB__MAX_SPACES; i++) tb_free(memory->halves[i]);
    tb_free(memory->external_ids);
}

/* --- uploads ------------------------------------------------------------------------------------------------ */

/* <data>/audio/<first two characters of the id>/<id>.<extension>; the folder is made.  *path: tb_free. */
static tb_status upload_path(tb_engine *engine, const uint8_t *audio_hash, const char *file_name, char **path, tb_error *err)
{
    tb_status status = TB_OK;
    char id[TB_TRACK_ID_SIZE], folder_name[3], name[TB_TRACK_ID_SIZE + 16], extension[9] = "";
    char *folder = NULL;
    tb_base32_encode(audio_hash, 10, id);
    memcpy(folder_name, id, 2);
    folder_name[2] = '\0';
    size_t n = 0;
    for (const char *c = tb_fs_extension(file_name); *c && n < sizeof extension - 1; c++) /* letters and digits alone */
        if ((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')) extension[n++] = *c;
    extension[n] = '\0';
    snprintf(name, sizeof name, "%s%s%s", id, n ? "." : "", extension);
    folder = tb_fs_join(engine->uploads_folder, folder_name);
    if (!folder) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    TB_TRY(tb_fs_make_directories(folder, err));
    TB_TRY(tb_fs_sync_directory(engine->uploads_folder, err)); /* the new folder's own name */
    if (!(*path = tb_fs_join(folder, name))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
out:
    tb_free(folder);
    return status;
}

tb_status tb__sync_file(const char *path, tb_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return tb_error_errno(err, errno, "cannot open the upload");
    const int failed = fsync(fd) != 0 ? errno : 0;
    close(fd);
    return failed ? tb_error_errno(err, failed, "cannot write the upload to disk") : TB_OK;
}

static tb_status move_upload(const char *from, const char *to, tb_error *err)
{
    if (rename(from, to) != 0) return tb_error_errno(err, errno, "cannot keep the upload");
    char *folder = tb_strdup(to);
    if (!folder) return tb_error_set(err, TB_NO_MEMORY, "no memory for a path");
    *strrchr(folder, '/') = '\0';
    const tb_status status = tb_fs_sync_directory(folder, err);
    tb_free(folder);
    return status;
}

static bool is_upload(const tb_engine *engine, const tb_track_file_row *file)
{
    return file->library_id == 0 && tb_fs_is_within(engine->uploads_folder, file->path);
}

/* The data folder was moved or is a copy: rows name uploads by where they were.  When the track that the upload
 * `folder_name/name` belongs to has it under another path, all rows are led to where they are now. */
static bool follow_moved_folder(tb_engine *engine, const char *folder_name, const char *name)
{
    char uid[TB_TRACK_ID_SIZE], *tail = tb_fs_join(folder_name, name), *old_root = NULL;
    int64_t track;
    tb_track_row row = {0};
    tb_error err = {0};
    bool moved = false;
    tb_text_copy(uid, sizeof uid, name);
    if (!tail || tb_store_find_track(engine->store, uid, &track, NULL) != TB_OK ||
        tb_store_get_track(engine->store, track, TB_WITH_FILES, &row, NULL) != TB_OK)
        goto out;
    for (size_t i = 0; i < row.n_files && !old_root; i++) {
        const char *path = row.files[i].path;
        const size_t size = strlen(path), tail_size = strlen(tail);
        if (row.files[i].library_id || size <= tail_size + 1 || strcmp(path + size - tail_size, tail) != 0) continue;
        if ((old_root = tb_strdup(path))) old_root[size - tail_size - 1] = '\0';
    }
    if (!old_root) goto out;
    moved = tb_store_move_uploads(engine->store, old_root, engine->uploads_folder, &err) == TB_OK;
    if (moved) tb_log(TB_LOG_INFO, "engine", "uploads that were in %s are in %s now", old_root, engine->uploads_folder);
    else tb_log(TB_LOG_ERROR, "engine", "the data folder was moved, and where uploads are now is not written: %s", err.message);
out:
    tb_track_row_clear(&row);
    tb_free(old_root);
    tb_free(tail);
    return moved;
}

/* The name starts with the ID of a track: whatever the rows say, its audio is not thrown away. */
static bool is_of_a_track(tb_engine *engine, const char *name)
{
    char uid[TB_TRACK_ID_SIZE];
    int64_t track;
    tb_text_copy(uid, sizeof uid, name);
    return tb_store_find_track(engine->store, uid, &track, NULL) != TB_NOT_FOUND;
}

static void sweep_folder(tb_engine *engine, const char *folder)
{
    char **names = NULL;
    size_t n = 0;
    if (tb_fs_list(folder, &names, &n, NULL) != TB_OK) return;
    for (size_t i = 0; i < n; i++) {
        char *path = tb_fs_join(folder, names[i]);
        tb_file_row file = {0};
        if (path && tb_store_get_file(engine->store, path, &file, NULL) == TB_NOT_FOUND &&
            !follow_moved_folder(engine, tb_fs_name(folder), names[i]) && !is_of_a_track(engine, names[i]) && unlink(path) == 0)
            tb_log(TB_LOG_INFO, "engine", "removed %s, an upload that was never finished", path);
        tb_file_row_clear(&file);
        tb_free(path);
    }
    tb_fs_list_free(names, n);
}

void tb__sweep_uploads(tb_engine *engine)
{
    char **names = NULL;
    size_t n = 0;
    if (tb_fs_list(engine->uploads_folder, &names, &n, NULL) != TB_OK) return;
    for (size_t i = 0; i < n; i++) {
        char *folder = tb_fs_join(engine->uploads_folder, names[i]);
        if (folder) sweep_folder(engine, folder);
        tb_free(folder);
    }
    tb_fs_list_free(names, n);
}

/* --- add ------------------------------------------------------------------------------------------------------ */

bool tb__is_embedded(const tb_engine *engine, int64_t track)
{
    for (size_t i = 0; i < engine->n_spaces; i++)
        if (tb_index_get(engine->spaces[i].tracks, (uint64_t)track, NULL, NULL, NULL, NULL) != TB_OK) return false;
    return true;
}

static tb_status show_to_searches(tb_engine *engine, int64_t track, const tb_analysis *analysis, bool replace, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < analysis->n_embeddings; i++) {
        const tb_space_embedding *e = &analysis->embeddings[i];
        const tb__space *space = &engine->spaces[e->space];
        if (replace || tb_index_get(space->tracks, (uint64_t)track, NULL, NULL, NULL, NULL) != TB_OK)
            TB_TRY(tb__index_embedding(space, track, e, err));
    }
out:
    return status;
}

static bool has_file(const tb_track_row *row)
{
    for (size_t i = 0; i < row->n_files; i++)
        if (access(row->files[i].path, R_OK) == 0) return true;
    return false;
}

typedef struct adding {
    const char *path; /* where the bytes are now */
    const tb_add_options *options;
    tb_fs_info info;
    tb_identity file_hash;
    int64_t library_id;
    tb_tags tags;
    char *title; /* from the file's name, when there is no tag */
} adding;

static void use_tags(const adding *a, tb_tag_values *values)
{
    *values = (tb_tag_values){
        .title = a->tags.title ? a->tags.title : a->title,
        .artist = a->tags.artist,
        .album = a->tags.album,
        .album_artist = a->tags.album_artist,
        .composer = a->tags.composer,
        .genre = a->tags.genre,
        .comment = a->tags.comment,
        .year = a->tags.year,
        .track = a->tags.track,
        .disc = a->tags.disc,
    };
}

/* "dir/My song.flac" gives "My song". */
static char *title_of_name(const char *path)
{
    const char *name = tb_fs_name(path);
    const char *extension = tb_fs_extension(path);
    size_t size = strlen(name);
    if (*extension && size > strlen(extension) + 1) size -= strlen(extension) + 1;
    return tb_utf8_clean(name, size);
}

static tb_status prepare(tb_engine *engine, adding *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_library_row library = {0};
    if (a->options->library) {
        TB_TRY(tb_store_get_library(engine->store, a->options->library, &library, err));
        a->library_id = library.id;
    }
    TB_TRY(tb_fs_stat(a->path, &a->info, err));
    TB_TRY(tb_identity_file(a->path, &a->file_hash, err));
    TB_TRY(tb_tags_read_path(a->path, &a->tags, err));
    const char *named = a->options->file_name && *a->options->file_name ? a->options->file_name : a->options->move_upload ? NULL : a->path;
    if (named && !a->tags.title && !(a->title = title_of_name(named))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a title");
out:
    tb_library_row_clear(&library);
    return status;
}

static tb_file_put file_of(const adding *a, const char *path)
{
    return (tb_file_put){.path = path, .library_id = a->library_id, .size_bytes = a->info.size_bytes, .modified_ns = a->info.modified_ns,
                         .file_hash = a->file_hash.bytes, .file_hash_size = sizeof a->file_hash.bytes};
}

/* The same bytes were taken in before: the track gets this path (and what the caller gave) without decoding.
 * TB_NOT_FOUND when they were not, or when a space lacks the track. */
static tb_status attach_known(tb_engine *engine, const adding *a, tb_put_result *put_result, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t track;
    tb_track_row known = {0};
    put_memory memory = {0};
    tb_analysis nothing = {0};
    const tb_file_put file = file_of(a, a->path);
    tb_track_put put = {.mode = a->options->move_upload ? TB_PUT_ATTACH : TB_PUT_RETAG};

    pthread_mutex_lock(&engine->commit);
    TB_TRY(tb_store_find_file_hash(engine->store, a->file_hash.bytes, sizeof a->file_hash.bytes, &track, err));
    if (!tb__is_embedded(engine, track)) TB_FAIL(err, TB_NOT_FOUND, "a space lacks the track");
    TB_TRY(tb_store_get_track(engine->store, track, TB_WITH_FILES, &known, err));
    if (a->options->move_upload && !has_file(&known)) TB_FAIL(err, TB_NOT_FOUND, "the track has no file");
    nothing.duration_s = known.duration_s;
    nothing.rate_hz = known.rate_hz;
    nothing.channels = known.channels;
    memcpy(nothing.audio_hash, known.audio_hash, sizeof nothing.audio_hash);
    if (known.format) tb_text_copy(nothing.format, sizeof nothing.format, known.format);
    use_tags(a, &put.tags);
    TB_TRY(fill_put(engine, &nothing, a->options->metadata, &put, &memory, err));
    put.file = a->options->move_upload ? NULL : &file;
    TB_TRY(tb_store_put_track(engine->store, &put, put_result, err));
    if (put_result->removed_track_id) tb__unindex_track(engine, put_result->removed_track_id);
out:
    pthread_mutex_unlock(&engine->commit);
    clear_put_memory(&memory);
    tb_track_row_clear(&known);
    return status;
}

/* Called with `commit` held: an upload is kept unless its audio has a file already. */
static tb_status keep_upload(tb_engine *engine, const adding *a, const tb_analysis *analysis, char **kept, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t track;
    tb_track_row row = {0};
    const tb_status found = tb_store_find_audio(engine->store, analysis->audio_hash, sizeof analysis->audio_hash, &track, err);
    if (found != TB_OK && found != TB_NOT_FOUND) TB_FAIL(err, found, "%s", err ? err->message : "");
    if (found == TB_OK) {
        TB_TRY(tb_store_get_track(engine->store, track, TB_WITH_FILES, &row, err));
        if (has_file(&row)) goto out;
    }
    TB_TRY(upload_path(engine, analysis->audio_hash, a->options->file_name ? a->options->file_name : "", kept, err));
    TB_TRY(move_upload(a->path, *kept, err));
out:
    tb_track_row_clear(&row);
    return status;
}

static tb_status store_analysed(tb_engine *engine, const adding *a, const tb_analysis *analysis, tb_put_result *put_result, tb_error *err)
{
    tb_status status = TB_OK;
    put_memory memory = {0};
    char *kept = NULL;
    bool locked = false;
    tb_track_put put = {.mode = a->options->force ? TB_PUT_REPLACE : a->options->move_upload ? TB_PUT_ATTACH : TB_PUT_RETAG};
    use_tags(a, &put.tags);
    TB_TRY(fill_put(engine, analysis, a->options->metadata, &put, &memory, err));
    if (a->options->move_upload) TB_TRY(tb__sync_file(a->path, err));

    pthread_mutex_lock(&engine->commit);
    locked = true;
    if (a->options->move_upload) TB_TRY(keep_upload(engine, a, analysis, &kept, err));
    const tb_file_put file = file_of(a, kept ? kept : a->path);
    put.file = a->options->move_upload && !kept ? NULL : &file;
    TB_TRY(tb_store_put_track(engine->store, &put, put_result, err));
    tb_free(kept);
    kept = NULL; /* it is the store's now */
    if (put_result->removed_track_id) tb__unindex_track(engine, put_result->removed_track_id);
    TB_TRY(show_to_searches(engine, put_result->track_id, analysis, put_result->created || a->options->force, err));
out:
    if (kept) unlink(kept);
    if (locked) pthread_mutex_unlock(&engine->commit);
    tb_free(kept);
    clear_put_memory(&memory);
    return status;
}

tb_status tb_engine_add_file(tb_engine *engine, const char *path, const tb_add_options *options, tb_add_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    adding a = {.path = path, .options = options};
    tb_analysis analysis = {0};
    tb_put_result put_result = {0};

    TB_TRY(prepare(engine, &a, err));
    if (!options->force) {
        const tb_status known = attach_known(engine, &a, &put_result, err);
        if (known == TB_OK) goto done;
        if (known != TB_NOT_FOUND) TB_TRY(known);
    }
    const tb_analysis_options wanted = {.only_space = -1, .cancelled = options->cancelled, .context = options->context};
    TB_TRY(tb_engine_analyse(engine, path, &wanted, &analysis, err));
    TB_TRY(store_analysed(engine, &a, &analysis, &put_result, err));
    atomic_fetch_add(&engine->n_ingested, 1);
done:
    if (options->move_upload) unlink(path); /* gone already when it was kept */
    memcpy(result->id, put_result.uid, sizeof result->id);
    result->created = put_result.created;
out:
    tb_analysis_clear(&analysis);
    tb_tags_clear(&a.tags);
    tb_free(a.title);
    return status;
}

/* --- remove ---------------------------------------------------------------------------------------------------- */

tb_status tb_engine_remove_track(tb_engine *engine, const char *id, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t track;
    tb_track_row row = {0};
    TB_TRY(tb__find_track(engine, id, &track, err));
    pthread_mutex_lock(&engine->commit);
    status = tb_store_get_track(engine->store, track, TB_WITH_FILES, &row, err);
    if (status == TB_OK) status = tb_store_delete_track(engine->store, track, err);
    if (status == TB_OK) tb__unindex_track(engine, track);
    for (size_t i = 0; status == TB_OK && i < row.n_files; i++)
        if (is_upload(engine, &row.files[i])) unlink(row.files[i].path);
    pthread_mutex_unlock(&engine->commit);
    if (status == TB_NOT_FOUND) TB_FAIL(err, TB_NOT_FOUND, "there is no track \"%.100s\" any more", id);
out:
    tb_track_row_clear(&row);
    return status;
}
