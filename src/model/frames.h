// SPDX-License-Identifier: MIT
/* What all consumers of one stream share: each spectrum is computed once.
 *
 * Two analyses run over mono audio at TB_MODEL_RATE_HZ: short frames (2048 samples every 512, Hann, not centred)
 * with power, mel bands and level; and long ones (8192 every 4096), in which single partials stand apart, with
 * their peaks per third of a semitone (pitch_profile.h).
 *
 * The consumers see every long frame before the short frame that ends at the same sample or later, and how the
 * audio was cut into calls makes no difference.  Audio that is shorter than a frame stands in the middle of one
 * frame of zeros, so that one sample or more give at least one frame of each sort.
 *
 * One per thread. */
#ifndef TIMBRE_MODEL_FRAMES_H
#define TIMBRE_MODEL_FRAMES_H

#include "base/status.h"
#include "model/pitch_profile.h"

#include <stddef.h>

enum {
    TB_FRAMES_SIZE = 2048,
    TB_FRAMES_HOP = 512,
    TB_FRAMES_BINS = TB_FRAMES_SIZE / 2 + 1,
    TB_FRAMES_MELS = 128, /* Slaney, 30 Hz to 11025 Hz */
    TB_FRAMES_LONG_SIZE = TB_PITCH_FFT,
    TB_FRAMES_LONG_HOP = 4096,
};

/* All borrowed during the call. */
typedef struct tb_frame {
    size_t index;         /* starts at sample index * TB_FRAMES_HOP */
    const float *samples; /* TB_FRAMES_SIZE, before the window */
    const float *power;   /* TB_FRAMES_BINS */
    const float *mel;     /* TB_FRAMES_MELS powers */
    const float *mel_db;  /* the same in dB, -200 at least */
    float level;          /* mean square of the samples without what lies below 30 Hz; 1 = 0 dBFS of a square wave */
} tb_frame;

typedef struct tb_long_frame {
    size_t index; /* starts at sample index * TB_FRAMES_LONG_HOP */
    const tb_pitch_profile *pitch;
} tb_long_frame;

/* A status other than TB_OK ends the analysis and is passed on. */
typedef struct tb_frame_sink {
    tb_status (*on_long_frame)(void *context, const tb_long_frame *frame, tb_error *err);
    tb_status (*on_frame)(void *context, const tb_frame *frame, tb_error *err);
    void *context;
} tb_frame_sink;

typedef struct tb_frames tb_frames;

/* TB_NO_MEMORY. */
tb_status tb_frames_new(const tb_frame_sink *sink, tb_frames **frames, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_frames_free(tb_frames *frames);
/* Ready for another stream. */
void tb_frames_reset(tb_frames *frames);
/* mono: n samples, any value (see dsp/framer.h for those that are no sound).  Nothing after finish. */
tb_status tb_frames_push(tb_frames *frames, const float *mono, size_t n, tb_error *err) TB_MUST_CHECK;
tb_status tb_frames_finish(tb_frames *frames, tb_error *err) TB_MUST_CHECK;
/* Samples pushed since new or reset. */
size_t tb_frames_n_samples(const tb_frames *frames);

#endif
