// SPDX-License-Identifier: MIT
/* Opening a data folder: lock, look, set up, migrate, then one connection that writes and some that read.
 *
 * Durability: in WAL mode with synchronous=FULL SQLite syncs the WAL at each commit, so what was committed
 * is on the disk.  (NORMAL would sync at checkpoints alone: safe from corruption, but power loss takes the
 * last commits back.)  The folder itself is synced after the files were made. */
#include "store/migrate_internal.h"
#include "store/sql_internal.h"

#include "base/alloc.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "store/fields_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum {
    DEFAULT_BUSY_MS = 5000,
    DEFAULT_READERS = 4,
    MAX_READERS = 64,
    MAX_VALUE_BYTES = 512 * 1024 * 1024, /* one blob: a million segments of 256 numbers */
    WAL_EASY_PAGES = 2000,   /* 8 MB: from here on pages are moved into the database */
    WAL_STEP_PAGES = 16000,  /* 64 MB: from here on readers are waited for */
    WAL_WAIT_MS = 500,
    SETTING_NAME_MAX = 200,
    SETTING_VALUE_MAX = 1024 * 1024
};

/* --- the lock file ------------------------------------------------------------------------------------ */

static tb_status take_lock(const char *folder, int *lock_file, tb_error *err)
{
    tb_status status = TB_OK;
    int file = -1;
    char *path = tb_fs_join(folder, "timbre.lock");
    if (!path) TB_FAIL(err, TB_NO_MEMORY, "no memory to open %s", folder);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (file < 0) {
        status = tb_error_errno(err, errno, "the lock file %s cannot be opened", path);
        goto out;
    }
    char pid[32] = "";
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) {
            status = tb_error_errno(err, errno, "the lock file %s cannot be locked", path);
            goto out;
        }
        const ssize_t n = pread(file, pid, sizeof pid - 1, 0);
        int64_t number = 0;
        pid[n > 0 ? strcspn(pid, "\n") : 0] = 0;
        if (tb_parse_int(pid, 1, INT32_MAX, &number) == TB_OK)
            TB_FAIL(err, TB_BUSY,
                    "the data folder %s is in use by process %lld; stop that one first, or use another "
                    "folder",
                    folder, (long long)number);
        TB_FAIL(err, TB_BUSY,
                "the data folder %s is in use by another process; stop that one first, or use another "
                "folder",
                folder);
    }
    /* The number is for people only: failing to write it (a full disk) is no reason to stay out. */
    const int n = snprintf(pid, sizeof pid, "%lld\n", (long long)getpid());
    if (ftruncate(file, 0) != 0 || pwrite(file, pid, (size_t)n, 0) != n)
        tb_log(TB_LOG_WARN, "store", "cannot write to %s: %s", path, strerror(errno));
    *lock_file = file;
    file = -1;
out:
    if (file >= 0) close(file);
    tb_free(path);
    return status;
}

/* --- connections -------------------------------------------------------------------------------------- */

static void set_limits(sqlite3 *db)
{
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES);
    sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 1024 * 1024);
    sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_limit(db, SQLITE_LIMIT_TRIGGER_DEPTH, 10);
    sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
}

