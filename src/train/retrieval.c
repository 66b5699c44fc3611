// SPDX-License-Identifier: MIT
/* Both tests in two steps: clips of every file become vectors (in parallel, each file by one thread), then every
 * query looks at all others (plainly: some thousands of vectors). */
#include "train/retrieval.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/pool.h"
#include "train/clip.h"
#include "train/mfcc_clip.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

enum { MAX_WINDOWS = 100, N_NEIGHBOURS = 5 };
static const double half_split_min_s = 60, half_split_max_s = 240, music_id_max_s = 900;

static const tb_model_info mfcc_info = {
    .name = "mfcc", .dim = TB_MFCC_CLIP_DIM, .n_parts = 1, .parts = {{"mfcc", 0, TB_MFCC_CLIP_DIM, 1}}};

typedef enum file_state { FILE_USED, FILE_SHORT, FILE_FAILED, FILE_LEFT } file_state;

/* Clips of all files; file i has clips [i * n_clips, (i + 1) * n_clips). */
typedef struct hearing {
    const tb_retrieval_options *options;
    const tb_model_info *info;
    char **paths;
    size_t n_files, n_clips;
    double window_s; /* 0 = two halves */
    float *vectors, *presence;
    file_state *states;
    pthread_mutex_t mutex; /* guards n_done and the calls of progress */
    size_t n_done;
} hearing;

typedef struct hearing_task {
    hearing *h;
    size_t file;
} hearing_task;

static bool is_cancelled(const tb_retrieval_options *options)
{
    return options->cancel && atomic_load(options->cancel);
}

/* --- clips to vectors -------------------------------------------------------------------------------------------- */

static tb_status embed_clip(const hearing *h, const float *mono, size_t n, float *vector, float *presence, tb_error *err)
{
    if (h->options->model) return tb_clip_embed(h->options->model, mono, n, vector, presence, err);
    presence[0] = 1;
    return tb_mfcc_clip(mono, n, vector, err);
}

static tb_status embed_clips(hearing *h, size_t file, const float *mono, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t half = n / 2, window = (size_t)(h->window_s * TB_MODEL_RATE_HZ);
    for (size_t c = 0; c < h->n_clips; c++) {
        const size_t clip = file * h->n_clips + c;
        const size_t start = h->window_s > 0 ? (size_t)((double)(n - window) * (double)c / (double)(h->n_clips - 1)) : c * half;
        TB_TRY(embed_clip(h, mono + start, h->window_s > 0 ? window : half, h->vectors + clip * h->info->dim,
                          h->presence + clip * h->info->n_parts, err));
    }
out:
    return status;
}

static void hear_file(void *context)
{
    hearing_task *task = context;
    hearing *h = task->h;
    const bool halves = h->window_s <= 0;
    float *mono = NULL;
    size_t n = 0;
    tb_error err = {0};
    file_state state = FILE_LEFT;
    if (!is_cancelled(h->options)) {
        tb_status status = tb_clip_read(h->paths[task->file], halves ? half_split_max_s : music_id_max_s, &mono, &n, &err);
        const double needed_s = halves ? half_split_min_s : h->window_s * (double)h->n_clips;
        const bool is_short = status == TB_OK && (double)n < needed_s * TB_MODEL_RATE_HZ;
        if (status == TB_OK && !is_short) status = embed_clips(h, task->file, mono, n, &err);
        state = status != TB_OK ? FILE_FAILED : is_short ? FILE_SHORT : FILE_USED;
        if (status != TB_OK) tb_log(TB_LOG_WARN, "eval", "left out %s: %s", h->paths[task->file], err.message);
    }
    tb_free(mono);
    pthread_mutex_lock(&h->mutex);
    h->states[task->file] = state;
    h->n_done++;
    if (h->options->progress) h->options->progress(h->options->context, h->n_done, h->n_files);
    pthread_mutex_unlock(&h->mutex);
    tb_free(task);
}

