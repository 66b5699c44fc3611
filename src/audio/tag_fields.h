// SPDX-License-Identifier: MIT
/* Tags read by hand: what TagLib's C binding does not tell (album artist, composer, disc) or does not open
 * (Opus, WAV, AIFF and Monkey's Audio by their content).
 *
 * ID3v2 (2.2 to 2.4, text frames), Vorbis comments (FLAC, Ogg Vorbis, Opus, Speex), MP4, APE, RIFF INFO and
 * the text chunks of AIFF.  Private to the layer. */
#ifndef TIMBRE_AUDIO_TAG_FIELDS_H
#define TIMBRE_AUDIO_TAG_FIELDS_H

#include "audio/sniff.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_TAG_FIELD_BYTES = 4096 };

/* As found: UTF-8 is not checked, "" when absent. */
typedef struct tb_tag_fields {
    char title[TB_TAG_FIELD_BYTES + 1];
    char artist[TB_TAG_FIELD_BYTES + 1];
    char album[TB_TAG_FIELD_BYTES + 1];
    char album_artist[TB_TAG_FIELD_BYTES + 1];
    char composer[TB_TAG_FIELD_BYTES + 1];
    char genre[TB_TAG_FIELD_BYTES + 1];
    char comment[TB_TAG_FIELD_BYTES + 1];
    char year[32];  /* "2012-12-15" */
    char track[16]; /* "3", "3/12" */
    char disc[16];
} tb_tag_fields;

/* bytes: from tb__tag_bytes_gather.  Never fails; *found is overwritten. */
void tb__tag_fields_read(const uint8_t *bytes, size_t size, const tb_sniff *sniff, tb_tag_fields *found);

/* The chunk of a WAV or AIFF copy that holds an ID3v2 tag; false when there is none.  *chunk is borrowed
 * from bytes. */
bool tb__tag_fields_find_id3(const uint8_t *bytes, size_t size, const tb_sniff *sniff, const uint8_t **chunk,
                             size_t *chunk_size);

#endif
