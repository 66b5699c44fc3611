// SPDX-License-Identifier: MIT
/* From the events of a MIDI file to a song, in two passes: notes and controllers go to parts, then beats and bars are
 * laid over what was found.  A note is held back until its key is struck again or the file ends, because only then is
 * its end known for sure: overlapping notes of one key are cut, lost ends are made up. */
#include "train/midi_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { N_CHANNELS = 16, DRUM_CHANNEL = 9, DEFAULT_US_PER_QUARTER = 500000, MAX_BEATS_PER_BAR = 64 };
static const double shortest_note_s = 0.01, lost_note_s = 1.0;

/* --- ticks to seconds ----------------------------------------------------------------------------------- */

/* With time code, ticks are parts of a second: the same as one tempo throughout.  A quarter is then as long as the first
 * tempo in the file says; all tempos go. */
static void settle_time_code(tb__midi *midi)
{
    double quarter_s = DEFAULT_US_PER_QUARTER * 1e-6;
    size_t n = 0;
    if (midi->ticks_per_quarter > 0) return;
    for (size_t i = midi->n_events; i-- > 0;)
        if (midi->events[i].kind == TB__MIDI_TEMPO) quarter_s = midi->events[i].us_per_quarter * 1e-6;
    for (size_t i = 0; i < midi->n_events; i++)
        if (midi->events[i].kind != TB__MIDI_TEMPO) midi->events[n++] = midi->events[i];
    midi->n_events = n;
    midi->ticks_per_quarter = (int)fmax(1, round(quarter_s * midi->ticks_per_s));
}

/* Walks through ticks in ascending order. */
typedef struct timeline {
    const tb__midi *midi;
    size_t next; /* event */
    uint32_t tick;
    double time_s, s_per_tick;
} timeline;

static timeline start_timeline(const tb__midi *midi)
{
    const double s_per_tick = midi->ticks_per_s > 0 ? 1 / midi->ticks_per_s
                                                    : DEFAULT_US_PER_QUARTER * 1e-6 / midi->ticks_per_quarter;
    return (timeline){.midi = midi, .s_per_tick = s_per_tick};
}

static double seconds_at(timeline *self, uint32_t tick)
{
    const tb__midi *midi = self->midi;
    for (; self->next < midi->n_events && midi->events[self->next].tick <= tick; self->next++) {
        const tb__midi_event *event = &midi->events[self->next];
        if (event->kind != TB__MIDI_TEMPO) continue;
        self->time_s += (event->tick - self->tick) * self->s_per_tick;
        self->tick = event->tick;
        self->s_per_tick = event->us_per_quarter * 1e-6 / midi->ticks_per_quarter;
    }
    return self->time_s + (tick - self->tick) * self->s_per_tick;
}

/* --- notes and controllers ------------------------------------------------------------------------------ */

typedef struct held_note {
    bool is_held, has_ended;
    int velocity;
    size_t part;
    double start_s, end_s;
} held_note;

typedef struct channel {
    int program, part; /* part: that played last; -1 = none yet */
    int values[128];   /* of controllers; -1 = never set */
    int bend, bend_semitones;
    int parts[128]; /* by program; -1 = none */
    held_note notes[128];
} channel;

typedef struct builder {
    tb_song *song;
    double end_s; /* of the last note */
    tb_error *err;
    channel channels[N_CHANNELS];
} builder;

/* The controllers that are kept: sound, not set-up (banks and registered parameters). */
static bool is_kept(int controller)
{
    switch (controller) {
    case 0: case 6: case 32: case 38: case 96: case 97: case 98: case 99: case 100: case 101: return false;
    default: return controller < 120;
    }
}

static tb_status append(builder *self, size_t part, double time_s, tb_event_kind kind, int a, int b)
{
    const tb_event event = {.time_s = time_s, .kind = (uint8_t)kind, .a = (uint8_t)a, .b = (int16_t)b};
    return tb_part_append(&self->song->parts[part], &event, self->err);
}

