// SPDX-License-Identifier: MIT
/* Square roots of band powers in f16, which keep 240 dB. */
#include "train/piece_rows.h"

#include "base/alloc.h"
#include "base/half.h"
#include "base/text.h"

#include <math.h>

static const float largest_half = 65504;

static tb_status take_rows(const tb_band_bank *bank, const float *mono, size_t n, uint16_t **rows,
                           size_t *n_rows, tb_error *err)
{
    tb_status status = TB_OK;
    float *power = NULL;
    uint16_t *made = NULL;
    TB_TRY(tb_band_rows_read(bank, mono, n, &power, n_rows, err));
    const size_t n_values = *n_rows * tb_band_bank_count(bank);
    if (n_values == 0) TB_FAIL(err, TB_INVALID, "a piece of %zu samples is too short", n);
    if (!(made = tb_alloc(n_values, sizeof *made)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the rows of a stem");
    for (size_t i = 0; i < n_values; i++) made[i] = tb_half_from_float(fminf(sqrtf(power[i]), largest_half));
    *rows = made;
out:
    tb_free(power);
    return status;
}

/* Seconds to rows; *n_kept of them lie within the piece.  NULL without memory. */
static float *take_times(const double *times_s, size_t n, size_t n_rows, size_t *n_kept)
{
    float *rows = tb_alloc(n, sizeof *rows);
    size_t kept = 0;
    for (size_t i = 0; rows && i < n; i++) {
        const double at = times_s[i] * TB_BAND_ROWS_PER_S;
        if (at >= 0 && at <= (double)n_rows) rows[kept++] = (float)at;
    }
    *n_kept = kept;
    return rows;
}

tb_status tb_made_piece_new(const tb_band_bank *bank, const tb_piece *facts, const char *name,
                            const float *const stems[TB_STEM_COUNT], size_t n, const double *beats_s,
                            size_t n_beats, const double *bars_s, size_t n_bars, tb_made_piece **made,
                            tb_error *err)
{
    tb_status status = TB_OK;
    tb_made_piece *m = tb_alloc(1, sizeof *m);
    if (!m) TB_FAIL(err, TB_NO_MEMORY, "no memory for a piece");
    m->piece = *facts;
    (void)tb_text_copy(m->name, sizeof m->name, name);
    m->piece.name = m->name;
    for (size_t s = 0; s < TB_STEM_COUNT; s++) {
        m->piece.rows[s] = NULL;
        if (stems[s]) TB_TRY(take_rows(bank, stems[s], n, &m->rows[s], &m->piece.n_rows, err));
        m->piece.rows[s] = m->rows[s];
    }
    m->beats = take_times(beats_s, n_beats, m->piece.n_rows, &m->piece.n_beats);
    m->bars = take_times(bars_s, n_bars, m->piece.n_rows, &m->piece.n_bars);
    if (!m->beats || !m->bars) TB_FAIL(err, TB_NO_MEMORY, "no memory for the beats of a piece");
    m->piece.beats = m->beats;
    m->piece.bars = m->bars;
    *made = m;
    m = NULL;
out:
    tb_made_piece_free(m);
    return status;
}

void tb_made_piece_free(tb_made_piece *made)
{
    if (!made) return;
    for (size_t s = 0; s < TB_STEM_COUNT; s++) tb_free(made->rows[s]);
    tb_free(made->beats);
    tb_free(made->bars);
    tb_free(made);
}
