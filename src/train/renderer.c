// SPDX-License-Identifier: MIT
/* For each part: source, effects, level; then the sums.  Drums of soundfonts are played at 44.1 kHz and
 * brought down by a resampler, since FluidSynth does not band-limit samples that it plays too fast, and
 * cymbals would alias. */
#include "train/renderer.h"

#include "audio/resample.h"
#include "base/alloc.h"
#include "base/text.h"
#include "train/effects.h"
#include "train/patch_synth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DRUM_RATE_HZ = 44100, RESAMPLE_CHUNK = 8192, MIN_RATE_HZ = 8000, MAX_RATE_HZ = 48000 };

/* Mean `synthetic` over the parts that the composer makes. */
static const double usual_patch_share = 0.237;
static const double mix_level_db = -20, mix_deviation_db = 2, max_peak = 0.7;

static const struct {
    double mean_db, deviation_db;
} stem_levels[TB_STEM_COUNT] = {
    [TB_STEM_DRUMS] = {-19, 4},  [TB_STEM_BASS] = {-20, 4},   [TB_STEM_PIANO] = {-20, 4},
    [TB_STEM_GUITAR] = {-20, 4}, [TB_STEM_OTHERS] = {-22, 4},
};

struct tb_renderer {
    tb_renderer_config config;
    tb_font_player *players[TB_SOUNDFONTS_MAX]; /* NULL until wanted */
    tb_resampler *resampler;                    /* from DRUM_RATE_HZ */
};

uint64_t tb_seed_derive(uint64_t seed, uint64_t stream)
{
    tb_rng rng;
    tb_rng_init(&rng, seed ^ (stream + 1) * 0x9e3779b97f4a7c15u);
    const uint64_t first = tb_rng_next(&rng);
    return first ^ tb_rng_next(&rng) << 1;
}

tb_status tb_renderer_new(const tb_renderer_config *config, tb_renderer **renderer, tb_error *err)
{
    tb_status status = TB_OK;
    tb_renderer *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a renderer");
    if (config->rate_hz < MIN_RATE_HZ || config->rate_hz > MAX_RATE_HZ ||
        !(config->patch_share >= 0 && config->patch_share <= 1))
        TB_FAIL(err, TB_INVALID, "songs are rendered at %d to %d Hz, with a share of patches from 0 to 1",
                MIN_RATE_HZ, MAX_RATE_HZ);
    if (config->fonts && !tb_font_player_is_built()) {
        tb_font_player *none = NULL;
        TB_TRY(tb_font_player_new("", &none, err));
    }
    made->config = *config;
    if (config->rate_hz != DRUM_RATE_HZ)
        TB_TRY(tb_resampler_new(DRUM_RATE_HZ, config->rate_hz, 1, RESAMPLE_CHUNK, &made->resampler, err));
    *renderer = made;
    made = NULL;
out:
    tb_renderer_free(made);
    return status;
}

void tb_renderer_free(tb_renderer *renderer)
{
    if (!renderer) return;
    for (size_t i = 0; i < TB_SOUNDFONTS_MAX; i++) tb_font_player_free(renderer->players[i]);
    tb_resampler_free(renderer->resampler);
    tb_free(renderer);
}

/* --- soundfonts ----------------------------------------------------------------------------------------- */

static tb_status get_player(tb_renderer *renderer, size_t font, tb_font_player **player, tb_error *err)
{
    tb_status status = TB_OK;
    tb_font_player **slot = &renderer->players[font];
    if (!*slot) TB_TRY(tb_font_player_new(renderer->config.fonts->fonts[font].path, slot, err));
    *player = *slot;
out:
    return status;
}

static void take(float *out, size_t n, size_t *done, const float *from, size_t count)
{
    const size_t room = n - *done, taken = count < room ? count : room;
    memcpy(out + *done, from, taken * sizeof *out);
    *done += taken;
}

static tb_status bring_down(tb_resampler *resampler, const float *fast, size_t n_fast, float *out, size_t n,
                            tb_error *err)
{
    tb_status status = TB_OK;
    const float *some = NULL;
    size_t done = 0, count = 0;
    TB_TRY(tb_resampler_reset(resampler, err));
    for (size_t at = 0; at < n_fast; at += RESAMPLE_CHUNK) {
        TB_TRY(tb_resampler_process(resampler, fast + at,
                                    n_fast - at < RESAMPLE_CHUNK ? n_fast - at : RESAMPLE_CHUNK, &some,
                                    &count, err));
        take(out, n, &done, some, count);
    }
    do {
        TB_TRY(tb_resampler_finish(resampler, &some, &count, err));
        take(out, n, &done, some, count);
    } while (count > 0);
    memset(out + done, 0, (n - done) * sizeof *out);
out:
    return status;
}

