// SPDX-License-Identifier: MIT
/* Real FFT of one size, on FFTW (single precision).
 *
 * The plan of a size exists once in the process and is shared by all who ask for that size; the planner,
 * which is not thread-safe, is guarded by a lock inside.  Plans are estimated, never measured, so that the
 * same input gives the same bits in every run on a machine.
 *
 * A spectrum is n_bins = n / 2 + 1 pairs (real, imaginary), interleaved: 2 * n_bins floats.
 *
 * Threads: immutable after new; any number may transform at the same time, each with buffers of its own. */
#ifndef TIMBRE_DSP_FFT_H
#define TIMBRE_DSP_FFT_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_fft tb_fft;

enum { TB_FFT_SIZE_MAX = 1 << 20 };

/* n: even, 2 … TB_FFT_SIZE_MAX (powers of two are quickest), else TB_INVALID; TB_NO_MEMORY. */
tb_status tb_fft_new(size_t n, tb_fft **fft, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_fft_free(tb_fft *fft);
size_t tb_fft_size(const tb_fft *fft);
/* n / 2 + 1 */
size_t tb_fft_bins(const tb_fft *fft);

/* X[k] = sum over t of x[t] exp(-2 pi i k t / n), not scaled.
 * samples: n values, left as they are.  spectrum: 2 * n_bins values.  Both start on a 64-byte line
 * (tb_alloc_aligned) and do not overlap.  Never fails; allocates nothing. */
void tb_fft_forward(const tb_fft *fft, const float *samples, float *spectrum);
/* The way back, not scaled: forward and inverse together multiply by n.
 * spectrum: overwritten with garbage.  Alignment as above. */
void tb_fft_inverse(const tb_fft *fft, float *spectrum, float *samples);

/* power[k] = re^2 + im^2.  May not overlap. */
void tb_spectrum_power(const float *spectrum, size_t n_bins, float *power);
/* magnitude[k] = sqrt(power[k]).  In place is allowed. */
void tb_power_magnitude(const float *power, size_t n_bins, float *magnitude);

#endif
