// SPDX-License-Identifier: MIT
/* Tags of an audio file: title, artist and so on.
 *
 * Missing, broken and half-readable tags are no error: the fields that could be read are there.  Every
 * string is well-formed UTF-8 without control characters, at most TB_TAGS_MAX_BYTES long, without blanks at
 * its ends, never empty.  Threads: any. */
#ifndef TIMBRE_AUDIO_TAGS_H
#define TIMBRE_AUDIO_TAGS_H

#include "audio/audio_io.h"
#include "base/status.h"

#include <stddef.h>

enum { TB_TAGS_MAX_BYTES = 4096 };

/* Strings are owned by the struct (tb_tags_clear), NULL when absent. */
typedef struct tb_tags {
    char *title;
    char *artist;
    char *album;
    char *album_artist;
    char *composer;
    char *genre;
    char *comment;
    int year;  /* 1..9999, 0 when absent */
    int track; /* 1..9999 within the disc, 0 when absent */
    int disc;  /* 1..9999, 0 when absent */
} tb_tags;

/* Reads; *tags is overwritten.  Errors are those of the source alone (TB_NOT_FOUND, TB_FORBIDDEN, TB_IO,
 * TB_UNSUPPORTED for what is not a regular file) and TB_NO_MEMORY. */
tb_status tb_tags_read_path(const char *path, tb_tags *tags, tb_error *err) TB_MUST_CHECK;
tb_status tb_tags_read_memory(const void *bytes, size_t size, tb_tags *tags, tb_error *err) TB_MUST_CHECK;
/* Frees the strings; all fields are as if absent.  Accepts a cleared or zeroed struct. */
void tb_tags_clear(tb_tags *tags);

#endif
