// SPDX-License-Identifier: MIT
/* The hand-made descriptors of one window of audio, before any statistics: four groups of numbers.
 *
 *   timbre    long-term spectrum in 64 bands (dB around its mean), movement of 20 cepstral coefficients,
 *             correlations of 13 of them, and how far the mean of the power lies above the mean of the dB
 *   harmony   pitches over six octaves, pitch classes in thirds of a semitone, intervals between classes that
 *             sound together, and how much harmony moves
 *   rhythm    autocorrelation of onset strength in five ranges of frequency, and the spectrum of the loudness
 *             modulation (0.4 to 16 Hz) in 16 bands ("fluctuation patterns", Pampalk 2006)
 *   dynamics  distribution of the level around its mean, deviation, rises and peaks of 16 bands
 *
 * All but `dynamics` look at shapes only, and `dynamics` at ratios: a constant gain changes nothing but rounding.
 * Levels are cut at 70 dB below the loudest mel band of the window.
 *
 * tb_descriptor_window: one per thread; takes all its memory in new. */
#ifndef TIMBRE_MODEL_DESCRIPTOR_WINDOW_H
#define TIMBRE_MODEL_DESCRIPTOR_WINDOW_H

#include "base/status.h"
#include "model/frames.h"
#include "model/pitch_profile.h"

#include <stddef.h>

enum {
    TB_DESCRIPTOR_FRAMES = 427, /* of a full window: the frames of 10 s */
    TB_DESCRIPTOR_HOP = 216,    /* 27 hops of the long frames */
    TB_DESCRIPTOR_LONG_FRAMES = 53,
};

/* code, name, numbers before the projection, dimensions after it */
#define TB_DESCRIPTOR_PARTS(X)                                                                     \
    X(TIMBRE, "timbre", 64 + 20 + 78 + 32, 128)                                                    \
    X(HARMONY, "harmony", 72 + 36 + 7 + 4, 96)                                                     \
    X(RHYTHM, "rhythm", 5 * 48 + 12 * 16, 128)                                                     \
    X(DYNAMICS, "dynamics", 9 + 5 * 16, 64)

typedef enum tb_descriptor_part {
#define TB_DESCRIPTOR_PART_ENUM(code, name, raw, dim) TB_DESCRIPTOR_##code,
    TB_DESCRIPTOR_PARTS(TB_DESCRIPTOR_PART_ENUM)
#undef TB_DESCRIPTOR_PART_ENUM
    TB_DESCRIPTOR_N_PARTS
} tb_descriptor_part;

typedef struct tb_descriptor_part_info {
    const char *name;
    size_t raw_offset, raw_dim; /* numbers before the projection */
    size_t offset, dim;         /* after it */
} tb_descriptor_part_info;
/* Constant. */
const tb_descriptor_part_info *tb_descriptor_part_get_info(tb_descriptor_part part);

enum {
#define TB_DESCRIPTOR_PART_RAW(code, name, raw, dim) +(raw)
#define TB_DESCRIPTOR_PART_DIM(code, name, raw, dim) +(dim)
    TB_DESCRIPTOR_RAW_DIM = 0 TB_DESCRIPTOR_PARTS(TB_DESCRIPTOR_PART_RAW),
    TB_DESCRIPTOR_DIM = 0 TB_DESCRIPTOR_PARTS(TB_DESCRIPTOR_PART_DIM),
#undef TB_DESCRIPTOR_PART_RAW
#undef TB_DESCRIPTOR_PART_DIM
};

typedef struct tb_descriptor_window tb_descriptor_window;

/* TB_NO_MEMORY. */
tb_status tb_descriptor_window_new(tb_descriptor_window **window, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_descriptor_window_free(tb_descriptor_window *window);
/* The caller fills the window: frames 0 … n_frames - 1 (1 … TB_DESCRIPTOR_FRAMES) and long frames likewise
 * (1 … TB_DESCRIPTOR_LONG_FRAMES), then computes; the content is used up by it. */
void tb_descriptor_window_set_frame(tb_descriptor_window *window, size_t t, const float *mel, const float *mel_db, float level);
void tb_descriptor_window_set_long_frame(tb_descriptor_window *window, size_t t, const tb_pitch_profile *pitch);
/* raw: TB_DESCRIPTOR_RAW_DIM finite values; zeros for the parts whose presence is 0.
 * presence: TB_DESCRIPTOR_N_PARTS, 0 … 1: the share of frames above -80 dBFS; for harmony and rhythm less when there
 * is hardly a partial or hardly an onset. */
void tb_descriptor_window_compute(tb_descriptor_window *window, size_t n_frames, size_t n_long_frames, float *raw, float *presence);

#endif
