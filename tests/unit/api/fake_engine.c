// SPDX-License-Identifier: MIT
/* See fake_engine.h. */
#include "fake_engine.h"

#include "base/alloc.h"
#include "base/text.h"
#include "engine/job.h"
#include "engine/library.h"

#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct tb_engine {
    int nothing;
};

tb_fake fake;
static tb_engine engine;
static const char *const ids[FAKE_TRACKS] = {"fake000000000001", "fake000000000002", "fake000000000003"};

void fake_reset(void)
{
    memset(&fake, 0, sizeof fake);
}

tb_engine *fake_engine(void)
{
    return &engine;
}

const char *fake_id(int i)
{
    return ids[i];
}

static tb_status fail(tb_error *err)
{
    if (fake.fail == TB_OK) return TB_OK;
    return tb_error_set(err, fake.fail, "%s",
                        fake.fail_message[0] ? fake.fail_message : "the test wants this to fail");
}

#define FAIL_IF_TOLD(err)                 \
    do {                                  \
        const tb_status told = fail(err); \
        if (told != TB_OK) return told;   \
    } while (0)

static void note(char *out, size_t capacity, const char *text)
{
    if (!tb_text_copy(out, capacity, text ? text : "")) out[0] = '\0';
}
#define NOTE(field, text) note(fake.field, sizeof fake.field, text)

/* --- engine.h ------------------------------------------------------------------------------------------ */

size_t tb_engine_n_spaces(const tb_engine *e)
{
    (void)e;
    return 1;
}

void tb_engine_space(const tb_engine *e, size_t i, tb_space_info *info)
{
    static const char *const names[] = {"timbre", "rhythm"};
    static const size_t offsets[] = {0, 2}, dims[] = {2, 2};
    (void)e;
    (void)i;
    *info = (tb_space_info){
        .name = "descriptors",
        .model_version = "1",
        .dim = FAKE_DIM,
        .n_parts = 2,
        .part_names = names,
        .part_offsets = offsets,
        .part_dims = dims,
        .unit_length = true,
        .window_s = 5,
        .hop_s = 2.5,
        .active = true,
        .n_tracks = FAKE_TRACKS,
        .n_segments = 6,
        .index_bytes = 1000,
    };
}

tb_status tb_engine_get_stats(tb_engine *e, tb_engine_stats *stats, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    *stats = (tb_engine_stats){.n_tracks = FAKE_TRACKS, .n_segments = 6, .kernel = "plain"};
    return TB_OK;
}

tb_status tb_engine_ready(tb_engine *e, tb_error *err)
{
    (void)e;
    return fail(err);
}

const tb_clock *tb_engine_clock(const tb_engine *e)
{
    (void)e;
    return tb_clock_system();
}

/* --- catalog.h ----------------------------------------------------------------------------------------- */

const char *tb_tag_name(tb_tag tag)
{
    static const char *const names[] = {
#define NAME(code, name, number) name,
        TB_TAG_LIST(NAME)
#undef NAME
    };
    return names[tag];
}

bool tb_tag_is_number(tb_tag tag)
{
    static const bool numbers[] = {
#define NUMBER(code, name, number) number,
        TB_TAG_LIST(NUMBER)
#undef NUMBER
    };
    return numbers[tag];
}

static void fill_track(int i, tb_track *track)
{
    memset(track, 0, sizeof *track);
    note(track->id, sizeof track->id, ids[i]);
    track->number = i + 1;
    track->duration_s = 184.2;
    track->rate_hz = 44100;
    track->channels = 2;
    track->format = tb_strdup("Ogg Vorbis");
    track->tags[TB_TAG_TITLE] = tb_strdup(i == 0 ? "A \"quoted\"\ntitle \xff" : "Song");
    track->tags[TB_TAG_YEAR] = tb_strdup("1999");
    track->payload = tb_strdup("{\"mood\":\"happy\"}");
    track->library = tb_strdup("music");
    track->path = tb_strdup("/music/a.ogg");
    track->external_ids = tb_alloc(1, sizeof *track->external_ids);
    if (track->external_ids) {
        track->external_ids[0] = (tb_external_id){tb_strdup("mbid"), tb_strdup("8f3471b5")};
        track->n_external_ids = 1;
    }
    for (int f = 0; f < TB_FEATURE_COUNT; f++) {
        track->features.has[f] = f != TB_FEATURE_TEMPO;
        track->features.value[f] = f == TB_FEATURE_TEMPO ? 0 : f + 0.25;
    }
    track->added_ms = track->updated_ms = 1769860800000;
}

