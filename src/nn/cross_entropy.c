// SPDX-License-Identifier: MIT
/* Softmax cross-entropy.  The largest logit of a row is taken off all of it, so that no power overflows:
 * log p_k = z_k - max - log sum_j exp(z_j - max). */
#include "nn/cross_entropy.h"

#include <assert.h>
#include <math.h>

static double largest(const float *values, size_t n)
{
    double most = values[0];
    for (size_t i = 1; i < n; i++)
        if (values[i] > most) most = values[i];
    return most;
}

/* Loss of one row; the gradient of scale times it. */
static double row_loss(const float *logits, size_t label, size_t n, double smoothing, double scale,
                       float *gradient)
{
    const double most = largest(logits, n);
    double sum = 0, mean = 0;
    for (size_t k = 0; k < n; k++) {
        sum += exp(logits[k] - most);
        mean += (logits[k] - most) / (double)n;
    }
    const double log_sum = log(sum), even = smoothing / (double)n;
    const double loss = log_sum - (1 - smoothing) * (logits[label] - most) - smoothing * mean;
    if (gradient)
        for (size_t k = 0; k < n; k++) {
            const double target = even + (k == label ? 1 - smoothing : 0);
            gradient[k] = (float)(scale * (exp(logits[k] - most - log_sum) - target));
        }
    return loss;
}

double tb_softmax_cross_entropy(const float *logits, const uint32_t *labels, size_t n_rows, size_t n_classes,
                                float smoothing, float *gradient)
{
    assert(n_classes > 0 && smoothing >= 0 && smoothing <= 1);
    if (n_rows == 0) return 0;
    const double scale = 1 / (double)n_rows;
    double loss = 0;
    for (size_t i = 0; i < n_rows; i++) {
        assert(labels[i] < n_classes);
        loss += scale * row_loss(logits + i * n_classes, labels[i], n_classes, (double)smoothing, scale,
                                 gradient ? gradient + i * n_classes : NULL);
    }
    return loss;
}
