// SPDX-License-Identifier: MIT
/* Threads take the next piece each, compose, render and store it.  A cache is written in the order of the pieces, so
 * that it is the same file however many threads there are: who is ready early waits for its turn. */
#include "train/song_set.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "base/half.h"
#include "base/pool.h"
#include "model/band_spectrum.h"
#include "model/model.h"
#include "train/composer.h"
#include "train/piece_cache.h"
#include "train/renderer.h"
#include "train/slakh_writer.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    RENDERER_VERSION = 2, /* raised whenever the same options give other audio */
    MAX_THREADS = 256,
    MAX_INFO_BYTES = TB_PIECE_CACHE_MAX_INFO,
};

typedef struct making {
    const tb_song_set_options *options;
    char *folder;            /* of the split, for TB_SONG_SET_SLAKH */
    tb_band_bank *bank;      /* for TB_SONG_SET_CACHE */
    tb_piece_writer *writer;
    pthread_mutex_t mutex;   /* guards all below */
    pthread_cond_t stored;   /* a piece went into the cache, or something failed */
    size_t next, n_stored, n_made, n_kept;
    double audio_s;
    tb_status status;
    tb_error error;
} making;

const char *tb_split_name(tb_split split)
{
    static const char *const names[TB_SPLIT_COUNT] = {"train", "validation", "test"};
    return names[split];
}

/* --- info ---------------------------------------------------------------------------------------------------------- */

static tb_status compose_piece(const tb_song_set_options *o, size_t i, tb_song **song, tb_error *err)
{
    tb_composer_options options = tb_composer_defaults;
    options.duration_s = o->seconds;
    return tb_compose(&options, tb_seed_derive(tb_seed_derive(o->seed, (uint64_t)o->split), i), song, err);
}

/* Digest (FNV-1a) of the first piece's events: another composer gives another. */
static tb_status digest_composer(const tb_song_set_options *o, uint64_t *digest, tb_error *err)
{
    tb_song *song = NULL;
    const tb_status status = compose_piece(o, 0, &song, err);
    if (status != TB_OK) return status;
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t p = 0; p < song->n_parts; p++)
        for (size_t i = 0; i < song->parts[p].n_events; i++) {
            const tb_event *e = &song->parts[p].events[i];
            const uint64_t word = (uint64_t)llround(e->time_s * 1e6) << 24 ^ (uint64_t)e->kind << 20 ^ (uint64_t)e->a << 12 ^ (uint64_t)(uint16_t)e->b;
            sum = (sum ^ word) * 0x100000001b3u;
        }
    tb_song_free(song);
    *digest = sum;
    return TB_OK;
}

/* A JSON string; what would need more escaping than quotes and backslashes becomes '?'. */
static tb_status put_string(tb_buffer *out, const char *text)
{
    tb_status status = tb_buffer_append(out, "\"", 1);
    for (const unsigned char *at = (const unsigned char *)text; *at && status == TB_OK; at++) {
        const char c = *at < 0x20 || *at >= 0x7f ? '?' : (char)*at;
        if (c == '"' || c == '\\') status = tb_buffer_append(out, "\\", 1);
        if (status == TB_OK) status = tb_buffer_append(out, &c, 1);
    }
    return status == TB_OK ? tb_buffer_append(out, "\"", 1) : status;
}

/* Everything that the pieces depend on but for how many they are. */
static tb_status put_info(tb_buffer *out, const tb_song_set_options *o, uint64_t composer)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(out, "{\"kind\": \"songs\", \"split\": \"%s\", \"seed\": %llu, \"seconds\": %g, \"rate_hz\": %d, ", tb_split_name(o->split),
        (unsigned long long)o->seed, o->seconds, o->rate_hz));
    if (o->format == TB_SONG_SET_CACHE) TB_TRY(tb_buffer_printf(out, "\"bands\": %zu, ", o->n_bands));
    else TB_TRY(tb_buffer_printf(out, "\"audio\": \"%s\", ", tb_audio_format_name(o->audio)));
    TB_TRY(tb_buffer_printf(out, "\"composer\": \"%016llx\", \"renderer\": %d, \"effects\": %s, \"patch_share\": %g, \"soundfonts\": [",
        (unsigned long long)composer, RENDERER_VERSION, o->effects ? "true" : "false", o->fonts ? o->patch_share : 1));
    for (size_t i = 0; o->fonts && i < o->fonts->n_fonts; i++) {
        const tb_soundfont *font = &o->fonts->fonts[i];
        TB_TRY(tb_buffer_append_text(out, i ? ", {\"name\": " : "{\"name\": "));
        TB_TRY(put_string(out, font->name));
        TB_TRY(tb_buffer_append_text(out, ", \"file\": "));
        TB_TRY(put_string(out, tb_fs_name(font->path)));
        TB_TRY(tb_buffer_printf(out, ", \"digest\": \"%s\", \"weight\": %.4f}", font->digest, font->weight));
    }
    TB_TRY(tb_buffer_append_text(out, "]}\n"));
