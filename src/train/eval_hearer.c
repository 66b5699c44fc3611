// SPDX-License-Identifier: MIT
/* All windows of all segments are heard in stretches of BATCH, each by any thread with its own pass through
 * the network; what one window gives does not depend on the others of its stretch (nn/network.h). */
#include "train/eval_hearer.h"

#include "base/alloc.h"
#include "model/model.h"
#include "nn/model_file.h"
#include "nn/network.h"
#include "train/half_rows.h"
#include "train/mixer.h"
#include "train/parallel.h"

#include <math.h>
#include <string.h>

enum { BATCH = 32, STRETCHES_A_REPORT = 32, MAX_WINDOWS = 3 };

static const struct {
    size_t n_rows, n_windows, at[MAX_WINDOWS];
} spans[TB_SPAN_COUNT] = {
    [TB_SPAN_3S] = {TB_INSTRUMENTS_ROWS, 1, {0}},
    [TB_SPAN_10S] = {215, 3, {0, 75, 215 - TB_INSTRUMENTS_ROWS}},
};

_Static_assert((int)TB_INSTRUMENTS_PARTS == (int)TB_STEM_COUNT, "a part for each stem");

/* What one thread needs. */
typedef struct desk {
    tb_pass *pass;
    float *input; /* BATCH windows */
    float *stems; /* powers of one window: TB_STEM_COUNT x rows x bands */
} desk;

struct tb_hearer {
    tb_hearer_options options;
    tb_model_file *file; /* owns mean, deviation and threshold */
    tb_network *network; /* folded */
    const float *mean, *deviation, *threshold;
    size_t n_bands;
    tb_pool *pool;
    desk *desks;
    size_t n_desks;
    const char *stage;
    size_t n_done, n_expected; /* windows of the stage */
};

size_t tb_span_rows(tb_span span)
{
    return spans[span].n_rows;
}

size_t tb_span_windows(tb_span span, size_t n)
{
    return n * spans[span].n_windows;
}

void tb_heard_clear(tb_heard *heard)
{
    tb_free(heard->vectors);
    tb_free(heard->presence);
    tb_free(heard->share);
    tb_free(heard->audible);
    *heard = (tb_heard){0};
}

/* --- the model ------------------------------------------------------------------------------------------ */

static tb_status load(tb_hearer *hearer, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_network *network = NULL;
    TB_TRY(tb_model_file_open(path, &hearer->file, err));
    const char *kind = tb_model_file_metadata(hearer->file, "kind"), *format =
        tb_model_file_metadata(hearer->file, "format");
    if (kind == NULL || strcmp(kind, "instruments") != 0)
        TB_FAIL(err, TB_UNSUPPORTED, "%.300s is a model of kind \"%.40s\", not \"instruments\"", path,
                kind ? kind : "");
    if (format == NULL || strcmp(format, TB_INSTRUMENTS_FORMAT) != 0)
        TB_FAIL(err, TB_NEWER,
                "%.300s has format \"%.40s\" of instruments; this version knows " TB_INSTRUMENTS_FORMAT,
                path, format ? format : "");
    TB_TRY(tb_network_load(hearer->file, &network, err));
    const tb_shape input = tb_network_input(network), output = tb_network_output(network);
    if (input.height != TB_INSTRUMENTS_ROWS || input.channels != 1 ||
        tb_shape_values(output) != TB_INSTRUMENTS_OUTPUTS)
        TB_FAIL(err, TB_CORRUPT,
                "%.300s: the network takes %zu x %zu x %zu and gives %zu numbers; instruments need %d rows, "
                "1 channel and %d",
                path,
                input.height, input.width, input.channels, tb_shape_values(output), TB_INSTRUMENTS_ROWS,
                TB_INSTRUMENTS_OUTPUTS);
    hearer->n_bands = input.width;
    const size_t parts = TB_INSTRUMENTS_PARTS;
    TB_TRY(tb_model_file_get(hearer->file, "input.mean", 1, &hearer->n_bands, &hearer->mean, err));
    TB_TRY(tb_model_file_get(hearer->file, "input.deviation", 1, &hearer->n_bands, &hearer->deviation, err));
    TB_TRY(tb_model_file_get(hearer->file, "presence.threshold", 1, &parts, &hearer->threshold, err));
    for (size_t b = 0; b < hearer->n_bands; b++)
        if (!(hearer->deviation[b] > 0))
            TB_FAIL(err, TB_CORRUPT, "%.300s: input.deviation of band %zu is not above 0", path, b);
    TB_TRY(tb_network_fold(network, &hearer->network, err));
out:
    tb_network_free(network);
    return status;
}

