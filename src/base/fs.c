// SPDX-License-Identifier: MIT
/* Files and paths over POSIX.  write_atomic is the one that durability rests on: its file is complete and on
 * disk before it takes the name, and the name is on disk before the call returns. */
#include "base/fs.h"

#include "base/alloc.h"
#include "base/buffer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- paths ------------------------------------------------------------------ */

char *tb_fs_join(const char *directory, const char *name)
{
    const size_t directory_size = strlen(directory), name_size = strlen(name);
    char *path = tb_alloc(directory_size + name_size + 2, 1);
    if (!path) return NULL;
    char *end = path;
    memcpy(end, directory, directory_size);
    end += directory_size;
    if (directory_size > 0 && end[-1] != '/') *end++ = '/';
    memcpy(end, name, name_size + 1);
    return path;
}

const char *tb_fs_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *tb_fs_extension(const char *path)
{
    const char *name = tb_fs_name(path);
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? dot + 1 : ""; /* ".profile" has none */
}

bool tb_fs_is_within(const char *outer, const char *inner)
{
    size_t size = strlen(outer);
    while (size > 0 && outer[size - 1] == '/') size--;
    return strncmp(outer, inner, size) == 0 && (inner[size] == 0 || inner[size] == '/');
}

tb_status tb_fs_real_path(const char *path, char **real, tb_error *err)
{
    char resolved[PATH_MAX];
    if (!realpath(path, resolved)) return tb_error_errno(err, errno, "%s", path);
    char *copy = tb_strdup(resolved);
    if (!copy) return tb_error_set(err, TB_NO_MEMORY, "no memory for a path");
    *real = copy;
    return TB_OK;
}

/* Directory part of path, "." when there is none; NULL without memory. */
static char *copy_directory(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return tb_strdup(".");
    char *directory = tb_strdup(path);
    if (directory) directory[slash == path ? 1 : slash - path] = 0;
    return directory;
}

/* --- directories ------------------------------------------------------------ */

static tb_status make_directory(const char *path, tb_error *err)
{
    if (mkdir(path, 0750) == 0) return TB_OK;
    const int why = errno;
    struct stat info;
    if (stat(path, &info) != 0) return tb_error_errno(err, why, "cannot make the folder %s", path);
    if (!S_ISDIR(info.st_mode)) return tb_error_set(err, TB_EXISTS, "%s is there and is not a folder", path);
    return TB_OK;
}

tb_status tb_fs_make_directories(const char *path, tb_error *err)
{
    if (!*path) return tb_error_set(err, TB_INVALID, "the path of the folder is empty");
    tb_status status = TB_OK;
    char *part = tb_strdup(path);
    if (!part) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    for (char *c = part + 1; *c; c++) {
        if (*c != '/' || c[-1] == '/') continue;
        *c = 0;
        TB_TRY(make_directory(part, err));
        *c = '/';
    }
    TB_TRY(make_directory(part, err));
out:
    tb_free(part);
    return status;
}

tb_status tb_fs_sync_directory(const char *path, tb_error *err)
{
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return tb_error_errno(err, errno, "cannot open the folder %s", path);
    tb_status status = TB_OK;
    /* some file systems cannot sync a directory and say EINVAL: there is nothing more to be done there */
    if (fsync(fd) != 0 && errno != EINVAL) status = tb_error_errno(err, errno, "cannot sync the folder %s", path);
    close(fd);
    return status;
}

/* --- whole files ------------------------------------------------------------ */

tb_status tb_fs_read(const char *path, size_t limit, char **bytes, size_t *size, tb_error *err)
{
    enum { STEP = 65536 };
    tb_status status = TB_OK;
    tb_buffer content;
    tb_buffer_init(&content, limit < SIZE_MAX - STEP ? limit + STEP : limit); /* a step past it shows the excess */
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        status = tb_error_errno(err, errno, "cannot open %s", path);
        goto out;
    }
    for (;;) {
        if (tb_buffer_reserve(&content, STEP) != TB_OK) TB_FAIL(err, TB_NO_MEMORY, "no memory to read %s", path);
        const ssize_t n = read(fd, content.bytes + content.size, STEP);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            status = tb_error_errno(err, errno, "cannot read %s", path);
            goto out;
        }
        if (n == 0) break;
        content.size += (size_t)n;
        if (content.size > limit) TB_FAIL(err, TB_TOO_LARGE, "%s is larger than %zu bytes", path, limit);
    }
    content.bytes[content.size] = 0;
    *size = content.size;
    *bytes = tb_buffer_take(&content);
out:
    if (fd >= 0) close(fd);
    tb_buffer_clear(&content);
    return status;
}

