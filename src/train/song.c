// SPDX-License-Identifier: MIT
/* Lists that double, one total order of events (so that sorting gives the same list on every machine), and the checks
 * that the renderer relies on. */
#include "train/song.h"

#include "base/alloc.h"
#include "base/text.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const stem_names[TB_STEM_COUNT] = {"drums", "bass", "piano", "guitar", "others"};
static const char *const mode_names[TB_MODE_COUNT] = {"major",      "minor",  "harmonic minor", "dorian",
                                                      "mixolydian", "lydian", "phrygian"};
static const double shortest_note_s = 0.001; /* of those at the end of a passage */
static const double group_bpm[TB_TEMPO_GROUPS] = {66, 76, 86, 96, 106, 116, 126, 138, 150, 168};

const char *tb_stem_name(tb_stem stem)
{
    return stem < TB_STEM_COUNT ? stem_names[stem] : "unknown";
}

bool tb_stem_from_name(const char *name, tb_stem *stem)
{
    for (int i = 0; i < TB_STEM_COUNT; i++) {
        if (strcmp(name, stem_names[i]) != 0) continue;
        *stem = (tb_stem)i;
        return true;
    }
    return false;
}

tb_stem tb_stem_of_program(int program, bool is_drums)
{
    if (is_drums) return TB_STEM_DRUMS;
    if (program >= 32 && program <= 39) return TB_STEM_BASS;
    if (program >= 0 && program <= 7) return TB_STEM_PIANO;
    if (program >= 24 && program <= 31) return TB_STEM_GUITAR;
    return TB_STEM_OTHERS;
}

double tb_tempo_group_bpm(int group)
{
    return group >= 0 && group < TB_TEMPO_GROUPS ? group_bpm[group] : 0;
}

int tb_tempo_group_nearest(double bpm)
{
    int nearest = 0;
    /* the middle between two tempi by ratio is their geometric mean */
    while (nearest + 1 < TB_TEMPO_GROUPS && bpm > 0 &&
           bpm * bpm > group_bpm[nearest] * group_bpm[nearest + 1])
        nearest++;
    return nearest;
}

const char *tb_mode_name(tb_mode mode)
{
    return mode < TB_MODE_COUNT ? mode_names[mode] : "unknown";
}

/* --- a song and its lists ------------------------------------------------------------------------------- */

tb_song *tb_song_new(void)
{
    tb_song *song = tb_alloc(1, sizeof *song);
    if (!song) return NULL;
    song->tempo_bpm = 120;
    song->tempo_group = tb_tempo_group_nearest(song->tempo_bpm);
    song->beats_per_bar = 4;
    song->key = -1;
    song->mode = TB_MODE_COUNT;
    return song;
}

void tb_song_free(tb_song *song)
{
    if (!song) return;
    for (size_t i = 0; i < song->n_parts; i++) tb_free(song->parts[i].events);
    tb_free(song->parts);
    tb_free(song->beats);
    tb_free(song->bars);
    tb_free(song);
}

/* The list with room for one more item; NULL (the old list stays) without memory. */
static void *grow(void *items, size_t n, size_t *capacity, size_t item_size)
{
    if (n < *capacity) return items;
    const size_t more = *capacity ? *capacity * 2 : 16;
    void *grown = tb_realloc(items, more, item_size);
    if (grown) *capacity = more;
    return grown;
}

tb_status tb_song_add_part(tb_song *song, int program, bool is_drums, const char *name, size_t *index,
                           tb_error *err)
{
    if (song->n_parts >= TB_SONG_MAX_PARTS)
        return tb_error_set(err, TB_TOO_LARGE, "a song may have at most %d parts", TB_SONG_MAX_PARTS);
    tb_part *parts = grow(song->parts, song->n_parts, &song->parts_capacity, sizeof *parts);
    if (!parts) return tb_error_set(err, TB_NO_MEMORY, "no memory for a part");
    song->parts = parts;
    *index = song->n_parts++;
    parts[*index] = (tb_part){.stem = tb_stem_of_program(program, is_drums),
                              .program = program,
                              .is_drums = is_drums,
                              .bend_semitones = 2};
    tb_text_copy(parts[*index].name, sizeof parts[*index].name, name);
    return TB_OK;
}

tb_status tb_part_append(tb_part *part, const tb_event *event, tb_error *err)
{
    if (part->n_events >= TB_PART_MAX_EVENTS)
        return tb_error_set(err, TB_TOO_LARGE, "a part may have at most %d events", TB_PART_MAX_EVENTS);
    tb_event *events = grow(part->events, part->n_events, &part->capacity, sizeof *events);
    if (!events) return tb_error_set(err, TB_NO_MEMORY, "no memory for the events of a part");
    part->events = events;
    events[part->n_events++] = *event;
    return TB_OK;
}

