// SPDX-License-Identifier: MIT
/* dataset: data to train with.  Works without a data folder or a server. */
#include "cli/command.h"
#include "cli/progress.h"

#include "base/buffer.h"
#include "train/song_set.h"
#include "train/stem_import.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Positions in the choices of cli/options.c. */
enum { FORMAT_AUTO, FORMAT_SLAKH, FORMAT_CACHE };
enum { FONTS_AUTO, FONTS_TRAIN, FONTS_TEST, FONTS_NONE };

static const double usual_patch_share = 0.35;
static atomic_bool cancelled;

static void cancel(int signal_number)
{
    (void)signal_number;
    atomic_store(&cancelled, true);
}

/* Ctrl-C ends the work between two pieces; the second one ends the program. */
static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = cancel, .sa_flags = (int)SA_RESETHAND | SA_RESTART};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static void show_progress(void *context, size_t done, size_t total)
{
    tb_progress_show(context, (int64_t)done, (int64_t)total, 0);
}

static bool ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static size_t count_threads(const tb_cli_options *o)
{
    const long n_processors = sysconf(_SC_NPROCESSORS_ONLN);
    return o->threads > 0 ? (size_t)o->threads : n_processors > 0 ? (size_t)n_processors : 1;
}

static tb_status find_fonts(const tb_cli_options *o, tb_soundfonts **fonts, tb_error *err)
{
    if (o->soundfont) return tb_soundfonts_parse(o->soundfont, fonts, err);
    if (o->soundfonts == FONTS_NONE) return TB_OK;
    const bool is_test = o->soundfonts == FONTS_TEST ||
                         (o->soundfonts == FONTS_AUTO && o->split == TB_SPLIT_TEST);
    return tb_soundfonts_find(is_test ? TB_SOUNDFONT_SET_TEST : TB_SOUNDFONT_SET_TRAIN, fonts, err);
}

static tb_status make_songs(tb_arguments *a, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_cli_options *o = &a->options;
    tb_soundfonts *fonts = NULL;
    tb_song_set_result result = {0};
    tb_progress progress = {0};
    TB_TRY(find_fonts(o, &fonts, err));
    const bool is_test = o->soundfonts == FONTS_TEST ||
                         (o->soundfonts == FONTS_AUTO && o->split == TB_SPLIT_TEST);
    const tb_song_set_options options = {
        .path = path,
        .format = o->format == FORMAT_CACHE || (o->format == FORMAT_AUTO && ends_with(path, ".cache"))
                    ? TB_SONG_SET_CACHE
                    : TB_SONG_SET_SLAKH,
        .midi = o->midi,
        .n_pieces = (size_t)o->pieces,
        .seed = (uint64_t)o->seed,
        .split = (tb_split)o->split,
        .seconds = o->seconds,
        .fonts = fonts,
        .patch_share = o->patches >= 0 ? o->patches
                     : is_test         ? 0
                                       : usual_patch_share,
        .effects = o->effects,
        .rate_hz = (int)o->rate,
        .audio = (tb_audio_format)o->audio,
        .n_bands = (size_t)o->bands,
        .n_threads = count_threads(o),
        .progress = show_progress,
        .context = &progress,
        .cancel = &cancelled,
    };
    catch_signals();
    tb_progress_begin(&progress, "rendering songs", o->quiet);
    TB_TRY(tb_song_set_make(&options, &result, err));
    tb_progress_end(&progress);
    printf("%s: %zu pieces made, %zu were there\n", path, result.n_made, result.n_kept);
out:
    tb_progress_end(&progress);
    tb_soundfonts_free(fonts);
    return status;
}

/* --- import --------------------------------------------------------------------------------------------- */

enum { MAX_REPORT = 1 << 20 };

typedef struct importing {
    tb_progress progress;
    tb_buffer report; /* what was left out and why: shown when the bar is done */
} importing;

static void show_import(void *context, size_t done, size_t total)
{
    tb_progress_show(&((importing *)context)->progress, (int64_t)done, (int64_t)total, 0);
}

static void note_skipped(void *context, const char *name, const tb_error *why)
{
    if (tb_buffer_printf(&((importing *)context)->report, "left out %s: %s\n", name, why->message) != TB_OK)
        return;
}

static tb_status import_stems(tb_arguments *a, const char *folder, const char *path, tb_error *err)
{
    tb_status status = TB_OK;
    const tb_cli_options *o = &a->options;
    tb_stem_import_result result = {0};
    importing shown = {0};
    tb_buffer_init(&shown.report, MAX_REPORT);
    const tb_stem_import_options options = {
        .folder = folder,
        .path = path,
        .n_bands = (size_t)o->bands,
        .max_s = o->longest,
        .n_threads = count_threads(o),
        .progress = show_import,
        .skipped = note_skipped,
        .context = &shown,
        .cancel = &cancelled,
    };
    catch_signals();
    tb_progress_begin(&shown.progress, "importing tracks", o->quiet);
    status = tb_stem_import(&options, &result, err);
    tb_progress_end(&shown.progress);
    if (shown.report.bytes) fputs(shown.report.bytes, stderr);
    TB_TRY(status);
    printf("%s: %zu tracks made, %zu were there, %zu left out (%zu silent stems)\n", path, result.n_made,
           result.n_kept, result.n_skipped, result.n_silent);
    a->partly_failed = result.n_skipped > 0;
out:
    tb_buffer_clear(&shown.report);
    return status;
}

tb_status tb_command_dataset(tb_arguments *a, tb_error *err)
{
    const char *what = a->n_rest > 0 ? a->rest[0] : "";
    if (strcmp(what, "songs") == 0 && a->n_rest == 2) return make_songs(a, a->rest[1], err);
    if (strcmp(what, "import") == 0 && a->n_rest == 3) return import_stems(a, a->rest[1], a->rest[2], err);
    return tb_error_set(
        err, TB_INVALID,
        "say what to make: timbre dataset songs OUT, or timbre dataset import FOLDER OUT.cache");
}
