// SPDX-License-Identifier: MIT
/* What happens to music on its way to a listener: the changes that a space should not care about.  Threads:
 * any. */
#ifndef TIMBRE_TRAIN_AUDIO_CHANGE_H
#define TIMBRE_TRAIN_AUDIO_CHANGE_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

typedef enum tb_audio_change {
    TB_CHANGE_MP3,     /* 64 kbit/s, 44.1 kHz */
    TB_CHANGE_RATE,    /* resampled to 16 kHz and back */
    TB_CHANGE_QUIET,   /* -12 dB, in 16 bits */
    TB_CHANGE_NOISE,   /* white noise 20 dB below */
    TB_CHANGE_CLIPPED, /* cut at a third of the peak */
    TB_CHANGE_SHIFTED, /* without the first 0.7 s */
    TB_CHANGE_FASTER,  /* 2 % faster, and so higher */
    TB_CHANGE_COUNT
} tb_audio_change;

/* "MP3 at 64 kbit/s". */
const char *tb_audio_change_name(tb_audio_change change);
/* How much faster it plays: second s of the original is at s / speed (0.7 s earlier in TB_CHANGE_SHIFTED). */
double tb_audio_change_speed(tb_audio_change change);

/* mono: n (>= 1) samples at TB_MODEL_RATE_HZ, left as they are.  *out: *n_out samples, tb_free.  seed: of the
 * noise. TB_UNSUPPORTED where this build cannot make MP3; TB_INVALID for audio that is too short;
 * TB_NO_MEMORY. */
tb_status tb_audio_change_make(tb_audio_change change, const float *mono, size_t n, uint64_t seed,
                               float **out, size_t *n_out,
                               tb_error *err) TB_MUST_CHECK;

#endif
