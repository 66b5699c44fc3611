// SPDX-License-Identifier: MIT
/* Softmax cross-entropy: against PyTorch, against finite differences, and with logits that would overflow. */
#include "nn/cross_entropy.h"
#include "nn/model_file.h"
#include "support/testing.h"

#include "base/rng.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static tb_error err;

static const float *values_of(const tb_model_file *file, const char *name)
{
    const tb_tensor_info *tensor = tb_model_file_find(file, name);
    assert_non_null(tensor);
    return tensor->values;
}

static void assert_agrees(const char *relative)
{
    char *path = tb_test_source_path(relative);
    tb_model_file *file = NULL;
    assert_ok(tb_model_file_open(path, &file, &err));
    const tb_tensor_info *logits = tb_model_file_find(file, "logits");
    assert_non_null(logits);
    const size_t n = logits->shape[0], n_classes = logits->shape[1];
    double smoothing = 0;
    assert_status(tb_parse_double(tb_model_file_metadata(file, "smoothing"), &smoothing), TB_OK);
    uint32_t labels[16];
    float gradient[256];
    assert_true(n <= 16 && n * n_classes <= 256);
    for (size_t i = 0; i < n; i++) labels[i] = (uint32_t)values_of(file, "labels")[i];
    const double loss =
        tb_softmax_cross_entropy(logits->values, labels, n, n_classes, (float)smoothing, gradient);
    assert_near(loss, *values_of(file, "loss"), 1e-6);
    for (size_t i = 0; i < n * n_classes; i++) assert_near(gradient[i], values_of(file, "gradient")[i], 1e-7);
    tb_model_file_close(file);
    free(path);
}

static void agrees_with_pytorch(void **state)
{
    (void)state;
    assert_agrees("tests/golden/nn/cross_entropy.safetensors");
    assert_agrees("tests/golden/nn/cross_entropy_smooth.safetensors");
}

static void gradient_is_that_of_the_loss(void **state)
{
    (void)state;
    enum { N = 3, CLASSES = 5 };
    const uint32_t labels[N] = {4, 0, 2};
    float logits[N * CLASSES], gradient[N * CLASSES];
    tb_rng rng;
    tb_rng_init(&rng, 7);
    for (size_t i = 0; i < N * CLASSES; i++) logits[i] = (float)tb_rng_normal(&rng);
    tb_softmax_cross_entropy(logits, labels, N, CLASSES, 0.3f, gradient);
    for (size_t i = 0; i < N * CLASSES; i++) {
        const float was = logits[i], up = was + 1e-2f, down = was - 1e-2f;
        logits[i] = up;
        const double above = tb_softmax_cross_entropy(logits, labels, N, CLASSES, 0.3f, NULL);
        logits[i] = down;
        const double below = tb_softmax_cross_entropy(logits, labels, N, CLASSES, 0.3f, NULL);
        logits[i] = was;
        assert_near((above - below) / ((double)up - (double)down), gradient[i], 1e-5);
    }
}

static void gradient_may_replace_the_logits(void **state)
{
    (void)state;
    const uint32_t labels[2] = {1, 0};
    float logits[6] = {1, 2, 3, -1, 0.5f, 4}, gradient[6];
    const double loss = tb_softmax_cross_entropy(logits, labels, 2, 3, 0, gradient);
    assert_near(tb_softmax_cross_entropy(logits, labels, 2, 3, 0, logits), loss, 0);
    assert_memory_equal(logits, gradient, sizeof gradient);
}

static void huge_logits_do_not_overflow(void **state)
{
    (void)state;
    const float logits[3] = {1e30f, -1e30f, 0};
    float gradient[3];
    assert_near(tb_softmax_cross_entropy(logits, (uint32_t[]){0}, 1, 3, 0, gradient), 0, 0);
    for (size_t i = 0; i < 3; i++) assert_near(gradient[i], 0, 0);
    const double loss = tb_softmax_cross_entropy(logits, (uint32_t[]){2}, 1, 3, 0, gradient);
    assert_near(loss / (double)logits[0], 1, 1e-12);
    assert_near(gradient[0], 1, 0);
    assert_near(gradient[2], -1, 0);
}

static void a_logit_that_is_not_a_number_shows_in_the_loss(void **state)
{
    (void)state;
    assert_true(isnan(tb_softmax_cross_entropy((float[]){0, NAN, 1}, (uint32_t[]){0}, 1, 3, 0, NULL)));
}

static void no_rows_give_zero(void **state)
{
    (void)state;
    assert_near(tb_softmax_cross_entropy(NULL, NULL, 0, 3, 0, NULL), 0, 0);
}

TB_TESTS(cross_entropy, cmocka_unit_test(agrees_with_pytorch), cmocka_unit_test(gradient_is_that_of_the_loss),
         cmocka_unit_test(gradient_may_replace_the_logits), cmocka_unit_test(huge_logits_do_not_overflow),
         cmocka_unit_test(a_logit_that_is_not_a_number_shows_in_the_loss),
         cmocka_unit_test(no_rows_give_zero))