void tb_track_clear(tb_track *track)
{
    for (int i = 0; i < TB_TAG_COUNT; i++) tb_free(track->tags[i]);
    for (size_t i = 0; i < track->n_external_ids; i++) {
        tb_free(track->external_ids[i].scheme);
        tb_free(track->external_ids[i].value);
    }
    tb_free(track->external_ids);
    tb_free(track->format);
    tb_free(track->payload);
    tb_free(track->library);
    tb_free(track->path);
    memset(track, 0, sizeof *track);
}

static int find(const char *id)
{
    for (int i = 0; i < FAKE_TRACKS; i++)
        if (strcmp(ids[i], id) == 0 || (i == 0 && strcmp(id, "mbid:8f/3471%b5") == 0)) return i;
    return -1;
}

static tb_status find_track(const char *id, int *i, tb_error *err)
{
    FAIL_IF_TOLD(err);
    *i = find(id);
    return *i >= 0 ? TB_OK : tb_error_set(err, TB_NOT_FOUND, "there is no track \"%.64s\"", id);
}

tb_status tb_engine_get_track(tb_engine *e, const char *id, tb_track *track, tb_error *err)
{
    int i = 0;
    (void)e;
    const tb_status status = find_track(id, &i, err);
    if (status == TB_OK) fill_track(i, track);
    return status;
}

tb_status tb_engine_patch_track(tb_engine *e, const char *id, const tb_track_patch *patch, tb_track *track,
                                tb_error *err)
{
    const tb_status status = tb_engine_get_track(e, id, track, err);
    if (status != TB_OK) return status;
    fake.set_title = patch->set_tag[TB_TAG_TITLE];
    fake.clears_year = patch->set_tag[TB_TAG_YEAR] && !patch->tags[TB_TAG_YEAR];
    NOTE(text, patch->tags[TB_TAG_TITLE]);
    NOTE(payload, patch->payload);
    NOTE(external_value, patch->n_external_ids > 0 ? patch->external_ids[0].value : "none");
    return TB_OK;
}

tb_status tb_engine_list_tracks(tb_engine *e, const tb_list_options *options, tb_track_list *list,
                                tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    NOTE(text, options->text);
    if (options->sort && strcmp(options->sort, "nonsense") == 0)
        return tb_error_set(err, TB_NOT_FOUND, "there is no field \"nonsense\"");
    fake.has_filter = options->filter != NULL;
    list->tracks = tb_alloc(FAKE_TRACKS, sizeof *list->tracks);
    if (!list->tracks) return tb_error_set(err, TB_NO_MEMORY, "no memory");
    list->n_tracks = options->limit < FAKE_TRACKS ? options->limit : FAKE_TRACKS;
    for (size_t i = 0; i < list->n_tracks; i++) fill_track((int)i, &list->tracks[i]);
    list->total = FAKE_TRACKS;
    list->next_cursor = list->n_tracks < FAKE_TRACKS ? tb_strdup("next") : NULL;
    return TB_OK;
}

void tb_track_list_clear(tb_track_list *list)
{
    for (size_t i = 0; i < list->n_tracks; i++) tb_track_clear(&list->tracks[i]);
    tb_free(list->tracks);
    tb_free(list->next_cursor);
    memset(list, 0, sizeof *list);
}

static tb_fields *fields;

static void free_fields(void)
{
    tb_fields_free(fields);
}

