// SPDX-License-Identifier: MIT
/* Replays the corpus of tests/fuzz/fuzz_api.c. */
#include "fuzz/fuzz_api.h"
#include "fixture.h"
#include "support/testing.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FILE = 100000 };

static void replay(const char *folder, const char *name)
{
    char path[2000];
    static uint8_t bytes[MAX_FILE];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    /* an exact copy, so that sanitizers see each byte read past it */
    uint8_t *exact = malloc(size ? size : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, size);
    assert_int_equal(tb_fuzz_api(fixture_engine(), exact, size), 0);
    free(exact);
}

static void the_corpus_keeps_every_promise(void **state)
{
    (void)state;
    char *folder = tb_test_source_path("tests/fuzz/corpus/api");
    DIR *list = opendir(folder);
    size_t n_files = 0;
    if (!list) fail_msg("%s cannot be read", folder);
    fixture_put_library(fixture_own(2, false));
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (*entry->d_name == '.') continue;
        replay(folder, entry->d_name);
        n_files++;
    }
    closedir(list);
    free(folder);
    assert_true(n_files > 0);
}

TB_TESTS(fuzz_api,
         cmocka_unit_test_setup_teardown(the_corpus_keeps_every_promise, fixture_begin, fixture_end))