out:
    return status;
}

/* --- opening ------------------------------------------------------------------------------------------------------- */

static tb_status check_options(const tb_song_set_options *o, tb_error *err)
{
    if (o->n_pieces < 1 || o->n_pieces > TB_SLAKH_MAX_TRACK) return tb_error_set(err, TB_INVALID, "a data set has 1 to %d pieces", TB_SLAKH_MAX_TRACK);
    if (!(o->seconds >= 4 && o->seconds <= 600)) return tb_error_set(err, TB_INVALID, "a piece lasts 4 to 600 seconds");
    if (o->n_threads > MAX_THREADS) return tb_error_set(err, TB_INVALID, "more than %d threads", MAX_THREADS);
    if (o->format == TB_SONG_SET_CACHE && o->rate_hz != TB_MODEL_RATE_HZ) return tb_error_set(err, TB_INVALID, "a cache is made at %d Hz", TB_MODEL_RATE_HZ);
    return TB_OK;
}

/* The folder of the split with the file that says what it is made of, which has to be the same. */
static tb_status open_folder(making *m, const tb_buffer *info, tb_error *err)
{
    tb_status status = TB_OK;
    char name[32], *path = NULL, *there = NULL;
    size_t size = 0;
    const char *split = tb_split_name(m->options->split);
    snprintf(name, sizeof name, "%s.json", split);
    m->folder = tb_fs_join(m->options->path, split);
    path = tb_fs_join(m->options->path, name);
    if (!m->folder || !path) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    TB_TRY(tb_fs_make_directories(m->folder, err));
    status = tb_fs_read(path, MAX_INFO_BYTES, &there, &size, err);
    if (status == TB_NOT_FOUND) {
        TB_TRY(tb_fs_write_atomic(path, info->bytes, info->size, err));
    } else {
        TB_TRY(status);
        if (size != info->size || memcmp(there, info->bytes, size) != 0)
            TB_FAIL(err, TB_EXISTS, "%.200s was begun with other options (see %.100s); name another folder, or remove it", m->folder, name);
    }
out:
    tb_free(there);
    tb_free(path);
    return status;
}

static tb_status open_set(making *m, tb_error *err)
{
    tb_status status = TB_OK;
    uint64_t composer = 0;
    tb_buffer info;
    tb_buffer_init(&info, MAX_INFO_BYTES);
    TB_TRY(check_options(m->options, err));
    TB_TRY(digest_composer(m->options, &composer, err));
    if (put_info(&info, m->options, composer) != TB_OK) TB_FAIL(err, TB_NO_MEMORY, "no memory for the facts of a data set");
    if (m->options->format == TB_SONG_SET_SLAKH) {
        TB_TRY(open_folder(m, &info, err));
    } else {
        const tb_piece_writer_config config = {.n_bands = m->options->n_bands, .rows_per_s = TB_BAND_ROWS_PER_S, .info = info.bytes};
        TB_TRY(tb_band_bank_new(m->options->n_bands, &m->bank, err));
        TB_TRY(tb_piece_writer_open(m->options->path, &config, &m->writer, err));
        m->next = m->n_stored = m->n_kept = tb_piece_writer_count(m->writer);
    }
out:
    tb_buffer_clear(&info);
    return status;
}

/* --- one piece ----------------------------------------------------------------------------------------------------- */

