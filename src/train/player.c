// SPDX-License-Identifier: MIT
/* Notes in ticks become events in seconds: swing, the hand's timing and loudness, no two notes of one key at once,
 * nothing outside the piece. */
#include "train/composer_internal.h"

#include "base/alloc.h"

#include <stdlib.h>

enum { MIN_NOTE_US = 15000 };

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

/* The grid of swing: the middle of each pair of units moves, what lies between is stretched. */
static int swung(const tb__plan *plan, int tick)
{
    const int pair = 2 * plan->swing_unit, at = tick % pair, start = tick - at;
    if (at < plan->swing_unit) return start + at * plan->swing_point / plan->swing_unit;
    return start + plan->swing_point + (at - plan->swing_unit) * (pair - plan->swing_point) / plan->swing_unit;
}

static int64_t tick_us(const tb__plan *plan, int tick)
{
    return (int64_t)swung(plan, tick < 0 ? 0 : tick) * 60000000000 / (plan->tempo_mbpm * TB__BEAT);
}

static double seconds(int64_t us)
{
    return (double)us / 1000000.0;
}

static void append(tb__player *player, int64_t us, tb_event_kind kind, int a, int b)
{
    const tb_event event = {.time_s = seconds(us), .kind = (uint8_t)kind, .a = (uint8_t)a, .b = (int16_t)b};
    if (player->status != TB_OK) return;
    player->status = tb_part_append(&player->song->parts[player->part], &event, player->err);
}

void tb__player_open(tb__player *player, const tb__plan *plan, tb_song *song, int program, bool is_drums,
                     const char *name, uint64_t aspect, tb_error *err)
{
    *player = (tb__player){.plan = plan, .song = song, .err = err};
    tb__rng_branch(&player->rng, plan->seed, aspect ^ 0x68616e64);
    player->lag_us = tb__spread(&player->rng, 5000);
    player->jitter_us = abs(tb__spread(&player->rng, 8000));
    player->velocity_jitter = tb__draw(&player->rng, 2, 14);
    player->status = tb_song_add_part(song, program, is_drums, name, &player->part, err);
}

static bool make_room(tb__player *player)
{
    if (player->status != TB_OK) return false;
    if (player->n_notes < player->capacity) return true;
    const size_t capacity = player->capacity ? 2 * player->capacity : 256;
    tb__note *notes = tb_realloc(player->notes, capacity, sizeof *notes);
    if (!notes) {
        player->status = tb_error_set(player->err, TB_NO_MEMORY, "no memory for the notes of a part");
        return false;
    }
    player->notes = notes;
    player->capacity = capacity;
    return true;
}

void tb__play(tb__player *player, int tick, int length, int key, int velocity, int late_us)
{
    const tb__plan *plan = player->plan;
    /* the hand moves for every note asked for, whether it is heard or not */
    const int moved_us = player->lag_us + tb__spread(&player->rng, player->jitter_us) + late_us;
    const int struck = velocity + tb__spread(&player->rng, player->velocity_jitter);
    int64_t start_us = tick_us(plan, tick) + moved_us;
    int64_t end_us = tick_us(plan, tick + length) + moved_us;
    if (start_us < 0) start_us = 0;
    if (end_us < start_us + MIN_NOTE_US) end_us = start_us + MIN_NOTE_US;
    if (end_us > plan->duration_us) end_us = plan->duration_us;
    if (end_us < start_us + MIN_NOTE_US || !make_room(player)) return;
    player->notes[player->n_notes++] = (tb__note){
        .start_us = start_us, .end_us = end_us, .key = clamp(key, 0, 127), .velocity = clamp(struck, 1, 127)};
}

void tb__control(tb__player *player, int tick, int controller, int value)
{
    const int64_t us = tick_us(player->plan, tick);
    if (us < player->plan->duration_us) append(player, us, TB_EVENT_CONTROL, controller, clamp(value, 0, 127));
}

void tb__bend(tb__player *player, int tick, int bend)
{
    const int64_t us = tick_us(player->plan, tick);
    if (us < player->plan->duration_us) append(player, us, TB_EVENT_BEND, 0, clamp(bend, -8192, 8191));
}

void tb__set_synthetic(tb__player *player, int percent)
{
    if (player->status == TB_OK) player->song->parts[player->part].synthetic = percent / 100.0;
}

void tb__set_voice(tb__player *player, bool is_voice)
{
    if (player->status == TB_OK) player->song->parts[player->part].is_voice = is_voice;
}

static int by_key_then_start(const void *left, const void *right)
{
    const tb__note *x = left, *y = right;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    if (x->start_us != y->start_us) return x->start_us < y->start_us ? -1 : 1;
    if (x->end_us != y->end_us) return x->end_us < y->end_us ? -1 : 1;
    return (x->velocity > y->velocity) - (x->velocity < y->velocity);
}

static int by_start(const void *left, const void *right)
{
    const tb__note *x = left, *y = right;
    if (x->start_us != y->start_us) return x->start_us < y->start_us ? -1 : 1;
    return by_key_then_start(left, right);
}

/* Cuts each note where the next one starts (of its key, or of all in a part that plays one at a time). */
static void cut_overlaps(tb__player *player)
{
    tb__note *notes = player->notes;
    qsort(notes, player->n_notes, sizeof *notes, player->is_mono ? by_start : by_key_then_start);
    for (size_t i = 0; i + 1 < player->n_notes; i++) {
        const tb__note *next = &notes[i + 1];
        if ((player->is_mono || next->key == notes[i].key) && notes[i].end_us > next->start_us)
            notes[i].end_us = next->start_us;
    }
}

tb_status tb__player_close(tb__player *player)
{
    if (player->n_notes > 0) cut_overlaps(player);
    for (size_t i = 0; i < player->n_notes; i++) {
        const tb__note *note = &player->notes[i];
        if (note->end_us < note->start_us + MIN_NOTE_US) continue; /* cut away */
        append(player, note->start_us, TB_EVENT_NOTE_ON, note->key, note->velocity);
        append(player, note->end_us, TB_EVENT_NOTE_OFF, note->key, 0);
    }
    tb_free(player->notes);
    player->notes = NULL;
    player->n_notes = 0;
    return player->status;
}
