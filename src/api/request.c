// SPDX-License-Identifier: MIT
/* Requests: taking a target apart, keeping headers and uploads (see request.h).
 *
 * Percent signs and slashes that are encoded inside a path segment stay encoded ("%25", "%2F"), so that a
 * decoded path still has its segments where the client put them; tb_request_decode_segment undoes that for
 * one segment. */
#include "api/request.h"

#include "base/alloc.h"
#include "base/text.h"

#include <string.h>
#include <unistd.h>

static const char *const method_names[] = {
    [TB_GET] = "GET",     [TB_HEAD] = "HEAD",     [TB_POST] = "POST",       [TB_PUT] = "PUT",
    [TB_PATCH] = "PATCH", [TB_DELETE] = "DELETE", [TB_OPTIONS] = "OPTIONS", [TB_METHOD_OTHER] = "other",
};

void tb_request_init(tb_request *request)
{
    memset(request, 0, sizeof *request);
    tb_buffer_init(&request->body, TB_MAX_FIELD_BYTES);
}

static void clear_parameters(tb_parameter *parameters, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tb_free(parameters[i].name);
        tb_free(parameters[i].value);
    }
}

void tb_request_clear(tb_request *request)
{
    for (size_t i = 0; i < request->n_uploads; i++) {
        tb_upload *upload = &request->uploads[i];
        if (upload->path) unlink(upload->path);
        tb_free(upload->field);
        tb_free(upload->file_name);
        tb_free(upload->content_type);
        tb_free(upload->path);
        tb_free(upload->bytes);
    }
    clear_parameters(request->parameters, request->n_parameters);
    clear_parameters(request->headers, request->n_headers);
    tb_buffer_clear(&request->body);
    tb_free(request->path);
    tb_request_init(request);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Decodes the percent encoding of text[0, size) into out (size + 1 bytes of room).  in_path: "%2F" and "%25"
 * stay, else '+' is a blank. */
static tb_status decode(const char *text, size_t size, bool in_path, char *out, tb_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        char c = text[i];
        if (c == '%') {
            const int high = i + 2 < size ? hex_digit(text[i + 1]) : -1;
            const int low = i + 2 < size ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return tb_error_set(err, TB_SYNTAX,
                                    "the address has a '%%' without two hexadecimal digits behind it; write "
                                    "%%25 for "
                                    "a percent sign");
            c = (char)(high * 16 + low);
            if (in_path && (c == '/' || c == '%')) {
                memcpy(out + n, c == '/' ? "%2F" : "%25", 3);
                n += 3;
                i += 2;
                continue;
            }
            i += 2;
        } else if (c == '+' && !in_path) {
            c = ' ';
        }
        if (c == '\0') return tb_error_set(err, TB_SYNTAX, "the address contains a zero byte (%%00)");
        out[n++] = c;
    }
    out[n] = '\0';
    if (!tb_utf8_valid(out, n))
        return tb_error_set(err, TB_SYNTAX, "the address is not UTF-8 once its percent encoding is undone");
    return TB_OK;
}

static tb_status add_to(tb_parameter *parameters, size_t *n, const char *name, const char *value,
                        const char *what, tb_error *err)
{
    if (*n == TB_MAX_PARAMETERS)
        return tb_error_set(err, TB_TOO_LARGE, "there are more than %d %s", TB_MAX_PARAMETERS, what);
    tb_parameter added = {tb_strdup(name), tb_strdup(value)};
    if (!added.name || !added.value) {
        tb_free(added.name);
        tb_free(added.value);
        return tb_error_set(err, TB_NO_MEMORY, "no memory for the request's %s", what);
    }
    parameters[(*n)++] = added;
    return TB_OK;
}

/* One "name=value" of the query string. */
static tb_status add_pair(tb_request *request, const char *pair, size_t size, char *name, char *value,
                          tb_error *err)
{
    const char *equals = memchr(pair, '=', size);
    const size_t name_size = equals ? (size_t)(equals - pair) : size;
    tb_status status = TB_OK;
    TB_TRY(decode(pair, name_size, false, name, err));
    value[0] = '\0';
    if (equals) TB_TRY(decode(equals + 1, size - name_size - 1, false, value, err));
    TB_TRY(add_to(request->parameters, &request->n_parameters, name, value, "parameters", err));
out:
    return status;
}

