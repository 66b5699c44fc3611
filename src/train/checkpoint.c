// SPDX-License-Identifier: MIT
#include "train/checkpoint.h"

#include "base/text.h"
#include "nn/model_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char kind[] = "checkpoint";

tb_status tb_checkpoint_write(const tb_checkpoint *checkpoint, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_writer *writer = NULL;
    char number[32];
    TB_TRY(tb_model_writer_new(&writer, err));
    TB_TRY(tb_model_writer_metadata(writer, "kind", kind, err));
    TB_TRY(tb_model_writer_metadata(writer, "training", checkpoint->training, err));
    for (size_t i = 0; i < checkpoint->n_numbers; i++) {
        snprintf(number, sizeof number, "%" PRIu64, *checkpoint->numbers[i].value);
        TB_TRY(tb_model_writer_metadata(writer, checkpoint->numbers[i].name, number, err));
    }
    for (size_t i = 0; i < checkpoint->n_arrays; i++) {
        const tb_checkpoint_array *array = &checkpoint->arrays[i];
        if (array->n > 0) TB_TRY(tb_model_writer_tensor(writer, array->name, TB_DTYPE_F32, 1, &array->n, array->values, err));
    }
    TB_TRY(tb_model_writer_save(writer, path, err));
out:
    tb_model_writer_free(writer);
    return status;
}

/* The first word in which two texts differ; both hold words with single blanks between. */
static void first_difference(const char *a, const char *b, char *word_a, char *word_b, size_t room)
{
    for (;;) {
        const size_t n_a = strcspn(a, " "), n_b = strcspn(b, " ");
        if (n_a != n_b || memcmp(a, b, n_a) != 0 || (!a[n_a] && !b[n_b])) {
            snprintf(word_a, room, "%.*s", (int)(n_a < room ? n_a : room - 1), a);
            snprintf(word_b, room, "%.*s", (int)(n_b < room ? n_b : room - 1), b);
            return;
        }
        a += n_a + (a[n_a] == ' ');
        b += n_b + (b[n_b] == ' ');
    }
}

static tb_status open_file(const tb_checkpoint *checkpoint, const char *path, tb_model_file **file, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_file *opened = NULL;
    TB_TRY(tb_model_file_open(path, &opened, err));
    const char *its_kind = tb_model_file_metadata(opened, "kind"), *training = tb_model_file_metadata(opened, "training");
    if (!its_kind || strcmp(its_kind, kind) != 0 || !training) TB_FAIL(err, TB_CORRUPT, "%.300s is no checkpoint", path);
    if (strcmp(training, checkpoint->training) != 0) {
        char theirs[80], ours[80];
        first_difference(training, checkpoint->training, theirs, ours, sizeof ours);
        TB_FAIL(err, TB_INVALID, "%.200s is of another training: there %s, here %s; choose another folder or the same settings", path,
                *theirs ? theirs : "fewer settings", *ours ? ours : "fewer settings");
    }
    for (size_t i = 0; i < checkpoint->n_numbers; i++) {
        const char *text = tb_model_file_metadata(opened, checkpoint->numbers[i].name);
        int64_t value;
        if (!text || tb_parse_int(text, 0, INT64_MAX, &value) != TB_OK)
            TB_FAIL(err, TB_CORRUPT, "%.300s lacks the number \"%s\"", path, checkpoint->numbers[i].name);
        *checkpoint->numbers[i].value = (uint64_t)value;
    }
    *file = opened;
    opened = NULL;
out:
    tb_model_file_close(opened);
    return status;
}

tb_status tb_checkpoint_read_numbers(const tb_checkpoint *checkpoint, const char *path, tb_error *err)
{
    tb_model_file *file = NULL;
    const tb_status status = open_file(checkpoint, path, &file, err);
    tb_model_file_close(file);
    return status;
}

tb_status tb_checkpoint_read(const tb_checkpoint *checkpoint, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_file *file = NULL;
    TB_TRY(open_file(checkpoint, path, &file, err));
    for (size_t i = 0; i < checkpoint->n_arrays; i++) {
        const tb_checkpoint_array *array = &checkpoint->arrays[i];
        const float *values;
        if (array->n == 0) continue;
        TB_TRY(tb_model_file_get(file, array->name, 1, &array->n, &values, err));
        memcpy(array->values, values, array->n * sizeof *values);
    }
out:
    tb_model_file_close(file);
    return status;
}
