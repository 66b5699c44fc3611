// SPDX-License-Identifier: MIT
/* Walks over folders: order, what is passed over, what goes wrong on the way. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "base/walk.h"

#include <string.h>
#include <unistd.h>

static tb_error err;

/* The names that a walk came by, one per line, below `root`. */
typedef struct notes {
    const char *root;
    tb_buffer text;
    const char *skipped_folder; /* not entered */
    const char *fatal_file;     /* ends the walk */
} notes;

static tb_status note_file(void *context, const char *path, const struct stat *info, tb_error *error)
{
    notes *n = context;
    if (n->fatal_file && strcmp(tb_fs_name(path), n->fatal_file) == 0) return tb_error_set(error, TB_CANCELLED, "enough");
    return tb_buffer_printf(&n->text, "%s %d\n", path + strlen(n->root) + 1, (int)info->st_size);
}

static bool enter_unless_skipped(void *context, const char *folder, char *const *names, size_t n_names)
{
    const notes *n = context;
    for (size_t i = 1; i < n_names; i++) assert_true(strcmp(names[i - 1], names[i]) < 0);
    return !n->skipped_folder || strcmp(tb_fs_name(folder), n->skipped_folder) != 0;
}

static void note_failure(void *context, const char *folder, const tb_error *why)
{
    notes *n = context;
    assert_status(tb_buffer_printf(&n->text, "failed %s: %s\n", tb_fs_name(folder), tb_status_name(why->code)), TB_OK);
}

static tb_walk make_walk(notes *n)
{
    tb_buffer_init(&n->text, 100000);
    return (tb_walk){.context = n, .file = note_file, .enter = enter_unless_skipped, .failed = note_failure};
}

static void make_file(const char *root, const char *name, size_t size)
{
    static const char content[10];
    char *path = tb_fs_join(root, name), *folder = tb_strdup(path);
    *strrchr(folder, '/') = 0;
    assert_ok(tb_fs_make_directories(folder, &err));
    assert_ok(tb_fs_write_atomic(path, content, size, &err));
    tb_free(folder);
    tb_free(path);
}

static void files_come_in_the_order_of_their_names(void **state)
{
    (void)state;
    notes n = {.root = tb_test_folder()};
    const tb_walk walk = make_walk(&n);
    make_file(n.root, "b/two", 2);
    make_file(n.root, "b/deep/er/one", 1);
    make_file(n.root, "a", 3);
    make_file(n.root, "c", 0);
    make_file(n.root, "\xff\xfe", 4); /* not UTF-8 */
    make_file(n.root, ".hidden", 5);
    make_file(n.root, ".git/config", 6);
    assert_ok(tb_walk_folder(&walk, n.root, &err));
    assert_string_equal(n.text.bytes, "a 3\nb/deep/er/one 1\nb/two 2\nc 0\n\xff\xfe 4\n");
    tb_buffer_clear(&n.text);
}

static void links_are_not_followed(void **state)
{
    (void)state;
    notes n = {.root = tb_test_folder()};
    const tb_walk walk = make_walk(&n);
    make_file(n.root, "a/file", 1);
    char *to_file = tb_fs_join(n.root, "link"), *to_root = tb_fs_join(n.root, "a/loop");
    assert_int_equal(symlink("a/file", to_file), 0);
    assert_int_equal(symlink("..", to_root), 0);
    assert_ok(tb_walk_folder(&walk, n.root, &err));
    assert_string_equal(n.text.bytes, "a/file 1\n");
    tb_free(to_root);
    tb_free(to_file);
    tb_buffer_clear(&n.text);
}

static void folders_may_be_left_out(void **state)
{
    (void)state;
    notes n = {.root = tb_test_folder(), .skipped_folder = "no"};
    const tb_walk walk = make_walk(&n);
    make_file(n.root, "no/file", 1);
    make_file(n.root, "yes/file", 1);
    assert_ok(tb_walk_folder(&walk, n.root, &err));
    assert_string_equal(n.text.bytes, "yes/file 1\n");
    tb_buffer_clear(&n.text);
}

static void a_file_can_end_the_walk(void **state)
{
    (void)state;
    notes n = {.root = tb_test_folder(), .fatal_file = "b"};
    const tb_walk walk = make_walk(&n);
    make_file(n.root, "x/a", 1);
    make_file(n.root, "x/b", 1);
    make_file(n.root, "x/c", 1);
    assert_status(tb_walk_folder(&walk, n.root, &err), TB_CANCELLED);
    assert_string_equal(err.message, "enough");
    assert_string_equal(n.text.bytes, "x/a 1\n");
    tb_buffer_clear(&n.text);
}

static void a_folder_too_deep_is_noted_and_the_rest_goes_on(void **state)
{
    (void)state;
    notes n = {.root = tb_test_folder()};
    tb_walk walk = make_walk(&n);
    tb_buffer path;
    tb_buffer_init(&path, 1000);
    for (int i = 0; i <= TB_WALK_MAX_DEPTH; i++) assert_status(tb_buffer_append_text(&path, "d/"), TB_OK);
    assert_status(tb_buffer_append_text(&path, "file"), TB_OK);
    make_file(n.root, path.bytes, 1);
    make_file(n.root, "e", 1);
    assert_ok(tb_walk_folder(&walk, n.root, &err));
    assert_string_equal(n.text.bytes, "failed d: too_large\ne 1\n");
    walk.failed = NULL;
    assert_status(tb_walk_folder(&walk, n.root, &err), TB_TOO_LARGE);
    tb_buffer_clear(&path);
    tb_buffer_clear(&n.text);
}

static void a_missing_folder_is_told(void **state)
{
    (void)state;
    notes n = {.root = "/"};
    tb_walk walk = make_walk(&n);
    assert_ok(tb_walk_folder(&walk, "/nowhere", &err));
    assert_string_equal(n.text.bytes, "failed nowhere: not_found\n");
    walk.failed = NULL;
    assert_status(tb_walk_folder(&walk, "/nowhere", &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere"));
    tb_buffer_clear(&n.text);
}

static void missing_memory_ends_the_walk(void **state)
{
    (void)state;
    notes n = {.root = tb_test_folder()};
    make_file(n.root, "a/b/c", 1);
    make_file(n.root, "d", 1);
    for (size_t nth = 1;; nth++) {
        const tb_walk walk = make_walk(&n);
        tb_alloc_fail_after(nth);
        const tb_status status = tb_walk_folder(&walk, n.root, &err);
        tb_alloc_fail_after(0);
        tb_buffer_clear(&n.text);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
}

TB_TESTS(walk, cmocka_unit_test(files_come_in_the_order_of_their_names), cmocka_unit_test(links_are_not_followed),
         cmocka_unit_test(folders_may_be_left_out), cmocka_unit_test(a_file_can_end_the_walk),
         cmocka_unit_test(a_folder_too_deep_is_noted_and_the_rest_goes_on),
         cmocka_unit_test(a_missing_folder_is_told), cmocka_unit_test(missing_memory_ends_the_walk))
