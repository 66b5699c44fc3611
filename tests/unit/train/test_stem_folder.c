// SPDX-License-Identifier: MIT
/* Recordings with stems: both layouts are read, and whatever is wrong with a track is named and costs that
 * track alone. */
#include "support/testing.h"
#include "support/wav.h"

#include "audio/encode.h"
#include "base/alloc.h"
#include "base/fs.h"
#include "base/rng.h"
#include "train/beat_grid.h"
#include "train/piece_cache.h"
#include "train/slakh_metadata.h"
#include "train/stem_folder.h"
#include "train/stem_import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { RATE_HZ = 22050, SECONDS = 6, N = RATE_HZ * SECONDS, MAX_MESSAGES = 8 };

static const char slakh[] =
    "UUID: 1a81ae092884234f3264e2f45927f00a\naudio_dir: stems\nlmd_midi_dir: lmd/x.mid\nmidi_dir: MIDI\n"
    "normalization_factor: -13.0\nnormalized: true\noverall_gain: 0.18270743500187502\nstems:\n"
    "  S00:\n    audio_rendered: true\n    inst_class: Guitar\n    integrated_loudness: -12.8\n"
    "    is_drum: false\n"
    "    midi_program_name: Distortion Guitar\n    midi_saved: true\n    plugin_name: elektrik_guitar.nkm\n"
    "    program_num: 30\n"
    "  S01:\n    audio_rendered: true\n    inst_class: Drums\n    is_drum: true\n    program_num: 128\n"
    "  S02:\n    audio_rendered: false\n    inst_class: Sound effects\n    is_drum: false\n"
    "    program_num: 121\n"
    "  S03:\n    audio_rendered: true\n    inst_class: Strings (continued)\n    is_drum: false\n"
    "    program_num: 48\n"
    "  S04:\n    audio_rendered: true\n    inst_class: Organ\n    is_drum: false\n    program_num: 18\n"
    "target_peak: -1.0\n";

/* Clicks on the beat and a tone; level 0 is silence. */
static void write_sound(const char *path, double hz, double bpm, double level, size_t n, int rate_hz)
{
    tb_error err = {0};
    float *x = tb_alloc(n, sizeof *x);
    const double beat = 60 / bpm * rate_hz;
    for (size_t i = 0; i < n; i++) {
        const double since = fmod((double)i, beat);
        x[i] = (float)(level * (0.3 * sin(6.283185307 * hz * (double)i / rate_hz) +
                                exp(-since / 200) * sin(0.9 * since)));
    }
    assert_ok(
        tb_audio_write(path, strstr(path, ".flac") ? TB_AUDIO_FLAC : TB_AUDIO_WAV, x, n, 1, rate_hz, &err));
    tb_free(x);
}

