// SPDX-License-Identifier: MIT
#include "train/validation.h"

#include "base/alloc.h"
#include "model/instruments.h"
#include "model/model.h"
#include "train/mixer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    N_BACKGROUNDS = 4, /* mixes of a label */
    N_PASSAGES = 2,    /* of a mix */
    N_WINDOWS = 3,     /* of a passage */
    N_NEIGHBOURS = 5,
    PLAN_SEGMENTS = 60,
    N_PRESENCE_PLANS = 5,
    MAX_LABELS = 50,
};
static const double presence_absent = 0.4;

typedef struct passage {
    uint32_t test; /* number of the (draw, stem) */
    uint32_t label, background;
    tb_stem stem;
    unsigned audible; /* bit for each stem, in the last run */
} passage;

struct tb_validation {
    tb_sampler *sampler;
    const tb_piece *const *pieces;
    tb_group_plan *plans; /* of passages, then of presence */
    size_t n_plans, plans_room, n_passage_plans;
    passage *passages;
    size_t n_passages, passages_room;
    size_t n_segments, n_tests[TB_STEM_COUNT];
    double chance;
    float *outputs, *share; /* n_segments x TB_INSTRUMENTS_OUTPUTS, x TB_STEM_COUNT */
    float *vectors;         /* n_passages x TB_INSTRUMENTS_DIM: parts of unit length */
};

/* --- what is asked --------------------------------------------------------------------------------------------------- */

static tb_status grow(void **memory, size_t n, size_t *room, size_t size, tb_error *err)
{
    tb_status status = TB_OK;
    if (n < *room) return TB_OK;
    const size_t wanted = *room ? 2 * *room : 16;
    void *grown = tb_realloc(*memory, wanted, size);
    if (!grown) TB_FAIL(err, TB_NO_MEMORY, "no memory for a validation");
    *memory = grown;
    *room = wanted;
out:
    return status;
}

static tb_status new_plan(tb_validation *v, tb_group_plan **plan, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(grow((void **)&v->plans, v->n_plans, &v->plans_room, sizeof *v->plans, err));
    *plan = &v->plans[v->n_plans++];
    memset(*plan, 0, sizeof **plan);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) (*plan)->n_voices[c] = 1;
out:
    return status;
}

/* Window w of a passage from `row` on, elsewhere in the piece where that is past its end. */
static uint32_t window_row(const tb_validation *v, size_t piece, tb_stem stem, uint32_t row, size_t w, tb_rng *rng)
{
    const uint32_t at = row + (uint32_t)w * TB_WINDOW_ROWS;
    return at + TB_WINDOW_ROWS_TAKEN <= v->pieces[piece]->n_rows ? at : tb_sampler_place(v->sampler, piece, stem, 0, rng);
}

static int any_other_stem(const tb_piece *piece, tb_stem stem)
{
    for (int c = 0; c < TB_STEM_COUNT; c++)
        if (c != (int)stem && piece->rows[c]) return c;
    return -1;
}

static tb_status add_passage(tb_validation *v, const passage *p, tb_rng *rng, tb_error *err)
{
    tb_status status = TB_OK;
    tb_group_plan *plan = v->n_plans ? &v->plans[v->n_plans - 1] : NULL;
    if (!plan || plan->n + N_WINDOWS > PLAN_SEGMENTS) TB_TRY(new_plan(v, &plan, err));
    TB_TRY(grow((void **)&v->passages, v->n_passages, &v->passages_room, sizeof *v->passages, err));
    v->passages[v->n_passages++] = *p;
    const tb_piece *behind = v->pieces[p->background];
    const int lead = any_other_stem(behind, p->stem);
    const double phase = tb_rng_uniform(rng);
    const uint32_t row = tb_sampler_place(v->sampler, p->label, p->stem, phase, rng);
    const uint32_t behind_row = lead < 0 ? 0 : tb_sampler_place(v->sampler, p->background, (tb_stem)lead, phase, rng);
    for (size_t w = 0; w < N_WINDOWS; w++) {
        const uint32_t behind_at = lead < 0 ? 0 : window_row(v, p->background, (tb_stem)lead, behind_row, w, rng);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            tb_source *source = &plan->source[plan->n][c];
            *source = (tb_source){.piece = -1};
            if (c == p->stem) *source = (tb_source){(int32_t)p->label, window_row(v, p->label, p->stem, row, w, rng), 0};
            else if (behind->rows[c]) *source = (tb_source){(int32_t)p->background, behind_at, 0};
        }
        plan->n++;
    }
