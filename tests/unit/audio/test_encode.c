// SPDX-License-Identifier: MIT
/* What is written is what is read again, to the last of 16 bits. */
#include "support/testing.h"
#include "support/wav.h"

#include "audio/decode.h"
#include "audio/encode.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { N = 10007, RATE_HZ = 22050 };

static void samples_come_back_from_each_format(void **state)
{
    (void)state;
    tb_error err = {0};
    static float written[2 * N], read[2 * N];
    for (size_t i = 0; i < 2 * N; i++) written[i] = 0.9f * sinf((float)i * 0.05f);
    for (int format = 0; format < TB_AUDIO_FORMAT_COUNT; format++)
        for (int n_channels = 1; n_channels <= 2; n_channels++) {
            char name[16];
            snprintf(name, sizeof name, "a.%s", tb_audio_format_name((tb_audio_format)format));
            char *path = tb_test_join(tb_test_folder(), name);
            tb_decoder *decoder = NULL;
            size_t n = 0;
            assert_ok(tb_audio_write(path, (tb_audio_format)format, written, N, n_channels, RATE_HZ, &err));
            assert_ok(tb_decoder_open_path(path, &decoder, &err));
            assert_int_equal(tb_decoder_get_info(decoder)->rate_hz, RATE_HZ);
            assert_int_equal(tb_decoder_get_info(decoder)->n_channels, n_channels);
            for (size_t at = 0; at < N; at += n) {
                assert_ok(tb_decoder_read(decoder, read + at * (size_t)n_channels, N - at, &n, &err));
                assert_true(n > 0);
            }
            for (size_t i = 0; i < N * (size_t)n_channels; i++) assert_near(read[i], written[i], 6e-5);
            tb_decoder_close(decoder);
            free(path);
        }
}

static void what_is_too_loud_is_clipped_and_what_is_no_number_is_silent(void **state)
{
    (void)state;
    tb_error err = {0};
    const float written[] = {2, -2, NAN, INFINITY, -INFINITY, 0.5f};
    float read[6];
    char *path = tb_test_join(tb_test_folder(), "a.wav");
    tb_decoder *decoder = NULL;
    size_t n = 0;
    assert_ok(tb_audio_write(path, TB_AUDIO_WAV, written, 6, 1, RATE_HZ, &err));
    assert_ok(tb_decoder_open_path(path, &decoder, &err));
    assert_ok(tb_decoder_read(decoder, read, 6, &n, &err));
    assert_int_equal(n, 6);
    const float expected[] = {1, -1, 0, 1, -1, 0.5f};
    for (size_t i = 0; i < 6; i++) assert_near(read[i], expected[i], 1e-4);
    tb_decoder_close(decoder);
    free(path);
}

static void what_cannot_be_written_says_so(void **state)
{
    (void)state;
    tb_error err = {0};
    const float x[16] = {0};
    char *path = tb_test_join(tb_test_folder(), "a.flac");
    assert_status(tb_audio_write(path, TB_AUDIO_FLAC, x, 0, 1, RATE_HZ, &err), TB_INVALID);
    assert_status(tb_audio_write(path, TB_AUDIO_FLAC, x, 1, 9, RATE_HZ, &err), TB_INVALID);
    assert_status(tb_audio_write("/nowhere/a.flac", TB_AUDIO_FLAC, x, 16, 1, RATE_HZ, &err), TB_NOT_FOUND);
    free(path);
}

/* /dev/full takes no byte. */
static void a_full_disk_is_told(void **state)
{
    (void)state;
    tb_error err = {0};
    static const float x[100000];
    FILE *full = fopen("/dev/full", "w");
    if (!full) skip();
    fclose(full);
    assert_status(tb_audio_write("/dev/full", TB_AUDIO_WAV, x, 100000, 1, RATE_HZ, &err), TB_FULL);
}

TB_TESTS(encode, cmocka_unit_test(samples_come_back_from_each_format),
         cmocka_unit_test(what_is_too_loud_is_clipped_and_what_is_no_number_is_silent),
         cmocka_unit_test(what_cannot_be_written_says_so), cmocka_unit_test(a_full_disk_is_told))
