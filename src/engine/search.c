// SPDX-License-Identifier: MIT
/* The search: query to vector, filter to bitmap, nearest from the index, caps, tracks.
 *
 * Caps and groups by artist or album are applied to what the index answers, in its order; while that leaves the
 * page short and the index has more, it is asked again for four times as many. */
#include "engine/engine_internal.h"

#include "base/alloc.h"
#include "base/text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { MAX_OFFSET = 100000, MAX_EXAMPLES = 1000, MAX_PREVIOUS = 10000 };

/* Segments of the query with their times, for highlights; pointers into what `searching` owns. */
typedef struct query_segments {
    const float *vectors, *presence, *start_s;
    size_t n;
} query_segments;

typedef struct searching {
    tb_engine *engine;
    const tb_query *query;
    const tb_search_options *options;
    size_t position; /* of the space */
    const tb__space *space;
    float *vector; /* dim */
    float presence[TB_MAX_PARTS];
    float weights[TB_MAX_PARTS];
    double weight_sum;
    query_segments segments;
    tb_analysis analysis;       /* of an upload */
    tb_track_embedding stored;  /* of a stored query, when its segments are needed */
    int64_t self;               /* track that the query is, 0 = none */
    uint64_t self_album;        /* its album, 0 = none */
    tb_bitmap filter;
    bool filtered;
    uint32_t *exclude;
    size_t n_exclude;
    size_t first_previous; /* position in exclude: before it are the examples */
} searching;

/* --- distance and score ------------------------------------------------------------------------------------ */

/* mean: mean squared distance of a part.  Unit vectors: (1 + cosine) / 2 would give unrelated sounds 0.5, so it is the
 * cosine itself, not below 0. */
static double score_of(double mean)
{
    const double cosine = 1 - mean / 2;
    return cosine < 0 ? 0 : cosine > 1 ? 1 : cosine;
}

static double mean_of_score(double score)
{
    return score <= 0 ? INFINITY : 2 * (1 - score);
}

/* --- weights ------------------------------------------------------------------------------------------------- */

/* n_parts when there is none. */
static size_t part_position(const tb_model_info *info, const char *name)
{
    size_t i = 0;
    while (i < info->n_parts && strcmp(info->parts[i].name, name) != 0) i++;
    return i;
}

static tb_status find_part(const tb_model_info *info, const char *name, size_t *part, tb_error *err)
{
    char known[256] = "";
    *part = part_position(info, name);
    if (*part < info->n_parts) return TB_OK;
    for (size_t i = 0; i < info->n_parts; i++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", info->parts[i].name);
    }
    return tb_error_set(err, TB_INVALID, "space %s has no part \"%.64s\"; it has: %s", info->name, name, known);
}

/* A part without a name is any. */
static bool has_part(const tb_model_info *info, const char *name)
{
    return name == NULL || part_position(info, name) < info->n_parts;
}

static bool has_all_parts(const searching *s, const tb_model_info *info)
{
    for (size_t i = 0; i < s->options->n_using; i++)
        if (!has_part(info, s->options->using[i].part)) return false;
    for (size_t i = 0; i < s->query->n_positive; i++)
        if (!has_part(info, s->query->positive[i].part)) return false;
    for (size_t i = 0; i < s->query->n_negative; i++)
        if (!has_part(info, s->query->negative[i].part)) return false;
    return true;
}

/* The space that was named; else the active one, unless it lacks a part that another space has: who asks for rhythm
 * means the space that has it. */
static tb_status choose_space(searching *s, tb_error *err)
{
    tb_status status = TB_OK;
    TB_TRY(tb__find_space(s->engine, s->options->space, &s->position, err));
    if (s->options->space == NULL && !has_all_parts(s, s->engine->spaces[s->position].info)) {
        for (size_t i = 0; i < s->engine->n_spaces; i++) {
            if (!has_all_parts(s, s->engine->spaces[i].info)) continue;
            s->position = i;
            break;
        }
    }
    s->space = &s->engine->spaces[s->position];
out:
    return status;
}

