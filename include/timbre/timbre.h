// SPDX-License-Identifier: MIT
/* timbre as a C library: "what sounds like this?" without a server.
 *
 *     timbre *t;
 *     timbre_error err;
 *     if (timbre_open("/var/lib/timbre", NULL, &t, &err) != 0) die(err.message);
 *     timbre_add_file(t, "/music/a.flac", id, &err);
 *     timbre_weight weights[] = {{"rhythm", 1}, {"timbre", 0.5}};
 *     timbre_hit hits[10];
 *     size_t n;
 *     timbre_search_file(t, "/music/b.ogg", weights, 2, 10, hits, &n, &err);
 *     timbre_close(t);
 *
 * Functions return 0 on success and a timbre_code below 0 otherwise, with a sentence in *err (which may be
 * NULL).  Outputs are untouched on failure.  A timbre is shared: any thread may call; heavy calls compute on the
 * calling thread.  One process at a time may have a data folder open, so a user of the library and timbred need a
 * folder each.  Weights name parts of the active space; none means the space's own.
 * IDs are 16 characters, made from the audio itself, or external ones ("scheme:value"). */
#ifndef TIMBRE_TIMBRE_H
#define TIMBRE_TIMBRE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TIMBRE_EXPORT __attribute__((visibility("default")))

enum { TIMBRE_ID_SIZE = 17 }; /* with the closing zero */

typedef enum timbre_code {
    TIMBRE_OK = 0,
    TIMBRE_NO_MEMORY = -1,
    TIMBRE_INVALID = -2,     /* an argument is wrong */
    TIMBRE_NOT_FOUND = -3,   /* no such track, file, space or model */
    TIMBRE_UNSUPPORTED = -4, /* not audio, or a kind that this build does not read */
    TIMBRE_CORRUPT = -5,     /* damaged audio or data */
    TIMBRE_IO = -6,          /* reading or writing failed, or the disk is full */
    TIMBRE_BUSY = -7,        /* another process has the data folder */
    TIMBRE_OTHER = -8
} timbre_code;

typedef struct timbre timbre;

typedef struct timbre_error {
    int code; /* timbre_code */
    char message[512];
} timbre_error;

typedef struct timbre_weight {
    const char *part;
    double weight; /* >= 0; a part that is not named has 0 */
} timbre_weight;

typedef struct timbre_hit {
    char id[TIMBRE_ID_SIZE];
    double score;    /* 0..1, 1 = the same sound */
    double distance; /* square root of the weighted sum of squares over the parts */
} timbre_hit;

/* "0.1.0"; constant. */
TIMBRE_EXPORT const char *timbre_version(void);

/* data_folder: made if it is not there.  models_folder: NULL = as installed.  *t: timbre_close. */
TIMBRE_EXPORT int timbre_open(const char *data_folder, const char *models_folder, timbre **t, timbre_error *err);
/* Accepts NULL. */
TIMBRE_EXPORT void timbre_close(timbre *t);

/* Adds a file, which stays where it is.  id: room for TIMBRE_ID_SIZE bytes.  Returns 1 when this audio was there. */
TIMBRE_EXPORT int timbre_add_file(timbre *t, const char *path, char *id, timbre_error *err);
TIMBRE_EXPORT int timbre_remove(timbre *t, const char *id, timbre_error *err);
TIMBRE_EXPORT size_t timbre_count(timbre *t);

/* The nearest tracks, nearest first.  limit: 1 to 1000; hits: room for as many; *n of them are filled. */
TIMBRE_EXPORT int timbre_similar(timbre *t, const char *id, const timbre_weight *weights, size_t n_weights,
                                 size_t limit, timbre_hit *hits, size_t *n, timbre_error *err);
TIMBRE_EXPORT int timbre_search_file(timbre *t, const char *path, const timbre_weight *weights, size_t n_weights,
                                     size_t limit, timbre_hit *hits, size_t *n, timbre_error *err);

/* Numbers in a vector of the active space. */
TIMBRE_EXPORT size_t timbre_dim(timbre *t);
/* Vector of a file in the active space; nothing is stored.  vector: room for timbre_dim values. */
TIMBRE_EXPORT int timbre_embed_file(timbre *t, const char *path, float *vector, timbre_error *err);

#ifdef __cplusplus
}
#endif

#endif
