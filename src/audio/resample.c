// SPDX-License-Identifier: MIT
/* Mean of the channels, then soxr with its recipe HQ (20 bits, linear phase).
 *
 * Why HQ: measured on one core (AMD EPYC, soxr 0.1.3, mono, ms of CPU time per second of audio; gain at that
 * multiple of the output rate, so that 0.5 is where aliasing begins):
 *
 *     recipe   44.1 -> 22.05 kHz   48 -> 22.05   44.1 -> 16   0.45      0.47      stop band from 0.52 on
 *     QQ            0.110             0.109         0.122      -0.3 dB   -0.4 dB      -0.5 dB (aliases)
 *     LQ            0.146             0.201         0.187     -20.7     -38.6       <= -111
 *     MQ            0.166             0.225         0.238      -0.2      -0.9       <= -114
 *     16 bit        0.114             0.217         0.194       0.0      -0.7       <= -114
 *     HQ            0.115             0.253         0.214       0.0      -0.6       <= -137
 *     VHQ           0.249             0.311         0.381       0.0      -0.5       <= -155
 *
 * The pass band is flat to 0.457 of the output rate, and HQ costs what the lesser recipes cost. */
#include "audio/resample.h"

#include "audio/decode.h"
#include "base/alloc.h"

#include <assert.h>
#include <soxr.h>

enum { MAX_FRAMES = 1000000 };

struct tb_resampler {
    int n_channels;
    size_t max_frames;
    soxr_t soxr;     /* NULL when the rates are equal */
    float *mixed;    /* max_frames */
    float *out;      /* out_capacity */
    size_t out_capacity;
};

static bool rate_ok(int rate_hz)
{
    return rate_hz >= TB_DECODER_MIN_RATE_HZ && rate_hz <= TB_DECODER_MAX_RATE_HZ;
}

tb_status tb_resampler_new(int rate_in_hz, int rate_out_hz, int n_channels, size_t max_frames,
                           tb_resampler **resampler, tb_error *err)
{
    tb_status status = TB_OK;
    tb_resampler *made = NULL;
    if (!rate_ok(rate_in_hz) || !rate_ok(rate_out_hz))
        TB_FAIL(err, TB_INVALID, "cannot resample from %d to %d Hz; rates are %d to %d Hz", rate_in_hz,
                rate_out_hz, TB_DECODER_MIN_RATE_HZ, TB_DECODER_MAX_RATE_HZ);
    if (n_channels < 1 || n_channels > TB_DECODER_MAX_CHANNELS || max_frames < 1 || max_frames > MAX_FRAMES)
        TB_FAIL(err, TB_INVALID, "cannot resample %d channels in blocks of %zu frames", n_channels,
                max_frames);
    made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a resampler");
    made->n_channels = n_channels;
    made->max_frames = max_frames;
    made->mixed = tb_alloc(max_frames, sizeof(float));
    if (!made->mixed) TB_FAIL(err, TB_NO_MEMORY, "no memory for a resampler");
    if (rate_in_hz != rate_out_hz) {
        /* room for what one block gives and what the filter held back */
        const double ratio = (double)rate_out_hz / rate_in_hz;
        made->out_capacity = (size_t)((double)max_frames * ratio) + 4096;
        made->out = tb_alloc(made->out_capacity, sizeof(float));
        if (!made->out) TB_FAIL(err, TB_NO_MEMORY, "no memory for a resampler");
        soxr_error_t problem = NULL;
        const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
        made->soxr = soxr_create(rate_in_hz, rate_out_hz, 1, &problem, NULL, &quality, NULL);
        if (!made->soxr) TB_FAIL(err, TB_NO_MEMORY, "cannot make a resampler: %s", soxr_strerror(problem));
    }
    *resampler = made;
    return TB_OK;
out:
    tb_resampler_free(made);
    return status;
}

void tb_resampler_free(tb_resampler *resampler)
{
    if (!resampler) return;
    soxr_delete(resampler->soxr);
    tb_free(resampler->mixed);
    tb_free(resampler->out);
    tb_free(resampler);
}

tb_status tb_resampler_reset(tb_resampler *resampler, tb_error *err)
{
    const soxr_error_t problem = resampler->soxr ? soxr_clear(resampler->soxr) : NULL;
    return problem ? tb_error_set(err, TB_INTERNAL, "cannot reset a resampler: %s", soxr_strerror(problem))
                   : TB_OK;
}

void tb_mix_to_mono(const float *interleaved, size_t n_frames, int n_channels, float *out)
{
    if (n_channels == 1) {
        for (size_t i = 0; i < n_frames; i++) out[i] = interleaved[i];
    } else if (n_channels == 2) {
        for (size_t i = 0; i < n_frames; i++) out[i] = 0.5f * (interleaved[2 * i] + interleaved[2 * i + 1]);
    } else {
        const size_t n = (size_t)n_channels;
        const float scale = 1.0f / (float)n_channels;
        for (size_t i = 0; i < n_frames; i++) {
            float sum = 0.0f;
            for (size_t c = 0; c < n; c++) sum += interleaved[i * n + c];
            out[i] = sum * scale;
        }
    }
}

tb_status tb_resampler_process(tb_resampler *resampler, const float *interleaved, size_t n_frames,
                               const float **mono, size_t *n_mono, tb_error *err)
{
    assert(n_frames <= resampler->max_frames);
    tb_mix_to_mono(interleaved, n_frames, resampler->n_channels, resampler->mixed);
    if (!resampler->soxr) {
        *mono = resampler->mixed;
        *n_mono = n_frames;
        return TB_OK;
    }
    size_t n_in = 0, n_out = 0;
    const soxr_error_t problem = soxr_process(resampler->soxr, resampler->mixed, n_frames, &n_in,
                                              resampler->out, resampler->out_capacity, &n_out);
    if (problem) return tb_error_set(err, TB_INTERNAL, "resampling failed: %s", soxr_strerror(problem));
    if (n_in != n_frames)
        return tb_error_set(err, TB_INTERNAL, "the resampler left %zu frames", n_frames - n_in);
    *mono = resampler->out;
    *n_mono = n_out;
    return TB_OK;
}

tb_status tb_resampler_finish(tb_resampler *resampler, const float **mono, size_t *n_mono, tb_error *err)
{
    if (!resampler->soxr) {
        *mono = resampler->mixed;
        *n_mono = 0;
        return TB_OK;
    }
    size_t n_out = 0;
    const soxr_error_t problem = soxr_process(resampler->soxr, NULL, 0, NULL, resampler->out,
                                              resampler->out_capacity, &n_out);
    if (problem) return tb_error_set(err, TB_INTERNAL, "resampling failed: %s", soxr_strerror(problem));
    *mono = resampler->out;
    *n_mono = n_out;
    return TB_OK;
}
