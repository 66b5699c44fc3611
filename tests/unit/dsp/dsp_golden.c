// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_golden.h"

#include "support/testing.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static float decode_float(const unsigned char bytes[4])
{
    const uint32_t bits =
        (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

golden read_golden(const char *file, const char *name)
{
    char relative[256], line[128], found[64];
    snprintf(relative, sizeof relative, "tests/golden/dsp/%s.bin", file);
    char *path = tb_test_source_path(relative);
    FILE *stream = fopen(path, "rb");
    if (!stream) fail_msg("%s cannot be opened", path);
    free(path);
    golden reference = {.file = file, .name = name};
    while (fgets(line, sizeof line, stream)) {
        size_t n_rows, n_columns;
        if (sscanf(line, "%63s %zu %zu", found, &n_rows, &n_columns) != 3)
            fail_msg("%s is damaged", relative);
        const size_t n = n_rows * n_columns;
        if (strcmp(found, name) != 0) {
            fseek(stream, (long)(4 * n), SEEK_CUR);
            continue;
        }
        reference.n_rows = n_rows;
        reference.n_columns = n_columns;
        reference.values = malloc((n ? n : 1) * sizeof *reference.values);
        assert_non_null(reference.values);
        for (size_t i = 0; i < n; i++) {
            unsigned char bytes[4];
            assert_int_equal(fread(bytes, 1, 4, stream), 4);
            reference.values[i] = decode_float(bytes);
        }
        break;
    }
    fclose(stream);
    if (!reference.values) fail_msg("%s has no array %s", relative, name);
    return reference;
}

void free_golden(golden *reference)
{
    free(reference->values);
    reference->values = NULL;
}

comparison begin_comparison(const golden *reference, double share_of_range)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t i = 0; i < reference->n_rows * reference->n_columns; i++) {
        low = fmin(low, (double)reference->values[i]);
        high = fmax(high, (double)reference->values[i]);
    }
    double range = high - low;
    if (!(range > 0.0)) range = fabs(high);
    return (comparison){.reference = reference, .tolerance = share_of_range * range};
}

void compare_row(comparison *c, const float *ours)
{
    const golden *reference = c->reference;
    if (c->row >= reference->n_rows)
        fail_msg("%s of %s: more than %zu rows", reference->name, reference->file, reference->n_rows);
    for (size_t i = 0; i < reference->n_columns; i++) {
        const double difference =
            fabs((double)ours[i] - (double)reference->values[c->row * reference->n_columns + i]);
        if (!(difference <= c->tolerance)) c->n_misses++;
        if (!(difference <= c->worst)) {
            c->worst = difference;
            c->worst_row = c->row;
            c->worst_column = i;
        }
    }
    c->row++;
}

void end_comparison(const comparison *c, size_t n_allowed)
{
    const golden *reference = c->reference;
    if (getenv("TB_SHOW_DIFFERENCES"))
        fprintf(stderr, "# %s %s: worst %.3g of allowed %.3g, %zu misses\n", reference->file, reference->name,
                c->worst, c->tolerance, c->n_misses);
    if (c->row != reference->n_rows)
        fail_msg("%s of %s: %zu rows, not %zu", reference->name, reference->file, c->row, reference->n_rows);
    if (c->n_misses > n_allowed)
        fail_msg("%s of %s: %zu values are off, the worst by %g (allowed %g) in row %zu, column %zu",
                 reference->name, reference->file, c->n_misses, c->worst, c->tolerance, c->worst_row,
                 c->worst_column);
}
