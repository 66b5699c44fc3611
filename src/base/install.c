// SPDX-License-Identifier: MIT
/* A build tree is known by its Makefile, which names the source tree; the program may lie in a folder of it. */
#include "base/install.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_LEVELS = 4, MAX_MAKEFILE_BYTES = 16 * 1024 * 1024 };

static bool is_directory(const char *path)
{
    tb_fs_info info;
    return path && tb_fs_stat(path, &info, NULL) == TB_OK && info.is_directory;
}

/* "folder/name" if that is a folder, else NULL */
static char *look_in(const char *folder, const char *name)
{
    char *path = tb_fs_join(folder, name);
    if (is_directory(path)) return path;
    tb_free(path);
    return NULL;
}

/* The same in the source tree that `folder`, a build tree, was configured from; NULL if it is not one. */
static char *look_in_tree(const char *folder, const char *name)
{
    static const char key[] = "\nabs_top_srcdir = ";
    char *makefile = tb_fs_join(folder, "Makefile"), *text = NULL, *found = NULL;
    size_t size = 0;
    if (makefile && tb_fs_read(makefile, MAX_MAKEFILE_BYTES, &text, &size, NULL) == TB_OK) {
        char *source = strstr(text, key);
        char *line_end = source ? strchr(source + sizeof key - 1, '\n') : NULL;
        if (line_end) {
            *line_end = '\0';
            found = look_in(source + sizeof key - 1, name);
        }
    }
    tb_free(text);
    tb_free(makefile);
    return found;
}

static char *look_around_program(const char *name)
{
    char *program = NULL, *found = NULL;
    if (tb_fs_real_path("/proc/self/exe", &program, NULL) != TB_OK) return NULL;
    for (int level = 0; level < MAX_LEVELS && !found; level++) {
        char *slash = strrchr(program, '/');
        if (!slash || slash == program) break;
        *slash = '\0';
        found = look_in_tree(program, name);
        if (level == 1 && !found) { /* beside bin or sbin */
            char *share = tb_fs_join(program, "share/timbre");
            if (share) found = look_in(share, name);
            tb_free(share);
        }
    }
    tb_free(program);
    return found;
}

tb_status tb_install_find(const char *name, char **path, tb_error *err)
{
    char *found = look_around_program(name);
    if (!found) found = look_in(TB_DATA_DIR, name);
    if (!found)
        return tb_error_set(err, TB_NOT_FOUND, "the folder \"%s\" that belongs to this program is not in %s: run make install",
                            name, TB_DATA_DIR);
    *path = found;
    return TB_OK;
}
