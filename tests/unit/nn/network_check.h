// SPDX-License-Identifier: MIT
/* Checks of networks from their text alone, beside gradients.h: what is refused, and what happens without
 * memory. */
#ifndef TIMBRE_TESTS_UNIT_NN_NETWORK_CHECK_H
#define TIMBRE_TESTS_UNIT_NN_NETWORK_CHECK_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* n values of fill_values; freed with tb_free. */
float *random_values(size_t n, uint64_t seed);
/* The text is refused, and the message has this reason in it. */
void check_refused(const char *text, tb_status expected, const char *reason);
/* Parsing and a pass free all they have when any allocation fails. */
void check_without_memory(const char *text);

#endif
