// SPDX-License-Identifier: MIT
/* The log: form of the lines, levels, and that nobody can forge one. */
#include "support/testing.h"

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

typedef struct captured {
    char *text;
    size_t size;
    FILE *stream;
} captured;

static void begin(captured *log, tb_log_level level, bool json)
{
    log->stream = open_memstream(&log->text, &log->size);
    assert_non_null(log->stream);
    tb_log_setup(log->stream, level, json);
}

/* The log goes back to stderr; log->text is freed with free. */
static const char *end(captured *log)
{
    tb_log_setup(NULL, TB_LOG_WARN, false);
    fclose(log->stream);
    return log->text;
}

static size_t count(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++) n += *text == c;
    return n;
}

static void text_lines_have_time_level_and_component(void **state)
{
    (void)state;
    captured log;
    begin(&log, TB_LOG_INFO, false);
    tb_log(TB_LOG_INFO, "http", "listening on %s:%d", "127.0.0.1", 8080);
    tb_log(TB_LOG_ERROR, "store", "no");
    const char *text = end(&log);
    assert_int_equal(text[10], 'T');
    assert_int_equal(text[23], 'Z');
    const char expected[] = " info  http  listening on 127.0.0.1:8080\n";
    assert_memory_equal(text + 24, expected, sizeof expected - 1);
    assert_non_null(strstr(text, "Z error store no\n"));
    free(log.text);
}

static void json_lines_are_json(void **state)
{
    (void)state;
    captured log;
    begin(&log, TB_LOG_DEBUG, true);
    tb_log(TB_LOG_DEBUG, "http", "say \"%s\" \\ \t \x1b \x7f \xc3\xa9 \xff", "hi");
    const char *text = end(&log);
    assert_memory_equal(text, "{\"time\":\"", 9);
    assert_string_equal(text + 9 + 24, "\",\"level\":\"debug\",\"component\":\"http\",\"message\":"
                                       "\"say \\\"hi\\\" \\\\ \\t \\u001b \\u007f \xc3\xa9 \\ufffd\"}\n");
    free(log.text);
}

static void a_message_cannot_forge_a_line(void **state)
{
    (void)state;
    static const char attack[] = "x\n2026-01-31T12:00:00.000Z info  http  forged\r\n\x1b[2K \xe2\x80\xa8 \xc2\x9b \xc2\x85 \xff";
    for (int json = 0; json < 2; json++) {
        captured log;
        begin(&log, TB_LOG_INFO, json);
        tb_log(TB_LOG_INFO, "http", "%s", attack);
        const char *text = end(&log);
        assert_int_equal(count(text, '\n'), 1);
        assert_int_equal(count(text, '\r'), 0);
        assert_int_equal(count(text, '\x1b'), 0);
        assert_true(tb_utf8_valid(text, strlen(text)));
        assert_null(strstr(text, "\xe2\x80\xa8"));
        assert_null(strstr(text, "\xc2\x9b"));
        assert_non_null(strstr(text, "x\\n2026"));
        free(log.text);
    }
}

static void lower_levels_are_left_out(void **state)
{
    (void)state;
    captured log;
    begin(&log, TB_LOG_WARN, false);
    assert_false(tb_log_enabled(TB_LOG_INFO));
    assert_true(tb_log_enabled(TB_LOG_WARN));
    tb_log(TB_LOG_INFO, "a", "one");
    tb_log(TB_LOG_WARN, "a", "two");
    tb_log_setup(log.stream, TB_LOG_OFF, false);
    assert_false(tb_log_enabled(TB_LOG_ERROR));
    tb_log(TB_LOG_ERROR, "a", "three");
    const char *text = end(&log);
    assert_int_equal(count(text, '\n'), 1);
    assert_non_null(strstr(text, "two"));
    free(log.text);
}

static void long_messages_are_cut_between_characters(void **state)
{
    (void)state;
    enum { SIZE = 30001 };
    char *message = tb_alloc(SIZE, 1);
    for (size_t i = 0; i + 3 < SIZE; i += 3) memcpy(message + i, "\xe2\x82\xac", 3);
    for (int json = 0; json < 2; json++) {
        captured log;
        begin(&log, TB_LOG_INFO, json);
        tb_log(TB_LOG_INFO, "a", "%s", message);
        tb_log(TB_LOG_INFO, "a", "next");
        const char *text = end(&log);
        assert_int_equal(count(text, '\n'), 2);
        assert_true(tb_utf8_valid(text, strlen(text)));
        assert_true(strlen(text) < 3000);
        free(log.text);
    }
    memset(message, 1, SIZE - 1); /* each byte becomes six */
    captured log;
    begin(&log, TB_LOG_INFO, true);
    tb_log(TB_LOG_INFO, "a", "%s", message);
    const char *text = end(&log);
    assert_string_equal(text + strlen(text) - 9, "\\u0001\"}\n");
    free(log.text);
    tb_free(message);
}

static void *log_many(void *context)
{
    for (int i = 0; i < 500; i++) tb_log(TB_LOG_INFO, "a", "thread %s", (const char *)context);
    return NULL;
}

static void lines_of_many_threads_stay_whole(void **state)
{
    (void)state;
    captured log;
    begin(&log, TB_LOG_INFO, false);
    static char a[] = "aaaaaaaaaaaaaaaaaaaa", b[] = "bbbbbbbbbbbbbbbbbbbb";
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) assert_int_equal(pthread_create(&threads[i], NULL, log_many, i % 2 ? a : b), 0);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    end(&log);
    size_t n_lines = 0;
    char *rest = NULL;
    for (char *line = strtok_r(log.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), n_lines++) {
        const char *tail = line + strlen(line) - 27;
        assert_true(strcmp(tail, "thread aaaaaaaaaaaaaaaaaaaa") == 0 || strcmp(tail, "thread bbbbbbbbbbbbbbbbbbbb") == 0);
    }
    assert_int_equal(n_lines, 2000);
    free(log.text);
}

TB_TESTS(log, cmocka_unit_test(text_lines_have_time_level_and_component), cmocka_unit_test(json_lines_are_json),
         cmocka_unit_test(a_message_cannot_forge_a_line), cmocka_unit_test(lower_levels_are_left_out),
         cmocka_unit_test(long_messages_are_cut_between_characters),
         cmocka_unit_test(lines_of_many_threads_stay_whole))
