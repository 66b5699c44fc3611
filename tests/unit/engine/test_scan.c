// SPDX-License-Identifier: MIT
/* Libraries, scans and jobs. */
#include "support/engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef struct fixture {
    tb_engine *engine;
    char *data, *music;
} fixture;

static fixture make(void)
{
    const char *folder = tb_test_folder();
    fixture f = {.data = tb_test_join(folder, "data"), .music = tb_test_join(folder, "music")};
    mkdir(f.music, 0700);
    f.engine = open_engine(f.data);
    return f;
}

static void discard(fixture *f)
{
    tb_engine_close(f->engine);
    free(f->data);
    free(f->music);
}

static char *write_piece(const fixture *f, const char *name, uint64_t seed)
{
    char *path = tb_test_join(f->music, name);
    tb_test_write_piece(path, seed, 2, 22050);
    return path;
}

static void put_library(fixture *f, const char *const *exclude, size_t n_exclude)
{
    tb_error err = {0};
    bool created;
    assert_ok(tb_engine_put_library(f->engine, "music", f->music, exclude, n_exclude, &created, &err));
}

/* Scans and returns the job at its end; clear it. */
static tb_job scan(fixture *f, bool force)
{
    tb_error err = {0};
    int64_t id;
    tb_job job;
    assert_ok(tb_engine_queue_scan(f->engine, "music", NULL, force, &id, &err));
    assert_ok(tb_engine_wait_job(f->engine, id, 60, &job, &err));
    return job;
}

static void scan_expecting(fixture *f, const char *message)
{
    tb_job job = scan(f, false);
    assert_int_equal(job.state, TB_JOB_DONE);
    assert_string_equal(job.message, message);
    tb_job_clear(&job);
}

static int64_t n_tracks(fixture *f)
{
    tb_error err = {0};
    tb_engine_stats stats;
    assert_ok(tb_engine_get_stats(f->engine, &stats, &err));
    return stats.n_tracks;
}

