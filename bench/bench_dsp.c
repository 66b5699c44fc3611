// SPDX-License-Identifier: MIT
/* What does each feature cost per second of audio, on one core?
 *
 *     bench-dsp [SECONDS]
 *
 * Prints one JSON line per case: the feature, milliseconds of CPU time per second of audio (the best of five
 * rounds), and the machine.  Frames are 2048 samples every 512 at 22.05 kHz; loudness is 44.1 kHz stereo. */
#include "base/alloc.h"
#include "base/text.h"
#include "dsp/chroma.h"
#include "dsp/decibel.h"
#include "dsp/fft.h"
#include "dsp/loudness.h"
#include "dsp/mel.h"
#include "dsp/mfcc.h"
#include "dsp/onset.h"
#include "dsp/spectral.h"
#include "dsp/stft.h"
#include "dsp/tempogram.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum { RATE = 22050, N_FFT = 2048, HOP = 512, N_BINS = N_FFT / 2 + 1, N_MELS = 128, N_MFCC = 20, ROUNDS = 5 };

typedef struct bench {
    size_t n_samples, n_frames;
    float *samples;   /* (n_samples) mono at RATE */
    float *stereo;    /* (2 * 2 * n_samples) interleaved at 2 * RATE */
    float *power;     /* (n_frames, N_BINS) */
    float *magnitude; /* (n_frames, N_BINS) */
    float *mel;       /* (n_frames, N_MELS) */
    float *db;        /* (n_frames, N_MELS) */
    float *curve;     /* (n_frames) */
    tb_stft *stft;
    tb_mel *bands;
    tb_mfcc *mfcc;
    tb_chroma *chroma;
    tb_tuning *tuning;
    tb_spectral *spectral;
    tb_onset *onset;
    tb_tempogram *tempogram;
    tb_error err;
} bench;

static volatile float sink;

static void check(bench *b, tb_status status)
{
    if (status == TB_OK) return;
    fprintf(stderr, "bench-dsp: %s\n", b->err.message);
    exit(1);
}

static float *floats(size_t n)
{
    float *memory = tb_alloc_aligned(n, sizeof *memory);
    if (!memory) {
        fprintf(stderr, "bench-dsp: no memory\n");
        exit(1);
    }
    return memory;
}

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* one thread: what others do does not count */
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- one function per case ---------------------------------------------------------------------------- */

static void run_stft(bench *b, float *power)
{
    tb_stft_frame frame;
    tb_stft_reset(b->stft);
    for (size_t done = 0, t = 0; done < b->n_samples || t < b->n_frames;) {
        if (done < b->n_samples) done += tb_stft_push(b->stft, b->samples + done, b->n_samples - done);
        if (done == b->n_samples) tb_stft_finish(b->stft);
        while (tb_stft_next(b->stft, &frame)) {
            if (power) memcpy(power + t * N_BINS, frame.power, N_BINS * sizeof *power);
            t++;
        }
    }
}

static void case_stft(bench *b)
{
    run_stft(b, NULL);
}

static void case_magnitude(bench *b)
{
    for (size_t t = 0; t < b->n_frames; t++)
        tb_power_magnitude(b->power + t * N_BINS, N_BINS, b->magnitude + t * N_BINS);
}

static void case_mel(bench *b)
{
    for (size_t t = 0; t < b->n_frames; t++)
        tb_mel_compute(b->bands, b->power + t * N_BINS, b->mel + t * N_MELS);
}

static void case_mel_db(bench *b)
{
    for (size_t t = 0; t < b->n_frames; t++)
        tb_power_to_db(b->mel + t * N_MELS, N_MELS, TB_DB_AMIN, b->db + t * N_MELS);
}

static void case_mfcc(bench *b)
{
    float out[N_MFCC];
    for (size_t t = 0; t < b->n_frames; t++) tb_mfcc_compute(b->mfcc, b->db + t * N_MELS, out);
    sink = out[0];
}

static void case_chroma(bench *b)
{
    float out[12];
    for (size_t t = 0; t < b->n_frames; t++) {
        tb_chroma_compute(b->chroma, b->power + t * N_BINS, out);
        tb_chroma_normalize(out, 12);
    }
    sink = out[0];
}

