// SPDX-License-Identifier: MIT
/* Softmax cross-entropy, for networks that name one class out of several.
 *
 *     p = softmax(logits),   t_k = (1 - smoothing) [k is the label] + smoothing / n_classes
 *     loss = mean over rows of -sum_k t_k log p_k,   gradient = (p - t) / n_rows
 *
 * Smoothing the labels is Szegedy et al., "Rethinking the Inception architecture for computer vision" (2016),
 * section 7. */
#ifndef TIMBRE_NN_CROSS_ENTROPY_H
#define TIMBRE_NN_CROSS_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* logits: n_rows x n_classes, any finite numbers.  labels: n_rows, each < n_classes.  smoothing: 0 to 1, 0 =
 * none. gradient: n_rows x n_classes, overwritten; NULL where only the loss matters; may be logits itself.
 * Returns the loss in nats, >= 0; 0 for no rows.  Not finite where a logit is not.  Allocates nothing. */
double tb_softmax_cross_entropy(const float *logits, const uint32_t *labels, size_t n_rows, size_t n_classes,
                                float smoothing, float *gradient);

#endif
