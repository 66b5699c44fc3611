// SPDX-License-Identifier: MIT
/* Serving: rows are gathered into windows that follow one another without overlap, and several windows go through
 * the network at once.  The last window ends with the last row; audio shorter than a window is repeated to fill one. */
#include "model/instruments.h"

#include "base/alloc.h"
#include "base/text.h"
#include "model/band_spectrum.h"
#include "model/model_internal.h"
#include "nn/network.h"

#include <string.h>

enum {
    BATCH = 8,     /* windows that go through the network at once */
    MIN_REST = 16, /* rows at the end that are worth a window of their own */
};

typedef struct instruments {
    tb_network *network; /* folded */
    tb_band_bank *bank;
    size_t n_bands;
    const float *mean, *deviation, *threshold;
} instruments;

typedef struct instruments_stream {
    const instruments *model;
    tb__segment_emit *emit;
    void *context;
    tb_band_rows *rows;
    tb_pass *pass;
    float *ring;                      /* the last TB_INSTRUMENTS_ROWS rows */
    float *samples, *power;           /* the first frame's, in case there is no row */
    float *inputs;                    /* BATCH windows */
    double start_s[BATCH], duration_s[BATCH];
    bool sounds[BATCH];
    size_t n_waiting;                 /* windows in the batch */
    size_t n_rows, end;               /* rows so far; row behind the last window */
    float vector[TB_INSTRUMENTS_DIM], presence[TB_INSTRUMENTS_PARTS];
} instruments_stream;

static void unload(void *state)
{
    instruments *model = state;
    if (model == NULL) return;
    tb_network_free(model->network);
    tb_band_bank_free(model->bank);
    tb_free(model);
}

/* The network must take windows of these bands and give what tb_instruments_output reads. */
static tb_status check_shapes(const tb_network *network, size_t n_bands, tb_error *err)
{
    const tb_shape in = tb_network_input(network), out = tb_network_output(network);
    if (in.height != TB_INSTRUMENTS_ROWS || in.width != n_bands || in.channels != 1)
        return tb_error_set(err, TB_CORRUPT, "the network takes %zux%zux%zu numbers, windows have %dx%zux1", in.height, in.width,
                            in.channels, TB_INSTRUMENTS_ROWS, n_bands);
    if (tb_shape_values(out) != TB_INSTRUMENTS_OUTPUTS)
        return tb_error_set(err, TB_CORRUPT, "the network gives %zu numbers, not %d", tb_shape_values(out), TB_INSTRUMENTS_OUTPUTS);
    return TB_OK;
}

static tb_status load(const tb_model_file *file, tb_model *model, tb_error *err)
{
    tb_status status = TB_OK;
    tb_network *network = NULL;
    instruments *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for a model");
    const char *format = tb_model_file_metadata(file, "format"), *bands = tb_model_file_metadata(file, "bands");
    if (format == NULL || strcmp(format, TB_INSTRUMENTS_FORMAT) != 0)
        TB_FAIL(err, TB_UNSUPPORTED, "the model's format is \"%.20s\"; this version computes instruments of format %s",
                format == NULL ? "" : format, TB_INSTRUMENTS_FORMAT);
    int64_t n_bands = 0;
    if (bands == NULL || tb_parse_int(bands, TB_BANDS_MIN, TB_BANDS_MAX, &n_bands) != TB_OK)
        TB_FAIL(err, TB_CORRUPT, "the metadata \"bands\" is \"%.20s\", not a number from %d to %d", bands == NULL ? "" : bands, TB_BANDS_MIN,
                TB_BANDS_MAX);
    made->n_bands = (size_t)n_bands;
    TB_TRY(tb_band_bank_new(made->n_bands, &made->bank, err));
    TB_TRY(tb_model_file_get(file, "input.mean", 1, (size_t[]){made->n_bands}, &made->mean, err));
    TB_TRY(tb_model_file_get(file, "input.deviation", 1, (size_t[]){made->n_bands}, &made->deviation, err));
    for (size_t b = 0; b < made->n_bands; b++)
        if (!(made->deviation[b] > 1e-6f)) TB_FAIL(err, TB_CORRUPT, "the deviation of band %zu is not above 0", b);
    TB_TRY(tb_model_file_get(file, "presence.threshold", 1, (size_t[]){TB_INSTRUMENTS_PARTS}, &made->threshold, err));
    TB_TRY(tb_network_load(file, &network, err));
    TB_TRY(check_shapes(network, made->n_bands, err));
    TB_TRY(tb_network_fold(network, &made->network, err));
    tb_model_info *info = &model->info;
    info->dim = TB_INSTRUMENTS_DIM;
    info->n_parts = TB_INSTRUMENTS_PARTS;
    info->unit_length = true;
    info->hop_s = TB_INSTRUMENTS_ROWS / TB_BAND_ROWS_PER_S;
    info->window_s = info->hop_s + (double)(TB_FRAMES_SIZE - TB_FRAMES_HOP) / TB_MODEL_RATE_HZ;
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++)
        info->parts[p] = (tb_model_part){tb_instruments_part_name(p), p * TB_INSTRUMENTS_PART_DIM, TB_INSTRUMENTS_PART_DIM, 1};
    model->state = made;
    made = NULL;
out:
    tb_network_free(network);
    unload(made);
    return status;
}

static void stream_free(void *context)
{
    instruments_stream *stream = context;
    if (stream == NULL) return;
    tb_band_rows_free(stream->rows);
    tb_pass_free(stream->pass);
    tb_free(stream->ring);
    tb_free(stream->samples);
    tb_free(stream->power);
    tb_free(stream->inputs);
    tb_free(stream);
}

