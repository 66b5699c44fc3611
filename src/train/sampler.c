// SPDX-License-Identifier: MIT
/* Classes of pieces (tempo group, metre), for each class and stem the list of pieces that hold it, and for each piece
 * and stem how loud each row is, so that windows in which a stem rests are mostly passed over. */
#include "train/sampler.h"

#include "base/alloc.h"
#include "train/half_rows.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { MAX_CLASSES = TB_TEMPO_GROUPS * 33, PLACE_TRIES = 8 };
/* A window counts as one in which a stem rests below this share of the stem's mean power. */
static const float rests_below = 0.05f;

typedef struct piece_facts {
    const tb_piece *piece;    /* NULL: not in use */
    size_t n_starts;          /* bars at which a window may begin whatever the phase; 0: any row */
    float *loudness[TB_STEM_COUNT]; /* n_rows sums of power; NULL where silent */
    float rest[TB_STEM_COUNT];      /* a window with less power in all is a rest */
} piece_facts;

typedef struct piece_class {
    uint32_t *holders[TB_STEM_COUNT];
    size_t n_holders[TB_STEM_COUNT];
    uint32_t *members; /* pieces with two stems or more come first */
    size_t n_members, n_rich;
    double weight_below; /* sum of the weights of the classes up to this one */
    int tempo_group, beats_per_bar;
} piece_class;

struct tb_sampler {
    tb_sampler_options options;
    piece_facts *facts;
    size_t n_facts, n_used;
    piece_class *classes;
    size_t n_classes;
    size_t triplet_classes[MAX_CLASSES], n_triplet_classes;
    size_t single_classes[TB_STEM_COUNT][MAX_CLASSES], n_single_classes[TB_STEM_COUNT];
};

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

static tb_status measure_loudness(piece_facts *facts, tb_stem stem, size_t n_bands, tb_error *err)
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
        piece_facts *facts = &sampler->facts[i];
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

static piece_class *find_class(tb_sampler *sampler, const tb_piece *piece)
{
    for (size_t i = 0; i < sampler->n_classes; i++)
        if (sampler->classes[i].tempo_group == piece->tempo_group && sampler->classes[i].beats_per_bar == piece->beats_per_bar)
            return &sampler->classes[i];
    if (sampler->n_classes == MAX_CLASSES) return NULL;
    piece_class *made = &sampler->classes[sampler->n_classes++];
    made->tempo_group = piece->tempo_group;
    made->beats_per_bar = piece->beats_per_bar;
    return made;
}

static bool is_rich(const tb_piece *piece)
{
    const unsigned stems = tb_piece_stems(piece);
    return (stems & (stems - 1)) != 0;
}

static tb_status fill_class(tb_sampler *sampler, piece_class *class, tb_error *err)
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
static bool can_contrast(const piece_class *class)
{
    size_t most = 0;
    for (int c = 0; c < TB_STEM_COUNT; c++) most = class->n_holders[c] > most ? class->n_holders[c] : most;
    return most >= 2;
}

static void clear_class(piece_class *class)
{
    for (int c = 0; c < TB_STEM_COUNT; c++) tb_free(class->holders[c]);
    tb_free(class->members);
}

