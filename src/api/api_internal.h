// SPDX-License-Identifier: MIT
/* What the files of this layer share: a call under way, routes, handlers.
 *
 * Life of a call: api.c finds the route, reads the body as JSON if it is, reads the options by the route's
 * table, and runs the handler; the handler calls the engine and writes the answer with call->writer; api.c
 * turns what was written, or the error, into the reply. */
#ifndef TIMBRE_API_API_INTERNAL_H
#define TIMBRE_API_API_INTERNAL_H

#include "api/api.h"
#include "api/options.h"
#include "api/writer.h"
#include "base/embed.h"

#include <jansson.h>

enum {
    TB_MAX_SEGMENT_BYTES = 1024, /* of a path segment that names something, decoded */
    TB_MAX_ANSWER_BYTES = 256 * 1024 * 1024,
};

struct tb_api {
    tb_engine *engine;
    int64_t max_upload_bytes, max_json_bytes;
    tb_api_metrics *metrics;
    void *metrics_context;
};

typedef struct tb_route tb_route;

typedef struct tb_call {
    tb_api *api;
    tb_engine *engine;
    tb_request *request;
    tb_reply *reply;
    const tb_route *route;
    char name[TB_MAX_SEGMENT_BYTES]; /* what {id} or {name} in the path is, decoded */
    const void *options;             /* struct of the route's table; NULL when it has none */
    json_t *body;                    /* JSON body, borrowed; NULL when there is none */
    tb_buffer text;                  /* the answer as it is written; starts without content */
    tb_writer writer;
    int status; /* HTTP code of the answer, 200 at first */
    int64_t started_ns;
    bool done; /* the handler filled the reply itself */
} tb_call;

typedef tb_status tb_handler(tb_call *call, tb_error *err);

struct tb_route {
    tb_method method;    /* TB_GET answers TB_HEAD too */
    const char *pattern; /* "/v1/tracks/{id}/similar"; at most one {…} */
    tb_handler *handler;
    const tb_option_table *options; /* NULL: no parameters, no body fields */
    tb_body_policy body;
    bool light;
    bool whole_body;          /* the JSON body is the handler's, not options; there must be one */
    bool lenient;             /* unknown parameters are passed over */
    const char *form_options; /* name of a form part that holds a JSON object of options, or NULL */
};

/* The one table. */
extern const tb_route tb_routes[];
extern const size_t tb_n_routes;

/* Files built in: openapi.json and the page. */
extern const tb_embedded_file tb_api_files[];

/* --- tables of options, beside the handlers that read them --------------------------------------------- */

extern const tb_option_table tb_track_list_options, tb_track_add_options, tb_embedding_options,
    tb_segment_options;
extern const tb_option_table tb_similar_options, tb_search_call_options;
extern const tb_option_table tb_library_put_options, tb_library_scan_options, tb_page_options,
    tb_job_list_options;
extern const tb_option_table tb_analysis_call_options, tb_embed_options;

/* --- handlers ------------------------------------------------------------------------------------------ */

tb_handler tb_handle_track_list, tb_handle_track_add, tb_handle_track_get, tb_handle_track_patch,
    tb_handle_track_delete;
tb_handler tb_handle_track_features, tb_handle_track_embedding, tb_handle_track_segments,
    tb_handle_track_audio;
tb_handler tb_handle_similar, tb_handle_search;
tb_handler tb_handle_features, tb_handle_embed;
tb_handler tb_handle_library_list, tb_handle_library_get, tb_handle_library_put, tb_handle_library_delete;
tb_handler tb_handle_library_scan, tb_handle_library_failures;
tb_handler tb_handle_job_list, tb_handle_job_get, tb_handle_job_cancel, tb_handle_job_pause,
    tb_handle_job_resume;
tb_handler tb_handle_space_list;
tb_handler tb_handle_health, tb_handle_live, tb_handle_ready, tb_handle_metrics, tb_handle_file,
    tb_handle_no_icon;

/* --- helpers of api.c for handlers --------------------------------------------------------------------- */

/* Adds a header; TB_NO_MEMORY. */
tb_status tb_call_add_header(tb_call *call, const char *name, const char *value, tb_error *err) TB_MUST_CHECK;
/* Location: prefix and the name, percent-encoded. */
tb_status tb_call_add_location(tb_call *call, const char *prefix, const char *name,
                               tb_error *err) TB_MUST_CHECK;
/* Seconds since the request came to the API. */
double tb_call_elapsed_s(const tb_call *call);
/* A space by name; TB_INVALID names those that there are.  NULL is fine. */
tb_status tb_call_check_space(const tb_call *call, const char *name, tb_error *err) TB_MUST_CHECK;
/* The one audio file of an upload, or NULL when there is none.  TB_INVALID: two, an empty one, or one under
 * another name than "file". */
tb_status tb_call_find_upload(tb_call *call, tb_upload **upload, tb_error *err) TB_MUST_CHECK;
/* The real path of one that the client named: inside a library, or anywhere for local requests (*library is
 * NULL then).  Both: tb_free. */
tb_status tb_call_resolve_path(tb_call *call, const char *path, char **real, char **library,
                               tb_error *err) TB_MUST_CHECK;
/* A status of the engine where TB_NOT_FOUND is a wrong value in the request and not the thing that the path
 * names: TB_INVALID then. */
tb_status tb_call_blame_request(tb_status status, tb_error *err) TB_MUST_CHECK;
/* A position in a list, from its cursor (decimal text; NULL is 0).  TB_INVALID. */
tb_status tb_read_cursor(const char *cursor, size_t *offset, tb_error *err) TB_MUST_CHECK;
/* "next_cursor": the position behind what was shown, or null at the end. */
void tb_write_next_cursor(tb_writer *writer, size_t next, size_t total);

#endif
