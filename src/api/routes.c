// SPDX-License-Identifier: MIT
/* The table of routes: every call is one row here, one handler, and one operation in api/openapi.yaml. */
#include "api/api_internal.h"

#define ID "/v1/tracks/{id}"
#define LIBRARY "/v1/libraries/{name}"
#define JOB "/v1/jobs/{id}"

/* A method, a path, the handler without its tb_handle_, and what else there is. */
#define ROUTE(method_name, path, handler_name, ...)                                                        \
    {.method = TB_##method_name, .pattern = path, .handler = tb_handle_##handler_name, __VA_ARGS__}

const tb_route tb_routes[] = {
    ROUTE(GET, "/v1/tracks", track_list, .options = &tb_track_list_options),
    ROUTE(POST, "/v1/tracks", track_add, .options = &tb_track_add_options, .body = TB_BODY_UPLOAD),
    ROUTE(POST, "/v1/tracks/scroll", track_list, .options = &tb_track_list_options, .body = TB_BODY_JSON),
    ROUTE(GET, ID, track_get),
    ROUTE(PATCH, ID, track_patch, .body = TB_BODY_JSON, .whole_body = true),
    ROUTE(DELETE, ID, track_delete),
    ROUTE(GET, ID "/similar", similar, .options = &tb_similar_options),
    ROUTE(GET, ID "/features", track_features),
    ROUTE(GET, ID "/embedding", track_embedding, .options = &tb_embedding_options),
    ROUTE(GET, ID "/segments", track_segments, .options = &tb_segment_options),
    ROUTE(GET, ID "/audio", track_audio, .lenient = true),

    ROUTE(POST, "/v1/search", search, .options = &tb_search_call_options, .body = TB_BODY_UPLOAD,
          .form_options = "query"),
    ROUTE(POST, "/v1/features", features, .options = &tb_analysis_call_options, .body = TB_BODY_UPLOAD),
    ROUTE(POST, "/v1/embed", embed, .options = &tb_embed_options, .body = TB_BODY_UPLOAD),

    ROUTE(GET, "/v1/libraries", library_list),
    ROUTE(GET, LIBRARY, library_get),
    ROUTE(PUT, LIBRARY, library_put, .options = &tb_library_put_options, .body = TB_BODY_JSON),
    ROUTE(DELETE, LIBRARY, library_delete),
    ROUTE(POST, LIBRARY "/scan", library_scan, .options = &tb_library_scan_options, .body = TB_BODY_JSON),
    ROUTE(GET, LIBRARY "/failures", library_failures, .options = &tb_page_options),

    ROUTE(GET, "/v1/jobs", job_list, .options = &tb_job_list_options),
    ROUTE(GET, JOB, job_get),
    ROUTE(DELETE, JOB, job_cancel),
    ROUTE(POST, JOB "/pause", job_pause, .body = TB_BODY_JSON),
    ROUTE(POST, JOB "/resume", job_resume, .body = TB_BODY_JSON),

    ROUTE(GET, "/v1/spaces", space_list, .light = true),
    ROUTE(GET, "/healthz", health, .light = true, .lenient = true),
    ROUTE(GET, "/livez", live, .light = true, .lenient = true),
    ROUTE(GET, "/readyz", ready, .lenient = true),
    ROUTE(GET, "/metrics", metrics, .lenient = true),
    ROUTE(GET, "/openapi.json", file, .light = true, .lenient = true),
    ROUTE(GET, "/", file, .light = true, .lenient = true),
    ROUTE(GET, "/page.js", file, .light = true, .lenient = true),
    ROUTE(GET, "/page.css", file, .light = true, .lenient = true),
    ROUTE(GET, "/favicon.svg", file, .light = true, .lenient = true),
    ROUTE(GET, "/favicon.ico", no_icon, .light = true, .lenient = true),
};
const size_t tb_n_routes = sizeof tb_routes / sizeof *tb_routes;
