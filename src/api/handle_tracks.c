// SPDX-License-Identifier: MIT
/* Tracks: list, add, read, edit, remove, and what belongs to one (features, embedding, segments, audio). */
#include "api/api_internal.h"

#include "api/patch_json.h"
#include "api/range.h"
#include "api/search_options.h"
#include "api/show.h"
#include "base/alloc.h"
#include "engine/ingest.h"
#include "engine/job.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

/* --- the list ------------------------------------------------------------------------------------------ */

typedef struct list_call {
    const char *text;
    tb_filter *filter;
    const char *sort;
    int64_t limit;
    const char *cursor;
    unsigned with;
} list_call;

static const tb_option list_options[] = {
    TB_OPTION(list_call, text, "q", TEXT),
    TB_OPTION(list_call, filter, "filter", FILTER),
    TB_OPTION(list_call, sort, "sort", TEXT),
    TB_OPTION(list_call, limit, "limit", INTEGER, .low = 1, .high = TB_MAX_LIMIT, .initial = 100),
    TB_OPTION(list_call, cursor, "cursor", TEXT),
    TB_OPTION(list_call, with, "with", FLAGS, .choices = TB_LIST_WITH),
};
const tb_option_table tb_track_list_options = {list_options, sizeof list_options / sizeof *list_options,
                                               sizeof(list_call)};

/* A track of a list, with its vector if that was asked for. */
static tb_status show_listed(tb_call *call, const tb_track *track, unsigned with, tb_error *err)
{
    tb_track_embedding embedding = {.vector = NULL};
    if (with & TB_SHOW_VECTOR) {
        const tb_status status = tb_engine_get_embedding(call->engine, track->id, NULL, &embedding, err);
        /* Deleted between the list and this: it is shown without a vector. */
        if (status != TB_OK && status != TB_NOT_FOUND) return status;
    }
    tb_show_track(&call->writer, NULL, track, with, embedding.vector ? &embedding : NULL);
    tb_track_embedding_clear(&embedding);
    return TB_OK;
}

tb_status tb_handle_track_list(tb_call *call, tb_error *err)
{
    const list_call *options = call->options;
    tb_track_list list = {.tracks = NULL};
    tb_status status = TB_OK;
    const tb_list_options wanted = {
        .text = options->text,
        .filter = options->filter,
        .sort = options->sort,
        .limit = (size_t)options->limit,
        .cursor = options->cursor,
    };
    /* What may not be found here is a field to sort by: a mistake in the request. */
    TB_TRY(tb_call_blame_request(tb_engine_list_tracks(call->engine, &wanted, &list, err), err));
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_open(&call->writer, "results", '[');
    for (size_t i = 0; i < list.n_tracks; i++) TB_TRY(show_listed(call, &list.tracks[i], options->with, err));
    tb_writer_close(&call->writer, ']');
    tb_writer_string(&call->writer, "next_cursor", list.next_cursor);
    tb_writer_integer(&call->writer, "total", list.total);
    tb_writer_close(&call->writer, '}');
out:
    tb_track_list_clear(&list);
    return status;
}

/* --- one track ----------------------------------------------------------------------------------------- */

static void show_whole(tb_call *call, const tb_track *track)
{
    tb_show_track(&call->writer, NULL, track, TB_SHOW_FEATURES | TB_SHOW_PAYLOAD, NULL);
}

tb_status tb_handle_track_get(tb_call *call, tb_error *err)
{
    tb_track track;
    const tb_status status = tb_engine_get_track(call->engine, call->name, &track, err);
    if (status != TB_OK) return status;
    show_whole(call, &track);
    tb_track_clear(&track);
    return TB_OK;
}

tb_status tb_handle_track_patch(tb_call *call, tb_error *err)
{
    tb_patch_input input = {.payload = NULL};
    tb_track track = {.id = ""};
    tb_status status = TB_OK;
    TB_TRY(tb_patch_read(&input, call->body, err));
    TB_TRY(tb_engine_patch_track(call->engine, call->name, &input.patch, &track, err));
    show_whole(call, &track);
    tb_track_clear(&track);
out:
    tb_patch_clear(&input);
    return status;
}

