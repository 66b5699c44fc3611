// SPDX-License-Identifier: MIT
/* Key of a clip from its mean chroma: correlation with the 24 rotated key profiles of Krumhansl and Kessler
 * ("Tracing the dynamic changes in perceived tonal organization", 1982; Krumhansl's book of 1990, p. 30).
 * Threads: any. */
#ifndef TIMBRE_DSP_KEY_H
#define TIMBRE_DSP_KEY_H

#include <stdbool.h>

typedef enum tb_mode { TB_MODE_MINOR = 0, TB_MODE_MAJOR = 1 } tb_mode; /* Spotify's numbers */

typedef struct tb_key {
    bool known; /* false: no sound, or all classes alike; all else is then 0 */
    int tonic;  /* 0 C, 1 C sharp, … 11 B */
    tb_mode mode;
    double correlation; /* with the profile, -1 … 1 */
    double confidence;  /* 0 … 1: correlation, times how far the next best key lies behind */
    int second_tonic;   /* the next best key */
    tb_mode second_mode;
    double scores[24]; /* correlations: 12 major keys from C, then 12 minor keys */
} tb_key;

/* chroma: 12 values >= 0, first class C, any scale. */
void tb_key_estimate(const float chroma[12], tb_key *key);
/* "A minor", "C# major"; static text.  "" outside the ranges. */
const char *tb_key_name(int tonic, tb_mode mode);
/* Position on the Camelot wheel, "8A" for A minor, "8B" for C major; static text. */
const char *tb_key_camelot(int tonic, tb_mode mode);

#endif
