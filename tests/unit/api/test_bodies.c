// SPDX-License-Identifier: MIT
/* JSON bodies that are more than options: queries and what a track should have. */
#include "api/patch_json.h"
#include "api/query_json.h"

#include "base/alloc.h"
#include "support/testing.h"

#include <stdlib.h>
#include <string.h>

static json_t *load(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!json) fail_msg("the test's JSON is wrong: %s", text);
    return json;
}

/* --- queries ------------------------------------------------------------------------------------------- */

static void a_query_takes_each_form(void **state)
{
    (void)state;
    tb_query_input input;
    tb_error err;
    json_t *json = load("\"abc\"");
    assert_ok(tb_query_read(&input, json, &err));
    assert_string_equal(input.query.id, "abc");
    tb_query_clear(&input);
    json_decref(json);

    json = load("[0.5, -1, 3]");
    assert_ok(tb_query_read(&input, json, &err));
    assert_int_equal(input.query.n_vector, 3);
    assert_near(input.query.vector[1], -1, 0);
    assert_null(input.query.id);
    tb_query_clear(&input);
    json_decref(json);

    json = load("{\"id\": \"mbid:x\", \"time_offset\": 30, \"duration\": 10}");
    assert_ok(tb_query_read(&input, json, &err));
    assert_string_equal(input.query.id, "mbid:x");
    assert_near(input.query.start_s, 30, 0);
    assert_near(input.query.duration_s, 10, 0);
    tb_query_clear(&input);
    json_decref(json);

    json = load("{\"path\": \"/music/a.mp3\"}");
    assert_ok(tb_query_read(&input, json, &err));
    assert_string_equal(input.path, "/music/a.mp3");
    tb_query_clear(&input);
    json_decref(json);
}

static void examples_may_name_their_part_and_weight(void **state)
{
    (void)state;
    tb_query_input input;
    tb_error err;
    json_t *json = load("{\"recommend\": {\"positive\": [\"a\", {\"id\": \"b\", \"using\": \"bass\", "
                        "\"weight\": 2, \"start\": 1},"
                        " [1, 2]], \"negative\": [{\"vector\": [3], \"part\": \"drums\"}]}}");
    assert_ok(tb_query_read(&input, json, &err));
    const tb_query *query = &input.query;
    assert_int_equal(query->n_positive, 3);
    assert_int_equal(query->n_negative, 1);
    assert_string_equal(query->positive[0].id, "a");
    assert_near(query->positive[0].weight, 1, 0);
    assert_null(query->positive[0].part);
    assert_string_equal(query->positive[1].part, "bass");
    assert_near(query->positive[1].weight, 2, 0);
    assert_near(query->positive[1].start_s, 1, 0);
    assert_int_equal(query->positive[2].n_vector, 2);
    assert_string_equal(query->negative[0].part, "drums");
    assert_near(query->negative[0].vector[0], 3, 0);
    tb_query_clear(&input);
    json_decref(json);
}

static const struct {
    const char *json, *says;
} wrong_queries[] = {
    {"5", "an id, a vector or an object"},
    {"null", "an id, a vector or an object"},
    {"[]", "1 to"},
    {"[1, \"a\"]", "value 1"},
    {"[1, 1e39]", "value 1"},
    {"[1, [2]]", "value 1"},
    {"{}", "exactly one"},
    {"{\"id\": \"a\", \"vector\": [1]}", "exactly one"},
    {"{\"id\": 5}", "id must be a text"},
    {"{\"id\": \"a\", \"start\": -1}", "start must be"},
    {"{\"id\": \"a\", \"begin\": 1}", "no field \"begin\""},
    {"{\"vector\": \"a\"}", "array"},
    {"{\"recommend\": []}", "object"},
    {"{\"recommend\": {}}", "at least one"},
    {"{\"recommend\": {\"positive\": []}}", "at least one"},
    {"{\"recommend\": {\"positive\": \"a\"}}", "list"},
    {"{\"recommend\": {\"positive\": [{}]}}", "positive[0]: an example needs"},
    {"{\"recommend\": {\"positive\": [\"a\", {\"id\": \"b\", \"vector\": [1]}]}}", "positive[1]"},
    {"{\"recommend\": {\"positive\": [{\"id\": \"b\", \"weight\": 0}]}}", "weight"},
    {"{\"recommend\": {\"positive\": [{\"id\": \"b\", \"weight\": -1}]}}", "weight"},
    {"{\"recommend\": {\"positive\": [\"a\"], \"negative\": [5]}}", "negative[0]"},
    {"{\"recommend\": {\"positive\": [\"a\"], \"strategy\": \"x\"}}", "strategy"},
};

