// SPDX-License-Identifier: MIT
/* One request from its first line to the last byte of its answer.
 *
 *   NEW      the head is here: who may not pass is answered at once, the rest gets a place for its body
 *   BODY     the body comes and goes to memory or to files
 *   DISCARD  the answer is settled, what is left of a small body is passed over so that the connection lives on
 *   LINGER   the answer was sent past the network library in the middle of a body (which it cannot do); what
 *            still comes is passed over for a moment, so that the sender reads the answer and not a reset
 *   WORK     suspended: a thread of a pool runs tb_api_handle
 *   ANSWER   the reply is there and is handed to the network library
 *
 * All but WORK happens on the connection's network thread; the library resumes it there.  The exchange is freed
 * by tb__exchange_end, which the library calls once for each tb__exchange_begin. */
#include "http/server_internal.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "http/body.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    MAX_HEADERS = 100,
    DISCARD_LIMIT_BYTES = 256 * 1024,
    LINGER_LIMIT_BYTES = 4 * 1024 * 1024,
    LINGER_MS = 2000,
    GONE_CHECK_MS = 50,       /* how often a working thread looks whether the client is still there */
    BYTES_PER_SECOND = 8192,  /* what a sender has to keep up after the first minute */
    STREAM_BLOCK_BYTES = 64 * 1024,
};

typedef enum exchange_state { NEW, BODY, DISCARD, LINGER, WORK, ANSWER } exchange_state;

typedef struct exchange {
    tb_server *server;
    struct MHD_Connection *connection;
    tb__link *link; /* NULL when there was no memory for it */
    exchange_state state;
    tb_request request;
    tb_reply reply;
    tb_route_info route;
    tb_route_traffic *traffic; /* of the route; NULL until there is one */
    tb_body *body;
    int64_t begun_ns, checked_ns;
    int64_t body_length; /* as announced; -1 = chunked */
    int64_t received;
    int64_t passed_over;
    bool has_host, version_11, expects_continue, close_after, cross_site, gone;
    size_t n_headers, n_lengths, n_encodings;
    tb_status target_status;
    tb_error target_error;
    int64_t sent; /* bytes of the answer's body */
    int status;   /* HTTP code of the answer; 0 = none was made */
} exchange;

static int64_t now_ns(const exchange *x)
{
    return x->server->clock->mono_ns(x->server->clock);
}

static void set_deadline(exchange *x, int64_t deadline_ns)
{
    if (x->link) atomic_store_explicit(&x->link->deadline_ns, deadline_ns, memory_order_relaxed);
}

/* --- begin ------------------------------------------------------------------------------------------------------ */

/* 13 characters that differ from request to request: a counter, mixed as in SplitMix64 */
static void make_id(tb_server *server, char out[24])
{
    uint64_t z = server->id_seed + atomic_fetch_add(&server->n_ids, 1) * 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    uint8_t bytes[8];
    memcpy(bytes, &z, sizeof bytes);
    tb_base32_encode(bytes, sizeof bytes, out);
}

static bool is_sane_id(const char *id)
{
    const size_t size = strlen(id);
    return size > 0 && size < 24 &&
           strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == size;
}

