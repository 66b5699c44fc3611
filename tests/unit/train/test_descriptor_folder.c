// SPDX-License-Identifier: MIT
/* Statistics of a folder: what is too little is refused, and nothing is written then. */
#include "support/testing.h"
#include "support/wav.h"

#include "train/descriptor_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void too_few_tracks_are_refused_and_nothing_is_written(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    char *model = tb_test_join(tb_test_folder(), "made.safetensors");
    tb_descriptor_folder_result result;
    assert_status(tb_descriptor_folder(folder, "nothing", model, NULL, NULL, &result, &err), TB_INVALID);
    for (int i = 0; i < 2; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", i);
        char *path = tb_test_join(folder, name);
        tb_test_write_piece(path, 1 + (uint64_t)i, 16, 8000);
        free(path);
    }
    assert_status(tb_descriptor_folder(folder, "two pieces", model, NULL, NULL, &result, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "at least"));
    assert_int_equal(access(model, F_OK), -1);
    assert_status(tb_descriptor_folder("/no/such/folder", "none", model, NULL, NULL, &result, &err), TB_NOT_FOUND);
    free(model);
}

TB_TESTS(descriptor_folder, cmocka_unit_test(too_few_tracks_are_refused_and_nothing_is_written))
