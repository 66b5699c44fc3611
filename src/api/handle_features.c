// SPDX-License-Identifier: MIT
/* Analysis of audio that is handed in; nothing is stored. */
#include "api/api_internal.h"

#include "api/search_options.h"
#include "api/show.h"
#include "base/alloc.h"
#include "engine/ingest.h"

#include <string.h>

typedef struct analysis_call {
    const char *path;
    double start_s, duration_s;
    const char *space;
    int level; /* tb_level */
} analysis_call;

static const tb_option options[] = {
    TB_OPTION(analysis_call, path, "path", TEXT, .body_only = true),
    TB_OPTION(analysis_call, start_s, "start", NUMBER, .low = 0, .high = 1e6, .initial = 0,
              .alias = "time_offset"),
    TB_OPTION(analysis_call, duration_s, "duration", NUMBER, .low = 0, .high = 1e6, .initial = 0,
              .alias = "time_limit"),
    TB_OPTION(analysis_call, space, "space", TEXT),
    TB_OPTION(analysis_call, level, "level", CHOICE, .choices = "track|segment"),
};
enum { N_OPTIONS = sizeof options / sizeof *options };
const tb_option_table tb_analysis_call_options = {options, N_OPTIONS - 2, sizeof(analysis_call)};
const tb_option_table tb_embed_options = {options, N_OPTIONS, sizeof(analysis_call)};

/* Position of the space that is meant; NULL means the active one. */
static int find_space(const tb_call *call, const char *name)
{
    for (size_t i = 0; i < tb_engine_n_spaces(call->engine); i++) {
        tb_space_info space;
        tb_engine_space(call->engine, i, &space);
        if (name ? strcmp(space.name, name) == 0 : space.active) return (int)i;
    }
    return 0;
}

/* Runs the analysis of the upload, or of the file that the body names. */
static tb_status analyse(tb_call *call, const analysis_call *wanted, tb_analysis *analysis, tb_error *err)
{
    tb_upload *upload = NULL;
    char *real = NULL, *library = NULL;
    tb_status status = TB_OK;
    TB_TRY(tb_call_find_upload(call, &upload, err));
    if (!upload == !wanted->path)
        TB_FAIL(err, TB_INVALID,
                "send one file: a form with a part \"file\", a raw body, or {\"path\": …} of a file in a "
                "library");
    if (wanted->path) TB_TRY(tb_call_resolve_path(call, wanted->path, &real, &library, err));
    const tb_analysis_options how = {
        .only_space = find_space(call, wanted->space),
        .start_s = wanted->start_s,
        .duration_s = wanted->duration_s,
        .cancelled = call->request->cancelled,
        .context = call->request->context,
    };
    TB_TRY(tb_engine_analyse(call->engine, upload ? upload->path : real, &how, analysis, err));
out:
    tb_free(real);
    tb_free(library);
    return status;
}

/* What is known of the audio itself. */
static void show_audio(tb_writer *writer, const tb_analysis *analysis)
{
    tb_writer_number(writer, "duration", analysis->duration_s);
    tb_writer_string(writer, "format", analysis->format);
    tb_writer_integer(writer, "sample_rate", analysis->rate_hz);
    tb_writer_integer(writer, "channels", analysis->channels);
    tb_writer_bool(writer, "truncated", analysis->truncated);
    tb_writer_integer(writer, "bad_samples", analysis->n_bad_samples);
}

tb_status tb_handle_features(tb_call *call, tb_error *err)
{
    tb_analysis analysis = {.embeddings = NULL};
    const tb_status status = analyse(call, call->options, &analysis, err);
    if (status != TB_OK) return status;
    tb_writer_open(&call->writer, NULL, '{');
    show_audio(&call->writer, &analysis);
    tb_show_features(&call->writer, "features", &analysis.features);
    tb_writer_number(&call->writer, "time", tb_call_elapsed_s(call));
    tb_writer_close(&call->writer, '}');
    tb_analysis_clear(&analysis);
    return TB_OK;
}

static void show_segments(tb_writer *writer, const tb_space_info *space, const tb_space_embedding *embedding)
{
    tb_writer_open(writer, "segments", '[');
    for (size_t i = 0; i < embedding->n_segments; i++) {
        tb_writer_open(writer, NULL, '{');
        tb_writer_float(writer, "start", embedding->start_s[i]);
        tb_writer_number(writer, "end", (double)embedding->start_s[i] + (double)embedding->duration_s[i]);
        tb_show_presence(writer, "presence", space, embedding->presence + i * space->n_parts);
        tb_writer_floats(writer, "vector", embedding->vectors + i * space->dim, space->dim);
        tb_writer_close(writer, '}');
    }
    tb_writer_close(writer, ']');
}

tb_status tb_handle_embed(tb_call *call, tb_error *err)
{
    const analysis_call *wanted = call->options;
    tb_analysis analysis = {.embeddings = NULL};
    tb_writer *writer = &call->writer;
    tb_space_info space;
    tb_status status = TB_OK;
    TB_TRY(tb_call_check_space(call, wanted->space, err));
    TB_TRY(analyse(call, wanted, &analysis, err));
    if (analysis.n_embeddings == 0) TB_FAIL(err, TB_INTERNAL, "the analysis gave no embedding");
    const tb_space_embedding *embedding = &analysis.embeddings[0];
    tb_engine_space(call->engine, (size_t)embedding->space, &space);
    tb_writer_open(writer, NULL, '{');
    tb_show_space_members(writer, &space);
    tb_writer_floats(writer, "vector", embedding->track_vector, space.dim);
    tb_show_presence(writer, "presence", &space, embedding->track_presence);
    show_audio(writer, &analysis);
    if (wanted->level == TB_LEVEL_SEGMENT) show_segments(writer, &space, embedding);
    tb_writer_number(writer, "time", tb_call_elapsed_s(call));
    tb_writer_close(writer, '}');
out:
    tb_analysis_clear(&analysis);
    return status;
}
