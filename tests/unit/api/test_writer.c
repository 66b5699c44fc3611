// SPDX-License-Identifier: MIT
#include "api/writer.h"

#include "base/alloc.h"
#include "base/rng.h"
#include "support/testing.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *write_number(double value)
{
    static char out[64];
    tb_buffer buffer;
    tb_writer writer;
    tb_buffer_init(&buffer, 64);
    tb_writer_init(&writer, &buffer);
    tb_writer_number(&writer, NULL, value);
    assert_status(writer.status, TB_OK);
    snprintf(out, sizeof out, "%s", buffer.bytes);
    tb_buffer_clear(&buffer);
    return out;
}

static double read_back(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!json || !json_is_number(json)) fail_msg("\"%s\" is not a JSON number", text);
    const double value = json_number_value(json);
    json_decref(json);
    return value;
}

static void numbers_have_seven_digits(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0, "0"},
                 {-0.0, "0"},
                 {1, "1"},
                 {-1, "-1"},
                 {0.1, "0.1"},
                 {0.5, "0.5"},
                 {100, "100"},
                 {1e6, "1000000"},
                 {0.000001, "0.000001"},
                 {0.05, "0.05"},
                 {-2.5, "-2.5"},
                 {184.2, "184.2"},
                 {1.0 / 3, "0.3333333"},
                 {2.0 / 3, "0.6666667"},
                 {0.99999999, "1"},
                 {9.99999999, "10"},
                 {123456789, "123456789"},
                 {12345678.9, "12345679"},
                 {1769860800000.0, "1769860800000"},
                 {440.00001, "440"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {-INFINITY, "null"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(write_number(cases[i].value), cases[i].text);
}

static void any_number_reads_back_nearly(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 1);
    for (int i = 0; i < 20000; i++) {
        const double value = ldexp(tb_rng_normal(&rng), (int)tb_rng_below(&rng, 120) - 60);
        const double read = read_back(write_number(value));
        if (fabs(read - value) > fabs(value) * 6e-7) fail_msg("%.17g came back as %.17g", value, read);
    }
}

static void floats_read_back_exactly(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 2);
    tb_buffer buffer;
    tb_buffer_init(&buffer, 1000);
    for (int i = 0; i < 20000; i++) {
        const float value = (float)ldexp(tb_rng_normal(&rng), (int)tb_rng_below(&rng, 80) - 40);
        tb_writer writer;
        tb_writer_init(&writer, &buffer);
        tb_writer_float(&writer, NULL, value);
        assert_status(writer.status, TB_OK);
        const float read = (float)read_back(buffer.bytes);
        if (read != value)
            fail_msg("%.9g came back as %.9g from %s", (double)value, (double)read, buffer.bytes);
        tb_buffer_clear(&buffer);
    }
    tb_writer writer;
    tb_writer_init(&writer, &buffer);
    tb_writer_floats(&writer, NULL, (const float[]){0.1f, -0.25f, NAN, 3e-20f}, 4);
    assert_string_equal(buffer.bytes, "[0.1,-0.25,null,2.9999999047965676e-20]");
    tb_buffer_clear(&buffer);
}

static void nested_values_get_their_commas(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_writer writer;
    tb_buffer_init(&buffer, 1000);
    tb_writer_init(&writer, &buffer);
    tb_writer_open(&writer, NULL, '{');
    tb_writer_open(&writer, "empty", '[');
    tb_writer_close(&writer, ']');
    tb_writer_open(&writer, "list", '[');
    tb_writer_integer(&writer, NULL, -5);
    tb_writer_integer(&writer, NULL, INT64_MIN);
    tb_writer_integer(&writer, NULL, 0);
    tb_writer_bool(&writer, NULL, true);
    tb_writer_open(&writer, NULL, '{');
    tb_writer_close(&writer, '}');
    tb_writer_null(&writer, NULL);
    tb_writer_close(&writer, ']');
    tb_writer_string(&writer, "none", NULL);
    tb_writer_time(&writer, "never", 0);
    tb_writer_time(&writer, "then", 1769860800000);
    tb_writer_json(&writer, "json", "{\"a\":1}");
    tb_writer_json(&writer, "no_json", NULL);
    tb_writer_bool(&writer, "no", false);
    tb_writer_close(&writer, '}');
    assert_status(writer.status, TB_OK);
    assert_string_equal(
        buffer.bytes,
        "{\"empty\":[],\"list\":[-5,-9223372036854775808,0,true,{},null],\"none\":null,\"never\":null,"
        "\"then\":\"2026-01-31T12:00:00.000Z\",\"json\":{\"a\":1},\"no_json\":null,\"no\":false}");
    tb_buffer_clear(&buffer);
}

static void any_bytes_make_a_valid_string(void **state)
{
    (void)state;
    tb_rng rng;
    tb_rng_init(&rng, 3);
    for (int i = 0; i < 5000; i++) {
        char text[40];
        const size_t size = tb_rng_below(&rng, sizeof text - 1);
        for (size_t k = 0; k < size; k++) text[k] = (char)(1 + tb_rng_below(&rng, 255));
        text[size] = '\0';
        tb_buffer buffer;
        tb_writer writer;
        tb_buffer_init(&buffer, 1000);
        tb_writer_init(&writer, &buffer);
        tb_writer_string(&writer, NULL, text);
        json_t *json = json_loads(buffer.bytes, JSON_DECODE_ANY, NULL);
        if (!json) fail_msg("not JSON: %s", buffer.bytes);
        json_decref(json);
        tb_buffer_clear(&buffer);
    }
}

static void the_first_failure_is_kept(void **state)
{
    (void)state;
    tb_buffer buffer;
    tb_writer writer;
    tb_buffer_init(&buffer, 20);
    tb_writer_init(&writer, &buffer);
    tb_writer_string(&writer, NULL, "a");
    assert_status(writer.status, TB_OK);
    tb_writer_string(&writer, NULL, "longer than the room");
    tb_writer_integer(&writer, NULL, 1);
    assert_status(writer.status, TB_TOO_LARGE);
    tb_buffer_clear(&buffer);
}

TB_TESTS(writer, cmocka_unit_test(numbers_have_seven_digits), cmocka_unit_test(any_number_reads_back_nearly),
         cmocka_unit_test(floats_read_back_exactly), cmocka_unit_test(nested_values_get_their_commas),
         cmocka_unit_test(any_bytes_make_a_valid_string), cmocka_unit_test(the_first_failure_is_kept))
