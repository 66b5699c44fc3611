// SPDX-License-Identifier: MIT
/* Every clip is heard as it is and after each change, all of that in parallel; then the changed ones look for
 * the nearest of the originals.  Version 0 is the original, version 1 + change a change. */
#include "train/eval_robustness.h"

#include "base/alloc.h"
#include "train/clip.h"
#include "train/eval_draw.h"
#include "train/parallel.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

enum { VERSIONS = 1 + TB_CHANGE_COUNT, PIECE_S = 10, MAX_PIECES = 6 };

/* Vectors of one version of one clip: the whole, then pieces of 10 s. */
typedef struct version {
    size_t n; /* 1 + pieces; 0 = could not be made */
    float *vectors, *presence;
} version;

typedef struct work {
    const tb_robustness_options *options;
    const tb_eval_clip *clips;
    size_t n_clips;
    const tb_model_info *info;
    version *versions; /* n_clips x VERSIONS */
    pthread_mutex_t mutex; /* guards all below and the calls of progress */
    size_t n_done;
    tb_status status; /* of what failed first */
    tb_error why;
} work;

/* --- hearing -------------------------------------------------------------------------------------------- */

static size_t pieces_of(const tb_eval_clip *clip)
{
    /* what the changes leave of it */
    const double seconds = (double)clip->n / TB_MODEL_RATE_HZ / tb_audio_change_speed(TB_CHANGE_FASTER) - 1;
    const size_t n = seconds > 0 ? (size_t)(seconds / PIECE_S) : 0;
    return n < MAX_PIECES ? n : MAX_PIECES;
}

static tb_status hear_version(const work *w, const float *mono, size_t n, size_t n_pieces, double speed,
                              version *v, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t dim = w->info->dim, n_parts = w->info->n_parts, length =
        (size_t)(PIECE_S * TB_MODEL_RATE_HZ / speed);
    v->vectors = tb_alloc((1 + n_pieces) * dim, sizeof *v->vectors);
    v->presence = tb_alloc((1 + n_pieces) * n_parts, sizeof *v->presence);
    if (!v->vectors || !v->presence) TB_FAIL(err, TB_NO_MEMORY, "no memory for the vectors of a clip");
    TB_TRY(tb_clip_embed(w->options->model, mono, n, v->vectors, v->presence, err));
    for (size_t k = 0; k < n_pieces; k++) {
        const size_t first = k * length;
        if (first + length > n) TB_FAIL(err, TB_INTERNAL, "a changed clip is shorter than it should be");
        TB_TRY(tb_clip_embed(w->options->model, mono + first, length, v->vectors + (1 + k) * dim,
                             v->presence + (1 + k) * n_parts, err));
    }
    v->n = 1 + n_pieces;
out:
    return status;
}

static tb_status make_version(const work *w, size_t clip, size_t number, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_eval_clip *original = &w->clips[clip];
    version *v = &w->versions[clip * VERSIONS + number];
    float *changed = NULL;
    size_t n = 0;
    if (w->options->cancel && atomic_load(w->options->cancel))
        TB_FAIL(err, TB_CANCELLED, "the evaluation was cancelled");
    if (number == 0) {
        TB_TRY(hear_version(w, original->mono, original->n, pieces_of(original), 1, v, err));
        goto out;
    }
    const tb_audio_change change = (tb_audio_change)(number - 1);
    tb_rng rng;
    tb_eval_rng(&rng, w->options->seed, TB_EVAL_STREAM_AUDIO, clip);
    status = tb_audio_change_make(change, original->mono, original->n, tb_rng_next(&rng), &changed, &n, err);
    if (status == TB_UNSUPPORTED) status = TB_OK; /* stays without vectors */
    else if (status == TB_OK) status =
        hear_version(w, changed, n, pieces_of(original), tb_audio_change_speed(change), v, err);
out:
    tb_free(changed);
    return status;
}

static void make_versions(void *context, size_t worker, size_t first, size_t n)
{
    work *w = context;
    (void)worker;
    for (size_t i = first; i < first + n; i++) {
        tb_error err = {0};
        const tb_status status = make_version(w, i / VERSIONS, i % VERSIONS, &err);
        pthread_mutex_lock(&w->mutex);
        if (status != TB_OK && w->status == TB_OK) {
            w->status = status;
            w->why = err;
        }
        w->n_done++;
        if (w->options->progress) w->options->progress(w->options->context, w->n_done, w->n_clips * VERSIONS);
        pthread_mutex_unlock(&w->mutex);
    }
}

/* --- asking --------------------------------------------------------------------------------------------- */

/* Item of a clip's version: 0 the whole, else a piece. */
typedef struct place {
    size_t clip, item;
} place;

