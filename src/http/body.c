// SPDX-License-Identifier: MIT
/* Where the bytes of a body go: one sink at a time is open, a file or a buffer, and belongs to the request's last
 * upload (or to request->body for JSON). */
#include "http/body.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"
#include "http/multipart.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

struct tb_body {
    tb_body_form form;
    const char *folder;
    tb_request *request;
    tb_multipart *multipart; /* for TB_FORM_MULTIPART */
    tb_upload *upload;       /* the part under way; borrowed from request */
    tb_buffer field;         /* a part that stays in memory */
    int fd;                  /* a part that is a file; -1 = none */
    int64_t limit, received;
};

/* --- files ------------------------------------------------------------------------------------------------------ */

static tb_status open_file(tb_body *body, tb_error *err)
{
    tb_status status = TB_OK;
    uint8_t random[15];
    char name[sizeof "upload-" + 24];
    char *path = NULL;
    if (getentropy(random, sizeof random) != 0) {
        status = tb_error_errno(err, errno, "no random name for an upload");
        goto out;
    }
    memcpy(name, "upload-", 7);
    tb_base32_encode(random, sizeof random, name + 7);
    path = tb_fs_join(body->folder, name);
    if (!path) TB_FAIL(err, TB_NO_MEMORY, "no memory for an upload");
    body->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (body->fd < 0) {
        status = tb_error_errno(err, errno, "the upload cannot be kept");
        goto out;
    }
    body->upload->path = path; /* from here on the request removes it */
    path = NULL;
out:
    tb_free(path);
    return status;
}

static tb_status write_file(tb_body *body, const char *bytes, size_t size, tb_error *err)
{
    while (size > 0) {
        const ssize_t n = write(body->fd, bytes, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int why = errno == EFBIG ? ENOSPC : errno; /* a limit on file sizes fills the disk as well */
            return tb_error_errno(err, why, "the upload cannot be kept");
        }
        bytes += n;
        size -= (size_t)n;
        body->upload->size += n;
    }
    return TB_OK;
}

/* Says so before hundreds of megabytes are sent in vain. */
static tb_status check_room(const char *folder, int64_t length, tb_error *err)
{
    struct statvfs disk;
    if (length <= 0 || statvfs(folder, &disk) != 0) return TB_OK;
    const double room = (double)disk.f_bavail * (double)disk.f_frsize;
    if ((double)length <= room) return TB_OK;
    return tb_error_set(err, TB_FULL, "the upload has %.1f MB and the server's disk has room for %.1f MB",
                        (double)length / 1e6, room / 1e6);
}

/* --- parts ------------------------------------------------------------------------------------------------------ */

static bool is_json(const char *content_type)
{
    return content_type && tb_api_body_form(TB_BODY_JSON, content_type) == TB_FORM_JSON;
}

static tb_status begin_part(void *context, const tb_part_head *head, tb_error *err)
{
    tb_body *body = context;
    tb_status status = TB_OK;
    const bool called_file = strcmp(head->field, "file") == 0;
    TB_TRY(tb_request_add_upload(body->request, head->field, head->file_name, head->content_type, &body->upload, err));
    if (called_file || (head->file_name && !is_json(head->content_type))) TB_TRY(open_file(body, err));
out:
    return status;
}

static tb_status write_part(void *context, const char *bytes, size_t size, tb_error *err)
{
    tb_body *body = context;
    if (body->fd >= 0) return write_file(body, bytes, size, err);
    const tb_status status = tb_buffer_append(&body->field, bytes, size);
    if (status == TB_TOO_LARGE)
        return tb_error_set(err, status, "the field \"%.64s\" is longer than %d KiB", body->upload->field,
                            TB_MAX_FIELD_BYTES / 1024);
    return status == TB_OK ? TB_OK : tb_error_set(err, status, "no memory for a field of the form");
}

static tb_status end_part(void *context, tb_error *err)
{
    tb_body *body = context;
    if (body->fd >= 0) {
        const int fd = body->fd;
        body->fd = -1;
        /* some file systems tell only now that the disk is full */
        if (close(fd) != 0 && errno != EINTR) return tb_error_errno(err, errno, "the upload cannot be kept");
        return TB_OK;
    }
    body->upload->size = (int64_t)body->field.size;
    body->upload->bytes = tb_buffer_take(&body->field);
    if (!body->upload->bytes) return tb_error_set(err, TB_NO_MEMORY, "no memory for a field of the form");
    return TB_OK;
}

/* --- interface -------------------------------------------------------------------------------------------------- */

static tb_status too_large(int64_t limit, tb_error *err)
{
    if (limit >= 1024 * 1024)
        return tb_error_set(err, TB_TOO_LARGE, "the body is larger than the %lld MiB that are taken here",
                            (long long)(limit / (1024 * 1024)));
    return tb_error_set(err, TB_TOO_LARGE, "the body is larger than the %lld bytes that are taken here",
                        (long long)limit);
}

tb_status tb_body_new(tb_body_form form, const char *content_type, int64_t length, const tb_route_info *route,
                      const char *folder, tb_request *request, tb_body **body, tb_error *err)
{
    tb_status status = TB_OK;
    tb_body *made = NULL;
    const int64_t limit = form == TB_FORM_JSON ? route->json_limit : route->body_limit;
    if (length > limit) TB_TRY(too_large(limit, err));
    if (form != TB_FORM_JSON) TB_TRY(check_room(folder, length, err));
    made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a body");
    *made = (tb_body){.form = form, .folder = folder, .request = request, .fd = -1, .limit = limit};
    tb_buffer_init(&made->field, TB_MAX_FIELD_BYTES);
    switch (form) {
    case TB_FORM_JSON:
        tb_buffer_clear(&request->body);
        tb_buffer_init(&request->body, (size_t)limit);
        break;
    case TB_FORM_MULTIPART: {
        const tb_multipart_calls calls = {.begin = begin_part, .data = write_part, .end = end_part, .context = made};
        TB_TRY(tb_multipart_new(content_type, &calls, &made->multipart, err));
        break;
    }
    default:
        TB_TRY(tb_request_add_upload(request, "", NULL, content_type, &made->upload, err));
        TB_TRY(open_file(made, err));
        break;
    }
    request->has_body = true;
    *body = made;
    made = NULL;
out:
    tb_body_free(made);
    return status;
}

void tb_body_free(tb_body *body)
{
    if (!body) return;
    tb_multipart_free(body->multipart);
    tb_buffer_clear(&body->field);
    if (body->fd >= 0) close(body->fd);
    tb_free(body);
}

tb_status tb_body_write(tb_body *body, const char *bytes, size_t size, tb_error *err)
{
    if (size > (size_t)(body->limit - body->received)) return too_large(body->limit, err);
    body->received += (int64_t)size;
    switch (body->form) {
    case TB_FORM_JSON:
        if (tb_buffer_append(&body->request->body, bytes, size) == TB_OK) return TB_OK;
        return tb_error_set(err, TB_NO_MEMORY, "no memory for the body of the request");
    case TB_FORM_MULTIPART: return tb_multipart_write(body->multipart, bytes, size, err);
    default: return write_file(body, bytes, size, err);
    }
}

tb_status tb_body_finish(tb_body *body, tb_error *err)
{
    switch (body->form) {
    case TB_FORM_JSON: return TB_OK;
    case TB_FORM_MULTIPART: return tb_multipart_finish(body->multipart, err);
    default: return end_part(body, err);
    }
}
