// SPDX-License-Identifier: MIT
/* Effects of one part, constant over the piece: what a mixing desk and a room do to a sound.
 *
 * Order: equaliser, drive, compressor, chorus, echo, room.  Each is drawn with a likelihood that depends on
 * the stem. tb_effects is plain data.  Threads: any. */
#ifndef TIMBRE_TRAIN_EFFECTS_H
#define TIMBRE_TRAIN_EFFECTS_H

#include "base/rng.h"
#include "base/status.h"
#include "train/song.h"

#include <stddef.h>
#include <stdint.h>

enum { TB_EFFECTS_MAX_BELLS = 3 };

/* A gain of 0 dB, a drive or wet share of 0 is off. */
typedef struct tb_effects {
    struct {
        double hz, gain_db, q;
    } bells[TB_EFFECTS_MAX_BELLS];
    double low_cut_hz, high_cut_hz; /* 0: none */
    double drive;      /* 0 off, else gain into the soft clipper, 1 to 40, relative to the part's level */
    double drive_bias; /* 0 to 0.3: even harmonics */
    double threshold_db, ratio;              /* compressor, relative to the part's level; ratio 1 off */
    double chorus_wet, chorus_hz, chorus_ms; /* wet share 0 to 1, rate, depth */
    double echo_wet, echo_s, echo_feedback;  /* wet share 0 to 1, time 0.05 to 0.8 s, feedback 0 to 0.8 */
    /* wet share 0 to 1, time to -60 dB 0.1 to 4 s, low-pass of the tail */
    double room_wet, room_s, room_damp_hz;
    uint64_t room_seed;
} tb_effects;

/* beat_s: length of a beat, for echoes in time. */
void tb_effects_draw(tb_stem stem, double beat_s, tb_rng *rng, tb_effects *effects);
/* In place; finite in, finite out: the level stays about the same.  rate_hz: 8000 to 96000.  TB_NO_MEMORY. */
tb_status tb_effects_apply(const tb_effects *effects, int rate_hz, float *mono, size_t n,
                           tb_error *err) TB_MUST_CHECK;
/* "drive chorus room": the effects that are on. */
void tb_effects_describe(const tb_effects *effects, char *out, size_t capacity);

#endif