static tb_status set_weights(searching *s, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_model_info *info = s->space->info;
    for (size_t i = 0; i < info->n_parts; i++) s->weights[i] = s->options->n_using ? 0 : (float)info->parts[i].default_weight;
    for (size_t i = 0; i < s->options->n_using; i++) {
        const tb_part_weight *asked = &s->options->using[i];
        if (!isfinite(asked->weight) || asked->weight < 0 || asked->weight > 1e6)
            TB_FAIL(err, TB_INVALID, "the weight of %.64s must be a number from 0 to 1000000", asked->part ? asked->part : "the parts");
        if (!asked->part) {
            for (size_t p = 0; p < info->n_parts; p++) s->weights[p] = (float)asked->weight;
            continue;
        }
        size_t part;
        TB_TRY(find_part(info, asked->part, &part, err));
        s->weights[part] = (float)asked->weight;
    }
    for (size_t i = 0; i < info->n_parts; i++) s->weight_sum += (double)s->weights[i];
    if (s->weight_sum <= 0) TB_FAIL(err, TB_INVALID, "every weight is 0; give at least one part a weight above 0");
out:
    return status;
}

/* --- the query's vector ---------------------------------------------------------------------------------------- */

static tb_status use_upload(searching *s, tb_search_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_analysis_options options = {
        .only_space = (int)s->position,
        .skip_identity = true,
        .start_s = s->query->start_s,
        .duration_s = s->query->duration_s,
        .cancelled = s->options->cancelled,
        .context = s->options->context,
    };
    TB_TRY(tb_engine_analyse(s->engine, s->query->path, &options, &s->analysis, err));
    const tb_space_embedding *e = &s->analysis.embeddings[0];
    memcpy(s->vector, e->track_vector, s->space->info->dim * sizeof *s->vector);
    memcpy(s->presence, e->track_presence, s->space->info->n_parts * sizeof *s->presence);
    s->segments = (query_segments){e->vectors, e->presence, e->start_s, e->n_segments};
    result->decode_s = s->analysis.decode_s;
    result->embed_s = s->analysis.embed_s;
out:
    return status;
}

/* Vector of the passage [start, start + duration) of a stored track: its segments that overlap it by at least half of
 * the shorter of the two.  duration <= 0: to the end. */
static tb_status pool_passage(const searching *s, const tb_track_embedding *e, double start, double duration, float *vector, float *presence,
                              query_segments *chosen, tb_error *err)
{
    const size_t dim = s->space->info->dim, n_parts = s->space->info->n_parts;
    const double end = duration > 0 ? start + duration : INFINITY;
    size_t first = 0, n = 0;
    for (size_t i = 0; i < e->n_segments; i++) {
        const double from = (double)e->segment_start_s[i], to = from + (double)e->segment_duration_s[i];
        const double overlap = fmin(to, end) - fmax(from, start);
        if (overlap < 0.5 * fmin(to - from, end - start)) continue;
        if (n++ == 0) first = i;
    }
    if (n == 0) return tb_error_set(err, TB_INVALID, "the track has no segment in the passage that starts at %g s", start);
    tb_model_pool(s->space->model, e->segment_vectors + first * dim, e->segment_presence + first * n_parts, n, vector, presence);
    if (chosen)
        *chosen = (query_segments){e->segment_vectors + first * dim, e->segment_presence + first * n_parts, e->segment_start_s + first, n};
    return TB_OK;
}

static tb_status load_embedding(const searching *s, int64_t track, const char *id, tb_track_embedding *embedding, tb_error *err)
{
    const tb_status status = tb__get_embedding(s->engine, track, s->position, embedding, err);
    if (status == TB_NOT_FOUND)
        return tb_error_set(err, TB_NOT_FOUND, "track \"%.100s\" has no embedding in space %s; scan or add it again", id, s->space->info->name);
    return status;
}

