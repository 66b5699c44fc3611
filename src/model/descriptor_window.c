// SPDX-License-Identifier: MIT
/* The blocks of numbers in the order of the header's list.  All statistics run over the n frames of the window;
 * levels are in dB after cutting.  Loops keep the bands innermost, so that the compiler vectorises them. */
#include "model/descriptor_window.h"

#include "base/alloc.h"
#include "dsp/decibel.h"
#include "dsp/fft.h"
#include "dsp/mfcc.h"
#include "model/model.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
    N = TB_DESCRIPTOR_FRAMES,
    MELS = TB_FRAMES_MELS,
    WIDE = 16, /* bands of 8 mels */
    WIDE_MELS = MELS / WIDE,
    MFCCS = 21, /* with the 0th */
    DELTAS = 20,
    CORRELATED = 13,
    CURVES = 5, /* onset strength: all mels, then quarters of them */
    CURVE_MELS = MELS / (CURVES - 1),
    LAGS = 48,
    FIRST_LAG = 5, /* frames: 0.12 s */
    LAST_LAG = 86, /* 2 s */
    MODULATION_FFT = 512,
    MODULATION_BANDS = 12,
    CELLS = TB_PITCH_CELLS,
    OCTAVE = TB_PITCH_CELLS_PER_OCTAVE,
};
_Static_assert(N <= MODULATION_FFT, "the window fits the FFT of the modulation");

static const float RANGE_DB = 70, LOWEST_DB = -120; /* of mel bands */
static const float SILENCE = 1e-8f;                 /* mean square: -80 dBFS */
static const float TONE_RANGE = 1e-3f;              /* a long frame has pitch above this share of the strongest */
static const float FULL_TONALITY = 0.05f; /* where presence of harmony reaches 1; bare drums have 0.01, but white noise 0.13 */
static const float FULL_ONSETS_DB = 0.2f;           /* the same for rhythm: mean onset strength */
static const double MODULATION_LOW_HZ = 0.4, MODULATION_HIGH_HZ = 16;

struct tb_descriptor_window {
    float db[N][MELS], mel[N][MELS];
    float level[N];
    float pitch[TB_DESCRIPTOR_LONG_FRAMES][CELLS]; /* square roots, later shares of their sum */
    float tonality[TB_DESCRIPTOR_LONG_FRAMES];

    float wide[N][WIDE];
    float onsets[N][8]; /* CURVES, padded to a vector */
    float mfcc[N][MFCCS];
    float frame_db[N];

    tb_mfcc *dct;
    tb_fft *fft;
    float *fft_in, *fft_out;
    size_t modulation_edges[MODULATION_BANDS + 1]; /* bins */
    struct {
        size_t low;
        float share; /* of low + 1 */
    } lags[LAGS];
};

static const tb_descriptor_part_info part_infos[] = {
    [TB_DESCRIPTOR_TIMBRE] = {"timbre", 0, 194, 0, 128},
    [TB_DESCRIPTOR_HARMONY] = {"harmony", 194, 119, 128, 96},
    [TB_DESCRIPTOR_RHYTHM] = {"rhythm", 313, 432, 224, 128},
    [TB_DESCRIPTOR_DYNAMICS] = {"dynamics", 745, 89, 352, 64},
};
_Static_assert(TB_DESCRIPTOR_RAW_DIM == 745 + 89 && TB_DESCRIPTOR_DIM == 352 + 64, "the table follows the list");

const tb_descriptor_part_info *tb_descriptor_part_get_info(tb_descriptor_part part)
{
    return &part_infos[part];
}

static void fill_tables(tb_descriptor_window *window)
{
    const double bin_hz = (double)TB_MODEL_RATE_HZ / TB_FRAMES_HOP / MODULATION_FFT;
    for (int i = 0; i <= MODULATION_BANDS; i++) {
        const double hz = MODULATION_LOW_HZ * pow(MODULATION_HIGH_HZ / MODULATION_LOW_HZ, (double)i / MODULATION_BANDS);
        window->modulation_edges[i] = (size_t)ceil(hz / bin_hz);
    }
    for (int i = 0; i < LAGS; i++) {
        double lag = FIRST_LAG * pow((double)LAST_LAG / FIRST_LAG, (double)i / (LAGS - 1));
        if (i == LAGS - 1) lag = LAST_LAG;
        window->lags[i].low = (size_t)lag;
        window->lags[i].share = (float)(lag - floor(lag));
    }
}

