// SPDX-License-Identifier: MIT
/* One pass over audio: segments of every model asked for, and the features of the whole.
 *
 * Each spectrum is computed once and shared by all consumers.  Memory is flat in the length of the audio.
 * Samples that are NaN or infinite count as 0.  One per thread. */
#ifndef TIMBRE_MODEL_ANALYSER_H
#define TIMBRE_MODEL_ANALYSER_H

#include "model/model.h"
#include "model/track_features.h"

typedef struct tb_analyser tb_analyser;

/* One window of audio as a model hears it; vector (dim) and presence (n_parts, 0..1) are borrowed during the
 * call.  A part that is absent has presence 0 and zeros. */
typedef struct tb_segment {
    size_t model; /* position in the analyser's list */
    double start_s, duration_s;
    const float *vector, *presence;
} tb_segment;

/* Called in the order of time for each model; a status other than TB_OK ends the analysis and is passed on. */
typedef tb_status tb_segment_sink(void *context, const tb_segment *segment, tb_error *err);

/* models: n_models (0 is fine: features only), borrowed while the analyser lives. */
tb_status tb_analyser_new(const tb_model *const *models, size_t n_models, tb_segment_sink *sink, void *context, tb_analyser **analyser, tb_error *err) TB_MUST_CHECK;
void tb_analyser_free(tb_analyser *analyser);
/* Frames as the file has them, for loudness: interleaved; rate and channels stay the same from call to call. */
tb_status tb_analyser_push_native(tb_analyser *analyser, const float *interleaved, size_t n_frames, int n_channels, int rate_hz, tb_error *err) TB_MUST_CHECK;
/* The same audio as mono at TB_MODEL_RATE_HZ.  How it is cut into calls makes no difference, to the bit. */
tb_status tb_analyser_push_mono(tb_analyser *analyser, const float *mono, size_t n, tb_error *err) TB_MUST_CHECK;
/* The last segments and the features.  At least one segment comes for any input of one sample or more. */
tb_status tb_analyser_finish(tb_analyser *analyser, tb_track_features *features, tb_error *err) TB_MUST_CHECK;

#endif
