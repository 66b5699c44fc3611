// SPDX-License-Identifier: MIT
/* JSON from outside (see json_input.h).  One pass over the bytes checks the limits before jansson makes a
 * tree, so that a small text cannot ask for a lot of memory or stack. */
#include "api/json_input.h"

#include "base/alloc.h"

#include <stdbool.h>

/* Depth and number of values, counted by brackets and commas outside of strings. */
static tb_status check_limits(const char *bytes, size_t size, const char *what, tb_error *err)
{
    size_t depth = 0, n_values = 0, line = 1, line_start = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        const char c = bytes[i];
        if (c == '\n') {
            line++;
            line_start = i + 1;
        }
        if (in_string) {
            if (c == '\\') i++;
            else if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[' || c == ',') n_values++;
        if (c == '{' || c == '[') depth++;
        if ((c == '}' || c == ']') && depth > 0) depth--;
        if (depth > TB_JSON_MAX_DEPTH)
            return tb_error_set(err, TB_SYNTAX, "%s is nested deeper than %d levels: line %zu, column %zu",
                                what, TB_JSON_MAX_DEPTH, line, i - line_start + 1);
        if (n_values > TB_JSON_MAX_VALUES)
            return tb_error_set(err, TB_TOO_LARGE, "%s has more than %d values", what, TB_JSON_MAX_VALUES);
    }
    return TB_OK;
}

tb_status tb_json_parse(const char *bytes, size_t size, const char *what, json_t **json, tb_error *err)
{
    const tb_status status = check_limits(bytes, size, what, err);
    if (status != TB_OK) return status;
    json_error_t reason;
    json_t *parsed = json_loadb(bytes ? bytes : "", size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    if (parsed) {
        *json = parsed;
        return TB_OK;
    }
    if (json_error_code(&reason) == json_error_out_of_memory)
        return tb_error_set(err, TB_NO_MEMORY, "no memory to read %s", what);
    if (size == 0) return tb_error_set(err, TB_SYNTAX, "%s is empty where JSON was expected", what);
    return tb_error_set(err, TB_SYNTAX, "%s is not JSON: line %d, column %d: %s", what, reason.line,
                        reason.column, reason.text);
}

const char *tb_json_kind(const json_t *json)
{
    if (!json) return "nothing";
    switch (json_typeof(json)) {
    case JSON_OBJECT: return "an object";
    case JSON_ARRAY: return "an array";
    case JSON_STRING: return "a text";
    case JSON_INTEGER:
    case JSON_REAL: return "a number";
    case JSON_TRUE:
    case JSON_FALSE: return "true or false";
    case JSON_NULL: return "null";
    }
    return "something else";
}

/* jansson's memory comes from base/alloc.h as all other.  Before main, because the setting is one for the
 * whole process and threads may use jansson from then on. */
static void *allocate(size_t size)
{
    return tb_alloc(size, 1);
}

__attribute__((constructor)) static void use_our_memory(void)
{
    json_set_alloc_funcs(allocate, tb_free);
}
