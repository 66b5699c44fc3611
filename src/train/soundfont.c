// SPDX-License-Identifier: MIT
/* Which soundfonts there are: one row a font, with the places where packages of Debian put it. */
#include "train/soundfont.h"

#include "audio/identity.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { N_PLACES = 3, DIGEST_DIGITS = 16 };

typedef struct known_font {
    const char *name, *package;
    tb_soundfont_set set;
    double weight;
    const char *places[N_PLACES]; /* the first that exists is taken */
} known_font;

static const known_font known[] = {
    {"FluidR3",
     "fluidr3mono-gm-soundfont",
     TB_SOUNDFONT_SET_TRAIN,
     0.33,
     {"/usr/share/sounds/sf3/FluidR3Mono_GM.sf3", "/usr/share/sounds/sf2/FluidR3_GM.sf2"}},
    {"MuseScore General",
     "musescore-general-soundfont-small",
     TB_SOUNDFONT_SET_TRAIN,
     0.33,
     {"/usr/share/sounds/sf3/MuseScore_General_Lite.sf3", "/usr/share/sounds/sf3/MuseScore_General_Full.sf3",
      "/usr/share/sounds/sf3/MuseScore_General.sf3"}},
    {"OPL-3", "opl3-soundfont", TB_SOUNDFONT_SET_TRAIN, 0.20, {"/usr/share/sounds/sf2/OPL-3_FM_128M.sf2"}},
    {"csound GM",
     "csound-soundfont",
     TB_SOUNDFONT_SET_TRAIN,
     0.14,
     {"/usr/share/sounds/sf2/sf_GMbank.sf2", "/usr/share/samples/sf_GMbank.sf2"}},
    {"TimGM6mb", "timgm6mb-soundfont", TB_SOUNDFONT_SET_TEST, 1, {"/usr/share/sounds/sf2/TimGM6mb.sf2"}},
};

enum { N_KNOWN = sizeof known / sizeof *known };

static tb_status add_font(tb_soundfonts *fonts, const char *name, const char *path, double weight,
                          tb_error *err)
{
    tb_status status = TB_OK;
    tb_identity identity;
    char digest[2 * TB_IDENTITY_SIZE + 1];
    if (fonts->n_fonts == TB_SOUNDFONTS_MAX)
        TB_FAIL(err, TB_INVALID, "more than %d soundfonts", TB_SOUNDFONTS_MAX);
    tb_soundfont *font = &fonts->fonts[fonts->n_fonts];
    TB_TRY(tb_identity_file(path, &identity, err));
    tb_hex_encode(identity.bytes, TB_IDENTITY_SIZE, digest);
    memcpy(font->digest, digest, DIGEST_DIGITS);
    (void)tb_text_copy(font->name, sizeof font->name, name);
    font->weight = weight;
    if (!(font->path = tb_strdup(path))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    fonts->n_fonts++;
out:
    return status;
}

static tb_status new_set(tb_soundfonts **fonts, tb_error *err)
{
    tb_soundfonts *made = tb_alloc(1, sizeof *made);
    if (made) made->fonts = tb_alloc(TB_SOUNDFONTS_MAX, sizeof *made->fonts);
    if (!made || !made->fonts) {
        tb_free(made);
        return tb_error_set(err, TB_NO_MEMORY, "no memory for soundfonts");
    }
    *fonts = made;
    return TB_OK;
}

static void share_weights(tb_soundfonts *fonts)
{
    double sum = 0;
    for (size_t i = 0; i < fonts->n_fonts; i++) sum += fonts->fonts[i].weight;
    for (size_t i = 0; i < fonts->n_fonts; i++) fonts->fonts[i].weight /= sum;
}

static const char *find_place(const known_font *font)
{
    for (size_t i = 0; i < N_PLACES && font->places[i]; i++)
        if (access(font->places[i], R_OK) == 0) return font->places[i];
    return NULL;
}

tb_status tb_soundfonts_find(tb_soundfont_set set, tb_soundfonts **fonts, tb_error *err)
{
    tb_status status = TB_OK;
    tb_soundfonts *made = NULL;
    char packages[256] = "";
    TB_TRY(new_set(&made, err));
    for (size_t i = 0, size = 0; i < N_KNOWN; i++) {
        if (known[i].set != set) continue;
        size += (size_t)snprintf(packages + size, sizeof packages - size, " %s", known[i].package);
        const char *path = find_place(&known[i]);
        if (path) TB_TRY(add_font(made, known[i].name, path, known[i].weight, err));
    }
    if (made->n_fonts == 0)
        TB_FAIL(err, TB_NOT_FOUND, "no soundfont is installed; on Debian: apt-get install%s", packages);
    share_weights(made);
    *fonts = made;
    made = NULL;
out:
    tb_soundfonts_free(made);
    return status;
}

tb_status tb_soundfonts_parse(const char *list, tb_soundfonts **fonts, tb_error *err)
{
    tb_status status = TB_OK;
    tb_soundfonts *made = NULL;
    char *copy = tb_strdup(list), *save = NULL;
    if (!copy) TB_FAIL(err, TB_NO_MEMORY, "no memory for a list of soundfonts");
    TB_TRY(new_set(&made, err));
    for (char *item = strtok_r(copy, ",", &save); item; item = strtok_r(NULL, ",", &save)) {
        double weight = 1;
        char *colon = strrchr(item, ':');
        if (colon) {
            *colon = '\0';
            if (tb_parse_double(colon + 1, &weight) != TB_OK || !(weight > 0 && weight < 1e9))
                TB_FAIL(err, TB_INVALID, "\"%.40s\" is no weight of a soundfont; write FILE:WEIGHT",
                        colon + 1);
        }
        TB_TRY(add_font(made, tb_fs_name(item), item, weight, err));
    }
    if (made->n_fonts == 0) TB_FAIL(err, TB_INVALID, "the list of soundfonts is empty");
    share_weights(made);
    *fonts = made;
    made = NULL;
out:
    tb_soundfonts_free(made);
    tb_free(copy);
    return status;
}

void tb_soundfonts_free(tb_soundfonts *fonts)
{
    if (!fonts) return;
    for (size_t i = 0; i < fonts->n_fonts; i++) tb_free(fonts->fonts[i].path);
    tb_free(fonts->fonts);
    tb_free(fonts);
}

size_t tb_soundfonts_draw(const tb_soundfonts *fonts, tb_rng *rng)
{
    double left = tb_rng_uniform(rng);
    for (size_t i = 0; i + 1 < fonts->n_fonts; i++)
        if ((left -= fonts->fonts[i].weight) < 0) return i;
    return fonts->n_fonts - 1;
}
