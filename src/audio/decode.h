// SPDX-License-Identifier: MIT
/* Decoding: the bytes of an audio file become interleaved float samples, block by block.
 *
 * libsndfile reads WAV, RF64, W64, AIFF, AU, CAF, FLAC, Ogg (Vorbis, Opus, FLAC) and MPEG audio (MP3).  What
 * it cannot read goes to the FFmpeg libraries, if the build has them: M4A/MP4 (AAC, ALAC), WMA, Matroska and
 * WebM, WavPack, Monkey's Audio, Musepack, TTA, DSD and raw AAC, AC-3, DTS.  Which library may see which
 * bytes is decided by their first bytes (sniff.h), never by the file's name, so that a hostile file reaches
 * neither rare parsers nor formats that open further files.
 *
 * What a caller may rely on whatever the bytes are: samples are finite and within +-65536 (1.0 is full scale;
 * floats may pass it), the rate lies in 1,000..768,000 Hz, there are 1 to 64 channels, memory does not
 * grow with the file's length, and nothing is printed.
 *
 * A file that ends early is decoded as far as it goes and then says `truncated`; that is no error as long as
 * one frame came.  A frame is one sample of each channel.  One decoder per thread at a time. */
#ifndef TIMBRE_AUDIO_DECODE_H
#define TIMBRE_AUDIO_DECODE_H

#include "audio/audio_io.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TB_DECODER_MIN_RATE_HZ = 1000,
    TB_DECODER_MAX_RATE_HZ = 768000,
    TB_DECODER_MAX_CHANNELS = 64,
};
/* Samples beyond this are damage, not music, and count as bad: 16-bit integers stored as floats pass. */
#define TB_DECODER_MAX_SAMPLE 65536.0f

typedef struct tb_decoder tb_decoder;

typedef struct tb_decoder_info {
    int rate_hz;
    int n_channels;
    int64_t n_frames;      /* what the header says, -1 when it does not; it may be wrong */
    char format[64];       /* "Ogg Vorbis", "FLAC", "MP3", "WAV 24 bit", "AAC in M4A" */
    char decoder[32];      /* "libsndfile 1.2.0", "FFmpeg 5.1.9" */
    bool truncated;        /* known to end too early; settled once the end was read */
    int64_t n_bad_samples; /* NaN, infinite or absurd ones so far, which became 0 */
} tb_decoder_info;

/* TB_NOT_FOUND, TB_FORBIDDEN, TB_IO for the file; TB_UNSUPPORTED when it is not audio or not a kind that this
 * build reads (the sentence names it: "… is a PNG picture, not audio"); TB_CORRUPT when it is of a known
 * kind but damaged, empty, without a single frame, or with a rate or number of channels out of range. */
tb_status tb_decoder_open_path(const char *path, tb_decoder **decoder, tb_error *err) TB_MUST_CHECK;
/* The bytes are borrowed until tb_decoder_close.  name: how the sentence of an error calls them
 * ("upload.mp3"), borrowed during the call; NULL is "the data". */
tb_status tb_decoder_open_memory(const void *bytes, size_t size, const char *name, tb_decoder **decoder,
    tb_error *err) TB_MUST_CHECK;
/* io: copied; its context must live until tb_decoder_close.  name as above. */
tb_status tb_decoder_open_io(const tb_audio_io *io, const char *name, tb_decoder **decoder,
    tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_decoder_close(tb_decoder *decoder);

/* Borrowed until close; its last two fields change as reading goes on. */
const tb_decoder_info *tb_decoder_get_info(const tb_decoder *decoder);

/* Up to n_frames frames into interleaved (room for n_frames * n_channels).  *n_read 0 is the end, which
 * lasts; before it, fewer than n_frames may come.  Damage within the file is skipped where the library can,
 * else it is the end (truncated).  TB_IO when reading the source failed, TB_CORRUPT when the end comes
 * before the first frame ever read from this decoder. */
tb_status tb_decoder_read(tb_decoder *decoder, float *interleaved, size_t n_frames, size_t *n_read,
    tb_error *err) TB_MUST_CHECK;

/* The next read starts `seconds` (>= 0) from the beginning, exact to the frame where the library can, else
 * within 0.1 s.  Past the end, the next read is the end.  TB_UNSUPPORTED when this file cannot be sought (the
 * position is then where it was: read and drop). */
tb_status tb_decoder_seek(tb_decoder *decoder, double seconds, tb_error *err) TB_MUST_CHECK;

#endif
