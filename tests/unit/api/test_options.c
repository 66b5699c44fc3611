// SPDX-License-Identifier: MIT
#include "api/options.h"

#include "api/api_internal.h"
#include "api/search_options.h"
#include "base/alloc.h"
#include "fixture.h"
#include "support/testing.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tb_status set_json(tb_options *options, const char *text, json_t **json, tb_error *err)
{
    *json = json_loads(text, 0, NULL);
    if (!*json) fail_msg("the test's JSON is wrong: %s", text);
    return tb_options_set_object(options, *json, err);
}

/* Both values are alike, row by row of the table. */
static void assert_same_values(const tb_search_call *a, const tb_search_call *b)
{
    assert_near(a->start_s, b->start_s, 0);
    assert_near(a->duration_s, b->duration_s, 0);
    assert_string_equal(a->space ? a->space : "", b->space ? b->space : "");
    assert_int_equal(a->using.n, b->using.n);
    for (size_t i = 0; i < a->using.n; i++) {
        assert_string_equal(a->using.items[i].part, b->using.items[i].part);
        assert_near(a->using.items[i].weight, b->using.items[i].weight, 0);
    }
    assert_int_equal(a->missing, b->missing);
    assert_int_equal(a->level, b->level);
    assert_int_equal(!a->filter, !b->filter);
    assert_int_equal(a->group_by, b->group_by);
    assert_int_equal(a->group_size, b->group_size);
    assert_int_equal(a->max_per_artist, b->max_per_artist);
    assert_int_equal(a->max_per_album, b->max_per_album);
    assert_int_equal(a->exclude_same_album, b->exclude_same_album);
    assert_int_equal(a->previous.n, b->previous.n);
    for (size_t i = 0; i < a->previous.n; i++)
        assert_string_equal(a->previous.items[i], b->previous.items[i]);
    assert_true(a->score_threshold == b->score_threshold ||
                (isnan(a->score_threshold) && isnan(b->score_threshold)));
    assert_int_equal(a->limit, b->limit);
    assert_int_equal(a->offset, b->offset);
    assert_int_equal(a->with, b->with);
    assert_int_equal(a->explain, b->explain);
    assert_int_equal(a->approximate, b->approximate);
}

/* One option in its text form and in its JSON forms. */
static const struct {
    const char *name, *text, *json;
} forms[] = {
    {"start", "30.5", "{\"start\": 30.5}"},
    {"start", "30", "{\"time_offset\": 30}"},
    {"time_limit", "10", "{\"duration\": 10}"},
    {"space", "descriptors", "{\"space\": \"descriptors\"}"},
    {"using", "drums:1,bass:0.5", "{\"using\": {\"drums\": 1, \"bass\": 0.5}}"},
    {"using", "drums:1,bass:0.5", "{\"using\": \"drums:1,bass:0.5\"}"},
    {"using", "drums", "{\"using\": \"drums\"}"},
    {"using", "drums,bass", "{\"using\": [\"drums\", \"bass\"]}"},
    {"using", "drums:0,bass:1e3", "{\"using\": {\"drums\": 0, \"bass\": 1000}}"},
    {"missing", "penalize", "{\"missing\": \"penalize\"}"},
    {"level", "segment", "{\"level\": \"segment\"}"},
    {"filter", "tempo:[90 TO 120]", "{\"filter\": \"tempo:[90 TO 120]\"}"},
    {"filter", "tempo:[90 TO 120]",
     "{\"filter\": {\"must\": [{\"key\": \"tempo\", \"range\": {\"gte\": 90, \"lte\": 120}}]}}"},
    {"filter", " {\"must\": {\"has_id\": [\"x\"]}}", "{\"filter\": {\"must\": {\"has_id\": [\"x\"]}}}"},
    {"group_by", "artist", "{\"group_by\": \"artist\"}"},
    {"group_size", "3", "{\"group_size\": 3.0}"},
    {"max_per_artist", "0", "{\"max_per_artist\": 0}"},
    {"max_per_album", "2", "{\"max_per_album\": 2}"},
    {"exclude_same_album", "true", "{\"exclude_same_album\": true}"},
    {"exclude_same_album", "", "{\"exclude_same_album\": true}"},
    {"exclude_same_album", "0", "{\"exclude_same_album\": false}"},
    {"previous", "a,mbid:b", "{\"previous\": [\"a\", \"mbid:b\"]}"},
    {"previous", "a", "{\"previous\": \"a\"}"},
    {"previous", "", "{\"previous\": []}"},
    {"score_threshold", "0.25", "{\"score_threshold\": 0.25}"},
    {"limit", "1000", "{\"limit\": 1000}"},
    {"offset", "100000", "{\"offset\": 100000}"},
    {"with", "highlights,vector", "{\"with\": [\"vector\", \"highlights\"]}"},
    {"explain", "1", "{\"explain\": true}"},
    {"approximate", "false", "{\"approximate\": false}"},
};

