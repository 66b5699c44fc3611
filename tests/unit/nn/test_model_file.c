// SPDX-License-Identifier: MIT
/* Model files: what is written reads back, and whatever is wrong with a file is refused with its reason. */
#include "nn/model_file.h"
#include "support/testing.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tb_error err;

/* Header text and n_data bytes of data as a file in memory; the data are f32 1.0 over and over. */
static tb_status parse(const char *header, size_t n_data, tb_model_file **file)
{
    static const unsigned char one[4] = {0, 0, 0x80, 0x3f};
    const size_t length = strlen(header), size = 8 + length + n_data;
    unsigned char *bytes = malloc(size); /* exact size, so that ASan sees a read past the end */
    assert_non_null(bytes);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)length >> (8 * i) & 255u);
    memcpy(bytes + 8, header, length);
    for (size_t i = 0; i < n_data; i++) bytes[8 + length + i] = one[i % 4];
    const tb_status status = tb_model_file_parse(bytes, size, file, &err);
    free(bytes);
    return status;
}

static void assert_refused(const char *header, size_t n_data, tb_status expected, const char *reason)
{
    tb_model_file *file = NULL;
    assert_status(parse(header, n_data, &file), expected);
    assert_null(file);
    if (strstr(err.message, reason) == NULL) fail_msg("\"%s\" does not say \"%s\"", err.message, reason);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    const float matrix[6] = {1, -2, 3.5f, 0, 1e-3f, 6e4f}, scalar = 7;
    char *path = tb_fs_join(tb_test_folder(), "a.safetensors");
    tb_model_writer *writer = NULL;
    tb_model_file *file = NULL;
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_ok(tb_model_writer_metadata(writer, "kind", "test \"ä\"", &err));
    assert_ok(tb_model_writer_tensor(writer, "m", TB_DTYPE_F16, 2, (size_t[]){2, 3}, matrix, &err));
    assert_ok(tb_model_writer_tensor(writer, "n", TB_DTYPE_F32, 2, (size_t[]){3, 2}, matrix, &err));
    assert_ok(tb_model_writer_tensor(writer, "s", TB_DTYPE_F32, 0, NULL, &scalar, &err));
    assert_ok(tb_model_writer_tensor(writer, "empty", TB_DTYPE_F32, 1, (size_t[]){0}, matrix, &err));
    assert_ok(tb_model_writer_save(writer, path, &err));

    assert_ok(tb_model_file_open(path, &file, &err));
    assert_string_equal(tb_model_file_metadata(file, "kind"), "test \"ä\"");
    assert_null(tb_model_file_metadata(file, "none"));
    assert_null(tb_model_file_find(file, "none"));
    assert_int_equal(tb_model_file_find(file, "n")->n_values, 6);
    assert_int_equal(tb_model_file_count(file), 4);
    const float *values = NULL;
    assert_ok(tb_model_file_get(file, "n", 2, (size_t[]){3, 2}, &values, &err));
    assert_memory_equal(values, matrix, sizeof matrix);
    assert_ok(tb_model_file_get(file, "m", 2, (size_t[]){2, 3}, &values, &err));
    for (size_t i = 0; i < 6; i++) assert_near(values[i], matrix[i], fabs((double)matrix[i]) * 5e-4);
    assert_int_equal((uintptr_t)values % 64, 0);
    assert_ok(tb_model_file_get(file, "s", 0, NULL, &values, &err));
    assert_near(*values, 7, 0);
    assert_int_equal(strlen(tb_model_file_digest(file)), 16);
    assert_status(tb_model_file_get(file, "m", 2, (size_t[]){3, 2}, &values, &err), TB_CORRUPT);
    assert_non_null(strstr(err.message, "[2, 3]"));
    assert_status(tb_model_file_get(file, "x", 0, NULL, &values, &err), TB_CORRUPT);
    tb_model_file_close(file);
    tb_model_writer_free(writer);
    tb_free(path);
}

