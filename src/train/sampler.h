// SPDX-License-Identifier: MIT
/* Which stems of which pieces sound together in the segments of a group: plans, without any sound yet.
 *
 * A group stays within one class of pieces: one tempo group, one metre.  Every stem of a segment begins at a bar of its
 * own piece plus a phase that the segment's stems share, so that beats and onsets fall together (section 4.1.1 of
 * "Learning multidimensional disentangled representations of instrumental sounds for musical similarity assessment").
 *
 *     contrast   for each stem, n_ids pieces that hold it, each in n / n_ids segments at different bars; the stems are
 *                permuted independently, so that a pair that shares one part shares the others by chance alone.  Each
 *                (segment, stem) is absent with probability `absent`.  `twins` of the segments are made pairs that
 *                share all parts but one.
 *     triplets   the paper's (section 3.1.2): an anchor is a segment of one piece A as it is; for a part c the positive
 *                has c from A (elsewhere) and the rest from another piece, the negative has c from another piece and
 *                the rest from A.  Basic triplet: (anchor, positive, negative) in c; additional triplets:
 *                (anchor, negative, positive) in every other part.
 *     whole      segments of pieces as they are, every second one reduced to one of its stems: for the pre-training of
 *                section 4.1.3 and Figure 3
 *     single     one stem alone, n_ids pieces: for the networks of individual instruments (section 3.2)
 *
 * What is drawn depends on the generator alone: seed it by tb_sampler_seed with the step and the group, and the same
 * step gives the same groups whoever draws them.
 *
 * A tb_sampler is immutable and shared by any threads. */
#ifndef TIMBRE_TRAIN_SAMPLER_H
#define TIMBRE_TRAIN_SAMPLER_H

#include "base/rng.h"
#include "base/status.h"
#include "train/loss.h"
#include "train/piece_cache.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB_WINDOW_ROWS = 64,      /* of a segment: 2.97 s */
    TB_WINDOW_ROWS_TAKEN = 66, /* from a piece: two more, for changes of tempo and time */
    TB_GROUP_MAX_SEGMENTS = 256,
};

/* Where one stem of one segment is from. */
typedef struct tb_source {
    int32_t piece;      /* number in the sampler's pieces; -1 = absent, all else is then 0 */
    uint32_t first_row; /* first_row + TB_WINDOW_ROWS_TAKEN <= rows of the piece */
    uint32_t voice;     /* number of the (stem, piece) in its group: what shares it is changed alike (augment.h) */
} tb_source;

typedef struct tb_group_plan {
    size_t n; /* segments */
    tb_source source[TB_GROUP_MAX_SEGMENTS][TB_STEM_COUNT];
    size_t n_voices[TB_STEM_COUNT];
    size_t n_triplets; /* 0 but for those of the paper */
    size_t n_basic;    /* the first of them */
    tb_loss_triplet triplets[TB_GROUP_MAX_SEGMENTS * 2];
} tb_group_plan;

typedef struct tb_sampler_options {
    size_t n_segments; /* 2 to TB_GROUP_MAX_SEGMENTS; 64 */
    size_t n_ids;      /* 2 to n_segments; 16 */
    double absent;     /* 0 to 0.9; 0.12 */
    double twins;      /* 0 to 1; 0 */
} tb_sampler_options;

void tb_sampler_options_default(tb_sampler_options *options);

typedef struct tb_sampler tb_sampler;

/* pieces: borrowed as long as the sampler.  Pieces that are too short or have no stem are left out.  TB_INVALID with
 * what is missing when no class of them can make a group; TB_NO_MEMORY. */
tb_status tb_sampler_new(const tb_piece *const *pieces, size_t n_pieces, size_t n_bands, const tb_sampler_options *options,
                         tb_sampler **sampler, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_sampler_free(tb_sampler *sampler);
/* Pieces in use, and classes that can make a group. */
size_t tb_sampler_n_pieces(const tb_sampler *sampler);
size_t tb_sampler_n_classes(const tb_sampler *sampler);

/* Starts a generator for one group of one step. */
void tb_sampler_seed(tb_rng *rng, uint64_t seed, uint64_t step, uint64_t group);
void tb_sampler_draw_contrast(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan);
/* Triplets of three segments each; parts that turn out not to be audible in all three are for the caller to leave
 * out.  Only where tb_sampler_can_triplets. */
void tb_sampler_draw_triplets(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan);
bool tb_sampler_can_triplets(const tb_sampler *sampler);
void tb_sampler_draw_whole(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan);
/* Only a stem for which tb_sampler_can_single. */
void tb_sampler_draw_single(const tb_sampler *sampler, tb_stem stem, tb_rng *rng, tb_group_plan *plan);
bool tb_sampler_can_single(const tb_sampler *sampler, tb_stem stem);

/* --- for plans made elsewhere (validation.h) --- */

/* A place of the stem in the piece, near which it sounds: a bar plus phase (0 to 1, in bars).  The piece holds the
 * stem and is in use. */
uint32_t tb_sampler_place(const tb_sampler *sampler, size_t piece, tb_stem stem, double phase, tb_rng *rng);
/* Pieces of a class that hold a stem; *n of them, borrowed. */
const uint32_t *tb_sampler_holders(const tb_sampler *sampler, size_t class_number, tb_stem stem, size_t *n);

#endif