static tb_status use_stored(searching *s, tb_error *err)
{
    tb_status status = TB_OK;
    const bool passage = s->query->start_s > 0 || s->query->duration_s > 0;
    TB_TRY(tb__find_track(s->engine, s->query->id, &s->self, err));
    if (!passage && !s->options->highlights && s->options->level == TB_LEVEL_TRACK &&
        tb_index_get(s->space->tracks, (uint64_t)s->self, NULL, s->vector, s->presence, NULL) == TB_OK)
        goto out;
    TB_TRY(load_embedding(s, s->self, s->query->id, &s->stored, err));
    TB_TRY(pool_passage(s, &s->stored, s->query->start_s, s->query->duration_s, s->vector, s->presence, &s->segments, err));
    if (!passage) { /* the stored vector itself, as the index has it */
        memcpy(s->vector, s->stored.vector, s->space->info->dim * sizeof *s->vector);
        memcpy(s->presence, s->stored.presence, s->space->info->n_parts * sizeof *s->presence);
    }
out:
    return status;
}

/* A part without length is absent; in spaces of unit vectors the others are brought to unit length. */
static tb_status use_vector(const searching *s, const float *vector, size_t n, float *out, float *presence, tb_error *err)
{
    const tb_model_info *info = s->space->info;
    if (n != info->dim) return tb_error_set(err, TB_INVALID, "a vector of space %s has %zu numbers, not %zu", info->name, info->dim, n);
    for (size_t p = 0; p < info->n_parts; p++) {
        const tb_model_part *part = &info->parts[p];
        double square = 0;
        for (size_t i = part->offset; i < part->offset + part->dim; i++) square += (double)vector[i] * (double)vector[i];
        if (!isfinite(square) || square > 1e30) return tb_error_set(err, TB_INVALID, "part %s of the vector is not finite or too large", part->name);
        presence[p] = square > 1e-12 ? 1 : 0;
        const double scale = info->unit_length && presence[p] > 0 ? 1 / sqrt(square) : 1;
        for (size_t i = part->offset; i < part->offset + part->dim; i++) out[i] = (float)(scale * (double)vector[i]);
    }
    return TB_OK;
}

/* One example's vector and presence. */
static tb_status example_vector(const searching *s, const tb_example *example, float *vector, float *presence, int64_t *track, tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_embedding e = {0};
    *track = 0;
    if (!example->id) {
        TB_TRY(use_vector(s, example->vector, example->n_vector, vector, presence, err));
        goto out;
    }
    TB_TRY(tb__find_track(s->engine, example->id, track, err));
    if (example->start_s <= 0 && example->duration_s <= 0 &&
        tb_index_get(s->space->tracks, (uint64_t)*track, NULL, vector, presence, NULL) == TB_OK)
        goto out;
    TB_TRY(load_embedding(s, *track, example->id, &e, err));
    TB_TRY(pool_passage(s, &e, example->start_s, example->duration_s, vector, presence, NULL, err));
out:
    tb_track_embedding_clear(&e);
    return status;
}

