// SPDX-License-Identifier: MIT
/* The installed C library: a thin, stable face of the engine. */
#include "timbre/timbre.h"

#include "base/alloc.h"
#include "base/text.h"
#include "engine/engine.h"
#include "engine/ingest.h"
#include "engine/search.h"

#include <string.h>

struct timbre {
    tb_engine *engine;
};

static int give(tb_status status, const tb_error *from, timbre_error *err)
{
    static const struct {
        tb_status status;
        timbre_code code;
    } codes[] = {
        {TB_NO_MEMORY, TIMBRE_NO_MEMORY}, {TB_INVALID, TIMBRE_INVALID},         {TB_SYNTAX, TIMBRE_INVALID}, {TB_TOO_LARGE, TIMBRE_INVALID},
        {TB_NOT_FOUND, TIMBRE_NOT_FOUND}, {TB_UNSUPPORTED, TIMBRE_UNSUPPORTED}, {TB_CORRUPT, TIMBRE_CORRUPT}, {TB_IO, TIMBRE_IO},
        {TB_FULL, TIMBRE_IO},             {TB_BUSY, TIMBRE_BUSY},
    };
    if (status == TB_OK) return TIMBRE_OK;
    int code = TIMBRE_OTHER;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].status == status) code = codes[i].code;
    if (err) {
        err->code = code;
        tb_text_copy(err->message, sizeof err->message, from->message);
    }
    return code;
}

const char *timbre_version(void)
{
    return PACKAGE_VERSION;
}

int timbre_open(const char *data_folder, const char *models_folder, timbre **t, timbre_error *err)
{
    tb_error why = {0};
    timbre *made = tb_alloc(1, sizeof *made);
    if (!made) return give(tb_error_set(&why, TB_NO_MEMORY, "no memory"), &why, err);
    const tb_engine_options options = {.data_folder = data_folder, .models_folder = models_folder ? models_folder : TB_DATA_DIR "/models"};
    const tb_status status = tb_engine_open(&options, &made->engine, &why);
    if (status != TB_OK) {
        tb_free(made);
        return give(status, &why, err);
    }
    *t = made;
    return TIMBRE_OK;
}

void timbre_close(timbre *t)
{
    if (!t) return;
    tb_engine_close(t->engine);
    tb_free(t);
}

int timbre_add_file(timbre *t, const char *path, char *id, timbre_error *err)
{
    tb_error why = {0};
    tb_add_result result;
    const tb_status status = tb_engine_add_file(t->engine, path, &(tb_add_options){0}, &result, &why);
    if (status != TB_OK) return give(status, &why, err);
    memcpy(id, result.id, TIMBRE_ID_SIZE);
    return result.created ? 0 : 1;
}

int timbre_remove(timbre *t, const char *id, timbre_error *err)
{
    tb_error why = {0};
    return give(tb_engine_remove_track(t->engine, id, &why), &why, err);
}

size_t timbre_count(timbre *t)
{
    tb_engine_stats stats;
    return tb_engine_get_stats(t->engine, &stats, NULL) == TB_OK ? (size_t)stats.n_tracks : 0;
}

static int search(timbre *t, const tb_query *query, const timbre_weight *weights, size_t n_weights, size_t limit,
                  timbre_hit *hits, size_t *n, timbre_error *err)
{
    tb_status status = TB_OK;
    tb_error why = {0};
    tb_search_result result = {0};
    tb_part_weight *using = tb_alloc(n_weights, sizeof *using);
    if (!using) TB_FAIL(&why, TB_NO_MEMORY, "no memory for %zu weights", n_weights);
    for (size_t i = 0; i < n_weights; i++) using[i] = (tb_part_weight){weights[i].part, weights[i].weight};
    const tb_search_options options = {.using = using, .n_using = n_weights, .limit = limit};
    TB_TRY(tb_engine_search(t->engine, query, &options, &result, &why));
    for (size_t i = 0; i < result.n_hits; i++) {
        memcpy(hits[i].id, result.hits[i].track.id, TIMBRE_ID_SIZE);
        hits[i].score = result.hits[i].score;
        hits[i].distance = result.hits[i].distance;
    }
    *n = result.n_hits;
out:
    tb_search_result_clear(&result);
    tb_free(using);
    return give(status, &why, err);
}

int timbre_similar(timbre *t, const char *id, const timbre_weight *weights, size_t n_weights, size_t limit,
                   timbre_hit *hits, size_t *n, timbre_error *err)
{
    return search(t, &(tb_query){.id = id}, weights, n_weights, limit, hits, n, err);
}

int timbre_search_file(timbre *t, const char *path, const timbre_weight *weights, size_t n_weights, size_t limit,
                       timbre_hit *hits, size_t *n, timbre_error *err)
{
    return search(t, &(tb_query){.path = path}, weights, n_weights, limit, hits, n, err);
}

static int active_space(timbre *t, tb_space_info *info)
{
    for (size_t i = 0; i < tb_engine_n_spaces(t->engine); i++) {
        tb_engine_space(t->engine, i, info);
        if (info->active) return (int)i;
    }
    return -1;
}

size_t timbre_dim(timbre *t)
{
    tb_space_info info = {0};
    return active_space(t, &info) < 0 ? 0 : info.dim;
}

int timbre_embed_file(timbre *t, const char *path, float *vector, timbre_error *err)
{
    tb_error why = {0};
    tb_analysis analysis = {0};
    tb_space_info info = {0};
    const tb_analysis_options options = {.only_space = active_space(t, &info), .skip_identity = true};
    const tb_status status = tb_engine_analyse(t->engine, path, &options, &analysis, &why);
    if (status == TB_OK) memcpy(vector, analysis.embeddings[0].track_vector, info.dim * sizeof *vector);
    tb_analysis_clear(&analysis);
    return give(status, &why, err);
}