static tb_status open_connection(const tb_store *store, bool writable, tb__conn *conn, tb_error *err)
{
    tb_status status = TB_OK;
    *conn = (tb__conn){.store = store};
    const int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE |
                      (writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    const int code = sqlite3_open_v2(store->path, &conn->db, flags, NULL);
    if (code != SQLITE_OK) {
        status = tb__sql_error(conn, code, err);
        goto out;
    }
    sqlite3_busy_timeout(conn->db, store->busy_timeout_ms);
    set_limits(conn->db);
    /* Nothing in a database file may run code of its own choice, and SQL may not write to internal tables.
     * */
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    TB_TRY(tb__sql_run(conn,
                       "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY;"
                       "PRAGMA cache_size = -8000",
                       err));
out:
    if (status != TB_OK) tb__conn_close(conn);
    return status;
}

static tb_status set_journal(tb__conn *conn, bool is_new, tb_error *err)
{
    tb_status status = TB_OK;
    tb__query q = {0};
    bool row = false;
    if (is_new) TB_TRY(tb__sql_run(conn, "PRAGMA page_size = 4096", err));
    TB_TRY(tb__query_open_once(&q, conn, "PRAGMA journal_mode = WAL", err));
    TB_TRY(tb__query_next(&q, &row, err));
    const char *mode = row ? (const char *)sqlite3_column_text(q.statement, 0) : NULL;
    if (!mode || strcmp(mode, "wal") != 0)
        TB_FAIL(err, TB_UNSUPPORTED,
                "the file system of %s cannot keep a write-ahead log (a network folder?); put the "
                "data folder on a local disk",
                conn->store->path);
    tb__query_close(&q);
    TB_TRY(
        tb__sql_run(conn,
                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                    "PRAGMA journal_size_limit = 67108864",
                    err));
out:
    tb__query_close(&q);
    return status;
}

/* After each commit: moves the WAL's pages into the database when there are enough of them.  The easy way
 * (passive) never waits; but as long as some reader is always under way the WAL is not begun anew by it and
 * grows. Past wal_limit we therefore wait a moment for the readers.  When that fails (a backup or a check
 * reads for minutes) the next try comes after another such step, so that writers are not held up at each
 * commit. Failing does no harm: what was committed is in the WAL. */
static int tend_wal(void *context, sqlite3 *db, const char *name, int n_pages)
{
    tb_store *store = context;
    if (n_pages >= store->wal_limit) {
        int left = n_pages;
        sqlite3_busy_timeout(db, WAL_WAIT_MS);
        const int code = sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_RESTART, &left, NULL);
        sqlite3_busy_timeout(db, store->busy_timeout_ms);
        store->wal_limit = code == SQLITE_OK ? WAL_STEP_PAGES : left + WAL_STEP_PAGES;
    } else if (n_pages >= WAL_EASY_PAGES) {
        sqlite3_wal_checkpoint_v2(db, name, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return SQLITE_OK;
}

/* The writer looks before it touches: a database that is newer, foreign or damaged stays as it is. */
static tb_status open_writer(tb_store *store, tb_error *err)
{
    tb_status status = TB_OK;
    tb__schema schema;
    tb__conn *conn = &store->writer;
    TB_TRY(open_connection(store, true, conn, err));
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    TB_TRY(tb__schema_look(conn, &schema, err));
    sqlite3_db_config(conn->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    TB_TRY(set_journal(conn, schema.is_new, err));
    store->wal_limit = WAL_STEP_PAGES;
    sqlite3_wal_hook(conn->db, tend_wal, store); /* in place of SQLite's own */
    TB_TRY(tb__schema_migrate(conn, &schema, tb_store_migrations, err));
    TB_TRY(tb__schema_fit_features(conn, store->fields, false, err));
    TB_TRY(tb_fs_sync_directory(store->folder, err));
out:
    return status;
}

static tb_status open_readers(tb_store *store, size_t n, tb_error *err)
{
    tb_status status = TB_OK;
    store->readers = tb_alloc(n, sizeof *store->readers);
    if (!store->readers) TB_FAIL(err, TB_NO_MEMORY, "no memory for %zu connections", n);
    for (size_t i = 0; i < n; i++) {
        TB_TRY(open_connection(store, false, &store->readers[i], err));
        store->n_readers++;
    }
    if (!store->read_only) return TB_OK;
    tb__schema schema;
    tb__conn *conn = &store->readers[0];
    TB_TRY(tb__schema_look(conn, &schema, err));
    if (schema.is_new || schema.version < tb__schema_newest())
        TB_FAIL(err, TB_UNSUPPORTED,
                "%s was written by an older version of timbre; start this version once with the "
                "data folder to upgrade it",
                store->path);
    TB_TRY(tb__schema_fit_features(conn, store->fields, true, err));
out:
    return status;
}

static tb_status build_get_features(const tb_fields *fields, tb_buffer *sql)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(sql, "SELECT "));
    for (size_t i = 0; i < fields->n_features; i++)
        TB_TRY(tb_buffer_printf(sql, "%s, ", fields->fields[fields->first_feature + i].sql));
    TB_TRY(tb_buffer_append_text(sql, "0 FROM features AS f WHERE f.track_id = ?1"));
out:
    return status;
}

static tb_status build_put_features(const tb_fields *fields, tb_buffer *sql)
{
    tb_status status = TB_OK;
    TB_TRY(tb_buffer_append_text(sql, "INSERT INTO features (track_id"));
    for (size_t i = 0; i < fields->n_features; i++)
        TB_TRY(tb_buffer_printf(sql, ", f_%s", tb_fields_feature(fields, i)));
    TB_TRY(tb_buffer_append_text(sql, ") VALUES (?1"));
    for (size_t i = 0; i < fields->n_features; i++) TB_TRY(tb_buffer_printf(sql, ", ?%zu", i + 2));
    TB_TRY(tb_buffer_append_text(sql, ") ON CONFLICT (track_id) DO UPDATE SET track_id = track_id"));
    for (size_t i = 0; i < fields->n_features; i++) {
        const char *name = tb_fields_feature(fields, i);
        TB_TRY(tb_buffer_printf(sql, ", f_%s = excluded.f_%s", name, name));
    }
out:
    return status;
}

static tb_status build_feature_sql(tb_store *store, tb_error *err)
{
    tb_status status = TB_OK;
    tb_buffer get, put;
    tb_buffer_init(&get, 1024 * 1024);
    tb_buffer_init(&put, 1024 * 1024);
    TB_TRY(build_get_features(store->fields, &get));
    TB_TRY(build_put_features(store->fields, &put));
    store->sql_get_features = tb_buffer_take(&get);
    store->sql_put_features = tb_buffer_take(&put);
    if (!store->sql_get_features || !store->sql_put_features) status = TB_NO_MEMORY;
out:
    tb_buffer_clear(&get);
    tb_buffer_clear(&put);
    return status == TB_OK ? TB_OK : tb_error_set(err, status, "no memory for the SQL of the features");
}

static tb_status find_folder(tb_store *store, const char *folder, tb_error *err)
{
    tb_status status = TB_OK;
    if (!store->read_only) TB_TRY(tb_fs_make_directories(folder, err));
    /* absolute, so that SQLite never reads "file:…" as an URI and a later chdir does no harm */
    TB_TRY(tb_fs_real_path(folder, &store->folder, err));
    store->path = tb_fs_join(store->folder, "timbre.db");
    if (!store->path) TB_FAIL(err, TB_NO_MEMORY, "no memory to open %s", folder);
    tb_fs_info info;
    if (store->read_only && tb_fs_stat(store->path, &info, NULL) != TB_OK)
        TB_FAIL(err, TB_NOT_FOUND, "there is no database %s", store->path);
out:
    return status;
}

tb_status tb_store_open(const tb_store_options *options, tb_store **store, tb_error *err)
{
    tb_status status = TB_OK;
    tb_store *made = NULL;
    if (!options->folder || !*options->folder) TB_FAIL(err, TB_INVALID, "no data folder is named");
    if (options->busy_timeout_ms < 0)
        TB_FAIL(err, TB_INVALID, "busy_timeout_ms is %d; it must be 0 or more", options->busy_timeout_ms);
    if (options->n_readers > MAX_READERS)
        TB_FAIL(err, TB_INVALID, "%zu readers are too many; %d is the most", options->n_readers,
                MAX_READERS);
    made = tb_alloc(1, sizeof *made);
    if (!made) TB_FAIL(err, TB_NO_MEMORY, "no memory to open %s", options->folder);
    made->lock_file = -1;
    made->read_only = options->read_only;
    made->busy_timeout_ms = options->busy_timeout_ms ? options->busy_timeout_ms : DEFAULT_BUSY_MS;
    made->clock = options->clock ? options->clock : tb_clock_system();
    pthread_mutex_init(&made->write_lock, NULL);
    pthread_mutex_init(&made->read_lock, NULL);
    pthread_cond_init(&made->reader_free, NULL);
    TB_TRY(tb_fields_new(options->features, options->n_features, &made->fields, err));
    TB_TRY(find_folder(made, options->folder, err));
    if (!made->read_only) {
        TB_TRY(take_lock(made->folder, &made->lock_file, err));
        TB_TRY(open_writer(made, err));
    }
    TB_TRY(open_readers(made, options->n_readers ? options->n_readers : DEFAULT_READERS, err));
    TB_TRY(build_feature_sql(made, err));
    *store = made;
    made = NULL;
out:
    tb_store_close(made);
    return status;
}

void tb_store_close(tb_store *store)
{
    if (!store) return;
    for (size_t i = 0; i < store->n_readers; i++) tb__conn_close(&store->readers[i]);
    tb_free(store->readers);
    tb__conn_close(&store->writer); /* last: it writes the WAL back into the database */
    tb_fields_free(store->fields);
    tb_free(store->sql_get_features);
    tb_free(store->sql_put_features);
    pthread_cond_destroy(&store->reader_free);
    pthread_mutex_destroy(&store->read_lock);
    pthread_mutex_destroy(&store->write_lock);
    if (store->lock_file >= 0) close(store->lock_file);
    tb_free(store->folder);
    tb_free(store->path);
    tb_free(store);
}

uint64_t tb_store_version(const tb_store *store)
{
    return store->version;
}

const char *tb_store_path(const tb_store *store)
{
    return store->path;
}

const tb_fields *tb_store_fields(const tb_store *store)
{
    return store->fields;
}

/* --- check, backup, counts ---------------------------------------------------------------------------- */

/* Words are derived from the tags: when they are out of step they are made anew. */
static tb_status check_words(tb_store *store, tb_error *err)
{
    static const char check[] = "INSERT INTO tracks_fts (tracks_fts, rank) VALUES ('integrity-check', 1)";
    static const char rebuild[] = "INSERT INTO tracks_fts (tracks_fts) VALUES ('rebuild')";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    TB_TRY(tb__write_begin(store, &conn, err));
    status = tb__sql_run(conn, check, err);
    if (status == TB_CORRUPT) {
        tb_log(TB_LOG_WARN, "store",
               "%s: the index of words was out of step with the tags; it is made anew",
               store->path);
        status = tb__sql_run(conn, rebuild, err);
    }
out:
    return tb__write_end(store, conn, status, err);
}

tb_status tb_store_check(tb_store *store, tb_error *err)
{
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open_once(&q, conn, "PRAGMA integrity_check(1)", err));
    TB_TRY(tb__query_next(&q, &row, err));
    const char *finding = row ? (const char *)sqlite3_column_text(q.statement, 0) : NULL;
    if (finding && strcmp(finding, "ok") != 0)
        TB_FAIL(err, TB_CORRUPT,
                "the database %s is damaged (%.200s); restore a backup in its place, or move it away "
                "and scan again",
                store->path, finding);
    tb__query_close(&q);
    TB_TRY(tb__query_open_once(&q, conn, "PRAGMA foreign_key_check", err));
    TB_TRY(tb__query_next(&q, &row, err));
    if (row)
        TB_FAIL(err, TB_CORRUPT,
                "the database %s is damaged (a row of %s refers to nothing); restore a backup in its "
                "place",
                store->path, (const char *)sqlite3_column_text(q.statement, 0));
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    if (status == TB_OK && !store->read_only) status = check_words(store, err);
    return status;
}

