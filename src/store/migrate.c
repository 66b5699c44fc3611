// SPDX-License-Identifier: MIT
/* Migrations: sql/NNNN_name.sql, built into the program, each run once in a transaction that also sets
 * user_version to NNNN.  A database is ours when its application_id says so, so that nobody's other SQLite
 * file is ever written to. */
#include "store/migrate_internal.h"

#include "base/log.h"
#include "base/text.h"
#include "store/fields_internal.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* "0012_keys.sql" is 12 */
static int64_t number_of(const tb_embedded_file *migration)
{
    char digits[5] = "";
    int64_t number = 0;
    memcpy(digits, migration->name, strnlen(migration->name, 4));
    const tb_status status = tb_parse_int(digits, 1, 9999, &number);
    assert(status == TB_OK);
    (void)status;
    return number;
}

int64_t tb__schema_newest(void)
{
    int64_t newest = 0;
    for (const tb_embedded_file *m = tb_store_migrations; m->name; m++) newest = number_of(m);
    return newest;
}

static tb_status read_number(tb__conn *conn, const char *sql, int64_t *value, tb_error *err)
{
    tb__query q = {0};
    bool row = false;
    tb_status status = TB_OK;
    TB_TRY(tb__query_open_once(&q, conn, sql, err));
    TB_TRY(tb__query_next(&q, &row, err));
    *value = row ? tb__column_int(&q, 0) : 0;
out:
    tb__query_close(&q);
    return status;
}

tb_status tb__schema_look(tb__conn *conn, tb__schema *schema, tb_error *err)
{
    const char *path = conn->store->path;
    tb_status status = TB_OK;
    int64_t n_objects = 0;
    tb__schema found = {0};
    TB_TRY(read_number(conn, "PRAGMA application_id", &found.application_id, err));
    TB_TRY(read_number(conn, "PRAGMA user_version", &found.version, err));
    TB_TRY(read_number(conn, "SELECT count(*) FROM sqlite_schema", &n_objects, err));
    found.is_new = found.application_id == 0 && found.version == 0 && n_objects == 0;
    if (!found.is_new && found.application_id != TB_STORE_APPLICATION_ID)
        TB_FAIL(err, TB_INVALID, "%s is an SQLite database, but not timbre's; choose another data folder",
                path);
    if (found.version > tb__schema_newest())
        TB_FAIL(err, TB_NEWER,
                "%s was written by a newer version of timbre (schema %lld, this program knows %lld); "
                "install that version or restore a backup; nothing was changed",
                path, (long long)found.version, (long long)tb__schema_newest());
    if (!found.is_new && (found.version < 1 || n_objects == 0))
        TB_FAIL(err, TB_CORRUPT, "the database %s has lost its tables; restore a backup in its place",
                path);
    *schema = found;
out:
    return status;
}

static tb_status run_migration(tb__conn *conn, const tb_embedded_file *migration, tb_error *err)
{
    char stamp[120];
    tb_status status = TB_OK;
    bool began = false;
    snprintf(stamp, sizeof stamp, "PRAGMA application_id = %d; PRAGMA user_version = %lld",
             TB_STORE_APPLICATION_ID, (long long)number_of(migration));
    TB_TRY(tb__sql_run(conn, "BEGIN EXCLUSIVE", err));
    began = true;
    TB_TRY(tb__sql_run(conn, (const char *)migration->bytes, err));
    TB_TRY(tb__sql_run(conn, stamp, err));
    TB_TRY(tb__sql_run(conn, "COMMIT", err));
    began = false;
out:
    if (began && !sqlite3_get_autocommit(conn->db)) sqlite3_exec(conn->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

tb_status tb__schema_migrate(tb__conn *conn, const tb__schema *schema, const tb_embedded_file *migrations,
                             tb_error *err)
{
    for (const tb_embedded_file *m = migrations; m->name; m++) {
        if (number_of(m) <= schema->version) continue;
        const tb_status status = run_migration(conn, m, err);
        if (status != TB_OK) {
            tb_error_prefix(err, "migration %s", m->name);
            return status;
        }
        if (!schema->is_new)
            tb_log(TB_LOG_INFO, "store", "%s: migration %s done", conn->store->path, m->name);
    }
    return TB_OK;
}

tb_status tb__schema_fit_features(tb__conn *conn, tb_fields *fields, bool read_only, tb_error *err)
{
    static const char look[] = "SELECT 1 FROM pragma_table_info('features') WHERE name = 'f_' || ?1";
    tb__query q = {0};
    tb_status status = TB_OK;
    TB_TRY(tb__query_open_once(&q, conn, look, err));
    for (size_t i = 0; i < tb_fields_n_features(fields); i++) {
        const char *name = tb_fields_feature(fields, i);
        bool there = false;
        tb__query_text(&q, 1, name);
        TB_TRY(tb__query_next(&q, &there, err));
        tb__query_reset(&q);
        if (there) continue;
        if (read_only) {
            TB_TRY(tb__fields_miss(fields, i, err));
            continue;
        }
        char sql[160]; /* the name was checked: a-z, 0-9 and _ alone */
        snprintf(sql, sizeof sql, "ALTER TABLE features ADD COLUMN f_%s REAL", name);
        TB_TRY(tb__sql_run(conn, sql, err));
    }
out:
    tb__query_close(&q);
    return status;
}
