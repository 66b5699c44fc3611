// SPDX-License-Identifier: MIT
/* What is measured of a whole track, as one table: the analysis fills it, the store keeps and filters by it, the
 * API and its documentation show it, all by the rows below.
 *
 * A feature that cannot be measured (loudness of silence, tempo of a tone) is missing: has[i] is false and
 * value[i] is 0.  No value is ever NaN or infinite. */
#ifndef TIMBRE_MODEL_TRACK_FEATURES_H
#define TIMBRE_MODEL_TRACK_FEATURES_H

#include <stdbool.h>

/* code, name in API and filters, unit, meaning */
#define TB_FEATURE_LIST(X)                                                                         \
    X(LOUDNESS, "loudness", "LUFS", "integrated loudness, EBU R 128")                              \
    X(LOUDNESS_RANGE, "loudness_range", "LU", "loudness range, EBU Tech 3342")                     \
    X(PEAK, "peak", "dBFS", "largest sample")                                                      \
    X(RMS, "rms", "dBFS", "root mean square of the mono mix")                                      \
    X(DYNAMIC_COMPLEXITY, "dynamic_complexity", "dB", "mean distance of the level from its mean")  \
    X(TEMPO, "tempo", "bpm", "tempo, by autocorrelation of onset strength")                        \
    X(TEMPO_CONFIDENCE, "tempo_confidence", "0..1", "how clear the tempo is")                      \
    X(ONSET_RATE, "onset_rate", "1/s", "onsets a second")                                          \
    X(KEY, "key", "0..11", "tonic, 0 = C, 11 = B, by correlation of chroma with key profiles")     \
    X(MODE, "mode", "0..1", "1 = major, 0 = minor")                                                \
    X(KEY_CONFIDENCE, "key_confidence", "0..1", "how clear the key is")                            \
    X(ZERO_CROSSING_RATE, "zero_crossing_rate", "0..1", "sign changes a sample, mean of frames")   \
    X(CENTROID, "centroid", "Hz", "spectral centroid, mean of frames that sound")                  \
    X(BANDWIDTH, "bandwidth", "Hz", "spectral bandwidth, mean of frames that sound")               \
    X(ROLLOFF, "rolloff", "Hz", "85 % roll-off, mean of frames that sound")                        \
    X(FLATNESS, "flatness", "0..1", "spectral flatness, mean of frames that sound")                \
    X(CONTRAST, "contrast", "dB", "spectral contrast, mean of bands and frames")                   \
    X(FLUX, "flux", "dB", "onset strength, mean of frames")                                        \
    X(SILENCE, "silence", "0..1", "share of frames below -60 dBFS")

typedef enum tb_feature {
#define TB_FEATURE_ENUM(code, name, unit, text) TB_FEATURE_##code,
    TB_FEATURE_LIST(TB_FEATURE_ENUM)
#undef TB_FEATURE_ENUM
    TB_FEATURE_COUNT
} tb_feature;

typedef struct tb_feature_info {
    const char *name, *unit, *text;
} tb_feature_info;
/* feature < TB_FEATURE_COUNT; constant. */
const tb_feature_info *tb_feature_get_info(tb_feature feature);

typedef struct tb_track_features {
    bool has[TB_FEATURE_COUNT];
    double value[TB_FEATURE_COUNT];
} tb_track_features;

#endif
