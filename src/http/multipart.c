// SPDX-License-Identifier: MIT
/* A parser of states:
 *
 *   DATA      between delimiters: a part's content, or the preamble before the first part
 *   BOUNDARY  behind a delimiter: "--" closes the body, blanks and a line end open a part
 *   HEAD      the part's header lines, gathered until an empty line
 *   EPILOGUE  behind the closing delimiter: passed over
 *
 * The delimiter is CR LF "--" boundary.  A CR stands at its start and nowhere else in it, so that a match that
 * breaks off is data as a whole and can only start anew at the byte that broke it: `matched` is all the state
 * that a delimiter cut by two writes needs.  The body starts as if a CR LF had come before it. */
#include "http/multipart.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

enum { MAX_HEAD_BYTES = 8192, MAX_BOUNDARY_BYTES = 70 };

typedef enum parser_state { STATE_DATA, STATE_BOUNDARY, STATE_HEAD, STATE_EPILOGUE } parser_state;

struct tb_multipart {
    tb_multipart_calls calls;
    char delimiter[4 + MAX_BOUNDARY_BYTES + 1];
    size_t delimiter_size;
    size_t matched; /* bytes of the delimiter seen so far, in STATE_DATA */
    parser_state state;
    bool in_part;   /* else the preamble */
    char tail[2];   /* first bytes behind a delimiter, in STATE_BOUNDARY */
    size_t n_tail;
    tb_buffer head;
};

/* --- header values: `token; name="value"; other=value` ------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t");
}

/* Copies a quoted or bare value to out; returns what follows, or NULL if it is broken or does not fit.
 * Only \" and \\ are escapes: browsers send a backslash in a file name as it is. */
static const char *read_value(const char *at, char *out, size_t capacity)
{
    size_t n = 0;
    if (*at != '"') {
        const size_t size = strcspn(at, "; \t");
        if (size >= capacity) return NULL;
        memcpy(out, at, size);
        out[size] = '\0';
        return at + size;
    }
    for (at++; *at != '"'; at++) {
        if (*at == '\\' && (at[1] == '"' || at[1] == '\\')) at++;
        if (*at == '\0' || n + 1 >= capacity) return NULL;
        out[n++] = *at;
    }
    out[n] = '\0';
    return at + 1;
}

/* Value of a parameter of a header value.  TB_NOT_FOUND: it is not there; TB_SYNTAX: the header is broken. */
static tb_status find_parameter(const char *header, const char *name, char *out, size_t capacity)
{
    char key[32], value[MAX_HEAD_BYTES];
    const char *at = header + strcspn(header, ";");
    while (*at == ';') {
        at = skip_blanks(at + 1);
        const size_t size = strcspn(at, "=; \t");
        if (size == 0 && *at == '\0') break; /* a semicolon at the end */
        if (size == 0 || size >= sizeof key) return TB_SYNTAX;
        memcpy(key, at, size);
        key[size] = '\0';
        at = skip_blanks(at + size);
        if (*at != '=') return TB_SYNTAX;
        at = read_value(skip_blanks(at + 1), value, sizeof value);
        if (!at) return TB_SYNTAX;
        if (tb_text_equal_nocase(key, name)) {
            return tb_text_copy(out, capacity, value) ? TB_OK : TB_SYNTAX;
        }
        at = skip_blanks(at);
    }
    return *at == '\0' ? TB_NOT_FOUND : TB_SYNTAX;
}

