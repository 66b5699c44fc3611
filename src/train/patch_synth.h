// SPDX-License-Identifier: MIT
/* An own synthesiser for timbres that no soundfont has: a patch is drawn from a seed and plays one part.
 *
 * Kinds of patches: subtractive (two oscillators, filter with envelope), FM (2 to 4 operators), plucked
 * string (Karplus-Strong), chip (pulse waves, stepped triangle, noise), additive organ, formant voice, and
 * kits of analogue drums.  Which kinds a part may get depends on its stem.  Threads: any. */
#ifndef TIMBRE_TRAIN_PATCH_SYNTH_H
#define TIMBRE_TRAIN_PATCH_SYNTH_H

#include "base/status.h"
#include "train/song.h"

#include <stddef.h>
#include <stdint.h>

enum { TB_PATCH_NAME_SIZE = 48 };

/* Plays the part (a sorted one) from 0 s on into n samples, overwritten; finite, and within -8..8 whatever is
 * played. seed: of the patch.  rate_hz: 8000 to 96000.  name: what the patch is ("patch: FM keys").  The same
 * arguments give the same samples.  TB_NO_MEMORY. */
tb_status tb_patch_synth_play(const tb_part *part, uint64_t seed, int rate_hz, float *mono, size_t n,
                              char name[TB_PATCH_NAME_SIZE], tb_error *err) TB_MUST_CHECK;

#endif
