// SPDX-License-Identifier: MIT
/* Decoding by libsndfile, through its virtual I/O, so that it opens no file by itself (it would look for
 * resource forks beside some). */
#include "audio/decode_internal.h"
#include "audio/ogg_headers.h"

#include "base/alloc.h"
#include "base/text.h"

#include <sndfile.h>
#include <stdio.h>
#include <string.h>

typedef struct sndfile_state {
    SNDFILE *file;
    tb_input *input;
} sndfile_state;

static sf_count_t input_length(void *user)
{
    return ((tb_input *)user)->size;
}

static sf_count_t input_seek(sf_count_t offset, int whence, void *user)
{
    return tb_input_seek(user, offset, whence);
}

static sf_count_t input_read(void *bytes, sf_count_t size, void *user)
{
    return size <= 0 ? 0 : (sf_count_t)tb_input_read(user, bytes, (size_t)size);
}

static sf_count_t input_write(const void *bytes, sf_count_t size, void *user)
{
    (void)bytes;
    (void)size;
    (void)user;
    return 0;
}

static sf_count_t input_tell(void *user)
{
    return ((tb_input *)user)->position;
}

static const char *sample_format(int format)
{
    switch (format & SF_FORMAT_SUBMASK) {
    case SF_FORMAT_PCM_S8:
    case SF_FORMAT_PCM_U8: return "8 bit";
    case SF_FORMAT_PCM_16: return "16 bit";
    case SF_FORMAT_PCM_24: return "24 bit";
    case SF_FORMAT_PCM_32: return "32 bit";
    case SF_FORMAT_FLOAT: return "32 bit float";
    case SF_FORMAT_DOUBLE: return "64 bit float";
    case SF_FORMAT_ULAW: return "u-law";
    case SF_FORMAT_ALAW: return "A-law";
    case SF_FORMAT_IMA_ADPCM: return "IMA ADPCM";
    case SF_FORMAT_MS_ADPCM: return "Microsoft ADPCM";
    case SF_FORMAT_GSM610: return "GSM 6.10";
    case SF_FORMAT_ALAC_16:
    case SF_FORMAT_ALAC_20:
    case SF_FORMAT_ALAC_24:
    case SF_FORMAT_ALAC_32: return "ALAC";
    case SF_FORMAT_MPEG_LAYER_I:
    case SF_FORMAT_MPEG_LAYER_II:
    case SF_FORMAT_MPEG_LAYER_III: return "with MPEG audio";
    default: return "";
    }
}

/* Also inside WAV; its length is an estimate. */
static bool is_mpeg(int format)
{
    const int codec = format & SF_FORMAT_SUBMASK;
    return codec == SF_FORMAT_MPEG_LAYER_I || codec == SF_FORMAT_MPEG_LAYER_II ||
           codec == SF_FORMAT_MPEG_LAYER_III;
}

/* "WAV 24 bit", "FLAC 16 bit"; lossy codecs have no sample format. */
static void describe_format(const tb_sniff *sniff, int format, char *out, size_t capacity)
{
    const int major = format & SF_FORMAT_TYPEMASK;
    const char *detail = major == SF_FORMAT_OGG || major == SF_FORMAT_MPEG ? "" : sample_format(format);
    snprintf(out, capacity, "%s%s%s", sniff->name, *detail ? " " : "", detail);
}

static void sndfile_close(void *state)
{
    sndfile_state *self = state;
    if (!self) return;
    if (self->file) sf_close(self->file);
    tb_free(self);
}

static tb_status sndfile_open(tb_input *input, const tb_sniff *sniff, const char *name,
                              tb_backend_facts *facts, void **state, tb_error *err)
{
    enum { LONGEST_VORBIS_BLOCK = 8192 };
    tb_status status = TB_OK;
    tb_decoder_info *info = &facts->info;
    SF_VIRTUAL_IO calls = {input_length, input_seek, input_read, input_write, input_tell};
    SF_INFO found = {0};
    sndfile_state *self = NULL;
    if (strcmp(sniff->name, "Ogg Vorbis") == 0 && !tb__ogg_vorbis_headers_ok(input))
        TB_FAIL(err, TB_CORRUPT, "%s is a damaged Ogg Vorbis file: its headers are not whole", name);
    self = tb_alloc(1, sizeof *self);
    if (!self) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", name);
    self->input = input;
    self->file = sf_open_virtual(&calls, SFM_READ, &found, input);
    /* The library keeps the reason in a variable that all threads share, so it is not asked. */
    if (!self->file)
        TB_FAIL(err, TB_CORRUPT, "%s is a damaged %s file, or holds a codec that libsndfile does not read",
                name, sniff->name);
    info->rate_hz = found.samplerate;
    info->n_channels = found.channels;
    info->n_frames = found.frames >= 0 && found.frames < INT64_MAX / 2 ? found.frames : -1;
    if ((found.format & SF_FORMAT_TYPEMASK) == SF_FORMAT_OGG) facts->run_up_frames = LONGEST_VORBIS_BLOCK;
    facts->n_frames_exact = !is_mpeg(found.format);
    describe_format(sniff, found.format, info->format, sizeof info->format);
    (void)tb_text_copy(info->decoder, sizeof info->decoder, sf_version_string());
    char *dash = strchr(info->decoder, '-');
    if (dash) *dash = ' ';
    *state = self;
    self = NULL;
out:
    sndfile_close(self);
    return status;
}

static tb_status sndfile_read(void *state, float *interleaved, size_t n_frames, size_t *n_read, bool *damaged,
                              tb_error *err)
{
    (void)err;
    sndfile_state *self = state;
    const sf_count_t count = sf_readf_float(self->file, interleaved, (sf_count_t)n_frames);
    if (count < (sf_count_t)n_frames && sf_error(self->file) != SF_ERR_NO_ERROR) *damaged = true;
    *n_read = count > 0 ? (size_t)count : 0;
    return TB_OK;
}

static tb_status sndfile_seek(void *state, int64_t frame, tb_error *err)
{
    sndfile_state *self = state;
    const sf_count_t before = sf_seek(self->file, 0, SEEK_CUR);
    if (sf_seek(self->file, frame, SEEK_SET) == frame) return TB_OK;
    if (before >= 0) (void)sf_seek(self->file, before, SEEK_SET);
    return tb_error_set(err, TB_UNSUPPORTED, "this file cannot be sought");
}

const tb_backend tb_backend_sndfile = {sndfile_open, sndfile_read, sndfile_seek, sndfile_close};
