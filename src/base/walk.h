// SPDX-License-Identifier: MIT
/* A walk over all files below a folder, in the order of their paths.
 *
 * Links are not followed, and names that begin with a dot are passed over.  Threads: any, each its own walk. */
#ifndef TIMBRE_BASE_WALK_H
#define TIMBRE_BASE_WALK_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

enum { TB_WALK_MAX_DEPTH = 64 };

typedef struct tb_walk {
    void *context;
    /* A regular file; path is borrowed during the call.  Anything but TB_OK ends the walk and is returned. */
    tb_status (*file)(void *context, const char *path, const struct stat *info, tb_error *err);
    /* Whether to look into the folder, given the names in it (sorted, borrowed); NULL = always. */
    bool (*enter)(void *context, const char *folder, char *const *names, size_t n);
    /* A folder that cannot be read or lies too deep: noted, and the walk goes on.  NULL = ends the walk. */
    void (*failed)(void *context, const char *folder, const tb_error *why);
} tb_walk;

/* folder: where to begin. */
tb_status tb_walk_folder(const tb_walk *walk, const char *folder, tb_error *err) TB_MUST_CHECK;

#endif
