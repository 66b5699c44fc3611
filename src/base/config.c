// SPDX-License-Identifier: MIT
/* Settings from a table.  Every source ends in set_value: one text for one row, parsed by the row's type and
 * checked against its range.  The sources differ in how they find the name and in how an error says where. */
#include "base/config.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

enum { FILE_LIMIT_BYTES = 1 << 20, NAME_ROOM = 64, TEXT_ROOM = 512 };

static const char env_prefix[] = "TIMBRE_";

typedef struct unit {
    const char *suffix;
    double factor;
} unit;

static const unit size_units[] = {{"K", 0x1p10}, {"M", 0x1p20}, {"G", 0x1p30}, {"T", 0x1p40}, {NULL, 1}};
static const unit time_units[] = {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 1}};

/* --- values ----------------------------------------------------------------- */

static void *field_of(const tb_setting *setting, void *values)
{
    return (char *)values + setting->offset;
}

static bool read_bool(const char *text, bool *value)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"}, {"true", "yes", "on", "1"}};
    for (int truth = 0; truth < 2; truth++) {
        for (int i = 0; i < 4; i++) {
            if (tb_text_equal_nocase(text, words[truth][i])) {
                *value = truth;
                return true;
            }
        }
    }
    return false;
}

/* A number and one of the units behind it, if any. */
static bool read_with_unit(const char *text, const unit *units, double *value)
{
    char number[NAME_ROOM];
    const size_t size = strlen(text);
    size_t digits = size;
    double factor = 1;
    for (const unit *u = units; u->suffix; u++) {
        const size_t length = strlen(u->suffix);
        if (size > length && tb_text_equal_nocase(text + size - length, u->suffix)) {
            digits = size - length;
            factor = u->factor;
            break; /* "ms" stands before "s" */
        }
    }
    if (digits >= sizeof number) return false;
    memcpy(number, text, digits);
    number[digits] = 0;
    double parsed;
    if (tb_parse_double(number, &parsed) != TB_OK || !isfinite(parsed * factor)) return false;
    *value = parsed * factor;
    return true;
}

static size_t choice_length(const char *choice)
{
    return strcspn(choice, "|");
}

/* Position of text in "a|b|c", -1 when it is none of them. */
static int find_choice(const char *choices, const char *text)
{
    for (int i = 0;; i++) {
        const size_t length = choice_length(choices);
        if (strlen(text) == length && strncmp(choices, text, length) == 0) return i;
        if (choices[length] == 0) return -1;
        choices += length + 1;
    }
}

static void format_size(double bytes, char *out, size_t room)
{
    const unit *best = &size_units[4]; /* bytes */
    for (const unit *u = size_units; u->suffix; u++)
        if (bytes != 0 && fmod(bytes, u->factor) == 0) best = u;
    char number[32];
    tb_format_double(bytes / best->factor, number);
    snprintf(out, room, "%s%s", number, best->suffix ? best->suffix : "");
}

static void format_number(tb_setting_type type, double value, char *out, size_t room)
{
    char number[32];
    if (type == TB_SETTING_SIZE) {
        format_size(value, out, room);
        return;
    }
    tb_format_double(value, number);
    snprintf(out, room, "%s%s", number, type == TB_SETTING_TIME ? "s" : "");
}

/* What a value of the row looks like, for errors and help: "a number from 1 to 64". */
static void describe_type(const tb_setting *setting, char *out, size_t room)
{
    static const char *const names[] = {
        [TB_SETTING_BOOL] = "yes or no",
        [TB_SETTING_INT] = "a whole number",
        [TB_SETTING_SIZE] = "a size in bytes, or with K, M or G",
        [TB_SETTING_DOUBLE] = "a number",
        [TB_SETTING_TIME] = "a time in seconds, or with ms, s, m, h or d",
        [TB_SETTING_STRING] = "a text",
    };
    char low[40], high[40];
    if (setting->type == TB_SETTING_CHOICE) {
        snprintf(out, room, "one of %s", setting->choices);
    } else if (setting->low != setting->high) {
        format_number(setting->type, setting->low, low, sizeof low);
        format_number(setting->type, setting->high, high, sizeof high);
        snprintf(out, room, "%s from %s to %s", names[setting->type], low, high);
    } else {
        snprintf(out, room, "%s", names[setting->type]);
    }
}