tb_status tb_song_append_beat(tb_song *song, double time_s, bool is_bar, tb_error *err)
{
    if (song->n_beats >= TB_SONG_MAX_BEATS)
        return tb_error_set(err, TB_TOO_LARGE, "a song may have at most %d beats", TB_SONG_MAX_BEATS);
    double *beats = grow(song->beats, song->n_beats, &song->beats_capacity, sizeof *beats);
    if (beats) song->beats = beats;
    double *bars = is_bar ? grow(song->bars, song->n_bars, &song->bars_capacity, sizeof *bars) : song->bars;
    if (bars) song->bars = bars;
    if (!beats || (is_bar && !bars))
        return tb_error_set(err, TB_NO_MEMORY, "no memory for the beats of a song");
    beats[song->n_beats++] = time_s;
    if (is_bar) bars[song->n_bars++] = time_s;
    return TB_OK;
}

/* --- order and time ------------------------------------------------------------------------------------- */

static int compare_events(const void *left, const void *right)
{
    const tb_event *x = left, *y = right;
    if (x->time_s < y->time_s) return -1;
    if (x->time_s > y->time_s) return 1;
    if (x->kind != y->kind) return x->kind < y->kind ? -1 : 1;
    if (x->a != y->a) return x->a < y->a ? -1 : 1;
    return (x->b > y->b) - (x->b < y->b);
}

void tb_song_sort(tb_song *song)
{
    for (size_t i = 0; i < song->n_parts; i++)
        if (song->parts[i].n_events > 1)
            qsort(song->parts[i].events, song->parts[i].n_events, sizeof(tb_event), compare_events);
}

void tb_song_stretch(tb_song *song, double factor)
{
    song->duration_s *= factor;
    song->tempo_bpm /= factor;
    song->tempo_group = tb_tempo_group_nearest(song->tempo_bpm);
    for (size_t i = 0; i < song->n_beats; i++) song->beats[i] *= factor;
    for (size_t i = 0; i < song->n_bars; i++) song->bars[i] *= factor;
    for (size_t i = 0; i < song->n_parts; i++)
        for (size_t e = 0; e < song->parts[i].n_events; e++) song->parts[i].events[e].time_s *= factor;
}

/* What a part's controllers, program and bend are before the passage begins. */
typedef struct standing {
    tb_event controls[128], program, bend;
    bool has_control[128], has_program, has_bend;
} standing;

static void note_standing(standing *before, const tb_event *event)
{
    if (event->kind == TB_EVENT_CONTROL) {
        before->controls[event->a] = *event;
        before->has_control[event->a] = true;
    } else if (event->kind == TB_EVENT_PROGRAM) {
        before->program = *event;
        before->has_program = true;
    } else if (event->kind == TB_EVENT_BEND) {
        before->bend = *event;
        before->has_bend = true;
    }
}

static void put_standing(standing *before, tb_event *events, size_t *n)
{
    before->program.time_s = before->bend.time_s = 0;
    if (before->has_program) events[(*n)++] = before->program;
    for (int c = 0; c < 128; c++) {
        before->controls[c].time_s = 0;
        if (before->has_control[c]) events[(*n)++] = before->controls[c];
    }
    if (before->has_bend) events[(*n)++] = before->bend;
}

static tb_status cut_part(tb_part *part, double start_s, double end_s, tb_error *err)
{
    const size_t capacity = part->n_events + 2 * 128 + 2; /* controllers before, ends of notes behind */
    tb_event *events = tb_alloc(capacity, sizeof *events);
    standing before = {0};
    unsigned sounding[128] = {0};
    size_t n = 0, i = 0;
    if (!events) return tb_error_set(err, TB_NO_MEMORY, "no memory for the events of a part");
    for (; i < part->n_events && part->events[i].time_s < start_s; i++) note_standing(&before, &part->events[i]);
    put_standing(&before, events, &n);
    for (; i < part->n_events && part->events[i].time_s < end_s; i++) {
        tb_event event = part->events[i];
        if (event.kind == TB_EVENT_NOTE_OFF && sounding[event.a] == 0) continue; /* began before the passage */
        if (event.kind == TB_EVENT_NOTE_ON && event.time_s > end_s - shortest_note_s) continue;
        if (event.kind == TB_EVENT_NOTE_ON) sounding[event.a]++;
        if (event.kind == TB_EVENT_NOTE_OFF) sounding[event.a]--;
        event.time_s -= start_s;
        events[n++] = event;
    }
    for (int key = 0; key < 128; key++)
        for (; sounding[key] > 0; sounding[key]--)
            events[n++] = (tb_event){.time_s = end_s - start_s, .kind = TB_EVENT_NOTE_OFF, .a = (uint8_t)key};
    tb_free(part->events);
    part->events = events;
    part->n_events = n;
    part->capacity = capacity;
    return TB_OK;
}

static size_t cut_times(double *times, size_t n, double start_s, double end_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (times[i] >= start_s && times[i] < end_s) times[kept++] = times[i] - start_s;
    return kept;
}

tb_status tb_song_cut(tb_song *song, double start_s, double end_s, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t p = 0; p < song->n_parts; p++) TB_TRY(cut_part(&song->parts[p], start_s, end_s, err));
    song->n_beats = cut_times(song->beats, song->n_beats, start_s, end_s);
    song->n_bars = cut_times(song->bars, song->n_bars, start_s, end_s);
    song->duration_s = end_s - start_s;
    tb_song_sort(song);
