// SPDX-License-Identifier: MIT
/* Options of calls (see options.h).  A value comes as text or as JSON; a reader for each type takes either,
 * so the two forms cannot drift apart. */
#include "api/options.h"

#include "api/filter_json.h"
#include "api/json_input.h"
#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* Exactly one of the two is given. */
typedef struct source {
    const char *text;
    const json_t *json;
} source;

enum { MAX_WEIGHT = 1000000, MAX_NAME_BYTES = 40 };

static void *field(const tb_options *options, const tb_option *option)
{
    return (char *)options->values + option->offset;
}

/* --- readers: one for each type ------------------------------------------------------------------------ */

static tb_status wrong(const tb_option *option, const source *value, tb_error *err)
{
    const double low = option->low, high = option->high;
    char got[64] = "";
    if (value->json) snprintf(got, sizeof got, ", not %s", tb_json_kind(value->json));
    if (value->json && (json_is_number(value->json) || json_is_string(value->json))) got[0] = '\0';
    switch (option->type) {
    case TB_OPTION_INTEGER:
        return tb_error_set(err, TB_INVALID, "%s must be a whole number from %.0f to %.0f%s", option->name,
                            low, high, got);
    case TB_OPTION_NUMBER:
        return tb_error_set(err, TB_INVALID, "%s must be a number from %g to %g%s", option->name, low, high,
                            got);
    case TB_OPTION_BOOL:
        return tb_error_set(err, TB_INVALID, "%s must be true or false%s", option->name, got);
    case TB_OPTION_TEXT: return tb_error_set(err, TB_INVALID, "%s must be a text%s", option->name, got);
    case TB_OPTION_CHOICE:
        return tb_error_set(err, TB_INVALID, "%s must be one of %s%s", option->name, option->choices, got);
    case TB_OPTION_FLAGS:
        return tb_error_set(err, TB_INVALID, "%s must be a list of some of %s%s", option->name,
                            option->choices, got);
    case TB_OPTION_TEXTS:
        return tb_error_set(err, TB_INVALID, "%s must be a list of texts%s", option->name, got);
    case TB_OPTION_WEIGHTS:
        return tb_error_set(err, TB_INVALID,
                            "%s must name parts, with weights from 0 to %d: "
                            "drums:1,bass:0.5 or {\"drums\": 1}",
                            option->name, MAX_WEIGHT);
    case TB_OPTION_FILTER:
    case TB_OPTION_JSON: break;
    }
    return tb_error_set(err, TB_INVALID, "%s has a wrong type%s", option->name, got);
}

static tb_status read_number(const source *value, double *number)
{
    if (value->text) return tb_parse_double(value->text, number);
    if (!json_is_number(value->json)) return TB_INVALID;
    *number = json_number_value(value->json);
    return TB_OK;
}

static tb_status read_integer(const source *value, double low, double high, int64_t *integer)
{
    if (value->text) return tb_parse_int(value->text, (int64_t)low, (int64_t)high, integer);
    double number;
    if (read_number(value, &number) != TB_OK || !(number >= low && number <= high) || floor(number) != number)
        return TB_INVALID;
    *integer = (int64_t)number;
    return TB_OK;
}

static tb_status read_bool(const source *value, bool *flag)
{
    if (value->json) {
        if (!json_is_boolean(value->json)) return TB_INVALID;
        *flag = json_is_true(value->json);
        return TB_OK;
    }
    const bool yes = strcmp(value->text, "true") == 0 || strcmp(value->text, "1") == 0 ||
                     value->text[0] == '\0';
    const bool no = strcmp(value->text, "false") == 0 || strcmp(value->text, "0") == 0;
    if (!yes && !no) return TB_INVALID;
    *flag = yes;
    return TB_OK;
}

static const char *read_text(const source *value)
{
    return value->text ? value->text : json_string_value(value->json);
}

/* Position of name[0, size) in "a|b|c", or -1. */
static int find_choice(const char *choices, const char *name, size_t size)
{
    for (int at = 0;; at++) {
        const size_t length = strcspn(choices, "|");
        if (length == size && memcmp(choices, name, size) == 0) return at;
        if (choices[length] == '\0') return -1;
        choices += length + 1;
    }
}

/* Counts the items of "a,b" or of an array. */
static size_t count_items(const source *value)
{
    if (value->json && json_is_array(value->json)) return json_array_size(value->json);
    const char *text = read_text(value);
    size_t n = text && *text ? 1 : 0;
    for (; text && *text; text++)
        if (*text == ',') n++;
    return n;
}

