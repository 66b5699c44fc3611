// SPDX-License-Identifier: MIT
/* Model files: named tensors and text metadata in one file, in the safetensors format.
 *
 *     bytes 0..7    size of the header, unsigned, little-endian
 *     header        JSON: {"__metadata__": {"key": "text", …},
 *                          "name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
 *     data          the tensors, little-endian, row-major; offsets count from the end of the header
 *
 * Here dtype is F32 or F16.  A file from outside is checked whole before anything of it is used: sizes,
 * offsets (in range, no overlap, no holes, as the format demands), shapes that match them, and numbers that
 * are finite.  Tensors are held as f32, whatever the file has.
 *
 * tb_model_file: immutable after open, shared by any threads.  tb_model_writer: one per thread. */
#ifndef TIMBRE_NN_MODEL_FILE_H
#define TIMBRE_NN_MODEL_FILE_H

#include "base/status.h"

#include <stddef.h>

enum {
    TB_MODEL_FILE_MAX_BYTES = 1 << 30,
    TB_MODEL_FILE_MAX_HEADER = 16 << 20,
    TB_MODEL_FILE_MAX_TENSORS = 65536,
    TB_MODEL_FILE_MAX_DIMS = 8,
};

typedef enum tb_dtype { TB_DTYPE_F32, TB_DTYPE_F16 } tb_dtype;

/* All borrowed as long as the file. */
typedef struct tb_tensor_info {
    const char *name;
    tb_dtype dtype; /* in the file */
    size_t n_dims;  /* 0: a single number */
    size_t shape[TB_MODEL_FILE_MAX_DIMS];
    size_t n_values;
    const float *values; /* start on a 64-byte line */
} tb_tensor_info;

typedef struct tb_model_file tb_model_file;

/* TB_NOT_FOUND and TB_IO from reading, TB_TOO_LARGE past the limits above, TB_CORRUPT with what is wrong,
 * TB_UNSUPPORTED for another dtype, TB_NO_MEMORY. */
tb_status tb_model_file_open(const char *path, tb_model_file **file, tb_error *err) TB_MUST_CHECK;
/* The same from memory (left as it is); for tests and fuzzing. */
tb_status tb_model_file_parse(const void *bytes, size_t size, tb_model_file **file, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_model_file_close(tb_model_file *file);
/* Digest of the whole file: 16 hexadecimal digits. */
const char *tb_model_file_digest(const tb_model_file *file);
/* Text of a metadata key; NULL when there is none. */
const char *tb_model_file_metadata(const tb_model_file *file, const char *key);

size_t tb_model_file_count(const tb_model_file *file);
/* i < count; in the order of the data. */
const tb_tensor_info *tb_model_file_at(const tb_model_file *file, size_t i);
/* NULL when there is none. */
const tb_tensor_info *tb_model_file_find(const tb_model_file *file, const char *name);
/* Values of a tensor that must have this shape; TB_CORRUPT (saying both shapes) if it has another or is missing. */
tb_status tb_model_file_get(const tb_model_file *file, const char *name, size_t n_dims, const size_t *shape,
                            const float **values, tb_error *err) TB_MUST_CHECK;

typedef struct tb_model_writer tb_model_writer;

tb_status tb_model_writer_new(tb_model_writer **writer, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_model_writer_free(tb_model_writer *writer);
/* key, text: UTF-8; a key given twice keeps the last text. */
tb_status tb_model_writer_metadata(tb_model_writer *writer, const char *key, const char *text, tb_error *err) TB_MUST_CHECK;
/* values: product of shape floats, copied.  TB_INVALID for a value that is not finite (for F16: after rounding),
 * TB_EXISTS for a name that is there. */
tb_status tb_model_writer_tensor(tb_model_writer *writer, const char *name, tb_dtype dtype, size_t n_dims,
                                 const size_t *shape, const float *values, tb_error *err) TB_MUST_CHECK;
/* Writes atomically; the same calls give the same bytes. */
tb_status tb_model_writer_save(const tb_model_writer *writer, const char *path, tb_error *err) TB_MUST_CHECK;

#endif
