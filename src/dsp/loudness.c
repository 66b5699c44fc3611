// SPDX-License-Identifier: MIT
/* The meter of ITU-R BS.1770-4 with the range of EBU Tech 3342.
 *
 * Each channel goes through the two K-weighting filters; the squares, weighted by the channel's place, are
 * added up over pieces of 100 ms.  Four pieces in a row are a gating block, thirty a short-term window, so
 * that each sample is touched once.  Blocks and windows above the absolute gate go into histograms, whose
 * cells keep the sum of the energies too, so that the mean over cells is exact but for the cell that a
 * relative gate cuts.
 *
 * libebur128 is left what it does beyond that: the true peak.  Its loudness costs four times as much, mostly
 * in waiting: one filter of fourth order for one channel at a time, where here two channels share a vector
 * and two filters of second order overlap.  The tests hold both against each other. */
#include "dsp/loudness.h"

#include "base/alloc.h"
#include "dsp/vector_internal.h"

#include <ebur128.h>

enum { RATE_MIN = 1000, RATE_MAX = 768000, CHANNELS_MAX = 64, CHUNK = 512 };
enum { BLOCK_PIECES = 4, WINDOW_PIECES = 30, WINDOW_STEP_PIECES = 10 };
enum { CELLS_PER_LU = 10, CELLS_MIN_LUFS = -70, CELLS_MAX_LUFS = 130 };
enum { CELLS = (CELLS_MAX_LUFS - CELLS_MIN_LUFS) * CELLS_PER_LU };

/* Two channels side by side. */
typedef double lanes __attribute__((vector_size(2 * sizeof(double))));

/* y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y'' */
typedef struct biquad {
    double b0, b1, b2, a1, a2;
} biquad;

/* The last two values before, between and behind the two filters. */
typedef struct filter_state {
    lanes x1, x2, y1, y2, z1, z2;
} filter_state;

typedef struct histogram {
    uint64_t counts[CELLS];
    double sums[CELLS]; /* of the energies */
} histogram;

struct tb_loudness {
    unsigned flags, n_channels;
    size_t piece;    /* frames in 100 ms */
    size_t in_piece; /* frames of the current piece that have come */
    biquad shelf, high_pass;
    double weights[CHANNELS_MAX + 1];            /* by place; the last is 0, the partner of an odd channel */
    filter_state states[(CHANNELS_MAX + 1) / 2]; /* of channels 2 i and 2 i + 1 */
    double energy;                               /* of the current piece so far */
    double energies[WINDOW_PIECES];              /* of the last pieces, a ring */
    uint64_t n_pieces;
    double max_window; /* mean energy; 0 before the first window */
    float peak;        /* largest magnitude so far */
    histogram blocks, windows;
    ebur128_state *true_peak; /* NULL if not asked for */
    float *cleaned;           /* (CHUNK, n_channels) */
};

/* --- filters ------------------------------------------------------------------------------------------- */

/* BS.1770 gives both filters as coefficients at 48 kHz alone.  The analogue prototypes behind them, from
 * which any rate follows by the bilinear transform, are those of libebur128. */
static biquad make_shelf(double rate_hz)
{
    const double f0 = 1681.974450955533, gain_db = 3.999843853973347, q = 0.7071752369554196;
    if (f0 > 0.45 * rate_hz) return (biquad){.b0 = 1.0}; /* nothing that it would lift */
    const double k = tan(M_PI * f0 / rate_hz), high = pow(10.0, gain_db / 20.0);
    const double band = pow(high, 0.4996667741545416), a0 = 1.0 + k / q + k * k;
    return (biquad){.b0 = (high + band * k / q + k * k) / a0,
                    .b1 = 2.0 * (k * k - high) / a0,
                    .b2 = (high - band * k / q + k * k) / a0,
                    .a1 = 2.0 * (k * k - 1.0) / a0,
                    .a2 = (1.0 - k / q + k * k) / a0};
}

static biquad make_high_pass(double rate_hz)
{
    const double f0 = 38.13547087602444, q = 0.5003270373238773;
    const double k = tan(M_PI * f0 / rate_hz), a0 = 1.0 + k / q + k * k;
    return (biquad){
        .b0 = 1.0, .b1 = -2.0, .b2 = 1.0, .a1 = 2.0 * (k * k - 1.0) / a0, .a2 = (1.0 - k / q + k * k) / a0};
}