out:
    return status;
}

/* n pieces of one class that hold the stem; 0 when no class has three. */
static size_t draw_labels(const tb_validation *v, tb_stem stem, size_t n, tb_rng *rng, uint32_t *labels)
{
    size_t total = 0;
    for (size_t i = 0; i < tb_sampler_n_classes(v->sampler); i++) {
        size_t n_holders;
        (void)tb_sampler_holders(v->sampler, i, stem, &n_holders);
        total += n_holders >= 3 ? n_holders : 0;
    }
    if (total == 0) return 0;
    size_t at = (size_t)tb_rng_below(rng, total), n_holders = 0;
    const uint32_t *holders = NULL;
    for (size_t i = 0;; i++) {
        holders = tb_sampler_holders(v->sampler, i, stem, &n_holders);
        if (n_holders < 3) continue;
        if (at < n_holders) break;
        at -= n_holders;
    }
    size_t n_labels = 0;
    for (size_t left = n_holders, i = 0; i < n_holders && n_labels < n; i++, left--) /* each with the same chance */
        if (tb_rng_below(rng, left) < n - n_labels) labels[n_labels++] = holders[i];
    return n_labels;
}

static tb_status add_test(tb_validation *v, tb_stem stem, uint32_t test, size_t n_labels, tb_rng *rng, tb_error *err)
{
    tb_status status = TB_OK;
    uint32_t labels[MAX_LABELS], turn[MAX_LABELS];
    const size_t n = draw_labels(v, stem, n_labels, rng, labels);
    if (n == 0) return TB_OK;
    v->n_tests[stem]++;
    v->chance += 1 / (double)n;
    /* backgrounds by turning: each piece is behind as many labels as any other, never behind itself */
    for (size_t i = 0; i + 1 < n; i++) turn[i] = (uint32_t)i + 1;
    for (size_t i = n - 1; i > 1; i--) {
        const size_t j = (size_t)tb_rng_below(rng, i);
        const uint32_t kept = turn[i - 1];
        turn[i - 1] = turn[j];
        turn[j] = kept;
    }
    for (size_t l = 0; l < n; l++)
        for (size_t m = 0; m < N_BACKGROUNDS && m + 1 < n; m++)
            for (size_t s = 0; s < N_PASSAGES; s++) {
                const passage p = {.test = test, .label = labels[l], .background = labels[(l + turn[m]) % n], .stem = stem};
                TB_TRY(add_passage(v, &p, rng, err));
            }
out:
    return status;
}

static tb_status draw_all(tb_validation *v, const tb_validation_options *o, tb_error *err)
{
    tb_status status = TB_OK;
    tb_rng rng;
    tb_rng_init(&rng, o->seed);
    size_t n_tests = 0;
    for (size_t d = 0; d < o->n_draws; d++)
        for (int c = 0; c < TB_STEM_COUNT; c++) TB_TRY(add_test(v, (tb_stem)c, (uint32_t)n_tests++, o->n_labels, &rng, err));
    size_t n_drawn = 0;
    for (int c = 0; c < TB_STEM_COUNT; c++) n_drawn += v->n_tests[c];
    v->chance = n_drawn ? v->chance / (double)n_drawn : (double)NAN;
    v->n_passage_plans = v->n_plans;
    for (size_t i = 0; i < N_PRESENCE_PLANS; i++) {
        tb_group_plan *plan;
        TB_TRY(new_plan(v, &plan, err));
        tb_sampler_draw_contrast(v->sampler, &rng, plan);
    }
    for (size_t i = 0; i < v->n_plans; i++) v->n_segments += v->plans[i].n;
out:
    return status;
}