static tb_status sort_into_classes(tb_sampler *sampler, tb_error *err)
{
    tb_status status = TB_OK;
    if (!(sampler->classes = tb_alloc(MAX_CLASSES, sizeof *sampler->classes))) TB_FAIL(err, TB_NO_MEMORY, "no memory for classes of pieces");
    for (size_t i = 0; i < sampler->n_facts; i++) {
        if (!sampler->facts[i].piece) continue;
        piece_class *class = find_class(sampler, sampler->facts[i].piece);
        if (!class) TB_FAIL(err, TB_INVALID, "the pieces have more than %d different tempo groups and metres", MAX_CLASSES);
        class->n_members++;
    }
    for (size_t i = 0; i < sampler->n_classes; i++) TB_TRY(fill_class(sampler, &sampler->classes[i], err));
    size_t n_kept = 0;
    double weight = 0;
    for (size_t i = 0; i < sampler->n_classes; i++) {
        piece_class *class = &sampler->classes[i];
        if (!can_contrast(class)) {
            clear_class(class);
            memset(class, 0, sizeof *class);
            continue;
        }
        weight += (double)class->n_members;
        class->weight_below = weight;
        const piece_class kept = *class;
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
        const piece_class *class = &sampler->classes[i];
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

static uint32_t draw_row(const piece_facts *facts, double phase, tb_rng *rng)
{
    const tb_piece *piece = facts->piece;
    if (facts->n_starts == 0) return (uint32_t)tb_rng_below(rng, piece->n_rows - TB_WINDOW_ROWS_TAKEN + 1);
    const size_t bar = (size_t)tb_rng_below(rng, facts->n_starts);
    const double begin = (double)piece->bars[bar], end = (double)piece->bars[bar + 1];
    return (uint32_t)lround(begin + phase * (end - begin));
}

uint32_t tb_sampler_place(const tb_sampler *sampler, size_t piece, tb_stem stem, double phase, tb_rng *rng)
{
    const piece_facts *facts = &sampler->facts[piece];
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

/* --- groups ---------------------------------------------------------------------------------------------------------- */

void tb_sampler_seed(tb_rng *rng, uint64_t seed, uint64_t step, uint64_t group)
{
    tb_rng mixed;
    tb_rng_init(&mixed, seed);
    tb_rng_init(&mixed, tb_rng_next(&mixed) ^ step);
    tb_rng_init(rng, tb_rng_next(&mixed) ^ group);
}

static const piece_class *draw_class(const tb_sampler *sampler, tb_rng *rng)
{
    const double at = tb_rng_uniform(rng) * sampler->classes[sampler->n_classes - 1].weight_below;
    size_t i = 0;
    while (i + 1 < sampler->n_classes && sampler->classes[i].weight_below <= at) i++;
    return &sampler->classes[i];
}

static bool contains(const uint32_t *numbers, size_t n, uint32_t number)
{
    for (size_t i = 0; i < n; i++)
        if (numbers[i] == number) return true;
    return false;
}

/* n different ones of the list; fewer when it is shorter. */
static size_t draw_different(const uint32_t *list, size_t n_list, size_t n, tb_rng *rng, uint32_t *out)
{
    if (n > n_list) n = n_list;
    /* Floyd's: the k-th is drawn from the first n_list - n + k + 1, or is the last of them */
    uint32_t places[TB_GROUP_MAX_SEGMENTS];
    for (size_t k = 0; k < n; k++) {
        const uint32_t last = (uint32_t)(n_list - n + k), at = (uint32_t)tb_rng_below(rng, (uint64_t)last + 1);
        places[k] = contains(places, k, at) ? last : at;
    }
    for (size_t k = 0; k < n; k++) out[k] = list[places[k]];
    return n;
}

static void shuffle(uint32_t *numbers, size_t n, tb_rng *rng)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)tb_rng_below(rng, i);
        const uint32_t kept = numbers[i - 1];
        numbers[i - 1] = numbers[j];
        numbers[j] = kept;
    }
}

/* Begins a plan: all absent. */
static void clear_plan(tb_group_plan *plan, size_t n)
{
    plan->n = n;
    plan->n_triplets = plan->n_basic = 0;
    for (size_t i = 0; i < n; i++)
        for (int c = 0; c < TB_STEM_COUNT; c++) plan->source[i][c] = (tb_source){.piece = -1};
    memset(plan->n_voices, 0, sizeof plan->n_voices);
}

/* Voices of the contrast plan: v[c][i] is the voice of stem c in segment i. */
typedef struct casting {
    uint32_t pieces[TB_STEM_COUNT][TB_GROUP_MAX_SEGMENTS];
    size_t n_pieces[TB_STEM_COUNT];
    uint32_t voice[TB_STEM_COUNT][TB_GROUP_MAX_SEGMENTS];
    bool absent[TB_STEM_COUNT][TB_GROUP_MAX_SEGMENTS];
} casting;