/* Copies what conn sees into a new file at path. */
static tb_status copy_database(tb__conn *conn, const char *path, tb_error *err)
{
    enum { PAGES_A_STEP = 1024 };
    tb_status status = TB_OK;
    sqlite3_backup *backup = NULL;
    tb__conn copy = {0};
    int code = sqlite3_open_v2(path, &copy.db,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                                   SQLITE_OPEN_EXRESCODE,
                               NULL);
    if (code == SQLITE_OK) code = sqlite3_exec(copy.db, "PRAGMA journal_mode = OFF", NULL, NULL, NULL);
    if (code == SQLITE_OK) {
        backup = sqlite3_backup_init(copy.db, "main", conn->db, "main");
        code = backup ? SQLITE_OK : sqlite3_errcode(copy.db);
    }
    while (code == SQLITE_OK) code = sqlite3_backup_step(backup, PAGES_A_STEP);
    const int finish_code = sqlite3_backup_finish(backup); /* accepts NULL */
    if (code == SQLITE_DONE) code = finish_code;
    if (code != SQLITE_OK) {
        status = tb__sql_error(&copy, code, err);
        tb_error_prefix(err, "backup to %s", path);
    }
    tb__conn_close(&copy);
    return status;
}

static tb_status sync_file(const char *path, tb_error *err)
{
    const int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return tb_error_errno(err, errno, "the backup %s cannot be opened", path);
    tb_status status = TB_OK;
    if (fsync(file) != 0) status = tb_error_errno(err, errno, "the backup %s cannot be written", path);
    close(file);
    return status;
}

