// SPDX-License-Identifier: MIT
/* FFTW plans, one per size, counted references.
 *
 * FFTW may execute a plan in many threads at once, on any buffers aligned as those it was planned with, but
 * its planner (which also destroys plans) must be entered by one thread at a time: plans_lock guards it and
 * the list.  Lock order: plans_lock is a leaf, nothing else is locked while it is held. */
#include "dsp/fft.h"

#include "base/alloc.h"

#include <assert.h>
#include <fftw3.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>

struct tb_fft {
    size_t n;
    size_t n_users; /* guarded by plans_lock */
    fftwf_plan forward, inverse;
    tb_fft *next; /* guarded by plans_lock */
};

static pthread_mutex_t plans_lock = PTHREAD_MUTEX_INITIALIZER;
static tb_fft *plans;

/* Needs plans_lock. */
static void destroy_fft(tb_fft *fft)
{
    if (!fft) return;
    if (fft->forward) fftwf_destroy_plan(fft->forward);
    if (fft->inverse) fftwf_destroy_plan(fft->inverse);
    tb_free(fft);
}

/* Needs plans_lock. */
static tb_status make_fft(size_t n, tb_fft **out, tb_error *err)
{
    tb_status status = TB_OK;
    tb_fft *fft = tb_alloc(1, sizeof *fft);
    float *samples = tb_alloc_aligned(n, sizeof *samples);
    fftwf_complex *spectrum = tb_alloc_aligned(n / 2 + 1, sizeof *spectrum);
    if (!fft || !samples || !spectrum) TB_FAIL(err, TB_NO_MEMORY, "no memory for an FFT of %zu", n);
    fft->n = n;
    fft->forward = fftwf_plan_dft_r2c_1d((int)n, samples, spectrum, FFTW_ESTIMATE | FFTW_PRESERVE_INPUT);
    fft->inverse = fftwf_plan_dft_c2r_1d((int)n, spectrum, samples, FFTW_ESTIMATE | FFTW_DESTROY_INPUT);
    if (!fft->forward || !fft->inverse) TB_FAIL(err, TB_NO_MEMORY, "FFTW has no plan for an FFT of %zu", n);
    *out = fft;
    fft = NULL;
out:
    destroy_fft(fft);
    tb_free(samples);
    tb_free(spectrum);
    return status;
}

tb_status tb_fft_new(size_t n, tb_fft **out, tb_error *err)
{
    if (n < 2 || n > TB_FFT_SIZE_MAX || n % 2)
        return tb_error_set(err, TB_INVALID,
                            "an FFT of %zu samples is not possible: even sizes from 2 to %d are", n,
                            TB_FFT_SIZE_MAX);
    tb_status status = TB_OK;
    pthread_mutex_lock(&plans_lock);
    tb_fft *fft = plans;
    while (fft && fft->n != n) fft = fft->next;
    if (!fft) {
        TB_TRY(make_fft(n, &fft, err));
        fft->next = plans;
        plans = fft;
    }
    fft->n_users++;
    *out = fft;
out:
    pthread_mutex_unlock(&plans_lock);
    return status;
}

void tb_fft_free(tb_fft *fft)
{
    if (!fft) return;
    pthread_mutex_lock(&plans_lock);
    if (--fft->n_users == 0) {
        tb_fft **link = &plans;
        while (*link != fft) link = &(*link)->next;
        *link = fft->next;
        destroy_fft(fft);
    }
    pthread_mutex_unlock(&plans_lock);
}

size_t tb_fft_size(const tb_fft *fft)
{
    return fft->n;
}

size_t tb_fft_bins(const tb_fft *fft)
{
    return fft->n / 2 + 1;
}

void tb_fft_forward(const tb_fft *fft, const float *samples, float *spectrum)
{
    assert((uintptr_t)samples % 64 == 0 && (uintptr_t)spectrum % 64 == 0);
    /* The plan preserves its input, whatever the type of the parameter says. */
    fftwf_execute_dft_r2c(fft->forward, (float *)(uintptr_t)samples, (fftwf_complex *)(void *)spectrum);
}

void tb_fft_inverse(const tb_fft *fft, float *spectrum, float *samples)
{
    assert((uintptr_t)samples % 64 == 0 && (uintptr_t)spectrum % 64 == 0);
    fftwf_execute_dft_c2r(fft->inverse, (fftwf_complex *)(void *)spectrum, samples);
}

void tb_spectrum_power(const float *restrict spectrum, size_t n_bins, float *restrict power)
{
    for (size_t k = 0; k < n_bins; k++)
        power[k] = spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1];
}

void tb_power_magnitude(const float *power, size_t n_bins, float *magnitude)
{
    for (size_t k = 0; k < n_bins; k++) magnitude[k] = sqrtf(power[k]);
}
