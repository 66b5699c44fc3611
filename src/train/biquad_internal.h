// SPDX-License-Identifier: MIT
/* Second-order filters for the effects and the synthesiser (Robert Bristow-Johnson, "Cookbook formulae for
 * audio equalizer biquad filter coefficients").  Plain data: any thread, each its own. */
#ifndef TIMBRE_TRAIN_BIQUAD_INTERNAL_H
#define TIMBRE_TRAIN_BIQUAD_INTERNAL_H

#include <math.h>
#include <stddef.h>

/* y = b0 x + b1 x[-1] + b2 x[-2] - a1 y[-1] - a2 y[-2], in the transposed direct form 2. */
typedef struct tb__biquad {
    double b0, b1, b2, a1, a2, s1, s2;
} tb__biquad;

typedef enum tb__biquad_kind {
    TB__BIQUAD_BELL,
    TB__BIQUAD_LOW_PASS,
    TB__BIQUAD_HIGH_PASS,
    TB__BIQUAD_BAND_PASS
} tb__biquad_kind;

/* hz: brought to below 0.49 of the rate.  q > 0.  gain_db: of bells alone.  The state is left as it is, so
 * that a filter may move while it runs. */
static inline void tb__biquad_set(tb__biquad *f, tb__biquad_kind kind, double hz, double q, double gain_db,
                                  double rate_hz)
{
    const double w = 2 * 3.14159265358979323846 * fmin(fmax(hz, 5) / rate_hz, 0.49);
    const double c = cos(w), alpha = sin(w) / (2 * q), a = pow(10, gain_db / 40);
    double a0 = 1 + alpha;
    f->a1 = -2 * c;
    f->a2 = 1 - alpha;
    switch (kind) {
    case TB__BIQUAD_BELL:
        a0 = 1 + alpha / a;
        f->b0 = 1 + alpha * a, f->b1 = -2 * c, f->b2 = 1 - alpha * a;
        f->a2 = 1 - alpha / a;
        break;
    case TB__BIQUAD_LOW_PASS: f->b0 = (1 - c) / 2, f->b1 = 1 - c, f->b2 = (1 - c) / 2; break;
    case TB__BIQUAD_HIGH_PASS: f->b0 = (1 + c) / 2, f->b1 = -(1 + c), f->b2 = (1 + c) / 2; break;
    case TB__BIQUAD_BAND_PASS: f->b0 = alpha, f->b1 = 0, f->b2 = -alpha; break;
    }
    f->b0 /= a0, f->b1 /= a0, f->b2 /= a0, f->a1 /= a0, f->a2 /= a0;
}

static inline double tb__biquad_step(tb__biquad *f, double x)
{
    const double y = f->b0 * x + f->s1;
    f->s1 = f->b1 * x - f->a1 * y + f->s2;
    f->s2 = f->b2 * x - f->a2 * y;
    return y;
}

static inline void tb__biquad_run(tb__biquad *f, float *x, size_t n)
{
    for (size_t i = 0; i < n; i++) x[i] = (float)tb__biquad_step(f, (double)x[i]);
}

#endif