/* Per part, the weighted mean of the examples for, minus that of the examples against: "average_vector". */
static tb_status use_examples(searching *s, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_model_info *info = s->space->info;
    const tb_query *q = s->query;
    double positive_weight[TB_MAX_PARTS] = {0}, negative_weight[TB_MAX_PARTS] = {0};
    float presence[TB_MAX_PARTS];
    float *vector = tb_alloc(info->dim, sizeof *vector);
    double *for_sum = tb_alloc(info->dim, sizeof *for_sum), *against_sum = tb_alloc(info->dim, sizeof *against_sum);
    if (!vector || !for_sum || !against_sum) TB_FAIL(err, TB_NO_MEMORY, "no memory for the query");
    if (q->n_positive + q->n_negative > MAX_EXAMPLES) TB_FAIL(err, TB_TOO_LARGE, "more than %d examples", MAX_EXAMPLES);

    for (size_t i = 0; i < q->n_positive + q->n_negative; i++) {
        const bool positive = i < q->n_positive;
        const tb_example *example = positive ? &q->positive[i] : &q->negative[i - q->n_positive];
        int64_t track;
        size_t only = 0;
        if (!isfinite(example->weight) || example->weight <= 0) TB_FAIL(err, TB_INVALID, "the weight of an example must be above 0");
        if (example->part) TB_TRY(find_part(info, example->part, &only, err));
        TB_TRY(example_vector(s, example, vector, presence, &track, err));
        if (track) s->exclude[s->n_exclude++] = (uint32_t)track;
        for (size_t p = 0; p < info->n_parts; p++) {
            if (presence[p] <= 0 || (example->part && p != only)) continue;
            (positive ? positive_weight : negative_weight)[p] += example->weight;
            double *sum = positive ? for_sum : against_sum;
            for (size_t d = info->parts[p].offset; d < info->parts[p].offset + info->parts[p].dim; d++) sum[d] += example->weight * (double)vector[d];
        }
    }
    for (size_t p = 0; p < info->n_parts; p++)
        for (size_t d = info->parts[p].offset; d < info->parts[p].offset + info->parts[p].dim; d++) {
            const double liked = positive_weight[p] > 0 ? for_sum[d] / positive_weight[p] : 0;
            const double disliked = negative_weight[p] > 0 ? against_sum[d] / negative_weight[p] : 0;
            /* as in Qdrant's average_vector: liked + (liked - disliked), where there is something disliked */
            vector[d] = (float)(positive_weight[p] > 0 && negative_weight[p] > 0 ? 2 * liked - disliked : liked - disliked);
        }
    TB_TRY(use_vector(s, vector, info->dim, s->vector, s->presence, err));
out:
    tb_free(vector);
    tb_free(for_sum);
    tb_free(against_sum);
    return status;
}

static tb_status make_query(searching *s, tb_search_result *result, tb_error *err)
{
    const tb_query *q = s->query;
    const int given = (q->id != NULL) + (q->path != NULL) + (q->vector != NULL) + (q->n_positive + q->n_negative > 0);
    if (given != 1) return tb_error_set(err, TB_INVALID, "a search needs one of: an id, audio, a vector, or examples");
    if (!isfinite(q->start_s) || !isfinite(q->duration_s) || q->start_s < 0)
        return tb_error_set(err, TB_INVALID, "start and duration must be seconds, start not below 0");
    if (q->id) return use_stored(s, err);
    if (q->path) return use_upload(s, result, err);
    if (q->vector) return use_vector(s, q->vector, q->n_vector, s->vector, s->presence, err);
    return use_examples(s, err);
}

/* --- what may answer ---------------------------------------------------------------------------------------------- */

/* A key for equal names: FNV-1a over the text in lower case; 0 for none. */
static uint64_t add_to_key(uint64_t key, const char *text)
{
    if (!text || !*text) return 0;
    if (key == 0) key = 0xcbf29ce484222325u;
    for (; *text; text++) key = (key ^ (uint64_t)tolower((unsigned char)*text)) * 0x100000001b3u;
    return key ? key : 1;
}

static uint64_t artist_key(const tb_tag_values *tags)
{
    return add_to_key(0, tags->artist ? tags->artist : tags->album_artist);
}

static uint64_t album_key(const tb_tag_values *tags)
{
    const char *artist = tags->album_artist && *tags->album_artist ? tags->album_artist : tags->artist;
    const uint64_t album = add_to_key(0, tags->album);
    if (album == 0) return 0;
    const uint64_t both = add_to_key(album ^ 0x9e3779b97f4a7c15u, artist);
    return both ? both : album;
}

