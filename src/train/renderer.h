// SPDX-License-Identifier: MIT
/* A song becomes sound: each part through a soundfont or a synthesiser patch, its effects and its level.
 *
 * What a part sounds like depends on the renderer's configuration, the song and the seed, and for the rest on
 * the part's stem and its place among the parts of that stem alone: the drums of a song are the same whether
 * its guitar is there or not, but for one gain over all stems.  Sounds are constant over a piece, for they
 * are what the networks learn to tell apart.
 *
 * One tb_renderer per thread (it holds loaded soundfonts). */
#ifndef TIMBRE_TRAIN_RENDERER_H
#define TIMBRE_TRAIN_RENDERER_H

#include "base/status.h"
#include "train/song.h"
#include "train/soundfont.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tb_renderer_config {
    const tb_soundfonts *fonts; /* borrowed; NULL: every part is played by a patch */
    double patch_share; /* 0 to 1: mean share of the parts that a patch plays (parts differ in how well it
                           suits) */
    bool effects; /* drive, chorus, echo, room and levels; without them parts are dry, at their stem's mean
                     level */
    int rate_hz;  /* 8000 to 48000 */
} tb_renderer_config;

typedef struct tb_rendered_part {
    size_t part; /* position in song->parts */
    tb_stem stem;
    char source[64];  /* "FluidR3", "patch: subtractive" */
    char effects[96]; /* "drive room", for people */
    float *samples;   /* n_samples, finite */
} tb_rendered_part;

typedef struct tb_rendering {
    int rate_hz;
    size_t n_samples;
    tb_rendered_part *parts; /* those that sound, in the song's order */
    size_t n_parts;
    float *stems[TB_STEM_COUNT]; /* sums of the parts; NULL where none sounds */
} tb_rendering;

typedef struct tb_renderer tb_renderer;

/* Fonts are loaded when a part first wants them.  TB_INVALID, TB_UNSUPPORTED (fonts, but no FluidSynth),
 * TB_NO_MEMORY. */
tb_status tb_renderer_new(const tb_renderer_config *config, tb_renderer **renderer,
                          tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_renderer_free(tb_renderer *renderer);
/* *rendering: tb_rendering_free.  The peak of the sum of all stems is 0.7 at most.  TB_INVALID for a song
 * without length, TB_UNSUPPORTED for a font that does not load, TB_NO_MEMORY. */
tb_status tb_renderer_play(tb_renderer *renderer, const tb_song *song, uint64_t seed,
                           tb_rendering **rendering, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_rendering_free(tb_rendering *rendering);

/* Seed of stream `stream` of work with that seed: differs for each pair. */
uint64_t tb_seed_derive(uint64_t seed, uint64_t stream);

#endif
