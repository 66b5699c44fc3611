// SPDX-License-Identifier: MIT
/* Opening models, pooling segments, the statistics behind the descriptors, and eigenvectors. */
#include "support/testing.h"
#include "unit/model/sounds.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/rng.h"
#include "model/descriptor_stats.h"
#include "model/eigen.h"
#include "nn/model_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static tb_error err;

static void info_tells_the_parts(void **state)
{
    (void)state;
    static const char *const names[] = {"timbre", "harmony", "rhythm", "dynamics"};
    const tb_model_info *info = tb_model_get_info(test_model());
    size_t end = 0;
    assert_string_equal(info->name, "descriptors");
    assert_int_equal(strlen(info->version), 16);
    assert_int_equal(info->n_parts, 4);
    assert_true(info->unit_length);
    for (size_t p = 0; p < info->n_parts; p++) {
        assert_string_equal(info->parts[p].name, names[p]);
        assert_int_equal(info->parts[p].offset, end);
        assert_int_equal(info->parts[p].dim % 8, 0);
        assert_near(info->parts[p].default_weight, 1, 0);
        end += info->parts[p].dim;
    }
    assert_int_equal(end, info->dim);
}

/* Writes a model file of that kind and format with nothing in it. */
static char *write_empty_model(const char *kind, const char *format)
{
    tb_model_writer *writer = NULL;
    char *path = tb_fs_join(tb_test_folder(), "empty.safetensors");
    assert_ok(tb_model_writer_new(&writer, &err));
    if (kind != NULL) assert_ok(tb_model_writer_metadata(writer, "kind", kind, &err));
    assert_ok(tb_model_writer_metadata(writer, "name", "x", &err));
    assert_ok(tb_model_writer_metadata(writer, "format", format, &err));
    assert_ok(tb_model_writer_save(writer, path, &err));
    tb_model_writer_free(writer);
    return path;
}

static void models_that_are_not_understood_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *kind, *format;
        tb_status expected;
    } cases[] = {{NULL, "1", TB_CORRUPT}, {"dreams", "1", TB_UNSUPPORTED}, {"descriptors", "999", TB_UNSUPPORTED},
                 {"descriptors", TB_DESCRIPTOR_FORMAT, TB_CORRUPT}};
    tb_model *model = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = write_empty_model(cases[i].kind, cases[i].format);
        assert_status(tb_model_open(path, &model, &err), cases[i].expected);
        assert_non_null(strstr(err.message, "empty.safetensors"));
        assert_null(model);
        tb_free(path);
    }
    assert_status(tb_model_open("/nonexistent", &model, &err), TB_NOT_FOUND);
    tb_model_close(NULL);
}

static void pooling_weights_by_presence_and_restores_length(void **state)
{
    (void)state;
    const tb_model *model = test_model();
    const tb_model_info *info = tb_model_get_info(model);
    float *vectors = tb_alloc(3 * info->dim, sizeof *vectors), *out = tb_alloc(info->dim, sizeof *out);
    assert_true(vectors != NULL && out != NULL);
    float presence[12] = {1, 1, 0, 0, 0.5f, 1, 0, 0.5f, 0, 1, 0, 0.5f}, out_presence[4];
    const size_t timbre = info->parts[0].offset, dynamics = info->parts[3].offset;
    vectors[timbre] = 1;                      /* (1, 0) with 1, (0, 1) with 0.5 */
    vectors[info->dim + timbre + 1] = 1;
    vectors[info->dim + dynamics] = 1;        /* two that cancel out */
    vectors[2 * info->dim + dynamics] = -1;
    tb_model_pool(model, vectors, presence, 3, out, out_presence);
    assert_near(out[timbre], 2 / sqrt(5), 1e-6);
    assert_near(out[timbre + 1], 1 / sqrt(5), 1e-6);
    assert_near(out_presence[0], 0.5, 1e-6);
    assert_near(out_presence[2], 0, 0);
    assert_near(out_presence[3], 0, 0);
    assert_near(out[dynamics], 0, 0);
    tb_model_pool(model, vectors, presence, 0, out, out_presence);
    for (size_t k = 0; k < info->dim; k++) assert_near(out[k], 0, 0);
    tb_free(vectors);
    tb_free(out);
}

