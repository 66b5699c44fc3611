// SPDX-License-Identifier: MIT
/* Reading and writing safetensors; the layout is in the header.
 *
 * Reading has three steps: the header is parsed into a list of tensors, the list is sorted by offset and
 * checked to tile the data exactly, then every tensor is converted into one block of floats. */
#include "nn/model_file.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "base/half.h"

#include <jansson.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tb_model_file {
    json_t *header; /* owns the names and the metadata */
    tb_tensor_info *tensors;
    size_t *offsets; /* of the tensors, bytes into the data */
    size_t n_tensors;
    float *values;
    char digest[17];
};

static const struct {
    const char *name;
    size_t size_bytes;
} dtypes[] = {[TB_DTYPE_F32] = {"F32", 4}, [TB_DTYPE_F16] = {"F16", 2}};

enum { N_DTYPES = sizeof dtypes / sizeof *dtypes, LINE_FLOATS = 16, NAME_SHOWN = 100 };

static uint64_t read_le64(const unsigned char *bytes)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

static uint32_t read_le32(const unsigned char *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* FNV-1a, 64 bits: tells files apart, is no protection against forgery. */
static void write_digest(const unsigned char *bytes, size_t size, char out[17])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < size; i++) hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    for (int i = 0; i < 16; i++) out[i] = digits[hash >> (60 - 4 * i) & 15];
    out[16] = '\0';
}

static size_t round_to_line(size_t n)
{
    return (n + LINE_FLOATS - 1) / LINE_FLOATS * LINE_FLOATS;
}

/* An integer >= 0 that fits size_t. */
static bool read_size(const json_t *json, size_t *size)
{
    if (!json_is_integer(json) || json_integer_value(json) < 0) return false;
    *size = (size_t)json_integer_value(json);
    return true;
}

static tb_status parse_tensor(const char *name, const json_t *json, size_t data_size, tb_tensor_info *tensor,
                              size_t *offset, tb_error *err)
{
    tb_status status = TB_OK;
    const json_t *shape = json_object_get(json, "shape"), *range = json_object_get(json, "data_offsets");
    const char *dtype = json_string_value(json_object_get(json, "dtype"));
    if (dtype == NULL || !json_is_array(shape) || !json_is_array(range) || json_array_size(range) != 2)
        TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" lacks dtype, shape or data_offsets", NAME_SHOWN, name);
    size_t kind = 0;
    while (kind < N_DTYPES && strcmp(dtype, dtypes[kind].name) != 0) kind++;
    if (kind == N_DTYPES)
        TB_FAIL(err, TB_UNSUPPORTED, "tensor \"%.*s\" has dtype %.20s; F32 and F16 can be read", NAME_SHOWN, name, dtype);
    if (json_array_size(shape) > TB_MODEL_FILE_MAX_DIMS)
        TB_FAIL(err, TB_TOO_LARGE, "tensor \"%.*s\" has more than %d dimensions", NAME_SHOWN, name, TB_MODEL_FILE_MAX_DIMS);

    *tensor = (tb_tensor_info){.name = name, .dtype = (tb_dtype)kind, .n_dims = json_array_size(shape), .n_values = 1};
    for (size_t d = 0; d < tensor->n_dims; d++) {
        if (!read_size(json_array_get(shape, d), &tensor->shape[d]) ||
            !tb_mul_size(tensor->n_values, tensor->shape[d], &tensor->n_values))
            TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" has an impossible shape", NAME_SHOWN, name);
    }
    size_t size_bytes = 0, begin = 0, end = 0;
    if (!tb_mul_size(tensor->n_values, dtypes[kind].size_bytes, &size_bytes))
        TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" has an impossible shape", NAME_SHOWN, name);
    if (!read_size(json_array_get(range, 0), &begin) || !read_size(json_array_get(range, 1), &end) || begin > end ||
        end > data_size)
        TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" lies outside the file, which may be cut off", NAME_SHOWN, name);
    if (end - begin != size_bytes)
        TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" has %zu bytes where its shape needs %zu", NAME_SHOWN, name, end - begin,
                size_bytes);
    *offset = begin;
out:
    return status;
}

static tb_status parse_metadata(const json_t *json, tb_error *err)
{
    const char *key;
    json_t *text;
    if (!json_is_object(json)) return tb_error_set(err, TB_CORRUPT, "__metadata__ is not an object");
    json_object_foreach((json_t *)json, key, text) {
        if (!json_is_string(text))
            return tb_error_set(err, TB_CORRUPT, "metadata \"%.*s\" is not a text", NAME_SHOWN, key);
    }
    return TB_OK;
}

typedef struct tensor_at {
    tb_tensor_info info;
    size_t offset;
} tensor_at;

