// SPDX-License-Identifier: MIT
/* The engines that the tests of the API talk to.
 *
 * One is shared by all tests that change nothing: it is made at the first use and lives until the program
 * ends.  A test that changes something makes its own, which takes the shared one's place until the test ends.
 *
 * Track i is a made-up piece, "p<i>.wav", known by the external ID "test:p<i>" too:
 *   p0  Ann, First, 1999; its title has quotes and a line feed; "mbid:8f/3471%b5"; payload {"mood":"happy"}
 *   p1  Ann, First, 1999
 *   p2  Ann, Second, 2005
 *   p3  Bob
 *   p4  silence */
#ifndef TIMBRE_TESTS_UNIT_API_FIXTURE_H
#define TIMBRE_TESTS_UNIT_API_FIXTURE_H

#include "support/engine.h"

enum { FIXTURE_TRACKS = 5, FIXTURE_SILENCE = 4, FIXTURE_FAILURES = 3 };

typedef struct fixture {
    tb_engine *engine;
    const char *folder; /* has the two below */
    char *data, *music; /* folders */
    char *paths[FIXTURE_TRACKS];
    char ids[FIXTURE_TRACKS][TB_TRACK_ID_SIZE];
} fixture;

/* Must not be changed.  Has all tracks, 12 s long, in the library "music", which also holds the files
 * bad0.mp3 to bad2.mp3 that could not be taken in.  Job 1 is the scan that found them. */
const fixture *fixture_shared(void);

/* For one test that ends with fixture_end: the first n tracks, 4 s long, in no library, and an empty folder
 * "music".  run_jobs: false leaves jobs queued. */
fixture *fixture_own(int n, bool run_jobs);
/* Adds track i (again). */
void fixture_add(fixture *f, int i);
/* Makes the folder "music" the library of that name. */
void fixture_put_library(fixture *f);
/* Waits for the job; fails the test unless it ends as done. */
void fixture_wait(int64_t job_id);

/* Of the test's own fixture, or else of the shared one. */
tb_engine *fixture_engine(void);

/* Setup and teardown of tests: log off; the test's own fixture is removed, also after a failure. */
int fixture_begin(void **state);
int fixture_end(void **state);

#endif