/* Moves the clips of files that were used to the front; n_files becomes their number. */
static void keep_used(hearing *h, tb_retrieval_files *files)
{
    const size_t dim = h->n_clips * h->info->dim, n_presence = h->n_clips * h->info->n_parts;
    size_t n_used = 0;
    for (size_t i = 0; i < h->n_files; i++) {
        files->n_short += h->states[i] == FILE_SHORT;
        files->n_failed += h->states[i] == FILE_FAILED;
        if (h->states[i] != FILE_USED) continue;
        memmove(h->vectors + n_used * dim, h->vectors + i * dim, dim * sizeof *h->vectors);
        memmove(h->presence + n_used * n_presence, h->presence + i * n_presence, n_presence * sizeof *h->presence);
        n_used++;
    }
    files->n_used = n_used;
}

static tb_status hear_folder(hearing *h, const char *folder, tb_retrieval_files *files, tb_error *err)
{
    tb_status status = TB_OK;
    tb_pool *pool = NULL;
    h->info = h->options->model ? tb_model_get_info(h->options->model) : &mfcc_info;
    TB_TRY(tb_clip_list(folder, &h->paths, &h->n_files, err));
    h->vectors = tb_alloc(h->n_files * h->n_clips, h->info->dim * sizeof *h->vectors);
    h->presence = tb_alloc(h->n_files * h->n_clips, h->info->n_parts * sizeof *h->presence);
    h->states = tb_alloc(h->n_files, sizeof *h->states);
    if (!h->vectors || !h->presence || !h->states) TB_FAIL(err, TB_NO_MEMORY, "no memory for the clips of %zu files", h->n_files);
    TB_TRY(tb_pool_new("tb-eval", h->options->n_threads ? h->options->n_threads : 1, 16, &pool, err));
    for (size_t i = 0; i < h->n_files; i++) {
        hearing_task *task = tb_alloc(1, sizeof *task);
        if (!task) TB_FAIL(err, TB_NO_MEMORY, "no memory for a task");
        *task = (hearing_task){h, i};
        tb_pool_submit(pool, hear_file, task);
    }
    tb_pool_wait(pool);
    if (is_cancelled(h->options)) TB_FAIL(err, TB_CANCELLED, "the evaluation was cancelled");
    keep_used(h, files);
    if (!h->options->model) tb_standardise(h->vectors, files->n_used * h->n_clips, h->info->dim);
    if (files->n_used < 2)
        TB_FAIL(err, TB_INVALID, "%zu of the %zu audio files in %.200s are long enough; at least two are needed", files->n_used, h->n_files, folder);
out:
    tb_pool_free(pool);
    return status;
}

static void clear_hearing(hearing *h)
{
    tb_clip_list_free(h->paths, h->n_files);
    tb_free(h->vectors);
    tb_free(h->presence);
    tb_free(h->states);
    pthread_mutex_destroy(&h->mutex);
}

/* --- distances ----------------------------------------------------------------------------------------------------- */

static double clip_distance(const hearing *h, size_t a, size_t b, const float *weights)
{
    const size_t dim = h->info->dim, n_parts = h->info->n_parts;
    return tb_model_distance2(h->info, weights, h->vectors + a * dim, h->presence + a * n_parts, h->vectors + b * dim, h->presence + b * n_parts);
}

static void all_weights(const hearing *h, float *weights)
{
    for (size_t p = 0; p < h->info->n_parts; p++)
        weights[p] = (float)(h->options->weights ? h->options->weights[p] : h->info->parts[p].default_weight);
}

static void one_weight(size_t part, float *weights)
{
    memset(weights, 0, TB_MODEL_MAX_PARTS * sizeof *weights);
    weights[part] = 1;
}

/* --- half-split ------------------------------------------------------------------------------------------------------- */

/* Place of the own second half among all second halves, from 1; those at the same distance count as nearer. */
static size_t rank_of_own(const hearing *h, size_t n, size_t query, const float *weights)
{
    const double own = clip_distance(h, 2 * query, 2 * query + 1, weights);
    size_t rank = 1;
    for (size_t i = 0; i < n; i++)
        if (i != query && clip_distance(h, 2 * query, 2 * i + 1, weights) <= own) rank++;
    return rank;
}