tb_status tb_handle_track_delete(tb_call *call, tb_error *err)
{
    call->status = 204;
    return tb_engine_remove_track(call->engine, call->name, err);
}

/* --- adding -------------------------------------------------------------------------------------------- */

typedef struct add_call {
    const char *path;
    json_t *metadata;
} add_call;

static const tb_option add_options[] = {
    TB_OPTION(add_call, path, "path", TEXT, .body_only = true),
    TB_OPTION(add_call, metadata, "metadata", JSON, .body_only = true),
};
const tb_option_table tb_track_add_options = {add_options, sizeof add_options / sizeof *add_options,
                                              sizeof(add_call)};

/* Whether the client asked not to wait: "Prefer: respond-async" (RFC 7240). */
static bool prefers_async(const tb_request *request)
{
    static const char token[] = "respond-async";
    const char *prefer = tb_request_header(request, "prefer");
    while (prefer && *prefer) {
        prefer += strspn(prefer, " \t,");
        const size_t size = strcspn(prefer, " \t,;");
        if (size == sizeof token - 1 && strncasecmp(prefer, token, size) == 0) return true;
        prefer += strcspn(prefer, ",");
    }
    return false;
}

/* The upload becomes a job; it moves out of the request. */
static tb_status queue_upload(tb_call *call, tb_upload *upload, const tb_add_options *options, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t id = 0;
    tb_job job = {.subject = NULL};
    char number[24];
    TB_TRY(tb_engine_queue_add(call->engine, upload->path, options, &id, err));
    tb_free(upload->path);
    upload->path = NULL;
    TB_TRY(tb_engine_get_job(call->engine, id, &job, err));
    snprintf(number, sizeof number, "%" PRId64, id);
    TB_TRY(tb_call_add_location(call, "/v1/jobs/", number, err));
    TB_TRY(tb_call_add_header(call, "Preference-Applied", "respond-async", err));
    call->status = 202;
    tb_show_job(&call->writer, NULL, &job);
out:
    tb_job_clear(&job);
    return status;
}

/* The answer for a track that is there now. */
static tb_status show_added(tb_call *call, const tb_add_result *added, tb_error *err)
{
    tb_track track = {.id = ""};
    tb_status status = TB_OK;
    TB_TRY(tb_engine_get_track(call->engine, added->id, &track, err));
    show_whole(call, &track);
    tb_track_clear(&track);
    call->status = added->created ? 201 : 200;
    TB_TRY(tb_call_add_location(call, "/v1/tracks/", added->id, err));
out:
    return status;
}

tb_status tb_handle_track_add(tb_call *call, tb_error *err)
{
    const add_call *options = call->options;
    tb_upload *upload = NULL;
    tb_patch_input metadata = {.payload = NULL};
    tb_add_result added;
    char *real = NULL, *library = NULL;
    tb_status status = TB_OK;

    TB_TRY(tb_call_find_upload(call, &upload, err));
    if (!upload && !options->path)
        TB_FAIL(err, TB_INVALID,
                "send audio: a form with a part \"file\", a raw body, or {\"path\": …} of a file in a "
                "library");
    if (upload && options->path) TB_FAIL(err, TB_INVALID, "send either a file or a path, not both");
    if (options->metadata) TB_TRY(tb_patch_read(&metadata, options->metadata, err));
    if (options->path) TB_TRY(tb_call_resolve_path(call, options->path, &real, &library, err));

    const tb_add_options how = {
        .library = library,
        .move_upload = upload != NULL,
        .file_name = upload ? upload->file_name : NULL,
        .metadata = options->metadata ? &metadata.patch : NULL,
        .cancelled = call->request->cancelled,
        .context = call->request->context,
    };
    if (upload && prefers_async(call->request)) {
        status = queue_upload(call, upload, &how, err);
        goto out;
    }
    TB_TRY(tb_engine_add_file(call->engine, upload ? upload->path : real, &how, &added, err));
    if (upload) {
        tb_free(upload->path);
        upload->path = NULL;
    }
    TB_TRY(show_added(call, &added, err));
out:
    tb_patch_clear(&metadata);
    tb_free(real);
    tb_free(library);
    return status;
}

