// SPDX-License-Identifier: MIT
/* Opening a model: the file's metadata name its kind, and the kind reads the rest. */
#include "model/model.h"

#include "base/alloc.h"
#include "model/model_internal.h"

#include <math.h>
#include <string.h>

static const tb__model_kind *const kinds[] = {
    &tb__descriptors_kind,
    &tb__instruments_kind,
};

tb_status tb_model_open(const char *path, tb_model **model, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a model");
    TB_TRY(tb_model_file_open(path, &made->file, err));
    const char *kind = tb_model_file_metadata(made->file, "kind"), *name = tb_model_file_metadata(made->file, "name");
    if (kind == NULL || name == NULL || *name == '\0')
        TB_FAIL(err, TB_CORRUPT, "%s lacks \"kind\" or \"name\" in its metadata; is it a model of timbre?", path);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i]->name, kind) == 0) made->kind = kinds[i];
    if (made->kind == NULL)
        TB_FAIL(err, TB_UNSUPPORTED, "%s is a model of kind \"%.40s\", which this version does not know", path, kind);
    made->info.name = name;
    made->info.version = tb_model_file_digest(made->file);
    status = made->kind->load(made->file, made, err);
    if (status != TB_OK) {
        tb_error_prefix(err, "%s", path);
        goto out;
    }
    *model = made;
    made = NULL;
out:
    tb_model_close(made);
    return status;
}

void tb_model_close(tb_model *model)
{
    if (model == NULL) return;
    if (model->kind != NULL) model->kind->unload(model->state);
    tb_model_file_close(model->file);
    tb_free(model);
}

const tb_model_info *tb_model_get_info(const tb_model *model)
{
    return &model->info;
}

bool tb_normalize(float *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    if (!(square > 1e-24)) {
        memset(x, 0, n * sizeof *x);
        return false;
    }
    const float scale = (float)(1 / sqrt(square));
    for (size_t i = 0; i < n; i++) x[i] *= scale;
    return true;
}

void tb_model_pool(const tb_model *model, const float *vectors, const float *presence, size_t n, float *out_vector, float *out_presence)
{
    const tb_model_info *info = &model->info;
    memset(out_vector, 0, info->dim * sizeof *out_vector);
    memset(out_presence, 0, info->n_parts * sizeof *out_presence);
    for (size_t p = 0; p < info->n_parts; p++) {
        float *out = out_vector + info->parts[p].offset;
        const size_t dim = info->parts[p].dim;
        double total = 0;
        for (size_t i = 0; i < n; i++) {
            const float weight = presence[i * info->n_parts + p], *vector = vectors + i * info->dim + info->parts[p].offset;
            if (!(weight > 0)) continue;
            total += (double)weight;
            for (size_t k = 0; k < dim; k++) out[k] += weight * vector[k];
        }
        if (!(total > 0)) continue;
        out_presence[p] = (float)(total / (double)n);
        if (info->unit_length) {
            if (!tb_normalize(out, dim)) out_presence[p] = 0; /* the segments cancel out */
        } else {
            for (size_t k = 0; k < dim; k++) out[k] /= (float)total;
        }
    }
}

double tb_model_distance2(const tb_model_info *info, const float *weights, const float *a, const float *a_presence, const float *b,
                          const float *b_presence)
{
    double sum = 0, used = 0;
    for (size_t p = 0; p < info->n_parts; p++) {
        if (!(weights[p] > 0) || !(a_presence[p] > 0) || !(b_presence[p] > 0)) continue;
        const tb_model_part *part = &info->parts[p];
        float d2 = 0;
        for (size_t i = part->offset; i < part->offset + part->dim; i++) {
            const float d = a[i] - b[i];
            d2 += d * d;
        }
        sum += (double)weights[p] * (double)d2;
        used += (double)weights[p];
    }
    return used > 0 ? sum / used : INFINITY;
}