static tb_status make_filter(searching *s, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t *ids = NULL;
    size_t n = 0;
    if (s->options->filter) {
        TB_TRY(tb_store_filter_ids(s->engine->store, s->options->filter, &ids, &n, err));
        s->filtered = true;
        for (size_t i = 0; i < n; i++)
            if (tb_bitmap_set(&s->filter, (uint64_t)ids[i]) != TB_OK) TB_FAIL(err, TB_NO_MEMORY, "no memory for the filter");
    }
    s->first_previous = s->n_exclude;
    for (size_t i = 0; i < s->options->n_previous; i++) {
        int64_t track;
        const tb_status found = tb_store_find_track(s->engine->store, s->options->previous[i], &track, err);
        if (found == TB_OK) s->exclude[s->n_exclude++] = (uint32_t)track;
        else if (found != TB_NOT_FOUND) TB_TRY(found);
    }
    if (s->self) s->exclude[s->n_exclude++] = (uint32_t)s->self;
    if (s->self && s->options->exclude_same_album) {
        tb_track_row row = {0};
        TB_TRY(tb_store_get_track(s->engine->store, s->self, 0, &row, err));
        s->self_album = album_key(&row.tags);
        tb_track_row_clear(&row);
    }
out:
    tb_free(ids);
    return status;
}

/* How many items the excluded tracks would have added; *n_previous: those that the caller named, the others being
 * the query itself and its examples. */
static size_t count_excluded(const searching *s, size_t *n_previous)
{
    size_t n = 0;
    *n_previous = 0;
    for (size_t i = 0; i < s->n_exclude; i++) {
        const uint32_t track = s->exclude[i];
        const size_t before = n;
        bool seen = s->filtered && !tb_bitmap_test(&s->filter, track);
        for (size_t j = 0; j < i && !seen; j++) seen = s->exclude[j] == track;
        if (seen) continue;
        if (s->options->level == TB_LEVEL_TRACK) {
            n += tb_index_get(s->space->tracks, track, NULL, NULL, NULL, NULL) == TB_OK;
        } else {
            for (uint64_t label = (uint64_t)track << TB__SEGMENT_BITS; tb_index_get(s->space->segments, label, NULL, NULL, NULL, NULL) == TB_OK; label++) n++;
        }
        if (i >= s->first_previous && track != s->self) *n_previous += n - before;
    }
    return n;
}

/* --- caps ------------------------------------------------------------------------------------------------------------ */

/* How often each key was seen; open addressing, a power of two of slots, at most half full. */
typedef struct tally {
    uint64_t *keys;
    uint32_t *counts;
    size_t n_slots;
} tally;

static bool tally_init(tally *t, size_t n_keys)
{
    t->n_slots = 16;
    while (t->n_slots < 2 * n_keys) t->n_slots *= 2;
    t->keys = tb_alloc(t->n_slots, sizeof *t->keys);
    t->counts = tb_alloc(t->n_slots, sizeof *t->counts);
    return t->keys && t->counts;
}

static void tally_clear(tally *t)
{
    tb_free(t->keys);
    tb_free(t->counts);
    *t = (tally){0};
}

/* Counts one more of the key (never 0) unless it has been seen `cap` times. */
static bool tally_take(tally *t, uint64_t key, size_t cap)
{
    size_t slot = (size_t)(key * 0x9e3779b97f4a7c15u) & (t->n_slots - 1);
    while (t->keys[slot] && t->keys[slot] != key) slot = (slot + 1) & (t->n_slots - 1);
    t->keys[slot] = key;
    if (t->counts[slot] >= cap) return false;
    t->counts[slot]++;
    return true;
}

static bool needs_tags(const tb_search_options *o)
{
    return o->max_per_artist || o->max_per_album || o->exclude_same_album || o->group_by == TB_GROUP_ARTIST || o->group_by == TB_GROUP_ALBUM;
}