/* Sum of squares of two channels of n frames behind both filters.  The sums are so arranged that a sample
 * waits for nothing but one product and one difference of the sample before. */
static lanes filter_pair(const tb_loudness *loudness, filter_state *state, const float *left,
                         const float *right, size_t n)
{
    const biquad s = loudness->shelf, h = loudness->high_pass;
    const size_t stride = loudness->n_channels;
    filter_state f = *state;
    lanes sum = {0.0, 0.0};
    for (size_t i = 0; i < n; i++) {
        const lanes x = {(double)left[i * stride], (double)right[i * stride]};
        const lanes y = ((s.b0 * x + s.b1 * f.x1 + s.b2 * f.x2) - s.a2 * f.y2) - s.a1 * f.y1;
        const lanes z = ((y - (f.y1 + f.y1) + f.y2) - h.a2 * f.z2) - h.a1 * f.z1;
        f = (filter_state){.x1 = x, .x2 = f.x1, .y1 = y, .y2 = f.y1, .z1 = z, .z2 = f.z1};
        sum += z * z;
    }
    *state = f;
    return sum;
}

/* What rings on in silence would become denormal numbers, which are slow; far below any sample it is 0. */
static void calm_filters(tb_loudness *loudness)
{
    const size_t n_states = (loudness->n_channels + 1) / 2;
    for (size_t i = 0; i < n_states; i++) {
        double values[sizeof(filter_state) / sizeof(double)], largest = 0.0;
        memcpy(values, &loudness->states[i], sizeof values);
        for (size_t j = 0; j < sizeof values / sizeof *values; j++) largest = fmax(largest, fabs(values[j]));
        if (largest < 1e-30) loudness->states[i] = (filter_state){0};
    }
}

/* --- gates ---------------------------------------------------------------------------------------------- */

static double lufs_of(double energy)
{
    return 10.0 * log10(energy) - 0.691;
}

static void count_energy(histogram *cells, double energy)
{
    const double lufs = energy > 0.0 ? lufs_of(energy) : -HUGE_VAL;
    if (lufs < CELLS_MIN_LUFS) return; /* the absolute gate */
    size_t cell = (size_t)((lufs - CELLS_MIN_LUFS) * CELLS_PER_LU);
    if (cell >= CELLS) cell = CELLS - 1;
    cells->counts[cell]++;
    cells->sums[cell] += energy;
}

/* First cell whose mean reaches `factor` times the mean of all; CELLS when nothing was counted. */
static size_t find_relative_gate(const histogram *cells, double factor)
{
    uint64_t n = 0;
    double sum = 0.0;
    for (size_t i = 0; i < CELLS; i++) {
        n += cells->counts[i];
        sum += cells->sums[i];
    }
    if (n == 0) return CELLS;
    const double gate = factor * sum / (double)n;
    size_t cell = 0;
    while (cells->sums[cell] < gate * (double)cells->counts[cell] || cells->counts[cell] == 0) cell++;
    return cell;
}

static bool find_integrated(const histogram *blocks, double *lufs)
{
    uint64_t n = 0;
    double sum = 0.0;
    for (size_t i = find_relative_gate(blocks, 0.1); i < CELLS; i++) { /* -10 LU */
        n += blocks->counts[i];
        sum += blocks->sums[i];
    }
    if (n == 0) return false;
    *lufs = lufs_of(sum / (double)n);
    return true;
}

/* Loudness of the window at place `rank` (from 0) among those from cell `first` on. */
static double find_ranked(const histogram *windows, size_t first, uint64_t rank)
{
    size_t cell = first;
    for (uint64_t n = windows->counts[cell]; n <= rank; n += windows->counts[cell]) cell++;
    return lufs_of(windows->sums[cell] / (double)windows->counts[cell]);
}

static bool find_range(const histogram *windows, double *lu)
{
    const size_t first = find_relative_gate(windows, 0.01); /* -20 LU */
    uint64_t n = 0;
    for (size_t i = first; i < CELLS; i++) n += windows->counts[i];
    if (n == 0) return false;
    const uint64_t low = (uint64_t)((double)(n - 1) * 0.10 + 0.5),
                   high = (uint64_t)((double)(n - 1) * 0.95 + 0.5);
    *lu = find_ranked(windows, first, high) - find_ranked(windows, first, low);
    return true;
}

