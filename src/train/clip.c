// SPDX-License-Identifier: MIT
/* Clips: the same decoding and analysis that the server uses, with everything in memory. */
#include "train/clip.h"

#include "audio/file_name.h"
#include "audio/stream.h"
#include "base/alloc.h"
#include "base/walk.h"
#include "model/analyser.h"
#include "train/samples.h"

#include <string.h>

/* --- files ---------------------------------------------------------------------------------------------------- */

typedef struct path_list {
    char **paths;
    size_t n, capacity;
} path_list;

static tb_status list_file(void *context, const char *path, const struct stat *info, tb_error *err)
{
    path_list *list = context;
    (void)info;
    if (!tb_audio_is_file_name(path)) return TB_OK;
    if (list->n == list->capacity) {
        const size_t capacity = list->capacity ? 2 * list->capacity : 64;
        char **bigger = tb_realloc(list->paths, capacity, sizeof *bigger);
        if (!bigger) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu paths", capacity);
        list->paths = bigger;
        list->capacity = capacity;
    }
    if (!(list->paths[list->n] = tb_strdup(path))) return tb_error_set(err, TB_NO_MEMORY, "no memory for a path");
    list->n++;
    return TB_OK;
}

tb_status tb_clip_list(const char *folder, char ***paths, size_t *n, tb_error *err)
{
    path_list list = {0};
    const tb_walk walk = {.context = &list, .file = list_file};
    const tb_status status = tb_walk_folder(&walk, folder, err);
    if (status != TB_OK) {
        tb_clip_list_free(list.paths, list.n);
        return status;
    }
    *paths = list.paths;
    *n = list.n;
    return TB_OK;
}

void tb_clip_list_free(char **paths, size_t n)
{
    for (size_t i = 0; paths && i < n; i++) tb_free(paths[i]);
    tb_free(paths);
}

/* --- audio ---------------------------------------------------------------------------------------------------- */

tb_status tb_clip_read(const char *path, double max_s, float **mono, size_t *n, tb_error *err)
{
    tb_audio_result heard;
    return tb_clip_read_whole(path, max_s, mono, n, &heard, err);
}

tb_status tb_clip_read_whole(const char *path, double max_s, float **mono, size_t *n, tb_audio_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb_decoder *decoder = NULL;
    tb_samples s = {0};
    const tb_audio_sink sink = {.context = &s, .on_mono = tb_samples_append};
    const tb_audio_options options = {.mono_rate_hz = TB_MODEL_RATE_HZ, .duration_s = max_s, .skip_identity = true};
    tb_audio_result heard;
    TB_TRY(tb_decoder_open_path(path, &decoder, err));
    TB_TRY(tb_audio_stream_run(decoder, &options, &sink, &heard, err));
    *result = heard;
    *mono = s.values;
    *n = s.n;
    s.values = NULL;
out:
    tb_free(s.values);
    tb_decoder_close(decoder);
    return status;
}

/* --- vectors --------------------------------------------------------------------------------------------------- */

typedef struct segments {
    const tb_model_info *info;
    float *vectors, *presence;
    size_t n, capacity;
} segments;

static tb_status keep_segment(void *context, const tb_segment *segment, tb_error *err)
{
    segments *s = context;
    const size_t dim = s->info->dim, n_parts = s->info->n_parts;
    if (s->n == s->capacity) {
        const size_t capacity = s->capacity ? 2 * s->capacity : 8;
        float *vectors = tb_realloc(s->vectors, capacity * dim, sizeof *vectors);
        if (vectors) s->vectors = vectors;
        float *presence = vectors ? tb_realloc(s->presence, capacity * n_parts, sizeof *presence) : NULL;
        if (!presence) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu segments", capacity);
        s->presence = presence;
        s->capacity = capacity;
    }
    memcpy(s->vectors + s->n * dim, segment->vector, dim * sizeof *s->vectors);
    memcpy(s->presence + s->n * n_parts, segment->presence, n_parts * sizeof *s->presence);
    s->n++;
    return TB_OK;
}

tb_status tb_clip_embed(const tb_model *model, const float *mono, size_t n, float *vector, float *presence, tb_error *err)
{
    tb_status status = TB_OK;
    tb_analyser *analyser = NULL;
    segments s = {.info = tb_model_get_info(model)};
    tb_track_features features;
    TB_TRY(tb_analyser_new(&model, 1, keep_segment, &s, &analyser, err));
    TB_TRY(tb_analyser_push_mono(analyser, mono, n, err));
    TB_TRY(tb_analyser_finish(analyser, &features, err));
    tb_model_pool(model, s.vectors, s.presence, s.n, vector, presence);
out:
    tb_analyser_free(analyser);
    tb_free(s.vectors);
    tb_free(s.presence);
    return status;
}