static void case_tuning(bench *b)
{
    tb_tuning_reset(b->tuning);
    for (size_t t = 0; t < b->n_frames; t++) tb_tuning_push(b->tuning, b->power + t * N_BINS);
    sink = (float)tb_tuning_result(b->tuning);
}

static void case_shape(bench *b)
{
    tb_spectral_shape shape = {0};
    for (size_t t = 0; t < b->n_frames; t++)
        tb_spectral_shape_compute(b->spectral, b->power + t * N_BINS, b->magnitude + t * N_BINS, &shape);
    sink = shape.flatness;
}

static void case_contrast(bench *b)
{
    float out[7];
    for (size_t t = 0; t < b->n_frames; t++)
        tb_spectral_contrast(b->spectral, b->magnitude + t * N_BINS, out);
    sink = out[0];
}

static void case_flux(bench *b)
{
    float sum = 0.0f;
    for (size_t t = 1; t < b->n_frames; t++)
        sum += tb_spectral_flux(b->magnitude + (t - 1) * N_BINS, b->magnitude + t * N_BINS, N_BINS);
    sink = sum;
}

static void case_rms_and_zero_crossings(bench *b)
{
    float sum = 0.0f;
    for (size_t t = 0; t * HOP + N_FFT <= b->n_samples; t++)
        sum +=
            tb_frame_rms(b->samples + t * HOP, N_FFT) + tb_frame_zero_crossings(b->samples + t * HOP, N_FFT);
    sink = sum;
}

static void case_onset(bench *b)
{
    tb_onset_reset(b->onset);
    for (size_t t = 0; t < b->n_frames; t++) b->curve[t] = tb_onset_push(b->onset, b->db + t * N_MELS);
}

static void case_tempo(bench *b)
{
    tb_tempo tempo;
    tb_tempo_estimate(b->tempogram, b->curve, b->n_frames, 1, &tempo);
    sink = (float)tempo.bpm;
}

static void run_loudness(bench *b, unsigned flags)
{
    tb_loudness *loudness;
    tb_loudness_result result;
    check(b, tb_loudness_new(2 * RATE, 2, flags, &loudness, &b->err));
    for (size_t done = 0; done < 2 * b->n_samples;) {
        const size_t left = 2 * b->n_samples - done, n = left < 4096 ? left : 4096;
        check(b, tb_loudness_push(loudness, b->stereo + 2 * done, n, &b->err));
        done += n;
    }
    check(b, tb_loudness_measure(loudness, &result, &b->err));
    sink = (float)result.integrated_lufs;
    tb_loudness_free(loudness);
}

static void case_loudness(bench *b)
{
    run_loudness(b, 0);
}

static void case_loudness_range(bench *b)
{
    run_loudness(b, TB_LOUDNESS_RANGE);
}

static void case_loudness_range_peak(bench *b)
{
    run_loudness(b, TB_LOUDNESS_RANGE | TB_LOUDNESS_SAMPLE_PEAK);
}

static void case_loudness_range_true_peak(bench *b)
{
    run_loudness(b, TB_LOUDNESS_RANGE | TB_LOUDNESS_TRUE_PEAK);
}

static const struct {
    const char *feature;
    void (*run)(bench *);
} cases[] = {
    {"stft", case_stft},
    {"magnitude", case_magnitude},
    {"mel", case_mel},
    {"mel_db", case_mel_db},
    {"mfcc", case_mfcc},
    {"chroma", case_chroma},
    {"tuning", case_tuning},
    {"spectral_shape", case_shape},
    {"spectral_contrast", case_contrast},
    {"spectral_flux", case_flux},
    {"rms_zero_crossings", case_rms_and_zero_crossings},
    {"onset_strength", case_onset},
    {"tempo", case_tempo},
    {"loudness", case_loudness},
    {"loudness_range", case_loudness_range},
    {"loudness_range_peak", case_loudness_range_peak},
    {"loudness_range_true_peak", case_loudness_range_true_peak},
};

/* A plucked chord every half second over noise: peaks, valleys and onsets as in music. */
static void synthesize(bench *b)
{
    static const double notes_hz[] = {110.0, 164.8, 220.0, 277.2, 329.6};
    uint32_t state = 1;
    for (size_t i = 0; i < b->n_samples; i++) {
        const double t = (double)i / RATE, since = fmod(t, 0.5);
        state = state * 1664525u + 1013904223u;
        double x = 0.01 * ((double)state / 2147483648.0 - 1.0);
        for (size_t k = 0; k < sizeof notes_hz / sizeof *notes_hz; k++)
            for (int partial = 1; partial <= 5; partial++)
                x += 0.1 / partial * exp(-6.0 * since) * sin(2.0 * M_PI * notes_hz[k] * partial * t);
        b->samples[i] = (float)x;
        for (size_t j = 0; j < 4; j++) b->stereo[4 * i + j] = (float)x;
    }
}

