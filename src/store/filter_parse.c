// SPDX-License-Identifier: MIT
/* The short form of filters, by recursive descent.  The grammar (filter.h shows examples):
 *
 *     any    = all { "OR" all }
 *     all    = one { ["AND"] one }
 *     one    = ("-" | "NOT ") one | "(" any ")" | "has:" NAME | NAME ":" test | NAME "~" value | value
 *     test   = ("[" | "{") value "TO" value ("]" | "}") | (">=" | ">" | "<=" | "<" | "=") value
 *            | "(" value { "OR" value } ")" | value { "," value }
 *     value  = a text in quotes, or up to a blank or one of the signs that end it
 *
 * Nesting is bounded: each "(" is a group of the filter, whose depth has a limit, and each "-" or "NOT" is
 * a loop. */
#include "store/filter_internal.h"

#include "base/text.h"

#include <string.h>

typedef struct parser {
    const tb_fields *fields;
    const char *text;
    const char *at;    /* next byte */
    const char *start; /* of what an error is about */
    size_t depth;      /* of open "(" */
    tb_buffer value;   /* of the last value */
    bool quoted;       /* it stood in quotes */
    tb_error *err;
} parser;

/* --- errors ------------------------------------------------------------------------------------------- */

/* Characters from 1 on, as a person counts. */
static size_t position_of(const parser *p, const char *at)
{
    size_t n = 1;
    for (const char *c = p->text; c < at; c++)
        if (((unsigned char)*c & 0xc0) != 0x80) n++;
    return n;
}

static tb_status expected(const parser *p, const char *what)
{
    char found[24];
    const size_t n = strcspn(p->at, " \t\r\n");
    tb_text_copy(found, n < sizeof found ? n + 1 : sizeof found, p->at);
    return tb_error_set(p->err, TB_SYNTAX, "filter, at character %zu: expected %s, found %s%s%s",
                        position_of(p, p->at), what, *found ? "\"" : "", *found ? found : "the end",
                        *found ? "\"" : "");
}

/* A builder's error gets the position of what it was about. */
static tb_status located(const parser *p, tb_status status)
{
    if (status != TB_OK) tb_error_prefix(p->err, "filter, at character %zu", position_of(p, p->start));
    return status;
}

/* --- tokens ------------------------------------------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(parser *p)
{
    while (is_blank(*p->at)) p->at++;
}

/* The word stands here by itself (before a blank, a parenthesis or the end). */
static bool sees_word(const parser *p, const char *word)
{
    const size_t n = strlen(word);
    return strncmp(p->at, word, n) == 0 &&
           (!p->at[n] || is_blank(p->at[n]) || p->at[n] == '(' || p->at[n] == ')');
}

static bool take_word(parser *p, const char *word)
{
    if (!sees_word(p, word)) return false;
    p->at += strlen(word);
    return true;
}

static bool take_char(parser *p, char c)
{
    if (*p->at != c) return false;
    p->at++;
    return true;
}

static tb_status append_value(parser *p, const char *bytes, size_t n)
{
    const tb_status status = tb_buffer_append(&p->value, bytes, n);
    return status == TB_OK ? TB_OK : tb_error_set(p->err, status, "no memory for a filter");
}

static tb_status read_quoted(parser *p)
{
    tb_status status = TB_OK;
    p->at++;
    while (*p->at != '"') {
        if (*p->at == '\\' && p->at[1]) p->at++;
        if (!*p->at) {
            p->at = p->start;
            return tb_error_set(p->err, TB_SYNTAX, "filter, at character %zu: the quote is not closed",
                                position_of(p, p->start));
        }
        TB_TRY(append_value(p, p->at, 1));
        p->at++;
    }
    p->at++;
    p->quoted = true;
out:
    return status;
}

/* A value up to a blank or one of `ends`; it is not empty.  p->value has it as a string. */
static tb_status read_value(parser *p, const char *ends)
{
    tb_status status = TB_OK;
    p->start = p->at;
    p->value.size = 0;
    p->quoted = false;
    TB_TRY(append_value(p, "", 0));
    if (*p->at == '"') return read_quoted(p);
    size_t n = 0;
    while (p->at[n] && !is_blank(p->at[n]) && !strchr(ends, p->at[n])) n++;
    if (n == 0) return expected(p, "a value");
    TB_TRY(append_value(p, p->at, n));
    p->at += n;
out:
    return status;
}

