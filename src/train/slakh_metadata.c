// SPDX-License-Identifier: MIT
/* One pass over libyaml's events.  Where a scalar stands is told by the keys above it: stems / S00 /
 * inst_class. Aliases are refused, for they are how small files become large ones. */
#include "train/slakh_metadata.h"

#include "base/alloc.h"
#include "base/text.h"

#include <string.h>
#include <yaml.h>

enum { MAX_DEPTH = 16, KEY_SIZE = 64 };

typedef struct level {
    bool is_mapping, has_key;
    char key[KEY_SIZE]; /* of the value that comes next or is open */
} level;

typedef struct reading {
    tb_slakh_metadata *out;
    level levels[MAX_DEPTH];
    size_t depth;
    size_t beats_capacity, bars_capacity;
    char inst_class[KEY_SIZE]; /* of the stem that is open */
    bool is_drum;
    int64_t program;
} reading;

/* --- what a stem is ------------------------------------------------------------------------------------- */

static tb_stem find_stem(const reading *r)
{
    if (r->is_drum) return TB_STEM_DRUMS;
    if (r->inst_class[0] == '\0')
        return tb_stem_of_program(r->program >= 0 && r->program < 128 ? (int)r->program : 48, false);
    for (int stem = 0; stem < TB_STEM_COUNT; stem++)
        if (tb_text_equal_nocase(r->inst_class, tb_stem_name((tb_stem)stem))) return (tb_stem)stem;
    return TB_STEM_OTHERS;
}

static tb_status begin_stem(reading *r, const char *name, tb_error *err)
{
    tb_slakh_metadata *m = r->out;
    if (m->n_stems == TB_SLAKH_MAX_STEMS)
        return tb_error_set(err, TB_TOO_LARGE, "more than %d stems", TB_SLAKH_MAX_STEMS);
    if (!m->stems && !(m->stems = tb_alloc(TB_SLAKH_MAX_STEMS, sizeof *m->stems)))
        return tb_error_set(err, TB_NO_MEMORY, "no memory for stems");
    if (strlen(name) >= TB_SLAKH_NAME_SIZE || strchr(name, '/') || name[0] == '.' || name[0] == '\0')
        return tb_error_set(err, TB_CORRUPT, "\"%.40s\" is no name of a stem", name);
    m->stems[m->n_stems] = (tb_slakh_stem){.is_rendered = true};
    (void)tb_text_copy(m->stems[m->n_stems].name, TB_SLAKH_NAME_SIZE, name);
    m->n_stems++;
    r->inst_class[0] = '\0';
    r->is_drum = false;
    r->program = -1;
    return TB_OK;
}

/* --- scalars -------------------------------------------------------------------------------------------- */

static bool is_true(const char *text)
{
    return tb_text_equal_nocase(text, "true") || tb_text_equal_nocase(text, "yes");
}

static void take_stem_fact(reading *r, const char *key, const char *text)
{
    if (strcmp(key, "inst_class") == 0) (void)tb_text_copy(r->inst_class, sizeof r->inst_class, text);
    else if (strcmp(key, "is_drum") == 0) r->is_drum = is_true(text);
    else if (strcmp(key, "program_num") == 0 && tb_parse_int(text, 0, 255, &r->program) != TB_OK)
        r->program = -1;
    else if (strcmp(key, "audio_rendered") == 0)
        r->out->stems[r->out->n_stems - 1].is_rendered = is_true(text);
}

static void take_own_fact(tb_slakh_metadata *m, const char *key, const char *text)
{
    double number = 0;
    int64_t whole = 0;
    if (strcmp(key, "tempo_bpm") == 0 && tb_parse_double(text, &number) == TB_OK && number >= 20 &&
        number <= 1000)
        m->tempo_bpm = number;
    else if (strcmp(key, "beats_per_bar") == 0 && tb_parse_int(text, 1, 32, &whole) == TB_OK)
        m->beats_per_bar = (int)whole;
    else if (strcmp(key, "key") == 0 && tb_parse_int(text, 0, 11, &whole) == TB_OK) m->key = (int)whole;
    else if (strcmp(key, "mode") == 0)
        for (int mode = 0; mode < TB_MODE_COUNT; mode++)
            if (strcmp(text, tb_mode_name((tb_mode)mode)) == 0) m->mode = (tb_mode)mode;
}

static tb_status take_time(double **times, size_t *n, size_t *capacity, const char *text, tb_error *err)
{
    double time_s = 0;
    if (tb_parse_double(text, &time_s) != TB_OK || !(time_s >= (*n ? (*times)[*n - 1] : 0)))
        return tb_error_set(err, TB_CORRUPT, "\"%.40s\" is no time of a beat", text);
    if (*n == TB_SONG_MAX_BEATS)
        return tb_error_set(err, TB_TOO_LARGE, "more than %d beats", TB_SONG_MAX_BEATS);
    if (*n == *capacity) {
        const size_t wanted = *capacity ? 2 * *capacity : 256;
        double *bigger = tb_realloc(*times, wanted, sizeof *bigger);
        if (!bigger) return tb_error_set(err, TB_NO_MEMORY, "no memory for %zu beats", wanted);
        *times = bigger;
        *capacity = wanted;
    }
    (*times)[(*n)++] = time_s;
    return TB_OK;
}

static bool is_under(const reading *r, size_t depth, const char *key)
{
    return depth < r->depth && r->levels[depth].is_mapping && strcmp(r->levels[depth].key, key) == 0;
}

