// SPDX-License-Identifier: MIT
/* Filters: the short form and its errors, the builder, and which tracks they leave. */
#include "store_support.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/rng.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* --- a small library ---------------------------------------------------------------------------------- */

static const struct {
    const char *letter; /* its comment, by which the tests name it */
    tb_tag_values tags;
    double tempo, loudness, key, mode; /* NAN: absent */
    const char *payload, *external, *path;
    double duration_s;
} library[] = {
    {"a",
     {.title = "Blue Train", .artist = "John Coltrane", .album = "Blue Train", .genre = "Jazz; Hard Bop",
      .year = 1957},
     136, -12, 3, 0, "{\"mood\": \"blue\", \"plays\": 10, \"tags\": [\"sax\", \"Live\"]}", "abc",
     "/music/jazz/a.flac", 642},
    {"b",
     {.title = "Björk's Song", .artist = "Björk", .genre = "Pop", .year = 1995},
     90, -8, 9, 0, "{\"mood\": \"Happy\", \"plays\": 3.5, \"loved\": true, \"deep\": {\"er\": \"x\"}}", NULL,
     "/music/pop/b_1.mp3", 240},
    {"c",
     {.title = "100% Pure_Love", .artist = "The X", .genre = "House", .year = 1991},
     120, -6, 0, 1, NULL, "def", "/upload/c", 300},
    {"d",
     {.title = "Untitled", .genre = "Rock"},
     120.5, -20, 7, 1, "{\"loved\": false, \"mood\": null}", NULL, NULL, 59.5},
    {"e",
     {.title = "the x files \"theme\"", .artist = "Mark Snow", .genre = "Soundtrack; Rock; Pop", .year = 1996,
      .track = 1},
     NAN, NAN, NAN, NAN, NULL, NULL, "/music/\xff.ogg", 200},
    {"f",
     {.artist = "the x", .album = "AC/DC-Tribute", .year = -50},
     60, -30, 2, 1, "{\"mood\": 7}", NULL, NULL, 0},
};
enum { N_LIBRARY = sizeof library / sizeof *library };

static tb_store *make_library(void)
{
    tb_error err = {0};
    tb_store *store = test_open_new();
    int64_t library_id;
    const tb_library_put main_library = {.name = "main", .root = "/music"};
    assert_ok(tb_store_put_library(store, &main_library, &library_id, NULL, &err));
    for (unsigned i = 0; i < N_LIBRARY; i++) {
        tb_track_put put = test_put(i);
        put.tags = library[i].tags;
        put.tags.comment = library[i].letter;
        put.duration_s = library[i].duration_s;
        put.payload = library[i].payload;
        const tb_feature_value features[] = {{"tempo", library[i].tempo}, {"loudness", library[i].loudness},
                                             {"key", library[i].key}, {"mode", library[i].mode}};
        put.features = features;
        put.n_features = isnan(library[i].tempo) ? 0 : 4;
        const tb_external_id_value id = {"mbid", library[i].external};
        put.external_ids = &id;
        put.n_external_ids = library[i].external ? 1 : 0;
        const tb_file_put file = {.path = library[i].path,
                                  .library_id = library[i].path && library[i].path[1] == 'm' ? library_id
                                                                                             : 0};
        if (library[i].path) put.file = &file;
        test_add(store, &put);
    }
    return store;
}