out:
    return status;
}

unsigned tb_song_stems(const tb_song *song)
{
    unsigned stems = 0;
    for (size_t i = 0; i < song->n_parts; i++) {
        const tb_part *part = &song->parts[i];
        for (size_t e = 0; e < part->n_events; e++) {
            if (part->events[e].kind != TB_EVENT_NOTE_ON) continue;
            stems |= 1u << part->stem;
            break;
        }
    }
    return stems;
}

/* --- checks --------------------------------------------------------------------------------------------- */

static bool event_is_in_range(const tb_event *event)
{
    switch ((tb_event_kind)event->kind) {
    case TB_EVENT_NOTE_OFF:
    case TB_EVENT_PROGRAM: return event->a <= 127;
    case TB_EVENT_CONTROL: return event->a <= 127 && event->b >= 0 && event->b <= 127;
    case TB_EVENT_BEND: return event->b >= -8192 && event->b <= 8191;
    case TB_EVENT_NOTE_ON: return event->a <= 127 && event->b >= 1 && event->b <= 127;
    case TB_EVENT_KIND_COUNT: break;
    }
    return false;
}

static tb_status check_part(const tb_part *part, double duration_s, tb_error *err)
{
    unsigned sounding[128] = {0};
    if (part->program < 0 || part->program > 127)
        return tb_error_set(err, TB_INVALID, "program %d is not one of 0 to 127", part->program);
    if (part->stem != tb_stem_of_program(part->program, part->is_drums))
        return tb_error_set(err, TB_INVALID, "stem %s does not have program %d", tb_stem_name(part->stem),
                            part->program);
    if (part->bend_semitones < 1 || part->bend_semitones > 24)
        return tb_error_set(err, TB_INVALID, "notes cannot be bent by %d semitones", part->bend_semitones);
    if (!(part->synthetic >= 0 && part->synthetic <= 1))
        return tb_error_set(err, TB_INVALID, "the probability of a synthetic sound must be 0 to 1");
    for (size_t i = 0; i < part->n_events; i++) {
        const tb_event *event = &part->events[i];
        if (!(event->time_s >= 0 && event->time_s <= duration_s))
            return tb_error_set(err, TB_INVALID, "event %zu at %g s lies outside the song of %g s", i,
                                event->time_s, duration_s);
        if (!event_is_in_range(event))
            return tb_error_set(err, TB_INVALID, "event %zu has values out of range", i);
        if (i > 0 && compare_events(event - 1, event) > 0)
            return tb_error_set(err, TB_INVALID, "event %zu is out of order", i);
        if (event->kind == TB_EVENT_NOTE_ON) sounding[event->a]++;
        if (event->kind != TB_EVENT_NOTE_OFF) continue;
        if (sounding[event->a] == 0)
            return tb_error_set(err, TB_INVALID, "event %zu ends a note that does not sound", i);
        sounding[event->a]--;
    }
    for (int key = 0; key < 128; key++)
        if (sounding[key] > 0) return tb_error_set(err, TB_INVALID, "a note of key %d never ends", key);
    return TB_OK;
}

static bool is_ascending(const double *times, size_t n, double end_s)
{
    for (size_t i = 0; i < n; i++)
        if (!(times[i] >= 0 && times[i] < end_s) || (i > 0 && !(times[i - 1] < times[i]))) return false;
    return true;
}

tb_status tb_song_check(const tb_song *song, tb_error *err)
{
    tb_status status = TB_OK;
    if (!(song->duration_s > 0 && song->duration_s <= TB_SONG_MAX_S))
        TB_FAIL(err, TB_INVALID, "a song must last up to %g s", TB_SONG_MAX_S);
    if (!(song->tempo_bpm > 0) || !isfinite(song->tempo_bpm))
        TB_FAIL(err, TB_INVALID, "the tempo must be above 0");
    if (song->tempo_group < 0 || song->tempo_group >= TB_TEMPO_GROUPS)
        TB_FAIL(err, TB_INVALID, "there is no such tempo group");
    if (song->beats_per_bar < 1 || song->beats_per_bar > 64)
        TB_FAIL(err, TB_INVALID, "a bar must have 1 to 64 beats");
    if (song->key < -1 || song->key > 11) TB_FAIL(err, TB_INVALID, "the key must be 0 to 11, or -1");
    if (!is_ascending(song->beats, song->n_beats, song->duration_s))
        TB_FAIL(err, TB_INVALID, "the beats are out of order");
    if (!is_ascending(song->bars, song->n_bars, song->duration_s))
        TB_FAIL(err, TB_INVALID, "the bars are out of order");
    for (size_t i = 0; i < song->n_parts; i++) {
        status = check_part(&song->parts[i], song->duration_s, err);
        if (status == TB_OK) continue;
        tb_error_prefix(err, "part %zu (%s)", i, song->parts[i].name);
        goto out;
    }
out:
    return status;
}
