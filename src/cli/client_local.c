// SPDX-License-Identifier: MIT
/* The API on a data folder in this process.  An upload is the user's own file: it is linked (or copied, across file
 * systems) into the incoming folder, because what lies there is removed when the request ends. */
#include "cli/client_internal.h"

#include "api/api.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/install.h"
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct local {
    tb_engine *engine;
    tb_api *api;
    unsigned n_uploads;
} local;

static tb_status default_folder(char **folder, tb_error *err)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
    char *base = NULL;
    if (data && *data == '/') base = tb_strdup(data);
    else if (home && *home == '/') base = tb_fs_join(home, ".local/share");
    else return tb_error_set(err, TB_INVALID, "name a data folder with --data DIR, or a server with --server URL");
    *folder = base ? tb_fs_join(base, "timbre") : NULL;
    tb_free(base);
    return *folder ? TB_OK : tb_error_set(err, TB_NO_MEMORY, "no memory for a path");
}

/* --- uploads ---------------------------------------------------------------------------------------------------- */

static tb_status copy_bytes(int from, int to, const char *path, tb_error *err)
{
    char bytes[65536];
    for (;;) {
        const ssize_t n = read(from, bytes, sizeof bytes);
        if (n < 0) return tb_error_errno(err, errno, "cannot read %s", path);
        if (n == 0) return TB_OK;
        for (ssize_t done = 0; done < n;) {
            const ssize_t written = write(to, bytes + done, (size_t)(n - done));
            if (written < 0) return tb_error_errno(err, errno, "cannot copy %s", path);
            done += written;
        }
    }
}

static tb_status copy_file(const char *path, const char *to, tb_error *err)
{
    tb_status status = TB_OK;
    int out_fd = -1;
    const int in_fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (in_fd < 0) TB_TRY(tb_error_errno(err, errno, "cannot read %s", path));
    out_fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out_fd < 0) TB_TRY(tb_error_errno(err, errno, "cannot copy %s", path));
    TB_TRY(copy_bytes(in_fd, out_fd, path, err));
out:
    if (in_fd >= 0) close(in_fd);
    if (out_fd >= 0) close(out_fd);
    return status;
}

static tb_status add_upload(local *l, const char *path, tb_request *request, tb_error *err)
{
    tb_status status = TB_OK;
    char name[48], *real = NULL, *lent = NULL;
    tb_fs_info info;
    tb_upload *upload;
    TB_TRY(tb_fs_real_path(path, &real, err));
    TB_TRY(tb_fs_stat(real, &info, err));
    if (!info.is_regular) TB_FAIL(err, TB_UNSUPPORTED, "%s is not a file", path);
    snprintf(name, sizeof name, "lent-%lld-%u", (long long)getpid(), l->n_uploads++);
    if (!(lent = tb_fs_join(tb_engine_incoming_folder(l->engine), name))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    if (link(real, lent) != 0) TB_TRY(copy_file(real, lent, err));
    TB_TRY(tb_request_add_upload(request, "file", tb_fs_name(path), NULL, &upload, err));
    upload->path = lent;
    upload->size = info.size_bytes;
    lent = NULL;
out:
    if (lent) unlink(lent);
    tb_free(lent);
    tb_free(real);
    return status;
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static int append(const char *bytes, size_t size, void *context)
{
    return tb_buffer_append(context, bytes, size) == TB_OK ? 0 : -1;
}

static tb_status fill_request(local *l, const tb_call *call, tb_request *request, tb_error *err)
{
    tb_status status = TB_OK;
    request->method = call->method;
    request->local = true;
    TB_TRY(tb_request_set_target(request, call->target, err));
    if (call->body) {
        request->has_body = true;
        TB_TRY(tb_request_add_header(request, "content-type", "application/json", err));
        if (json_dump_callback(call->body, append, &request->body, JSON_COMPACT) != 0) TB_FAIL(err, TB_TOO_LARGE, "the request is too large");
    }
    if (call->upload) {
        request->has_body = true;
        TB_TRY(tb_request_add_header(request, "content-type", "multipart/form-data", err));
        TB_TRY(add_upload(l, call->upload, request, err));
    }
out:
    return status;
}

static tb_status read_stream(tb_reply *reply, tb_buffer *bytes, tb_error *err)
{
    char chunk[65536];
    for (size_t n = 1; n > 0;) {
        tb_status status = reply->read(reply->context, chunk, sizeof chunk, &n, err);
        if (status == TB_OK) status = tb_buffer_append(bytes, chunk, n);
        if (status != TB_OK) return status;
    }
    return TB_OK;
}

static tb_status call_local(void *context, const tb_call *call, tb_raw_reply *raw, tb_error *err)
{
    tb_status status = TB_OK;
    local *l = context;
    tb_request request;
    tb_reply reply;
    tb_request_init(&request);
    tb_reply_init(&reply);
    TB_TRY(fill_request(l, call, &request, err));
    tb_api_handle(l->api, &request, &reply);
    raw->http_status = reply.status;
    if (reply.kind == TB_BODY_STREAM) TB_TRY(read_stream(&reply, &raw->bytes, err));
    else if (reply.kind == TB_BODY_BYTES && reply.size) TB_TRY(tb_buffer_append(&raw->bytes, reply.bytes, reply.size));
out:
    tb_reply_clear(&reply);
    tb_request_clear(&request);
    return status;
}

static void close_local(void *context)
{
    local *l = context;
    tb_api_free(l->api);
    tb_engine_close(l->engine);
    tb_free(l);
}

tb_status tb_transport_open_local(const tb_cli_options *options, tb_transport *transport, tb_error *err)
{
    tb_status status = TB_OK;
    char *folder = NULL, *models = NULL;
    local *l = tb_alloc(1, sizeof *l);
    if (!l) TB_FAIL(err, TB_NO_MEMORY, "no memory");
    if (!options->data) TB_TRY(default_folder(&folder, err));
    if (!options->models) TB_TRY(tb_install_find("models", &models, err));
    const tb_engine_options engine = {
        .data_folder = options->data ? options->data : folder,
        .models_folder = options->models ? options->models : models,
        .n_threads = (size_t)options->threads,
        .run_jobs = options->run_jobs,
    };
    status = tb_engine_open(&engine, &l->engine, err);
    if (status == TB_BUSY) TB_FAIL(err, TB_BUSY, "%s; or ask the server that has it: --server http://HOST:PORT", err ? err->message : "");
    TB_TRY(status);
    TB_TRY(tb_api_new(l->engine, &(tb_api_options){0}, &l->api, err));
    *transport = (tb_transport){call_local, close_local, l};
    l = NULL;
out:
    if (l) close_local(l);
    tb_free(models);
    tb_free(folder);
    return status;
}
