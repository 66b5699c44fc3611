// SPDX-License-Identifier: MIT
/* Sounds of game consoles: pulses of four widths and a triangle of sixteen steps, with levels of four bits.
 */
#include "train/patch_internal.h"

typedef struct chip {
    bool is_triangle;
    float widths[2]; /* at the note's start and after switch_s */
    float switch_s;
    float arpeggio[3]; /* semitones, in turn; of a chord on one voice */
    float arpeggio_hz; /* 0 none */
    tb__envelope level;
    tb__vibrato vibrato;
} chip;

static void draw(const tb__patch_wish *wish, tb_rng *rng, void *patch)
{
    static const float widths[] = {0.125f, 0.25f, 0.5f, 0.25f};
    static const float chords[][3] = {{0, 12, 0}, {0, 7, 12}, {0, 0, 12}};
    chip *c = patch;
    c->is_triangle = tb__happens(rng, wish->stem == TB_STEM_BASS ? 0.6 : 0.15);
    c->widths[0] = widths[tb_rng_below(rng, 4)];
    c->widths[1] = tb__happens(rng, 0.3) ? widths[tb_rng_below(rng, 4)] : c->widths[0];
    c->switch_s = tb__between(rng, 0.02, 0.15);
    const size_t chord = (size_t)tb_rng_below(rng, 3);
    for (size_t i = 0; i < 3; i++) c->arpeggio[i] = chords[chord][i];
    c->arpeggio_hz = tb__happens(rng, 0.15) ? 50 : 0;
    c->level = tb__envelope_draw(wish, rng);
    c->level.release_s = fminf(c->level.release_s, 0.03f);
    c->vibrato = tb__vibrato_draw(wish, rng);
}

static void add_note(void *patch, const tb__performance *p, const tb__note *note, float *mono)
{
    const chip *c = patch;
    size_t first = 0;
    const size_t n = tb__note_samples(p, note, &c->level, &first);
    const float rate_hz = (float)p->rate_hz, off_s = (float)(note->end_s - note->start_s);
    float phase = 0, level = 0;
    for (size_t at = 0; at < n; at += TB__PATCH_BLOCK) {
        const size_t count = n - at < TB__PATCH_BLOCK ? n - at : TB__PATCH_BLOCK;
        const float t = (float)at / rate_hz;
        float step = tb__note_step(p, note, &c->vibrato, first + at, t);
        if (c->arpeggio_hz > 0)
            step = fminf(step * exp2f(c->arpeggio[(size_t)(t * c->arpeggio_hz) % 3] / 12), 0.45f);
        const float width = t < c->switch_s ? c->widths[0] : c->widths[1];
        const float next = 0.2f * roundf(15 * note->velocity * tb__envelope_at(&c->level, t, off_s)) / 15,
                    rise = (next - level) / TB__PATCH_BLOCK;
        for (size_t i = 0; i < count; i++) {
            const float x = c->is_triangle ? 2 * roundf(7.5f * tb__triangle(phase) + 7.5f) / 15 - 1
                                           : tb__pulse(phase, step, width);
            mono[first + at + i] += x * (level += rise);
            phase += step;
            if (phase >= 1) phase -= 1;
        }
        level = next;
    }
}

const tb__patch_kind tb__patch_chip = {"chip", sizeof(chip), draw, add_note, NULL};