static void letters_of(tb_store *store, const tb_filter *filter, char out[N_LIBRARY + 1])
{
    tb_error err = {0};
    int64_t *ids = NULL, count = 0;
    size_t n = 0;
    assert_ok(tb_store_filter_ids(store, filter, &ids, &n, &err));
    assert_true(n <= N_LIBRARY);
    out[n] = 0;
    for (size_t i = 0; i < n; i++) {
        tb_track_row track;
        assert_ok(tb_store_get_track(store, ids[i], 0, &track, &err));
        out[i] = *track.tags.comment;
        tb_track_row_clear(&track);
        assert_true(i == 0 || ids[i] > ids[i - 1]);
    }
    tb_free(ids);
    assert_ok(tb_store_count_tracks(store, filter, NULL, &count, &err));
    assert_int_equal(count, n);
    tb_track_page page; /* the same filter in a list */
    const tb_track_page_options options = {.filter = filter, .limit = 100};
    assert_ok(tb_store_list_tracks(store, &options, &page, &err));
    assert_int_equal(page.n, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(*page.tracks[i].tags.comment, out[i]);
    tb_track_page_clear(&page);
}

/* --- the short form ----------------------------------------------------------------------------------- */

static void short_form_leaves_the_right_tracks(void **state)
{
    (void)state;
    static const struct {
        const char *text, *letters;
    } cases[] = {
        {"", "abcdef"},
        {"  \t ", "abcdef"},
        {"tempo:[90 TO 120]", "bc"},
        {"tempo:{90 TO 120}", ""},
        {"tempo:[90 TO 120}", "b"},
        {"tempo:{90 TO 120]", "c"},
        {"tempo:[120 TO *]", "acd"},
        {"tempo:[* TO 60]", "f"},
        {"-tempo:[* TO 60]", "abcde"},
        {"tempo:>=120.5", "ad"},
        {"tempo:<90", "f"},
        {"loudness:>-10", "bc"},
        {"loudness:[-20 TO -10]", "ad"},
        {"tempo:120", "c"},
        {"tempo:=120", "c"},
        {"tempo:120,90", "bc"},
        {"tempo:(120 OR 90)", "bc"},
        {"year:>=1990 year:<1996", "bc"},
        {"year:-50", "f"},
        {"genre:rock", "de"},
        {"genre:\"hard bop\"", "a"},
        {"genre:bop", ""},
        {"genre:*bop", "a"},
        {"genre:\"Jazz; Hard Bop\"", "a"},
        {"genre:POP", "be"},
        {"genre:(house OR *bop OR pop)", "abce"},
        {"genre:(Rock OR jazz)", "ade"},
        {"genre:rock,jazz", "ade"},
        {"-genre:rock", "abcf"},
        {"NOT genre:rock", "abcf"},
        {"--genre:rock", "de"},
        {"artist:\"the x\"", "cf"},
        {"artist:\"The X\" -year:1991", "f"},
        {"-artist:\"the x\"", "abde"},
        {"artist:the*", "cf"},
        {"artist:*o*", "ae"},
        {"artist:\"*o*\"", ""},
        {"title:100%*", "c"},
        {"title:*_love", "c"},
        {"title:*pure?love", ""},
        {"title:\"the x files \\\"theme\\\"\"", "e"},
        {"title:[b TO c}", "ab"},
        {"id:nothing", ""},
        {"format:FLAC", "abcdef"},
        {"channels:2 rate:44100", "abcdef"},
        {"duration:[60 TO *]", "abce"},
        {"duration:0", "f"},
        {"has:artist", "abcef"},
        {"-has:artist", "d"},
        {"artist:*", "abcef"},
        {"-artist:*", "d"},
        {"has:tempo", "abcdf"},
        {"-has:tempo", "e"},
        {"has:library", "abe"},
        {"-has:library", "cdf"},
        {"has:path", "abce"},
        {"has:external.mbid", "ac"},
        {"-has:external.mbid", "bdef"},
        {"has:payload.mood", "abf"},
        {"-has:payload.mood", "cde"},
        {"library:main", "abe"},
        {"-library:main", "cdf"},
        {"library:main,other", "abe"},
        {"path:/music/jazz/a.flac", "a"},
        {"path:/music/*", "abe"},
        {"path:*.mp3", "b"},
        {"path:*/b_1*", "b"},
        {"path:*/bx1*", ""},
        {"external.mbid:abc", "a"},
        {"external.mbid:ABC", ""},
        {"external.mbid:a*,d*", "ac"},
        {"external.other:abc", ""},
        {"key:8A", "b"},
        {"key:8a", "b"},
        {"key:Am", "b"},
        {"key:\"A minor\"", "b"},
        {"key:a-minor", "b"},
        {"key:\"Eb minor\"", "a"},
        {"key:D#m", "a"},
        {"key:D\xe2\x99\xafm", "a"},
        {"key:2A", "a"},
        {"key:C", "c"},
        {"key:8B", "c"},
        {"key:9B", "d"},
        {"key:D", "f"},
        {"key:9", "b"},
        {"key:[2 TO 3]", "af"},
        {"key:(8A OR 8B)", "bc"},
        {"key_compatible:8A", "bc"},
        {"key_compatible:Am", "bc"},
        {"key_compatible:9B", "cdf"}, /* 9B itself, 8B, 10B, 9A */
        {"mode:1", "cdf"},
        {"payload.mood:blue", "a"},
        {"payload.mood:happy", "b"},
        {"payload.mood:7", "f"},
        {"payload.mood:b*", "a"},
        {"payload.plays:[3 TO 4]", "b"},
        {"payload.plays:>=10", "a"},
        {"payload.plays:10", "a"},
        {"payload.tags:sax", "a"},
        {"payload.tags:live", "a"},
        {"payload.loved:true", "b"},
        {"payload.loved:false", "d"},
        {"payload.deep.er:x", "b"},
        {"-payload.mood:blue", "bcdef"},
        {"blue", "a"},
        {"blue tra", "a"},
        {"tra blue", ""},
        {"train blue", "a"},
        {"\"blue tra\"", ""},
        {"bjork", "b"},
        {"BJÖRK", "b"},
        {"title~bjork", "b"},
        {"artist~train", ""},
        {"title~\"x theme\"", "e"},
        {"album~ac/dc", "f"},
        {"ac/dc", "f"},
        {"\"!!!\"", ""},
        {"-blue", "bcdef"},
        {"-\"blue train\" year:*", "bcef"},
        {"genre:rock OR genre:jazz", "ade"},
        {"(genre:rock OR genre:jazz) year:>1900", "ae"},
        {"genre:rock OR genre:jazz year:1957", "ade"},
        {"genre:rock AND year:1996", "e"},
        {"genre:(rock,jazz) -(year:1957 OR year:1996)", "d"},
        {"((((genre:rock))))", "de"},
        {"added:>=2020", "abcdef"},
        {"added:<2020-01", ""},
        {"added:[2020-01-01 TO 2020-12-31]", ""},
        {"added:>=2020-01-31T12:00:00.5+02:00", "abcdef"},
        {"added:2020", ""},
        {"-added:2020", "abcdef"},
        {"tempo:>100 library:main key:2A artist~coltrane payload.plays:10", "a"},
    };
    tb_error err = {0};
    tb_store *store = make_library();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char letters[N_LIBRARY + 1];
        tb_filter *filter = NULL;
        if (tb_filter_parse(tb_store_fields(store), cases[i].text, &filter, &err) != TB_OK)
            fail_msg("%s: %s", cases[i].text, err.message);
        letters_of(store, filter, letters);
        if (strcmp(letters, cases[i].letters) != 0)
            fail_msg("%s: \"%s\", expected \"%s\"", cases[i].text, letters, cases[i].letters);
        tb_filter_free(filter);
    }
    tb_store_close(store);
}

