// SPDX-License-Identifier: MIT
/* Means are taken over the frames that sound (above -60 dBFS).  The spectral contrast sorts bins, which is dear, so it is
 * measured on every fourth frame. */
#include "model/track_meter.h"

#include "base/alloc.h"
#include "dsp/decibel.h"
#include "dsp/fft.h"
#include "dsp/key.h"
#include "dsp/loudness.h"
#include "dsp/onset.h"
#include "dsp/spectral.h"
#include "dsp/tempogram.h"
#include "model/model.h"

#include <math.h>
#include <string.h>

enum {
    CONTRAST_EVERY = 4,
    MAX_CONTRAST_BANDS = 16,
    TEMPO_STEP = 43,      /* frames: a column of the tempogram a second */
    LEVEL_FRAMES = 8,     /* 0.19 s: what counts as one level for the dynamic complexity */
    LEVEL_CELLS = 2400,   /* of 0.1 dB from -60 dBFS up */
};
static const double CELL_DB = 0.1, SOUND_DBFS = -60;
static const float SOUND = 1e-6f;         /* mean square: -60 dBFS */
static const float ONSET_FLOOR_DB = -50;  /* of mel bands: about 90 dB below a full-scale sine */
static const double FRAME_RATE_HZ = (double)TB_MODEL_RATE_HZ / TB_FRAMES_HOP;

struct tb_track_meter {
    tb_spectral *spectral;
    tb_onset *onset;
    tb_loudness *loudness; /* made by the first native frames */
    tb_tempogram *tempogram;
    float *curve; /* onset strength */
    size_t n_curve;
    size_t n_frames, n_sounding, n_contrast;
    double squares;       /* sum of mean squares */
    double crossings, centroid, bandwidth, rolloff, flatness, contrast, flux;
    double level;         /* sum over the frames of the level at hand */
    size_t levels[LEVEL_CELLS];
    double thirds[TB_PITCH_CELLS_PER_OCTAVE];
    float magnitude[TB_FRAMES_BINS], mel_db[TB_FRAMES_MELS];
};

