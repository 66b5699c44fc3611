// SPDX-License-Identifier: MIT
/* The walk over a folder: depth first, names in order, one list of names in memory per level. */
#include "base/walk.h"

#include "base/alloc.h"
#include "base/fs.h"

static tb_status walk_level(const tb_walk *walk, const char *folder, int depth, tb_error *err)
{
    tb_status status = TB_OK;
    char **names = NULL, *path = NULL;
    size_t n = 0;
    tb_error why = {0};
    status = tb_fs_list(folder, &names, &n, &why);
    if (status == TB_OK && depth > TB_WALK_MAX_DEPTH)
        status = tb_error_set(&why, TB_TOO_LARGE, "folders are nested more than %d deep at %.300s", TB_WALK_MAX_DEPTH, folder);
    if (status != TB_OK && status != TB_NO_MEMORY && walk->failed) {
        walk->failed(walk->context, folder, &why);
        status = TB_OK;
        goto out;
    }
    if (status != TB_OK) TB_FAIL(err, status, "%s", why.message);
    if (walk->enter && !walk->enter(walk->context, folder, names, n)) goto out;
    for (size_t i = 0; i < n; i++) {
        struct stat info;
        if (names[i][0] == '.') continue;
        tb_free(path);
        if (!(path = tb_fs_join(folder, names[i]))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
        if (lstat(path, &info) != 0) continue; /* gone since it was listed */
        if (S_ISDIR(info.st_mode)) TB_TRY(walk_level(walk, path, depth + 1, err));
        else if (S_ISREG(info.st_mode)) TB_TRY(walk->file(walk->context, path, &info, err));
    }
out:
    tb_free(path);
    tb_fs_list_free(names, n);
    return status;
}

tb_status tb_walk_folder(const tb_walk *walk, const char *folder, tb_error *err)
{
    return walk_level(walk, folder, 0, err);
}
