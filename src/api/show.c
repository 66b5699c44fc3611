// SPDX-License-Identifier: MIT
/* The engine's types as JSON (see show.h).  Members that may be missing are null, so that a client can rely
 * on their names; only what has to be asked for (`with`) is left out. */
#include "api/show.h"

#include "base/text.h"

#include <string.h>

static void show_tag(tb_writer *writer, const char *name, const char *value, bool is_number)
{
    int64_t number = 0;
    if (!is_number) tb_writer_string(writer, name, value);
    else if (value && tb_parse_int(value, INT32_MIN, INT32_MAX, &number) == TB_OK)
        tb_writer_integer(writer, name, number);
    else tb_writer_null(writer, name);
}

void tb_show_features(tb_writer *writer, const char *key, const tb_track_features *features)
{
    tb_writer_open(writer, key, '{');
    for (int i = 0; i < TB_FEATURE_COUNT; i++) {
        const char *name = tb_feature_get_info((tb_feature)i)->name;
        if (features->has[i]) tb_writer_number(writer, name, features->value[i]);
        else tb_writer_null(writer, name);
    }
    tb_writer_close(writer, '}');
}

void tb_show_track(tb_writer *writer, const char *key, const tb_track *track, unsigned show,
                   const tb_track_embedding *embedding)
{
    tb_writer_open(writer, key, '{');
    tb_writer_string(writer, "id", track->id);
    for (int i = 0; i < TB_TAG_COUNT; i++)
        show_tag(writer, tb_tag_name((tb_tag)i), track->tags[i], tb_tag_is_number((tb_tag)i));
    tb_writer_number(writer, "duration", track->duration_s);
    tb_writer_string(writer, "format", track->format);
    tb_writer_integer(writer, "sample_rate", track->rate_hz);
    tb_writer_integer(writer, "channels", track->channels);
    tb_writer_string(writer, "library", track->library);
    tb_writer_string(writer, "path", track->path);
    tb_writer_open(writer, "external_ids", '{');
    for (size_t i = 0; i < track->n_external_ids; i++)
        tb_writer_string(writer, track->external_ids[i].scheme, track->external_ids[i].value);
    tb_writer_close(writer, '}');
    tb_writer_time(writer, "added", track->added_ms);
    tb_writer_time(writer, "updated", track->updated_ms);
    if (show & TB_SHOW_FEATURES) tb_show_features(writer, "features", &track->features);
    if (show & TB_SHOW_PAYLOAD) tb_writer_json(writer, "payload", track->payload);
    if (embedding) tb_writer_floats(writer, "vector", embedding->vector, embedding->space.dim);
    tb_writer_close(writer, '}');
}

static void show_hit_parts(tb_writer *writer, const tb_search_result *result, const tb_hit *hit, bool explain)
{
    tb_writer_open(writer, "parts", '{');
    for (size_t c = 0; c < result->space.n_parts && c < TB_MAX_PARTS; c++) {
        const tb_part_score *part = &hit->parts[c];
        const bool asked = result->weights[c] > 0;
        if (!asked && !explain) continue;
        /* A part that is silent in the one track or the other could not be compared: it has no distance. */
        const bool compared = part->used || (!asked && part->presence > 0 && result->query_presence[c] > 0);
        tb_writer_open(writer, result->space.part_names[c], '{');
        if (compared) {
            tb_writer_number(writer, "score", part->score);
            tb_writer_number(writer, "distance", part->distance);
        } else {
            tb_writer_null(writer, "score");
            tb_writer_null(writer, "distance");
        }
        tb_writer_number(writer, "presence", part->presence);
        tb_writer_close(writer, '}');
    }
    tb_writer_close(writer, '}');
}

static void show_highlight(tb_writer *writer, const tb_search_result *result, const tb_highlight *highlight)
{
    tb_writer_open(writer, NULL, '{');
    tb_writer_number(writer, "start", highlight->start_s);
    tb_writer_number(writer, "end", highlight->end_s);
    if (highlight->query_start_s >= 0) tb_writer_number(writer, "query_start", highlight->query_start_s);
    else tb_writer_null(writer, "query_start");
    const bool one_part = highlight->part >= 0 && (size_t)highlight->part < result->space.n_parts;
    tb_writer_string(writer, "part", one_part ? result->space.part_names[highlight->part] : NULL);
    tb_writer_number(writer, "score", highlight->score);
    tb_writer_close(writer, '}');
}

void tb_show_hit(tb_writer *writer, const tb_search_result *result, size_t i, unsigned show, bool explain,
                 const tb_track_embedding *embedding)
{
    const tb_hit *hit = &result->hits[i];
    tb_writer_open(writer, NULL, '{');
    tb_writer_string(writer, "id", hit->track.id);
    tb_writer_number(writer, "score", hit->score);
    tb_writer_number(writer, "distance", hit->distance);
    show_hit_parts(writer, result, hit, explain);
    if (hit->has_highlight || (show & TB_SHOW_HIGHLIGHTS)) {
        tb_writer_open(writer, "highlights", '[');
        if (hit->has_highlight) show_highlight(writer, result, &hit->highlight);
        tb_writer_close(writer, ']');
    }
    tb_show_track(writer, "track", &hit->track, show, embedding);
    tb_writer_close(writer, '}');
}

