// SPDX-License-Identifier: MIT
/* A line of pieces (piece_line.h) whose pieces are tracks.  One that cannot be read gives nothing to store.
 */
#include "train/stem_import.h"

#include "base/alloc.h"
#include "base/text.h"
#include "model/band_spectrum.h"
#include "train/piece_cache.h"
#include "train/piece_line.h"
#include "train/piece_rows.h"
#include "train/stem_folder.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { MAX_THREADS = 256, NAME_SIZE = 64 };

typedef struct importing {
    const tb_stem_import_options *options;
    tb_stem_folder *list;
    tb_band_bank *bank;
    tb_piece_writer *writer; /* the line has one thread at a time at it */
    pthread_mutex_t mutex;   /* guards the result */
    tb_stem_import_result result;
} importing;

/* The end of the relative name that fits, in whole characters, as UTF-8. */
static tb_status name_piece(const char *relative, char name[NAME_SIZE], tb_error *err)
{
    char *clean = tb_utf8_clean(relative, strlen(relative));
    if (!clean) return tb_error_set(err, TB_NO_MEMORY, "no memory for a name");
    const size_t size = strlen(clean);
    const char *from = clean + (size < NAME_SIZE ? 0 : size - NAME_SIZE + 1);
    while ((*from & 0xc0) == 0x80) from++;
    (void)tb_text_copy(name, NAME_SIZE, from);
    tb_free(clean);
    return TB_OK;
}

/* The writer does not change while the next piece is asked for: both happen under the line's lock. */
static bool is_kept(void *context, size_t i)
{
    const importing *m = context;
    char name[NAME_SIZE];
    return name_piece(m->list->names[i], name, NULL) == TB_OK && tb_piece_writer_has(m->writer, name);
}

static void skip_track(importing *m, size_t i, const tb_error *why)
{
    pthread_mutex_lock(&m->mutex);
    m->result.n_skipped++;
    if (m->options->skipped) m->options->skipped(m->options->context, m->list->names[i], why);
    pthread_mutex_unlock(&m->mutex);
}

static tb_status make_track(const importing *m, size_t i, tb_made_piece **made, size_t *n_silent,
                            tb_error *err)
{
    tb_status status = TB_OK;
    tb_stem_track *track = NULL;
    char name[NAME_SIZE];
    TB_TRY(name_piece(m->list->names[i], name, err));
    TB_TRY(tb_stem_track_read(m->list->paths[i], m->options->max_s, &track, err));
    const tb_piece facts = {.tempo_bpm = track->tempo_bpm,
                            .tempo_group = tb_tempo_group_nearest(track->tempo_bpm),
                            .beats_per_bar = track->beats_per_bar,
                            .key = track->key,
                            .mode = track->mode};
    const float *stems[TB_STEM_COUNT];
    for (size_t s = 0; s < TB_STEM_COUNT; s++) stems[s] = track->stems[s];
    TB_TRY(tb_made_piece_new(m->bank, &facts, name, stems, track->n_samples, track->beats_s, track->n_beats,
                             track->bars_s, track->n_bars, made, err));
    *n_silent = track->n_silent;
out:
    tb_stem_track_free(track);
    return status;
}

static tb_status make_piece(void *context, void *worker, size_t i, void **made, tb_error *err)
{
    importing *m = context;
    tb_made_piece *piece = NULL;
    size_t n_silent = 0;
    tb_error why = {0};
    (void)worker;
    const tb_status status = make_track(m, i, &piece, &n_silent, &why);
    if (status == TB_NO_MEMORY) return tb_error_set(err, status, "%.60s: %s", m->list->names[i], why.message);
    if (status != TB_OK) skip_track(m, i, &why);
    pthread_mutex_lock(&m->mutex);
    m->result.n_silent += n_silent;
    pthread_mutex_unlock(&m->mutex);
    *made = piece;
    return TB_OK;
}

static tb_status store_piece(void *context, size_t i, void *made, tb_error *err)
{
    importing *m = context;
    tb_error why = {0};
    const tb_status status = tb_piece_writer_append(m->writer, &((const tb_made_piece *)made)->piece, &why);
    if (status != TB_INVALID && status != TB_EXISTS)
        return status == TB_OK ? TB_OK : tb_error_set(err, status, "%s", why.message);
    skip_track(m, i, &why);
    return TB_OK;
}

static void discard_piece(void *made)
{
    tb_made_piece_free(made);
}

static tb_status open_import(importing *m, tb_error *err)
{
    tb_status status = TB_OK;
    char info[128];
    const tb_stem_import_options *o = m->options;
    if (o->n_threads > MAX_THREADS || !(o->max_s > 0 && o->max_s <= TB_SONG_MAX_S))
        TB_FAIL(err, TB_INVALID, "tracks are imported up to %g s, by up to %d threads", TB_SONG_MAX_S,
                MAX_THREADS);
    TB_TRY(tb_stem_folder_list(o->folder, &m->list, err));
    if (m->list->n == 0)
        TB_FAIL(err, TB_NOT_FOUND,
                "there is no track with stems below %.200s: a folder with metadata.yaml and stems/, "
                "or with drums.wav, bass.wav and so on",
                o->folder);
    TB_TRY(tb_band_bank_new(o->n_bands, &m->bank, err));
    snprintf(info, sizeof info, "{\"kind\": \"recordings\", \"bands\": %zu, \"max_s\": %g}\n", o->n_bands,
             o->max_s);
    const tb_piece_writer_config config = {.n_bands = o->n_bands,
                                           .rows_per_s = TB_BAND_ROWS_PER_S,
                                           .info = info};
    TB_TRY(tb_piece_writer_open(o->path, &config, &m->writer, err));
out:
    return status;
}

tb_status tb_stem_import(const tb_stem_import_options *options, tb_stem_import_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    importing m = {.options = options, .mutex = PTHREAD_MUTEX_INITIALIZER};
    tb_piece_line_result made = {0};
    TB_TRY(open_import(&m, err));
    const tb_piece_line line = {
        .n_pieces = m.list->n,
        .n_threads = options->n_threads ? options->n_threads : 1,
        .context = &m,
        .is_kept = is_kept,
        .make = make_piece,
        .store = store_piece,
        .discard = discard_piece,
        .progress = options->progress,
        .progress_context = options->context,
        .cancel = options->cancel,
    };
    TB_TRY(tb_piece_line_run(&line, &made, err));
    TB_TRY(tb_piece_writer_sync(m.writer, err));
    if (tb_piece_writer_count(m.writer) == 0)
        TB_FAIL(err, TB_CORRUPT, "none of the %zu tracks below %.200s can be used", m.list->n,
                options->folder);
    m.result.n_kept = made.n_kept;
    m.result.n_made = made.n_made - m.result.n_skipped;
    *result = m.result;
out:
    tb_piece_writer_close(m.writer);
    tb_band_bank_free(m.bank);
    tb_stem_folder_free(m.list);
    pthread_mutex_destroy(&m.mutex);
    return status;
}
