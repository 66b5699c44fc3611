// SPDX-License-Identifier: MIT
/* Files built into the program by tools/embed: SQL migrations, the API description, the web page.
 *
 * A list is declared by its user as `extern const tb_embedded_file tb_store_migrations[];` and ends with an
 * entry whose name is NULL.  Constant, any thread. */
#ifndef TIMBRE_BASE_EMBED_H
#define TIMBRE_BASE_EMBED_H

#include <stddef.h>

typedef struct tb_embedded_file {
    const char *name;           /* last part of the path, "0001_init.sql" */
    const unsigned char *bytes; /* a zero stands behind the last */
    size_t size;                /* without that zero */
} tb_embedded_file;

#endif