static bool starts_with_nocase(const char *text, const char *prefix)
{
    char start[64];
    const size_t size = strlen(prefix);
    if (size >= sizeof start || strlen(text) < size) return false;
    memcpy(start, text, size);
    start[size] = '\0';
    return tb_text_equal_nocase(start, prefix);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* RFC 5987: UTF-8'language'percent-encoded, in place; false if it is something else */
static bool decode_extended(char *text)
{
    char *quote = starts_with_nocase(text, "UTF-8'") ? strchr(text + 6, '\'') : NULL;
    if (!quote) return false;
    char *out = text;
    for (const char *at = quote + 1; *at; at++) {
        if (*at != '%') {
            *out++ = *at;
            continue;
        }
        const int high = hex_digit(at[1]), low = high < 0 ? -1 : hex_digit(at[2]);
        if (low < 0) return false;
        *out++ = (char)(high * 16 + low);
        at += 2;
    }
    *out = '\0';
    return true;
}

/* --- head of a part ------------------------------------------------------------------------------------------- */

/* The value of a header line of the head, which holds lines ended by zeros and is ended by an empty line; or NULL. */
static const char *find_header(const char *head, const char *name)
{
    for (const char *line = head; *line; line += strlen(line) + 2) { /* behind its zero and its LF */
        const size_t size = strcspn(line, ":");
        char key[64];
        if (line[size] != ':' || size >= sizeof key) continue;
        memcpy(key, line, size);
        key[size] = '\0';
        if (tb_text_equal_nocase(key, name)) return skip_blanks(line + size + 1);
    }
    return NULL;
}

static tb_status begin_part(tb_multipart *multipart, tb_error *err)
{
    tb_status status = TB_OK;
    char text[MAX_HEAD_BYTES], file[MAX_HEAD_BYTES];
    char *field = NULL, *file_name = NULL, *content_type = NULL;
    char *lines = multipart->head.bytes;
    const size_t size = multipart->head.size;

    if (memchr(lines, '\0', size)) TB_FAIL(err, TB_SYNTAX, "a zero byte stands in the head of a part");
    for (size_t i = 0; i + 1 < size; i++)
        if (lines[i] == '\r' && lines[i + 1] == '\n') lines[i] = '\0';

    const char *disposition = find_header(lines, "Content-Disposition");
    const char *type = find_header(lines, "Content-Type");
    const char *encoding = find_header(lines, "Content-Transfer-Encoding");
    if (!disposition || !starts_with_nocase(disposition, "form-data"))
        TB_FAIL(err, TB_SYNTAX, "a part of the form has no \"Content-Disposition: form-data\" line");
    if (find_parameter(disposition, "name", text, sizeof text) != TB_OK)
        TB_FAIL(err, TB_SYNTAX, "a part of the form has no name: send the audio as the field \"file\"");
    if (type && starts_with_nocase(type, "multipart/"))
        TB_FAIL(err, TB_UNSUPPORTED, "a part of the form is a form itself: send each file as a part of its own");
    if (encoding && !starts_with_nocase(encoding, "binary") && !starts_with_nocase(encoding, "8bit") &&
        !starts_with_nocase(encoding, "7bit"))
        TB_FAIL(err, TB_UNSUPPORTED, "a part of the form is encoded: send the bytes of the file as they are");

    field = tb_utf8_clean(text, strlen(text));
    if (!field) TB_FAIL(err, TB_NO_MEMORY, "no memory for a field name");
    bool named = find_parameter(disposition, "filename*", file, sizeof file) == TB_OK && decode_extended(file);
    if (!named) named = find_parameter(disposition, "filename", file, sizeof file) == TB_OK;
    if (named && !(file_name = tb_utf8_clean(file, strlen(file))))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a file name");
    if (type && !(content_type = tb_utf8_clean(type, strlen(type))))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a content type");
    const tb_part_head head = {.field = field, .file_name = file_name, .content_type = content_type};
    TB_TRY(multipart->calls.begin(multipart->calls.context, &head, err));
    multipart->in_part = true;
out:
    tb_free(field);
    tb_free(file_name);
    tb_free(content_type);
    return status;
}

/* --- the states: each takes what it can from *at, moves *at, and may change the state ------------------------- */

static tb_status emit(tb_multipart *multipart, const char *bytes, size_t size, tb_error *err)
{
    if (!multipart->in_part || size == 0) return TB_OK;
    return multipart->calls.data(multipart->calls.context, bytes, size, err);
}

static tb_status take_data(tb_multipart *multipart, const char **at, const char *end, tb_error *err)
{
    tb_status status = TB_OK;
    if (multipart->matched == 0) {
        const char *cr = memchr(*at, '\r', (size_t)(end - *at));
        const char *stop = cr ? cr : end;
        TB_TRY(emit(multipart, *at, (size_t)(stop - *at), err));
        *at = stop;
    }
    while (*at < end && multipart->matched < multipart->delimiter_size &&
           **at == multipart->delimiter[multipart->matched]) {
        multipart->matched++;
        (*at)++;
    }
    if (multipart->matched == multipart->delimiter_size) {
        if (multipart->in_part) TB_TRY(multipart->calls.end(multipart->calls.context, err));
        multipart->in_part = false;
        multipart->matched = 0;
        multipart->n_tail = 0;
        multipart->state = STATE_BOUNDARY;
    } else if (*at < end && multipart->matched > 0) {
        const size_t n = multipart->matched;
        multipart->matched = 0;
        TB_TRY(emit(multipart, multipart->delimiter, n, err));
    }
out:
    return status;
}

static tb_status take_boundary(tb_multipart *multipart, const char **at, tb_error *err)
{
    tb_status status = TB_OK;
    const char c = *(*at)++;
    if (multipart->n_tail == 0 && (c == ' ' || c == '\t')) return TB_OK; /* padding by the transport */
    multipart->tail[multipart->n_tail++] = c;
    if (multipart->n_tail < 2) return TB_OK;
    if (memcmp(multipart->tail, "--", 2) == 0) {
        multipart->state = STATE_EPILOGUE;
    } else if (memcmp(multipart->tail, "\r\n", 2) == 0) {
        tb_buffer_clear(&multipart->head);
        tb_buffer_init(&multipart->head, MAX_HEAD_BYTES);
        multipart->state = STATE_HEAD;
    } else {
        TB_FAIL(err, TB_SYNTAX, "the form is broken behind one of its boundaries");
    }
out:
    return status;
}

static tb_status take_head(tb_multipart *multipart, const char **at, const char *end, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer *head = &multipart->head;
    while (*at < end) {
        status = tb_buffer_append(head, (*at)++, 1);
        if (status == TB_TOO_LARGE)
            TB_FAIL(err, TB_TOO_LARGE, "the head of a part of the form is longer than %d bytes", MAX_HEAD_BYTES);
        if (status != TB_OK) TB_FAIL(err, status, "no memory for the head of a part");
        const bool empty = head->size == 2 && memcmp(head->bytes, "\r\n", 2) == 0;
        if (!empty && (head->size < 4 || memcmp(head->bytes + head->size - 4, "\r\n\r\n", 4) != 0)) continue;
        TB_TRY(begin_part(multipart, err));
        multipart->state = STATE_DATA;
        multipart->matched = 0;
        break;
    }
out:
    return status;
}

/* --- interface ------------------------------------------------------------------------------------------------- */

tb_status tb_multipart_new(const char *content_type, const tb_multipart_calls *calls, tb_multipart **multipart,
                           tb_error *err)
{
    tb_status status = TB_OK;
    tb_multipart *made = NULL;
    char boundary[MAX_BOUNDARY_BYTES + 1];
    if (find_parameter(content_type, "boundary", boundary, sizeof boundary) != TB_OK || boundary[0] == '\0' ||
        strpbrk(boundary, "\r\n"))
        TB_FAIL(err, TB_SYNTAX,
                "the Content-Type says multipart without a boundary of 1 to %d characters: let your HTTP library write "
                "this header, or send the audio as the whole body with Content-Type: application/octet-stream",
                MAX_BOUNDARY_BYTES);
    made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory to read a form");
    made->calls = *calls;
    memcpy(made->delimiter, "\r\n--", 4);
    made->delimiter_size = 4 + strlen(boundary);
    memcpy(made->delimiter + 4, boundary, made->delimiter_size - 4);
    made->matched = 2; /* the line end that the start of the body stands for */
    tb_buffer_init(&made->head, MAX_HEAD_BYTES);
    *multipart = made;
out:
    return status;
}

void tb_multipart_free(tb_multipart *multipart)
{
    if (!multipart) return;
    tb_buffer_clear(&multipart->head);
    tb_free(multipart);
}

tb_status tb_multipart_write(tb_multipart *multipart, const char *bytes, size_t size, tb_error *err)
{
    tb_status status = TB_OK;
    const char *at = bytes, *const end = bytes + size;
    while (status == TB_OK && at < end) {
        switch (multipart->state) {
        case STATE_DATA: status = take_data(multipart, &at, end, err); break;
        case STATE_BOUNDARY: status = take_boundary(multipart, &at, err); break;
        case STATE_HEAD: status = take_head(multipart, &at, end, err); break;
        case STATE_EPILOGUE: at = end; break;
        }
    }
    return status;
}

tb_status tb_multipart_finish(tb_multipart *multipart, tb_error *err)
{
    if (multipart->state == STATE_EPILOGUE) return TB_OK;
    return tb_error_set(err, TB_SYNTAX, "the form ends before its closing boundary: it was cut on its way");
}
