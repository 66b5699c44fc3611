// SPDX-License-Identifier: MIT
/* The catalog: rows of the store become tracks as users see them, and edits go the other way. */
#include "engine/engine_internal.h"

#include "base/alloc.h"
#include "base/half.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- tags: the enum here and the struct of the store ----------------------------------------------------- */

static const struct {
    const char *name;
    bool is_number;
    unsigned edit; /* tb_edit_what */
} tag_table[TB_TAG_COUNT] = {
#define TAG_ROW(code, name, number) [TB_TAG_##code] = {name, number, TB_EDIT_##code},
    TB_TAG_LIST(TAG_ROW)
#undef TAG_ROW
};

const char *tb_tag_name(tb_tag tag)
{
    return tag_table[tag].name;
}

bool tb_tag_is_number(tb_tag tag)
{
    return tag_table[tag].is_number;
}

/* The field of a tag that is text; NULL for numbers. */
static const char **text_field(tb_tag_values *values, tb_tag tag)
{
    switch (tag) {
    case TB_TAG_TITLE: return &values->title;
    case TB_TAG_ARTIST: return &values->artist;
    case TB_TAG_ALBUM: return &values->album;
    case TB_TAG_ALBUM_ARTIST: return &values->album_artist;
    case TB_TAG_COMPOSER: return &values->composer;
    case TB_TAG_GENRE: return &values->genre;
    case TB_TAG_COMMENT: return &values->comment;
    default: return NULL;
    }
}

static int *number_field(tb_tag_values *values, tb_tag tag)
{
    return tag == TB_TAG_YEAR ? &values->year : tag == TB_TAG_TRACK ? &values->track : &values->disc;
}

tb_status tb__apply_patch(const tb_track_patch *patch, tb_tag_values *values, unsigned *edited, tb_error *err)
{
    tb_status status = TB_OK;
    for (tb_tag tag = 0; tag < TB_TAG_COUNT; tag++) {
        if (!patch->set_tag[tag]) continue;
        const char *text = patch->tags[tag];
        const char **field = text_field(values, tag);
        if (field) {
            *field = text;
        } else {
            int64_t number = 0;
            if (text && tb_parse_int(text, 0, 99999, &number) != TB_OK)
                TB_FAIL(err, TB_INVALID, "%s must be a whole number from 0 to 99999", tb_tag_name(tag));
            *number_field(values, tag) = (int)number;
        }
        *edited |= tag_table[tag].edit;
    }
out:
    return status;
}

/* --- from rows ------------------------------------------------------------------------------------------- */

static bool copy_text(char **out, const char *text)
{
    *out = NULL;
    if (!text || !*text) return true;
    *out = tb_strdup(text);
    return *out != NULL;
}

static bool copy_number(char **out, int number)
{
    char text[16];
    *out = NULL;
    if (number == 0) return true;
    snprintf(text, sizeof text, "%d", number);
    return copy_text(out, text);
}

static void copy_features(tb_track_features *features, const tb_track_row *row)
{
    for (size_t i = 0; i < row->n_features; i++)
        for (size_t f = 0; f < TB_FEATURE_COUNT; f++)
            if (strcmp(row->features[i].name, tb_feature_get_info((tb_feature)f)->name) == 0) {
                features->has[f] = true;
                features->value[f] = row->features[i].value;
                break;
            }
}

static bool copy_external_ids(tb_track *track, const tb_track_row *row)
{
    if (row->n_external_ids == 0) return true;
    track->external_ids = tb_alloc(row->n_external_ids, sizeof *track->external_ids);
    if (!track->external_ids) return false;
    for (size_t i = 0; i < row->n_external_ids; i++) {
        tb_external_id *id = &track->external_ids[i];
        track->n_external_ids = i + 1;
        if (!copy_text(&id->scheme, row->external_ids[i].scheme) || !copy_text(&id->value, row->external_ids[i].value)) return false;
    }
    return true;
}