static bool in_range(const tb_setting *setting, double value)
{
    return setting->low == setting->high || (value >= setting->low && value <= setting->high);
}

/* Parses text into the row's field; false when it does not parse or is out of range. */
static bool store_number(const tb_setting *setting, void *field, const char *text)
{
    double number;
    int64_t whole;
    switch (setting->type) {
    case TB_SETTING_INT:
        if (tb_parse_int(text, INT64_MIN, INT64_MAX, &whole) != TB_OK) return false;
        if (!in_range(setting, (double)whole)) return false;
        memcpy(field, &whole, sizeof whole);
        return true;
    case TB_SETTING_SIZE:
        if (!read_with_unit(text, size_units, &number) || number < 0 || number >= 0x1p63) return false;
        whole = (int64_t)number;
        if ((double)whole != number || !in_range(setting, number)) return false;
        memcpy(field, &whole, sizeof whole);
        return true;
    default:
        if (setting->type == TB_SETTING_TIME ? !read_with_unit(text, time_units, &number)
                                             : tb_parse_double(text, &number) != TB_OK)
            return false;
        if (!in_range(setting, number)) return false;
        memcpy(field, &number, sizeof number);
        return true;
    }
}

static tb_status set_value(const tb_setting *setting, void *values, const char *text, tb_error *err)
{
    void *field = field_of(setting, values);
    bool good = false, truth = false;
    switch (setting->type) {
    case TB_SETTING_BOOL:
        good = read_bool(text, &truth);
        if (good) memcpy(field, &truth, sizeof truth);
        break;
    case TB_SETTING_STRING: {
        char *copy = tb_strdup(text);
        if (!copy) return tb_error_set(err, TB_NO_MEMORY, "no memory for %s", setting->name);
        char *old;
        memcpy(&old, field, sizeof old);
        tb_free(old);
        memcpy(field, &copy, sizeof copy);
        return TB_OK;
    }
    case TB_SETTING_CHOICE: {
        const int position = find_choice(setting->choices, text);
        good = position >= 0;
        if (good) memcpy(field, &position, sizeof position);
        break;
    }
    case TB_SETTING_INT:
    case TB_SETTING_SIZE:
    case TB_SETTING_DOUBLE:
    case TB_SETTING_TIME: good = store_number(setting, field, text); break;
    }
    if (good) return TB_OK;
    char expected[TEXT_ROOM];
    describe_type(setting, expected, sizeof expected);
    return tb_error_set(err, TB_INVALID, "%s is \"%.100s\" but has to be %s", setting->name, text, expected);
}

/* --- names ------------------------------------------------------------------ */

static const tb_setting *find_setting(const tb_config_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_settings; i++)
        if (strcmp(table->settings[i].name, name) == 0) return &table->settings[i];
    return NULL;
}

/* Levenshtein distance of two names, each shorter than NAME_ROOM. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[NAME_ROOM];
    const size_t n = strlen(b);
    for (size_t j = 0; j <= n; j++) row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= n; j++) {
            const size_t replaced = diagonal + (a[i] != b[j - 1]);
            const size_t changed = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = replaced < changed ? replaced : changed;
        }
    }
    return row[n];
}

/* The setting whose name is nearest, NULL when none is near. */
static const tb_setting *find_nearest(const tb_config_table *table, const char *name)
{
    const tb_setting *nearest = NULL;
    const size_t size = strlen(name);
    if (size >= NAME_ROOM) return NULL;
    size_t best = size / 3 > 2 ? size / 3 : 2;
    for (size_t i = 0; i < table->n_settings; i++) {
        const char *known = table->settings[i].name;
        const size_t distance = strlen(known) < NAME_ROOM ? edit_distance(name, known) : SIZE_MAX;
        if (distance < best || (distance == best && !nearest)) {
            best = distance;
            nearest = &table->settings[i];
        }
    }
    return nearest;
}

