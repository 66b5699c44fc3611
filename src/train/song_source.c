// SPDX-License-Identifier: MIT
/* Composed songs are made as they are asked for.  MIDI songs are listed and each is tried once at the start, so that
 * the count holds and damaged files are named before any work is done. */
#include "train/song_source.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/rng.h"
#include "train/composer.h"
#include "train/midi_folder.h"
#include "train/renderer.h"

#include <math.h>

enum { MIN_S = 4, N_TRIES = 8 };
/* Beyond that, a song is out of the range of the tempo groups and keeps its tempo. */
static const double most_stretch = 1.12, tempo_spread = 0.02;

struct tb_song_source {
    const tb_song_source_config *config;
    tb_midi_entry *entries;
    size_t n_entries;
    uint64_t digest;
};

/* --- MIDI songs ------------------------------------------------------------------------------------------ */

static void settle_tempo(tb_song *song, tb_rng *rng)
{
    const double deviation = tempo_spread * (2 * tb_rng_uniform(rng) - 1);
    const double wanted = tb_tempo_group_bpm(song->tempo_group) * (1 + deviation);
    const double factor = song->tempo_bpm / wanted;
    if (factor < most_stretch && factor > 1 / most_stretch) tb_song_stretch(song, factor);
}

/* Where a passage of that length may begin: a bar, evenly drawn. */
static double draw_start(const tb_song *song, double seconds, tb_rng *rng)
{
    size_t n = 0;
    while (n < song->n_bars && song->bars[n] + seconds <= song->duration_s) n++;
    return n > 0 ? song->bars[tb_rng_below(rng, n)] : 0;
}

static tb_status read_entry(const tb_song_source *self, const tb_midi_entry *entry, uint64_t seed,
                            tb_song **song, tb_error *err)
{
    tb_status status = TB_OK;
    tb_song *made = NULL;
    tb_rng rng;
    tb_rng_init(&rng, seed);
    for (int try = 0; try < N_TRIES && (!made || tb_song_stems(made) == 0); try++) {
        tb_song_free(made);
        made = NULL;
        TB_TRY(tb_midi_folder_read(entry, &made, err));
        settle_tempo(made, &rng);
        if (made->duration_s < MIN_S) TB_FAIL(err, TB_INVALID, "%s lasts less than %d s", entry->name, MIN_S);
        const double start_s = draw_start(made, self->config->seconds, &rng);
        const double end_s = fmin(start_s + self->config->seconds, made->duration_s);
        TB_TRY(tb_song_cut(made, start_s, end_s, err));
    }
    if (tb_song_stems(made) == 0) TB_FAIL(err, TB_INVALID, "%s is silent for long", entry->name);
    made->seed = seed;
    *song = made;
    made = NULL;
out:
    tb_song_free(made);
    return status;
}

/* --- both kinds ------------------------------------------------------------------------------------------- */

/* FNV-1a over the song's events. */
static uint64_t digest_song(const tb_song *song)
{
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t p = 0; p < song->n_parts; p++)
        for (size_t i = 0; i < song->parts[p].n_events; i++) {
            const tb_event *e = &song->parts[p].events[i];
            const uint64_t word = (uint64_t)llround(e->time_s * 1e6) << 24 ^ (uint64_t)e->kind << 20 ^
                                  (uint64_t)e->a << 12 ^ (uint64_t)(uint16_t)e->b;
            sum = (sum ^ word) * 0x100000001b3u;
        }
    return sum;
}

static uint64_t seed_of(const tb_song_source *self, size_t i)
{
    return tb_seed_derive(self->config->seed, i);
}

/* Keeps the songs that can be read, and digests them. */
static tb_status try_entries(tb_song_source *self, tb_error *err)
{
    size_t n = 0;
    for (size_t i = 0; i < self->n_entries; i++) {
        const tb_midi_entry entry = self->entries[i];
        tb_song *song = NULL;
        tb_error why = {0};
        const tb_status status = read_entry(self, &entry, seed_of(self, n), &song, &why);
        /* the kept ones move to the front, the others behind them, where close finds their paths */
        self->entries[i] = self->entries[n];
        self->entries[n] = entry;
        if (status == TB_OK) {
            self->digest = tb_seed_derive(self->digest, digest_song(song));
            n++;
        } else if (status == TB_NO_MEMORY) {
            return tb_error_set(err, status, "%s", why.message);
        } else {
            tb_log(TB_LOG_WARN, "songs", "left out: %s", why.message);
        }
        tb_song_free(song);
    }
    for (size_t i = n; i < self->n_entries; i++) tb_free(self->entries[i].path);
    self->n_entries = n;
    if (n == 0) return tb_error_set(err, TB_INVALID, "there are no MIDI songs below %.200s", self->config->midi_folder);
    return TB_OK;
}

tb_status tb_song_source_open(const tb_song_source_config *config, tb_song_source **source, tb_error *err)
{
    tb_status status = TB_OK;
    tb_song *first = NULL;
    tb_song_source *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a source of songs");
    made->config = config;
    if (config->midi_folder) {
        TB_TRY(tb_midi_folder_list(config->midi_folder, &made->entries, &made->n_entries, err));
        TB_TRY(try_entries(made, err));
    } else {
        TB_TRY(tb_song_source_get(made, 0, &first, err));
        made->digest = digest_song(first);
    }
    *source = made;
    made = NULL;
out:
    tb_song_free(first);
    tb_song_source_close(made);
    return status;
}

void tb_song_source_close(tb_song_source *source)
{
    if (!source) return;
    tb_midi_folder_free(source->entries, source->n_entries);
    tb_free(source);
}

size_t tb_song_source_count(const tb_song_source *source)
{
    return source->config->midi_folder ? source->n_entries : SIZE_MAX;
}

uint64_t tb_song_source_digest(const tb_song_source *source)
{
    return source->digest;
}

tb_status tb_song_source_get(const tb_song_source *source, size_t i, tb_song **song, tb_error *err)
{
    const uint64_t seed = seed_of(source, i);
    if (source->config->midi_folder) return read_entry(source, &source->entries[i], seed, song, err);
    tb_composer_options options = tb_composer_defaults;
    options.duration_s = source->config->seconds;
    return tb_compose(&options, seed, song, err);
}