tb_status tb_request_set_target(tb_request *request, const char *target, tb_error *err)
{
    tb_status status = TB_OK;
    char *path = NULL, *name = NULL, *value = NULL;
    const size_t size = strlen(target);
    if (size > TB_MAX_TARGET_BYTES)
        TB_FAIL(err, TB_TOO_LARGE,
                "the address is longer than %d bytes; long queries can be sent as JSON with POST",
                TB_MAX_TARGET_BYTES);
    if (target[0] != '/') TB_FAIL(err, TB_SYNTAX, "the address has to start with '/'");

    const size_t path_size = strcspn(target, "?#");
    path = tb_alloc(size + 1, 1);
    name = tb_alloc(size + 1, 1);
    value = tb_alloc(size + 1, 1);
    if (!path || !name || !value) TB_FAIL(err, TB_NO_MEMORY, "no memory for the address");
    TB_TRY(decode(target, path_size, true, path, err));

    if (target[path_size] == '?') {
        const char *pair = target + path_size + 1;
        const char *end = pair + strcspn(pair, "#");
        while (pair < end) {
            const char *next = memchr(pair, '&', (size_t)(end - pair));
            const size_t pair_size = (size_t)((next ? next : end) - pair);
            if (pair_size > 0) TB_TRY(add_pair(request, pair, pair_size, name, value, err));
            pair += pair_size + 1;
        }
    }
    tb_free(request->path);
    request->path = path;
    path = NULL;
out:
    tb_free(path);
    tb_free(name);
    tb_free(value);
    return status;
}

bool tb_request_decode_segment(const char *segment, size_t size, char *out, size_t capacity)
{
    size_t n = 0;
    for (size_t i = 0; i < size; i++) {
        if (n + 1 >= capacity) return false;
        if (segment[i] == '%') { /* set_target leaves %25 and %2F alone */
            out[n++] = i + 2 < size && segment[i + 2] == '5' ? '%' : '/';
            i += 2;
        } else {
            out[n++] = segment[i];
        }
    }
    if (capacity == 0) return false;
    out[n] = '\0';
    return true;
}

tb_status tb_request_add_header(tb_request *request, const char *name, const char *value, tb_error *err)
{
    const tb_status status = add_to(request->headers, &request->n_headers, name, value, "headers", err);
    if (status != TB_OK) return status;
    for (char *c = request->headers[request->n_headers - 1].name; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    return TB_OK;
}

/* Copy of a text that the client chose, as UTF-8; NULL stays NULL. */
static tb_status copy_clean(const char *text, char **copy)
{
    if (!text) return TB_OK;
    *copy = tb_utf8_clean(text, strlen(text));
    return *copy ? TB_OK : TB_NO_MEMORY;
}

tb_status tb_request_add_upload(tb_request *request, const char *field, const char *file_name,
                                const char *content_type, tb_upload **upload, tb_error *err)
{
    if (request->n_uploads == TB_MAX_FILES)
        return tb_error_set(err, TB_INVALID, "the form has more than %d parts; send one file a request",
                            TB_MAX_FILES);
    tb_upload *added = &request->uploads[request->n_uploads];
    memset(added, 0, sizeof *added);
    if (copy_clean(field ? field : "", &added->field) != TB_OK ||
        copy_clean(file_name, &added->file_name) != TB_OK ||
        copy_clean(content_type, &added->content_type) != TB_OK) {
        tb_free(added->field);
        tb_free(added->file_name);
        memset(added, 0, sizeof *added);
        return tb_error_set(err, TB_NO_MEMORY, "no memory for a part of the form");
    }
    request->n_uploads++;
    *upload = added;
    return TB_OK;
}

static const char *find_value(const tb_parameter *parameters, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(parameters[i].name, name) == 0) return parameters[i].value;
    return NULL;
}

const char *tb_request_parameter(const tb_request *request, const char *name)
{
    return find_value(request->parameters, request->n_parameters, name);
}

const char *tb_request_header(const tb_request *request, const char *lower_case_name)
{
    return find_value(request->headers, request->n_headers, lower_case_name);
}

tb_method tb_method_from_name(const char *name)
{
    for (int i = 0; i < TB_METHOD_OTHER; i++)
        if (strcmp(method_names[i], name) == 0) return (tb_method)i;
    return TB_METHOD_OTHER;
}

const char *tb_method_name(tb_method method)
{
    return method_names[method >= TB_GET && method <= TB_OPTIONS ? method : TB_METHOD_OTHER];
}
