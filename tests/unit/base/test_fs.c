// SPDX-License-Identifier: MIT
/* Files: whole or not at all, limits, paths. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static tb_error err;

/* Entries of a folder, without . and .. */
static size_t count_entries(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) n += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(dir);
    return n;
}

static void assert_content(const char *path, const char *expected)
{
    char *bytes = NULL;
    size_t size = 0;
    assert_ok(tb_fs_read(path, 1000000, &bytes, &size, &err));
    assert_int_equal(size, strlen(expected));
    assert_string_equal(bytes, expected);
    tb_free(bytes);
}

static void paths_are_put_together_and_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *directory, *name, *path;
    } joins[] = {{"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"/", "b", "/b"}, {"", "b", "b"}, {"a", "", "a/"}};
    for (size_t i = 0; i < sizeof joins / sizeof *joins; i++) {
        char *path = tb_fs_join(joins[i].directory, joins[i].name);
        assert_string_equal(path, joins[i].path);
        tb_free(path);
    }
    assert_string_equal(tb_fs_name("/a/b.ogg"), "b.ogg");
    assert_string_equal(tb_fs_name("b.ogg"), "b.ogg");
    assert_string_equal(tb_fs_name("/a/"), "");
    assert_string_equal(tb_fs_extension("/a.b/c.tar.gz"), "gz");
    assert_string_equal(tb_fs_extension("/a.b/c"), "");
    assert_string_equal(tb_fs_extension("/a.b/.hidden"), "");
    assert_string_equal(tb_fs_extension("c."), "");
}

static void within_means_the_same_or_below(void **state)
{
    (void)state;
    assert_true(tb_fs_is_within("/a", "/a"));
    assert_true(tb_fs_is_within("/a", "/a/b"));
    assert_true(tb_fs_is_within("/a/", "/a/b"));
    assert_true(tb_fs_is_within("/a/", "/a"));
    assert_true(tb_fs_is_within("/", "/a"));
    assert_true(tb_fs_is_within("/", "/"));
    assert_false(tb_fs_is_within("/a", "/ab"));
    assert_false(tb_fs_is_within("/a/b", "/a"));
    assert_false(tb_fs_is_within("/a", "/"));
    assert_false(tb_fs_is_within("/a", ""));
    assert_false(tb_fs_is_within("/a", "a/b"));
}

static void folders_are_made_with_those_above(void **state)
{
    (void)state;
    char *path = tb_fs_join(tb_test_folder(), "x//y/z/");
    assert_ok(tb_fs_make_directories(path, &err));
    assert_ok(tb_fs_make_directories(path, &err)); /* there already */
    tb_fs_info info;
    assert_ok(tb_fs_stat(path, &info, &err));
    assert_true(info.is_directory);
    assert_false(info.is_regular);

    char *file = tb_fs_join(path, "file"), *below = tb_fs_join(file, "below");
    assert_ok(tb_fs_write_atomic(file, "x", 1, &err));
    assert_status(tb_fs_make_directories(file, &err), TB_EXISTS);
    assert_status(tb_fs_make_directories(below, &err), TB_EXISTS);
    assert_status(tb_fs_make_directories("", &err), TB_INVALID);
    tb_free(below);
    tb_free(file);
    tb_free(path);
}

static void files_are_read_up_to_their_limit(void **state)
{
    (void)state;
    char *path = tb_fs_join(tb_test_folder(), "f");
    enum { SIZE = 200000 };
    char *content = tb_alloc(SIZE, 1), *bytes = NULL;
    size_t size = 0;
    for (size_t i = 0; i < SIZE; i++) content[i] = (char)(i % 251);
    assert_ok(tb_fs_write_atomic(path, content, SIZE, &err));
    assert_ok(tb_fs_read(path, SIZE, &bytes, &size, &err));
    assert_int_equal(size, SIZE);
    assert_memory_equal(bytes, content, SIZE);
    assert_int_equal(bytes[SIZE], 0);
    tb_free(bytes);
    bytes = NULL;
    size = 7;
    assert_status(tb_fs_read(path, SIZE - 1, &bytes, &size, &err), TB_TOO_LARGE);
    assert_status(tb_fs_read(path, 0, &bytes, &size, &err), TB_TOO_LARGE);
    assert_status(tb_fs_read("/nowhere/at/all", 10, &bytes, &size, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "/nowhere/at/all"));
    assert_status(tb_fs_read("/", 10, &bytes, &size, &err), TB_IO); /* a folder */
    assert_null(bytes);
    assert_int_equal(size, 7);
    assert_ok(tb_fs_write_atomic(path, "", 0, &err));
    assert_ok(tb_fs_read(path, 0, &bytes, &size, &err));
    assert_int_equal(size, 0);
    assert_string_equal(bytes, "");
    tb_free(bytes);
    tb_free(content);
    tb_free(path);
}

static void writing_replaces_the_whole_file(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char *path = tb_fs_join(folder, "f");
    assert_ok(tb_fs_write_atomic(path, "one two three", 13, &err));
    assert_int_equal(chmod(path, 0604), 0);
    assert_ok(tb_fs_write_atomic(path, "four", 4, &err));
    assert_content(path, "four");
    assert_int_equal(count_entries(folder), 1);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0604); /* the mode is kept */
    assert_status(tb_fs_write_atomic("/nowhere/at/all", "x", 1, &err), TB_NOT_FOUND);
    assert_status(tb_fs_write_atomic(folder, "x", 1, &err), TB_IO); /* a folder cannot be replaced */
    assert_int_equal(count_entries(folder), 1);
    tb_free(path);
}

