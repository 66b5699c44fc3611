// SPDX-License-Identifier: MIT
/* The tables against api/openapi.yaml: each route is an operation there and each operation a route, and what
 * a call can be told has the same names, ranges, defaults and choices in both. */
#include "api/api_internal.h"

#include "support/testing.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static json_t *description(void)
{
    for (const tb_embedded_file *file = tb_api_files; file->name; file++) {
        if (strcmp(file->name, "openapi.json") != 0) continue;
        json_t *json = json_loadb((const char *)file->bytes, file->size, JSON_REJECT_DUPLICATES, NULL);
        if (!json) fail_msg("openapi.json does not parse");
        return json;
    }
    fail_msg("openapi.json is not built in");
    return NULL;
}

/* The node itself, or where its $ref leads. */
static const json_t *resolve(const json_t *root, const json_t *node)
{
    const char *reference = json_string_value(json_object_get(node, "$ref"));
    while (reference) {
        node = root;
        for (const char *at = reference + 1; *at == '/';) {
            char name[64];
            const size_t size = strcspn(at + 1, "/");
            snprintf(name, sizeof name, "%.*s", (int)size, at + 1);
            node = json_object_get(node, name);
            at += size + 1;
        }
        reference = json_string_value(json_object_get(node, "$ref"));
    }
    return node;
}

static const char *method_key(tb_method method)
{
    static const char *const keys[] = {
        [TB_GET] = "get", [TB_POST] = "post", [TB_PUT] = "put", [TB_PATCH] = "patch", [TB_DELETE] = "delete"};
    return keys[method];
}

static void each_route_is_an_operation(void **state)
{
    (void)state;
    json_t *root = description();
    for (size_t i = 0; i < tb_n_routes; i++) {
        const json_t *path = json_object_get(json_object_get(root, "paths"), tb_routes[i].pattern);
        const json_t *operation = json_object_get(path, method_key(tb_routes[i].method));
        if (!operation)
            fail_msg("%s %s is not in openapi.yaml", tb_method_name(tb_routes[i].method),
                     tb_routes[i].pattern);
        if ((tb_routes[i].body == TB_BODY_NONE) != !json_object_get(operation, "requestBody") &&
            (tb_routes[i].options || tb_routes[i].whole_body))
            fail_msg("%s: one says that there is a body, the other that there is none", tb_routes[i].pattern);
    }
    json_decref(root);
}

static void each_operation_is_a_route(void **state)
{
    (void)state;
    json_t *root = description();
    const char *path, *method;
    json_t *item, *operation;
    size_t n = 0;
    json_object_foreach(json_object_get(root, "paths"), path, item) {
        json_object_foreach(item, method, operation) {
            if (strcmp(method, "parameters") == 0) continue;
            bool found = false;
            for (size_t i = 0; i < tb_n_routes; i++)
                if (strcmp(tb_routes[i].pattern, path) == 0 &&
                    strcmp(method_key(tb_routes[i].method), method) == 0)
                    found = true;
            if (!found) fail_msg("%s %s has no route", method, path);
            if (!json_object_get(operation, "operationId"))
                fail_msg("%s %s has no operationId", method, path);
            n++;
        }
    }
    assert_int_equal(n, tb_n_routes);
    json_decref(root);
}

static bool has_type(const json_t *schema, const char *type)
{
    const json_t *types = json_object_get(schema, "type");
    if (json_is_string(types)) return strcmp(json_string_value(types), type) == 0;
    for (size_t i = 0; i < json_array_size(types); i++)
        if (strcmp(json_string_value(json_array_get(types, i)), type) == 0) return true;
    return false;
}

static void assert_choices(const char *where, const char *choices, const json_t *list)
{
    char joined[128] = "";
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *text = json_string_value(json_array_get(list, i));
        const size_t used = strlen(joined);
        if (text) snprintf(joined + used, sizeof joined - used, "%s%s", used ? "|" : "", text);
    }
    if (strcmp(joined, choices) != 0)
        fail_msg("%s: the table has %s, openapi.yaml %s", where, choices, joined);
}