static double mean_of_last(const tb_loudness *loudness, size_t n_pieces)
{
    double sum = 0.0;
    for (size_t i = 1; i <= n_pieces; i++)
        sum += loudness->energies[(loudness->n_pieces - i) % WINDOW_PIECES];
    return sum / (double)(n_pieces * loudness->piece);
}

static void end_piece(tb_loudness *loudness)
{
    loudness->energies[loudness->n_pieces++ % WINDOW_PIECES] = loudness->energy;
    loudness->energy = 0.0;
    loudness->in_piece = 0;
    calm_filters(loudness);
    if (loudness->n_pieces >= BLOCK_PIECES)
        count_energy(&loudness->blocks, mean_of_last(loudness, BLOCK_PIECES));
    if (!(loudness->flags & TB_LOUDNESS_RANGE) || loudness->n_pieces < WINDOW_PIECES) return;
    const double window = mean_of_last(loudness, WINDOW_PIECES);
    loudness->max_window = fmax(loudness->max_window, window);
    if (loudness->n_pieces % WINDOW_STEP_PIECES == 0) count_energy(&loudness->windows, window);
}

/* --- the meter ------------------------------------------------------------------------------------------ */

/* Places of the channels in WAVE order: 1 in front and behind, 1.41 at the sides (+1.5 dB), 0 for the LFE.
 * Of more than eight, which have no agreed places, each counts as in front. */
static void fill_weights(double *weights, unsigned n_channels, bool dual_mono)
{
    static const double places[9][8] = {
        [1] = {1},
        [2] = {1, 1},
        [3] = {1, 1, 1},
        [4] = {1, 1, 1.41, 1.41},
        [5] = {1, 1, 1, 1.41, 1.41},
        [6] = {1, 1, 1, 0, 1.41, 1.41},
        [7] = {1, 1, 1, 0, 1, 1.41, 1.41},
        [8] = {1, 1, 1, 0, 1, 1, 1.41, 1.41},
    };
    for (unsigned c = 0; c < n_channels; c++) weights[c] = n_channels <= 8 ? places[n_channels][c] : 1.0;
    if (n_channels == 1 && dual_mono) weights[0] = 2.0;
}

tb_status tb_loudness_new(unsigned sample_rate_hz, unsigned n_channels, unsigned flags, tb_loudness **out,
                          tb_error *err)
{
    if (sample_rate_hz < RATE_MIN || sample_rate_hz > RATE_MAX || n_channels < 1 || n_channels > CHANNELS_MAX)
        return tb_error_set(
            err, TB_INVALID,
            "loudness of %u channels at %u Hz cannot be measured: 1 to %d channels at %d to %d Hz can",
            n_channels, sample_rate_hz, CHANNELS_MAX, RATE_MIN, RATE_MAX);
    tb_status status = TB_OK;
    tb_loudness *loudness = tb_alloc_aligned(1, sizeof *loudness);
    if (!loudness) TB_FAIL(err, TB_NO_MEMORY, "no memory for a loudness meter");
    loudness->flags = flags;
    loudness->n_channels = n_channels;
    loudness->piece = (sample_rate_hz + 5) / 10;
    loudness->shelf = make_shelf(sample_rate_hz);
    loudness->high_pass = make_high_pass(sample_rate_hz);
    fill_weights(loudness->weights, n_channels, flags & TB_LOUDNESS_DUAL_MONO);
    loudness->cleaned = tb_alloc((size_t)CHUNK * n_channels, sizeof *loudness->cleaned);
    if (!loudness->cleaned) TB_FAIL(err, TB_NO_MEMORY, "no memory for a loudness meter");
    if (flags & TB_LOUDNESS_TRUE_PEAK) {
        loudness->true_peak = ebur128_init(n_channels, sample_rate_hz, EBUR128_MODE_TRUE_PEAK);
        if (!loudness->true_peak) TB_FAIL(err, TB_NO_MEMORY, "no memory for a true peak meter");
    }
    *out = loudness;
    loudness = NULL;
out:
    tb_loudness_free(loudness);
    return status;
}