/* Bends in the part's own range, which is that of its first note. */
static tb_status append_bend(builder *self, const channel *on, double time_s)
{
    const int range = self->song->parts[on->part].bend_semitones;
    const int bend = (int)fmax(-8192, fmin(8191, round((double)on->bend * on->bend_semitones / range)));
    return append(self, (size_t)on->part, time_s, TB_EVENT_BEND, 0, bend);
}

/* Writes a held note, which ends at limit_s at the latest. */
static tb_status flush_note(builder *self, held_note *note, int key, double limit_s)
{
    tb_status status = TB_OK;
    double end_s = note->has_ended ? note->end_s : note->start_s + lost_note_s;
    if (!note->is_held) goto out;
    note->is_held = false;
    end_s = fmin(fmax(end_s, note->start_s + shortest_note_s), limit_s);
    if (end_s < note->start_s + shortest_note_s) goto out; /* struck twice at once */
    TB_TRY(append(self, note->part, note->start_s, TB_EVENT_NOTE_ON, key, note->velocity));
    TB_TRY(append(self, note->part, end_s, TB_EVENT_NOTE_OFF, key, 0));
    self->end_s = fmax(self->end_s, end_s);
out:
    return status;
}

/* The part of the channel's program, told what the channel's controllers are when it comes to play. */
static tb_status settle_part(builder *self, int number, double time_s)
{
    tb_status status = TB_OK;
    channel *on = &self->channels[number];
    const bool is_new = on->parts[on->program] < 0;
    if (is_new) {
        char name[48];
        size_t index = 0;
        const bool is_drums = number == DRUM_CHANNEL;
        snprintf(name, sizeof name, "channel %d, %s %d", number + 1, is_drums ? "kit" : "program", on->program);
        TB_TRY(tb_song_add_part(self->song, on->program, is_drums, name, &index, self->err));
        self->song->parts[index].bend_semitones = on->bend_semitones;
        on->parts[on->program] = (int)index;
    }
    if (on->part == on->parts[on->program]) goto out;
    on->part = on->parts[on->program];
    for (int c = 0; c < 128; c++)
        if (on->values[c] >= 0 && is_kept(c))
            TB_TRY(append(self, (size_t)on->part, time_s, TB_EVENT_CONTROL, c, on->values[c]));
    if (on->bend != 0 || !is_new) TB_TRY(append_bend(self, on, time_s));
out:
    return status;
}

static tb_status start_note(builder *self, int number, double time_s, int key, int velocity)
{
    tb_status status = TB_OK;
    held_note *note = &self->channels[number].notes[key];
    if (time_s > TB_SONG_MAX_S - 2 * lost_note_s)
        TB_FAIL(self->err, TB_TOO_LARGE, "it lasts longer than %g s", TB_SONG_MAX_S);
    TB_TRY(flush_note(self, note, key, time_s));
    TB_TRY(settle_part(self, number, time_s));
    *note = (held_note){.is_held = true,
                        .velocity = velocity,
                        .part = (size_t)self->channels[number].part,
                        .start_s = time_s};
out:
    return status;
}

static void end_note(builder *self, int number, double time_s, int key)
{
    held_note *note = &self->channels[number].notes[key];
    if (!note->is_held || note->has_ended) return;
    note->has_ended = true;
    note->end_s = fmin(time_s, TB_SONG_MAX_S);
}

