// SPDX-License-Identifier: MIT
/* Settings: each source, their order, ranges, and errors that say what to do. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/config.h"
#include "base/fs.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    char *listen, *note;
    int64_t threads, max_body;
    double timeout, ratio;
    bool watch;
    int log_format;
} settings;

#define FIELD(name) offsetof(settings, name)

static const tb_setting rows[] = {
    {.name = "listen", .type = TB_SETTING_STRING, .offset = FIELD(listen), .default_value = "127.0.0.1:8080",
     .short_flag = 'l', .value_name = "HOST:PORT", .help = "address to listen on"},
    {.name = "note", .type = TB_SETTING_STRING, .offset = FIELD(note), .help = "any text"},
    {.name = "threads", .type = TB_SETTING_INT, .offset = FIELD(threads), .default_value = "4", .low = 1, .high = 64,
     .short_flag = 't', .value_name = "N", .help = "threads that compute"},
    {.name = "max_body", .type = TB_SETTING_SIZE, .offset = FIELD(max_body), .default_value = "64M", .low = 1024,
     .high = 0x1p40, .value_name = "SIZE", .help = "largest request"},
    {.name = "timeout", .type = TB_SETTING_TIME, .offset = FIELD(timeout), .default_value = "30", .low = 0.1,
     .high = 86400, .value_name = "TIME", .help = "longest request"},
    {.name = "ratio", .type = TB_SETTING_DOUBLE, .offset = FIELD(ratio), .default_value = "0.5", .help = "a ratio"},
    {.name = "watch", .type = TB_SETTING_BOOL, .offset = FIELD(watch), .default_value = "yes", .short_flag = 'w',
     .help = "watch the folders"},
    {.name = "log_format", .type = TB_SETTING_CHOICE, .offset = FIELD(log_format), .default_value = "text",
     .choices = "text|json", .help = "form of the log"},
};
static const tb_config_table table = {rows, sizeof rows / sizeof *rows, sizeof(settings)};

static tb_error err;

static void defaults(settings *values)
{
    assert_ok(tb_config_defaults(&table, values, &err));
}

/* A file with this content; borrowed until the program ends. */
static tb_status read_file(settings *values, const char *content)
{
    char *path = tb_fs_join(tb_test_folder(), "timbre.conf");
    assert_ok(tb_fs_write_atomic(path, content, strlen(content), &err));
    const tb_status status = tb_config_read_file(&table, values, path, &err);
    if (status != TB_OK) assert_non_null(strstr(err.message, "timbre.conf"));
    tb_free(path);
    return status;
}

static void assert_message_has(const char *part)
{
    if (!strstr(err.message, part)) fail_msg("\"%s\" does not say \"%s\"", err.message, part);
}

static void defaults_come_from_the_table(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    assert_string_equal(values.listen, "127.0.0.1:8080");
    assert_null(values.note);
    assert_int_equal(values.threads, 4);
    assert_int_equal(values.max_body, 64 << 20);
    assert_near(values.timeout, 30, 0);
    assert_near(values.ratio, 0.5, 0);
    assert_true(values.watch);
    assert_int_equal(values.log_format, 0);
    tb_config_clear(&table, &values);
    assert_null(values.listen);
    tb_config_clear(&table, &values);
}

static void a_default_that_does_not_parse_is_our_mistake(void **state)
{
    (void)state;
    const tb_setting bad[] = {
        {.name = "listen", .type = TB_SETTING_STRING, .offset = FIELD(listen), .default_value = "x", .help = ""},
        {.name = "threads", .type = TB_SETTING_INT, .offset = FIELD(threads), .default_value = "99", .low = 1, .high = 9, .help = ""}};
    const tb_config_table wrong = {bad, 2, sizeof(settings)};
    settings values;
    assert_status(tb_config_defaults(&wrong, &values, &err), TB_INTERNAL);
    assert_int_equal(err.code, TB_INTERNAL);
    assert_null(values.listen);
}

static void flags_go_over_environment_over_file_over_defaults(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    assert_ok(read_file(&values, "threads = 10\nmax_body = 10K\ntimeout = 10\n"));
    char *environment[] = {(char[]){"TIMBRE_MAX_BODY=20K"}, (char[]){"TIMBRE_TIMEOUT=20"}, (char[]){"HOME=/"}, NULL};
    assert_ok(tb_config_read_environment(&table, &values, environment, &err));
    char *argv[] = {(char[]){"timbred"}, (char[]){"--timeout=31"}, NULL}, *rest[2];
    int n_rest = -1;
    assert_ok(tb_config_read_flags(&table, &values, 2, argv, &n_rest, rest, &err));
    assert_near(values.ratio, 0.5, 0);
    assert_int_equal(values.threads, 10);
    assert_int_equal(values.max_body, 20 << 10);
    assert_near(values.timeout, 31, 0);
    assert_int_equal(n_rest, 0);
    tb_config_clear(&table, &values);
}