static const char *value_text(const parser *p)
{
    return p->value.size > 0 ? p->value.bytes : "";
}

/* --- what follows a field ----------------------------------------------------------------------------- */

/* Values are gathered with their texts in one buffer, by offsets as it grows. */
typedef struct gathered {
    tb_buffer texts;
    struct {
        size_t offset;
        bool pattern;
    } values[256];
    size_t n;
} gathered;

static tb_status gather(parser *p, gathered *all)
{
    if (all->n == sizeof all->values / sizeof *all->values)
        return located(p, tb_error_set(p->err, TB_TOO_LARGE, "a list may have %zu values here", all->n));
    all->values[all->n].offset = all->texts.size;
    all->values[all->n++].pattern = !p->quoted;
    const tb_status status = tb_buffer_append(&all->texts, value_text(p), strlen(value_text(p)) + 1);
    return status == TB_OK ? TB_OK : tb_error_set(p->err, status, "no memory for a filter");
}

static tb_status parse_values(parser *p, gathered *all)
{
    tb_status status = TB_OK;
    if (!take_char(p, '(')) {
        do {
            TB_TRY(read_value(p, ",)"));
            TB_TRY(gather(p, all));
        } while (take_char(p, ','));
        return TB_OK;
    }
    for (;;) {
        skip_blanks(p);
        TB_TRY(read_value(p, ",)"));
        TB_TRY(gather(p, all));
        skip_blanks(p);
        if (take_char(p, ')')) return TB_OK;
        if (!take_char(p, ',') && !take_word(p, "OR")) return expected(p, "OR or )");
    }
out:
    return status;
}

static tb_status parse_match(parser *p, tb_filter *to, tb_filter_clause clause, const char *field)
{
    tb_status status = TB_OK;
    tb_filter_value values[sizeof((gathered *)0)->values / sizeof *((gathered *)0)->values];
    gathered all = {.n = 0};
    tb_buffer_init(&all.texts, TB_FILTER_MAX_TEXT * 2);
    const char *start = p->at;
    TB_TRY(parse_values(p, &all));
    p->start = start;
    if (all.n == 1 && all.values[0].pattern && strcmp(all.texts.bytes, "*") == 0) { /* there is a value */
        TB_TRY(located(p, tb_filter_empty(to,
               clause == TB_FILTER_MUST ? TB_FILTER_MUST_NOT : TB_FILTER_MUST,
                                          field, p->err)));
        goto out;
    }
    for (size_t i = 0; i < all.n; i++)
        values[i] = (tb_filter_value){.text = all.texts.bytes + all.values[i].offset,
                                      .pattern = all.values[i].pattern};
    TB_TRY(located(p, tb_filter_match(to, clause, field, values, all.n, p->err)));
out:
    tb_buffer_clear(&all.texts);
    return status;
}

/* Either end as a copy; "*" is open. */
static tb_status read_end(parser *p, const char *ends, tb_buffer *copy, bool *open)
{
    tb_status status = TB_OK;
    TB_TRY(read_value(p, ends));
    *open = !p->quoted && strcmp(value_text(p), "*") == 0;
    if (tb_buffer_append(copy, value_text(p), strlen(value_text(p)) + 1) != TB_OK)
        TB_FAIL(p->err, TB_NO_MEMORY, "no memory for a filter");
out:
    return status;
}

static tb_status parse_brackets(parser *p, tb_filter *to, tb_filter_clause clause, const char *field)
{
    tb_status status = TB_OK;
    tb_filter_range range = {TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN};
    bool low_open = false, high_open = false;
    tb_buffer low, high;
    tb_buffer_init(&low, TB_FILTER_MAX_TEXT * 2);
    tb_buffer_init(&high, TB_FILTER_MAX_TEXT * 2);
    const char *start = p->at;
    const bool low_inclusive = *p->at++ == '[';
    skip_blanks(p);
    TB_TRY(read_end(p, "]}", &low, &low_open));
    skip_blanks(p);
    if (!take_word(p, "TO")) TB_TRY(expected(p, "TO"));
    skip_blanks(p);
    TB_TRY(read_end(p, "]}", &high, &high_open));
    skip_blanks(p);
    const bool high_inclusive = *p->at == ']';
    if (!take_char(p, ']') && !take_char(p, '}')) TB_TRY(expected(p, "] or }"));
    if (!low_open) *(low_inclusive ? &range.gte : &range.gt) = TB_FILTER_STRING(low.bytes);
    if (!high_open) *(high_inclusive ? &range.lte : &range.lt) = TB_FILTER_STRING(high.bytes);
    p->start = start;
    TB_TRY(located(p, tb_filter_range_of(to, clause, field, &range, p->err)));
out:
    tb_buffer_clear(&low);
    tb_buffer_clear(&high);
    return status;
}

