// SPDX-License-Identifier: MIT
/* Classes of pieces (tempo group, metre), for each class and stem the list of pieces that hold it, and for each piece
 * and stem how loud each row is, so that windows in which a stem rests are mostly passed over. */
#include "train/sampler_internal.h"

#include "base/alloc.h"
#include "train/half_rows.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { PLACE_TRIES = 8 };
/* A window counts as one in which a stem rests below this share of the stem's mean power. */
static const float rests_below = 0.05f;

void tb_sampler_options_default(tb_sampler_options *options)
{
    *options = (tb_sampler_options){.n_segments = 64, .n_ids = 16, .absent = 0.12, .twins = 0};
}

/* --- what is known of the pieces ------------------------------------------------------------------------------------- */

static size_t count_starts(const tb_piece *piece)
{
    size_t n = 0;
    for (size_t i = 0; i + 1 < piece->n_bars; i++)
        n += (double)piece->bars[i + 1] + TB_WINDOW_ROWS_TAKEN + 1 <= (double)piece->n_rows;
    return n;
}

static tb_status measure_loudness(tb__piece_facts *facts, tb_stem stem, size_t n_bands, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_piece *piece = facts->piece;
    float *loudness = tb_alloc(piece->n_rows, sizeof *loudness);
    double sum = 0;
    if (!loudness) TB_FAIL(err, TB_NO_MEMORY, "no memory for the loudness of %s", piece->name);
    for (size_t r = 0; r < piece->n_rows; r++) {
        loudness[r] = tb_half_row_power(piece->rows[stem] + r * n_bands, n_bands);
        sum += (double)loudness[r];
    }
    facts->rest[stem] = rests_below * (float)(sum / (double)piece->n_rows * TB_WINDOW_ROWS_TAKEN);
    facts->loudness[stem] = loudness;
out:
    return status;
}

static tb_status learn_pieces(tb_sampler *sampler, const tb_piece *const *pieces, size_t n_bands, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < sampler->n_facts; i++) {
        tb__piece_facts *facts = &sampler->facts[i];
        if (pieces[i]->n_rows < TB_WINDOW_ROWS_TAKEN || tb_piece_stems(pieces[i]) == 0) continue;
        facts->piece = pieces[i];
        facts->n_starts = count_starts(pieces[i]);
        for (int c = 0; c < TB_STEM_COUNT; c++)
            if (pieces[i]->rows[c]) TB_TRY(measure_loudness(facts, (tb_stem)c, n_bands, err));
        sampler->n_used++;
    }
out:
    return status;
}

/* --- classes --------------------------------------------------------------------------------------------------------- */

static tb__piece_class *find_class(tb_sampler *sampler, const tb_piece *piece)
{
    for (size_t i = 0; i < sampler->n_classes; i++)
        if (sampler->classes[i].tempo_group == piece->tempo_group && sampler->classes[i].beats_per_bar == piece->beats_per_bar)
            return &sampler->classes[i];
    if (sampler->n_classes == TB__MAX_CLASSES) return NULL;
    tb__piece_class *made = &sampler->classes[sampler->n_classes++];
    made->tempo_group = piece->tempo_group;
    made->beats_per_bar = piece->beats_per_bar;
    return made;
}

static bool is_rich(const tb_piece *piece)
{
    const unsigned stems = tb_piece_stems(piece);
    return (stems & (stems - 1)) != 0;
}