static tb_status read_texts(const tb_option *option, const source *value, tb_texts *texts, tb_error *err)
{
    tb_status status = TB_OK;
    tb_texts read = {0};
    const bool is_array = value->json && json_is_array(value->json);
    const size_t n = count_items(value);
    if (!is_array && !read_text(value)) return wrong(option, value, err);
    if (n > TB_MAX_OPTION_TEXTS)
        TB_FAIL(err, TB_INVALID, "%s has more than %d items", option->name, TB_MAX_OPTION_TEXTS);
    if (n == 0) return TB_OK;
    read.items = tb_alloc(n, sizeof *read.items);
    if (!is_array) read.copy = tb_strdup(read_text(value));
    if (!read.items || (!is_array && !read.copy))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %s", option->name);

    char *rest = read.copy;
    for (size_t i = 0; i < n; i++) {
        const char *item = is_array ? json_string_value(json_array_get(value->json, i)) : rest;
        if (!is_array && (rest = strchr(rest, ','))) *rest++ = '\0';
        if (!item)
            TB_FAIL(err, TB_INVALID, "%s must be a list of texts; item %zu is not one", option->name, i + 1);
        if (!*item || strlen(item) > TB_MAX_OPTION_TEXT_BYTES)
            TB_FAIL(err, TB_INVALID, "%s: item %zu is %s", option->name, i + 1, *item ? "too long" : "empty");
        read.items[read.n++] = item;
    }
    *texts = read;
    return TB_OK;
out:
    tb_free(read.items);
    tb_free(read.copy);
    return status;
}

static tb_status read_flags(const tb_option *option, const source *value, unsigned *flags, tb_error *err)
{
    tb_texts names = {0};
    tb_status status = TB_OK;
    unsigned read = 0;
    TB_TRY(read_texts(option, value, &names, err));
    for (size_t i = 0; i < names.n; i++) {
        const int at = find_choice(option->choices, names.items[i], strlen(names.items[i]));
        if (at < 0)
            TB_FAIL(err, TB_INVALID, "%s must be a list of some of %s; there is no \"%s\"", option->name,
                    option->choices, names.items[i]);
        read |= 1u << at;
    }
    *flags = read;
out:
    tb_free(names.items);
    tb_free(names.copy);
    return status;
}

static tb_status add_weight(const tb_option *option, tb_weights *weights, const char *part, double weight,
                            tb_error *err)
{
    if (!*part) return tb_error_set(err, TB_INVALID, "%s has a part without a name", option->name);
    if (!(weight >= 0 && weight <= MAX_WEIGHT))
        return tb_error_set(err, TB_INVALID, "%s: the weight of \"%s\" must be a number from 0 to %d",
                            option->name, part, MAX_WEIGHT);
    for (size_t i = 0; i < weights->n; i++)
        if (strcmp(weights->items[i].part, part) == 0)
            return tb_error_set(err, TB_INVALID, "%s names \"%s\" twice", option->name, part);
    if (weights->n == TB_MAX_PARTS)
        return tb_error_set(err, TB_INVALID, "%s names more than %d parts", option->name, TB_MAX_PARTS);
    weights->items[weights->n++] = (tb_part_weight){part, weight};
    return TB_OK;
}

/* "drums:1,bass:0.5", cut up in place. */
static tb_status read_weights_text(const tb_option *option, tb_weights *weights, tb_error *err)
{
    for (char *item = weights->copy, *next; item; item = next) {
        next = strchr(item, ',');
        if (next) *next++ = '\0';
        double weight = 1;
        char *colon = strrchr(item, ':');
        if (colon) {
            *colon = '\0';
            if (tb_parse_double(colon + 1, &weight) != TB_OK) weight = NAN;
        }
        const tb_status status = add_weight(option, weights, item, weight, err);
        if (status != TB_OK) return status;
    }
    return TB_OK;
}

static tb_status read_weights(const tb_option *option, const source *value, tb_weights *weights,
                              tb_error *err)
{
    tb_status status = TB_OK;
    tb_weights read = {.n = 0};
    if (read_text(value)) {
        read.copy = tb_strdup(read_text(value));
        if (!read.copy) TB_FAIL(err, TB_NO_MEMORY, "no memory for %s", option->name);
        TB_TRY(read_weights_text(option, &read, err));
    } else if (json_is_array(value->json)) {
        for (size_t i = 0; i < json_array_size(value->json); i++) {
            const char *part = json_string_value(json_array_get(value->json, i));
            if (!part)
                TB_FAIL(err, TB_INVALID, "%s: item %zu of the list is not the name of a part", option->name,
                        i + 1);
            TB_TRY(add_weight(option, &read, part, 1, err));
        }
    } else if (json_is_object(value->json)) {
        const char *part;
        json_t *weight;
        json_object_foreach((json_t *)(uintptr_t)value->json, part, weight)
            TB_TRY(add_weight(option, &read, part, json_is_number(weight) ? json_number_value(weight) : NAN,
                              err));
    } else {
        TB_TRY(wrong(option, value, err));
    }
    double sum = 0;
    for (size_t i = 0; i < read.n; i++) sum += read.items[i].weight;
    if (!(sum > 0)) TB_FAIL(err, TB_INVALID, "%s must have a weight above 0", option->name);
    *weights = read;
    return TB_OK;
out:
    tb_free(read.copy);
    return status;
}

