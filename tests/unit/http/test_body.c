// SPDX-License-Identifier: MIT
#include "support/testing.h"

#include "base/alloc.h"
#include "http/body.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const tb_route_info upload_route = {.name = "/up", .body = TB_BODY_UPLOAD, .body_limit = 4096, .json_limit = 100};
static const char form_type[] = "multipart/form-data; boundary=B";

static size_t count_files(const char *folder)
{
    size_t n = 0;
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) n += entry->d_name[0] != '.';
    closedir(dir);
    return n;
}

/* A whole body in pieces of 5 bytes */
static tb_status take(tb_request *request, tb_body_form form, const char *type, const char *folder, const char *bytes,
                      size_t size, tb_error *err)
{
    tb_status status = TB_OK;
    tb_body *body = NULL;
    TB_TRY(tb_body_new(form, type, -1, &upload_route, folder, request, &body, err));
    for (size_t at = 0; at < size; at += 5) TB_TRY(tb_body_write(body, bytes + at, size - at < 5 ? size - at : 5, err));
    TB_TRY(tb_body_finish(body, err));
out:
    tb_body_free(body);
    return status;
}

static void json_goes_to_memory(void **state)
{
    tb_request request;
    tb_error err;
    (void)state;
    tb_request_init(&request);
    assert_ok(take(&request, TB_FORM_JSON, "application/json", tb_test_folder(), "{\"a\": 1}", 8, &err));
    assert_true(request.has_body);
    assert_string_equal(request.body.bytes, "{\"a\": 1}");
    tb_request_clear(&request);
}

static void raw_audio_goes_to_a_file_that_clear_removes(void **state)
{
    const char *folder = tb_test_folder();
    tb_request request;
    tb_error err;
    struct stat info;
    (void)state;
    tb_request_init(&request);
    assert_ok(take(&request, TB_FORM_RAW, "audio/wav", folder, "RIFF....WAVE", 12, &err));
    assert_int_equal(request.n_uploads, 1);
    assert_string_equal(request.uploads[0].field, "");
    assert_int_equal(request.uploads[0].size, 12);
    assert_int_equal(stat(request.uploads[0].path, &info), 0);
    assert_int_equal(info.st_size, 12);
    assert_int_equal(info.st_mode & 0777, 0600);
    tb_request_clear(&request);
    assert_int_equal(count_files(folder), 0);
}

static void a_form_goes_to_files_and_fields(void **state)
{
    static const char form[] =
        "--B\r\nContent-Disposition: form-data; name=file; filename=\"x.wav\"\r\n\r\nabcdefgh\r\n"
        "--B\r\nContent-Disposition: form-data; name=metadata; filename=m.json\r\nContent-Type: application/json\r\n\r\n{}\r\n"
        "--B\r\nContent-Disposition: form-data; name=limit\r\n\r\n10\r\n--B--\r\n";
    const char *folder = tb_test_folder();
    tb_request request;
    tb_error err;
    (void)state;
    tb_request_init(&request);
    assert_ok(take(&request, TB_FORM_MULTIPART, form_type, folder, form, sizeof form - 1, &err));
    assert_int_equal(request.n_uploads, 3);
    assert_string_equal(request.uploads[0].file_name, "x.wav");
    assert_non_null(request.uploads[0].path);
    assert_int_equal(request.uploads[0].size, 8);
    assert_null(request.uploads[1].path);
    assert_string_equal(request.uploads[1].bytes, "{}");
    assert_string_equal(request.uploads[2].bytes, "10");
    assert_int_equal(count_files(folder), 1);
    tb_request_clear(&request);
    assert_int_equal(count_files(folder), 0);
}

static void limits_hold_for_announced_and_for_chunked_bodies(void **state)
{
    static char big[5000];
    const char *folder = tb_test_folder();
    tb_request request;
    tb_body *body = NULL;
    tb_error err;
    (void)state;
    tb_request_init(&request);
    assert_status(tb_body_new(TB_FORM_RAW, NULL, 4097, &upload_route, folder, &request, &body, &err), TB_TOO_LARGE);
    assert_status(tb_body_new(TB_FORM_JSON, NULL, 101, &upload_route, folder, &request, &body, &err), TB_TOO_LARGE);
    assert_null(body);
    assert_status(take(&request, TB_FORM_RAW, NULL, folder, big, sizeof big, &err), TB_TOO_LARGE);
    tb_request_clear(&request);
    assert_int_equal(count_files(folder), 0);
}

static void more_parts_than_there_is_room_for_are_refused(void **state)
{
    static const char part[] = "--B\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\na\r\n";
    const size_t size = sizeof part - 1;
    char form[(TB_MAX_FILES + 1) * sizeof part];
    const char *folder = tb_test_folder();
    tb_request request;
    tb_error err;
    (void)state;
    for (size_t i = 0; i <= TB_MAX_FILES; i++) memcpy(form + i * size, part, size);
    tb_request_init(&request);
    assert_status(take(&request, TB_FORM_MULTIPART, form_type, folder, form, (TB_MAX_FILES + 1) * size, &err), TB_INVALID);
    tb_request_clear(&request);
    assert_int_equal(count_files(folder), 0);
}

static void a_folder_that_is_gone_is_said(void **state)
{
    tb_request request;
    tb_error err;
    (void)state;
    tb_request_init(&request);
    assert_status(take(&request, TB_FORM_RAW, NULL, "/nonexistent", "a", 1, &err), TB_NOT_FOUND);
    tb_request_clear(&request);
}

static void lack_of_memory_is_said_and_leaves_no_file(void **state)
{
    static const char form[] = "--B\r\nContent-Disposition: form-data; name=file; filename=x\r\n\r\na\r\n"
                               "--B\r\nContent-Disposition: form-data; name=limit\r\n\r\n10\r\n--B--\r\n";
    const char *folder = tb_test_folder();
    (void)state;
    for (size_t n = 1;; n++) {
        tb_request request;
        tb_error err;
        tb_request_init(&request);
        tb_alloc_fail_after(n);
        const tb_status status = take(&request, TB_FORM_MULTIPART, form_type, folder, form, sizeof form - 1, &err);
        const size_t n_asked = tb_alloc_fail_after(0);
        tb_request_clear(&request);
        assert_int_equal(count_files(folder), 0);
        if (n_asked < n) {
            assert_status(status, TB_OK);
            break;
        }
        assert_status(status, TB_NO_MEMORY);
    }
}

TB_TESTS(body, cmocka_unit_test(json_goes_to_memory), cmocka_unit_test(raw_audio_goes_to_a_file_that_clear_removes),
         cmocka_unit_test(a_form_goes_to_files_and_fields),
         cmocka_unit_test(limits_hold_for_announced_and_for_chunked_bodies),
         cmocka_unit_test(more_parts_than_there_is_room_for_are_refused), cmocka_unit_test(a_folder_that_is_gone_is_said),
         cmocka_unit_test(lack_of_memory_is_said_and_leaves_no_file))
