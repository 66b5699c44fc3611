// SPDX-License-Identifier: MIT
/* Finding what belongs to the program: this one runs from a build tree. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/install.h"

#include <stdlib.h>
#include <string.h>

static tb_error err;

static void a_build_tree_leads_to_its_source_tree(void **state)
{
    (void)state;
    char *expected = tb_test_source_path("tests/unit"), *found = NULL, *real_expected = NULL, *real_found = NULL;
    assert_ok(tb_install_find("tests/unit", &found, &err));
    assert_ok(tb_fs_real_path(found, &real_found, &err));
    if (getenv("TB_SRCDIR")) {
        assert_ok(tb_fs_real_path(expected, &real_expected, &err));
        assert_string_equal(real_found, real_expected);
    }
    tb_free(real_expected);
    tb_free(real_found);
    tb_free(found);
    free(expected);
}

static void what_is_nowhere_is_told(void **state)
{
    (void)state;
    char *found = NULL;
    assert_status(tb_install_find("no-such-folder", &found, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "no-such-folder"));
    assert_status(tb_install_find("configure.ac", &found, &err), TB_NOT_FOUND); /* a file is no folder */
    assert_null(found);
}

static void missing_memory_is_no_crash(void **state)
{
    (void)state;
    for (size_t n = 1;; n++) {
        char *found = NULL;
        tb_alloc_fail_after(n);
        const tb_status status = tb_install_find("tests/unit", &found, &err);
        tb_alloc_fail_after(0);
        tb_free(found);
        if (status == TB_OK) break;
    }
}

TB_TESTS(install, cmocka_unit_test(a_build_tree_leads_to_its_source_tree), cmocka_unit_test(what_is_nowhere_is_told),
         cmocka_unit_test(missing_memory_is_no_crash))
