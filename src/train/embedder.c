// SPDX-License-Identifier: MIT
#include "train/embedder.h"

#include "base/alloc.h"
#include "train/mixer.h"

#include <stdatomic.h>
#include <string.h>

enum { BATCH = 32 };

typedef struct hand {
    tb_embedder *embedder;
    tb_mixer *mixer;
    tb_pass *pass;
    float *x; /* TB_GROUP_MAX_SEGMENTS x window */
} hand;

struct tb_embedder {
    tb_pool *pool;
    tb_embedder_options options;
    size_t n_out;
    hand *hands; /* one a thread */
    size_t n_hands;
    /* of the run at hand */
    const tb_group_plan *plans;
    size_t n_plans;
    atomic_size_t next;
    float *outputs, *share;
};

static tb_status open_hand(tb_embedder *embedder, const tb_network *net, hand *h, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_embedder_options *o = &embedder->options;
    h->embedder = embedder;
    TB_TRY(tb_mixer_new(o->pieces, o->n_bands, o->augmenter, &h->mixer, err));
    TB_TRY(tb_pass_new(net, BATCH, false, &h->pass, err));
    h->x = tb_alloc_aligned(TB_GROUP_MAX_SEGMENTS * TB_WINDOW_ROWS, o->n_bands * sizeof *h->x);
    if (!h->x) TB_FAIL(err, TB_NO_MEMORY, "no memory for segments");
out:
    return status;
}

tb_status tb_embedder_new(const tb_network *net, tb_pool *pool, const tb_embedder_options *options, tb_embedder **embedder,
                          tb_error *err)
{
    tb_status status = TB_OK;
    tb_embedder *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for embeddings");
    made->pool = pool;
    made->options = *options;
    made->n_out = tb_shape_values(tb_network_output(net));
    made->n_hands = tb_pool_threads(pool);
    if (!(made->hands = tb_alloc(made->n_hands, sizeof *made->hands))) TB_FAIL(err, TB_NO_MEMORY, "no memory for embeddings");
    for (size_t i = 0; i < made->n_hands; i++) TB_TRY(open_hand(made, net, &made->hands[i], err));
    *embedder = made;
    made = NULL;
out:
    tb_embedder_free(made);
    return status;
}

void tb_embedder_free(tb_embedder *embedder)
{
    if (!embedder) return;
    for (size_t i = 0; embedder->hands && i < embedder->n_hands; i++) {
        tb_mixer_free(embedder->hands[i].mixer);
        tb_pass_free(embedder->hands[i].pass);
        tb_free(embedder->hands[i].x);
    }
    tb_free(embedder->hands);
    tb_free(embedder);
}

void tb_embedder_refresh(tb_embedder *embedder)
{
    for (size_t i = 0; i < embedder->n_hands; i++) tb_pass_refresh(embedder->hands[i].pass);
}

static void embed_plan(hand *h, size_t number)
{
    const tb_embedder *e = h->embedder;
    const tb_group_plan *plan = &e->plans[number];
    const size_t n_values = TB_WINDOW_ROWS * e->options.n_bands;
    size_t first = 0;
    for (size_t i = 0; i < number; i++) first += e->plans[i].n;
    tb_rng rng;
    tb_sampler_seed(&rng, e->options.seed, 0, number);
    tb_mixer_draw(h->mixer, plan, &rng);
    tb_mixer_mix(h->mixer, TB_ALL_STEMS, e->options.mean, e->options.deviation, h->x, e->share + first * TB_STEM_COUNT);
    for (size_t i = 0; i < plan->n; i += BATCH) {
        const size_t batch = plan->n - i < BATCH ? plan->n - i : BATCH;
        const float *y = tb_pass_forward(h->pass, h->x + i * n_values, batch);
        memcpy(e->outputs + (first + i) * e->n_out, y, batch * e->n_out * sizeof *y);
    }
}

static void run_hand(void *context)
{
    hand *h = context;
    for (size_t i; (i = atomic_fetch_add(&h->embedder->next, 1)) < h->embedder->n_plans;) embed_plan(h, i);
}

void tb_embedder_run(tb_embedder *embedder, const tb_group_plan *plans, size_t n_plans, float *outputs, float *share)
{
    embedder->plans = plans;
    embedder->n_plans = n_plans;
    embedder->outputs = outputs;
    embedder->share = share;
    atomic_store(&embedder->next, 0);
    for (size_t i = 0; i < embedder->n_hands; i++) tb_pool_submit(embedder->pool, run_hand, &embedder->hands[i]);
    tb_pool_wait(embedder->pool);
}
