// SPDX-License-Identifier: MIT
/* The body of tests/fuzz/fuzz_filter.c, shared with the test that replays its corpus. */
#ifndef TIMBRE_TESTS_FUZZ_FILTER_H
#define TIMBRE_TESTS_FUZZ_FILTER_H

#include "store/store.h"

/* Aborts when a promise of the layer is broken.  Returns 0.  store: one with the features tempo, key and
 * mode. */
int tb_fuzz_filter(tb_store *store, const uint8_t *bytes, size_t size);

#endif