static void mistakes_are_named_with_their_place(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tb_status status;
        const char *message; /* its beginning */
    } cases[] = {
        {"tempo:[90 120]", TB_SYNTAX, "filter, at character 11: expected TO, found \"120]\""},
        {"tempo:[90 TO 120", TB_SYNTAX, "filter, at character 17: expected ] or }, found the end"},
        {"tempo:[90 TO ]", TB_SYNTAX, "filter, at character 14: expected a value, found \"]\""},
        {"tempo:[", TB_SYNTAX, "filter, at character 8: expected a value, found the end"},
        {"tempo:", TB_SYNTAX, "filter, at character 7: expected a value, found the end"},
        {"tempo: 90", TB_SYNTAX, "filter, at character 7: expected a value, found the end"},
        {"tempo:>", TB_SYNTAX, "filter, at character 8: expected a value"},
        {"tempo:fast", TB_INVALID, "filter, at character 7: tempo takes a number, not \"fast\""},
        {"tempo:[slow TO 90]", TB_INVALID, "filter, at character 7: tempo takes a number, not \"slow\""},
        {"tempo:[* TO *]", TB_INVALID, "filter, at character 7: the range of tempo has no end"},
        {"tempo:nan", TB_INVALID, "filter, at character 7: tempo takes a number"},
        {"tempo:1e999", TB_INVALID, "filter, at character 7: tempo takes a number"},
        {"genre:rock temp:90", TB_NOT_FOUND,
         "filter, at character 12: there is no field \"temp\"; did you mean \"tempo\"?"},
        {"zzzzzzzz:1", TB_NOT_FOUND, "filter, at character 1: there is no field \"zzzzzzzz\""},
        {"has:artits", TB_NOT_FOUND,
         "filter, at character 5: there is no field \"artits\"; did you mean \"artist\"?"},
        {"artist:\"The X", TB_SYNTAX, "filter, at character 8: the quote is not closed"},
        {"artist:\"The X\\\"", TB_SYNTAX, "filter, at character 8: the quote is not closed"},
        {"artist:\"\\", TB_SYNTAX, "filter, at character 8: the quote is not closed"},
        {"björk (genre:rock", TB_SYNTAX, "filter, at character 18: expected ), found the end"},
        {"genre:rock)", TB_SYNTAX, "filter, at character 11: expected the end, found \")\""},
        {"()", TB_SYNTAX, "filter, at character 2: expected a condition, found \")\""},
        {"genre:rock OR", TB_SYNTAX, "filter, at character 14: expected a condition, found the end"},
        {"OR genre:rock", TB_SYNTAX, "filter, at character 1: expected a condition, found \"OR\""},
        {"genre:rock AND", TB_SYNTAX, "filter, at character 15: expected a condition"},
        {"-", TB_SYNTAX, "filter, at character 2: expected a condition"},
        {"NOT", TB_SYNTAX, "filter, at character 4: expected a condition"},
        {"genre:(rock pop)", TB_SYNTAX, "filter, at character 13: expected OR or ), found \"pop)\""},
        {"genre:(rock OR", TB_SYNTAX, "filter, at character 15: expected a value"},
        {"genre:rock,", TB_SYNTAX, "filter, at character 12: expected a value"},
        {"key:8C", TB_INVALID, "filter, at character 5: key takes a key such as 8A"},
        {"key:13A", TB_INVALID, "filter, at character 5: key takes a key"},
        {"key:H", TB_INVALID, "filter, at character 5: key takes a key"},
        {"key:12", TB_INVALID, "filter, at character 5: key takes a key"},
        {"key_compatible:9", TB_INVALID, "filter, at character 16: key_compatible takes a key"},
        {"has:key_compatible", TB_INVALID, "filter, at character 5: ask for key"},
        {"added:yesterday", TB_INVALID, "filter, at character 7: added takes a date such as 2026-01-31"},
        {"added:2026-02-30", TB_INVALID, "filter, at character 7: added takes a date"},
        {"added:2026-13", TB_INVALID, "filter, at character 7: added takes a date"},
        {"added:2026-01-31T25:00", TB_INVALID, "filter, at character 7: added takes a date"},
        {"genre:[a TO b]", TB_INVALID, "filter, at character 7: genre has no order"},
        {"library:>a", TB_INVALID, "filter, at character 10: library has no order"},
        {"tempo~fast", TB_INVALID, "filter, at character 7: tempo cannot be searched for words"},
        {"payload.:x", TB_NOT_FOUND, "filter, at character 1: there is no field \"payload.\""},
        {"payload.a..b:x", TB_INVALID, "filter, at character 14: \"payload.a..b\" is no name in a payload"},
        {"\xff", TB_SYNTAX, "the filter is not UTF-8"},
    };
    tb_error err = {0};
    tb_fields *fields;
    assert_ok(tb_fields_new(test_features, N_TEST_FEATURES, &fields, &err));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_filter *filter = NULL;
        const tb_status status = tb_filter_parse(fields, cases[i].text, &filter, &err);
        if (status != cases[i].status ||
            strncmp(err.message, cases[i].message, strlen(cases[i].message)) != 0)
            fail_msg("%s: %s \"%s\", expected %s \"%s\"", cases[i].text, tb_status_name(status), err.message,
                     tb_status_name(cases[i].status), cases[i].message);
        assert_null(filter);
        assert_true(tb_filter_parse(fields, cases[i].text, &filter, NULL) == cases[i].status);
    }
    tb_fields_free(fields);
}

