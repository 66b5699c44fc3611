// SPDX-License-Identifier: MIT
/* A room whose echoes are noise that dies away: convolution with a drawn impulse response.  Threads: any. */
#ifndef TIMBRE_TRAIN_ROOM_H
#define TIMBRE_TRAIN_ROOM_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

/* mono[i] becomes (1 - wet) * mono[i] + wet * tail[i], the tail brought to the level of mono.
 * seconds: time to -60 dB, cut to 0.05 .. 4; damp_hz: where the low-pass of the tail begins; seed: of the
 * noise. TB_NO_MEMORY. */
tb_status tb_room_apply(double wet, double seconds, double damp_hz, uint64_t seed, int rate_hz, float *mono,
                        size_t n, tb_error *err) TB_MUST_CHECK;

#endif
