// SPDX-License-Identifier: MIT
/* Clips for training and evaluation: audio in memory, and its vector in a space.  Threads: any. */
#ifndef TIMBRE_TRAIN_CLIP_H
#define TIMBRE_TRAIN_CLIP_H

#include "audio/stream.h"
#include "base/status.h"
#include "model/model.h"

#include <stddef.h>

/* Every audio file below the folder, sorted by path.  *paths: tb_clip_list_free. */
tb_status tb_clip_list(const char *folder, char ***paths, size_t *n, tb_error *err) TB_MUST_CHECK;
void tb_clip_list_free(char **paths, size_t n);

/* The first max_s seconds as mono at TB_MODEL_RATE_HZ.  *mono: *n samples, tb_free. */
tb_status tb_clip_read(const char *path, double max_s, float **mono, size_t *n, tb_error *err) TB_MUST_CHECK;

/* As tb_clip_read; *result: what the decoder said, and whether the file was whole. */
tb_status tb_clip_read_whole(const char *path, double max_s, float **mono, size_t *n, tb_audio_result *result, tb_error *err) TB_MUST_CHECK;

/* Pooled vector (dim) and presence (n_parts) of a stretch of audio. */
tb_status tb_clip_embed(const tb_model *model, const float *mono, size_t n, float *vector, float *presence, tb_error *err) TB_MUST_CHECK;

#endif