/* The text n times, then the end: tb_free. */
static char *repeat(const char *text, size_t n, const char *end)
{
    tb_buffer out;
    tb_buffer_init(&out, 1 << 20);
    for (size_t i = 0; i < n; i++) assert_true(tb_buffer_append_text(&out, text) == TB_OK);
    assert_true(tb_buffer_append_text(&out, end) == TB_OK);
    return tb_buffer_take(&out);
}

static void too_much_is_refused(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_fields *fields;
    tb_filter *filter = NULL;
    assert_ok(tb_fields_new(test_features, N_TEST_FEATURES, &fields, &err));
    char *values = repeat("b,", 300, "c");
    char *texts[] = {repeat("(", 30000, "a"),   repeat("tempo:1 ", 300, ""), repeat("-(a OR ", 5000, ""),
                     repeat("a", 70000, ""),    repeat("a ", 2000, ""),      repeat("genre:", 1, values),
                     repeat("x", 300, ":1")};
    tb_free(values);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_status(tb_filter_parse(fields, texts[i], &filter, &err), TB_TOO_LARGE);
        tb_free(texts[i]);
    }
    char *many = repeat("-", 60000, "a"); /* a loop, not a recursion */
    assert_ok(tb_filter_parse(fields, many, &filter, &err));
    tb_filter_free(filter);
    tb_free(many);
    tb_fields_free(fields);
}

