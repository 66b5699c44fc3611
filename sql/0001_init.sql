-- SPDX-License-Identifier: MIT
-- The first schema.  Run as one transaction by src/store/migrate.c, which also sets user_version.
--
-- Conventions: *_ms are milliseconds since 1970-01-01 UTC; paths and hashes are BLOB (a path need not be
-- UTF-8); text that is compared without regard to ASCII case says COLLATE NOCASE.

-- Narrow columns first: a scan for a filter then never follows a long comment or payload to other pages.
-- AUTOINCREMENT: a number is never given twice, because the index in memory groups by it.
CREATE TABLE tracks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    audio_hash BLOB NOT NULL UNIQUE,
    added_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    rate_hz INTEGER NOT NULL,
    channels INTEGER NOT NULL,
    format TEXT COLLATE NOCASE,
    title TEXT COLLATE NOCASE,
    artist TEXT COLLATE NOCASE,
    album TEXT COLLATE NOCASE,
    album_artist TEXT COLLATE NOCASE,
    composer TEXT COLLATE NOCASE,
    genre TEXT COLLATE NOCASE,          -- several are joined by "; "
    year INTEGER,
    track INTEGER,
    disc INTEGER,
    edited INTEGER NOT NULL DEFAULT 0,  -- bits of the tags that a person set
    analysis_version INTEGER NOT NULL DEFAULT 0,
    comment TEXT COLLATE NOCASE,
    payload TEXT,                       -- JSON object, checked by the code that writes it
    analysis TEXT                       -- JSON object
);
CREATE INDEX tracks_title ON tracks (title);
CREATE INDEX tracks_artist ON tracks (artist);
CREATE INDEX tracks_album ON tracks (album);
CREATE INDEX tracks_added ON tracks (added_ms);
CREATE INDEX tracks_updated ON tracks (updated_ms);

-- One row per track, one column f_NAME per numeric feature, added when the store is opened with a new name.
-- Against a table (track, name, value) with an index: writing a track dirties one page here and some forty
-- there (one place in the index per feature), and a filter over several features is one pass over short rows.
CREATE TABLE features (
    track_id INTEGER PRIMARY KEY REFERENCES tracks (id) ON DELETE CASCADE
);

CREATE TABLE external_ids (
    scheme TEXT NOT NULL,
    value TEXT NOT NULL,
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    PRIMARY KEY (scheme, value)
) WITHOUT ROWID;
CREATE UNIQUE INDEX external_ids_of_track ON external_ids (track_id, scheme);

CREATE TABLE libraries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    root BLOB NOT NULL UNIQUE,
    watch INTEGER NOT NULL DEFAULT 0,
    exclude TEXT,                       -- JSON array of patterns
    created_ms INTEGER NOT NULL,
    scanned_ms INTEGER NOT NULL DEFAULT 0
);

-- A file belongs to a track or failed (reason); one that cannot be read just now may be both.
CREATE TABLE files (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path BLOB NOT NULL UNIQUE,
    library_id INTEGER REFERENCES libraries (id) ON DELETE CASCADE,
    track_id INTEGER REFERENCES tracks (id) ON DELETE CASCADE,
    size_bytes INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    file_hash BLOB,
    code INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    failed_ms INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX files_of_library ON files (library_id);
CREATE INDEX files_of_track ON files (track_id);
CREATE INDEX files_by_hash ON files (file_hash) WHERE file_hash IS NOT NULL;
CREATE INDEX files_failed ON files (library_id, path) WHERE reason IS NOT NULL;

-- What one model computes.  parts is the model's own description, kept as it is.
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    model_hash BLOB NOT NULL,
    dim INTEGER NOT NULL,
    n_parts INTEGER NOT NULL,
    parts TEXT NOT NULL,
    active INTEGER NOT NULL DEFAULT 0,
    created_ms INTEGER NOT NULL,
    n_tracks INTEGER NOT NULL DEFAULT 0,   -- kept by the triggers below
    n_segments INTEGER NOT NULL DEFAULT 0,
    UNIQUE (name, model_hash)
);
CREATE UNIQUE INDEX spaces_active ON spaces (name) WHERE active;

-- f16 and f32, little-endian, row after row.  checksum: over all the blobs (src/store/embedding_table.c), so
-- that a damaged row is left out rather than searched.
CREATE TABLE embeddings (
    id INTEGER PRIMARY KEY,
    track_id INTEGER NOT NULL REFERENCES tracks (id) ON DELETE CASCADE,
    space_id INTEGER NOT NULL REFERENCES spaces (id),
    n_segments INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    track_vector BLOB NOT NULL,
    track_presence BLOB NOT NULL,
    starts BLOB NOT NULL,
    durations BLOB NOT NULL,
    segment_presence BLOB NOT NULL,
    segment_vectors BLOB NOT NULL,
    UNIQUE (track_id, space_id)
);
CREATE TRIGGER embeddings_insert AFTER INSERT ON embeddings BEGIN
    UPDATE spaces SET n_tracks = n_tracks + 1, n_segments = n_segments + new.n_segments WHERE id = new.space_id;
END;
CREATE TRIGGER embeddings_update AFTER UPDATE OF n_segments ON embeddings BEGIN
    UPDATE spaces SET n_segments = n_segments + new.n_segments - old.n_segments WHERE id = new.space_id;
END;
CREATE TRIGGER embeddings_delete AFTER DELETE ON embeddings BEGIN
    UPDATE spaces SET n_tracks = n_tracks - 1, n_segments = n_segments - old.n_segments WHERE id = old.space_id;
END;

CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    state INTEGER NOT NULL,             -- tb_job_row_state
    params TEXT NOT NULL,               -- JSON
    result TEXT,                        -- JSON
    done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0,
    failed INTEGER NOT NULL DEFAULT 0,
    message TEXT,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER NOT NULL DEFAULT 0,
    ended_ms INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_state ON jobs (state);

-- For mirrors: the last change of each track, also of those that are gone.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    uid TEXT NOT NULL UNIQUE,
    track_id INTEGER NOT NULL,
    kind INTEGER NOT NULL,              -- tb_change_kind
    at_ms INTEGER NOT NULL
);

CREATE TABLE api_keys (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;

-- Words of the tags; holds no copy of the text (external content).  Kept in step by src/store/track_write.c,
-- not by triggers: with trusted_schema off, a trigger may not write to a virtual table.
CREATE VIRTUAL TABLE tracks_fts USING fts5 (
    title, artist, album, album_artist, composer, genre, comment,
    content = 'tracks', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
);