/* Keeps the hits that groups and caps let through: positions into found->hits, at most `wanted`. */
static tb_status apply_caps(const searching *s, const tb_index_result *found, size_t wanted, size_t *kept, size_t *n_kept, tb_dropped *dropped, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_search_options *o = s->options;
    tb_track_row *rows = NULL;
    int64_t *numbers = NULL;
    tally groups = {0}, artists = {0}, albums = {0};
    const size_t group_size = o->group_size ? o->group_size : 1;
    size_t n = 0;

    if (!tally_init(&groups, found->n_hits) || !tally_init(&artists, found->n_hits) || !tally_init(&albums, found->n_hits))
        TB_FAIL(err, TB_NO_MEMORY, "no memory for the caps");
    if (needs_tags(o) && found->n_hits) {
        numbers = tb_alloc(found->n_hits, sizeof *numbers);
        if (!numbers) TB_FAIL(err, TB_NO_MEMORY, "no memory for the caps");
        for (size_t i = 0; i < found->n_hits; i++) numbers[i] = found->hits[i].group;
        TB_TRY(tb_store_get_tracks(s->engine->store, numbers, found->n_hits, 0, &rows, err));
    }
    for (size_t i = 0; i < found->n_hits && n < wanted; i++) {
        const uint64_t artist = rows ? artist_key(&rows[i].tags) : 0, album = rows ? album_key(&rows[i].tags) : 0;
        const uint64_t group = o->group_by == TB_GROUP_TRACK ? (uint64_t)found->hits[i].group + 1 : o->group_by == TB_GROUP_ARTIST ? artist
                               : o->group_by == TB_GROUP_ALBUM ? album : 0;
        if (o->exclude_same_album && s->self_album && album == s->self_album) dropped->same_album++;
        else if (group && !tally_take(&groups, group, group_size)) dropped->group++;
        else if (o->max_per_artist && artist && !tally_take(&artists, artist, o->max_per_artist)) dropped->artist_cap++;
        else if (o->max_per_album && album && !tally_take(&albums, album, o->max_per_album)) dropped->album_cap++;
        else kept[n++] = i;
    }
    *n_kept = n;
out:
    tally_clear(&albums);
    tally_clear(&artists);
    tally_clear(&groups);
    tb_track_rows_free(rows, found->n_hits);
    tb_free(numbers);
    return status;
}

/* --- hits -------------------------------------------------------------------------------------------------------------- */

static void fill_parts(const searching *s, const tb_index_hit *found, tb_hit *hit)
{
    for (size_t p = 0; p < s->space->info->n_parts; p++) {
        tb_part_score *part = &hit->parts[p];
        const double d2 = (double)found->part_distance2[p];
        part->presence = (double)found->presence[p];
        part->used = d2 >= 0 && s->weights[p] > 0;
        part->distance = d2 >= 0 ? sqrt(d2) : -1;
        part->score = d2 >= 0 ? score_of(d2) : -1;
    }
}

static bool is_cancelled(const searching *s)
{
    return s->options->cancelled && s->options->cancelled(s->options->context);
}

/* Best pair of a query's segment and one of the hit's [first, first + n); gives up when the search is cancelled,
 * because two recordings of a day make 300 million pairs. */
static void find_highlight(const searching *s, const tb_track_embedding *e, size_t first, size_t n, const query_segments *query, tb_hit *hit)
{
    const size_t dim = s->space->info->dim, n_parts = s->space->info->n_parts;
    double best = INFINITY;
    for (size_t i = first; i < first + n && !is_cancelled(s); i++)
        for (size_t j = 0; j < query->n; j++) {
            const double d = tb_model_distance2(s->space->info, s->weights, e->segment_vectors + i * dim, e->segment_presence + i * n_parts,
                                                query->vectors + j * dim, query->presence + j * n_parts);
            if (!(d < best)) continue;
            best = d;
            hit->highlight = (tb_highlight){
                .start_s = (double)e->segment_start_s[i],
                .end_s = (double)(e->segment_start_s[i] + e->segment_duration_s[i]),
                .query_start_s = query->start_s ? (double)query->start_s[j] : -1,
                .part = -1,
                .score = score_of(d),
            };
            hit->has_highlight = true;
        }
}