static void sizes_and_times_take_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t bytes;
    } sizes[] = {{"2048", 2048}, {"1K", 1024}, {"1.5k", 1536}, {"3M", 3 << 20}, {"2G", INT64_C(2) << 30}, {"1T", INT64_C(1) << 40}};
    static const struct {
        const char *text;
        double seconds;
    } times[] = {{"5", 5}, {"5s", 5}, {"250ms", 0.25}, {"1.5m", 90}, {"2h", 7200}, {"1d", 86400}, {"1e2s", 100}};
    settings values;
    defaults(&values);
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_ok(tb_config_set(&table, &values, "max_body", sizes[i].text, &err));
        assert_true(values.max_body == sizes[i].bytes);
    }
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        assert_ok(tb_config_set(&table, &values, "timeout", times[i].text, &err));
        assert_near(values.timeout, times[i].seconds, 1e-12);
    }
    tb_config_clear(&table, &values);
}

static void wrong_values_are_refused_with_the_range(void **state)
{
    (void)state;
    static const struct {
        const char *name, *text, *says;
    } cases[] = {
        {"threads", "0", "from 1 to 64"},      {"threads", "65", "from 1 to 64"},    {"threads", "4.5", "whole number"},
        {"threads", "", "whole number"},       {"threads", "four", "\"four\""},      {"threads", "99999999999999999999", "64"},
        {"max_body", "100", "from 1K to 1T"},  {"max_body", "1X", "size"},           {"max_body", "-1K", "size"},
        {"max_body", "1.0001K", "size"},       {"max_body", "K", "size"},            {"max_body", "nan", "size"},
        {"timeout", "0", "from 0.1s to 86400s"}, {"timeout", "2d", "86400s"},        {"timeout", "1 h", "time"},
        {"ratio", "nan", "a number"},          {"ratio", "inf", "a number"},         {"ratio", "1e999", "a number"},
        {"watch", "maybe", "yes or no"},       {"log_format", "xml", "text|json"},   {"log_format", "", "text|json"},
        {"log_format", "tex", "text|json"},    {"log_format", "text|json", "one of"},
    };
    settings values;
    defaults(&values);
    const settings before = values;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_status(tb_config_set(&table, &values, cases[i].name, cases[i].text, &err), TB_INVALID);
        assert_message_has(cases[i].name);
        assert_message_has(cases[i].says);
    }
    assert_memory_equal(&values, &before, sizeof values);
    tb_config_clear(&table, &values);
}

static void unknown_names_suggest_the_nearest(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    assert_status(tb_config_set(&table, &values, "thread", "1", &err), TB_NOT_FOUND);
    assert_message_has("did you mean threads?");
    assert_status(tb_config_set(&table, &values, "maxbody", "1", &err), TB_NOT_FOUND);
    assert_message_has("did you mean max_body?");
    assert_status(tb_config_set(&table, &values, "colour", "1", &err), TB_NOT_FOUND);
    assert_null(strstr(err.message, "did you mean"));
    char *argv[] = {(char[]){"x"}, (char[]){"--max-bdy=1"}, NULL}, *rest[2];
    int n_rest;
    assert_status(tb_config_read_flags(&table, &values, 2, argv, &n_rest, rest, &err), TB_NOT_FOUND);
    assert_message_has("did you mean --max-body?");
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    long_name[sizeof long_name - 1] = 0;
    assert_status(tb_config_set(&table, &values, long_name, "1", &err), TB_NOT_FOUND);
    tb_config_clear(&table, &values);
}

static void files_have_comments_sections_and_quotes(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    assert_ok(read_file(&values, "\xef\xbb\xbf# a comment\r\n"
                                 "; another\r\n\r\n"
                                 "  listen=0.0.0.0:1#2   # where\r\n"
                                 "max-body\t=\t2M ; much\n"
                                 "note = \" # \\\"quoted\\\" \\\\ \\t;\" # end\n"
                                 "[log]\n"
                                 "format = 'json'\n"
                                 "[ max ] # back"));
    assert_string_equal(values.listen, "0.0.0.0:1#2");
    assert_string_equal(values.note, " # \"quoted\" \\ \t;");
    assert_int_equal(values.max_body, 2 << 20);
    assert_int_equal(values.log_format, 1);
    tb_config_clear(&table, &values);
}

