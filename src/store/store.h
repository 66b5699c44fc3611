// SPDX-License-Identifier: MIT
/* The database of a data folder: open, check, back up.  SQLite is the truth; whatever lives in memory is
 * made from it.
 *
 * <data>/timbre.db is one SQLite database in WAL mode with synchronous=FULL: a function that returned TB_OK
 * after writing has its data on the disk, through kill -9 and power loss.  Every write function is one
 * transaction: it happens whole or not at all.  <data>/timbre.lock keeps a second process from opening the
 * same folder for writing.
 *
 * Threads: a tb_store is shared, locks inside.  Writers take turns; readers have connections of their own
 * and never wait for a writer.  A callback is called while no lock is held, so it may call the store again.
 *
 * Errors that every function here and in the *_table.h headers can give besides those that it names:
 * TB_NO_MEMORY; TB_FULL (the disk; nothing was changed); TB_BUSY (another process held the database for
 * longer than busy_timeout_ms); TB_CORRUPT (the sentence names the file and says what to do); TB_IO;
 * TB_FORBIDDEN (writing to a store that was opened read_only).
 *
 * Strings that go in are UTF-8, times are milliseconds since 1970-01-01 UTC, numbers are finite. */
#ifndef TIMBRE_STORE_STORE_H
#define TIMBRE_STORE_STORE_H

#include "base/clock.h"
#include "base/status.h"
#include "store/fields.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* PRAGMA application_id of our databases ("timb"). */
#define TB_STORE_APPLICATION_ID 0x74696d62

typedef struct tb_store tb_store;

typedef struct tb_store_options {
    const char *folder;  /* the data folder; made if it is not there (unless read_only) */
    int busy_timeout_ms; /* how long to wait for another process's lock; 0 means 5000 */
    bool read_only;      /* look at the data while another process may have it open */
    size_t n_readers;    /* connections for reading, 1 to 64; 0 means 4 */
    /* Names of numeric features, each [a-z][a-z0-9_]*, 63 characters at most: a column each, made when
     * missing. Borrowed during the call. */
    const char *const *features;
    size_t n_features;      /* 500 at most */
    const tb_clock *clock;  /* NULL: the machine's; borrowed until close */
} tb_store_options;

/* Opens, makes or upgrades the database.
 * Errors: TB_BUSY (another process has the folder: the sentence names its pid), TB_NEWER (written by a
 * newer version; nothing is touched), TB_INVALID (options; or a database that is not timbre's), TB_CORRUPT,
 * TB_NOT_FOUND (read_only and no database there), TB_UNSUPPORTED (read_only and an older version's data, or
 * a file system without WAL). */
tb_status tb_store_open(const tb_store_options *options, tb_store **store, tb_error *err) TB_MUST_CHECK;
/* No other call may run or follow.  Accepts NULL. */
void tb_store_close(tb_store *store);

/* Path of the database file (borrowed until close). */
const char *tb_store_path(const tb_store *store);
/* What can be filtered and sorted by, built-in fields and features (borrowed until close). */
const tb_fields *tb_store_fields(const tb_store *store);

/* A number that grows with every write; a write function has made it grow before it returns.  What was read
 * after asking is at least as new as the number says. */
uint64_t tb_store_version(const tb_store *store);

/* Looks at every page and index, and at references between tables; TB_CORRUPT with the first finding.
 * Reads the whole file: minutes for a big one; others go on reading and writing. */
tb_status tb_store_check(tb_store *store, tb_error *err) TB_MUST_CHECK;
/* A copy of the database at this moment, as one file without a WAL, while others read and write.  `path`
 * must not exist (TB_EXISTS); it appears whole or not at all. */
tb_status tb_store_backup(tb_store *store, const char *path, tb_error *err) TB_MUST_CHECK;

typedef struct tb_store_counts {
    int64_t tracks, files, failed_files, segments, size_bytes;
} tb_store_counts;
/* size_bytes: of the database file with its WAL. */
tb_status tb_store_count(tb_store *store, tb_store_counts *counts, tb_error *err) TB_MUST_CHECK;

/* Small values by name, for what has no table ("default_space").  *value: tb_free; TB_NOT_FOUND.
 * name: 1 to 200 bytes, value: 1 MiB at most, NULL removes. */
tb_status tb_store_get_setting(tb_store *store, const char *name, char **value,
                               tb_error *err) TB_MUST_CHECK;
tb_status tb_store_set_setting(tb_store *store, const char *name, const char *value,
                               tb_error *err) TB_MUST_CHECK;

#endif