static tb_status add_highlight(const searching *s, const tb_index_hit *found, tb_hit *hit, tb_error *err)
{
    tb_status status = TB_OK;
    tb_track_embedding e = {0};
    const query_segments whole = {s->vector, s->presence, NULL, 1};
    const query_segments *query = s->segments.n ? &s->segments : &whole;
    status = tb__get_embedding(s->engine, hit->track.number, s->position, &e, err);
    if (status == TB_NOT_FOUND) return TB_OK; /* removed meanwhile */
    TB_TRY(status);
    if (s->options->level == TB_LEVEL_TRACK) {
        find_highlight(s, &e, 0, e.n_segments, query, hit);
    } else {
        const size_t i = (size_t)(found->label & ((1u << TB__SEGMENT_BITS) - 1));
        if (i < e.n_segments) find_highlight(s, &e, i, 1, query, hit);
    }
    size_t n_used = 0;
    int last = -1;
    for (size_t p = 0; p < s->space->info->n_parts; p++)
        if (s->weights[p] > 0) {
            n_used++;
            last = (int)p;
        }
    if (n_used == 1) hit->highlight.part = last;
out:
    tb_track_embedding_clear(&e);
    return status;
}

static tb_status fill_hits(const searching *s, const tb_index_result *found, const size_t *kept, size_t n, tb_search_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    int64_t *numbers = tb_alloc(n, sizeof *numbers);
    tb_track *tracks = tb_alloc(n, sizeof *tracks);
    result->hits = tb_alloc(n, sizeof *result->hits);
    if (!numbers || !tracks || !result->hits) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu hits", n);
    for (size_t i = 0; i < n; i++) numbers[i] = found->hits[kept[i]].group;
    TB_TRY(tb__get_tracks(s->engine, numbers, n, tracks, err));
    for (size_t i = 0; i < n; i++) {
        const tb_index_hit *from = &found->hits[kept[i]];
        if (tracks[i].number == 0) continue; /* removed since the index answered */
        tb_hit *hit = &result->hits[result->n_hits++];
        hit->track = tracks[i];
        tracks[i] = (tb_track){0};
        hit->distance = sqrt(from->distance2);
        hit->score = score_of(from->distance2 / s->weight_sum);
        fill_parts(s, from, hit);
        if (s->options->highlights || s->options->level == TB_LEVEL_SEGMENT) TB_TRY(add_highlight(s, from, hit, err));
        if (is_cancelled(s)) TB_FAIL(err, TB_CANCELLED, "the search was cancelled");
    }
out:
    for (size_t i = 0; tracks && i < n; i++) tb_track_clear(&tracks[i]);
    tb_free(tracks);
    tb_free(numbers);
    return status;
}

/* --- the search ---------------------------------------------------------------------------------------------------------- */

static bool is_silent(const searching *s)
{
    for (size_t p = 0; p < s->space->info->n_parts; p++)
        if (s->weights[p] > 0 && s->presence[p] > 0) return false;
    return true;
}

static tb_status find_nearest(searching *s, tb_search_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_search_options *o = s->options;
    const tb_index *index = o->level == TB_LEVEL_TRACK ? s->space->tracks : s->space->segments;
    const size_t wanted = o->offset + o->limit;
    const bool capped = needs_tags(o) || (o->group_by == TB_GROUP_TRACK && o->group_size > 1);
    tb_index_result found = {0};
    size_t *kept = NULL, n_kept = 0;

    tb_index_query query;
    tb_index_query_init(&query);
    query.vector = s->vector;
    query.presence = s->presence;
    query.weights = s->weights;
    query.missing = o->missing;
    query.filter = s->filtered ? &s->filter : NULL;
    query.exclude = s->exclude;
    query.n_exclude = s->n_exclude;
    query.best_per_group = o->group_by == TB_GROUP_TRACK && o->group_size <= 1;
    query.explain = true;
    if (o->has_score_threshold) query.max_distance2 = mean_of_score(o->score_threshold) * s->weight_sum;
    query.k = capped ? 4 * wanted + 16 : wanted;
    for (;;) {
        if (query.k > TB_INDEX_MAX_HITS) query.k = TB_INDEX_MAX_HITS;
        if (is_cancelled(s)) TB_FAIL(err, TB_CANCELLED, "the search was cancelled");
        tb_index_result_clear(&found);
        TB_TRY(tb_index_search(index, &query, &found, err));
        tb_free(kept);
        kept = tb_alloc(wanted, sizeof *kept);
        if (!kept) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu hits", wanted);
        result->dropped = (tb_dropped){0};
        TB_TRY(apply_caps(s, &found, wanted, kept, &n_kept, &result->dropped, err));
        if (n_kept == wanted || found.n_hits < query.k || query.k == TB_INDEX_MAX_HITS) break;
        query.k *= 4;
    }
    const size_t excluded = count_excluded(s, &result->dropped.previous);
    result->dropped.filter = found.dropped_filter > excluded ? (size_t)found.dropped_filter - excluded : 0;
    result->dropped.missing = (size_t)found.dropped_missing;
    result->dropped.threshold = (size_t)found.dropped_threshold;
    result->n_candidates = (size_t)(found.n_items - found.dropped_filter - found.dropped_missing);
    if (n_kept > o->offset) TB_TRY(fill_hits(s, &found, kept + o->offset, n_kept - o->offset, result, err));
out:
    tb_free(kept);
    tb_index_result_clear(&found);
    return status;
}

