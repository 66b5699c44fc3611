// SPDX-License-Identifier: MIT
/* Frame, window, FFT, power: each into a buffer of its own. */
#include "dsp/stft.h"

#include "base/alloc.h"
#include "dsp/fft.h"

struct tb_stft {
    tb_stft_config config;
    size_t n_bins, n_frames; /* n_frames: given out so far */
    tb_framer *framer;
    tb_fft *fft;
    float *window;   /* n_fft */
    float *windowed; /* n_fft */
    float *spectrum; /* 2 * n_bins */
    float *power;    /* n_bins */
};

tb_status tb_stft_new(const tb_stft_config *config, tb_stft **out, tb_error *err)
{
    const size_t n_fft = config->n_fft;
    const size_t win_length = config->win_length ? config->win_length : n_fft;
    if (win_length > n_fft)
        return tb_error_set(err, TB_INVALID, "a window of %zu samples does not fit in a frame of %zu",
                            win_length, n_fft);
    tb_status status = TB_OK;
    tb_stft *stft = tb_alloc(1, sizeof *stft);
    if (!stft) TB_FAIL(err, TB_NO_MEMORY, "no memory for a transform");
    stft->config = *config;
    TB_TRY(tb_fft_new(n_fft, &stft->fft, err));
    TB_TRY(tb_framer_new(n_fft, config->hop, config->pad, &stft->framer, err));
    stft->n_bins = tb_fft_bins(stft->fft);
    stft->window = tb_alloc_aligned(n_fft, sizeof *stft->window);
    stft->windowed = tb_alloc_aligned(n_fft, sizeof *stft->windowed);
    stft->spectrum = tb_alloc_aligned(2 * stft->n_bins, sizeof *stft->spectrum);
    stft->power = tb_alloc_aligned(stft->n_bins, sizeof *stft->power);
    if (!stft->window || !stft->windowed || !stft->spectrum || !stft->power)
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a transform of %zu samples", n_fft);
    tb_window_fill(config->window, win_length, stft->window + (n_fft - win_length) / 2);
    *out = stft;
    stft = NULL;
out:
    tb_stft_free(stft);
    return status;
}

void tb_stft_free(tb_stft *stft)
{
    if (!stft) return;
    tb_framer_free(stft->framer);
    tb_fft_free(stft->fft);
    tb_free(stft->window);
    tb_free(stft->windowed);
    tb_free(stft->spectrum);
    tb_free(stft->power);
    tb_free(stft);
}

void tb_stft_reset(tb_stft *stft)
{
    tb_framer_reset(stft->framer);
    stft->n_frames = 0;
}

size_t tb_stft_bins(const tb_stft *stft)
{
    return stft->n_bins;
}

size_t tb_stft_count(const tb_stft *stft, size_t n_samples)
{
    return tb_framer_count(stft->config.n_fft, stft->config.hop, stft->config.pad, n_samples);
}

size_t tb_stft_push(tb_stft *stft, const float *samples, size_t n)
{
    return tb_framer_push(stft->framer, samples, n);
}

void tb_stft_finish(tb_stft *stft)
{
    tb_framer_finish(stft->framer);
}

static void apply_window(const float *restrict samples, const float *restrict window, size_t n,
                         float *restrict out)
{
    for (size_t i = 0; i < n; i++) out[i] = samples[i] * window[i];
}

bool tb_stft_next(tb_stft *stft, tb_stft_frame *frame)
{
    const float *samples = tb_framer_next(stft->framer);
    if (!samples) return false;
    apply_window(samples, stft->window, stft->config.n_fft, stft->windowed);
    tb_fft_forward(stft->fft, stft->windowed, stft->spectrum);
    tb_spectrum_power(stft->spectrum, stft->n_bins, stft->power);
    frame->index = stft->n_frames++;
    frame->samples = samples;
    frame->spectrum = stft->spectrum;
    frame->power = stft->power;
    return true;
}
