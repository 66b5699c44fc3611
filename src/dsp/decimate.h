// SPDX-License-Identifier: MIT
/* Takes every k-th sample of a stream, after a low-pass.
 *
 * Made for looking closely at low frequencies, not for listening: what lies below a quarter of the new sample rate
 * comes through within 0.1 dB, and nothing that would fold onto it is louder than -80 dB.  Above that there is
 * aliasing.  The delay is half the filter, 6 * factor samples.
 *
 * One per thread. */
#ifndef TIMBRE_DSP_DECIMATE_H
#define TIMBRE_DSP_DECIMATE_H

#include "base/status.h"

#include <stddef.h>

enum { TB_DECIMATE_MAX_FACTOR = 64 };

typedef struct tb_decimator tb_decimator;

/* factor: 2 to TB_DECIMATE_MAX_FACTOR, else TB_INVALID; TB_NO_MEMORY. */
tb_status tb_decimator_new(size_t factor, tb_decimator **decimator, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_decimator_free(tb_decimator *decimator);
/* As after new: ready for another stream, silence before it. */
void tb_decimator_reset(tb_decimator *decimator);
/* n: a multiple of factor.  out: n / factor samples.  in and out do not overlap. */
void tb_decimator_push(tb_decimator *decimator, const float *in, size_t n, float *out);

#endif