static tb_status get_fields(tb_error *err)
{
    static const char *const features[] = {"tempo", "loudness"};
    if (fields) return TB_OK;
    const tb_status status = tb_fields_new(features, 2, &fields, err);
    if (status == TB_OK) atexit(free_fields);
    return status;
}

tb_status tb_engine_parse_filter(tb_engine *e, const char *text, tb_filter **filter, tb_error *err)
{
    (void)e;
    const tb_status status = get_fields(err);
    return status == TB_OK ? tb_filter_parse(fields, text, filter, err) : status;
}

tb_status tb_engine_new_filter(tb_engine *e, tb_filter **filter, tb_error *err)
{
    (void)e;
    const tb_status status = get_fields(err);
    return status == TB_OK ? tb_filter_new(fields, filter, err) : status;
}

tb_status tb_engine_get_embedding(tb_engine *e, const char *id, const char *space,
                                  tb_track_embedding *embedding, tb_error *err)
{
    int i = 0;
    const tb_status status = find_track(id, &i, err);
    if (status != TB_OK) return status;
    (void)space;
    memset(embedding, 0, sizeof *embedding);
    tb_engine_space(e, 0, &embedding->space);
    embedding->n_segments = 2;
    embedding->vector = tb_alloc(FAKE_DIM, sizeof(float));
    embedding->presence = tb_alloc(2, sizeof(float));
    embedding->segment_vectors = tb_alloc(2 * FAKE_DIM, sizeof(float));
    embedding->segment_presence = tb_alloc(4, sizeof(float));
    embedding->segment_start_s = tb_alloc(2, sizeof(float));
    embedding->segment_duration_s = tb_alloc(2, sizeof(float));
    if (!embedding->vector || !embedding->presence || !embedding->segment_vectors ||
        !embedding->segment_presence || !embedding->segment_start_s || !embedding->segment_duration_s) {
        tb_track_embedding_clear(embedding);
        return tb_error_set(err, TB_NO_MEMORY, "no memory");
    }
    for (int k = 0; k < FAKE_DIM; k++) embedding->vector[k] = 0.1f * (float)(k + 1);
    for (int k = 0; k < 2 * FAKE_DIM; k++) embedding->segment_vectors[k] = (float)k;
    embedding->presence[0] = 1;
    embedding->segment_start_s[1] = 2.5f;
    embedding->segment_duration_s[0] = embedding->segment_duration_s[1] = 5;
    return TB_OK;
}

void tb_track_embedding_clear(tb_track_embedding *embedding)
{
    tb_free(embedding->vector);
    tb_free(embedding->presence);
    tb_free(embedding->segment_vectors);
    tb_free(embedding->segment_presence);
    tb_free(embedding->segment_start_s);
    tb_free(embedding->segment_duration_s);
    memset(embedding, 0, sizeof *embedding);
}

tb_status tb_engine_open_audio(tb_engine *e, const char *id, int *fd, int64_t *size,
                               const char **content_type, tb_error *err)
{
    int i = 0;
    (void)e;
    const tb_status status = find_track(id, &i, err);
    if (status != TB_OK) return status;
    struct stat info;
    const int opened = open(fake.audio_path, O_RDONLY | O_CLOEXEC);
    if (opened < 0 || fstat(opened, &info) != 0) return tb_error_set(err, TB_NOT_FOUND, "the file is gone");
    *fd = opened;
    *size = info.st_size;
    *content_type = "audio/ogg";
    return TB_OK;
}

/* --- ingest.h ------------------------------------------------------------------------------------------ */

