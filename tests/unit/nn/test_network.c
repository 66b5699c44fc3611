// SPDX-License-Identifier: MIT
#include "nn/network.h"

#include "base/alloc.h"
#include "nn/kernels.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"
#include "unit/nn/network_check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char text[] = "# a comment\n"
                           "input  16 20 1\n\n"
                           "conv 6 5x5\tstride 2 pad 2\r\n"
                           "norm\n"
                           "leaky 0.2\n"
                           "conv 9 3x3 pad 1 bias\n"
                           "norm eps 0.001\n"
                           "  # another\n"
                           "relu\n"
                           "mean time\n"
                           "flatten\n"
                           "dense 11 nobias\n"
                           "norm\n"
                           "dense 7";

static tb_error err;

static void a_text_gives_shapes_and_names(void **state)
{
    (void)state;
    tb_network *net = NULL;
    assert_ok(tb_network_parse(text, &net, &err));
    assert_string_equal(tb_network_text(net),
                        "input 16 20 1\nconv 6 5x5 stride 2 pad 2\nnorm\nleaky 0.2\n"
                        "conv 9 3x3 pad 1 bias\nnorm eps 0.001\nrelu\nmean time\nflatten\n"
                        "dense 11 nobias\nnorm\ndense 7\n");
    assert_int_equal(tb_network_input(net).width, 20);
    assert_int_equal(tb_network_output(net).channels, 7);
    assert_int_equal(tb_network_n_params(net), 150 + 12 + 495 - 9 + 9 + 18 + 9 * 10 * 11 + 22 + 77 + 7);
    assert_int_equal(tb_network_n_statistics(net), 2 * (6 + 9 + 11));
    const tb_network_tensor *first = tb_network_tensor_at(net, 0), *mean = tb_network_tensor_at(net, 3);
    assert_string_equal(first->name, "1.conv.weight");
    assert_true(first->trained && first->decays);
    assert_int_equal(first->n_dims, 4);
    assert_int_equal(first->shape[0] * 1000 + first->shape[1] * 100 + first->shape[2] * 10 + first->shape[3],
                     5516);
    assert_string_equal(mean->name, "2.norm.mean");
    assert_false(mean->trained);
    assert_near(tb_network_macs(net), 8 * 10 * 6 * 25 + 8 * 10 * 9 * 54 + 90 * 11 + 77, 0);
    tb_network_free(net);
}

static void texts_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    check_refused("", TB_SYNTAX, "no layers");
    check_refused("input 1 1 1", TB_SYNTAX, "no layers");
    check_refused("norm", TB_SYNTAX, "begins with");
    check_refused("input 1 1\nnorm", TB_SYNTAX, "channels");
    check_refused("input 1 1 1 1\nnorm", TB_SYNTAX, "what is this");
    check_refused("input 0 1 1\nnorm", TB_SYNTAX, "height");
    check_refused("input 4 4 1\n\nconv 5", TB_SYNTAX, "line 3");
    check_refused("input 4 4 1\nconvolve 5", TB_SYNTAX, "flatten");
    check_refused("input 4 4 1\ninput 4 4 1", TB_SYNTAX, "input");
    check_refused("input 4 4 1\nconv 5 3x3 stride", TB_SYNTAX, "value");
    check_refused("input 4 4 1\nconv 5 3x3x3", TB_SYNTAX, "taps");
    check_refused("input 4 4 1\nconv -5 3x3", TB_SYNTAX, "channels");
    check_refused("input 4 4 1\nconv 5 3x3 dilation 2", TB_SYNTAX, "dilation");
    check_refused("input 4 4 1\nconv 5 33x3", TB_SYNTAX, "taps");
    check_refused("input 4 4 1\nconv 5 5x5", TB_INVALID, "fit");
    check_refused("input 4 4 1\nconv 5 3x3 pad 3", TB_INVALID, "padding");
    check_refused("input 4 4 6\nconv 4 3x3 groups 4", TB_INVALID, "groups");
    check_refused("input 4 4 1\ndense 4", TB_INVALID, "flatten");
    check_refused("input 4 4 1\nleaky 1.5", TB_SYNTAX, "slope");
    check_refused("input 4 4 1\nleaky nan", TB_SYNTAX, "slope");
    check_refused("input 4 4 1\nnorm eps 0", TB_SYNTAX, "eps");
    check_refused("input 4 4 1\nmax 5x1", TB_INVALID, "window");
    check_refused("input 4 4 1\nmean 2 stride 0", TB_SYNTAX, "stride");
    check_refused("input 4 4 1\nrelu \x01", TB_SYNTAX, "printable");
    check_refused("input 4 4 1\nrelu \xc3\xa4", TB_SYNTAX, "printable");
}

