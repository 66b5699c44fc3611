// SPDX-License-Identifier: MIT
/* See exchange.h.  The validator knows the part of JSON Schema that openapi.yaml uses for replies. */
#include "exchange.h"

#include "api/api_internal.h"
#include "base/alloc.h"
#include "fixture.h"
#include "support/testing.h"

#include <math.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- the description ----------------------------------------------------------------------------------- */

static json_t *root;

static void free_root(void)
{
    json_decref(root);
}

static const json_t *description(void)
{
    for (const tb_embedded_file *file = tb_api_files; !root && file->name; file++)
        if (strcmp(file->name, "openapi.json") == 0) {
            root = json_loadb((const char *)file->bytes, file->size, 0, NULL);
            atexit(free_root);
        }
    if (!root) fail_msg("openapi.json is not built in, or does not parse");
    return root;
}

static const json_t *resolve(const json_t *node)
{
    const char *reference = json_string_value(json_object_get(node, "$ref"));
    if (!reference) return node;
    node = description();
    for (const char *at = reference + 1; *at == '/';) {
        char name[64];
        const size_t size = strcspn(at + 1, "/");
        snprintf(name, sizeof name, "%.*s", (int)size, at + 1);
        node = json_object_get(node, name);
        at += size + 1;
    }
    return resolve(node);
}

static bool is_of_type(const json_t *value, const char *type)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT: return strcmp(type, "object") == 0;
    case JSON_ARRAY: return strcmp(type, "array") == 0;
    case JSON_STRING: return strcmp(type, "string") == 0;
    case JSON_INTEGER: return strcmp(type, "integer") == 0 || strcmp(type, "number") == 0;
    case JSON_REAL: return strcmp(type, "number") == 0;
    case JSON_TRUE:
    case JSON_FALSE: return strcmp(type, "boolean") == 0;
    case JSON_NULL: return strcmp(type, "null") == 0;
    }
    return false;
}

static bool type_fits(const json_t *value, const json_t *types)
{
    if (!types) return true;
    if (json_is_string(types)) return is_of_type(value, json_string_value(types));
    for (size_t i = 0; i < json_array_size(types); i++)
        if (is_of_type(value, json_string_value(json_array_get(types, i)))) return true;
    return false;
}

static bool pattern_fits(const char *text, const char *pattern)
{
    regex_t compiled;
    char posix[200] = "";
    size_t n = 0;
    for (; *pattern && n + 8 < sizeof posix; pattern++) /* \d is not POSIX */
        if (pattern[0] == '\\' && pattern[1] == 'd') {
            n += (size_t)snprintf(posix + n, sizeof posix - n, "[0-9]");
            pattern++;
        } else {
            posix[n++] = *pattern;
        }
    posix[n] = '\0';
    if (regcomp(&compiled, posix, REG_EXTENDED | REG_NOSUB) != 0)
        fail_msg("the pattern %s does not compile", posix);
    const bool fits = regexec(&compiled, text, 0, NULL, 0) == 0;
    regfree(&compiled);
    return fits;
}

static void assert_fits(const char *where, const json_t *value, const json_t *schema);

static void assert_object_fits(const char *where, const json_t *value, const json_t *schema)
{
    const json_t *properties = json_object_get(schema, "properties"),
                 *required = json_object_get(schema, "required");
    const json_t *others = json_object_get(schema, "additionalProperties");
    const char *name;
    json_t *member;
    for (size_t i = 0; i < json_array_size(required); i++)
        if (!json_object_get(value, json_string_value(json_array_get(required, i))))
            fail_msg("%s lacks %s", where, json_string_value(json_array_get(required, i)));
    json_object_foreach((json_t *)(uintptr_t)value, name, member) {
        char inner[300];
        const json_t *known = json_object_get(properties, name);
        snprintf(inner, sizeof inner, "%s.%s", where, name);
        if (known) assert_fits(inner, member, known);
        else if (json_is_false(others)) fail_msg("%s is not in the schema", inner);
        else if (others) assert_fits(inner, member, others);
    }
}