tb_status tb_descriptor_window_new(tb_descriptor_window **window, tb_error *err)
{
    tb_status status = TB_OK;
    tb_descriptor_window *made = tb_alloc_aligned(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for descriptors");
    fill_tables(made);
    made->fft_in = tb_alloc_aligned(MODULATION_FFT, sizeof(float));
    made->fft_out = tb_alloc_aligned(MODULATION_FFT + 2, sizeof(float));
    if (made->fft_in == NULL || made->fft_out == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for descriptors");
    TB_TRY(tb_fft_new(MODULATION_FFT, &made->fft, err));
    TB_TRY(tb_mfcc_new(MELS, MFCCS, &made->dct, err));
    *window = made;
    made = NULL;
out:
    tb_descriptor_window_free(made);
    return status;
}

void tb_descriptor_window_free(tb_descriptor_window *window)
{
    if (window == NULL) return;
    tb_mfcc_free(window->dct);
    tb_fft_free(window->fft);
    tb_free(window->fft_in);
    tb_free(window->fft_out);
    tb_free(window);
}

void tb_descriptor_window_set_frame(tb_descriptor_window *window, size_t t, const float *mel, const float *mel_db, float level)
{
    assert(t < N);
    memcpy(window->mel[t], mel, sizeof window->mel[t]);
    memcpy(window->db[t], mel_db, sizeof window->db[t]);
    window->level[t] = level;
}

void tb_descriptor_window_set_long_frame(tb_descriptor_window *window, size_t t, const tb_pitch_profile *pitch)
{
    assert(t < TB_DESCRIPTOR_LONG_FRAMES);
    memcpy(window->pitch[t], pitch->power, sizeof window->pitch[t]);
    window->tonality[t] = pitch->tonality;
}

/* --- what the parts share ----------------------------------------------------------------------- */

/* Cuts at RANGE_DB below the maximum; returns the floor. */
static float cut_levels(tb_descriptor_window *window, size_t n)
{
    float top = LOWEST_DB;
    for (size_t t = 0; t < n; t++) {
        const float here = tb_db_max(window->db[t], MELS);
        if (here > top) top = here;
    }
    const float floor_db = top - RANGE_DB > LOWEST_DB ? top - RANGE_DB : LOWEST_DB;
    for (size_t t = 0; t < n; t++) tb_db_floor(window->db[t], MELS, floor_db);
    return floor_db;
}

static void compute_wide_bands(tb_descriptor_window *window, size_t n)
{
    for (size_t t = 0; t < n; t++) {
        for (size_t b = 0; b < WIDE; b++) {
            float sum = 0;
            for (size_t i = 0; i < WIDE_MELS; i++) sum += window->db[t][b * WIDE_MELS + i];
            window->wide[t][b] = sum / WIDE_MELS;
        }
    }
}

/* Mean over the bands of what they rose since the frame before; the first frame has no rise. */
static void compute_onsets(tb_descriptor_window *window, size_t n)
{
    memset(window->onsets[0], 0, sizeof window->onsets[0]);
    for (size_t t = 1; t < n; t++) {
        float rise[MELS], sums[CURVES] = {0};
        for (size_t m = 0; m < MELS; m++) {
            const float difference = window->db[t][m] - window->db[t - 1][m];
            rise[m] = difference > 0 ? difference : 0;
        }
        for (size_t c = 1; c < CURVES; c++) {
            for (size_t i = 0; i < CURVE_MELS; i++) sums[c] += rise[(c - 1) * CURVE_MELS + i];
            sums[0] += sums[c];
        }
        memset(window->onsets[t], 0, sizeof window->onsets[t]);
        window->onsets[t][0] = sums[0] / MELS;
        for (size_t c = 1; c < CURVES; c++) window->onsets[t][c] = sums[c] / CURVE_MELS;
    }
}

/* Mean over n rows of `width` columns, rows `stride` apart. */
static void compute_means(const float *rows, size_t stride, size_t n, size_t width, float *means)
{
    memset(means, 0, width * sizeof *means);
    for (size_t t = 0; t < n; t++)
        for (size_t i = 0; i < width; i++) means[i] += rows[t * stride + i];
    for (size_t i = 0; i < width; i++) means[i] /= (float)n;
}

/* --- timbre -------------------------------------------------------------------------------------- */

static float *put_timbre(tb_descriptor_window *window, size_t n, const float *mean_db, const float *db_of_mean, float *out)
{
    float center = 0;
    for (size_t m = 0; m < MELS; m++) center += mean_db[m];
    center /= MELS;
    for (size_t m = 0; m < MELS; m += 2) *out++ = (mean_db[m] + mean_db[m + 1]) / 2 - center;

    for (size_t t = 0; t < n; t++) tb_mfcc_compute(window->dct, window->db[t], window->mfcc[t]);
    float movement[MFCCS] = {0};
    for (size_t t = 1; t < n; t++)
        for (size_t i = 0; i < MFCCS; i++) movement[i] += fabsf(window->mfcc[t][i] - window->mfcc[t - 1][i]);
    for (size_t i = 1; i <= DELTAS; i++) *out++ = n > 1 ? movement[i] / (float)(n - 1) : 0;

    float means[MFCCS], products[CORRELATED][CORRELATED] = {{0}}, deviations[CORRELATED];
    compute_means(window->mfcc[0], MFCCS, n, MFCCS, means);
    for (size_t t = 0; t < n; t++) {
        float centred[CORRELATED];
        for (size_t i = 0; i < CORRELATED; i++) centred[i] = window->mfcc[t][i + 1] - means[i + 1];
        for (size_t i = 0; i < CORRELATED; i++)
            for (size_t j = 0; j < CORRELATED; j++) products[i][j] += centred[i] * centred[j];
    }
    for (size_t i = 0; i < CORRELATED; i++) deviations[i] = sqrtf(products[i][i] / (float)n) + 1; /* 1 dB: still spectra correlate with nothing */
    for (size_t i = 0; i < CORRELATED; i++)
        for (size_t j = i + 1; j < CORRELATED; j++) *out++ = products[i][j] / (float)n / (deviations[i] * deviations[j]);

    for (size_t m = 0; m < MELS; m += 4)
        *out++ = (db_of_mean[m] + db_of_mean[m + 1] + db_of_mean[m + 2] + db_of_mean[m + 3]) / 4 - center;
    return out;
}

/* --- harmony ------------------------------------------------------------------------------------- */

/* Powers become shares of the sum of their square roots; frames without pitch zeros.  Returns how many have pitch. */
static size_t normalize_pitch(tb_descriptor_window *window, size_t n)
{
    float sums[TB_DESCRIPTOR_LONG_FRAMES], strongest = 0;
    size_t n_tonal = 0;
    for (size_t t = 0; t < n; t++) {
        sums[t] = 0;
        for (size_t c = 0; c < CELLS; c++) {
            window->pitch[t][c] = sqrtf(window->pitch[t][c]);
            sums[t] += window->pitch[t][c];
        }
        if (sums[t] > strongest) strongest = sums[t];
    }
    for (size_t t = 0; t < n; t++) {
        const bool tonal = sums[t] > 0 && sums[t] >= TONE_RANGE * strongest;
        n_tonal += tonal;
        for (size_t c = 0; c < CELLS; c++) window->pitch[t][c] = tonal ? window->pitch[t][c] / sums[t] : 0;
    }
    return n_tonal;
}

/* Semitone classes, each the sum of its cell and the two beside it. */
static void fold_semitones(const float thirds[OCTAVE], float classes[12])
{
    for (size_t i = 0; i < 12; i++)
        classes[i] = thirds[(3 * i + OCTAVE - 1) % OCTAVE] + thirds[3 * i] + thirds[3 * i + 1];
}

/* How often classes an interval of 0 … 6 semitones apart sound in the same frame. */
static void add_intervals(const float classes[12], float intervals[7])
{
    float square = 0;
    for (size_t i = 0; i < 12; i++) square += classes[i] * classes[i];
    if (!(square > 0)) return;
    for (size_t k = 0; k < 7; k++) {
        float sum = 0;
        for (size_t i = 0; i < 12; i++) sum += classes[i] * classes[(i + k) % 12];
        intervals[k] += sum / square;
    }
}

static float *put_harmony(tb_descriptor_window *window, size_t n, float *out)
{
    const size_t n_tonal = normalize_pitch(window, n);
    float means[CELLS], thirds[OCTAVE] = {0}, intervals[7] = {0}, last[12] = {0};
    double change = 0, change_squares = 0, entropy = 0;
    compute_means(window->pitch[0], CELLS, n, CELLS, means);
    for (size_t t = 0; t < n; t++) {
        float folded[OCTAVE] = {0}, classes[12], distance = 0;
        for (size_t c = 0; c < CELLS; c++) folded[c % OCTAVE] += window->pitch[t][c];
        fold_semitones(folded, classes);
        add_intervals(classes, intervals);
        for (size_t i = 0; i < 12; i++) {
            distance += fabsf(classes[i] - last[i]);
            last[i] = classes[i];
        }
        if (t > 0) {
            change += (double)distance;
            change_squares += (double)distance * (double)distance;
        }
    }
    for (size_t s = 0; s < CELLS / 3; s++) *out++ = sqrtf(means[3 * s] + means[3 * s + 1] + means[3 * s + 2]);
    for (size_t c = 0; c < CELLS; c++) thirds[c % OCTAVE] += means[c];
    for (size_t i = 0; i < OCTAVE; i++) {
        *out++ = sqrtf(thirds[i]);
        entropy -= (double)thirds[i] * log((double)thirds[i] + 1e-9);
    }
    for (size_t k = 0; k < 7; k++) *out++ = intervals[k] / (float)n;
    const double n_changes = n > 1 ? (double)(n - 1) : 1, mean_change = change / n_changes;
    const double variance = change_squares / n_changes - mean_change * mean_change;
    *out++ = (float)mean_change;
    *out++ = variance > 0 ? (float)sqrt(variance) : 0;
    *out++ = (float)n_tonal / (float)n;
    *out++ = (float)entropy;
    return out;
}

/* --- rhythm -------------------------------------------------------------------------------------- */

/* Autocorrelation of each onset curve at lags on a logarithmic scale, relative to lag 0. */
static float *put_onset_autocorrelation(tb_descriptor_window *window, size_t n, float *out)
{
    float means[8], correlations[LAST_LAG + 2][8] = {{0}}, total[8] = {0};
    compute_means(window->onsets[0], 8, n, 8, means);
    for (size_t t = 0; t < n; t++) {
        for (size_t c = 0; c < 8; c++) {
            window->onsets[t][c] -= means[c];
            total[c] += window->onsets[t][c] * window->onsets[t][c];
        }
    }
    for (size_t lag = FIRST_LAG; lag <= LAST_LAG + 1 && lag < n; lag++)
        for (size_t t = lag; t < n; t++)
            for (size_t c = 0; c < 8; c++) correlations[lag][c] += window->onsets[t][c] * window->onsets[t - lag][c];
    for (size_t lag = FIRST_LAG; lag <= LAST_LAG + 1; lag++) {
        /* long lags have fewer products; in windows hardly longer than the lag that is not made up for in full */
        const float overlap = 1 - (float)lag / (float)(n > 91 ? n : 91), fill = overlap > 0.1f ? overlap : 0.1f;
        for (size_t c = 0; c < 8; c++) correlations[lag][c] /= (total[c] + 1e-6f * (float)n) * fill;
    }
    for (size_t c = 0; c < CURVES; c++) {
        for (size_t i = 0; i < LAGS; i++) {
            const float *low = correlations[window->lags[i].low], share = window->lags[i].share;
            *out++ = low[c] * (1 - share) + low[8 + c] * share;
        }
    }
    return out;
}

static float *put_modulation(tb_descriptor_window *window, size_t n, float *out)
{
    float means[WIDE], hann[N], weight = 0;
    compute_means(window->wide[0], WIDE, n, WIDE, means);
    for (size_t t = 0; t < n; t++) { /* without the zeros at its ends */
        hann[t] = (float)(0.5 - 0.5 * cos(2 * 3.14159265358979323846 * (double)(t + 1) / (double)(n + 1)));
        weight += hann[t] * hann[t];
    }
    for (size_t b = 0; b < WIDE; b++) {
        for (size_t t = 0; t < n; t++) window->fft_in[t] = (window->wide[t][b] - means[b]) * hann[t];
        memset(window->fft_in + n, 0, (MODULATION_FFT - n) * sizeof(float));
        tb_fft_forward(window->fft, window->fft_in, window->fft_out);
        for (size_t i = 0; i < MODULATION_BANDS; i++) {
            const size_t begin = window->modulation_edges[i], end = window->modulation_edges[i + 1];
            float sum = 0;
            for (size_t k = begin; k < end; k++)
                sum += window->fft_out[2 * k] * window->fft_out[2 * k] + window->fft_out[2 * k + 1] * window->fft_out[2 * k + 1];
            out[i * WIDE + b] = log10f(sum / weight / (float)(end - begin) + 0.01f);
        }
    }
    return out + WIDE * MODULATION_BANDS;
}

/* --- dynamics ------------------------------------------------------------------------------------ */

static int compare_floats(const void *left, const void *right)
{
    const float a = *(const float *)left, b = *(const float *)right;
    return (a > b) - (a < b);
}

static float *put_levels(tb_descriptor_window *window, size_t n, float floor_db, float *out)
{
    static const float percentiles[] = {0.02f, 0.10f, 0.25f, 0.50f, 0.75f, 0.90f, 0.98f};
    float *levels = window->frame_db;
    double mean = 0, squares = 0, movement = 0;
    for (size_t t = 0; t < n; t++) {
        levels[t] = 0;
        for (size_t m = 0; m < MELS; m++) levels[t] += window->mel[t][m];
    }
    tb_power_to_db(levels, n, 1e-20f, levels);
    tb_db_floor(levels, n, floor_db + 10 * log10f(MELS));
    for (size_t t = 0; t < n; t++) mean += (double)levels[t];
    mean /= (double)n;
    for (size_t t = 0; t < n; t++) {
        const double distance = (double)levels[t] - mean;
        squares += distance * distance;
        if (t > 0) movement += fabs((double)levels[t] - (double)levels[t - 1]);
    }
    qsort(levels, n, sizeof *levels, compare_floats);
    for (size_t i = 0; i < sizeof percentiles / sizeof *percentiles; i++) {
        const float at = percentiles[i] * (float)(n - 1);
        const size_t low = (size_t)at, high = low + 1 < n ? low + 1 : low;
        const float share = at - (float)low;
        *out++ = levels[low] * (1 - share) + levels[high] * share - (float)mean;
    }
    *out++ = (float)sqrt(squares / (double)n);
    *out++ = n > 1 ? (float)(movement / (double)(n - 1)) : 0;
    return out;
}

static float *put_band_dynamics(tb_descriptor_window *window, size_t n, const float *mean_db, const float *db_of_mean, float *out)
{
    float squares[MELS] = {0}, rises[WIDE] = {0}, rise_squares[WIDE] = {0}, move_squares[WIDE] = {0};
    for (size_t t = 0; t < n; t++) {
        for (size_t m = 0; m < MELS; m++) {
            const float distance = window->db[t][m] - mean_db[m];
            squares[m] += distance * distance;
        }
    }
    for (size_t t = 1; t < n; t++) {
        for (size_t b = 0; b < WIDE; b++) {
            const float move = window->wide[t][b] - window->wide[t - 1][b], rise = move > 0 ? move : 0;
            rises[b] += rise;
            rise_squares[b] += rise * rise;
            move_squares[b] += move * move;
        }
    }
    const float n_moves = n > 1 ? (float)(n - 1) : 1;
    for (size_t b = 0; b < WIDE; b++) {
        float deviation = 0, crest = 0;
        for (size_t m = b * WIDE_MELS; m < (b + 1) * WIDE_MELS; m++) {
            deviation += sqrtf(squares[m] / (float)n);
            crest += db_of_mean[m] - mean_db[m];
        }
        out[b] = deviation / WIDE_MELS;
        out[WIDE + b] = rises[b] / n_moves;
        out[2 * WIDE + b] = sqrtf(move_squares[b] / n_moves);
        out[3 * WIDE + b] = rise_squares[b] / n_moves / (move_squares[b] / n_moves + 0.01f);
        out[4 * WIDE + b] = crest / WIDE_MELS;
    }
    return out + 5 * WIDE;
}

/* --- all ------------------------------------------------------------------------------------------ */

static float clamp_share(float value)
{
    return value > 1 ? 1 : value > 0 ? value : 0;
}

static void compute_presence(const tb_descriptor_window *window, size_t n, size_t n_long, float *presence)
{
    size_t n_active = 0;
    float tonality = 0, onsets = 0;
    for (size_t t = 0; t < n; t++) {
        n_active += window->level[t] > SILENCE;
        onsets += window->onsets[t][0];
    }
    for (size_t t = 0; t < n_long; t++) tonality += window->tonality[t];
    const float active = (float)n_active / (float)n;
    presence[TB_DESCRIPTOR_TIMBRE] = presence[TB_DESCRIPTOR_DYNAMICS] = active;
    presence[TB_DESCRIPTOR_HARMONY] = active * clamp_share(tonality / (float)n_long / FULL_TONALITY);
    presence[TB_DESCRIPTOR_RHYTHM] = active * clamp_share(onsets / (float)n / FULL_ONSETS_DB);
}

void tb_descriptor_window_compute(tb_descriptor_window *window, size_t n_frames, size_t n_long_frames, float *raw, float *presence)
{
    assert(n_frames >= 1 && n_frames <= N && n_long_frames >= 1 && n_long_frames <= TB_DESCRIPTOR_LONG_FRAMES);
    memset(raw, 0, TB_DESCRIPTOR_RAW_DIM * sizeof *raw);
    const float floor_db = cut_levels(window, n_frames);
    compute_onsets(window, n_frames);
    compute_presence(window, n_frames, n_long_frames, presence);
    if (presence[TB_DESCRIPTOR_TIMBRE] <= 0) return;

    float mean_db[MELS], mean_power[MELS], db_of_mean[MELS];
    compute_wide_bands(window, n_frames);
    compute_means(window->db[0], MELS, n_frames, MELS, mean_db);
    compute_means(window->mel[0], MELS, n_frames, MELS, mean_power);
    tb_power_to_db(mean_power, MELS, 1e-20f, db_of_mean);
    tb_db_floor(db_of_mean, MELS, floor_db);

    float *out = put_timbre(window, n_frames, mean_db, db_of_mean, raw);
    out = put_harmony(window, n_long_frames, out);
    out = put_onset_autocorrelation(window, n_frames, out);
    out = put_modulation(window, n_frames, out);
    out = put_levels(window, n_frames, floor_db, out);
    out = put_band_dynamics(window, n_frames, mean_db, db_of_mean, out);
    assert(out == raw + TB_DESCRIPTOR_RAW_DIM);
    for (size_t p = 0; p < TB_DESCRIPTOR_N_PARTS; p++)
        if (presence[p] <= 0) memset(raw + part_infos[p].raw_offset, 0, part_infos[p].raw_dim * sizeof *raw);
}