static bool client_is_gone(exchange *x)
{
#ifndef POLLRDHUP
    enum { POLLRDHUP = 0 };
#endif
    if (!x->link) return false;
    struct pollfd look = {.fd = x->link->fd, .events = POLLRDHUP};
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

/* tb_request.cancelled: asked by the working thread, perhaps very often */
static bool is_cancelled(void *context)
{
    exchange *x = context;
    if (x->gone || atomic_load_explicit(&x->server->cancelled, memory_order_relaxed)) return true;
    const int64_t now = now_ns(x);
    if (now - x->checked_ns < (int64_t)GONE_CHECK_MS * 1000000) return false;
    x->checked_ns = now;
    x->gone = client_is_gone(x);
    return x->gone;
}

void *tb__exchange_begin(void *cls, const char *target, struct MHD_Connection *connection)
{
    tb_server *server = cls;
    atomic_fetch_add(&server->traffic.n_in_flight, 1);
    exchange *x = tb_alloc(1, sizeof *x);
    if (!x) return NULL;
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    x->server = server;
    x->connection = connection;
    x->link = info ? info->socket_context : NULL;
    x->begun_ns = now_ns(x);
    tb_request_init(&x->request);
    tb_reply_init(&x->reply);
    x->request.cancelled = is_cancelled;
    x->request.context = x;
    make_id(server, x->request.id);
    if (strncasecmp(target, "http://", 7) == 0) { /* absolute form, RFC 9112 section 3.2.2 */
        const char *path = strchr(target + 7, '/');
        target = path ? path : "/";
    }
    x->target_status = tb_request_set_target(&x->request, target, &x->target_error);
    return x;
}

/* --- the head --------------------------------------------------------------------------------------------------- */

/* The API's headers are kept; the server's own are looked at here. */
static enum MHD_Result take_header(void *context, enum MHD_ValueKind kind, const char *name, const char *value)
{
    static const char *const kept[] = {"accept", "content-type", "if-modified-since", "if-none-match", "if-range",
                                       "prefer", "range"};
    exchange *x = context;
    (void)kind;
    if (!value) value = "";
    x->n_headers++;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (strcasecmp(name, kept[i]) == 0) {
            tb_error ignored;
            /* without memory or with odd bytes the request goes on as if the header had not come */
            if (tb_request_add_header(&x->request, kept[i], value, &ignored) != TB_OK) return MHD_YES;
            return MHD_YES;
        }
    if (strcasecmp(name, "Content-Length") == 0) {
        if (tb_parse_int(value, 0, INT64_MAX, &x->body_length) != TB_OK) x->n_lengths++;
        x->n_lengths++;
    } else if (strcasecmp(name, "Transfer-Encoding") == 0) {
        x->n_encodings += strcasecmp(value, "chunked") == 0 ? 1 : 2;
    } else if (strcasecmp(name, "Host") == 0) {
        x->has_host = true;
    } else if (strcasecmp(name, "Expect") == 0) {
        x->expects_continue = strcasecmp(value, "100-continue") == 0;
    } else if (strcasecmp(name, "X-Request-Id") == 0) {
        if (is_sane_id(value)) tb_text_copy(x->request.id, sizeof x->request.id, value);
    } else if (strcasecmp(name, "Sec-Fetch-Site") == 0) {
        x->cross_site = strcasecmp(value, "cross-site") == 0;
    }
    return MHD_YES;
}

static void refuse(exchange *x, tb_status code, const char *sentence)
{
    const tb_error error = {.code = code};
    tb_error copy = error;
    tb_text_copy(copy.message, sizeof copy.message, sentence);
    tb_reply_error(&x->reply, &copy);
}

/* Whether the head is in order; else the reply says why not. */
static bool check_head(exchange *x)
{
    if (x->n_headers > MAX_HEADERS) {
        tb_reply_problem(&x->reply, 431, "too_large", "the request has more than 100 header lines");
    } else if (x->n_lengths > 1 || (x->n_lengths > 0 && x->n_encodings > 0)) {
        /* two servers that read such a request differently can be tricked: RFC 9112 section 6.3 */
        refuse(x, TB_SYNTAX, "the length of the body is said in two ways");
        x->close_after = true;
    } else if (x->n_encodings > 1) {
        tb_reply_problem(&x->reply, 501, "unsupported", "no Transfer-Encoding but \"chunked\" is understood");
        x->close_after = true;
    } else if (!x->has_host && x->version_11) {
        refuse(x, TB_SYNTAX, "the request has no Host header");
        x->close_after = true;
    } else if (x->target_status == TB_TOO_LARGE) {
        tb_reply_problem(&x->reply, 414, "too_large", x->target_error.message);
    } else if (x->target_status != TB_OK) {
        tb_reply_error(&x->reply, &x->target_error);
    } else if (atomic_load(&x->server->stopping)) {
        refuse(x, TB_BUSY, "the server is shutting down");
        x->close_after = true;
    } else if (x->cross_site && x->request.method != TB_GET && x->request.method != TB_HEAD &&
               x->request.method != TB_OPTIONS) {
        refuse(x, TB_FORBIDDEN, "a page of another site may not change anything here");
    } else {
        return true;
    }
    return false;
}

/* A place for the body, if one may come.  false: the reply is made. */
static bool prepare_body(exchange *x)
{
    tb_error err;
    if (x->body_length == 0) return true;
    const char *type = tb_request_header(&x->request, "content-type");
    const tb_body_form form = tb_api_body_form(x->route.body, type);
    if (form == TB_FORM_REFUSED) {
        x->request.has_body = true;
        tb_api_handle(x->server->api, &x->request, &x->reply);
        return false;
    }
    if (tb_body_new(form, type, x->body_length, &x->route, x->server->incoming, &x->request, &x->body, &err) == TB_OK)
        return true;
    tb_reply_error(&x->reply, &err);
    return false;
}

static enum MHD_Result answer(exchange *x);
static enum MHD_Result answer_past_library(exchange *x);

static enum MHD_Result settle(exchange *x)
{
    const bool small = x->body_length >= 0 && x->body_length <= DISCARD_LIMIT_BYTES;
    if (x->body_length == 0 || (small && !x->expects_continue && !x->close_after)) {
        x->state = DISCARD;
        return MHD_YES;
    }
    x->close_after = true;
    return x->expects_continue ? answer(x) : answer_past_library(x);
}

static enum MHD_Result handle_head(exchange *x, const char *method)
{
    x->request.method = tb_method_from_name(method);
    MHD_get_connection_values(x->connection, MHD_HEADER_KIND, take_header, x);
    if (x->n_encodings > 0) x->body_length = -1;
    const int64_t patience_ns = (int64_t)(x->server->options.upload_timeout_s * 1e9);
    set_deadline(x, x->begun_ns + patience_ns);
    if (!check_head(x)) return settle(x);
    tb_api_route(x->server->api, x->request.method, x->request.path, &x->route);
    x->traffic = tb_traffic_route(&x->server->traffic, x->route.name);
    if (x->route.refuse != 0) {
        tb_api_handle(x->server->api, &x->request, &x->reply);
        return settle(x);
    }
    if (!prepare_body(x)) return settle(x);
    x->state = BODY;
    return MHD_YES;
}

/* --- the body --------------------------------------------------------------------------------------------------- */

/* The files go now, and not when the last of a body that nobody wants has come. */
static void drop_body(exchange *x)
{
    const tb_request old = x->request;
    tb_body_free(x->body);
    x->body = NULL;
    tb_request_clear(&x->request);
    tb_request_init(&x->request);
    x->request.method = old.method;
    memcpy(x->request.id, old.id, sizeof old.id);
}

static enum MHD_Result handle_bytes(exchange *x, const char *bytes, size_t size)
{
    tb_error err;
    x->received += (int64_t)size;
    switch (x->state) {
    case BODY: {
        const double allowed_s = x->server->options.upload_timeout_s + (double)x->received / BYTES_PER_SECOND;
        set_deadline(x, x->begun_ns + (int64_t)(allowed_s * 1e9));
        if (tb_body_write(x->body, bytes, size, &err) == TB_OK) return MHD_YES;
        tb_reply_error(&x->reply, &err);
        drop_body(x);
        const int64_t left = x->body_length < 0 ? INT64_MAX : x->body_length - x->received;
        if (left <= DISCARD_LIMIT_BYTES) {
            x->state = DISCARD;
            return MHD_YES;
        }
        return answer_past_library(x);
    }
    case LINGER:
        x->passed_over += (int64_t)size;
        return x->passed_over > LINGER_LIMIT_BYTES ? MHD_NO : MHD_YES;
    default: return MHD_YES;
    }
}

static double thread_cpu_s(void)
{
    struct timespec spent = {0};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

static void run(exchange *x)
{
    const int64_t begun_ns = now_ns(x);
    const double begun_cpu_s = thread_cpu_s();
    tb_api_handle(x->server->api, &x->request, &x->reply);
    tb_traffic_note_work(x->traffic, thread_cpu_s() - begun_cpu_s, (double)(now_ns(x) - begun_ns) / 1e9);
}

/* Work that may be done on the network thread: it reads only, and such calls were over in no time lately.  The way
 * through a pool costs more than they do. */
static bool is_quick(const exchange *x)
{
    const bool reads = x->request.method == TB_GET || x->request.method == TB_HEAD;
    return x->route.light || (reads && !x->request.has_body && tb_traffic_is_quick(x->traffic));
}

static void work(void *context)
{
    exchange *x = context;
    if (is_cancelled(x)) refuse(x, TB_CANCELLED, "the request was given up before its turn came");
    else run(x);
    x->state = ANSWER;
    MHD_resume_connection(x->connection); /* x may be gone from here on */
}

/* The pools are freed only while nobody stands between the two counts. */
static tb_status offer(exchange *x)
{
    tb_server *server = x->server;
    tb_status status = TB_BUSY;
    atomic_fetch_add(&server->n_offering, 1);
    if (!atomic_load(&server->closing))
        status = tb_pool_try(x->request.n_uploads > 0 ? server->heavy : server->quick, work, x);
    atomic_fetch_sub(&server->n_offering, 1);
    return status;
}

static enum MHD_Result hand_over(exchange *x)
{
    tb_server *server = x->server;
    tb_error err;
    set_deadline(x, 0);
    if (x->body && tb_body_finish(x->body, &err) != TB_OK) {
        tb_reply_error(&x->reply, &err);
        return answer(x);
    }
    if (is_quick(x)) {
        run(x);
        return answer(x);
    }
    x->state = WORK;
    MHD_suspend_connection(x->connection);
    if (offer(x) == TB_OK) return MHD_YES;
    atomic_fetch_add(&server->traffic.n_rejected, 1);
    refuse(x, TB_BUSY, "too many requests wait already: try again in a moment");
    x->state = ANSWER;
    MHD_resume_connection(x->connection);
    return MHD_YES;
}

/* --- the answer ------------------------------------------------------------------------------------------------- */

/* A reply's stream, owned by the response of the network library */
typedef struct stream {
    tb_status (*read)(void *context, char *out, size_t capacity, size_t *n, tb_error *err);
    void (*close)(void *context);
    void *context;
} stream;

static ssize_t read_stream(void *context, uint64_t position, char *out, size_t capacity)
{
    stream *s = context;
    size_t n = 0;
    tb_error err;
    (void)position;
    if (s->read(s->context, out, capacity, &n, &err) != TB_OK) {
        tb_log(TB_LOG_WARN, "http", "an answer breaks off: %s", err.message);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
    return n == 0 ? MHD_CONTENT_READER_END_OF_STREAM : (ssize_t)n;
}

static void close_stream(void *context)
{
    stream *s = context;
    if (s->close) s->close(s->context);
    tb_free(s);
}

/* The response around the reply's body, which moves to it; NULL without memory. */
static struct MHD_Response *make_response(tb_reply *reply)
{
    struct MHD_Response *response = NULL;
    switch (reply->kind) {
    case TB_BODY_BYTES:
        if (reply->borrowed || !reply->bytes)
            return MHD_create_response_from_buffer(reply->bytes ? reply->size : 0, reply->bytes, MHD_RESPMEM_PERSISTENT);
        response = MHD_create_response_from_buffer_with_free_callback(reply->size, reply->bytes, tb_free);
        if (response) reply->bytes = NULL;
        return response;
    case TB_BODY_FILE:
        response = MHD_create_response_from_fd_at_offset64((uint64_t)reply->file_size, reply->fd,
                                                           (uint64_t)reply->file_offset);
        if (response) reply->fd = -1;
        return response;
    case TB_BODY_STREAM: {
        stream *s = tb_alloc(1, sizeof *s);
        if (!s) return NULL;
        *s = (stream){.read = reply->read, .close = reply->close, .context = reply->context};
        response = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_BYTES, read_stream, s, close_stream);
        if (response) reply->close = NULL; /* from here on the response closes it */
        else tb_free(s);
        return response;
    }
    }
    return NULL;
}

/* The page runs only what comes from here. */
static const char page_policy[] =
    "default-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

static bool has_header(const tb_reply *reply, const char *name)
{
    for (size_t i = 0; i < reply->n_headers; i++)
        if (strcasecmp(reply->headers[i].name, name) == 0) return true;
    return false;
}

/* Calls add for each header of the answer but Date, Content-Length and Connection. */
static void each_header(const exchange *x, void (*add)(void *context, const char *name, const char *value),
                        void *context)
{
    const tb_reply *reply = &x->reply;
    if (reply->content_type) add(context, "Content-Type", reply->content_type);
    if (!has_header(reply, "X-Content-Type-Options")) add(context, "X-Content-Type-Options", "nosniff");
    for (size_t i = 0; i < reply->n_headers; i++) add(context, reply->headers[i].name, reply->headers[i].value);
    add(context, "X-Request-Id", x->request.id);
    if (reply->content_type && tb_text_starts_with(reply->content_type, "text/html") &&
        !has_header(reply, "Content-Security-Policy"))
        add(context, "Content-Security-Policy", page_policy);
}

static void add_response_header(void *context, const char *name, const char *value)
{
    if (MHD_add_response_header(context, name, value) != MHD_YES)
        tb_log(TB_LOG_WARN, "http", "the header %s of an answer cannot be sent", name);
}

static enum MHD_Result answer(exchange *x)
{
    tb_reply *reply = &x->reply;
    x->status = reply->status;
    x->sent = reply->kind == TB_BODY_FILE ? reply->file_size : reply->kind == TB_BODY_BYTES ? (int64_t)reply->size : 0;
    struct MHD_Response *response = make_response(reply);
    if (!response) return MHD_NO; /* without memory all that is left is to close */
    each_header(x, add_response_header, response);
    if (x->close_after || atomic_load(&x->server->stopping)) add_response_header(response, "Connection", "close");
    const enum MHD_Result queued = MHD_queue_response(x->connection, (unsigned)reply->status, response);
    MHD_destroy_response(response);
    return queued;
}

static void add_text_header(void *context, const char *name, const char *value)
{
    tb_buffer *text = context;
    if (tb_buffer_printf(text, "%s: %s\r\n", name, value) != TB_OK) text->limit = 0; /* seen by the caller */
}

static enum MHD_Result answer_past_library(exchange *x)
{
    const tb_reply *reply = &x->reply;
    tb_buffer text;
    char date[64] = "";
    struct tm utc;
    const time_t now = time(NULL);
    x->status = reply->status;
    x->sent = (int64_t)reply->size;
    x->state = LINGER;
    set_deadline(x, now_ns(x) + (int64_t)LINGER_MS * 1000000);
    tb_buffer_init(&text, 64 * 1024);
    if (gmtime_r(&now, &utc)) strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", &utc);
    tb_status status = tb_buffer_printf(&text, "HTTP/1.1 %d %s\r\nDate: %s\r\nConnection: close\r\n"
                                               "Content-Length: %zu\r\n",
                                        reply->status, tb_reply_reason(reply->status), date, reply->size);
    if (status == TB_OK) each_header(x, add_text_header, &text);
    if (status == TB_OK && text.limit > 0) status = tb_buffer_append_text(&text, "\r\n");
    if (status == TB_OK && x->request.method != TB_HEAD) status = tb_buffer_append(&text, reply->bytes, reply->size);
    bool sent = false;
    if (status == TB_OK && text.limit > 0 && x->link) {
        const ssize_t n = send(x->link->fd, text.bytes, text.size, MSG_NOSIGNAL | MSG_DONTWAIT);
        sent = n == (ssize_t)text.size && shutdown(x->link->fd, SHUT_WR) == 0;
    }
    tb_buffer_clear(&text);
    return sent ? MHD_YES : MHD_NO;
}

/* --- callbacks -------------------------------------------------------------------------------------------------- */

enum MHD_Result tb__exchange_handle(void *cls, struct MHD_Connection *connection, const char *url, const char *method,
                                    const char *version, const char *bytes, size_t *size, void **context)
{
    exchange *x = *context;
    (void)cls;
    (void)connection;
    (void)url;
    if (!x) return MHD_NO; /* there was no memory for it */
    x->version_11 = strcmp(version, "HTTP/1.1") == 0;
    if (x->state == NEW) return handle_head(x, method);
    if (*size > 0) {
        const size_t n = *size;
        *size = 0;
        return handle_bytes(x, bytes, n);
    }
    switch (x->state) {
    case BODY: return hand_over(x);
    case DISCARD:
    case ANSWER: return answer(x);
    case LINGER: return MHD_NO; /* the answer is out: close */
    default: return MHD_YES;
    }
}

static void log_exchange(const exchange *x, double seconds, bool whole)
{
    const tb_log_level level = x->status >= 500                ? TB_LOG_WARN
                               : x->server->options.access_log ? TB_LOG_INFO
                                                               : TB_LOG_DEBUG;
    if (!tb_log_enabled(level)) return;
    tb_log(level, "http", "%s %s %d %.1f ms, %lld bytes in, %lld out, id %s%s", tb_method_name(x->request.method),
           x->route.name ? x->route.name : "none", x->status, seconds * 1e3, (long long)x->received,
           (long long)x->sent, x->request.id, whole ? "" : ", the client went away");
}

void tb__exchange_end(void *cls, struct MHD_Connection *connection, void **context,
                      enum MHD_RequestTerminationCode why)
{
    tb_server *server = cls;
    exchange *x = *context;
    (void)connection;
    *context = NULL;
    if (x) {
        const double seconds = tb_clock_elapsed_s(server->clock, x->begun_ns);
        const bool whole = why == MHD_REQUEST_TERMINATED_COMPLETED_OK || x->state == LINGER;
        /* 499, as other servers note it: nobody waited for the answer; 400: the library itself refused the head */
        const int code = x->status ? x->status : x->state == NEW ? 400 : 499;
        x->status = code;
        tb_traffic_count(x->traffic ? x->traffic : tb_traffic_route(&server->traffic, NULL), code, seconds);
        atomic_fetch_add(&server->traffic.n_received_bytes, (uint_fast64_t)x->received);
        atomic_fetch_add(&server->traffic.n_sent_bytes, (uint_fast64_t)x->sent);
        log_exchange(x, seconds, whole);
        set_deadline(x, now_ns(x) + (int64_t)(server->options.idle_timeout_s * 2e9));
        tb_body_free(x->body);
        tb_request_clear(&x->request);
        tb_reply_clear(&x->reply);
        tb_free(x);
    }
    if (atomic_fetch_sub(&server->traffic.n_in_flight, 1) == 1 && atomic_load(&server->stopping)) {
        pthread_mutex_lock(&server->lock);
        pthread_cond_broadcast(&server->drained);
        pthread_mutex_unlock(&server->lock);
    }
}
