// SPDX-License-Identifier: MIT
/* Plans, drawn from what sampler.c has learnt. */
#include "train/sampler_internal.h"

#include <assert.h>
#include <string.h>

void tb_sampler_seed(tb_rng *rng, uint64_t seed, uint64_t step, uint64_t group)
{
    tb_rng mixed;
    tb_rng_init(&mixed, seed);
    tb_rng_init(&mixed, tb_rng_next(&mixed) ^ step);
    tb_rng_init(rng, tb_rng_next(&mixed) ^ group);
}

static const tb__piece_class *draw_class(const tb_sampler *sampler, tb_rng *rng)
{
    const double at = tb_rng_uniform(rng) * sampler->classes[sampler->n_classes - 1].weight_below;
    size_t i = 0;
    while (i + 1 < sampler->n_classes && sampler->classes[i].weight_below <= at) i++;
    return &sampler->classes[i];
}

static bool contains(const uint32_t *numbers, size_t n, uint32_t number)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == number) return true;
    return false;
}

/* n different ones of the list; fewer when it is shorter. */
static size_t draw_different(const uint32_t *list, size_t n_list, size_t n, tb_rng *rng, uint32_t *out)
{
    if (n > n_list) n = n_list;
    /* Floyd's: the k-th is drawn from the first n_list - n + k + 1, or is the last of them */
    uint32_t places[TB_GROUP_MAX_SEGMENTS];
    for (size_t k = 0; k < n; k++) {
        const uint32_t last = (uint32_t)(n_list - n + k), at = (uint32_t)tb_rng_below(rng, (uint64_t)last + 1);
        places[k] = contains(places, k, at) ? last : at;
    }
    for (size_t k = 0; k < n; k++) out[k] = list[places[k]];
    return n;
}

static void shuffle(uint32_t *numbers, size_t n, tb_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)tb_rng_below(rng, i);
        const uint32_t kept = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = kept;
    }
}

/* Begins a plan: all absent. */
static void clear_plan(tb_group_plan *plan, size_t n)
{
    plan->n = n;
    plan->n_triplets = plan->n_basic = 0;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < TB_STEM_COUNT; c++) plan->source[i][c] = (tb_source){.piece = -1};
    memset(plan->n_voices, 0, sizeof plan->n_voices);
}

/* Voices of the contrast plan: v[c][i] is the voice of stem c in segment i. */
typedef struct casting {
    uint32_t pieces[TB_STEM_COUNT][TB_GROUP_MAX_SEGMENTS];
    size_t n_pieces[TB_STEM_COUNT];
    uint32_t voice[TB_STEM_COUNT][TB_GROUP_MAX_SEGMENTS];
    bool absent[TB_STEM_COUNT][TB_GROUP_MAX_SEGMENTS];
} casting;

static void cast_stems(const tb_sampler *sampler, const tb__piece_class *class, tb_rng *rng, casting *cast)
{
    const tb_sampler_options *o = &sampler->options;
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        cast->n_pieces[c] = draw_different(class->holders[c], class->n_holders[c], o->n_ids, rng, cast->pieces[c]);
        for (size_t i = 0; i < o->n_segments; i++) {
            cast->voice[c][i] = cast->n_pieces[c] ? (uint32_t)(i % cast->n_pieces[c]) : 0;
            cast->absent[c][i] = tb_rng_uniform(rng) < o->absent || cast->n_pieces[c] == 0;
        }
        shuffle(cast->voice[c], o->n_segments, rng);
    }
    for (size_t i = 0; i < o->n_segments; i++) { /* something must sound */
        bool all_absent = true;
        for (int c = 0; c < TB_STEM_COUNT; c++) all_absent = all_absent && cast->absent[c][i];
        for (size_t c = (size_t)tb_rng_below(rng, TB_STEM_COUNT); all_absent; c = (c + 1) % TB_STEM_COUNT) {
            if (cast->n_pieces[c] == 0) continue;
            cast->absent[c][i] = false;
            all_absent = false;
        }
    }
}

/* Segment j = i + 1 gets i's voices but in stem c, by swapping with a segment that is no twin, so that each voice keeps
 * its number of segments. */
static void make_twins(casting *cast, size_t i, size_t first_free, size_t n, int c)
{
    const size_t j = i + 1;
    for (int q = 0; q < TB_STEM_COUNT; q++) {
        if (q == c) {
            if (cast->n_pieces[q]) cast->absent[q][i] = cast->absent[q][j] = false;
            continue;
        }
        size_t other = first_free;
        while (other < n && cast->voice[q][other] != cast->voice[q][i]) other++;
        if (other < n) cast->voice[q][other] = cast->voice[q][j];
        cast->voice[q][j] = cast->voice[q][i];
        cast->absent[q][j] = cast->absent[q][i];
    }
}

void tb_sampler_draw_contrast(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n = sampler->options.n_segments;
    casting cast;
    clear_plan(plan, n);
    cast_stems(sampler, draw_class(sampler, rng), rng, &cast);
    const size_t n_twins = (size_t)(sampler->options.twins * (double)n) / 2 * 2;
    for (size_t i = 0; i < n_twins; i += 2) make_twins(&cast, i, n_twins, n, (int)tb_rng_below(rng, TB_STEM_COUNT));
    for (size_t i = 0; i < n; i++) {
        const double phase = tb_rng_uniform(rng);
        for (int c = 0; c < TB_STEM_COUNT; c++) {
            if (cast.absent[c][i]) continue;
            const uint32_t voice = cast.voice[c][i], piece = cast.pieces[c][voice];
            plan->source[i][c] = (tb_source){(int32_t)piece, tb_sampler_place(sampler, piece, (tb_stem)c, phase, rng), voice};
        }
    }
    for (int c = 0; c < TB_STEM_COUNT; c++) plan->n_voices[c] = cast.n_pieces[c];
}