tb_status tb_eval_half_split(const char *folder, const tb_retrieval_options *options, tb_half_split_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    hearing h = {.options = options, .n_clips = 2};
    tb_half_split_result made = {0};
    float weights[TB_MODEL_MAX_PARTS] = {0};
    pthread_mutex_init(&h.mutex, NULL);
    TB_TRY(hear_folder(&h, folder, &made.files, err));
    const size_t n = made.files.n_used;
    all_weights(&h, weights);
    for (size_t i = 0; i < n; i++) {
        const size_t rank = rank_of_own(&h, n, i, weights);
        made.top1 += (rank == 1) / (double)n;
        made.top5 += (rank <= 5) / (double)n;
        made.mean_reciprocal_rank += 1 / (double)rank / (double)n;
    }
    for (size_t p = 0; p < h.info->n_parts; p++) {
        one_weight(p, weights);
        for (size_t i = 0; i < n; i++) made.part_top1[p] += (rank_of_own(&h, n, i, weights) == 1) / (double)n;
    }
    *result = made;
out:
    clear_hearing(&h);
    return status;
}

/* --- music ID ------------------------------------------------------------------------------------------------------------ */

/* The file that most of the nearest clips are from; of several, the one whose clip is nearest.  SIZE_MAX if nothing is
 * near (silence). */
static size_t vote(const hearing *h, size_t n_clips, size_t query, const float *weights)
{
    double distance[N_NEIGHBOURS];
    size_t file[N_NEIGHBOURS], n = 0;
    for (size_t i = 0; i < n_clips; i++) {
        const double d = i == query ? INFINITY : clip_distance(h, query, i, weights);
        if (isinf(d) || (n == N_NEIGHBOURS && d >= distance[n - 1])) continue;
        size_t at = n < N_NEIGHBOURS ? n++ : n - 1;
        for (; at > 0 && distance[at - 1] > d; at--) {
            distance[at] = distance[at - 1];
            file[at] = file[at - 1];
        }
        distance[at] = d;
        file[at] = i / h->n_clips;
    }
    size_t best = SIZE_MAX, best_votes = 0;
    for (size_t i = 0; i < n; i++) {
        size_t votes = 0;
        for (size_t j = 0; j < n; j++) votes += file[j] == file[i];
        if (votes > best_votes) {
            best_votes = votes;
            best = file[i];
        }
    }
    return best;
}

static double share_right(const hearing *h, size_t n_clips, const float *weights)
{
    size_t right = 0;
    for (size_t i = 0; i < n_clips; i++) right += vote(h, n_clips, i, weights) == i / h->n_clips;
    return (double)right / (double)n_clips;
}

tb_status tb_eval_music_id(const char *folder, double window_s, size_t n_windows, const tb_retrieval_options *options, tb_music_id_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    hearing h = {.options = options, .n_clips = n_windows, .window_s = window_s};
    tb_music_id_result made = {0};
    float weights[TB_MODEL_MAX_PARTS] = {0};
    pthread_mutex_init(&h.mutex, NULL);
    if (!(window_s >= 1 && window_s <= 60)) TB_FAIL(err, TB_INVALID, "a window must last from 1 to 60 s");
    if (n_windows < 2 || n_windows > MAX_WINDOWS) TB_FAIL(err, TB_INVALID, "there must be 2 to %d windows a file", MAX_WINDOWS);
    TB_TRY(hear_folder(&h, folder, &made.files, err));
    made.n_windows = made.files.n_used * n_windows;
    all_weights(&h, weights);
    made.accuracy = share_right(&h, made.n_windows, weights);
    for (size_t p = 0; p < h.info->n_parts; p++) {
        one_weight(p, weights);
        made.part_accuracy[p] = share_right(&h, made.n_windows, weights);
    }
    *result = made;
out:
    clear_hearing(&h);
    return status;
}
