// SPDX-License-Identifier: MIT
#include "unit/dsp/dsp_frames.h"

#include "dsp/framer.h"

#include <math.h>

/* numpy.pad, sample by sample. */
static float padded_at(const float *signal, size_t n, tb_pad pad, ptrdiff_t i)
{
    if (i >= 0 && i < (ptrdiff_t)n) return signal[i];
    if (pad == TB_PAD_ZERO) return 0.0f;
    if (pad == TB_PAD_EDGE) return signal[i < 0 ? 0 : n - 1];
    while (n > 1 && (i < 0 || i >= (ptrdiff_t)n)) i = i < 0 ? -i : 2 * ((ptrdiff_t)n - 1) - i;
    return signal[n > 1 ? i : 0];
}

static void expect_frames(tb_framer *framer, const float *signal, size_t n, size_t size, size_t hop,
                          tb_pad pad, size_t piece)
{
    const size_t margin = pad == TB_PAD_NONE ? 0 : size / 2;
    size_t t = 0, done = 0;
    for (int ended = 0; !ended;) {
        if (done < n) {
            const size_t wanted = piece < n - done ? piece : n - done;
            const size_t taken = tb_framer_push(framer, signal + done, wanted);
            assert_in_range(taken, 1, wanted);
            done += taken;
        } else {
            tb_framer_finish(framer);
            ended = 1;
        }
        for (const float *frame; (frame = tb_framer_next(framer)) != NULL; t++)
            for (size_t i = 0; i < size; i++) {
                const ptrdiff_t at = (ptrdiff_t)(t * hop + i) - (ptrdiff_t)margin;
                if (frame[i] != padded_at(signal, n, pad, at))
                    fail_msg("%zu samples, frames of %zu every %zu, pad %d, pieces of %zu: frame %zu, sample "
                             "%zu is %g",
                             n, size, hop, (int)pad, piece, t, i, (double)frame[i]);
            }
    }
    if (t != tb_framer_count(size, hop, pad, n))
        fail_msg("%zu samples, frames of %zu every %zu, pad %d: %zu frames, not %zu", n, size, hop, (int)pad,
                 t, tb_framer_count(size, hop, pad, n));
}

static void frames_are_those_of_the_padded_signal(void **state)
{
    (void)state;
    static const size_t lengths[] = {0, 1, 2, 3, 5, 7, 8, 9, 16, 40};
    static const size_t sizes[] = {1, 2, 3, 4, 8, 9, 16};
    static const size_t hops[] = {1, 2, 3, 8, 20};
    tb_error err = {0};
    float signal[40];
    for (size_t i = 0; i < 40; i++) signal[i] = (float)(i + 1);
    for (size_t s = 0; s < 7; s++)
        for (size_t h = 0; h < 5; h++)
            for (int pad = TB_PAD_NONE; pad <= TB_PAD_EDGE; pad++) {
                tb_framer *framer = NULL;
                assert_ok(tb_framer_new(sizes[s], hops[h], (tb_pad)pad, &framer, &err));
                for (size_t l = 0; l < 10; l++)
                    for (size_t piece = 1; piece <= 41; piece += 8) {
                        expect_frames(framer, signal, lengths[l], sizes[s], hops[h], (tb_pad)pad, piece);
                        tb_framer_reset(framer);
                    }
                tb_framer_free(framer);
            }
}

static void long_streams_pass_through_a_small_buffer(void **state)
{
    (void)state;
    enum { N = 60001 };
    tb_error err = {0};
    float *signal = tb_alloc(N, sizeof *signal);
    assert_non_null(signal);
    for (size_t i = 0; i < N; i++) signal[i] = (float)(i % 9973 + 1);
    for (int pad = TB_PAD_NONE; pad <= TB_PAD_EDGE; pad++) {
        tb_framer *framer = NULL;
        assert_ok(tb_framer_new(256, 300, (tb_pad)pad, &framer, &err));
        expect_frames(framer, signal, N, 256, 300, (tb_pad)pad, N);
        tb_framer_reset(framer);
        expect_frames(framer, signal, N, 256, 300, (tb_pad)pad, 777);
        tb_framer_free(framer);
    }
    tb_free(signal);
}

static void counts_are_those_of_librosa(void **state)
{
    (void)state;
    assert_int_equal(tb_framer_count(2048, 512, TB_PAD_ZERO, 22050), 1 + 22050 / 512);
    assert_int_equal(tb_framer_count(2048, 512, TB_PAD_NONE, 22050), 1 + (22050 - 2048) / 512);
    assert_int_equal(tb_framer_count(2048, 512, TB_PAD_NONE, 2047), 0);
    assert_int_equal(tb_framer_count(2048, 512, TB_PAD_NONE, 2048), 1);
    assert_int_equal(tb_framer_count(2048, 512, TB_PAD_REFLECT, 1), 1);
    assert_int_equal(tb_framer_count(2048, 512, TB_PAD_REFLECT, 0), 0);
}

static void samples_from_outside_are_made_harmless(void **state)
{
    (void)state;
    const float signal[8] = {NAN, INFINITY, -INFINITY, 1e30f, -1e30f, 1e-20f, -0.5f, 1e-12f};
    const float expected[8] = {0.0f, 0.0f, 0.0f, TB_SAMPLE_MAX, -TB_SAMPLE_MAX, 0.0f, -0.5f, 1e-12f};
    tb_error err = {0};
    tb_framer *framer = NULL;
    assert_ok(tb_framer_new(8, 8, TB_PAD_NONE, &framer, &err));
    assert_int_equal(tb_framer_push(framer, signal, 8), 8);
    const float *frame = tb_framer_next(framer);
    assert_non_null(frame);
    for (size_t i = 0; i < 8; i++) assert_near(frame[i], expected[i], 0.0);
    tb_framer_free(framer);
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_framer *framer = NULL;
    assert_status(tb_framer_new(0, 1, TB_PAD_NONE, &framer, &err), TB_INVALID);
    assert_status(tb_framer_new(1, 0, TB_PAD_NONE, &framer, &err), TB_INVALID);
    assert_status(tb_framer_new((size_t)TB_FRAME_SIZE_MAX + 1, 1, TB_PAD_NONE, &framer, &err), TB_INVALID);
    assert_status(tb_framer_new(1, (size_t)-1, TB_PAD_NONE, &framer, &err), TB_INVALID);
    assert_null(framer);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_framer *framer = NULL;
    assert_survives_no_memory(framer, tb_framer_new(64, 16, TB_PAD_ZERO, &framer, NULL), tb_framer_free);
    tb_framer_free(NULL);
}

TB_TESTS(framer, cmocka_unit_test(frames_are_those_of_the_padded_signal),
         cmocka_unit_test(long_streams_pass_through_a_small_buffer),
         cmocka_unit_test(counts_are_those_of_librosa),
         cmocka_unit_test(samples_from_outside_are_made_harmless),
         cmocka_unit_test(impossible_sizes_are_refused), cmocka_unit_test(each_allocation_may_fail))
