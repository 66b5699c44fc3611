// SPDX-License-Identifier: MIT
/* Options become the text that says what the data set is; then pieces are composed, rendered and stored. */
#include "train/song_set.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"
#include "model/band_spectrum.h"
#include "model/model.h"
#include "train/piece_cache.h"
#include "train/piece_line.h"
#include "train/piece_rows.h"
#include "train/renderer.h"
#include "train/slakh_writer.h"
#include "train/song_source.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    RENDERER_VERSION = 3, /* raised whenever the same options give other audio */
    MAX_THREADS = 256,
    MAX_INFO_BYTES = TB_PIECE_CACHE_MAX_INFO,
};

typedef struct making {
    const tb_song_set_options *options;
    tb_song_source_config songs;
    tb_song_source *source;
    char *folder;            /* of the split, for TB_SONG_SET_SLAKH */
    tb_band_bank *bank;      /* for TB_SONG_SET_CACHE */
    tb_piece_writer *writer; /* the same; else NULL */
    size_t n_there;          /* pieces in the cache when it was opened */
} making;

const char *tb_split_name(tb_split split)
{
    static const char *const names[TB_SPLIT_COUNT] = {"train", "validation", "test"};
    return names[split];
}

/* --- info ----------------------------------------------------------------------------------------------- */

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
static tb_status put_info(tb_buffer *out, const tb_song_set_options *o, uint64_t songs)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(
        out, "{\"kind\": \"songs\", \"split\": \"%s\", \"seed\": %llu, \"seconds\": %g, \"rate_hz\": %d, ",
        tb_split_name(o->split), (unsigned long long)o->seed, o->seconds, o->rate_hz));
    if (o->format == TB_SONG_SET_CACHE) TB_TRY(tb_buffer_printf(out, "\"bands\": %zu, ", o->n_bands));
    else TB_TRY(tb_buffer_printf(out, "\"audio\": \"%s\", ", tb_audio_format_name(o->audio)));
    TB_TRY(tb_buffer_printf(
        out, "\"%s\": \"%016llx\", \"renderer\": %d, \"effects\": %s, \"patch_share\": %g, \"soundfonts\": [",
        o->midi ? "midi" : "composer", (unsigned long long)songs, RENDERER_VERSION,
        o->effects ? "true" : "false", o->fonts ? o->patch_share : 1));
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

/* --- opening -------------------------------------------------------------------------------------------- */

static tb_status check_options(const tb_song_set_options *o, tb_error *err)
{
    if (o->n_pieces < 1 || o->n_pieces > TB_SLAKH_MAX_TRACK)
        return tb_error_set(err, TB_INVALID, "a data set has 1 to %d pieces", TB_SLAKH_MAX_TRACK);
    if (!(o->seconds >= 4 && o->seconds <= 600))
        return tb_error_set(err, TB_INVALID, "a piece lasts 4 to 600 seconds");
    if (o->n_threads > MAX_THREADS) return tb_error_set(err, TB_INVALID, "more than %d threads", MAX_THREADS);
    if (o->format == TB_SONG_SET_CACHE && o->rate_hz != TB_MODEL_RATE_HZ)
        return tb_error_set(err, TB_INVALID, "a cache is made at %d Hz", TB_MODEL_RATE_HZ);
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
            TB_FAIL(err, TB_EXISTS,
                    "%.200s was begun with other options (see %.100s); name another folder, or remove it",
                    m->folder, name);
    }
out:
    tb_free(there);
    tb_free(path);
    return status;
}

static tb_status open_set(making *m, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer info;
    tb_buffer_init(&info, MAX_INFO_BYTES);
    TB_TRY(check_options(m->options, err));
    m->songs = (tb_song_source_config){.seed = tb_seed_derive(m->options->seed, (uint64_t)m->options->split),
                                       .seconds = m->options->seconds,
                                       .midi_folder = m->options->midi};
    TB_TRY(tb_song_source_open(&m->songs, &m->source, err));
    if (put_info(&info, m->options, tb_song_source_digest(m->source)) != TB_OK)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the facts of a data set");
    if (m->options->format == TB_SONG_SET_SLAKH) {
        TB_TRY(open_folder(m, &info, err));
    } else {
        const tb_piece_writer_config config = {.n_bands = m->options->n_bands,
                                               .rows_per_s = TB_BAND_ROWS_PER_S,
                                               .info = info.bytes};
        TB_TRY(tb_band_bank_new(m->options->n_bands, &m->bank, err));
        TB_TRY(tb_piece_writer_open(m->options->path, &config, &m->writer, err));
        m->n_there = tb_piece_writer_count(m->writer);
    }
out:
    tb_buffer_clear(&info);
    return status;
}

