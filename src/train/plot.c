// SPDX-License-Identifier: MIT
#include "train/plot.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

enum { WIDTH = 720, PANEL_HEIGHT = 240, TOP = 40, LEFT = 60, RIGHT = 130, PANEL_TOP = 28, PANEL_BOTTOM = 24, N_TICKS = 5 };

/* Told apart by people who are colour-blind as well (Okabe and Ito). */
static const char *const colours[TB_PLOT_MAX_LINES] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"};

typedef struct range {
    double low, high;
} range;

static void include(range *r, double value)
{
    if (!isfinite(value)) return;
    r->low = fmin(r->low, value);
    r->high = fmax(r->high, value);
}

/* Never empty. */
static range finish(range r)
{
    if (!(r.low <= r.high)) return (range){0, 1};
    if (r.low == r.high) return (range){r.low - 0.5, r.high + 0.5};
    return r;
}

static range x_range(const tb_plot_panel *panels, size_t n_panels)
{
    range r = {0, -INFINITY}; /* curves over time begin at 0 */
    for (size_t p = 0; p < n_panels; p++)
        for (size_t l = 0; l < panels[p].n_lines; l++)
            for (size_t i = 0; i < panels[p].lines[l].n; i++) include(&r, panels[p].lines[l].x[i]);
    return finish(r);
}

static range y_range(const tb_plot_panel *panel)
{
    range r = {INFINITY, -INFINITY};
    if (panel->low < panel->high) return (range){panel->low, panel->high};
    for (size_t l = 0; l < panel->n_lines; l++)
        for (size_t i = 0; i < panel->lines[l].n; i++) include(&r, panel->lines[l].y[i]);
    return finish(r);
}

static double place(double value, range r, double from, double to)
{
    const double share = (value - r.low) / (r.high - r.low);
    return from + fmin(fmax(share, 0), 1) * (to - from);
}

static tb_status put_text(tb_buffer *out, const char *text)
{
    tb_status status = TB_OK;
    for (; *text; text++) {
        switch (*text) {
        case '<': TB_TRY(tb_buffer_append_text(out, "&lt;")); break;
        case '>': TB_TRY(tb_buffer_append_text(out, "&gt;")); break;
        case '&': TB_TRY(tb_buffer_append_text(out, "&amp;")); break;
        default: TB_TRY(tb_buffer_append(out, text, 1));
        }
    }
out:
    return status;
}

static tb_status draw_text(tb_buffer *out, double x, double y, const char *more, const char *text)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(out, "<text x=\"%.1f\" y=\"%.1f\" %s>", x, y, more));
    TB_TRY(put_text(out, text));
    TB_TRY(tb_buffer_append_text(out, "</text>\n"));
out:
    return status;
}

/* "0.25", "512", "25.6k", "1.2M". */
static void format_tick(char out[16], double value)
{
    if (fabs(value) >= 1e6) snprintf(out, 16, "%.3gM", value / 1e6);
    else if (fabs(value) >= 1e4) snprintf(out, 16, "%.3gk", value / 1e3);
    else snprintf(out, 16, "%.4g", value);
}

static tb_status draw_grid(tb_buffer *out, range x, range y, double top, double bottom)
{
    tb_status status = TB_OK;
    const double left = LEFT, right = WIDTH - RIGHT;
    char number[16];
    for (int i = 0; i <= N_TICKS; i++) {
        const double share = (double)i / N_TICKS, at_y = bottom + share * (top - bottom), at_x = left + share * (right - left);
        TB_TRY(tb_buffer_printf(out, "<path d=\"M%.1f %.1fH%.1f\" stroke=\"#ddd\"/>\n", left, at_y, right));
        format_tick(number, y.low + share * (y.high - y.low));
        TB_TRY(draw_text(out, left - 6, at_y + 4, "text-anchor=\"end\"", number));
        format_tick(number, x.low + share * (x.high - x.low));
        TB_TRY(draw_text(out, at_x, bottom + 16, "text-anchor=\"middle\"", number));
    }
out:
    return status;
}

static tb_status draw_line(tb_buffer *out, const tb_plot_line *line, const char *colour, range x, range y, double top, double bottom)
{
    tb_status status = TB_OK;
    bool is_drawing = false;
    TB_TRY(tb_buffer_printf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"", colour));
    for (size_t i = 0; i < line->n; i++) {
        if (!isfinite(line->x[i]) || !isfinite(line->y[i])) continue;
        TB_TRY(tb_buffer_printf(out, "%c%.1f %.1f", is_drawing ? 'L' : 'M', place(line->x[i], x, LEFT, WIDTH - RIGHT), place(line->y[i], y, bottom, top)));
        is_drawing = true;
    }
    TB_TRY(tb_buffer_append_text(out, "\"/>\n"));
out:
    return status;
}

static tb_status draw_panel(tb_buffer *out, const tb_plot_panel *panel, range x, double at)
{
    tb_status status = TB_OK;
    const double top = at + PANEL_TOP, bottom = at + PANEL_HEIGHT - PANEL_BOTTOM;
    const range y = y_range(panel);
    char style[64];
    TB_TRY(draw_text(out, LEFT, at + 18, "font-weight=\"bold\"", panel->title));
    TB_TRY(draw_grid(out, x, y, top, bottom));
    for (size_t l = 0; l < panel->n_lines; l++) {
        TB_TRY(draw_line(out, &panel->lines[l], colours[l], x, y, top, bottom));
        snprintf(style, sizeof style, "fill=\"%s\"", colours[l]);
        TB_TRY(draw_text(out, WIDTH - RIGHT + 10, top + 12 + 16 * (double)l, style, panel->lines[l].name));
    }
out:
    return status;
}

tb_status tb_plot_draw(const char *title, const char *x_name, const tb_plot_panel *panels, size_t n_panels, tb_buffer *out)
{
    tb_status status = TB_OK;
    const range x = x_range(panels, n_panels);
    const int height = TOP + (int)n_panels * PANEL_HEIGHT + 20;
    TB_TRY(tb_buffer_printf(out,
                            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                            "font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
                            WIDTH, height, WIDTH, height, WIDTH, height));
    TB_TRY(draw_text(out, LEFT, 24, "font-size=\"15\"", title));
    for (size_t p = 0; p < n_panels; p++) TB_TRY(draw_panel(out, &panels[p], x, TOP + (double)p * PANEL_HEIGHT));
    TB_TRY(draw_text(out, LEFT, height - 8, "", x_name));
    TB_TRY(tb_buffer_append_text(out, "</svg>\n"));
out:
    return status;
}
