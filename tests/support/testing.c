// SPDX-License-Identifier: MIT
/* The main program of each layer's unit tests: gathers the registered cases and runs them one by one.
 *
 * The TAP output is made here: cmocka 1.1.5 reports a skipped test as "not ok", which counts as failed.  While a
 * case runs, stdout goes to a file; its result is read from what cmocka wrote there, the rest follows as
 * comments.  The exit status is the verdict too: a leak found at exit still fails the program. */
#include "support/testing.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
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

enum result { PASSED, FAILED, SKIPPED };

/* The result in cmocka's own TAP line; its other lines, and what the case printed, go out as comments. */
static enum result report(FILE *captured, bool failed)
{
    enum result result = failed ? FAILED : PASSED;
    char line[1024];
    rewind(captured);
    while (fgets(line, sizeof line, captured)) {
        if (strncmp(line, "not ok 1 # SKIP", 15) == 0 || strncmp(line, "ok 1 # SKIP", 11) == 0) result = SKIPPED;
        const bool of_cmocka = strncmp(line, "ok 1", 4) == 0 || strncmp(line, "not ok 1", 8) == 0 ||
                               strncmp(line, "1..1", 4) == 0 || strncmp(line, "# ok - ", 7) == 0 ||
                               strncmp(line, "# not ok - ", 11) == 0;
        if (of_cmocka) continue;
        line[strcspn(line, "\r\n")] = 0;
        printf("%s%s\n", line[0] == '#' ? "" : "# ", line);
    }
    return result;
}

/* Runs one case with stdout in a file. */
static enum result run_case(const struct CMUnitTest *test)
{
    FILE *captured = tmpfile();
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    if (!captured || before < 0 || dup2(fileno(captured), STDOUT_FILENO) < 0) {
        perror("cannot capture stdout");
        abort();
    }
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    const int failed = _cmocka_run_group_tests("case", test, 1, NULL, NULL);
    clock_gettime(CLOCK_MONOTONIC, &end);
    fflush(stdout);
    if (dup2(before, STDOUT_FILENO) < 0) abort();
    close(before);
    const enum result result = report(captured, failed != 0);
    fclose(captured);
    const double seconds = (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    if (seconds > 1) printf("# that took %.1f s\n", seconds);
    return result;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest chosen[MAX_TESTS];
    size_t n_chosen = 0, n_failed = 0;
    for (size_t i = 0; i < n_all_tests; i++)
        if (argc < 2 || strncmp(all_tests[i].name, argv[1], strlen(argv[1])) == 0) chosen[n_chosen++] = all_tests[i];
    if (n_chosen == 0) {
        fprintf(stderr, "no test starts with \"%s\"\n", argc < 2 ? "" : argv[1]);
        return 1;
    }
    setenv("CMOCKA_MESSAGE_OUTPUT", "TAP", 1);
    printf("1..%zu\n", n_chosen);
    for (size_t i = 0; i < n_chosen; i++) {
        const enum result result = run_case(&chosen[i]);
        if (result == FAILED) n_failed++;
        switch (result) {
        case PASSED: printf("ok %zu - %s\n", i + 1, chosen[i].name); break;
        case FAILED: printf("not ok %zu - %s\n", i + 1, chosen[i].name); break;
        case SKIPPED: printf("ok %zu - %s # SKIP\n", i + 1, chosen[i].name); break;
        }
        fflush(stdout);
    }
    for (size_t i = 0; i < n_folders; i++) {
        if (n_failed == 0) nftw(folders[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
        free(folders[i]);
    }
    for (size_t i = 0; i < n_all_tests; i++) free((char *)(uintptr_t)all_tests[i].name);
    return n_failed == 0 ? 0 : 1;
}
