// SPDX-License-Identifier: MIT
/* JSON filters into conditions, by the builder of store/filter.h (see filter_json.h).  Recursion ends with
 * the depth of the JSON, which tb_json_parse bounds. */
#include "api/filter_json.h"

#include "api/json_input.h"
#include "base/alloc.h"

#include <string.h>

static tb_status read_group(tb_engine *engine, const json_t *json, tb_filter **filter, tb_error *err);

static tb_status read_value(const json_t *json, tb_filter_value *value, tb_error *err)
{
    if (json_is_string(json)) *value = TB_FILTER_STRING(json_string_value(json));
    else if (json_is_number(json)) *value = TB_FILTER_NUMBER(json_number_value(json));
    else if (json_is_boolean(json)) *value = TB_FILTER_STRING(json_is_true(json) ? "true" : "false");
    else
        return tb_error_set(err, TB_INVALID, "a value must be a text, a number, true or false, not %s",
                            tb_json_kind(json));
    return TB_OK;
}

/* The field has one of the values of an array (or the one value). */
static tb_status match_any(tb_filter *filter, tb_filter_clause clause, const char *key, const json_t *json,
                           tb_error *err)
{
    tb_status status = TB_OK;
    const bool is_array = json_is_array(json);
    const size_t n = is_array ? json_array_size(json) : 1;
    tb_filter_value *values = NULL;
    if (n == 0 || n > TB_FILTER_MAX_VALUES)
        TB_FAIL(err, TB_INVALID, "a list of values must have 1 to %d of them", TB_FILTER_MAX_VALUES);
    values = tb_alloc(n, sizeof *values);
    if (!values) TB_FAIL(err, TB_NO_MEMORY, "no memory for the filter");
    for (size_t i = 0; i < n; i++)
        TB_TRY(read_value(is_array ? json_array_get(json, i) : json, &values[i], err));
    TB_TRY(tb_filter_match(filter, clause, key, values, n, err));
out:
    tb_free(values);
    return status;
}

/* "except" turns the clause around: a group of its own that must not match. */
static tb_status match_except(tb_engine *engine, tb_filter *filter, tb_filter_clause clause, const char *key,
                              const json_t *json, tb_error *err)
{
    tb_filter *inner = NULL;
    tb_status status = TB_OK;
    TB_TRY(tb_engine_new_filter(engine, &inner, err));
    TB_TRY(match_any(inner, TB_FILTER_MUST_NOT, key, json, err));
    status = tb_filter_group(filter, clause, inner, err);
    inner = NULL;
out:
    tb_filter_free(inner);
    return status;
}

static tb_status read_match(tb_engine *engine, tb_filter *filter, tb_filter_clause clause, const char *key,
                            const json_t *match, tb_error *err)
{
    const void *iterator = json_object_iter((json_t *)(uintptr_t)match);
    if (!iterator || json_object_size(match) != 1)
        return tb_error_set(err, TB_INVALID, "match must be an object with one of value, any, except, text");
    const char *kind = json_object_iter_key((void *)(uintptr_t)iterator);
    const json_t *value = json_object_iter_value((void *)(uintptr_t)iterator);
    if (strcmp(kind, "value") == 0 && !json_is_array(value))
        return match_any(filter, clause, key, value, err);
    if (strcmp(kind, "any") == 0 && json_is_array(value)) return match_any(filter, clause, key, value, err);
    if (strcmp(kind, "except") == 0 && json_is_array(value))
        return match_except(engine, filter, clause, key, value, err);
    if (strcmp(kind, "text") == 0 && json_is_string(value))
        return tb_filter_words(filter, clause, key, json_string_value(value), err);
    return tb_error_set(err, TB_INVALID, "match.%.32s is not value (of one), any or except (lists) or text",
                        kind);
}

static tb_status read_range(tb_filter *filter, tb_filter_clause clause, const char *key, const json_t *json,
                            tb_error *err)
{
    tb_filter_range range = {TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN};
    const char *name;
    json_t *end;
    tb_status status = TB_OK;
    if (!json_is_object(json)) TB_FAIL(err, TB_INVALID, "range must be an object with gte, gt, lte, lt");
    json_object_foreach((json_t *)(uintptr_t)json, name, end) {
        tb_filter_value *value = strcmp(name, "gte") == 0   ? &range.gte
                                 : strcmp(name, "gt") == 0  ? &range.gt
                                 : strcmp(name, "lte") == 0 ? &range.lte
                                 : strcmp(name, "lt") == 0  ? &range.lt
                                                            : NULL;
        if (!value) TB_FAIL(err, TB_INVALID, "range has gte, gt, lte and lt, not \"%.32s\"", name);
        if (!json_is_null(end)) TB_TRY(read_value(end, value, err));
    }
    TB_TRY(tb_filter_range_of(filter, clause, key, &range, err));
out:
    return status;
}

