// SPDX-License-Identifier: MIT
/* An engine for the tests of the API: it serves three tracks from memory, remembers what it was asked, and
 * fails on demand.  It takes the place of the engine's functions in the program of these tests; the whole way
 * is tested over HTTP. */
#ifndef TIMBRE_TESTS_UNIT_API_FAKE_ENGINE_H
#define TIMBRE_TESTS_UNIT_API_FAKE_ENGINE_H

#include "engine/catalog.h"
#include "engine/ingest.h"
#include "engine/search.h"

enum { FAKE_TRACKS = 3, FAKE_DIM = 4 };

typedef struct tb_fake {
    tb_status fail; /* what every call that can fail answers; TB_OK: none fails */
    char fail_message[64];
    /* What was asked last. */
    char id[256], path[4096], space[64], using[256], previous[256], text[64], file_name[64], library[64];
    bool has_vector, has_filter, set_title, clears_year;
    size_t n_vector, n_positive, n_negative;
    double start_s, duration_s;
    tb_search_options options; /* pointers are not to be followed */
    char payload[256], external_value[64];
    char audio_path[4096]; /* file that open_audio opens */
    bool silent;           /* searches find that the query is silent */
    bool names_path;       /* analysis fails with a sentence that names the file */
    bool known;            /* added audio is known already */
} tb_fake;

extern tb_fake fake;

/* Forgets everything. */
void fake_reset(void);
tb_engine *fake_engine(void);
/* "fake000000000001" and so on. */
const char *fake_id(int i);

#endif