static tb_status read_filter(const tb_options *options, const tb_option *option, const source *value,
                             tb_filter **filter, tb_error *err)
{
    json_t *parsed = NULL;
    tb_status status = TB_OK;
    const char *text = read_text(value);
    if (text && text[strspn(text, " \t\r\n")] == '{') {
        TB_TRY(tb_json_parse(text, strlen(text), option->name, &parsed, err));
        TB_TRY(tb_filter_from_json(options->engine, parsed, filter, err));
    } else if (text) {
        TB_TRY(tb_engine_parse_filter(options->engine, text, filter, err));
    } else {
        TB_TRY(tb_filter_from_json(options->engine, value->json, filter, err));
    }
out:
    json_decref(parsed);
    /* An unknown field is a mistake in the request, not a thing that was not found. */
    if (status == TB_NOT_FOUND || status == TB_TOO_LARGE) {
        if (err) err->code = TB_INVALID;
        status = TB_INVALID;
    }
    return status;
}

static tb_status read_value(const tb_options *options, const tb_option *option, const source *value,
                            tb_error *err)
{
    void *out = field(options, option);
    switch (option->type) {
    case TB_OPTION_INTEGER:
        if (read_integer(value, option->low, option->high, out) != TB_OK) return wrong(option, value, err);
        return TB_OK;
    case TB_OPTION_NUMBER: {
        double number;
        if (read_number(value, &number) != TB_OK || !(number >= option->low && number <= option->high))
            return wrong(option, value, err);
        *(double *)out = number;
        return TB_OK;
    }
    case TB_OPTION_BOOL: return read_bool(value, out) == TB_OK ? TB_OK : wrong(option, value, err);
    case TB_OPTION_TEXT: {
        const char *text = read_text(value);
        if (!text) return wrong(option, value, err);
        if (strlen(text) > TB_MAX_OPTION_TEXT_BYTES)
            return tb_error_set(err, TB_INVALID, "%s is longer than %d bytes", option->name,
                                TB_MAX_OPTION_TEXT_BYTES);
        *(const char **)out = text;
        return TB_OK;
    }
    case TB_OPTION_CHOICE: {
        const char *text = read_text(value);
        const int at = text ? find_choice(option->choices, text, strlen(text)) : -1;
        if (at < 0) return wrong(option, value, err);
        *(int *)out = at;
        return TB_OK;
    }
    case TB_OPTION_FLAGS: return read_flags(option, value, out, err);
    case TB_OPTION_TEXTS: return read_texts(option, value, out, err);
    case TB_OPTION_WEIGHTS: return read_weights(option, value, out, err);
    case TB_OPTION_FILTER: return read_filter(options, option, value, out, err);
    case TB_OPTION_JSON:
        if (value->text) return tb_json_parse(value->text, strlen(value->text), option->name, out, err);
        *(json_t **)out = json_incref((json_t *)(uintptr_t)value->json);
        return TB_OK;
    }
    return tb_error_set(err, TB_INTERNAL, "option %s has an unknown type", option->name);
}

/* --- the struct ---------------------------------------------------------------------------------------- */

tb_status tb_options_init(tb_options *options, const tb_option_table *table, tb_engine *engine, tb_error *err)
{
    assert(table->n_options <= 64);
    void *values = tb_alloc(1, table->struct_size);
    if (!values) return tb_error_set(err, TB_NO_MEMORY, "no memory for the request's options");
    *options = (tb_options){.table = table, .engine = engine, .values = values, .given = 0};
    for (size_t i = 0; i < table->n_options; i++) {
        const tb_option *option = &table->options[i];
        if (option->type == TB_OPTION_INTEGER) *(int64_t *)field(options, option) = (int64_t)option->initial;
        if (option->type == TB_OPTION_NUMBER) *(double *)field(options, option) = option->initial;
        if (option->type == TB_OPTION_CHOICE) *(int *)field(options, option) = (int)option->initial;
    }
    return TB_OK;
}

