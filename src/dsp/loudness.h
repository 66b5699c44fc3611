// SPDX-License-Identifier: MIT
/* Loudness after EBU R 128 / ITU-R BS.1770-4: of the stream as it was decoded (its own rate, interleaved
 * channels), not of the mono mix.
 *
 * Loudness is gated at -70 LUFS, so silence has none: such values are "not known", never -infinity.
 * Memory does not grow with the stream: blocks are gathered in a histogram whose cells, 0.1 LU wide, keep
 * their energy too: loudness lies within 0.01 LU of libebur128's, which keeps every block, the range within
 * 0.1 LU.
 * Samples from outside are made harmless as in dsp/framer.h.  One per thread. */
#ifndef TIMBRE_DSP_LOUDNESS_H
#define TIMBRE_DSP_LOUDNESS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>

/* What to measure beside the integrated loudness.  All but the true peak are nearly free; that multiplies the
 * cost by nearly twenty (libebur128 oversamples each channel four times). */
typedef enum tb_loudness_flags {
    TB_LOUDNESS_RANGE = 1 << 0, /* loudness range (EBU Tech 3342) and the largest short-term loudness */
    TB_LOUDNESS_SAMPLE_PEAK = 1 << 1,
    TB_LOUDNESS_TRUE_PEAK = 1 << 2,
    TB_LOUDNESS_DUAL_MONO = 1 << 3, /* a mono stream counts as played by two loudspeakers: 3 LU more */
} tb_loudness_flags;

typedef struct tb_loudness tb_loudness;

/* Not known: silence, too short (400 ms for the integrated loudness, 3 s for range and short-term), or not
 * asked for.  An unknown value is 0 and its flag false. */
typedef struct tb_loudness_result {
    bool has_integrated, has_range, has_max_short_term, has_sample_peak, has_true_peak;
    double integrated_lufs;     /* > -70 */
    double range_lu;            /* >= 0 */
    double max_short_term_lufs; /* largest of the 3 s windows, looked at every 100 ms */
    double sample_peak_dbfs;    /* of all channels; not known for digital silence */
    double true_peak_dbtp;
} tb_loudness_result;

/* sample_rate_hz: 1000 … 768000; n_channels: 1 … 64; else TB_INVALID.  flags: 0 or tb_loudness_flags or'ed.
 * Channels are in the order of WAVE files: L R C LFE, back L R, side L R, and less of them as usual (5: no
 * LFE, 4: L R and the sides).  Below 3.8 kHz the weighting has no shelf, which would begin past the end of
 * the spectrum.  TB_NO_MEMORY. */
tb_status tb_loudness_new(unsigned sample_rate_hz, unsigned n_channels, unsigned flags,
                          tb_loudness **loudness, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_loudness_free(tb_loudness *loudness);
/* samples: n_frames * n_channels values, interleaved.  TB_NO_MEMORY. */
tb_status tb_loudness_push(tb_loudness *loudness, const float *samples, size_t n_frames,
                           tb_error *err) TB_MUST_CHECK;
/* What is known up to here; may be called at any time and more than once.  TB_INTERNAL. */
tb_status tb_loudness_measure(tb_loudness *loudness, tb_loudness_result *result, tb_error *err) TB_MUST_CHECK;

#endif
