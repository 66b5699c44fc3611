// SPDX-License-Identifier: MIT
/* Flags of the command line.  One table holds them all; a command takes the rows that it names, so that every flag
 * means the same everywhere and `timbre COMMAND --help` lists just what the command knows. */
#ifndef TIMBRE_CLI_OPTIONS_H
#define TIMBRE_CLI_OPTIONS_H

#include "base/config.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef struct tb_cli_options {
    char *data, *server, *models;
    int64_t threads;
    bool json, quiet, help, version;
    char *using, *space, *missing, *level, *filter, *group_by, *with;
    int64_t limit, offset, max_per_artist, max_per_album;
    double start, duration, score_threshold;
    bool exclude_same_album, explain;
    char *query, *sort, *name, *output, *music;
    bool force, wait;
    double window;
    int64_t windows;
    char *midi;
    int64_t pieces, seed, rate, bands;
    double seconds, patches, longest;
    int format, split, soundfonts, audio; /* positions in the choices of their rows */
    char *soundfont;
    bool effects;
    char *cache, *validation, *network, *recipe, *checkpoint;
    int64_t segments, groups, validations;
    double checkpoint_every;
    bool resume;
    char *model;
    int64_t draws;
    bool quick;
    bool run_jobs; /* no flag: set by commands that need jobs to run in the data folder */
} tb_cli_options;

/* Reads TIMBRE_* variables and flags.  flags: names of the rows that the command takes beside those that all take,
 * separated by blanks.  rest: argc entries of room, for what is no flag. */
tb_status tb_cli_options_read(const char *flags, int argc, char **argv, tb_cli_options *options, int *n_rest, char **rest, tb_error *err) TB_MUST_CHECK;
void tb_cli_options_clear(tb_cli_options *options);
void tb_cli_options_print_help(const char *flags, FILE *stream);

#endif
