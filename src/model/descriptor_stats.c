// SPDX-License-Identifier: MIT
/* Windows are collected while music passes; all arithmetic is in save, part by part. */
#include "model/descriptor_stats.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "model/descriptor_stream.h"
#include "model/eigen.h"
#include "model/frames.h"
#include "nn/model_file.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const double SHRINKAGE = 0.04;

typedef struct window_numbers {
    float raw[TB_DESCRIPTOR_RAW_DIM];
    bool present[TB_DESCRIPTOR_N_PARTS];
} window_numbers;

typedef struct kept_track {
    window_numbers *windows;
    size_t n;
} kept_track;

struct tb_descriptor_stats {
    tb_rng rng;
    tb_frames *frames;
    tb_descriptor_stream *stream;
    window_numbers current[TB_DESCRIPTOR_STATS_WINDOWS]; /* of the track at hand */
    size_t n_current_seen;
    kept_track tracks[TB_DESCRIPTOR_STATS_TRACKS];
    size_t n_kept, n_seen;
};

/* Where the i-th of a stream goes so that every one is kept with the same chance ("algorithm R", Vitter 1985);
 * capacity means nowhere. */
static size_t draw_place(tb_rng *rng, size_t i, size_t capacity)
{
    if (i < capacity) return i;
    const size_t place = (size_t)tb_rng_below(rng, i + 1);
    return place < capacity ? place : capacity;
}

static tb_status keep_window(void *context, double start_s, double duration_s, const float *raw, const float *presence, tb_error *err)
{
    tb_descriptor_stats *stats = context;
    (void)start_s, (void)duration_s, (void)err;
    if (!(presence[TB_DESCRIPTOR_TIMBRE] > 0)) return TB_OK;
    const size_t place = draw_place(&stats->rng, stats->n_current_seen++, TB_DESCRIPTOR_STATS_WINDOWS);
    if (place == TB_DESCRIPTOR_STATS_WINDOWS) return TB_OK;
    memcpy(stats->current[place].raw, raw, sizeof stats->current[place].raw);
    for (size_t p = 0; p < TB_DESCRIPTOR_N_PARTS; p++) stats->current[place].present[p] = presence[p] > 0;
    return TB_OK;
}

static tb_status on_frame(void *context, const tb_frame *frame, tb_error *err)
{
    return tb_descriptor_stream_push(((tb_descriptor_stats *)context)->stream, frame, err);
}

static tb_status on_long_frame(void *context, const tb_long_frame *frame, tb_error *err)
{
    (void)err;
    tb_descriptor_stream_push_long(((tb_descriptor_stats *)context)->stream, frame);
    return TB_OK;
}

tb_status tb_descriptor_stats_new(uint64_t seed, tb_descriptor_stats **stats, tb_error *err)
{
    tb_status status = TB_OK;
    tb_descriptor_stats *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for statistics");
    tb_rng_init(&made->rng, seed);
    TB_TRY(tb_frames_new(&(tb_frame_sink){on_long_frame, on_frame, made}, &made->frames, err));
    TB_TRY(tb_descriptor_stream_new(keep_window, made, &made->stream, err));
    *stats = made;
    made = NULL;
out:
    tb_descriptor_stats_free(made);
    return status;
}

void tb_descriptor_stats_free(tb_descriptor_stats *stats)
{
    if (stats == NULL) return;
    for (size_t i = 0; i < stats->n_kept; i++) tb_free(stats->tracks[i].windows);
    tb_frames_free(stats->frames);
    tb_descriptor_stream_free(stats->stream);
    tb_free(stats);
}

tb_status tb_descriptor_stats_push(tb_descriptor_stats *stats, const float *mono, size_t n, tb_error *err)
{
    return tb_frames_push(stats->frames, mono, n, err);
}

void tb_descriptor_stats_drop_track(tb_descriptor_stats *stats)
{
    tb_frames_reset(stats->frames);
    tb_descriptor_stream_reset(stats->stream);
    stats->n_current_seen = 0;
}