static void text_and_json_give_the_same_values(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        tb_options text = {0}, object = {0};
        json_t *json;
        tb_error err;
        assert_ok(tb_options_init(&text, &tb_search_call_options, fixture_engine(), &err));
        assert_ok(tb_options_init(&object, &tb_search_call_options, fixture_engine(), &err));
        assert_ok(tb_options_set_text(&text, forms[i].name, forms[i].text, true, &err));
        assert_ok(set_json(&object, forms[i].json, &json, &err));
        assert_same_values(text.values, object.values);
        tb_options_clear(&text);
        tb_options_clear(&object);
        json_decref(json);
    }
}

static void every_option_of_a_search_has_a_case_above(void **state)
{
    (void)state;
    for (size_t k = 0; k < tb_similar_options.n_options; k++) {
        const tb_option *option = &tb_similar_options.options[k];
        bool found = false;
        for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
            if (strcmp(forms[i].name, option->name) == 0 ||
                (option->alias && strcmp(forms[i].name, option->alias) == 0))
                found = true;
        if (!found) fail_msg("no case for %s", option->name);
    }
}

static void defaults_are_those_of_the_table(void **state)
{
    (void)state;
    tb_options options = {0};
    tb_error err;
    assert_ok(tb_options_init(&options, &tb_search_call_options, fixture_engine(), &err));
    const tb_search_options plain = tb_search_call_options_of(options.values);
    assert_int_equal(plain.limit, 10);
    assert_int_equal(plain.n_using, 0);
    assert_int_equal(plain.missing, TB_MISSING_SKIP);
    assert_int_equal(plain.level, TB_LEVEL_TRACK);
    assert_int_equal(plain.group_by, TB_GROUP_NONE);
    assert_false(plain.has_score_threshold);
    assert_false(plain.highlights);
    assert_null(plain.filter);
    tb_options_clear(&options);
}

static void null_in_json_means_the_default(void **state)
{
    (void)state;
    tb_options options = {0};
    tb_error err;
    json_t *json;
    assert_ok(tb_options_init(&options, &tb_search_call_options, fixture_engine(), &err));
    assert_ok(
        set_json(&options,
                 "{\"limit\": null, \"using\": null, \"filter\": null, \"with\": null, \"query\": null}",
                 &json, &err));
    const tb_search_call *call = options.values;
    assert_int_equal(call->limit, 10);
    assert_null(call->query);
    tb_options_clear(&options);
    json_decref(json);
}

