// SPDX-License-Identifier: MIT
/* How fast does the store write tracks, start an index and apply filters?
 *
 *     bench-store [FOLDER [N_PUTS [N_TRACKS]]]
 *
 * Fills FOLDER (a new one under /tmp by default; it stays) and prints one JSON line per case, with the
 * machine:
 *   put      tracks a second, each with 60 segments of 256 numbers, 40 features, a file and tags, each put a
 *            transaction that waits for the disk; bytes of the database per track
 *   walk     embeddings a second on the way into an index, and MB/s
 *   filter   milliseconds and tracks looked at per second, with N_TRACKS tracks without embeddings beside
 *   list     milliseconds for a page of 100
 * Wall-clock time; the best of five rounds where nothing is written. */
#include "base/alloc.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/half.h"
#include "base/rng.h"
#include "store/track_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

enum { N_FEATURES = 40, N_SEGMENTS = 60, DIM = 256, N_PARTS = 4, ROUNDS = 5 };

typedef struct bench {
    tb_store *store;
    int64_t space;
    char names[N_FEATURES][16];
    const char *feature_names[N_FEATURES];
    uint16_t vectors[(N_SEGMENTS + 1) * (DIM + N_PARTS)];
    float times[2 * N_SEGMENTS];
    tb_rng rng;
    const char *machine;
    tb_error err;
} bench;

static void check(bench *b, tb_status status)
{
    if (status == TB_OK) return;
    fprintf(stderr, "bench-store: %s\n", b->err.message);
    exit(1);
}

static int64_t now(void)
{
    return tb_clock_system()->mono_ns(tb_clock_system());
}

static double since(int64_t start)
{
    return tb_clock_elapsed_s(tb_clock_system(), start);
}

static void open_store(bench *b, const char *folder)
{
    const char *const known[] = {"tempo", "loudness", "key", "mode"};
    for (size_t i = 0; i < N_FEATURES; i++) {
        if (i < sizeof known / sizeof *known)
            snprintf(b->names[i], sizeof b->names[i], "%s", known[i]);
        else
            snprintf(b->names[i], sizeof b->names[i], "feature_%zu", i);
        b->feature_names[i] = b->names[i];
    }
    const tb_store_options options = {.folder = folder,
                                      .features = b->feature_names,
                                      .n_features = N_FEATURES};
    check(b, tb_store_open(&options, &b->store, &b->err));
    const tb_space_put put = {.name = "bench",
                              .model_hash = (const uint8_t *)"0123456789abcdef",
                              .model_hash_size = 16,
                              .dim = DIM,
                              .n_parts = N_PARTS,
                              .parts = "[]"};
    check(b, tb_store_put_space(b->store, &put, &b->space, &b->err));
}

static void put_track(bench *b, int64_t number, bool with_embedding)
{
    uint8_t hash[32];
    char path[160], title[40], artist[40], album[40], genre[40];
    tb_rng_init(&b->rng, (uint64_t)number);
    for (size_t i = 0; i < sizeof hash; i++) hash[i] = (uint8_t)tb_rng_next(&b->rng);
    snprintf(title, sizeof title, "Title %" PRIu64, tb_rng_below(&b->rng, 1000000));
    snprintf(artist, sizeof artist, "Artist %" PRIu64, tb_rng_below(&b->rng, 2000));
    snprintf(album, sizeof album, "Album %" PRIu64, tb_rng_below(&b->rng, 10000));
    snprintf(genre, sizeof genre, "Genre %" PRIu64, tb_rng_below(&b->rng, 30));
    snprintf(path, sizeof path, "/music/%s/%s/%s.flac", artist, album, title);
    tb_feature_value features[N_FEATURES];
    for (size_t i = 0; i < N_FEATURES; i++)
        features[i] = (tb_feature_value){b->names[i], tb_rng_uniform(&b->rng)};
    features[0].value = 60 + 120 * features[0].value;
    features[2].value = (double)tb_rng_below(&b->rng, 12);
    features[3].value = (double)tb_rng_below(&b->rng, 2);
    const uint16_t *at = b->vectors;
    const tb_embedding_row embedding = {.space_id = b->space,
                                        .n_segments = N_SEGMENTS,
                                        .dim = DIM,
                                        .n_parts = N_PARTS,
                                        .track_vector = at,
                                        .track_presence = at + DIM,
                                        .segment_vectors = at + DIM + N_PARTS,
                                        .segment_presence = at + DIM + N_PARTS + N_SEGMENTS * DIM,
                                        .starts_s = b->times,
                                        .durations_s = b->times + N_SEGMENTS};
    for (size_t i = 0; i < 100; i++)
        b->vectors[tb_rng_below(&b->rng, sizeof b->vectors / sizeof *b->vectors)] ^= 0x155;
    const tb_file_put file = {.path = path,
                              .size_bytes = number,
                              .modified_ns = number,
                              .file_hash = hash,
                              .file_hash_size = 32};
    const tb_track_put put = {.audio_hash = hash,
                              .audio_hash_size = sizeof hash,
                              .duration_s = 180 + (double)(number % 200),
                              .rate_hz = 44100,
                              .channels = 2,
                              .format = "FLAC",
                              .features = features,
                              .n_features = N_FEATURES,
                              .embeddings = &embedding,
                              .n_embeddings = with_embedding,
                              .file = &file,
                              .tags = {.title = title,
                                       .artist = artist,
                                       .album = album,
                                       .genre = genre,
                                       .year = (int)(1960 + number % 60)}};
    tb_put_result result;
    check(b, tb_store_put_track(b->store, &put, &result, &b->err));
}

