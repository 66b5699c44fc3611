// SPDX-License-Identifier: MIT
/* How much of the time of taking a file in is decoding?
 *
 *     bench-ingest MODELS FILE...
 *
 * For each file in turn, on one thread: libsndfile decodes all of it and throws it away; then the engine takes it in
 * (hash, decode, identity, loudness, features, segments of every space, one transaction, index) into a new folder
 * below /tmp that is removed at the end.  The two are measured side by side, file by file, so that what else the
 * machine does falls on both.  Prints one JSON line for each of them and one with the ratio of their speeds, in
 * processor time and in wall-clock time.  Files that libsndfile cannot read are left out of both. */
#include "base/alloc.h"
#include "base/clock.h"
#include "engine/ingest.h"

#include <ftw.h>
#include <sndfile.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

enum { BLOCK_FRAMES = 8192 };

typedef struct spent {
    double cpu_s, wall_s;
} spent;

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double wall_s(void)
{
    return (double)tb_clock_system()->mono_ns(tb_clock_system()) / 1e9;
}

static void begin(spent *from)
{
    from->cpu_s = cpu_s();
    from->wall_s = wall_s();
}

static void end(spent *total, const spent *from)
{
    total->cpu_s += cpu_s() - from->cpu_s;
    total->wall_s += wall_s() - from->wall_s;
}

/* Seconds of audio in the file, all of it decoded; negative when libsndfile cannot. */
static double decode(const char *path)
{
    SF_INFO info = {.format = 0};
    SNDFILE *file = sf_open(path, SFM_READ, &info);
    if (!file) return -1;
    float *block = tb_alloc((size_t)BLOCK_FRAMES * (size_t)info.channels, sizeof *block);
    sf_count_t n, frames = 0;
    while (block && (n = sf_readf_float(file, block, BLOCK_FRAMES)) > 0) frames += n;
    tb_free(block);
    sf_close(file);
    return (double)frames / (double)info.samplerate;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

static void print(const char *what, double audio_s, const spent *total, const char *kernel)
{
    struct utsname machine;
    uname(&machine);
    printf("{\"bench\": \"ingest\", \"case\": \"%s\", \"audio_s\": %.0f, \"cpu_s\": %.2f, \"wall_s\": %.2f, "
           "\"x_realtime_cpu\": %.0f, \"x_realtime_wall\": %.0f, \"kernel\": \"%s\", \"machine\": \"%s %s %s\"}\n",
           what, audio_s, total->cpu_s, total->wall_s, audio_s / total->cpu_s, audio_s / total->wall_s, kernel,
           machine.nodename, machine.machine, machine.release);
}

int main(int argc, char **argv)
{
    char folder[] = "/tmp/timbre-bench-XXXXXX";
    tb_engine *engine = NULL;
    tb_engine_stats stats = {.kernel = NULL};
    tb_error err = {.code = TB_OK};
    spent decoding = {0, 0}, adding = {0, 0}, from;
    double audio_s = 0;
    int n_files = 0, n_failed = 0;
    if (argc < 3 || !mkdtemp(folder)) {
        fprintf(stderr, "usage: bench-ingest MODELS FILE...\n");
        return 64;
    }
    const tb_engine_options options = {.data_folder = folder, .models_folder = argv[1], .n_threads = 1};
    if (tb_engine_open(&options, &engine, &err) != TB_OK) goto out;
    for (int i = 2; i < argc; i++) {
        char *path = realpath(argv[i], NULL);
        spent once = {0, 0};
        begin(&from);
        const double seconds = path ? decode(path) : -1;
        end(&once, &from);
        if (seconds > 0) {
            const tb_add_options how = {.library = NULL};
            tb_add_result result;
            begin(&from);
            const tb_status status = tb_engine_add_file(engine, path, &how, &result, &err);
            if (status == TB_OK) {
                end(&adding, &from);
                decoding.cpu_s += once.cpu_s;
                decoding.wall_s += once.wall_s;
                audio_s += seconds;
                n_files++;
            } else {
                fprintf(stderr, "bench-ingest: %s: %s\n", argv[i], err.message);
                n_failed++;
            }
        }
        free(path);
    }
    if (n_files == 0 || tb_engine_get_stats(engine, &stats, &err) != TB_OK) goto out;
    print("libsndfile decodes", audio_s, &decoding, "-");
    print("timbre takes in", audio_s, &adding, stats.kernel ? stats.kernel : "-");
    printf("{\"bench\": \"ingest\", \"case\": \"ratio of speeds\", \"files\": %d, \"failed\": %d, \"cpu\": %.3f, \"wall\": %.3f, "
           "\"target\": 0.5}\n",
           n_files, n_failed, decoding.cpu_s / adding.cpu_s, decoding.wall_s / adding.wall_s);
out:
    if (err.code != TB_OK && n_files == 0) fprintf(stderr, "bench-ingest: %s\n", err.message);
    tb_engine_close(engine);
    nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return n_files > 0 && n_failed == 0 ? 0 : 1;
}
