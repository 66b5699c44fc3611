// SPDX-License-Identifier: MIT
/* An engine on a folder of its own with the shipped model "descriptors", and shorthands.  Header only: the programs of the
 * layers below the engine link tests/support without it. */
#ifndef TIMBRE_TESTS_SUPPORT_ENGINE_H
#define TIMBRE_TESTS_SUPPORT_ENGINE_H

#include "support/testing.h"
#include "support/wav.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "engine/engine.h"
#include "engine/ingest.h"
#include "engine/job.h"
#include "engine/library.h"
#include "engine/search.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A folder with the model "descriptors" alone, so that what tests expect of parts does not change with the models
 * that are shipped beside it; freed with free. */
static inline char *descriptors_folder(void)
{
    char *shipped = tb_test_source_path("models/descriptors.safetensors"), *folder = tb_test_join(tb_test_folder(), "descriptors-only");
    char *link = tb_test_join(folder, "descriptors.safetensors"), *real = realpath(shipped, NULL);
    assert_non_null(real);
    if (mkdir(folder, 0700) == 0) assert_int_equal(symlink(real, link), 0);
    free(real);
    free(link);
    free(shipped);
    return folder;
}

/* run_jobs: false leaves jobs queued. */
static inline tb_engine *open_engine_with(const char *data, bool run_jobs)
{
    char *models = descriptors_folder();
    const tb_engine_options options = {
        .data_folder = data, .models_folder = models, .n_threads = 2, .run_jobs = run_jobs};
    tb_engine *engine = NULL;
    tb_error err = {0};
    assert_ok(tb_engine_open(&options, &engine, &err));
    free(models);
    return engine;
}

/* Opens (again) the engine of a data folder. */
static inline tb_engine *open_engine(const char *data)
{
    return open_engine_with(data, true);
}

/* Adds a piece as a file of its own; returns its path (free). */
static inline char *add_piece(tb_engine *engine, const char *folder, const char *name, uint64_t seed,
                              double seconds, char id[TB_TRACK_ID_SIZE])
{
    tb_error err = {0};
    tb_add_result result;
    char *path = tb_test_join(folder, name);
    tb_test_write_piece(path, seed, seconds, 22050);
    assert_ok(tb_engine_add_file(engine, path, &(tb_add_options){0}, &result, &err));
    memcpy(id, result.id, TB_TRACK_ID_SIZE);
    return path;
}

static inline tb_search_result search(tb_engine *engine, const tb_query *query,
                                      const tb_search_options *options)
{
    tb_error err = {0};
    tb_search_result result = {0};
    tb_search_options with_limit = *options;
    if (with_limit.limit == 0) with_limit.limit = 10;
    assert_ok(tb_engine_search(engine, query, &with_limit, &result, &err));
    return result;
}

#endif