static tb_status write_all(int fd, const char *bytes, size_t size, const char *path, tb_error *err)
{
    while (size > 0) {
        const ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return tb_error_errno(err, errno, "cannot write %s", path);
        bytes += n;
        size -= (size_t)n;
    }
    return TB_OK;
}

/* A new file beside path: "<path>.<process>-<count>.new".  *name: tb_free. */
static tb_status create_beside(const char *path, char **name, int *fd, tb_error *err)
{
    static atomic_uint count;
    const size_t room = strlen(path) + 40;
    char *made = tb_alloc(room, 1);
    if (!made) return tb_error_set(err, TB_NO_MEMORY, "no memory to write %s", path);
    for (int attempt = 0;; attempt++) {
        snprintf(made, room, "%s.%ld-%u.new", path, (long)getpid(), atomic_fetch_add(&count, 1u));
        *fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
        if (*fd >= 0) break;
        if (errno == EEXIST && attempt < 100) continue; /* left by an earlier process of this number */
        const tb_status status = tb_error_errno(err, errno, "cannot write beside %s", path);
        tb_free(made);
        return status;
    }
    struct stat old;
    if (stat(path, &old) == 0) (void)!fchmod(*fd, old.st_mode & 0777); /* a new mode is no reason to fail */
    *name = made;
    return TB_OK;
}

tb_status tb_fs_write_atomic(const char *path, const void *bytes, size_t size, tb_error *err)
{
    tb_status status = TB_OK;
    char *beside = NULL, *directory = NULL;
    int fd = -1;
    directory = copy_directory(path);
    if (!directory) TB_FAIL(err, TB_NO_MEMORY, "no memory to write %s", path);
    TB_TRY(create_beside(path, &beside, &fd, err));
    TB_TRY(write_all(fd, bytes, size, path, err));
    if (fsync(fd) != 0) {
        status = tb_error_errno(err, errno, "cannot sync %s", path);
        goto out;
    }
    const int closed = close(fd);
    fd = -1;
    if (closed != 0 || rename(beside, path) != 0) {
        status = tb_error_errno(err, errno, "cannot write %s", path);
        goto out;
    }
    tb_free(beside);
    beside = NULL; /* it has the name now */
    TB_TRY(tb_fs_sync_directory(directory, err));
out:
    if (fd >= 0) close(fd);
    if (beside) unlink(beside);
    tb_free(beside);
    tb_free(directory);
    return status;
}

int64_t tb_fs_modified_ns(const struct stat *info)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)info->st_mtim.tv_sec, 1000000000, &ns) || __builtin_add_overflow(ns, info->st_mtim.tv_nsec, &ns))
        ns = info->st_mtim.tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

tb_status tb_fs_stat(const char *path, tb_fs_info *info, tb_error *err)
{
    struct stat s;
    if (stat(path, &s) != 0) return tb_error_errno(err, errno, "%s", path);
    *info = (tb_fs_info){
        .size_bytes = s.st_size,
        .modified_ns = tb_fs_modified_ns(&s),
        .device = s.st_dev,
        .inode = s.st_ino,
        .is_directory = S_ISDIR(s.st_mode),
        .is_regular = S_ISREG(s.st_mode),
    };
    return TB_OK;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

tb_status tb_fs_list(const char *path, char ***names, size_t *n, tb_error *err)
{
    tb_status status = TB_OK;
    char **made = NULL;
    size_t n_made = 0, capacity = 0;
    DIR *directory = opendir(path);
    if (!directory) TB_TRY(tb_error_errno(err, errno, "cannot read the folder %s", path));
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(directory);
        if (!entry && errno != 0) TB_TRY(tb_error_errno(err, errno, "cannot read the folder %s", path));
        if (!entry) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        if (n_made == capacity) {
            capacity = capacity ? 2 * capacity : 32;
            char **bigger = tb_realloc(made, capacity, sizeof *made);
            if (!bigger) TB_FAIL(err, TB_NO_MEMORY, "no memory for the names in %s", path);
            made = bigger;
        }
        if (!(made[n_made] = tb_strdup(entry->d_name))) TB_FAIL(err, TB_NO_MEMORY, "no memory for the names in %s", path);
        n_made++;
    }
    if (n_made) qsort(made, n_made, sizeof *made, compare_names);
    *names = made;
    *n = n_made;
    made = NULL;
    n_made = 0;
out:
    if (directory) closedir(directory);
    tb_fs_list_free(made, n_made);
    return status;
}

void tb_fs_list_free(char **names, size_t n)
{
    for (size_t i = 0; names && i < n; i++) tb_free(names[i]);
    tb_free(names);
}
