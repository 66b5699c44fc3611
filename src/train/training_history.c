// SPDX-License-Identifier: MIT
#include "train/training_history.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"
#include "train/plot.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MAX_PICTURE = 16 << 20 };

void tb_training_history_init(tb_training_history *history)
{
    *history = (tb_training_history){.steps.n_columns = TB_HISTORY_STEP_COLUMNS, .validations.n_columns = TB_HISTORY_VALIDATION_COLUMNS};
}

void tb_training_history_clear(tb_training_history *history)
{
    tb_free(history->steps.values);
    tb_free(history->validations.values);
    tb_training_history_init(history);
}

tb_status tb_history_table_resize(tb_history_table *table, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    if (n > table->room) {
        const size_t room = n > 2 * table->room ? n : 2 * table->room;
        float *grown = tb_realloc(table->values, room, table->n_columns * sizeof *grown);
        if (!grown) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu points of the curves", n);
        table->values = grown;
        table->room = room;
    }
    table->n = n;
out:
    return status;
}

/* --- rows and lines ---------------------------------------------------------------------------------------------------- */

static float known(double value)
{
    return isfinite(value) ? (float)value : -1;
}

static tb_status put_number(tb_buffer *line, const char *name, double value)
{
    char text[32];
    tb_format_double(value, text); /* "null" for what is not finite */
    return tb_buffer_printf(line, ",\"%s\":%s", name, text);
}

/* Rounded for reading: 6 digits. */
static double short_number(double value)
{
    if (!isfinite(value) || value == 0) return value;
    const double scale = pow(10, 5 - floor(log10(fabs(value))));
    return isfinite(scale) && scale > 0 ? round(value * scale) / scale : value;
}

static tb_status put_parts(tb_buffer *line, const char *name, const double *values)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_printf(line, ",\"%s\":{", name));
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        char text[32];
        tb_format_double(short_number(values[c]), text);
        TB_TRY(tb_buffer_printf(line, "%s\"%s\":%s", c ? "," : "", tb_stem_name((tb_stem)c), text));
    }
    TB_TRY(tb_buffer_append_text(line, "}"));
out:
    return status;
}

static tb_status begin_line(tb_buffer *line, const tb_training_time *at)
{
    return tb_buffer_printf(line, "{\"step\":%" PRIu64 ",\"segments\":%" PRIu64, at->step, at->segments);
}

tb_status tb_training_history_step(tb_training_history *history, const tb_training_time *at, const tb_step_report *report,
                                   tb_buffer *line, tb_error *err)
{
    tb_status status = TB_OK;
    tb_history_table *table = &history->steps;
    TB_TRY(tb_history_table_resize(table, table->n + 1, err));
    float *row = table->values + (table->n - 1) * table->n_columns;
    row[TB_HISTORY_SEGMENTS] = (float)at->segments;
    row[TB_HISTORY_LOSS] = known(report->loss.total);
    row[TB_HISTORY_RATE] = (float)at->rate;
    row[TB_HISTORY_GRADIENT] = known(report->gradient_norm);
    row[TB_HISTORY_SPEED] = known(at->segments_per_s);
    for (int c = 0; c < TB_STEM_COUNT; c++) row[TB_HISTORY_PARTS + c] = known(report->loss.part[c]);

    TB_TRY(begin_line(line, at));
    TB_TRY(put_number(line, "loss", short_number(report->loss.total)));
    for (int t = 0; t < TB_LOSS_TERMS; t++)
        if (report->loss.term[t] > 0) TB_TRY(put_number(line, tb_loss_term_name((tb_loss_term)t), short_number(report->loss.term[t])));
    TB_TRY(put_parts(line, "parts", report->loss.part));
    TB_TRY(put_parts(line, "same", report->loss.same));
    TB_TRY(put_parts(line, "shared", report->loss.shared));
    TB_TRY(put_parts(line, "different", report->loss.different));
    TB_TRY(put_number(line, "gradient", short_number(report->gradient_norm)));
    TB_TRY(put_number(line, "rate", short_number(at->rate)));
    TB_TRY(put_number(line, "segments_per_s", short_number(at->segments_per_s)));
    TB_TRY(tb_buffer_append_text(line, "}\n"));
out:
    return status;
}

