// SPDX-License-Identifier: MIT
/* Curves as a small SVG file: one picture of several panels below each other, each with its lines over the same x axis.
 * Threads: any. */
#ifndef TIMBRE_TRAIN_PLOT_H
#define TIMBRE_TRAIN_PLOT_H

#include "base/buffer.h"
#include "base/status.h"

#include <stddef.h>

enum { TB_PLOT_MAX_LINES = 8 };

/* All borrowed.  Values that are not finite are left out of their line. */
typedef struct tb_plot_line {
    const char *name; /* UTF-8 */
    const double *x, *y;
    size_t n;
} tb_plot_line;

typedef struct tb_plot_panel {
    const char *title;
    double low, high; /* of y; equal = from the values */
    tb_plot_line lines[TB_PLOT_MAX_LINES];
    size_t n_lines;
} tb_plot_panel;

/* Appends an SVG document.  TB_NO_MEMORY, TB_TOO_LARGE (the buffer's limit). */
tb_status tb_plot_draw(const char *title, const char *x_name, const tb_plot_panel *panels, size_t n_panels, tb_buffer *out) TB_MUST_CHECK;

#endif
