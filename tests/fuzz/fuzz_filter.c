// SPDX-License-Identifier: MIT
/* Fuzz target: any bytes as a filter in the short form, as words to search for and as a cursor.  A filter
 * that parses has to run; whatever does not has to be refused with a sentence.
 *
 * For libFuzzer (clang):
 *
 *     ./configure CC=clang --enable-asan --enable-ubsan && make tests/fuzz/fuzz-filter
 *     tests/fuzz/fuzz-filter -max_len=500 NEW_CORPUS tests/fuzz/corpus/filter
 *
 * The corpus is replayed by `make check` as the unit test "fuzz filter".  A text that once went wrong is
 * added to it, under a name that says what it is. */
#include "fuzz/fuzz_filter.h"

#include "base/alloc.h"
#include "base/text.h"
#include "store/track_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void require(bool condition, const char *text, const tb_error *err)
{
    if (condition) return;
    fprintf(stderr, "fuzz-filter: %s: %s: %s\n", text, tb_status_name(err->code), err->message);
    abort();
}

static void require_refusal(tb_status status, const char *text, const tb_error *err)
{
    require(status == TB_SYNTAX || status == TB_INVALID || status == TB_NOT_FOUND || status == TB_TOO_LARGE,
            text, err);
    require(err->code == status && *err->message && tb_utf8_valid(err->message, strlen(err->message)), text,
            err);
}

static void run_filter(tb_store *store, const char *text)
{
    tb_error err = {0};
    tb_filter *filter = NULL;
    int64_t n_in = 0, n_not_in = 0, n_all = 0;
    tb_status status = tb_filter_parse(tb_store_fields(store), text, &filter, &err);
    if (status != TB_OK) {
        require_refusal(status, text, &err);
        return;
    }
    require(tb_store_count_tracks(store, filter, NULL, &n_in, &err) == TB_OK, text, &err);
    require(tb_store_count_tracks(store, NULL, NULL, &n_all, &err) == TB_OK, text, &err);
    tb_filter *outside = NULL; /* what a filter leaves and what its opposite leaves is everything */
    require(tb_filter_new(tb_store_fields(store), &outside, &err) == TB_OK, text, &err);
    status = tb_filter_group(outside, TB_FILTER_MUST_NOT, filter, &err);
    if (status == TB_OK) {
        require(tb_store_count_tracks(store, outside, NULL, &n_not_in, &err) == TB_OK, text, &err);
        require(n_in + n_not_in == n_all, text, &err);
    } else {
        require_refusal(status, text, &err);
    }
    tb_filter_free(outside);
}

static void run_list(tb_store *store, const char *text, const tb_track_page_options *options)
{
    tb_error err = {0};
    tb_track_page page;
    const tb_status status = tb_store_list_tracks(store, options, &page, &err);
    if (status == TB_OK)
        tb_track_page_clear(&page);
    else
        require_refusal(status, text, &err);
}

int tb_fuzz_filter(tb_store *store, const uint8_t *bytes, size_t size)
{
    char *text = tb_alloc(size + 1, 1);
    if (!text) abort();
    if (size > 0) memcpy(text, bytes, size);
    run_filter(store, text);
    run_list(store, text, &(tb_track_page_options){.words = text, .limit = 2});
    run_list(store, text, &(tb_track_page_options){.words = text, .sort = "relevance", .limit = 2});
    run_list(store, text, &(tb_track_page_options){.cursor = text, .sort = "title", .limit = 2});
    run_list(store, text, &(tb_track_page_options){.sort = text, .limit = 2});
    tb_free(text);
    return 0;
}

#ifdef TB_LIBFUZZER
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static tb_store *store;
    if (!store) {
        static const char *const features[] = {"tempo", "key", "mode"};
        static char folder[] = "/tmp/fuzz-filter-XXXXXX";
        tb_error err = {0};
        const tb_store_options options = {.folder = mkdtemp(folder), .features = features, .n_features = 3};
        require(tb_store_open(&options, &store, &err) == TB_OK, folder, &err);
        for (uint8_t i = 0; i < 5; i++) {
            const uint8_t hash[16] = {i};
            const tb_feature_value values[] = {{"tempo", 60 + 30 * i}, {"key", i}, {"mode", i % 2}};
            const tb_track_put put = {.audio_hash = hash,
                                      .audio_hash_size = 16,
                                      .rate_hz = 8000,
                                      .channels = 1,
                                      .tags = {.title = i % 2 ? "Blue Train" : NULL, .genre = "Rock; Jazz"},
                                      .payload = i % 3 ? "{\"mood\": \"blue\"}" : NULL,
                                      .features = values,
                                      .n_features = i % 4 ? 3 : 0};
            tb_put_result result;
            require(tb_store_put_track(store, &put, &result, &err) == TB_OK, folder, &err);
        }
    }
    return tb_fuzz_filter(store, bytes, size);
}
#endif
