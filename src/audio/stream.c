// SPDX-License-Identifier: MIT
/* One pass: each block is decoded once and handed to everybody before the next is decoded. */
#include "audio/stream.h"

#include "audio/resample.h"
#include "base/alloc.h"

#include <math.h>

enum { BLOCK_SAMPLES = 16 * 1024, MIN_BLOCK_FRAMES = 1024, MAX_BLOCK_FRAMES = 8192 };

typedef struct stream_run {
    tb_decoder *decoder;
    const tb_audio_options *options;
    const tb_audio_sink *sink;
    const tb_decoder_info *info;
    tb_resampler *resampler;
    tb_identity_state *identity;
    float *block;
    size_t block_frames;
    int64_t limit_frames; /* of the passage; INT64_MAX for the whole file */
    int64_t max_frames;   /* past it, the file is too large */
    int64_t n_frames, n_mono;
} stream_run;

static tb_status check_options(const tb_audio_options *options, tb_error *err)
{
    const int rate = options->mono_rate_hz;
    if (rate != 0 && (rate < TB_DECODER_MIN_RATE_HZ || rate > TB_DECODER_MAX_RATE_HZ))
        return tb_error_set(err, TB_INVALID, "a rate of %d Hz is outside %d to %d Hz", rate,
                            TB_DECODER_MIN_RATE_HZ, TB_DECODER_MAX_RATE_HZ);
    if (!(options->start_s >= 0.0) || !(options->duration_s >= 0.0) || !(options->max_duration_s >= 0.0))
        return tb_error_set(err, TB_INVALID, "start and duration must be 0 s or more");
    return TB_OK;
}

static int64_t frames_of(double seconds, int rate_hz)
{
    const double frames = seconds * rate_hz;
    return frames < 9e15 ? (int64_t)(frames + 0.5) : INT64_MAX;
}

static bool is_cancelled(const stream_run *run)
{
    return run->options->cancelled && run->options->cancelled(run->options->cancel_context);
}

/* To the start of the passage, by seeking or by decoding and dropping. */
static tb_status go_to_start(stream_run *run, tb_error *err)
{
    tb_status status = TB_OK;
    const double start_s = run->options->start_s;
    if (start_s == 0.0) return TB_OK;
    status = tb_decoder_seek(run->decoder, start_s, err);
    if (status != TB_UNSUPPORTED) return status;
    tb_error_clear(err);
    status = TB_OK;
    int64_t left = frames_of(start_s, run->info->rate_hz);
    while (left > 0) {
        size_t n = 0;
        if (is_cancelled(run)) TB_FAIL(err, TB_CANCELLED, "decoding was cancelled");
        const size_t wanted = left < (int64_t)run->block_frames ? (size_t)left : run->block_frames;
        TB_TRY(tb_decoder_read(run->decoder, run->block, wanted, &n, err));
        if (n == 0) break;
        left -= (int64_t)n;
    }
out:
    return status;
}

static tb_status give_mono(stream_run *run, const float *mono, size_t n, tb_error *err)
{
    run->n_mono += (int64_t)n;
    return n > 0 && run->sink->on_mono ? run->sink->on_mono(run->sink->context, mono, n, err) : TB_OK;
}

static tb_status give_block(stream_run *run, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    const float *mono;
    size_t n_mono;
    const size_t n_channels = (size_t)run->info->n_channels;
    run->n_frames += (int64_t)n;
    if (run->identity) tb_identity_add(run->identity, run->block, n * n_channels);
    if (run->sink->on_native)
        TB_TRY(run->sink->on_native(run->sink->context, run->block, n, run->info->n_channels,
                                    run->info->rate_hz, err));
    if (run->resampler) {
        TB_TRY(tb_resampler_process(run->resampler, run->block, n, &mono, &n_mono, err));
        TB_TRY(give_mono(run, mono, n_mono, err));
    }
out:
    return status;
}

