// SPDX-License-Identifier: MIT
/* Short-time Fourier transform of a stream: frames, window, FFT, power.
 *
 *     while (n > 0) {
 *         const size_t taken = tb_stft_push(stft, samples, n);
 *         samples += taken, n -= taken;
 *         while (tb_stft_next(stft, &frame)) … frame.power …
 *     }
 *     tb_stft_finish(stft);
 *     while (tb_stft_next(stft, &frame)) …
 *
 * Same numbers as librosa.stft with the same sizes (0.10: pad_mode "constant" is TB_PAD_ZERO).  What counts
 * as harmless input and how many frames come is said in dsp/framer.h.  One per thread. */
#ifndef TIMBRE_DSP_STFT_H
#define TIMBRE_DSP_STFT_H

#include "base/status.h"
#include "dsp/framer.h"
#include "dsp/window.h"

#include <stdbool.h>
#include <stddef.h>

typedef struct tb_stft_config {
    size_t n_fft;      /* even, 2 … TB_FRAME_SIZE_MAX */
    size_t hop;        /* samples */
    size_t win_length; /* 1 … n_fft, centred in the frame, zeros around it; 0 means n_fft */
    tb_window window;
    tb_pad pad;
} tb_stft_config;

typedef struct tb_stft tb_stft;

/* All borrowed until the next call on the tb_stft. */
typedef struct tb_stft_frame {
    size_t index;          /* 0, 1, … */
    const float *samples;  /* n_fft, before the window */
    const float *spectrum; /* n_bins pairs (re, im); see dsp/fft.h */
    const float *power;    /* n_bins, >= 0, finite */
} tb_stft_frame;

/* TB_INVALID for sizes outside the ranges above; TB_NO_MEMORY. */
tb_status tb_stft_new(const tb_stft_config *config, tb_stft **stft, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_stft_free(tb_stft *stft);
/* As after new: ready for another stream. */
void tb_stft_reset(tb_stft *stft);
/* n_fft / 2 + 1 */
size_t tb_stft_bins(const tb_stft *stft);
/* Frames that n samples give. */
size_t tb_stft_count(const tb_stft *stft, size_t n_samples);

/* As tb_framer_push and tb_framer_finish. */
size_t tb_stft_push(tb_stft *stft, const float *samples, size_t n);
void tb_stft_finish(tb_stft *stft);
/* False when more samples are needed; *frame is then untouched.  Allocates nothing. */
bool tb_stft_next(tb_stft *stft, tb_stft_frame *frame);

#endif
