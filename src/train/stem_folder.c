// SPDX-License-Identifier: MIT
/* Finding tracks is a walk that asks each folder's names; reading one collects its files, then adds them up
 * by stem. */
#include "train/stem_folder.h"

#include "audio/file_name.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "base/walk.h"
#include "model/model.h"
#include "train/beat_grid.h"
#include "train/clip.h"
#include "train/midi_file.h"
#include "train/slakh_metadata.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { NAME_SIZE = 128, MIN_FILES = 2 };
static const double length_tolerance_s = 0.1;
static const float silence = 1e-4f; /* -80 dBFS */

/* --- names ---------------------------------------------------------------------------------------------- */

/* Stems by the name of a file without its ending. */
static const struct {
    const char *name;
    tb_stem stem;
} known_names[] = {
    {"drums", TB_STEM_DRUMS},   {"drum", TB_STEM_DRUMS},     {"percussion", TB_STEM_DRUMS},
    {"bass", TB_STEM_BASS},     {"piano", TB_STEM_PIANO},    {"keys", TB_STEM_PIANO},
    {"guitar", TB_STEM_GUITAR}, {"guitars", TB_STEM_GUITAR}, {"other", TB_STEM_OTHERS},
    {"others", TB_STEM_OTHERS}, {"vocals", TB_STEM_OTHERS},  {"vocal", TB_STEM_OTHERS},
    {"voice", TB_STEM_OTHERS},  {"strings", TB_STEM_OTHERS}, {"synth", TB_STEM_OTHERS},
};

/* name without what follows its last dot; false when it does not fit. */
static bool cut_extension(const char *name, char out[NAME_SIZE])
{
    const char *dot = strrchr(name, '.');
    const size_t size = dot ? (size_t)(dot - name) : strlen(name);
    if (size >= NAME_SIZE) return false;
    memcpy(out, name, size);
    out[size] = '\0';
    return true;
}

static bool find_stem(const char *file_name, tb_stem *stem)
{
    char name[NAME_SIZE];
    if (!tb_audio_is_file_name(file_name) || !cut_extension(file_name, name)) return false;
    for (size_t i = 0; i < sizeof known_names / sizeof *known_names; i++)
        if (tb_text_equal_nocase(name, known_names[i].name)) {
            *stem = known_names[i].stem;
            return true;
        }
    return false;
}

/* --- listing -------------------------------------------------------------------------------------------- */

typedef struct listing {
    tb_stem_folder *out;
    size_t capacity;
    tb_status status;
} listing;

static bool is_track(char *const *names, size_t n)
{
    size_t n_stems = 0;
    tb_stem stem;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], "metadata.yaml") == 0) return true;
        n_stems += find_stem(names[i], &stem);
    }
    return n_stems >= MIN_FILES;
}

static tb_status keep_folder(listing *l, const char *folder)
{
    tb_stem_folder *out = l->out;
    if (out->n == l->capacity) {
        const size_t capacity = l->capacity ? 2 * l->capacity : 64;
        char **paths = tb_realloc(out->paths, capacity, sizeof *paths);
        if (!paths) return TB_NO_MEMORY;
        out->paths = paths;
        l->capacity = capacity;
    }
    if (!(out->paths[out->n] = tb_strdup(folder))) return TB_NO_MEMORY;
    out->n++;
    return TB_OK;
}

static bool enter(void *context, const char *folder, char *const *names, size_t n)
{
    listing *l = context;
    if (l->status != TB_OK || !is_track(names, n)) return l->status == TB_OK;
    l->status = keep_folder(l, folder);
    return false;
}

static tb_status pass_file(void *context, const char *path, const struct stat *info, tb_error *err)
{
    (void)context;
    (void)path;
    (void)info;
    (void)err;
    return TB_OK;
}

static void note_failure(void *context, const char *folder, const tb_error *why)
{
    (void)context;
    tb_log(TB_LOG_WARN, "dataset", "passed over %s: %s", folder, why->message);
}

