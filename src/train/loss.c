// SPDX-License-Identifier: MIT
/* One group in four steps: parts to unit length; similarities of all pairs; the terms, each adding its gradient with
 * respect to similarities, logits or whole embeddings; and back through similarities and lengths. */
#include "train/loss.h"

#include "base/alloc.h"
#include "train/loss_internal.h"

#include <math.h>
#include <string.h>

struct tb_loss {
    tb_loss_shape shape;
    size_t max_n;
    float *unit;         /* n_parts x n x part_dim */
    float *unit_across;  /* part_dim x n, of the part at hand */
    float *inverse_norm; /* n_parts x n */
    float *s, *ds;       /* n_parts x n x n */
    float *dunit;        /* part_dim */
    uint8_t *shared, *both;
};

const char *tb_loss_term_name(tb_loss_term term)
{
    static const char *const names[TB_LOSS_TERMS] = {
        [TB_LOSS_CONTRASTIVE] = "contrastive",   [TB_LOSS_TRIPLET] = "triplet", [TB_LOSS_AUXILIARY] = "auxiliary",
        [TB_LOSS_PRESENCE] = "presence",         [TB_LOSS_LEAKAGE] = "leakage", [TB_LOSS_LEAKAGE_MEAN] = "leakage_mean",
        [TB_LOSS_INDEPENDENCE] = "independence",
    };
    return names[term];
}

tb_status tb_loss_new(const tb_loss_shape *shape, size_t max_n, tb_loss **loss, tb_error *err)
{
    tb_status status = TB_OK;
    tb_loss *made = NULL;
    if (shape->n_parts < 1 || shape->n_parts > TB_LOSS_MAX_PARTS || shape->part_dim < 1 ||
        (shape->n_presence != 0 && shape->n_presence != shape->n_parts))
        TB_FAIL(err, TB_INVALID, "%zu parts of %zu numbers and %zu presences are no embedding", shape->n_parts,
                shape->part_dim, shape->n_presence);
    if (max_n < 2 || max_n > TB_LOSS_MAX_SEGMENTS)
        TB_FAIL(err, TB_INVALID, "a group has 2 to %d segments, not %zu", TB_LOSS_MAX_SEGMENTS, max_n);
    if (!(made = tb_alloc(1, sizeof *made))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a loss");
    made->shape = *shape;
    made->max_n = max_n;
    size_t n_units, n_pairs;
    if (!tb_mul_size(max_n * shape->n_parts, shape->part_dim, &n_units) || !tb_mul_size(max_n * max_n, shape->n_parts, &n_pairs))
        TB_FAIL(err, TB_TOO_LARGE, "parts of %zu numbers are too large", shape->part_dim);
    made->unit = tb_alloc_aligned(n_units, sizeof *made->unit);
    made->unit_across = tb_alloc_aligned(max_n * shape->part_dim, sizeof *made->unit_across);
    made->inverse_norm = tb_alloc(max_n * shape->n_parts, sizeof *made->inverse_norm);
    made->s = tb_alloc_aligned(n_pairs, sizeof *made->s);
    made->ds = tb_alloc_aligned(n_pairs, sizeof *made->ds);
    made->dunit = tb_alloc_aligned(shape->part_dim, sizeof *made->dunit);
    made->shared = tb_alloc(max_n * max_n, 1);
    made->both = tb_alloc(max_n * max_n, 1);
    if (!made->unit || !made->unit_across || !made->inverse_norm || !made->s || !made->ds || !made->dunit || !made->shared ||
        !made->both)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the losses of %zu segments", max_n);
    *loss = made;
    made = NULL;
out:
    tb_loss_free(made);
    return status;
}

void tb_loss_free(tb_loss *loss)
{
    if (!loss) return;
    tb_free(loss->unit);
    tb_free(loss->unit_across);
    tb_free(loss->inverse_norm);
    tb_free(loss->s);
    tb_free(loss->ds);
    tb_free(loss->dunit);
    tb_free(loss->shared);
    tb_free(loss->both);
    tb_free(loss);
}

/* --- unit length and similarities --------------------------------------------------------------------------------------- */

static float inverse_norm(const float *x, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++) square += (double)x[i] * (double)x[i];
    return (float)(1 / sqrt(square + 1e-12));
}

