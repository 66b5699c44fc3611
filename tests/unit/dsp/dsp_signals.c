// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_signals.h"

#include "base/alloc.h"
#include "support/testing.h"

#include <math.h>
#include <string.h>

double next_noise(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (double)*state / 2147483648.0 - 1.0;
}

static double *make_noise(size_t n, uint32_t seed)
{
    double *noise = tb_alloc(n, sizeof *noise);
    assert_non_null(noise);
    for (size_t i = 0; i < n; i++) noise[i] = next_noise(&seed);
    return noise;
}

static double *make_tone(size_t n)
{
    double *x = make_noise(n, 1);
    for (size_t i = 0; i < n; i++)
        x[i] = 0.5 * sin(2.0 * M_PI * 440.0 * ((double)i / SIGNAL_RATE)) + 0.001 * x[i];
    return x;
}

static double *make_chirp(size_t n)
{
    double *x = make_noise(n, 2);
    for (size_t i = 0; i < n; i++) {
        const double t = (double)i / SIGNAL_RATE;
        x[i] = 0.4 * sin(2.0 * M_PI * (100.0 * t + 0.5 * 3950.0 * t * t)) + 0.001 * x[i];
    }
    return x;
}

static double *make_white(size_t n)
{
    double *x = make_noise(n, 3);
    for (size_t i = 0; i < n; i++) x[i] *= 0.3;
    return x;
}

static double *make_chords(size_t n)
{
    static const int semitones[4][3] = {{-9, -5, -2}, {-4, 0, 3}, {-2, 2, 5}, {0, 3, 7}};
    double *x = make_noise(n, 4);
    for (size_t i = 0; i < n; i++) {
        const size_t chord = i / 16537 < 3 ? i / 16537 : 3;
        const double since = (double)(i - chord * 16537) / SIGNAL_RATE;
        x[i] *= 0.001;
        for (size_t note = 0; note < 3; note++) {
            const double hz = 445.0 * exp2(semitones[chord][note] / 12.0);
            for (int partial = 1; partial <= 4; partial++)
                x[i] += 0.15 / partial * exp(-2.0 * since) * sin(2.0 * M_PI * hz * partial * since);
        }
    }
    return x;
}

static double *make_drums(size_t n)
{
    double *rattle = make_noise(n, 5), *x = make_noise(n, 6);
    const double beat = 60.0 * SIGNAL_RATE / 128.0;
    for (size_t i = 0; i < n; i++) x[i] *= 0.001;
    for (size_t k = 0;; k++) {
        const size_t start = (size_t)floor((double)k * beat / 2.0);
        if (start >= n) break;
        for (size_t i = start; i < n; i++) {
            const double since = (double)(i - start) / SIGNAL_RATE;
            if (k % 2)
                x[i] += 0.1 * exp(-60.0 * since) * rattle[i];
            else if (k % 4 == 2)
                x[i] += 0.3 * exp(-20.0 * since) * rattle[i];
            else
                x[i] += 0.7 * exp(-15.0 * since) * sin(2.0 * M_PI * 60.0 * since);
        }
    }
    tb_free(rattle);
    return x;
}

test_signal make_signal(const char *name)
{
    static const struct {
        const char *name;
        size_t n;
        double *(*make)(size_t n);
    } kinds[] = {
        {"tone", 33331, make_tone},     {"chirp", 44101, make_chirp},  {"white", 20011, make_white},
        {"chords", 66151, make_chords}, {"drums", 264601, make_drums},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        if (strcmp(kinds[k].name, name) != 0) continue;
        double *exact = kinds[k].make(kinds[k].n);
        float *samples = tb_alloc(kinds[k].n, sizeof *samples);
        assert_non_null(samples);
        for (size_t i = 0; i < kinds[k].n; i++) samples[i] = (float)exact[i];
        tb_free(exact);
        return (test_signal){.name = name, .n = kinds[k].n, .samples = samples};
    }
    fail_msg("there is no signal %s", name);
    return (test_signal){0};
}

float *make_sine(size_t n, double amplitude, double hz)
{
    float *samples = tb_alloc(n, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < n; i++)
        samples[i] = (float)(amplitude * sin(2.0 * M_PI * hz * ((double)i / SIGNAL_RATE)));
    return samples;
}

float *make_constant(size_t n, float value)
{
    float *samples = tb_alloc(n, sizeof *samples);
    assert_non_null(samples);
    for (size_t i = 0; i < n; i++) samples[i] = value;
    return samples;
}