static tb_status take_value(reading *r, const char *text, tb_error *err)
{
    tb_slakh_metadata *m = r->out;
    const char *key = r->levels[r->depth - 1].key;
    if (r->depth == 1 && strcmp(key, "audio_dir") == 0) {
        if (strchr(text, '/') || strcmp(text, "..") == 0 ||
            !tb_text_copy(m->audio_dir, sizeof m->audio_dir, text))
            return tb_error_set(err, TB_CORRUPT, "\"%.40s\" is no folder of stems", text);
    }
    if (r->depth == 3 && is_under(r, 0, "stems")) take_stem_fact(r, key, text);
    if (r->depth == 2 && is_under(r, 0, "timbre")) take_own_fact(m, key, text);
    if (r->depth == 3 && is_under(r, 0, "timbre") && is_under(r, 1, "beats_s"))
        return take_time(&m->beats_s, &m->n_beats, &r->beats_capacity, text, err);
    if (r->depth == 3 && is_under(r, 0, "timbre") && is_under(r, 1, "bars_s"))
        return take_time(&m->bars_s, &m->n_bars, &r->bars_capacity, text, err);
    return TB_OK;
}

/* --- events --------------------------------------------------------------------------------------------- */

static tb_status take_scalar(reading *r, const yaml_event_t *event, tb_error *err)
{
    const char *text = (const char *)event->data.scalar.value;
    if (r->depth == 0) return TB_OK;
    level *top = &r->levels[r->depth - 1];
    if (strlen(text) != event->data.scalar.length)
        return tb_error_set(err, TB_CORRUPT, "there is a zero byte in the text");
    if (!top->is_mapping) return take_value(r, text, err);
    if (!top->has_key) {
        if (!tb_text_copy(top->key, sizeof top->key, text))
            top->key[0] = '\0'; /* too long for any that is known */
        top->has_key = true;
        return TB_OK;
    }
    top->has_key = false;
    return take_value(r, text, err);
}

static tb_status open_level(reading *r, bool is_mapping, tb_error *err)
{
    if (r->depth == MAX_DEPTH) return tb_error_set(err, TB_TOO_LARGE, "more than %d levels", MAX_DEPTH);
    if (r->depth > 0 && r->levels[r->depth - 1].is_mapping && !r->levels[r->depth - 1].has_key)
        return tb_error_set(err, TB_CORRUPT, "a key is no text");
    r->levels[r->depth++] = (level){.is_mapping = is_mapping};
    if (is_mapping && r->depth == 3 && is_under(r, 0, "stems")) return begin_stem(r, r->levels[1].key, err);
    return TB_OK;
}

static void close_level(reading *r)
{
    if (r->depth == 3 && r->levels[2].is_mapping && is_under(r, 0, "stems"))
        r->out->stems[r->out->n_stems - 1].stem = find_stem(r);
    r->depth--;
    if (r->depth > 0) r->levels[r->depth - 1].has_key = false;
}

static tb_status take_event(reading *r, const yaml_event_t *event, tb_error *err)
{
    switch (event->type) {
    case YAML_ALIAS_EVENT: return tb_error_set(err, TB_CORRUPT, "aliases have no place here");
    case YAML_SCALAR_EVENT: return take_scalar(r, event, err);
    case YAML_MAPPING_START_EVENT: return open_level(r, true, err);
    case YAML_SEQUENCE_START_EVENT: return open_level(r, false, err);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT: close_level(r); return TB_OK;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT: break;
    }
    return TB_OK;
}

static tb_status read_events(reading *r, yaml_parser_t *parser, tb_error *err)
{
    for (bool more = true; more;) {
        yaml_event_t event;
        if (!yaml_parser_parse(parser, &event)) {
            if (parser->error == YAML_MEMORY_ERROR)
                return tb_error_set(err, TB_NO_MEMORY, "no memory to read YAML");
            return tb_error_set(err, TB_CORRUPT, "line %zu: %s", parser->problem_mark.line + 1,
                                parser->problem ? parser->problem : "it is no YAML");
        }
        const size_t line = event.start_mark.line + 1;
        const tb_status status = take_event(r, &event, err);
        /* data sets have one document */
        more = event.type != YAML_STREAM_END_EVENT && event.type != YAML_DOCUMENT_END_EVENT;
        yaml_event_delete(&event);
        if (status != TB_OK) {
            tb_error_prefix(err, "line %zu", line);
            return status;
        }
    }
    return TB_OK;
}

tb_status tb_slakh_metadata_parse(const char *text, size_t size, tb_slakh_metadata **metadata, tb_error *err)
{
    tb_status status = TB_OK;
    yaml_parser_t parser;
    bool has_parser = false;
    reading r = {.out = tb_alloc(1, sizeof *r.out), .program = -1};
    if (!r.out || !(has_parser = yaml_parser_initialize(&parser) == 1))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for metadata");
    if (size > TB_SLAKH_MAX_METADATA_BYTES) TB_FAIL(err, TB_TOO_LARGE, "metadata of %zu bytes", size);
    *r.out = (tb_slakh_metadata){.audio_dir = "stems", .key = -1, .mode = TB_MODE_COUNT};
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
    TB_TRY(read_events(&r, &parser, err));
    if (r.out->n_stems == 0) TB_FAIL(err, TB_CORRUPT, "it names no stems");
    *metadata = r.out;
    r.out = NULL;
out:
    if (has_parser) yaml_parser_delete(&parser);
    tb_slakh_metadata_free(r.out);
    return status;
}

void tb_slakh_metadata_free(tb_slakh_metadata *metadata)
{
    if (!metadata) return;
    tb_free(metadata->stems);
    tb_free(metadata->beats_s);
    tb_free(metadata->bars_s);
    tb_free(metadata);
}
