// SPDX-License-Identifier: MIT
/* A look at the header packets of an Ogg Vorbis file before libsndfile takes them.
 *
 * libsndfile (seen in 1.2.0) loses about 6 kB for each Vorbis file whose headers it refuses.  A
 * server that is offered damaged files for months must not, so damage is found here: page checksums, order of
 * pages, the identification header, and that all three header packets are there.  Private to the layer. */
#ifndef TIMBRE_AUDIO_OGG_HEADERS_H
#define TIMBRE_AUDIO_OGG_HEADERS_H

#include "audio/decode_internal.h"

#include <stdbool.h>

/* Leaves the input at position 0.  False also when reading fails (input->error_number). */
bool tb__ogg_vorbis_headers_ok(tb_input *input);

#endif
