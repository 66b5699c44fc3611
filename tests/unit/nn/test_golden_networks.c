// SPDX-License-Identifier: MIT
/* Networks against PyTorch: tests/golden/nn/NAME.safetensors (made by make_fixtures.py, whose head names the
 * tensors) holds a network with its input, output and gradients, computed in float64.  They agree to 1e-5 of the
 * largest value, or of 1 if that is larger, with each table of kernels. */
#include "nn/kernels.h"
#include "nn/network.h"
#include "support/testing.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double TOLERANCE = 1e-5;

static tb_error err;

typedef struct fixture {
    const char *name;
    tb_model_file *file;
    tb_network *net;
    bool training;
    size_t batch;
} fixture;

static const tb_tensor_info *find(const fixture *f, const char *prefix, const char *name)
{
    char full[96];
    snprintf(full, sizeof full, "%s%s", prefix, name);
    const tb_tensor_info *tensor = tb_model_file_find(f->file, full);
    if (!tensor) fail_msg("the fixture %s has no tensor %s", f->name, full);
    return tensor;
}

static fixture open_fixture(const char *name)
{
    char relative[96];
    snprintf(relative, sizeof relative, "tests/golden/nn/%s.safetensors", name);
    char *path = tb_test_source_path(relative);
    fixture f = {.name = name};
    assert_ok(tb_model_file_open(path, &f.file, &err));
    assert_ok(tb_network_load(f.file, &f.net, &err));
    f.training = strcmp(tb_model_file_metadata(f.file, "training"), "yes") == 0;
    f.batch = find(&f, "", "x")->shape[0];
    free(path);
    return f;
}

static void close_fixture(fixture *f)
{
    tb_network_free(f->net);
    tb_model_file_close(f->file);
}

/* got has as many values as the fixture's tensor. */
static void assert_agrees(const fixture *f, const char *prefix, const char *name, const float *got)
{
    const tb_tensor_info *expected = find(f, prefix, name);
    double range = 1;
    for (size_t i = 0; i < expected->n_values; i++) range = fmax(range, fabs((double)expected->values[i]));
    for (size_t i = 0; i < expected->n_values; i++) {
        const double off = fabs((double)got[i] - (double)expected->values[i]);
        if (!(off <= TOLERANCE * range))
            fail_msg("%s, %s kernels: %s%s[%zu] is %.9g, PyTorch has %.9g", f->name, tb_nn_kernels_name(), prefix,
                     name, i, (double)got[i], (double)expected->values[i]);
    }
}

static void assert_inference_agrees(const fixture *f, const tb_network *net)
{
    tb_pass *pass = NULL;
    assert_ok(tb_pass_new(net, f->batch, false, &pass, &err));
    assert_agrees(f, "", "y", tb_pass_forward(pass, find(f, "", "x")->values, f->batch));
    tb_pass_free(pass);
}

static void assert_training_agrees(const fixture *f)
{
    const tb_tensor_info *x = find(f, "", "x");
    tb_pass *pass = NULL;
    assert_ok(tb_pass_new(f->net, f->batch, true, &pass, &err));
    float *dx = tb_alloc(x->n_values, sizeof *dx);
    assert_non_null(dx);
    assert_agrees(f, "", "y", tb_pass_forward(pass, x->values, f->batch));
    tb_pass_backward(pass, find(f, "", "dy")->values, dx);
    tb_network_update_statistics(f->net, &pass, 1);
    assert_agrees(f, "", "dx", dx);
    for (size_t i = 0; i < tb_network_n_tensors(f->net); i++) {
        const tb_network_tensor *tensor = tb_network_tensor_at(f->net, i);
        if (tensor->trained)
            assert_agrees(f, "gradient.", tensor->name, tb_pass_gradient(pass) + tensor->at);
        else
            assert_agrees(f, "after.", tensor->name, tb_network_statistics(f->net) + tensor->at);
    }
    tb_free(dx);
    tb_pass_free(pass);
}

/* A network whose results are the same in training and in inference. */
static void check_both(const char *name)
{
    fixture f = open_fixture(name);
    assert_inference_agrees(&f, f.net);
    assert_training_agrees(&f);
    close_fixture(&f);
}

/* A network that does something else in inference. */
static void check_training_alone(const char *name)
{
    fixture f = open_fixture(name);
    assert_true(f.training);
    assert_training_agrees(&f);
    close_fixture(&f);
}

static void check_inference_alone(const char *name)
{
    fixture f = open_fixture(name);
    tb_network *folded = NULL;
    assert_false(f.training);
    assert_inference_agrees(&f, f.net);
    assert_ok(tb_network_fold(f.net, &folded, &err));
    assert_inference_agrees(&f, folded);
    tb_network_free(folded);
    close_fixture(&f);
}

static void with_all_kernels(void (*check_fixture)(const char *name), const char *name)
{
    size_t n = 0;
    const tb__kernels *const *usable = tb__kernels_usable(&n);
    for (size_t i = 0; i < n; i++) {
        tb__kernels_set(usable[i]);
        check_fixture(name);
    }
    tb__kernels_set(NULL);
}

static void check(const char *name)
{
    with_all_kernels(check_both, name);
}

static void check_training(const char *name)
{
    with_all_kernels(check_training_alone, name);
}

static void check_inference(const char *name)
{
    with_all_kernels(check_inference_alone, name);
}

static void convolutions_agree(void **state)
{
    (void)state;
    check("conv");
    check("conv_stride");
    check("conv_wide");
    check("conv_groups");
    check("conv_depthwise");
}

static void dense_layers_agree(void **state)
{
    (void)state;
    check("dense");
}

static void batch_norm_agrees(void **state)
{
    (void)state;
    check_training("norm");
    check_inference("norm_inference");
}

static void activations_agree(void **state)
{
    (void)state;
    check("leaky");
    check("relu");
    check("tanh");
}

static void response_norm_agrees(void **state)
{
    (void)state;
    check("response");
    check("response_even");
}

static void pooling_agrees(void **state)
{
    (void)state;
    check("max");
    check("mean");
    check("max_time");
    check("mean_time");
    check("statistics");
    check("attention");
}

static void recurrent_units_agree(void **state)
{
    (void)state;
    check("gru");
}

static void unit_vectors_agree(void **state)
{
    (void)state;
    check("unit");
}

static void a_whole_network_agrees(void **state)
{
    (void)state;
    check_training("network");
    check_inference("network_inference");
}

TB_TESTS(golden_networks, cmocka_unit_test(convolutions_agree), cmocka_unit_test(dense_layers_agree),
         cmocka_unit_test(batch_norm_agrees), cmocka_unit_test(activations_agree),
         cmocka_unit_test(response_norm_agrees), cmocka_unit_test(pooling_agrees),
         cmocka_unit_test(recurrent_units_agree), cmocka_unit_test(unit_vectors_agree),
         cmocka_unit_test(a_whole_network_agrees))