tb_status tb_training_history_validation(tb_training_history *history, const tb_training_time *at, const tb_validation_report *report,
                                         tb_buffer *line, tb_error *err)
{
    tb_status status = TB_OK;
    tb_history_table *table = &history->validations;
    TB_TRY(tb_history_table_resize(table, table->n + 1, err));
    float *row = table->values + (table->n - 1) * table->n_columns;
    row[TB_HISTORY_SEGMENTS] = (float)at->segments;
    row[TB_HISTORY_SCORE] = known(report->score);
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        row[TB_HISTORY_ACCURACY + c] = known(report->accuracy[c]);
        row[TB_HISTORY_LEAKAGE + c] = known(report->leakage[c]);
        row[TB_HISTORY_PRESENCE + c] = known(report->presence[c]);
    }
    TB_TRY(begin_line(line, at));
    TB_TRY(tb_buffer_append_text(line, ",\"validation\":{\"chance\":"));
    char chance[32];
    tb_format_double(short_number(report->chance), chance);
    TB_TRY(tb_buffer_append_text(line, chance));
    TB_TRY(put_parts(line, "accuracy", report->accuracy));
    TB_TRY(put_parts(line, "leakage", report->leakage));
    TB_TRY(put_parts(line, "presence", report->presence));
    TB_TRY(put_number(line, "mean_accuracy", short_number(report->mean_accuracy)));
    TB_TRY(put_number(line, "mean_leakage", short_number(report->mean_leakage)));
    TB_TRY(put_number(line, "mean_presence", short_number(report->mean_presence)));
    TB_TRY(put_number(line, "score", short_number(report->score)));
    TB_TRY(tb_buffer_append_text(line, "}}\n"));
out:
    return status;
}

/* --- curves -------------------------------------------------------------------------------------------------------------- */

/* Columns of a table as doubles; unknown ones as NaN.  memory: n values for each. */
static const double *column(const tb_history_table *table, size_t number, double *memory)
{
    for (size_t i = 0; i < table->n; i++) {
        const float value = table->values[i * table->n_columns + number];
        memory[i] = value < 0 ? (double)NAN : (double)value;
    }
    return memory;
}

static void add_line(tb_plot_panel *panel, const char *name, const tb_history_table *table, size_t number, const double *x, double *memory)
{
    panel->lines[panel->n_lines++] = (tb_plot_line){name, x, column(table, number, memory), table->n};
}

tb_status tb_training_history_draw(const tb_training_history *history, const char *title, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer picture;
    tb_buffer_init(&picture, MAX_PICTURE);
    const tb_history_table *steps = &history->steps, *validations = &history->validations;
    tb_plot_panel panels[4] = {
        {.title = "training: loss of each part"},
        {.title = "validation: share of right answers by the part's own vectors", .low = 0, .high = 1},
        {.title = "validation: leakage, the same by the other parts' vectors", .low = 0, .high = 1},
        {.title = "validation: average precision of presence", .low = 0, .high = 1},
    };
    double *memory = tb_alloc((1 + TB_STEM_COUNT) * steps->n + (1 + 3 * TB_STEM_COUNT) * validations->n + 1, sizeof *memory);
    if (!memory) TB_FAIL(err, TB_NO_MEMORY, "no memory for curves");
    double *at = memory;
    const double *x = column(steps, TB_HISTORY_SEGMENTS, at);
    for (size_t c = 0; c < TB_STEM_COUNT; c++) add_line(&panels[0], tb_stem_name((tb_stem)c), steps, TB_HISTORY_PARTS + c, x, at += steps->n);
    x = column(validations, TB_HISTORY_SEGMENTS, at += steps->n);
    const size_t first[] = {TB_HISTORY_ACCURACY, TB_HISTORY_LEAKAGE, TB_HISTORY_PRESENCE};
    for (size_t p = 0; p < 3; p++)
        for (size_t c = 0; c < TB_STEM_COUNT; c++)
            add_line(&panels[p + 1], tb_stem_name((tb_stem)c), validations, first[p] + c, x, at += validations->n);
    status = tb_plot_draw(title, "segments", panels, validations->n ? 4 : 1, &picture);
    if (status != TB_OK) TB_FAIL(err, status, "the curves could not be drawn: %s", tb_status_text(status));
    TB_TRY(tb_fs_write_atomic(path, picture.bytes, picture.size, err));
out:
    tb_free(memory);
    tb_buffer_clear(&picture);
    return status;
}
