// SPDX-License-Identifier: MIT
/* Files and paths.  Paths are bytes, not text: they need not be UTF-8.  Threads: any. */
#ifndef TIMBRE_BASE_FS_H
#define TIMBRE_BASE_FS_H

#include "base/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

/* "a/b" from "a" or "a/" and "b"; NULL without memory.  Freed with tb_free. */
char *tb_fs_join(const char *directory, const char *name);
/* Part behind the last '/' (borrowed from path). */
const char *tb_fs_name(const char *path);
/* Part behind the last '.' of the name, "" when there is none (borrowed from path). */
const char *tb_fs_extension(const char *path);
/* Makes the directory and those above it (mode 0750 for new ones); one that is there already is fine. */
tb_status tb_fs_make_directories(const char *path, tb_error *err) TB_MUST_CHECK;
/* Whole file into memory with a closing zero (not counted); TB_TOO_LARGE past limit.  *bytes: tb_free. */
tb_status tb_fs_read(const char *path, size_t limit, char **bytes, size_t *size, tb_error *err) TB_MUST_CHECK;
/* Writes beside, syncs, renames over path, syncs the directory: readers see the old or the new file, whole. */
tb_status tb_fs_write_atomic(const char *path, const void *bytes, size_t size, tb_error *err) TB_MUST_CHECK;
/* fsync of a directory, so that a rename in it survives power loss. */
tb_status tb_fs_sync_directory(const char *path, tb_error *err) TB_MUST_CHECK;
/* Names of what a directory holds (without "." and ".."), sorted by their bytes.  *names: tb_fs_list_free. */
tb_status tb_fs_list(const char *path, char ***names, size_t *n, tb_error *err) TB_MUST_CHECK;
/* Accepts NULL. */
void tb_fs_list_free(char **names, size_t n);
/* Absolute path with every link resolved; TB_NOT_FOUND if it does not exist.  *real: tb_free. */
tb_status tb_fs_real_path(const char *path, char **real, tb_error *err) TB_MUST_CHECK;
/* Whether the real path `inner` is `outer` or lies below it ("/a/b" is below "/a", "/ab" is not). */
bool tb_fs_is_within(const char *outer, const char *inner);

typedef struct tb_fs_info {
    int64_t size_bytes;
    int64_t modified_ns; /* since 1970-01-01 UTC */
    uint64_t device, inode;
    bool is_directory, is_regular;
} tb_fs_info;
/* Seconds and nanoseconds as one number, at its ends where a file claims a time beyond. */
int64_t tb_fs_modified_ns(const struct stat *info);
/* Follows links. */
tb_status tb_fs_stat(const char *path, tb_fs_info *info, tb_error *err) TB_MUST_CHECK;

#endif
