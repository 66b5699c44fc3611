// SPDX-License-Identifier: MIT
/* Libraries (folders on the server) and files.  See store.h for threads and errors that all share.
 *
 * A file is known by its path.  It belongs to a track, or it failed with a reason; several files may be the
 * same track.  Uploads are files too, below the data folder, without a library. */
#ifndef TIMBRE_STORE_FILE_TABLE_H
#define TIMBRE_STORE_FILE_TABLE_H

#include "store/store.h"

enum {
    TB_STORE_PATH_MAX = 4096,        /* bytes */
    TB_STORE_REASON_MAX = 1000,      /* bytes, cut */
    TB_STORE_LIBRARY_NAME_MAX = 64,  /* bytes: [A-Za-z0-9][A-Za-z0-9_.-]* */
    TB_STORE_EXCLUDE_MAX = 64 * 1024 /* bytes */
};

/* --- libraries ---------------------------------------------------------------------------------------- */

typedef struct tb_library_row {
    int64_t id;
    char *name;
    char *root;    /* absolute path, bytes */
    bool watch;
    char *exclude; /* JSON array of glob patterns as text; NULL: none */
    int64_t created_ms;
    int64_t scanned_ms; /* end of the last whole scan; 0: never */
    int64_t n_files, n_failed;
} tb_library_row;

typedef struct tb_library_put {
    const char *name, *root; /* root: absolute */
    bool watch;
    const char *exclude;
} tb_library_put;

/* Makes the library or changes it.  When its root changes, its files keep their records under the new root
 * (a folder that was moved).  Errors: TB_INVALID; TB_EXISTS when another library has that root. created:
 * may be NULL. */
tb_status tb_store_put_library(tb_store *store, const tb_library_put *row, int64_t *library_id,
                               bool *created,
                               tb_error *err) TB_MUST_CHECK;
/* TB_NOT_FOUND.  Clear it with tb_library_row_clear. */
tb_status tb_store_get_library(tb_store *store, const char *name, tb_library_row *library,
                               tb_error *err) TB_MUST_CHECK;
/* By name.  *libraries: tb_library_rows_free. */
tb_status tb_store_list_libraries(tb_store *store, tb_library_row **libraries, size_t *n,
                                  tb_error *err) TB_MUST_CHECK;
void tb_library_row_clear(tb_library_row *library);
void tb_library_rows_free(tb_library_row *libraries, size_t n);
/* The end of a whole scan is now. */
tb_status tb_store_library_scanned(tb_store *store, int64_t library_id, tb_error *err) TB_MUST_CHECK;
/* With its file rows.  Tracks that are left without a file are removed too; their numbers, ascending, in
 * *removed (tb_free; may be NULL when there are none).  TB_NOT_FOUND. */
tb_status tb_store_delete_library(tb_store *store, int64_t library_id, int64_t **removed, size_t *n_removed,
                                  tb_error *err) TB_MUST_CHECK;

/* --- files -------------------------------------------------------------------------------------------- */

typedef struct tb_file_put {
    const char *path;   /* absolute; bytes, need not be UTF-8 */
    int64_t library_id; /* 0: none */
    int64_t size_bytes;
    int64_t modified_ns;
    const uint8_t *file_hash; /* of the bytes; NULL: not known */
    size_t file_hash_size;    /* 16 to 64 */
} tb_file_put;

typedef struct tb_file_row {
    int64_t id;
    int64_t track_id;   /* 0: it failed */
    int64_t library_id; /* 0: none */
    char *path;
    int64_t size_bytes, modified_ns;
    uint8_t file_hash[64];
    size_t file_hash_size; /* 0: not known */
    char *reason;       /* why it failed, a sentence; NULL: it did not */
    tb_status code;     /* of the failure */
    int64_t failed_ms;
    int attempts;       /* failures one after the other */
} tb_file_row;
/* Accepts one that is all zero. */
void tb_file_row_clear(tb_file_row *file);
void tb_file_rows_free(tb_file_row *files, size_t n);

/* TB_NOT_FOUND. */
tb_status tb_store_get_file(tb_store *store, const char *path, tb_file_row *file,
                            tb_error *err) TB_MUST_CHECK;
/* The file could not be used: stores why.  If it was a track's before, that track keeps it as long as its
 * bytes are the same size and time (it may only be unreadable now); else it loses it, and a track without a
 * file is removed: *removed_track_id (0: none; the argument may be NULL). */
tb_status tb_store_put_failure(tb_store *store, const tb_file_put *row, tb_status code, const char *reason,
                               int64_t *removed_track_id, tb_error *err) TB_MUST_CHECK;
/* The same file with a new size and time (touched, or retagged as seen by a reader that compared the
 * audio). */
tb_status tb_store_touch_file(tb_store *store, int64_t file_id, int64_t size_bytes, int64_t modified_ns,
                              tb_error *err) TB_MUST_CHECK;
/* Files of no library below old_root keep their records under new_root: the data folder was moved. */
tb_status tb_store_move_uploads(tb_store *store, const char *old_root, const char *new_root,
                                tb_error *err) TB_MUST_CHECK;
/* Removes rows of files that are gone; tracks left without a file as in tb_store_delete_library. */
tb_status tb_store_remove_files(tb_store *store, const int64_t *file_ids, size_t n, int64_t **removed,
                                size_t *n_removed, tb_error *err) TB_MUST_CHECK;

/* Files of a library (0: those of none) in the order of their numbers; the callback borrows the file during
 * the call; anything but TB_OK from it ends the walk and is returned. */
typedef tb_status tb_file_visit(void *context, const tb_file_row *file);
tb_status tb_store_each_file(tb_store *store, int64_t library_id, tb_file_visit *visit, void *context,
                             tb_error *err) TB_MUST_CHECK;
/* Files that failed, of a library or (0) of all, by path: at most limit (1 to 10000) of them from the
 * offset on. *total: how many there are in all; may be NULL. */
tb_status tb_store_list_failures(tb_store *store, int64_t library_id, size_t offset, size_t limit,
                                 tb_file_row **files, size_t *n, int64_t *total, tb_error *err) TB_MUST_CHECK;

#endif
