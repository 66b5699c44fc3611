// SPDX-License-Identifier: MIT
/* The decoder that callers see: chooses a backend by the kind of file, checks what it says, cleans what it
 * gives.
 *
 * Opening decodes the first block at once, so that an open decoder is one that has audio; a backend that
 * opens a file and then gives nothing leaves the way to the next.  The block waits in `pending` for the
 * first read. */
#include "audio/decode.h"
#include "audio/decode_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { PENDING_FRAMES = 256, NAME_BYTES = 200 };

struct tb_decoder {
    tb_decoder_info info;
    const tb_backend *backend;
    void *state;
    float *pending; /* the first block: PENDING_FRAMES * n_channels */
    size_t pending_at, n_pending;
    int64_t next_frame; /* that the next read gives */
    bool n_frames_exact;
    int run_up_frames;
    bool ended;
    bool owns_io;
    char name[NAME_BYTES + 1];
    tb_input input;
};

/* --- input --- */

size_t tb_input_read(tb_input *input, void *bytes, size_t size)
{
    size_t done = 0;
    while (done < size && input->position < input->size && input->budget > 0 && input->error_number == 0) {
        const int64_t at = input->position - input->window_at;
        if (at < 0 || at >= (int64_t)input->window_size) {
            const int64_t count = tb_audio_io_read_fully(&input->io, input->start + input->position,
                                                         input->window, sizeof input->window);
            if (count < 0) input->error_number = errno ? errno : EIO;
            if (count <= 0) break;
            input->window_at = input->position;
            input->window_size = (size_t)count;
            continue;
        }
        size_t n = input->window_size - (size_t)at;
        if (n > size - done) n = size - done;
        memcpy((unsigned char *)bytes + done, input->window + at, n);
        done += n;
        input->position += (int64_t)n;
        input->budget -= (int64_t)n;
    }
    return done;
}

int64_t tb_input_seek(tb_input *input, int64_t offset, int whence)
{
    const int64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? input->position : input->size;
    int64_t target;
    if (__builtin_add_overflow(base, offset, &target) || target < 0) return -1;
    input->position = target;
    return target;
}

/* --- open --- */

static tb_status check_info(const tb_decoder *decoder, tb_error *err)
{
    const tb_decoder_info *info = &decoder->info;
    if (info->n_channels < 1 || info->n_channels > TB_DECODER_MAX_CHANNELS)
        return tb_error_set(err, TB_CORRUPT, "%s has %d channels; 1 to %d can be read", decoder->name,
                            info->n_channels, TB_DECODER_MAX_CHANNELS);
    if (info->rate_hz < TB_DECODER_MIN_RATE_HZ || info->rate_hz > TB_DECODER_MAX_RATE_HZ)
        return tb_error_set(err, TB_CORRUPT, "%s has a sample rate of %d Hz; %d to %d Hz can be read",
                            decoder->name, info->rate_hz, TB_DECODER_MIN_RATE_HZ, TB_DECODER_MAX_RATE_HZ);
    return TB_OK;
}

static void close_backend(tb_decoder *decoder)
{
    if (decoder->state) decoder->backend->close(decoder->state);
    tb_free(decoder->pending);
    decoder->state = NULL;
    decoder->pending = NULL;
    decoder->pending_at = decoder->n_pending = 0;
}

static tb_status fail_with_source_error(const tb_decoder *decoder, tb_error *err)
{
    return tb_error_errno(err, decoder->input.error_number, "reading %s", decoder->name);
}

/* One backend, as far as its first block.  On failure nothing of it is left. */
static tb_status try_backend(tb_decoder *decoder, const tb_backend *backend, const tb_sniff *sniff,
                             tb_error *err)
{
    tb_status status = TB_OK;
    bool damaged = false;
    tb_backend_facts facts = {.info.n_frames = -1};
    decoder->backend = backend;
    decoder->input.position = 0;
    tb_input_refill(&decoder->input);
    TB_TRY(backend->open(&decoder->input, sniff, decoder->name, &facts, &decoder->state, err));
    decoder->info = facts.info;
    decoder->n_frames_exact = facts.n_frames_exact;
    decoder->run_up_frames = facts.run_up_frames;
    TB_TRY(check_info(decoder, err));
    decoder->pending = tb_alloc(PENDING_FRAMES * (size_t)decoder->info.n_channels, sizeof(float));
    if (!decoder->pending) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode %s", decoder->name);
    tb_input_refill(&decoder->input);
    TB_TRY(backend->read(decoder->state, decoder->pending, PENDING_FRAMES, &decoder->n_pending, &damaged,
                         err));
    if (decoder->n_pending == 0) {
        TB_FAIL(err, TB_CORRUPT,
                damaged || decoder->info.n_frames > 0 ? "%s is damaged: no audio could be decoded"
                                                      : "%s has no audio in it: it is 0 s long",
                decoder->name);
    }
out:
    if (status != TB_OK) close_backend(decoder);
    return status;
}

