// SPDX-License-Identifier: MIT
/* From an empty or older database to the schema of this version. */
#ifndef TIMBRE_STORE_MIGRATE_INTERNAL_H
#define TIMBRE_STORE_MIGRATE_INTERNAL_H

#include "base/embed.h"
#include "store/sql_internal.h"

typedef struct tb__schema {
    int64_t application_id, version;
    bool is_new; /* nothing is in it yet */
} tb__schema;

/* Reads what the database is and changes nothing.  TB_INVALID: not timbre's; TB_NEWER; TB_CORRUPT. */
tb_status tb__schema_look(tb__conn *conn, tb__schema *schema, tb_error *err) TB_MUST_CHECK;
/* The version that this program writes: the number of the last migration. */
int64_t tb__schema_newest(void);
/* sql/NNNN_name.sql in order, built in (tools/embed; see local.mk). */
extern const tb_embedded_file tb_store_migrations[];
/* Runs those of the migrations that are above schema->version, each in a transaction of its own. */
tb_status tb__schema_migrate(tb__conn *conn, const tb__schema *schema, const tb_embedded_file *migrations,
                             tb_error *err) TB_MUST_CHECK;
/* Gives the table of features a column for each feature that lacks one (or, when the store is read_only,
 * marks those features as absent). */
tb_status tb__schema_fit_features(tb__conn *conn, tb_fields *fields, bool read_only,
                                  tb_error *err) TB_MUST_CHECK;

#endif
