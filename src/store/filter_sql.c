// SPDX-License-Identifier: MIT
/* A filter as SQL.  Field names become columns of the field table, everything that a person wrote becomes a
 * bound parameter: no text from outside is ever part of the SQL.
 *
 * Every condition is true, or false or NULL (the track has no such value); NOT is written "IS NOT TRUE", so
 * that NULL counts as false on both sides. */
#include "store/filter_internal.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* --- SQL text with parameters ------------------------------------------------------------------------- */

void tb__sql_init(tb__sql *sql)
{
    *sql = (tb__sql){.values = NULL};
    tb_buffer_init(&sql->text, 1024 * 1024);
}

void tb__sql_clear(tb__sql *sql)
{
    tb_buffer_clear(&sql->text);
    tb_free(sql->values);
    *sql = (tb__sql){.values = NULL};
}

tb_status tb__sql_add(tb__sql *sql, const char *text, tb_error *err)
{
    const tb_status status = tb_buffer_append_text(&sql->text, text);
    return status == TB_OK ? TB_OK : tb_error_set(err, status, "no memory for a query");
}

static tb_status add_value(tb__sql *sql, const char *text, double number, tb_error *err)
{
    if (sql->n_values == sql->capacity) {
        const size_t capacity = sql->capacity ? 2 * sql->capacity : 16;
        struct tb__sql_value *values = tb_realloc(sql->values, capacity, sizeof *values);
        if (!values) return tb_error_set(err, TB_NO_MEMORY, "no memory for a query");
        sql->values = values;
        sql->capacity = capacity;
    }
    sql->values[sql->n_values++] = (struct tb__sql_value){text, number};
    return tb__sql_add(sql, "?", err);
}

tb_status tb__sql_add_text(tb__sql *sql, const char *value, tb_error *err)
{
    assert(value);
    return add_value(sql, value, 0, err);
}

tb_status tb__sql_add_number(tb__sql *sql, double value, tb_error *err)
{
    return add_value(sql, NULL, value, err);
}

tb_status tb__sql_open(tb__query *q, tb__conn *conn, const tb__sql *sql, tb_error *err)
{
    const tb_status status = tb__query_open_once(q, conn, sql->text.bytes, err);
    if (status != TB_OK) return status;
    for (size_t i = 0; i < sql->n_values; i++) {
        const double number = sql->values[i].number;
        if (sql->values[i].text)
            tb__query_text(q, (int)i + 1, sql->values[i].text);
        else if (number == floor(number) && fabs(number) < 0x1p53)
            tb__query_int(q, (int)i + 1, (int64_t)number); /* integer columns then compare as integers */
        else
            tb__query_double(q, (int)i + 1, number);
    }
    return TB_OK;
}

/* --- conditions --------------------------------------------------------------------------------------- */

/* `column IN (?, ?) OR column LIKE ? …` over the text values */
static tb_status add_text_match(tb__sql *sql, const char *column, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n = 0;
    for (size_t i = 0; i < c->n_values; i++) {
        if (c->values[i].pattern) continue;
        TB_TRY(tb__sql_add(sql, n == 0 ? column : ", ", err));
        if (n++ == 0) TB_TRY(tb__sql_add(sql, " IN (", err));
        TB_TRY(tb__sql_add_text(sql, c->values[i].text, err));
    }
    if (n > 0) TB_TRY(tb__sql_add(sql, ")", err));
    for (size_t i = 0; i < c->n_values; i++) {
        if (!c->values[i].pattern) continue;
        if (n++ > 0) TB_TRY(tb__sql_add(sql, " OR ", err));
        TB_TRY(tb__sql_add(sql, column, err));
        TB_TRY(tb__sql_add(sql, " LIKE ", err));
        TB_TRY(tb__sql_add_text(sql, c->values[i].text, err));
        TB_TRY(tb__sql_add(sql, " ESCAPE '\\'", err));
    }
out:
    return status;
}

/* A list is compared as a whole first, which is quick and enough for the many that have one value. */
static tb_status add_list_match(tb__sql *sql, const tb_condition *c, tb_error *err)
{
    static const char whole[] = "('; ' || t.genre || '; ')";
    tb_status status = TB_OK;
    assert(strcmp(c->field->sql, "t.genre") == 0);
    for (size_t i = 0; i < c->n_values; i++)
        if (!c->values[i].plain) return add_text_match(sql, whole, c, err);
    TB_TRY(tb__sql_add(sql, "t.genre IN (", err));
    for (size_t i = 0; i < c->n_values; i++) {
        if (i > 0) TB_TRY(tb__sql_add(sql, ", ", err));
        TB_TRY(tb__sql_add_text(sql, c->values[i].plain, err));
    }
    TB_TRY(tb__sql_add(sql, ") OR (instr(t.genre, ';') > 0 AND (", err));
    TB_TRY(add_text_match(sql, whole, c, err));
    TB_TRY(tb__sql_add(sql, "))", err));
out:
    return status;
}

