// SPDX-License-Identifier: MIT
#include "made_pieces.h"

#include "support/testing.h"

#include "base/alloc.h"
#include "base/half.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>

enum { ROWS_A_BAR = 43 };

/* A few bands of the stem's own region sound, in a rhythm of eight steps a bar. */
static uint16_t *make_stem(uint64_t seed, size_t stem, size_t n_rows, size_t n_bands)
{
    tb_rng rng;
    tb_rng_init(&rng, seed);
    uint16_t *rows = tb_alloc(n_rows * n_bands, sizeof *rows);
    float level[512] = {0}, rhythm[8];
    assert_non_null(rows);
    for (size_t b = 0; b < n_bands; b++) {
        const double middle = ((double)stem + 0.5) * (double)n_bands / TB_STEM_COUNT;
        const double away = ((double)b - middle) / (double)n_bands * TB_STEM_COUNT;
        level[b] = (float)(exp(-3 * away * away) * pow(10, 0.5 * tb_rng_normal(&rng)));
    }
    for (size_t k = 0; k < 8; k++) rhythm[k] = tb_rng_uniform(&rng) < 0.6 ? 1.0f : 0.1f;
    for (size_t r = 0; r < n_rows; r++)
        for (size_t b = 0; b < n_bands; b++)
            rows[r * n_bands + b] = tb_half_from_float(level[b] * rhythm[r % ROWS_A_BAR * 8 / ROWS_A_BAR]);
    return rows;
}

void make_pieces(made_pieces *made, size_t n, size_t n_groups, size_t n_rows, size_t n_bands, unsigned mask)
{
    *made = (made_pieces){.n = n, .n_bands = n_bands, .pieces = tb_alloc(n, sizeof(tb_piece)), .list = tb_alloc(n, sizeof(tb_piece *))};
    assert_non_null(made->pieces);
    assert_non_null(made->list);
    for (size_t i = 0; i < n; i++) {
        tb_piece *piece = &made->pieces[i];
        char *name = tb_alloc(64, 1);
        const size_t n_bars = n_rows / ROWS_A_BAR + 1;
        float *bars = tb_alloc(n_bars, sizeof *bars);
        assert_non_null(name);
        assert_non_null(bars);
        snprintf(name, 64, "piece %zu", i);
        for (size_t k = 0; k < n_bars; k++) bars[k] = (float)(k * ROWS_A_BAR);
        const int group = (int)(i % n_groups);
        *piece = (tb_piece){.name = name, .seed = i + 1, .tempo_bpm = tb_tempo_group_bpm(group), .tempo_group = group, .beats_per_bar = 4,
                            .key = -1, .mode = TB_MODE_COUNT, .n_rows = n_rows, .n_bars = n_bars, .bars = bars};
        for (size_t c = 0; c < TB_STEM_COUNT; c++)
            if (mask >> c & 1) piece->rows[c] = make_stem(1000 * i + c, c, n_rows, n_bands);
        made->list[i] = piece;
    }
}

void clear_pieces(made_pieces *made)
{
    for (size_t i = 0; i < made->n; i++) {
        tb_free((void *)(uintptr_t)made->pieces[i].name);
        tb_free((void *)(uintptr_t)made->pieces[i].bars);
        for (size_t c = 0; c < TB_STEM_COUNT; c++) tb_free((void *)(uintptr_t)made->pieces[i].rows[c]);
    }
    tb_free(made->pieces);
    tb_free(made->list);
}

void write_pieces(const made_pieces *made, const char *path)
{
    tb_error err = {0};
    tb_piece_writer *writer = NULL;
    assert_ok(tb_piece_writer_open(path, &(tb_piece_writer_config){made->n_bands, 22050.0 / 1024, "{}"}, &writer, &err));
    for (size_t i = 0; i < made->n; i++) assert_ok(tb_piece_writer_append(writer, &made->pieces[i], &err));
    tb_piece_writer_close(writer);
}