static void any_text_parses_or_is_refused(void **state)
{
    (void)state;
    static const char *const pieces[] = {
        "tempo:", "[", "{", " TO ", "]", "}", "90", "*", "(", ")", "-", " OR ", " AND ", "NOT ", "\"", "\\",
        ",", ":", "~", ">", "=", "genre:", "rock", "ö", "key:", "8A", " ", "has:", "payload.a:",
        "external.b:", "'", ";", "--", "%", "added:", "2020-01-01", "key_compatible:"};
    tb_error err = {0};
    tb_store *store = make_library();
    tb_rng rng;
    tb_rng_init(&rng, 7);
    size_t n_parsed = 0;
    for (int round = 0; round < 20000; round++) {
        tb_buffer text;
        tb_buffer_init(&text, 1000);
        const size_t n = 1 + tb_rng_below(&rng, 12);
        for (size_t i = 0; i < n; i++)
            assert_true(tb_buffer_append_text(&text,
                                              pieces[tb_rng_below(&rng, sizeof pieces / sizeof *pieces)]) ==
                        TB_OK);
        tb_filter *filter = NULL;
        int64_t count;
        if (tb_filter_parse(tb_store_fields(store), text.bytes, &filter, &err) != TB_OK) {
            assert_null(filter);
            tb_buffer_clear(&text);
            continue;
        }
        if (tb_store_count_tracks(store, filter, NULL, &count, &err) != TB_OK)
            fail_msg("%s: %s", text.bytes, err.message);
        tb_filter_free(filter);
        tb_buffer_clear(&text);
        n_parsed++;
    }
    assert_true(n_parsed > 1000);
    tb_store_close(store);
}

static void words_of_any_kind_never_break_the_query(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "\"", "\"\"", "a\"b", "'", "*", "^a", "a*", "NEAR(a b)", "a AND", "OR", "NOT a", "title:a",
        "{title}: a", "(", ")", "-a", "+", "a + b", "\\", ";DROP TABLE tracks;--", "%", "_", "\t\n", "!!!",
        "ö", "日本", "\xf0\x9f\x8e\xb5", "a:b:c", "{", "}", "[", ","};
    tb_error err = {0};
    tb_store *store = make_library();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        int64_t n = -1;
        if (tb_store_count_tracks(store, NULL, texts[i], &n, &err) != TB_OK)
            fail_msg("%s: %s", texts[i], err.message);
        tb_track_page page;
        const tb_track_page_options options = {.words = texts[i], .sort = "relevance", .limit = 10};
        const tb_status status = tb_store_list_tracks(store, &options, &page, &err);
        if (status == TB_OK)
            tb_track_page_clear(&page);
        else /* blank words have no relevance */
            assert_status(status, TB_INVALID);
        tb_filter *filter = NULL;
        assert_ok(tb_filter_new(tb_store_fields(store), &filter, &err));
        assert_ok(tb_filter_words(filter, TB_FILTER_MUST, "title", texts[i], &err));
        assert_ok(tb_store_count_tracks(store, filter, NULL, &n, &err));
        tb_filter_free(filter);
    }
    int64_t n;
    assert_status(tb_store_count_tracks(store, NULL, "\xff", &n, &err), TB_INVALID);
    assert_ok(tb_store_count_tracks(store, NULL, "love", &n, &err));
    assert_int_equal(n, 1);
    tb_store_close(store);
}

