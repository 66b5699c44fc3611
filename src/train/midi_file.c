// SPDX-License-Identifier: MIT
/* From bytes to one list of events: header, chunks, then each track's deltas and messages with running status.  Every
 * read is checked against the end of its chunk; what is not of use (text, system exclusive, aftertouch) is skipped. */
#include "train/midi_file.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "train/midi_internal.h"

#include <stdlib.h>
#include <string.h>

/* Bytes from at to end. */
typedef struct reader {
    const uint8_t *at, *end;
} reader;

static size_t left(const reader *in)
{
    return (size_t)(in->end - in->at);
}

/* Big-endian number of n bytes; the caller has checked that they are there. */
static uint32_t take_number(reader *in, int n)
{
    uint32_t value = 0;
    for (int i = 0; i < n; i++) value = value << 8 | *in->at++;
    return value;
}

/* Variable-length quantity of at most four bytes; false if it does not end. */
static bool take_variable(reader *in, uint32_t *value)
{
    *value = 0;
    for (int i = 0; i < 4 && in->at < in->end; i++) {
        const uint8_t byte = *in->at++;
        *value = *value << 7 | (byte & 0x7f);
        if (!(byte & 0x80)) return true;
    }
    return false;
}

static tb_status add_event(tb__midi *midi, tb__midi_event event, tb_error *err)
{
    if (midi->n_events >= TB_MIDI_MAX_EVENTS)
        return tb_error_set(err, TB_TOO_LARGE, "there are more than %d events", TB_MIDI_MAX_EVENTS);
    if (midi->n_events == midi->capacity) {
        const size_t capacity = midi->capacity ? 2 * midi->capacity : 1024;
        tb__midi_event *events = tb_realloc(midi->events, capacity, sizeof *events);
        if (!events) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu MIDI events", capacity);
        midi->events = events;
        midi->capacity = capacity;
    }
    event.order = (uint32_t)midi->n_events;
    midi->events[midi->n_events++] = event;
    return TB_OK;
}

/* --- one track ------------------------------------------------------------------------------------------ */

/* Meta event FF type length bytes; *ended at the end of the track. */
static tb_status read_meta(tb__midi *midi, reader *in, uint32_t tick, bool *ended, tb_error *err)
{
    tb_status status = TB_OK;
    uint32_t length = 0;
    if (left(in) < 1) TB_FAIL(err, TB_CORRUPT, "a meta event is cut off");
    const uint8_t type = *in->at++;
    if (!take_variable(in, &length) || length > left(in))
        TB_FAIL(err, TB_CORRUPT, "a meta event reaches past its track");
    const uint8_t *data = in->at;
    in->at += length;
    tb__midi_event event = {.tick = tick, .kind = type};
    if (type == 0x2f) *ended = true;
    if (type == TB__MIDI_TEMPO && length >= 3) {
        event.us_per_quarter = (uint32_t)data[0] << 16 | (uint32_t)data[1] << 8 | data[2];
        if (event.us_per_quarter > 0) TB_TRY(add_event(midi, event, err));
    } else if ((type == TB__MIDI_TIME_SIGNATURE || type == TB__MIDI_KEY_SIGNATURE) && length >= 2) {
        event.a = data[0];
        event.b = data[1];
        TB_TRY(add_event(midi, event, err));
    }
out:
    return status;
}

static tb_status read_message(tb__midi *midi, reader *in, uint32_t tick, uint8_t status_byte, tb_error *err)
{
    tb_status status = TB_OK;
    const uint8_t kind = status_byte & 0xf0;
    const size_t n_data = kind == 0xc0 || kind == 0xd0 ? 1 : 2;
    if (left(in) < n_data) TB_FAIL(err, TB_CORRUPT, "a message is cut off");
    const uint8_t a = *in->at++, b = n_data == 2 ? *in->at++ : 0;
    if ((a | b) & 0x80) TB_FAIL(err, TB_CORRUPT, "a message has a data byte above 127");
    if (kind != 0xa0 && kind != 0xd0)
        TB_TRY(add_event(
            midi, (tb__midi_event){.tick = tick, .kind = kind, .channel = status_byte & 0x0f, .a = a, .b = b},
            err));
out:
    return status;
}

static tb_status read_track(tb__midi *midi, reader in, tb_error *err)
{
    tb_status status = TB_OK;
    uint64_t tick = 0;
    uint8_t running = 0;
    bool ended = false;
    while (!ended && left(&in) > 0) {
        uint32_t delta = 0, length = 0;
        if (!take_variable(&in, &delta)) TB_FAIL(err, TB_CORRUPT, "a time has no end");
        tick += delta;
        if (tick > UINT32_MAX) TB_FAIL(err, TB_CORRUPT, "a track runs for more ticks than any song");
        if (left(&in) == 0) TB_FAIL(err, TB_CORRUPT, "a time has no event");
        const uint8_t first = *in.at;
        if (first & 0x80) in.at++;
        if (first == 0xff) {
            TB_TRY(read_meta(midi, &in, (uint32_t)tick, &ended, err));
        } else if (first == 0xf0 || first == 0xf7) {
            if (!take_variable(&in, &length) || length > left(&in))
                TB_FAIL(err, TB_CORRUPT, "a system exclusive message reaches past its track");
            in.at += length;
        } else if (first > 0xf0) {
            TB_FAIL(err, TB_CORRUPT, "a file may not hold the system message %02x", first);
        } else {
            if (first & 0x80) running = first;
            if (!running) TB_FAIL(err, TB_CORRUPT, "a track begins with data bytes");
            TB_TRY(read_message(midi, &in, (uint32_t)tick, running, err));
        }
        /* the standard lets meta and exclusive events end the running status; files that go on with it are common */
    }
out:
    return status;
}

