// SPDX-License-Identifier: MIT
/* The player of soundfonts in a build without FluidSynth: it says so. */
#include "train/soundfont.h"

bool tb_font_player_is_built(void)
{
    return false;
}

tb_status tb_font_player_new(const char *path, tb_font_player **player, tb_error *err)
{
    (void)path;
    (void)player;
    return tb_error_set(
        err, TB_UNSUPPORTED,
        "this timbre was built without FluidSynth, which plays soundfonts (Debian: libfluidsynth-dev; "
        "./configure --with-fluidsynth)");
}

void tb_font_player_free(tb_font_player *player)
{
    (void)player;
}

tb_status tb_font_player_play(tb_font_player *player, const tb_part *part, int rate_hz, float *mono, size_t n,
                              tb_error *err)
{
    (void)player;
    (void)part;
    (void)rate_hz;
    (void)mono;
    (void)n;
    return tb_error_set(err, TB_INTERNAL, "there is no player of soundfonts");
}