/* `to` for each `from`, in place. */
static void replace_char(char *text, char from, char to)
{
    for (; *text; text++)
        if (*text == from) *text = to;
}

static void lower_case(char *text)
{
    for (; *text; text++)
        if (*text >= 'A' && *text <= 'Z') *text = (char)(*text + ('a' - 'A'));
}

static tb_status fail_unknown(const tb_config_table *table, const char *name, tb_error *err)
{
    const tb_setting *nearest = find_nearest(table, name);
    if (!nearest) return tb_error_set(err, TB_NOT_FOUND, "there is no setting \"%.100s\"", name);
    return tb_error_set(err, TB_NOT_FOUND, "there is no setting \"%.100s\"; did you mean %s?", name,
                        nearest->name);
}

/* --- public: values --------------------------------------------------------- */

tb_status tb_config_defaults(const tb_config_table *table, void *values, tb_error *err)
{
    memset(values, 0, table->struct_size);
    for (size_t i = 0; i < table->n_settings; i++) {
        const tb_setting *setting = &table->settings[i];
        assert(setting->offset < table->struct_size);
        if (!setting->default_value) continue;
        const tb_status status = set_value(setting, values, setting->default_value, err);
        if (status == TB_OK) continue;
        tb_config_clear(table, values);
        if (status == TB_NO_MEMORY) return status;
        tb_error_prefix(err, "the default is wrong");
        if (err) err->code = TB_INTERNAL;
        return TB_INTERNAL;
    }
    return TB_OK;
}

tb_status tb_config_set(const tb_config_table *table, void *values, const char *name, const char *text,
                        tb_error *err)
{
    const tb_setting *setting = find_setting(table, name);
    return setting ? set_value(setting, values, text, err) : fail_unknown(table, name, err);
}

void tb_config_clear(const tb_config_table *table, void *values)
{
    for (size_t i = 0; i < table->n_settings; i++) {
        if (table->settings[i].type != TB_SETTING_STRING) continue;
        char *text;
        memcpy(&text, field_of(&table->settings[i], values), sizeof text);
        tb_free(text);
    }
    memset(values, 0, table->struct_size);
}

/* --- public: file ----------------------------------------------------------- */

static char *trim(char *text)
{
    while (*text == ' ' || *text == '\t') text++;
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r", text[size - 1])) size--;
    text[size] = 0;
    return text;
}

/* What may stand behind a value: nothing, or a comment. */
static bool is_end_or_comment(const char *text)
{
    text += strspn(text, " \t\r");
    return *text == 0 || *text == '#' || *text == ';';
}

/* "…" with the escapes \" \\ \n \t, or '…' as it stands: the content moves to the start of text. */
static tb_status unquote(char *text, tb_error *err)
{
    const char quote = *text;
    char *out = text;
    const char *in = text + 1;
    for (; *in && *in != quote; in++) {
        if (quote == '"' && *in == '\\') {
            in++;
            const char *known = strchr("\"\\nt", *in);
            if (*in == 0 || !known)
                return tb_error_set(err, TB_SYNTAX, "a backslash in quotes stands before \", \\, n or t alone");
            *out++ = *in == 'n' ? '\n' : *in == 't' ? '\t' : *in;
        } else {
            *out++ = *in;
        }
    }
    if (*in != quote) return tb_error_set(err, TB_SYNTAX, "the quoted text has no closing %c", quote);
    if (!is_end_or_comment(in + 1))
        return tb_error_set(err, TB_SYNTAX, "text stands behind the closing %c", quote);
    *out = 0;
    return TB_OK;
}

/* The value of "name = value" without quotes, or without the comment behind it. */
static tb_status clean_value(char *text, tb_error *err)
{
    if (*text == '"' || *text == '\'') return unquote(text, err);
    for (char *c = text; *c; c++) {
        if ((*c == '#' || *c == ';') && (c == text || c[-1] == ' ' || c[-1] == '\t')) {
            *c = 0;
            break;
        }
    }
    trim(text);
    return TB_OK;
}

