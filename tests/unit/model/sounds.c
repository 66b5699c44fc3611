// SPDX-License-Identifier: MIT
#include "unit/model/sounds.h"

#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/rng.h"
#include "model/descriptor_stats.h"

#include <math.h>
#include <string.h>

static const double TWO_PI = 6.283185307179586;

static float *allocate(size_t n)
{
    float *samples = tb_alloc(n + 1, sizeof *samples);
    assert_non_null(samples);
    return samples;
}

float *make_sine(double hz, float amplitude, size_t n)
{
    float *samples = allocate(n);
    for (size_t i = 0; i < n; i++) samples[i] = amplitude * (float)sin(TWO_PI * hz * (double)i / SOUND_RATE);
    return samples;
}

float *make_noise(uint64_t seed, float amplitude, size_t n)
{
    tb_rng rng;
    float *samples = allocate(n);
    tb_rng_init(&rng, seed);
    for (size_t i = 0; i < n; i++) samples[i] = amplitude * (float)(2 * tb_rng_uniform(&rng) - 1);
    return samples;
}

float *make_constant(float value, size_t n)
{
    float *samples = allocate(n);
    for (size_t i = 0; i < n; i++) samples[i] = value;
    return samples;
}

float *make_music(uint64_t seed, size_t n)
{
    tb_rng rng;
    float *samples = allocate(n);
    tb_rng_init(&rng, seed);
    const double root = 110 * pow(2, (double)tb_rng_below(&rng, 12) / 12), beat_s = 0.35 + 0.4 * tb_rng_uniform(&rng);
    const double brightness = 0.3 + 0.6 * tb_rng_uniform(&rng), noisiness = 0.3 * tb_rng_uniform(&rng);
    static const double ratios[4] = {1, 1.3348398541700344, 1.4983070768766815, 1.189207115002721};
    for (size_t i = 0; i < n; i++) {
        const double t = (double)i / SOUND_RATE, beat = floor(t / beat_s), in_beat = t - beat * beat_s;
        const double decay = exp(-6 * in_beat);
        double sum = 0;
        for (int note = 0; note < 3; note++) {
            const double chord[3] = {1, 1.2599210498948732, 1.4983070768766815};
            const double angle = TWO_PI * root * ratios[(size_t)(beat / 4) % 4] * chord[note] * t, twice = 2 * cos(angle);
            double before = 0, now = sin(angle), amplitude = brightness; /* sin(h angle) by recurrence */
            for (int h = 1; h <= 5; h++) {
                sum += amplitude * now;
                const double next = twice * now - before;
                before = now;
                now = next;
                amplitude *= brightness;
            }
        }
        samples[i] = (float)(0.08 * sum * (0.4 + decay) + noisiness * decay * (2 * tb_rng_uniform(&rng) - 1));
    }
    return samples;
}

static tb_model *model;

static void close_model(void) __attribute__((destructor));
static void close_model(void)
{
    tb_model_close(model);
}

const tb_model *test_model(void)
{
    tb_error err;
    tb_descriptor_stats *stats = NULL;
    enum { TRACKS = 12, SAMPLES = 25 * SOUND_RATE };
    if (model != NULL) return model;
    char *path = tb_fs_join(tb_test_folder(), "descriptors.safetensors");
    assert_ok(tb_descriptor_stats_new(1, &stats, &err));
    for (uint64_t i = 0; i < TRACKS; i++) {
        float *samples = make_music(i, SAMPLES);
        assert_ok(tb_descriptor_stats_push(stats, samples, SAMPLES, &err));
        assert_ok(tb_descriptor_stats_end_track(stats, &err));
        tb_free(samples);
    }
    assert_ok(tb_descriptor_stats_save(stats, "made up", path, &err));
    tb_descriptor_stats_free(stats);
    assert_ok(tb_model_open(path, &model, &err));
    tb_free(path);
    return model;
}

static tb_status keep(void *context, const tb_segment *segment, tb_error *err)
{
    heard *out = context;
    (void)err;
    assert_true(out->n < SOUND_MAX_SEGMENTS);
    out->start_s[out->n] = segment->start_s;
    out->duration_s[out->n] = segment->duration_s;
    memcpy(out->vectors + out->n * out->dim, segment->vector, out->dim * sizeof(float));
    memcpy(out->presence + out->n * out->n_parts, segment->presence, out->n_parts * sizeof(float));
    out->n++;
    return TB_OK;
}

void hear(const float *samples, size_t n, size_t block, heard *out)
{
    hear_by(test_model(), samples, n, block, out);
}

void hear_by(const tb_model *by, const float *samples, size_t n, size_t block, heard *out)
{
    tb_error err;
    tb_analyser *analyser = NULL;
    const tb_model_info *info = tb_model_get_info(by);
    *out = (heard){.info = info, .dim = info->dim, .n_parts = info->n_parts};
    out->vectors = tb_alloc(SOUND_MAX_SEGMENTS * info->dim, sizeof(float));
    out->presence = tb_alloc(SOUND_MAX_SEGMENTS * info->n_parts, sizeof(float));
    assert_true(out->vectors != NULL && out->presence != NULL);
    assert_ok(tb_analyser_new(&by, 1, keep, out, &analyser, &err));
    for (size_t i = 0; i < n;) {
        const size_t taken = block == 0 || block > n - i ? n - i : block;
        assert_ok(tb_analyser_push_mono(analyser, samples + i, taken, &err));
        i += taken;
    }
    assert_ok(tb_analyser_finish(analyser, &out->features, &err));
    tb_analyser_free(analyser);
}

void heard_clear(heard *out)
{
    tb_free(out->vectors);
    tb_free(out->presence);
}

void assert_sane(const heard *out)
{
    const tb_model_info *info = out->info;
    for (size_t s = 0; s < out->n; s++) {
        for (size_t p = 0; p < out->n_parts; p++) {
            const float presence = out->presence[s * out->n_parts + p];
            const float *vector = out->vectors + s * out->dim + info->parts[p].offset;
            double square = 0;
            for (size_t k = 0; k < info->parts[p].dim; k++) square += (double)vector[k] * (double)vector[k];
            if (!(presence >= 0 && presence <= 1)) fail_msg("presence of %s is %g", info->parts[p].name, (double)presence);
            assert_near(square, presence > 0 ? 1 : 0, 1e-4); /* false for NaN, too */
        }
    }
    for (int f = 0; f < TB_FEATURE_COUNT; f++) {
        if (!isfinite(out->features.value[f]))
            fail_msg("%s is not finite", tb_feature_get_info((tb_feature)f)->name);
        if (!out->features.has[f]) assert_near(out->features.value[f], 0, 0);
    }
}
