// SPDX-License-Identifier: MIT
/* What decode.c and its backends share.  A backend is one library behind four functions.
 *
 * The backends see the bytes through tb_input alone, which no library can drive out of bounds: positions are
 * checked, an error of the source is kept for later, and a budget ends parsers that run in circles. */
#ifndef TIMBRE_AUDIO_DECODE_INTERNAL_H
#define TIMBRE_AUDIO_DECODE_INTERNAL_H

#include "audio/audio_io.h"
#include "audio/decode.h"
#include "audio/sniff.h"
#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TB_INPUT_WINDOW_BYTES = 64 * 1024 };

typedef struct tb_input {
    tb_audio_io io;
    int64_t start;    /* of the audio within the source; position 0 for the backends */
    int64_t size;     /* from start to the end */
    int64_t position; /* 0 <= position; may lie behind the end, where nothing is read */
    int64_t budget;   /* bytes that may be read until the next tb_input_refill */
    int error_number; /* errno of the first failed read, 0 if none */
    int64_t window_at;
    size_t window_size;
    unsigned char window[TB_INPUT_WINDOW_BYTES];
} tb_input;

/* Reads at the position and moves it.  0 at the end, on errors and without budget. */
size_t tb_input_read(tb_input *input, void *bytes, size_t size);
/* whence: SEEK_SET, SEEK_CUR, SEEK_END.  The new position, or -1 (then nothing moved). */
int64_t tb_input_seek(tb_input *input, int64_t offset, int whence);

/* A fresh budget for one call of a backend: several times what an honest parser needs. */
static inline void tb_input_refill(tb_input *input)
{
    input->budget = 16 * 1024 * 1024 + (input->size < INT64_MAX / 8 ? 4 * input->size : INT64_MAX / 2);
}

/* What a backend tells about a file it has opened. */
typedef struct tb_backend_facts {
    tb_decoder_info info; /* all but truncated and n_bad_samples */
    bool n_frames_exact;  /* info.n_frames is no estimate */
    int run_up_frames;    /* after a seek, so many frames are not yet right: seek earlier and drop them */
} tb_backend_facts;

typedef struct tb_backend {
    /* Fills facts and *state.  name is for sentences. */
    tb_status (*open)(tb_input *input, const tb_sniff *sniff, const char *name, tb_backend_facts *facts,
                      void **state, tb_error *err);
    /* Up to n_frames frames; *n_read 0 is the end.  Sets *damaged when the end came through damage. */
    tb_status (*read)(void *state, float *interleaved, size_t n_frames, size_t *n_read, bool *damaged,
                      tb_error *err);
    /* To that frame.  TB_UNSUPPORTED when it cannot; then nothing changed. */
    tb_status (*seek)(void *state, int64_t frame, tb_error *err);
    void (*close)(void *state);
} tb_backend;

extern const tb_backend tb_backend_sndfile;
#ifdef HAVE_MPG123
extern const tb_backend tb_backend_mpg123;
#endif
#ifdef HAVE_FFMPEG
extern const tb_backend tb_backend_ffmpeg;
#endif

#endif
