// SPDX-License-Identifier: MIT
#include "train/audio_change.h"

#include "audio/decode.h"
#include "audio/mp3_encode.h"
#include "audio/resample.h"
#include "audio/stream.h"
#include "base/alloc.h"
#include "base/rng.h"
#include "model/model.h"
#include "train/samples.h"

#include <math.h>
#include <string.h>

enum { BLOCK = 8192, MP3_RATE_HZ = 44100, MP3_KBIT = 64, LOW_RATE_HZ = 16000 };

static const double shift_s = 0.7, speed = 1.02, quieter = 0.251188643150958;
static const double noise_level = 0.1; /* of the RMS */

const char *tb_audio_change_name(tb_audio_change change)
{
    static const char *const names[TB_CHANGE_COUNT] = {
        [TB_CHANGE_MP3] = "MP3 at 64 kbit/s",      [TB_CHANGE_RATE] =
            "mono at 16 kHz",         [TB_CHANGE_QUIET] = "12 dB quieter",
        [TB_CHANGE_NOISE] = "white noise at 20 dB SNR", [TB_CHANGE_CLIPPED] =
            "clipped at a third of its peak",
        [TB_CHANGE_SHIFTED] = "0.7 s later",       [TB_CHANGE_FASTER] = "2 % faster and higher",
    };
    return names[change];
}

double tb_audio_change_speed(tb_audio_change change)
{
    return change == TB_CHANGE_FASTER ? speed : 1;
}

static tb_status resample(const float *mono, size_t n, int from_hz, int to_hz, tb_samples *out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_resampler *resampler = NULL;
    const float *made = NULL;
    size_t n_made = 0;
    TB_TRY(tb_resampler_new(from_hz, to_hz, 1, BLOCK, &resampler, err));
    for (size_t at = 0; at < n; at += BLOCK) {
        TB_TRY(tb_resampler_process(resampler, mono + at, n - at < BLOCK ? n - at : BLOCK, &made, &n_made,
                                    err));
        if (n_made) TB_TRY(tb_samples_append(out, made, n_made, err));
    }
    for (;;) {
        TB_TRY(tb_resampler_finish(resampler, &made, &n_made, err));
        if (n_made == 0) break;
        TB_TRY(tb_samples_append(out, made, n_made, err));
    }
out:
    tb_resampler_free(resampler);
    return status;
}

/* --- the changes ---------------------------------------------------------------------------------------- */

static tb_status through_mp3(const float *mono, size_t n, tb_samples *out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_samples high = {0};
    char *bytes = NULL;
    size_t size = 0;
    tb_decoder *decoder = NULL;
    const tb_audio_sink sink = {.context = out, .on_mono = tb_samples_append};
    const tb_audio_options options = {.mono_rate_hz = TB_MODEL_RATE_HZ, .skip_identity = true};
    tb_audio_result heard;
    TB_TRY(resample(mono, n, TB_MODEL_RATE_HZ, MP3_RATE_HZ, &high, err));
    if (high.n == 0) TB_FAIL(err, TB_INVALID, "%zu samples are too few for MP3", n);
    TB_TRY(tb_mp3_encode(high.values, high.n, MP3_KBIT, &bytes, &size, err));
    TB_TRY(tb_decoder_open_memory(bytes, size, "MP3", &decoder, err));
    TB_TRY(tb_audio_stream_run(decoder, &options, &sink, &heard, err));
out:
    tb_decoder_close(decoder);
    tb_free(bytes);
    tb_free(high.values);
    return status;
}

static tb_status through_low_rate(const float *mono, size_t n, tb_samples *out, tb_error *err)
{
    tb_samples low = {0};
    tb_status status = resample(mono, n, TB_MODEL_RATE_HZ, LOW_RATE_HZ, &low, err);
    if (status == TB_OK) status = resample(low.values, low.n, LOW_RATE_HZ, TB_MODEL_RATE_HZ, out, err);
    tb_free(low.values);
    return status;
}

static float root_mean_square(const float *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    return (float)sqrt(square / (double)n);
}

static void change_samples(tb_audio_change change, float *x, size_t n, uint64_t seed)
{
    tb_rng rng;
    tb_rng_init(&rng, seed);
    float peak = 0;
    for (size_t i = 0; i < n; i++) peak = fmaxf(peak, fabsf(x[i]));
    const float noise = (float)noise_level * root_mean_square(x, n), limit = peak / 3;
    for (size_t i = 0; i < n; i++) {
        if (change == TB_CHANGE_QUIET) x[i] = rintf(x[i] * (float)quieter * 32768) / 32768;
        else if (change == TB_CHANGE_NOISE) x[i] += noise * (float)tb_rng_normal(&rng);
        else if (change == TB_CHANGE_CLIPPED) x[i] = fminf(fmaxf(x[i], -limit), limit);
    }
}

tb_status tb_audio_change_make(tb_audio_change change, const float *mono, size_t n, uint64_t seed,
                               float **out, size_t *n_out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_samples made = {0};
    const size_t shift = change == TB_CHANGE_SHIFTED ? (size_t)(shift_s * TB_MODEL_RATE_HZ) : 0;
    if (n <= shift) TB_FAIL(err, TB_INVALID, "%zu samples are too few for this change", n);
    switch (change) {
    case TB_CHANGE_MP3: TB_TRY(through_mp3(mono, n, &made, err)); break;
    case TB_CHANGE_RATE: TB_TRY(through_low_rate(mono, n, &made, err)); break;
    case TB_CHANGE_FASTER: TB_TRY(resample(mono, n, (int)lrint(TB_MODEL_RATE_HZ * speed), TB_MODEL_RATE_HZ,
                                           &made, err)); break;
    default:
        TB_TRY(tb_samples_append(&made, mono + shift, n - shift, err));
        change_samples(change, made.values, made.n, seed);
    }
    if (made.n == 0) TB_FAIL(err, TB_INVALID, "%zu samples are too few for this change", n);
    *out = made.values;
    *n_out = made.n;
    made.values = NULL;
out:
    tb_free(made.values);
    return status;
}