static tb_status play_font(tb_renderer *renderer, size_t font, const tb_part *part, float *out, size_t n,
                           tb_error *err)
{
    tb_status status = TB_OK;
    tb_font_player *player = NULL;
    float *fast = NULL;
    TB_TRY(get_player(renderer, font, &player, err));
    if (!part->is_drums || !renderer->resampler) {
        TB_TRY(tb_font_player_play(player, part, renderer->config.rate_hz, out, n, err));
    } else {
        const size_t n_fast = (size_t)((double)n * DRUM_RATE_HZ / renderer->config.rate_hz) + 1;
        if (!(fast = tb_alloc(n_fast, sizeof *fast))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a part");
        TB_TRY(tb_font_player_play(player, part, DRUM_RATE_HZ, fast, n_fast, err));
        TB_TRY(bring_down(renderer->resampler, fast, n_fast, out, n, err));
    }
out:
    tb_free(fast);
    return status;
}

/* --- levels --------------------------------------------------------------------------------------------- */

/* Mean square over the stretches of 50 ms that are within 30 dB of the loudest; 0 for silence. */
static double active_power(const float *x, size_t n, int rate_hz)
{
    const size_t size = (size_t)rate_hz / 20;
    double loudest = 0, sum = 0;
    size_t count = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t at = 0; at < n; at += size) {
            const size_t end = n - at < size ? n : at + size;
            double power = 0;
            for (size_t i = at; i < end; i++) power += (double)x[i] * (double)x[i];
            power /= (double)(end - at);
            if (pass == 0) loudest = power > loudest ? power : loudest;
            else if (power > loudest * 1e-3) sum += power, count++;
        }
    }
    return count ? sum / (double)count : 0;
}

static void scale(float *x, size_t n, double gain)
{
    for (size_t i = 0; i < n; i++) x[i] *= (float)gain;
}

static double decibels(double db)
{
    return pow(10, db / 20);
}

/* --- parts ---------------------------------------------------------------------------------------------- */

static bool has_notes(const tb_part *part)
{
    for (size_t i = 0; i < part->n_events; i++)
        if (part->events[i].kind == TB_EVENT_NOTE_ON) return true;
    return false;
}

static tb_status play_source(tb_renderer *renderer, const tb_part *part, tb_rng *rng, tb_rendered_part *out,
                             size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_renderer_config *config = &renderer->config;
    /* all is drawn in any case, so that one choice does not move the others */
    const double by_patch = tb_rng_uniform(rng);
    const uint64_t patch_seed = tb_rng_next(rng);
    const size_t font = config->fonts ? tb_soundfonts_draw(config->fonts, rng) : 0;
    if (!config->fonts || by_patch < part->synthetic * config->patch_share / usual_patch_share) {
        TB_TRY(tb_patch_synth_play(part, patch_seed, config->rate_hz, out->samples, n, out->source, err));
    } else {
        TB_TRY(play_font(renderer, font, part, out->samples, n, err));
        (void)tb_text_copy(out->source, sizeof out->source, config->fonts->fonts[font].name);
    }
out:
    return status;
}

/* *sounds: false when the part gave silence. */
static tb_status play_part(tb_renderer *renderer, const tb_song *song, const tb_part *part, uint64_t seed,
                           tb_rendered_part *out, size_t n, bool *sounds, tb_error *err)
{
    tb_status status = TB_OK;
    const int rate_hz = renderer->config.rate_hz;
    tb_effects effects = {.ratio = 1};
    tb_rng rng;
    tb_rng_init(&rng, seed);
    TB_TRY(play_source(renderer, part, &rng, out, n, err));
    tb_rng_init(&rng, tb_seed_derive(seed, 1));
    double level_db = stem_levels[part->stem].mean_db;
    if (renderer->config.effects) {
        const double deviation = tb_rng_normal(&rng);
        level_db += stem_levels[part->stem].deviation_db * fmin(fmax(deviation, -2.5), 2.5);
        tb_effects_draw(part->stem, song->tempo_bpm > 0 ? 60 / song->tempo_bpm : 0.5, &rng, &effects);
        const double dry = active_power(out->samples, n, rate_hz);
        /* drive and compressor are meant for a level of -20 dB */
        if (dry > 0) scale(out->samples, n, 0.1 / sqrt(dry));
        TB_TRY(tb_effects_apply(&effects, rate_hz, out->samples, n, err));
    }
    tb_effects_describe(&effects, out->effects, sizeof out->effects);
    const double power = active_power(out->samples, n, rate_hz);
    *sounds = power > 1e-14;
    if (*sounds) scale(out->samples, n, decibels(level_db) / sqrt(power));
out:
    return status;
}

