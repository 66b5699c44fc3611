// SPDX-License-Identifier: MIT
/* The field table.  A built-in field is one row of builtin_fields; a feature is a row made from its name. */
#include "store/fields_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>

enum { MAX_FEATURES = 500, MAX_NAME = 63 };

static const struct {
    const char *name;
    tb_field_type type;
    tb_field_source source;
    const char *sql, *fts;
    bool sortable;
} builtin_fields[] = {
    {"id", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.uid", NULL, true},
    {"title", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.title", "title", true},
    {"artist", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.artist", "artist", true},
    {"album", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.album", "album", true},
    {"album_artist", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.album_artist", "album_artist", true},
    {"composer", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.composer", "composer", true},
    {"genre", TB_FIELD_LIST, TB_FROM_TRACKS, "t.genre", "genre", true},
    {"comment", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.comment", "comment", false},
    {"year", TB_FIELD_NUMBER, TB_FROM_TRACKS, "t.year", NULL, true},
    {"track", TB_FIELD_NUMBER, TB_FROM_TRACKS, "t.track", NULL, true},
    {"disc", TB_FIELD_NUMBER, TB_FROM_TRACKS, "t.disc", NULL, true},
    {"duration", TB_FIELD_NUMBER, TB_FROM_TRACKS, "t.duration_s", NULL, true},
    {"rate", TB_FIELD_NUMBER, TB_FROM_TRACKS, "t.rate_hz", NULL, true},
    {"channels", TB_FIELD_NUMBER, TB_FROM_TRACKS, "t.channels", NULL, true},
    {"format", TB_FIELD_TEXT, TB_FROM_TRACKS, "t.format", NULL, true},
    {"added", TB_FIELD_DATE, TB_FROM_TRACKS, "t.added_ms", NULL, true},
    {"updated", TB_FIELD_DATE, TB_FROM_TRACKS, "t.updated_ms", NULL, true},
    {"library", TB_FIELD_PART_OF, TB_FROM_LIBRARIES, NULL, NULL, false},
    {"path", TB_FIELD_PART_OF, TB_FROM_FILES, NULL, NULL, false},
    {"external.*", TB_FIELD_PART_OF, TB_FROM_EXTERNAL_IDS, NULL, NULL, false},
    {"payload.*", TB_FIELD_PAYLOAD, TB_FROM_PAYLOAD, NULL, NULL, false},
    {"key_compatible", TB_FIELD_KEY, TB_FROM_KEY, NULL, NULL, false}, /* the last: only with key and mode */
};
enum { N_BUILTIN = sizeof builtin_fields / sizeof *builtin_fields };

static bool is_feature_name(const char *name)
{
    size_t n = 0;
    for (; name[n]; n++) {
        const char c = name[n];
        if (!((c >= 'a' && c <= 'z') || (n > 0 && ((c >= '0' && c <= '9') || c == '_')))) return false;
    }
    return n >= 1 && n <= MAX_NAME;
}

static tb_field *find_exact(const tb_fields *fields, const char *name)
{
    for (size_t i = 0; i < fields->n_fields; i++)
        if (strcmp(fields->fields[i].name, name) == 0) return &fields->fields[i];
    return NULL;
}

static bool is_given(const char *const *names, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (names[i] && strcmp(names[i], name) == 0) return true;
    return false;
}

static tb_status add_feature(tb_fields *fields, const char *name, tb_error *err)
{
    tb_status status = TB_OK;
    char sql[MAX_NAME + 8];
    if (!name || !is_feature_name(name))
        TB_FAIL(err, TB_INVALID,
                "\"%s\" is no name for a feature: a-z, then a-z, 0-9 and _, %d characters at most",
                name ? name : "", MAX_NAME);
    if (find_exact(fields, name)) TB_FAIL(err, TB_INVALID, "there are two fields of the name \"%s\"", name);
    snprintf(sql, sizeof sql, "f.f_%s", name);
    tb_field *field = &fields->fields[fields->n_fields++];
    *field = (tb_field){.type = fields->has_key && strcmp(name, "key") == 0 ? TB_FIELD_KEY : TB_FIELD_NUMBER,
                        .source = TB_FROM_FEATURES, .sortable = true};
    field->name = tb_strdup(name);
    field->sql = tb_strdup(sql);
    if (!field->name || !field->sql) TB_FAIL(err, TB_NO_MEMORY, "no memory for the field \"%s\"", name);
    fields->n_features++;
out:
    return status;
}

tb_status tb_fields_new(const char *const *features, size_t n_features, tb_fields **fields, tb_error *err)
{
    tb_status status = TB_OK;
    tb_fields *made = NULL;
    if (n_features > MAX_FEATURES)
        TB_FAIL(err, TB_INVALID, "%zu features are too many; %d is the most", n_features, MAX_FEATURES);
    made = tb_alloc(1, sizeof *made);
    if (made) made->fields = tb_alloc(N_BUILTIN + n_features, sizeof *made->fields);
    if (!made || !made->fields) TB_FAIL(err, TB_NO_MEMORY, "no memory for the table of fields");
    made->has_key = is_given(features, n_features, "key") && is_given(features, n_features, "mode");
    for (size_t i = 0; i < (made->has_key ? N_BUILTIN : N_BUILTIN - 1); i++) {
        tb_field *field = &made->fields[made->n_fields++];
        field->name = tb_strdup(builtin_fields[i].name);
        field->type = builtin_fields[i].type;
        field->source = builtin_fields[i].source;
        field->fts = builtin_fields[i].fts;
        field->sortable = builtin_fields[i].sortable;
        field->sql = tb_strdup(builtin_fields[i].sql);
        if (!field->name || (builtin_fields[i].sql && !field->sql))
            TB_FAIL(err, TB_NO_MEMORY, "no memory for the table of fields");
    }
    made->first_feature = made->n_fields;
    for (size_t i = 0; i < n_features; i++) TB_TRY(add_feature(made, features[i], err));
    *fields = made;
    made = NULL;
out:
    tb_fields_free(made);
    return status;
}

void tb_fields_free(tb_fields *fields)
{
    if (!fields) return;
    for (size_t i = 0; i < fields->n_fields; i++) {
        tb_free(fields->fields[i].name);
        tb_free(fields->fields[i].sql);
    }
    tb_free(fields->fields);
    tb_free(fields);
}

const tb_field *tb_fields_at(const tb_fields *fields, size_t position)
{
    return position < fields->n_fields ? &fields->fields[position] : NULL;
}

const char *tb_field_name(const tb_field *field)
{
    return field->name;
}

tb_field_type tb_field_kind(const tb_field *field)
{
    return field->type;
}

bool tb_field_sortable(const tb_field *field)
{
    return field->sortable;
}

size_t tb_fields_n_features(const tb_fields *fields)
{
    return fields->n_features;
}

const char *tb_fields_feature(const tb_fields *fields, size_t position)
{
    return position < fields->n_features ? fields->fields[fields->first_feature + position].name : NULL;
}

/* Levenshtein's distance of two short names; long ones are simply far. */
static size_t edit_distance(const char *a, const char *b)
{
    enum { LONGEST = 64 };
    size_t row[LONGEST + 1];
    const size_t n_a = strlen(a), n_b = strlen(b);
    if (n_a > LONGEST || n_b > LONGEST) return LONGEST;
    for (size_t j = 0; j <= n_b; j++) row[j] = j;
    for (size_t i = 1; i <= n_a; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n_b; j++) {
            const size_t change = diagonal + (a[i - 1] != b[j - 1]);
            const size_t gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < gap ? change : gap;
        }
    }
    return row[n_b];
}

static bool matches_free_part(const char *pattern, const char *name, const char **rest)
{
    const size_t n = strlen(pattern);
    if (n < 2 || pattern[n - 1] != '*' || strncmp(name, pattern, n - 1) != 0 || !name[n - 1]) return false;
    *rest = name + n - 1;
    return true;
}

tb_status tb__fields_find(const tb_fields *fields, const char *name, const tb_field **field,
                          const char **rest, tb_error *err)
{
    *rest = NULL;
    const tb_field *nearest = NULL;
    size_t nearest_distance = 3; /* further than two mistakes is no help */
    for (size_t i = 0; i < fields->n_fields; i++) {
        const tb_field *candidate = &fields->fields[i];
        const bool has_free_part = candidate->name[strlen(candidate->name) - 1] == '*';
        if (has_free_part ? matches_free_part(candidate->name, name, rest)
                          : strcmp(candidate->name, name) == 0) {
            *field = candidate;
            return TB_OK;
        }
        const size_t distance = edit_distance(candidate->name, name);
        if (distance < nearest_distance) {
            nearest_distance = distance;
            nearest = candidate;
        }
    }
    char shown[80];
    tb_text_copy(shown, sizeof shown, name);
    if (nearest)
        return tb_error_set(err, TB_NOT_FOUND, "there is no field \"%s\"; did you mean \"%s\"?", shown,
                            nearest->name);
    return tb_error_set(err, TB_NOT_FOUND, "there is no field \"%s\"", shown);
}

tb_status tb__fields_miss(tb_fields *fields, size_t feature, tb_error *err)
{
    tb_field *field = &fields->fields[fields->first_feature + feature];
    char *sql = tb_strdup("NULL");
    if (!sql) return tb_error_set(err, TB_NO_MEMORY, "no memory for the field \"%s\"", field->name);
    tb_free(field->sql);
    field->sql = sql;
    return TB_OK;
}