static tb_status fill_class(tb_sampler *sampler, tb__piece_class *class, tb_error *err)
{
    tb_status status = TB_OK;
    if (!(class->members = tb_alloc(class->n_members, sizeof *class->members))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a class of pieces");
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        if (!(class->holders[c] = tb_alloc(class->n_members, sizeof *class->holders[c]))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a class of pieces");
    }
    class->n_members = 0;
    for (int rich = 1; rich >= 0; rich--)
        for (size_t i = 0; i < sampler->n_facts; i++) {
            const tb_piece *piece = sampler->facts[i].piece;
            if (!piece || is_rich(piece) != (rich == 1) || find_class(sampler, piece) != class) continue;
            class->members[class->n_members++] = (uint32_t)i;
            class->n_rich += rich == 1;
            for (int c = 0; c < TB_STEM_COUNT; c++)
                if (piece->rows[c]) class->holders[c][class->n_holders[c]++] = (uint32_t)i;
        }
out:
    return status;
}

/* A group needs two pieces of some stem to compare. */
static bool can_contrast(const tb__piece_class *class)
{
    size_t most = 0;
    for (int c = 0; c < TB_STEM_COUNT; c++) most = class->n_holders[c] > most ? class->n_holders[c] : most;
    return most >= 2;
}

static void clear_class(tb__piece_class *class)
{
    for (int c = 0; c < TB_STEM_COUNT; c++) tb_free(class->holders[c]);
    tb_free(class->members);
}

static tb_status sort_into_classes(tb_sampler *sampler, tb_error *err)
{
    tb_status status = TB_OK;
    if (!(sampler->classes = tb_alloc(TB__MAX_CLASSES, sizeof *sampler->classes))) TB_FAIL(err, TB_NO_MEMORY, "no memory for classes of pieces");
    for (size_t i = 0; i < sampler->n_facts; i++) {
        if (!sampler->facts[i].piece) continue;
        tb__piece_class *class = find_class(sampler, sampler->facts[i].piece);
        if (!class) TB_FAIL(err, TB_INVALID, "the pieces have more than %d different tempo groups and metres", TB__MAX_CLASSES);
        class->n_members++;
    }
    for (size_t i = 0; i < sampler->n_classes; i++) TB_TRY(fill_class(sampler, &sampler->classes[i], err));
    size_t n_kept = 0;
    double weight = 0;
    for (size_t i = 0; i < sampler->n_classes; i++) {
        tb__piece_class *class = &sampler->classes[i];
        if (!can_contrast(class)) {
            clear_class(class);
            memset(class, 0, sizeof *class);
            continue;
        }
        weight += (double)class->n_members;
        class->weight_below = weight;
        const tb__piece_class kept = *class;
        memset(class, 0, sizeof *class);
        sampler->classes[n_kept++] = kept;
    }
    sampler->n_classes = n_kept;
out:
    return status;
}

static void list_uses(tb_sampler *sampler)
{
    for (size_t i = 0; i < sampler->n_classes; i++) {
        const tb__piece_class *class = &sampler->classes[i];
        if (class->n_rich >= 1 && class->n_members >= 3) sampler->triplet_classes[sampler->n_triplet_classes++] = i;
        for (int c = 0; c < TB_STEM_COUNT; c++)
            if (class->n_holders[c] >= 2) sampler->single_classes[c][sampler->n_single_classes[c]++] = i;
    }
}

tb_status tb_sampler_new(const tb_piece *const *pieces, size_t n_pieces, size_t n_bands, const tb_sampler_options *options,
                         tb_sampler **sampler, tb_error *err)
{
    tb_status status = TB_OK;
    tb_sampler *made = NULL;
    if (options->n_segments < 2 || options->n_segments > TB_GROUP_MAX_SEGMENTS || options->n_ids < 2 ||
        options->n_ids > options->n_segments || !(options->absent >= 0 && options->absent <= 0.9) ||
        !(options->twins >= 0 && options->twins <= 1))
        TB_FAIL(err, TB_INVALID, "a group of %zu segments with %zu pieces a stem, %g absent and %g twins cannot be made",
                options->n_segments, options->n_ids, options->absent, options->twins);
    if (n_pieces == 0) TB_FAIL(err, TB_INVALID, "there are no pieces to train on");
    if (n_pieces > INT32_MAX) TB_FAIL(err, TB_TOO_LARGE, "%zu pieces are too many", n_pieces);
    if (!(made = tb_alloc(1, sizeof *made)) || !(made->facts = tb_alloc(n_pieces, sizeof *made->facts)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu pieces", n_pieces);
    made->options = *options;
    made->n_facts = n_pieces;
    TB_TRY(learn_pieces(made, pieces, n_bands, err));
    if (made->n_used == 0)
        TB_FAIL(err, TB_INVALID, "none of the %zu pieces has a stem that sounds and lasts %.1f s", n_pieces,
                TB_WINDOW_ROWS_TAKEN * 1024 / 22050.0);
    TB_TRY(sort_into_classes(made, err));
    if (made->n_classes == 0)
        TB_FAIL(err, TB_INVALID, "no two of the %zu pieces share a tempo group, a metre and an instrument: make more of them", made->n_used);
    list_uses(made);
    *sampler = made;
    made = NULL;
out:
    tb_sampler_free(made);
    return status;
}

void tb_sampler_free(tb_sampler *sampler)
{
    if (!sampler) return;
    if (sampler->facts)
        for (size_t i = 0; i < sampler->n_facts; i++)
            for (int c = 0; c < TB_STEM_COUNT; c++) tb_free(sampler->facts[i].loudness[c]);
    if (sampler->classes)
        for (size_t i = 0; i < sampler->n_classes; i++) clear_class(&sampler->classes[i]);
    tb_free(sampler->classes);
    tb_free(sampler->facts);
    tb_free(sampler);
}

size_t tb_sampler_n_pieces(const tb_sampler *sampler)
{
    return sampler->n_used;
}

size_t tb_sampler_n_classes(const tb_sampler *sampler)
{
    return sampler->n_classes;
}

bool tb_sampler_can_single(const tb_sampler *sampler, tb_stem stem)
{
    return sampler->n_single_classes[stem] > 0;
}

bool tb_sampler_can_triplets(const tb_sampler *sampler)
{
    return sampler->n_triplet_classes > 0;
}

const uint32_t *tb_sampler_holders(const tb_sampler *sampler, size_t class_number, tb_stem stem, size_t *n)
{
    *n = sampler->classes[class_number].n_holders[stem];
    return sampler->classes[class_number].holders[stem];
}

/* --- places ---------------------------------------------------------------------------------------------------------- */

static uint32_t draw_row(const tb__piece_facts *facts, double phase, tb_rng *rng)
{
    const tb_piece *piece = facts->piece;
    if (facts->n_starts == 0) return (uint32_t)tb_rng_below(rng, piece->n_rows - TB_WINDOW_ROWS_TAKEN + 1);
    const size_t bar = (size_t)tb_rng_below(rng, facts->n_starts);
    const double begin = (double)piece->bars[bar], end = (double)piece->bars[bar + 1];
    return (uint32_t)lround(begin + phase * (end - begin));
}

uint32_t tb_sampler_place(const tb_sampler *sampler, size_t piece, tb_stem stem, double phase, tb_rng *rng)
{
    const tb__piece_facts *facts = &sampler->facts[piece];
    uint32_t row = 0;
    assert(facts->piece && facts->loudness[stem]);
    for (int i = 0; i < PLACE_TRIES; i++) {
        float sum = 0;
        row = draw_row(facts, phase, rng);
        for (size_t r = row; r < row + TB_WINDOW_ROWS_TAKEN; r++) sum += facts->loudness[stem][r];
        if (sum > facts->rest[stem]) break;
    }
    return row;
}