static tb_status fail_too_long(const stream_run *run, tb_error *err)
{
    return tb_error_set(err, TB_TOO_LARGE, "the audio is longer than %g s, the most that is accepted",
                        run->options->max_duration_s);
}

static tb_status pump(stream_run *run, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n = 0, n_mono = 0;
    const float *mono;
    while (run->n_frames < run->limit_frames) {
        if (is_cancelled(run)) TB_FAIL(err, TB_CANCELLED, "decoding was cancelled");
        const int64_t left = run->limit_frames - run->n_frames;
        TB_TRY(tb_decoder_read(run->decoder, run->block,
                               left < (int64_t)run->block_frames ? (size_t)left : run->block_frames, &n,
                               err));
        if (n == 0) break;
        if (run->n_frames + (int64_t)n > run->max_frames) {
            status = fail_too_long(run, err);
            goto out;
        }
        TB_TRY(give_block(run, n, err));
    }
    if (run->n_frames == 0)
        TB_FAIL(err, TB_INVALID, "the passage starts at %g s, behind the end of the audio",
                run->options->start_s);
    while (run->resampler) {
        TB_TRY(tb_resampler_finish(run->resampler, &mono, &n_mono, err));
        if (n_mono == 0) break;
        TB_TRY(give_mono(run, mono, n_mono, err));
    }
out:
    return status;
}

static tb_status prepare(stream_run *run, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_audio_options *options = run->options;
    const int rate_hz = run->info->rate_hz, n_channels = run->info->n_channels;
    const bool whole = options->start_s == 0.0 && options->duration_s == 0.0;
    run->limit_frames = options->duration_s > 0.0 ? frames_of(options->duration_s, rate_hz) : INT64_MAX;
    if (run->limit_frames == 0) run->limit_frames = 1;
    run->max_frames = options->max_duration_s > 0.0 ? frames_of(options->max_duration_s, rate_hz) : INT64_MAX;
    if (whole && run->info->n_frames > run->max_frames) return fail_too_long(run, err);
    run->block_frames = BLOCK_SAMPLES / (size_t)n_channels;
    if (run->block_frames < MIN_BLOCK_FRAMES) run->block_frames = MIN_BLOCK_FRAMES;
    if (run->block_frames > MAX_BLOCK_FRAMES) run->block_frames = MAX_BLOCK_FRAMES;
    run->block = tb_alloc(run->block_frames * (size_t)n_channels, sizeof(float));
    if (!run->block) TB_FAIL(err, TB_NO_MEMORY, "no memory to decode");
    if (run->sink->on_mono)
        TB_TRY(tb_resampler_new(rate_hz, options->mono_rate_hz ? options->mono_rate_hz : rate_hz, n_channels,
                                run->block_frames, &run->resampler, err));
    if (whole && !options->skip_identity) TB_TRY(tb_identity_new(rate_hz, n_channels, &run->identity, err));
out:
    return status;
}

tb_status tb_audio_stream_run(tb_decoder *decoder, const tb_audio_options *options, const tb_audio_sink *sink,
                              tb_audio_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    stream_run run = {
        .decoder = decoder, .options = options, .sink = sink, .info = tb_decoder_get_info(decoder)};
    TB_TRY(check_options(options, err));
    TB_TRY(prepare(&run, err));
    if (sink->on_start) TB_TRY(sink->on_start(sink->context, run.info, err));
    TB_TRY(go_to_start(&run, err));
    TB_TRY(pump(&run, err));

    tb_audio_result made = {
        .info = *run.info,
        .n_frames = run.n_frames,
        .duration_s = (double)run.n_frames / run.info->rate_hz,
        .n_mono = run.n_mono,
        .has_identity = run.identity != NULL,
    };
    if (run.identity) tb_identity_finish(run.identity, &made.identity);
    *result = made;
out:
    tb_identity_free(run.identity);
    tb_resampler_free(run.resampler);
    tb_free(run.block);
    return status;
}