static tb_status parse_comparison(parser *p, tb_filter *to, tb_filter_clause clause, const char *field)
{
    tb_status status = TB_OK;
    tb_filter_range range = {TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN};
    const bool greater = *p->at == '>';
    p->at++;
    const bool inclusive = take_char(p, '=');
    TB_TRY(read_value(p, ")"));
    *(greater     ? inclusive ? &range.gte : &range.gt
      : inclusive ? &range.lte
                  : &range.lt) = TB_FILTER_STRING(value_text(p));
    TB_TRY(located(p, tb_filter_range_of(to, clause, field, &range, p->err)));
out:
    return status;
}

static tb_status parse_test(parser *p, tb_filter *to, tb_filter_clause clause, const char *field)
{
    if (*p->at == '[' || *p->at == '{') return parse_brackets(p, to, clause, field);
    if (*p->at == '>' || *p->at == '<') return parse_comparison(p, to, clause, field);
    (void)take_char(p, '=');
    return parse_match(p, to, clause, field);
}

/* --- one condition ------------------------------------------------------------------------------------ */

/* Length of the name when a field stands here ("name:" or "name~"), else 0. */
static size_t field_length(const parser *p)
{
    size_t n = 0;
    for (;; n++) {
        const char c = p->at[n];
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                           (unsigned char)c >= 0x80;
        if (!plain && (n == 0 || !((c >= '0' && c <= '9') || c == '.' || c == '-'))) break;
    }
    return p->at[n] == ':' || p->at[n] == '~' ? n : 0;
}

static tb_status parse_field(parser *p, size_t length, tb_filter *to, tb_filter_clause clause)
{
    enum { MAX_FIELD_BYTES = 256 };
    tb_status status = TB_OK;
    char name[MAX_FIELD_BYTES];
    const tb_field *field;
    const char *rest;
    const bool negated = clause == TB_FILTER_MUST_NOT;
    p->start = p->at;
    if (length >= sizeof name)
        return located(p, tb_error_set(p->err, TB_TOO_LARGE, "the name of a field is too long"));
    memcpy(name, p->at, length);
    name[length] = 0;
    p->at += length;
    const bool words = *p->at == '~';
    p->at++;
    if (!words && strcmp(name, "has") == 0) {
        TB_TRY(read_value(p, ")"));
        return located(p, tb_filter_empty(to, negated ? TB_FILTER_MUST : TB_FILTER_MUST_NOT, value_text(p),
                                          p->err));
    }
    TB_TRY(located(p, tb__fields_find(p->fields, name, &field, &rest, p->err)));
    if (!words) return parse_test(p, to, clause, name);
    TB_TRY(read_value(p, ")"));
    TB_TRY(located(p, tb_filter_words(to, clause, name, value_text(p), p->err)));
out:
    return status;
}

static bool sees_bare_word(const parser *p)
{
    return *p->at && !strchr("()-\"", *p->at) && !sees_word(p, "OR") && !sees_word(p, "AND") &&
           !sees_word(p, "NOT") && field_length(p) == 0;
}

/* Words side by side are one condition, so that only the last of them may be a beginning. */
static tb_status parse_words(parser *p, tb_filter *to, tb_filter_clause clause)
{
    tb_status status = TB_OK;
    tb_buffer words;
    tb_buffer_init(&words, TB_FILTER_MAX_TEXT);
    const char *start = p->at;
    if (*p->at == '"') { /* exactly these, none a beginning */
        TB_TRY(read_value(p, ")"));
        if (tb_buffer_printf(&words, "%s ", value_text(p)) != TB_OK)
            TB_FAIL(p->err, TB_NO_MEMORY, "no memory for a filter");
    } else {
        do {
            TB_TRY(read_value(p, "()"));
            if (tb_buffer_printf(&words, "%s%s", words.size > 0 ? " " : "", value_text(p)) != TB_OK)
                TB_FAIL(p->err, TB_NO_MEMORY, "no memory for a filter");
            skip_blanks(p);
        } while (clause == TB_FILTER_MUST && sees_bare_word(p));
    }
    p->start = start;
    TB_TRY(located(p, tb_filter_words(to, clause, NULL, words.bytes, p->err)));
out:
    tb_buffer_clear(&words);
    return status;
}

