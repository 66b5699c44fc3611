// SPDX-License-Identifier: MIT
#include "train/training_set.h"

#include "base/alloc.h"

#include <math.h>

tb_status tb_training_set_open(const char *path, const tb_augment_options *augment, tb_training_set *set, tb_error *err)
{
    tb_status status = TB_OK;
    *set = (tb_training_set){0};
    TB_TRY(tb_piece_cache_open(path, &set->cache, err));
    set->n_pieces = tb_piece_cache_count(set->cache);
    set->n_bands = tb_piece_cache_bands(set->cache);
    if (set->n_pieces == 0) TB_FAIL(err, TB_INVALID, "%.300s holds no pieces; make some with `timbre dataset songs`", path);
    if (set->n_bands < TB_BANDS_MIN || set->n_bands > TB_BANDS_MAX)
        TB_FAIL(err, TB_INVALID, "%.300s has %zu bands; %d to %d can be used", path, set->n_bands, TB_BANDS_MIN, TB_BANDS_MAX);
    if (fabs(tb_piece_cache_rows_per_s(set->cache) / TB_BAND_ROWS_PER_S - 1) > 0.01)
        TB_FAIL(err, TB_INVALID, "%.300s has %.4g rows a second, the model hears %.4g; make it anew with `timbre dataset songs`", path,
                tb_piece_cache_rows_per_s(set->cache), TB_BAND_ROWS_PER_S);
    if (!(set->pieces = tb_alloc(set->n_pieces, sizeof *set->pieces))) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu pieces", set->n_pieces);
    for (size_t i = 0; i < set->n_pieces; i++) {
        set->pieces[i] = tb_piece_cache_at(set->cache, i);
        set->n_rows += set->pieces[i]->n_rows;
    }
    TB_TRY(tb_band_bank_new(set->n_bands, &set->bank, err));
    TB_TRY(tb_augmenter_new(set->bank, augment, &set->augmenter, err));
out:
    return status;
}

void tb_training_set_close(tb_training_set *set)
{
    tb_augmenter_free(set->augmenter);
    tb_band_bank_free(set->bank);
    tb_free(set->pieces);
    tb_piece_cache_close(set->cache);
    *set = (tb_training_set){0};
}