tb_status tb_engine_analyse(tb_engine *e, const char *path, const tb_analysis_options *options,
                            tb_analysis *analysis, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    NOTE(path, path);
    if (fake.names_path) return tb_error_set(err, TB_UNSUPPORTED, "%s is text, not audio", path);
    fake.start_s = options->start_s;
    fake.duration_s = options->duration_s;
    memset(analysis, 0, sizeof *analysis);
    note(analysis->format, sizeof analysis->format, "FLAC");
    analysis->duration_s = 10;
    analysis->rate_hz = 8000;
    analysis->channels = 1;
    analysis->embeddings = tb_alloc(1, sizeof *analysis->embeddings);
    if (!analysis->embeddings) return tb_error_set(err, TB_NO_MEMORY, "no memory");
    analysis->n_embeddings = 1;
    tb_space_embedding *embedding = analysis->embeddings;
    embedding->n_segments = 1;
    embedding->vectors = tb_alloc(FAKE_DIM, sizeof(float));
    embedding->presence = tb_alloc(2, sizeof(float));
    embedding->start_s = tb_alloc(1, sizeof(float));
    embedding->duration_s = tb_alloc(1, sizeof(float));
    embedding->track_vector = tb_alloc(FAKE_DIM, sizeof(float));
    embedding->track_presence = tb_alloc(2, sizeof(float));
    if (embedding->vectors && embedding->presence && embedding->start_s && embedding->duration_s &&
        embedding->track_vector && embedding->track_presence)
        return TB_OK;
    tb_analysis_clear(analysis);
    return tb_error_set(err, TB_NO_MEMORY, "no memory");
}

void tb_analysis_clear(tb_analysis *analysis)
{
    for (size_t i = 0; i < analysis->n_embeddings; i++) {
        tb_free(analysis->embeddings[i].vectors);
        tb_free(analysis->embeddings[i].presence);
        tb_free(analysis->embeddings[i].start_s);
        tb_free(analysis->embeddings[i].duration_s);
        tb_free(analysis->embeddings[i].track_vector);
        tb_free(analysis->embeddings[i].track_presence);
    }
    tb_free(analysis->embeddings);
    memset(analysis, 0, sizeof *analysis);
}

static void note_add(const char *path, const tb_add_options *options)
{
    NOTE(path, path);
    NOTE(file_name, options->file_name);
    NOTE(library, options->library);
    NOTE(text, options->metadata ? options->metadata->tags[TB_TAG_TITLE] : NULL);
}

tb_status tb_engine_add_file(tb_engine *e, const char *path, const tb_add_options *options,
                             tb_add_result *result, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    note_add(path, options);
    if (options->move_upload) remove(path);
    *result = (tb_add_result){.created = !fake.known};
    note(result->id, sizeof result->id, ids[0]);
    return TB_OK;
}

tb_status tb_engine_remove_track(tb_engine *e, const char *id, tb_error *err)
{
    int i = 0;
    (void)e;
    return find_track(id, &i, err);
}

tb_status tb_engine_queue_add(tb_engine *e, const char *path, const tb_add_options *options, int64_t *job_id,
                              tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    note_add(path, options);
    remove(path);
    *job_id = 7;
    return TB_OK;
}

/* --- search.h ------------------------------------------------------------------------------------------ */

static void note_search(const tb_query *query, const tb_search_options *options)
{
    NOTE(id, query->id);
    NOTE(path, query->path);
    NOTE(space, options->space);
    fake.has_vector = query->vector != NULL;
    fake.n_vector = query->n_vector;
    fake.n_positive = query->n_positive;
    fake.n_negative = query->n_negative;
    fake.start_s = query->start_s;
    fake.duration_s = query->duration_s;
    fake.options = *options;
    fake.has_filter = options->filter != NULL;
    fake.using[0] = fake.previous[0] = '\0';
    for (size_t i = 0; i < options->n_using; i++) {
        const size_t used = strlen(fake.using);
        snprintf(fake.using + used, sizeof fake.using - used, "%s=%g;", options->using[i].part,
                 options->using[i].weight);
    }
    for (size_t i = 0; i < options->n_previous; i++) {
        const size_t used = strlen(fake.previous);
        snprintf(fake.previous + used, sizeof fake.previous - used, "%s;", options->previous[i]);
    }
}