static tb_status parse_any(parser *p, tb_filter **filter);

static tb_status parse_one(parser *p, tb_filter *to)
{
    tb_status status = TB_OK;
    bool negated = false;
    for (;;) {
        if (take_word(p, "NOT"))
            skip_blanks(p);
        else if (!take_char(p, '-'))
            break;
        negated = !negated;
    }
    const tb_filter_clause clause = negated ? TB_FILTER_MUST_NOT : TB_FILTER_MUST;
    p->start = p->at;
    if (take_char(p, '(')) {
        tb_filter *inner = NULL;
        const char *start = p->start;
        if (++p->depth >= TB_FILTER_MAX_DEPTH)
            return located(p,
                           tb_error_set(p->err, TB_TOO_LARGE,
                                        "the groups of a filter may be nested %d deep",
                                        TB_FILTER_MAX_DEPTH));
        TB_TRY(parse_any(p, &inner));
        p->start = start;
        status = located(p, tb_filter_group(to, clause, inner, p->err)); /* takes inner */
        if (status == TB_OK && !take_char(p, ')')) status = expected(p, ")");
        p->depth--;
        return status;
    }
    const size_t length = field_length(p);
    if (length > 0) return parse_field(p, length, to, clause);
    if (*p->at == '"' || sees_bare_word(p)) return parse_words(p, to, clause);
    return expected(p, "a condition");
out:
    return status;
}

static tb_status parse_all(parser *p, tb_filter **filter)
{
    tb_status status = TB_OK;
    tb_filter *made = NULL;
    TB_TRY(tb_filter_new(p->fields, &made, p->err));
    for (;;) {
        TB_TRY(parse_one(p, made));
        skip_blanks(p);
        if (take_word(p, "AND"))
            skip_blanks(p);
        else if (!*p->at || *p->at == ')' || sees_word(p, "OR"))
            break;
    }
    *filter = made;
    made = NULL;
out:
    tb_filter_free(made);
    return status;
}

static tb_status parse_any(parser *p, tb_filter **filter)
{
    tb_status status = TB_OK;
    tb_filter *made = NULL, *one = NULL;
    skip_blanks(p);
    TB_TRY(parse_all(p, &one));
    while (take_word(p, "OR")) {
        if (!made) {
            TB_TRY(tb_filter_new(p->fields, &made, p->err));
            tb_filter *first = one;
            one = NULL;
            TB_TRY(located(p, tb_filter_group(made, TB_FILTER_SHOULD, first, p->err)));
        }
        skip_blanks(p);
        TB_TRY(parse_all(p, &one));
        tb_filter *next = one;
        one = NULL;
        TB_TRY(located(p, tb_filter_group(made, TB_FILTER_SHOULD, next, p->err)));
    }
    *filter = made ? made : one;
    made = one = NULL;
out:
    tb_filter_free(made);
    tb_filter_free(one);
    return status;
}

tb_status tb_filter_parse(const tb_fields *fields, const char *text, tb_filter **filter, tb_error *err)
{
    tb_status status = TB_OK;
    tb_filter *made = NULL;
    parser p = {.fields = fields, .text = text ? text : "", .err = err};
    p.at = p.start = p.text;
    tb_buffer_init(&p.value, TB_FILTER_MAX_TEXT * 2);
    const size_t size = strlen(p.text);
    if (size > TB_FILTER_MAX_TEXT)
        TB_FAIL(err, TB_TOO_LARGE, "a filter may have %d bytes", TB_FILTER_MAX_TEXT);
    if (!tb_utf8_valid(p.text, size)) TB_FAIL(err, TB_SYNTAX, "the filter is not UTF-8");
    skip_blanks(&p);
    if (!*p.at) {
        TB_TRY(tb_filter_new(fields, &made, err));
    } else {
        TB_TRY(parse_any(&p, &made));
        if (*p.at) TB_TRY(expected(&p, "the end"));
    }
    *filter = made;
    made = NULL;
out:
    tb_filter_free(made);
    tb_buffer_clear(&p.value);
    return status;
}
