// SPDX-License-Identifier: MIT
/* Answers of the API for people, on stdout. */
#ifndef TIMBRE_CLI_PRINT_H
#define TIMBRE_CLI_PRINT_H

#include <jansson.h>

/* As it is, indented by two. */
void tb_print_json(const json_t *json);
/* One on a line, for pipes. */
void tb_print_json_line(const json_t *json);
/* Answer of a search: a table of hits with a bar of the score and the score of each part, or why there are none. */
void tb_print_hits(const json_t *answer);
/* A list of tracks, one a line. */
void tb_print_tracks(const json_t *results);
/* Every member of an object, one a line, nested ones indented; nulls are left out. */
void tb_print_object(const json_t *object);

#endif
