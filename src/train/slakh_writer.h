// SPDX-License-Identifier: MIT
/* One track in the layout of Slakh2100 (Manilow et al., "Cutting music source separation some Slakh", WASPAA
 * 2019).
 *
 *     Track00001/metadata.yaml     stems with inst_class, program_num, is_drum, plugin_name …; under `timbre`
 *                                  what the composer knows: tempo, metre, key, times of beats and bars
 *     Track00001/mix.flac          stereo; the mean of its channels is the sum of the stems
 *     Track00001/stems/S00.flac …  mono, one a part
 * Threads: any, each its own track. */
#ifndef TIMBRE_TRAIN_SLAKH_WRITER_H
#define TIMBRE_TRAIN_SLAKH_WRITER_H

#include "audio/encode.h"
#include "base/status.h"
#include "train/renderer.h"
#include "train/song.h"

#include <stdbool.h>

enum { TB_SLAKH_MAX_TRACK = 99999 };

/* Whether the track is complete in the folder of a split. */
bool tb_slakh_track_exists(const char *folder, size_t number);
/* Writes Track<number> into the folder of a split, under another name until it is complete.  What an earlier
 * attempt left is removed.  The song is the one that was rendered.  TB_IO, TB_FULL, TB_NO_MEMORY. */
tb_status tb_slakh_track_write(const char *folder, size_t number, const tb_song *song,
                               const tb_rendering *rendering, tb_audio_format format,
                               tb_error *err) TB_MUST_CHECK;

#endif
