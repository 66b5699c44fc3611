// SPDX-License-Identifier: MIT
/* Fuzz target: any bytes as a network's text and as a model file with a network.  What parses has to have a normal form,
 * to fold and, if it is small, to run and to learn; whatever does not parse has to be refused with a sentence.
 *
 * For libFuzzer (clang):
 *
 *     ./configure CC=clang --enable-asan --enable-ubsan && make tests/fuzz/fuzz-network
 *     tests/fuzz/fuzz-network -dict=tests/fuzz/network.dict -max_len=2000 NEW_CORPUS tests/fuzz/corpus/network
 *
 * The corpus is replayed by `make check` as the unit test "fuzz network".  A text that once went wrong is
 * added to it, under a name that says what it is. */
#include "fuzz/fuzz_network.h"

#include "base/alloc.h"
#include "base/text.h"
#include "nn/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_VALUES = 2000, SMALL_PARAMS = 20000, SMALL_MACS = 200000, BATCH = 2 };

static void require(bool condition, const char *what, const tb_error *err)
{
    if (condition) return;
    fprintf(stderr, "fuzz-network: %s: %s: %s\n", what, tb_status_name(err->code), err->message);
    abort();
}

static void require_refusal(tb_status status, const char *what, const tb_error *err)
{
    require(status == TB_SYNTAX || status == TB_INVALID || status == TB_TOO_LARGE || status == TB_CORRUPT ||
                status == TB_UNSUPPORTED,
            what, err);
    require(err->code == status && *err->message && tb_utf8_valid(err->message, strlen(err->message)), what, err);
}

static float *zeros(size_t n)
{
    float *values = tb_alloc(n, sizeof *values);
    if (!values) abort();
    return values;
}

static void require_finite(const float *values, size_t n, const char *what)
{
    for (size_t i = 0; i < n; i++) require(isfinite(values[i]), what, &(tb_error){0});
}

/* With first values, which are small, nothing that is not finite comes out. */
static void run_passes(tb_network *net)
{
    tb_error err = {0};
    tb_pass *training = NULL, *inference = NULL;
    tb_rng rng;
    tb_rng_init(&rng, 1);
    tb_network_init(net, &rng);
    const size_t n_in = BATCH * tb_shape_values(tb_network_input(net));
    const size_t n_out = BATCH * tb_shape_values(tb_network_output(net));
    float *x = zeros(n_in), *dx = zeros(n_in), *dy = zeros(n_out);
    for (size_t i = 0; i < n_in; i++) x[i] = (float)tb_rng_normal(&rng);
    for (size_t i = 0; i < n_out; i++) dy[i] = (float)tb_rng_normal(&rng);
    require(tb_pass_new(net, BATCH, true, &training, &err) == TB_OK, "a pass", &err);
    require_finite(tb_pass_forward(training, x, BATCH), n_out, "training");
    tb_pass_backward(training, dy, dx);
    tb_network_update_statistics(net, &training, 1);
    require_finite(tb_network_statistics(net), tb_network_n_statistics(net), "statistics");
    require(tb_pass_new(net, BATCH, false, &inference, &err) == TB_OK, "a pass", &err);
    require_finite(tb_pass_forward(inference, x, BATCH), n_out, "inference");
    tb_pass_free(inference);
    tb_pass_free(training);
    tb_free(dy);
    tb_free(dx);
    tb_free(x);
}

static void run_text(const char *text)
{
    tb_error err = {0};
    tb_network *net = NULL, *again = NULL, *folded = NULL;
    const tb_status status = tb_network_parse(text, &net, &err);
    if (status != TB_OK) {
        require_refusal(status, "a text", &err);
        return;
    }
    require(tb_network_parse(tb_network_text(net), &again, &err) == TB_OK, "the normal form", &err);
    require(strcmp(tb_network_text(net), tb_network_text(again)) == 0, "another normal form", &err);
    const tb_status fold_status = tb_network_fold(net, &folded, &err);
    require(fold_status == TB_OK || fold_status == TB_TOO_LARGE, "a folded network", &err);
    if (tb_network_n_params(net) <= SMALL_PARAMS && tb_network_macs(net) <= SMALL_MACS &&
        tb_shape_values(tb_network_input(net)) <= SMALL_VALUES)
        run_passes(net);
    tb_network_free(folded);
    tb_network_free(again);
    tb_network_free(net);
}

static void run_file(const uint8_t *bytes, size_t size)
{
    tb_error err = {0};
    tb_model_file *file = NULL;
    tb_network *net = NULL;
    tb_status status = tb_model_file_parse(bytes, size, &file, &err);
    if (status == TB_OK) status = tb_network_load(file, &net, &err);
    if (status != TB_OK) require_refusal(status, "a file", &err);
    tb_network_free(net);
    tb_model_file_close(file);
}

int tb_fuzz_network(const uint8_t *bytes, size_t size)
{
    char *text = tb_alloc(size + 1, 1);
    if (!text) abort();
    if (size > 0) memcpy(text, bytes, size);
    run_text(text);
    run_file(bytes, size);
    tb_free(text);
    return 0;
}

#ifdef TB_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return tb_fuzz_network(bytes, size);
}
#endif
