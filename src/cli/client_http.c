// SPDX-License-Identifier: MIT
/* The API of a server, over libcurl with one connection that is kept. */
#include "cli/client_internal.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

typedef struct http {
    CURL *curl;
    char *url; /* without a slash at the end */
    char problem[CURL_ERROR_SIZE];
} http;

static size_t keep_bytes(char *bytes, size_t size, size_t n, void *context)
{
    return tb_buffer_append(context, bytes, size * n) == TB_OK ? n : 0;
}

static int append(const char *bytes, size_t size, void *context)
{
    return tb_buffer_append(context, bytes, size) == TB_OK ? 0 : -1;
}

static tb_status call_http(void *context, const tb_call *call, tb_raw_reply *reply, tb_error *err)
{
    tb_status status = TB_OK;
    http *h = context;
    curl_mime *mime = NULL;
    struct curl_slist *headers = NULL;
    tb_buffer url, body;
    tb_buffer_init(&url, 65536);
    tb_buffer_init(&body, (size_t)64 << 20);

    TB_TRY(tb_buffer_append_text(&url, h->url));
    TB_TRY(tb_buffer_append_text(&url, call->target));
    curl_easy_reset(h->curl);
    curl_easy_setopt(h->curl, CURLOPT_URL, url.bytes);
    curl_easy_setopt(h->curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, tb_method_name(call->method));
    curl_easy_setopt(h->curl, CURLOPT_WRITEFUNCTION, keep_bytes);
    curl_easy_setopt(h->curl, CURLOPT_WRITEDATA, &reply->bytes);
    curl_easy_setopt(h->curl, CURLOPT_ERRORBUFFER, h->problem);
    curl_easy_setopt(h->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT, 10L);
    if (call->body) {
        if (json_dump_callback(call->body, append, &body, JSON_COMPACT) != 0) TB_FAIL(err, TB_TOO_LARGE, "the request is too large");
        headers = curl_slist_append(headers, "Content-Type: application/json");
        curl_easy_setopt(h->curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, body.bytes);
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.size);
    } else if (call->upload) {
        mime = curl_mime_init(h->curl);
        curl_mimepart *part = curl_mime_addpart(mime);
        curl_mime_name(part, "file");
        if (curl_mime_filedata(part, call->upload) != CURLE_OK) TB_FAIL(err, TB_NOT_FOUND, "cannot read %s", call->upload);
        curl_mime_filename(part, tb_fs_name(call->upload));
        curl_easy_setopt(h->curl, CURLOPT_MIMEPOST, mime);
    } else if (call->method == TB_POST || call->method == TB_PUT) {
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDS, "");
        curl_easy_setopt(h->curl, CURLOPT_POSTFIELDSIZE, 0L);
    }
    const CURLcode code = curl_easy_perform(h->curl);
    if (code != CURLE_OK)
        TB_FAIL(err, code == CURLE_OPERATION_TIMEDOUT ? TB_TIMEOUT : TB_IO, "%s does not answer: %s; is timbred running there?", h->url,
                *h->problem ? h->problem : curl_easy_strerror(code));
    curl_easy_getinfo(h->curl, CURLINFO_RESPONSE_CODE, &reply->http_status);
out:
    curl_mime_free(mime);
    curl_slist_free_all(headers);
    tb_buffer_clear(&body);
    tb_buffer_clear(&url);
    return status;
}

static void close_http(void *context)
{
    http *h = context;
    curl_easy_cleanup(h->curl);
    tb_free(h->url);
    tb_free(h);
    curl_global_cleanup();
}

tb_status tb_transport_open_http(const char *url, tb_transport *transport, tb_error *err)
{
    if (!tb_text_starts_with(url, "http://") && !tb_text_starts_with(url, "https://"))
        return tb_error_set(err, TB_INVALID, "a server is named as http://HOST:PORT, not \"%.200s\"", url);
    http *h = tb_alloc(1, sizeof *h);
    if (!h || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        tb_free(h);
        return tb_error_set(err, TB_NO_MEMORY, "no memory");
    }
    h->url = tb_strdup(url);
    h->curl = curl_easy_init();
    if (!h->url || !h->curl) {
        close_http(h);
        return tb_error_set(err, TB_NO_MEMORY, "no memory");
    }
    for (size_t n = strlen(h->url); n > 0 && h->url[n - 1] == '/'; n--) h->url[n - 1] = '\0';
    *transport = (tb_transport){call_http, close_http, h};
    return TB_OK;
}