static tb_status set_controller(builder *self, int number, double time_s, int controller, int value)
{
    tb_status status = TB_OK;
    channel *on = &self->channels[number];
    on->values[controller] = value;
    if (controller == 6 && on->values[100] == 0 && on->values[101] == 0 && value >= 1 && value <= 24)
        on->bend_semitones = value;
    if (is_kept(controller) && on->part >= 0)
        TB_TRY(append(self, (size_t)on->part, time_s, TB_EVENT_CONTROL, controller, value));
    if (controller == 120 || controller == 123) /* silence */
        for (int key = 0; key < 128; key++) end_note(self, number, time_s, key);
    if (controller == 121) { /* reset: modulation, expression, pedal, bend */
        TB_TRY(set_controller(self, number, time_s, 1, 0));
        TB_TRY(set_controller(self, number, time_s, 11, 127));
        TB_TRY(set_controller(self, number, time_s, 64, 0));
        on->bend = 0;
        if (on->part >= 0) TB_TRY(append_bend(self, on, time_s));
    }
out:
    return status;
}

static tb_status take_event(builder *self, const tb__midi_event *event, double time_s)
{
    tb_status status = TB_OK;
    channel *on = &self->channels[event->channel];
    switch (event->kind) {
    case TB__MIDI_NOTE_ON:
        if (event->b > 0) TB_TRY(start_note(self, event->channel, time_s, event->a, event->b));
        else end_note(self, event->channel, time_s, event->a);
        break;
    case TB__MIDI_NOTE_OFF: end_note(self, event->channel, time_s, event->a); break;
    case TB__MIDI_PROGRAM: on->program = event->a; break;
    case TB__MIDI_CONTROL: TB_TRY(set_controller(self, event->channel, time_s, event->a, event->b)); break;
    case TB__MIDI_BEND:
        on->bend = (event->b << 7 | event->a) - 8192;
        if (on->part >= 0) TB_TRY(append_bend(self, on, time_s));
        break;
    default: break; /* tempo and signatures */
    }
out:
    return status;
}

static tb_status collect_parts(builder *self, const tb__midi *midi)
{
    tb_status status = TB_OK;
    timeline line = start_timeline(midi);
    for (size_t i = 0; i < midi->n_events; i++)
        TB_TRY(take_event(self, &midi->events[i], seconds_at(&line, midi->events[i].tick)));
    for (int c = 0; c < N_CHANNELS; c++)
        for (int key = 0; key < 128; key++)
            TB_TRY(flush_note(self, &self->channels[c].notes[key], key, INFINITY));
out:
    return status;
}

/* Controllers behind the last note have nothing to do. */
static void drop_tail(tb_song *song)
{
    for (size_t p = 0; p < song->n_parts; p++) {
        tb_part *part = &song->parts[p];
        while (part->n_events > 0 && part->events[part->n_events - 1].time_s > song->duration_s)
            part->n_events--;
    }
}

/* --- beats and bars ------------------------------------------------------------------------------------- */

/* The time signature at a tick, and where the next one begins.  Those without sense are left out. */
typedef struct metre {
    size_t next; /* event */
    uint32_t bar_ticks, next_tick;
    int beats_per_bar;
} metre;

static bool is_signature(const tb__midi_event *event)
{
    return event->kind == TB__MIDI_TIME_SIGNATURE && event->a > 0 && event->b <= 6;
}

static void settle_metre(metre *self, const tb__midi *midi, uint64_t tick)
{
    for (; self->next < midi->n_events && midi->events[self->next].tick <= tick; self->next++) {
        const tb__midi_event *event = &midi->events[self->next];
        if (!is_signature(event)) continue;
        const double quarters = 4.0 * event->a / (1 << event->b);
        self->bar_ticks = (uint32_t)fmax(1, quarters * midi->ticks_per_quarter);
        self->beats_per_bar = (int)fmin(MAX_BEATS_PER_BAR, fmax(1, round(quarters)));
    }
    self->next_tick = UINT32_MAX;
    for (size_t i = self->next; i < midi->n_events && self->next_tick == UINT32_MAX; i++)
        if (is_signature(&midi->events[i])) self->next_tick = midi->events[i].tick;
}

static int longest(const double *seconds, int n)
{
    int best = 0;
    for (int i = 1; i < n; i++)
        if (seconds[i] > seconds[best]) best = i;
    return best;
}

