// SPDX-License-Identifier: MIT
/* scan: a folder becomes a library, and its music tracks. */
#include "cli/command.h"
#include "cli/print.h"
#include "cli/progress.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/text.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MAX_TARGET = 65536, MAX_NAME = 64 };

/* "My Music" gives "my-music". */
static void name_of_folder(const char *folder, char out[MAX_NAME + 1])
{
    size_t n = 0;
    for (const char *c = tb_fs_name(folder); *c && n < MAX_NAME; c++) {
        const char lower = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
        const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (plain) out[n++] = lower;
        else if (n > 0 && out[n - 1] != '-') out[n++] = '-';
    }
    while (n > 0 && out[n - 1] == '-') n--;
    out[n] = '\0';
    if (n == 0) tb_text_copy(out, MAX_NAME + 1, "music");
}

/* The name of the library that has this root already. */
static tb_status find_library(tb_client *client, const char *root, char out[MAX_NAME + 1], tb_error *err)
{
    json_t *answer = NULL;
    const tb_status status = tb_client_call(client, &(tb_call){TB_GET, "/v1/libraries", NULL, NULL}, &answer, err);
    size_t i;
    const json_t *library;
    json_array_foreach(json_object_get(answer, "results"), i, library)
    {
        const char *its = json_string_value(json_object_get(library, "root"));
        if (its && strcmp(its, root) == 0) tb_text_copy(out, MAX_NAME + 1, json_string_value(json_object_get(library, "name")));
    }
    json_decref(answer);
    return status;
}

static void wait_a_little(void)
{
    const struct timespec tenth = {.tv_nsec = 100 * 1000 * 1000};
    nanosleep(&tenth, NULL);
}

/* Shows the job until it ends; *job is its last state. */
static tb_status follow_job(tb_client *client, int64_t id, const char *what, bool quiet, json_t **job, tb_error *err)
{
    tb_status status = TB_OK;
    char target[64];
    tb_progress progress;
    tb_progress_begin(&progress, what, quiet);
    snprintf(target, sizeof target, "/v1/jobs/%lld", (long long)id);
    for (;;) {
        TB_TRY(tb_client_call(client, &(tb_call){TB_GET, target, NULL, NULL}, job, err));
        const char *state = json_string_value(json_object_get(*job, "state"));
        tb_progress_show(&progress, json_integer_value(json_object_get(*job, "done")), json_integer_value(json_object_get(*job, "total")),
                         json_integer_value(json_object_get(*job, "failed")));
        if (state && strcmp(state, "queued") != 0 && strcmp(state, "running") != 0 && strcmp(state, "paused") != 0) break;
        json_decref(*job);
        *job = NULL;
        wait_a_little();
    }
out:
    tb_progress_end(&progress);
    return status;
}

static tb_status print_failures(tb_client *client, const char *name, tb_error *err)
{
    tb_status status = TB_OK;
    json_t *answer = NULL;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    TB_TRY(tb_target_begin(&target, "/v1/libraries"));
    TB_TRY(tb_target_segment(&target, name));
    TB_TRY(tb_buffer_append_text(&target, "/failures?limit=20"));
    TB_TRY(tb_client_call(client, &(tb_call){TB_GET, target.bytes, NULL, NULL}, &answer, err));
    size_t i;
    const json_t *failure;
    json_array_foreach(json_object_get(answer, "results"), i, failure)
    {
        const char *path = json_string_value(json_object_get(failure, "path")), *reason = json_string_value(json_object_get(failure, "reason"));
        tb_error line; /* makes control characters in names harmless */
        if (path && reason && !strstr(reason, path)) (void)!tb_error_set(&line, TB_IO, "%s: %s", path, reason);
        else (void)!tb_error_set(&line, TB_IO, "%s", reason ? reason : path ? path : "?");
        fprintf(stderr, "  %s\n", line.message);
    }
out:
    json_decref(answer);
    tb_buffer_clear(&target);
    return status;
}

tb_status tb_command_scan(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    json_t *answer = NULL, *job = NULL;
    char *root = NULL, name[MAX_NAME + 1] = "", what[MAX_NAME + 16];
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    if (a->n_rest != 1) TB_FAIL(err, TB_INVALID, "say which folder: timbre scan DIR");
    if (!a->options.wait && !a->options.server)
        TB_FAIL(err, TB_INVALID, "--no-wait needs a server: without --server the scan ends with this program");
    a->options.run_jobs = true;
    TB_TRY(tb_client_open(&a->options, &client, err));
    if (tb_client_is_local(client)) TB_TRY(tb_fs_real_path(a->rest[0], &root, err));
    else if (!(root = tb_strdup(a->rest[0]))) TB_FAIL(err, TB_NO_MEMORY, "no memory for a path");
    if (a->options.name) tb_text_copy(name, sizeof name, a->options.name);
    else TB_TRY(find_library(client, root, name, err));
    if (!*name) name_of_folder(root, name);

    TB_TRY(tb_target_begin(&target, "/v1/libraries"));
    TB_TRY(tb_target_segment(&target, name));
    json_t *body = json_pack("{s:s}", "root", root);
    if (!body) TB_FAIL(err, TB_INVALID, "the folder's name must be UTF-8 (names below it may be anything)");
    TB_TRY(tb_client_call(client, &(tb_call){TB_PUT, target.bytes, body, NULL}, &answer, err));
    json_decref(answer);
    answer = NULL;
    TB_TRY(tb_buffer_append_text(&target, "/scan"));
    TB_TRY(tb_client_call(client, &(tb_call){TB_POST, target.bytes, json_pack("{s:b}", "force", a->options.force), NULL}, &answer, err));
    const int64_t id = json_integer_value(json_object_get(answer, "id"));
    if (!a->options.wait) {
        if (a->options.json) tb_print_json(answer);
        else printf("job %lld scans %s as library %s\n", (long long)id, root, name);
        goto out;
    }
    snprintf(what, sizeof what, "scanning %s", name);
    TB_TRY(follow_job(client, id, what, a->options.quiet, &job, err));
    const char *state = json_string_value(json_object_get(job, "state"));
    const char *message = json_string_value(json_object_get(job, "message"));
    if (!state || strcmp(state, "done") != 0) TB_FAIL(err, TB_IO, "the scan ended as \"%s\": %s", state ? state : "?", message ? message : "no reason was given");
    a->partly_failed = json_integer_value(json_object_get(job, "failed")) > 0;
    if (a->options.json) tb_print_json(job);
    else printf("library %s: %s\n", name, message ? message : "done");
    if (a->partly_failed && !a->options.json) TB_TRY(print_failures(client, name, err));
out:
    json_decref(job);
    json_decref(answer);
    tb_free(root);
    tb_buffer_clear(&target);
    tb_client_close(client);
    return status;
}
