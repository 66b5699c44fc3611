// SPDX-License-Identifier: MIT
/* JSON into a tb_query (see query_json.h).  Objects are read by tables of options, as everything else. */
#include "api/query_json.h"

#include "api/json_input.h"
#include "api/options.h"
#include "base/alloc.h"

#include <math.h>
#include <string.h>

enum { MAX_EXAMPLE_WEIGHT = 1000000 };

typedef struct query_call {
    const char *id, *path, *part;
    json_t *vector, *recommend;
    double start_s, duration_s, weight;
} query_call;

#define PASSAGE                                                                                    \
    TB_OPTION(query_call, start_s, "start", NUMBER, .low = 0, .high = 1e6, .initial = 0,           \
              .alias = "time_offset"),                                                             \
        TB_OPTION(query_call, duration_s, "duration", NUMBER, .low = 0, .high = 1e6, .initial = 0, \
                  .alias = "time_limit")

static const tb_option query_options[] = {
    TB_OPTION(query_call, id, "id", TEXT),
    TB_OPTION(query_call, path, "path", TEXT),
    TB_OPTION(query_call, vector, "vector", JSON),
    TB_OPTION(query_call, recommend, "recommend", JSON),
    PASSAGE,
};
static const tb_option example_options[] = {
    TB_OPTION(query_call, id, "id", TEXT),
    TB_OPTION(query_call, vector, "vector", JSON),
    TB_OPTION(query_call, part, "using", TEXT, .alias = "part"),
    TB_OPTION(query_call, weight, "weight", NUMBER, .low = 1e-6, .high = MAX_EXAMPLE_WEIGHT, .initial = 1),
    PASSAGE,
};
static const tb_option_table query_table = {query_options, sizeof query_options / sizeof *query_options,
                                            sizeof(query_call)};
static const tb_option_table example_table = {example_options,
                                              sizeof example_options / sizeof *example_options,
                                              sizeof(query_call)};

static tb_status read_vector(const json_t *json, const float **vector, size_t *n, tb_error *err)
{
    float *values = NULL;
    tb_status status = TB_OK;
    const size_t size = json_array_size(json);
    if (!json_is_array(json) || size == 0 || size > TB_INDEX_MAX_DIM)
        TB_FAIL(err, TB_INVALID, "a vector must be an array of 1 to %d numbers", TB_INDEX_MAX_DIM);
    values = tb_alloc(size, sizeof *values);
    if (!values) TB_FAIL(err, TB_NO_MEMORY, "no memory for the vector");
    for (size_t i = 0; i < size; i++) {
        const json_t *item = json_array_get(json, i);
        values[i] = (float)json_number_value(item);
        if (!json_is_number(item) || !isfinite(values[i]))
            TB_FAIL(err, TB_INVALID, "the vector's value %zu is not a number that fits 32 bits", i);
    }
    *vector = values;
    *n = size;
    return TB_OK;
out:
    tb_free(values);
    return status;
}

static tb_status read_example(tb_example *example, const json_t *json, tb_error *err)
{
    tb_options options = {.table = NULL};
    tb_status status = TB_OK;
    *example = (tb_example){.weight = 1};
    if (json_is_string(json)) {
        example->id = json_string_value(json);
        return TB_OK;
    }
    if (json_is_array(json)) return read_vector(json, &example->vector, &example->n_vector, err);
    TB_TRY(tb_options_init(&options, &example_table, NULL, err));
    TB_TRY(tb_options_set_object(&options, json, err));
    const query_call *read = options.values;
    if (!read->id == !read->vector) TB_FAIL(err, TB_INVALID, "an example needs either an id or a vector");
    example->id = read->id;
    example->part = read->part;
    example->weight = read->weight;
    example->start_s = read->start_s;
    example->duration_s = read->duration_s;
    if (read->vector) TB_TRY(read_vector(read->vector, &example->vector, &example->n_vector, err));
out:
    tb_options_clear(&options);
    return status;
}

static void free_examples(tb_example *examples, size_t n)
{
    for (size_t i = 0; i < n; i++) tb_free((float *)(uintptr_t)examples[i].vector);
    tb_free(examples);
}

