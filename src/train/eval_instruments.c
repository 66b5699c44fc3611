// SPDX-License-Identifier: MIT
/* One table after the other; songs for the robustness are composed and rendered on the spot. */
#include "train/eval_instruments.h"

#include "audio/identity.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "model/model.h"
#include "train/clip.h"
#include "train/composer.h"
#include "train/eval_draw.h"
#include "train/renderer.h"

#include <string.h>

/* How much of each thing; the second column is for quick runs. */
static const struct {
    size_t pieces, cases, songs, recordings;
    double song_s, recording_s;
} amounts[2] = {{SIZE_MAX, 400, 40, 60, 45, 60}, {16, 30, 3, 4, 24, 24}};

static const double music_id_s[TB_SPAN_COUNT] = {3, 10};
static const size_t n_music_id_windows = 6;

typedef struct evaluation {
    const tb_eval_options *options;
    tb_eval_report report;
    tb_piece_cache *cache;
    const tb_piece **pieces;
    tb_hearer *hearer;
    tb_model *model, *descriptors;
    const char *stage;
    float *audio[128]; /* of the tracks for robustness */
    tb_eval_clip clips[128];
    size_t n_clips;
} evaluation;

static void show(void *context, size_t done, size_t total)
{
    const evaluation *e = context;
    if (e->options->progress) e->options->progress(e->options->context, e->stage, done, total);
}

static void begin_stage(evaluation *e, const char *stage, size_t total)
{
    e->stage = stage;
    show(e, 0, total);
}

static tb_status check_cancelled(const evaluation *e, tb_error *err)
{
    if (!e->options->cancel || !atomic_load(e->options->cancel)) return TB_OK;
    return tb_error_set(err, TB_CANCELLED, "the evaluation was cancelled");
}

/* --- the cache ------------------------------------------------------------------------------------------ */

