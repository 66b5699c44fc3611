// SPDX-License-Identifier: MIT
/* A file opened by libavformat, fenced in:
 *
 * - the container was chosen by sniff.c, so no probing among hundreds of formats; formats that open other
 *   files or addresses (playlists, concat, HLS) are never asked for, and io_open refuses whatever asks
 *   nevertheless;
 * - bytes come from tb_input alone, with its bounds and its budget;
 * - decoders are those of one list, for audio alone;
 * - streams and probing are limited; what is logged goes to our log at level debug.
 *
 * Private to the layer; only in builds with FFmpeg. */
#ifndef TIMBRE_AUDIO_FFMPEG_CONTAINER_H
#define TIMBRE_AUDIO_FFMPEG_CONTAINER_H

#include "audio/decode_internal.h"
#include "audio/tag_fields.h"

/* Not included here, so that this header compiles on systems without FFmpeg. */
struct AVFormatContext;
struct AVIOContext;

typedef struct tb_ffmpeg_container {
    struct AVFormatContext *format;
    struct AVIOContext *avio;
} tb_ffmpeg_container;

/* The decoders that may be used, for the option codec_whitelist. */
extern const char tb_ffmpeg_codecs[];

/* Reads the headers.  input: borrowed until close.  TB_UNSUPPORTED, TB_CORRUPT, TB_NO_MEMORY. */
tb_status tb__ffmpeg_container_open(tb_input *input, const tb_sniff *sniff, const char *name,
                                    tb_ffmpeg_container *container, tb_error *err) TB_MUST_CHECK;
/* Accepts a zeroed one. */
void tb__ffmpeg_container_close(tb_ffmpeg_container *container);

/* Fills the fields that are still empty. */
void tb__ffmpeg_container_read_tags(const tb_ffmpeg_container *container, tb_tag_fields *found);

#endif