static tb_status add_number_match(tb__sql *sql, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__sql_add(sql, c->field->sql, err));
    for (size_t i = 0; i < c->n_values; i++) {
        TB_TRY(tb__sql_add(sql, i == 0 ? " IN (" : ", ", err));
        TB_TRY(tb__sql_add_number(sql, c->values[i].number, err));
    }
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

static tb_status add_date_match(tb__sql *sql, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < c->n_values; i++) {
        TB_TRY(tb__sql_add(sql, i == 0 ? "(" : " OR (", err));
        TB_TRY(tb__sql_add(sql, c->field->sql, err));
        TB_TRY(tb__sql_add(sql, " >= ", err));
        TB_TRY(tb__sql_add_number(sql, c->values[i].number, err));
        TB_TRY(tb__sql_add(sql, " AND ", err));
        TB_TRY(tb__sql_add(sql, c->field->sql, err));
        TB_TRY(tb__sql_add(sql, " < ", err));
        TB_TRY(tb__sql_add_number(sql, c->values[i].number_end, err));
        TB_TRY(tb__sql_add(sql, ")", err));
    }
out:
    return status;
}

static const char *feature_column(const tb_fields *fields, const char *name)
{
    for (size_t i = fields->first_feature; i < fields->n_fields; i++)
        if (strcmp(fields->fields[i].name, name) == 0) return fields->fields[i].sql;
    return "NULL";
}

static tb_status add_key_match(tb__sql *sql, const tb_fields *fields, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    for (size_t i = 0; i < c->n_values; i++) {
        TB_TRY(tb__sql_add(sql, i == 0 ? "(" : " OR (", err));
        TB_TRY(tb__sql_add(sql, feature_column(fields, "key"), err));
        TB_TRY(tb__sql_add(sql, " = ", err));
        TB_TRY(tb__sql_add_number(sql, c->values[i].number, err));
        if (c->values[i].mode >= 0) {
            TB_TRY(tb__sql_add(sql, " AND ", err));
            TB_TRY(tb__sql_add(sql, feature_column(fields, "mode"), err));
            TB_TRY(tb__sql_add(sql, " = ", err));
            TB_TRY(tb__sql_add_number(sql, c->values[i].mode, err));
        }
        TB_TRY(tb__sql_add(sql, ")", err));
    }
out:
    return status;
}

/* The elements of a payload's list, or its one value; "value" and "type" are columns of json_each. */
static tb_status add_payload_match(tb__sql *sql, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__sql_add(sql, "EXISTS (SELECT 1 FROM json_each(t.payload, ", err));
    TB_TRY(tb__sql_add_text(sql, c->rest, err));
    TB_TRY(tb__sql_add(sql, ") WHERE ", err));
    for (size_t i = 0; i < c->n_values; i++) {
        const tb_condition_value *value = &c->values[i];
        const bool is_bool = strcmp(value->text, "true") == 0 || strcmp(value->text, "false") == 0;
        if (i > 0) TB_TRY(tb__sql_add(sql, " OR ", err));
        TB_TRY(tb__sql_add(sql, value->pattern ? "value LIKE " : "value = ", err));
        TB_TRY(tb__sql_add_text(sql, value->text, err));
        TB_TRY(tb__sql_add(sql, value->pattern ? " ESCAPE '\\'" : " COLLATE NOCASE", err));
        if (value->has_number) {
            TB_TRY(tb__sql_add(sql, " OR (type IN ('integer', 'real') AND value = ", err));
            TB_TRY(tb__sql_add_number(sql, value->number, err));
            TB_TRY(tb__sql_add(sql, ")", err));
        }
        if (is_bool) {
            TB_TRY(tb__sql_add(sql, " OR type = ", err));
            TB_TRY(tb__sql_add_text(sql, value->text, err));
        }
    }
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

