// SPDX-License-Identifier: MIT
#include "audio/stream.h"
#include "base/alloc.h"
#include "support/testing.h"
#include "unit/audio/audio_fixtures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static tb_error err;

typedef struct collector {
    int n_starts, n_natives, n_monos;
    tb_decoder_info info;
    float *native, *mono; /* NULL: only counted */
    int64_t n_native, n_mono;
    tb_status fails; /* what on_native returns */
} collector;

static tb_status on_start(void *context, const tb_decoder_info *info, tb_error *error)
{
    (void)error;
    collector *self = context;
    assert_int_equal(self->n_starts++ + self->n_natives + self->n_monos, 0);
    self->info = *info;
    return TB_OK;
}

static tb_status on_native(void *context, const float *interleaved, size_t n_frames, int n_channels,
                           int rate_hz, tb_error *error)
{
    collector *self = context;
    const size_t n = n_frames * (size_t)n_channels;
    assert_int_equal(n_channels, self->info.n_channels);
    assert_int_equal(rate_hz, self->info.rate_hz);
    assert_true(n_frames > 0);
    if (self->fails) return tb_error_set(error, self->fails, "the consumer has had enough");
    if (self->native) memcpy(self->native + self->n_native * n_channels, interleaved, n * sizeof(float));
    self->n_native += (int64_t)n_frames;
    self->n_natives++;
    return TB_OK;
}

static tb_status on_mono(void *context, const float *mono, size_t n, tb_error *error)
{
    (void)error;
    collector *self = context;
    assert_true(n > 0);
    if (self->mono) memcpy(self->mono + self->n_mono, mono, n * sizeof(float));
    self->n_mono += (int64_t)n;
    self->n_monos++;
    return TB_OK;
}

static tb_audio_sink sink_of(collector *self)
{
    return (tb_audio_sink){self, on_start, on_native, on_mono};
}

static tb_status run_fixture(const fixture *made, const tb_audio_options *options, collector *self,
                             tb_audio_result *result)
{
    tb_decoder *decoder = NULL;
    const tb_audio_sink sink = sink_of(self);
    assert_ok(tb_decoder_open_memory(made->bytes, made->size, NULL, &decoder, &err));
    const tb_status status = tb_audio_stream_run(decoder, options, &sink, result, &err);
    tb_decoder_close(decoder);
    return status;
}

static void one_pass_gives_native_mono_and_identity(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 2, 100000);
    float *signal = fixture_signal(44100, 2, 100000);
    collector self = {.native = malloc(200000 * sizeof(float)), .mono = malloc(100000 * sizeof(float))};
    const tb_audio_options options = {.mono_rate_hz = 22050};
    tb_audio_result result;
    assert_ok(run_fixture(&made, &options, &self, &result));
    assert_int_equal(self.n_starts, 1);
    assert_int_equal(self.n_native, 100000);
    assert_int_equal(result.n_frames, 100000);
    assert_near(result.duration_s, 100000.0 / 44100, 1e-9);
    assert_int_equal(result.n_mono, 50000);
    assert_int_equal(self.n_mono, 50000);
    assert_true(result.has_identity);
    assert_false(result.info.truncated);
    assert_memory_equal(self.native, signal, 200000 * sizeof(float));
    free(self.native);
    free(self.mono);
    free(signal);
    fixture_free(&made);
}

static void mono_at_rate_0_is_the_mean_of_the_channels(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 32000, 2, 20000);
    float *signal = fixture_signal(32000, 2, 20000);
    collector self = {.mono = malloc(20000 * sizeof(float))};
    const tb_audio_options options = {.skip_identity = true};
    tb_audio_result result;
    assert_ok(run_fixture(&made, &options, &self, &result));
    assert_false(result.has_identity);
    assert_int_equal(self.n_mono, 20000);
    for (size_t i = 0; i < 20000; i++)
        assert_near(self.mono[i], (signal[2 * i] + signal[2 * i + 1]) / 2, 1e-7);
    free(self.mono);
    free(signal);
    fixture_free(&made);
}

