// SPDX-License-Identifier: MIT
/* MP3 in memory: what comes back is the same music, at the rate that was asked for. */
#include "support/testing.h"

#include "audio/decode.h"
#include "audio/mp3_encode.h"
#include "base/alloc.h"

#include <math.h>

enum { RATE_HZ = 44100, N = 2 * RATE_HZ };

static float *make_tone(void)
{
    float *mono = tb_alloc(N, sizeof *mono);
    assert_non_null(mono);
    for (size_t i = 0; i < N; i++) mono[i] = 0.5f * sinf((float)i * 0.05f); /* 351 Hz */
    return mono;
}

/* Whether libsndfile writes MP3 at all: without it there is nothing to test. */
static void skip_without_mp3(tb_status status)
{
    if (status == TB_UNSUPPORTED) skip();
}

static void encoded_audio_comes_back_in_place_and_in_size(void **state)
{
    (void)state;
    tb_error err = {0};
    static const int rates[] = {64, 128, 320};
    float *mono = make_tone(), *back = tb_alloc(N, sizeof *back);
    assert_non_null(back);
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        char *bytes = NULL;
        size_t size = 0, n = 0;
        tb_decoder *decoder = NULL;
        const tb_status status = tb_mp3_encode(mono, N, rates[k], &bytes, &size, &err);
        skip_without_mp3(status);
        assert_ok(status);
        assert_near((double)size * 8 / 1000 * RATE_HZ / N, rates[k], 0.05 * rates[k] + 2);
        assert_ok(tb_decoder_open_memory(bytes, size, "tone.mp3", &decoder, &err));
        assert_int_equal(tb_decoder_get_info(decoder)->rate_hz, RATE_HZ);
        for (size_t read = 1; read > 0 && n < N; n += read)
            assert_ok(tb_decoder_read(decoder, back + n, N - n, &read, &err));
        tb_decoder_close(decoder);
        assert_int_equal(n, N);
        double same = 0, energy = 0;
        for (size_t i = RATE_HZ / 2; i < 3 * RATE_HZ / 2; i++) {
            same += (double)mono[i] * (double)back[i];
            energy += (double)mono[i] * (double)mono[i];
        }
        if (fabs(same / energy - 1) > 0.1)
            fail_msg("%d kbit/s: %g of the tone came back in place", rates[k], same / energy);
        tb_free(bytes);
    }
    tb_free(mono);
    tb_free(back);
}

static void what_mp3_cannot_be_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    const float mono[1] = {0};
    char *bytes = NULL;
    size_t size = 7;
    assert_status(tb_mp3_encode(mono, 0, 64, &bytes, &size, &err), TB_INVALID);
    assert_status(tb_mp3_encode(mono, 1, 63, &bytes, &size, &err), TB_INVALID);
    assert_status(tb_mp3_encode(mono, 1, 321, &bytes, &size, &err), TB_INVALID);
    assert_null(bytes);
    assert_int_equal(size, 7);
}

static void loud_audio_is_clipped(void **state)
{
    (void)state;
    tb_error err = {0};
    float *mono = make_tone();
    char *bytes = NULL;
    size_t size = 0;
    for (size_t i = 0; i < N; i++) mono[i] *= 1e6f;
    const tb_status status = tb_mp3_encode(mono, N, 128, &bytes, &size, &err);
    skip_without_mp3(status);
    assert_ok(status);
    tb_free(bytes);
    tb_free(mono);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    float *mono = make_tone();
    tb_status status = TB_NO_MEMORY;
    for (size_t n = 1; status == TB_NO_MEMORY && n < 100; n++) {
        char *bytes = NULL;
        size_t size = 0;
        tb_alloc_fail_after(n);
        status = tb_mp3_encode(mono, N, 64, &bytes, &size, &err);
        tb_alloc_fail_after(0);
        tb_free(bytes);
    }
    skip_without_mp3(status);
    assert_int_equal(status, TB_OK);
    tb_free(mono);
}

TB_TESTS(mp3_encode, cmocka_unit_test(encoded_audio_comes_back_in_place_and_in_size),
         cmocka_unit_test(what_mp3_cannot_be_is_refused), cmocka_unit_test(loud_audio_is_clipped),
         cmocka_unit_test(each_allocation_may_fail))
