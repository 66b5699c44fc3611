// SPDX-License-Identifier: MIT
/* Settings from a table: name, type, range, default and help of each stand in one row, and the file, the
 * environment and the flags are all read by it.
 *
 * Order of precedence: flag --max-body=…, environment TIMBRE_MAX_BODY, file (INI: `max_body = 64M`, `#` and
 * `;` start comments, [sections] prefix names: [log] format = json is log_format), default.
 * Sizes take K, M, G, T (powers of 1024); times take ms, s, m, h, d and default to seconds.  Values with
 * blanks at their ends, or with a comment sign behind a blank, go in "quotes" (as in TOML: \" \\ \n \t) or in
 * 'quotes'.  A name that stands twice in one file is an error.
 *
 * The caller's struct holds the values; each row gives the offset of its field.  Strings are owned by the
 * struct: tb_config_clear frees them.  One thread, at start. */
#ifndef TIMBRE_BASE_CONFIG_H
#define TIMBRE_BASE_CONFIG_H

#include "base/status.h"

#include <stddef.h>
#include <stdio.h>

typedef enum tb_setting_type {
    TB_SETTING_BOOL,   /* bool: true false yes no on off 1 0 */
    TB_SETTING_INT,    /* int64_t */
    TB_SETTING_SIZE,   /* int64_t, bytes */
    TB_SETTING_DOUBLE, /* double */
    TB_SETTING_TIME,   /* double, seconds */
    TB_SETTING_STRING, /* char *, owned */
    TB_SETTING_CHOICE, /* int: position in choices */
} tb_setting_type;

typedef struct tb_setting {
    const char *name; /* snake_case; the flag is --name with '-' for '_' */
    tb_setting_type type;
    size_t offset;               /* of the field in the caller's struct */
    const char *default_value;   /* as text, read like any other; NULL for a string is no value */
    double low, high;            /* range of numbers, both included; low == high means any */
    const char *choices;         /* "text|json", for TB_SETTING_CHOICE */
    char short_flag;             /* 'd' for -d, or 0 */
    const char *value_name;      /* "DIR" in the help */
    const char *help;            /* one line */
} tb_setting;

typedef struct tb_config_table {
    const tb_setting *settings;
    size_t n_settings;
    size_t struct_size;
} tb_config_table;

/* All fields to their defaults.  TB_INTERNAL if a default does not parse. */
tb_status tb_config_defaults(const tb_config_table *table, void *values, tb_error *err) TB_MUST_CHECK;
/* One value by name; TB_NOT_FOUND for an unknown name (with the nearest one in the sentence), TB_INVALID out
 * of range (the sentence says the range). */
tb_status tb_config_set(const tb_config_table *table, void *values, const char *name, const char *text,
                        tb_error *err) TB_MUST_CHECK;
/* The sentence of an error names the file and the line; what stands before that line is set then. */
tb_status tb_config_read_file(const tb_config_table *table, void *values, const char *path,
                              tb_error *err) TB_MUST_CHECK;
/* Every TIMBRE_* variable that is in the table; others are left alone. */
tb_status tb_config_read_environment(const tb_config_table *table, void *values, char **environment,
                                     tb_error *err) TB_MUST_CHECK;
/* Reads flags from argv[1] on: --name=value, --name value, --switch, --no-switch, -x value.  Stops at "--".
 * What is not a flag is kept in order: *n_rest and rest (argc entries of room, pointers into argv). */
tb_status tb_config_read_flags(const tb_config_table *table, void *values, int argc, char **argv, int *n_rest,
                               char **rest, tb_error *err) TB_MUST_CHECK;
/* One line per setting for --help: flag, value, help, default, range. */
void tb_config_print_help(const tb_config_table *table, FILE *stream);
/* `name = value` per line, as a file that tb_config_read_file reads. */
tb_status tb_config_print_values(const tb_config_table *table, const void *values, FILE *stream,
                                 tb_error *err) TB_MUST_CHECK;
void tb_config_clear(const tb_config_table *table, void *values);

#endif