/* Texts and JSON that are wrong, and a word that the sentence must have. */
static const struct {
    const char *name, *text, *json;
    tb_status status;
    const char *says;
} wrong[] = {
    {"limit", "0", "{\"limit\": 0}", TB_INVALID, "1 to 1000"},
    {"limit", "-1", "{\"limit\": -1}", TB_INVALID, "1 to 1000"},
    {"limit", "1000000000", "{\"limit\": 1000000000}", TB_INVALID, "1 to 1000"},
    {"limit", "99999999999999999999", "{\"limit\": 1e30}", TB_INVALID, "1 to 1000"},
    {"limit", "1.5", "{\"limit\": 1.5}", TB_INVALID, "whole number"},
    {"limit", "", "{\"limit\": \"\"}", TB_INVALID, "whole number"},
    {"limit", "abc", "{\"limit\": \"5\"}", TB_INVALID, "whole number"},
    {"limit", " 5", "{\"limit\": [5]}", TB_INVALID, "whole number"},
    {"limit", "0x5", "{\"limit\": true}", TB_INVALID, "1 to 1000"},
    {"offset", "100001", "{\"offset\": 100001}", TB_INVALID, "0 to 100000"},
    {"score_threshold", "1.1", "{\"score_threshold\": 1.1}", TB_INVALID, "0 to 1"},
    {"score_threshold", "nan", "{\"score_threshold\": \"nan\"}", TB_INVALID, "0 to 1"},
    {"score_threshold", "inf", "{\"score_threshold\": {}}", TB_INVALID, "0 to 1"},
    {"start", "-1", "{\"start\": -1}", TB_INVALID, "start must be"},
    {"missing", "ignore", "{\"missing\": \"ignore\"}", TB_INVALID, "skip|exclude|penalize"},
    {"missing", "", "{\"missing\": 3}", TB_INVALID, "skip|exclude|penalize"},
    {"missing", "ski", "{\"missing\": \"skip|exclude\"}", TB_INVALID, "skip|exclude|penalize"},
    {"explain", "maybe", "{\"explain\": 1}", TB_INVALID, "true or false"},
    {"with", "everything", "{\"with\": [\"everything\"]}", TB_INVALID, "everything"},
    {"with", "vector,,payload", "{\"with\": [\"vector\", \"\"]}", TB_INVALID, "empty"},
    {"with", "vector|payload", "{\"with\": {\"vector\": true}}", TB_INVALID, "with must be"},
    {"using", "", "{\"using\": {}}", TB_INVALID, "using"},
    {"using", "drums:-1", "{\"using\": {\"drums\": -1}}", TB_INVALID, "0 to 1000000"},
    {"using", "drums:nan", "{\"using\": {\"drums\": \"nan\"}}", TB_INVALID, "0 to 1000000"},
    {"using", "drums:inf", "{\"using\": {\"drums\": null}}", TB_INVALID, "0 to 1000000"},
    {"using", "drums:1e9", "{\"using\": {\"drums\": 1e9}}", TB_INVALID, "0 to 1000000"},
    {"using", "drums:0", "{\"using\": {\"drums\": 0, \"bass\": 0}}", TB_INVALID, "above 0"},
    {"using", "drums,drums", "{\"using\": [\"drums\", \"drums\"]}", TB_INVALID, "twice"},
    {"using", "drums,,bass", "{\"using\": [\"drums\", 1]}", TB_INVALID, "part"},
    {"using", ":1", "{\"using\": {\"\": 1}}", TB_INVALID, "without a name"},
    {"using", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "{\"using\": 5}", TB_INVALID, "using"},
    {"previous", "a,,b", "{\"previous\": [\"a\", \"\"]}", TB_INVALID, "empty"},
    {"previous", ",", "{\"previous\": [1]}", TB_INVALID, "item 1"},
    {"filter", "tempo:[90 TO", "{\"filter\": \"tempo:[90 TO\"}", TB_SYNTAX, "character"},
    {"filter", "{\"must\": ", "{\"filter\": \"{\"}", TB_SYNTAX, "line"},
    {"filter", "temp:90", "{\"filter\": {\"must\": [{\"key\": \"temp\", \"match\": {\"value\": 90}}]}}",
     TB_INVALID, "temp"},
    {"filter", "{\"mus\": []}", "{\"filter\": {\"mus\": []}}", TB_INVALID, "must"},
    {"filter", "{\"must\": [5]}", "{\"filter\": [5]}", TB_INVALID, "object"},
};

static void wrong_values_are_refused_in_both_forms(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        for (int as_json = 0; as_json < 2; as_json++) {
            tb_options options = {0};
            json_t *json = NULL;
            tb_error err;
            assert_ok(tb_options_init(&options, &tb_search_call_options, fixture_engine(), &err));
            const tb_status status = as_json ? set_json(&options, wrong[i].json, &json, &err)
                                             : tb_options_set_text(&options, wrong[i].name, wrong[i].text,
                                                                   true, &err);
            const char *given = as_json ? wrong[i].json : wrong[i].text;
            if (status != wrong[i].status)
                fail_msg("%s=%s: got %s", wrong[i].name, given, tb_status_name(status));
            if (!strstr(err.message, wrong[i].says)) fail_msg("%s=%s: %s", wrong[i].name, given, err.message);
            tb_options_clear(&options);
            json_decref(json);
        }
    }
}

