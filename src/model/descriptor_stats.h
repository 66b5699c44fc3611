// SPDX-License-Identifier: MIT
/* Makes the file of the model "descriptors" from music: what each number is on average, how far it strays, and how
 * much of that happens within a track.  No labels, no gradients: one pass over any folder of varied music.
 *
 * Per part, with z = the standardised numbers cut at three deviations:
 *   W = covariance of z within tracks (around each track's mean), every track counting the same
 *   W' = (1 - s) W + s tr(W) / D I, s = 0.04: what hardly varies in these tracks must not dominate in others
 *   projection = W'^(-1/2) times the first d principal axes of the covariance of all windows in that space
 *
 * Windows are kept in memory (3.3 kB each): at most TB_DESCRIPTOR_STATS_WINDOWS of each track and
 * TB_DESCRIPTOR_STATS_TRACKS tracks, drawn evenly from all that were offered.  The same music in the same order with
 * the same seed gives the same file.
 *
 * One per thread. */
#ifndef TIMBRE_MODEL_DESCRIPTOR_STATS_H
#define TIMBRE_MODEL_DESCRIPTOR_STATS_H

#include "base/status.h"

#include <stddef.h>
#include <stdint.h>

enum { TB_DESCRIPTOR_STATS_WINDOWS = 64, TB_DESCRIPTOR_STATS_TRACKS = 2000, TB_DESCRIPTOR_STATS_MIN_TRACKS = 10 };
#define TB_DESCRIPTOR_FORMAT "1" /* changes with what descriptor_window.h computes */

typedef struct tb_descriptor_stats tb_descriptor_stats;

/* TB_NO_MEMORY. */
tb_status tb_descriptor_stats_new(uint64_t seed, tb_descriptor_stats **stats, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_descriptor_stats_free(tb_descriptor_stats *stats);
/* Mono samples at TB_MODEL_RATE_HZ of the track at hand, in any blocks. */
tb_status tb_descriptor_stats_push(tb_descriptor_stats *stats, const float *mono, size_t n, tb_error *err) TB_MUST_CHECK;
/* Ends the track; the next push starts another.  TB_NO_MEMORY. */
tb_status tb_descriptor_stats_end_track(tb_descriptor_stats *stats, tb_error *err) TB_MUST_CHECK;
/* Forgets the track at hand (it could not be decoded to its end). */
void tb_descriptor_stats_drop_track(tb_descriptor_stats *stats);
/* Tracks that ended and had sound in two windows or more. */
size_t tb_descriptor_stats_n_tracks(const tb_descriptor_stats *stats);
/* Writes the model file (atomically).  music: what it was made from, a sentence for the metadata.
 * TB_INVALID with fewer than TB_DESCRIPTOR_STATS_MIN_TRACKS tracks. */
tb_status tb_descriptor_stats_save(const tb_descriptor_stats *stats, const char *music, const char *path, tb_error *err) TB_MUST_CHECK;

/* The standardised number: (raw - mean) * scale, cut at three deviations. */
static inline float tb_descriptor_standardize(float raw, float mean, float scale)
{
    const float z = (raw - mean) * scale;
    return z > 3 ? 3 : z < -3 ? -3 : z;
}

#endif