static void a_passage_is_the_same_as_cut_from_the_whole(void **state)
{
    (void)state;
    for (size_t k = 0; k < n_fixture_kinds; k++) {
        const fixture_kind *kind = &fixture_kinds[k];
        const size_t n_channels = (size_t)kind->n_channels;
        fixture made = fixture_of_kind(kind, (size_t)kind->rate_hz * 3);
        if (!made.bytes || strcmp(kind->suffix, "tone.wma") == 0) { /* its times are milliseconds */
            fixture_free(&made);
            continue;
        }
        collector whole = {.native = calloc((size_t)kind->rate_hz * 4 * n_channels, sizeof(float))};
        collector part = {.native = calloc((size_t)kind->rate_hz * 4 * n_channels, sizeof(float))};
        const tb_audio_options all = {0}, passage = {.start_s = 0.4, .duration_s = 0.3};
        tb_audio_result result;
        assert_ok(run_fixture(&made, &all, &whole, &result));
        assert_ok(run_fixture(&made, &passage, &part, &result));
        assert_false(result.has_identity);
        assert_near(result.duration_s, 0.3, 1e-4);
        const size_t at = (size_t)(0.4 * kind->rate_hz + 0.5);
        for (size_t i = 0; i < (size_t)part.n_native * n_channels; i++)
            if (fabsf(part.native[i] - whole.native[at * n_channels + i]) > 1e-4f)
                fail_msg("%s: sample %zu of the passage differs", kind->name, i);
        free(whole.native);
        free(part.native);
        fixture_free(&made);
    }
}

static void a_passage_may_reach_past_the_end_but_not_start_there(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 1, 44100);
    collector self = {0};
    tb_audio_result result;
    const tb_audio_options reaching = {.start_s = 0.5, .duration_s = 10}, behind = {.start_s = 5};
    assert_ok(run_fixture(&made, &reaching, &self, &result));
    assert_near(result.duration_s, 0.5, 1e-9);
    self = (collector){0};
    assert_status(run_fixture(&made, &behind, &self, &result), TB_INVALID);
    assert_non_null(strstr(err.message, "behind the end"));
    fixture_free(&made);
}

static void options_out_of_range_are_refused(void **state)
{
    (void)state;
    static const tb_audio_options wrong[] = {{.mono_rate_hz = 10}, {.mono_rate_hz = -1}, {.start_s = -1},
                                             {.start_s = NAN}, {.duration_s = -1}, {.duration_s = NAN},
                                             {.max_duration_s = -1}, {.start_s = INFINITY}};
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 1, 1000);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        collector self = {0};
        tb_audio_result result;
        assert_status(run_fixture(&made, &wrong[i], &self, &result), TB_INVALID);
        assert_int_equal(self.n_native, 0);
    }
    fixture_free(&made);
}

static void too_long_audio_is_refused(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_FLAC | SF_FORMAT_PCM_16, 44100, 1, 88200);
    const tb_audio_options tight = {.max_duration_s = 1.0}, exact = {.max_duration_s = 2.0};
    const tb_audio_options passage = {.max_duration_s = 1.0, .start_s = 1.2};
    collector self = {0};
    tb_audio_result result;
    assert_status(run_fixture(&made, &tight, &self, &result), TB_TOO_LARGE);
    assert_int_equal(self.n_native, 0); /* the header told */
    assert_ok(run_fixture(&made, &exact, &self, &result));
    self = (collector){0};
    assert_ok(run_fixture(&made, &passage, &self, &result));
    memset(made.bytes + 8 + 14, 0, 4); /* a header that does not tell */
    made.bytes[8 + 13] &= 0xf0;
    self = (collector){0};
    assert_status(run_fixture(&made, &tight, &self, &result), TB_TOO_LARGE);
    assert_true(self.n_native > 0 && self.n_native <= 44100);
    fixture_free(&made);
}

static bool cancel_after_three(void *context)
{
    return ++*(int *)context > 3;
}

static void cancelling_ends_the_run(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 400000);
    int n_calls = 0;
    const tb_audio_options options = {.cancelled = cancel_after_three, .cancel_context = &n_calls};
    collector self = {0};
    tb_audio_result result = {.n_frames = -7};
    assert_status(run_fixture(&made, &options, &self, &result), TB_CANCELLED);
    assert_int_equal(self.n_natives, 3);
    assert_int_equal(result.n_frames, -7);
    fixture_free(&made);
}

static void a_consumer_ends_the_run_with_its_own_error(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 40000);
    collector self = {.fails = TB_FULL};
    const tb_audio_options options = {0};
    tb_audio_result result;
    assert_status(run_fixture(&made, &options, &self, &result), TB_FULL);
    assert_string_equal(err.message, "the consumer has had enough");
    fixture_free(&made);
}

