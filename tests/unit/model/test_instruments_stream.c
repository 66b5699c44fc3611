// SPDX-License-Identifier: MIT
/* The model "instruments" as it is served: windows in time, files that are broken, memory that runs out. */
#include "support/instruments_model.h"
#include "unit/model/sounds.h"

#include "base/fs.h"
#include "model/band_spectrum.h"

#include <math.h>
#include <string.h>

static tb_error err;

enum { SECOND = SOUND_RATE, N_BANDS = 40 };

static tb_model *open_written(tb_model_writer *writer, tb_status expected)
{
    tb_model *model = NULL;
    char *path = tb_fs_join(tb_test_folder(), "instruments.safetensors");
    assert_ok(tb_model_writer_save(writer, path, &err));
    tb_model_writer_free(writer);
    assert_status(tb_model_open(path, &model, &err), expected);
    tb_free(path);
    return model;
}

static tb_model *open_random(float threshold)
{
    return open_written(make_random_instruments(N_BANDS, threshold, 3), TB_OK);
}

static void info_names_the_five_instruments(void **state)
{
    (void)state;
    static const char *const names[] = {"drums", "bass", "piano", "guitar", "others"};
    tb_model *model = open_random(0);
    const tb_model_info *info = tb_model_get_info(model);
    assert_int_equal(info->n_parts, TB_INSTRUMENTS_PARTS);
    assert_int_equal(info->dim, TB_INSTRUMENTS_DIM);
    assert_true(info->unit_length);
    for (size_t p = 0; p < info->n_parts; p++) {
        assert_string_equal(info->parts[p].name, names[p]);
        assert_int_equal(info->parts[p].offset, p * TB_INSTRUMENTS_PART_DIM);
    }
    tb_model_close(model);
}

static void windows_follow_one_another_and_the_last_ends_with_the_track(void **state)
{
    (void)state;
    enum { N = 40 * SECOND }; /* more than one batch */
    tb_model *model = open_random(0);
    const tb_model_info *info = tb_model_get_info(model);
    float *music = make_music(5, N);
    heard out;
    hear_by(model, music, N, 0, &out);
    assert_int_equal(out.n, 14);
    for (size_t i = 0; i < out.n; i++) assert_near(out.duration_s[i], info->window_s, 1e-9);
    for (size_t i = 0; i + 1 < out.n; i++) assert_near(out.start_s[i], (double)i * info->hop_s, 1e-9);
    assert_near(out.start_s[out.n - 1] + out.duration_s[out.n - 1], 40, 0.08);
    assert_sane(&out);
    heard_clear(&out);
    tb_free(music);
    tb_model_close(model);
}

static void blocks_make_no_difference_to_the_bit(void **state)
{
    (void)state;
    enum { N = 31 * SECOND + 123 };
    static const size_t blocks[] = {511, 512, 4096, 100000};
    tb_model *model = open_random(0);
    float *music = make_music(3, N);
    heard whole;
    hear_by(model, music, N, 0, &whole);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        heard cut;
        hear_by(model, music, N, blocks[i], &cut);
        assert_int_equal(cut.n, whole.n);
        assert_memory_equal(cut.vectors, whole.vectors, whole.n * whole.dim * sizeof(float));
        assert_memory_equal(cut.presence, whole.presence, whole.n * whole.n_parts * sizeof(float));
        heard_clear(&cut);
    }
    heard_clear(&whole);
    tb_free(music);
    tb_model_close(model);
}

static void any_length_gives_a_segment_of_that_length(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2047, 2048, 2560, 3072, 22050, 66559};
    tb_model *model = open_random(0);
    float *music = make_music(7, 70000);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        heard out;
        hear_by(model, music + 1000, lengths[i], 0, &out);
        assert_int_equal(out.n, 1);
        assert_near(out.duration_s[0], (double)lengths[i] / SECOND, 1e-9);
        assert_true(out.presence[0] > 0);
        assert_sane(&out);
        heard_clear(&out);
    }
    tb_free(music);
    tb_model_close(model);
}