static void digest_tells_files_apart(void **state)
{
    (void)state;
    tb_model_file *a = NULL, *b = NULL;
    assert_ok(parse("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, &a));
    assert_ok(parse("{\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, &b));
    assert_string_not_equal(tb_model_file_digest(a), tb_model_file_digest(b));
    tb_model_file_close(a);
    tb_model_file_close(b);
}

static void damaged_headers_are_refused(void **state)
{
    (void)state;
    tb_model_file *file = NULL;
    assert_status(tb_model_file_parse("1234567", 7, &file, &err), TB_CORRUPT);
    assert_status(tb_model_file_parse("\xff\xff\xff\xff\xff\xff\xff\xff", 8, &file, &err), TB_CORRUPT);
    assert_status(tb_model_file_parse("\x03\0\0\0\0\0\0\0{}", 10, &file, &err), TB_CORRUPT);
    assert_refused("{", 0, TB_CORRUPT, "not JSON");
    assert_refused("[]", 0, TB_CORRUPT, "not a JSON object");
    assert_refused("{\"__metadata__\":{\"a\":1}}", 0, TB_CORRUPT, "not a text");
    assert_refused("{\"__metadata__\":[]}", 0, TB_CORRUPT, "not an object");
    assert_refused("{\"a\":1}", 0, TB_CORRUPT, "lacks");
    assert_refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]},"
                   "\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4, TB_CORRUPT, "not JSON");
}

static void headers_larger_than_the_limit_are_refused(void **state)
{
    (void)state;
    const size_t size = 8 + TB_MODEL_FILE_MAX_HEADER + 1;
    unsigned char *bytes = calloc(size, 1);
    tb_model_file *file = NULL;
    assert_non_null(bytes);
    memcpy(bytes, "\x01\x00\x00\x01", 4);
    assert_status(tb_model_file_parse(bytes, size, &file, &err), TB_TOO_LARGE);
    free(bytes);
}

static void offsets_must_tile_the_data(void **state)
{
    (void)state;
#define TENSOR(name, shape, begin, end) "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" begin "," end "]}"
    tb_model_file *file = NULL;
    assert_ok(parse("{" TENSOR("b", "[1]", "4", "8") "," TENSOR("a", "[]", "0", "4") "}", 8, &file));
    assert_string_equal(tb_model_file_at(file, 0)->name, "a");
    tb_model_file_close(file);
    assert_refused("{" TENSOR("a", "[2]", "0", "8") "}", 4, TB_CORRUPT, "outside");
    assert_refused("{" TENSOR("a", "[2]", "-1", "8") "}", 8, TB_CORRUPT, "outside");
    assert_refused("{" TENSOR("a", "[1]", "8", "4") "}", 8, TB_CORRUPT, "outside");
    assert_refused("{" TENSOR("a", "[1]", "0", "8") "}", 8, TB_CORRUPT, "needs 4");
    assert_refused("{" TENSOR("a", "[1]", "0", "4") "," TENSOR("b", "[1]", "0", "4") "}", 4, TB_CORRUPT, "overlap");
    assert_refused("{" TENSOR("a", "[1]", "0", "4") "," TENSOR("b", "[1]", "8", "12") "}", 12, TB_CORRUPT, "hole");
    assert_refused("{" TENSOR("a", "[1]", "0", "4") "}", 8, TB_CORRUPT, "8 bytes of data");
}

static void shapes_that_overflow_are_refused(void **state)
{
    (void)state;
    assert_refused("{" TENSOR("a", "[4294967296, 4294967296, 2]", "0", "0") "}", 0, TB_CORRUPT, "impossible");
    assert_refused("{" TENSOR("a", "[4611686018427387904]", "0", "0") "}", 0, TB_CORRUPT, "impossible");
    assert_refused("{" TENSOR("a", "[-1]", "0", "0") "}", 0, TB_CORRUPT, "impossible");
    assert_refused("{" TENSOR("a", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, TB_TOO_LARGE, "dimensions");
}

static void unknown_dtypes_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[0,2]}}", 2, TB_UNSUPPORTED, "BF16");
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
    (void)state;
    static const char header[] = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    unsigned char bytes[8 + sizeof header - 1 + 4] = {sizeof header - 1};
    tb_model_file *file = NULL;
    tb_model_writer *writer = NULL;
    memcpy(bytes + 8, header, sizeof header - 1);
    memcpy(bytes + sizeof bytes - 4, "\0\0\xc0\x7f", 4); /* NaN */
    assert_status(tb_model_file_parse(bytes, sizeof bytes, &file, &err), TB_CORRUPT);
    assert_ok(tb_model_writer_new(&writer, &err));
    assert_status(tb_model_writer_tensor(writer, "a", TB_DTYPE_F32, 1, (size_t[]){1}, (float[]){NAN}, &err), TB_INVALID);
    assert_status(tb_model_writer_tensor(writer, "a", TB_DTYPE_F16, 1, (size_t[]){1}, (float[]){1e6f}, &err), TB_INVALID);
    assert_ok(tb_model_writer_tensor(writer, "a", TB_DTYPE_F32, 1, (size_t[]){1}, (float[]){1e6f}, &err));
    assert_status(tb_model_writer_tensor(writer, "a", TB_DTYPE_F32, 1, (size_t[]){1}, (float[]){1}, &err), TB_EXISTS);
    tb_model_writer_free(writer);
}

static void a_missing_file_is_not_found(void **state)
{
    (void)state;
    tb_model_file *file = NULL;
    assert_status(tb_model_file_open("/nonexistent/x.safetensors", &file, &err), TB_NOT_FOUND);
}

TB_TESTS(model_file, cmocka_unit_test(what_is_written_reads_back), cmocka_unit_test(digest_tells_files_apart),
         cmocka_unit_test(damaged_headers_are_refused), cmocka_unit_test(headers_larger_than_the_limit_are_refused),
         cmocka_unit_test(offsets_must_tile_the_data), cmocka_unit_test(shapes_that_overflow_are_refused),
         cmocka_unit_test(unknown_dtypes_are_refused), cmocka_unit_test(numbers_that_are_not_finite_are_refused),
         cmocka_unit_test(a_missing_file_is_not_found))