static void sizes_that_are_absurd_are_refused(void **state)
{
    (void)state;
    check_refused("input 65536 65536 65536\nnorm", TB_TOO_LARGE, "at most");
    check_refused("input 99999999999999999999 1 1\nnorm", TB_SYNTAX, "height");
    check_refused("input 2048 2048 2\nnorm", TB_TOO_LARGE, "line 1");
    check_refused("input 1024 1024 4\nconv 65536 1x1", TB_TOO_LARGE, "at most");
    check_refused("input 1024 4096 1\nflatten\ndense 65536", TB_TOO_LARGE, "parameters");
    check_refused("input 1 1 65536\nconv 65536 32x32 pad 31", TB_TOO_LARGE, "at most");
    check_refused("input 1 1 65536\nconv 1024 1x1\nconv 65536 1x1", TB_TOO_LARGE, "parameters");

    enum { N = 20000 };
    char *large = tb_alloc(N, 1);
    size_t used = (size_t)snprintf(large, N, "input 2 2 1\n");
    for (size_t i = 0; i < TB_NETWORK_MAX_LAYERS + 1; i++)
        used += (size_t)snprintf(large + used, N - used, "relu\n");
    check_refused(large, TB_TOO_LARGE, "256 layers");
    memset(large, 'x', N - 1);
    check_refused(large, TB_TOO_LARGE, "bytes");
    memcpy(large, "input 1 1 1\nrelu ", 17);
    large[80] = '\0';
    check_refused(large, TB_SYNTAX, "too long");
    tb_free(large);
    check_refused("input 1 1 1\nrelu 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5", TB_SYNTAX,
                  "too many");
}

static void a_pass_that_is_too_large_is_refused(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass = NULL;
    assert_ok(tb_network_parse("input 1024 4096 1\nrelu\nrelu", &net, &err));
    assert_status(tb_pass_new(net, 0, true, &pass, &err), TB_INVALID);
    assert_status(tb_pass_new(net, 65537, true, &pass, &err), TB_INVALID);
    assert_null(pass);
    tb_network_free(net);
}

