// SPDX-License-Identifier: MIT
/* WAV by hand, and a small synthesiser. */
#include "support/wav.h"

#include "support/testing.h"

#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> 8 * i);
}

void tb_test_write_wav(const char *path, const float *samples, size_t n_frames, int n_channels, int rate_hz)
{
    const size_t n = n_frames * (size_t)n_channels;
    uint8_t head[44] = "RIFF....WAVEfmt ";
    put32(head + 4, (uint32_t)(36 + 2 * n));
    put32(head + 16, 16);
    head[20] = 1;
    head[22] = (uint8_t)n_channels;
    put32(head + 24, (uint32_t)rate_hz);
    put32(head + 28, (uint32_t)(rate_hz * n_channels * 2));
    head[32] = (uint8_t)(n_channels * 2);
    head[34] = 16;
    memcpy(head + 36, "data", 4);
    put32(head + 40, (uint32_t)(2 * n));
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(head, 1, sizeof head, file), sizeof head);
    for (size_t i = 0; i < n; i++) {
        const float x = samples[i] > 1 ? 1 : samples[i] < -1 ? -1 : samples[i];
        const uint16_t value = (uint16_t)(int16_t)lrintf(x * 32767);
        const uint8_t bytes[2] = {(uint8_t)value, (uint8_t)(value >> 8)};
        fwrite(bytes, 1, 2, file);
    }
    assert_int_equal(fclose(file), 0);
}

void tb_test_write_piece(const char *path, uint64_t seed, double seconds, int rate_hz)
{
    enum { N_CHORDS = 4, N_VOICES = 3, N_HARMONICS = 6 };
    const double tau = 6.283185307179586;
    tb_rng rng;
    tb_rng_init(&rng, seed);
    const double beat_s = 0.3 + 0.4 * tb_rng_uniform(&rng), brightness = 0.3 + 0.6 * tb_rng_uniform(&rng);
    double pitch[N_CHORDS][N_VOICES];
    for (int c = 0; c < N_CHORDS; c++)
        for (int v = 0; v < N_VOICES; v++) pitch[c][v] = 110 * pow(2, (double)tb_rng_below(&rng, 30) / 12);
    const size_t n = (size_t)(seconds * rate_hz);
    float *samples = calloc(n ? n : 1, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < n; i++) {
        const double t = (double)i / rate_hz;
        const double *chord = pitch[(size_t)(t / (4 * beat_s)) % N_CHORDS];
        const double since_beat = fmod(t, beat_s);
        double x = 0.4 * exp(-since_beat * 30) * (2 * tb_rng_uniform(&rng) - 1);
        for (int v = 0; v < N_VOICES; v++) {
            double level = 0.1;
            for (int h = 1; h <= N_HARMONICS; h++, level *= brightness) x += level * sin(tau * chord[v] * h * t);
        }
        samples[i] = (float)(0.6 * x);
    }
    tb_test_write_wav(path, samples, n, 1, rate_hz);
    free(samples);
}

char *tb_test_join(const char *folder, const char *name)
{
    const size_t size = strlen(folder) + strlen(name) + 2;
    char *path = malloc(size);
    assert_non_null(path);
    snprintf(path, size, "%s/%s", folder, name);
    return path;
}