tb_status tb_hearer_open(const char *model_path, const tb_hearer_options *options, tb_hearer **hearer,
                         tb_error *err)
{
    tb_status status = TB_OK;
    tb_hearer *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory to hear with");
    made->options = *options;
    TB_TRY(load(made, model_path, err));
    const size_t n_threads = options->n_threads == 0 ? 1 : options->n_threads < TB_PARALLEL_MAX_WORKERS
        ? options->n_threads : TB_PARALLEL_MAX_WORKERS;
    const size_t n_values = TB_INSTRUMENTS_ROWS * made->n_bands;
    if (!(made->desks = tb_alloc(n_threads, sizeof *made->desks)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu threads", n_threads);
    for (; made->n_desks < n_threads; made->n_desks++) {
        desk *d = &made->desks[made->n_desks];
        d->input = tb_alloc_aligned(BATCH * n_values, sizeof *d->input);
        d->stems = tb_alloc_aligned(TB_STEM_COUNT * n_values, sizeof *d->stems);
        if (d->input && d->stems) status = tb_pass_new(made->network, BATCH, false, &d->pass, err);
        else status = tb_error_set(err, TB_NO_MEMORY, "no memory for %zu threads", n_threads);
        if (status != TB_OK) {
            made->n_desks++; /* free this one too */
            goto out;
        }
    }
    TB_TRY(tb_pool_new("tb-eval", n_threads, n_threads, &made->pool, err));
    *hearer = made;
    made = NULL;
out:
    tb_hearer_close(made);
    return status;
}

void tb_hearer_close(tb_hearer *hearer)
{
    if (hearer == NULL) return;
    tb_pool_free(hearer->pool);
    for (size_t i = 0; i < hearer->n_desks; i++) {
        tb_pass_free(hearer->desks[i].pass);
        tb_free(hearer->desks[i].input);
        tb_free(hearer->desks[i].stems);
    }
    tb_free(hearer->desks);
    tb_network_free(hearer->network);
    tb_model_file_close(hearer->file);
    tb_free(hearer);
}

size_t tb_hearer_bands(const tb_hearer *hearer)
{
    return hearer->n_bands;
}

const char *tb_hearer_digest(const tb_hearer *hearer)
{
    return tb_model_file_digest(hearer->file);
}

const float *tb_hearer_threshold(const tb_hearer *hearer)
{
    return hearer->threshold;
}

tb_pool *tb_hearer_pool(const tb_hearer *hearer)
{
    return hearer->pool;
}

/* --- one window ----------------------------------------------------------------------------------------- */

/* Sum of the stems' powers, and the mean over rows and bands of each stem's share in it. */
static void mix_window(const tb_mix *mix, size_t offset, size_t n_bands, float *stems, float *total,
                       float *share)
{
    const size_t n = TB_INSTRUMENTS_ROWS * n_bands;
    memset(total, 0, n * sizeof *total);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        const tb_piece *piece = mix->stem[c].piece;
        share[c] = 0;
        if (piece == NULL || piece->rows[c] == NULL) continue;
        const uint16_t *rows = piece->rows[c] + (mix->stem[c].first_row + offset) * n_bands;
        float *restrict power = stems + c * n;
        for (size_t i = 0; i < n; i++) {
            power[i] = tb_half_power(rows[i]);
            total[i] += power[i];
        }
    }
    for (size_t c = 0; c < TB_STEM_COUNT; c++) {
        const tb_piece *piece = mix->stem[c].piece;
        if (piece == NULL || piece->rows[c] == NULL) continue;
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += (double)(stems[c * n + i] / (total[i] + 1e-20f));
        share[c] = (float)(sum / (double)n);
    }
}

/* --- all of them ---------------------------------------------------------------------------------------- */

typedef struct hearing {
    tb_hearer *hearer;
    const tb_mix *mixes;
    tb_span span;
    size_t first; /* window of the whole at which this round begins */
    float *vectors, *presence, *share; /* of windows */
} hearing;

static void hear_stretch(void *context, size_t worker, size_t first, size_t n)
{
    const hearing *h = context;
    const desk *d = &h->hearer->desks[worker];
    const size_t n_bands = h->hearer->n_bands, n_values = TB_INSTRUMENTS_ROWS * n_bands, n_windows =
        spans[h->span].n_windows;
    bool sounds[BATCH];
    first += h->first;
    for (size_t i = 0; i < n; i++) {
        const size_t window = first + i;
        float *x = d->input + i * n_values;
        mix_window(&h->mixes[window / n_windows], spans[h->span].at[window % n_windows], n_bands, d->stems, x,
                   h->share + window * TB_STEM_COUNT);
        sounds[i] = tb_instruments_input(x, n_bands, h->hearer->mean, h->hearer->deviation, x);
    }
    const float *y = tb_pass_forward(d->pass, d->input, n);
    for (size_t i = 0; i < n; i++) {
        float *vector = h->vectors + (first + i) * TB_INSTRUMENTS_DIM, *presence =
            h->presence + (first + i) * TB_STEM_COUNT;
        if (sounds[i]) {
            tb_instruments_output(y + i * TB_INSTRUMENTS_OUTPUTS, NULL, vector, presence);
        } else {
            memset(vector, 0, TB_INSTRUMENTS_DIM * sizeof *vector);
            memset(presence, 0, TB_STEM_COUNT * sizeof *presence);
        }
    }
}

/* In place, in front: the windows of a segment become one. */
static void pool_windows(tb_heard *heard, size_t n_windows)
{
    for (size_t i = 0; n_windows > 1 && i < heard->n; i++) {
        for (size_t d = 0; d < TB_INSTRUMENTS_DIM; d++) {
            float sum = 0;
            for (size_t w = 0; w < n_windows; w++)
                sum += heard->vectors[(i * n_windows + w) * TB_INSTRUMENTS_DIM + d];
            heard->vectors[i * TB_INSTRUMENTS_DIM + d] = sum;
        }
        for (size_t c = 0; c < TB_STEM_COUNT; c++) {
            float presence = 0, share = 0;
            for (size_t w = 0; w < n_windows; w++) {
                presence += heard->presence[(i * n_windows + w) * TB_STEM_COUNT + c];
                share += heard->share[(i * n_windows + w) * TB_STEM_COUNT + c];
            }
            heard->presence[i * TB_STEM_COUNT + c] = presence / (float)n_windows;
            heard->share[i * TB_STEM_COUNT + c] = share / (float)n_windows;
            tb_normalize(heard->vectors + i * TB_INSTRUMENTS_DIM + c * TB_INSTRUMENTS_PART_DIM,
                         TB_INSTRUMENTS_PART_DIM);
        }
    }
    for (size_t i = 0; i < heard->n * TB_STEM_COUNT; i++)
        heard->audible[i] = heard->share[i] > TB_AUDIBLE_SHARE;
}

void tb_hearer_begin(tb_hearer *hearer, const char *stage, size_t n_windows)
{
    hearer->stage = stage;
    hearer->n_done = 0;
    hearer->n_expected = n_windows;
    if (hearer->options.progress) hearer->options.progress(hearer->options.context, stage, 0, n_windows);
}

static void report(tb_hearer *hearer, size_t n_windows)
{
    hearer->n_done += n_windows;
    if (hearer->n_done > hearer->n_expected) hearer->n_expected = hearer->n_done;
    if (hearer->options.progress)
        hearer->options.progress(hearer->options.context, hearer->stage, hearer->n_done, hearer->n_expected);
}

tb_status tb_hearer_hear(tb_hearer *hearer, const tb_mix *mixes, size_t n, tb_span span, tb_heard *heard,
                         tb_error *err)
{
    tb_status status = TB_OK;
    const size_t n_windows = tb_span_windows(span, n);
    tb_heard made = {
        .n = n,
        .vectors = tb_alloc(n_windows, TB_INSTRUMENTS_DIM * sizeof *made.vectors),
        .presence = tb_alloc(n_windows, TB_STEM_COUNT * sizeof *made.presence),
        .share = tb_alloc(n_windows, TB_STEM_COUNT * sizeof *made.share),
        .audible = tb_alloc(n, TB_STEM_COUNT * sizeof *made.audible),
    };
    if (!made.vectors || !made.presence || !made.share || !made.audible)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu segments", n);
    hearing h = {hearer, mixes, span, 0, made.vectors, made.presence, made.share};
    while (h.first < n_windows) {
        if (hearer->options.cancel && atomic_load(hearer->options.cancel))
            TB_FAIL(err, TB_CANCELLED, "the evaluation was cancelled");
        const size_t left = n_windows - h.first, round = (size_t)BATCH * STRETCHES_A_REPORT;
        const size_t n_round = left < round ? left : round;
        tb_parallel(hearer->pool, n_round, BATCH, hear_stretch, &h);
        h.first += n_round;
        report(hearer, n_round);
    }
    pool_windows(&made, spans[span].n_windows);
    *heard = made;
    made = (tb_heard){0};
out:
    tb_heard_clear(&made);
    return status;
}