/* --- the file ------------------------------------------------------------------------------------------- */

static tb_status read_division(tb__midi *midi, uint32_t division, tb_error *err)
{
    if (!(division & 0x8000)) {
        if (division == 0) return tb_error_set(err, TB_CORRUPT, "a quarter has no ticks");
        midi->ticks_per_quarter = (int)division;
        return TB_OK;
    }
    /* frames a second, negative, and ticks a frame */
    const int rate = 256 - (int)(division >> 8), ticks = (int)(division & 0xff);
    if ((rate != 24 && rate != 25 && rate != 29 && rate != 30) || ticks == 0)
        return tb_error_set(err, TB_CORRUPT,
                            "there is no time code of %d frames a second and %d ticks a frame", rate, ticks);
    midi->ticks_per_s = (rate == 29 ? 30000.0 / 1001 : rate) * ticks;
    return TB_OK;
}

static tb_status read_header(tb__midi *midi, reader *in, uint32_t *n_tracks, tb_error *err)
{
    tb_status status = TB_OK;
    if (left(in) < 14 || memcmp(in->at, "MThd", 4) != 0)
        TB_FAIL(err, TB_CORRUPT, "it does not begin as a MIDI file does");
    in->at += 4;
    const uint32_t length = take_number(in, 4);
    if (length < 6 || length > left(in))
        TB_FAIL(err, TB_CORRUPT, "its header says that it has %lu bytes", (unsigned long)length);
    const uint8_t *body = in->at + length;
    const uint32_t format = take_number(in, 2);
    *n_tracks = take_number(in, 2);
    if (format == 2) TB_FAIL(err, TB_UNSUPPORTED, "it holds several songs (format 2), which cannot be read");
    if (format > 2) TB_FAIL(err, TB_CORRUPT, "there is no format %lu", (unsigned long)format);
    TB_TRY(read_division(midi, take_number(in, 2), err));
    in->at = body;
out:
    return status;
}

static tb_status read_tracks(tb__midi *midi, reader *in, uint32_t n_tracks, tb_error *err)
{
    tb_status status = TB_OK;
    for (uint32_t track = 0; track < n_tracks;) {
        if (left(in) < 8)
            TB_FAIL(err, TB_CORRUPT, "it ends after %lu of %lu tracks", (unsigned long)track,
                    (unsigned long)n_tracks);
        const bool is_track = memcmp(in->at, "MTrk", 4) == 0;
        in->at += 4;
        const uint32_t length = take_number(in, 4);
        if (length > left(in)) TB_FAIL(err, TB_CORRUPT, "track %lu reaches past the end", (unsigned long)track);
        const reader chunk = {in->at, in->at + length};
        in->at += length;
        if (!is_track) continue; /* other kinds of chunks are to be skipped */
        status = read_track(midi, chunk, err);
        if (status != TB_OK) {
            tb_error_prefix(err, "track %lu", (unsigned long)track);
            goto out;
        }
        track++;
    }
out:
    return status;
}

static int compare_events(const void *x, const void *y)
{
    const tb__midi_event *a = x, *b = y;
    if (a->tick != b->tick) return a->tick < b->tick ? -1 : 1;
    return (a->order > b->order) - (a->order < b->order);
}

tb_status tb_midi_read(const void *bytes, size_t size, const char *name, tb_song **song, tb_error *err)
{
    tb_status status = TB_OK;
    tb__midi midi = {0};
    uint32_t n_tracks = 0;
    if (size > TB_MIDI_MAX_BYTES)
        TB_FAIL(err, TB_TOO_LARGE, "a MIDI file may have at most %d bytes", TB_MIDI_MAX_BYTES);
    const uint8_t *start = size ? bytes : (const uint8_t *)"";
    reader in = {start, start + size};
    TB_TRY(read_header(&midi, &in, &n_tracks, err));
    TB_TRY(read_tracks(&midi, &in, n_tracks, err));
    if (midi.n_events > 1) qsort(midi.events, midi.n_events, sizeof *midi.events, compare_events);
    TB_TRY(tb__midi_make_song(&midi, name, song, err));
out:
    tb_free(midi.events);
    return status;
}

tb_status tb_midi_read_file(const char *path, tb_song **song, tb_error *err)
{
    tb_status status = TB_OK;
    char *bytes = NULL;
    size_t size = 0;
    TB_TRY(tb_fs_read(path, TB_MIDI_MAX_BYTES, &bytes, &size, err));
    status = tb_midi_read(bytes, size, tb_fs_name(path), song, err);
    if (status != TB_OK) tb_error_prefix(err, "%.200s", path);
out:
    tb_free(bytes);
    return status;
}