/* track: zeroed; on failure what was copied is in it. */
static tb_status track_from_row(const tb_track_row *row, tb_track *track, tb_error *err)
{
    tb_tag_values tags = row->tags;
    bool fits = true;
    memcpy(track->id, row->uid, sizeof track->id);
    track->number = row->id;
    track->duration_s = row->duration_s;
    track->rate_hz = row->rate_hz;
    track->channels = row->channels;
    track->added_ms = row->added_ms;
    track->updated_ms = row->updated_ms;
    fits = fits && copy_text(&track->format, row->format) && copy_text(&track->payload, row->payload);
    for (tb_tag tag = 0; tag < TB_TAG_COUNT; tag++)
        fits = fits && (tag_table[tag].is_number ? copy_number(&track->tags[tag], *number_field(&tags, tag))
                                                 : copy_text(&track->tags[tag], *text_field(&tags, tag)));
    fits = fits && copy_external_ids(track, row);
    if (row->n_files) {
        const tb_track_file_row *file = &row->files[0];
        fits = fits && copy_text(&track->library, file->library);
        track->path = tb_utf8_clean(file->path, strlen(file->path));
        fits = fits && track->path;
    }
    copy_features(&track->features, row);
    return fits ? TB_OK : tb_error_set(err, TB_NO_MEMORY, "no memory for a track");
}

void tb_track_clear(tb_track *track)
{
    tb_free(track->format);
    for (tb_tag tag = 0; tag < TB_TAG_COUNT; tag++) tb_free(track->tags[tag]);
    tb_free(track->payload);
    for (size_t i = 0; i < track->n_external_ids; i++) {
        tb_free(track->external_ids[i].scheme);
        tb_free(track->external_ids[i].value);
    }
    tb_free(track->external_ids);
    tb_free(track->library);
    tb_free(track->path);
    *track = (tb_track){0};
}

bool tb__track_copy(const tb_track *from, tb_track *to)
{
    tb_track made = *from; /* numbers and features; what is owned follows */
    made.external_ids = NULL;
    made.n_external_ids = 0;
    bool fits = true;
    /* each is set before the next is tried, so that a failure leaves nothing borrowed */
    char **const texts[] = {&made.format, &made.payload, &made.library, &made.path};
    const char *const sources[] = {from->format, from->payload, from->library, from->path};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) fits = copy_text(texts[i], sources[i]) && fits;
    for (tb_tag tag = 0; tag < TB_TAG_COUNT; tag++) fits = copy_text(&made.tags[tag], from->tags[tag]) && fits;
    if (from->n_external_ids) made.external_ids = tb_alloc(from->n_external_ids, sizeof *made.external_ids);
    fits = fits && (from->n_external_ids == 0 || made.external_ids);
    for (size_t i = 0; fits && i < from->n_external_ids; i++) {
        made.n_external_ids = i + 1;
        fits = copy_text(&made.external_ids[i].scheme, from->external_ids[i].scheme) &&
               copy_text(&made.external_ids[i].value, from->external_ids[i].value);
    }
    if (!fits) tb_track_clear(&made);
    *to = made;
    return fits;
}

/* --- reading --------------------------------------------------------------------------------------------- */

tb_status tb__find_track(tb_engine *engine, const char *id, int64_t *track, tb_error *err)
{
    const uint64_t version = tb_store_version(engine->store); /* before anything is read */
    if (tb__track_cache_find(engine->cache, id, version, track)) return TB_OK;
    const tb_status status = tb_store_find_track(engine->store, id, track, err);
    if (status == TB_OK) tb__track_cache_note(engine->cache, id, version, *track);
    if (status == TB_NOT_FOUND) return tb_error_set(err, TB_NOT_FOUND, "there is no track \"%.100s\"", id);
    return status;
}

tb_status tb__get_tracks(tb_engine *engine, const int64_t *numbers, size_t n, tb_track *tracks, tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_row *rows = NULL;
    const uint64_t version = tb_store_version(engine->store); /* before anything is read */
    size_t n_missing = 0;
    int64_t *missing = NULL;
    size_t *places = NULL;
    for (size_t i = 0; i < n; i++) {
        if (tb__track_cache_get(engine->cache, numbers[i], version, &tracks[i])) continue;
        if (!missing) missing = tb_alloc(n - i, sizeof *missing);
        if (!places) places = tb_alloc(n - i, sizeof *places);
        if (!missing || !places) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu tracks", n);
        places[n_missing] = i;
        missing[n_missing++] = numbers[i];
    }
    if (n_missing) TB_TRY(tb_store_get_tracks(engine->store, missing, n_missing, TB_WITH_ALL, &rows, err));
    for (size_t i = 0; i < n_missing; i++) {
        tb_track *track = &tracks[places[i]];
        if (!rows[i].id) continue;
        TB_TRY(track_from_row(&rows[i], track, err));
        tb__track_cache_put(engine->cache, track, version);
    }
out:
    tb_track_rows_free(rows, n_missing);
    tb_free(missing);
    tb_free(places);
    return status;
}