/* Those that may read this kind of file, best first.  Returns how many. */
static size_t choose_backends(const tb_sniff *sniff, const tb_backend *out[3])
{
    size_t n = 0;
    bool sndfile = sniff->reader == TB_SNIFF_READER_SNDFILE;
#ifdef HAVE_MPG123
    if (strcmp(sniff->demuxer, "mp3") == 0) {
        out[n++] = &tb_backend_mpg123;
        sndfile = false;
    }
#endif
    if (sndfile) out[n++] = &tb_backend_sndfile;
#ifdef HAVE_FFMPEG
    out[n++] = &tb_backend_ffmpeg;
#endif
    return n;
}

static tb_status open_backend(tb_decoder *decoder, const tb_sniff *sniff, tb_error *err)
{
    const tb_backend *backends[3];
    const size_t n = choose_backends(sniff, backends);
    tb_status first_status = TB_OK;
    if (n == 0)
        return tb_error_set(err, TB_UNSUPPORTED,
                            "%s is %s, which this build cannot read: configure it --with-ffmpeg, or convert "
                            "the file to FLAC, Ogg or MP3",
                            decoder->name, sniff->name);
    for (size_t i = 0; i < n; i++) {
        tb_error problem = {0};
        const tb_status status = try_backend(decoder, backends[i], sniff, &problem);
        if (status == TB_OK) return TB_OK;
        /* where all fail, the best one's sentence stands */
        const bool final = status == TB_NO_MEMORY || decoder->input.error_number;
        if ((i == 0 || final) && err) *err = problem;
        if (i == 0 || final) first_status = status;
        if (final) break;
    }
    return first_status;
}

static tb_status open_input(tb_decoder *decoder, tb_error *err)
{
    tb_status status = TB_OK;
    tb_sniff sniff;
    if (decoder->input.io.size_bytes <= 0) TB_FAIL(err, TB_CORRUPT, "%s is empty (0 bytes)", decoder->name);
    if (!tb__sniff(&decoder->input.io, &sniff)) {
        status = tb_error_errno(err, errno, "reading %s", decoder->name);
        goto out;
    }
    if (sniff.reader == TB_SNIFF_READER_NONE && sniff.name)
        TB_FAIL(err, TB_UNSUPPORTED, "%s is %s", decoder->name, sniff.name);
    if (sniff.reader == TB_SNIFF_READER_NONE)
        TB_FAIL(err, TB_UNSUPPORTED,
                "%s is not audio of a known kind (WAV, FLAC, Ogg, Opus, MP3, AIFF, M4A …)", decoder->name);
    decoder->input.start = sniff.start;
    decoder->input.size = decoder->input.io.size_bytes - sniff.start;
    status = open_backend(decoder, &sniff, err);
    if (decoder->input.error_number) status = fail_with_source_error(decoder, err);
    TB_TRY(status);
    decoder->info.truncated = tb__sniff_ends_early(&decoder->input.io, &sniff);
out:
    return status;
}

static void set_name(tb_decoder *decoder, const char *name)
{
    char *clean = name ? tb_utf8_clean(name, strlen(name)) : NULL;
    if (!clean || !*clean || strlen(clean) <= NAME_BYTES) {
        (void)tb_text_copy(decoder->name, sizeof decoder->name, clean && *clean ? clean : "the data");
    } else { /* the end of a long path tells more than its start */
        const char *tail = clean + strlen(clean) - (NAME_BYTES - 4);
        while ((*tail & 0xc0) == 0x80) tail++;
        snprintf(decoder->name, sizeof decoder->name, "…%s", tail);
    }
    tb_free(clean);
}

static tb_status open_decoder(const tb_audio_io *io, bool owns_io, const char *name, tb_decoder **decoder,
                              tb_error *err)
{
    tb_status status = TB_OK;
    tb_audio_io source = *io;
    tb_decoder *made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a decoder");
    made->input.io = *io;
    made->owns_io = owns_io;
    set_name(made, name);
    TB_TRY(open_input(made, err));
    *decoder = made;
    return TB_OK;
out:
    if (made) {
        tb_decoder_close(made);
    } else if (owns_io) {
        tb_audio_io_close(&source);
    }
    return status;
}

tb_status tb_decoder_open_path(const char *path, tb_decoder **decoder, tb_error *err)
{
    tb_audio_io io = {0};
    const tb_status status = tb_audio_io_open_path(path, &io, err);
    return status == TB_OK ? open_decoder(&io, true, path, decoder, err) : status;
}

