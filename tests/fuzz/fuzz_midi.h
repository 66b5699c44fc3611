// SPDX-License-Identifier: MIT
/* The body of tests/fuzz/fuzz_midi.c, shared with the test that replays its corpus. */
#ifndef TIMBRE_TESTS_FUZZ_MIDI_H
#define TIMBRE_TESTS_FUZZ_MIDI_H

#include <stddef.h>
#include <stdint.h>

/* Aborts when a promise of the reader is broken.  Returns 0. */
int tb_fuzz_midi(const uint8_t *bytes, size_t size);

#endif
