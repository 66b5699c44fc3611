# SPDX-License-Identifier: MIT
noinst_LTLIBRARIES += src/store/libstore.la
src_store_libstore_la_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
src_store_libstore_la_LIBADD = $(SQLITE_LIBS)
src_store_libstore_la_SOURCES = \
	src/store/embedding_table.c \
	src/store/embedding_table.h \
	src/store/fields.c \
	src/store/fields.h \
	src/store/fields_internal.h \
	src/store/file_table.c \
	src/store/file_table.h \
	src/store/filter.c \
	src/store/filter.h \
	src/store/filter_internal.h \
	src/store/filter_parse.c \
	src/store/filter_sql.c \
	src/store/job_table.c \
	src/store/job_table.h \
	src/store/migrate.c \
	src/store/migrate_internal.h \
	src/store/sql.c \
	src/store/sql_internal.h \
	src/store/store.c \
	src/store/store.h \
	src/store/track_internal.h \
	src/store/track_list.c \
	src/store/track_read.c \
	src/store/track_table.h \
	src/store/track_write.c

# One file per migration, in order; they are built into the library.
MIGRATIONS = \
	sql/0001_init.sql
EXTRA_DIST += $(MIGRATIONS)
nodist_src_store_libstore_la_SOURCES = src/store/migrations.c
CLEANFILES += src/store/migrations.c
src/store/migrations.c: $(MIGRATIONS) tools/embed
	$(AM_V_GEN)$(MKDIR_P) $(@D) && (cd $(srcdir) && $(EMBED) tb_store_migrations $(MIGRATIONS)) > $@-t && mv -f $@-t $@
