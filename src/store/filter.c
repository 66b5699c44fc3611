// SPDX-License-Identifier: MIT
/* The tree of a filter and its builder.  Values are checked and converted to what SQL compares when they
 * come in, so that a finished filter cannot fail for what it says. */
#include "store/filter_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    MAX_VALUE_BYTES = 4096,
    MAX_WORDS_BYTES = 2000,
    MAX_WORDS = 64,
    MAX_ALTERNATIVES = 100 /* of values that become a chain of ORs: SQLite's expressions may be 1000 deep */
};

/* --- the tree ----------------------------------------------------------------------------------------- */

static void clear_condition(tb_condition *condition)
{
    for (size_t i = 0; i < condition->n_values; i++) {
        tb_free(condition->values[i].text);
        tb_free(condition->values[i].plain);
    }
    tb_free(condition->values);
    tb_free(condition->low.value.text);
    tb_free(condition->high.value.text);
    tb_free(condition->rest);
    tb_free(condition->words);
    tb_filter_free(condition->group);
    *condition = (tb_condition){0};
}

tb_status tb_filter_new(const tb_fields *fields, tb_filter **filter, tb_error *err)
{
    tb_filter *made = tb_alloc(1, sizeof *made);
    if (!made) return tb_error_set(err, TB_NO_MEMORY, "no memory for a filter");
    made->fields = fields;
    made->min_should = 1;
    made->depth = 1;
    *filter = made;
    return TB_OK;
}

void tb_filter_free(tb_filter *filter)
{
    if (!filter) return;
    for (size_t c = 0; c < 3; c++) {
        for (size_t i = 0; i < filter->clauses[c].n; i++) clear_condition(&filter->clauses[c].conditions[i]);
        tb_free(filter->clauses[c].conditions);
    }
    tb_free(filter);
}

bool tb_filter_is_empty(const tb_filter *filter)
{
    return filter->clauses[0].n == 0 && filter->clauses[1].n == 0 && filter->clauses[2].n == 0;
}

/* The condition moves to the filter, also on failure (then it is freed). */
static tb_status add_condition(tb_filter *filter, tb_filter_clause clause, tb_condition *condition,
                               tb_error *err)
{
    tb_status status = TB_OK;
    const tb_filter *group = condition->group;
    const size_t n_conditions = filter->n_conditions + 1 + (group ? group->n_conditions : 0);
    const size_t n_values = filter->n_values + condition->n_values + (group ? group->n_values : 0);
    const size_t depth = group && group->depth + 1 > filter->depth ? group->depth + 1 : filter->depth;
    if (n_conditions > TB_FILTER_MAX_CONDITIONS)
        TB_FAIL(err, TB_TOO_LARGE, "a filter may have %d conditions", TB_FILTER_MAX_CONDITIONS);
    if (n_values > TB_FILTER_MAX_VALUES)
        TB_FAIL(err, TB_TOO_LARGE, "a filter may have %d values", TB_FILTER_MAX_VALUES);
    if (depth > TB_FILTER_MAX_DEPTH)
        TB_FAIL(err, TB_TOO_LARGE, "the groups of a filter may be nested %d deep", TB_FILTER_MAX_DEPTH);
    tb_clause *to = &filter->clauses[clause];
    tb_condition *more = tb_realloc(to->conditions, to->n + 1, sizeof *more);
    if (!more) TB_FAIL(err, TB_NO_MEMORY, "no memory for a filter");
    to->conditions = more;
    to->conditions[to->n++] = *condition;
    *condition = (tb_condition){0};
    filter->n_conditions = n_conditions;
    filter->n_values = n_values;
    filter->depth = depth;
out:
    clear_condition(condition);
    return status;
}

/* --- dates -------------------------------------------------------------------------------------------- */

