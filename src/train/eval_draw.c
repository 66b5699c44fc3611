// SPDX-License-Identifier: MIT
#include "train/eval_draw.h"

#include <math.h>

void tb_eval_rng(tb_rng *rng, uint64_t seed, tb_eval_stream stream, size_t number)
{
    tb_rng_init(rng, seed);
    const uint64_t first = tb_rng_next(rng);
    tb_rng_init(rng, first ^ (uint64_t)stream);
    const uint64_t second = tb_rng_next(rng);
    tb_rng_init(rng, second ^ (uint64_t)number);
}

void tb_eval_shuffle(tb_rng *rng, size_t *items, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t j = (size_t)tb_rng_below(rng, i), kept = items[j];
        items[j] = items[i - 1];
        items[i - 1] = kept;
    }
}

/* How far a piece is from `like`: 0 for those of its own kind, else 1 and more. */
static double tempo_distance(const tb_piece *piece, const tb_piece *like)
{
    if (piece->tempo_group == like->tempo_group && piece->beats_per_bar == like->beats_per_bar) return 0;
    return 1 + fabs(log(piece->tempo_bpm / like->tempo_bpm)) + (piece->beats_per_bar != like->beats_per_bar);
}

size_t tb_eval_near(const tb_eval_set *set, tb_rng *rng, const tb_piece *like, unsigned mask, size_t n_rows,
                    size_t except, size_t *found)
{
    size_t n = 0;
    for (size_t i = 0; i < set->n_pieces; i++)
        if (i != except && set->pieces[i]->n_rows >= n_rows && (tb_piece_stems(set->pieces[i]) & mask))
            found[n++] = i;
    tb_eval_shuffle(rng, found, n);
    for (size_t i = 1; i < n; i++) { /* by insertion, which keeps the order of equals */
        const size_t item = found[i];
        const double distance = tempo_distance(set->pieces[item], like);
        size_t at = i;
        for (; at > 0 && tempo_distance(set->pieces[found[at - 1]], like) > distance; at--)
            found[at] = found[at - 1];
        found[at] = item;
    }
    return n;
}

void tb_eval_starts(const tb_piece *piece, tb_rng *rng, size_t n_rows, size_t n, size_t *first_rows)
{
    const size_t last = piece->n_rows - n_rows;
    size_t n_bars = 0;
    while (n_bars < piece->n_bars && (size_t)lrintf(piece->bars[n_bars]) <= last) n_bars++;
    const size_t n_places = n_bars ? n_bars : last + 1;
    for (size_t i = 0; i < n; i++) {
        const size_t low = i * n_places / n, high = (i + 1) * n_places / n; /* its own stretch of the piece */
        const size_t place = low + (size_t)tb_rng_below(rng, high > low ? high - low : 1);
        first_rows[i] = n_bars ? (size_t)lrintf(piece->bars[place]) : place;
    }
    tb_eval_shuffle(rng, first_rows, n);
}