static int compare_offsets(const void *left, const void *right)
{
    const tensor_at *a = left, *b = right;
    if (a->offset != b->offset) return a->offset < b->offset ? -1 : 1;
    if (a->info.n_values != b->info.n_values) return a->info.n_values < b->info.n_values ? -1 : 1; /* empty ones first */
    return strcmp(a->info.name, b->info.name);
}

/* Fills file->tensors and file->offsets, sorted by offset. */
static tb_status parse_header(tb_model_file *file, size_t data_size, tb_error *err)
{
    tb_status status = TB_OK;
    tensor_at *list = NULL;
    const char *name;
    json_t *json;

    if (!json_is_object(file->header)) TB_FAIL(err, TB_CORRUPT, "the header is not a JSON object");
    const size_t n_entries = json_object_size(file->header);
    if (n_entries > TB_MODEL_FILE_MAX_TENSORS)
        TB_FAIL(err, TB_TOO_LARGE, "the file has more than %d tensors", TB_MODEL_FILE_MAX_TENSORS);
    list = tb_alloc(n_entries, sizeof *list);
    file->tensors = tb_alloc(n_entries, sizeof *file->tensors);
    file->offsets = tb_alloc(n_entries, sizeof *file->offsets);
    if (list == NULL || file->tensors == NULL || file->offsets == NULL)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu tensors", n_entries);

    size_t n = 0;
    json_object_foreach(file->header, name, json) {
        if (strcmp(name, "__metadata__") == 0) {
            TB_TRY(parse_metadata(json, err));
        } else {
            TB_TRY(parse_tensor(name, json, data_size, &list[n].info, &list[n].offset, err));
            n++;
        }
    }
    if (n > 1) qsort(list, n, sizeof *list, compare_offsets);
    size_t end = 0;
    for (size_t i = 0; i < n; i++) {
        if (list[i].offset != end)
            TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" starts at byte %zu of the data, not at %zu: tensors overlap or leave a hole",
                    NAME_SHOWN, list[i].info.name, list[i].offset, end);
        end += list[i].info.n_values * dtypes[list[i].info.dtype].size_bytes;
        file->tensors[i] = list[i].info;
        file->offsets[i] = list[i].offset;
    }
    if (end != data_size)
        TB_FAIL(err, TB_CORRUPT, "the file has %zu bytes of data, its tensors %zu", data_size, end);
    file->n_tensors = n;
out:
    tb_free(list);
    return status;
}