static tb_status lay_beats(const tb__midi *midi, tb_song *song, tb_error *err)
{
    tb_status status = TB_OK;
    const uint32_t beat_ticks = (uint32_t)midi->ticks_per_quarter;
    timeline line = start_timeline(midi);
    metre now = {.bar_ticks = 4 * beat_ticks, .beats_per_bar = 4};
    double seconds_of[MAX_BEATS_PER_BAR + 1] = {0}, last_s = 0;
    uint64_t bar = 0, last = 0;
    settle_metre(&now, midi, 0);
    for (bool ended = false; !ended;) {
        const uint64_t whole = bar + now.bar_ticks,
                       end = now.next_tick > bar && now.next_tick < whole ? now.next_tick : whole;
        const double bar_s = last_s;
        for (uint64_t tick = bar; tick < end && !ended; tick += beat_ticks) {
            const double time_s = tick <= UINT32_MAX ? seconds_at(&line, (uint32_t)tick) : INFINITY;
            ended = !(time_s < song->duration_s);
            if (ended) break;
            TB_TRY(tb_song_append_beat(song, time_s, tick == bar, err));
            last = tick;
            last_s = time_s;
        }
        seconds_of[now.beats_per_bar] += last_s - bar_s;
        bar = end;
        if (bar >= now.next_tick) settle_metre(&now, midi, bar);
    }
    if (last > 0) song->tempo_bpm = 60 * ((double)last / beat_ticks) / last_s;
    else song->tempo_bpm = 60 / (start_timeline(midi).s_per_tick * beat_ticks);
    song->tempo_group = tb_tempo_group_nearest(song->tempo_bpm);
    if (last > 0) song->beats_per_bar = longest(seconds_of, MAX_BEATS_PER_BAR + 1);
    else song->beats_per_bar = now.beats_per_bar;
out:
    return status;
}

/* The first key signature that makes sense. */
static void read_key(const tb__midi *midi, tb_song *song)
{
    for (size_t i = 0; i < midi->n_events; i++) {
        const tb__midi_event *event = &midi->events[i];
        const int sharps = event->a < 128 ? event->a : event->a - 256; /* negative: flats */
        if (event->kind != TB__MIDI_KEY_SIGNATURE || sharps < -7 || sharps > 7 || event->b > 1) continue;
        song->mode = event->b ? TB_MODE_MINOR : TB_MODE_MAJOR;
        song->key = (sharps * 7 + (event->b ? 9 : 0) + 84) % 12;
        return;
    }
}

/* --- the whole ------------------------------------------------------------------------------------------ */

static builder *new_builder(void)
{
    builder *self = tb_alloc(1, sizeof *self);
    if (!self) return NULL;
    for (int c = 0; c < N_CHANNELS; c++) {
        channel *on = &self->channels[c];
        on->part = -1;
        on->bend_semitones = 2;
        for (int i = 0; i < 128; i++) on->values[i] = on->parts[i] = -1;
    }
    return self;
}

tb_status tb__midi_make_song(tb__midi *midi, const char *name, tb_song **song, tb_error *err)
{
    tb_status status = TB_OK;
    tb_song *made = tb_song_new();
    builder *self = new_builder();
    if (!made || !self) TB_FAIL(err, TB_NO_MEMORY, "no memory for a song");
    self->song = made;
    self->err = err;
    tb_text_copy(made->name, sizeof made->name, name);
    settle_time_code(midi);
    TB_TRY(collect_parts(self, midi));
    if (self->end_s <= 0) TB_FAIL(err, TB_INVALID, "it holds no notes");
    made->duration_s = self->end_s;
    tb_song_sort(made);
    drop_tail(made);
    read_key(midi, made);
    TB_TRY(lay_beats(midi, made, err));
    *song = made;
    made = NULL;
out:
    tb_song_free(made);
    tb_free(self);
    return status;
}