static void memory_that_is_missing_is_reported(void **state)
{
    (void)state;
    check_without_memory(text);
    tb_network *net = make_network(text, 2);
    for (size_t n = 1;; n++) {
        tb_network *folded = NULL;
        (void)tb_alloc_fail_after(n);
        const tb_status status = tb_network_fold(net, &folded, &err);
        (void)tb_alloc_fail_after(0);
        tb_network_free(folded);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_network_free(net);
}

static void folding_keeps_the_results(void **state)
{
    (void)state;
    enum { BATCH = 3 };
    tb_network *net = make_network(text, 4), *folded = NULL;
    tb_pass *pass = NULL, *folded_pass = NULL;
    assert_ok(tb_network_fold(net, &folded, &err));
    assert_string_equal(
        tb_network_text(folded),
        "input 16 20 1\nconv 6 5x5 stride 2 pad 2 bias\nleaky 0.2\nconv 9 3x3 pad 1 bias\nrelu\n"
        "mean time\nflatten\ndense 11\ndense 7\n");
    assert_int_equal(tb_network_n_statistics(folded), 0);
    assert_ok(tb_pass_new(net, BATCH, false, &pass, &err));
    assert_ok(tb_pass_new(folded, BATCH, false, &folded_pass, &err));
    float *x = random_values(BATCH * 16 * 20, 5);
    const float *expected = tb_pass_forward(pass, x, BATCH), *got = tb_pass_forward(folded_pass, x, BATCH);
    for (size_t i = 0; i < BATCH * 7; i++)
        assert_near(got[i], expected[i], 1e-4 * (1 + fabs((double)expected[i])));
    assert_true(tb_pass_bytes(folded_pass) > 0);
    tb_free(x);
    tb_pass_free(pass);
    tb_pass_free(folded_pass);
    tb_network_free(net);
    tb_network_free(folded);
}

static void a_norm_without_a_layer_before_it_stays(void **state)
{
    (void)state;
    tb_network *net = make_network("input 3 3 2\nnorm\nrelu\nnorm\nnorm", 4), *folded = NULL;
    assert_ok(tb_network_fold(net, &folded, &err));
    assert_string_equal(tb_network_text(folded), tb_network_text(net));
    assert_memory_equal(tb_network_params(folded), tb_network_params(net),
                        tb_network_n_params(net) * sizeof(float));
    assert_memory_equal(tb_network_statistics(folded), tb_network_statistics(net),
                        tb_network_n_statistics(net) * sizeof(float));
    tb_network_free(net);
    tb_network_free(folded);
}

static char *saved_path(void)
{
    const char *folder = tb_test_folder();
    const size_t size = strlen(folder) + 20;
    char *path = tb_alloc(size, 1);
    snprintf(path, size, "%s/net.safetensors", folder);
    return path;
}

static void save(const tb_network *net, tb_dtype dtype, const char *path)
{
    tb_model_writer *writer = NULL;
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_ok(tb_network_save(net, writer, dtype, &err));
    assert_ok(tb_model_writer_save(writer, path, &err));
    tb_model_writer_free(writer);
}

static void what_is_saved_loads_again(void **state)
{
    (void)state;
    tb_network *net = make_network(text, 6), *loaded = NULL;
    tb_model_file *file = NULL;
    char *path = saved_path();
    save(net, TB_DTYPE_F32, path);
    assert_ok(tb_model_file_open(path, &file, &err));
    assert_ok(tb_network_load(file, &loaded, &err));
    assert_string_equal(tb_network_text(loaded), tb_network_text(net));
    assert_memory_equal(tb_network_params(loaded), tb_network_params(net),
                        tb_network_n_params(net) * sizeof(float));
    assert_memory_equal(tb_network_statistics(loaded), tb_network_statistics(net),
                        tb_network_n_statistics(net) * sizeof(float));
    tb_model_file_close(file);
    tb_network_free(loaded);

    save(net, TB_DTYPE_F16, path); /* weights alone are rounded */
    assert_ok(tb_model_file_open(path, &file, &err));
    assert_ok(tb_network_load(file, &loaded, &err));
    for (size_t i = 0; i < tb_network_n_tensors(net); i++) {
        const tb_network_tensor *tensor = tb_network_tensor_at(net, i);
        if (!tensor->trained) continue;
        const float *before = tb_network_params(net) + tensor->at,
                    *after = tb_network_params(loaded) + tensor->at;
        for (size_t k = 0; k < tensor->n_values; k++)
            assert_near(after[k], before[k], tensor->decays ? 5e-4 * fabs((double)before[k]) + 1e-7 : 0);
    }
    tb_model_file_close(file);
    tb_network_free(loaded);
    tb_network_free(net);
    tb_free(path);
}

/* Saves the network under another text, and loads that. */
static tb_status load_altered(tb_network *net, const char *other_text)
{
    tb_model_writer *writer = NULL;
    tb_model_file *file = NULL;
    tb_network *loaded = NULL;
    char *path = saved_path();
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_ok(tb_network_save(net, writer, TB_DTYPE_F32, &err));
    if (other_text) assert_ok(tb_model_writer_metadata(writer, "network", other_text, &err));
    assert_ok(tb_model_writer_save(writer, path, &err));
    assert_ok(tb_model_file_open(path, &file, &err));
    const tb_status status = tb_network_load(file, &loaded, &err);
    assert_true((status == TB_OK) == (loaded != NULL));
    tb_network_free(loaded);
    tb_model_file_close(file);
    tb_model_writer_free(writer);
    tb_free(path);
    return status;
}

static void files_that_do_not_fit_their_text_are_refused(void **state)
{
    (void)state;
    tb_network *net = make_network("input 1 1 3\ndense 2\nnorm", 1);
    assert_status(load_altered(net, NULL), TB_OK);
    assert_status(load_altered(net, "input 1 1 4\ndense 2\nnorm"), TB_CORRUPT);
    assert_status(load_altered(net, "input 1 1 3\ndense 2\nnorm\nnorm"), TB_CORRUPT);
    assert_status(load_altered(net, "nonsense"), TB_SYNTAX);
    tb_network_statistics(net)[3] = -0.5f;
    assert_status(load_altered(net, NULL), TB_CORRUPT);
    assert_non_null(strstr(err.message, "2.norm.variance"));
    tb_network_statistics(net)[3] = 1;
    tb_network_params(net)[0] = (float)NAN;
    tb_model_writer *writer = NULL;
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_status(tb_network_save(net, writer, TB_DTYPE_F32, &err), TB_INVALID);
    tb_model_writer_free(writer);
    tb_network_free(net);
}

static void a_file_without_a_network_is_refused(void **state)
{
    (void)state;
    tb_model_writer *writer = NULL;
    tb_model_file *file = NULL;
    tb_network *net = NULL;
    char *path = saved_path();
    const float value = 1;
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_ok(tb_model_writer_tensor(writer, "x", TB_DTYPE_F32, 0, NULL, &value, &err));
    assert_ok(tb_model_writer_save(writer, path, &err));
    assert_ok(tb_model_file_open(path, &file, &err));
    assert_status(tb_network_load(file, &net, &err), TB_CORRUPT);
    tb_model_file_close(file);
    tb_model_writer_free(writer);
    tb_free(path);
}

static void running_statistics_follow_those_of_batches(void **state)
{
    (void)state;
    tb_network *net = NULL;
    tb_pass *pass[2] = {NULL, NULL};
    tb_rng rng;
    tb_rng_init(&rng, 1);
    assert_ok(tb_network_parse("input 2 1 1\nnorm momentum 0.5", &net, &err));
    tb_network_init(net, &rng);
    for (size_t i = 0; i < 2; i++) assert_ok(tb_pass_new(net, 2, true, &pass[i], &err));
    const float x[] = {1, 2, 3, 6}, others[] = {8, 8, 8, 8};
    tb_network_update_statistics(net, pass, 2); /* before any forward: nothing to take */
    assert_near(tb_network_statistics(net)[0], 0, 0);
    (void)tb_pass_forward(pass[0], x, 2);
    (void)tb_pass_forward(pass[1], others, 2);
    tb_network_update_statistics(net, pass, 2);
    /* mean 3 and 8, variance 14 / 3 (of n - 1) and 0, from 0 and 1 */
    assert_near(tb_network_statistics(net)[0], (0 * 0.5 + 3 * 0.5) * 0.5 + 8 * 0.5, 1e-6);
    assert_near(tb_network_statistics(net)[1], (1 * 0.5 + 14.0 / 3 * 0.5) * 0.5, 1e-4);
    for (size_t i = 0; i < 2; i++) tb_pass_free(pass[i]);
    tb_network_free(net);
}

static void a_constant_channel_gives_its_shift(void **state)
{
    (void)state;
    tb_network *net = make_network("input 1 1 1\nnorm", 3);
    tb_pass *pass = NULL;
    float x[64];
    for (size_t i = 0; i < 64; i++) x[i] = 12345.678f;
    assert_ok(tb_pass_new(net, 64, true, &pass, &err));
    const float *y = tb_pass_forward(pass, x, 64);
    for (size_t i = 0; i < 64; i++) assert_near(y[i], tb_network_params(net)[1], 5e-4 * 12345 * 3);
    assert_true(isfinite(y[0]));
    tb_pass_free(pass);
    tb_network_free(net);
}

/* Gradients of two groups, each computed by a pass of its own, or both by one after the other. */
static void groups_have_the_same_gradients_in_any_pass(void **state)
{
    (void)state;
    enum { BATCH = 4, N_IN = 16 * 20, N_OUT = 7 };
    tb_network *net = make_network(text, 8);
    const size_t n = tb_network_n_params(net);
    tb_pass *one = NULL, *two[2] = {NULL, NULL};
    float *x = random_values(2 * BATCH * N_IN, 9), *dy = random_values(2 * BATCH * N_OUT, 10);
    assert_ok(tb_pass_new(net, BATCH, true, &one, &err));
    for (size_t g = 0; g < 2; g++) {
        assert_ok(tb_pass_new(net, BATCH + 3 * g, true, &two[g], &err));
        (void)tb_pass_forward(two[g], x + g * BATCH * N_IN, BATCH);
    }
    for (size_t g = 2; g-- > 0;) tb_pass_backward(two[g], dy + g * BATCH * N_OUT, NULL);
    for (size_t g = 0; g < 2; g++) {
        tb_pass_clear_gradient(one);
        (void)tb_pass_forward(one, x + g * BATCH * N_IN, BATCH);
        tb_pass_backward(one, dy + g * BATCH * N_OUT, NULL);
        assert_memory_equal(tb_pass_gradient(one), tb_pass_gradient(two[g]), n * sizeof(float));
        tb_pass_free(two[g]);
    }
    tb_pass_free(one);
    tb_network_free(net);
    tb_free(x);
    tb_free(dy);
}

static void inference_keeps_its_parameters_until_refreshed(void **state)
{
    (void)state;
    tb_network *net = make_network("input 1 1 2\ndense 1", 1);
    tb_pass *pass = NULL;
    const float x[] = {1, 1};
    assert_ok(tb_pass_new(net, 1, false, &pass, &err));
    const float before = tb_pass_forward(pass, x, 1)[0];
    tb_network_params(net)[0] += 1;
    assert_true(tb_pass_forward(pass, x, 1)[0] == before);
    tb_pass_refresh(pass);
    assert_near(tb_pass_forward(pass, x, 1)[0], before + 1, 1e-5);
    tb_pass_free(pass);
    tb_network_free(net);
}

static void what_runs_underneath_has_a_name(void **state)
{
    (void)state;
    assert_true(strlen(tb_nn_kernels_name()) > 0);
    assert_true(strncmp(tb_nn_blas_name(), "OpenBLAS ", 9) == 0);
}

TB_TESTS(network, cmocka_unit_test(a_text_gives_shapes_and_names),
         cmocka_unit_test(texts_that_make_no_sense_are_refused),
         cmocka_unit_test(sizes_that_are_absurd_are_refused),
         cmocka_unit_test(a_pass_that_is_too_large_is_refused),
         cmocka_unit_test(memory_that_is_missing_is_reported), cmocka_unit_test(folding_keeps_the_results),
         cmocka_unit_test(a_norm_without_a_layer_before_it_stays),
         cmocka_unit_test(what_is_saved_loads_again),
         cmocka_unit_test(files_that_do_not_fit_their_text_are_refused),
         cmocka_unit_test(a_file_without_a_network_is_refused),
         cmocka_unit_test(running_statistics_follow_those_of_batches),
         cmocka_unit_test(a_constant_channel_gives_its_shift),
         cmocka_unit_test(groups_have_the_same_gradients_in_any_pass),
         cmocka_unit_test(inference_keeps_its_parameters_until_refreshed),
         cmocka_unit_test(what_runs_underneath_has_a_name))
