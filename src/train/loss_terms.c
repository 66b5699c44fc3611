// SPDX-License-Identifier: MIT
/* Losses as functions of similarities, with their gradients.  Pairs are ordered, (i, j) and (j, i) both count, except
 * where two unordered pairs would be equal; the caller adds both halves of ds up. */
#include "train/loss_internal.h"

#include <math.h>
#include <string.h>

static double softplus(double x)
{
    return x > 0 ? x + log1p(exp(-x)) : log1p(exp(x));
}

static double sigmoid(double x)
{
    return x >= 0 ? 1 / (1 + exp(-x)) : exp(x) / (1 + exp(x));
}

/* In part c: i and k are audible and of different pieces. */
static bool is_negative(const tb__similarities *g, size_t i, size_t k, unsigned c)
{
    return (g->both[i * g->n + k] >> c & 1) && !(g->shared[i * g->n + k] >> c & 1);
}

static bool is_positive(const tb__similarities *g, size_t i, size_t j, unsigned c)
{
    return i != j && (g->shared[i * g->n + j] >> c & 1);
}

/* --- contrastive ----------------------------------------------------------------------------------------------------- */

/* log of the sum over the negatives of segment i, and their shares in it; false without negatives. */
static bool gather_negatives(const tb__similarities *g, size_t i, unsigned c, double *log_sum, float *share)
{
    const float *s = g->s[c] + i * g->n;
    const double t = g->options->temperature;
    double highest = -INFINITY, sum = 0;
    for (size_t k = 0; k < g->n; k++)
        if (is_negative(g, i, k, c) && (double)s[k] > highest) highest = (double)s[k];
    if (isinf(highest)) return false;
    for (size_t k = 0; k < g->n; k++) {
        share[k] = 0;
        if (!is_negative(g, i, k, c)) continue;
        share[k] = expf((float)(((double)s[k] - highest) / t));
        if (g->shared[i * g->n + k] != 0) share[k] *= (float)g->options->shared_weight;
        sum += (double)share[k];
    }
    for (size_t k = 0; k < g->n; k++) share[k] = (float)((double)share[k] / sum);
    *log_sum = highest / t + log(sum);
    return true;
}

static size_t count_positive_pairs(const tb__similarities *g, unsigned c)
{
    size_t n_pairs = 0;
    for (size_t i = 0; i < g->n; i++) {
        size_t n_positive = 0, n_negative = 0;
        for (size_t j = 0; j < g->n; j++) {
            n_positive += is_positive(g, i, j, c);
            n_negative += is_negative(g, i, j, c);
        }
        if (n_negative > 0) n_pairs += n_positive;
    }
    return n_pairs;
}

static double contrastive_part(const tb__similarities *g, double weight, unsigned c, size_t n_pairs)
{
    const double t = g->options->temperature, scale = weight / ((double)n_pairs * t);
    double value = 0;
    float share[TB_LOSS_MAX_SEGMENTS];
    for (size_t i = 0; i < g->n; i++) {
        const float *s = g->s[c] + i * g->n;
        float *ds = g->ds[c] + i * g->n;
        double log_sum, missed = 0;
        if (!gather_negatives(g, i, c, &log_sum, share)) continue;
        for (size_t j = 0; j < g->n; j++) {
            if (!is_positive(g, i, j, c)) continue;
            const double x = log_sum - (double)s[j] / t, miss = sigmoid(x);
            value += softplus(x) / (double)n_pairs;
            ds[j] -= (float)(scale * miss);
            missed += miss;
        }
        for (size_t k = 0; k < g->n; k++) ds[k] += (float)(scale * missed * (double)share[k]);
    }
    return value;
}

static double contrastive(const tb__similarities *g, double weight, double *part)
{
    size_t n_pairs[TB_LOSS_MAX_PARTS], n_parts = 0;
    double value = 0;
    for (unsigned c = 0; c < g->n_parts; c++) n_parts += (n_pairs[c] = count_positive_pairs(g, c)) > 0;
    for (unsigned c = 0; c < g->n_parts; c++) {
        if (n_pairs[c] == 0) continue;
        const double of_part = contrastive_part(g, weight / (double)n_parts, c, n_pairs[c]);
        if (part) part[c] = of_part;
        value += of_part / (double)n_parts;
    }
    return value;
}

/* --- triplets -------------------------------------------------------------------------------------------------------- */

/* Distance of unit vectors, kept off its corner at 0. */
static double distance(float s)
{
    return sqrt(fmax(2 - 2 * (double)s, 0) + 1e-6);
}

static double add_triplet(const tb__similarities *g, double scale, unsigned c, size_t a, size_t p, size_t n)
{
    const size_t ap = a * g->n + p, an = a * g->n + n;
    const double d_ap = distance(g->s[c][ap]), d_an = distance(g->s[c][an]), loss = d_ap - d_an + g->options->margin;
    if (loss <= 0) return 0;
    g->ds[c][ap] -= (float)(scale / d_ap);
    g->ds[c][an] += (float)(scale / d_an);
    return isnan(loss) ? (double)NAN : loss;
}

