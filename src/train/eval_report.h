// SPDX-License-Identifier: MIT
/* A page of what was measured (eval_instruments.h): Markdown with the paper's figures beside ours, the
 * targets with met or missed, and a picture of the disentanglement.  Threads: any. */
#ifndef TIMBRE_TRAIN_EVAL_REPORT_H
#define TIMBRE_TRAIN_EVAL_REPORT_H

#include "base/buffer.h"
#include "base/status.h"
#include "train/eval_instruments.h"

#include <stdbool.h>
#include <stddef.h>

/* One thing that the model is to reach. */
typedef struct tb_eval_target {
    char what[96];
    double value, limit; /* shares 0 to 1, or a ratio; value NAN = not measured */
    bool at_most;        /* the limit is an upper one */
    bool is_ratio;       /* no share */
} tb_eval_target;

enum { TB_EVAL_MAX_TARGETS = 48 };

/* Returns how many. */
size_t tb_eval_targets(const tb_eval_report *report, tb_eval_target targets[TB_EVAL_MAX_TARGETS]);
bool tb_eval_target_is_met(const tb_eval_target *target);

/* Sections below a heading of the second level.  command: how they were made; picture: name of the SVG file
 * beside the page, NULL = none.  Appends.  TB_TOO_LARGE, TB_NO_MEMORY. */
tb_status tb_eval_report_markdown(const tb_eval_report *report, const char *command, const char *picture,
                                  tb_buffer *out) TB_MUST_CHECK;
/* The heat map of disentanglement, which reads on light and dark grounds.  Appends. */
tb_status tb_eval_report_picture(const tb_eval_report *report, tb_buffer *out) TB_MUST_CHECK;

#endif
