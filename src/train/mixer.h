// SPDX-License-Identifier: MIT
/* From a plan (sampler.h) to what a network hears: takes rows out of the pieces, changes them (augment.h), adds the
 * stems of each segment up, and makes the input of model/instruments.h.
 *
 * In two steps, so that the same stems can be heard alone: tb_mixer_draw draws the changes of all voices and segments;
 * tb_mixer_mix makes the segments of any stems with them.
 *
 * A solo is one stem of a segment alone, from the same rows with the same changes of its voice, and at the same speed and
 * tuning, but with compression, noise and EQ of its own: what the stem is like, whatever sounds with it.
 *
 * The share of a stem is the mean over time and bands of its power in the power of the mix.  A stem counts as audible
 * where its share is above TB_AUDIBLE_SHARE.
 *
 * One tb_mixer per thread. */
#ifndef TIMBRE_TRAIN_MIXER_H
#define TIMBRE_TRAIN_MIXER_H

#include "base/rng.h"
#include "base/status.h"
#include "train/augment.h"
#include "train/piece_cache.h"
#include "train/sampler.h"

#include <stdbool.h>
#include <stddef.h>

#define TB_AUDIBLE_SHARE 0.02f

enum { TB_ALL_STEMS = (1 << TB_STEM_COUNT) - 1 };

typedef struct tb_mixer tb_mixer;

/* pieces, augmenter: borrowed as long as the mixer.  TB_NO_MEMORY. */
tb_status tb_mixer_new(const tb_piece *const *pieces, size_t n_bands, const tb_augmenter *augmenter, tb_mixer **mixer,
                       tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_mixer_free(tb_mixer *mixer);

/* plan: of these pieces; borrowed until the next draw. */
void tb_mixer_draw(tb_mixer *mixer, const tb_group_plan *plan, tb_rng *rng);
/* The stems of the mask (bit 1 << stem) of all segments.  mean, deviation: n_bands, or both NULL
 * (tb_instruments_input).  x: plan->n x TB_WINDOW_ROWS x n_bands; zeros for a segment without sound.
 * share: plan->n x TB_STEM_COUNT, in the mix of the mask; may be NULL. */
void tb_mixer_mix(tb_mixer *mixer, unsigned mask, const float *mean, const float *deviation, float *x, float *share);
/* The stem of segment i alone; it is there.  rng: for the solo's own changes.  x: one window. */
void tb_mixer_solo(tb_mixer *mixer, size_t i, tb_stem stem, tb_rng *rng, const float *mean, const float *deviation, float *x);

#endif