static double given_triplets(const tb__similarities *g, double weight, double *part)
{
    const tb_loss_labels *labels = g->labels;
    size_t n_triplets[TB_LOSS_MAX_PARTS] = {0}, n_parts = 0;
    double sum[TB_LOSS_MAX_PARTS] = {0}, value = 0;
    for (size_t t = 0; t < labels->n_triplets; t++) n_triplets[labels->triplets[t].part]++;
    for (size_t c = 0; c < g->n_parts; c++) n_parts += n_triplets[c] > 0;
    for (size_t t = 0; t < labels->n_triplets; t++) {
        const tb_loss_triplet *x = &labels->triplets[t];
        const double scale = weight / (double)(n_triplets[x->part] * n_parts);
        sum[x->part] += add_triplet(g, scale, x->part, x->anchor, x->positive, x->negative);
    }
    for (size_t c = 0; c < g->n_parts; c++) {
        if (n_triplets[c] == 0) continue;
        if (part) part[c] = sum[c] / (double)n_triplets[c];
        value += sum[c] / (double)(n_triplets[c] * n_parts);
    }
    return value;
}

static size_t count_triplets(const tb__similarities *g, unsigned c)
{
    size_t n_triplets = 0;
    for (size_t i = 0; i < g->n; i++) {
        size_t n_positive = 0, n_negative = 0;
        for (size_t j = 0; j < g->n; j++) {
            n_positive += is_positive(g, i, j, c);
            n_negative += is_negative(g, i, j, c);
        }
        n_triplets += n_positive * n_negative;
    }
    return n_triplets;
}

static double all_triplets(const tb__similarities *g, double weight, double *part)
{
    size_t n_triplets[TB_LOSS_MAX_PARTS], n_parts = 0;
    double value = 0;
    for (unsigned c = 0; c < g->n_parts; c++) n_parts += (n_triplets[c] = count_triplets(g, c)) > 0;
    for (unsigned c = 0; c < g->n_parts; c++) {
        if (n_triplets[c] == 0) continue;
        const double scale = weight / (double)(n_triplets[c] * n_parts);
        double sum = 0;
        for (size_t a = 0; a < g->n; a++)
            for (size_t p = 0; p < g->n; p++) {
                if (!is_positive(g, a, p, c)) continue;
                for (size_t k = 0; k < g->n; k++)
                    if (is_negative(g, a, k, c)) sum += add_triplet(g, scale, c, a, p, k);
            }
        if (part) part[c] = sum / (double)n_triplets[c];
        value += sum / (double)(n_triplets[c] * n_parts);
    }
    return value;
}

static double triplet(const tb__similarities *g, double weight, double *part)
{
    return g->labels->triplets ? given_triplets(g, weight, part) : all_triplets(g, weight, part);
}

/* --- leakage --------------------------------------------------------------------------------------------------------- */

/* Mean similarity in part c of the pairs that share nothing; 0 pairs leave *mean alone. */
static size_t mean_of_different(const tb__similarities *g, unsigned c, double *mean)
{
    double sum = 0;
    size_t n_pairs = 0;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            if (i != j && is_negative(g, i, j, c) && g->shared[i * g->n + j] == 0) {
                sum += (double)g->s[c][i * g->n + j];
                n_pairs++;
            }
    if (n_pairs > 0) *mean = sum / (double)n_pairs;
    return n_pairs;
}

static void pull_different(const tb__similarities *g, unsigned c, double gradient)
{
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            if (i != j && is_negative(g, i, j, c) && g->shared[i * g->n + j] == 0)
                g->ds[c][i * g->n + j] += (float)gradient;
}

static double leakage(const tb__similarities *g, double weight, double *part)
{
    (void)part;
    double value = 0;
    for (unsigned c = 0; c < g->n_parts; c++) {
        double mean = 0, sum = 0, slope = 0;
        size_t n_shared = 0;
        const size_t n_different = mean_of_different(g, c, &mean);
        for (size_t i = 0; i < g->n; i++)
            for (size_t j = 0; j < g->n; j++)
                n_shared += i != j && is_negative(g, i, j, c) && g->shared[i * g->n + j] != 0;
        if (n_different == 0 || n_shared == 0) continue;
        const double scale = 2 * weight / (double)(n_shared * g->n_parts);
        for (size_t i = 0; i < g->n; i++)
            for (size_t j = 0; j < g->n; j++) {
                const size_t ij = i * g->n + j;
                if (i == j || !is_negative(g, i, j, c) || g->shared[ij] == 0) continue;
                const double over = (double)g->s[c][ij] - mean;
                sum += over * over;
                slope += scale * over;
                g->ds[c][ij] += (float)(scale * over);
            }
        pull_different(g, c, -slope / (double)n_different);
        value += sum / (double)(n_shared * g->n_parts);
    }
    return value;
}

