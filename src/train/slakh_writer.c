// SPDX-License-Identifier: MIT
/* A track is written as .Track00001.part and renamed at the end, so that a folder named Track… is always
 * whole. */
#include "train/slakh_writer.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/fs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_SIZE = 32, MAX_METADATA_BYTES = 16 << 20, PATH_SIZE = 4096 };

/* Families of eight General MIDI programs, as Slakh2100 names them. */
static const char *const classes[16] = {
    "Piano",
    "Chromatic Percussion",
    "Organ",
    "Guitar",
    "Bass",
    "Strings",
    "Strings (continued)",
    "Brass",
    "Reed",
    "Pipe",
    "Synth Lead",
    "Synth Pad",
    "Synth Effects",
    "Ethnic",
    "Percussive",
    "Sound Effects",
};

/* --- folders -------------------------------------------------------------------------------------------- */

static tb_status name_path(char out[PATH_SIZE], const char *folder, size_t number, bool is_part,
                           tb_error *err)
{
    const int size = snprintf(out, PATH_SIZE, "%s/%sTrack%05zu%s", folder, is_part ? "." : "", number,
                              is_part ? ".part" : "");
    return size > 0 && size < PATH_SIZE
             ? TB_OK
             : tb_error_set(err, TB_INVALID, "the path of a track in %.200s… is too long", folder);
}

bool tb_slakh_track_exists(const char *folder, size_t number)
{
    char path[PATH_SIZE];
    struct stat info;
    return name_path(path, folder, number, false, NULL) == TB_OK && stat(path, &info) == 0 &&
           S_ISDIR(info.st_mode);
}

/* Removes what tb_slakh_track_write makes, two levels deep, and nothing else; a folder that is not there is
 * fine. */
static tb_status remove_folder(const char *path, int depth, tb_error *err)
{
    tb_status status = TB_OK;
    char **names = NULL, *inner = NULL;
    size_t n = 0;
    struct stat info;
    if (lstat(path, &info) != 0) return TB_OK;
    TB_TRY(tb_fs_list(path, &names, &n, err));
    for (size_t i = 0; i < n; i++) {
        tb_free(inner);
        if (!(inner = tb_fs_join(path, names[i]))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
        if (depth > 0 && lstat(inner, &info) == 0 && S_ISDIR(info.st_mode))
            TB_TRY(remove_folder(inner, depth - 1, err));
        else if (unlink(inner) != 0) {
            status = tb_error_errno(err, errno, "cannot remove %.200s", inner);
            goto out;
        }
    }
    if (rmdir(path) != 0) status = tb_error_errno(err, errno, "cannot remove %.200s", path);
out:
    tb_free(inner);
    tb_fs_list_free(names, n);
    return status;
}

/* --- metadata ------------------------------------------------------------------------------------------- */

/* In double quotes, as YAML wants it; the text is our own (no control characters). */
static tb_status put_quoted(tb_buffer *out, const char *text)
{
    tb_status status = tb_buffer_append(out, "\"", 1);
    for (const char *at = text; *at && status == TB_OK; at++) {
        if (*at == '"' || *at == '\\') status = tb_buffer_append(out, "\\", 1);
        if (status == TB_OK) status = tb_buffer_append(out, at, 1);
    }
    return status == TB_OK ? tb_buffer_append(out, "\"", 1) : status;
}

static tb_status put_times(tb_buffer *out, const char *name, const double *times, size_t n)
{
    tb_status status = tb_buffer_printf(out, "  %s: [", name);
    for (size_t i = 0; i < n && status == TB_OK; i++)
        status = tb_buffer_printf(out, "%s%.4f", i ? ", " : "", times[i]);
    return status == TB_OK ? tb_buffer_append_text(out, "]\n") : status;
}

static double first_onset(const tb_song *song)
{
    double first = song->duration_s;
    for (size_t p = 0; p < song->n_parts; p++)
        for (size_t i = 0; i < song->parts[p].n_events; i++)
            if (song->parts[p].events[i].kind == TB_EVENT_NOTE_ON && song->parts[p].events[i].time_s < first)
                first = song->parts[p].events[i].time_s;
    return first;
}

static tb_status put_stem(tb_buffer *out, size_t i, const tb_rendered_part *rendered, const tb_part *part)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(
        out, "  S%02zu:\n    audio_rendered: true\n    inst_class: %s\n    is_drum: %s\n    style: ", i,
        part->is_drums ? "Drums" : classes[(part->program & 127) / 8], part->is_drums ? "true" : "false"));
    TB_TRY(put_quoted(out, part->name));
    TB_TRY(tb_buffer_append_text(out, "\n    midi_saved: false\n    plugin_name: "));
    TB_TRY(put_quoted(out, rendered->source));
    TB_TRY(tb_buffer_append_text(out, "\n    effects: "));
    TB_TRY(put_quoted(out, rendered->effects));
    TB_TRY(tb_buffer_printf(out, "\n    program_num: %d\n    stem: %s\n",
                            part->is_drums ? 128 : part->program, tb_stem_name(part->stem)));
