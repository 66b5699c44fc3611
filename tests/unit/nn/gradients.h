// SPDX-License-Identifier: MIT
/* Checks of layers that need their text alone: gradients against finite differences, results that do not
 * depend on the batch. */
#ifndef TIMBRE_TESTS_UNIT_NN_GRADIENTS_H
#define TIMBRE_TESTS_UNIT_NN_GRADIENTS_H

#include "nn/network.h"

#include <stddef.h>

/* n values around 0 of deviation 1, none of which is nearer to 0 than 0.05. */
void fill_values(float *values, size_t n, uint64_t seed);

/* A network of this text whose parameters (biases too) and statistics are drawn from the seed; fails the test
 * if it does not parse. */
tb_network *make_network(const char *text, uint64_t seed);

/* For a loss that is linear in the network's results: the gradients for all parameters and inputs of a batch
 * that backward gives are those of central differences, and backward adds to the gradient that is there.
 * With each table of kernels. */
void check_gradients(const char *text, size_t batch);

/* In inference, each item of a batch has the results, to the bit, that it has alone; with each table of
 * kernels. */
void check_items_are_independent(const char *text, size_t batch);

#endif
