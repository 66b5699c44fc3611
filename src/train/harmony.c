// SPDX-License-Identifier: MIT
/* Scales, chord progressions and voicings.  Chords are built of thirds of the scale; in minor keys the fifth degree may
 * take the raised leading note. */
#include "train/composer_internal.h"

static const int scales[TB_MODE_COUNT][7] = {
    [TB_MODE_MAJOR] = {0, 2, 4, 5, 7, 9, 11},      [TB_MODE_MINOR] = {0, 2, 3, 5, 7, 8, 10},
    [TB_MODE_HARMONIC_MINOR] = {0, 2, 3, 5, 7, 8, 11}, [TB_MODE_DORIAN] = {0, 2, 3, 5, 7, 9, 10},
    [TB_MODE_MIXOLYDIAN] = {0, 2, 4, 5, 7, 9, 10}, [TB_MODE_LYDIAN] = {0, 2, 4, 6, 7, 9, 11},
    [TB_MODE_PHRYGIAN] = {0, 1, 3, 5, 7, 8, 10},
};

/* Degrees 1 to 7, one for each bar (or two bars, or half a bar), repeated to fill the section. */
static const char *const bright[] = {"1564",     "1645", "1455", "6415", "2511",     "1415", "15634145",
                                     "1345",     "4536", "1625", "3625", "1111",     "4411", "1414",
                                     "14154541", "1525", "1436", "1264", "11445141", "1545"};
static const char *const dark[] = {"1637", "1765", "14736251", "1451", "1645", "1767", "1374",
                                   "1564", "1251", "6711",     "1167", "4151", "1414", "1111",
                                   "1617", "1341", "11441511", "1735", "1671", "1321"};

static bool is_minor(tb_mode mode)
{
    return scales[mode][2] == 3;
}

int tb__scale_pitch(const tb__harmony *harmony, int degree)
{
    int octave = degree / 7, step = degree % 7;
    if (step < 0) {
        step += 7;
        octave--;
    }
    return harmony->key + 12 * octave + scales[harmony->mode][step];
}

static tb__chord make_chord(const tb__harmony *harmony, int degree, bool is_raised)
{
    tb__chord chord = {.degree = degree, .n_tones = harmony->sevenths ? 4 : 3};
    const int drop = tb__scale_pitch(harmony, degree) / 12 * 12;
    for (int i = 0; i < 4; i++) chord.tones[i] = tb__scale_pitch(harmony, degree + 2 * i) - drop;
    if (is_raised) chord.tones[1] = chord.tones[0] + 4;
    return chord;
}

void tb__progression(tb_rng *rng, const tb__harmony *harmony, int n_bars, tb__chord *halves)
{
    const bool minor = is_minor(harmony->mode);
    const int n_templates = minor ? (int)(sizeof dark / sizeof *dark) : (int)(sizeof bright / sizeof *bright);
    const char *text = (minor ? dark : bright)[tb__draw(rng, 0, n_templates - 1)];
    static const int halves_weights[] = {12, 70, 18}, halves_each[] = {1, 2, 4};
    const int each = halves_each[tb__pick(rng, halves_weights, 3)];
    const bool is_raised = minor && tb__chance(rng, 60);
    int length = 0;
    while (text[length]) length++;
    for (int half = 0; half < 2 * n_bars; half++) {
        const int degree = text[half / each % length] - '1';
        halves[half] = make_chord(harmony, degree, is_raised && degree == 4);
    }
}

int tb__chord_tone(const tb__chord *chord, int i)
{
    int octave = i / chord->n_tones, tone = i % chord->n_tones;
    if (tone < 0) {
        tone += chord->n_tones;
        octave--;
    }
    return chord->tones[tone] + 12 * octave;
}

int tb__nearest_key(int pitch, int near)
{
    int above = (pitch - near) % 12;
    if (above < 0) above += 12;
    return above > 6 ? near + above - 12 : near + above;
}

bool tb__in_chord(const tb__chord *chord, int key)
{
    for (int i = 0; i < chord->n_tones; i++)
        if ((key - chord->tones[i]) % 12 == 0) return true;
    return false;
}

void tb__voicing(const tb__chord *chord, int centre, int n, int *keys)
{
    int key = centre - 2 * n;
    for (int i = 0; i < n; i++, key++) {
        while (!tb__in_chord(chord, key)) key++;
        keys[i] = key;
    }
}
