// SPDX-License-Identifier: MIT
/* Replays the corpus of tests/fuzz/fuzz_network.c. */
#include "base/alloc.h"
#include "base/fs.h"
#include "fuzz/fuzz_network.h"
#include "support/testing.h"

#include <stdlib.h>

static void the_corpus_keeps_every_promise(void **state)
{
    (void)state;
    tb_error err = {0};
    char *folder = tb_test_source_path("tests/fuzz/corpus/network"), **names;
    size_t n;
    assert_ok(tb_fs_list(folder, &names, &n, &err));
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        char *path = tb_fs_join(folder, names[i]), *bytes;
        size_t size;
        assert_ok(tb_fs_read(path, 1 << 20, &bytes, &size, &err));
        assert_int_equal(tb_fuzz_network((const uint8_t *)bytes, size), 0);
        tb_free(bytes);
        tb_free(path);
    }
    tb_fs_list_free(names, n);
    free(folder);
}

TB_TESTS(fuzz_network, cmocka_unit_test(the_corpus_keeps_every_promise))
