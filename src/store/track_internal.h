// SPDX-License-Identifier: MIT
/* What reading, writing and listing tracks share. */
#ifndef TIMBRE_STORE_TRACK_INTERNAL_H
#define TIMBRE_STORE_TRACK_INTERNAL_H

#include "store/sql_internal.h"
#include "store/track_table.h"

/* Columns that tb__track_from_row expects first in a SELECT from tracks AS t. */
#define TB__TRACK_COLUMNS                                                                          \
    "t.id, t.uid, t.audio_hash, t.duration_s, t.rate_hz, t.channels, t.format, t.added_ms, "       \
    "t.updated_ms, t.analysis_version, t.edited, t.title, t.artist, t.album, t.album_artist, "     \
    "t.composer, t.genre, t.comment, t.year, t.track, t.disc"
enum { TB__N_TRACK_COLUMNS = 21 };

/* Fills *track (all zero before) from the row of q, and what `with` asks for by further queries on conn.
 * Cleared by the caller in any case. */
tb_status tb__track_from_row(tb__conn *conn, const tb__query *q, unsigned with, tb_track_row *track,
                             tb_error *err) TB_MUST_CHECK;
/* TB_NOT_FOUND with a sentence. */
tb_status tb__track_read(tb__conn *conn, int64_t track_id, unsigned with, tb_track_row *track,
                         tb_error *err) TB_MUST_CHECK;

/* Within a write: deletes the track with all that belongs to it, and notes the change, if no file is left
 * that is it; *deleted tells. */
tb_status tb__track_delete_orphan(tb__conn *conn, int64_t track_id, bool *deleted,
                                  tb_error *err) TB_MUST_CHECK;
/* Within a write: a new entry of the change log in place of the track's old one. */
tb_status tb__change_write(tb__conn *conn, int64_t track_id, const char *uid, tb_change_kind kind,
                           tb_error *err) TB_MUST_CHECK;

/* Within a write: the file at that path now is that track; *old_track_id: the other track that it was
 * before, or 0; *changed: anything was written. */
tb_status tb__file_attach(tb__conn *conn, const tb_file_put *file, int64_t track_id, int64_t *old_track_id,
                          bool *changed, tb_error *err) TB_MUST_CHECK;
/* TB_INVALID, TB_TOO_LARGE. */
tb_status tb__file_check(const tb_file_put *file, tb_error *err) TB_MUST_CHECK;

/* Sizes and numbers; TB_INVALID. */
tb_status tb__embedding_check(const tb_embedding_row *embedding, tb_error *err) TB_MUST_CHECK;
/* Within a write: stores it (checked before); with keep, only if there is none yet.  *changed: it was
 * written. */
tb_status tb__embedding_write(tb__conn *conn, int64_t track_id, const tb_embedding_row *embedding,
                              bool keep,
                              bool *changed, tb_error *err) TB_MUST_CHECK;

#endif
