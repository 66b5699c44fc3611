// SPDX-License-Identifier: MIT
/* The main program of each layer's unit tests: gathers the registered cases and runs them as one group,
 * so that the TAP output has one plan. */
#include "support/testing.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_TESTS = 2000, MAX_FOLDERS = 2000 };

static struct CMUnitTest all_tests[MAX_TESTS];
static size_t n_all_tests;
static char *folders[MAX_FOLDERS];
static size_t n_folders;

void tb_test_register(const char *group, const struct CMUnitTest *tests, size_t n_tests)
{
    for (size_t i = 0; i < n_tests && n_all_tests < MAX_TESTS; i++) {
        const size_t size = strlen(group) + strlen(tests[i].name) + 3;
        char *name = malloc(size);
        if (!name) abort();
        snprintf(name, size, "%s: %s", group, tests[i].name);
        for (char *c = name; *c; c++)
            if (*c == '_') *c = ' ';
        all_tests[n_all_tests] = tests[i];
        all_tests[n_all_tests++].name = name;
    }
}

const char *tb_test_folder(void)
{
    const char *parent = getenv("TMPDIR");
    if (!parent || !*parent) parent = "/tmp";
    const size_t size = strlen(parent) + sizeof "/timbre-test-XXXXXX";
    char *path = malloc(size);
    if (!path || n_folders == MAX_FOLDERS) abort();
    snprintf(path, size, "%s/timbre-test-XXXXXX", parent);
    if (!mkdtemp(path)) {
        perror(path);
        abort();
    }
    folders[n_folders++] = path;
    return path;
}

char *tb_test_source_path(const char *relative)
{
    const char *root = getenv("TB_SRCDIR");
    if (!root || !*root) root = ".";
    const size_t size = strlen(root) + strlen(relative) + 2;
    char *path = malloc(size);
    if (!path) abort();
    snprintf(path, size, "%s/%s", root, relative);
    return path;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

int main(int argc, char **argv)
{
    static struct CMUnitTest chosen[MAX_TESTS];
    size_t n_chosen = 0;
    for (size_t i = 0; i < n_all_tests; i++)
        if (argc < 2 || strncmp(all_tests[i].name, argv[1], strlen(argv[1])) == 0) chosen[n_chosen++] = all_tests[i];
    if (n_chosen == 0) {
        fprintf(stderr, "no test starts with \"%s\"\n", argc < 2 ? "" : argv[1]);
        return 1;
    }
    const int failed = _cmocka_run_group_tests("tests", chosen, n_chosen, NULL, NULL);
    for (size_t i = 0; i < n_folders; i++) {
        if (failed == 0) nftw(folders[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(folders[i]);
    }
    for (size_t i = 0; i < n_all_tests; i++) free((char *)(uintptr_t)all_tests[i].name);
    return failed == 0 ? 0 : 1;
}
