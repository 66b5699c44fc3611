// SPDX-License-Identifier: MIT
/* What does the whole analysis of audio cost per second of it, on one core?
 *
 *     bench-model MODEL.safetensors [SECONDS]
 *
 * Prints one JSON line per case: features alone, features and segments, loudness of 44.1 kHz stereo; the best of five
 * rounds in milliseconds per second of audio, and the machine. */
#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"
#include "model/analyser.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <time.h>

enum { ROUNDS = 5, NATIVE_RATE = 44100 };

static tb_error err;

static void check(tb_status status)
{
    if (status == TB_OK) return;
    fprintf(stderr, "bench-model: %s\n", err.message);
    exit(1);
}

static tb_status ignore(void *context, const tb_segment *segment, tb_error *error)
{
    (void)segment, (void)error;
    ++*(size_t *)context;
    return TB_OK;
}

/* Milliseconds of one analysis. */
static double analyse(const tb_model *model, const float *mono, size_t n_mono, const float *stereo, size_t n_stereo, size_t *n_segments)
{
    tb_analyser *analyser = NULL;
    tb_track_features features;
    struct timespec start, end;
    const tb_model *const models[] = {model};
    *n_segments = 0;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    check(tb_analyser_new(models, model != NULL, ignore, n_segments, &analyser, &err));
    check(tb_analyser_push_mono(analyser, mono, n_mono, &err));
    if (n_stereo > 0) check(tb_analyser_push_native(analyser, stereo, n_stereo, 2, NATIVE_RATE, &err));
    check(tb_analyser_finish(analyser, &features, &err));
    tb_analyser_free(analyser);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    return (double)(end.tv_sec - start.tv_sec) * 1e3 + (double)(end.tv_nsec - start.tv_nsec) / 1e6;
}

int main(int argc, char **argv)
{
    int64_t seconds = 60;
    tb_model *model = NULL;
    tb_rng rng;
    struct utsname machine;
    if (argc < 2 || argc > 3 || (argc == 3 && tb_parse_int(argv[2], 1, 3600, &seconds) != TB_OK)) {
        fprintf(stderr, "usage: bench-model MODEL.safetensors [SECONDS]\n");
        return 2;
    }
    check(tb_model_open(argv[1], &model, &err));
    const size_t n_mono = (size_t)seconds * TB_MODEL_RATE_HZ, n_stereo = (size_t)seconds * NATIVE_RATE;
    float *mono = tb_alloc(n_mono, sizeof *mono), *stereo = tb_alloc(2 * n_stereo, sizeof *stereo);
    if (mono == NULL || stereo == NULL || uname(&machine) != 0) return 1;
    tb_rng_init(&rng, 1);
    for (size_t i = 0; i < n_mono; i++)
        mono[i] = (float)(0.2 * sin(6.283185307179586 * 220 * (double)i / TB_MODEL_RATE_HZ) * exp(-(double)(i % 11025) / 3000) +
                          0.05 * tb_rng_normal(&rng));
    for (size_t i = 0; i < 2 * n_stereo; i++) stereo[i] = (float)(0.1 * tb_rng_normal(&rng));

    const struct {
        const char *name;
        const tb_model *model;
        size_t n_mono, n_stereo;
    } cases[] = {{"features", NULL, n_mono, 0}, {"features and segments", model, n_mono, 0}, {"loudness", NULL, 0, n_stereo}};
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        double best = 0;
        size_t n_segments = 0;
        for (int round = 0; round < ROUNDS; round++) {
            const double ms = analyse(cases[c].model, mono, cases[c].n_mono, stereo, cases[c].n_stereo, &n_segments);
            if (round == 0 || ms < best) best = ms;
        }
        printf("{\"bench\":\"model\",\"case\":\"%s\",\"ms_per_s\":%.4f,\"segments\":%zu,\"machine\":\"%s\"}\n", cases[c].name,
               best / (double)seconds, n_segments, machine.machine);
    }
    tb_free(mono);
    tb_free(stereo);
    tb_model_close(model);
    return 0;
}
