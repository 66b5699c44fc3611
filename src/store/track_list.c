// SPDX-License-Identifier: MIT
/* Lists, counts and sets of tracks under a filter.
 *
 * Pages continue from the last row that was shown (its sort value and number), not from an offset, so that
 * the table may change between pages and the cost of a page does not grow.  Tracks without a sort value
 * come last, in the order of their numbers: such a list has two phases, each with a query of its own.
 *
 * A cursor is hexadecimal for "SORT\nPHASE ID\nVALUE": it says which order it belongs to. */
#include "store/filter_internal.h"
#include "store/track_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SORT_BYTES = 100, MAX_CURSOR_BYTES = 4 * TB_STORE_COMMENT_MAX };

typedef enum list_phase { WITH_VALUE = 'v', WITHOUT_VALUE = 'n', BY_OFFSET = 'o' } list_phase;

typedef struct list_order {
    char name[MAX_SORT_BYTES + 1]; /* as asked for, "" for none */
    const tb_field *field;         /* NULL: by number or relevance */
    bool descending, by_relevance;
} list_order;

typedef struct list_cursor {
    list_phase phase;
    int64_t id;       /* of the last row, or an offset */
    bool has_value, is_text;
    double number;
    char *text; /* owned */
} list_cursor;

/* --- order and cursor --------------------------------------------------------------------------------- */

static tb_status read_order(const tb_store *store, const char *sort, bool has_words, list_order *order,
                            tb_error *err)
{
    const char *rest = NULL;
    if (!sort || !*sort) return TB_OK;
    if (!tb_text_copy(order->name, sizeof order->name, sort))
        return tb_error_set(err, TB_NOT_FOUND, "there is no such field to sort by");
    if (strcmp(sort, "relevance") == 0 || strcmp(sort, "-relevance") == 0) {
        if (!has_words)
            return tb_error_set(err, TB_INVALID, "sorting by relevance needs words to search for");
        order->by_relevance = true;
        return TB_OK;
    }
    order->descending = *sort == '-';
    const tb_status status = tb__fields_find(store->fields, sort + order->descending, &order->field, &rest,
                                             err);
    if (status == TB_OK && !order->field->sortable)
        return tb_error_set(err, TB_INVALID, "%s cannot be sorted by", order->field->name);
    return status;
}