static float *rows_of_times(const double *times, size_t n, size_t n_rows)
{
    float *rows = tb_alloc(n, sizeof *rows);
    for (size_t i = 0; rows && i < n; i++) rows[i] = (float)fmin(times[i] * TB_BAND_ROWS_PER_S, (double)n_rows);
    return rows;
}

static tb_status take_rows(const tb_band_bank *bank, const float *mono, size_t n, uint16_t **rows, size_t *n_rows, tb_error *err)
{
    tb_status status = TB_OK;
    float *power = NULL;
    uint16_t *made = NULL;
    TB_TRY(tb_band_rows_read(bank, mono, n, &power, n_rows, err));
    const size_t n_values = *n_rows * tb_band_bank_count(bank);
    if (n_values == 0) TB_FAIL(err, TB_INVALID, "a piece of %zu samples is too short", n);
    if (!(made = tb_alloc(n_values, sizeof *made))) TB_FAIL(err, TB_NO_MEMORY, "no memory for the rows of a stem");
    for (size_t i = 0; i < n_values; i++) made[i] = tb_half_from_float(fminf(sqrtf(power[i]), 65504.0f));
    *rows = made;
out:
    tb_free(power);
    return status;
}

/* Everything of a piece for the cache, before it is its turn. */
typedef struct stored_piece {
    char name[32];
    tb_piece piece;
    uint16_t *rows[TB_STEM_COUNT];
    float *beats, *bars;
} stored_piece;

static tb_status prepare_piece(const making *m, size_t i, const tb_song *song, const tb_rendering *rendering, stored_piece *out, tb_error *err)
{
    tb_status status = TB_OK;
    snprintf(out->name, sizeof out->name, "%s/%05zu", tb_split_name(m->options->split), i + 1);
    out->piece = (tb_piece){.name = out->name, .seed = song->seed, .tempo_bpm = song->tempo_bpm, .tempo_group = song->tempo_group,
        .beats_per_bar = song->beats_per_bar, .key = song->key, .mode = song->mode, .n_beats = song->n_beats, .n_bars = song->n_bars};
    for (size_t s = 0; s < TB_STEM_COUNT; s++) {
        if (!rendering->stems[s]) continue;
        TB_TRY(take_rows(m->bank, rendering->stems[s], rendering->n_samples, &out->rows[s], &out->piece.n_rows, err));
        out->piece.rows[s] = out->rows[s];
    }
    out->beats = rows_of_times(song->beats, song->n_beats, out->piece.n_rows);
    out->bars = rows_of_times(song->bars, song->n_bars, out->piece.n_rows);
    if (!out->beats || !out->bars) TB_FAIL(err, TB_NO_MEMORY, "no memory for the beats of a piece");
    out->piece.beats = out->beats;
    out->piece.bars = out->bars;
out:
    return status;
}

static void clear_piece(stored_piece *piece)
{
    for (size_t s = 0; s < TB_STEM_COUNT; s++) tb_free(piece->rows[s]);
    tb_free(piece->beats);
    tb_free(piece->bars);
}

/* Waits for the pieces before it. */
static tb_status store_in_turn(making *m, size_t i, const stored_piece *piece, tb_error *err)
{
    tb_status status = TB_OK;
    pthread_mutex_lock(&m->mutex);
    while (m->n_stored != i && m->status == TB_OK) pthread_cond_wait(&m->stored, &m->mutex);
    if (m->status != TB_OK) status = tb_error_set(err, TB_CANCELLED, "another piece failed");
    else status = tb_piece_writer_append(m->writer, &piece->piece, err);
    if (status == TB_OK) m->n_stored++;
    pthread_cond_broadcast(&m->stored);
    pthread_mutex_unlock(&m->mutex);
    return status;
}