static tb_status read_condition(tb_engine *engine, tb_filter *filter, tb_filter_clause clause,
                                const json_t *json, tb_error *err)
{
    if (!json_is_object(json))
        return tb_error_set(err, TB_INVALID, "a condition must be an object, not %s", tb_json_kind(json));
    const char *key = json_string_value(json_object_get(json, "key"));
    const size_t size = json_object_size(json);
    const json_t *match = json_object_get(json, "match"), *range = json_object_get(json, "range");
    const json_t *ids = json_object_get(json, "has_id");
    const json_t *empty = json_object_get(json, "is_empty");
    if (!empty) empty = json_object_get(json, "is_null");

    if (key && match && size == 2) return read_match(engine, filter, clause, key, match, err);
    if (key && range && size == 2) return read_range(filter, clause, key, range, err);
    if (ids && json_is_array(ids) && size == 1) return match_any(filter, clause, "id", ids, err);
    if (empty && size == 1) {
        const char *name = json_string_value(json_object_get(empty, "key"));
        if (!name) return tb_error_set(err, TB_INVALID, "is_empty must be {\"key\": \"a field\"}");
        return tb_filter_empty(filter, clause, name, err);
    }
    if (json_object_get(json, "key"))
        return tb_error_set(err, TB_INVALID,
                            "a condition must be {\"key\": …, \"match\": …} or "
                            "{\"key\": …, \"range\": …}");
    tb_filter *inner = NULL;
    const tb_status status = read_group(engine, json, &inner, err);
    return status == TB_OK ? tb_filter_group(filter, clause, inner, err) : status;
}

/* A list of conditions, or one by itself; name: for sentences. */
static tb_status read_clause(tb_engine *engine, tb_filter *filter, tb_filter_clause clause, const char *name,
                             const json_t *json, tb_error *err)
{
    const bool is_array = json_is_array(json);
    const size_t n = is_array ? json_array_size(json) : 1;
    for (size_t i = 0; i < n; i++) {
        const tb_status status = read_condition(engine, filter, clause,
                                                is_array ? json_array_get(json, i) : json, err);
        if (status == TB_OK) continue;
        tb_error_prefix(err, "%s[%zu]", name, i);
        return status;
    }
    return TB_OK;
}

/* {"conditions": […], "min_count": n} becomes a group of its own. */
static tb_status read_min_should(tb_engine *engine, tb_filter *filter, const json_t *json, tb_error *err)
{
    tb_filter *inner = NULL;
    tb_status status = TB_OK;
    const json_t *conditions = json_object_get(json, "conditions"),
                 *count = json_object_get(json, "min_count");
    if (!json_is_array(conditions) || !json_is_integer(count) || json_object_size(json) != 2 ||
        json_integer_value(count) < 0 || json_integer_value(count) > TB_FILTER_MAX_CONDITIONS)
        TB_FAIL(err, TB_INVALID, "min_should must be {\"conditions\": […], \"min_count\": 0 to %d}",
                TB_FILTER_MAX_CONDITIONS);
    TB_TRY(tb_engine_new_filter(engine, &inner, err));
    TB_TRY(read_clause(engine, inner, TB_FILTER_SHOULD, "min_should", conditions, err));
    TB_TRY(tb_filter_min_should(inner, (size_t)json_integer_value(count), err));
    status = tb_filter_group(filter, TB_FILTER_MUST, inner, err);
    inner = NULL;
out:
    tb_filter_free(inner);
    return status;
}

static tb_status read_group(tb_engine *engine, const json_t *json, tb_filter **filter, tb_error *err)
{
    tb_filter *group = NULL;
    tb_status status = TB_OK;
    const char *name;
    json_t *clause;
    if (!json_is_object(json))
        TB_FAIL(err, TB_INVALID, "filter must be a text or an object, not %s", tb_json_kind(json));
    TB_TRY(tb_engine_new_filter(engine, &group, err));
    json_object_foreach((json_t *)(uintptr_t)json, name, clause) {
        if (json_is_null(clause)) continue;
        if (strcmp(name, "must") == 0) TB_TRY(read_clause(engine, group, TB_FILTER_MUST, name, clause, err));
        else if (strcmp(name, "should") == 0)
            TB_TRY(read_clause(engine, group, TB_FILTER_SHOULD, name, clause, err));
        else if (strcmp(name, "must_not") == 0)
            TB_TRY(read_clause(engine, group, TB_FILTER_MUST_NOT, name, clause, err));
        else if (strcmp(name, "min_should") == 0) TB_TRY(read_min_should(engine, group, clause, err));
        else
            TB_FAIL(err, TB_INVALID,
                    "there is no \"%.64s\" in a filter; there are must, should, must_not, min_should, or in "
                    "a condition key with match or range, has_id, is_empty",
                    name);
    }
    *filter = group;
    group = NULL;
out:
    tb_filter_free(group);
    return status;
}

tb_status tb_filter_from_json(tb_engine *engine, const json_t *json, tb_filter **filter, tb_error *err)
{
    const tb_status status = read_group(engine, json, filter, err);
    if (status != TB_OK && json_is_object(json)) tb_error_prefix(err, "filter");
    return status;
}
