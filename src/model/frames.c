// SPDX-License-Identifier: MIT
/* Samples are gathered in blocks of one hop, so that both transforms advance in step and frames come in an order
 * that does not depend on the caller's blocks. */
#include "model/frames.h"

#include "base/alloc.h"
#include "dsp/decibel.h"
#include "dsp/mel.h"
#include "dsp/stft.h"
#include "model/model.h"

#include <stdbool.h>
#include <string.h>

enum { FIRST_LEVEL_BIN = 3 }; /* 32 Hz */
#define MEL_DB_AMIN 1e-20f

struct tb_frames {
    tb_frame_sink sink;
    tb_stft *short_stft, *long_stft;
    tb_mel *mel;
    tb_pitch_profile pitch;
    float mel_power[TB_FRAMES_MELS], mel_db[TB_FRAMES_MELS];
    float head[TB_FRAMES_LONG_SIZE]; /* the first samples, for streams shorter than a frame */
    float block[TB_FRAMES_HOP];
    size_t n_block, n_samples;
};

static tb_status emit_short(tb_frames *frames, tb_error *err)
{
    tb_stft_frame stft;
    while (tb_stft_next(frames->short_stft, &stft)) {
        tb_mel_compute(frames->mel, stft.power, frames->mel_power);
        tb_power_to_db(frames->mel_power, TB_FRAMES_MELS, MEL_DB_AMIN, frames->mel_db);
        /* Parseval: the sum over positive frequencies is n^2 / 2 times the mean square, times the mean square of
         * the Hann window (3/8).  Four sums, since one would wait for itself. */
        float sums[4] = {0};
        for (size_t k = FIRST_LEVEL_BIN; k + 4 <= TB_FRAMES_BINS; k += 4)
            for (size_t i = 0; i < 4; i++) sums[i] += stft.power[k + i];
        const float level = (sums[0] + sums[1] + sums[2] + sums[3]) * (2 / (0.375f * TB_FRAMES_SIZE * TB_FRAMES_SIZE));
        const tb_frame frame = {stft.index, stft.samples, stft.power, frames->mel_power, frames->mel_db, level};
        const tb_status status = frames->sink.on_frame(frames->sink.context, &frame, err);
        if (status != TB_OK) return status;
    }
    return TB_OK;
}

static tb_status emit_long(tb_frames *frames, tb_error *err)
{
    tb_stft_frame stft;
    while (tb_stft_next(frames->long_stft, &stft)) {
        tb_pitch_profile_compute(stft.power, &frames->pitch);
        const tb_long_frame frame = {stft.index, &frames->pitch};
        const tb_status status = frames->sink.on_long_frame(frames->sink.context, &frame, err);
        if (status != TB_OK) return status;
    }
    return TB_OK;
}

static tb_status feed(tb_frames *frames, bool long_ones, const float *samples, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    tb_stft *stft = long_ones ? frames->long_stft : frames->short_stft;
    while (n > 0) {
        const size_t taken = tb_stft_push(stft, samples, n);
        samples += taken;
        n -= taken;
        TB_TRY(long_ones ? emit_long(frames, err) : emit_short(frames, err));
    }
out:
    return status;
}

static tb_status flush_block(tb_frames *frames, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(feed(frames, true, frames->block, frames->n_block, err));
    TB_TRY(feed(frames, false, frames->block, frames->n_block, err));
    frames->n_block = 0;
out:
    return status;
}

tb_status tb_frames_new(const tb_frame_sink *sink, tb_frames **frames, tb_error *err)
{
    tb_status status = TB_OK;
    tb_frames *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory to analyse audio");
    made->sink = *sink;
    TB_TRY(tb_stft_new(&(tb_stft_config){.n_fft = TB_FRAMES_SIZE, .hop = TB_FRAMES_HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_NONE},
                       &made->short_stft, err));
    TB_TRY(tb_stft_new(&(tb_stft_config){.n_fft = TB_FRAMES_LONG_SIZE, .hop = TB_FRAMES_LONG_HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_NONE},
                       &made->long_stft, err));
    TB_TRY(tb_mel_new(&(tb_mel_config){.sample_rate_hz = TB_MODEL_RATE_HZ, .n_fft = TB_FRAMES_SIZE, .n_mels = TB_FRAMES_MELS,
                                       .fmin_hz = 30, .fmax_hz = TB_MODEL_RATE_HZ / 2.0, .scale = TB_MEL_SLANEY,
                                       .norm = TB_MEL_NORM_SLANEY},
                      &made->mel, err));
    *frames = made;
    made = NULL;
out:
    tb_frames_free(made);
    return status;
}

void tb_frames_free(tb_frames *frames)
{
    if (frames == NULL) return;
    tb_stft_free(frames->short_stft);
    tb_stft_free(frames->long_stft);
    tb_mel_free(frames->mel);
    tb_free(frames);
}

void tb_frames_reset(tb_frames *frames)
{
    tb_stft_reset(frames->short_stft);
    tb_stft_reset(frames->long_stft);
    frames->n_block = frames->n_samples = 0;
}

tb_status tb_frames_push(tb_frames *frames, const float *mono, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    while (n > 0) {
        const size_t room = TB_FRAMES_HOP - frames->n_block, taken = n < room ? n : room;
        memcpy(frames->block + frames->n_block, mono, taken * sizeof *mono);
        if (frames->n_samples < TB_FRAMES_LONG_SIZE) { /* a multiple of the hop: a block never crosses it */
            const size_t left = TB_FRAMES_LONG_SIZE - frames->n_samples;
            memcpy(frames->head + frames->n_samples, mono, (taken < left ? taken : left) * sizeof *mono);
        }
        frames->n_block += taken;
        frames->n_samples += taken;
        mono += taken;
        n -= taken;
        if (frames->n_block == TB_FRAMES_HOP) TB_TRY(flush_block(frames, err));
    }
out:
    return status;
}

/* A stream of fewer than `size` samples, from the start, in the middle of as many zeros. */
static tb_status feed_padded(tb_frames *frames, bool long_ones, size_t size, tb_error *err)
{
    static const float zeros[TB_FRAMES_LONG_SIZE];
    tb_status status = TB_OK;
    const size_t before = (size - frames->n_samples) / 2, after = size - frames->n_samples - before;
    tb_stft_reset(long_ones ? frames->long_stft : frames->short_stft);
    TB_TRY(feed(frames, long_ones, zeros, before, err));
    TB_TRY(feed(frames, long_ones, frames->head, frames->n_samples, err));
    TB_TRY(feed(frames, long_ones, zeros, after, err));
out:
    return status;
}

tb_status tb_frames_finish(tb_frames *frames, tb_error *err)
{
    tb_status status = TB_OK;
    if (frames->n_samples == 0) goto out;
    /* What is left in the block ends no frame: frames end on whole hops. */
    if (frames->n_samples < TB_FRAMES_LONG_SIZE) TB_TRY(feed_padded(frames, true, TB_FRAMES_LONG_SIZE, err));
    if (frames->n_samples < TB_FRAMES_SIZE) TB_TRY(feed_padded(frames, false, TB_FRAMES_SIZE, err));
out:
    return status;
}

size_t tb_frames_n_samples(const tb_frames *frames)
{
    return frames->n_samples;
}