static void a_repeated_second_is_heard_as_if_it_went_on(void **state)
{
    (void)state;
    tb_model *model = open_random(0);
    float *tone = make_sine(440, 0.3f, 5 * SECOND);
    heard one, long_one;
    hear_by(model, tone, SECOND, 0, &one);
    hear_by(model, tone, 5 * SECOND, 0, &long_one);
    for (size_t p = 0; p < TB_INSTRUMENTS_PARTS; p++) {
        double cosine = 0;
        for (size_t k = 0; k < TB_INSTRUMENTS_PART_DIM; k++)
            cosine += (double)one.vectors[p * TB_INSTRUMENTS_PART_DIM + k] * (double)long_one.vectors[p * TB_INSTRUMENTS_PART_DIM + k];
        assert_true(cosine > 0.97); /* but for the long window, which has silence before the first second */
    }
    heard_clear(&one);
    heard_clear(&long_one);
    tb_free(tone);
    tb_model_close(model);
}

static void silence_has_no_parts(void **state)
{
    (void)state;
    tb_model *model = open_random(0);
    float *silence = make_constant(0, 10 * SECOND);
    heard out;
    hear_by(model, silence, 10 * SECOND, 0, &out);
    assert_int_equal(out.n, 4);
    for (size_t i = 0; i < out.n * out.n_parts; i++) assert_near(out.presence[i], 0, 0);
    for (size_t i = 0; i < out.n * out.dim; i++) assert_near(out.vectors[i], 0, 0);
    heard_clear(&out);
    tb_free(silence);
    tb_model_close(model);
}

static void parts_below_the_threshold_are_absent_but_for_one(void **state)
{
    (void)state;
    tb_model *model = open_random(1.5f); /* more than a presence can be */
    float *music = make_music(2, 4 * SECOND);
    heard out;
    hear_by(model, music, 4 * SECOND, 0, &out);
    for (size_t i = 0; i < out.n; i++) {
        size_t n_present = 0;
        for (size_t p = 0; p < out.n_parts; p++) n_present += out.presence[i * out.n_parts + p] > 0;
        assert_int_equal(n_present, 1);
    }
    assert_sane(&out);
    heard_clear(&out);
    tb_free(music);
    tb_model_close(model);
}

static void broken_files_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *key, *text, *says;
        tb_status expected;
    } cases[] = {
        {"format", "2", "format", TB_UNSUPPORTED},
        {"bands", "many", "bands", TB_CORRUPT},
        {"bands", "100000", "bands", TB_CORRUPT},
        {"bands", "41", "input.mean", TB_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_model_writer *writer = make_random_instruments(N_BANDS, 0, 3);
        assert_ok(tb_model_writer_metadata(writer, cases[i].key, cases[i].text, &err));
        assert_null(open_written(writer, cases[i].expected));
        if (strstr(err.message, cases[i].says) == NULL) fail_msg("\"%s\" does not name %s", err.message, cases[i].says);
    }
    tb_model_writer *writer = make_random_instruments(N_BANDS, 0, 3);
    assert_ok(tb_model_writer_metadata(writer, "network", "input 64 40 1\nmean all\nflatten\ndense 3\n", &err));
    assert_null(open_written(writer, TB_CORRUPT));
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    char *path = tb_fs_join(tb_test_folder(), "small.safetensors");
    write_random_instruments(path, 8, 0, 1);
    for (size_t after = 1;; after++) {
        tb_model *model = NULL;
        tb_alloc_fail_after(after);
        const tb_status status = tb_model_open(path, &model, &err);
        tb_alloc_fail_after(0);
        if (status == TB_OK) {
            assert_true(after > 10);
            tb_model_close(model);
            break;
        }
        assert_int_equal(status, TB_NO_MEMORY);
        assert_null(model);
    }
    tb_free(path);
}

TB_TESTS(instruments_stream, cmocka_unit_test(info_names_the_five_instruments),
         cmocka_unit_test(windows_follow_one_another_and_the_last_ends_with_the_track),
         cmocka_unit_test(blocks_make_no_difference_to_the_bit), cmocka_unit_test(any_length_gives_a_segment_of_that_length),
         cmocka_unit_test(a_repeated_second_is_heard_as_if_it_went_on), cmocka_unit_test(silence_has_no_parts),
         cmocka_unit_test(parts_below_the_threshold_are_absent_but_for_one), cmocka_unit_test(broken_files_are_refused),
         cmocka_unit_test(each_allocation_may_fail))