/* --- pieces --------------------------------------------------------------------------------------------- */

static tb_status worker_new(void *context, void **worker, tb_error *err)
{
    const tb_song_set_options *o = ((const making *)context)->options;
    const tb_renderer_config config = {.fonts = o->fonts,
                                       .patch_share = o->patch_share,
                                       .effects = o->effects,
                                       .rate_hz = o->rate_hz};
    tb_renderer *renderer = NULL;
    const tb_status status = tb_renderer_new(&config, &renderer, err);
    *worker = renderer;
    return status;
}

static void worker_free(void *worker)
{
    tb_renderer_free(worker);
}

static bool is_kept(void *context, size_t i)
{
    const making *m = context;
    return m->writer ? i < m->n_there : tb_slakh_track_exists(m->folder, i + 1);
}

static tb_status prepare_piece(const making *m, size_t i, const tb_song *song, const tb_rendering *rendering,
                               tb_made_piece **made, tb_error *err)
{
    char name[32];
    snprintf(name, sizeof name, "%s/%05zu", tb_split_name(m->options->split), i + 1);
    const tb_piece facts = {.seed = song->seed,
                            .tempo_bpm = song->tempo_bpm,
                            .tempo_group = song->tempo_group,
                            .beats_per_bar = song->beats_per_bar,
                            .key = song->key,
                            .mode = song->mode};
    const float *stems[TB_STEM_COUNT];
    for (size_t s = 0; s < TB_STEM_COUNT; s++) stems[s] = rendering->stems[s];
    return tb_made_piece_new(m->bank, &facts, name, stems, rendering->n_samples, song->beats, song->n_beats,
                             song->bars, song->n_bars, made, err);
}

static tb_status make_piece(void *context, void *worker, size_t i, void **made, tb_error *err)
{
    tb_status status = TB_OK;
    const making *m = context;
    tb_song *song = NULL;
    tb_rendering *rendering = NULL;
    tb_made_piece *piece = NULL;
    TB_TRY(tb_song_source_get(m->source, i, &song, err));
    TB_TRY(tb_renderer_play(worker, song, tb_seed_derive(song->seed, 1), &rendering, err));
    if (m->writer) TB_TRY(prepare_piece(m, i, song, rendering, &piece, err));
    else TB_TRY(tb_slakh_track_write(m->folder, i + 1, song, rendering, m->options->audio, err));
    *made = piece;
out:
    if (status != TB_OK) tb_error_prefix(err, "piece %zu", i + 1);
    tb_rendering_free(rendering);
    tb_song_free(song);
    return status;
}

static tb_status store_piece(void *context, size_t i, void *made, tb_error *err)
{
    (void)i;
    return tb_piece_writer_append(((const making *)context)->writer, &((const tb_made_piece *)made)->piece,
                                  err);
}

static void discard_piece(void *made)
{
    tb_made_piece_free(made);
}

tb_status tb_song_set_make(const tb_song_set_options *options, tb_song_set_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    making m = {.options = options};
    tb_piece_line_result made = {0};
    TB_TRY(open_set(&m, err));
    const size_t n_songs = tb_song_source_count(m.source);
    const tb_piece_line line = {
        .n_pieces = options->n_pieces < n_songs ? options->n_pieces : n_songs,
        .n_threads = options->n_threads ? options->n_threads : 1,
        .context = &m,
        .worker_new = worker_new,
        .worker_free = worker_free,
        .is_kept = is_kept,
        .make = make_piece,
        .store = m.writer ? store_piece : NULL,
        .discard = discard_piece,
        .progress = options->progress,
        .progress_context = options->context,
        .cancel = options->cancel,
    };
    TB_TRY(tb_piece_line_run(&line, &made, err));
    if (m.writer) TB_TRY(tb_piece_writer_sync(m.writer, err));
    *result = (tb_song_set_result){made.n_made, made.n_kept, options->seconds * (double)made.n_made};
out:
    tb_piece_writer_close(m.writer);
    tb_song_source_close(m.source);
    tb_band_bank_free(m.bank);
    tb_free(m.folder);
    return status;
}