static double leakage_mean(const tb__similarities *g, double weight, double *part)
{
    (void)part;
    double value = 0;
    const double share = 1 / (double)(g->n_parts * (g->n_parts > 1 ? g->n_parts - 1 : 1));
    for (unsigned c = 0; c < g->n_parts; c++) {
        double mean = 0, slope = 0;
        const size_t n_different = mean_of_different(g, c, &mean);
        if (n_different == 0) continue;
        for (unsigned q = 0; q < g->n_parts; q++) {
            double sum = 0;
            size_t n_shared = 0;
            if (q == c) continue;
            for (size_t i = 0; i < g->n; i++)
                for (size_t j = 0; j < g->n; j++)
                    if (is_negative(g, i, j, c) && is_positive(g, i, j, q)) {
                        sum += (double)g->s[c][i * g->n + j];
                        n_shared++;
                    }
            if (n_shared == 0) continue;
            const double over = sum / (double)n_shared - mean, gradient = 2 * weight * share * over;
            for (size_t i = 0; i < g->n; i++)
                for (size_t j = 0; j < g->n; j++)
                    if (is_negative(g, i, j, c) && is_positive(g, i, j, q))
                        g->ds[c][i * g->n + j] += (float)(gradient / (double)n_shared);
            slope += gradient;
            value += share * over * over;
        }
        pull_different(g, c, -slope / (double)n_different);
    }
    return value;
}

/* --- independence ---------------------------------------------------------------------------------------------------- */

/* Means, deviations and covariance of the similarities in two parts, over the pairs audible in both. */
typedef struct pair_moments {
    double n, mean[2], deviation[2], covariance;
} pair_moments;

static bool counts(const tb__similarities *g, size_t i, size_t j, unsigned c, unsigned q)
{
    return i != j && (g->both[i * g->n + j] >> c & 1) && (g->both[i * g->n + j] >> q & 1);
}

static bool measure_pairs(const tb__similarities *g, unsigned c, unsigned q, pair_moments *m)
{
    double square[2] = {0, 0};
    *m = (pair_moments){0};
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            if (counts(g, i, j, c, q)) {
                m->n++;
                m->mean[0] += (double)g->s[c][i * g->n + j];
                m->mean[1] += (double)g->s[q][i * g->n + j];
            }
    if (m->n < 2) return false;
    m->mean[0] /= m->n;
    m->mean[1] /= m->n;
    for (size_t i = 0; i < g->n; i++)
        for (size_t j = 0; j < g->n; j++)
            if (counts(g, i, j, c, q)) {
                const double a = (double)g->s[c][i * g->n + j] - m->mean[0];
                const double b = (double)g->s[q][i * g->n + j] - m->mean[1];
                square[0] += a * a;
                square[1] += b * b;
                m->covariance += a * b / m->n;
            }
    for (int k = 0; k < 2; k++) m->deviation[k] = sqrt(square[k] / m->n);
    return !(m->deviation[0] < 1e-6) && !(m->deviation[1] < 1e-6);
}

static double independence(const tb__similarities *g, double weight, double *part)
{
    (void)part;
    if (g->n_parts < 2) return 0;
    double value = 0;
    const double share = 2 / (double)(g->n_parts * (g->n_parts - 1));
    for (unsigned c = 0; c < g->n_parts; c++)
        for (unsigned q = c + 1; q < g->n_parts; q++) {
            pair_moments m;
            if (!measure_pairs(g, c, q, &m)) continue;
            const double r = m.covariance / (m.deviation[0] * m.deviation[1]), scale = 2 * weight * share * r / m.n;
            value += share * r * r;
            for (size_t i = 0; i < g->n; i++)
                for (size_t j = 0; j < g->n; j++) {
                    if (!counts(g, i, j, c, q)) continue;
                    const double a = ((double)g->s[c][i * g->n + j] - m.mean[0]) / m.deviation[0];
                    const double b = ((double)g->s[q][i * g->n + j] - m.mean[1]) / m.deviation[1];
                    g->ds[c][i * g->n + j] += (float)(scale * (b - r * a) / m.deviation[0]);
                    g->ds[q][i * g->n + j] += (float)(scale * (a - r * b) / m.deviation[1]);
                }
        }
    return value;
}

tb__similarity_term *tb__loss_similarity_term(tb_loss_term term)
{
    static tb__similarity_term *const terms[TB_LOSS_TERMS] = {
        [TB_LOSS_CONTRASTIVE] = contrastive,   [TB_LOSS_TRIPLET] = triplet,           [TB_LOSS_LEAKAGE] = leakage,
        [TB_LOSS_LEAKAGE_MEAN] = leakage_mean, [TB_LOSS_INDEPENDENCE] = independence,
    };
    return terms[term];
}