tb_status tb_validation_new(const tb_piece *const *pieces, size_t n_pieces, size_t n_bands, const tb_validation_options *options,
                            tb_validation **validation, tb_error *err)
{
    tb_status status = TB_OK;
    tb_validation *made = NULL;
    tb_sampler_options sampling;
    if (options->n_draws < 1 || options->n_draws > 100 || options->n_labels < 3 || options->n_labels > MAX_LABELS)
        TB_FAIL(err, TB_INVALID, "a validation has 1 to 100 draws of 3 to %d pieces", MAX_LABELS);
    if (!(made = tb_alloc(1, sizeof *made))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a validation");
    made->pieces = pieces;
    tb_sampler_options_default(&sampling);
    sampling.absent = presence_absent;
    TB_TRY(tb_sampler_new(pieces, n_pieces, n_bands, &sampling, &made->sampler, err));
    TB_TRY(draw_all(made, options, err));
    made->outputs = tb_alloc(made->n_segments * TB_INSTRUMENTS_OUTPUTS, sizeof *made->outputs);
    made->share = tb_alloc(made->n_segments * TB_STEM_COUNT, sizeof *made->share);
    made->vectors = tb_alloc(made->n_passages * TB_INSTRUMENTS_DIM, sizeof *made->vectors);
    if (!made->outputs || !made->share || !made->vectors) TB_FAIL(err, TB_NO_MEMORY, "no memory for a validation");
    *validation = made;
    made = NULL;
out:
    tb_validation_free(made);
    return status;
}

void tb_validation_free(tb_validation *validation)
{
    if (!validation) return;
    tb_sampler_free(validation->sampler);
    tb_free(validation->plans);
    tb_free(validation->passages);
    tb_free(validation->outputs);
    tb_free(validation->share);
    tb_free(validation->vectors);
    tb_free(validation);
}

size_t tb_validation_n_segments(const tb_validation *validation)
{
    return validation->n_segments;
}

/* --- passages -------------------------------------------------------------------------------------------------------- */

/* Mean of the windows' unit vectors, of unit length again; all plans of passages hold whole passages. */
static void pool_passages(tb_validation *v)
{
    for (size_t p = 0; p < v->n_passages; p++) {
        float *vector = v->vectors + p * TB_INSTRUMENTS_DIM;
        float heard[TB_STEM_COUNT] = {0};
        memset(vector, 0, TB_INSTRUMENTS_DIM * sizeof *vector);
        for (size_t w = 0; w < N_WINDOWS; w++) {
            const size_t segment = p * N_WINDOWS + w;
            float *y = v->outputs + segment * TB_INSTRUMENTS_OUTPUTS;
            for (size_t c = 0; c < TB_STEM_COUNT; c++) heard[c] += v->share[segment * TB_STEM_COUNT + c] / N_WINDOWS;
            for (size_t c = 0; c < TB_INSTRUMENTS_PARTS; c++) tb_normalize(y + c * TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PART_DIM);
            for (size_t d = 0; d < TB_INSTRUMENTS_DIM; d++) vector[d] += y[d];
        }
        for (size_t c = 0; c < TB_INSTRUMENTS_PARTS; c++) tb_normalize(vector + c * TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PART_DIM);
        v->passages[p].audible = 0;
        for (size_t c = 0; c < TB_STEM_COUNT; c++) v->passages[p].audible |= (unsigned)(heard[c] > TB_AUDIBLE_SHARE) << c;
    }
}

static float similarity(const tb_validation *v, size_t a, size_t b, size_t part)
{
    const float *x = v->vectors + a * TB_INSTRUMENTS_DIM + part * TB_INSTRUMENTS_PART_DIM;
    const float *y = v->vectors + b * TB_INSTRUMENTS_DIM + part * TB_INSTRUMENTS_PART_DIM;
    float sum = 0;
    for (size_t d = 0; d < TB_INSTRUMENTS_PART_DIM; d++) sum += x[d] * y[d];
    return sum;
}

/* The stem that is asked for sounds in the passage, and so does the part that is to find it: a part that is silent has no
 * vector worth asking. */
static bool takes_part(const passage *p, size_t part)
{
    return (p->audible >> p->stem & 1) && (p->audible >> part & 1);
}

/* Whether the five nearest of the test, in the vectors of a part, say the passage's own label. */
static bool answers_right(const tb_validation *v, size_t query, size_t part)
{
    const passage *q = &v->passages[query];
    float near[N_NEIGHBOURS];
    uint32_t label[N_NEIGHBOURS];
    size_t n = 0;
    for (size_t i = 0; i < v->n_passages; i++) {
        const passage *p = &v->passages[i];
        if (p->test != q->test || p->background == q->background || !takes_part(p, part)) continue;
        const float s = similarity(v, query, i, part);
        if (n == N_NEIGHBOURS && !(s > near[n - 1])) continue;
        size_t at = n < N_NEIGHBOURS ? n++ : n - 1;
        for (; at > 0 && near[at - 1] < s; at--) {
            near[at] = near[at - 1];
            label[at] = label[at - 1];
        }
        near[at] = s;
        label[at] = p->label;
    }
    size_t best = 0, most = 0;
    for (size_t i = 0; i < n; i++) { /* of equal votes, the nearest counts */
        size_t votes = 0;
        for (size_t k = 0; k < n; k++) votes += label[k] == label[i];
        if (votes > most) {
            most = votes;
            best = i;
        }
    }
    return n > 0 && label[best] == q->label;
}

static double mean_known(const double *values)
{
    double sum = 0, n = 0;
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        if (!isnan(values[c])) {
            sum += values[c];
            n++;
        }
    return sum / n;
}

static void test_parts(const tb_validation *v, tb_validation_report *report)
{
    for (size_t c = 0; c < TB_STEM_COUNT; c++)
        for (size_t part = 0; part < TB_STEM_COUNT; part++) {
            size_t n = 0, n_right = 0;
            for (size_t p = 0; p < v->n_passages; p++) {
                if (v->passages[p].stem != c || !takes_part(&v->passages[p], part)) continue;
                n++;
                n_right += answers_right(v, p, part);
            }
            report->cross[c][part] = n ? (double)n_right / (double)n : (double)NAN;
        }
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        report->accuracy[c] = report->cross[c][c];
        double others[TB_STEM_COUNT];
        memcpy(others, report->cross[c], sizeof others);
        others[c] = (double)NAN;
        report->leakage[c] = mean_known(others);
    }
}