static void an_unknown_name_is_told_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *name, *nearest;
    } cases[] = {{"limt", "\"limit\""},
                 {"Limit", "\"limit\""},
                 {"max_per_artists", "\"max_per_artist\""},
                 {"usnig", "\"using\""},
                 {"score_treshold", "\"score_threshold\""},
                 {"qqqqqqqq", "there are start, duration"},
                 {"", "there are start"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_options options = {0};
        tb_error err;
        assert_ok(tb_options_init(&options, &tb_similar_options, fixture_engine(), &err));
        assert_status(tb_options_set_text(&options, cases[i].name, "1", true, &err), TB_INVALID);
        if (!strstr(err.message, cases[i].nearest)) fail_msg("%s: %s", cases[i].name, err.message);
        tb_options_clear(&options);
    }
}

static void a_name_counts_once_under_any_form(void **state)
{
    (void)state;
    tb_options options = {0};
    tb_error err;
    json_t *json;
    assert_ok(tb_options_init(&options, &tb_search_call_options, fixture_engine(), &err));
    assert_ok(tb_options_set_text(&options, "start", "1", true, &err));
    assert_status(tb_options_set_text(&options, "time_offset", "1", true, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "twice"));
    assert_status(set_json(&options, "{\"start\": 1}", &json, &err), TB_INVALID);
    assert_status(tb_options_set_text(&options, "query", "\"a\"", true, &err), TB_INVALID);
    assert_non_null(strstr(err.message, "body"));
    tb_options_clear(&options);
    json_decref(json);
}

static void names_have_distances(void **state)
{
    (void)state;
    assert_int_equal(tb_name_distance("", ""), 0);
    assert_int_equal(tb_name_distance("limit", "limit"), 0);
    assert_int_equal(tb_name_distance("limt", "limit"), 1);
    assert_int_equal(tb_name_distance("limti", "limit"), 1);
    assert_int_equal(tb_name_distance("abc", ""), 3);
    assert_int_equal(tb_name_distance("kitten", "sitting"), 3);
    assert_int_equal(tb_name_distance("a", "a_name_that_is_much_longer_than_any_option_has"), 46);
}

static tb_status use_memory(const json_t *json)
{
    tb_options options = {0};
    tb_status status = TB_OK;
    TB_TRY(tb_options_init(&options, &tb_search_call_options, fixture_engine(), NULL));
    TB_TRY(tb_options_set_text(&options, "previous", "a,b", true, NULL));
    TB_TRY(tb_options_set_text(&options, "filter",
                               "{\"must\": [{\"key\": \"genre\", \"match\": {\"except\": [\"a\"]}}]}", true,
                               NULL));
    TB_TRY(tb_options_set_object(&options, json, NULL));
out:
    tb_options_clear(&options);
    return status;
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    json_t *json = json_loads("{\"using\": \"a:1,b\", \"with\": \"vector\", \"query\": [1, 2]}", 0, NULL);
    assert_status(use_memory(json), TB_OK); /* opens the shared engine */
    for (size_t n = 1;; n++) {
        tb_alloc_fail_after(n);
        const tb_status status = use_memory(json);
        tb_alloc_fail_after(0);
        if (status == TB_OK) break;
        assert_true(status == TB_NO_MEMORY ||
                    status == TB_SYNTAX); /* jansson does not tell them apart everywhere */
        assert_true(n < 200);
    }
    json_decref(json);
}

TB_TESTS(options, cmocka_unit_test(text_and_json_give_the_same_values),
         cmocka_unit_test(every_option_of_a_search_has_a_case_above),
         cmocka_unit_test(defaults_are_those_of_the_table), cmocka_unit_test(null_in_json_means_the_default),
         cmocka_unit_test(wrong_values_are_refused_in_both_forms),
         cmocka_unit_test(an_unknown_name_is_told_the_nearest),
         cmocka_unit_test(a_name_counts_once_under_any_form), cmocka_unit_test(names_have_distances),
         cmocka_unit_test(each_allocation_may_fail))