static char *folder_of(const char *path)
{
    const char *name = tb_fs_name(path);
    if (name == path) return tb_strdup(".");
    char *folder = tb_strdup(path);
    if (folder) folder[name - path - 1 > 0 ? name - path - 1 : 1] = 0;
    return folder;
}

tb_status tb_store_backup(tb_store *store, const char *path, tb_error *err)
{
    static const char touch[] = "SELECT count(*) FROM sqlite_schema";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    char *part = NULL, *folder = NULL;
    bool row, made = false;
    tb_buffer name;
    tb_buffer_init(&name, 1024 * 1024);
    if (access(path, F_OK) == 0) TB_FAIL(err, TB_EXISTS, "%s is there already; name another file", path);
    if (tb_buffer_printf(&name, "%s.part-%lld", path, (long long)getpid()) == TB_OK)
        part = tb_buffer_take(&name);
    folder = folder_of(path);
    if (!part || !folder) TB_FAIL(err, TB_NO_MEMORY, "no memory for a backup");
    if (unlink(part) != 0 && errno != ENOENT) {
        status = tb_error_errno(err, errno, "the backup %s cannot be made", path);
        goto out;
    }
    TB_TRY(tb__read_begin(store, &conn, err));
    /* The first read fixes the moment that is copied, whatever is written meanwhile. */
    TB_TRY(tb__query_open(&q, conn, touch, err));
    TB_TRY(tb__query_next(&q, &row, err));
    tb__query_close(&q);
    made = true;
    TB_TRY(copy_database(conn, part, err));
    TB_TRY(sync_file(part, err));
    if (link(part, path) != 0) {
        status = errno == EEXIST
                     ? tb_error_set(err, TB_EXISTS, "%s is there already; name another file", path)
                     : tb_error_errno(err, errno, "the backup %s cannot be made", path);
        goto out;
    }
    TB_TRY(tb_fs_sync_directory(folder, err));
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    if (made) unlink(part);
    tb_buffer_clear(&name);
    tb_free(part);
    tb_free(folder);
    return status;
}

