// SPDX-License-Identifier: MIT
/* The part of an audio file that holds its tags, as a small file of its own: the same container with the
 * audio left out.
 *
 * Tag parsers read that copy instead of the file.  So they cannot write to the file (TagLib opens for
 * writing where it may, and whoever watches the folder would see a change), they work on uploads in memory
 * too, and whatever sizes the file claims, there are never more bytes than TB_TAG_BYTES_MAX to read.
 *
 * Private to the layer. */
#ifndef TIMBRE_AUDIO_TAG_BYTES_H
#define TIMBRE_AUDIO_TAG_BYTES_H

#include "audio/audio_io.h"
#include "audio/sniff.h"
#include "base/buffer.h"
#include "base/status.h"

enum { TB_TAG_BYTES_MAX = 16 * 1024 * 1024 };

/* Appends to out, which was set up with a limit of TB_TAG_BYTES_MAX.  Damaged files give what there is.
 * TB_IO when reading fails, TB_NO_MEMORY. */
tb_status tb__tag_bytes_gather(const tb_audio_io *io, const tb_sniff *sniff, tb_buffer *out,
                               tb_error *err) TB_MUST_CHECK;

#endif
