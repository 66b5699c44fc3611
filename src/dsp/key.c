// SPDX-License-Identifier: MIT
/* Pearson correlation of the chroma with each rotated profile. */
#include "dsp/key.h"

#include <math.h>
#include <stddef.h>

/* Krumhansl 1990, p. 30: how well each class fits after a context in C. */
static const double profiles[2][12] = {
    [TB_MODE_MINOR] = {6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17},
    [TB_MODE_MAJOR] = {6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88},
};

/* A lead of this much over the next best key is a clear case. */
static const double clear_lead = 0.15;

static double correlate(const double x[12], const double y[12], size_t rotation)
{
    double mean_x = 0.0, mean_y = 0.0;
    for (size_t i = 0; i < 12; i++) mean_x += x[i] / 12.0, mean_y += y[i] / 12.0;
    double xy = 0.0, xx = 0.0, yy = 0.0;
    for (size_t i = 0; i < 12; i++) {
        const double dx = x[(i + rotation) % 12] - mean_x, dy = y[i] - mean_y;
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    return xx > 0.0 ? xy / sqrt(xx * yy) : 0.0;
}

void tb_key_estimate(const float chroma[12], tb_key *key)
{
    *key = (tb_key){0};
    double max = 0.0, min = INFINITY, scaled[12];
    for (size_t c = 0; c < 12; c++) {
        max = fmax(max, (double)chroma[c]);
        min = fmin(min, (double)chroma[c]);
    }
    if (!(max > 0.0) || !isfinite(max) || max - min < 1e-6 * max) return;
    for (size_t c = 0; c < 12; c++) scaled[c] = (double)chroma[c] / max;

    size_t best = 0, second = 1;
    for (size_t i = 0; i < 24; i++) {
        key->scores[i] = correlate(scaled, profiles[i < 12 ? TB_MODE_MAJOR : TB_MODE_MINOR], i % 12);
        if (i == 0) continue;
        if (key->scores[i] > key->scores[best]) {
            second = best;
            best = i;
        } else if (i == second || key->scores[i] > key->scores[second]) {
            second = i;
        }
    }
    key->known = true;
    key->tonic = (int)(best % 12);
    key->mode = best < 12 ? TB_MODE_MAJOR : TB_MODE_MINOR;
    key->second_tonic = (int)(second % 12);
    key->second_mode = second < 12 ? TB_MODE_MAJOR : TB_MODE_MINOR;
    key->correlation = key->scores[best];
    const double lead = fmin((key->scores[best] - key->scores[second]) / clear_lead, 1.0);
    key->confidence = fmin(fmax(key->correlation, 0.0) * lead, 1.0);
}

static bool is_key(int tonic, tb_mode mode)
{
    return tonic >= 0 && tonic < 12 && (mode == TB_MODE_MINOR || mode == TB_MODE_MAJOR);
}

const char *tb_key_name(int tonic, tb_mode mode)
{
    static const char *const names[2][12] = {
        [TB_MODE_MINOR] = {"C minor", "C# minor", "D minor", "D# minor", "E minor", "F minor", "F# minor",
                           "G minor", "G# minor", "A minor", "A# minor", "B minor"},
        [TB_MODE_MAJOR] = {"C major", "C# major", "D major", "D# major", "E major", "F major", "F# major",
                           "G major", "G# major", "A major", "A# major", "B major"},
    };
    return is_key(tonic, mode) ? names[mode][tonic] : "";
}

const char *tb_key_camelot(int tonic, tb_mode mode)
{
    /* A fifth up is one hour on; C major is 8B, and its relative A minor 8A. */
    static const char *const hours[2][12] = {
        [TB_MODE_MINOR] = {"5A", "12A", "7A", "2A", "9A", "4A", "11A", "6A", "1A", "8A", "3A", "10A"},
        [TB_MODE_MAJOR] = {"8B", "3B", "10B", "5B", "12B", "7B", "2B", "9B", "4B", "11B", "6B", "1B"},
    };
    return is_key(tonic, mode) ? hours[mode][tonic] : "";
}