void tb_sampler_draw_single(const tb_sampler *sampler, tb_stem stem, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n = sampler->options.n_segments, n_classes = sampler->n_single_classes[stem];
    uint32_t pieces[TB_GROUP_MAX_SEGMENTS];
    assert(n_classes > 0);
    const tb__piece_class *class = &sampler->classes[sampler->single_classes[stem][tb_rng_below(rng, n_classes)]];
    clear_plan(plan, n);
    const size_t n_pieces = draw_different(class->holders[stem], class->n_holders[stem], sampler->options.n_ids, rng, pieces);
    plan->n_voices[stem] = n_pieces;
    for (size_t i = 0; i < n; i++) {
        const uint32_t voice = (uint32_t)(i % n_pieces);
        const uint32_t row = tb_sampler_place(sampler, pieces[voice], stem, tb_rng_uniform(rng), rng);
        plan->source[i][stem] = (tb_source){(int32_t)pieces[voice], row, voice};
    }
}

/* --- whole pieces and the paper's triplets ----------------------------------------------------------------------------- */

static int draw_stem(const tb_piece *piece, tb_rng *rng)
{
    int stems[TB_STEM_COUNT], n = 0;
    for (int c = 0; c < TB_STEM_COUNT; c++)
        if (piece->rows[c]) stems[n++] = c;
    assert(n > 0);
    return stems[tb_rng_below(rng, (uint64_t)n)];
}

/* The piece's stems of the mask, from one place on. */
static void take(const tb_sampler *sampler, tb_group_plan *plan, size_t i, uint32_t piece, unsigned mask, double phase, uint32_t voice,
                 tb_rng *rng)
{
    const tb_piece *from = sampler->facts[piece].piece;
    int lead = -1;
    for (int c = 0; c < TB_STEM_COUNT; c++)
        if ((mask >> c & 1) && from->rows[c] && (lead < 0 || tb_rng_below(rng, 2))) lead = c;
    if (lead < 0) return;
    const uint32_t row = tb_sampler_place(sampler, piece, (tb_stem)lead, phase, rng);
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        if (!(mask >> c & 1) || !from->rows[c]) continue;
        plan->source[i][c] = (tb_source){(int32_t)piece, row, voice};
        if (plan->n_voices[c] <= voice) plan->n_voices[c] = voice + 1;
    }
}

enum { ALL_STEMS = (1 << TB_STEM_COUNT) - 1 };

void tb_sampler_draw_whole(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n = sampler->options.n_segments;
    const tb__piece_class *class = draw_class(sampler, rng);
    clear_plan(plan, n);
    for (size_t i = 0; i < n; i++) {
        const uint32_t piece = class->members[tb_rng_below(rng, class->n_members)];
        const int alone = draw_stem(sampler->facts[piece].piece, rng);
        take(sampler, plan, i, piece, i % 2 ? 1u << alone : ALL_STEMS, tb_rng_uniform(rng), (uint32_t)i, rng);
    }
}

/* A member other than these two; the class has at least three. */
static uint32_t draw_other(const tb__piece_class *class, uint32_t a, uint32_t b, tb_rng *rng)
{
    for (;;) {
        const uint32_t piece = class->members[tb_rng_below(rng, class->n_members)];
        if (piece != a && piece != b) return piece;
    }
}

static void add_triplet(tb_group_plan *plan, size_t at, uint32_t anchor, uint32_t positive, uint32_t negative, int part)
{
    plan->triplets[at] = (tb_loss_triplet){anchor, positive, negative, (uint32_t)part};
}

void tb_sampler_draw_triplets(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n_triplets = sampler->options.n_segments / 3;
    const tb__piece_class *class = &sampler->classes[sampler->triplet_classes[tb_rng_below(rng, sampler->n_triplet_classes)]];
    clear_plan(plan, 3 * n_triplets);
    plan->n_basic = plan->n_triplets = n_triplets;
    for (size_t t = 0; t < n_triplets; t++) {
        const uint32_t a = class->members[tb_rng_below(rng, class->n_rich)], anchor = (uint32_t)(3 * t);
        const int c = draw_stem(sampler->facts[a].piece, rng);
        uint32_t other = draw_other(class, a, a, rng); /* has stem c, if a few draws find one */
        for (int i = 0; i < 16 && !sampler->facts[other].piece->rows[c]; i++) other = draw_other(class, a, a, rng);
        const uint32_t rest = draw_other(class, a, other, rng), voice = (uint32_t)t * 3;
        const unsigned part = 1u << c;
        const double phase = tb_rng_uniform(rng);
        take(sampler, plan, anchor, a, ALL_STEMS, phase, voice, rng);
        take(sampler, plan, anchor + 1, a, part, phase, voice, rng);
        take(sampler, plan, anchor + 1, rest, ALL_STEMS & ~part, phase, voice + 1, rng);
        take(sampler, plan, anchor + 2, a, ALL_STEMS & ~part, phase, voice, rng);
        take(sampler, plan, anchor + 2, other, part, phase, voice + 2, rng);
        add_triplet(plan, t, anchor, anchor + 1, anchor + 2, c);
        for (int q = 0; q < TB_STEM_COUNT; q++)
            if (q != c && sampler->facts[a].piece->rows[q] && plan->n_triplets < TB_GROUP_MAX_SEGMENTS * 2)
                add_triplet(plan, plan->n_triplets++, anchor, anchor + 2, anchor + 1, q);
    }
}
