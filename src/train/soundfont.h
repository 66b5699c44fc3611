// SPDX-License-Identifier: MIT
/* The soundfonts that songs are played with, and a player that turns one part into a signal.
 *
 * Training draws a font for each part, so that a network cannot take the font's manner for the music's.  The
 * fonts of the set "test" are used by no training, those of "train" by no test.
 *
 * tb_soundfonts: constant once found, shared by any threads.  tb_font_player: one per thread. */
#ifndef TIMBRE_TRAIN_SOUNDFONT_H
#define TIMBRE_TRAIN_SOUNDFONT_H

#include "base/rng.h"
#include "base/status.h"
#include "train/song.h"

#include <stdbool.h>
#include <stddef.h>

enum { TB_SOUNDFONTS_MAX = 16 };

typedef enum tb_soundfont_set {
    TB_SOUNDFONT_SET_TRAIN, /* FluidR3 .33, MuseScore General .33, OPL-3 .20, csound .14 */
    TB_SOUNDFONT_SET_TEST,  /* TimGM6mb */
    TB_SOUNDFONT_SET_COUNT
} tb_soundfont_set;

/* Borrowed as long as the tb_soundfonts. */
typedef struct tb_soundfont {
    char name[48]; /* "FluidR3": or the file's name */
    char *path;
    double weight;   /* share of the parts that it plays; all sum to 1 */
    char digest[17]; /* first 16 hexadecimal digits of the file's BLAKE2b-256 */
} tb_soundfont;

typedef struct tb_soundfonts {
    tb_soundfont *fonts;
    size_t n_fonts;
} tb_soundfonts;

/* Those of the set that are installed, where Debian's packages put them.  TB_NOT_FOUND names the packages
 * when there is none; TB_IO, TB_NO_MEMORY. */
tb_status tb_soundfonts_find(tb_soundfont_set set, tb_soundfonts **fonts, tb_error *err) TB_MUST_CHECK;
/* list: "FILE:WEIGHT,FILE,…"; the weight is 1 when it is not given.  TB_INVALID, TB_NOT_FOUND. */
tb_status tb_soundfonts_parse(const char *list, tb_soundfonts **fonts, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_soundfonts_free(tb_soundfonts *fonts);
/* Draws by weight: position in fonts. */
size_t tb_soundfonts_draw(const tb_soundfonts *fonts, tb_rng *rng);

typedef struct tb_font_player tb_font_player;

/* Whether this build can play soundfonts (./configure --with-fluidsynth). */
bool tb_font_player_is_built(void);
/* Loads the font, which may take seconds; players of one font share its samples.  TB_UNSUPPORTED when the
 * file is no soundfont or the build has no FluidSynth; TB_NO_MEMORY. */
tb_status tb_font_player_new(const char *path, tb_font_player **player, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_font_player_free(tb_font_player *player);
/* Plays the part from 0 s on into n samples of mono at rate_hz (8000 to 96000), dry; times are kept to 64
 * samples.  The same part gives the same samples whatever was played before.  The part's events are in order.
 * TB_NO_MEMORY, TB_INTERNAL. */
tb_status tb_font_player_play(tb_font_player *player, const tb_part *part, int rate_hz, float *mono, size_t n,
                              tb_error *err) TB_MUST_CHECK;

#endif
