// SPDX-License-Identifier: MIT
/* Gathers the features of a track (track_features.h) from the shared frames.
 *
 * Tempo and onsets look at the first TB_METER_CURVE frames (20 minutes), so that memory is constant.
 * One per thread; takes all its memory in new, but for what the loudness needs. */
#ifndef TIMBRE_MODEL_TRACK_METER_H
#define TIMBRE_MODEL_TRACK_METER_H

#include "model/frames.h"
#include "model/track_features.h"

enum { TB_METER_CURVE = 51680 };

typedef struct tb_track_meter tb_track_meter;

/* TB_NO_MEMORY. */
tb_status tb_track_meter_new(tb_track_meter **meter, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_track_meter_free(tb_track_meter *meter);
/* Audio as the file has it; see tb_analyser_push_native. */
tb_status tb_track_meter_push_native(tb_track_meter *meter, const float *interleaved, size_t n_frames, int n_channels, int rate_hz,
                                     tb_error *err) TB_MUST_CHECK;
void tb_track_meter_push_long(tb_track_meter *meter, const tb_long_frame *frame);
void tb_track_meter_push(tb_track_meter *meter, const tb_frame *frame);
/* What is known; may be called once. */
tb_status tb_track_meter_measure(tb_track_meter *meter, tb_track_features *features, tb_error *err) TB_MUST_CHECK;

#endif
