// SPDX-License-Identifier: MIT
/* One file after the other, in the order of their paths, so that the same folder gives the same file. */
#include "train/descriptor_folder.h"

#include "base/alloc.h"
#include "base/log.h"
#include "model/descriptor_stats.h"
#include "train/clip.h"

static const double max_s = 600;
static const uint64_t seed = 1;

tb_status tb_descriptor_folder(const char *folder, const char *music, const char *path, void (*progress)(void *context, size_t done, size_t total),
                               void *context, tb_descriptor_folder_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    tb_descriptor_stats *stats = NULL;
    char **paths = NULL;
    size_t n_paths = 0;
    tb_descriptor_folder_result made = {0};
    TB_TRY(tb_clip_list(folder, &paths, &n_paths, err));
    TB_TRY(tb_descriptor_stats_new(seed, &stats, err));
    for (size_t i = 0; i < n_paths; i++) {
        float *mono = NULL;
        size_t n = 0;
        tb_error why = {0};
        if (tb_clip_read(paths[i], max_s, &mono, &n, &why) == TB_OK) {
            status = tb_descriptor_stats_push(stats, mono, n, err);
            tb_free(mono);
            TB_TRY(status);
            TB_TRY(tb_descriptor_stats_end_track(stats, err));
        } else {
            tb_log(TB_LOG_WARN, "stats", "left out %s: %s", paths[i], why.message);
            made.n_failed++;
        }
        if (progress) progress(context, i + 1, n_paths);
    }
    made.n_tracks = tb_descriptor_stats_n_tracks(stats);
    TB_TRY(tb_descriptor_stats_save(stats, music, path, err));
    *result = made;
out:
    tb_descriptor_stats_free(stats);
    tb_clip_list_free(paths, n_paths);
    return status;
}