static void cast_stems(const tb_sampler *sampler, const piece_class *class, tb_rng *rng, casting *cast)
{
    const tb_sampler_options *o = &sampler->options;
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        cast->n_pieces[c] = draw_different(class->holders[c], class->n_holders[c], o->n_ids, rng, cast->pieces[c]);
        for (size_t i = 0; i < o->n_segments; i++) {
            cast->voice[c][i] = cast->n_pieces[c] ? (uint32_t)(i % cast->n_pieces[c]) : 0;
            cast->absent[c][i] = tb_rng_uniform(rng) < o->absent || cast->n_pieces[c] == 0;
        }
        shuffle(cast->voice[c], o->n_segments, rng);
    }
    for (size_t i = 0; i < o->n_segments; i++) { /* something must sound */
        bool all_absent = true;
        for (int c = 0; c < TB_STEM_COUNT; c++) all_absent = all_absent && cast->absent[c][i];
        for (size_t c = (size_t)tb_rng_below(rng, TB_STEM_COUNT); all_absent; c = (c + 1) % TB_STEM_COUNT) {
            if (cast->n_pieces[c] == 0) continue;
            cast->absent[c][i] = false;
            all_absent = false;
        }
    }
}

/* Segment j = i + 1 gets i's voices but in stem c, by swapping with a segment that is no twin, so that each voice keeps
 * its number of segments. */
static void make_twins(casting *cast, size_t i, size_t first_free, size_t n, int c)
{
    const size_t j = i + 1;
    for (int q = 0; q < TB_STEM_COUNT; q++) {
        if (q == c) {
            if (cast->n_pieces[q]) cast->absent[q][i] = cast->absent[q][j] = false;
            continue;
        }
        size_t other = first_free;
        while (other < n && cast->voice[q][other] != cast->voice[q][i]) other++;
        if (other < n) cast->voice[q][other] = cast->voice[q][j];
        cast->voice[q][j] = cast->voice[q][i];
        cast->absent[q][j] = cast->absent[q][i];
    }
}

void tb_sampler_draw_contrast(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n = sampler->options.n_segments;
    casting cast;
    clear_plan(plan, n);
    cast_stems(sampler, draw_class(sampler, rng), rng, &cast);
    const size_t n_twins = (size_t)(sampler->options.twins * (double)n) / 2 * 2;
    for (size_t i = 0; i < n_twins; i += 2) make_twins(&cast, i, n_twins, n, (int)tb_rng_below(rng, TB_STEM_COUNT));
    for (size_t i = 0; i < n; i++) {
        const double phase = tb_rng_uniform(rng);
        for (int c = 0; c < TB_STEM_COUNT; c++) {
            if (cast.absent[c][i]) continue;
            const uint32_t voice = cast.voice[c][i], piece = cast.pieces[c][voice];
            plan->source[i][c] = (tb_source){(int32_t)piece, tb_sampler_place(sampler, piece, (tb_stem)c, phase, rng), voice};
        }
    }
    for (int c = 0; c < TB_STEM_COUNT; c++) plan->n_voices[c] = cast.n_pieces[c];
}

void tb_sampler_draw_single(const tb_sampler *sampler, tb_stem stem, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n = sampler->options.n_segments, n_classes = sampler->n_single_classes[stem];
    uint32_t pieces[TB_GROUP_MAX_SEGMENTS];
    assert(n_classes > 0);
    const piece_class *class = &sampler->classes[sampler->single_classes[stem][tb_rng_below(rng, n_classes)]];
    clear_plan(plan, n);
    const size_t n_pieces = draw_different(class->holders[stem], class->n_holders[stem], sampler->options.n_ids, rng, pieces);
    plan->n_voices[stem] = n_pieces;
    for (size_t i = 0; i < n; i++) {
        const uint32_t voice = (uint32_t)(i % n_pieces);
        const uint32_t row = tb_sampler_place(sampler, pieces[voice], stem, tb_rng_uniform(rng), rng);
        plan->source[i][stem] = (tb_source){(int32_t)pieces[voice], row, voice};
    }
}

/* --- whole pieces and the paper's triplets ----------------------------------------------------------------------------- */

static int draw_stem(const tb_piece *piece, tb_rng *rng)
{
    int stems[TB_STEM_COUNT], n = 0;
    for (int c = 0; c < TB_STEM_COUNT; c++)
        if (piece->rows[c]) stems[n++] = c;
    assert(n > 0);
    return stems[tb_rng_below(rng, (uint64_t)n)];
}