static void show_layout(tb_writer *writer, const tb_space_info *space)
{
    tb_writer_string(writer, "model", space->model_version);
    tb_writer_integer(writer, "dim", (int64_t)space->dim);
    tb_writer_open(writer, "parts", '[');
    for (size_t c = 0; c < space->n_parts; c++) {
        tb_writer_open(writer, NULL, '{');
        tb_writer_string(writer, "name", space->part_names[c]);
        tb_writer_integer(writer, "offset", (int64_t)space->part_offsets[c]);
        tb_writer_integer(writer, "dim", (int64_t)space->part_dims[c]);
        tb_writer_close(writer, '}');
    }
    tb_writer_close(writer, ']');
}

void tb_show_space_members(tb_writer *writer, const tb_space_info *space)
{
    tb_writer_string(writer, "space", space->name);
    show_layout(writer, space);
}

void tb_show_space(tb_writer *writer, const char *key, const tb_space_info *space)
{
    tb_writer_open(writer, key, '{');
    tb_writer_string(writer, "name", space->name);
    show_layout(writer, space);
    tb_writer_bool(writer, "unit_length", space->unit_length);
    tb_writer_number(writer, "window", space->window_s);
    tb_writer_number(writer, "hop", space->hop_s);
    tb_writer_bool(writer, "active", space->active);
    tb_writer_integer(writer, "tracks", (int64_t)space->n_tracks);
    tb_writer_integer(writer, "segments", (int64_t)space->n_segments);
    tb_writer_integer(writer, "index_bytes", (int64_t)space->index_bytes);
    tb_writer_close(writer, '}');
}

void tb_show_presence(tb_writer *writer, const char *key, const tb_space_info *space, const float *presence)
{
    tb_writer_open(writer, key, '{');
    for (size_t c = 0; c < space->n_parts; c++) tb_writer_float(writer, space->part_names[c], presence[c]);
    tb_writer_close(writer, '}');
}

void tb_show_job(tb_writer *writer, const char *key, const tb_job *job)
{
    const bool ended = job->state == TB_JOB_DONE || job->state == TB_JOB_FAILED ||
                       job->state == TB_JOB_CANCELLED;
    tb_writer_open(writer, key, '{');
    tb_writer_integer(writer, "id", job->id);
    tb_writer_string(writer, "kind", job->kind);
    tb_writer_string(writer, "state", tb_job_state_name(job->state));
    tb_writer_string(writer, "subject", job->subject);
    tb_writer_integer(writer, "done", job->done);
    if (job->total > 0 || ended) tb_writer_integer(writer, "total", job->total);
    else tb_writer_null(writer, "total");
    tb_writer_integer(writer, "failed", job->failed);
    if (job->rate > 0) tb_writer_number(writer, "rate", job->rate);
    else tb_writer_null(writer, "rate");
    if (job->eta_s >= 0 && !ended) tb_writer_number(writer, "eta", job->eta_s);
    else tb_writer_null(writer, "eta");
    tb_writer_string(writer, "message", job->message);
    tb_writer_string(writer, "track", job->result_id);
    tb_writer_time(writer, "created", job->created_ms);
    tb_writer_time(writer, "started", job->started_ms);
    tb_writer_time(writer, "ended", job->ended_ms);
    tb_writer_close(writer, '}');
}

void tb_show_library(tb_writer *writer, const char *key, const tb_library *library)
{
    tb_writer_open(writer, key, '{');
    tb_writer_string(writer, "name", library->name);
    tb_writer_string(writer, "root", library->root);
    tb_writer_open(writer, "exclude", '[');
    for (size_t i = 0; i < library->n_exclude; i++) tb_writer_string(writer, NULL, library->exclude[i]);
    tb_writer_close(writer, ']');
    tb_writer_integer(writer, "files", library->n_files);
    tb_writer_integer(writer, "tracks", library->n_tracks);
    tb_writer_integer(writer, "failures", library->n_failures);
    tb_writer_time(writer, "scanned", library->scanned_ms);
    tb_writer_close(writer, '}');
}

void tb_show_failure(tb_writer *writer, const tb_failure *failure)
{
    tb_writer_open(writer, NULL, '{');
    tb_writer_string(writer, "path", failure->path);
    tb_writer_string(writer, "reason", failure->reason);
    tb_writer_time(writer, "at", failure->at_ms);
    tb_writer_integer(writer, "attempts", failure->attempts);
    tb_writer_close(writer, '}');
}
