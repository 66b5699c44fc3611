// SPDX-License-Identifier: MIT
/* The body of tests/fuzz/fuzz_api.c, shared with the test that replays its corpus. */
#ifndef TIMBRE_TESTS_FUZZ_API_H
#define TIMBRE_TESTS_FUZZ_API_H

#include "engine/engine.h"

#include <stddef.h>
#include <stdint.h>

/* Hands one request to an API on the engine.  Aborts when a promise of the layer is broken.  Returns 0. */
int tb_fuzz_api(tb_engine *engine, const uint8_t *bytes, size_t size);

#endif