out:
    return status;
}

static tb_status put_metadata(tb_buffer *out, const tb_song *song, const tb_rendering *rendering)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(out, "audio_dir: stems\nnormalized: true\noverall_gain: 1.0\nstems:"));
    TB_TRY(tb_buffer_append_text(out, rendering->n_parts ? "\n" : " {}\n"));
    for (size_t i = 0; i < rendering->n_parts; i++)
        TB_TRY(put_stem(out, i, &rendering->parts[i], &song->parts[rendering->parts[i].part]));
    TB_TRY(tb_buffer_append_text(out, "timbre:\n  name: "));
    TB_TRY(put_quoted(out, song->name));
    TB_TRY(tb_buffer_printf(out,
                            "\n  seed: %llu\n  tempo_bpm: %.4f\n  tempo_group: %d\n  beats_per_bar: %d\n"
                            "  duration_s: %.4f\n  onset_s: %.4f\n",
                            (unsigned long long)song->seed, song->tempo_bpm, song->tempo_group,
                            song->beats_per_bar, song->duration_s, first_onset(song)));
    if (song->key >= 0) TB_TRY(tb_buffer_printf(out, "  key: %d\n", song->key));
    if (song->mode < TB_MODE_COUNT) TB_TRY(tb_buffer_printf(out, "  mode: %s\n", tb_mode_name(song->mode)));
    TB_TRY(put_times(out, "beats_s", song->beats, song->n_beats));
    TB_TRY(put_times(out, "bars_s", song->bars, song->n_bars));
out:
    return status;
}

static tb_status write_metadata(const char *folder, const tb_song *song, const tb_rendering *rendering,
                                tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer text;
    tb_buffer_init(&text, MAX_METADATA_BYTES);
    char *path = tb_fs_join(folder, "metadata.yaml");
    if (!path || put_metadata(&text, song, rendering) != TB_OK)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the metadata of a track");
    TB_TRY(tb_fs_write_atomic(path, text.bytes, text.size, err));
out:
    tb_buffer_clear(&text);
    tb_free(path);
    return status;
}

/* --- audio ---------------------------------------------------------------------------------------------- */

/* Each part a little to one side; what the left gains the right loses, so that their mean is the sum of the
 * parts. */
static tb_status write_mix(const char *path, const tb_rendering *rendering, tb_audio_format format,
                           tb_error *err)
{
    float *mix = tb_alloc(rendering->n_samples, 2 * sizeof *mix);
    if (!mix) return tb_error_set(err, TB_NO_MEMORY, "no memory for a mix");
    for (size_t p = 0; p < rendering->n_parts; p++) {
        const tb_rendered_part *part = &rendering->parts[p];
        const bool in_middle = part->stem == TB_STEM_DRUMS || part->stem == TB_STEM_BASS;
        const float side = in_middle ? 0 : (p % 2 ? 0.25f : -0.25f);
        for (size_t i = 0; i < rendering->n_samples; i++) {
            mix[2 * i] += (1 + side) * part->samples[i];
            mix[2 * i + 1] += (1 - side) * part->samples[i];
        }
    }
    const tb_status status = tb_audio_write(path, format, mix, rendering->n_samples, 2, rendering->rate_hz,
                                            err);
    tb_free(mix);
    return status;
}

tb_status tb_slakh_track_write(const char *folder, size_t number, const tb_song *song,
                               const tb_rendering *rendering, tb_audio_format format, tb_error *err)
{
    tb_status status = TB_OK;
    char part[PATH_SIZE], final[PATH_SIZE], path[PATH_SIZE + NAME_SIZE];
    const char *extension = tb_audio_format_name(format);
    TB_TRY(name_path(part, folder, number, true, err));
    TB_TRY(name_path(final, folder, number, false, err));
    TB_TRY(remove_folder(part, 1, err));
    snprintf(path, sizeof path, "%s/stems", part);
    TB_TRY(tb_fs_make_directories(path, err));
    for (size_t i = 0; i < rendering->n_parts; i++) {
        snprintf(path, sizeof path, "%s/stems/S%02zu.%s", part, i, extension);
        TB_TRY(tb_audio_write(path, format, rendering->parts[i].samples, rendering->n_samples, 1,
                              rendering->rate_hz, err));
    }
    snprintf(path, sizeof path, "%s/mix.%s", part, extension);
    TB_TRY(write_mix(path, rendering, format, err));
    TB_TRY(write_metadata(part, song, rendering, err));
    if (rename(part, final) != 0) {
        status = tb_error_errno(err, errno, "cannot rename %.200s", part);
        goto out;
    }
out:
    return status;
}