/* `id IN (SELECT …` of a table beside the tracks, up to where values are compared with *column */
static tb_status add_subquery(tb__sql *sql, const char *id, const tb_condition *c, const char **column,
                              tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__sql_add(sql, id, err));
    switch (c->field->source) {
    case TB_FROM_LIBRARIES:
        TB_TRY(tb__sql_add(
            sql,
            " IN (SELECT x.track_id FROM files AS x JOIN libraries AS y ON y.id = x.library_id WHERE "
            "x.track_id IS NOT NULL",
            err));
        *column = "y.name";
        break;
    case TB_FROM_FILES:
        TB_TRY(tb__sql_add(sql, " IN (SELECT x.track_id FROM files AS x WHERE x.track_id IS NOT NULL",
               err));
        *column = "CAST(x.path AS TEXT)";
        break;
    case TB_FROM_EXTERNAL_IDS:
        TB_TRY(tb__sql_add(sql, " IN (SELECT x.track_id FROM external_ids AS x WHERE x.scheme = ", err));
        TB_TRY(tb__sql_add_text(sql, c->rest, err));
        *column = "x.value";
        break;
    case TB_FROM_TRACKS:
    case TB_FROM_FEATURES:
    case TB_FROM_PAYLOAD:
    case TB_FROM_KEY:
        TB_FAIL(err, TB_INTERNAL, "the field %s has no table of its own", c->field->name);
    }
out:
    return status;
}

static tb_status add_part_of_match(tb__sql *sql, const char *id, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    const char *column = NULL;
    TB_TRY(add_subquery(sql, id, c, &column, err));
    TB_TRY(tb__sql_add(sql, " AND (", err));
    TB_TRY(add_text_match(sql, column, c, err));
    TB_TRY(tb__sql_add(sql, "))", err));
out:
    return status;
}

static tb_status add_match(tb__sql *sql, const tb_fields *fields, const char *id, const tb_condition *c,
                           tb_error *err)
{
    switch (c->field->type) {
    case TB_FIELD_TEXT:
        return add_text_match(sql, c->field->sql, c, err);
    case TB_FIELD_LIST:
        return add_list_match(sql, c, err);
    case TB_FIELD_NUMBER:
        return add_number_match(sql, c, err);
    case TB_FIELD_DATE:
        return add_date_match(sql, c, err);
    case TB_FIELD_KEY:
        return add_key_match(sql, fields, c, err);
    case TB_FIELD_PART_OF:
        return add_part_of_match(sql, id, c, err);
    case TB_FIELD_PAYLOAD:
        return add_payload_match(sql, c, err);
    }
    return tb_error_set(err, TB_INTERNAL, "a field of no type");
}

static tb_status add_end(tb__sql *sql, const char *column, const tb_condition_end *end, bool is_low,
                         tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__sql_add(sql, column, err));
    TB_TRY(tb__sql_add(sql, is_low ? (end->inclusive ? " >= " : " > ") : (end->inclusive ? " <= " : " < "),
                       err));
    if (end->value.text)
        TB_TRY(tb__sql_add_text(sql, end->value.text, err));
    else
        TB_TRY(tb__sql_add_number(sql, end->value.number, err));
out:
    return status;
}

