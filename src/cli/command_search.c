// SPDX-License-Identifier: MIT
/* similar, search, features: questions about sound. */
#include "cli/command.h"
#include "cli/print.h"

#include "base/fs.h"

#include <stdio.h>

enum { MAX_TARGET = 65536 };

static tb_status add_search_options(tb_buffer *target, const tb_cli_options *o)
{
    tb_status status = TB_OK;
    TB_TRY(tb_target_add(target, "using", o->using));
    TB_TRY(tb_target_add(target, "space", o->space));
    TB_TRY(tb_target_add(target, "missing", o->missing));
    TB_TRY(tb_target_add(target, "level", o->level));
    TB_TRY(tb_target_add(target, "filter", o->filter));
    TB_TRY(tb_target_add(target, "group_by", o->group_by));
    TB_TRY(tb_target_add(target, "with", o->with));
    TB_TRY(tb_target_add_number(target, "limit", (double)o->limit));
    if (o->offset) TB_TRY(tb_target_add_number(target, "offset", (double)o->offset));
    if (o->max_per_artist) TB_TRY(tb_target_add_number(target, "max_per_artist", (double)o->max_per_artist));
    if (o->max_per_album) TB_TRY(tb_target_add_number(target, "max_per_album", (double)o->max_per_album));
    if (o->start > 0) TB_TRY(tb_target_add_number(target, "start", o->start));
    if (o->duration > 0) TB_TRY(tb_target_add_number(target, "duration", o->duration));
    if (o->score_threshold > 0) TB_TRY(tb_target_add_number(target, "score_threshold", o->score_threshold));
    if (o->exclude_same_album) TB_TRY(tb_target_add(target, "exclude_same_album", "true"));
    if (o->explain) TB_TRY(tb_target_add(target, "explain", "true"));
out:
    return status;
}

static tb_status ask(tb_arguments *a, const tb_call *call, void print(const json_t *), tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    json_t *answer = NULL;
    TB_TRY(tb_client_open(&a->options, &client, err));
    TB_TRY(tb_client_call(client, call, &answer, err));
    if (a->options.json) tb_print_json(answer);
    else print(answer);
out:
    json_decref(answer);
    tb_client_close(client);
    return status;
}

tb_status tb_command_similar(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    if (a->n_rest != 1) TB_FAIL(err, TB_INVALID, "say to which track: timbre similar ID");
    TB_TRY(tb_target_begin(&target, "/v1/tracks"));
    TB_TRY(tb_target_segment(&target, a->rest[0]));
    TB_TRY(tb_buffer_append_text(&target, "/similar"));
    TB_TRY(add_search_options(&target, &a->options));
    TB_TRY(ask(a, &(tb_call){TB_GET, target.bytes, NULL, NULL}, tb_print_hits, err));
out:
    tb_buffer_clear(&target);
    return status;
}

tb_status tb_command_search(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer target;
    tb_buffer_init(&target, MAX_TARGET);
    if (a->n_rest != 1) TB_FAIL(err, TB_INVALID, "say for which sound: timbre search FILE");
    TB_TRY(tb_target_begin(&target, "/v1/search"));
    TB_TRY(add_search_options(&target, &a->options));
    TB_TRY(ask(a, &(tb_call){TB_POST, target.bytes, NULL, a->rest[0]}, tb_print_hits, err));
out:
    tb_buffer_clear(&target);
    return status;
}

/* --- features --------------------------------------------------------------------------------------------------- */

tb_status tb_command_features(tb_arguments *a, tb_error *err)
{
    tb_status status = TB_OK;
    tb_client *client = NULL;
    int n_failed = 0;
    if (a->n_rest < 1) TB_FAIL(err, TB_INVALID, "say of which files: timbre features FILE…");
    TB_TRY(tb_client_open(&a->options, &client, err));
    for (int i = 0; i < a->n_rest; i++) {
        json_t *answer = NULL;
        tb_error why = {0};
        if (tb_client_call(client, &(tb_call){TB_POST, "/v1/features", NULL, a->rest[i]}, &answer, &why) != TB_OK) {
            if (a->n_rest == 1) TB_FAIL(err, why.code, "%s", why.message);
            fprintf(stderr, "%s: %s\n", a->rest[i], why.message);
            n_failed++;
            continue;
        }
        json_object_set_new(answer, "file", json_string(tb_fs_name(a->rest[i])));
        if (a->options.json) {
            tb_print_json_line(answer);
        } else {
            if (a->n_rest > 1) printf("%s%s\n", i ? "\n" : "", a->rest[i]);
            tb_print_object(answer);
        }
        json_decref(answer);
    }
    a->partly_failed = n_failed > 0;
out:
    tb_client_close(client);
    return status;
}
