// SPDX-License-Identifier: MIT
/* Dropout: how many values fall, that backward drops the same ones, and what the seed decides. */
#include "base/alloc.h"
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <string.h>

enum { N = 30000 };

static tb_error err;

typedef struct dropped {
    tb_network *net;
    tb_pass *pass;
    float *x;
} dropped;

static dropped start(bool training)
{
    dropped d = {.net = make_network("input 10 10 300\ndropout 0.3", 1), .x = random_values(N, 2)};
    assert_ok(tb_pass_new(d.net, 1, training, &d.pass, &err));
    return d;
}

static void end(dropped *d)
{
    tb_free(d->x);
    tb_pass_free(d->pass);
    tb_network_free(d->net);
}

static void the_share_falls_and_the_rest_grows(void **state)
{
    (void)state;
    dropped d = start(true);
    const float *y = tb_pass_forward(d.pass, d.x, 1);
    size_t n_fallen = 0;
    for (size_t i = 0; i < N; i++) {
        if (y[i] == 0)
            n_fallen++;
        else
            assert_near(y[i], d.x[i] / 0.7f, 1e-6);
    }
    assert_near((double)n_fallen / N, 0.3, 0.015); /* over five deviations */
    end(&d);
}

static void backward_drops_the_same_values(void **state)
{
    (void)state;
    dropped d = start(true);
    float *dy = random_values(N, 3), *dx = random_values(N, 4);
    const float *y = tb_pass_forward(d.pass, d.x, 1);
    tb_pass_backward(d.pass, dy, dx);
    for (size_t i = 0; i < N; i++) assert_near(dx[i], y[i] == 0 ? 0 : dy[i] / 0.7f, 1e-6);
    tb_free(dx);
    tb_free(dy);
    end(&d);
}

static void the_seed_decides_which(void **state)
{
    (void)state;
    dropped d = start(true);
    float *first = random_values(N, 3);
    tb_pass_seed(d.pass, 5);
    memcpy(first, tb_pass_forward(d.pass, d.x, 1), N * sizeof *first);
    assert_memory_not_equal(tb_pass_forward(d.pass, d.x, 1), first, N * sizeof *first); /* the next step */
    tb_pass_seed(d.pass, 6);
    assert_memory_not_equal(tb_pass_forward(d.pass, d.x, 1), first, N * sizeof *first);
    tb_pass_seed(d.pass, 5);
    assert_memory_equal(tb_pass_forward(d.pass, d.x, 1), first, N * sizeof *first);
    tb_free(first);
    end(&d);
}

static void inference_drops_nothing(void **state)
{
    (void)state;
    dropped d = start(false);
    assert_memory_equal(tb_pass_forward(d.pass, d.x, 1), d.x, N * sizeof *d.x);
    end(&d);
}

static void bad_texts_are_refused(void **state)
{
    (void)state;
    check_refused("input 4 1 6\ndropout", TB_SYNTAX, "share");
    check_refused("input 4 1 6\ndropout 1", TB_SYNTAX, "share");
    check_refused("input 4 1 6\ndropout -0.1", TB_SYNTAX, "share");
}

TB_TESTS(dropout, cmocka_unit_test(the_share_falls_and_the_rest_grows),
         cmocka_unit_test(backward_drops_the_same_values), cmocka_unit_test(the_seed_decides_which),
         cmocka_unit_test(inference_drops_nothing), cmocka_unit_test(bad_texts_are_refused))
