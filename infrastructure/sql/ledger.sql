-- name: append
SELECT outcome, first_position, last_position, versions, recorded_at, refused
FROM ordertrail.append_group(
    %(tenant)s, %(keys)s, %(fingerprints)s,
    %(write_append)s, %(write_stream)s, %(write_expected)s, %(write_size)s, %(write_behind)s, %(write_offset)s,
    %(event_write)s, %(event_stream)s, %(event_ids)s, %(types)s, %(data)s, %(metadata)s, %(occurred_at)s, %(latest)s
)

-- name: append_alone
SELECT out_position, out_version, out_recorded_at
FROM ordertrail.append_alone(
    %(tenant)s, %(stream)s, %(expected)s, %(event_id)s, %(type)s, %(data)s, %(metadata)s, %(occurred_at)s, %(latest)s
)

-- name: read_stream
-- Each event's size, and its data if it is not larger than inline (bounded_rows.py); large_events fetches the others.
-- PostgreSQL knows the length of bytea without fetching it.
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND stream = %(stream)s AND version > %(after)s AND version <= %(upto)s
ORDER BY version
LIMIT %(limit)s

-- name: read_stream_of_types
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND stream = %(stream)s AND version > %(after)s AND version <= %(upto)s
  AND type = ANY (%(types)s)
ORDER BY version
LIMIT %(limit)s

-- name: read_ledger
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND position > %(after)s AND position <= %(upto)s
ORDER BY position
LIMIT %(limit)s

-- name: read_ledger_of_types
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND position > %(after)s AND position <= %(upto)s
  AND type = ANY (%(types)s)
ORDER BY position
LIMIT %(limit)s

-- name: large_events
SELECT position, data, metadata FROM ordertrail.events WHERE tenant = %(tenant)s AND position = ANY (%(keys)s)

-- name: head
SELECT position FROM ordertrail.ledgers WHERE tenant = %(tenant)s

-- name: standing
-- A ledger's head, and the number of the tenant's edition: it counts destroyed keys and rebuilt views.
SELECT l.position, coalesce(e.number, 0)
FROM ordertrail.ledgers AS l LEFT JOIN ordertrail.editions AS e ON e.tenant = l.tenant
WHERE l.tenant = %(tenant)s

-- name: find_request
SELECT fingerprint, first_position, last_position, recorded_at
FROM ordertrail.requests WHERE tenant = %(tenant)s AND idempotency_key = %(key)s

-- name: expire_requests
SELECT ordertrail.expire_requests(%(tenant)s, %(keep)s, %(limit)s)

-- name: bind_request
SELECT ordertrail.bind_request(%(tenant)s, %(key)s, %(fingerprint)s, %(position)s, %(recorded_at)s)

-- name: find_events
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND event_id = ANY (%(event_ids)s)
ORDER BY position
LIMIT %(limit)s