/* --- the builder -------------------------------------------------------------------------------------- */

static tb_filter *empty_filter(tb_store *store)
{
    tb_error err = {0};
    tb_filter *filter = NULL;
    assert_ok(tb_filter_new(tb_store_fields(store), &filter, &err));
    assert_true(tb_filter_is_empty(filter));
    return filter;
}

static void builder_combines_clauses(void **state)
{
    (void)state;
    tb_error err = {0};
    char letters[N_LIBRARY + 1];
    tb_store *store = make_library();
    tb_filter *filter = empty_filter(store);
    const tb_filter_value rock = TB_FILTER_STRING("rock"), pop = TB_FILTER_STRING("pop"),
                          y1996 = TB_FILTER_NUMBER(1996);
    const tb_filter_range fast = {.gte = TB_FILTER_NUMBER(90),
                                  .gt = TB_FILTER_OPEN,
                                  .lte = TB_FILTER_OPEN,
                                  .lt = TB_FILTER_OPEN};
    assert_ok(tb_filter_match(filter, TB_FILTER_SHOULD, "genre", &rock, 1, &err));
    assert_ok(tb_filter_match(filter, TB_FILTER_SHOULD, "genre", &pop, 1, &err));
    assert_ok(tb_filter_match(filter, TB_FILTER_SHOULD, "year", &y1996, 1, &err));
    assert_false(tb_filter_is_empty(filter));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "bde");
    assert_ok(tb_filter_min_should(filter, 2, &err));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "e");
    assert_ok(tb_filter_min_should(filter, 4, &err)); /* more than there are */
    letters_of(store, filter, letters);
    assert_string_equal(letters, "");
    assert_ok(tb_filter_min_should(filter, 0, &err));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "abcdef");
    assert_ok(tb_filter_min_should(filter, 1, &err));
    assert_ok(tb_filter_range_of(filter, TB_FILTER_MUST, "tempo", &fast, &err));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "bd");
    tb_filter *inner = empty_filter(store);
    assert_ok(tb_filter_empty(inner, TB_FILTER_MUST, "artist", &err));
    assert_ok(tb_filter_group(filter, TB_FILTER_MUST_NOT, inner, &err));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "b");
    tb_filter_free(filter);
    tb_filter_free(NULL);
    tb_store_close(store);
}

static void many_ids_make_one_condition(void **state)
{
    (void)state;
    enum { N = 9000 };
    tb_error err = {0};
    tb_store *store = make_library();
    static char texts[N][20];
    static tb_filter_value values[N + 2000];
    for (size_t i = 0; i < N; i++) {
        snprintf(texts[i], sizeof texts[i], "id%014zu", i);
        values[i] = TB_FILTER_STRING(texts[i]);
    }
    tb_track_row track;
    assert_ok(tb_store_get_track(store, 3, 0, &track, &err));
    values[4000].text = track.uid;
    tb_filter *filter = empty_filter(store);
    char letters[N_LIBRARY + 1];
    assert_ok(tb_filter_match(filter, TB_FILTER_MUST, "id", values, N, &err));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "c");
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "id", values, 2000, &err), TB_TOO_LARGE);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "id", values, N + 2000, &err), TB_TOO_LARGE);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "genre", values, 1000, &err), TB_TOO_LARGE);
    letters_of(store, filter, letters); /* what failed left no trace */
    assert_string_equal(letters, "c");
    tb_filter_free(filter);
    tb_track_row_clear(&track);
    tb_store_close(store);
}