/* The piece's stems of the mask, from one place on. */
static void take(const tb_sampler *sampler, tb_group_plan *plan, size_t i, uint32_t piece, unsigned mask, double phase, uint32_t voice,
                 tb_rng *rng)
{
    const tb_piece *from = sampler->facts[piece].piece;
    int lead = -1;
    for (int c = 0; c < TB_STEM_COUNT; c++)
        if ((mask >> c & 1) && from->rows[c] && (lead < 0 || tb_rng_below(rng, 2))) lead = c;
    if (lead < 0) return;
    const uint32_t row = tb_sampler_place(sampler, piece, (tb_stem)lead, phase, rng);
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        if (!(mask >> c & 1) || !from->rows[c]) continue;
        plan->source[i][c] = (tb_source){(int32_t)piece, row, voice};
        if (plan->n_voices[c] <= voice) plan->n_voices[c] = voice + 1;
    }
}

enum { ALL_STEMS = (1 << TB_STEM_COUNT) - 1 };

void tb_sampler_draw_whole(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n = sampler->options.n_segments;
    const piece_class *class = draw_class(sampler, rng);
    clear_plan(plan, n);
    for (size_t i = 0; i < n; i++) {
        const uint32_t piece = class->members[tb_rng_below(rng, class->n_members)];
        const int alone = draw_stem(sampler->facts[piece].piece, rng);
        take(sampler, plan, i, piece, i % 2 ? 1u << alone : ALL_STEMS, tb_rng_uniform(rng), (uint32_t)i, rng);
    }
}

/* A member other than these two; the class has at least three. */
static uint32_t draw_other(const piece_class *class, uint32_t a, uint32_t b, tb_rng *rng)
{
    for (;;) {
        const uint32_t piece = class->members[tb_rng_below(rng, class->n_members)];
        if (piece != a && piece != b) return piece;
    }
}

static void add_triplet(tb_group_plan *plan, size_t at, uint32_t anchor, uint32_t positive, uint32_t negative, int part)
{
    plan->triplets[at] = (tb_loss_triplet){anchor, positive, negative, (uint32_t)part};
}

void tb_sampler_draw_triplets(const tb_sampler *sampler, tb_rng *rng, tb_group_plan *plan)
{
    const size_t n_triplets = sampler->options.n_segments / 3;
    const piece_class *class = &sampler->classes[sampler->triplet_classes[tb_rng_below(rng, sampler->n_triplet_classes)]];
    clear_plan(plan, 3 * n_triplets);
    plan->n_basic = plan->n_triplets = n_triplets;
    for (size_t t = 0; t < n_triplets; t++) {
        const uint32_t a = class->members[tb_rng_below(rng, class->n_rich)], anchor = (uint32_t)(3 * t);
        const int c = draw_stem(sampler->facts[a].piece, rng);
        uint32_t other = draw_other(class, a, a, rng); /* has stem c, if a few draws find one */
        for (int i = 0; i < 16 && !sampler->facts[other].piece->rows[c]; i++) other = draw_other(class, a, a, rng);
        const uint32_t rest = draw_other(class, a, other, rng), voice = (uint32_t)t * 3;
        const unsigned part = 1u << c;
        const double phase = tb_rng_uniform(rng);
        take(sampler, plan, anchor, a, ALL_STEMS, phase, voice, rng);
        take(sampler, plan, anchor + 1, a, part, phase, voice, rng);
        take(sampler, plan, anchor + 1, rest, ALL_STEMS & ~part, phase, voice + 1, rng);
        take(sampler, plan, anchor + 2, a, ALL_STEMS & ~part, phase, voice, rng);
        take(sampler, plan, anchor + 2, other, part, phase, voice + 2, rng);
        add_triplet(plan, t, anchor, anchor + 1, anchor + 2, c);
        for (int q = 0; q < TB_STEM_COUNT; q++)
            if (q != c && sampler->facts[a].piece->rows[q] && plan->n_triplets < TB_GROUP_MAX_SEGMENTS * 2)
                add_triplet(plan, plan->n_triplets++, anchor, anchor + 2, anchor + 1, q);
    }
}
