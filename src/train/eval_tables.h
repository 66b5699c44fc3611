// SPDX-License-Identifier: MIT
/* The tables of "Learning multidimensional disentangled representations of instrumental sounds for musical
 * similarity assessment" (section 4) and some more, on pieces of a cache that no training saw.
 *
 * Each table draws from its own stream of the seed, so that leaving one out changes no other; all are the
 * same to the bit for any number of threads.  Matrices are [row][column] of parts in the order of tb_stem.
 *
 * Whatever could not be measured (no piece holds the stem, say) has n == 0 or is NAN. */
#ifndef TIMBRE_TRAIN_EVAL_TABLES_H
#define TIMBRE_TRAIN_EVAL_TABLES_H

#include "base/rng.h"
#include "base/status.h"
#include "train/eval_hearer.h"
#include "train/piece_cache.h"

#include <stdint.h>

/* What all tables work on; borrowed. */
typedef struct tb_eval_set {
    tb_hearer *hearer;
    const tb_piece *const *pieces; /* with as many bands as the hearer takes */
    size_t n_pieces;
    uint64_t seed;
} tb_eval_set;

/* Share of n cases, 0 to 1. */
typedef struct tb_eval_share {
    double share;
    size_t n; /* 0 = not measured */
} tb_eval_share;

/* --- Table 1 (section 4.2.1), and presence -------------------------------------------------------------- */

/* Every segment of every piece asks the five nearest which piece it is from. */
typedef struct tb_eval_identity {
    size_t n_pieces; /* in use */
    /* Segments in which the part is audible, by that part alone. */
    tb_eval_share mix[TB_SPAN_COUNT][TB_STEM_COUNT];
    /* The same segments of the stem without the others: for the paper's "separated". */
    tb_eval_share alone[TB_SPAN_COUNT][TB_STEM_COUNT];
    tb_eval_share all[TB_SPAN_COUNT]; /* by all parts that are audible */
} tb_eval_identity;

/* How well the model knows which parts sound, over the segments of 3 s; truth is what is audible
 * (eval_hearer.h). */
typedef struct tb_eval_presence {
    double average_precision[TB_STEM_COUNT]; /* NAN unless some segments have the part and some do not */
    double share[TB_STEM_COUNT];             /* of segments that have it: what chance gives */
    /* At the model's threshold; NAN where undefined. */
    double precision[TB_STEM_COUNT], recall[TB_STEM_COUNT];
    size_t n; /* segments */
} tb_eval_presence;

/* TB_INVALID: fewer than two pieces of 10 s or more.  TB_CANCELLED, TB_NO_MEMORY. */
tb_status tb_eval_identity_measure(const tb_eval_set *set, tb_eval_identity *identity,
                                   tb_eval_presence *presence, tb_error *err) TB_MUST_CHECK;

/* --- Table 2 (section 4.2.2), and leakage --------------------------------------------------------------- */

enum { TB_EVAL_LABELS = 10, TB_EVAL_BACKGROUNDS = 4, TB_EVAL_SEGMENTS = 6 };

/* For a part c: ten pieces that lie close in tempo, each one's stem c over the other stems of four background
 * pieces; up to six segments of 10 s of each of the 40 mixes, each from a bar of its own of both pieces.  A
 * segment asks those whose background is another than its own. */
typedef struct tb_eval_mixes {
    size_t n_draws;
    double n_labels; /* mean over draws and parts: 10 but for a small set */
    /* Labelled part, subspace asked: the diagonal is Table 2, the rest leakage.  Only segments in which both are
     * audible.  NAN = not measured. */
    double mean[TB_STEM_COUNT][TB_STEM_COUNT];
    double deviation[TB_STEM_COUNT][TB_STEM_COUNT]; /* between draws */
    double leakage;                                 /* mean of what is off the diagonal */
    double leakage_deviation;                       /* of that mean, between draws */
} tb_eval_mixes;

/* n_draws: at least 1.  TB_CANCELLED, TB_NO_MEMORY. */
tb_status tb_eval_mixes_measure(const tb_eval_set *set, size_t n_draws, tb_eval_mixes *mixes,
                                tb_error *err) TB_MUST_CHECK;

/* --- Table 3's counterpart (section 4.2.3) -------------------------------------------------------------- */

/* X, A and B are mixes of 10 s; X and A have their part from the same piece (at different times) over
 * different backgrounds, B has it from another piece close in tempo.  Share of cases where A is nearer to X
 * in the part. */
typedef struct tb_eval_judgement {
    tb_eval_share apart[TB_STEM_COUNT]; /* B over a third background */
    tb_eval_share lure[TB_STEM_COUNT];  /* B over X's own background: all but the part speaks for B */
} tb_eval_judgement;

/* n_cases: of each sort and part, before those are left out in which the part is not audible. */
tb_status tb_eval_judgement_measure(const tb_eval_set *set, size_t n_cases, tb_eval_judgement *judgement,
                                    tb_error *err) TB_MUST_CHECK;

/* --- disentanglement ------------------------------------------------------------------------------------ */

/* One stem of a mix of 3 s is exchanged for that of another piece close in tempo, the others stay: how far
 * does each part move?  1 = as far as that part lies apart in two unrelated mixes, on average. */
typedef struct tb_eval_disentanglement {
    double change[TB_STEM_COUNT][TB_STEM_COUNT];  /* part looked at, stem exchanged; from the mean distance */
    double change2[TB_STEM_COUNT][TB_STEM_COUNT]; /* the same from the mean squared distance */
    size_t n[TB_STEM_COUNT][TB_STEM_COUNT];       /* cases in which both are audible before and after */
    /* Smallest of change[p][p] / change[p][q] and change[q][q] / change[p][q]; NAN = not measured. */
    double ratio, ratio2;
} tb_eval_disentanglement;

tb_status tb_eval_disentanglement_measure(const tb_eval_set *set, size_t n_cases,
                                          tb_eval_disentanglement *result, tb_error *err) TB_MUST_CHECK;

#endif