static void bench_put(bench *b, int64_t n)
{
    tb_store_counts before, after;
    check(b, tb_store_count(b->store, &before, &b->err));
    const int64_t start = now();
    for (int64_t i = 1; i <= n; i++) put_track(b, i, true);
    const double s = since(start);
    check(b, tb_store_count(b->store, &after, &b->err));
    printf("{\"case\": \"put\", \"segments\": %d, \"dim\": %d, \"tracks\": %" PRId64
           ", \"tracks_per_s\": %.0f, \"bytes_per_track\": %.0f, %s}\n",
           N_SEGMENTS, DIM, n, (double)n / s, (double)(after.size_bytes - before.size_bytes) / (double)n,
           b->machine);
}

static tb_status add_bytes(void *context, int64_t track_id, const tb_embedding_row *embedding)
{
    (void)track_id;
    *(double *)context += (double)(embedding->n_segments * embedding->dim) * 2e-6;
    return TB_OK;
}

static void bench_walk(bench *b, int64_t n)
{
    double best = 1e9, megabytes = 0;
    for (int round = 0; round < ROUNDS; round++) {
        megabytes = 0;
        const int64_t start = now();
        check(b, tb_store_each_embedding(b->store, b->space, 0, add_bytes, &megabytes, NULL, &b->err));
        const double s = since(start);
        if (s < best) best = s;
    }
    printf("{\"case\": \"walk\", \"tracks_per_s\": %.0f, \"MB_per_s\": %.0f, %s}\n", (double)n / best,
           megabytes / best, b->machine);
}

static void print_quoted(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') putchar('\\');
        putchar(*text);
    }
    putchar('"');
}

static void bench_filter(bench *b, const char *text)
{
    double best = 1e9;
    size_t n = 0;
    int64_t n_all = 0;
    tb_filter *filter = NULL;
    check(b, tb_store_count_tracks(b->store, NULL, NULL, &n_all, &b->err));
    check(b, tb_filter_parse(tb_store_fields(b->store), text, &filter, &b->err));
    for (int round = 0; round < ROUNDS; round++) {
        int64_t *ids = NULL;
        const int64_t start = now();
        check(b, tb_store_filter_ids(b->store, filter, &ids, &n, &b->err));
        const double s = since(start);
        if (s < best) best = s;
        tb_free(ids);
    }
    printf("{\"case\": \"filter\", \"filter\": ");
    print_quoted(text);
    printf(", \"tracks\": %" PRId64 ", \"found\": %zu, \"ms\": %.2f, \"tracks_per_s\": %.2e, %s}\n", n_all,
           n,
           1e3 * best, (double)n_all / best, b->machine);
    tb_filter_free(filter);
}

static void bench_list(bench *b, const char *sort, const char *words)
{
    double best = 1e9;
    const tb_track_page_options options = {.sort = sort, .words = words, .limit = 100, .with = TB_WITH_ALL};
    for (int round = 0; round < ROUNDS; round++) {
        tb_track_page page;
        const int64_t start = now();
        check(b, tb_store_list_tracks(b->store, &options, &page, &b->err));
        const double s = since(start);
        if (s < best) best = s;
        tb_track_page_clear(&page);
    }
    printf("{\"case\": \"list\", \"sort\": \"%s\", \"words\": \"%s\", \"ms\": %.2f, %s}\n",
           sort ? sort : "",
           words ? words : "", 1e3 * best, b->machine);
}

int main(int argc, char **argv)
{
    static bench b;
    char machine[300], folder[60] = "/tmp/bench-store-XXXXXX";
    struct utsname name;
    if (uname(&name) != 0 || (argc < 2 && !mkdtemp(folder))) {
        perror("bench-store");
        return 1;
    }
    snprintf(machine, sizeof machine, "\"machine\": \"%s %s\"", name.sysname, name.machine);
    b.machine = machine;
    setvbuf(stdout, NULL, _IOLBF, 0); /* a line as soon as it is there, also into a file */
    const int64_t n_puts = argc > 2 ? strtoll(argv[2], NULL, 10) : 2000,
                  n_tracks = argc > 3 ? strtoll(argv[3], NULL, 10) : 100000;
    for (size_t i = 0; i < sizeof b.vectors / sizeof *b.vectors; i++)
        b.vectors[i] = tb_half_from_float((float)(i % 977) / 977.0f);
    open_store(&b, argc > 1 ? argv[1] : folder);
    bench_put(&b, n_puts);
    bench_walk(&b, n_puts);
    for (int64_t i = n_puts + 1; i <= n_tracks; i++) put_track(&b, i, false);
    static const char *const filters[] = {"tempo:[90 TO 120]",
                                          "tempo:[90 TO 120] feature_39:>0.5",
                                          "key:8A",
                                          "genre:\"Genre 5\"",
                                          "artist:\"Artist 7\"",
                                          "year:>=1990 tempo:>100 -genre:\"Genre 1\"",
                                          "title~\"title 12\"",
                                          "title:*99*",
                                          "path:/music/Artist*",
                                          "has:tempo"};
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) bench_filter(&b, filters[i]);
    bench_list(&b, NULL, NULL);
    bench_list(&b, "title", NULL);
    bench_list(&b, "-tempo", NULL);
    bench_list(&b, "relevance", "artist 12");
    tb_store_close(b.store);
    return 0;
}