static void only_what_is_new_or_changed_is_taken_in(void **state)
{
    (void)state;
    fixture f = make();
    char *a = write_piece(&f, "a.wav", 1), *b = write_piece(&f, "b.wav", 2), *deep = tb_test_join(f.music, "deep");
    mkdir(deep, 0700);
    char *c = write_piece(&f, "deep/c.wav", 3), *text = tb_test_join(f.music, "notes.txt"), *hidden = write_piece(&f, ".hidden.wav", 4);
    fclose(fopen(text, "w"));
    put_library(&f, NULL, 0);
    scan_expecting(&f, "3 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    scan_expecting(&f, "0 new, 0 known again, 3 unchanged, 0 gone, 0 failed");
    assert_int_equal(n_tracks(&f), 3);

    char *moved = tb_test_join(f.music, "deep/moved.wav");
    char before[TB_TRACK_ID_SIZE];
    tb_error err = {0};
    tb_track_list list;
    assert_ok(tb_engine_list_tracks(f.engine, &(tb_list_options){.limit = 10, .text = "a"}, &list, &err));
    memcpy(before, list.tracks[0].id, sizeof before);
    tb_track_list_clear(&list);
    assert_int_equal(rename(a, moved), 0);
    unlink(b);
    tb_test_write_piece(c, 5, 2, 22050);
    scan_expecting(&f, "1 new, 1 known again, 0 unchanged, 1 gone, 0 failed");
    assert_int_equal(n_tracks(&f), 2);
    tb_track track;
    assert_ok(tb_engine_get_track(f.engine, before, &track, &err)); /* the moved file kept its record */
    assert_string_equal(track.path, moved);
    tb_track_clear(&track);
    free(a);
    free(b);
    free(c);
    free(deep);
    free(text);
    free(hidden);
    free(moved);
    discard(&f);
}

static void failures_are_listed_and_retried_when_the_file_changes(void **state)
{
    (void)state;
    fixture f = make();
    char *good = write_piece(&f, "good.wav", 1), *bad = tb_test_join(f.music, "bad.flac");
    FILE *file = fopen(bad, "w");
    fputs("this is a text", file);
    fclose(file);
    put_library(&f, NULL, 0);
    tb_job job = scan(&f, false);
    assert_int_equal(job.state, TB_JOB_DONE);
    assert_int_equal(job.failed, 1);
    tb_job_clear(&job);
    tb_error err = {0};
    tb_failure *failures;
    size_t n;
    int64_t total;
    assert_ok(tb_engine_list_failures(f.engine, "music", 0, 10, &failures, &n, &total, &err));
    assert_int_equal(n, 1);
    assert_int_equal(total, 1);
    assert_string_equal(failures[0].path, bad);
    assert_true(strlen(failures[0].reason) > 10);
    tb_failures_free(failures, n);
    scan_expecting(&f, "0 new, 0 known again, 2 unchanged, 0 gone, 0 failed");
    tb_test_write_piece(bad, 2, 2, 22050);
    scan_expecting(&f, "1 new, 0 known again, 1 unchanged, 0 gone, 0 failed");
    assert_ok(tb_engine_list_failures(f.engine, "music", 0, 10, &failures, &n, &total, &err));
    assert_int_equal(total, 0);
    tb_failures_free(failures, n);
    free(good);
    free(bad);
    discard(&f);
}

static void an_unmounted_folder_forgets_nothing(void **state)
{
    (void)state;
    fixture f = make();
    char *a = write_piece(&f, "a.wav", 1), *away = tb_test_join(f.data, "../away");
    put_library(&f, NULL, 0);
    scan_expecting(&f, "1 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    assert_int_equal(rename(f.music, away), 0);
    tb_job job = scan(&f, false);
    assert_int_equal(job.state, TB_JOB_FAILED);
    assert_non_null(strstr(job.message, "mounted"));
    tb_job_clear(&job);
    mkdir(f.music, 0700); /* an empty mount point */
    job = scan(&f, false);
    assert_int_equal(job.state, TB_JOB_FAILED);
    tb_job_clear(&job);
    assert_int_equal(n_tracks(&f), 1);
    free(a);
    free(away);
    discard(&f);
}

static void excluded_and_ignored_folders_are_passed_over(void **state)
{
    (void)state;
    fixture f = make();
    const char *folders[] = {"books", "ignored"};
    for (int i = 0; i < 2; i++) {
        char *path = tb_test_join(f.music, folders[i]);
        mkdir(path, 0700);
        free(path);
    }
    char *a = write_piece(&f, "a.wav", 1), *b = write_piece(&f, "books/b.wav", 2), *c = write_piece(&f, "ignored/c.wav", 3);
    char *marker = tb_test_join(f.music, "ignored/.ignore");
    fclose(fopen(marker, "w"));
    const char *exclude[] = {"books/*"};
    put_library(&f, exclude, 1);
    scan_expecting(&f, "1 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    free(a);
    free(b);
    free(c);
    free(marker);
    discard(&f);
}

static void links_out_of_the_library_are_not_followed(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    const char *elsewhere = tb_test_folder();
    char *secret = tb_test_join(elsewhere, "secret.wav"), *link_path = tb_test_join(f.music, "link.wav"), *inside = write_piece(&f, "in.wav", 1);
    tb_test_write_piece(secret, 9, 2, 22050);
    assert_int_equal(symlink(secret, link_path), 0);
    put_library(&f, NULL, 0);
    scan_expecting(&f, "1 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    char *real = NULL, *library = NULL, *dots = tb_test_join(f.music, "../data/timbre.db");
    assert_status(tb_engine_resolve_path(f.engine, link_path, &real, &library, &err), TB_NOT_FOUND);
    assert_status(tb_engine_resolve_path(f.engine, secret, &real, &library, &err), TB_FORBIDDEN);
    assert_status(tb_engine_resolve_path(f.engine, dots, &real, &library, &err), TB_FORBIDDEN);
    assert_status(tb_engine_resolve_path(f.engine, "relative.wav", &real, &library, &err), TB_INVALID);
    assert_ok(tb_engine_resolve_path(f.engine, inside, &real, &library, &err));
    assert_string_equal(library, "music");
    tb_free(real);
    tb_free(library);
    free(dots);
    free(secret);
    free(link_path);
    free(inside);
    discard(&f);
}

static void names_that_are_not_utf8_are_taken_in(void **state)
{
    (void)state;
    fixture f = make();
    char *odd = write_piece(&f, "caf\xe9.wav", 1);
    put_library(&f, NULL, 0);
    scan_expecting(&f, "1 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    tb_error err = {0};
    tb_track_list list;
    assert_ok(tb_engine_list_tracks(f.engine, &(tb_list_options){.limit = 10}, &list, &err));
    assert_string_equal(list.tracks[0].tags[TB_TAG_TITLE], "caf\xef\xbf\xbd");
    int fd;
    int64_t size;
    const char *type;
    assert_ok(tb_engine_open_audio(f.engine, list.tracks[0].id, &fd, &size, &type, &err));
    close(fd);
    tb_track_list_clear(&list);
    free(odd);
    discard(&f);
}

static void bad_libraries_are_refused(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    bool created;
    char *file = write_piece(&f, "a.wav", 1);
    assert_status(tb_engine_put_library(f.engine, "Bad Name", f.music, NULL, 0, &created, &err), TB_INVALID);
    assert_status(tb_engine_put_library(f.engine, "", f.music, NULL, 0, &created, &err), TB_INVALID);
    assert_status(tb_engine_put_library(f.engine, "m", "relative", NULL, 0, &created, &err), TB_INVALID);
    assert_status(tb_engine_put_library(f.engine, "m", file, NULL, 0, &created, &err), TB_INVALID);
    assert_status(tb_engine_put_library(f.engine, "m", "/", NULL, 0, &created, &err), TB_INVALID);
    assert_status(tb_engine_put_library(f.engine, "m", f.data, NULL, 0, &created, &err), TB_INVALID);
    assert_status(tb_engine_put_library(f.engine, "m", "/no/such/folder", NULL, 0, &created, &err), TB_NOT_FOUND);
    put_library(&f, NULL, 0);
    assert_status(tb_engine_put_library(f.engine, "other", f.music, NULL, 0, &created, &err), TB_EXISTS);
    int64_t id;
    assert_status(tb_engine_queue_scan(f.engine, "unknown", NULL, false, &id, &err), TB_NOT_FOUND);
    free(file);
    discard(&f);
}

static void a_removed_library_takes_its_tracks_along(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    char *a = write_piece(&f, "a.wav", 1);
    put_library(&f, NULL, 0);
    scan_expecting(&f, "1 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    assert_ok(tb_engine_remove_library(f.engine, "music", &err));
    assert_int_equal(n_tracks(&f), 0);
    assert_int_equal(access(a, R_OK), 0);
    tb_library library;
    assert_status(tb_engine_get_library(f.engine, "music", &library, &err), TB_NOT_FOUND);
    free(a);
    discard(&f);
}

static void a_scan_can_be_cancelled_and_goes_on_after_a_restart(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    char *paths[40];
    for (int i = 0; i < 40; i++) {
        char name[16];
        snprintf(name, sizeof name, "%02d.wav", i);
        paths[i] = write_piece(&f, name, 100 + (uint64_t)i);
    }
    put_library(&f, NULL, 0);
    int64_t id;
    tb_job job;
    assert_ok(tb_engine_queue_scan(f.engine, "music", NULL, false, &id, &err));
    tb_engine_close(f.engine); /* in the middle of it, or before it began */
    f.engine = open_engine(f.data);
    assert_ok(tb_engine_wait_job(f.engine, id, 60, &job, &err));
    assert_int_equal(job.state, TB_JOB_DONE);
    tb_job_clear(&job);
    assert_int_equal(n_tracks(&f), 40);

    assert_ok(tb_engine_queue_scan(f.engine, "music", NULL, true, &id, &err));
    assert_ok(tb_engine_pause_job(f.engine, id, &err));
    assert_ok(tb_engine_get_job(f.engine, id, &job, &err));
    assert_int_equal(job.state, TB_JOB_PAUSED);
    tb_job_clear(&job);
    assert_ok(tb_engine_resume_job(f.engine, id, &err));
    assert_ok(tb_engine_cancel_job(f.engine, id, &err));
    assert_ok(tb_engine_wait_job(f.engine, id, 60, &job, &err));
    assert_int_equal(job.state, TB_JOB_CANCELLED);
    tb_job_clear(&job);
    assert_status(tb_engine_cancel_job(f.engine, id, &err), TB_EXISTS);
    assert_status(tb_engine_cancel_job(f.engine, 12345, &err), TB_NOT_FOUND);
    assert_int_equal(n_tracks(&f), 40);
    for (int i = 0; i < 40; i++) free(paths[i]);
    discard(&f);
}

static void steering_a_job_at_any_moment_leaves_no_odd_state(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    char *paths[4];
    for (int i = 0; i < 4; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", i);
        paths[i] = write_piece(&f, name, 1 + (uint64_t)i);
    }
    put_library(&f, NULL, 0);
    for (int round = 0; round < 40; round++) { /* pause and resume come before, at and after the start and the end */
        int64_t id;
        tb_job job;
        assert_ok(tb_engine_queue_scan(f.engine, "music", NULL, round % 4 == 0, &id, &err));
        const struct timespec moment = {.tv_nsec = round % 7 * 200 * 1000};
        nanosleep(&moment, NULL);
        const tb_status paused = tb_engine_pause_job(f.engine, id, &err);
        if (paused == TB_OK) {
            assert_ok(tb_engine_get_job(f.engine, id, &job, &err));
            if (job.state != TB_JOB_DONE) assert_int_equal(job.state, TB_JOB_PAUSED);
            const bool ended = job.state == TB_JOB_DONE;
            tb_job_clear(&job);
            if (!ended) {
                const tb_status resumed = tb_engine_resume_job(f.engine, id, &err);
                if (resumed != TB_EXISTS) assert_int_equal(resumed, TB_OK);
            }
        } else {
            assert_int_equal(paused, TB_EXISTS);
        }
        assert_ok(tb_engine_wait_job(f.engine, id, 60, &job, &err));
        assert_int_equal(job.state, TB_JOB_DONE);
        assert_int_equal(job.done, job.total);
        tb_job_clear(&job);
    }
    assert_int_equal(n_tracks(&f), 4);
    for (int i = 0; i < 4; i++) free(paths[i]);
    discard(&f);
}

static void an_engine_closes_while_a_job_is_paused_and_the_job_can_be_resumed_later(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    char *paths[10];
    for (int i = 0; i < 10; i++) {
        char name[16];
        snprintf(name, sizeof name, "%d.wav", i);
        paths[i] = write_piece(&f, name, 1 + (uint64_t)i);
    }
    put_library(&f, NULL, 0);
    int64_t id;
    tb_job job;
    assert_ok(tb_engine_queue_scan(f.engine, "music", NULL, false, &id, &err));
    assert_ok(tb_engine_pause_job(f.engine, id, &err));
    tb_engine_close(f.engine);
    f.engine = open_engine(f.data);
    assert_ok(tb_engine_get_job(f.engine, id, &job, &err));
    assert_int_equal(job.state, TB_JOB_PAUSED);
    tb_job_clear(&job);
    assert_status(tb_engine_wait_job(f.engine, id, 0.2, &job, &err), TB_TIMEOUT);
    assert_ok(tb_engine_resume_job(f.engine, id, &err));
    assert_status(tb_engine_resume_job(f.engine, id, NULL), TB_EXISTS);
    assert_ok(tb_engine_wait_job(f.engine, id, 60, &job, &err));
    assert_int_equal(job.state, TB_JOB_DONE);
    tb_job_clear(&job);
    assert_int_equal(n_tracks(&f), 10);
    for (int i = 0; i < 10; i++) free(paths[i]);
    discard(&f);
}

static void a_file_whose_time_is_out_of_range_is_unchanged_the_second_time(void **state)
{
    (void)state;
    fixture f = make();
    char *a = write_piece(&f, "a.wav", 1);
    const struct timespec times[2] = {{.tv_sec = INT64_MAX / 4}, {.tv_sec = INT64_MAX / 4}};
    (void)!utimensat(AT_FDCWD, a, times, 0); /* some file systems keep a smaller one */
    put_library(&f, NULL, 0);
    scan_expecting(&f, "1 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    scan_expecting(&f, "0 new, 0 known again, 1 unchanged, 0 gone, 0 failed");
    free(a);
    discard(&f);
}

static void the_upload_of_a_job_that_is_cancelled_before_it_runs_goes(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    tb_engine_close(f.engine); /* an engine that keeps jobs and does not run them */
    char *models = tb_test_source_path("models");
    const tb_engine_options options = {.data_folder = f.data, .models_folder = models, .n_threads = 1};
    assert_ok(tb_engine_open(&options, &f.engine, &err));
    char *path = tb_test_join(tb_engine_incoming_folder(f.engine), "u"), *waiting = tb_test_join(f.data, "pending/u");
    tb_test_write_piece(path, 1, 2, 22050);
    int64_t id;
    assert_ok(tb_engine_queue_add(f.engine, path, &(tb_add_options){.move_upload = true, .file_name = "u.wav"}, &id, &err));
    assert_int_equal(access(waiting, R_OK), 0);
    assert_ok(tb_engine_cancel_job(f.engine, id, &err));
    assert_int_equal(access(waiting, R_OK), -1);
    free(models);
    free(path);
    free(waiting);
    discard(&f);
}

static void an_upload_can_be_added_by_a_job(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    char *path = tb_test_join(tb_engine_incoming_folder(f.engine), "u");
    tb_test_write_piece(path, 1, 2, 22050);
    tb_track_patch metadata = {0};
    metadata.set_tag[TB_TAG_TITLE] = true;
    metadata.tags[TB_TAG_TITLE] = "By job";
    int64_t id;
    assert_ok(tb_engine_queue_add(f.engine, path, &(tb_add_options){.move_upload = true, .file_name = "u.wav", .metadata = &metadata}, &id, &err));
    tb_job job;
    assert_ok(tb_engine_wait_job(f.engine, id, 60, &job, &err));
    assert_int_equal(job.state, TB_JOB_DONE);
    assert_string_equal(job.subject, "u.wav");
    tb_track track;
    assert_ok(tb_engine_get_track(f.engine, job.result_id, &track, &err));
    assert_string_equal(track.tags[TB_TAG_TITLE], "By job");
    tb_track_clear(&track);
    tb_job_clear(&job);
    free(path);
    discard(&f);
}

/* The shipped model with eight blanks more in its header: the same numbers, another file, so another space. */
static char *write_other_models(const char *folder)
{
    tb_error err = {0};
    char *from = tb_test_source_path("models/descriptors.safetensors"), *models = tb_test_join(folder, "other-models"), *bytes, *path;
    size_t size;
    assert_ok(tb_fs_read(from, 1 << 24, &bytes, &size, &err));
    uint64_t header;
    memcpy(&header, bytes, sizeof header);
    char *made = malloc(size + 8);
    const uint64_t longer = header + 8;
    memcpy(made, &longer, 8);
    memcpy(made + 8, bytes + 8, header);
    memset(made + 8 + header, ' ', 8);
    memcpy(made + 16 + header, bytes + 8 + header, size - 8 - header);
    mkdir(models, 0700);
    path = tb_test_join(models, "descriptors.safetensors");
    assert_ok(tb_fs_write_atomic(path, made, size + 8, &err));
    tb_free(bytes);
    free(made);
    free(path);
    free(from);
    return models;
}

static void a_scan_lets_a_new_model_hear_what_is_known(void **state)
{
    (void)state;
    fixture f = make();
    tb_error err = {0};
    char *a = write_piece(&f, "a.wav", 1), *b = write_piece(&f, "b.wav", 2), *models = write_other_models(tb_test_folder());
    put_library(&f, NULL, 0);
    scan_expecting(&f, "2 new, 0 known again, 0 unchanged, 0 gone, 0 failed");
    tb_track_list list;
    assert_ok(tb_engine_list_tracks(f.engine, &(tb_list_options){.limit = 10}, &list, &err));
    tb_engine_close(f.engine);
    const tb_engine_options options = {.data_folder = f.data, .models_folder = models, .n_threads = 2, .run_jobs = true};
    assert_ok(tb_engine_open(&options, &f.engine, &err));

    tb_search_result result;
    const tb_query query = {.id = list.tracks[0].id};
    assert_status(tb_engine_search(f.engine, &query, &(tb_search_options){.limit = 5}, &result, &err), TB_NOT_FOUND);
    assert_non_null(strstr(err.message, "scan"));
    scan_expecting(&f, "0 new, 2 known again, 0 unchanged, 0 gone, 0 failed");
    result = search(f.engine, &query, &(tb_search_options){0});
    assert_int_equal(result.n_hits, 1);
    tb_search_result_clear(&result);
    scan_expecting(&f, "0 new, 0 known again, 2 unchanged, 0 gone, 0 failed");
    tb_track_list_clear(&list);
    free(a);
    free(b);
    free(models);
    discard(&f);
}

TB_TESTS(scan, cmocka_unit_test(only_what_is_new_or_changed_is_taken_in), cmocka_unit_test(failures_are_listed_and_retried_when_the_file_changes),
         cmocka_unit_test(an_unmounted_folder_forgets_nothing), cmocka_unit_test(excluded_and_ignored_folders_are_passed_over),
         cmocka_unit_test(links_out_of_the_library_are_not_followed), cmocka_unit_test(names_that_are_not_utf8_are_taken_in),
         cmocka_unit_test(bad_libraries_are_refused), cmocka_unit_test(a_removed_library_takes_its_tracks_along),
         cmocka_unit_test(a_scan_can_be_cancelled_and_goes_on_after_a_restart), cmocka_unit_test(an_upload_can_be_added_by_a_job),
         cmocka_unit_test(a_scan_lets_a_new_model_hear_what_is_known),
         cmocka_unit_test(steering_a_job_at_any_moment_leaves_no_odd_state),
         cmocka_unit_test(an_engine_closes_while_a_job_is_paused_and_the_job_can_be_resumed_later),
         cmocka_unit_test(a_file_whose_time_is_out_of_range_is_unchanged_the_second_time),
         cmocka_unit_test(the_upload_of_a_job_that_is_cancelled_before_it_runs_goes))
