// SPDX-License-Identifier: MIT
/* A windowed sinc (Kaiser) of twelve samples per new sample: its transition lies between a quarter and three quarters
 * of the new rate. */
#include "dsp/decimate.h"

#include "base/alloc.h"
#include "dsp/vector_internal.h"

enum { TAPS_PER_FACTOR = 12 };
static const double kaiser_beta = 8.0;
static const double pi = 3.14159265358979323846;

struct tb_decimator {
    size_t factor, n_taps;
    float *taps;   /* n_taps */
    float *recent; /* 2 x n_taps: the last samples, twice, so that n_taps of them always stand in a row */
    size_t at;     /* where the next sample goes, below n_taps */
};

/* Modified Bessel function of order 0. */
static double bessel(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; k < 40; k++) {
        term *= x * x / (4.0 * k * k);
        sum += term;
    }
    return sum;
}

static void fill_taps(tb_decimator *decimator)
{
    const double n = (double)decimator->n_taps, cutoff = 0.5 / (double)decimator->factor; /* of the sample rate */
    double sum = 0;
    for (size_t i = 0; i < decimator->n_taps; i++) {
        const double t = (double)i - (n - 1) / 2, u = 2 * t / n;
        const double sinc = sin(2 * pi * cutoff * t) / (pi * t); /* n is even: t is never 0 */
        const double tap = sinc * bessel(kaiser_beta * sqrt(1 - u * u)) / bessel(kaiser_beta);
        decimator->taps[i] = (float)tap;
        sum += tap;
    }
    for (size_t i = 0; i < decimator->n_taps; i++) decimator->taps[i] /= (float)sum;
}

tb_status tb_decimator_new(size_t factor, tb_decimator **decimator, tb_error *err)
{
    tb_status status = TB_OK;
    tb_decimator *made = NULL;
    if (factor < 2 || factor > TB_DECIMATE_MAX_FACTOR)
        TB_FAIL(err, TB_INVALID, "the factor of a decimation must lie in 2 to %d", TB_DECIMATE_MAX_FACTOR);
    made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a decimation");
    made->factor = factor;
    made->n_taps = TAPS_PER_FACTOR * factor;
    made->taps = tb_alloc(made->n_taps, sizeof *made->taps);
    made->recent = tb_alloc(2 * made->n_taps, sizeof *made->recent);
    if (made->taps == NULL || made->recent == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a decimation");
    fill_taps(made);
    *decimator = made;
    made = NULL;
out:
    tb_decimator_free(made);
    return status;
}

void tb_decimator_free(tb_decimator *decimator)
{
    if (decimator == NULL) return;
    tb_free(decimator->taps);
    tb_free(decimator->recent);
    tb_free(decimator);
}

void tb_decimator_reset(tb_decimator *decimator)
{
    memset(decimator->recent, 0, 2 * decimator->n_taps * sizeof *decimator->recent);
    decimator->at = 0;
}

void tb_decimator_push(tb_decimator *decimator, const float *in, size_t n, float *out)
{
    const size_t n_taps = decimator->n_taps, factor = decimator->factor;
    for (size_t i = 0; i + factor <= n; i += factor) {
        float *place = decimator->recent + decimator->at; /* n_taps is a multiple of factor: no wrap within */
        memcpy(place, in + i, factor * sizeof *in);
        memcpy(place + n_taps, in + i, factor * sizeof *in);
        decimator->at += factor;
        if (decimator->at == n_taps) decimator->at = 0;
        *out++ = tb__dot(decimator->recent + decimator->at, decimator->taps, n_taps); /* symmetric: no need to turn it */
    }
}