static void assert_fits(const char *where, const json_t *value, const json_t *schema)
{
    schema = resolve(schema);
    const json_t *fixed = json_object_get(schema, "const"), *choices = json_object_get(schema, "enum");
    const json_t *low = json_object_get(schema, "minimum"), *high = json_object_get(schema, "maximum");
    const char *pattern = json_string_value(json_object_get(schema, "pattern"));
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    if (!type_fits(value, json_object_get(schema, "type")))
        fail_msg("%s has the wrong type: %s", where, text);
    if (fixed && !json_equal(fixed, value)) fail_msg("%s has the wrong value: %s", where, text);
    bool chosen = !choices;
    for (size_t i = 0; i < json_array_size(choices); i++)
        chosen |= json_equal(json_array_get(choices, i), value);
    if (!chosen) fail_msg("%s is none of the choices: %s", where, text);
    if (json_is_number(value) && low && json_number_value(value) < json_number_value(low))
        fail_msg("%s is too small: %s", where, text);
    if (json_is_number(value) && high && json_number_value(value) > json_number_value(high))
        fail_msg("%s is too large: %s", where, text);
    if (json_is_string(value) && pattern && !pattern_fits(json_string_value(value), pattern))
        fail_msg("%s does not fit %s: %s", where, pattern, text);
    free(text);
    if (json_is_object(value)) assert_object_fits(where, value, schema);
    for (size_t i = 0; json_is_array(value) && i < json_array_size(value) && json_object_get(schema, "items");
         i++) {
        char inner[300];
        snprintf(inner, sizeof inner, "%s[%zu]", where, i);
        assert_fits(inner, json_array_get(value, i), json_object_get(schema, "items"));
    }
}

/* What the description says of this call and status; NULL when the path or method is unknown there. */
static const json_t *find_response(const exchange *x)
{
    static const char *const keys[] = {[TB_GET] = "get", [TB_HEAD] = "get",    [TB_POST] = "post",
                                       [TB_PUT] = "put", [TB_PATCH] = "patch", [TB_DELETE] = "delete"};
    tb_route_info info;
    char status[8];
    tb_api_route(x->api, x->request.method, x->request.path, &info);
    if (info.refuse || x->request.method > TB_DELETE) return NULL;
    const json_t *path = json_object_get(json_object_get(description(), "paths"), info.name);
    const json_t *responses = json_object_get(json_object_get(path, keys[x->request.method]), "responses");
    snprintf(status, sizeof status, "%d", x->reply.status);
    const json_t *response = json_object_get(responses, status);
    if (!response && x->reply.status >= 400) response = json_object_get(responses, "default");
    if (!response) fail_msg("openapi.yaml has no %d for %s", x->reply.status, info.name);
    return resolve(response);
}

static void assert_reply_fits(exchange *x)
{
    const json_t *response = find_response(x);
    const tb_reply *reply = &x->reply;
    const char *type = reply->content_type;
    const bool is_json = type && (strstr(type, "/json") || strstr(type, "+json"));
    if (is_json) {
        x->json = json_loadb(reply->bytes, reply->size, JSON_REJECT_DUPLICATES, NULL);
        if (!x->json) fail_msg("the reply is not JSON: %.*s", (int)reply->size, reply->bytes);
    }
    if (!response) {
        assert_fits("problem", x->json,
                    json_object_get(json_object_get(json_object_get(description(), "components"), "schemas"),
                                    "Problem"));
        return;
    }
    const json_t *content = json_object_get(response, "content");
    if (!type) {
        assert_null(content);
        assert_int_equal(reply->size, 0);
        return;
    }
    char plain[64];
    snprintf(plain, sizeof plain, "%.*s", (int)strcspn(type, ";"), type);
    const json_t *media = json_object_get(content, plain);
    if (!media) media = json_object_get(content, "*/*");
    if (!media) fail_msg("openapi.yaml has no %s here", plain);
    if (is_json) assert_fits("reply", x->json, json_object_get(media, "schema"));
}

/* --- the exchange -------------------------------------------------------------------------------------- */

void exchange_begin(exchange *x, tb_method method, const char *target)
{
    tb_error err;
    const tb_api_options options = {.max_json_bytes = EXCHANGE_MAX_JSON};
    memset(x, 0, sizeof *x);
    assert_ok(tb_api_new(fixture_engine(), &options, &x->api, &err));
    tb_request_init(&x->request);
    tb_reply_init(&x->reply);
    x->request.method = method;
    x->request.body.limit = 1000000;
    assert_ok(tb_request_set_target(&x->request, target, &err));
}

