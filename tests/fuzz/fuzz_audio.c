// SPDX-License-Identifier: MIT
/* Fuzz target: any bytes as an audio file, through decoder, seeking, one-pass stream and tags.
 *
 * For libFuzzer (clang):
 *
 *     ./configure CC=clang --enable-asan --enable-ubsan && make tests/fuzz/fuzz-audio
 *     tests/fuzz/fuzz-audio -max_len=20000 NEW_CORPUS tests/fuzz/corpus/audio tests/golden/audio
 *
 * The corpus is replayed by `make check` as the unit test "fuzz audio".  A file that once went wrong is added
 * to it, under a name that says what it is. */
#include "fuzz/fuzz_audio.h"

#include "audio/stream.h"
#include "audio/tags.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FRAMES = 200000 };

static void require(bool condition)
{
    if (!condition) abort();
}

typedef struct totals {
    int64_t n_native, n_mono;
} totals;

static tb_status take_native(void *context, const float *interleaved, size_t n_frames, int n_channels,
                             int rate_hz, tb_error *err)
{
    totals *self = context;
    (void)rate_hz;
    self->n_native += (int64_t)n_frames;
    for (size_t i = 0; i < n_frames * (size_t)n_channels; i++)
        require(fabsf(interleaved[i]) <= TB_DECODER_MAX_SAMPLE);
    return self->n_native > MAX_FRAMES ? tb_error_set(err, TB_CANCELLED, "enough") : TB_OK;
}

static tb_status take_mono(void *context, const float *mono, size_t n, tb_error *err)
{
    totals *self = context;
    (void)err;
    self->n_mono += (int64_t)n;
    for (size_t i = 0; i < n; i++) require(isfinite(mono[i]));
    return TB_OK;
}

static void run_stream(const uint8_t *bytes, size_t size, const tb_audio_options *options)
{
    totals got = {0};
    tb_error err = {0};
    tb_decoder *decoder = NULL;
    tb_audio_result result;
    const tb_audio_sink sink = {&got, NULL, take_native, take_mono};
    tb_status status = tb_decoder_open_memory(bytes, size, NULL, &decoder, &err);
    if (status == TB_OK) {
        status = tb_audio_stream_run(decoder, options, &sink, &result, &err);
        if (status == TB_OK) require(result.n_frames > 0 && isfinite(result.duration_s));
    }
    if (status != TB_OK)
        require(err.code == status && *err.message && tb_utf8_valid(err.message, strlen(err.message)));
    tb_decoder_close(decoder);
}

int tb_fuzz_audio(const uint8_t *bytes, size_t size)
{
    const tb_audio_options whole = {.mono_rate_hz = 22050}, passage = {.start_s = 0.3, .duration_s = 0.2};
    tb_tags tags;
    run_stream(bytes, size, &whole);
    run_stream(bytes, size, &passage);
    if (tb_tags_read_memory(bytes, size, &tags, NULL) == TB_OK) {
        if (tags.title) require(*tags.title && tb_utf8_valid(tags.title, strlen(tags.title)));
        tb_tags_clear(&tags);
    }
    return 0;
}

#ifdef TB_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    return tb_fuzz_audio(bytes, size);
}
#endif