/* A row and the schema of its parameter or body field agree. */
static void assert_schema(const char *where, const tb_option *option, const json_t *schema)
{
    const json_t *value = json_object_get(schema, "default");
    if (option->type == TB_OPTION_INTEGER || option->type == TB_OPTION_NUMBER) {
        const json_t *low = json_object_get(schema, "minimum"), *high = json_object_get(schema, "maximum");
        if (!has_type(schema, option->type == TB_OPTION_INTEGER ? "integer" : "number"))
            fail_msg("%s has another type", where);
        if (!low || json_number_value(low) != option->low) fail_msg("%s has another minimum", where);
        if (!high || json_number_value(high) != option->high) fail_msg("%s has another maximum", where);
        if (isnan(option->initial) ? value != NULL : !value || json_number_value(value) != option->initial)
            fail_msg("%s has another default", where);
    }
    if (option->type == TB_OPTION_BOOL && (!has_type(schema, "boolean") || !json_is_false(value)))
        fail_msg("%s is not a boolean that is false by default", where);
    if (option->type == TB_OPTION_TEXT && !has_type(schema, "string")) fail_msg("%s is not a text", where);
    if (option->type == TB_OPTION_CHOICE) {
        assert_choices(where, option->choices, json_object_get(schema, "enum"));
        if (!value ||
            strncmp(json_string_value(value), option->choices, strlen(json_string_value(value))) != 0)
            fail_msg("%s has another default", where);
    }
    if (option->type == TB_OPTION_FLAGS && has_type(schema, "array"))
        assert_choices(where, option->choices, json_object_get(json_object_get(schema, "items"), "enum"));
}

static void parameters_are_those_of_the_tables(void **state)
{
    (void)state;
    json_t *root = description();
    for (size_t i = 0; i < tb_n_routes; i++) {
        const tb_route *route = &tb_routes[i];
        const json_t *path = json_object_get(json_object_get(root, "paths"), route->pattern);
        const json_t *parameters = json_object_get(json_object_get(path, method_key(route->method)),
                                                   "parameters");
        size_t n_query = 0, n_rows = 0;
        for (size_t k = 0; k < json_array_size(parameters); k++) {
            const json_t *parameter = resolve(root, json_array_get(parameters, k));
            const char *name = json_string_value(json_object_get(parameter, "name"));
            char where[128];
            if (strcmp(json_string_value(json_object_get(parameter, "in")), "query") != 0) continue;
            snprintf(where, sizeof where, "%s %s: %s", method_key(route->method), route->pattern, name);
            n_query++;
            const tb_option *row = NULL;
            for (size_t r = 0; route->options && r < route->options->n_options; r++)
                if (strcmp(route->options->options[r].name, name) == 0) row = &route->options->options[r];
            if (!row || row->body_only) fail_msg("%s is not in the table", where);
            assert_schema(where, row, json_object_get(parameter, "schema"));
        }
        /* Parameters of a call that is meant for JSON need not be listed twice. */
        if (strcmp(route->pattern, "/v1/tracks/scroll") == 0) continue;
        for (size_t r = 0; route->options && r < route->options->n_options; r++)
            n_rows += !route->options->options[r].body_only;
        if (n_query != n_rows)
            fail_msg("%s %s: %zu parameters in openapi.yaml, %zu in the table", method_key(route->method),
                     route->pattern, n_query, n_rows);
    }
    json_decref(root);
}

/* Members of a schema are the rows of a table, but for one that is described elsewhere. */
static void assert_object(const json_t *root, const char *name, const tb_option_table *table, const char *but)
{
    const json_t *schema = json_object_get(json_object_get(json_object_get(root, "components"), "schemas"),
                                           name);
    const json_t *properties = json_object_get(schema, "properties");
    size_t n = 0;
    for (size_t r = 0; r < table->n_options; r++) {
        const tb_option *row = &table->options[r];
        char where[128];
        if (but && strcmp(row->name, but) == 0) continue;
        snprintf(where, sizeof where, "%s.%s", name, row->name);
        const json_t *property = resolve(root, json_object_get(properties, row->name));
        if (!property) fail_msg("%s is not in openapi.yaml", where);
        if (!json_object_get(property, "oneOf") && row->type != TB_OPTION_TEXT)
            assert_schema(where, row, property);
        n++;
    }
    assert_int_equal(json_object_size(properties), n);
}

static void fields_of_bodies_are_those_of_the_tables(void **state)
{
    (void)state;
    json_t *root = description();
    assert_object(root, "SearchOptions", &tb_search_call_options, "query");
    assert_object(root, "ListRequest", &tb_track_list_options, NULL);
    json_decref(root);
}

/* Every name is a property of the schema, and there are no others but `n_more`. */
static void assert_names(const json_t *root, const char *schema_name, const char *const *names, size_t n,
                         size_t n_more)
{
    const json_t *schema = json_object_get(json_object_get(json_object_get(root, "components"), "schemas"),
                                           schema_name);
    const json_t *properties = json_object_get(schema, "properties");
    for (size_t i = 0; i < n; i++)
        if (!json_object_get(properties, names[i]))
            fail_msg("%s has no %s in openapi.yaml", schema_name, names[i]);
    if (json_object_size(properties) != n + n_more)
        fail_msg("%s has other names in openapi.yaml", schema_name);
}