static void write_text(const char *folder, const char *name, const char *text)
{
    char *path = tb_test_join(folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

static char *new_folder(const char *parent, const char *name)
{
    tb_error err = {0};
    char *path = tb_test_join(parent, name);
    assert_ok(tb_fs_make_directories(path, &err));
    return path;
}

static void put(const char *folder, const char *name, double hz, double level, size_t n, int rate_hz)
{
    char *path = tb_test_join(folder, name);
    write_sound(path, hz, 100, level, n, rate_hz);
    free(path);
}

/* A whole track of Slakh2100 with sound in S00, S01, S03 and S04. */
static void make_slakh_track(const char *parent, const char *name)
{
    char *folder = new_folder(parent, name), *stems = new_folder(folder, "stems");
    write_text(folder, "metadata.yaml", slakh);
    put(stems, "S00.flac", 300, 0.4, N, RATE_HZ);
    put(stems, "S01.flac", 100, 0.4, N, RATE_HZ);
    put(stems, "S03.flac", 500, 0.2, N, RATE_HZ);
    put(stems, "S04.flac", 700, 0.2, N, RATE_HZ);
    free(stems);
    free(folder);
}

static void make_named_track(const char *parent, const char *name)
{
    char *folder = new_folder(parent, name);
    put(folder, "Drums.wav", 100, 0.4, N, RATE_HZ);
    put(folder, "BASS.wav", 60, 0.4, N, RATE_HZ);
    put(folder, "other.wav", 500, 0.3, N, RATE_HZ);
    put(folder, "vocals.wav", 800, 0.3, N, RATE_HZ);
    put(folder, "mixture.wav", 800, 0.3, N, RATE_HZ);
    free(folder);
}

/* --- metadata ------------------------------------------------------------------------------------------- */

static void classes_become_stems(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_slakh_metadata *m = NULL;
    assert_ok(tb_slakh_metadata_parse(slakh, strlen(slakh), &m, &err));
    assert_string_equal(m->audio_dir, "stems");
    assert_int_equal(m->n_stems, 5);
    static const tb_stem stems[] = {TB_STEM_GUITAR, TB_STEM_DRUMS, TB_STEM_OTHERS, TB_STEM_OTHERS,
                                    TB_STEM_OTHERS};
    for (size_t i = 0; i < 5; i++) assert_int_equal(m->stems[i].stem, stems[i]);
    assert_string_equal(m->stems[1].name, "S01");
    assert_false(m->stems[2].is_rendered);
    assert_true(m->stems[3].is_rendered);
    assert_near(m->tempo_bpm, 0, 0);
    assert_int_equal(m->key, -1);
    tb_slakh_metadata_free(m);
}

static void broken_yaml_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tb_status status;
    } cases[] = {
        {"", TB_CORRUPT},
        {"just a text", TB_CORRUPT},
        {"- a\n- list\n", TB_CORRUPT},
        {"stems: {}\n", TB_CORRUPT},
        {"stems:\n  S00:\n    inst_class: [Guitar\n", TB_CORRUPT},
        {"stems:\n\tS00: x\n", TB_CORRUPT},
        {"a: &x [1, 2]\nstems:\n  S00: *x\n", TB_CORRUPT},
        {"stems:\n  ../../etc/passwd:\n    inst_class: Guitar\n", TB_CORRUPT},
        {"audio_dir: ..\nstems:\n  S00:\n    inst_class: Guitar\n", TB_CORRUPT},
        {"? {a: b}\n: c\n", TB_CORRUPT},
        {"a: [[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]\n", TB_TOO_LARGE},
        {"timbre:\n  beats_s: [0, 1, nan]\nstems:\n  S00:\n    inst_class: Guitar\n", TB_CORRUPT},
        {"timbre:\n  beats_s: [0, 2, 1]\nstems:\n  S00:\n    inst_class: Guitar\n", TB_CORRUPT},
        {"\xff\xfe\xff\xff", TB_CORRUPT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tb_error err = {0};
        tb_slakh_metadata *m = NULL;
        const tb_status status = tb_slakh_metadata_parse(cases[i].text, strlen(cases[i].text), &m, &err);
        if (status != cases[i].status)
            fail_msg("case %zu: got %s (%s)", i, tb_status_name(status), err.message);
        assert_null(m);
    }
}

static void damaged_metadata_never_crashes(void **state)
{
    (void)state;
    tb_rng rng;
    char text[sizeof slakh];
    tb_rng_init(&rng, 2);
    for (int i = 0; i < 400; i++) {
        tb_error err = {0};
        tb_slakh_metadata *m = NULL;
        memcpy(text, slakh, sizeof slakh);
        for (int k = 0; k < 4; k++) text[tb_rng_below(&rng, sizeof slakh)] = (char)tb_rng_below(&rng, 256);
        if (tb_slakh_metadata_parse(text, 1 + tb_rng_below(&rng, sizeof slakh), &m, &err) == TB_OK)
            assert_true(m->n_stems > 0);
        tb_slakh_metadata_free(m);
    }
}

/* --- tracks --------------------------------------------------------------------------------------------- */

static void both_layouts_are_found_and_read(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *folder = tb_test_folder();
    tb_stem_folder *list = NULL;
    tb_stem_track *track = NULL;
    char *train = new_folder(folder, "train");
    make_slakh_track(train, "Track00001");
    make_named_track(folder, "A Song");
    put(folder, "alone.wav", 100, 0.3, 1000, RATE_HZ);
    assert_ok(tb_stem_folder_list(folder, &list, &err));
    assert_int_equal(list->n, 2);
    assert_string_equal(list->names[0], "A Song");
    assert_string_equal(list->names[1], "train/Track00001");

    assert_ok(tb_stem_track_read(list->paths[0], 60, &track, &err));
    assert_int_equal(track->n_samples, N);
    for (size_t s = 0; s < TB_STEM_COUNT; s++)
        assert_int_equal(track->stems[s] != NULL,
                         s == TB_STEM_DRUMS || s == TB_STEM_BASS || s == TB_STEM_OTHERS);
    assert_near(track->tempo_bpm, 100, 1.5);
    assert_int_equal(track->n_bars, 3);
    tb_stem_track_free(track);

    assert_ok(tb_stem_track_read(list->paths[1], 2, &track, &err)); /* its first two seconds */
    assert_int_equal(track->n_samples, 2 * RATE_HZ);
    for (size_t s = 0; s < TB_STEM_COUNT; s++)
        assert_int_equal(track->stems[s] != NULL,
                         s == TB_STEM_DRUMS || s == TB_STEM_GUITAR || s == TB_STEM_OTHERS);
    tb_stem_track_free(track);
    tb_stem_folder_free(list);

    assert_ok(tb_stem_folder_list(train, &list, &err));
    assert_string_equal(list->names[0], "Track00001");
    tb_stem_folder_free(list);
    assert_status(tb_stem_folder_list("/nowhere/at/all", &list, &err), TB_NOT_FOUND);
    free(train);
}

/* The audio has clicks at 100 bpm; the MIDI file of Slakh2100 says 90, our own metadata 75: what is written counts. */
static void written_beats_come_before_those_that_are_heard(void **state)
{
    (void)state;
    /* 666667 us a beat, 3/4, a note of 16 beats */
    static const char midi[] = "MThd\0\0\0\6\0\0\0\1\0\x60MTrk\0\0\0\x1c"
                               "\0\xff\x51\3\x0a\x2c\x2b"
                               "\0\xff\x58\4\3\2\x18\x08"
                               "\0\x90\x3c\x64\x8c\0\x80\x3c\0"
                               "\0\xff\x2f";
    static const char own[] = "timbre:\n  tempo_bpm: 75.0\n  beats_per_bar: 4\n  key: 9\n  mode: minor\n"
                              "  beats_s: [0.0, 0.8, 1.6, 2.4, 3.2]\n  bars_s: [0.0, 3.2]\n";
    tb_error err = {0};
    tb_stem_track *track = NULL;
    const char *parent = tb_test_folder();
    make_slakh_track(parent, "Track00001");
    char *folder = tb_test_join(parent, "Track00001"), *path = tb_test_join(folder, "all_src.mid"),
         text[sizeof slakh + sizeof own];
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fwrite(midi, 1, sizeof midi, file); /* its last byte is the string's zero */
    fclose(file);
    assert_ok(tb_stem_track_read(folder, 60, &track, &err));
    assert_near(track->tempo_bpm, 90, 0.01);
    assert_int_equal(track->beats_per_bar, 3);
    assert_true(track->n_bars >= 5);
    assert_near(track->bars_s[1], 2, 0.001);
    tb_stem_track_free(track);
    snprintf(text, sizeof text, "%s%s", slakh, own);
    write_text(folder, "metadata.yaml", text);
    assert_ok(tb_stem_track_read(folder, 60, &track, &err));
    assert_near(track->tempo_bpm, 75, 0);
    assert_int_equal(track->key, 9);
    assert_int_equal(track->mode, TB_MODE_MINOR);
    assert_int_equal(track->n_beats, 5);
    assert_int_equal(track->n_bars, 2);
    assert_near(track->bars_s[1], 3.2, 1e-9);
    tb_stem_track_free(track);
    free(path);
    free(folder);
}

/* Makes a track, spoils it, and asserts status and words of the sentence. */
static void assert_refused(const char *name, void (*spoil)(const char *folder), tb_status expected,
                           const char *words)
{
    tb_error err = {0};
    tb_stem_track *track = NULL;
    const char *parent = tb_test_folder();
    make_slakh_track(parent, name);
    char *folder = tb_test_join(parent, name);
    spoil(folder);
    const tb_status status = tb_stem_track_read(folder, 60, &track, &err);
    if (status != expected || !strstr(err.message, words))
        fail_msg("%s: %s: %s", name, tb_status_name(status), err.message);
    assert_null(track);
    free(folder);
}

static void lose_stem(const char *folder)
{
    char *path = tb_test_join(folder, "stems/S01.flac");
    assert_int_equal(unlink(path), 0);
    free(path);
}

static void cut_flac(const char *folder)
{
    tb_fs_info info;
    tb_error err = {0};
    char *path = tb_test_join(folder, "stems/S01.flac");
    assert_ok(tb_fs_stat(path, &info, &err));
    assert_int_equal(truncate(path, (off_t)info.size_bytes / 2), 0);
    free(path);
}

static void empty_flac(const char *folder)
{
    write_text(folder, "stems/S01.flac", "");
}

static void shorten_stem(const char *folder)
{
    put(folder, "stems/S01.flac", 100, 0.3, N / 2, RATE_HZ);
}

static void change_rate(const char *folder)
{
    put(folder, "stems/S01.flac", 100, 0.3, (size_t)44100 * SECONDS, 44100);
}

static void silence_all(const char *folder)
{
    put(folder, "stems/S00.flac", 100, 0, N, RATE_HZ);
    put(folder, "stems/S01.flac", 100, 0, N, RATE_HZ);
    put(folder, "stems/S03.flac", 100, 0, N, RATE_HZ);
    put(folder, "stems/S04.flac", 100, 0, N, RATE_HZ);
}

static void break_yaml(const char *folder)
{
    write_text(folder, "metadata.yaml", "stems: [S00\n  S01: {");
}

static void tracks_that_are_not_in_order_are_refused_with_the_reason(void **state)
{
    (void)state;
    assert_refused("lost", lose_stem, TB_NOT_FOUND, "S01 is missing");
    assert_refused("cut", cut_flac, TB_CORRUPT, "S01.flac ends before its end");
    assert_refused("empty", empty_flac, TB_CORRUPT, "S01.flac");
    assert_refused("short", shorten_stem, TB_CORRUPT, "different lengths: S00.flac 6.00 s, S01.flac 3.00 s");
    assert_refused("rate", change_rate, TB_CORRUPT, "different rates: S00.flac 22050 Hz, S01.flac 44100 Hz");
    assert_refused("silent", silence_all, TB_CORRUPT, "no stem sounds");
    assert_refused("yaml", break_yaml, TB_CORRUPT, "metadata.yaml: line");
}

static void silent_stems_are_left_out_and_counted(void **state)
{
    (void)state;
    tb_error err = {0};
    tb_stem_track *track = NULL;
    const char *parent = tb_test_folder();
    make_slakh_track(parent, "half");
    char *folder = tb_test_join(parent, "half");
    put(folder, "stems/S01.flac", 100, 0, N, RATE_HZ);
    assert_ok(tb_stem_track_read(folder, 60, &track, &err));
    assert_int_equal(track->n_silent, 1);
    assert_null(track->stems[TB_STEM_DRUMS]);
    assert_non_null(track->stems[TB_STEM_GUITAR]);
    tb_stem_track_free(track);
    free(folder);
}

/* --- import --------------------------------------------------------------------------------------------- */

typedef struct messages {
    char text[MAX_MESSAGES][256];
    size_t n;
} messages;

static void note_skipped(void *context, const char *name, const tb_error *why)
{
    messages *m = context;
    if (m->n < MAX_MESSAGES)
        snprintf(m->text[m->n++], sizeof m->text[0], "%.60s: %.180s", name, why->message);
}

static void an_import_goes_on_past_bad_tracks_and_again_where_it_was(void **state)
{
    (void)state;
    tb_error err = {0};
    char *folder = new_folder(tb_test_folder(), "in"), *path = tb_test_join(tb_test_folder(), "out.cache");
    messages said = {0};
    tb_stem_import_result result = {0};
    const tb_stem_import_options options = {.folder = folder,
                                            .path = path,
                                            .n_bands = 64,
                                            .max_s = 60,
                                            .n_threads = 2,
                                            .skipped = note_skipped,
                                            .context = &said};
    assert_status(tb_stem_import(&options, &result, &err), TB_NOT_FOUND); /* nothing in it */
    make_slakh_track(folder, "Track00001");
    char *first = tb_test_join(folder, "Track00001");
    cut_flac(first);
    assert_status(tb_stem_import(&options, &result, &err), TB_CORRUPT); /* nothing of use */
    make_slakh_track(folder, "Track00002");
    make_named_track(folder, "Track00003");
    said.n = 0;
    assert_ok(tb_stem_import(&options, &result, &err));
    assert_int_equal(result.n_made, 2);
    assert_int_equal(result.n_kept, 0);
    assert_int_equal(result.n_skipped, 1);
    assert_int_equal(said.n, 1);
    assert_non_null(strstr(said.text[0], "Track00001: S01.flac ends before its end"));
    make_slakh_track(folder, "Track00001");
    assert_ok(tb_stem_import(&options, &result, &err));
    assert_int_equal(result.n_made, 1);
    assert_int_equal(result.n_kept, 2);
    assert_int_equal(result.n_skipped, 0);
    tb_piece_cache *cache = NULL;
    assert_ok(tb_piece_cache_open(path, &cache, &err));
    assert_int_equal(tb_piece_cache_count(cache), 3);
    assert_string_equal(tb_piece_cache_at(cache, 0)->name, "Track00002");
    assert_int_equal(tb_piece_stems(tb_piece_cache_at(cache, 0)),
                     1u << TB_STEM_DRUMS | 1u << TB_STEM_GUITAR | 1u << TB_STEM_OTHERS);
    assert_true(tb_piece_cache_at(cache, 0)->n_bars >= 2);
    tb_piece_cache_close(cache);
    free(first);
    free(folder);
    free(path);
}

static void each_allocation_may_fail(void **state)
{
    (void)state;
    tb_error err = {0};
    const char *parent = tb_test_folder();
    make_slakh_track(parent, "memory");
    char *folder = tb_test_join(parent, "memory");
    for (size_t n = 1;; n += n < 40 ? 1 : 7) { /* beyond, it is one file like the other */
        tb_stem_track *track = NULL;
        (void)tb_alloc_fail_after(n);
        const tb_status status = tb_stem_track_read(folder, 0.2, &track, &err);
        (void)tb_alloc_fail_after(0);
        tb_stem_track_free(track);
        if (status == TB_OK) break;
        assert_int_equal(status, TB_NO_MEMORY);
    }
    free(folder);
}

TB_TESTS(stem_folder, cmocka_unit_test(classes_become_stems),
         cmocka_unit_test(broken_yaml_is_refused_with_its_line),
         cmocka_unit_test(damaged_metadata_never_crashes), cmocka_unit_test(both_layouts_are_found_and_read),
         cmocka_unit_test(written_beats_come_before_those_that_are_heard),
         cmocka_unit_test(tracks_that_are_not_in_order_are_refused_with_the_reason),
         cmocka_unit_test(silent_stems_are_left_out_and_counted),
         cmocka_unit_test(an_import_goes_on_past_bad_tracks_and_again_where_it_was),
         cmocka_unit_test(each_allocation_may_fail))
