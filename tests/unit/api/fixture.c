// SPDX-License-Identifier: MIT
/* See fixture.h. */
#include "fixture.h"

#include "base/log.h"

#include <sys/stat.h>

static const struct {
    const char *title, *artist, *album, *year, *payload;
} tracks[FIXTURE_TRACKS] = {
    {"A \"quoted\"\ntitle", "Ann", "First", "1999", "{\"mood\":\"happy\"}"},
    {"Song", "Ann", "First", "1999", NULL},
    {"Song", "Ann", "Second", "2005", NULL},
    {"Song", "Bob", NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static fixture *shared, *own;

static void write_audio(const char *path, int i, double seconds)
{
    enum { RATE_HZ = 22050 };
    if (i != FIXTURE_SILENCE) {
        tb_test_write_piece(path, (uint64_t)i + 1, seconds, RATE_HZ);
        return;
    }
    const size_t n = (size_t)(seconds * RATE_HZ);
    float *zeros = calloc(n, sizeof *zeros);
    assert_non_null(zeros);
    tb_test_write_wav(path, zeros, n, 1, RATE_HZ);
    free(zeros);
}

static void set_tag(tb_track_patch *patch, tb_tag tag, const char *value)
{
    patch->set_tag[tag] = value != NULL;
    patch->tags[tag] = value;
}

/* The audio file is there already. */
static void add_track(fixture *f, int i, const char *library)
{
    tb_error err = {0};
    tb_add_result result;
    char own_id[] = "p0", mbid[] = "8f/3471%b5", test[] = "test", mb[] = "mbid";
    own_id[1] = (char)('0' + i);
    const tb_external_id ids[] = {{test, own_id}, {mb, mbid}};
    tb_track_patch patch = {.external_ids = ids, .n_external_ids = i == 0 ? 2 : 1};
    set_tag(&patch, TB_TAG_TITLE, tracks[i].title);
    set_tag(&patch, TB_TAG_ARTIST, tracks[i].artist);
    set_tag(&patch, TB_TAG_ALBUM, tracks[i].album);
    set_tag(&patch, TB_TAG_YEAR, tracks[i].year);
    patch.set_payload = tracks[i].payload != NULL;
    patch.payload = tracks[i].payload;
    const tb_add_options options = {.library = library, .metadata = &patch};
    assert_ok(tb_engine_add_file(f->engine, f->paths[i], &options, &result, &err));
    memcpy(f->ids[i], result.id, sizeof f->ids[i]);
}

static fixture *make(bool run_jobs)
{
    fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    f->folder = tb_test_folder();
    f->data = tb_test_join(f->folder, "data");
    f->music = tb_test_join(f->folder, "music");
    assert_int_equal(mkdir(f->music, 0700), 0);
    f->engine = open_engine_with(f->data, run_jobs);
    return f;
}

static void discard(fixture *f)
{
    if (!f) return;
    tb_engine_close(f->engine);
    for (int i = 0; i < FIXTURE_TRACKS; i++) free(f->paths[i]);
    free(f->data);
    free(f->music);
    free(f);
}

static char *path_of_track(const char *folder, int i)
{
    char name[32];
    snprintf(name, sizeof name, "p%d.wav", i);
    return tb_test_join(folder, name);
}

static void write_bad_file(const char *folder, int i)
{
    char name[32];
    snprintf(name, sizeof name, "bad%d.mp3", i);
    char *path = tb_test_join(folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs("this is a text, not audio\n", file);
    fclose(file);
    free(path);
}

static void wait_for(tb_engine *engine, int64_t job_id)
{
    tb_error err = {0};
    tb_job job;
    assert_ok(tb_engine_wait_job(engine, job_id, 60, &job, &err));
    if (job.state != TB_JOB_DONE) fail_msg("the job %s: %s", tb_job_state_name(job.state), job.message);
    tb_job_clear(&job);
}

static void discard_shared(void)
{
    discard(shared);
}

const fixture *fixture_shared(void)
{
    tb_error err = {0};
    int64_t job_id;
    if (shared) return shared;
    fixture *f = make(true);
    shared = f; /* closed at the end, also if the rest fails */
    atexit(discard_shared);
    fixture_put_library(f);
    for (int i = 0; i < FIXTURE_TRACKS; i++) {
        f->paths[i] = path_of_track(f->music, i);
        write_audio(f->paths[i], i, 12);
        add_track(f, i, "music");
    }
    for (int i = 0; i < FIXTURE_FAILURES; i++) write_bad_file(f->music, i);
    assert_ok(tb_engine_queue_scan(f->engine, "music", NULL, false, &job_id, &err));
    wait_for(f->engine, job_id);
    return shared;
}

fixture *fixture_own(int n, bool run_jobs)
{
    own = make(run_jobs);
    for (int i = 0; i < n; i++) fixture_add(own, i);
    return own;
}

void fixture_add(fixture *f, int i)
{
    if (!f->paths[i]) {
        f->paths[i] = path_of_track(f->folder, i);
        write_audio(f->paths[i], i, 4);
    }
    add_track(f, i, NULL);
}

void fixture_put_library(fixture *f)
{
    tb_error err = {0};
    bool created;
    assert_ok(tb_engine_put_library(f->engine, "music", f->music, NULL, 0, &created, &err));
}

void fixture_wait(int64_t job_id)
{
    wait_for(fixture_engine(), job_id);
}

tb_engine *fixture_engine(void)
{
    return own ? own->engine : fixture_shared()->engine;
}

int fixture_begin(void **state)
{
    (void)state;
    tb_log_setup(stderr, TB_LOG_OFF, false); /* failures are wanted here */
    return 0;
}

int fixture_end(void **state)
{
    (void)state;
    discard(own);
    own = NULL;
    return 0;
}