static void errors_in_files_name_the_line(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        tb_status status;
        const char *says;
    } cases[] = {
        {"threads = 4\n\nthreds = 5\n", TB_NOT_FOUND, "line 3: there is no setting \"threds\"; did you mean threads?"},
        {"threads = 400\n", TB_INVALID, "line 1: threads is \"400\""},
        {"threads = 4\nthreads = 5\n", TB_INVALID, "line 2: threads is set already on line 1"},
        {"\n[log]\nfromat = json\n", TB_NOT_FOUND, "line 3: there is no setting \"log_fromat\"; did you mean log_format?"},
        {"threads\n", TB_SYNTAX, "line 1: \"threads\" has no \"=\""},
        {"= 5\n", TB_SYNTAX, "line 1"},
        {"thre ads = 5\n", TB_SYNTAX, "not a name"},
        {"[log\n", TB_SYNTAX, "in brackets"},
        {"[log] x\n", TB_SYNTAX, "in brackets"},
        {"note = \"open\n", TB_SYNTAX, "no closing \""},
        {"note = \"a\" b\n", TB_SYNTAX, "behind the closing"},
        {"note = \"\\x\"\n", TB_SYNTAX, "backslash"},
        {"note = \"\\", TB_SYNTAX, "backslash"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        settings values;
        defaults(&values);
        assert_status(read_file(&values, cases[i].content), cases[i].status);
        assert_message_has(cases[i].says);
        tb_config_clear(&table, &values);
    }
}

static void odd_files_are_refused(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    assert_status(tb_config_read_file(&table, &values, "/nowhere.conf", &err), TB_NOT_FOUND);
    char *path = tb_fs_join(tb_test_folder(), "binary");
    assert_ok(tb_fs_write_atomic(path, "threads = 5\0\n", 13, &err));
    assert_status(tb_config_read_file(&table, &values, path, &err), TB_SYNTAX);
    assert_message_has("zero byte");
    enum { SIZE = 2 << 20 };
    char *large = tb_alloc(SIZE, 1);
    memset(large, '\n', SIZE);
    assert_ok(tb_fs_write_atomic(path, large, SIZE, &err));
    assert_status(tb_config_read_file(&table, &values, path, &err), TB_TOO_LARGE);
    tb_free(large);
    tb_free(path);
    tb_config_clear(&table, &values);
}

static void the_environment_names_the_bad_variable(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    char *environment[] = {(char[]){"TIMBRE_UNKNOWN=1"}, (char[]){"TIMBRE_"}, (char[]){"TIMBRE_LOG_FORMAT=json"},
                           (char[]){"TIMBRE_THREADS=many"}, NULL};
    assert_status(tb_config_read_environment(&table, &values, environment, &err), TB_INVALID);
    assert_message_has("TIMBRE_THREADS");
    assert_int_equal(values.log_format, 1);
    tb_config_clear(&table, &values);
}

static void flags_come_in_every_form(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    char *argv[] = {(char[]){"timbre"},      (char[]){"scan"},     (char[]){"--max-body"}, (char[]){"1M"},
                    (char[]){"-t"},          (char[]){"8"},        (char[]){"--no-watch"}, (char[]){"-"},
                    (char[]){"--listen=a=b"}, (char[]){"--note"},  (char[]){"--watch"},    (char[]){"--log_format=json"},
                    (char[]){"--"},          (char[]){"--threads"}, NULL};
    const int argc = sizeof argv / sizeof *argv - 1;
    char *rest[16];
    int n_rest = 0;
    assert_ok(tb_config_read_flags(&table, &values, argc, argv, &n_rest, rest, &err));
    assert_int_equal(values.max_body, 1 << 20);
    assert_int_equal(values.threads, 8);
    assert_false(values.watch);
    assert_string_equal(values.listen, "a=b");
    assert_string_equal(values.note, "--watch"); /* the word behind a flag is its value, whatever it is */
    assert_int_equal(values.log_format, 1);
    assert_int_equal(n_rest, 3);
    assert_string_equal(rest[0], "scan");
    assert_string_equal(rest[1], "-");
    assert_string_equal(rest[2], "--threads");
    tb_config_clear(&table, &values);
}

static void switches_take_no_word_behind_them(void **state)
{
    (void)state;
    settings values;
    defaults(&values);
    values.watch = false;
    char *argv[] = {(char[]){"timbre"}, (char[]){"-w"}, (char[]){"no"}, NULL}, *rest[3];
    int n_rest = 0;
    assert_ok(tb_config_read_flags(&table, &values, 3, argv, &n_rest, rest, &err));
    assert_true(values.watch);
    assert_int_equal(n_rest, 1);
    char *off[] = {(char[]){"timbre"}, (char[]){"--watch=off"}, NULL};
    assert_ok(tb_config_read_flags(&table, &values, 2, off, &n_rest, rest, &err));
    assert_false(values.watch);
    tb_config_clear(&table, &values);
}

