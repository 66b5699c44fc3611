// SPDX-License-Identifier: MIT
/* Status codes and errors with a sentence for a person.
 *
 * Whatever can fail returns tb_status; outputs are last parameters and stay untouched on failure.
 * A function that takes a `tb_error *err` fills it when it fails: the code and one sentence that says
 * what happened and, where that helps, what to do.  `err` may be NULL everywhere.
 *
 * Inside a function, errors leave through one exit:
 *
 *     tb_status status = TB_OK;
 *     TB_TRY(tb_fs_read(path, limit, &bytes, &size, err));        // passes an error on
 *     if (size == 0) TB_FAIL(err, TB_CORRUPT, "%s is empty", path); // makes one
 * out:
 *     tb_free(bytes);
 *     return status;
 */
#ifndef TIMBRE_BASE_STATUS_H
#define TIMBRE_BASE_STATUS_H

/* code, name in logs and JSON, what it means */
#define TB_STATUS_LIST(X)                                                                          \
    X(TB_OK, "ok", "no error")                                                                     \
    X(TB_NO_MEMORY, "no_memory", "memory is used up")                                              \
    X(TB_INVALID, "invalid", "an argument is wrong")                                               \
    X(TB_SYNTAX, "syntax", "a text does not parse")                                                \
    X(TB_NOT_FOUND, "not_found", "there is no such thing")                                         \
    X(TB_EXISTS, "exists", "it is there already, or it collides")                                  \
    X(TB_FORBIDDEN, "forbidden", "that is not allowed")                                            \
    X(TB_UNSUPPORTED, "unsupported", "the format is not one that can be read")                     \
    X(TB_CORRUPT, "corrupt", "the data are damaged")                                               \
    X(TB_NEWER, "newer", "the data were written by a newer version")                               \
    X(TB_TOO_LARGE, "too_large", "a limit on size is passed")                                      \
    X(TB_IO, "io", "reading or writing failed")                                                    \
    X(TB_FULL, "full", "the disk is full")                                                         \
    X(TB_BUSY, "busy", "a lock or a queue is taken; try again")                                    \
    X(TB_TIMEOUT, "timeout", "it took too long")                                                   \
    X(TB_CANCELLED, "cancelled", "it was cancelled")                                               \
    X(TB_INTERNAL, "internal", "a mistake of ours")

typedef enum tb_status {
#define TB_STATUS_ENUM(code, name, text) code,
    TB_STATUS_LIST(TB_STATUS_ENUM)
#undef TB_STATUS_ENUM
    TB_STATUS_COUNT
} tb_status;

typedef struct tb_error {
    tb_status code;
    char message[512]; /* UTF-8, one sentence, no line feed; cut at the end if too long */
} tb_error;

#define TB_MUST_CHECK __attribute__((warn_unused_result))
#define TB_PRINTF(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* Name as in logs and JSON ("not_found"); "unknown" for anything outside the list. */
const char *tb_status_name(tb_status code);
/* Meaning in a few words. */
const char *tb_status_text(tb_status code);

/* Fills *err (when not NULL) and returns code, which is not TB_OK.  Control characters become blanks and bytes
 * that are not UTF-8 question marks; the arguments may point into *err. */
tb_status tb_error_set(tb_error *err, tb_status code, const char *format, ...) TB_PRINTF(3, 4);
/* Like tb_error_set with the meaning of errno `error_number`: ENOSPC and EDQUOT give TB_FULL, ENOENT and
 * ENOTDIR TB_NOT_FOUND, EEXIST TB_EXISTS, EACCES, EPERM, EROFS and ELOOP TB_FORBIDDEN, ENAMETOOLONG
 * TB_INVALID, EFBIG TB_TOO_LARGE, ENOMEM TB_NO_MEMORY, else TB_IO.  The sentence is
 * "<formatted>: <strerror>". */
tb_status tb_error_errno(tb_error *err, int error_number, const char *format, ...) TB_PRINTF(3, 4);
/* Puts "<formatted>: " before the message that is there; the code stays. */
void tb_error_prefix(tb_error *err, const char *format, ...) TB_PRINTF(2, 3);
/* Back to TB_OK and an empty message. */
void tb_error_clear(tb_error *err);

#define TB_TRY(call)                                                                               \
    do {                                                                                           \
        if ((status = (call)) != TB_OK) goto out;                                                  \
    } while (0)

#define TB_FAIL(err, code, ...)                                                                    \
    do {                                                                                           \
        status = tb_error_set(err, code, __VA_ARGS__);                                             \
        goto out;                                                                                  \
    } while (0)

#endif
