// SPDX-License-Identifier: MIT
/* metadata.yaml of a track of Slakh2100, and what `timbre dataset songs` adds to it.  Threads: any. */
#ifndef TIMBRE_TRAIN_SLAKH_METADATA_H
#define TIMBRE_TRAIN_SLAKH_METADATA_H

#include "base/status.h"
#include "train/song.h"

#include <stdbool.h>
#include <stddef.h>

enum { TB_SLAKH_MAX_METADATA_BYTES = 16 << 20, TB_SLAKH_MAX_STEMS = 256, TB_SLAKH_NAME_SIZE = 32 };

typedef struct tb_slakh_stem {
    char name[TB_SLAKH_NAME_SIZE]; /* "S00": of its file, without ending */
    tb_stem stem;                  /* by inst_class, is_drum and, where there is no class, program_num */
    bool is_rendered;              /* false: the data set has no audio of it */
} tb_slakh_stem;

typedef struct tb_slakh_metadata {
    char audio_dir[64]; /* "stems" */
    tb_slakh_stem *stems;
    size_t n_stems;
    /* 0: not known (as in all of Slakh2100, where the MIDI file has it); so with the rest */
    double tempo_bpm;
    int beats_per_bar;        /* 0 */
    int key;                  /* -1 */
    tb_mode mode;             /* TB_MODE_COUNT */
    double *beats_s, *bars_s; /* ascending */
    size_t n_beats, n_bars;
} tb_slakh_metadata;

/* TB_CORRUPT with line and reason for what is no YAML or has no stems, TB_TOO_LARGE, TB_NO_MEMORY.
 * *metadata: tb_slakh_metadata_free. */
tb_status tb_slakh_metadata_parse(const char *text, size_t size, tb_slakh_metadata **metadata,
                                  tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_slakh_metadata_free(tb_slakh_metadata *metadata);

#endif