tb_status tb_stem_folder_list(const char *folder, tb_stem_folder **list, tb_error *err)
{
    tb_status status = TB_OK;
    tb_fs_info info;
    listing l = {.out = tb_alloc(1, sizeof *l.out)};
    const tb_walk walk = {.context = &l, .file = pass_file, .enter = enter, .failed = note_failure};
    if (!l.out) TB_FAIL(err, TB_NO_MEMORY, "no memory for a list of tracks");
    TB_TRY(tb_fs_stat(folder, &info, err));
    if (!info.is_directory) TB_FAIL(err, TB_INVALID, "%.200s is no folder", folder);
    TB_TRY(tb_walk_folder(&walk, folder, err));
    if (l.status != TB_OK || !(l.out->names = tb_alloc(l.out->n, sizeof *l.out->names)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a list of tracks");
    for (size_t i = 0; i < l.out->n; i++) {
        const char *name = l.out->paths[i] + strlen(folder);
        while (*name == '/') name++;
        l.out->names[i] = *name ? name : ".";
    }
    *list = l.out;
    l.out = NULL;
out:
    tb_stem_folder_free(l.out);
    return status;
}

void tb_stem_folder_free(tb_stem_folder *list)
{
    if (!list) return;
    for (size_t i = 0; i < list->n; i++) tb_free(list->paths[i]);
    tb_free(list->paths);
    tb_free(list->names);
    tb_free(list);
}

/* --- audio ---------------------------------------------------------------------------------------------- */

typedef struct adding {
    tb_stem_track *track;
    double max_s;
    int rate_hz; /* of the first file; 0 before it */
    double seconds;
    char first[NAME_SIZE]; /* its name */
} adding;

static bool is_silent(const float *mono, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fabsf(mono[i]) > silence) return false;
    return true;
}

static tb_status check_file(adding *a, const char *name, const tb_audio_result *heard, tb_error *err)
{
    if (heard->info.truncated) return tb_error_set(err, TB_CORRUPT, "%.100s ends before its end", name);
    if (a->rate_hz == 0) {
        a->rate_hz = heard->info.rate_hz;
        a->seconds = heard->duration_s;
        (void)tb_text_copy(a->first, sizeof a->first, name);
    }
    if (heard->info.rate_hz != a->rate_hz)
        return tb_error_set(err, TB_CORRUPT, "stems have different rates: %.100s %d Hz, %.100s %d Hz",
                            a->first, a->rate_hz, name, heard->info.rate_hz);
    if (!(fabs(heard->duration_s - a->seconds) <= length_tolerance_s))
        return tb_error_set(err, TB_CORRUPT, "stems have different lengths: %.100s %.2f s, %.100s %.2f s",
                            a->first, a->seconds, name, heard->duration_s);
    return TB_OK;
}

/* Adds a file to its stem. */
static tb_status add_file(adding *a, const char *path, tb_stem stem, tb_error *err)
{
    tb_status status = TB_OK;
    tb_audio_result heard;
    tb_stem_track *track = a->track;
    float *mono = NULL;
    size_t n = 0;
    TB_TRY(tb_clip_read_whole(path, a->max_s, &mono, &n, &heard, err));
    TB_TRY(check_file(a, tb_fs_name(path), &heard, err));
    if (track->n_samples == 0) track->n_samples = n;
    if (n > track->n_samples) n = track->n_samples;
    if (is_silent(mono, n)) {
        track->n_silent++;
    } else {
        float **sum = &track->stems[stem];
        if (!*sum && !(*sum = tb_alloc(track->n_samples, sizeof **sum)))
            TB_FAIL(err, TB_NO_MEMORY, "no memory for a stem");
        for (size_t i = 0; i < n; i++) (*sum)[i] += mono[i];
    }
out:
    tb_free(mono);
    return status;
}

static tb_status add_named_files(adding *a, const char *folder, char *const *names, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    char *path = NULL;
    for (size_t i = 0; i < n; i++) {
        tb_stem stem;
        if (!find_stem(names[i], &stem)) continue;
        tb_free(path);
        if (!(path = tb_fs_join(folder, names[i]))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
        TB_TRY(add_file(a, path, stem, err));
    }
out:
    tb_free(path);
    return status;
}

/* The file of a stem that metadata.yaml names, whatever its format; NULL if it is not there. */
static const char *find_file(const char *stem, char *const *names, size_t n)
{
    char name[NAME_SIZE];
    for (size_t i = 0; i < n; i++)
        if (tb_audio_is_file_name(names[i]) && cut_extension(names[i], name) && strcmp(name, stem) == 0)
            return names[i];
    return NULL;
}

static tb_status add_slakh_files(adding *a, const char *folder, const tb_slakh_metadata *metadata,
                                 tb_error *err)
{
    tb_status status = TB_OK;
    char *stems = tb_fs_join(folder, metadata->audio_dir), *path = NULL, **names = NULL;
    size_t n = 0;
    if (!stems) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    TB_TRY(tb_fs_list(stems, &names, &n, err));
    for (size_t i = 0; i < metadata->n_stems; i++) {
        const tb_slakh_stem *stem = &metadata->stems[i];
        if (!stem->is_rendered) continue;
        const char *name = find_file(stem->name, names, n);
        if (!name) TB_FAIL(err, TB_NOT_FOUND, "stem %s is missing", stem->name);
        tb_free(path);
        if (!(path = tb_fs_join(stems, name))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
        TB_TRY(add_file(a, path, stem->stem, err));
    }
out:
    tb_free(path);
    tb_fs_list_free(names, n);
    tb_free(stems);
    return status;
}

/* --- beats ---------------------------------------------------------------------------------------------- */

static void move_times(double **to, size_t *n_to, double **from, size_t *n_from)
{
    *to = *from, *n_to = *n_from;
    *from = NULL, *n_from = 0;
}

/* False when there is no such file or it is of no use. */
static bool take_midi(tb_stem_track *track, const char *folder)
{
    tb_error why;
    tb_song *song = NULL;
    char *path = tb_fs_join(folder, "all_src.mid");
    const bool is_read = path && access(path, R_OK) == 0 && tb_midi_read_file(path, &song, &why) == TB_OK &&
                         song->tempo_bpm >= 20 && song->tempo_bpm <= 1000;
    if (is_read) {
        track->tempo_bpm = song->tempo_bpm;
        track->beats_per_bar = song->beats_per_bar;
        track->key = song->key;
        track->mode = song->mode;
        move_times(&track->beats_s, &track->n_beats, &song->beats, &song->n_beats);
        move_times(&track->bars_s, &track->n_bars, &song->bars, &song->n_bars);
    }
    tb_song_free(song);
    tb_free(path);
    return is_read;
}

static bool take_metadata(tb_stem_track *track, tb_slakh_metadata *metadata)
{
    if (!metadata || metadata->tempo_bpm <= 0 || metadata->n_bars == 0) return false;
    track->tempo_bpm = metadata->tempo_bpm;
    track->beats_per_bar = metadata->beats_per_bar ? metadata->beats_per_bar : 4;
    track->key = metadata->key;
    track->mode = metadata->mode;
    move_times(&track->beats_s, &track->n_beats, &metadata->beats_s, &metadata->n_beats);
    move_times(&track->bars_s, &track->n_bars, &metadata->bars_s, &metadata->n_bars);
    return true;
}

static tb_status estimate_beats(tb_stem_track *track, tb_error *err)
{
    tb_status status = TB_OK;
    tb_beat_grid grid = {0};
    float *mix = tb_alloc(track->n_samples, sizeof *mix);
    if (!mix) TB_FAIL(err, TB_NO_MEMORY, "no memory for a mix");
    for (size_t s = 0; s < TB_STEM_COUNT; s++)
        for (size_t i = 0; track->stems[s] && i < track->n_samples; i++) mix[i] += track->stems[s][i];
    TB_TRY(tb_beat_grid_find(mix, track->n_samples, &grid, err));
    track->tempo_bpm = grid.tempo_bpm;
    track->beats_per_bar = 4;
    move_times(&track->beats_s, &track->n_beats, &grid.beats_s, &grid.n_beats);
    move_times(&track->bars_s, &track->n_bars, &grid.bars_s, &grid.n_bars);
out:
    tb_beat_grid_clear(&grid);
    tb_free(mix);
    return status;
}

/* --- tracks --------------------------------------------------------------------------------------------- */

/* NULL when the folder has no metadata.yaml. */
static tb_status read_metadata(const char *folder, tb_slakh_metadata **metadata, tb_error *err)
{
    tb_status status = TB_OK;
    char *path = tb_fs_join(folder, "metadata.yaml"), *text = NULL;
    size_t size = 0;
    *metadata = NULL;
    if (!path) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    if (access(path, F_OK) != 0) goto out;
    TB_TRY(tb_fs_read(path, TB_SLAKH_MAX_METADATA_BYTES, &text, &size, err));
    status = tb_slakh_metadata_parse(text, size, metadata, err);
    if (status != TB_OK) tb_error_prefix(err, "metadata.yaml");
out:
    tb_free(text);
    tb_free(path);
    return status;
}

static bool has_sound(const tb_stem_track *track)
{
    for (size_t s = 0; s < TB_STEM_COUNT; s++)
        if (track->stems[s]) return true;
    return false;
}

tb_status tb_stem_track_read(const char *path, double max_s, tb_stem_track **track, tb_error *err)
{
    tb_status status = TB_OK;
    tb_slakh_metadata *metadata = NULL;
    char **names = NULL;
    size_t n_names = 0;
    adding a = {.max_s = max_s, .track = tb_alloc(1, sizeof *a.track)};
    if (!a.track) TB_FAIL(err, TB_NO_MEMORY, "no memory for a track");
    a.track->key = -1;
    a.track->mode = TB_MODE_COUNT;
    TB_TRY(read_metadata(path, &metadata, err));
    if (metadata) {
        TB_TRY(add_slakh_files(&a, path, metadata, err));
    } else {
        TB_TRY(tb_fs_list(path, &names, &n_names, err));
        TB_TRY(add_named_files(&a, path, names, n_names, err));
    }
    if (!has_sound(a.track)) TB_FAIL(err, TB_CORRUPT, "no stem sounds");
    if (!take_metadata(a.track, metadata) && !take_midi(a.track, path)) TB_TRY(estimate_beats(a.track, err));
    *track = a.track;
    a.track = NULL;
out:
    tb_fs_list_free(names, n_names);
    tb_slakh_metadata_free(metadata);
    tb_stem_track_free(a.track);
    return status;
}

void tb_stem_track_free(tb_stem_track *track)
{
    if (!track) return;
    for (size_t s = 0; s < TB_STEM_COUNT; s++) tb_free(track->stems[s]);
    tb_free(track->beats_s);
    tb_free(track->bars_s);
    tb_free(track);
}
