// SPDX-License-Identifier: MIT
/* The statistics of the model "descriptors" from a folder of music (model/descriptor_stats.h does the sums). */
#ifndef TIMBRE_TRAIN_DESCRIPTOR_FOLDER_H
#define TIMBRE_TRAIN_DESCRIPTOR_FOLDER_H

#include "base/status.h"

#include <stddef.h>

typedef struct tb_descriptor_folder_result {
    size_t n_tracks, n_failed;
} tb_descriptor_folder_result;

/* Hears every file below the folder, at most its first ten minutes, and writes the model file.
 * music: what the folder holds, a sentence for the file's metadata.  progress may be NULL. */
tb_status tb_descriptor_folder(const char *folder, const char *music, const char *path, void (*progress)(void *context, size_t done, size_t total),
                               void *context, tb_descriptor_folder_result *result, tb_error *err) TB_MUST_CHECK;

#endif
