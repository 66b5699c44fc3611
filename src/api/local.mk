# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/api/libapi.la
src_api_libapi_la_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
src_api_libapi_la_LIBADD = $(JANSSON_LIBS)
src_api_libapi_la_SOURCES = \
	src/api/api.c \
	src/api/api.h \
	src/api/api_internal.h \
	src/api/filter_json.c \
	src/api/filter_json.h \
	src/api/handle_features.c \
	src/api/handle_jobs.c \
	src/api/handle_libraries.c \
	src/api/handle_search.c \
	src/api/handle_server.c \
	src/api/handle_tracks.c \
	src/api/json_input.c \
	src/api/json_input.h \
	src/api/options.c \
	src/api/options.h \
	src/api/patch_json.c \
	src/api/patch_json.h \
	src/api/query_json.c \
	src/api/query_json.h \
	src/api/range.c \
	src/api/range.h \
	src/api/reply.c \
	src/api/reply.h \
	src/api/request.c \
	src/api/request.h \
	src/api/routes.c \
	src/api/search_options.c \
	src/api/search_options.h \
	src/api/show.c \
	src/api/show.h \
	src/api/writer.c \
	src/api/writer.h
nodist_src_api_libapi_la_SOURCES = src/api/api_files.c

# The description of the API and the page, built in.
API_FILES = \
	api/openapi.json \
	web/favicon.svg \
	web/index.html \
	web/page.css \
	web/page.js
EXTRA_DIST += api/openapi.yaml $(API_FILES)
CLEANFILES += src/api/api_files.c

# The JSON is kept with the sources; it is made anew where Python and its YAML module are there.
$(srcdir)/api/openapi.json: $(srcdir)/api/openapi.yaml
	$(AM_V_GEN)$(PYTHON) $(srcdir)/tools/check-openapi --update $(srcdir)

src/api/api_files.c: $(API_FILES) $(srcdir)/api/openapi.json tools/embed
	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(EMBED) tb_api_files $(API_FILES)) > $@-t && mv -f $@-t $@