/* False when there are numbers that are not finite, or too large. */
static bool normalize_part(tb_loss *loss, size_t n, size_t c, const float *y)
{
    bool finite = true;
    const size_t dim = loss->shape.part_dim, width = tb_loss_width(&loss->shape);
    float *unit = loss->unit + c * n * dim;
    for (size_t i = 0; i < n; i++) {
        const float *x = y + i * width + c * dim;
        const float scale = loss->inverse_norm[c * n + i] = inverse_norm(x, dim);
        finite = finite && scale > 0; /* 0 of infinity, NaN of NaN */
        for (size_t d = 0; d < dim; d++) unit[i * dim + d] = scale * x[d];
    }
    for (size_t d = 0; d < dim; d++)
        for (size_t i = 0; i < n; i++) loss->unit_across[d * n + i] = unit[i * dim + d];
    return finite;
}

static void compare_part(tb_loss *loss, size_t n, size_t c)
{
    const size_t dim = loss->shape.part_dim;
    for (size_t i = 0; i < n; i++) {
        float *restrict s = loss->s + (c * n + i) * n;
        memset(s, 0, n * sizeof *s);
        for (size_t d = 0; d < dim; d++) {
            const float *restrict across = loss->unit_across + d * n;
            const float x = loss->unit[(c * n + i) * dim + d];
            for (size_t j = 0; j < n; j++) s[j] += x * across[j];
        }
    }
}

/* dy of the part: through s_ij = u_i . u_j, then u = x / |x|. */
static void backward_part(const tb_loss *loss, size_t n, size_t c, float *dy)
{
    const size_t dim = loss->shape.part_dim, width = tb_loss_width(&loss->shape);
    const float *unit = loss->unit + c * n * dim, *ds = loss->ds + c * n * n;
    float *restrict du = loss->dunit;
    for (size_t i = 0; i < n; i++) {
        memset(du, 0, dim * sizeof *du);
        for (size_t j = 0; j < n; j++) {
            const float a = ds[i * n + j] + ds[j * n + i];
            const float *restrict other = unit + j * dim;
            if (a == 0 || i == j) continue;
            for (size_t d = 0; d < dim; d++) du[d] += a * other[d];
        }
        double along = 0;
        for (size_t d = 0; d < dim; d++) along += (double)du[d] * (double)unit[i * dim + d];
        float *out = dy + i * width + c * dim;
        const float scale = loss->inverse_norm[c * n + i];
        for (size_t d = 0; d < dim; d++) out[d] += scale * (du[d] - (float)along * unit[i * dim + d]);
    }
}

static void relate(tb_loss *loss, const tb_loss_labels *labels)
{
    const size_t n = labels->n, n_parts = loss->shape.n_parts;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            unsigned both = 0, shared = 0;
            for (size_t c = 0; c < n_parts; c++) {
                const bool are = labels->audible[i * n_parts + c] && labels->audible[j * n_parts + c];
                both |= (unsigned)are << c;
                shared |= (unsigned)(are && labels->piece[i * n_parts + c] == labels->piece[j * n_parts + c]) << c;
            }
            loss->both[i * n + j] = (uint8_t)both;
            loss->shared[i * n + j] = (uint8_t)shared;
        }
}

/* --- terms on more than similarities ------------------------------------------------------------------------------------- */

static double presence(const tb_loss *loss, double weight, const tb_loss_labels *labels, const float *y, float *dy)
{
    const size_t n_presence = loss->shape.n_presence, width = tb_loss_width(&loss->shape), first = width - n_presence;
    const double scale = 1 / (double)(labels->n * n_presence);
    double value = 0;
    for (size_t i = 0; i < labels->n; i++)
        for (size_t c = 0; c < n_presence; c++) {
            const double x = (double)y[i * width + first + c], target = (double)labels->presence[i * n_presence + c];
            value += scale * (fmax(x, 0) - x * target + log1p(exp(-fabs(x))));
            if (isnan(x)) value = (double)NAN;
            if (dy) dy[i * width + first + c] += (float)(weight * scale * (1 / (1 + exp(-x)) - target));
        }
    return value;
}

