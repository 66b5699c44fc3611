// SPDX-License-Identifier: MIT
/* Fuzz target: any request to the API.
 *
 * The input is a letter for the method (g h p a d o), the target up to a line feed, and the body: JSON for
 * the methods that take one.  "p/v1/search?limit=5\n{"query": [1, 2]}"  PUT is left out, so that no library
 * names a folder of this machine.
 *
 *     ./configure CC=clang CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' --enable-asan --enable-ubsan
 *     make tests/fuzz/fuzz-api
 *     TB_FUZZ_DATA=FOLDER tests/fuzz/fuzz-api -dict=tests/fuzz/api.dict NEW_CORPUS tests/fuzz/corpus/api
 *
 * in the source tree, where FOLDER is a data folder to play with; with tracks in it the search gets further.
 * The corpus is replayed by `make check` as the unit test "fuzz api".  A request that once went wrong is
 * added to it, under a name that says what it is. */
#include "fuzz/fuzz_api.h"

#include "api/api.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TARGET = 10000 };

static void require(bool condition)
{
    if (!condition) abort();
}

static tb_method read_method(char letter)
{
    switch (letter) {
    case 'g': return TB_GET;
    case 'h': return TB_HEAD;
    case 'p': return TB_POST;
    case 'a': return TB_PATCH;
    case 'd': return TB_DELETE;
    case 'o': return TB_OPTIONS;
    default: return TB_METHOD_OTHER;
    }
}

/* The engine does not fail by itself, so that every failure is the request's. */
static void check_reply(const tb_reply *reply)
{
    require(reply->status >= 200 && reply->status < 500);
    if (reply->status == 204) return;
    require(reply->content_type);
    if (reply->kind != TB_BODY_BYTES) return;
    require(reply->size > 0);
    if (!strstr(reply->content_type, "json")) return;
    json_t *json = json_loadb(reply->bytes, reply->size, JSON_REJECT_DUPLICATES, NULL);
    require(json_is_object(json));
    if (reply->status >= 400) require(json_integer_value(json_object_get(json, "status")) == reply->status);
    json_decref(json);
}

int tb_fuzz_api(tb_engine *engine, const uint8_t *bytes, size_t size)
{
    tb_api *api = NULL;
    tb_request request;
    tb_reply reply;
    tb_error err = {0};
    char target[MAX_TARGET];
    if (size == 0) return 0;
    const uint8_t *line_feed = memchr(bytes, '\n', size);
    const size_t line = line_feed ? (size_t)(line_feed - bytes) : size;
    const size_t target_size = line - 1 < sizeof target - 1 ? line - 1 : sizeof target - 1;
    if (line == 0) return 0;
    memcpy(target, bytes + 1, target_size);
    target[target_size] = '\0';

    tb_request_init(&request);
    tb_reply_init(&reply);
    request.method = read_method((char)bytes[0]);
    const bool takes_body = request.method == TB_POST || request.method == TB_PATCH;
    tb_status status = tb_request_set_target(&request, target, &err);
    if (status == TB_OK && takes_body && line_feed) {
        request.has_body = true;
        status = tb_request_add_header(&request, "Content-Type", "application/json", &err);
        require(status == TB_OK);
        require(tb_buffer_append(&request.body, line_feed + 1, size - line - 1) == TB_OK);
    }
    require(tb_api_new(engine, NULL, &api, NULL) == TB_OK);
    if (status == TB_OK) tb_api_handle(api, &request, &reply);
    else tb_reply_error(&reply, &err);
    check_reply(&reply);
    tb_request_clear(&request);
    tb_reply_clear(&reply);
    tb_api_free(api);
    return 0;
}

#ifdef TB_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static tb_engine *engine;
    tb_engine_options options = {.data_folder = getenv("TB_FUZZ_DATA"), .models_folder = "models"};
    if (!engine) {
        require(options.data_folder != NULL);
        require(tb_engine_open(&options, &engine, NULL) == TB_OK);
    }
    return tb_fuzz_api(engine, bytes, size);
}
#endif