tb_status tb_track_meter_new(tb_track_meter **meter, tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_meter *made = tb_alloc(1, sizeof *made);
    if (made == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for features");
    made->curve = tb_alloc(TB_METER_CURVE, sizeof *made->curve);
    if (made->curve == NULL) TB_FAIL(err, TB_NO_MEMORY, "no memory for features");
    TB_TRY(tb_spectral_new(&(tb_spectral_config){.sample_rate_hz = TB_MODEL_RATE_HZ, .n_fft = TB_FRAMES_SIZE}, &made->spectral, err));
    TB_TRY(tb_onset_new(TB_FRAMES_MELS, 1, 1, &made->onset, err));
    TB_TRY(tb_tempogram_new(&(tb_tempogram_config){.frame_rate_hz = FRAME_RATE_HZ}, &made->tempogram, err));
    *meter = made;
    made = NULL;
out:
    tb_track_meter_free(made);
    return status;
}

void tb_track_meter_free(tb_track_meter *meter)
{
    if (meter == NULL) return;
    tb_spectral_free(meter->spectral);
    tb_onset_free(meter->onset);
    tb_loudness_free(meter->loudness);
    tb_tempogram_free(meter->tempogram);
    tb_free(meter->curve);
    tb_free(meter);
}

tb_status tb_track_meter_push_native(tb_track_meter *meter, const float *interleaved, size_t n_frames, int n_channels, int rate_hz,
                                     tb_error *err)
{
    tb_status status = TB_OK;
    if (n_channels < 1 || rate_hz < 1) TB_FAIL(err, TB_INVALID, "audio of %d channels at %d Hz", n_channels, rate_hz);
    if (meter->loudness == NULL)
        TB_TRY(tb_loudness_new((unsigned)rate_hz, (unsigned)n_channels, TB_LOUDNESS_RANGE | TB_LOUDNESS_SAMPLE_PEAK, &meter->loudness, err));
    TB_TRY(tb_loudness_push(meter->loudness, interleaved, n_frames, err));
out:
    return status;
}

void tb_track_meter_push_long(tb_track_meter *meter, const tb_long_frame *frame)
{
    float total = 0;
    for (size_t c = 0; c < TB_PITCH_CELLS; c++) total += sqrtf(frame->pitch->power[c]);
    if (!(total > 0)) return;
    for (size_t c = 0; c < TB_PITCH_CELLS; c++)
        meter->thirds[c % TB_PITCH_CELLS_PER_OCTAVE] += (double)(sqrtf(frame->pitch->power[c]) / total);
}

static void add_level(tb_track_meter *meter, float level)
{
    meter->level += (double)level;
    if (meter->n_frames % LEVEL_FRAMES != 0) return;
    const double dbfs = 10 * log10(meter->level / LEVEL_FRAMES + 1e-30);
    meter->level = 0;
    if (dbfs < SOUND_DBFS) return;
    const size_t cell = (size_t)((dbfs - SOUND_DBFS) / CELL_DB);
    meter->levels[cell < LEVEL_CELLS ? cell : LEVEL_CELLS - 1]++;
}

static void add_contrast(tb_track_meter *meter)
{
    float bands[MAX_CONTRAST_BANDS];
    double sum = 0;
    const size_t n = tb_spectral_contrast_count(meter->spectral);
    tb_spectral_contrast(meter->spectral, meter->magnitude, bands);
    for (size_t b = 0; b < n; b++) sum += (double)bands[b];
    meter->contrast += sum / (double)n;
    meter->n_contrast++;
}

void tb_track_meter_push(tb_track_meter *meter, const tb_frame *frame)
{
    memcpy(meter->mel_db, frame->mel_db, sizeof meter->mel_db);
    tb_db_floor(meter->mel_db, TB_FRAMES_MELS, ONSET_FLOOR_DB);
    const float strength = tb_onset_push(meter->onset, meter->mel_db);
    if (meter->n_curve < TB_METER_CURVE) meter->curve[meter->n_curve++] = strength;
    meter->flux += (double)strength;
    meter->n_frames++;
    meter->squares += (double)frame->level;
    add_level(meter, frame->level);
    if (!(frame->level > SOUND)) return;

    tb_spectral_shape shape;
    tb_power_magnitude(frame->power, TB_FRAMES_BINS, meter->magnitude);
    tb_spectral_shape_compute(meter->spectral, frame->power, meter->magnitude, &shape);
    meter->centroid += (double)shape.centroid_hz;
    meter->bandwidth += (double)shape.bandwidth_hz;
    meter->rolloff += (double)shape.rolloff_hz;
    meter->flatness += (double)shape.flatness;
    meter->crossings += (double)tb_frame_zero_crossings(frame->samples, TB_FRAMES_SIZE);
    if (meter->n_sounding++ % CONTRAST_EVERY == 0) add_contrast(meter);
}

/* Does not pass on what no user should see. */
static void put(tb_track_features *features, tb_feature feature, double value)
{
    features->has[feature] = isfinite(value);
    features->value[feature] = isfinite(value) ? value : 0;
}

static tb_status put_loudness(tb_track_meter *meter, tb_track_features *features, tb_error *err)
{
    tb_loudness_result result;
    if (meter->loudness == NULL) return TB_OK;
    const tb_status status = tb_loudness_measure(meter->loudness, &result, err);
    if (status != TB_OK) return status;
    if (result.has_integrated) put(features, TB_FEATURE_LOUDNESS, result.integrated_lufs);
    if (result.has_range) put(features, TB_FEATURE_LOUDNESS_RANGE, result.range_lu);
    if (result.has_sample_peak) put(features, TB_FEATURE_PEAK, result.sample_peak_dbfs);
    return TB_OK;
}

/* Mean distance of the levels from their mean, as Essentia's DynamicComplexity but unweighted. */
static void put_dynamic_complexity(const tb_track_meter *meter, tb_track_features *features)
{
    double n = 0, sum = 0, distance = 0;
    for (size_t i = 0; i < LEVEL_CELLS; i++) {
        n += (double)meter->levels[i];
        sum += (double)meter->levels[i] * (double)i;
    }
    if (!(n > 0)) return;
    for (size_t i = 0; i < LEVEL_CELLS; i++) distance += (double)meter->levels[i] * fabs((double)i - sum / n);
    put(features, TB_FEATURE_DYNAMIC_COMPLEXITY, distance / n * CELL_DB);
}

static void put_rhythm(tb_track_meter *meter, tb_track_features *features)
{
    tb_tempo tempo;
    tb_tempo_estimate(meter->tempogram, meter->curve, meter->n_curve, TEMPO_STEP, &tempo);
    if (tempo.known) {
        put(features, TB_FEATURE_TEMPO, tempo.bpm);
        put(features, TB_FEATURE_TEMPO_CONFIDENCE, tempo.confidence);
    }
    const size_t n_onsets = tb_onset_detect(meter->curve, meter->n_curve, FRAME_RATE_HZ, NULL, 0);
    put(features, TB_FEATURE_ONSET_RATE, (double)n_onsets / ((double)meter->n_curve / FRAME_RATE_HZ));
}

/* The third of a semitone in which most pitches stand is taken for the middle of the classes. */
static void put_key(const tb_track_meter *meter, tb_track_features *features)
{
    double sums[3] = {0};
    float chroma[12];
    tb_key key;
    for (size_t i = 0; i < TB_PITCH_CELLS_PER_OCTAVE; i++) sums[i % 3] += meter->thirds[i];
    const size_t middle = sums[1] > sums[0] && sums[1] > sums[2] ? 1 : sums[2] > sums[0] ? TB_PITCH_CELLS_PER_OCTAVE - 1 : 0;
    for (size_t i = 0; i < 12; i++) {
        chroma[i] = 0;
        for (size_t j = 0; j < 3; j++)
            chroma[i] += (float)meter->thirds[(3 * i + middle + j + TB_PITCH_CELLS_PER_OCTAVE - 1) % TB_PITCH_CELLS_PER_OCTAVE];
    }
    tb_key_estimate(chroma, &key);
    if (!key.known) return;
    put(features, TB_FEATURE_KEY, key.tonic);
    put(features, TB_FEATURE_MODE, key.mode == TB_MODE_MAJOR);
    put(features, TB_FEATURE_KEY_CONFIDENCE, key.confidence);
}

tb_status tb_track_meter_measure(tb_track_meter *meter, tb_track_features *features, tb_error *err)
{
    tb_status status = TB_OK;
    memset(features, 0, sizeof *features);
    TB_TRY(put_loudness(meter, features, err));
    if (meter->n_frames == 0) goto out;
    const double n = (double)meter->n_frames;
    put(features, TB_FEATURE_SILENCE, 1 - (double)meter->n_sounding / n);
    if (meter->squares > 0) put(features, TB_FEATURE_RMS, 10 * log10(meter->squares / n));
    if (meter->n_sounding == 0) goto out;
    const double sounding = (double)meter->n_sounding;
    put(features, TB_FEATURE_ZERO_CROSSING_RATE, meter->crossings / sounding);
    put(features, TB_FEATURE_CENTROID, meter->centroid / sounding);
    put(features, TB_FEATURE_BANDWIDTH, meter->bandwidth / sounding);
    put(features, TB_FEATURE_ROLLOFF, meter->rolloff / sounding);
    put(features, TB_FEATURE_FLATNESS, meter->flatness / sounding);
    put(features, TB_FEATURE_CONTRAST, meter->contrast / (double)meter->n_contrast);
    put(features, TB_FEATURE_FLUX, meter->flux / n);
    put_dynamic_complexity(meter, features);
    put_rhythm(meter, features);
    put_key(meter, features);
out:
    return status;
}