static tb_status check_options(const tb_search_options *o, tb_error *err)
{
    if (o->limit < 1 || o->limit > TB_MAX_LIMIT) return tb_error_set(err, TB_INVALID, "limit must be from 1 to %d", TB_MAX_LIMIT);
    if (o->offset > MAX_OFFSET) return tb_error_set(err, TB_INVALID, "offset must be from 0 to %d", MAX_OFFSET);
    if (o->n_previous > MAX_PREVIOUS) return tb_error_set(err, TB_INVALID, "previous may name at most %d tracks", MAX_PREVIOUS);
    if (o->has_score_threshold && !(o->score_threshold >= 0 && o->score_threshold <= 1))
        return tb_error_set(err, TB_INVALID, "score_threshold must be from 0 to 1");
    return TB_OK;
}

tb_status tb_engine_search(tb_engine *engine, const tb_query *query, const tb_search_options *options, tb_search_result *result, tb_error *err)
{
    tb_status status = TB_OK;
    searching s = {.engine = engine, .query = query, .options = options};
    tb_search_result made = {0};

    TB_TRY(check_options(options, err));
    TB_TRY(choose_space(&s, err));
    TB_TRY(set_weights(&s, err));
    s.vector = tb_alloc(s.space->info->dim, sizeof *s.vector);
    s.exclude = tb_alloc(options->n_previous + query->n_positive + query->n_negative + 1, sizeof *s.exclude);
    if (!s.vector || !s.exclude) TB_FAIL(err, TB_NO_MEMORY, "no memory for the query");
    TB_TRY(make_query(&s, &made, err));
    const int64_t begin = engine->clock->mono_ns(engine->clock);
    TB_TRY(make_filter(&s, err));
    for (size_t p = 0; p < s.space->info->n_parts; p++) {
        made.weights[p] = (double)s.weights[p];
        made.query_presence[p] = (double)s.presence[p];
    }
    made.query_silent = is_silent(&s);
    if (!made.query_silent) TB_TRY(find_nearest(&s, &made, err));
    tb_engine_space(engine, s.position, &made.space);
    made.search_s = tb_clock_elapsed_s(engine->clock, begin);
    atomic_fetch_add(&engine->n_searches, 1);
    *result = made;
    made = (tb_search_result){0};
out:
    tb_search_result_clear(&made);
    tb_bitmap_clear(&s.filter);
    tb_free(s.exclude);
    tb_free(s.vector);
    tb_analysis_clear(&s.analysis);
    tb_track_embedding_clear(&s.stored);
    return status;
}

void tb_search_result_clear(tb_search_result *result)
{
    for (size_t i = 0; i < result->n_hits; i++) tb_track_clear(&result->hits[i].track);
    tb_free(result->hits);
    *result = (tb_search_result){0};
}