static tb_status convert_tensors(tb_model_file *file, const unsigned char *data, tb_error *err)
{
    tb_status status = TB_OK;
    size_t total = 0;
    for (size_t i = 0; i < file->n_tensors; i++) total += round_to_line(file->tensors[i].n_values);
    file->values = tb_alloc_aligned(total, sizeof *file->values);
    if (file->values == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu numbers", total);

    float *out = file->values;
    for (size_t i = 0; i < file->n_tensors; i++) {
        tb_tensor_info *tensor = &file->tensors[i];
        const unsigned char *bytes = data + file->offsets[i];
        tensor->values = out;
        for (size_t k = 0; k < tensor->n_values; k++) {
            if (tensor->dtype == TB_DTYPE_F16) {
                out[k] = tb_half_to_float((uint16_t)(bytes[2 * k] | bytes[2 * k + 1] << 8));
            } else {
                const uint32_t bits = read_le32(bytes + 4 * k);
                memcpy(&out[k], &bits, sizeof bits);
            }
            if (!isfinite(out[k]))
                TB_FAIL(err, TB_CORRUPT, "tensor \"%.*s\" holds a number that is not finite", NAME_SHOWN, tensor->name);
        }
        out += round_to_line(tensor->n_values);
    }
out:
    return status;
}

tb_status tb_model_file_parse(const void *bytes, size_t size, tb_model_file **file, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_file *made = NULL;
    const unsigned char *start = bytes;
    json_error_t json_error;

    if (size > TB_MODEL_FILE_MAX_BYTES) TB_FAIL(err, TB_TOO_LARGE, "a model file has 1 GiB at most");
    if (size < 8) TB_FAIL(err, TB_CORRUPT, "the file is shorter than its first field; is it a safetensors file?");
    const uint64_t header_size = read_le64(start);
    if (header_size > size - 8)
        TB_FAIL(err, TB_CORRUPT, "the header reaches past the end of the file, which is cut off or no safetensors file");
    if (header_size > TB_MODEL_FILE_MAX_HEADER) TB_FAIL(err, TB_TOO_LARGE, "the header is larger than 16 MiB");
    made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a model file");
    made->header = json_loadb((const char *)start + 8, (size_t)header_size, JSON_REJECT_DUPLICATES, &json_error);
    if (made->header == NULL) TB_FAIL(err, TB_CORRUPT, "the header is not JSON: %s", json_error.text);
    TB_TRY(parse_header(made, size - 8 - (size_t)header_size, err));
    TB_TRY(convert_tensors(made, start + 8 + header_size, err));
    write_digest(start, size, made->digest);
    *file = made;
    made = NULL;
out:
    tb_model_file_close(made);
    return status;
}

tb_status tb_model_file_open(const char *path, tb_model_file **file, tb_error *err)
{
    tb_status status = TB_OK;
    char *bytes = NULL;
    size_t size = 0;
    TB_TRY(tb_fs_read(path, TB_MODEL_FILE_MAX_BYTES, &bytes, &size, err));
    status = tb_model_file_parse(bytes, size, file, err);
    if (status != TB_OK) tb_error_prefix(err, "%s", path);
out:
    tb_free(bytes);
    return status;
}

void tb_model_file_close(tb_model_file *file)
{
    if (file == NULL) return;
    json_decref(file->header);
    tb_free(file->tensors);
    tb_free(file->offsets);
    tb_free(file->values);
    tb_free(file);
}

const char *tb_model_file_digest(const tb_model_file *file)
{
    return file->digest;
}

const char *tb_model_file_metadata(const tb_model_file *file, const char *key)
{
    return json_string_value(json_object_get(json_object_get(file->header, "__metadata__"), key));
}

size_t tb_model_file_count(const tb_model_file *file)
{
    return file->n_tensors;
}

const tb_tensor_info *tb_model_file_at(const tb_model_file *file, size_t i)
{
    return &file->tensors[i];
}

const tb_tensor_info *tb_model_file_find(const tb_model_file *file, const char *name)
{
    for (size_t i = 0; i < file->n_tensors; i++)
        if (strcmp(file->tensors[i].name, name) == 0) return &file->tensors[i];
    return NULL;
}

/* "[2, 3]", cut off if it does not fit. */
static void format_shape(size_t n_dims, const size_t *shape, char *out, size_t capacity)
{
    size_t used = (size_t)snprintf(out, capacity, "[");
    for (size_t d = 0; d < n_dims && used < capacity; d++)
        used += (size_t)snprintf(out + used, capacity - used, d == 0 ? "%zu" : ", %zu", shape[d]);
    if (used < capacity) snprintf(out + used, capacity - used, "]");
}

tb_status tb_model_file_get(const tb_model_file *file, const char *name, size_t n_dims, const size_t *shape,
                            const float **values, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_tensor_info *tensor = tb_model_file_find(file, name);
    if (tensor == NULL) TB_FAIL(err, TB_CORRUPT, "the model file lacks the tensor \"%.*s\"", NAME_SHOWN, name);
    if (tensor->n_dims != n_dims || (n_dims > 0 && memcmp(tensor->shape, shape, n_dims * sizeof *shape) != 0)) {
        char has[128], needs[128];
        format_shape(tensor->n_dims, tensor->shape, has, sizeof has);
        format_shape(n_dims, shape, needs, sizeof needs);
        TB_FAIL(err, TB_CORRUPT, "the tensor \"%.*s\" has shape %s, this model needs %s", NAME_SHOWN, name, has, needs);
    }
    *values = tensor->values;
out:
    return status;
}

/* --- writing ------------------------------------------------------------------------------------ */

struct tb_model_writer {
    json_t *header;   /* tensors, in the order of their data */
    json_t *metadata;
    unsigned char *data;
    size_t size, capacity;
};

tb_status tb_model_writer_new(tb_model_writer **writer, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_writer *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a model writer");
    made->header = json_object();
    made->metadata = json_object();
    if (made->header == NULL || made->metadata == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a model writer");
    *writer = made;
    made = NULL;
out:
    tb_model_writer_free(made);
    return status;
}

void tb_model_writer_free(tb_model_writer *writer)
{
    if (writer == NULL) return;
    json_decref(writer->header);
    json_decref(writer->metadata);
    tb_free(writer->data);
    tb_free(writer);
}

tb_status tb_model_writer_metadata(tb_model_writer *writer, const char *key, const char *text, tb_error *err)
{
    json_t *json = json_string(text);
    if (json == NULL) return tb_error_set(err, TB_INVALID, "metadata \"%.*s\" is not UTF-8", NAME_SHOWN, key);
    if (json_object_set_new(writer->metadata, key, json) != 0)
        return tb_error_set(err, TB_INVALID, "\"%.*s\" cannot be a metadata key", NAME_SHOWN, key);
    return TB_OK;
}

static tb_status reserve(tb_model_writer *writer, size_t more, tb_error *err)
{
    if (more > TB_MODEL_FILE_MAX_BYTES - writer->size) return tb_error_set(err, TB_TOO_LARGE, "a model file has 1 GiB at most");
    if (writer->size + more <= writer->capacity) return TB_OK;
    const size_t capacity = (writer->size + more) * 3 / 2;
    unsigned char *grown = tb_realloc(writer->data, capacity, 1);
    if (grown == NULL) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu bytes of tensors", capacity);
    writer->data = grown;
    writer->capacity = capacity;
    return TB_OK;
}

/* False when the value is not finite in that dtype. */
static bool encode(tb_dtype dtype, float value, unsigned char *out)
{
    if (!isfinite(value)) return false;
    if (dtype == TB_DTYPE_F16) {
        const uint16_t half = tb_half_from_float(value);
        out[0] = (unsigned char)(half & 255u);
        out[1] = (unsigned char)(half >> 8);
        return (half & 0x7c00u) != 0x7c00u;
    }
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 4; i++) out[i] = (unsigned char)(bits >> (8 * i) & 255u);
    return true;
}

tb_status tb_model_writer_tensor(tb_model_writer *writer, const char *name, tb_dtype dtype, size_t n_dims,
                                 const size_t *shape, const float *values, tb_error *err)
{
    tb_status status = TB_OK;
    json_t *json = NULL, *dims = json_array();
    size_t n_values = 1, size_bytes = 0;
    if (dims == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a tensor");
    if (strcmp(name, "__metadata__") == 0 || n_dims > TB_MODEL_FILE_MAX_DIMS)
        TB_FAIL(err, TB_INVALID, "tensor \"%.*s\" has a reserved name or too many dimensions", NAME_SHOWN, name);
    if (json_object_get(writer->header, name) != NULL)
        TB_FAIL(err, TB_EXISTS, "there is a tensor \"%.*s\" already", NAME_SHOWN, name);
    for (size_t d = 0; d < n_dims; d++) {
        if (!tb_mul_size(n_values, shape[d], &n_values)) TB_FAIL(err, TB_TOO_LARGE, "tensor \"%.*s\" is too large", NAME_SHOWN, name);
        if (json_array_append_new(dims, json_integer((json_int_t)shape[d])) != 0) TB_FAIL(err, TB_NO_MEMORY, "no memory for a tensor");
    }
    if (!tb_mul_size(n_values, dtypes[dtype].size_bytes, &size_bytes))
        TB_FAIL(err, TB_TOO_LARGE, "tensor \"%.*s\" is too large", NAME_SHOWN, name);
    TB_TRY(reserve(writer, size_bytes, err));
    for (size_t i = 0; i < n_values; i++) {
        if (!encode(dtype, values[i], writer->data + writer->size + i * dtypes[dtype].size_bytes))
            TB_FAIL(err, TB_INVALID, "value %zu of tensor \"%.*s\" is not finite as %s", i, NAME_SHOWN, name, dtypes[dtype].name);
    }
    json = json_pack("{s:s, s:O, s:[I, I]}", "dtype", dtypes[dtype].name, "shape", dims, "data_offsets",
                     (json_int_t)writer->size, (json_int_t)(writer->size + size_bytes));
    if (json == NULL || json_object_set(writer->header, name, json) != 0)
        TB_FAIL(err, TB_INVALID, "\"%.*s\" cannot be the name of a tensor", NAME_SHOWN, name);
    writer->size += size_bytes;
out:
    json_decref(json);
    json_decref(dims);
    return status;
}

static int append_json(const char *bytes, size_t size, void *buffer)
{
    return tb_buffer_append(buffer, bytes, size) == TB_OK ? 0 : -1;
}

tb_status tb_model_writer_save(const tb_model_writer *writer, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer text;
    unsigned char *bytes = NULL;
    json_t *header = json_object();
    tb_buffer_init(&text, TB_MODEL_FILE_MAX_HEADER - 8);
    if (header == NULL || json_object_set(header, "__metadata__", writer->metadata) != 0 ||
        json_object_update(header, writer->header) != 0 || json_dump_callback(header, append_json, &text, JSON_COMPACT) != 0)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the header of %s, or it passes 16 MiB", path);
    const size_t header_size = (text.size + 7) / 8 * 8; /* padded with blanks, as the format wants */
    bytes = tb_alloc(8 + header_size + writer->size, 1);
    if (bytes == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory to write %s", path);
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)((uint64_t)header_size >> (8 * i) & 255u);
    memset(bytes + 8, ' ', header_size);
    memcpy(bytes + 8, text.bytes, text.size);
    if (writer->size > 0) memcpy(bytes + 8 + header_size, writer->data, writer->size);
    TB_TRY(tb_fs_write_atomic(path, bytes, 8 + header_size + writer->size, err));
out:
    json_decref(header);
    tb_buffer_clear(&text);
    tb_free(bytes);
    return status;
}
