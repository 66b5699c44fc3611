// SPDX-License-Identifier: MIT
/* Recordings whose instruments lie in files of their own.
 *
 * A track is a folder of one of two sorts:
 *   Slakh2100   metadata.yaml, stems/S00.flac …, all_src.mid (tempo, beats and key, if there); instrument
 *               classes become the five stems: Drums, Bass, Piano, Guitar, and all others together
 *   by name     drums.wav, bass.wav, piano.wav, guitar.wav, other.wav or others.wav, vocals.wav (MUSDB18 and
 *               what source separators write); any audio format, names in any case; two of them at least.
 *               Vocals and all that is neither drums, bass, piano nor guitar become others; mixes are passed
 *               over
 * What is not in order is refused with the reason, never guessed: see tb_stem_track_read.  Threads: any. */
#ifndef TIMBRE_TRAIN_STEM_FOLDER_H
#define TIMBRE_TRAIN_STEM_FOLDER_H

#include "base/status.h"
#include "train/song.h"

#include <stdbool.h>
#include <stddef.h>

/* Folders of tracks at or below `folder`, sorted by path, their names relative to it (borrowed from the
 * paths; "." for the folder itself).  Folders that cannot be read are logged and passed over.  TB_NOT_FOUND,
 * TB_NO_MEMORY. */
typedef struct tb_stem_folder {
    char **paths;
    const char **names;
    size_t n;
} tb_stem_folder;
tb_status tb_stem_folder_list(const char *folder, tb_stem_folder **list, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_stem_folder_free(tb_stem_folder *list);

typedef struct tb_stem_track {
    float *stems[TB_STEM_COUNT]; /* n_samples each, mono at TB_MODEL_RATE_HZ; NULL: none, or silent */
    size_t n_samples;
    size_t n_silent; /* files without sound (below -80 dBFS throughout) */
    double tempo_bpm;
    int beats_per_bar; /* 1 to 32 */
    int key;           /* -1 unknown */
    tb_mode mode;      /* TB_MODE_COUNT unknown */
    double *beats_s, *bars_s;
    size_t n_beats, n_bars;
} tb_stem_track;

/* Reads the first max_s seconds (above 0) of a track.  *track: tb_stem_track_free.
 * TB_NOT_FOUND for a stem that metadata.yaml names and that is not there, TB_CORRUPT for metadata that is no
 * YAML, a file that ends early or has no audio, stems of different lengths (more than 0.1 s) or rates, and a
 * track in which nothing sounds; TB_NO_MEMORY. */
tb_status tb_stem_track_read(const char *path, double max_s, tb_stem_track **track,
                             tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_stem_track_free(tb_stem_track *track);

#endif