/* Names of sections and settings in the form of the table: "max-body" and "log.access" are accepted. */
static tb_status clean_name(char *name, tb_error *err)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    if (*name == 0 || name[strspn(name, good)])
        return tb_error_set(err, TB_SYNTAX, "\"%.100s\" is not a name; write name = value", name);
    replace_char(name, '-', '_');
    replace_char(name, '.', '_');
    lower_case(name);
    return TB_OK;
}

typedef struct reader {
    const tb_config_table *table;
    void *values;
    size_t *set_on_line; /* per setting, 0: not yet */
    char section[NAME_ROOM];
    size_t line;
} reader;

static tb_status read_section(reader *in, char *text, tb_error *err)
{
    tb_status status = TB_OK;
    char *end = strchr(text, ']');
    if (!end || !is_end_or_comment(end + 1))
        TB_FAIL(err, TB_SYNTAX, "a section is one name in brackets: [log]");
    *end = 0;
    char *name = trim(text + 1);
    TB_TRY(clean_name(name, err));
    if (!tb_text_copy(in->section, sizeof in->section, name))
        TB_FAIL(err, TB_SYNTAX, "the section's name is too long");
out:
    return status;
}

static tb_status read_line(reader *in, char *text, tb_error *err)
{
    tb_status status = TB_OK;
    text = trim(text);
    if (*text == 0 || *text == '#' || *text == ';') return TB_OK;
    if (*text == '[') return read_section(in, text, err);
    char *equals = strchr(text, '=');
    if (!equals) TB_FAIL(err, TB_SYNTAX, "\"%.100s\" has no \"=\"; write name = value", text);
    *equals = 0;
    char *key = trim(text), *value = trim(equals + 1);
    TB_TRY(clean_name(key, err));
    TB_TRY(clean_value(value, err));

    char name[2 * NAME_ROOM];
    const int length = snprintf(name, sizeof name, "%s%s%s", in->section, *in->section ? "_" : "", key);
    if (length < 0 || (size_t)length >= sizeof name)
        TB_FAIL(err, TB_NOT_FOUND, "there is no setting of so long a name");
    const tb_setting *setting = find_setting(in->table, name);
    if (!setting) return fail_unknown(in->table, name, err);
    size_t *set_on = &in->set_on_line[setting - in->table->settings];
    if (*set_on > 0) TB_FAIL(err, TB_INVALID, "%s is set already on line %zu", name, *set_on);
    TB_TRY(set_value(setting, in->values, value, err));
    *set_on = in->line;
out:
    return status;
}

tb_status tb_config_read_file(const tb_config_table *table, void *values, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    char *content = NULL;
    size_t size = 0;
    reader in = {.table = table, .values = values};
    TB_TRY(tb_fs_read(path, FILE_LIMIT_BYTES, &content, &size, err));
    if (strlen(content) != size) TB_FAIL(err, TB_SYNTAX, "%s holds a zero byte: it is not a text file", path);
    in.set_on_line = tb_alloc(table->n_settings, sizeof *in.set_on_line);
    if (!in.set_on_line) TB_FAIL(err, TB_NO_MEMORY, "no memory to read %s", path);

    char *next = content;
    if (tb_text_starts_with(next, "\xef\xbb\xbf")) next += 3; /* byte order mark */
    while (next) {
        char *line = next;
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        in.line++;
        status = read_line(&in, line, err);
        if (status != TB_OK) {
            tb_error_prefix(err, "%s, line %zu", path, in.line);
            goto out;
        }
    }
out:
    tb_free(in.set_on_line);
    tb_free(content);
    return status;
}

/* --- public: environment ---------------------------------------------------- */

tb_status tb_config_read_environment(const tb_config_table *table, void *values, char **environment,
                                     tb_error *err)
{
    for (; *environment; environment++) {
        const char *variable = *environment;
        const char *equals = strchr(variable, '=');
        if (!equals || !tb_text_starts_with(variable, env_prefix)) continue;
        char name[NAME_ROOM];
        const char *start = variable + strlen(env_prefix);
        const size_t size = (size_t)(equals - start);
        if (size >= sizeof name) continue;
        memcpy(name, start, size);
        name[size] = 0;
        lower_case(name);
        const tb_setting *setting = find_setting(table, name);
        if (!setting) continue;
        const tb_status status = set_value(setting, values, equals + 1, err);
        if (status != TB_OK) {
            tb_error_prefix(err, "environment %.*s", (int)(equals - variable), variable);
            return status;
        }
    }
    return TB_OK;
}

