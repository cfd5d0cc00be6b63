-- name: find
-- The events of these types and streams (all, for NULL) between two positions, which the caller keeps near each other:
-- the key of the positions bounds the rows that are looked at, whatever the filter. Each event's size, and its data if
-- it is not larger than inline (bounded_rows.py).
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND position > %(after)s AND position <= %(upto)s
  AND (%(types)s::text[] IS NULL OR type = ANY (%(types)s::text[]))
  AND (%(streams)s::text[] IS NULL OR stream = ANY (%(streams)s::text[]))
ORDER BY position
LIMIT %(limit)s
