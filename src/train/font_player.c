// SPDX-License-Identifier: MIT
/* Playing soundfonts through FluidSynth, without a driver or a clock: events and samples in turn.
 *
 * FluidSynth renders in blocks of 64 samples and takes events between blocks, so each event is put on the
 * nearest boundary.  Voices that were used before start otherwise than new ones, whatever is reset; so that a
 * part always gives the same samples, each is played by a new synth.  The font, which takes long to load,
 * stays with a synth that never plays and is lent to those.  Reverb and chorus are off: rooms are the work of
 * effects.h. */
#include "train/soundfont.h"

#include "base/alloc.h"
#include "base/log.h"

#include <fluidsynth.h>
#include <math.h>
#include <pthread.h>

enum { BLOCK = 64, DRUM_CHANNEL = 9 };

struct tb_font_player {
    fluid_settings_t *settings;
    fluid_synth_t *keeper; /* owns the font */
    fluid_sfont_t *font;
};

/* Loading shares samples between synths through a cache of FluidSynth's. */
static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static void log_message(int level, const char *message, void *context)
{
    (void)level;
    (void)context;
    tb_log(TB_LOG_DEBUG, "fluidsynth", "%s", message);
}

bool tb_font_player_is_built(void)
{
    return true;
}

static fluid_settings_t *make_settings(int rate_hz)
{
    fluid_settings_t *settings = new_fluid_settings();
    if (!settings) return NULL;
    fluid_settings_setnum(settings, "synth.sample-rate", rate_hz);
    fluid_settings_setnum(settings, "synth.gain", 0.5);
    fluid_settings_setint(settings, "synth.polyphony", 256);
    fluid_settings_setint(settings, "synth.reverb.active", 0);
    fluid_settings_setint(settings, "synth.chorus.active", 0);
    fluid_settings_setint(settings, "synth.lock-memory", 0);
    fluid_settings_setint(settings, "synth.threadsafe-api", 0);
    return settings;
}

tb_status tb_font_player_new(const char *path, tb_font_player **player, tb_error *err)
{
    tb_status status = TB_OK;
    tb_font_player *made = tb_alloc(1, sizeof *made);
    pthread_mutex_lock(&loading);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory for a player of soundfonts");
    for (int level = FLUID_PANIC; level < LAST_LOG_LEVEL; level++)
        fluid_set_log_function(level, log_message, NULL);
    if (!(made->settings = make_settings(44100)) || !(made->keeper = new_fluid_synth(made->settings)))
        TB_FAIL(err, TB_NO_MEMORY, "FluidSynth does not start");
    if (!fluid_is_soundfont(path) || fluid_synth_sfload(made->keeper, path, 0) == FLUID_FAILED ||
        !(made->font = fluid_synth_get_sfont(made->keeper, 0)))
        TB_FAIL(err, TB_UNSUPPORTED, "%.200s is no soundfont that FluidSynth %s can read", path,
                FLUIDSYNTH_VERSION);
    *player = made;
    made = NULL;
out:
    pthread_mutex_unlock(&loading);
    tb_font_player_free(made);
    return status;
}

void tb_font_player_free(tb_font_player *player)
{
    if (!player) return;
    pthread_mutex_lock(&loading);
    if (player->keeper) delete_fluid_synth(player->keeper);
    if (player->settings) delete_fluid_settings(player->settings);
    pthread_mutex_unlock(&loading);
    tb_free(player);
}

static void send_event(fluid_synth_t *synth, int channel, const tb_event *event)
{
    switch ((tb_event_kind)event->kind) {
    case TB_EVENT_NOTE_OFF: fluid_synth_noteoff(synth, channel, event->a); break;
    case TB_EVENT_PROGRAM: fluid_synth_program_change(synth, channel, event->a); break;
    case TB_EVENT_CONTROL: fluid_synth_cc(synth, channel, event->a, event->b); break;
    case TB_EVENT_BEND: fluid_synth_pitch_bend(synth, channel, event->b + 8192); break;
    case TB_EVENT_NOTE_ON: fluid_synth_noteon(synth, channel, event->a, event->b); break;
    case TB_EVENT_KIND_COUNT: break;
    }
}

static bool render_block(fluid_synth_t *synth, float *mono)
{
    float left[BLOCK], right[BLOCK];
    if (fluid_synth_write_float(synth, BLOCK, left, 0, 1, right, 0, 1) != FLUID_OK) return false;
    for (size_t i = 0; i < BLOCK; i++) mono[i] = 0.5f * (left[i] + right[i]);
    return true;
}

/* A synth that has the font on loan. */
static fluid_synth_t *borrow_font(tb_font_player *player, fluid_settings_t *settings)
{
    fluid_synth_t *synth = settings ? new_fluid_synth(settings) : NULL;
    if (synth && fluid_synth_add_sfont(synth, player->font) != FLUID_FAILED) return synth;
    if (synth) delete_fluid_synth(synth);
    return NULL;
}

tb_status tb_font_player_play(tb_font_player *player, const tb_part *part, int rate_hz, float *mono, size_t n,
                              tb_error *err)
{
    tb_status status = TB_OK;
    const int channel = part->is_drums ? DRUM_CHANNEL : 0;
    const double blocks_per_s = (double)rate_hz / BLOCK;
    size_t next = 0;
    fluid_settings_t *settings = make_settings(rate_hz);
    fluid_synth_t *synth = borrow_font(player, settings);
    if (!synth) TB_FAIL(err, TB_NO_MEMORY, "FluidSynth does not start at %d Hz", rate_hz);
    fluid_synth_program_change(synth, channel, part->program);
    fluid_synth_pitch_wheel_sens(synth, channel, part->bend_semitones);
    for (size_t at = 0; at < n; at += BLOCK) {
        float block[BLOCK];
        const double now = (double)(at / BLOCK);
        while (next < part->n_events && round(part->events[next].time_s * blocks_per_s) <= now)
            send_event(synth, channel, &part->events[next++]);
        if (!render_block(synth, block)) TB_FAIL(err, TB_INTERNAL, "FluidSynth renders no samples");
        for (size_t i = 0; i < BLOCK && at + i < n; i++) mono[at + i] = isfinite(block[i]) ? block[i] : 0;
    }
out:
    if (synth) {
        fluid_synth_remove_sfont(synth, player->font); /* or it would be freed with the synth */
        delete_fluid_synth(synth);
    }
    if (settings) delete_fluid_settings(settings);
    return status;
}
