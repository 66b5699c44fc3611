// SPDX-License-Identifier: MIT
/* timbre: the command line.  A table of commands; each works on a data folder or, with --server, on a server. */
#include "cli/command.h"

#include "base/alloc.h"
#include "base/log.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Exit codes, also in the help and in timbre(1). */
enum { EXIT_FINE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_FOUND = 3, EXIT_PARTLY = 4 };

#define SEARCH_FLAGS \
    "using space missing level filter group_by with limit offset max_per_artist max_per_album start duration score_threshold exclude_same_album explain"

#define DATASET_FLAGS "midi pieces seed format split seconds soundfonts soundfont patches effects rate audio bands longest"
#define EVAL_FLAGS "space using window windows model cache music output draws seed quick"
#define TRAIN_FLAGS "cache validation output network recipe segments groups seed validations checkpoint checkpoint_every resume"

typedef struct command {
    const char *name, *operands, *help;
    const char *flags; /* rows of cli/options.c; NULL: everything is passed on */
    tb_status (*run)(tb_arguments *arguments, tb_error *err);
} command;

static const command commands[] = {
    {"add", "FILE…", "add audio files", "", tb_command_add},
    {"scan", "DIR", "make a folder a library and take its music in", "name force wait", tb_command_scan},
    {"similar", "ID", "what sounds like this track", SEARCH_FLAGS, tb_command_similar},
    {"search", "FILE", "what sounds like this file; nothing is stored", SEARCH_FLAGS, tb_command_search},
    {"list", "", "tracks, by words, filter and order", "query filter sort with limit", tb_command_list},
    {"show", "ID", "one track with its features", "", tb_command_show},
    {"remove", "ID…", "forget tracks; files of libraries stay", "", tb_command_remove},
    {"features", "FILE…", "content features of files; nothing is stored", "", tb_command_features},
    {"export", "", "every track as a line of JSON", "filter with output", tb_command_export},
    {"eval", "WHAT [DIR]", "how well a space hears: half-split, music-id, instruments", EVAL_FLAGS, tb_command_eval},
    {"dataset", "songs OUT | import DIR OUT", "songs to train with, or recordings with stems", DATASET_FLAGS, tb_command_dataset},
    {"stats", "descriptors", "make the statistics of the model descriptors", "music output name", tb_command_stats},
    {"train", "instruments [name=value…]", "train the model instruments", TRAIN_FLAGS, tb_command_train},
    {"serve", "[timbred's flags]", "become the server", NULL, tb_command_serve},
};

enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_help(FILE *stream)
{
    fprintf(stream, "timbre " PACKAGE_VERSION ": what sounds like this?\n\nusage: timbre COMMAND [flags] …\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++) fprintf(stream, "  %-10s %-24s %s\n", commands[i].name, commands[i].operands, commands[i].help);
    fprintf(stream, "  %-10s %-24s %s\n", "version", "", "print the version");
    fprintf(stream, "\ntimbre COMMAND --help lists its flags.  Without --server, commands work on a data folder (--data DIR).\n"
                    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 done but for some files.\n");
}

static int exit_code(tb_status status)
{
    switch (status) {
    case TB_OK: return EXIT_FINE;
    case TB_INVALID:
    case TB_SYNTAX: return EXIT_USAGE;
    case TB_NOT_FOUND: return EXIT_NOT_FOUND;
    default: return EXIT_FAILED;
    }
}

/* Nonzero when output was lost.  A reader that went away (`| head`) has what it wanted. */
static int close_stdout(void)
{
    const bool had_failed = ferror(stdout) != 0, fails = fflush(stdout) != 0;
    struct pollfd out = {.fd = STDOUT_FILENO};
    const bool reader_is_gone = poll(&out, 1, 0) == 1 && (out.revents & POLLERR);
    return (had_failed || fails) && !reader_is_gone ? -1 : 0;
}

static int run(const command *c, int argc, char **argv)
{
    tb_error err = {0};
    tb_arguments arguments = {.rest = tb_alloc((size_t)argc + 1, sizeof(char *))};
    tb_status status = TB_OK;
    bool wrong_usage = false;
    if (!arguments.rest) TB_FAIL(&err, TB_NO_MEMORY, "no memory");
    if (!c->flags) {
        for (int i = 1; i < argc; i++) arguments.rest[arguments.n_rest++] = argv[i];
    } else {
        wrong_usage = true; /* an unknown flag is no "not found" */
        TB_TRY(tb_cli_options_read(c->flags, argc, argv, &arguments.options, &arguments.n_rest, arguments.rest, &err));
        wrong_usage = false;
        if (arguments.options.help) {
            printf("usage: timbre %s [flags] %s\n%s\n\n", c->name, c->operands, c->help);
            tb_cli_options_print_help(c->flags, stdout);
            goto out;
        }
    }
    TB_TRY(c->run(&arguments, &err));
out:
    if (close_stdout() != 0 && status == TB_OK) status = tb_error_set(&err, TB_FULL, "the output cannot be written; is the disk full?");
    if (status != TB_OK) fprintf(stderr, "timbre %s: %s\n", c->name, err.message);
    const int code = wrong_usage ? EXIT_USAGE : status == TB_OK && arguments.partly_failed ? EXIT_PARTLY : exit_code(status);
    tb_cli_options_clear(&arguments.options);
    tb_free(arguments.rest);
    return code;
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN);
    tb_log_setup(stderr, TB_LOG_ERROR, false);
    const char *name = argc > 1 ? argv[1] : "help";
    if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0) {
        puts("timbre " PACKAGE_VERSION);
        return EXIT_FINE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
        print_help(stdout);
        return argc > 1 ? EXIT_FINE : EXIT_USAGE;
    }
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(name, commands[i].name) == 0) return run(&commands[i], argc - 1, argv + 1);
    fprintf(stderr, "timbre: there is no command \"%s\"; `timbre help` lists them\n", name);
    return EXIT_USAGE;
}
