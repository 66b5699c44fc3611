// SPDX-License-Identifier: MIT
/* What kind of file some bytes are, by their first bytes: which library may decode them, and how a person
 * would call them when none does.  Also whether a file ends before its own header says so.
 *
 * Private to the layer.  Threads: any. */
#ifndef TIMBRE_AUDIO_SNIFF_H
#define TIMBRE_AUDIO_SNIFF_H

#include "audio/audio_io.h"

#include <stdbool.h>
#include <stdint.h>

typedef enum tb_sniff_reader {
    TB_SNIFF_READER_NONE,    /* not audio, or audio that no library here reads */
    TB_SNIFF_READER_SNDFILE, /* libsndfile, then FFmpeg */
    TB_SNIFF_READER_FFMPEG,  /* FFmpeg alone */
} tb_sniff_reader;

typedef struct tb_sniff {
    tb_sniff_reader reader;
    const char *name;     /* constant: "FLAC", "a PNG picture"; NULL when unknown */
    const char *demuxer;  /* constant: FFmpeg's name of the container; NULL without a reader */
    bool holds_codecs;    /* a container for several codecs: "AAC in M4A" */
    int64_t start;        /* where it begins: behind ID3v2 tags and garbage */
} tb_sniff;

/* Looks at the head of the source.  Never fails: what cannot be read is unknown.
 * False when reading failed (errno). */
bool tb__sniff(const tb_audio_io *io, tb_sniff *sniff);

/* Whether the container says that it goes on behind the end of the source.  Reads a few blocks. */
bool tb__sniff_ends_early(const tb_audio_io *io, const tb_sniff *sniff);

#endif