/* A limit on the size of files stands in for a full disk: a write in the middle fails. */
static void a_failed_write_leaves_the_old_file(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char *path = tb_fs_join(folder, "f");
    assert_ok(tb_fs_write_atomic(path, "old", 3, &err));
    enum { SIZE = 100000 };
    char *content = tb_alloc(SIZE, 1);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, before.rlim_max}), 0);
    const tb_status status = tb_fs_write_atomic(path, content, SIZE, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_status(status, TB_TOO_LARGE);
    assert_non_null(strstr(err.message, path));
    assert_content(path, "old");
    assert_int_equal(count_entries(folder), 1); /* nothing is left beside it */
    tb_free(content);
    tb_free(path);
}

static void folders_are_listed_in_order(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char **names = NULL;
    size_t n = 7;
    assert_ok(tb_fs_list(folder, &names, &n, &err));
    assert_int_equal(n, 0);
    tb_fs_list_free(names, n);
    for (int i = 99; i >= 0; i--) {
        char name[8];
        snprintf(name, sizeof name, "f%02d", i);
        char *path = tb_fs_join(folder, name);
        assert_ok(tb_fs_write_atomic(path, "", 0, &err));
        tb_free(path);
    }
    for (size_t nth = 1;; nth += 7) {
        names = NULL;
        tb_alloc_fail_after(nth);
        const tb_status status = tb_fs_list(folder, &names, &n, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
        assert_null(names);
    }
    assert_int_equal(n, 100);
    assert_string_equal(names[0], "f00");
    assert_string_equal(names[99], "f99");
    tb_fs_list_free(names, n);
    assert_status(tb_fs_list("/nowhere", &names, &n, &err), TB_NOT_FOUND);
    tb_fs_list_free(NULL, 3);
}

static void links_are_resolved(void **state)
{
    (void)state;
    char *folder = NULL;
    assert_ok(tb_fs_real_path(tb_test_folder(), &folder, &err));
    char *inside = tb_fs_join(folder, "inside"), *link = tb_fs_join(folder, "inside/out"), *real = NULL;
    assert_ok(tb_fs_make_directories(inside, &err));
    assert_int_equal(symlink("/", link), 0);
    char *through = tb_fs_join(link, "etc/../");
    assert_ok(tb_fs_real_path(through, &real, &err));
    assert_string_equal(real, "/");
    assert_false(tb_fs_is_within(inside, real));
    tb_free(real);
    real = NULL;
    assert_int_equal(unlink(link), 0);
    assert_status(tb_fs_real_path(link, &real, &err), TB_NOT_FOUND);
    assert_int_equal(symlink("out", link), 0); /* to itself */
    assert_status(tb_fs_real_path(link, &real, &err), TB_FORBIDDEN);
    assert_null(real);
    tb_free(through);
    tb_free(link);
    tb_free(inside);
    tb_free(folder);
}

static void facts_of_a_file_are_told(void **state)
{
    (void)state;
    char *path = tb_fs_join(tb_test_folder(), "f"), *other = tb_fs_join(tb_test_folder(), "g");
    assert_ok(tb_fs_write_atomic(path, "12345", 5, &err));
    assert_ok(tb_fs_write_atomic(other, "1", 1, &err));
    const struct timespec times[2] = {{.tv_sec = 1000, .tv_nsec = 5}, {.tv_sec = 1000, .tv_nsec = 5}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    tb_fs_info info, second;
    assert_ok(tb_fs_stat(path, &info, &err));
    assert_ok(tb_fs_stat(other, &second, &err));
    assert_int_equal(info.size_bytes, 5);
    assert_true(info.modified_ns == 1000000000005);
    assert_true(info.is_regular && !info.is_directory);
    assert_true(info.device == second.device && info.inode != second.inode);
    assert_status(tb_fs_stat("/nowhere", &info, &err), TB_NOT_FOUND);
    tb_free(other);
    tb_free(path);
}

/* One of each call under a failing allocation: nothing may leak, no file may be left. */
static void missing_memory_is_told_everywhere(void **state)
{
    (void)state;
    const char *folder = tb_test_folder();
    char *path = tb_fs_join(folder, "f");
    for (size_t n = 1;; n++) {
        char *bytes = NULL, *real = NULL;
        size_t size;
        tb_alloc_fail_after(n);
        tb_status status = tb_fs_write_atomic(path, "x", 1, &err);
        if (status == TB_OK) status = tb_fs_read(path, 10, &bytes, &size, &err);
        if (status == TB_OK) status = tb_fs_real_path(path, &real, &err);
        if (status == TB_OK) status = tb_fs_make_directories(folder, &err);
        tb_alloc_fail_after(0);
        tb_free(bytes);
        tb_free(real);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
        assert_true(count_entries(folder) <= 1);
    }
    tb_free(path);
}

TB_TESTS(fs, cmocka_unit_test(paths_are_put_together_and_taken_apart), cmocka_unit_test(within_means_the_same_or_below),
         cmocka_unit_test(folders_are_made_with_those_above), cmocka_unit_test(files_are_read_up_to_their_limit),
         cmocka_unit_test(writing_replaces_the_whole_file), cmocka_unit_test(a_failed_write_leaves_the_old_file),
         cmocka_unit_test(folders_are_listed_in_order), cmocka_unit_test(links_are_resolved), cmocka_unit_test(facts_of_a_file_are_told),
         cmocka_unit_test(missing_memory_is_told_everywhere))