static int64_t size_of(const char *path, const char *suffix)
{
    tb_fs_info info;
    tb_buffer name;
    int64_t size = 0;
    tb_buffer_init(&name, 1024 * 1024);
    if (tb_buffer_printf(&name, "%s%s", path, suffix) == TB_OK &&
        tb_fs_stat(name.bytes, &info, NULL) == TB_OK)
        size = info.size_bytes;
    tb_buffer_clear(&name);
    return size;
}

tb_status tb_store_count(tb_store *store, tb_store_counts *counts, tb_error *err)
{
    static const char sql[] = "SELECT (SELECT count(*) FROM tracks), (SELECT count(*) FROM files), "
                              "(SELECT count(*) FROM files WHERE reason IS NOT NULL), "
                              "(SELECT total(n_segments) FROM spaces)";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    TB_TRY(tb__query_next(&q, &row, err));
    *counts = (tb_store_counts){.tracks = tb__column_int(&q, 0), .files = tb__column_int(&q, 1),
                                .failed_files = tb__column_int(&q, 2), .segments = tb__column_int(&q, 3),
                                .size_bytes = size_of(store->path, "") + size_of(store->path, "-wal")};
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    return status;
}

/* --- settings ----------------------------------------------------------------------------------------- */

tb_status tb_store_get_setting(tb_store *store, const char *name, char **value, tb_error *err)
{
    static const char sql[] = "SELECT value FROM settings WHERE name = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    bool row = false;
    TB_TRY(tb__check_name("the name of a setting", name, SETTING_NAME_MAX, err));
    TB_TRY(tb__read_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, sql, err));
    tb__query_text(&q, 1, name);
    TB_TRY(tb__query_next(&q, &row, err));
    if (!row) TB_FAIL(err, TB_NOT_FOUND, "there is no setting \"%s\"", name);
    TB_TRY(tb__column_copy(&q, 0, value, err));
out:
    tb__query_close(&q);
    tb__read_end(store, conn);
    return status;
}

tb_status tb_store_set_setting(tb_store *store, const char *name, const char *value, tb_error *err)
{
    static const char set[] = "INSERT INTO settings (name, value) VALUES (?1, ?2) "
                              "ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    static const char remove_sql[] = "DELETE FROM settings WHERE name = ?1";
    tb_status status = TB_OK;
    tb__conn *conn = NULL;
    tb__query q = {0};
    TB_TRY(tb__check_name("the name of a setting", name, SETTING_NAME_MAX, err));
    if (value && strlen(value) > SETTING_VALUE_MAX)
        TB_FAIL(err, TB_TOO_LARGE, "the setting \"%s\" has more than %d bytes", name, SETTING_VALUE_MAX);
    if (value && !tb_utf8_valid(value, strlen(value)))
        TB_FAIL(err, TB_INVALID, "the setting \"%s\" is not UTF-8", name);
    TB_TRY(tb__write_begin(store, &conn, err));
    TB_TRY(tb__query_open(&q, conn, value ? set : remove_sql, err));
    tb__query_text(&q, 1, name);
    if (value) tb__query_text(&q, 2, value);
    TB_TRY(tb__query_run(&q, err));
out:
    tb__query_close(&q);
    return tb__write_end(store, conn, status, err);
}