static void silence_stays_silence(void **state)
{
    (void)state;
    static float silence[2 * 50000];
    fixture made = fixture_encode(SF_FORMAT_OGG | SF_FORMAT_VORBIS, 44100, 2, silence, 50000, NULL);
    collector self = {.mono = malloc(50000 * sizeof(float))};
    const tb_audio_options options = {.mono_rate_hz = 22050};
    tb_audio_result result;
    assert_ok(run_fixture(&made, &options, &self, &result));
    for (int64_t i = 0; i < self.n_mono; i++) assert_near(self.mono[i], 0, 1e-4);
    free(self.mono);
    fixture_free(&made);
}

/* A long WAV file that exists only as its header and a formula. */
static int64_t read_long_wav(const tb_audio_io *io, int64_t position, void *bytes, size_t size)
{
    const uint8_t *header = io->context;
    uint8_t *out = bytes;
    for (size_t i = 0; i < size; i++, position++) {
        if (position >= io->size_bytes) return (int64_t)i;
        out[i] = position < 44 ? header[position]
                               : (uint8_t)((position & 1) ? (position >> 9) & 15 : position * 7);
    }
    return (int64_t)size;
}

static double peak_memory_bytes(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024.0 * (double)usage.ru_maxrss;
}

static void put_le32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (uint8_t)(value >> (8 * i));
}

static int64_t run_long_wav(const uint8_t *header, double seconds)
{
    uint8_t own[44];
    memcpy(own, header, sizeof own);
    const uint32_t size = (uint32_t)(seconds * 11025) * 2;
    put_le32(own + 4, size + 36);
    put_le32(own + 40, size);
    const tb_audio_io io = {own, 44 + (int64_t)size, read_long_wav};
    tb_decoder *decoder = NULL;
    collector self = {0};
    const tb_audio_sink sink = sink_of(&self);
    const tb_audio_options options = {.mono_rate_hz = 8000};
    tb_audio_result result;
    assert_ok(tb_decoder_open_io(&io, NULL, &decoder, &err));
    assert_ok(tb_audio_stream_run(decoder, &options, &sink, &result, &err));
    tb_decoder_close(decoder);
    assert_near(result.duration_s, seconds, 1e-6);
    return result.n_mono;
}

static void three_hours_take_no_more_memory_than_three_minutes(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 11025, 1, 1);
    assert_int_equal(run_long_wav(made.bytes, 180), 180 * 8000);
    const double after_minutes = peak_memory_bytes();
    assert_int_equal(run_long_wav(made.bytes, 3 * 3600), 3 * 3600 * 8000);
    const double growth = peak_memory_bytes() - after_minutes;
    if (growth > 2e6) fail_msg("memory grew by %.0f bytes", growth);
    fixture_free(&made);
}

static void each_failing_allocation_is_reported(void **state)
{
    (void)state;
    fixture made = fixture_make(SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 2, 10000);
    tb_status status = TB_NO_MEMORY;
    size_t n;
    for (n = 1; n < 50 && status != TB_OK; n++) {
        tb_decoder *decoder = NULL;
        collector self = {0};
        const tb_audio_sink sink = sink_of(&self);
        const tb_audio_options options = {.mono_rate_hz = 22050};
        tb_audio_result result;
        assert_ok(tb_decoder_open_memory(made.bytes, made.size, NULL, &decoder, &err));
        tb_alloc_fail_after(n);
        status = tb_audio_stream_run(decoder, &options, &sink, &result, &err);
        tb_alloc_fail_after(0);
        if (status != TB_OK) assert_int_equal(status, TB_NO_MEMORY);
        tb_decoder_close(decoder);
    }
    assert_true(n > 4 && status == TB_OK);
    fixture_free(&made);
}

TB_TESTS(stream, cmocka_unit_test(one_pass_gives_native_mono_and_identity),
         cmocka_unit_test(mono_at_rate_0_is_the_mean_of_the_channels),
         cmocka_unit_test(a_passage_is_the_same_as_cut_from_the_whole),
         cmocka_unit_test(a_passage_may_reach_past_the_end_but_not_start_there),
         cmocka_unit_test(options_out_of_range_are_refused), cmocka_unit_test(too_long_audio_is_refused),
         cmocka_unit_test(cancelling_ends_the_run),
         cmocka_unit_test(a_consumer_ends_the_run_with_its_own_error),
         cmocka_unit_test(silence_stays_silence),
         cmocka_unit_test(three_hours_take_no_more_memory_than_three_minutes),
         cmocka_unit_test(each_failing_allocation_is_reported))
