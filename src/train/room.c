// SPDX-License-Identifier: MIT
/* Convolution by overlap and add: blocks as long as the impulse response, transforms of twice that. */
#include "train/room.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "dsp/fft.h"
#include "train/biquad_internal.h"

#include <math.h>
#include <string.h>

static const double min_s = 0.05, max_s = 4;

/* Noise under an exponential, after a gap, with a few early reflections; its energy is 1. */
static void draw_response(double seconds, double damp_hz, uint64_t seed, int rate_hz, float *out, size_t n)
{
    tb_rng rng;
    tb__biquad damp = {0}, no_rumble = {0};
    tb_rng_init(&rng, seed);
    const size_t gap = (size_t)((0.002 + 0.02 * tb_rng_uniform(&rng)) * rate_hz);
    const double fall = exp(-6.907755 / (seconds * rate_hz)); /* ln(1000): -60 dB */
    double level = 1, energy = 0;
    memset(out, 0, n * sizeof *out);
    for (size_t i = gap; i < n; i++, level *= fall) out[i] = (float)(level * (2 * tb_rng_uniform(&rng) - 1));
    for (int k = 0; k < 6; k++) {
        const size_t at = gap + (size_t)tb_rng_below(&rng, (uint64_t)(0.06 * rate_hz));
        const double size = 1.5 + 2 * tb_rng_uniform(&rng), gain = tb_rng_below(&rng, 2) ? size : -size;
        if (at < n) out[at] += (float)gain;
    }
    tb__biquad_set(&damp, TB__BIQUAD_LOW_PASS, damp_hz, 0.6, 0, rate_hz);
    tb__biquad_set(&no_rumble, TB__BIQUAD_HIGH_PASS, 120, 0.7, 0, rate_hz);
    tb__biquad_run(&damp, out, n);
    tb__biquad_run(&no_rumble, out, n);
    for (size_t i = 0; i < n; i++) energy += (double)out[i] * (double)out[i];
    const float gain = energy > 0 ? (float)(1 / sqrt(energy)) : 0;
    for (size_t i = 0; i < n; i++) out[i] *= gain;
}

/* spectrum *= other, both n_bins pairs. */
static void multiply(float *spectrum, const float *other, size_t n_bins)
{
    for (size_t k = 0; k < n_bins; k++) {
        const float re = spectrum[2 * k] * other[2 * k] - spectrum[2 * k + 1] * other[2 * k + 1];
        spectrum[2 * k + 1] = spectrum[2 * k] * other[2 * k + 1] + spectrum[2 * k + 1] * other[2 * k];
        spectrum[2 * k] = re;
    }
}

tb_status tb_room_apply(double wet, double seconds, double damp_hz, uint64_t seed, int rate_hz, float *mono,
                        size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    tb_fft *fft = NULL;
    float *response = NULL, *spectrum = NULL, *block = NULL, *tail = NULL;
    seconds = fmin(fmax(seconds, min_s), max_s);
    size_t size = 1024;
    while ((double)size < seconds * rate_hz && size < TB_FFT_SIZE_MAX / 2) size *= 2;
    const size_t n_fft = 2 * size, n_bins = size + 1;
    response = tb_alloc_aligned(2 * n_bins, sizeof *response);
    spectrum = tb_alloc_aligned(2 * n_bins, sizeof *spectrum);
    block = tb_alloc_aligned(n_fft, sizeof *block);
    tail = tb_alloc(size, sizeof *tail);
    if (!response || !spectrum || !block || !tail)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a room of %.1f s", seconds);
    TB_TRY(tb_fft_new(n_fft, &fft, err));
    draw_response(seconds, damp_hz, seed, rate_hz, block, size);
    tb_fft_forward(fft, block, response);
    const float dry_gain = (float)(1 - wet), wet_gain = (float)(wet / (double)n_fft);
    for (size_t at = 0; at < n; at += size) {
        const size_t count = n - at < size ? n - at : size;
        memcpy(block, mono + at, count * sizeof *block);
        memset(block + count, 0, (n_fft - count) * sizeof *block);
        tb_fft_forward(fft, block, spectrum);
        multiply(spectrum, response, n_bins);
        tb_fft_inverse(fft, spectrum, block);
        for (size_t i = 0; i < count; i++)
            mono[at + i] = dry_gain * mono[at + i] + wet_gain * (block[i] + tail[i]);
        memcpy(tail, block + size, size * sizeof *tail);
    }
out:
    tb_fft_free(fft);
    tb_free(tail);
    tb_free(block);
    tb_free(spectrum);
    tb_free(response);
    return status;
}
