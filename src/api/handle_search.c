// SPDX-License-Identifier: MIT
/* Nearest neighbours: of a track in the path, or of what the body says (an upload or a JSON query). */
#include "api/api_internal.h"

#include "api/query_json.h"
#include "api/search_options.h"
#include "api/show.h"
#include "base/alloc.h"

#include <string.h>

/* More seconds than any audio has: "from start to the end". */
static const double to_the_end_s = 1e6;

static void show_dropped(tb_writer *writer, const tb_dropped *dropped)
{
    tb_writer_open(writer, "dropped_by", '{');
    tb_writer_integer(writer, "filter", (int64_t)dropped->filter);
    tb_writer_integer(writer, "missing", (int64_t)dropped->missing);
    tb_writer_integer(writer, "threshold", (int64_t)dropped->threshold);
    tb_writer_integer(writer, "previous", (int64_t)dropped->previous);
    tb_writer_integer(writer, "same_album", (int64_t)dropped->same_album);
    tb_writer_integer(writer, "artist_cap", (int64_t)dropped->artist_cap);
    tb_writer_integer(writer, "album_cap", (int64_t)dropped->album_cap);
    tb_writer_integer(writer, "group", (int64_t)dropped->group);
    tb_writer_close(writer, '}');
}

static void show_explanation(tb_writer *writer, const tb_search_result *result)
{
    const tb_space_info *space = &result->space;
    tb_writer_open(writer, "explain", '{');
    tb_writer_integer(writer, "candidates", (int64_t)result->n_candidates);
    tb_writer_open(writer, "weights", '{');
    for (size_t c = 0; c < space->n_parts; c++)
        tb_writer_number(writer, space->part_names[c], result->weights[c]);
    tb_writer_close(writer, '}');
    tb_writer_open(writer, "query_presence", '{');
    for (size_t c = 0; c < space->n_parts; c++)
        tb_writer_number(writer, space->part_names[c], result->query_presence[c]);
    tb_writer_close(writer, '}');
    tb_writer_open(writer, "timing", '{');
    tb_writer_number(writer, "decode", result->decode_s);
    tb_writer_number(writer, "embed", result->embed_s);
    tb_writer_number(writer, "search", result->search_s);
    tb_writer_close(writer, '}');
    tb_writer_close(writer, '}');
}

static tb_status show_hits(tb_call *call, const tb_search_call *options, const tb_search_result *result,
                           tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_embedding embedding = {.vector = NULL};
    tb_writer_open(&call->writer, "results", '[');
    for (size_t i = 0; i < result->n_hits; i++) {
        if (options->with & TB_SHOW_VECTOR) {
            status = tb_engine_get_embedding(call->engine, result->hits[i].track.id, result->space.name,
                                             &embedding, err);
            if (status == TB_NOT_FOUND) status = TB_OK; /* deleted since: shown without */
            if (status != TB_OK) goto out;
        }
        tb_show_hit(&call->writer, result, i, options->with, options->explain,
                    embedding.vector ? &embedding : NULL);
        tb_track_embedding_clear(&embedding);
    }
    tb_writer_close(&call->writer, ']');
out:
    return status;
}

/* Searches and writes the whole answer. */
static tb_status answer(tb_call *call, const tb_query *query, tb_error *err)
{
    const tb_search_call *options = call->options;
    tb_search_options how = tb_search_call_options_of(options);
    tb_search_result result = {.hits = NULL};
    tb_writer *writer = &call->writer;
    tb_status status = TB_OK;
    how.cancelled = call->request->cancelled;
    how.context = call->request->context;
    TB_TRY(tb_call_check_space(call, options->space, err));
    TB_TRY(tb_engine_search(call->engine, query, &how, &result, err));

    tb_writer_open(writer, NULL, '{');
    TB_TRY(show_hits(call, options, &result, err));
    tb_writer_string(writer, "space", result.space.name);
    tb_writer_string(writer, "model", result.space.model_version);
    if (result.query_silent)
        tb_writer_string(writer, "reason", "no part of the space is present in the query: it is silent");
    if (result.n_hits < how.limit || options->explain) show_dropped(writer, &result.dropped);
    if (options->explain) show_explanation(writer, &result);
    tb_writer_number(writer, "time", tb_call_elapsed_s(call));
    tb_writer_close(writer, '}');
out:
    tb_search_result_clear(&result);
    return status;
}

/* The passage of the options, unless the query has its own. */
static void set_passage(tb_query *query, const tb_search_call *options)
{
    if (query->start_s <= 0 && query->duration_s <= 0) {
        query->start_s = options->start_s;
        query->duration_s = options->duration_s;
    }
    if (query->start_s > 0 && query->duration_s <= 0) query->duration_s = to_the_end_s;
}

tb_status tb_handle_similar(tb_call *call, tb_error *err)
{
    tb_query query = {.id = call->name};
    set_passage(&query, call->options);
    return answer(call, &query, err);
}

tb_status tb_handle_search(tb_call *call, tb_error *err)
{
    const tb_search_call *options = call->options;
    tb_query_input input = {.path = NULL};
    tb_upload *upload = NULL;
    char *real = NULL, *library = NULL;
    tb_status status = TB_OK;
    TB_TRY(tb_call_find_upload(call, &upload, err));
    if (upload && options->query) TB_FAIL(err, TB_INVALID, "send either a file or a query, not both");
    if (!upload && !options->query)
        TB_FAIL(err, TB_INVALID,
                "send audio (a form with a part \"file\", or a raw body) or JSON with a \"query\": an id, a "
                "vector, or an object with id, path, vector or recommend");
    if (options->query) TB_TRY(tb_query_read(&input, options->query, err));
    if (input.path) TB_TRY(tb_call_resolve_path(call, input.path, &real, &library, err));
    input.query.path = upload ? upload->path : real;
    if (input.query.id || input.query.path) set_passage(&input.query, options);
    else if (options->start_s > 0 || options->duration_s > 0)
        TB_FAIL(err, TB_INVALID, "start and duration need a query with an id, a path or an upload");
    TB_TRY(answer(call, &input.query, err));
out:
    tb_query_clear(&input);
    tb_free(real);
    tb_free(library);
    return status;
}