/* A list of examples; name: for sentences. */
static tb_status read_examples(const json_t *json, const char *name, tb_example **examples, size_t *n,
                               tb_error *err)
{
    tb_status status = TB_OK;
    tb_example *read = NULL;
    size_t n_read = 0;
    const size_t size = json_array_size(json);
    if (!json || json_is_null(json)) return TB_OK;
    if (!json_is_array(json) || size > TB_MAX_EXAMPLES)
        TB_FAIL(err, TB_INVALID, "%s must be a list of at most %d examples", name, TB_MAX_EXAMPLES);
    if (size == 0) return TB_OK;
    read = tb_alloc(size, sizeof *read);
    if (!read) TB_FAIL(err, TB_NO_MEMORY, "no memory for the examples");
    for (; n_read < size; n_read++) {
        status = read_example(&read[n_read], json_array_get(json, n_read), err);
        if (status == TB_OK) continue;
        tb_error_prefix(err, "%s[%zu]", name, n_read);
        goto out;
    }
    *examples = read;
    *n = n_read;
    return TB_OK;
out:
    if (read) free_examples(read, n_read);
    return status;
}

static tb_status read_recommend(tb_query_input *input, const json_t *json, tb_error *err)
{
    tb_query *query = &input->query;
    const char *name;
    json_t *value;
    tb_status status = TB_OK;
    if (!json_is_object(json))
        TB_FAIL(err, TB_INVALID, "recommend must be an object, not %s", tb_json_kind(json));
    json_object_foreach((json_t *)(uintptr_t)json, name, value)
        if (strcmp(name, "positive") != 0 && strcmp(name, "negative") != 0)
            TB_FAIL(err, TB_INVALID, "recommend has positive and negative, not \"%.64s\"", name);
    TB_TRY(read_examples(json_object_get(json, "positive"), "positive", &input->positive, &query->n_positive,
                         err));
    TB_TRY(read_examples(json_object_get(json, "negative"), "negative", &input->negative, &query->n_negative,
                         err));
    if (query->n_positive == 0) TB_FAIL(err, TB_INVALID, "recommend needs at least one positive example");
    query->positive = input->positive;
    query->negative = input->negative;
out:
    return status;
}

static tb_status read_object(tb_query_input *input, const json_t *json, tb_error *err)
{
    tb_options options = {.table = NULL};
    tb_status status = TB_OK;
    TB_TRY(tb_options_init(&options, &query_table, NULL, err));
    TB_TRY(tb_options_set_object(&options, json, err));
    const query_call *read = options.values;
    const int n_given = (read->id != NULL) + (read->path != NULL) + (read->vector != NULL) +
                        (read->recommend != NULL);
    if (n_given != 1)
        TB_FAIL(err, TB_INVALID,
                "the query needs exactly one of id, path, vector, recommend; it has %d of them", n_given);
    input->query.id = read->id;
    input->path = read->path;
    input->query.start_s = read->start_s;
    input->query.duration_s = read->duration_s;
    if (read->vector) {
        TB_TRY(read_vector(read->vector, &input->query.vector, &input->query.n_vector, err));
        input->vector = (float *)(uintptr_t)input->query.vector;
    }
    if (read->recommend) TB_TRY(read_recommend(input, read->recommend, err));
out:
    tb_options_clear(&options);
    return status;
}

tb_status tb_query_read(tb_query_input *input, const json_t *json, tb_error *err)
{
    tb_status status = TB_OK;
    memset(input, 0, sizeof *input);
    if (json_is_string(json)) {
        input->query.id = json_string_value(json);
    } else if (json_is_array(json)) {
        TB_TRY(read_vector(json, &input->query.vector, &input->query.n_vector, err));
        input->vector = (float *)(uintptr_t)input->query.vector;
    } else if (json_is_object(json)) {
        TB_TRY(read_object(input, json, err));
    } else {
        TB_FAIL(err, TB_INVALID, "query must be an id, a vector or an object, not %s", tb_json_kind(json));
    }
out:
    if (status != TB_OK) tb_query_clear(input);
    return status;
}

void tb_query_clear(tb_query_input *input)
{
    free_examples(input->positive, input->query.n_positive);
    free_examples(input->negative, input->query.n_negative);
    tb_free(input->vector);
    memset(input, 0, sizeof *input);
}