tb_status tb_engine_search(tb_engine *e, const tb_query *query, const tb_search_options *options,
                           tb_search_result *result, tb_error *err)
{
    FAIL_IF_TOLD(err);
    note_search(query, options);
    if (query->id && find(query->id) < 0)
        return tb_error_set(err, TB_NOT_FOUND, "there is no track \"%.64s\"", query->id);
    memset(result, 0, sizeof *result);
    tb_engine_space(e, 0, &result->space);
    result->weights[0] = 1;
    result->query_presence[0] = result->query_presence[1] = 1;
    result->query_silent = fake.silent;
    if (fake.silent) return TB_OK;
    result->hits = tb_alloc(FAKE_TRACKS, sizeof *result->hits);
    if (!result->hits) return tb_error_set(err, TB_NO_MEMORY, "no memory");
    result->n_hits = options->limit < FAKE_TRACKS ? options->limit : FAKE_TRACKS;
    result->n_candidates = FAKE_TRACKS;
    result->dropped.filter = 5;
    for (size_t i = 0; i < result->n_hits; i++) {
        tb_hit *hit = &result->hits[i];
        fill_track((int)i, &hit->track);
        hit->score = 1 - 0.25 * (double)i;
        hit->distance = 0.5 * (double)i;
        hit->parts[0] = (tb_part_score){.distance = i == 1 ? (double)NAN : hit->distance,
                                        .score = hit->score,
                                        .presence = 1,
                                        .used = true};
        hit->parts[1] = (tb_part_score){.distance = 0.5, .score = 0.5, .presence = 1};
        hit->has_highlight = options->highlights && i == 0;
        hit->highlight = (tb_highlight){.start_s = 24.5,
                                        .end_s = 34.5,
                                        .query_start_s = query->vector ? -1 : 31,
                                        .part = 0,
                                        .score = 0.9};
    }
    return TB_OK;
}

void tb_search_result_clear(tb_search_result *result)
{
    for (size_t i = 0; i < result->n_hits; i++) tb_track_clear(&result->hits[i].track);
    tb_free(result->hits);
    memset(result, 0, sizeof *result);
}

/* --- job.h and library.h ------------------------------------------------------------------------------- */

const char *tb_job_state_name(tb_job_state state)
{
    static const char *const names[] = {
#define NAME(code, name) name,
        TB_JOB_STATES(NAME)
#undef NAME
    };
    return names[state];
}

void tb_job_clear(tb_job *job)
{
    tb_free(job->subject);
    tb_free(job->message);
    tb_free(job->result_id);
    memset(job, 0, sizeof *job);
}

tb_status tb_engine_get_job(tb_engine *e, int64_t id, tb_job *job, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    if (id != 7) return tb_error_set(err, TB_NOT_FOUND, "there is no job %lld", (long long)id);
    *job = (tb_job){.id = 7,
                    .kind = "scan",
                    .state = TB_JOB_RUNNING,
                    .subject = tb_strdup("music"),
                    .done = 8,
                    .eta_s = -1,
                    .created_ms = 1769860800000,
                    .started_ms = 1769860800001};
    return TB_OK;
}

tb_status tb_engine_list_jobs(tb_engine *e, size_t limit, tb_job **jobs, size_t *n, tb_error *err)
{
    FAIL_IF_TOLD(err);
    (void)limit;
    tb_job *one = tb_alloc(1, sizeof *one);
    if (!one) return tb_error_set(err, TB_NO_MEMORY, "no memory");
    const tb_status status = tb_engine_get_job(e, 7, one, err);
    *jobs = one;
    *n = 1;
    return status;
}

static tb_status change_job(int64_t id, tb_error *err)
{
    FAIL_IF_TOLD(err);
    return id == 7 ? TB_OK : tb_error_set(err, TB_NOT_FOUND, "there is no job %lld", (long long)id);
}

tb_status tb_engine_cancel_job(tb_engine *e, int64_t id, tb_error *err)
{
    (void)e;
    return change_job(id, err);
}