static double distance2(const work *w, const float *weights, place original, size_t number, place changed)
{
    const version *a = &w->versions[original.clip * VERSIONS], *b =
        &w->versions[changed.clip * VERSIONS + number];
    const size_t dim = w->info->dim, n_parts = w->info->n_parts;
    return tb_model_distance2(w->info, weights, a->vectors + original.item * dim,
                              a->presence + original.item * n_parts,
                              b->vectors + changed.item * dim, b->presence + changed.item * n_parts);
}

/* Nearest original among whole tracks or among pieces; two at the same distance are nobody (clip SIZE_MAX). */
static place nearest(const work *w, const float *weights, size_t number, place changed)
{
    double best = INFINITY;
    place found = {SIZE_MAX, 0};
    for (size_t clip = 0; clip < w->n_clips; clip++) {
        const size_t last = changed.item == 0 ? 0 : w->versions[clip * VERSIONS].n - 1;
        for (size_t item = changed.item == 0 ? 0 : 1; item <= last; item++) {
            const place original = {clip, item};
            const double d = distance2(w, weights, original, number, changed);
            if (d > best || isinf(d)) continue;
            found = d < best ? original : (place){SIZE_MAX, 0};
            best = d;
        }
    }
    return found;
}

static bool has_any(const work *w, const float *weights, size_t number, place changed)
{
    const float *presence =
        w->versions[changed.clip * VERSIONS + number].presence + changed.item * w->info->n_parts;
    for (size_t p = 0; p < w->info->n_parts; p++)
        if (weights[p] > 0 && presence[p] > 0) return true;
    return false;
}

static void count(tb_eval_share *share, bool right)
{
    share->n++;
    share->share += right; /* becomes a share in the end */
}

static void finish(tb_eval_share *share)
{
    if (share->n) share->share /= (double)share->n;
}

static void ask_version(const work *w, size_t number, tb_robustness_row *row)
{
    float weights[TB_MODEL_MAX_PARTS], one[TB_MODEL_MAX_PARTS];
    row->measured = true;
    for (size_t p = 0; p < w->info->n_parts; p++) weights[p] = (float)w->info->parts[p].default_weight;
    for (size_t clip = 0; clip < w->n_clips; clip++) {
        const version *v = &w->versions[clip * VERSIONS + number];
        row->measured &= v->n > 0;
        for (size_t item = 0; item < v->n; item++) {
            const place changed = {clip, item};
            if (!has_any(w, weights, number, changed)) continue;
            const place found = nearest(w, weights, number, changed);
            if (item == 0) count(&row->track, found.clip == clip);
            else count(&row->piece_track, found.clip == clip), count(&row->piece, found.clip == clip &&
                                                                     found.item == item);
        }
        for (size_t p = 0; v->n > 0 && p < w->info->n_parts; p++) {
            const place changed = {clip, 0};
            memset(one, 0, sizeof one);
            one[p] = 1;
            if (has_any(w, one, number, changed))
                count(&row->part[p], nearest(w, one, number, changed).clip == clip);
        }
    }
    finish(&row->track);
    finish(&row->piece_track);
    finish(&row->piece);
    for (size_t p = 0; p < w->info->n_parts; p++) finish(&row->part[p]);
    if (!row->measured) *row = (tb_robustness_row){0};
}

tb_status tb_eval_robustness_measure(const tb_robustness_options *options, const tb_eval_clip *clips,
                                     size_t n_clips, tb_eval_robustness *result,
                                     tb_error *err)
{
    tb_status status = TB_OK;
    work w =
        {.options = options, .clips = clips, .n_clips = n_clips, .info = tb_model_get_info(options->model)};
    tb_eval_robustness made = {.n_tracks = n_clips};
    pthread_mutex_init(&w.mutex, NULL);
    if (n_clips < 2)
        TB_FAIL(err, TB_INVALID, "%zu tracks are too few to tell apart; at least two are needed", n_clips);
    for (size_t i = 0; i < n_clips; i++) {
        if (clips[i].n < (size_t)TB_ROBUSTNESS_MIN_S * TB_MODEL_RATE_HZ)
            TB_FAIL(err, TB_INVALID, "clip %zu is shorter than %d s", i, TB_ROBUSTNESS_MIN_S);
        made.n_pieces += pieces_of(&clips[i]);
    }
    if (!(w.versions = tb_alloc(n_clips * VERSIONS, sizeof *w.versions)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu clips", n_clips);
    tb_parallel(options->pool, n_clips * VERSIONS, 1, make_versions, &w);
    if (w.status != TB_OK) TB_FAIL(err, w.status, "%s", w.why.message);
    for (size_t change = 0; change < TB_CHANGE_COUNT; change++)
        ask_version(&w, 1 + change, &made.row[change]);
    *result = made;
out:
    for (size_t i = 0; w.versions && i < n_clips * VERSIONS; i++) {
        tb_free(w.versions[i].vectors);
        tb_free(w.versions[i].presence);
    }
    tb_free(w.versions);
    pthread_mutex_destroy(&w.mutex);
    return status;
}
