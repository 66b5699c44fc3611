// SPDX-License-Identifier: MIT
/* The curve of onset strengths, its tempo, and the phases of beat and bar with the largest sum. */
#include "train/beat_grid.h"

#include "base/alloc.h"
#include "dsp/onset.h"
#include "dsp/tempogram.h"
#include "model/frames.h"
#include "model/model.h"

#include <math.h>

enum { BEATS_PER_BAR = 4, TEMPO_STEP = 43, N_PHASES = 64 };
static const double frame_rate_hz = (double)TB_MODEL_RATE_HZ / TB_FRAMES_HOP, unknown_bpm = 120;
static const float onset_floor_db = -50;

typedef struct listening {
    tb_onset *onset;
    float *curve;
    size_t n, capacity;
} listening;

static tb_status take_long_frame(void *context, const tb_long_frame *frame, tb_error *err)
{
    (void)context;
    (void)frame;
    (void)err;
    return TB_OK;
}

static tb_status take_frame(void *context, const tb_frame *frame, tb_error *err)
{
    listening *l = context;
    float mel_db[TB_FRAMES_MELS];
    (void)err;
    for (size_t i = 0; i < TB_FRAMES_MELS; i++) mel_db[i] = fmaxf(frame->mel_db[i], onset_floor_db);
    const float strength = tb_onset_push(l->onset, mel_db);
    if (l->n < l->capacity) l->curve[l->n++] = strength;
    return TB_OK;
}

static float curve_at(const listening *l, double frame)
{
    const size_t at = (size_t)(frame + 0.5);
    float best = 0;
    for (size_t i = at ? at - 1 : 0; i <= at + 1 && i < l->n; i++) best = fmaxf(best, l->curve[i]);
    return best;
}

/* Phase in frames, 0 to below `period`, whose grid meets the most. */
static double find_phase(const listening *l, double period)
{
    double best = -1, phase = 0;
    for (int k = 0; k < N_PHASES; k++) {
        double sum = 0;
        for (double at = period * k / N_PHASES; at < (double)l->n; at += period)
            sum += (double)curve_at(l, at);
        if (sum > best) best = sum, phase = period * k / N_PHASES;
    }
    return phase;
}

static size_t find_downbeat(const listening *l, double phase, double period)
{
    double best = -1;
    size_t downbeat = 0;
    for (size_t k = 0; k < BEATS_PER_BAR; k++) {
        double sum = 0;
        for (double at = phase + (double)k * period; at < (double)l->n; at += BEATS_PER_BAR * period)
            sum += (double)curve_at(l, at);
        if (sum > best) best = sum, downbeat = k;
    }
    return downbeat;
}

static tb_status lay_grid(const listening *l, double tempo_bpm, double seconds, tb_beat_grid *grid,
                          tb_error *err)
{
    const double period = 60 / tempo_bpm * frame_rate_hz, phase = find_phase(l, period);
    const size_t downbeat = find_downbeat(l, phase, period), most = (size_t)(seconds * tempo_bpm / 60) + 2;
    grid->beats_s = tb_alloc(most, sizeof *grid->beats_s);
    grid->bars_s = tb_alloc(most, sizeof *grid->bars_s);
    if (!grid->beats_s || !grid->bars_s)
        return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu beats", most);
    for (size_t k = 0; k < most; k++) {
        const double at = (phase + (double)k * period) / frame_rate_hz;
        if (at >= seconds) break;
        grid->beats_s[grid->n_beats++] = at;
        if (k % BEATS_PER_BAR == downbeat) grid->bars_s[grid->n_bars++] = at;
    }
    return TB_OK;
}

tb_status tb_beat_grid_find(const float *mono, size_t n, tb_beat_grid *grid, tb_error *err)
{
    tb_status status = TB_OK;
    listening l = {.capacity = n / TB_FRAMES_HOP + 2};
    const tb_frame_sink sink = {take_long_frame, take_frame, &l};
    tb_frames *frames = NULL;
    tb_tempogram *tempogram = NULL;
    tb_tempo tempo = {0};
    tb_beat_grid made = {0};
    if (!(l.curve = tb_alloc(l.capacity, sizeof *l.curve)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for onsets");
    TB_TRY(tb_onset_new(TB_FRAMES_MELS, 1, 1, &l.onset, err));
    TB_TRY(tb_tempogram_new(&(tb_tempogram_config){.frame_rate_hz = frame_rate_hz}, &tempogram, err));
    TB_TRY(tb_frames_new(&sink, &frames, err));
    TB_TRY(tb_frames_push(frames, mono, n, err));
    TB_TRY(tb_frames_finish(frames, err));
    tb_tempo_estimate(tempogram, l.curve, l.n, TEMPO_STEP, &tempo);
    made.known = tempo.known && tempo.bpm >= 20 && tempo.bpm <= 1000;
    made.tempo_bpm = made.known ? tempo.bpm : unknown_bpm;
    TB_TRY(lay_grid(&l, made.tempo_bpm, (double)n / TB_MODEL_RATE_HZ, &made, err));
    *grid = made;
    made = (tb_beat_grid){0};
out:
    tb_beat_grid_clear(&made);
    tb_frames_free(frames);
    tb_tempogram_free(tempogram);
    tb_onset_free(l.onset);
    tb_free(l.curve);
    return status;
}

void tb_beat_grid_clear(tb_beat_grid *grid)
{
    tb_free(grid->beats_s);
    tb_free(grid->bars_s);
    *grid = (tb_beat_grid){0};
}
