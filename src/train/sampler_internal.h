// SPDX-License-Identifier: MIT
/* What a sampler knows of its pieces: sampler.c learns it, sampler_draw.c draws plans with it. */
#ifndef TIMBRE_TRAIN_SAMPLER_INTERNAL_H
#define TIMBRE_TRAIN_SAMPLER_INTERNAL_H

#include "train/sampler.h"

enum { TB__MAX_CLASSES = TB_TEMPO_GROUPS * 33 };

typedef struct tb__piece_facts {
    const tb_piece *piece;    /* NULL: not in use */
    size_t n_starts;          /* bars at which a window may begin whatever the phase; 0: any row */
    float *loudness[TB_STEM_COUNT]; /* n_rows sums of power; NULL where silent */
    float rest[TB_STEM_COUNT];      /* a window with less power in all is a rest */
} tb__piece_facts;

typedef struct tb__piece_class {
    uint32_t *holders[TB_STEM_COUNT];
    size_t n_holders[TB_STEM_COUNT];
    uint32_t *members; /* pieces with two stems or more come first */
    size_t n_members, n_rich;
    double weight_below; /* sum of the weights of the classes up to this one */
    int tempo_group, beats_per_bar;
} tb__piece_class;

struct tb_sampler {
    tb_sampler_options options;
    tb__piece_facts *facts;
    size_t n_facts, n_used;
    tb__piece_class *classes;
    size_t n_classes;
    size_t triplet_classes[TB__MAX_CLASSES], n_triplet_classes;
    size_t single_classes[TB_STEM_COUNT][TB__MAX_CLASSES], n_single_classes[TB_STEM_COUNT];
};

#endif
