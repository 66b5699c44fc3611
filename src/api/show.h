// SPDX-License-Identifier: MIT
/* The engine's types as JSON, each written in one place: names here are those of api/openapi.yaml. */
#ifndef TIMBRE_API_SHOW_H
#define TIMBRE_API_SHOW_H

#include "api/search_options.h"
#include "api/writer.h"
#include "engine/catalog.h"
#include "engine/ingest.h"
#include "engine/job.h"
#include "engine/library.h"
#include "engine/search.h"

/* show: TB_SHOW_FEATURES, TB_SHOW_PAYLOAD together; what is not asked for is left out.  embedding: its vector
 * is shown; NULL: none. */
void tb_show_track(tb_writer *writer, const char *key, const tb_track *track, unsigned show,
                   const tb_track_embedding *embedding);
/* Every feature by its name; null where it could not be measured. */
void tb_show_features(tb_writer *writer, const char *key, const tb_track_features *features);
/* explain: parts that were not asked for, too.  show, embedding: for the hit's track. */
void tb_show_hit(tb_writer *writer, const tb_search_result *result, size_t i, unsigned show, bool explain,
                 const tb_track_embedding *embedding);
/* The members "space", "model", "dim", "parts" of an object that is open. */
void tb_show_space_members(tb_writer *writer, const tb_space_info *space);
void tb_show_space(tb_writer *writer, const char *key, const tb_space_info *space);
/* {"drums": 0.9, …} */
void tb_show_presence(tb_writer *writer, const char *key, const tb_space_info *space, const float *presence);
void tb_show_job(tb_writer *writer, const char *key, const tb_job *job);
void tb_show_library(tb_writer *writer, const char *key, const tb_library *library);
void tb_show_failure(tb_writer *writer, const tb_failure *failure);

#endif
