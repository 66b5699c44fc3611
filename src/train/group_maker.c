// SPDX-License-Identifier: MIT
#include "train/group_maker.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "train/mixer.h"

#include <assert.h>
#include <string.h>

_Static_assert((int)TB_STEM_COUNT == (int)TB_INSTRUMENTS_PARTS, "a part for each stem");

/* A share at which soft presence is half. */
static const float half_present = TB_AUDIBLE_SHARE;

struct tb_group_maker {
    tb_group_source source;
    tb_mixer *mixer;
    tb_target_pass *target_pass; /* NULL without targets */
    tb_group_plan plan;
    float *x;
    float *target;
    float share[TB_GROUP_MAX_SEGMENTS * TB_STEM_COUNT];
    int32_t piece[TB_GROUP_MAX_ROWS * TB_STEM_COUNT];
    bool audible[TB_GROUP_MAX_ROWS * TB_STEM_COUNT];
    float presence[TB_GROUP_MAX_ROWS * TB_STEM_COUNT];
    bool has_target[TB_GROUP_MAX_ROWS];
    tb_loss_triplet triplets[TB_GROUP_MAX_SEGMENTS * 2];
};

tb_status tb_group_maker_new(const tb_group_source *source, tb_group_maker **maker, tb_error *err)
{
    tb_status status = TB_OK;
    tb_group_maker *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for groups");
    made->source = *source;
    TB_TRY(tb_mixer_new(source->pieces, source->n_bands, source->augmenter, &made->mixer, err));
    made->x = tb_alloc_aligned(source->max_rows * TB_WINDOW_ROWS, source->n_bands * sizeof *made->x);
    if (!made->x) TB_FAIL(err, TB_NO_MEMORY, "no memory for groups");
    if (source->targets) {
        TB_TRY(tb_target_pass_new(source->targets, &made->target_pass, err));
        made->target = tb_alloc(TB_GROUP_MAX_SEGMENTS * TB_INSTRUMENTS_DIM, sizeof *made->target);
        if (!made->target) TB_FAIL(err, TB_NO_MEMORY, "no memory for targets");
    }
    *maker = made;
    made = NULL;
out:
    tb_group_maker_free(made);
    return status;
}

void tb_group_maker_free(tb_group_maker *maker)
{
    if (!maker) return;
    tb_mixer_free(maker->mixer);
    tb_target_pass_free(maker->target_pass);
    tb_free(maker->x);
    tb_free(maker->target);
    tb_free(maker);
}

static void draw_plan(tb_group_maker *maker, tb_group_kind kind, tb_stem stem, tb_rng *rng)
{
    const tb_sampler *sampler = maker->source.sampler;
    switch (kind) {
    case TB_GROUP_CONTRAST: tb_sampler_draw_contrast(sampler, rng, &maker->plan); break;
    case TB_GROUP_BASIC:
    case TB_GROUP_ADDITIONAL: tb_sampler_draw_triplets(sampler, rng, &maker->plan); break;
    case TB_GROUP_WHOLE: tb_sampler_draw_whole(sampler, rng, &maker->plan); break;
    case TB_GROUP_SINGLE: tb_sampler_draw_single(sampler, stem, rng, &maker->plan); break;
    }
}

static void label_all(tb_group_maker *maker)
{
    const tb_group_plan *plan = &maker->plan;
    for (size_t i = 0; i < plan->n; i++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            const size_t ic = i * TB_STEM_COUNT + c;
            const float share = maker->share[ic];
            maker->piece[ic] = plan->source[i][c].piece;
            maker->audible[ic] = share > TB_AUDIBLE_SHARE;
            maker->presence[ic] = maker->source.soft_presence ? share / (share + half_present) : (float)maker->audible[ic];
        }
}

static void label_single(tb_group_maker *maker, tb_stem stem)
{
    for (size_t i = 0; i < maker->plan.n; i++) {
        maker->piece[i] = maker->plan.source[i][stem].piece;
        maker->audible[i] = maker->share[i * TB_STEM_COUNT + stem] > TB_AUDIBLE_SHARE;
    }
}

