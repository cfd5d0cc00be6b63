-- SQLite's SQL: what was seen of a file, in a temporary database.

-- name: create_streams
CREATE TABLE streams (stream TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID

-- name: create_event_ids
CREATE TABLE event_ids (event_id TEXT PRIMARY KEY) WITHOUT ROWID

-- name: newest_versions
SELECT stream, version FROM streams WHERE stream IN (SELECT value FROM json_each(?))

-- name: keep_versions
INSERT INTO streams (stream, version) VALUES (?, ?) ON CONFLICT DO UPDATE SET version = excluded.version

-- name: keep_event_ids
INSERT INTO event_ids (event_id) VALUES (?)