static tb_status open_set(evaluation *e, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_eval_options *o = e->options;
    const tb_hearer_options hearing = {o->n_threads, o->progress, o->context, o->cancel};
    tb_identity digest;
    char text[2 * TB_IDENTITY_SIZE + 1];
    TB_TRY(tb_hearer_open(o->model_path, &hearing, &e->hearer, err));
    TB_TRY(tb_model_open(o->model_path, &e->model, err));
    if (o->descriptors_path) TB_TRY(tb_model_open(o->descriptors_path, &e->descriptors, err));
    TB_TRY(tb_piece_cache_open(o->cache_path, &e->cache, err));
    if (tb_piece_cache_bands(e->cache) != tb_hearer_bands(e->hearer))
        TB_FAIL(err, TB_INVALID,
                "%.200s has %zu bands, and the model hears %zu; make the cache with --bands=%zu",
                o->cache_path,
                tb_piece_cache_bands(e->cache), tb_hearer_bands(e->hearer), tb_hearer_bands(e->hearer));
    const size_t n = tb_piece_cache_count(e->cache), limit = amounts[o->quick].pieces;
    e->report.n_pieces = n < limit ? n : limit;
    if (!(e->pieces = tb_alloc(e->report.n_pieces, sizeof *e->pieces)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu pieces", n);
    for (size_t i = 0; i < e->report.n_pieces; i++) {
        e->pieces[i] = tb_piece_cache_at(e->cache, i);
        e->report.hours += (double)e->pieces[i]->n_rows / tb_piece_cache_rows_per_s(e->cache) / 3600;
    }
    TB_TRY(tb_identity_file(o->cache_path, &digest, err));
    tb_hex_encode(digest.bytes, TB_IDENTITY_SIZE, text);
    tb_text_copy(e->report.cache_digest, sizeof e->report.cache_digest, text);
    tb_text_copy(e->report.model_digest, sizeof e->report.model_digest, tb_hearer_digest(e->hearer));
out:
    return status;
}

static tb_status measure_tables(evaluation *e, tb_error *err)
{
    tb_status status = TB_OK;
    tb_eval_report *r = &e->report;
    const tb_eval_set set = {e->hearer, e->pieces, r->n_pieces, e->options->seed};
    const size_t n_cases = amounts[e->options->quick].cases;
    TB_TRY(tb_eval_identity_measure(&set, &r->identity, &r->presence, err));
    TB_TRY(tb_eval_mixes_measure(&set, e->options->n_draws, &r->mixes, err));
    TB_TRY(tb_eval_judgement_measure(&set, n_cases, &r->judgement, err));
    TB_TRY(tb_eval_disentanglement_measure(&set, n_cases, &r->disentanglement, err));
out:
    return status;
}

/* --- robustness ----------------------------------------------------------------------------------------- */

static void drop_clips(evaluation *e)
{
    for (size_t i = 0; i < e->n_clips; i++) tb_free(e->audio[i]);
    e->n_clips = 0;
}

static void add_clip(evaluation *e, float *mono, size_t n)
{
    e->audio[e->n_clips] = mono;
    e->clips[e->n_clips++] = (tb_eval_clip){mono, n};
}

/* The mix of a rendering. */
static tb_status mix_stems(const tb_rendering *rendering, float **mono, tb_error *err)
{
    float *sum = tb_alloc(rendering->n_samples, sizeof *sum);
    if (!sum) return tb_error_set(err, TB_NO_MEMORY, "no memory for a song");
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        for (size_t i = 0; rendering->stems[c] && i < rendering->n_samples; i++)
            sum[i] += rendering->stems[c][i];
    *mono = sum;
    return TB_OK;
}

/* Songs of their own seeds, so that they are in no data set. */
static tb_status render_songs(evaluation *e, tb_renderer *renderer, tb_error *err)
{
    tb_status status = TB_OK;
    tb_song *song = NULL;
    tb_rendering *rendering = NULL;
    const size_t n = amounts[e->options->quick].songs;
    begin_stage(e, "rendering songs", n);
    for (size_t i = 0; i < n; i++) {
        tb_rng rng;
        float *mono = NULL;
        tb_composer_options options = tb_composer_defaults;
        options.duration_s = amounts[e->options->quick].song_s;
        tb_eval_rng(&rng, e->options->seed, TB_EVAL_STREAM_AUDIO, SIZE_MAX - i);
        const uint64_t seed = tb_rng_next(&rng);
        TB_TRY(check_cancelled(e, err));
        TB_TRY(tb_compose(&options, seed, &song, err));
        TB_TRY(tb_renderer_play(renderer, song, seed, &rendering, err));
        TB_TRY(mix_stems(rendering, &mono, err));
        add_clip(e, mono, rendering->n_samples);
        tb_rendering_free(rendering);
        tb_song_free(song);
        rendering = NULL;
        song = NULL;
        show(e, i + 1, n);
    }
out:
    tb_rendering_free(rendering);
    tb_song_free(song);
    return status;
}

static tb_status measure_robustness(evaluation *e, const char *stage, tb_eval_robustness *result,
                                    tb_error *err)
{
    const tb_robustness_options options =
        {e->model, tb_hearer_pool(e->hearer), e->options->seed, show, e, e->options->cancel};
    begin_stage(e, stage, e->n_clips);
    return tb_eval_robustness_measure(&options, e->clips, e->n_clips, result, err);
}

/* With the soundfont that no training hears, or by synthesis where it is not there. */
static tb_status measure_rendered(evaluation *e, tb_error *err)
{
    tb_status status = TB_OK;
    tb_soundfonts *fonts = NULL;
    tb_renderer *renderer = NULL;
    tb_error why = {0};
    if (!tb_font_player_is_built() || tb_soundfonts_find(TB_SOUNDFONT_SET_TEST, &fonts, &why) != TB_OK)
        tb_log(TB_LOG_WARN, "eval", "songs for the robustness are played by synthesis: %s",
               why.code ? why.message : "this build has no FluidSynth");
    const tb_renderer_config config =
        {.fonts = fonts, .patch_share = fonts ? 0 : 1, .effects = true, .rate_hz = TB_MODEL_RATE_HZ};
    TB_TRY(tb_renderer_new(&config, &renderer, err));
    TB_TRY(render_songs(e, renderer, err));
    TB_TRY(measure_robustness(e, "changed songs", &e->report.rendered, err));
    tb_text_copy(e->report.rendered_how, sizeof e->report.rendered_how, fonts &&
                 fonts->n_fonts ? fonts->fonts[0].name : "own synthesis");
out:
    drop_clips(e);
    tb_renderer_free(renderer);
    tb_soundfonts_free(fonts);
    return status;
}

/* Recordings spread evenly over the folder's files. */
static tb_status measure_recorded(evaluation *e, tb_error *err)
{
    tb_status status = TB_OK;
    char **paths = NULL;
    size_t n_paths = 0;
    const size_t limit = amounts[e->options->quick].recordings;
    TB_TRY(tb_clip_list(e->options->music, &paths, &n_paths, err));
    const size_t n = n_paths < limit ? n_paths : limit;
    begin_stage(e, "reading recordings", n);
    for (size_t i = 0; i < n; i++) {
        float *mono = NULL;
        size_t n_samples = 0;
        tb_error why = {0};
        TB_TRY(check_cancelled(e, err));
        const tb_status read =
            tb_clip_read(paths[i * n_paths / n], amounts[e->options->quick].recording_s, &mono, &n_samples,
                         &why);
        if (read == TB_OK && n_samples >= (size_t)TB_ROBUSTNESS_MIN_S * TB_MODEL_RATE_HZ)
            add_clip(e, mono, n_samples);
        else tb_free(mono); /* the tests on real music name those that cannot be read */
        show(e, i + 1, n);
    }
    if (e->n_clips >= 2) TB_TRY(measure_robustness(e, "changed recordings", &e->report.recorded, err));
out:
    drop_clips(e);
    tb_clip_list_free(paths, n_paths);
    return status;
}

/* --- real music ----------------------------------------------------------------------------------------- */

static tb_status measure_space(evaluation *e, const tb_model *model, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_retrieval_options options =
        {.model = model, .n_threads = e->options->n_threads, .progress = show, .context = e,
         .cancel = e->options->cancel};
    tb_eval_real *real = &e->report.real[e->report.n_real];
    const tb_model_info *info = model ? tb_model_get_info(model) : NULL;
    tb_text_copy(real->name, sizeof real->name, info ? info->name : "MFCC, mean and deviation");
    real->n_parts = info ? info->n_parts : 0;
    for (size_t p = 0; p < real->n_parts; p++)
        tb_text_copy(real->part[p], sizeof real->part[p], info->parts[p].name);
    begin_stage(e, model == e->model ? "real music" : model ? "real music, descriptors" : "real music, MFCC",
                0);
    TB_TRY(tb_eval_half_split(e->options->music, &options, &real->half_split, err));
    for (size_t k = 0; k < TB_SPAN_COUNT; k++)
        TB_TRY(tb_eval_music_id(e->options->music, music_id_s[k], n_music_id_windows, &options, &real->id[k],
                                err));
    e->report.n_real++;
out:
    return status;
}

static tb_status measure_real(evaluation *e, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(measure_space(e, e->model, err));
    if (e->descriptors) TB_TRY(measure_space(e, e->descriptors, err));
    TB_TRY(measure_space(e, NULL, err));
out:
    return status;
}

/* --- all of it ------------------------------------------------------------------------------------------ */

tb_status tb_eval_instruments(const tb_eval_options *options, tb_eval_report *report, tb_error *err)
{
    tb_status status = TB_OK;
    evaluation *e = tb_alloc(1, sizeof *e);
    if (e == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory to evaluate");
    e->options = options;
    e->report.quick = options->quick;
    e->report.seed = options->seed;
    if (options->n_draws == 0) TB_FAIL(err, TB_INVALID, "Table 2 takes one draw or more");
    TB_TRY(open_set(e, err));
    if (options->music) { /* first, as a folder may turn out to hold too little */
        TB_TRY(measure_real(e, err));
        TB_TRY(measure_recorded(e, err));
    }
    TB_TRY(measure_tables(e, err));
    TB_TRY(measure_rendered(e, err));
    *report = e->report;
out:
    if (e) {
        tb_hearer_close(e->hearer);
        tb_model_close(e->model);
        tb_model_close(e->descriptors);
        tb_free(e->pieces);
        tb_piece_cache_close(e->cache);
        tb_free(e);
    }
    return status;
}