static void wrong_flags_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *flag;
        tb_status status;
        const char *says;
    } cases[] = {{"--threads", TB_INVALID, "--threads needs a value (N)"},
                 {"-l", TB_INVALID, "-l needs a value (HOST:PORT)"},
                 {"--log-format", TB_INVALID, "(text|json)"},
                 {"--threads=x", TB_INVALID, "flag --threads: threads is \"x\""},
                 {"--no-threads", TB_NOT_FOUND, "no flag --no-threads"},
                 {"-x", TB_NOT_FOUND, "no flag -x; see --help"},
                 {"-tx", TB_NOT_FOUND, "no flag -tx"},
                 {"--=5", TB_NOT_FOUND, "no flag --=5"}};
    settings values;
    defaults(&values);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *flag = tb_strdup(cases[i].flag), *argv[] = {(char[]){"timbre"}, flag, NULL}, *rest[2];
        int n_rest = 5;
        assert_status(tb_config_read_flags(&table, &values, 2, argv, &n_rest, rest, &err), cases[i].status);
        assert_message_has(cases[i].says);
        assert_int_equal(n_rest, 5);
        tb_free(flag);
    }
    tb_config_clear(&table, &values);
}

static void printed_values_read_back(void **state)
{
    (void)state;
    settings values, back;
    defaults(&values);
    assert_ok(tb_config_set(&table, &values, "listen", " \"odd\" # text; \\ \n\tend ", &err));
    assert_ok(tb_config_set(&table, &values, "max_body", "1536", &err));
    assert_ok(tb_config_set(&table, &values, "timeout", "0.1", &err));
    assert_ok(tb_config_set(&table, &values, "ratio", "0.30000000000000004", &err));
    assert_ok(tb_config_set(&table, &values, "watch", "0", &err));
    assert_ok(tb_config_set(&table, &values, "log_format", "json", &err));
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    assert_ok(tb_config_print_values(&table, &values, stream, &err));
    fclose(stream);
    assert_non_null(strstr(text, "# note =\n"));
    assert_non_null(strstr(text, "max_body = 1536\n"));
    defaults(&back);
    assert_ok(read_file(&back, text));
    assert_string_equal(back.listen, values.listen);
    assert_null(back.note);
    assert_true(back.threads == values.threads && back.max_body == 1536 && back.watch == false && back.log_format == 1);
    assert_true(back.timeout == values.timeout && back.ratio == values.ratio);
    free(text);
    tb_config_clear(&table, &values);
    tb_config_clear(&table, &back);
}

static void help_lists_every_flag_with_its_default(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    tb_config_print_help(&table, stream);
    fclose(stream);
    assert_non_null(strstr(text, "  -l, --listen=HOST:PORT"));
    assert_non_null(strstr(text, "address to listen on (127.0.0.1:8080 unless given)\n"));
    assert_non_null(strstr(text, "  -w, --[no-]watch"));
    assert_non_null(strstr(text, "--log-format=text|json"));
    assert_non_null(strstr(text, "from 1 to 64; 4 unless given"));
    size_t n_lines = 0;
    for (const char *c = text; *c; c++) n_lines += *c == '\n';
    assert_int_equal(n_lines, table.n_settings);
    free(text);
}

static void missing_memory_is_told(void **state)
{
    (void)state;
    char *path = tb_fs_join(tb_test_folder(), "c");
    assert_ok(tb_fs_write_atomic(path, "listen = a\nnote = b\n", 20, &err));
    for (size_t n = 1;; n++) {
        settings values;
        tb_alloc_fail_after(n);
        tb_status status = tb_config_defaults(&table, &values, &err);
        if (status == TB_OK) status = tb_config_read_file(&table, &values, path, &err);
        tb_alloc_fail_after(0);
        tb_config_clear(&table, &values);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_free(path);
}

TB_TESTS(config, cmocka_unit_test(defaults_come_from_the_table),
         cmocka_unit_test(a_default_that_does_not_parse_is_our_mistake),
         cmocka_unit_test(flags_go_over_environment_over_file_over_defaults),
         cmocka_unit_test(sizes_and_times_take_units), cmocka_unit_test(wrong_values_are_refused_with_the_range),
         cmocka_unit_test(unknown_names_suggest_the_nearest), cmocka_unit_test(files_have_comments_sections_and_quotes),
         cmocka_unit_test(errors_in_files_name_the_line), cmocka_unit_test(odd_files_are_refused),
         cmocka_unit_test(the_environment_names_the_bad_variable), cmocka_unit_test(flags_come_in_every_form),
         cmocka_unit_test(switches_take_no_word_behind_them), cmocka_unit_test(wrong_flags_are_refused),
         cmocka_unit_test(printed_values_read_back), cmocka_unit_test(help_lists_every_flag_with_its_default),
         cmocka_unit_test(missing_memory_is_told))
