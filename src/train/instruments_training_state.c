// SPDX-License-Identifier: MIT
/* What outlives a training: checkpoint, log, curves. */
#include "train/instruments_training_internal.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "model/instruments.h"
#include "train/checkpoint.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_LINE = 1 << 16,
    N_REPORT = sizeof(tb_validation_report) / sizeof(float) + 1, /* more than it has numbers */
    MAX_ARRAYS = 16 + 2 * TB_STEM_COUNT,
};
static const float unknown = -2; /* in place of NaN, which files do not hold */

/* --- the best report as numbers ------------------------------------------------------------------------------------------ */

typedef struct report_numbers {
    float values[N_REPORT];
    size_t n;
    bool reading;
} report_numbers;

static void pass_number(report_numbers *numbers, double *value)
{
    float *kept = &numbers->values[numbers->n++];
    if (numbers->reading) *value = *kept == unknown ? (double)NAN : (double)*kept;
    else *kept = isfinite(*value) ? (float)*value : unknown;
}

/* Reads or writes all of a report, in one order. */
static void pass_report(report_numbers *numbers, tb_validation_report *r)
{
    numbers->n = 0;
    for (int c = 0; c < TB_STEM_COUNT; c++) {
        double threshold = (double)r->threshold[c];
        pass_number(numbers, &r->accuracy[c]);
        pass_number(numbers, &r->leakage[c]);
        pass_number(numbers, &r->presence[c]);
        pass_number(numbers, &threshold);
        r->threshold[c] = (float)threshold;
        for (int q = 0; q < TB_STEM_COUNT; q++) pass_number(numbers, &r->cross[c][q]);
    }
    double *const means[] = {&r->chance, &r->mean_accuracy, &r->mean_leakage, &r->mean_presence, &r->score};
    for (size_t i = 0; i < sizeof means / sizeof *means; i++) pass_number(numbers, means[i]);
}

/* --- checkpoint ------------------------------------------------------------------------------------------------------------ */

typedef struct array_list {
    tb_checkpoint_array arrays[MAX_ARRAYS];
    size_t n;
    char names[TB_STEM_COUNT][2][48];
} array_list;

static void add_array(array_list *list, const char *name, float *values, size_t n)
{
    list->arrays[list->n++] = (tb_checkpoint_array){name, values, n};
}

/* The individual networks that are done. */
static void list_targets(const tb__training *t, array_list *list)
{
    for (uint64_t c = 0; t->targets && c < t->n_targets; c++) {
        tb_network *net = tb_instrument_targets_network(t->targets, (tb_stem)c);
        snprintf(list->names[c][0], sizeof list->names[c][0], "individual.%s.parameters", tb_stem_name((tb_stem)c));
        snprintf(list->names[c][1], sizeof list->names[c][1], "individual.%s.statistics", tb_stem_name((tb_stem)c));
        add_array(list, list->names[c][0], tb_network_params(net), tb_network_n_params(net));
        add_array(list, list->names[c][1], tb_network_statistics(net), tb_network_n_statistics(net));
    }
}

static void list_steps(tb__training *t, report_numbers *best, array_list *list)
{
    tb_network *net = t->network;
    const size_t n = tb_network_n_params(net), n_statistics = tb_network_n_statistics(net);
    tb_optimizer *optimizer = tb_group_trainer_optimizer(t->trainer);
    add_array(list, "parameters", tb_network_params(net), n);
    add_array(list, "statistics", tb_network_statistics(net), n_statistics);
    add_array(list, "average.parameters", tb_group_trainer_average(t->trainer), n);
    add_array(list, "average.statistics", tb_group_trainer_average_statistics(t->trainer), n_statistics);
    add_array(list, "optimizer", tb_optimizer_state(optimizer), tb_optimizer_state_values(optimizer));
    if (t->n_best > 0) {
        add_array(list, "best.parameters", t->best, n);
        add_array(list, "best.statistics", t->best_statistics, n_statistics);
        add_array(list, "best.report", best->values, best->n);
    }
    add_array(list, "history.steps", t->history.steps.values, t->history.steps.n * t->history.steps.n_columns);
    add_array(list, "history.validations", t->history.validations.values, t->history.validations.n * t->history.validations.n_columns);
}

typedef struct number_list {
    uint64_t n_history_steps, n_history_validations, optimizer_steps;
    tb_checkpoint_number numbers[9];
} number_list;

static void list_numbers(tb__training *t, number_list *list)
{
    const tb_checkpoint_number numbers[] = {
        {"phase", &t->phase}, {"step", &t->step}, {"individual_networks", &t->n_targets}, {"log_bytes", &t->log_bytes},
        {"best_step", &t->best_step}, {"n_best", &t->n_best}, {"history_steps", &list->n_history_steps},
        {"history_validations", &list->n_history_validations}, {"optimizer_steps", &list->optimizer_steps},
    };
    _Static_assert(sizeof numbers == sizeof list->numbers, "all of them");
    memcpy(list->numbers, numbers, sizeof numbers);
}

static tb_checkpoint checkpoint_of(const tb__training *t, const array_list *arrays, const number_list *numbers)
{
    return (tb_checkpoint){t->signature.bytes, arrays->arrays, arrays->n, numbers->numbers, sizeof numbers->numbers / sizeof *numbers->numbers};
}