/* Those whose part is audible in all three segments. */
static size_t keep_triplets(tb_group_maker *maker, size_t n_triplets)
{
    size_t n = 0;
    for (size_t t = 0; t < n_triplets; t++) {
        const tb_loss_triplet x = maker->plan.triplets[t];
        if (maker->audible[x.anchor * TB_STEM_COUNT + x.part] && maker->audible[x.positive * TB_STEM_COUNT + x.part] &&
            maker->audible[x.negative * TB_STEM_COUNT + x.part])
            maker->triplets[n++] = x;
    }
    return n;
}

/* Appends the solos; gives how many rows the group then has.  A segment in which nothing is audible has none. */
static size_t add_solos(tb_group_maker *maker, tb_rng *rng)
{
    const tb_group_source *source = &maker->source;
    const size_t n_mixes = maker->plan.n, n_values = TB_WINDOW_ROWS * source->n_bands;
    size_t n = n_mixes;
    assert(n_mixes + source->n_solos <= source->max_rows);
    for (size_t i = 0; i < n_mixes && i < source->n_solos; i++) {
        size_t stems[TB_STEM_COUNT], n_stems = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++)
            if (maker->audible[i * TB_STEM_COUNT + c]) stems[n_stems++] = c;
        if (n_stems == 0) continue;
        const size_t stem = stems[tb_rng_below(rng, n_stems)];
        tb_mixer_solo(maker->mixer, i, (tb_stem)stem, rng, source->mean, source->deviation, maker->x + n * n_values);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            maker->piece[n * TB_STEM_COUNT + c] = c == stem ? maker->piece[i * TB_STEM_COUNT + c] : -1;
            maker->audible[n * TB_STEM_COUNT + c] = c == stem;
            maker->presence[n * TB_STEM_COUNT + c] = c == stem ? 1 : 0;
        }
        n++;
    }
    return n;
}

void tb_group_maker_make(tb_group_maker *maker, tb_group_kind kind, tb_stem stem, uint64_t step, uint64_t group,
                         tb_training_group *made)
{
    const tb_group_source *source = &maker->source;
    tb_rng rng;
    tb_sampler_seed(&rng, source->seed, step, group);
    draw_plan(maker, kind, stem, &rng);
    assert(maker->plan.n <= source->max_rows);
    tb_mixer_draw(maker->mixer, &maker->plan, &rng);
    tb_mixer_mix(maker->mixer, TB_ALL_STEMS, source->mean, source->deviation, maker->x, maker->share);
    *made = (tb_training_group){.x = maker->x, .plan = &maker->plan,
                                .labels = {.n = maker->plan.n, .piece = maker->piece, .audible = maker->audible}};
    if (kind == TB_GROUP_SINGLE) {
        label_single(maker, stem);
        return;
    }
    label_all(maker);
    made->labels.presence = maker->presence;
    if (kind == TB_GROUP_BASIC || kind == TB_GROUP_ADDITIONAL) {
        made->labels.triplets = maker->triplets;
        made->labels.n_triplets = keep_triplets(maker, kind == TB_GROUP_BASIC ? maker->plan.n_basic : maker->plan.n_triplets);
        memset(maker->has_target, 0, sizeof maker->has_target);
        for (size_t t = 0; t < maker->plan.n_basic; t++) maker->has_target[maker->plan.triplets[t].anchor] = true;
        made->labels.has_target = maker->has_target;
    }
    if (kind == TB_GROUP_CONTRAST) {
        made->labels.n = add_solos(maker, &rng);
        for (size_t i = 0; i < made->labels.n; i++) maker->has_target[i] = i < maker->plan.n;
        made->labels.has_target = maker->has_target;
    }
    if (!source->targets) return;
    tb_target_pass_run(maker->target_pass, maker->mixer, maker->audible, maker->plan.n, source->mean, source->deviation, maker->target);
    made->labels.target = maker->target;
}