void tb_options_clear(tb_options *options)
{
    for (size_t i = 0; options->values && i < options->table->n_options; i++) {
        const tb_option *option = &options->table->options[i];
        void *value = field(options, option);
        if (option->type == TB_OPTION_TEXTS) {
            tb_free(((tb_texts *)value)->items);
            tb_free(((tb_texts *)value)->copy);
        }
        if (option->type == TB_OPTION_WEIGHTS) tb_free(((tb_weights *)value)->copy);
        if (option->type == TB_OPTION_FILTER) tb_filter_free(*(tb_filter **)value);
        if (option->type == TB_OPTION_JSON) json_decref(*(json_t **)value);
    }
    tb_free(options->values);
    *options = (tb_options){.table = NULL};
}

static const tb_option *find_option(const tb_option_table *table, const char *name)
{
    for (size_t i = 0; i < table->n_options; i++) {
        const tb_option *option = &table->options[i];
        if (strcmp(option->name, name) == 0 || (option->alias && strcmp(option->alias, name) == 0))
            return option;
    }
    return NULL;
}

bool tb_options_know(const tb_option_table *table, const char *name)
{
    return find_option(table, name) != NULL;
}

size_t tb_name_distance(const char *a, const char *b)
{
    const size_t m = strlen(a), n = strlen(b);
    if (m > MAX_NAME_BYTES || n > MAX_NAME_BYTES) return m > n ? m : n;
    /* Damerau's distance, optimal string alignment: rows i - 2, i - 1 and i of its table. */
    size_t rows[3][MAX_NAME_BYTES + 1];
    for (size_t j = 0; j <= n; j++) rows[0][j] = j;
    for (size_t i = 1; i <= m; i++) {
        size_t *now = rows[i % 3];
        const size_t *before = rows[(i + 2) % 3], *two_before = rows[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t best = before[j - 1] + (a[i - 1] != b[j - 1]);
            if (before[j] + 1 < best) best = before[j] + 1;
            if (now[j - 1] + 1 < best) best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                two_before[j - 2] + 1 < best)
                best = two_before[j - 2] + 1;
            now[j] = best;
        }
    }
    return rows[m % 3][n];
}

static tb_status unknown_name(const tb_option_table *table, const char *name, bool in_url, tb_error *err)
{
    const char *what = in_url ? "parameter" : "field";
    const char *nearest = NULL;
    char known[360] = "";
    size_t used = 0, best = strlen(name) / 2 + 1;
    for (size_t i = 0; i < table->n_options; i++) {
        const tb_option *option = &table->options[i];
        if (in_url && option->body_only) continue;
        const size_t distance = tb_name_distance(name, option->name);
        if (distance < best) {
            best = distance;
            nearest = option->name;
        }
        const int size = snprintf(known + used, sizeof known - used, "%s%s", used > 0 ? ", " : "",
                                  option->name);
        if (size > 0 && used + (size_t)size < sizeof known) used += (size_t)size;
    }
    known[used] = '\0';
    if (nearest)
        return tb_error_set(err, TB_INVALID, "there is no %s \"%.64s\" here; the nearest is \"%s\"", what,
                            name, nearest);
    if (used == 0)
        return tb_error_set(err, TB_INVALID, "there is no %s \"%.64s\" here; this call has none", what, name);
    return tb_error_set(err, TB_INVALID, "there is no %s \"%.64s\" here; there are %s", what, name, known);
}

/* The row of a name that may be set now; marks it as given. */
static tb_status take_option(tb_options *options, const char *name, bool in_url, const tb_option **option,
                             tb_error *err)
{
    const tb_option *found = find_option(options->table, name);
    if (!found) return unknown_name(options->table, name, in_url, err);
    if (in_url && found->body_only)
        return tb_error_set(err, TB_INVALID, "\"%s\" goes into the body, not into the address", name);
    const uint64_t bit = (uint64_t)1 << (found - options->table->options);
    if (options->given & bit) return tb_error_set(err, TB_INVALID, "\"%s\" is given twice", found->name);
    options->given |= bit;
    *option = found;
    return TB_OK;
}

tb_status tb_options_set_text(tb_options *options, const char *name, const char *text, bool in_url,
                              tb_error *err)
{
    const tb_option *option = NULL;
    tb_status status = TB_OK;
    TB_TRY(take_option(options, name, in_url, &option, err));
    TB_TRY(read_value(options, option, &(source){.text = text}, err));
out:
    return status;
}

tb_status tb_options_set_object(tb_options *options, const json_t *object, tb_error *err)
{
    tb_status status = TB_OK;
    const char *name;
    json_t *value;
    if (!json_is_object(object))
        TB_FAIL(err, TB_INVALID, "the body must be a JSON object, not %s", tb_json_kind(object));
    json_object_foreach((json_t *)(uintptr_t)object, name, value) {
        const tb_option *option = NULL;
        TB_TRY(take_option(options, name, false, &option, err));
        if (!json_is_null(value)) TB_TRY(read_value(options, option, &(source){.json = value}, err));
    }
out:
    return status;
}
