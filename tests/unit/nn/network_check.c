// SPDX-License-Identifier: MIT
#include "unit/nn/network_check.h"

#include "base/alloc.h"
#include "nn/network.h"
#include "support/testing.h"
#include "unit/nn/gradients.h"

#include <string.h>

static tb_error err;

float *random_values(size_t n, uint64_t seed)
{
    float *values = tb_alloc(n, sizeof *values);
    assert_non_null(values);
    fill_values(values, n, seed);
    return values;
}

void check_refused(const char *text, tb_status expected, const char *reason)
{
    tb_network *net = NULL;
    assert_status(tb_network_parse(text, &net, &err), expected);
    assert_null(net);
    if (strstr(err.message, reason) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
}

void check_without_memory(const char *text)
{
    for (size_t n = 1;; n++) {
        tb_network *net = NULL;
        tb_pass *pass = NULL;
        (void)tb_alloc_fail_after(n);
        tb_status status = tb_network_parse(text, &net, &err);
        if (status == TB_OK) status = tb_pass_new(net, 2, true, &pass, &err);
        (void)tb_alloc_fail_after(0);
        tb_pass_free(pass);
        tb_network_free(net);
        if (status == TB_OK) {
            assert_true(n > 3);
            return;
        }
        assert_status(status, TB_NO_MEMORY);
    }
}