static tb_status make_piece(making *m, tb_renderer *renderer, size_t i, double *audio_s, tb_error *err)
{
    tb_status status = TB_OK;
    tb_song *song = NULL;
    tb_rendering *rendering = NULL;
    stored_piece piece = {0};
    TB_TRY(compose_piece(m->options, i, &song, err));
    TB_TRY(tb_renderer_play(renderer, song, tb_seed_derive(song->seed, 1), &rendering, err));
    *audio_s = (double)rendering->n_samples / rendering->rate_hz;
    if (m->options->format == TB_SONG_SET_SLAKH) {
        TB_TRY(tb_slakh_track_write(m->folder, i + 1, song, rendering, m->options->audio, err));
    } else {
        TB_TRY(prepare_piece(m, i, song, rendering, &piece, err));
        TB_TRY(store_in_turn(m, i, &piece, err));
    }
out:
    if (status != TB_OK && status != TB_CANCELLED) tb_error_prefix(err, "piece %zu", i + 1);
    clear_piece(&piece);
    tb_rendering_free(rendering);
    tb_song_free(song);
    return status;
}

/* --- all pieces ---------------------------------------------------------------------------------------------------- */

static void show_progress(const making *m)
{
    if (m->options->progress) m->options->progress(m->options->context, m->n_made + m->n_kept, m->options->n_pieces);
}

/* False when there is none left. */
static bool take_next(making *m, size_t *i)
{
    pthread_mutex_lock(&m->mutex);
    if (m->options->cancel && atomic_load(m->options->cancel) && m->status == TB_OK)
        m->status = tb_error_set(&m->error, TB_CANCELLED, "cancelled; what is complete stays, and the same command goes on with it");
    if (m->status != TB_OK) pthread_cond_broadcast(&m->stored);
    while (m->next < m->options->n_pieces && m->folder && tb_slakh_track_exists(m->folder, m->next + 1)) {
        m->next++;
        m->n_kept++;
        show_progress(m);
    }
    const bool is_one = m->status == TB_OK && m->next < m->options->n_pieces;
    if (is_one) *i = m->next++;
    pthread_mutex_unlock(&m->mutex);
    return is_one;
}

static void note_piece(making *m, tb_status status, double audio_s, const tb_error *error)
{
    pthread_mutex_lock(&m->mutex);
    if (status == TB_OK) {
        m->n_made++;
        m->audio_s += audio_s;
        show_progress(m);
    } else if (m->status == TB_OK) {
        m->status = status;
        m->error = *error;
    }
    if (m->status != TB_OK) pthread_cond_broadcast(&m->stored);
    pthread_mutex_unlock(&m->mutex);
}

static void make_pieces(void *context)
{
    making *m = context;
    const tb_song_set_options *o = m->options;
    const tb_renderer_config config = {.fonts = o->fonts, .patch_share = o->patch_share, .effects = o->effects, .rate_hz = o->rate_hz};
    tb_renderer *renderer = NULL;
    tb_error error = {0};
    size_t i = 0;
    tb_status status = tb_renderer_new(&config, &renderer, &error);
    if (status != TB_OK) note_piece(m, status, 0, &error);
    while (status == TB_OK && take_next(m, &i)) {
        double audio_s = 0;
        status = make_piece(m, renderer, i, &audio_s, &error);
        note_piece(m, status, audio_s, &error);
    }
    tb_renderer_free(renderer);
}

tb_status tb_song_set_make(const tb_song_set_options *options, tb_song_set_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb_pool *pool = NULL;
    making m = {.options = options, .mutex = PTHREAD_MUTEX_INITIALIZER, .stored = PTHREAD_COND_INITIALIZER};
    const size_t n_threads = options->n_threads ? options->n_threads : 1;
    TB_TRY(open_set(&m, err));
    TB_TRY(tb_pool_new("tb-songs", n_threads, n_threads, &pool, err));
    for (size_t t = 0; t < n_threads; t++) tb_pool_submit(pool, make_pieces, &m);
    tb_pool_wait(pool);
    if (m.status != TB_OK) TB_FAIL(err, m.status, "%s", m.error.message);
    if (m.writer) TB_TRY(tb_piece_writer_sync(m.writer, err));
    *result = (tb_song_set_result){m.n_made, m.n_kept, m.audio_s};
out:
    tb_pool_free(pool);
    tb_piece_writer_close(m.writer);
    tb_band_bank_free(m.bank);
    tb_free(m.folder);
    pthread_mutex_destroy(&m.mutex);
    pthread_cond_destroy(&m.stored);
    return status;
}