/* --- sums ----------------------------------------------------------------------------------------------- */

static tb_status add_stems(tb_rendering *r, tb_error *err)
{
    for (size_t p = 0; p < r->n_parts; p++) {
        float **stem = &r->stems[r->parts[p].stem];
        if (!*stem && !(*stem = tb_alloc(r->n_samples, sizeof **stem)))
            return tb_error_set(err, TB_NO_MEMORY, "no memory for a stem");
        for (size_t i = 0; i < r->n_samples; i++) (*stem)[i] += r->parts[p].samples[i];
    }
    return TB_OK;
}

/* One gain for everything: the mix at about -20 dB, and its peak within the limit. */
static tb_status set_level(tb_rendering *r, double level_db, tb_error *err)
{
    float *mix = tb_alloc(r->n_samples, sizeof *mix);
    if (!mix) return tb_error_set(err, TB_NO_MEMORY, "no memory for a mix");
    double peak = 0;
    for (size_t s = 0; s < TB_STEM_COUNT; s++)
        for (size_t i = 0; r->stems[s] && i < r->n_samples; i++) {
            mix[i] += r->stems[s][i];
            peak = fmax(peak, fabs((double)r->stems[s][i]));
        }
    for (size_t i = 0; i < r->n_samples; i++) peak = fmax(peak, fabs((double)mix[i]));
    const double power = active_power(mix, r->n_samples, r->rate_hz);
    tb_free(mix);
    if (!(power > 0)) return TB_OK;
    const double gain = fmin(decibels(level_db) / sqrt(power), max_peak / peak);
    for (size_t s = 0; s < TB_STEM_COUNT; s++)
        if (r->stems[s]) scale(r->stems[s], r->n_samples, gain);
    for (size_t p = 0; p < r->n_parts; p++) scale(r->parts[p].samples, r->n_samples, gain);
    return TB_OK;
}

tb_status tb_renderer_play(tb_renderer *renderer, const tb_song *song, uint64_t seed,
                           tb_rendering **rendering, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n_of_stem[TB_STEM_COUNT] = {0};
    tb_rng rng;
    tb_rendering *made = tb_alloc(1, sizeof *made);
    if (!made || !(made->parts = tb_alloc(song->n_parts + 1, sizeof *made->parts)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a rendering");
    if (!(song->duration_s > 0 && song->duration_s <= TB_SONG_MAX_S))
        TB_FAIL(err, TB_INVALID, "a song of %g s cannot be rendered", song->duration_s);
    made->rate_hz = renderer->config.rate_hz;
    made->n_samples = (size_t)ceil(song->duration_s * made->rate_hz);
    for (size_t p = 0; p < song->n_parts; p++) {
        const tb_part *part = &song->parts[p];
        const uint64_t stream = (uint64_t)part->stem * TB_SONG_MAX_PARTS + n_of_stem[part->stem]++;
        if (!has_notes(part)) continue;
        tb_rendered_part *out = &made->parts[made->n_parts];
        bool sounds = false;
        *out = (tb_rendered_part){.part = p,
                                  .stem = part->stem,
                                  .samples = tb_alloc(made->n_samples, sizeof *out->samples)};
        if (!out->samples) TB_FAIL(err, TB_NO_MEMORY, "no memory for a part of %zu samples", made->n_samples);
        made->n_parts++;
        TB_TRY(play_part(renderer, song, part, tb_seed_derive(seed, stream), out, made->n_samples, &sounds,
                         err));
        if (!sounds) tb_free(made->parts[--made->n_parts].samples);
    }
    tb_rng_init(&rng, tb_seed_derive(seed, UINT64_MAX - 1));
    TB_TRY(add_stems(made, err));
    TB_TRY(set_level(made,
                     mix_level_db + (renderer->config.effects ? mix_deviation_db * tb_rng_normal(&rng) : 0),
                     err));
    *rendering = made;
    made = NULL;
out:
    tb_rendering_free(made);
    return status;
}

void tb_rendering_free(tb_rendering *rendering)
{
    if (!rendering) return;
    for (size_t p = 0; p < rendering->n_parts; p++) tb_free(rendering->parts[p].samples);
    for (size_t s = 0; s < TB_STEM_COUNT; s++) tb_free(rendering->stems[s]);
    tb_free(rendering->parts);
    tb_free(rendering);
}