static void statistics_of_the_same_music_give_the_same_file(void **state)
{
    (void)state;
    enum { TRACKS = 10, N = 22 * SOUND_RATE };
    char *paths[2] = {tb_fs_join(tb_test_folder(), "a.safetensors"), tb_fs_join(tb_test_folder(), "b.safetensors")};
    tb_model *models[2] = {NULL, NULL};
    for (size_t i = 0; i < 2; i++) {
        tb_descriptor_stats *stats = NULL;
        assert_ok(tb_descriptor_stats_new(5, &stats, &err));
        for (uint64_t t = 0; t < TRACKS; t++) {
            float *samples = make_music(100 + t, N);
            if (i == 1) { /* in pieces, and after a track that broke off */
                assert_ok(tb_descriptor_stats_push(stats, samples, 1000, &err));
                tb_descriptor_stats_drop_track(stats);
                assert_ok(tb_descriptor_stats_push(stats, samples, 777, &err));
                assert_ok(tb_descriptor_stats_push(stats, samples + 777, N - 777, &err));
            } else {
                assert_ok(tb_descriptor_stats_push(stats, samples, N, &err));
            }
            if (t == TRACKS - 1) assert_status(tb_descriptor_stats_save(stats, "few", paths[i], &err), TB_INVALID);
            assert_ok(tb_descriptor_stats_end_track(stats, &err));
            tb_free(samples);
        }
        assert_int_equal(tb_descriptor_stats_n_tracks(stats), TRACKS);
        assert_ok(tb_descriptor_stats_save(stats, "made up", paths[i], &err));
        assert_ok(tb_model_open(paths[i], &models[i], &err));
        tb_descriptor_stats_free(stats);
    }
    assert_string_equal(tb_model_get_info(models[0])->version, tb_model_get_info(models[1])->version);
    for (size_t i = 0; i < 2; i++) {
        tb_model_close(models[i]);
        tb_free(paths[i]);
    }
}

static void the_shipped_descriptors_open(void **state)
{
    (void)state;
    tb_model *model = NULL;
    char *path = tb_test_source_path("models/descriptors.safetensors");
    assert_ok(tb_model_open(path, &model, &err));
    assert_string_equal(tb_model_get_info(model)->name, "descriptors");
    tb_model_close(model);
    free(path);
}

static void eigenvectors_rebuild_the_matrix(void **state)
{
    (void)state;
    enum { N = 37 };
    double a[N * N], v[N * N], values[N];
    tb_rng rng;
    tb_rng_init(&rng, 1);
    for (size_t i = 0; i < N * N; i++) v[i] = tb_rng_normal(&rng);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            a[i * N + j] = 0;
            for (size_t k = 0; k < 20; k++) a[i * N + j] += v[i * N + k] * v[j * N + k]; /* rank 20 */
        }
    }
    memcpy(v, a, sizeof a);
    tb_eigen_symmetric(v, N, values);
    for (size_t i = 0; i + 1 < N; i++) assert_true(values[i] >= values[i + 1]);
    assert_near(values[20], 0, 1e-9);
    for (size_t i = 0; i < N; i++) {
        for (size_t j = 0; j < N; j++) {
            double sum = 0;
            for (size_t k = 0; k < 20; k++) sum += values[k] * v[k * N + i] * v[k * N + j];
            assert_near(sum, a[i * N + j], 1e-9);
        }
    }
}

static void a_masked_distance_shares_out_the_weights_of_missing_parts(void **state)
{
    (void)state;
    const tb_model_info info = {.dim = 4, .n_parts = 3, .parts = {{"one", 0, 1, 1}, {"two", 1, 2, 1}, {"three", 3, 1, 1}}};
    const float a[] = {0, 1, 2, 5}, b[] = {3, 1, 0, 5}; /* squares: 9, 0 + 4, 0 */
    const float all[] = {1, 0.5f, 0.1f}, none[] = {0, 0, 0}, first_only[] = {0.2f, 0, 0};
    const float even[] = {1, 1, 1}, uneven[] = {1, 3, 0}, second[] = {0, 2, 0};
    assert_near(tb_model_distance2(&info, even, a, all, b, all), 13.0 / 3, 1e-6);
    assert_near(tb_model_distance2(&info, uneven, a, all, b, all), (9 + 3 * 4) / 4.0, 1e-6);
    assert_near(tb_model_distance2(&info, second, a, all, b, all), 4, 1e-6);
    assert_near(tb_model_distance2(&info, uneven, a, all, b, first_only), 9, 1e-6);
    assert_near(tb_model_distance2(&info, uneven, a, first_only, b, all), 9, 1e-6);
    assert_true(isinf(tb_model_distance2(&info, second, a, all, b, first_only)));
    assert_true(isinf(tb_model_distance2(&info, even, a, none, b, all)));
    assert_true(isinf(tb_model_distance2(&info, none, a, all, b, all)));
}

TB_TESTS(model, cmocka_unit_test(info_tells_the_parts), cmocka_unit_test(models_that_are_not_understood_are_refused),
         cmocka_unit_test(pooling_weights_by_presence_and_restores_length), cmocka_unit_test(a_masked_distance_shares_out_the_weights_of_missing_parts),
         cmocka_unit_test(statistics_of_the_same_music_give_the_same_file), cmocka_unit_test(the_shipped_descriptors_open),
         cmocka_unit_test(eigenvectors_rebuild_the_matrix))
