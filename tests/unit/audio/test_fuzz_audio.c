// SPDX-License-Identifier: MIT
/* Replays the corpus of tests/fuzz/fuzz_audio.c. */
#include "support/testing.h"
#include "fuzz/fuzz_audio.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t replay_folder(const char *relative)
{
    char *folder = tb_test_source_path(relative);
    DIR *list = opendir(folder);
    size_t n_files = 0;
    if (!list) fail_msg("%s cannot be read", folder);
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        if (*entry->d_name == '.') continue;
        char path[2000];
        uint8_t *bytes = malloc(1 << 20);
        assert_non_null(bytes);
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        const size_t size = fread(bytes, 1, 1 << 20, file);
        fclose(file);
        /* an exact copy, so that sanitizers see each byte read past it */
        uint8_t *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        memcpy(exact, bytes, size);
        free(bytes);
        assert_int_equal(tb_fuzz_audio(exact, size), 0);
        free(exact);
        n_files++;
    }
    closedir(list);
    free(folder);
    return n_files;
}

static void the_corpus_keeps_every_promise(void **state)
{
    (void)state;
    assert_true(replay_folder("tests/fuzz/corpus/audio") > 0);
    assert_true(replay_folder("tests/golden/audio") > 0);
}

TB_TESTS(fuzz_audio, cmocka_unit_test(the_corpus_keeps_every_promise))
