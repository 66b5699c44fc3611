// SPDX-License-Identifier: MIT
/* Writing audio files: 16-bit FLAC and WAV, for data sets.  Threads: any. */
#ifndef TIMBRE_AUDIO_ENCODE_H
#define TIMBRE_AUDIO_ENCODE_H

#include "base/status.h"

#include <stddef.h>

typedef enum tb_audio_format { TB_AUDIO_FLAC, TB_AUDIO_WAV, TB_AUDIO_FORMAT_COUNT } tb_audio_format;

/* "flac", "wav": also the extension of such a file. */
const char *tb_audio_format_name(tb_audio_format format);

/* interleaved: n_frames (>= 1) x n_channels (1 to 8); what lies outside -1..1 is clipped, what is no number
 * becomes 0. The file is written in place: part of it may be left when this fails.  TB_INVALID, TB_FULL,
 * TB_IO, TB_NO_MEMORY. */
tb_status tb_audio_write(const char *path, tb_audio_format format, const float *interleaved, size_t n_frames,
                         int n_channels, int rate_hz, tb_error *err) TB_MUST_CHECK;

#endif