static tb_status add_range(tb__sql *sql, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    const bool in_payload = c->field->type == TB_FIELD_PAYLOAD;
    const char *column = in_payload ? "value" : c->field->sql;
    if (in_payload) {
        TB_TRY(tb__sql_add(sql, "EXISTS (SELECT 1 FROM json_each(t.payload, ", err));
        TB_TRY(tb__sql_add_text(sql, c->rest, err));
        TB_TRY(tb__sql_add(sql, ") WHERE type IN ('integer', 'real') AND ", err));
    }
    if (c->low.given) TB_TRY(add_end(sql, column, &c->low, true, err));
    if (c->low.given && c->high.given) TB_TRY(tb__sql_add(sql, " AND ", err));
    if (c->high.given) TB_TRY(add_end(sql, column, &c->high, false, err));
    if (in_payload) TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

static tb_status add_empty(tb__sql *sql, const char *id, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    const char *column = NULL;
    if (c->field->type == TB_FIELD_PART_OF) {
        TB_TRY(tb__sql_add(sql, "NOT (", err));
        TB_TRY(add_subquery(sql, id, c, &column, err));
        TB_TRY(tb__sql_add(sql, "))", err));
    } else if (c->field->type == TB_FIELD_PAYLOAD) {
        TB_TRY(tb__sql_add(sql, "NOT EXISTS (SELECT 1 FROM json_each(t.payload, ", err));
        TB_TRY(tb__sql_add_text(sql, c->rest, err));
        TB_TRY(tb__sql_add(sql, ") WHERE type <> 'null')", err));
    } else {
        TB_TRY(tb__sql_add(sql, c->field->sql, err));
        TB_TRY(tb__sql_add(sql, " IS NULL", err));
    }
out:
    return status;
}

static tb_status add_words(tb__sql *sql, const char *id, const tb_condition *c, tb_error *err)
{
    tb_status status = TB_OK;
    if (!c->words) return tb__sql_add(sql, "0", err);
    TB_TRY(tb__sql_add(sql, id, err));
    TB_TRY(tb__sql_add(sql, " IN (SELECT rowid FROM tracks_fts WHERE tracks_fts MATCH ", err));
    TB_TRY(tb__sql_add_text(sql, c->words, err));
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

static tb_status add_condition(tb__sql *sql, const tb_filter *filter, const char *id, const tb_condition *c,
                               tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__sql_add(sql, "(", err));
    switch (c->kind) {
    case TB_CONDITION_MATCH:
        TB_TRY(add_match(sql, filter->fields, id, c, err));
        break;
    case TB_CONDITION_RANGE:
        TB_TRY(add_range(sql, c, err));
        break;
    case TB_CONDITION_EMPTY:
        TB_TRY(add_empty(sql, id, c, err));
        break;
    case TB_CONDITION_WORDS:
        TB_TRY(add_words(sql, id, c, err));
        break;
    case TB_CONDITION_GROUP:
        TB_TRY(tb__filter_where(c->group, id, sql, err));
        break;
    }
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

/* --- the whole ---------------------------------------------------------------------------------------- */

static tb_status add_should(tb__sql *sql, const tb_filter *filter, const char *id, tb_error *err)
{
    const tb_clause *should = &filter->clauses[TB_FILTER_SHOULD];
    tb_status status = TB_OK;
    const bool counted = filter->min_should > 1;
    TB_TRY(tb__sql_add(sql, "(", err));
    for (size_t i = 0; i < should->n; i++) {
        if (i > 0) TB_TRY(tb__sql_add(sql, counted ? " + " : " OR ", err));
        if (counted) TB_TRY(tb__sql_add(sql, "(", err));
        TB_TRY(add_condition(sql, filter, id, &should->conditions[i], err));
        if (counted) TB_TRY(tb__sql_add(sql, " IS TRUE)", err));
    }
    if (counted) {
        TB_TRY(tb__sql_add(sql, " >= ", err));
        TB_TRY(tb__sql_add_number(sql, (double)filter->min_should, err));
    }
    TB_TRY(tb__sql_add(sql, ")", err));
out:
    return status;
}

tb_status tb__filter_where(const tb_filter *filter, const char *id, tb__sql *sql, tb_error *err)
{
    tb_status status = TB_OK;
    size_t n = 0;
    if (!filter) return tb__sql_add(sql, "1", err);
    for (int c = TB_FILTER_MUST; c <= TB_FILTER_MUST_NOT; c++) {
        const tb_clause *clause = &filter->clauses[c];
        if (c == TB_FILTER_SHOULD) {
            if (clause->n == 0 || filter->min_should == 0) continue;
            if (n++ > 0) TB_TRY(tb__sql_add(sql, " AND ", err));
            TB_TRY(add_should(sql, filter, id, err));
            continue;
        }
        for (size_t i = 0; i < clause->n; i++) {
            if (n++ > 0) TB_TRY(tb__sql_add(sql, " AND ", err));
            TB_TRY(add_condition(sql, filter, id, &clause->conditions[i], err));
            if (c == TB_FILTER_MUST_NOT) TB_TRY(tb__sql_add(sql, " IS NOT TRUE", err));
        }
    }
    if (n == 0) TB_TRY(tb__sql_add(sql, "1", err));
out:
    return status;
}

unsigned tb__filter_needs(const tb_filter *filter, unsigned also)
{
    unsigned needs = also;
    if (!filter) return needs;
    for (size_t c = 0; c < 3; c++)
        for (size_t i = 0; i < filter->clauses[c].n; i++) {
            const tb_condition *condition = &filter->clauses[c].conditions[i];
            if (condition->group) needs = tb__filter_needs(condition->group, needs);
            if (!condition->field) continue;
            const tb_field_source source = condition->field->source;
            if (source == TB_FROM_TRACKS || source == TB_FROM_PAYLOAD) needs |= TB__NEEDS_TRACKS;
            if (source == TB_FROM_FEATURES || source == TB_FROM_KEY) needs |= TB__NEEDS_FEATURES;
        }
    return needs;
}

const char *tb__from_sql(unsigned needs)
{
    if (needs == TB__NEEDS_FEATURES) return " FROM features AS f";
    return needs & TB__NEEDS_FEATURES ? " FROM tracks AS t JOIN features AS f ON f.track_id = t.id"
                                      : " FROM tracks AS t";
}

const char *tb__id_sql(unsigned needs)
{
    return needs == TB__NEEDS_FEATURES ? "f.track_id" : "t.id";
}
