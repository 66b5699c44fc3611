// SPDX-License-Identifier: MIT
/* Hears segments of pseudo-mixes with a model of kind "instruments": rows of a piece cache through the
 * network, as training has them, so that no waveform is needed (piece_cache.h says why that is as good).
 *
 * A segment of 3 s is one window of the network; one of 10 s is three windows, at its start, middle and end:
 * each part's vector is the mean of theirs, brought back to unit length.  Presence is not cut at the model's
 * thresholds here: what is audible is known from the stems.
 *
 * Works on its own threads; what comes out does not depend on how many.  One thread at a time. */
#ifndef TIMBRE_TRAIN_EVAL_HEARER_H
#define TIMBRE_TRAIN_EVAL_HEARER_H

#include "base/pool.h"
#include "base/status.h"
#include "model/instruments.h"
#include "train/piece_cache.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum tb_span { TB_SPAN_3S, TB_SPAN_10S, TB_SPAN_COUNT } tb_span;

/* Rows of a segment: 64 (2.97 s) and 215 (9.98 s). */
size_t tb_span_rows(tb_span span);

/* Where the stems of a segment are from; piece NULL, or one that lacks the stem: silent. */
typedef struct tb_mix {
    struct {
        const tb_piece *piece;
        size_t first_row; /* first_row + rows of the span <= piece->n_rows */
    } stem[TB_STEM_COUNT];
} tb_mix;

/* Of n segments. */
typedef struct tb_heard {
    size_t n;
    float *vectors;  /* n x TB_INSTRUMENTS_DIM */
    float *presence; /* n x TB_STEM_COUNT: what the model says, 0 to 1 */
    float *share;    /* n x TB_STEM_COUNT: the stem's share of the power, mean over time and bands, 0 to 1 */
    bool *audible;   /* n x TB_STEM_COUNT: share above TB_AUDIBLE_SHARE (mixer.h) */
} tb_heard;

void tb_heard_clear(tb_heard *heard);

typedef struct tb_hearer_options {
    size_t n_threads; /* 0 = 1; at most TB_PARALLEL_MAX_WORKERS are used */
    /* May be NULL; from the thread that called.  stage: a few words, constant. */
    void (*progress)(void *context, const char *stage, size_t done, size_t total);
    void *context;
    const atomic_bool *cancel; /* NULL = never */
} tb_hearer_options;

typedef struct tb_hearer tb_hearer;

/* As tb_model_file_open and tb_network_load; TB_UNSUPPORTED when the file is of another kind, TB_CORRUPT with
 * what does not fit. */
tb_status tb_hearer_open(const char *model_path, const tb_hearer_options *options, tb_hearer **hearer,
                         tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_hearer_close(tb_hearer *hearer);
/* Bands of the rows that it hears. */
size_t tb_hearer_bands(const tb_hearer *hearer);
/* Digest of the model file; threshold of presence, TB_INSTRUMENTS_PARTS.  Borrowed as long as the hearer. */
const char *tb_hearer_digest(const tb_hearer *hearer);
const float *tb_hearer_threshold(const tb_hearer *hearer);
/* Its threads, for other work between its own. */
tb_pool *tb_hearer_pool(const tb_hearer *hearer);

/* What the next calls of tb_hearer_hear are for, and about how many windows they will be in all (progress). */
void tb_hearer_begin(tb_hearer *hearer, const char *stage, size_t n_windows);
/* *heard: tb_heard_clear.  TB_CANCELLED, TB_NO_MEMORY. */
tb_status tb_hearer_hear(tb_hearer *hearer, const tb_mix *mixes, size_t n, tb_span span, tb_heard *heard,
                         tb_error *err) TB_MUST_CHECK;
/* Windows of n segments. */
size_t tb_span_windows(tb_span span, size_t n);

#endif