tb_status tb_descriptor_stats_end_track(tb_descriptor_stats *stats, tb_error *err)
{
    tb_status status = TB_OK;
    window_numbers *copy = NULL;
    TB_TRY(tb_frames_finish(stats->frames, err));
    TB_TRY(tb_descriptor_stream_finish(stats->stream, tb_frames_n_samples(stats->frames), err));
    const size_t n = stats->n_current_seen < TB_DESCRIPTOR_STATS_WINDOWS ? stats->n_current_seen : TB_DESCRIPTOR_STATS_WINDOWS;
    if (n < 2) goto out;
    const size_t place = draw_place(&stats->rng, stats->n_seen, TB_DESCRIPTOR_STATS_TRACKS);
    if (place < TB_DESCRIPTOR_STATS_TRACKS) {
        copy = tb_alloc(n, sizeof *copy);
        if (copy == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for the windows of a track");
        memcpy(copy, stats->current, n * sizeof *copy);
        if (place < stats->n_kept)
            tb_free(stats->tracks[place].windows);
        else
            stats->n_kept++;
        stats->tracks[place] = (kept_track){copy, n};
    }
    stats->n_seen++;
out:
    tb_descriptor_stats_drop_track(stats);
    return status;
}

size_t tb_descriptor_stats_n_tracks(const tb_descriptor_stats *stats)
{
    return stats->n_seen;
}

/* --- one part of the file --------------------------------------------------------------------------- */

typedef struct part_work {
    const tb_descriptor_part_info *part;
    size_t index;
    float *mean, *scale;     /* [D] */
    float *projection;       /* [D, d] */
    double *within, *total;  /* [D, D] */
    double *whitening;       /* [D, D] */
    double *values;          /* [D] */
    double *z, *track_mean;  /* [D] */
} part_work;

static void clear_work(part_work *work)
{
    tb_free(work->mean);
    tb_free(work->scale);
    tb_free(work->projection);
    tb_free(work->within);
    tb_free(work->total);
    tb_free(work->whitening);
    tb_free(work->values);
    tb_free(work->z);
    tb_free(work->track_mean);
}

static tb_status init_work(part_work *work, size_t index, tb_error *err)
{
    *work = (part_work){.part = tb_descriptor_part_get_info((tb_descriptor_part)index), .index = index};
    const size_t d = work->part->raw_dim;
    work->mean = tb_alloc(d, sizeof *work->mean);
    work->scale = tb_alloc(d, sizeof *work->scale);
    work->projection = tb_alloc(d * work->part->dim, sizeof *work->projection);
    work->within = tb_alloc(d * d, sizeof *work->within);
    work->total = tb_alloc(d * d, sizeof *work->total);
    work->whitening = tb_alloc(d * d, sizeof *work->whitening);
    work->values = tb_alloc(d, sizeof *work->values);
    work->z = tb_alloc(d, sizeof *work->z);
    work->track_mean = tb_alloc(d, sizeof *work->track_mean);
    if (work->mean == NULL || work->scale == NULL || work->projection == NULL || work->within == NULL || work->total == NULL ||
        work->whitening == NULL || work->values == NULL || work->z == NULL || work->track_mean == NULL)
        return tb_error_set(err, TB_NO_MEMORY, "no memory for statistics");
    return TB_OK;
}

static void find_scale(const tb_descriptor_stats *stats, part_work *work)
{
    const size_t d = work->part->raw_dim;
    double n = 0, *sums = work->track_mean, *squares = work->values;
    memset(sums, 0, d * sizeof *sums);
    memset(squares, 0, d * sizeof *squares);
    for (int pass = 0; pass < 2; pass++) { /* the mean, then the distances from it */
        for (size_t i = 0; i < stats->n_kept; i++) {
            for (size_t w = 0; w < stats->tracks[i].n; w++) {
                const window_numbers *window = &stats->tracks[i].windows[w];
                const float *raw = window->raw + work->part->raw_offset;
                if (!window->present[work->index]) continue;
                if (pass == 0) n++;
                for (size_t k = 0; k < d; k++) {
                    if (pass == 0) {
                        sums[k] += (double)raw[k];
                    } else {
                        const double distance = (double)raw[k] - sums[k] / n;
                        squares[k] += distance * distance;
                    }
                }
            }
        }
        if (!(n > 0)) n = 1;
    }
    for (size_t k = 0; k < d; k++) {
        work->mean[k] = (float)(sums[k] / n);
        work->scale[k] = (float)(1 / (sqrt(squares[k] / n) + 1e-6));
    }
}

static void standardize(const part_work *work, const window_numbers *window, double *z)
{
    for (size_t k = 0; k < work->part->raw_dim; k++)
        z[k] = (double)tb_descriptor_standardize(window->raw[work->part->raw_offset + k], work->mean[k], work->scale[k]);
}

/* matrix += weight x x', upper triangle */
static void add_outer(double *matrix, const double *x, size_t d, double weight)
{
    for (size_t i = 0; i < d; i++) {
        const double scaled = weight * x[i];
        for (size_t j = i; j < d; j++) matrix[i * d + j] += scaled * x[j];
    }
}

static void mirror(double *matrix, size_t d)
{
    for (size_t i = 0; i < d; i++)
        for (size_t j = 0; j < i; j++) matrix[i * d + j] = matrix[j * d + i];
}

/* Covariance within tracks and second moments of all; each track counts the same. */
static void find_scatter(const tb_descriptor_stats *stats, part_work *work)
{
    const size_t d = work->part->raw_dim;
    for (size_t i = 0; i < stats->n_kept; i++) {
        const kept_track *track = &stats->tracks[i];
        double n = 0;
        memset(work->track_mean, 0, d * sizeof *work->track_mean);
        for (size_t w = 0; w < track->n; w++) {
            if (!track->windows[w].present[work->index]) continue;
            standardize(work, &track->windows[w], work->z);
            for (size_t k = 0; k < d; k++) work->track_mean[k] += work->z[k];
            n++;
        }
        if (n < 2) continue;
        for (size_t k = 0; k < d; k++) work->track_mean[k] /= n;
        for (size_t w = 0; w < track->n; w++) {
            if (!track->windows[w].present[work->index]) continue;
            standardize(work, &track->windows[w], work->z);
            add_outer(work->total, work->z, d, 1 / n);
            for (size_t k = 0; k < d; k++) work->z[k] -= work->track_mean[k];
            add_outer(work->within, work->z, d, 1 / n);
        }
    }
    for (size_t k = 0; k < d * d; k++) {
        work->within[k] /= (double)stats->n_kept;
        work->total[k] /= (double)stats->n_kept;
    }
    mirror(work->within, d);
    mirror(work->total, d);
}

/* out [d, d] = left [d, d] times right' [d, d] */
static void multiply_transposed(const double *left, const double *right, size_t d, double *out)
{
    for (size_t i = 0; i < d; i++) {
        for (size_t j = 0; j < d; j++) {
            double sum = 0;
            for (size_t k = 0; k < d; k++) sum += left[i * d + k] * right[j * d + k];
            out[i * d + j] = sum;
        }
    }
}

static void find_projection(part_work *work)
{
    const size_t d = work->part->raw_dim, dim = work->part->dim;
    double trace = 0;
    for (size_t k = 0; k < d; k++) trace += work->within[k * d + k];
    if (!(trace > 0)) trace = (double)d; /* nothing varies within tracks: leave it as it is */
    for (size_t k = 0; k < d * d; k++) work->within[k] *= 1 - SHRINKAGE;
    for (size_t k = 0; k < d; k++) work->within[k * d + k] += SHRINKAGE * trace / (double)d;

    /* rows of `whitening`: eigenvectors of W' over the roots of their values */
    memcpy(work->whitening, work->within, d * d * sizeof *work->within);
    tb_eigen_symmetric(work->whitening, d, work->values);
    for (size_t i = 0; i < d; i++)
        for (size_t k = 0; k < d; k++) work->whitening[i * d + k] /= sqrt(work->values[i]);

    /* total = whitening total whitening'; its eigenvectors, one a row, are the axes */
    multiply_transposed(work->whitening, work->total, d, work->within); /* total is symmetric */
    multiply_transposed(work->within, work->whitening, d, work->total);
    tb_eigen_symmetric(work->total, d, work->values);
    for (size_t k = 0; k < d; k++) {
        for (size_t a = 0; a < dim; a++) {
            double sum = 0;
            for (size_t i = 0; i < d; i++) sum += work->total[a * d + i] * work->whitening[i * d + k];
            work->projection[k * dim + a] = (float)sum;
        }
    }
}

static tb_status write_part(const part_work *work, tb_model_writer *writer, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t d = work->part->raw_dim;
    char name[64];
    snprintf(name, sizeof name, "%s.mean", work->part->name);
    TB_TRY(tb_model_writer_tensor(writer, name, TB_DTYPE_F32, 1, &d, work->mean, err));
    snprintf(name, sizeof name, "%s.scale", work->part->name);
    TB_TRY(tb_model_writer_tensor(writer, name, TB_DTYPE_F32, 1, &d, work->scale, err));
    snprintf(name, sizeof name, "%s.projection", work->part->name);
    TB_TRY(tb_model_writer_tensor(writer, name, TB_DTYPE_F16, 2, (size_t[]){d, work->part->dim}, work->projection, err));
out:
    return status;
}

tb_status tb_descriptor_stats_save(const tb_descriptor_stats *stats, const char *music, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_model_writer *writer = NULL;
    part_work work = {0};
    char text[32];

    if (stats->n_kept < TB_DESCRIPTOR_STATS_MIN_TRACKS)
        TB_FAIL(err, TB_INVALID, "statistics need at least %d tracks of more than 15 seconds; there were %zu",
                TB_DESCRIPTOR_STATS_MIN_TRACKS, stats->n_kept);
    size_t n_windows = 0;
    for (size_t i = 0; i < stats->n_kept; i++) n_windows += stats->tracks[i].n;
    TB_TRY(tb_model_writer_new(&writer, err));
    TB_TRY(tb_model_writer_metadata(writer, "kind", "descriptors", err));
    TB_TRY(tb_model_writer_metadata(writer, "name", "descriptors", err));
    TB_TRY(tb_model_writer_metadata(writer, "format", TB_DESCRIPTOR_FORMAT, err));
    TB_TRY(tb_model_writer_metadata(writer, "music", music, err));
    snprintf(text, sizeof text, "%zu", stats->n_kept);
    TB_TRY(tb_model_writer_metadata(writer, "tracks", text, err));
    snprintf(text, sizeof text, "%zu", n_windows);
    TB_TRY(tb_model_writer_metadata(writer, "windows", text, err));
    for (size_t p = 0; p < TB_DESCRIPTOR_N_PARTS; p++) {
        TB_TRY(init_work(&work, p, err));
        find_scale(stats, &work);
        find_scatter(stats, &work);
        find_projection(&work);
        TB_TRY(write_part(&work, writer, err));
        clear_work(&work);
        work = (part_work){0};
    }
    TB_TRY(tb_model_writer_save(writer, path, err));
out:
    clear_work(&work);
    tb_model_writer_free(writer);
    return status;
}