static void largest_filters_still_run(void **state)
{
    (void)state;
    tb_error err = {0};
    char letters[N_LIBRARY + 1];
    tb_store *store = make_library();
    tb_filter *filter = empty_filter(store);
    tb_filter_value values[100];
    for (size_t i = 0; i < 100; i++)
        values[i] = TB_FILTER_STRING(i == 99 ? "happy" : "true"); /* three ORs each */
    assert_ok(tb_filter_match(filter, TB_FILTER_MUST, "payload.mood", values, 100, &err));
    for (size_t i = 0; i < 100; i++) assert_ok(tb_filter_empty(filter, TB_FILTER_MUST_NOT, "genre", &err));
    for (int depth = 1; depth < TB_FILTER_MAX_DEPTH - 1; depth++) {
        tb_filter *outer = empty_filter(store);
        assert_ok(tb_filter_group(outer, TB_FILTER_SHOULD, filter, &err));
        filter = outer;
    }
    for (size_t i = 0; i < 130; i++) assert_ok(tb_filter_empty(filter, TB_FILTER_MUST_NOT, "genre", &err));
    letters_of(store, filter, letters);
    assert_string_equal(letters, "b");
    tb_filter_free(filter);
    tb_store_close(store);
}

static void builder_refuses_what_makes_no_sense(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_library();
    tb_filter *filter = empty_filter(store);
    const tb_filter_value nan_value = TB_FILTER_NUMBER(NAN), text = TB_FILTER_STRING("x"),
                          bytes = TB_FILTER_STRING("\xff"), number = TB_FILTER_NUMBER(5);
    tb_filter_range range = {TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN, TB_FILTER_OPEN};
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "nothing", &text, 1, &err), TB_NOT_FOUND);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "tempo", &nan_value, 1, &err), TB_INVALID);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "artist", &nan_value, 1, &err), TB_INVALID);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "tempo", &text, 1, &err), TB_INVALID);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "artist", &bytes, 1, &err), TB_INVALID);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "artist", &text, 0, &err), TB_INVALID);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "external.\xff", &text, 1, &err), TB_INVALID);
    assert_status(tb_filter_match(filter, TB_FILTER_MUST, "payload.a\"b", &text, 1, &err), TB_INVALID);
    assert_status(tb_filter_range_of(filter, TB_FILTER_MUST, "tempo", &range, &err), TB_INVALID);
    range.gt = range.gte = number;
    assert_status(tb_filter_range_of(filter, TB_FILTER_MUST, "tempo", &range, &err), TB_INVALID);
    assert_status(tb_filter_words(filter, TB_FILTER_MUST, "year", "x", &err), TB_INVALID);
    assert_status(tb_filter_min_should(filter, 1000000, &err), TB_INVALID);
    assert_true(tb_filter_is_empty(filter));
    assert_ok(tb_filter_match(filter, TB_FILTER_MUST, "title", &number, 1, &err)); /* a title may be "5" */
    tb_filter_free(filter);
    tb_store_close(store);
}

static void fields_can_be_listed(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_fields *fields;
    const char *const no_mode[] = {"key"};
    size_t n = 0;
    bool has_tempo = false;
    assert_ok(tb_fields_new(test_features, N_TEST_FEATURES, &fields, &err));
    for (const tb_field *field; (field = tb_fields_at(fields, n)); n++)
        if (strcmp(tb_field_name(field), "tempo") == 0) {
            has_tempo = true;
            assert_int_equal(tb_field_kind(field), TB_FIELD_NUMBER);
            assert_true(tb_field_sortable(field));
        }
    assert_true(has_tempo);
    assert_true(n > 20);
    assert_int_equal(tb_fields_n_features(fields), N_TEST_FEATURES);
    assert_string_equal(tb_fields_feature(fields, 1), "loudness");
    assert_null(tb_fields_feature(fields, N_TEST_FEATURES));
    tb_fields_free(fields);
    assert_ok(tb_fields_new(no_mode, 1, &fields, &err)); /* without mode, key is a plain number */
    tb_filter *filter = NULL;
    assert_status(tb_filter_parse(fields, "key:8A", &filter, &err), TB_INVALID);
    assert_status(tb_filter_parse(fields, "key_compatible:8A", &filter, &err), TB_NOT_FOUND);
    tb_fields_free(fields);
    tb_fields_free(NULL);
}

