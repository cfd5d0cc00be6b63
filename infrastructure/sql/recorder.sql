-- name: has_ledger
SELECT EXISTS (SELECT FROM ordertrail.ledgers WHERE tenant = %(tenant)s)

-- name: create_ledger
WITH tenant AS (
    INSERT INTO ordertrail.tenants (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING
)
INSERT INTO ordertrail.ledgers (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING

-- name: read_stream_backwards
SELECT position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at
FROM ordertrail.events
WHERE tenant = %(tenant)s AND stream = %(stream)s AND version > %(after)s AND version <= %(upto)s
ORDER BY version DESC
LIMIT %(limit)s

-- name: insert_snapshot
-- One at a time: a cluster tells without its code what an INSERT … SELECT of many violates.
INSERT INTO ordertrail.snapshots (tenant, stream, version, type, data)
VALUES (%(tenant)s, %(stream)s, %(version)s, %(type)s, %(data)s)

-- name: read_snapshots
SELECT version, type, data
FROM ordertrail.snapshots
WHERE tenant = %(tenant)s AND stream = %(stream)s AND version > %(after)s AND version <= %(upto)s
ORDER BY version
LIMIT %(limit)s

-- name: read_snapshots_backwards
SELECT version, type, data
FROM ordertrail.snapshots
WHERE tenant = %(tenant)s AND stream = %(stream)s AND version > %(after)s AND version <= %(upto)s
ORDER BY version DESC
LIMIT %(limit)s

-- name: advance_tracking
-- Only forward: an event that is processed a second time, or late, finds no row.
INSERT INTO ordertrail.checkpoints AS c (tenant, projection, position)
VALUES (%(tenant)s, %(projection)s, %(position)s)
ON CONFLICT (tenant, projection) DO UPDATE SET position = excluded.position, error = NULL, updated_at = excluded.updated_at
WHERE c.position < excluded.position
RETURNING c.position

-- name: tracking
SELECT position FROM ordertrail.checkpoints WHERE tenant = %(tenant)s AND projection = %(projection)s