static tb_status stream_new(const tb_model *model, tb__segment_emit *emit, void *context, void **stream, tb_error *err)
{
    tb_status status = TB_OK;
    const instruments *state = model->state;
    instruments_stream *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for instruments");
    made->model = state;
    made->emit = emit;
    made->context = context;
    made->ring = tb_alloc(TB_INSTRUMENTS_ROWS * state->n_bands, sizeof *made->ring);
    made->samples = tb_alloc(TB_FRAMES_SIZE, sizeof *made->samples);
    made->power = tb_alloc(TB_FRAMES_BINS, sizeof *made->power);
    made->inputs = tb_alloc(BATCH * TB_INSTRUMENTS_ROWS * state->n_bands, sizeof *made->inputs);
    if (!made->ring || !made->samples || !made->power || !made->inputs) TB_FAIL(err, TB_NO_MEMORY, "no memory for instruments");
    TB_TRY(tb_band_rows_new(state->bank, &made->rows, err));
    TB_TRY(tb_pass_new(state->network, BATCH, false, &made->pass, err));
    *stream = made;
    made = NULL;
out:
    stream_free(made);
    return status;
}

static tb_status emit_waiting(instruments_stream *stream, tb_error *err)
{
    tb_status status = TB_OK;
    if (stream->n_waiting == 0) goto out;
    const float *outputs = tb_pass_forward(stream->pass, stream->inputs, stream->n_waiting);
    for (size_t i = 0; i < stream->n_waiting; i++) {
        if (stream->sounds[i]) {
            tb_instruments_output(outputs + i * TB_INSTRUMENTS_OUTPUTS, stream->model->threshold, stream->vector, stream->presence);
        } else {
            memset(stream->vector, 0, sizeof stream->vector);
            memset(stream->presence, 0, sizeof stream->presence);
        }
        TB_TRY(stream->emit(stream->context, stream->start_s[i], stream->duration_s[i], stream->vector, stream->presence, err));
    }
    stream->n_waiting = 0;
out:
    return status;
}

/* A window of the rows from `first`; the rows after the n-th repeat them.  n_samples: of audio shorter than a window,
 * else 0. */
static tb_status add_window(instruments_stream *stream, size_t first, size_t n, size_t n_samples, tb_error *err)
{
    const size_t n_bands = stream->model->n_bands, i = stream->n_waiting++;
    float *input = stream->inputs + i * TB_INSTRUMENTS_ROWS * n_bands;
    for (size_t t = 0; t < TB_INSTRUMENTS_ROWS; t++)
        memcpy(input + t * n_bands, stream->ring + (first + t % n) % TB_INSTRUMENTS_ROWS * n_bands, n_bands * sizeof *input);
    stream->sounds[i] = tb_instruments_input(input, n_bands, stream->model->mean, stream->model->deviation, input);
    stream->start_s[i] = (double)first / TB_BAND_ROWS_PER_S;
    stream->duration_s[i] =
        n_samples > 0 ? (double)n_samples / TB_MODEL_RATE_HZ
                      : TB_INSTRUMENTS_ROWS / TB_BAND_ROWS_PER_S + (double)(TB_FRAMES_SIZE - TB_FRAMES_HOP) / TB_MODEL_RATE_HZ;
    stream->end = first + TB_INSTRUMENTS_ROWS;
    return stream->n_waiting == BATCH ? emit_waiting(stream, err) : TB_OK;
}

static tb_status push_long(void *stream, const tb_long_frame *frame, tb_error *err)
{
    (void)stream, (void)frame, (void)err;
    return TB_OK;
}

static tb_status push(void *context, const tb_frame *frame, tb_error *err)
{
    instruments_stream *stream = context;
    const size_t n_bands = stream->model->n_bands;
    const float *row = tb_band_rows_push(stream->rows, frame->samples, frame->power);
    if (frame->index == 0) {
        memcpy(stream->samples, frame->samples, TB_FRAMES_SIZE * sizeof *stream->samples);
        memcpy(stream->power, frame->power, TB_FRAMES_BINS * sizeof *stream->power);
    }
    if (row == NULL) return TB_OK;
    memcpy(stream->ring + stream->n_rows++ % TB_INSTRUMENTS_ROWS * n_bands, row, n_bands * sizeof *row);
    if (stream->n_rows % TB_INSTRUMENTS_ROWS != 0) return TB_OK;
    return add_window(stream, stream->n_rows - TB_INSTRUMENTS_ROWS, TB_INSTRUMENTS_ROWS, 0, err);
}

static tb_status finish(void *context, size_t n_samples, tb_error *err)
{
    tb_status status = TB_OK;
    instruments_stream *stream = context;
    const size_t n_bands = stream->model->n_bands;
    if (n_samples == 0) goto out;
    if (stream->n_rows == 0) { /* one frame: it makes a row with itself */
        const float *row = NULL;
        while (row == NULL) row = tb_band_rows_push(stream->rows, stream->samples, stream->power);
        memcpy(stream->ring, row, n_bands * sizeof *row);
        stream->n_rows = 1;
    }
    if (stream->n_rows < TB_INSTRUMENTS_ROWS) {
        TB_TRY(add_window(stream, 0, stream->n_rows, n_samples, err));
    } else if (stream->n_rows - stream->end >= MIN_REST) {
        TB_TRY(add_window(stream, stream->n_rows - TB_INSTRUMENTS_ROWS, TB_INSTRUMENTS_ROWS, 0, err));
    }
    TB_TRY(emit_waiting(stream, err));
out:
    return status;
}

const tb__model_kind tb__instruments_kind = {"instruments", load, unload, stream_new, stream_free, push_long, push, finish};