static void camelot_wheel_is_whole(void **state)
{
    (void)state;
    static const char *const wheel[12][2] = {{"Abm", "B"}, {"Ebm", "F#"}, {"Bbm", "Db"}, {"Fm", "Ab"},
                                             {"Cm", "Eb"}, {"Gm", "Bb"},  {"Dm", "F"},   {"Am", "C"},
                                             {"Em", "G"},  {"Bm", "D"},   {"F#m", "A"},  {"Dbm", "E"}};
    tb_error err = {0};
    tb_store *store = test_open_new();
    for (unsigned i = 0; i < 24; i++) {
        const tb_feature_value features[] = {{"key", i % 12}, {"mode", i / 12}};
        tb_track_put put = test_put(i);
        put.features = features;
        put.n_features = 2;
        test_add(store, &put);
    }
    for (int number = 1; number <= 12; number++)
        for (int letter = 0; letter < 2; letter++) {
            char text[100];
            int64_t n = 0;
            tb_filter *filter = NULL;
            snprintf(text, sizeof text, "key:%d%c key:%s", number, 'A' + letter, wheel[number - 1][letter]);
            assert_ok(tb_filter_parse(tb_store_fields(store), text, &filter, &err));
            assert_ok(tb_store_count_tracks(store, filter, NULL, &n, &err));
            if (n != 1) fail_msg("%s: %d", text, (int)n);
            tb_filter_free(filter);
            snprintf(text, sizeof text, "key_compatible:%d%c key:(%d%c OR %d%c OR %d%c OR %d%c)", number,
                     'A' + letter, number, 'A' + letter, number, 'B' - letter, number % 12 + 1, 'A' + letter,
                     (number + 10) % 12 + 1, 'A' + letter);
            assert_ok(tb_filter_parse(tb_store_fields(store), text, &filter, &err));
            assert_ok(tb_store_count_tracks(store, filter, NULL, &n, &err));
            if (n != 4) fail_msg("%s: %d", text, (int)n);
            tb_filter_free(filter);
        }
    tb_store_close(store);
}

static void parsing_survives_each_allocation_failing(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_store *store = make_library();
    for (size_t n = 1;; n++) {
        tb_filter *filter = NULL;
        int64_t *ids = NULL;
        size_t n_ids = 0;
        tb_alloc_fail_after(n);
        tb_status status = tb_filter_parse(tb_store_fields(store),
                                           "(tempo:[90 TO 130] OR key_compatible:8A) -artist:\"a\" "
                                           "payload.plays:>1 genre:a*,Jazz has:external.mbid blue tr",
                                           &filter, &err);
        if (status == TB_OK) status = tb_store_filter_ids(store, filter, &ids, &n_ids, &err);
        tb_alloc_fail_after(0);
        tb_filter_free(filter);
        tb_free(ids);
        if (status == TB_OK) break;
        assert_status(status, TB_NO_MEMORY);
    }
    tb_store_close(store);
}

TB_TESTS(filter, cmocka_unit_test(short_form_leaves_the_right_tracks),
         cmocka_unit_test(mistakes_are_named_with_their_place), cmocka_unit_test(too_much_is_refused),
         cmocka_unit_test(any_text_parses_or_is_refused),
         cmocka_unit_test(words_of_any_kind_never_break_the_query),
         cmocka_unit_test(builder_combines_clauses), cmocka_unit_test(many_ids_make_one_condition),
         cmocka_unit_test(largest_filters_still_run), cmocka_unit_test(builder_refuses_what_makes_no_sense),
         cmocka_unit_test(fields_can_be_listed), cmocka_unit_test(camelot_wheel_is_whole),
         cmocka_unit_test(parsing_survives_each_allocation_failing))
