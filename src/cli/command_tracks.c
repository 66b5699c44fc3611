// SPDX-License-Identifier: MIT
/* add, list, show, remove, export: the catalog from the command line. */
#include "cli/command.h"
#include "cli/print.h"
#include "cli/progress.h"

#include "base/alloc.h"
#include "base/fs.h"

#include <stdio.h>

enum { MAX_TARGET = 65536, EXPORT_PAGE = 500 };

static tb_status need(const tb_arguments *a, int n, const char *what, tb_error *err)
{
    return a->n_rest >= n ? TB_OK : tb_error_set(err, TB_INVALID, "say %s", what);
}

/* "/v1/tracks/ID" and what follows it. */
static tb_status track_target(tb_buffer *target, const char *id, const char *rest)
{
    tb_status status = TB_OK;
    TB_TRY(tb_target_begin(target, "/v1/tracks"));
    TB_TRY(tb_target_segment(target, id));
    TB_TRY(tb_buffer_append_text(target, rest));
out:
    return status;
}

/* --- add ------------------------------------------------------------------------------------------------------- */

static tb_status add_one(tb_client *client, const char *path, json_t **answer, tb_error *err)
{
    tb_status status = TB_OK;
    char *real = NULL;
    if (!tb_client_is_local(client)) return tb_client_call(client, &(tb_call){TB_POST, "/v1/tracks", NULL, path}, answer, err);
    TB_TRY(tb_fs_real_path(path, &real, err));
    json_t *body = json_pack("{s:s}", "path", real);
    if (!body) TB_FAIL(err, TB_INVALID, "the path %s is not UTF-8; add its folder with `timbre scan`", path);
    TB_TRY(tb_client_call(client, &(tb_call){TB_POST, "/v1/tracks", body, NULL}, answer, err));
out:
    tb_free(real);
    return status;
}

tb_status tb_command_add(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    tb_progress progress = {0};
    int n_failed = 0;
    TB_TRY(need(a, 1, "which files to add: timbre add FILE…", err));
    TB_TRY(tb_client_open(&a->options, &client, err));
    tb_progress_begin(&progress, "adding", a->options.quiet || a->n_rest < 3);
    for (int i = 0; i < a->n_rest; i++) {
        json_t *track = NULL;
        tb_error why = {0};
        if (add_one(client, a->rest[i], &track, &why) != TB_OK) {
            if (a->n_rest == 1) TB_FAIL(err, why.code, "%s", why.message);
            fprintf(stderr, "%s: %s\n", a->rest[i], why.message);
            n_failed++;
        } else if (a->options.json) {
            tb_print_json_line(track);
        } else {
            printf("%s  %s\n", json_string_value(json_object_get(track, "id")), a->rest[i]);
        }
        json_decref(track);
        tb_progress_show(&progress, i + 1, a->n_rest, n_failed);
    }
    a->partly_failed = n_failed > 0;
out:
    tb_progress_end(&progress);
    tb_client_close(client);
    return status;
}

/* --- list, show, remove ------------------------------------------------------------------------------------------ */

tb_status tb_command_list(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    json_t *answer = NULL;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    TB_TRY(tb_target_begin(&target, "/v1/tracks"));
    TB_TRY(tb_target_add(&target, "q", a->options.query));
    TB_TRY(tb_target_add(&target, "filter", a->options.filter));
    TB_TRY(tb_target_add(&target, "sort", a->options.sort));
    TB_TRY(tb_target_add(&target, "with", a->options.with));
    TB_TRY(tb_target_add_number(&target, "limit", (double)a->options.limit));
    TB_TRY(tb_client_open(&a->options, &client, err));
    TB_TRY(tb_client_call(client, &(tb_call){TB_GET, target.bytes, NULL, NULL}, &answer, err));
    if (a->options.json) {
        tb_print_json(answer);
    } else {
        const json_t *results = json_object_get(answer, "results");
        tb_print_tracks(results);
        printf("%zu of %lld\n", json_array_size(results), (long long)json_integer_value(json_object_get(answer, "total")));
    }
out:
    json_decref(answer);
    tb_client_close(client);
    tb_buffer_clear(&target);
    return status;
}

tb_status tb_command_show(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    json_t *track = NULL, *features = NULL;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    TB_TRY(need(a, 1, "which track to show: timbre show ID", err));
    TB_TRY(tb_client_open(&a->options, &client, err));
    TB_TRY(track_target(&target, a->rest[0], ""));
    TB_TRY(tb_client_call(client, &(tb_call){TB_GET, target.bytes, NULL, NULL}, &track, err));
    TB_TRY(track_target(&target, a->rest[0], "/features"));
    TB_TRY(tb_client_call(client, &(tb_call){TB_GET, target.bytes, NULL, NULL}, &features, err));
    json_t *values = json_object_get(features, "features");
    json_object_set(track, "features", values ? values : features);
    if (a->options.json) tb_print_json(track);
    else tb_print_object(track);
out:
    json_decref(features);
    json_decref(track);
    tb_client_close(client);
    tb_buffer_clear(&target);
    return status;
}

tb_status tb_command_remove(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    TB_TRY(need(a, 1, "which tracks to remove: timbre remove ID…", err));
    TB_TRY(tb_client_open(&a->options, &client, err));
    for (int i = 0; i < a->n_rest; i++) {
        json_t *answer = NULL;
        TB_TRY(track_target(&target, a->rest[i], ""));
        status = tb_client_call(client, &(tb_call){TB_DELETE, target.bytes, NULL, NULL}, &answer, err);
        json_decref(answer);
        TB_TRY(status);
        if (!a->options.quiet) printf("removed %s\n", a->rest[i]);
    }
out:
    tb_client_close(client);
    tb_buffer_clear(&target);
    return status;
}

/* --- export --------------------------------------------------------------------------------------------------------- */

tb_status tb_command_export(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    json_t *answer = NULL;
    tb_progress progress = {0};
    int64_t n = 0;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    if (a->options.output && !freopen(a->options.output, "w", stdout)) TB_FAIL(err, TB_IO, "cannot write %s", a->options.output);
    TB_TRY(tb_client_open(&a->options, &client, err));
    tb_progress_begin(&progress, "exporting", a->options.quiet || !a->options.output);
    const char *cursor = NULL;
    do {
        TB_TRY(tb_target_begin(&target, "/v1/tracks"));
        TB_TRY(tb_target_add(&target, "filter", a->options.filter));
        TB_TRY(tb_target_add(&target, "with", a->options.with ? a->options.with : "features"));
        TB_TRY(tb_target_add(&target, "cursor", cursor));
        TB_TRY(tb_target_add_number(&target, "limit", EXPORT_PAGE));
        json_decref(answer);
        answer = NULL;
        TB_TRY(tb_client_call(client, &(tb_call){TB_GET, target.bytes, NULL, NULL}, &answer, err));
        size_t i;
        json_t *track;
        json_array_foreach(json_object_get(answer, "results"), i, track) tb_print_json_line(track);
        n += (int64_t)i;
        tb_progress_show(&progress, n, json_integer_value(json_object_get(answer, "total")), 0);
        cursor = json_string_value(json_object_get(answer, "next_cursor"));
    } while (cursor && !ferror(stdout)); /* main says what is wrong with it */
out:
    tb_progress_end(&progress);
    json_decref(answer);
    tb_client_close(client);
    tb_buffer_clear(&target);
    return status;
}