static void wrong_queries_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_queries / sizeof *wrong_queries; i++) {
        tb_query_input input;
        tb_error err;
        json_t *json = load(wrong_queries[i].json);
        assert_status(tb_query_read(&input, json, &err), TB_INVALID);
        if (!strstr(err.message, wrong_queries[i].says))
            fail_msg("%s: %s", wrong_queries[i].json, err.message);
        json_decref(json);
    }
}

/* --- patches ------------------------------------------------------------------------------------------- */

static void a_patch_sets_and_clears(void **state)
{
    (void)state;
    tb_patch_input input;
    tb_error err;
    json_t *json = load("{\"title\": \"T\", \"year\": 1999, \"genre\": null, \"external_ids\": {\"mbid\": "
                        "\"x\", \"old\": null},"
                        " \"payload\": {\"a\": [1, 2.5]}}");
    assert_ok(tb_patch_read(&input, json, &err));
    const tb_track_patch *patch = &input.patch;
    assert_true(patch->set_tag[TB_TAG_TITLE] && patch->set_tag[TB_TAG_YEAR] && patch->set_tag[TB_TAG_GENRE]);
    assert_false(patch->set_tag[TB_TAG_ARTIST]);
    assert_string_equal(patch->tags[TB_TAG_TITLE], "T");
    assert_string_equal(patch->tags[TB_TAG_YEAR], "1999");
    assert_null(patch->tags[TB_TAG_GENRE]);
    assert_int_equal(patch->n_external_ids, 2);
    assert_string_equal(patch->external_ids[0].value, "x");
    assert_string_equal(patch->external_ids[1].scheme, "old");
    assert_string_equal(patch->external_ids[1].value, "");
    assert_true(patch->set_payload);
    assert_string_equal(patch->payload, "{\"a\":[1,2.5]}");
    tb_patch_clear(&input);
    json_decref(json);

    json = load("{\"payload\": null}");
    assert_ok(tb_patch_read(&input, json, &err));
    assert_true(input.patch.set_payload);
    assert_null(input.patch.payload);
    tb_patch_clear(&input);
    json_decref(json);

    json = load("{}");
    assert_ok(tb_patch_read(&input, json, &err));
    assert_false(input.patch.set_payload);
    tb_patch_clear(&input);
    json_decref(json);
}

static const struct {
    const char *json, *says;
} wrong_patches[] = {
    {"[]", "object"},
    {"\"a\"", "object"},
    {"{\"title\": 5}", "title must be a text"},
    {"{\"year\": \"1999\"}", "year must be a whole number"},
    {"{\"year\": 1999.5}", "year must be a whole number"},
    {"{\"year\": 100000000000}", "out of that range"},
    {"{\"tempo\": 120}", "no \"tempo\""},
    {"{\"id\": \"x\"}", "external_ids, payload"},
    {"{\"payload\": \"x\"}", "payload must be an object"},
    {"{\"external_ids\": [\"x\"]}", "external_ids must be an object"},
    {"{\"external_ids\": {\"a\": \"\"}}", "not empty"},
    {"{\"external_ids\": {\"a\": 5}}", "external_ids.a"},
};

static void wrong_patches_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong_patches / sizeof *wrong_patches; i++) {
        tb_patch_input input;
        tb_error err;
        json_t *json = load(wrong_patches[i].json);
        assert_status(tb_patch_read(&input, json, &err), TB_INVALID);
        if (!strstr(err.message, wrong_patches[i].says))
            fail_msg("%s: %s", wrong_patches[i].json, err.message);
        json_decref(json);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    json_t *query = load(
        "{\"recommend\": {\"positive\": [[1], {\"vector\": [2]}, \"a\"], \"negative\": [[3]]}}");
    json_t *patch = load("{\"title\": \"T\", \"payload\": {\"a\": [1, 2]}}");
    for (size_t n = 1;; n++) {
        tb_query_input input;
        tb_patch_input patched;
        tb_alloc_fail_after(n);
        tb_status status = tb_query_read(&input, query, NULL);
        if (status == TB_OK) {
            tb_query_clear(&input);
            status = tb_patch_read(&patched, patch, NULL);
            if (status == TB_OK) tb_patch_clear(&patched);
        }
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
        assert_true(n < 100);
    }
    json_decref(query);
    json_decref(patch);
}

TB_TESTS(bodies, cmocka_unit_test(a_query_takes_each_form),
         cmocka_unit_test(examples_may_name_their_part_and_weight),
         cmocka_unit_test(wrong_queries_are_refused), cmocka_unit_test(a_patch_sets_and_clears),
         cmocka_unit_test(wrong_patches_are_refused), cmocka_unit_test(each_allocation_may_fail))