/* --- public: flags ---------------------------------------------------------- */

static const char *value_name(const tb_setting *setting)
{
    if (setting->type == TB_SETTING_CHOICE) return setting->choices;
    return setting->value_name ? setting->value_name : "VALUE";
}

/* The flag as a person writes it ("--max-body") into out. */
static void format_flag(const tb_setting *setting, char *out, size_t room)
{
    snprintf(out, room, "--%s", setting->name);
    replace_char(out + 2, '_', '-');
}

static tb_status fail_unknown_flag(const tb_config_table *table, const char *flag, const char *name,
                                   tb_error *err)
{
    const tb_setting *nearest = name ? find_nearest(table, name) : NULL;
    if (!nearest) return tb_error_set(err, TB_NOT_FOUND, "there is no flag %.100s; see --help", flag);
    char known[NAME_ROOM + 2];
    format_flag(nearest, known, sizeof known);
    return tb_error_set(err, TB_NOT_FOUND, "there is no flag %.100s; did you mean %s?", flag, known);
}

static const tb_setting *find_short(const tb_config_table *table, char letter)
{
    for (size_t i = 0; i < table->n_settings; i++)
        if (table->settings[i].short_flag == letter && letter) return &table->settings[i];
    return NULL;
}

/* Row, and value if it stands in the same word, of argv's flag; *value NULL: a switch, or the next word. */
static tb_status find_flag(const tb_config_table *table, const char *flag, const tb_setting **setting,
                           const char **value, tb_error *err)
{
    *value = NULL;
    if (flag[1] != '-') {
        *setting = flag[2] == 0 ? find_short(table, flag[1]) : NULL;
        return *setting ? TB_OK : fail_unknown_flag(table, flag, NULL, err);
    }
    char name[NAME_ROOM];
    const char *equals = strchr(flag, '=');
    const size_t size = equals ? (size_t)(equals - flag) - 2 : strlen(flag) - 2;
    if (size >= sizeof name) return fail_unknown_flag(table, flag, NULL, err);
    memcpy(name, flag + 2, size);
    name[size] = 0;
    replace_char(name, '-', '_');
    *setting = find_setting(table, name);
    if (*setting) {
        *value = equals ? equals + 1 : NULL;
        return TB_OK;
    }
    if (!equals && tb_text_starts_with(name, "no_")) {
        *setting = find_setting(table, name + 3);
        if (*setting && (*setting)->type == TB_SETTING_BOOL) {
            *value = "no";
            return TB_OK;
        }
    }
    return fail_unknown_flag(table, flag, name, err);
}

tb_status tb_config_read_flags(const tb_config_table *table, void *values, int argc, char **argv, int *n_rest,
                               char **rest, tb_error *err)
{
    tb_status status = TB_OK;
    int kept = 0, i = 1;
    for (; i < argc; i++) {
        char *word = argv[i];
        if (strcmp(word, "--") == 0) {
            i++;
            break;
        }
        if (word[0] != '-' || word[1] == 0) { /* "-" alone is a name, usually of stdin */
            rest[kept++] = word;
            continue;
        }
        const tb_setting *setting = NULL;
        const char *value = NULL;
        TB_TRY(find_flag(table, word, &setting, &value, err));
        if (!value && setting->type == TB_SETTING_BOOL) value = "yes";
        if (!value && i + 1 < argc) value = argv[++i];
        if (!value) TB_FAIL(err, TB_INVALID, "%s needs a value (%s)", word, value_name(setting));
        status = set_value(setting, values, value, err);
        if (status != TB_OK) {
            tb_error_prefix(err, "flag %.*s", (int)strcspn(word, "="), word);
            goto out;
        }
    }
    while (i < argc) rest[kept++] = argv[i++];
    *n_rest = kept;
out:
    return status;
}