/* --- what belongs to a track --------------------------------------------------------------------------- */

tb_status tb_handle_track_features(tb_call *call, tb_error *err)
{
    tb_track track;
    const tb_status status = tb_engine_get_track(call->engine, call->name, &track, err);
    if (status != TB_OK) return status;
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_string(&call->writer, "id", track.id);
    tb_writer_number(&call->writer, "duration", track.duration_s);
    tb_show_features(&call->writer, "features", &track.features);
    tb_writer_close(&call->writer, '}');
    tb_track_clear(&track);
    return TB_OK;
}

typedef struct embedding_call {
    const char *space, *part, *cursor;
    int64_t limit;
    unsigned with;
} embedding_call;

static const tb_option embedding_options[] = {
    TB_OPTION(embedding_call, space, "space", TEXT),
    TB_OPTION(embedding_call, part, "part", TEXT),
    TB_OPTION(embedding_call, with, "with", FLAGS, .choices = "vector"),
    TB_OPTION(embedding_call, limit, "limit", INTEGER, .low = 1, .high = TB_MAX_LIMIT, .initial = 100),
    TB_OPTION(embedding_call, cursor, "cursor", TEXT),
};
const tb_option_table tb_embedding_options = {embedding_options, 1, sizeof(embedding_call)};
const tb_option_table tb_segment_options = {embedding_options,
                                            sizeof embedding_options / sizeof *embedding_options,
                                            sizeof(embedding_call)};

tb_status tb_handle_track_embedding(tb_call *call, tb_error *err)
{
    const embedding_call *options = call->options;
    tb_track_embedding embedding = {.vector = NULL};
    tb_track track = {.id = ""};
    tb_status status = TB_OK;
    TB_TRY(tb_call_check_space(call, options->space, err));
    TB_TRY(tb_engine_get_track(call->engine, call->name, &track, err));
    TB_TRY(tb_engine_get_embedding(call->engine, track.id, options->space, &embedding, err));
    tb_writer_open(&call->writer, NULL, '{');
    tb_writer_string(&call->writer, "id", track.id);
    tb_show_space_members(&call->writer, &embedding.space);
    tb_writer_floats(&call->writer, "vector", embedding.vector, embedding.space.dim);
    tb_show_presence(&call->writer, "presence", &embedding.space, embedding.presence);
    tb_writer_integer(&call->writer, "segments", (int64_t)embedding.n_segments);
    tb_writer_close(&call->writer, '}');
out:
    tb_track_embedding_clear(&embedding);
    tb_track_clear(&track);
    return status;
}

/* Position of a part in a space; -1 for NULL. */
static tb_status find_part(const tb_space_info *space, const char *name, int *part, tb_error *err)
{
    *part = -1;
    if (!name) return TB_OK;
    char known[256] = "";
    size_t used = 0;
    for (size_t c = 0; c < space->n_parts; c++) {
        if (strcmp(space->part_names[c], name) == 0) {
            *part = (int)c;
            return TB_OK;
        }
        const int size = snprintf(known + used, sizeof known - used, "%s%s", c > 0 ? ", " : "",
                                  space->part_names[c]);
        if (size > 0 && used + (size_t)size < sizeof known) used += (size_t)size;
    }
    return tb_error_set(err, TB_INVALID, "the space %s has no part \"%.64s\"; it has %s", space->name, name,
                        known);
}

