// SPDX-License-Identifier: MIT
/* Pages of tracks: orders, cursors, words. */
#include "store_support.h"

#include "base/alloc.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { N_TRACKS = 23 };

/* Titles and tempos with ties and gaps: every third track has no artist, every fifth no tempo. */
static tb_store *make_tracks(void)
{
    tb_store *store = test_open_new();
    for (unsigned i = 0; i < N_TRACKS; i++) {
        char title[40], artist[40];
        tb_track_put put = test_put(i);
        snprintf(title, sizeof title, "%s %u%s", i % 2 ? "song" : "SONG", i * 7 % 10, i == 8 ? " rare" : "");
        snprintf(artist, sizeof artist, "Artist %u", i % 4);
        put.tags = (tb_tag_values){.title = title,
                                   .artist = i % 3 ? artist : NULL,
                                   .genre = i % 2 ? "Rock" : "Pop",
                                   .comment = i == 4 ? "rare" : NULL};
        const tb_feature_value tempo = {"tempo", 60 + i * 13 % 7 + 0.1};
        put.features = &tempo;
        put.n_features = i % 5 ? 1 : 0;
        test_add(store, &put);
    }
    return store;
}

/* All numbers in the order of a list, page after page. */
static size_t walk_pages(tb_store *store, tb_track_page_options options, int64_t *ids)
{
    tb_error err = {0};
    size_t n = 0, n_pages = 0;
    char *cursor = NULL;
    do {
        tb_track_page page;
        options.cursor = cursor;
        assert_ok(tb_store_list_tracks(store, &options, &page, &err));
        assert_true(page.n <= options.limit);
        assert_true(page.n == options.limit || !page.next_cursor);
        for (size_t i = 0; i < page.n; i++) ids[n++] = page.tracks[i].id;
        tb_free(cursor);
        cursor = page.next_cursor;
        page.next_cursor = NULL;
        tb_track_page_clear(&page);
        if (++n_pages > 2 * N_TRACKS) fail_msg("the list does not end");
    } while (cursor);
    return n;
}

static void pages_of_any_size_give_the_same_order(void **state)
{
    (void)state;
    static const char *const sorts[] = {NULL,      "",         "title",  "-title", "artist",
                                        "-artist", "tempo",    "-tempo", "added",  "-added",
                                        "id",      "duration", "-year",  "genre"};
    tb_store *store = make_tracks();
    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        int64_t whole[N_TRACKS * 2], paged[N_TRACKS * 2];
        tb_track_page_options options = {.sort = sorts[s], .limit = 1000};
        assert_int_equal(walk_pages(store, options, whole), N_TRACKS);
        for (size_t limit = 1; limit <= N_TRACKS + 1; limit++) {
            options.limit = limit;
            assert_int_equal(walk_pages(store, options, paged), N_TRACKS);
            assert_memory_equal(whole, paged, N_TRACKS * sizeof *whole);
        }
    }
    tb_store_close(store);
}

static void order_is_by_value_then_number_with_absent_values_last(void **state)
{
    (void)state;
    tb_error err = {0};
    static const char *const sorts[] = {"tempo", "-tempo", "artist", "-artist", "title", "-title"};
    tb_store *store = make_tracks();
    for (size_t s = 0; s < sizeof sorts / sizeof *sorts; s++) {
        const bool down = sorts[s][0] == '-';
        const char *field = sorts[s] + down;
        tb_track_page page;
        const tb_track_page_options options = {.sort = sorts[s], .limit = 1000, .with = TB_WITH_FEATURES};
        assert_ok(tb_store_list_tracks(store, &options, &page, &err));
        for (size_t i = 1; i < page.n; i++) {
            const tb_track_row *a = &page.tracks[i - 1], *b = &page.tracks[i];
            const char *text_a = *field == 'a' ? a->tags.artist : a->tags.title,
                       *text_b = *field == 'a' ? b->tags.artist : b->tags.title;
            const bool has_a = strcmp(field, "tempo") == 0 ? a->n_features > 0 : text_a != NULL;
            const bool has_b = strcmp(field, "tempo") == 0 ? b->n_features > 0 : text_b != NULL;
            assert_true(has_a || !has_b);
            if (!has_b) {
                assert_true(has_a || a->id < b->id);
                continue;
            }
            int order = strcmp(field, "tempo") != 0 ? strcasecmp(text_a, text_b)
                                                    : (a->features[0].value > b->features[0].value) -
                                                          (a->features[0].value < b->features[0].value);
            if (down) order = -order;
            assert_true(order < 0 || (order == 0 && (a->id < b->id) != down));
        }
        tb_track_page_clear(&page);
    }
    tb_store_close(store);
}

static void list_goes_on_while_the_table_changes(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_tracks();
    tb_track_page_options options = {.sort = "title", .limit = 5};
    bool seen[N_TRACKS + 100] = {false};
    char *cursor = NULL;
    unsigned n_new = 0;
    do {
        tb_track_page page;
        options.cursor = cursor;
        assert_ok(tb_store_list_tracks(store, &options, &page, &err));
        for (size_t i = 0; i < page.n; i++) {
            if (page.tracks[i].id > N_TRACKS) continue; /* one of the new ones */
            assert_false(seen[page.tracks[i].id]);
            seen[page.tracks[i].id] = true;
        }
        if (page.n > 0)
            assert_ok(tb_store_delete_track(store, page.tracks[page.n - 1].id,
                                            &err)); /* the very row of the cursor */
        tb_free(cursor);
        cursor = page.next_cursor;
        page.next_cursor = NULL;
        tb_track_page_clear(&page);
        if (n_new < 5) test_add_number(store, 1000 + n_new++);
    } while (cursor);
    for (size_t i = 1; i <= N_TRACKS; i++) assert_true(seen[i]);
    tb_store_close(store);
}