/* --- presence -------------------------------------------------------------------------------------------------------- */

typedef struct judgement {
    float logit;
    bool is_present;
} judgement;

/* Highest first; of equal ones the absent first, so that ties help nobody. */
static int compare_judgements(const void *a, const void *b)
{
    const judgement *x = a, *y = b;
    if (x->logit != y->logit) return x->logit < y->logit ? 1 : -1;
    return (int)x->is_present - (int)y->is_present;
}

static void judge_part(judgement *judgements, size_t n, double *precision, float *threshold)
{
    size_t n_present = 0, found = 0;
    double sum = 0, best = -1;
    for (size_t i = 0; i < n; i++) n_present += judgements[i].is_present;
    *precision = (double)NAN;
    *threshold = 0.5f;
    if (n_present == 0) return;
    qsort(judgements, n, sizeof *judgements, compare_judgements);
    for (size_t i = 0; i < n; i++) {
        if (judgements[i].is_present) sum += (double)++found / (double)(i + 1);
        if (n_present == n) continue;
        const double rate = (double)found / (double)n_present, wrong = (double)(i + 1 - found) / (double)(n - n_present);
        if (rate - wrong > best && (i + 1 == n || judgements[i + 1].logit < judgements[i].logit)) {
            best = rate - wrong;
            const float between = i + 1 < n ? (judgements[i].logit + judgements[i + 1].logit) / 2 : judgements[i].logit;
            *threshold = 1 / (1 + expf(-between));
        }
    }
    *precision = sum / (double)n_present;
}

static void test_presence(const tb_validation *v, tb_validation_report *report)
{
    judgement judgements[N_PRESENCE_PLANS * TB_GROUP_MAX_SEGMENTS];
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        size_t n = 0;
        for (size_t i = v->n_passages * N_WINDOWS; i < v->n_segments; i++)
            judgements[n++] = (judgement){v->outputs[i * TB_INSTRUMENTS_OUTPUTS + TB_INSTRUMENTS_DIM + c],
                                          v->share[i * TB_STEM_COUNT + c] > TB_AUDIBLE_SHARE};
        judge_part(judgements, n, &report->presence[c], &report->threshold[c]);
    }
}

void tb_validation_run(tb_validation *validation, tb_embedder *embedder, tb_validation_report *report)
{
    *report = (tb_validation_report){.chance = validation->chance};
    tb_embedder_run(embedder, validation->plans, validation->n_plans, validation->outputs, validation->share);
    pool_passages(validation);
    test_parts(validation, report);
    test_presence(validation, report);
    report->mean_accuracy = mean_known(report->accuracy);
    report->mean_leakage = mean_known(report->leakage);
    report->mean_presence = mean_known(report->presence);
    report->score = report->mean_accuracy - report->mean_leakage / 2;
}
