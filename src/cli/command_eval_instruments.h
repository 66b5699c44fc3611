// SPDX-License-Identifier: MIT
#ifndef TIMBRE_CLI_COMMAND_EVAL_INSTRUMENTS_H
#define TIMBRE_CLI_COMMAND_EVAL_INSTRUMENTS_H

#include "cli/command.h"

/* `timbre eval instruments`: the rest of the line holds its name alone. */
tb_status tb_eval_instruments_command(tb_arguments *arguments, tb_error *err) TB_MUST_CHECK;

#endif
