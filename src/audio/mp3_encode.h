// SPDX-License-Identifier: MIT
/* MP3 in memory, to hear what it does to audio (libsndfile with LAME).  Threads: any. */
#ifndef TIMBRE_AUDIO_MP3_ENCODE_H
#define TIMBRE_AUDIO_MP3_ENCODE_H

#include "base/status.h"

#include <stddef.h>

/* mono: n (>= 1) finite samples at 44100 Hz, clipped beyond -1..1.  kbit_per_s: 64 to 320, constant. *bytes:
 * *size bytes, tb_free.  TB_UNSUPPORTED where libsndfile cannot write MP3; TB_INVALID, TB_NO_MEMORY. */
tb_status tb_mp3_encode(const float *mono, size_t n, int kbit_per_s, char **bytes, size_t *size,
                        tb_error *err) TB_MUST_CHECK;

#endif