tb_status tb_decoder_open_memory(const void *bytes, size_t size, const char *name, tb_decoder **decoder,
                                 tb_error *err)
{
    tb_audio_io io;
    tb_audio_io_init_memory(&io, bytes, size);
    return open_decoder(&io, false, name, decoder, err);
}

tb_status tb_decoder_open_io(const tb_audio_io *io, const char *name, tb_decoder **decoder, tb_error *err)
{
    return open_decoder(io, false, name, decoder, err);
}

void tb_decoder_close(tb_decoder *decoder)
{
    if (!decoder) return;
    close_backend(decoder);
    if (decoder->owns_io) tb_audio_io_close(&decoder->input.io);
    tb_free(decoder);
}

const tb_decoder_info *tb_decoder_get_info(const tb_decoder *decoder)
{
    return &decoder->info;
}

/* --- read --- */

/* NaN fails the comparison as infinity does.  The first loop has no stores and is vector code. */
static int64_t clean_samples(float *samples, size_t n)
{
    uint32_t n_bad = 0;
    for (size_t i = 0; i < n; i++) n_bad += fabsf(samples[i]) <= TB_DECODER_MAX_SAMPLE ? 0u : 1u;
    if (n_bad > 0)
        for (size_t i = 0; i < n; i++)
            if (!(fabsf(samples[i]) <= TB_DECODER_MAX_SAMPLE)) samples[i] = 0.0f;
    return n_bad;
}

/* The end was reached in order: does the header promise more? */
static bool is_short(const tb_decoder *decoder)
{
    const int64_t promised = decoder->info.n_frames, got = decoder->next_frame;
    if (promised < 0) return false;
    if (decoder->n_frames_exact) return got < promised;
    return got < promised - promised / 20 - decoder->info.rate_hz;
}

tb_status tb_decoder_read(tb_decoder *decoder, float *interleaved, size_t n_frames, size_t *n_read,
                          tb_error *err)
{
    tb_status status = TB_OK;
    const size_t n_channels = (size_t)decoder->info.n_channels;
    size_t got = 0;
    bool damaged = false;

    if (n_frames == 0 || decoder->ended) {
        *n_read = 0;
        return TB_OK;
    }
    if (decoder->n_pending > 0) {
        got = decoder->n_pending < n_frames ? decoder->n_pending : n_frames;
        memcpy(interleaved, decoder->pending + decoder->pending_at * n_channels,
               got * n_channels * sizeof(float));
        decoder->pending_at += got;
        decoder->n_pending -= got;
    }
    if (got < n_frames) {
        size_t more = 0;
        tb_input_refill(&decoder->input);
        TB_TRY(decoder->backend->read(decoder->state, interleaved + got * n_channels, n_frames - got, &more,
                                      &damaged, err));
        if (decoder->input.error_number) {
            status = fail_with_source_error(decoder, err);
            goto out;
        }
        got += more;
    }
    decoder->info.n_bad_samples += clean_samples(interleaved, got * n_channels);
    decoder->next_frame += (int64_t)got;
    decoder->ended = got == 0;
    if (damaged || (decoder->ended && is_short(decoder))) decoder->info.truncated = true;
    *n_read = got;
out:
    return status;
}

/* To that frame, by way of the run-up that the codec needs. */
static tb_status seek_frame(tb_decoder *decoder, int64_t target, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t drop = target < decoder->run_up_frames ? target : decoder->run_up_frames;
    size_t n = 1;
    bool damaged = false;
    tb_input_refill(&decoder->input);
    TB_TRY(decoder->backend->seek(decoder->state, target - drop, err));
    decoder->n_pending = 0;
    for (; drop > 0 && n > 0; drop -= (int64_t)n)
        TB_TRY(decoder->backend->read(decoder->state, decoder->pending,
                                      drop < PENDING_FRAMES ? (size_t)drop : PENDING_FRAMES, &n, &damaged,
                                      err));
    if (decoder->input.error_number) status = fail_with_source_error(decoder, err);
out:
    return status;
}

tb_status tb_decoder_seek(tb_decoder *decoder, double seconds, tb_error *err)
{
    tb_status status = TB_OK;
    const double frame = seconds * decoder->info.rate_hz;
    const int64_t n_frames = decoder->info.n_frames;
    if (!(seconds >= 0.0) || frame > 9e15)
        TB_FAIL(err, TB_INVALID, "the position %g s is not one in a file", seconds);
    const int64_t target = (int64_t)(frame + 0.5);
    /* estimates of the length may be a little short */
    const int64_t slack = decoder->n_frames_exact ? 0 : n_frames / 10 + decoder->info.rate_hz;
    if (n_frames >= 0 && target >= n_frames + slack) {
        decoder->ended = true;
        decoder->n_pending = 0;
    } else {
        TB_TRY(seek_frame(decoder, target, err));
        decoder->ended = false;
    }
    decoder->next_frame = target;
out:
    return status;
}