static double auxiliary(const tb_loss *loss, double weight, const tb_loss_labels *labels, const float *y, float *dy)
{
    const size_t dim = loss->shape.n_parts * loss->shape.part_dim, width = tb_loss_width(&loss->shape);
    size_t n = 0;
    double value = 0;
    for (size_t i = 0; i < labels->n; i++) n += !labels->has_target || labels->has_target[i];
    for (size_t i = 0; i < labels->n; i++) {
        if (labels->has_target && !labels->has_target[i]) continue;
        const float *x = y + i * width, *target = labels->target + i * dim;
        const double scale = (double)inverse_norm(x, dim), slope = 2 * weight / (double)n;
        double along = 0;
        for (size_t d = 0; d < dim; d++) {
            const double off = scale * (double)x[d] - (double)target[d];
            value += off * off / (double)n;
            along += off * scale * (double)x[d];
        }
        if (!dy) continue;
        for (size_t d = 0; d < dim; d++) {
            const double unit = scale * (double)x[d];
            dy[i * width + d] += (float)(slope * scale * (unit - (double)target[d] - along * unit));
        }
    }
    return value;
}

/* --- all together -------------------------------------------------------------------------------------------------------- */

static void describe_part(const tb_loss *loss, size_t n, size_t c, tb_loss_report *report)
{
    double same = 0, shared = 0, different = 0;
    size_t n_same = 0, n_shared = 0, n_different = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++) {
            const size_t ij = i * n + j;
            const double s = (double)loss->s[c * n * n + ij];
            if (i == j || !(loss->both[ij] >> c & 1)) continue;
            if (loss->shared[ij] >> c & 1) same += s, n_same++;
            else if (loss->shared[ij]) shared += s, n_shared++;
            else different += s, n_different++;
        }
    report->same[c] = same / (double)n_same;
    report->shared[c] = shared / (double)n_shared;
    report->different[c] = different / (double)n_different;
}

void tb_loss_compute(tb_loss *loss, const tb_loss_options *options, const tb_loss_labels *labels, const float *y,
                     float *dy, tb_loss_report *report)
{
    const size_t n = labels->n, n_parts = loss->shape.n_parts;
    tb__similarities group = {n, n_parts, options, labels, {0}, {0}, loss->shared, loss->both};
    bool finite = true;
    *report = (tb_loss_report){0};
    if (dy) memset(dy, 0, n * tb_loss_width(&loss->shape) * sizeof *dy);
    relate(loss, labels);
    memset(loss->ds, 0, n_parts * n * n * sizeof *loss->ds);
    for (size_t c = 0; c < n_parts; c++) {
        finite = normalize_part(loss, n, c, y) && finite;
        compare_part(loss, n, c);
        describe_part(loss, n, c, report);
        report->part[c] = (double)NAN;
        group.s[c] = loss->s + c * n * n;
        group.ds[c] = loss->ds + c * n * n;
    }
    for (int t = 0; t < TB_LOSS_TERMS; t++) {
        const double weight = options->weight[t];
        tb__similarity_term *term = tb__loss_similarity_term((tb_loss_term)t);
        if (weight == 0) continue;
        if (term) report->term[t] = term(&group, weight, t <= TB_LOSS_TRIPLET ? report->part : NULL);
        else if (t == TB_LOSS_PRESENCE) report->term[t] = presence(loss, weight, labels, y, dy);
        else report->term[t] = auxiliary(loss, weight, labels, y, dy);
        report->total += weight * report->term[t];
    }
    if (!finite) report->total = (double)NAN;
    if (!dy) return;
    for (size_t c = 0; c < n_parts; c++) backward_part(loss, n, c, dy);
}
