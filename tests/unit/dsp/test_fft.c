// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/fft.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

static float *make_buffer(size_t n)
{
    float *buffer = tb_alloc_aligned(n, sizeof *buffer);
    assert_non_null(buffer);
    return buffer;
}

static float *make_random(size_t n, uint32_t seed)
{
    float *buffer = make_buffer(n);
    for (size_t i = 0; i < n; i++) buffer[i] = (float)next_noise(&seed);
    return buffer;
}

static void forward_is_the_sum_that_the_header_states(void **state)
{
    (void)state;
    static const size_t sizes[] = {2, 4, 6, 10, 14, 16, 30, 64, 100, 254, 400, 1024};
    tb_error err = {0};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const size_t n = sizes[s];
        tb_fft *fft = NULL;
        assert_ok(tb_fft_new(n, &fft, &err));
        assert_int_equal(tb_fft_size(fft), n);
        assert_int_equal(tb_fft_bins(fft), n / 2 + 1);
        float *samples = make_random(n, 7), *copy = make_random(n, 7), *spectrum = make_buffer(n + 2);
        tb_fft_forward(fft, samples, spectrum);
        assert_memory_equal(samples, copy, n * sizeof *samples);
        for (size_t k = 0; k <= n / 2; k++) {
            double re = 0.0, im = 0.0;
            for (size_t t = 0; t < n; t++) {
                const double angle = -2.0 * M_PI * (double)(k * t % n) / (double)n;
                re += (double)samples[t] * cos(angle);
                im += (double)samples[t] * sin(angle);
            }
            assert_near(spectrum[2 * k], re, 1e-6 * (double)n);
            assert_near(spectrum[2 * k + 1], im, 1e-6 * (double)n);
        }
        tb_free(samples);
        tb_free(copy);
        tb_free(spectrum);
        tb_fft_free(fft);
    }
}

static void inverse_brings_the_samples_back_times_n(void **state)
{
    (void)state;
    enum { N = 768 };
    tb_error err = {0};
    tb_fft *fft = NULL;
    assert_ok(tb_fft_new(N, &fft, &err));
    float *samples = make_random(N, 3), *spectrum = make_buffer(N + 2), *back = make_buffer(N);
    tb_fft_forward(fft, samples, spectrum);
    tb_fft_inverse(fft, spectrum, back);
    for (size_t i = 0; i < N; i++) assert_near(back[i] / N, samples[i], 1e-6);
    tb_free(samples);
    tb_free(spectrum);
    tb_free(back);
    tb_fft_free(fft);
}

static void sizes_that_cannot_be_are_refused(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 3, 2047, TB_FFT_SIZE_MAX + 2, (size_t)-2};
    tb_error err = {0};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        tb_fft *fft = NULL;
        assert_status(tb_fft_new(sizes[s], &fft, &err), TB_INVALID);
        assert_null(fft);
        assert_true(err.message[0] != '\0');
    }
}

static void a_size_has_one_plan(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_fft *a = NULL, *b = NULL, *c = NULL;
    assert_ok(tb_fft_new(512, &a, &err));
    assert_ok(tb_fft_new(512, &b, &err));
    assert_ok(tb_fft_new(256, &c, &err));
    assert_ptr_equal(a, b);
    assert_ptr_not_equal(a, c);
    tb_fft_free(a);
    assert_int_equal(tb_fft_size(b), 512);
    tb_fft_free(b);
    tb_fft_free(c);
    tb_fft_free(NULL);
}

static void plans_made_before_do_not_change_the_bits(void **state)
{
    (void)state;
    enum { N = 2048 };
    tb_error err = {0};
    float *samples = make_random(N, 11), *first = make_buffer(N + 2), *later = make_buffer(N + 2);
    tb_fft *fft = NULL;
    assert_ok(tb_fft_new(N, &fft, &err));
    tb_fft_forward(fft, samples, first);
    tb_fft_free(fft);
    for (size_t n = 2; n <= 4096; n *= 2) {
        assert_ok(tb_fft_new(n, &fft, &err));
        tb_fft_free(fft);
    }
    assert_ok(tb_fft_new(N, &fft, &err));
    tb_fft_forward(fft, samples, later);
    tb_fft_free(fft);
    assert_memory_equal(first, later, (N + 2) * sizeof *first);
    tb_free(samples);
    tb_free(first);
    tb_free(later);
}

typedef struct shared {
    const float *samples, *expected;
    int n_wrong;
} shared;

static void *transform_again_and_again(void *argument)
{
    enum { N = 1024 };
    shared *job = argument;
    float *spectrum = tb_alloc_aligned(N + 2, sizeof *spectrum);
    for (int round = 0; round < 200 && spectrum; round++) {
        tb_fft *fft = NULL;
        if (tb_fft_new(N, &fft, NULL) != TB_OK) {
            job->n_wrong++;
            continue;
        }
        tb_fft_forward(fft, job->samples, spectrum);
        tb_fft_free(fft);
        job->n_wrong += memcmp(spectrum, job->expected, (N + 2) * sizeof *spectrum) != 0;
    }
    job->n_wrong += !spectrum;
    tb_free(spectrum);
    return NULL;
}

static void threads_make_use_and_drop_plans_at_the_same_time(void **state)
{
    (void)state;
    enum { N = 1024, THREADS = 4 };
    tb_error err = {0};
    tb_fft *fft = NULL;
    float *samples = make_random(N, 5), *expected = make_buffer(N + 2);
    assert_ok(tb_fft_new(N, &fft, &err));
    tb_fft_forward(fft, samples, expected);
    tb_fft_free(fft);
    pthread_t threads[THREADS];
    shared jobs[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        jobs[i] = (shared){.samples = samples, .expected = expected};
        assert_int_equal(pthread_create(&threads[i], NULL, transform_again_and_again, &jobs[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(jobs[i].n_wrong, 0);
    }
    tb_free(samples);
    tb_free(expected);
}

static void power_and_magnitude_at_odd_lengths(void **state)
{
    (void)state;
    for (size_t n = 1; n <= 37; n++) {
        float *spectrum = make_random(2 * n, (uint32_t)n), *power = make_buffer(n);
        tb_spectrum_power(spectrum, n, power);
        for (size_t k = 0; k < n; k++)
            assert_near(power[k],
                        spectrum[2 * k] * spectrum[2 * k] + spectrum[2 * k + 1] * spectrum[2 * k + 1], 1e-6);
        const float last = power[n - 1];
        tb_power_magnitude(power, n, power);
        assert_near(power[n - 1], sqrt((double)last), 1e-6);
        tb_free(spectrum);
        tb_free(power);
    }
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_fft *fft = NULL;
    assert_survives_no_memory(fft, tb_fft_new(162, &fft, NULL), tb_fft_free);
}

TB_TESTS(fft, cmocka_unit_test(forward_is_the_sum_that_the_header_states),
         cmocka_unit_test(inverse_brings_the_samples_back_times_n),
         cmocka_unit_test(sizes_that_cannot_be_are_refused), cmocka_unit_test(a_size_has_one_plan),
         cmocka_unit_test(plans_made_before_do_not_change_the_bits),
         cmocka_unit_test(threads_make_use_and_drop_plans_at_the_same_time),
         cmocka_unit_test(power_and_magnitude_at_odd_lengths), cmocka_unit_test(each_allocation_may_fail))