tb_status tb_engine_get_track(tb_engine *engine, const char *id, tb_track *track, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t number;
    tb_track made = {0};
    TB_TRY(tb__find_track(engine, id, &number, err));
    TB_TRY(tb__get_tracks(engine, &number, 1, &made, err));
    if (made.number == 0) TB_FAIL(err, TB_NOT_FOUND, "there is no track \"%.100s\" any more", id);
    *track = made;
    made = (tb_track){0};
out:
    tb_track_clear(&made);
    return status;
}

tb_status tb_engine_list_tracks(tb_engine *engine, const tb_list_options *options, tb_track_list *list, tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_page page = {0};
    tb_track_list made = {0};
    const tb_track_page_options wanted = {
        .filter = options->filter,
        .words = options->text,
        .sort = options->sort,
        .limit = options->limit,
        .cursor = options->cursor,
        .with = TB_WITH_ALL,
    };
    if (options->limit < 1 || options->limit > TB_STORE_LIST_MAX)
        TB_FAIL(err, TB_INVALID, "limit must be from 1 to %d", TB_STORE_LIST_MAX);
    TB_TRY(tb_store_list_tracks(engine->store, &wanted, &page, err));
    made.tracks = tb_alloc(page.n, sizeof *made.tracks);
    if (!made.tracks) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu tracks", page.n);
    for (size_t i = 0; i < page.n; i++) {
        made.n_tracks = i + 1;
        TB_TRY(track_from_row(&page.tracks[i], &made.tracks[i], err));
    }
    if (page.next_cursor && !(made.next_cursor = tb_strdup(page.next_cursor))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a cursor");
    TB_TRY(tb_store_count_tracks(engine->store, options->filter, options->text, &made.total, err));
    *list = made;
    made = (tb_track_list){0};
out:
    tb_track_list_clear(&made);
    tb_track_page_clear(&page);
    return status;
}

void tb_track_list_clear(tb_track_list *list)
{
    for (size_t i = 0; i < list->n_tracks; i++) tb_track_clear(&list->tracks[i]);
    tb_free(list->tracks);
    tb_free(list->next_cursor);
    *list = (tb_track_list){0};
}

tb_status tb_engine_parse_filter(tb_engine *engine, const char *text, tb_filter **filter, tb_error *err)
{
    return tb_filter_parse(tb_store_fields(engine->store), text, filter, err);
}

tb_status tb_engine_new_filter(tb_engine *engine, tb_filter **filter, tb_error *err)
{
    return tb_filter_new(tb_store_fields(engine->store), filter, err);
}

/* --- editing --------------------------------------------------------------------------------------------- */

tb_status tb_engine_patch_track(tb_engine *engine, const char *id, const tb_track_patch *patch, tb_track *track, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t number;
    tb_external_id_value *ids = NULL;
    tb_track_edit edit = {0};
    tb_track made = {0};
    TB_TRY(tb__find_track(engine, id, &number, err));
    TB_TRY(tb__apply_patch(patch, &edit.tags, &edit.what, err));
    if (patch->set_payload) {
        edit.what |= TB_EDIT_PAYLOAD;
        edit.payload = patch->payload;
    }
    ids = tb_alloc(patch->n_external_ids, sizeof *ids);
    if (!ids) TB_FAIL(err, TB_NO_MEMORY, "no memory for external IDs");
    for (size_t i = 0; i < patch->n_external_ids; i++) {
        const char *value = patch->external_ids[i].value;
        ids[i] = (tb_external_id_value){patch->external_ids[i].scheme, value && *value ? value : NULL};
    }
    edit.external_ids = ids;
    edit.n_external_ids = patch->n_external_ids;
    TB_TRY(tb_store_edit_track(engine->store, number, &edit, err));
    TB_TRY(tb__get_tracks(engine, &number, 1, &made, err));
    if (made.number == 0) TB_FAIL(err, TB_NOT_FOUND, "there is no track \"%.100s\" any more", id);
    *track = made;
    made = (tb_track){0};
out:
    tb_track_clear(&made);
    tb_free(ids);
    return status;
}

/* --- embeddings and audio ---------------------------------------------------------------------------------- */

static float *floats_from(const uint16_t *halves, size_t n)
{
    float *values = tb_alloc(n, sizeof *values);
    for (size_t i = 0; values && i < n; i++) values[i] = tb_half_to_float(halves[i]);
    return values;
}

static float *copy_floats(const float *from, size_t n)
{
    float *values = tb_alloc(n, sizeof *values);
    if (values && n) memcpy(values, from, n * sizeof *values);
    return values;
}

tb_status tb__get_embedding(tb_engine *engine, int64_t track, size_t space, tb_track_embedding *embedding, tb_error *err)
{
    tb_status status = TB_OK;
    tb_embedding_row row;
    void *memory = NULL;
    tb_track_embedding made = {0};
    TB_TRY(tb_store_get_embedding(engine->store, track, engine->spaces[space].id, &row, &memory, err));
    tb_engine_space(engine, space, &made.space);
    made.n_segments = row.n_segments;
    made.vector = floats_from(row.track_vector, row.dim);
    made.presence = floats_from(row.track_presence, row.n_parts);
    made.segment_vectors = floats_from(row.segment_vectors, row.n_segments * row.dim);
    made.segment_presence = floats_from(row.segment_presence, row.n_segments * row.n_parts);
    made.segment_start_s = copy_floats(row.starts_s, row.n_segments);
    made.segment_duration_s = copy_floats(row.durations_s, row.n_segments);
    if (!made.vector || !made.presence || !made.segment_vectors || !made.segment_presence || !made.segment_start_s || !made.segment_duration_s)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for an embedding of %zu segments", row.n_segments);
    *embedding = made;
    made = (tb_track_embedding){0};
out:
    tb_track_embedding_clear(&made);
    tb_free(memory);
    return status;
}

tb_status tb_engine_get_embedding(tb_engine *engine, const char *id, const char *space, tb_track_embedding *embedding, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t number;
    size_t position;
    TB_TRY(tb__find_space(engine, space, &position, err));
    TB_TRY(tb__find_track(engine, id, &number, err));
    status = tb__get_embedding(engine, number, position, embedding, err);
    if (status == TB_NOT_FOUND)
        TB_FAIL(err, TB_NOT_FOUND, "track \"%.100s\" has no embedding in space %s; scan or add it again", id, engine->spaces[position].info->name);
out:
    return status;
}

void tb_track_embedding_clear(tb_track_embedding *embedding)
{
    tb_free(embedding->vector);
    tb_free(embedding->presence);
    tb_free(embedding->segment_vectors);
    tb_free(embedding->segment_presence);
    tb_free(embedding->segment_start_s);
    tb_free(embedding->segment_duration_s);
    *embedding = (tb_track_embedding){0};
}

static const char *content_type_of(const char *format)
{
    static const struct {
        const char *starts, *type;
    } types[] = {
        {"Ogg", "audio/ogg"}, {"Opus", "audio/ogg"}, {"FLAC", "audio/flac"}, {"MP3", "audio/mpeg"}, {"MPEG", "audio/mpeg"},
        {"WAV", "audio/wav"}, {"AIFF", "audio/aiff"}, {"AAC", "audio/mp4"}, {"ALAC", "audio/mp4"}, {"AU", "audio/basic"},
    };
    for (size_t i = 0; format && i < sizeof types / sizeof *types; i++)
        if (tb_text_starts_with(format, types[i].starts)) return types[i].type;
    return "application/octet-stream";
}

tb_status tb_engine_open_audio(tb_engine *engine, const char *id, int *fd, int64_t *size, const char **content_type, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t number;
    tb_track_row row = {0};
    int opened = -1;
    TB_TRY(tb__find_track(engine, id, &number, err));
    TB_TRY(tb_store_get_track(engine->store, number, TB_WITH_FILES, &row, err));
    struct stat info;
    for (size_t i = 0; i < row.n_files && opened < 0; i++) {
        opened = open(row.files[i].path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        if (opened >= 0 && (fstat(opened, &info) != 0 || !S_ISREG(info.st_mode))) {
            close(opened);
            opened = -1;
        }
    }
    if (opened < 0) TB_FAIL(err, TB_NOT_FOUND, "the audio file of track \"%.100s\" is not there any more; scan its library", id);
    *fd = opened;
    *size = info.st_size;
    *content_type = content_type_of(row.format);
out:
    tb_track_row_clear(&row);
    return status;
}