void tb_loudness_free(tb_loudness *loudness)
{
    if (!loudness) return;
    if (loudness->true_peak) ebur128_destroy(&loudness->true_peak);
    tb_free(loudness->cleaned);
    tb_free(loudness);
}

static void add_energy(tb_loudness *loudness, const float *frames, size_t n)
{
    for (size_t c = 0; c < loudness->n_channels; c += 2) {
        const double *weights = loudness->weights + c;
        if (weights[0] + weights[1] == 0.0) continue;
        const float *left = frames + c, *right = c + 1 < loudness->n_channels ? left + 1 : left;
        const lanes sum = filter_pair(loudness, &loudness->states[c / 2], left, right, n);
        loudness->energy += weights[0] * sum[0] + weights[1] * sum[1];
    }
}

static void find_largest(tb_loudness *loudness, const float *samples, size_t n)
{
    float largest[TB__LANES] = {0};
    const size_t n_whole = n - n % TB__LANES;
    for (size_t i = 0; i < n_whole; i += TB__LANES)
        for (size_t j = 0; j < TB__LANES; j++) {
            const float magnitude = fabsf(samples[i + j]);
            largest[j] = magnitude > largest[j] ? magnitude : largest[j];
        }
    for (size_t i = n_whole; i < n; i++) largest[0] = fmaxf(largest[0], fabsf(samples[i]));
    for (size_t j = 0; j < TB__LANES; j++) loudness->peak = fmaxf(loudness->peak, largest[j]);
}

tb_status tb_loudness_push(tb_loudness *loudness, const float *samples, size_t n_frames, tb_error *err)
{
    const size_t n_channels = loudness->n_channels;
    while (n_frames > 0) {
        size_t n = loudness->piece - loudness->in_piece;
        if (n > CHUNK) n = CHUNK;
        if (n > n_frames) n = n_frames;
        tb__clean_samples(samples, n * n_channels, loudness->cleaned);
        if (loudness->true_peak &&
            ebur128_add_frames_float(loudness->true_peak, loudness->cleaned, n) != EBUR128_SUCCESS)
            return tb_error_set(err, TB_NO_MEMORY, "no memory for the true peak of more frames");
        if (loudness->flags & TB_LOUDNESS_SAMPLE_PEAK)
            find_largest(loudness, loudness->cleaned, n * n_channels);
        add_energy(loudness, loudness->cleaned, n);
        samples += n * n_channels;
        n_frames -= n;
        loudness->in_piece += n;
        if (loudness->in_piece == loudness->piece) end_piece(loudness);
    }
    return TB_OK;
}

/* Largest of all channels; 0 for digital silence. */
static tb_status find_true_peak(const tb_loudness *loudness, double *largest, tb_error *err)
{
    double peak;
    for (unsigned c = 0; c < loudness->n_channels && loudness->true_peak; c++) {
        if (ebur128_true_peak(loudness->true_peak, c, &peak) != EBUR128_SUCCESS)
            return tb_error_set(err, TB_INTERNAL, "libebur128 has no true peak of channel %u", c);
        *largest = fmax(*largest, peak);
    }
    return TB_OK;
}

tb_status tb_loudness_measure(tb_loudness *loudness, tb_loudness_result *out, tb_error *err)
{
    tb_loudness_result result = {0};
    tb_status status = TB_OK;
    double true_peak = 0.0;
    TB_TRY(find_true_peak(loudness, &true_peak, err));
    result.has_integrated = find_integrated(&loudness->blocks, &result.integrated_lufs);
    result.has_range = find_range(&loudness->windows, &result.range_lu);
    if (loudness->max_window > 0.0 && lufs_of(loudness->max_window) >= CELLS_MIN_LUFS) {
        result.has_max_short_term = true;
        result.max_short_term_lufs = lufs_of(loudness->max_window);
    }
    if (loudness->peak > 0.0f) {
        result.has_sample_peak = true;
        result.sample_peak_dbfs = 20.0 * log10((double)loudness->peak);
    }
    if (true_peak > 0.0) {
        result.has_true_peak = true;
        result.true_peak_dbtp = 20.0 * log10(true_peak);
    }
    *out = result;
out:
    return status;
}
