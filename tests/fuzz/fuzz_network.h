// SPDX-License-Identifier: MIT
/* The body of tests/fuzz/fuzz_network.c, shared with the test that replays its corpus. */
#ifndef TIMBRE_TESTS_FUZZ_NETWORK_H
#define TIMBRE_TESTS_FUZZ_NETWORK_H

#include <stddef.h>
#include <stdint.h>

/* Aborts when a promise of the layer is broken.  Returns 0. */
int tb_fuzz_network(const uint8_t *bytes, size_t size);

#endif