static void set_up(bench *b, double seconds)
{
    const tb_stft_config stft = {.n_fft = N_FFT, .hop = HOP, .window = TB_WINDOW_HANN, .pad = TB_PAD_ZERO};
    const tb_mel_config mel = {.sample_rate_hz = RATE, .n_fft = N_FFT, .n_mels = N_MELS};
    const tb_chroma_config chroma = {.sample_rate_hz = RATE, .n_fft = N_FFT};
    const tb_spectral_config spectral = {.sample_rate_hz = RATE, .n_fft = N_FFT};
    const tb_tempogram_config tempogram = {.frame_rate_hz = (double)RATE / HOP};
    check(b, tb_stft_new(&stft, &b->stft, &b->err));
    check(b, tb_mel_new(&mel, &b->bands, &b->err));
    check(b, tb_mfcc_new(N_MELS, N_MFCC, &b->mfcc, &b->err));
    check(b, tb_chroma_new(&chroma, &b->chroma, &b->err));
    check(b, tb_tuning_new(RATE, N_FFT, &b->tuning, &b->err));
    check(b, tb_spectral_new(&spectral, &b->spectral, &b->err));
    check(b, tb_onset_new(N_MELS, 1, 1, &b->onset, &b->err));
    check(b, tb_tempogram_new(&tempogram, &b->tempogram, &b->err));
    b->n_samples = (size_t)(seconds * RATE);
    b->n_frames = tb_stft_count(b->stft, b->n_samples);
    b->samples = floats(b->n_samples);
    b->stereo = floats(4 * b->n_samples);
    b->power = floats(b->n_frames * N_BINS);
    b->magnitude = floats(b->n_frames * N_BINS);
    b->mel = floats(b->n_frames * N_MELS);
    b->db = floats(b->n_frames * N_MELS);
    b->curve = floats(b->n_frames);
    synthesize(b);
    run_stft(b, b->power);
}

static void tear_down(bench *b)
{
    tb_stft_free(b->stft);
    tb_mel_free(b->bands);
    tb_mfcc_free(b->mfcc);
    tb_chroma_free(b->chroma);
    tb_tuning_free(b->tuning);
    tb_spectral_free(b->spectral);
    tb_onset_free(b->onset);
    tb_tempogram_free(b->tempogram);
    tb_free(b->samples);
    tb_free(b->stereo);
    tb_free(b->power);
    tb_free(b->magnitude);
    tb_free(b->mel);
    tb_free(b->db);
    tb_free(b->curve);
}

static void read_cpu_name(char out[128])
{
    char line[256];
    snprintf(out, 128, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file) return;
    while (fgets(line, sizeof line, file)) {
        if (strncmp(line, "model name", 10) != 0) continue;
        const char *colon = strchr(line, ':');
        if (colon) snprintf(out, 128, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
        break;
    }
    fclose(file);
}

int main(int argc, char **argv)
{
    static bench b;
    double seconds = 30.0;
    if ((argc > 1 && tb_parse_double(argv[1], &seconds) != TB_OK) || !(seconds >= 1.0 && seconds <= 600.0)) {
        fprintf(stderr, "usage: bench-dsp [SECONDS], 1 to 600\n");
        return 2;
    }
    struct utsname system;
    char cpu[128];
    if (uname(&system) != 0) return 1;
    read_cpu_name(cpu);
    set_up(&b, seconds);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double best_s = HUGE_VAL;
        for (int round = 0; round < ROUNDS; round++) {
            const double start = now_s();
            cases[i].run(&b);
            best_s = fmin(best_s, now_s() - start);
        }
        printf("{\"bench\": \"dsp\", \"feature\": \"%s\", \"ms_per_audio_s\": %.4f, \"machine\": \"%s\", "
               "\"kernel\": \"%s\"}\n",
               cases[i].feature, 1e3 * best_s / seconds, cpu, system.release);
    }
    tear_down(&b);
    return 0;
}