tb_status tb_engine_pause_job(tb_engine *e, int64_t id, tb_error *err)
{
    (void)e;
    return change_job(id, err);
}

tb_status tb_engine_resume_job(tb_engine *e, int64_t id, tb_error *err)
{
    (void)e;
    return change_job(id, err);
}

void tb_library_clear(tb_library *library)
{
    for (size_t i = 0; i < library->n_exclude; i++) tb_free(library->exclude[i]);
    tb_free(library->exclude);
    tb_free(library->name);
    tb_free(library->root);
    memset(library, 0, sizeof *library);
}

tb_status tb_engine_get_library(tb_engine *e, const char *name, tb_library *library, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    if (strcmp(name, "music") != 0)
        return tb_error_set(err, TB_NOT_FOUND, "there is no library \"%.64s\"", name);
    *library = (tb_library){.name = tb_strdup(name),
                            .root = tb_strdup("/music"),
                            .n_files = 3,
                            .n_tracks = 3};
    return TB_OK;
}

tb_status tb_engine_list_libraries(tb_engine *e, tb_library **libraries, size_t *n, tb_error *err)
{
    tb_library *one = tb_alloc(1, sizeof *one);
    if (!one) return tb_error_set(err, TB_NO_MEMORY, "no memory");
    const tb_status status = tb_engine_get_library(e, "music", one, err);
    if (status != TB_OK) {
        tb_free(one);
        return status;
    }
    *libraries = one;
    *n = 1;
    return TB_OK;
}

tb_status tb_engine_put_library(tb_engine *e, const char *name, const char *root, const char *const *exclude,
                                size_t n_exclude, bool *created, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    if (strcmp(name, "music") != 0) return tb_error_set(err, TB_INVALID, "that is no name for a library");
    NOTE(path, root);
    NOTE(text, n_exclude > 0 ? exclude[0] : NULL);
    *created = !fake.known;
    return TB_OK;
}

tb_status tb_engine_remove_library(tb_engine *e, const char *name, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    return strcmp(name, "music") == 0
               ? TB_OK
               : tb_error_set(err, TB_NOT_FOUND, "there is no library \"%.64s\"", name);
}

tb_status tb_engine_queue_scan(tb_engine *e, const char *name, const char *sub, bool force, int64_t *job_id,
                               tb_error *err)
{
    const tb_status status = tb_engine_remove_library(e, name, err);
    if (status != TB_OK) return status;
    NOTE(path, sub);
    fake.known = force;
    *job_id = 7;
    return TB_OK;
}

tb_status tb_engine_list_failures(tb_engine *e, const char *library, size_t offset, size_t limit,
                                  tb_failure **failures, size_t *n, int64_t *total, tb_error *err)
{
    (void)e;
    (void)library;
    (void)limit;
    FAIL_IF_TOLD(err);
    *total = 5;
    if (offset >= 5) {
        *failures = NULL;
        *n = 0;
        return TB_OK;
    }
    tb_failure *one = tb_alloc(1, sizeof *one);
    if (!one) return tb_error_set(err, TB_NO_MEMORY, "no memory");
    *one = (tb_failure){.path = tb_strdup("b.mp3"),
                        .reason = tb_strdup("it ends early"),
                        .at_ms = 1769860800000,
                        .attempts = 1};
    *failures = one;
    *n = 1;
    return TB_OK;
}

void tb_failures_free(tb_failure *failures, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tb_free(failures[i].path);
        tb_free(failures[i].reason);
    }
    tb_free(failures);
}

tb_status tb_engine_resolve_path(tb_engine *e, const char *path, char **real, char **library, tb_error *err)
{
    (void)e;
    FAIL_IF_TOLD(err);
    if (strncmp(path, "/music/", 7) != 0)
        return tb_error_set(err, TB_FORBIDDEN, "%.64s lies in no library", path);
    *real = tb_strdup(path);
    *library = tb_strdup("music");
    return TB_OK;
}
