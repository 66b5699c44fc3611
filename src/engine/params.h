// SPDX-License-Identifier: MIT
/* Small JSON texts that the store keeps for the engine: parameters of jobs, patterns of libraries. */
#ifndef TIMBRE_ENGINE_PARAMS_H
#define TIMBRE_ENGINE_PARAMS_H

#include "base/status.h"

#include <jansson.h>
#include <stddef.h>

/* Text of the value, whose reference is taken.  *text: tb_free.  TB_INVALID for NULL, which is what jansson makes of
 * strings that are not UTF-8; TB_NO_MEMORY. */
tb_status tb__params_dump(json_t *value, char **text, tb_error *err) TB_MUST_CHECK;
/* String member of an object that is given as text; NULL if it is not there.  Freed with tb_free. */
char *tb__params_member(const char *json, const char *name);
/* Array of strings; others are passed over.  *list: *n texts, each and the array freed with tb_free. */
tb_status tb__params_list(const char *json, char ***list, size_t *n, tb_error *err) TB_MUST_CHECK;

#endif