void exchange_header(exchange *x, const char *name, const char *value)
{
    tb_error err;
    assert_ok(tb_request_add_header(&x->request, name, value, &err));
}

void exchange_json(exchange *x, const char *body)
{
    assert_status(tb_buffer_append_text(&x->request.body, body), TB_OK);
    x->request.has_body = true;
    if (!tb_request_header(&x->request, "content-type"))
        exchange_header(x, "content-type", "application/json");
}

static tb_upload *add_part(exchange *x, const char *field, const char *file_name)
{
    tb_error err;
    tb_upload *upload;
    assert_ok(tb_request_add_upload(&x->request, field, file_name, "audio/ogg", &upload, &err));
    x->request.has_body = true;
    if (!tb_request_header(&x->request, "content-type"))
        exchange_header(x, "content-type", *field ? "multipart/form-data; boundary=x" : "audio/ogg");
    return upload;
}

/* The file's bytes lie in the engine's folder for uploads, as those that a client sent. */
static void put_upload(tb_upload *upload, const void *bytes, size_t size)
{
    static int n;
    char path[4096];
    snprintf(path, sizeof path, "%s/upload-%d", tb_engine_incoming_folder(fixture_engine()), n++);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
    upload->path = tb_strdup(path);
    upload->size = (int64_t)size;
}

void exchange_file(exchange *x, const char *field, const char *file_name, const char *content)
{
    put_upload(add_part(x, field, file_name), content, strlen(content));
}

void exchange_audio(exchange *x, const char *field, const char *file_name, const char *path)
{
    tb_error err;
    char *bytes;
    size_t size;
    assert_ok(tb_fs_read(path, 100000000, &bytes, &size, &err));
    put_upload(add_part(x, field, file_name), bytes, size);
    tb_free(bytes);
}

void exchange_field(exchange *x, const char *field, const char *value)
{
    tb_upload *upload = add_part(x, field, NULL);
    upload->bytes = tb_strdup(value);
    upload->size = (int64_t)strlen(value);
}

void exchange_run(exchange *x, int expected_status)
{
    tb_api_handle(x->api, &x->request, &x->reply);
    if (x->reply.status != expected_status)
        fail_msg("%s %s: %d instead of %d: %.*s", tb_method_name(x->request.method), x->request.path,
                 x->reply.status, expected_status, (int)(x->reply.kind == TB_BODY_BYTES ? x->reply.size : 0),
                 x->reply.bytes ? x->reply.bytes : "");
    assert_reply_fits(x);
}

void exchange_end(exchange *x)
{
    json_decref(x->json);
    tb_request_clear(&x->request);
    tb_reply_clear(&x->reply);
    tb_api_free(x->api);
}

json_t *exchange_get(exchange *x, const char *target, int expected_status)
{
    exchange_begin(x, TB_GET, target);
    exchange_run(x, expected_status);
    return x->json;
}

json_t *exchange_post(exchange *x, const char *target, const char *body, int expected_status)
{
    exchange_begin(x, TB_POST, target);
    exchange_json(x, body);
    exchange_run(x, expected_status);
    return x->json;
}

const char *exchange_reply_header(const exchange *x, const char *name)
{
    for (size_t i = 0; i < x->reply.n_headers; i++)
        if (strcmp(x->reply.headers[i].name, name) == 0) return x->reply.headers[i].value;
    return "";
}

const json_t *exchange_at(const json_t *json, const char *path)
{
    for (const char *at = path; *at;) {
        char name[64];
        const size_t size = strcspn(at, ".");
        snprintf(name, sizeof name, "%.*s", (int)size, at);
        json = json_is_array(json) ? json_array_get(json, (size_t)strtoul(name, NULL, 10))
                                   : json_object_get(json, name);
        if (!json) fail_msg("the reply has no %s (in %s)", name, path);
        at += size + (at[size] == '.');
    }
    return json;
}

void exchange_assert_detail(const exchange *x, const char *says)
{
    const char *detail = json_string_value(exchange_at(x->json, "detail"));
    if (!strstr(detail, says)) fail_msg("\"%s\" does not say \"%s\"", detail, says);
}
