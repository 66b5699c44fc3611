// SPDX-License-Identifier: MIT
/* A command: one row in the table of main.c, one function here.
 *
 * A command gets its options and what was no flag, and returns a status; main turns it into an exit code and prints
 * the error.  Results go to stdout, progress and errors to stderr. */
#ifndef TIMBRE_CLI_COMMAND_H
#define TIMBRE_CLI_COMMAND_H

#include "cli/client.h"
#include "cli/options.h"

typedef struct tb_arguments {
    tb_cli_options options;
    char **rest; /* what was no flag */
    int n_rest;
    bool partly_failed; /* set by a command that went on after errors: exit code 4 */
} tb_arguments;

tb_status tb_command_add(tb_arguments *arguments, tb_error *err);
tb_status tb_command_dataset(tb_arguments *arguments, tb_error *err);
tb_status tb_command_eval(tb_arguments *arguments, tb_error *err);
tb_status tb_command_export(tb_arguments *arguments, tb_error *err);
tb_status tb_command_features(tb_arguments *arguments, tb_error *err);
tb_status tb_command_list(tb_arguments *arguments, tb_error *err);
tb_status tb_command_remove(tb_arguments *arguments, tb_error *err);
tb_status tb_command_scan(tb_arguments *arguments, tb_error *err);
tb_status tb_command_search(tb_arguments *arguments, tb_error *err);
tb_status tb_command_serve(tb_arguments *arguments, tb_error *err);
tb_status tb_command_show(tb_arguments *arguments, tb_error *err);
tb_status tb_command_similar(tb_arguments *arguments, tb_error *err);
tb_status tb_command_stats(tb_arguments *arguments, tb_error *err);
tb_status tb_command_train(tb_arguments *arguments, tb_error *err);

#endif