/* --- public: help and values ------------------------------------------------ */

void tb_config_print_help(const tb_config_table *table, FILE *stream)
{
    for (size_t i = 0; i < table->n_settings; i++) {
        const tb_setting *setting = &table->settings[i];
        char flag[NAME_ROOM + 2], left[2 * TEXT_ROOM], expected[TEXT_ROOM], letter[8] = "    ";
        format_flag(setting, flag, sizeof flag);
        if (setting->short_flag) snprintf(letter, sizeof letter, "-%c, ", setting->short_flag);
        if (setting->type == TB_SETTING_BOOL)
            snprintf(left, sizeof left, "%s--[no-]%s", letter, flag + 2);
        else
            snprintf(left, sizeof left, "%s%s=%s", letter, flag, value_name(setting));
        describe_type(setting, expected, sizeof expected);
        const bool has_range = setting->type != TB_SETTING_CHOICE && setting->low != setting->high;
        const char *standard = setting->default_value;
        if (setting->type == TB_SETTING_STRING && standard && !*standard) standard = NULL;
        fprintf(stream, "  %-28s %s", left, setting->help);
        if (has_range && standard)
            fprintf(stream, " (%s; %s unless given)", expected, standard);
        else if (has_range)
            fprintf(stream, " (%s)", expected);
        else if (standard)
            fprintf(stream, " (%s unless given)", standard);
        fputc('\n', stream);
    }
}

/* In quotes when it would not read back as it is. */
static void print_text(const char *text, FILE *stream)
{
    const size_t size = strlen(text);
    const bool plain = size > 0 && !strpbrk(text, "\"'\\#;\n\t\r") && text[0] != ' ' && text[size - 1] != ' ';
    if (plain) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text; text++) {
        if (*text == '\n') {
            fputs("\\n", stream);
        } else if (*text == '\t') {
            fputs("\\t", stream);
        } else {
            if (*text == '"' || *text == '\\') fputc('\\', stream);
            fputc(*text, stream);
        }
    }
    fputc('"', stream);
}

static void print_value(const tb_setting *setting, const void *field, FILE *stream)
{
    bool truth;
    int choice;
    int64_t whole;
    double number;
    char *text, out[48];
    switch (setting->type) {
    case TB_SETTING_BOOL:
        memcpy(&truth, field, sizeof truth);
        fputs(truth ? "yes" : "no", stream);
        break;
    case TB_SETTING_INT:
        memcpy(&whole, field, sizeof whole);
        fprintf(stream, "%lld", (long long)whole);
        break;
    case TB_SETTING_SIZE:
        memcpy(&whole, field, sizeof whole);
        format_size((double)whole, out, sizeof out);
        fputs(out, stream);
        break;
    case TB_SETTING_DOUBLE:
    case TB_SETTING_TIME:
        memcpy(&number, field, sizeof number);
        format_number(setting->type, number, out, sizeof out);
        fputs(out, stream);
        break;
    case TB_SETTING_STRING:
        memcpy(&text, field, sizeof text);
        print_text(text, stream);
        break;
    case TB_SETTING_CHOICE: {
        memcpy(&choice, field, sizeof choice);
        const char *word = setting->choices;
        while (choice-- > 0) word += choice_length(word) + 1;
        fprintf(stream, "%.*s", (int)choice_length(word), word);
        break;
    }
    }
}

tb_status tb_config_print_values(const tb_config_table *table, const void *values, FILE *stream,
                                 tb_error *err)
{
    for (size_t i = 0; i < table->n_settings; i++) {
        const tb_setting *setting = &table->settings[i];
        const void *field = (const char *)values + setting->offset;
        if (setting->type == TB_SETTING_STRING) {
            const char *text;
            memcpy(&text, field, sizeof text);
            if (!text) {
                fprintf(stream, "# %s =\n", setting->name);
                continue;
            }
        }
        fprintf(stream, "%s = ", setting->name);
        print_value(setting, field, stream);
        fputc('\n', stream);
    }
    if (ferror(stream)) return tb_error_set(err, TB_IO, "cannot write the settings");
    return TB_OK;
}
