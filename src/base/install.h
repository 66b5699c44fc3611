// SPDX-License-Identifier: MIT
/* Where the files that belong to the programs lie (models and the like), installed or not.  Threads: any. */
#ifndef TIMBRE_BASE_INSTALL_H
#define TIMBRE_BASE_INSTALL_H

#include "base/status.h"

/* Folder `name` ("models") of the build or source tree that the program runs from, else of share/timbre beside the
 * program's own folder (an installation that was moved), else of the place that was configured.
 * TB_NOT_FOUND: none of them is there.  *path: tb_free. */
tb_status tb_install_find(const char *name, char **path, tb_error *err) TB_MUST_CHECK;

#endif