tb_status tb__training_save(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    array_list arrays = {.n = 0};
    report_numbers best = {.reading = false};
    number_list numbers = {t->history.steps.n, t->history.validations.n, 0, {{0}}};
    if (t->trainer) numbers.optimizer_steps = tb_optimizer_steps(tb_group_trainer_optimizer(t->trainer));
    pass_report(&best, &t->best_report);
    list_numbers(t, &numbers);
    list_targets(t, &arrays);
    if (t->trainer) list_steps(t, &best, &arrays);
    const tb_checkpoint checkpoint = checkpoint_of(t, &arrays, &numbers);
    TB_TRY(tb_checkpoint_write(&checkpoint, t->checkpoint_path, err));
    TB_TRY(tb_training_history_draw(&t->history, "timbre train instruments", t->curves_path, err));
    t->saved_ns = tb_clock_system()->mono_ns(tb_clock_system());
out:
    return status;
}

static tb_status read_steps(tb__training *t, number_list *numbers, tb_error *err)
{
    tb_status status = TB_OK;
    array_list arrays = {.n = 0};
    report_numbers best = {.reading = false};
    pass_report(&best, &t->best_report); /* for its size */
    if (t->step > t->n_steps || numbers->n_history_steps > t->n_steps || numbers->n_history_validations > t->n_steps)
        TB_FAIL(err, TB_CORRUPT, "the checkpoint is further than the training is long");
    TB_TRY(tb_history_table_resize(&t->history.steps, (size_t)numbers->n_history_steps, err));
    TB_TRY(tb_history_table_resize(&t->history.validations, (size_t)numbers->n_history_validations, err));
    list_steps(t, &best, &arrays);
    const tb_checkpoint checkpoint = checkpoint_of(t, &arrays, numbers);
    TB_TRY(tb_checkpoint_read(&checkpoint, t->checkpoint_path, err));
    tb_optimizer_set_steps(tb_group_trainer_optimizer(t->trainer), numbers->optimizer_steps);
    best.reading = true;
    if (t->n_best > 0) pass_report(&best, &t->best_report);
    t->has_validated = t->n_best > 0 && t->validation;
    if (t->has_validated) t->last = t->best_report;
out:
    return status;
}

static tb_status read_checkpoint(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    array_list arrays = {.n = 0};
    number_list numbers = {0};
    list_numbers(t, &numbers);
    tb_checkpoint checkpoint = checkpoint_of(t, &arrays, &numbers);
    TB_TRY(tb_checkpoint_read_numbers(&checkpoint, t->checkpoint_path, err));
    if (t->n_targets > TB_STEM_COUNT || t->phase > TB__TRAINING_STEPS) TB_FAIL(err, TB_CORRUPT, "the checkpoint holds impossible numbers");
    list_targets(t, &arrays);
    checkpoint = checkpoint_of(t, &arrays, &numbers);
    TB_TRY(tb_checkpoint_read(&checkpoint, t->checkpoint_path, err));
    if (t->phase == TB__TRAINING_TARGETS) goto out;
    TB_TRY(tb__training_open_trainer(t, err));
    TB_TRY(read_steps(t, &numbers, err));
out:
    return status;
}

/* The log ends where the checkpoint was written. */
static tb_status open_log(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    t->log = fopen(t->log_path, "ab");
    if (!t->log || ftruncate(fileno(t->log), (off_t)t->log_bytes) != 0) status = tb_error_errno(err, errno, "cannot write %.300s", t->log_path);
    return status;
}

tb_status tb__training_restore(tb__training *t, tb_error *err)
{
    tb_status status = TB_OK;
    tb_fs_info info;
    const bool exists = tb_fs_stat(t->checkpoint_path, &info, NULL) == TB_OK;
    if (exists && !t->o->resume)
        TB_FAIL(err, TB_EXISTS, "%.300s is there already: go on with it by --resume, or choose another folder", t->checkpoint_path);
    if (exists) TB_TRY(read_checkpoint(t, err));
    TB_TRY(open_log(t, err));
out:
    return status;
}

/* --- log ---------------------------------------------------------------------------------------------------------------------- */

static tb_status write_line(tb__training *t, const tb_buffer *line, tb_error *err)
{
    if (fwrite(line->bytes, 1, line->size, t->log) != line->size || fflush(t->log) != 0)
        return tb_error_errno(err, errno, "cannot write %.300s", t->log_path);
    t->log_bytes += line->size;
    return TB_OK;
}

tb_status tb__training_log_step(tb__training *t, const tb_training_time *at, const tb_step_report *report, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer line;
    tb_buffer_init(&line, MAX_LINE);
    TB_TRY(tb_training_history_step(&t->history, at, report, &line, err));
    TB_TRY(write_line(t, &line, err));
out:
    tb_buffer_clear(&line);
    return status;
}

tb_status tb__training_log_validation(tb__training *t, const tb_training_time *at, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer line;
    tb_buffer_init(&line, MAX_LINE);
    TB_TRY(tb_training_history_validation(&t->history, at, &t->last, &line, err));
    TB_TRY(write_line(t, &line, err));
out:
    tb_buffer_clear(&line);
    return status;
}