static void tags_and_features_are_described(void **state)
{
    (void)state;
    json_t *root = description();
    const char *features[TB_FEATURE_COUNT], *tags[TB_TAG_COUNT];
    for (int i = 0; i < TB_FEATURE_COUNT; i++) features[i] = tb_feature_get_info((tb_feature)i)->name;
    for (int i = 0; i < TB_TAG_COUNT; i++) tags[i] = tb_tag_name((tb_tag)i);
    assert_names(root, "Features", features, TB_FEATURE_COUNT, 0);
    assert_names(root, "TrackPatch", tags, TB_TAG_COUNT, 2);
    assert_names(root, "Track", tags, TB_TAG_COUNT, 13);
    json_decref(root);
}

static void the_server_learns_what_a_body_may_be(void **state)
{
    (void)state;
    tb_error err;
    tb_api *api;
    tb_route_info info;
    const tb_api_options options = {.max_upload_bytes = 1000, .max_json_bytes = 5000};
    assert_ok(tb_api_new(NULL, &options, &api, &err));
    tb_api_route(api, TB_POST, "/v1/search", &info);
    assert_string_equal(info.name, "/v1/search");
    assert_int_equal(info.body, TB_BODY_UPLOAD);
    assert_true(info.body_limit >= 5000 && info.body_limit >= 1000);
    assert_int_equal(info.json_limit, 5000);
    assert_int_equal(info.refuse, 0);
    tb_api_route(api, TB_HEAD, "/v1/tracks/a%2Fb/audio", &info);
    assert_string_equal(info.name, "/v1/tracks/{id}/audio");
    assert_int_equal(info.body, TB_BODY_NONE);
    assert_int_equal(info.body_limit, 0);
    tb_api_route(api, TB_POST, "/v1/tracks/scroll", &info);
    assert_string_equal(info.name, "/v1/tracks/scroll");
    tb_api_route(api, TB_GET, "/healthz", &info);
    assert_true(info.light);
    static const char *const unknown[] = {
        "/v1", "/v1/", "/v1/tracks/", "/v1/tracks//audio", "/v1/tracks/a/b", "/v1/tracks/a/audio/", "//",
        "/v1/../v1/tracks", "/openapi.yaml", "/V1/tracks",
    };
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        tb_api_route(api, TB_GET, unknown[i], &info);
        if (info.refuse != 404) fail_msg("%s: %d", unknown[i], info.refuse);
        assert_string_equal(info.name, "other");
    }
    tb_api_route(api, TB_DELETE, "/v1/search", &info);
    assert_int_equal(info.refuse, 405);
    tb_api_route(api, TB_METHOD_OTHER, "/v1/search", &info);
    assert_int_equal(info.refuse, 405);
    tb_api_route(api, TB_OPTIONS, "/v1/search", &info);
    assert_int_equal(info.refuse, 0);
    tb_api_free(api);
}

static void a_body_is_known_by_its_content_type(void **state)
{
    (void)state;
    static const struct {
        const char *type;
        tb_body_form upload, json;
    } cases[] = {
        {NULL, TB_FORM_RAW, TB_FORM_JSON},
        {"", TB_FORM_RAW, TB_FORM_JSON},
        {"application/json", TB_FORM_JSON, TB_FORM_JSON},
        {"Application/JSON; charset=utf-8", TB_FORM_JSON, TB_FORM_JSON},
        {"application/merge-patch+json", TB_FORM_JSON, TB_FORM_JSON},
        {"application/jsonx", TB_FORM_REFUSED, TB_FORM_REFUSED},
        {"multipart/form-data; boundary=x", TB_FORM_MULTIPART, TB_FORM_REFUSED},
        {"audio/mpeg", TB_FORM_RAW, TB_FORM_REFUSED},
        {"AUDIO/ogg", TB_FORM_RAW, TB_FORM_REFUSED},
        {"video/mp4", TB_FORM_RAW, TB_FORM_REFUSED},
        {"application/octet-stream", TB_FORM_RAW, TB_FORM_REFUSED},
        {"application/x-www-form-urlencoded", TB_FORM_RAW, TB_FORM_REFUSED},
        {"text/plain", TB_FORM_REFUSED, TB_FORM_REFUSED},
        {"text/html", TB_FORM_REFUSED, TB_FORM_REFUSED},
        {"image/png", TB_FORM_REFUSED, TB_FORM_REFUSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(tb_api_body_form(TB_BODY_UPLOAD, cases[i].type), cases[i].upload);
        assert_int_equal(tb_api_body_form(TB_BODY_JSON, cases[i].type), cases[i].json);
        assert_int_equal(tb_api_body_form(TB_BODY_NONE, cases[i].type), TB_FORM_REFUSED);
    }
}

TB_TESTS(routes, cmocka_unit_test(each_route_is_an_operation), cmocka_unit_test(each_operation_is_a_route),
         cmocka_unit_test(parameters_are_those_of_the_tables),
         cmocka_unit_test(fields_of_bodies_are_those_of_the_tables),
         cmocka_unit_test(tags_and_features_are_described),
         cmocka_unit_test(the_server_learns_what_a_body_may_be),
         cmocka_unit_test(a_body_is_known_by_its_content_type))
