// SPDX-License-Identifier: MIT
/* Replays the corpus of tests/fuzz/fuzz_filter.c. */
#include "store_support.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "fuzz/fuzz_filter.h"

#include <stdlib.h>

static void the_corpus_keeps_every_promise(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = test_open_new();
    char *folder = tb_test_source_path("tests/fuzz/corpus/filter"), **names;
    size_t n;
    for (unsigned i = 0; i < 5; i++) test_add_number(store, i);
    assert_ok(tb_fs_list(folder, &names, &n, &err));
    assert_true(n > 10);
    for (size_t i = 0; i < n; i++) {
        char *path = tb_fs_join(folder, names[i]), *bytes;
        size_t size;
        assert_ok(tb_fs_read(path, 1 << 20, &bytes, &size, &err));
        assert_int_equal(tb_fuzz_filter(store, (const uint8_t *)bytes, size), 0);
        tb_free(bytes);
        tb_free(path);
    }
    tb_fs_list_free(names, n);
    free(folder);
    tb_store_close(store);
}

TB_TESTS(fuzz_filter, cmocka_unit_test(the_corpus_keeps_every_promise))