/* Days from 1970-01-01 to a day of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level
 * date algorithms", days_from_civil). */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day)
{
    year -= month <= 2;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* Exactly n digits at *text, which moves behind them; the number in [low, high]. */
static bool read_digits(const char **text, int n, int64_t low, int64_t high, int64_t *value)
{
    int64_t number = 0;
    for (int i = 0; i < n; i++) {
        const char c = (*text)[i];
        if (c < '0' || c > '9') return false;
        number = number * 10 + (c - '0');
    }
    *text += n;
    *value = number;
    return number >= low && number <= high;
}

static bool read_char(const char **text, const char *any_of)
{
    if (!**text || !strchr(any_of, **text)) return false;
    ++*text;
    return true;
}

/* "12:30", "12:30:00", "12:30:00.123", then "Z", "+02:00" or nothing (UTC); *step is how long it is. */
static bool read_time(const char **text, int64_t *ms, int64_t *step)
{
    int64_t hour, minute, second = 0, fraction = 0, offset = 0;
    *step = 60000;
    if (!read_digits(text, 2, 0, 23, &hour) || !read_char(text, ":") || !read_digits(text, 2, 0, 59,
        &minute))
        return false;
    if (read_char(text, ":")) {
        if (!read_digits(text, 2, 0, 60, &second)) return false;
        *step = 1000;
        if (read_char(text, ".")) {
            *step = 1;
            int n = 0;
            for (; **text >= '0' && **text <= '9' && n < 9; n++, ++*text)
                if (n < 3) fraction = fraction * 10 + (**text - '0');
            if (n == 0) return false;
            for (; n < 3; n++) fraction *= 10;
        }
    }
    const char sign = **text;
    if (read_char(text, "+-")) {
        int64_t hours, minutes;
        if (!read_digits(text, 2, 0, 23, &hours) || !read_char(text, ":") ||
            !read_digits(text, 2, 0, 59, &minutes))
            return false;
        offset = (hours * 60 + minutes) * (sign == '+' ? 1 : -1);
    } else {
        (void)read_char(text, "Zz");
    }
    *ms = ((hour * 60 + minute - offset) * 60 + second) * 1000 + fraction;
    return true;
}

/* A year, month, day or time as [start, end) in ms. */
static bool read_date(const char *text, double *start, double *end)
{
    enum { DAY_MS = 24 * 3600 * 1000 };
    int64_t year, month = 1, day = 1, ms = 0, step = 1;
    if (!read_digits(&text, 4, 0, 9999, &year)) return false;
    int64_t next_year = year + 1, next_month = 1, next_day = 1;
    if (read_char(&text, "-")) {
        if (!read_digits(&text, 2, 1, 12, &month)) return false;
        next_year = month == 12 ? year + 1 : year;
        next_month = month == 12 ? 1 : month + 1;
        const int64_t n_days = days_from_civil(next_year, next_month, 1) - days_from_civil(year, month, 1);
        if (read_char(&text, "-")) {
            if (!read_digits(&text, 2, 1, n_days, &day)) return false;
            next_year = year;
            next_month = month;
            next_day = day + 1; /* the formula takes a day past the end of the month */
            if (read_char(&text, "Tt ")) {
                if (!read_time(&text, &ms, &step)) return false;
                if (*text) return false;
                *start = (double)(days_from_civil(year, month, day) * DAY_MS + ms);
                *end = *start + (double)step;
                return true;
            }
        }
    }
    if (*text) return false;
    *start = (double)(days_from_civil(year, month, day) * DAY_MS);
    *end = (double)(days_from_civil(next_year, next_month, next_day) * DAY_MS);
    return true;
}

/* --- keys --------------------------------------------------------------------------------------------- */

/* "8A": number n on the Camelot wheel, A minor, B major; a step is a fifth, 8B is C major, 8A is A minor. */
static bool read_camelot(const char *text, int *tonic, int *mode)
{
    int n = 0;
    while (*text >= '0' && *text <= '9' && n < 100) n = n * 10 + (*text++ - '0');
    const char letter = (char)(*text & ~0x20);
    if (n < 1 || n > 12 || (letter != 'A' && letter != 'B') || text[1]) return false;
    *mode = letter == 'B';
    *tonic = ((*mode ? 0 : 9) + 7 * (n + 4)) % 12; /* n - 8 + 12 */
    return true;
}

static int camelot_of(int tonic, int mode)
{
    const int major = mode ? tonic : (tonic + 3) % 12; /* the relative major */
    return (7 * major + 7) % 12 + 1; /* 7 is its own inverse modulo 12; C is 8 */
}

static bool skip_any(const char **text, const char *const *words)
{
    for (; *words; words++) {
        const size_t n = strlen(*words);
        if (strncmp(*text, *words, n) == 0) {
            *text += n;
            return true;
        }
    }
    return false;
}

/* "A", "Am", "C# minor", "Db major", "F♯m" */
static bool read_named_key(const char *text, int *tonic, int *mode)
{
    static const int tonics[7] = {9, 11, 0, 2, 4, 5, 7}; /* A to G */
    static const char *const sharps[] = {"#", "\xe2\x99\xaf", NULL};
    static const char *const flats[] = {"b", "\xe2\x99\xad", NULL};
    static const char *const minors[] = {"", "m", "min", "minor", NULL};
    static const char *const majors[] = {"", "M", "maj", "major", NULL};
    const char letter = (char)(*text & ~0x20);
    if (letter < 'A' || letter > 'G') return false;
    int found = tonics[letter - 'A'];
    text++;
    if (skip_any(&text, sharps))
        found += 1;
    else if (skip_any(&text, flats))
        found += 11;
    while (*text == ' ' || *text == '-') text++;
    *tonic = found % 12;
    for (size_t i = 1; minors[i]; i++)
        if (strcmp(text, minors[i]) == 0 || (i > 1 && tb_text_equal_nocase(text, minors[i]))) {
            *mode = 0;
            return true;
        }
    for (size_t i = 0; majors[i]; i++)
        if (strcmp(text, majors[i]) == 0 || (i > 1 && tb_text_equal_nocase(text, majors[i]))) {
            *mode = 1;
            return true;
        }
    return false;
}

/* --- values ------------------------------------------------------------------------------------------- */

static tb_status read_number(const tb_field *field, const tb_filter_value *value, double *number,
                             tb_error *err)
{
    if (!value->text) {
        if (!isfinite(value->number))
            return tb_error_set(err, TB_INVALID, "%s takes a finite number", field->name);
        *number = value->number;
        return TB_OK;
    }
    if (tb_parse_double(value->text, number) != TB_OK)
        return tb_error_set(err, TB_INVALID, "%s takes a number, not \"%.100s\"", field->name, value->text);
    return TB_OK;
}

static tb_status read_day(const tb_field *field, const tb_filter_value *value, tb_condition_value *out,
                          tb_error *err)
{
    if (!value->text) {
        const tb_status status = read_number(field, value, &out->number, err);
        out->number_end = out->number + 1;
        return status;
    }
    if (!read_date(value->text, &out->number, &out->number_end))
        return tb_error_set(err, TB_INVALID,
                            "%s takes a date such as 2026-01-31 or 2026-01-31T12:00:00Z, not \"%.100s\"",
                            field->name, value->text);
    return TB_OK;
}

static tb_status read_key(const tb_field *field, const tb_filter_value *value, tb_condition_value *out,
                          tb_error *err)
{
    int tonic = 0, mode = -1;
    double number;
    if (value->text &&
        (read_camelot(value->text, &tonic, &mode) || read_named_key(value->text, &tonic, &mode))) {
        out->number = tonic;
        out->mode = mode;
        return TB_OK;
    }
    const bool is_number = value->text ? tb_parse_double(value->text, &number) == TB_OK
                                       : (number = value->number, true);
    if (field->source != TB_FROM_KEY && is_number && number >= 0 && number <= 11 && number == floor(number)) {
        out->number = number;
        out->mode = -1;
        return TB_OK;
    }
    return tb_error_set(err, TB_INVALID, "%s takes a key such as 8A, Am or \"C# minor\"%s%s%.50s",
                        field->name, field->source == TB_FROM_KEY ? "" : ", or a tonic from 0 to 11",
                        value->text ? ", not " : "", value->text ? value->text : "");
}

/* The text for LIKE ... ESCAPE '\': each '*' becomes '%', what LIKE gives a meaning is escaped.  before,
 * after: as they are. */
static char *like_pattern(const char *before, const char *text, bool pattern, const char *after)
{
    tb_status status = TB_OK;
    tb_buffer out;
    tb_buffer_init(&out, 4 * MAX_VALUE_BYTES);
    TB_TRY(tb_buffer_append_text(&out, before));
    for (; *text; text++) {
        if (*text == '*' && pattern) {
            TB_TRY(tb_buffer_append_text(&out, "%"));
            continue;
        }
        if (strchr("%_\\", *text)) TB_TRY(tb_buffer_append_text(&out, "\\"));
        TB_TRY(tb_buffer_append(&out, text, 1));
    }
    TB_TRY(tb_buffer_append_text(&out, after));
out:
    if (status == TB_OK) return tb_buffer_take(&out);
    tb_buffer_clear(&out);
    return NULL;
}

static tb_status read_text(const tb_field *field, const tb_filter_value *value, tb_condition_value *out,
                           tb_error *err)
{
    char number[32];
    const char *text = value->text;
    if (!text) {
        if (!isfinite(value->number))
            return tb_error_set(err, TB_INVALID, "%s takes a text or a finite number", field->name);
        tb_format_double(value->number, number);
        text = number;
    }
    if (strlen(text) > MAX_VALUE_BYTES)
        return tb_error_set(err, TB_TOO_LARGE, "a value of %s has more than %d bytes", field->name,
                            MAX_VALUE_BYTES);
    if (!tb_utf8_valid(text, strlen(text)))
        return tb_error_set(err, TB_INVALID, "a value of %s is not UTF-8", field->name);
    const bool is_list = field->type == TB_FIELD_LIST, has_star = value->pattern && strchr(text, '*');
    out->pattern = has_star || is_list;
    if (is_list && !has_star) out->plain = tb_strdup(text);
    if (is_list)
        out->text = like_pattern("%; ", text, value->pattern, "; %");
    else
        out->text = out->pattern ? like_pattern("", text, true, "") : tb_strdup(text);
    if (!out->text || (is_list && !has_star && !out->plain))
        return tb_error_set(err, TB_NO_MEMORY, "no memory for a filter");
    if (field->type == TB_FIELD_PAYLOAD && !out->pattern)
        out->has_number = tb_parse_double(text, &out->number) == TB_OK;
    return TB_OK;
}

static tb_status read_value(const tb_field *field, const tb_filter_value *value, tb_condition_value *out,
                            tb_error *err)
{
    switch (field->type) {
    case TB_FIELD_NUMBER:
        return read_number(field, value, &out->number, err);
    case TB_FIELD_DATE:
        return read_day(field, value, out, err);
    case TB_FIELD_KEY:
        return read_key(field, value, out, err);
    case TB_FIELD_TEXT:
    case TB_FIELD_LIST:
    case TB_FIELD_PART_OF:
    case TB_FIELD_PAYLOAD:
        return read_text(field, value, out, err);
    }
    return tb_error_set(err, TB_INTERNAL, "a field of no type");
}

/* $."mood"."name" from mood.name */
static tb_status json_path(const char *names, char **path, tb_error *err)
{
    enum { MAX_NAMES_BYTES = 200 };
    tb_status status = TB_OK;
    tb_buffer out;
    tb_buffer_init(&out, 4 * MAX_NAMES_BYTES);
    const size_t size = strlen(names);
    if (size > MAX_NAMES_BYTES)
        TB_FAIL(err, TB_TOO_LARGE, "the name payload.… has more than %d bytes", MAX_NAMES_BYTES);
    if (!tb_utf8_valid(names, size) || strchr(names, '"') || strchr(names, '\\') || names[0] == '.' ||
        names[size - 1] == '.' || strstr(names, ".."))
        TB_FAIL(err, TB_INVALID, "\"payload.%.100s\" is no name in a payload", names);
    status = tb_buffer_append_text(&out, "$.\"");
    for (const char *c = names; *c && status == TB_OK; c++)
        status = *c == '.' ? tb_buffer_append_text(&out, "\".\"") : tb_buffer_append(&out, c, 1);
    if (status == TB_OK) status = tb_buffer_append_text(&out, "\"");
    if (status == TB_OK) *path = tb_buffer_take(&out);
    if (status != TB_OK || !*path) TB_FAIL(err, TB_NO_MEMORY, "no memory for a filter");
out:
    tb_buffer_clear(&out);
    return status;
}

static tb_status find_field(const tb_filter *filter, const char *name, tb_condition *condition,
                            tb_error *err)
{
    const char *rest = NULL;
    tb_status status = tb__fields_find(filter->fields, name, &condition->field, &rest, err);
    if (status != TB_OK || !rest) return status;
    if (condition->field->type == TB_FIELD_PAYLOAD) return json_path(rest, &condition->rest, err);
    if (!tb_utf8_valid(rest, strlen(rest)))
        return tb_error_set(err, TB_INVALID, "the name of a field is not UTF-8");
    condition->rest = tb_strdup(rest);
    return condition->rest ? TB_OK : tb_error_set(err, TB_NO_MEMORY, "no memory for a filter");
}

/* --- builder ------------------------------------------------------------------------------------------ */

/* The neighbours on the Camelot wheel: the same number in the other letter, and one step to either side. */
static tb_status add_compatible(tb_condition *condition, tb_error *err)
{
    const size_t n = condition->n_values;
    tb_condition_value *values = tb_alloc(4 * n, sizeof *values);
    if (!values) return tb_error_set(err, TB_NO_MEMORY, "no memory for a filter");
    for (size_t i = 0; i < n; i++) {
        const int tonic = (int)condition->values[i].number, mode = condition->values[i].mode;
        const int number = camelot_of(tonic, mode);
        values[4 * i] = condition->values[i];
        for (int k = 1; k <= 3; k++) {
            char name[8];
            int near_tonic = 0, near_mode = 0;
            const int near = k == 1 ? number : k == 2 ? number % 12 + 1 : (number + 10) % 12 + 1;
            snprintf(name, sizeof name, "%d%c", near, (k == 1) == (mode == 1) ? 'A' : 'B');
            (void)read_camelot(name, &near_tonic, &near_mode);
            values[4 * i + (size_t)k] = (tb_condition_value){.number = near_tonic, .mode = near_mode};
        }
    }
    tb_free(condition->values);
    condition->values = values;
    condition->n_values = 4 * n;
    return TB_OK;
}

static size_t n_alternatives(const tb_condition *condition)
{
    const tb_field_type type = condition->field->type;
    size_t n = 0;
    for (size_t i = 0; i < condition->n_values; i++)
        if (condition->values[i].pattern || type == TB_FIELD_DATE || type == TB_FIELD_KEY ||
            type == TB_FIELD_PAYLOAD)
            n++;
    return n;
}

tb_status tb_filter_match(tb_filter *filter, tb_filter_clause clause, const char *field,
                          const tb_filter_value *values, size_t n_values, tb_error *err)
{
    tb_status status = TB_OK;
    tb_condition condition = {.kind = TB_CONDITION_MATCH};
    TB_TRY(find_field(filter, field, &condition, err));
    if (n_values == 0) TB_FAIL(err, TB_INVALID, "%s is compared with no value", field);
    if (n_values > TB_FILTER_MAX_VALUES)
        TB_FAIL(err, TB_TOO_LARGE, "a filter may have %d values", TB_FILTER_MAX_VALUES);
    condition.values = tb_alloc(n_values, sizeof *condition.values);
    if (!condition.values) TB_FAIL(err, TB_NO_MEMORY, "no memory for a filter");
    for (size_t i = 0; i < n_values; i++) {
        condition.n_values = i + 1;
        TB_TRY(read_value(condition.field, &values[i], &condition.values[i], err));
    }
    if (condition.field->source == TB_FROM_KEY) TB_TRY(add_compatible(&condition, err));
    if (n_alternatives(&condition) > MAX_ALTERNATIVES)
        TB_FAIL(err, TB_TOO_LARGE, "%s may be compared with %d values of that kind at once", field,
                MAX_ALTERNATIVES);
    TB_TRY(add_condition(filter, clause, &condition, err));
out:
    clear_condition(&condition);
    return status;
}

static bool is_given(const tb_filter_value *value)
{
    return value->text || !isnan(value->number);
}

/* Ranges over dates: gt 2026-01-31 begins on the next day, lte ends with it. */
static tb_status read_end(const tb_field *field, const tb_filter_value *value, bool inclusive, bool is_low,
                          tb_condition_end *end, tb_error *err)
{
    *end = (tb_condition_end){.given = true, .inclusive = inclusive};
    if (field->type == TB_FIELD_DATE) {
        const tb_status status = read_day(field, value, &end->value, err);
        if (is_low != inclusive) end->value.number = end->value.number_end;
        end->inclusive = is_low;
        return status;
    }
    if (field->type == TB_FIELD_TEXT) {
        const tb_filter_value plain = {value->text, value->number, false};
        return read_text(field, &plain, &end->value, err);
    }
    return read_number(field, value, &end->value.number, err);
}

tb_status tb_filter_range_of(tb_filter *filter, tb_filter_clause clause, const char *field,
                             const tb_filter_range *range, tb_error *err)
{
    tb_status status = TB_OK;
    tb_condition condition = {.kind = TB_CONDITION_RANGE};
    const bool gte = is_given(&range->gte), gt = is_given(&range->gt), lte = is_given(&range->lte),
               lt = is_given(&range->lt);
    TB_TRY(find_field(filter, field, &condition, err));
    const tb_field *found = condition.field;
    if (found->type == TB_FIELD_LIST || found->type == TB_FIELD_PART_OF || found->source == TB_FROM_KEY)
        TB_FAIL(err, TB_INVALID, "%s has no order; ranges are for numbers, dates and plain text", field);
    if ((gte && gt) || (lte && lt))
        TB_FAIL(err, TB_INVALID, "the range of %s has two ends on one side", field);
    if (!gte && !gt && !lte && !lt) TB_FAIL(err, TB_INVALID, "the range of %s has no end", field);
    if (gte || gt) TB_TRY(read_end(found, gte ? &range->gte : &range->gt, gte, true, &condition.low, err));
    if (lte || lt) TB_TRY(read_end(found, lte ? &range->lte : &range->lt, lte, false, &condition.high,
        err));
    TB_TRY(add_condition(filter, clause, &condition, err));
out:
    clear_condition(&condition);
    return status;
}

tb_status tb_filter_empty(tb_filter *filter, tb_filter_clause clause, const char *field, tb_error *err)
{
    tb_status status = TB_OK;
    tb_condition condition = {.kind = TB_CONDITION_EMPTY};
    TB_TRY(find_field(filter, field, &condition, err));
    if (condition.field->source == TB_FROM_KEY)
        TB_FAIL(err, TB_INVALID, "ask for key, not %s, to be there", field);
    TB_TRY(add_condition(filter, clause, &condition, err));
out:
    clear_condition(&condition);
    return status;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

tb_status tb__words_expression(const char *column, const char *words, char **expression, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n = 0;
    tb_buffer out;
    tb_buffer_init(&out, 8 * MAX_WORDS_BYTES);
    *expression = NULL;
    if (strlen(words) > MAX_WORDS_BYTES)
        TB_FAIL(err, TB_TOO_LARGE, "a search for words may have %d bytes", MAX_WORDS_BYTES);
    if (!tb_utf8_valid(words, strlen(words)))
        TB_FAIL(err, TB_INVALID, "the words to search for are not UTF-8");
    if (column && tb_buffer_printf(&out, "%s : (", column) != TB_OK) goto no_memory;
    for (const char *c = words;;) {
        while (is_blank(*c)) c++;
        if (!*c) break;
        if (++n > MAX_WORDS) TB_FAIL(err, TB_TOO_LARGE, "a search may have %d words", MAX_WORDS);
        /* In quotes nothing has a meaning to FTS5 but the quote itself, which is doubled. */
        if (tb_buffer_append_text(&out, n > 1 ? " AND \"" : "\"") != TB_OK) goto no_memory;
        for (; *c && !is_blank(*c); c++)
            if (tb_buffer_append_text(&out, *c == '"' ? "\"" : "") != TB_OK ||
                tb_buffer_append(&out, c, 1) != TB_OK)
                goto no_memory;
        if (tb_buffer_append_text(&out, *c ? "\"" : "\" *") != TB_OK) goto no_memory;
    }
    if (column && tb_buffer_append_text(&out, ")") != TB_OK) goto no_memory;
    if (n > 0 && !(*expression = tb_buffer_take(&out))) goto no_memory;
out:
    tb_buffer_clear(&out);
    return status;
no_memory:
    tb_buffer_clear(&out);
    return tb_error_set(err, TB_NO_MEMORY, "no memory for a search");
}

tb_status tb_filter_words(tb_filter *filter, tb_filter_clause clause, const char *field, const char *words,
                          tb_error *err)
{
    tb_status status = TB_OK;
    tb_condition condition = {.kind = TB_CONDITION_WORDS};
    if (field) {
        TB_TRY(find_field(filter, field, &condition, err));
        if (!condition.field->fts)
            TB_FAIL(err, TB_INVALID,
                    "%s cannot be searched for words; title, artist, album, album_artist, composer, genre "
                    "and comment can",
                    field);
    }
    TB_TRY(tb__words_expression(field ? condition.field->fts : NULL, words, &condition.words, err));
    TB_TRY(add_condition(filter, clause, &condition, err));
out:
    clear_condition(&condition);
    return status;
}

tb_status tb_filter_group(tb_filter *filter, tb_filter_clause clause, tb_filter *inner, tb_error *err)
{
    tb_condition condition = {.kind = TB_CONDITION_GROUP, .group = inner};
    return add_condition(filter, clause, &condition, err);
}

tb_status tb_filter_min_should(tb_filter *filter, size_t n, tb_error *err)
{
    if (n > TB_FILTER_MAX_CONDITIONS)
        return tb_error_set(err, TB_INVALID, "min_should is %zu; a filter may have %d conditions", n,
                            TB_FILTER_MAX_CONDITIONS);
    filter->min_should = n;
    return TB_OK;
}