static void filter_words_and_relevance_work_together(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_tracks();
    tb_filter *filter = NULL;
    int64_t ids[N_TRACKS * 2], n = 0;
    assert_ok(tb_filter_parse(tb_store_fields(store), "genre:pop has:tempo", &filter, &err));
    tb_track_page_options options = {.filter = filter, .words = "song", .sort = "-tempo", .limit = 2};
    assert_int_equal(walk_pages(store, options, ids), 9);
    assert_ok(tb_store_count_tracks(store, filter, "song", &n, &err));
    assert_int_equal(n, 9);
    options.sort = "relevance";
    assert_int_equal(walk_pages(store, options, ids), 9);
    options.words = "rare";
    assert_int_equal(walk_pages(store, options, ids), 2);
    assert_int_equal(ids[0], 9); /* a word in the title counts for more */
    assert_int_equal(ids[1], 5); /* than one in the comment */
    options.words = "nothing";
    assert_int_equal(walk_pages(store, options, ids), 0);
    options.words = " \t";
    options.sort = NULL;
    assert_int_equal(walk_pages(store, options, ids), 9);
    tb_filter_free(filter);
    tb_store_close(store);
}

static void wrong_questions_are_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_tracks();
    tb_track_page page = {0}, first;
    const tb_track_page_options good = {.sort = "title", .limit = 5};
    assert_ok(tb_store_list_tracks(store, &good, &first, &err));
    const char *const cursors[] =
        {"x", "zz", "00", "7469746c65", "616263", "7469746c650a760a", first.next_cursor};
    for (size_t i = 0; i < sizeof cursors / sizeof *cursors; i++) {
        const tb_track_page_options options = {.sort = "artist", .limit = 5, .cursor = cursors[i]};
        assert_status(tb_store_list_tracks(store, &options, &page, &err), TB_INVALID);
        assert_non_null(strstr(err.message, "begin again"));
    }
    const struct {
        tb_track_page_options options;
        tb_status expected;
    } cases[] = {
        {{.limit = 0}, TB_INVALID},
        {{.limit = 1000000000}, TB_INVALID},
        {{.limit = (size_t)-1}, TB_INVALID},
        {{.limit = 5, .sort = "tmpo"}, TB_NOT_FOUND},
        {{.limit = 5, .sort = "-"}, TB_NOT_FOUND},
        {{.limit = 5, .sort = "library"}, TB_INVALID},
        {{.limit = 5, .sort = "payload.x"}, TB_INVALID},
        {{.limit = 5, .sort = "relevance"}, TB_INVALID},
        {{.limit = 5, .sort = "title; DROP TABLE tracks"}, TB_NOT_FOUND},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_status(tb_store_list_tracks(store, &cases[i].options, &page, &err), cases[i].expected);
    assert_null(page.tracks);
    tb_track_page_clear(&first);
    tb_store_close(store);
}

static void cursors_changed_by_a_stranger_do_no_harm(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_tracks();
    tb_track_page first;
    tb_track_page_options options = {.sort = "title", .limit = 5};
    assert_ok(tb_store_list_tracks(store, &options, &first, &err));
    for (char *c = first.next_cursor; *c; c++) {
        const char kept = *c;
        for (const char *other = "0123456789abcdefX"; *other; other++) {
            tb_track_page page;
            *c = *other;
            options.cursor = first.next_cursor;
            const tb_status status = tb_store_list_tracks(store, &options, &page, &err);
            if (status == TB_OK)
                tb_track_page_clear(&page);
            else
                assert_status(status, TB_INVALID);
        }
        *c = kept;
    }
    tb_track_page_clear(&first);
    tb_store_close(store);
}

static void list_survives_each_allocation_failing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_tracks();
    tb_track_page first;
    tb_track_page_options options = {.sort = "title", .limit = 5, .words = "song", .with = TB_WITH_ALL};
    assert_ok(tb_store_list_tracks(store, &options, &first, &err));
    options.cursor = first.next_cursor;
    for (size_t n = 1;; n++) {
        tb_track_page page;
        tb_alloc_fail_after(n);
        const tb_status status = tb_store_list_tracks(store, &options, &page, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) {
            tb_track_page_clear(&page);
            break;
        }
        assert_true(status == TB_NO_MEMORY || status == TB_INVALID);
    }
    tb_track_page_clear(&first);
    tb_store_close(store);
}

TB_TESTS(track_list, cmocka_unit_test(pages_of_any_size_give_the_same_order),
         cmocka_unit_test(order_is_by_value_then_number_with_absent_values_last),
         cmocka_unit_test(list_goes_on_while_the_table_changes),
         cmocka_unit_test(filter_words_and_relevance_work_together),
         cmocka_unit_test(wrong_questions_are_refused),
         cmocka_unit_test(cursors_changed_by_a_stranger_do_no_harm),
         cmocka_unit_test(list_survives_each_allocation_failing))