tb_status tb_handle_track_segments(tb_call *call, tb_error *err)
{
    const embedding_call *options = call->options;
    tb_writer *writer = &call->writer;
    tb_track_embedding embedding = {.vector = NULL};
    tb_track track = {.id = ""};
    tb_status status = TB_OK;
    size_t first = 0;
    int part = -1;
    TB_TRY(tb_read_cursor(options->cursor, &first, err));
    TB_TRY(tb_call_check_space(call, options->space, err));
    TB_TRY(tb_engine_get_track(call->engine, call->name, &track, err));
    TB_TRY(tb_engine_get_embedding(call->engine, track.id, options->space, &embedding, err));
    const tb_space_info *space = &embedding.space;
    TB_TRY(find_part(space, options->part, &part, err));

    const size_t n = embedding.n_segments, limit = (size_t)options->limit;
    const size_t end = first >= n ? n : n - first < limit ? n : first + limit;
    const size_t offset = part >= 0 ? space->part_offsets[part] : 0,
                 dim = part >= 0 ? space->part_dims[part] : space->dim;
    tb_writer_open(writer, NULL, '{');
    tb_writer_string(writer, "id", track.id);
    tb_writer_string(writer, "space", space->name);
    tb_writer_string(writer, "model", space->model_version);
    tb_writer_open(writer, "results", '[');
    for (size_t i = first; i < end; i++) {
        const float *presence = embedding.segment_presence + i * space->n_parts;
        tb_writer_open(writer, NULL, '{');
        tb_writer_float(writer, "start", embedding.segment_start_s[i]);
        tb_writer_number(writer, "end",
                         (double)embedding.segment_start_s[i] + (double)embedding.segment_duration_s[i]);
        if (part < 0) {
            tb_show_presence(writer, "presence", space, presence);
        } else {
            tb_writer_open(writer, "presence", '{');
            tb_writer_float(writer, space->part_names[part], presence[part]);
            tb_writer_close(writer, '}');
        }
        if (options->with)
            tb_writer_floats(writer, "vector", embedding.segment_vectors + i * space->dim + offset, dim);
        tb_writer_close(writer, '}');
    }
    tb_writer_close(writer, ']');
    tb_write_next_cursor(writer, end, n);
    tb_writer_integer(writer, "total", (int64_t)n);
    tb_writer_close(writer, '}');
out:
    tb_track_embedding_clear(&embedding);
    tb_track_clear(&track);
    return status;
}

tb_status tb_handle_track_audio(tb_call *call, tb_error *err)
{
    int fd = -1;
    int64_t size = 0, first = 0, length = 0;
    const char *content_type = NULL;
    char text[96];
    tb_status status = TB_OK;
    TB_TRY(tb_engine_open_audio(call->engine, call->name, &fd, &size, &content_type, err));
    TB_TRY(tb_call_add_header(call, "Accept-Ranges", "bytes", err));

    /* There is no validator that If-Range could match, so with it the whole is sent (RFC 9110,
     * section 13.1.5). */
    const bool conditional = tb_request_header(call->request, "if-range") != NULL;
    const char *range = conditional ? NULL : tb_request_header(call->request, "range");
    switch (tb_range_parse(range, size, &first, &length)) {
    case TB_RANGE_WHOLE: length = size; break;
    case TB_RANGE_PART:
        snprintf(text, sizeof text, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, first, first + length - 1,
                 size);
        TB_TRY(tb_call_add_header(call, "Content-Range", text, err));
        call->status = 206;
        break;
    case TB_RANGE_UNSATISFIABLE:
        snprintf(text, sizeof text, "the file has %" PRId64 " bytes; the range asked for lies behind its end",
                 size);
        tb_reply_problem(call->reply, 416, "range", text);
        snprintf(text, sizeof text, "bytes */%" PRId64, size);
        TB_TRY(tb_call_add_header(call, "Content-Range", text, err));
        call->done = true;
        goto out;
    }
    call->reply->status = call->status;
    call->reply->content_type = content_type;
    call->reply->kind = TB_BODY_FILE;
    call->reply->fd = fd;
    call->reply->file_offset = first;
    call->reply->file_size = length;
    call->done = true;
    fd = -1;
out:
    if (fd >= 0) close(fd);
    return status;
}