static char *write_cursor(const list_order *order, list_phase phase, int64_t id, const char *text,
                          double number)
{
    char value[40] = "";
    char *hex = NULL;
    tb_buffer plain;
    tb_buffer_init(&plain, MAX_CURSOR_BYTES);
    if (!text && phase == WITH_VALUE) tb_format_double(number, value); /* reads back as the same number */
    if (tb_buffer_printf(&plain, "%s\n%c%c%" PRId64 "\n%s", order->name, (char)phase, text ? 't' : 'd', id,
                         text ? text : value) == TB_OK)
        hex = tb_alloc(plain.size + 1, 2);
    if (hex) tb_hex_encode((const uint8_t *)plain.bytes, plain.size, hex);
    tb_buffer_clear(&plain);
    return hex;
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static tb_status read_cursor(const char *text, const list_order *order, list_cursor *cursor, tb_error *err)
{
    tb_status status = TB_OK;
    const size_t size = strlen(text);
    char *plain = size % 2 == 0 && size / 2 < MAX_CURSOR_BYTES ? tb_alloc(size / 2 + 1, 1) : NULL;
    if (!plain) goto wrong;
    for (size_t i = 0; i < size / 2; i++) {
        const int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0 || (high == 0 && low == 0)) goto wrong;
        plain[i] = (char)(high * 16 + low);
    }
    char *kind = strchr(plain, '\n');
    if (!kind) goto wrong;
    *kind++ = 0;
    char *value = strchr(kind, '\n');
    if (strcmp(plain, order->name) != 0)
        TB_FAIL(err, TB_INVALID, "the cursor belongs to a list in another order; begin again without it");
    if (!value || value - kind < 3 || !strchr("vno", kind[0]) || !strchr("td", kind[1])) goto wrong;
    *value++ = 0;
    if (tb_parse_int(kind + 2, 0, INT64_MAX, &cursor->id) != TB_OK || !tb_utf8_valid(value, strlen(value)))
        goto wrong;
    cursor->phase = (list_phase)kind[0];
    cursor->is_text = kind[1] == 't';
    if ((cursor->phase == BY_OFFSET) != order->by_relevance || (cursor->phase == WITH_VALUE && !order->field))
        goto wrong;
    if (cursor->phase == WITH_VALUE && !cursor->is_text && tb_parse_double(value, &cursor->number) != TB_OK)
        goto wrong;
    if (cursor->is_text && !(cursor->text = tb_strdup(value)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a cursor");
    cursor->has_value = true;
out:
    tb_free(plain);
    return status;
wrong:
    tb_free(plain);
    return tb_error_set(err, TB_INVALID, "the cursor is not one that a list gave; begin again without it");
}

/* --- one page ----------------------------------------------------------------------------------------- */

typedef struct list_page {
    tb_track_row *tracks;
    size_t n, limit;
    char *next;
} list_page;

typedef struct list_query {
    const tb_track_page_options *options;
    const char *words; /* FTS5 expression, or NULL */
    list_order order;
} list_query;

static tb_status add_words_condition(tb__sql *sql, const char *id, const char *words, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__sql_add(sql, " AND ", err));
    TB_TRY(tb__sql_add(sql, id, err));
    TB_TRY(tb__sql_add(sql, " IN (SELECT rowid FROM tracks_fts WHERE tracks_fts MATCH ", err));
    TB_TRY(tb__sql_add_text(sql, words, err));
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

/* After the last row of the page before; only in the phases of a sorted list. */
static tb_status add_start(tb__sql *sql, const list_order *order, list_phase phase, const list_cursor *from,
                           tb_error *err)
{
    tb_status status = TB_OK;
    if (order->field) {
        TB_TRY(tb__sql_add(sql, " AND ", err));
        TB_TRY(tb__sql_add(sql, order->field->sql, err));
        TB_TRY(tb__sql_add(sql, phase == WITH_VALUE ? " IS NOT NULL" : " IS NULL", err));
    }
    if (!from->has_value || from->phase != phase) goto out;
    TB_TRY(tb__sql_add(sql, " AND ", err));
    if (phase == WITHOUT_VALUE) {
        TB_TRY(tb__sql_add(sql, "t.id > ", err));
        TB_TRY(tb__sql_add_number(sql, (double)from->id, err));
        goto out;
    }
    TB_TRY(tb__sql_add(sql, "(", err));
    TB_TRY(tb__sql_add(sql, order->field->sql, err));
    TB_TRY(tb__sql_add(sql, order->descending ? ", t.id) < (" : ", t.id) > (", err));
    if (from->is_text)
        TB_TRY(tb__sql_add_text(sql, from->text, err));
    else
        TB_TRY(tb__sql_add_number(sql, from->number, err));
    TB_TRY(tb__sql_add(sql, ", ", err));
    TB_TRY(tb__sql_add_number(sql, (double)from->id, err));
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

static tb_status add_order(tb__sql *sql, const list_order *order, list_phase phase, tb_error *err)
{
    tb_status status = TB_OK;
    const char *direction = order->descending ? " DESC" : "";
    if (phase == WITHOUT_VALUE) return tb__sql_add(sql, " ORDER BY t.id", err);
    TB_TRY(tb__sql_add(sql, " ORDER BY ", err));
    TB_TRY(tb__sql_add(sql, order->field->sql, err));
    TB_TRY(tb__sql_add(sql, direction, err));
    TB_TRY(tb__sql_add(sql, ", t.id", err));
    TB_TRY(tb__sql_add(sql, direction, err));
out:
    return status;
}

/* SELECT of the rows of a phase behind the cursor, one more than fit: it tells whether there is a next
 * page. */
static tb_status build_page_sql(const list_query *list, list_phase phase, const list_cursor *from,
                                size_t n_rows, tb__sql *sql, tb_error *err)
{
    tb_status status = TB_OK;
    const list_order *order = &list->order;
    const bool by_feature = order->field && order->field->source == TB_FROM_FEATURES;
    const unsigned needs = tb__filter_needs(list->options->filter,
                                            TB__NEEDS_TRACKS | (by_feature ? TB__NEEDS_FEATURES : 0));
    const char *id = tb__id_sql(needs);
    TB_TRY(tb__sql_add(sql, "SELECT " TB__TRACK_COLUMNS ", ", err));
    TB_TRY(tb__sql_add(sql, order->field ? order->field->sql : "NULL", err));
    TB_TRY(tb__sql_add(sql, tb__from_sql(needs), err));
    if (phase == BY_OFFSET) TB_TRY(tb__sql_add(sql, " JOIN tracks_fts ON tracks_fts.rowid = t.id", err));
    TB_TRY(tb__sql_add(sql, " WHERE ", err));
    TB_TRY(tb__filter_where(list->options->filter, id, sql, err));
    if (phase == BY_OFFSET) {
        TB_TRY(tb__sql_add(sql, " AND tracks_fts MATCH ", err));
        TB_TRY(tb__sql_add_text(sql, list->words, err));
        TB_TRY(tb__sql_add(sql, " ORDER BY bm25(tracks_fts, 10, 5, 3, 3, 2, 2, 1), t.id", err));
    } else {
        if (list->words) TB_TRY(add_words_condition(sql, id, list->words, err));
        TB_TRY(add_start(sql, order, phase, from, err));
        TB_TRY(add_order(sql, order, phase, err));
    }
    TB_TRY(tb__sql_add(sql, " LIMIT ", err));
    TB_TRY(tb__sql_add_number(sql, (double)n_rows, err));
    if (phase == BY_OFFSET && from->has_value) {
        TB_TRY(tb__sql_add(sql, " OFFSET ", err));
        TB_TRY(tb__sql_add_number(sql, (double)from->id, err));
    }
out:
    return status;
}

/* The cursor behind the last row of the page. */
static tb_status set_next(list_page *page, const list_order *order, list_phase phase,
                          const list_cursor *from,
                          const tb__query *last, tb_error *err)
{
    const tb_track_row *track = &page->tracks[page->n - 1];
    if (phase == BY_OFFSET) {
        page->next = write_cursor(order, phase, (from->has_value ? from->id : 0) + (int64_t)page->n, NULL,
                                  0);
    } else if (phase == WITHOUT_VALUE) {
        page->next = write_cursor(order, phase, track->id, NULL, 0);
    } else {
        const bool is_text = sqlite3_column_type(last->statement, TB__N_TRACK_COLUMNS) == SQLITE_TEXT;
        const char *text = is_text ? (const char *)sqlite3_column_text(last->statement, TB__N_TRACK_COLUMNS)
                                   : NULL;
        page->next = write_cursor(order, phase, track->id, text,
                                  tb__column_double(last, TB__N_TRACK_COLUMNS));
    }
    return page->next ? TB_OK : tb_error_set(err, TB_NO_MEMORY, "no memory for a cursor");
}

/* Adds rows of a phase to the page.  When it is full and more rows follow, the next cursor is set. */
static tb_status read_phase(tb__conn *conn, const list_query *list, list_phase phase,
                            const list_cursor *from,
                            list_page *page, tb_error *err)
{
    tb_status status = TB_OK;
    tb__query q = {0};
    tb__sql sql;
    bool row = true;
    tb__sql_init(&sql);
    TB_TRY(build_page_sql(list, phase, from, page->limit - page->n + 1, &sql, err));
    TB_TRY(tb__sql_open(&q, conn, &sql, err));
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        if (page->n == page->limit) break;
        TB_TRY(tb__track_from_row(conn, &q, list->options->with, &page->tracks[page->n++], err));
        if (page->n == page->limit) TB_TRY(set_next(page, &list->order, phase, from, &q, err));
    }
    if (!row) { /* nothing follows in this phase */
        tb_free(page->next);
        page->next = NULL;
    }
out:
    tb__query_close(&q);
    tb__sql_clear(&sql);
    return status;
}

/* Whether a phase has any row; used when the page is full just at the end of the phase before. */
static tb_status has_rows(tb__conn *conn, const list_query *list, list_phase phase, bool *found,
                          tb_error *err)
{
    static const list_cursor from_start = {.phase = WITH_VALUE};
    tb_status status = TB_OK;
    tb__query q = {0};
    tb__sql sql;
    tb__sql_init(&sql);
    TB_TRY(build_page_sql(list, phase, &from_start, 1, &sql, err));
    TB_TRY(tb__sql_open(&q, conn, &sql, err));
    TB_TRY(tb__query_next(&q, found, err));
out:
    tb__query_close(&q);
    tb__sql_clear(&sql);
    return status;
}

static tb_status read_page(tb__conn *conn, const list_query *list, const list_cursor *from, list_page *page,
                           tb_error *err)
{
    tb_status status = TB_OK;
    bool more = false;
    if (list->order.by_relevance) return read_phase(conn, list, BY_OFFSET, from, page, err);
    if (!list->order.field) return read_phase(conn, list, WITHOUT_VALUE, from, page, err);
    if (!from->has_value || from->phase == WITH_VALUE)
        TB_TRY(read_phase(conn, list, WITH_VALUE, from, page, err));
    if (page->next) goto out;
    if (page->n < page->limit) {
        TB_TRY(read_phase(conn, list, WITHOUT_VALUE, from, page, err));
        goto out;
    }
    TB_TRY(has_rows(conn, list, WITHOUT_VALUE, &more, err));
    if (more && !(page->next = write_cursor(&list->order, WITHOUT_VALUE, 0, NULL, 0)))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for a cursor");
out:
    return status;
}

void tb_track_page_clear(tb_track_page *list)
{
    tb_track_rows_free(list->tracks, list->n);
    tb_free(list->next_cursor);
    *list = (tb_track_page){0};
}

static bool is_blank_text(const char *text)
{
    return !text || !text[strspn(text, " \t\n\v\f\r")];
}

tb_status tb_store_list_tracks(tb_store *store, const tb_track_page_options *options, tb_track_page *list,
                               tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    list_page page = {.limit = options->limit};
    list_cursor from = {.phase = WITH_VALUE};
    list_query query = {.options = options};
    char *words = NULL;
    if (options->limit < 1 || options->limit > TB_STORE_LIST_MAX)
        TB_FAIL(err, TB_INVALID, "limit is %zu; it must be between 1 and %d", options->limit,
                TB_STORE_LIST_MAX);
    if (!is_blank_text(options->words)) TB_TRY(tb__words_expression(NULL, options->words, &words, err));
    query.words = words;
    TB_TRY(read_order(store, options->sort, words != NULL, &query.order, err));
    if (options->cursor) TB_TRY(read_cursor(options->cursor, &query.order, &from, err));
    page.tracks = tb_alloc(options->limit, sizeof *page.tracks);
    if (!page.tracks) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu tracks", options->limit);
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(read_page(conn, &query, &from, &page, err));
    *list = (tb_track_page){.tracks = page.tracks, .n = page.n, .next_cursor = page.next};
    page.tracks = NULL;
    page.next = NULL;
out:
    tb__read_end(store, conn);
    tb_track_rows_free(page.tracks, page.tracks ? page.limit : 0);
    tb_free(page.next);
    tb_free(from.text);
    tb_free(words);
    return status;
}

/* --- counts and sets ---------------------------------------------------------------------------------- */

tb_status tb_store_count_tracks(tb_store *store, const tb_filter *filter, const char *words, int64_t *n,
                                tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb__sql sql;
    bool row = false;
    char *expression = NULL;
    const unsigned needs = tb__filter_needs(filter, 0);
    const char *id = tb__id_sql(needs);
    tb__sql_init(&sql);
    if (!is_blank_text(words)) TB_TRY(tb__words_expression(NULL, words, &expression, err));
    TB_TRY(tb__sql_add(&sql, "SELECT count(*)", err));
    TB_TRY(tb__sql_add(&sql, tb__from_sql(needs), err));
    TB_TRY(tb__sql_add(&sql, " WHERE ", err));
    TB_TRY(tb__filter_where(filter, id, &sql, err));
    if (expression) TB_TRY(add_words_condition(&sql, id, expression, err));
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__sql_open(&q, conn, &sql, err));
    TB_TRY(tb__query_next(&q, &row, err));
    *n = row ? tb__column_int(&q, 0) : 0;
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb__sql_clear(&sql);
    tb_free(expression);
    return status;
}

static int compare_ids(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

tb_status tb_store_filter_ids(tb_store *store, const tb_filter *filter, int64_t **ids, size_t *n,
                              tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    tb__sql sql;
    tb__ids found = {0};
    bool row = true,
         sorted = true; /* sorted here if need be, so that SQLite may go by whatever index is best */
    const unsigned needs = tb__filter_needs(filter, 0);
    const char *id = tb__id_sql(needs);
    tb__sql_init(&sql);
    TB_TRY(tb__sql_add(&sql, "SELECT ", err));
    TB_TRY(tb__sql_add(&sql, id, err));
    TB_TRY(tb__sql_add(&sql, tb__from_sql(needs), err));
    TB_TRY(tb__sql_add(&sql, " WHERE ", err));
    TB_TRY(tb__filter_where(filter, id, &sql, err));
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__sql_open(&q, conn, &sql, err));
    for (;;) {
        TB_TRY(tb__query_next(&q, &row, err));
        if (!row) break;
        const int64_t value = tb__column_int(&q, 0);
        if (found.n > 0 && value < found.values[found.n - 1]) sorted = false;
        TB_TRY(tb__ids_add(&found, value, err));
    }
    if (!sorted) qsort(found.values, found.n, sizeof *found.values, compare_ids);
    *ids = found.values;
    *n = found.n;
    found = (tb__ids){0};
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    tb__sql_clear(&sql);
    tb_free(found.values);
    return status;
}
