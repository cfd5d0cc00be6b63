-- Times are those at which statements began: an index is only searched for a time that is the same all through a
-- statement, and a cluster changes rows by no other.

-- name: create
INSERT INTO ordertrail.consumers AS c (tenant, consumer, types, orders, services, integrations, max_failures, lease)
SELECT t.tenant, %(consumer)s::text, %(types)s::text[], %(orders)s::text[], %(services)s::text[],
       %(integrations)s::bigint[], %(max_failures)s::int, %(lease)s::interval
FROM ordertrail.tenants AS t WHERE t.tenant = %(tenant)s
ON CONFLICT (tenant, consumer) DO NOTHING
RETURNING c.consumer

-- name: make_partitions
INSERT INTO ordertrail.consumer_partitions (tenant, consumer, partition, position, read_to, read_last)
SELECT %(tenant)s, %(consumer)s, p.partition, %(position)s, %(position)s, %(position)s
FROM generate_series(0, 15) AS p (partition)

-- name: change
UPDATE ordertrail.consumers
SET types = %(types)s, orders = %(orders)s, services = %(services)s, integrations = %(integrations)s,
    max_failures = %(max_failures)s, lease = %(lease)s
WHERE tenant = %(tenant)s AND consumer = %(consumer)s
RETURNING consumer

-- name: pause
UPDATE ordertrail.consumers SET paused = %(paused)s
WHERE tenant = %(tenant)s AND consumer = %(consumer)s
RETURNING consumer

-- name: find
SELECT consumer, types, orders, services, integrations, max_failures, lease, paused, created_at
FROM ordertrail.consumers WHERE tenant = %(tenant)s AND consumer = %(consumer)s

-- name: lock
SELECT lease FROM ordertrail.consumers WHERE tenant = %(tenant)s AND consumer = %(consumer)s FOR UPDATE

-- name: list
SELECT consumer, types, orders, services, integrations, max_failures, lease, paused, created_at
FROM ordertrail.consumers
WHERE tenant = %(tenant)s AND consumer > %(after)s AND consumer NOT LIKE 'webhook/%%'
ORDER BY consumer
LIMIT %(limit)s

-- name: progress
-- How far consumers have come. The slowest partition counts.
SELECT p.consumer, min(p.position), l.position,
       coalesce(extract(epoch FROM statement_timestamp() - (
           SELECT e.recorded_at FROM ordertrail.events AS e
           WHERE e.tenant = %(tenant)s AND e.position = min(p.position) + 1
       )), 0)::float8,
       (SELECT count(*) FROM ordertrail.held_streams AS h
        WHERE h.tenant = %(tenant)s AND h.consumer = p.consumer AND h.parked_at IS NULL),
       (SELECT count(*) FROM ordertrail.held_streams AS h
        WHERE h.tenant = %(tenant)s AND h.consumer = p.consumer AND h.parked_at IS NOT NULL)
FROM ordertrail.consumer_partitions AS p JOIN ordertrail.ledgers AS l ON l.tenant = %(tenant)s
WHERE p.tenant = %(tenant)s AND p.consumer = ANY (%(consumers)s)
GROUP BY p.consumer, l.position

-- name: members
SELECT m.member, m.joined_at, m.expires_at, m.expires_at > statement_timestamp(),
       m.expires_at > statement_timestamp() + c.lease * 2 / 3
FROM ordertrail.consumer_members AS m
JOIN ordertrail.consumers AS c ON c.tenant = %(tenant)s AND c.consumer = m.consumer
WHERE m.tenant = %(tenant)s AND m.consumer = %(consumer)s
ORDER BY m.joined_at, m.member

-- name: partitions
SELECT partition, member, token, position FROM ordertrail.consumer_partitions
WHERE tenant = %(tenant)s AND consumer = %(consumer)s
ORDER BY partition

-- name: lock_partitions
SELECT partition, member FROM ordertrail.consumer_partitions
WHERE tenant = %(tenant)s AND consumer = %(consumer)s
ORDER BY partition
FOR UPDATE

-- name: join
INSERT INTO ordertrail.consumer_members AS m (tenant, consumer, member, expires_at)
VALUES (%(tenant)s, %(consumer)s, %(member)s, statement_timestamp() + %(lease)s)
ON CONFLICT (tenant, consumer, member) DO UPDATE SET expires_at = excluded.expires_at

-- name: renew
-- Who is late joins again.
UPDATE ordertrail.consumer_members SET expires_at = statement_timestamp() + %(lease)s
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND member = %(member)s AND expires_at > statement_timestamp()
RETURNING expires_at

-- name: end_members
DELETE FROM ordertrail.consumer_members
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND (expires_at <= statement_timestamp() OR member = %(leaving)s)

-- name: release
UPDATE ordertrail.consumer_partitions SET member = NULL
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND partition = ANY (%(partitions)s)

-- name: release_all_of
UPDATE ordertrail.consumer_partitions SET member = NULL
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND member = %(member)s

-- name: take
-- What the last owner was handed and did not acknowledge is handed out again.
UPDATE ordertrail.consumer_partitions
SET member = %(member)s, token = token + 1, read_to = position, read_last = position, read_previous = previous
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND partition = ANY (%(partitions)s)

-- name: forget_what_was_handed_out
UPDATE ordertrail.held_streams SET read_to = position
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND partition = ANY (%(partitions)s) AND read_to > position

-- name: lock_owned
SELECT partition, token, position, previous, read_to, read_last, read_previous FROM ordertrail.consumer_partitions
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND member = %(member)s
ORDER BY partition
FOR UPDATE

-- name: lock_named
SELECT partition, member, token, position, previous, read_to, read_last, read_previous
FROM ordertrail.consumer_partitions
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND partition = ANY (%(partitions)s)
ORDER BY partition
FOR UPDATE

-- name: move
UPDATE ordertrail.consumer_partitions AS p
SET position = n.position, previous = n.previous, read_to = n.read_to, read_last = n.read_last,
    read_previous = n.read_previous
FROM unnest(
    %(partitions)s::int[], %(positions)s::bigint[], %(previous)s::bigint[], %(read_to)s::bigint[],
    %(read_last)s::bigint[], %(read_previous)s::bigint[]
) AS n (partition, position, previous, read_to, read_last, read_previous)
WHERE p.tenant = %(tenant)s AND p.consumer = %(consumer)s AND p.partition = n.partition

-- name: due
SELECT stream, partition, position, read_to, failed, failures FROM ordertrail.held_streams
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND parked_at IS NULL AND retry_at <= statement_timestamp()
  AND partition = ANY (%(partitions)s)
ORDER BY retry_at, stream
LIMIT %(limit)s

-- name: next_of_streams
SELECT e.position, h.stream
FROM unnest(%(streams)s::text[], %(afters)s::bigint[]) AS h (stream, position)
CROSS JOIN LATERAL (
    SELECT w.position FROM ordertrail.events AS w
    WHERE w.tenant = %(tenant)s AND w.stream = h.stream AND w.position > h.position AND w.position <= %(upto)s
      AND (%(types)s::text[] IS NULL OR w.type = ANY (%(types)s::text[]))
    ORDER BY w.version
    LIMIT %(limit)s
) AS e

-- name: next_of_partitions
-- The next events of partitions, each after its own position, and whether their streams are held.
SELECT e.position, p.partition, h.stream IS NOT NULL
FROM ordertrail.events AS e
JOIN unnest(%(partitions)s::int[], %(afters)s::bigint[]) AS p (partition, position)
  ON p.partition = ordertrail.partition_of(e.stream)
LEFT JOIN ordertrail.held_streams AS h
  ON h.tenant = %(tenant)s AND h.consumer = %(consumer)s AND h.stream = e.stream
WHERE e.tenant = %(tenant)s AND e.position > %(after)s AND e.position <= %(upto)s AND e.position > p.position
  AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s::text[]))
  AND (%(filtered_streams)s::text[] IS NULL OR e.stream = ANY (%(filtered_streams)s::text[]))
ORDER BY e.position
LIMIT %(limit)s

-- name: previous_of
-- The wanted event before each of these in its partition; NULL if it is far.
SELECT w.position, (
    SELECT e.position FROM ordertrail.events AS e
    WHERE e.tenant = %(tenant)s AND e.position < w.position AND e.position >= w.position - 10000
      AND ordertrail.partition_of(e.stream) = w.partition
      AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s::text[]))
      AND (%(filtered_streams)s::text[] IS NULL OR e.stream = ANY (%(filtered_streams)s::text[]))
    ORDER BY e.position DESC
    LIMIT 1
)
FROM unnest(%(positions)s::bigint[], %(partitions)s::int[]) AS w (position, partition)

-- name: events_at
-- Each event's size, and its data if it is not larger than inline (bounded_rows.py).
SELECT position, stream, version, event_id, type,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN data END,
       CASE WHEN octet_length(data) + octet_length(metadata) <= %(inline)s THEN metadata END,
       occurred_at, recorded_at, octet_length(data) + octet_length(metadata) AS size
FROM ordertrail.events
WHERE tenant = %(tenant)s AND position = ANY (%(positions)s)
ORDER BY position
LIMIT %(limit)s

-- name: reports_at
-- Reports whose data is in memory a page at a time; the data of a large one is left out.
SELECT position, stream, version, event_id, type, CASE WHEN octet_length(data) <= %(inline)s THEN data END, metadata,
       occurred_at, recorded_at
FROM ordertrail.events
WHERE tenant = %(tenant)s AND position = ANY (%(positions)s)

-- name: streams_at
SELECT position, stream, ordertrail.partition_of(stream) FROM ordertrail.events
WHERE tenant = %(tenant)s AND position = ANY (%(positions)s)

-- name: hand_out
UPDATE ordertrail.held_streams AS h SET read_to = n.read_to, position = greatest(h.position, n.position)
FROM unnest(%(streams)s::text[], %(positions)s::bigint[], %(read_to)s::bigint[]) AS n (stream, position, read_to)
WHERE h.tenant = %(tenant)s AND h.consumer = %(consumer)s AND h.stream = n.stream

-- name: let_go
DELETE FROM ordertrail.held_streams
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND stream = ANY (%(streams)s)

-- name: is_forgotten
SELECT FROM ordertrail.subject_keys AS k
WHERE k.tenant = %(tenant)s AND k.subject = %(stream)s AND k.destroyed_at IS NOT NULL

-- name: hold
-- Refusing an event says that those of its stream before it are done. A stream that is held already is refused once
-- more only if the event was handed out since: otherwise the same request came twice. parked_after is no time, unless
-- one failure is enough.
INSERT INTO ordertrail.held_streams AS h
    (tenant, consumer, stream, partition, position, read_to, failed, failures, reason, retry_at, parked_at)
VALUES (
    %(tenant)s, %(consumer)s, %(stream)s, %(partition)s, %(position)s, %(position)s, %(failed)s, 1, %(reason)s,
    statement_timestamp() + %(delay)s::interval, statement_timestamp() + %(parked_after)s::interval
)
ON CONFLICT (tenant, consumer, stream) DO UPDATE
SET position = excluded.position, read_to = excluded.position, failed = excluded.failed,
    failures = CASE WHEN h.failed = excluded.failed THEN h.failures + 1 ELSE 1 END,
    reason = excluded.reason, retry_at = excluded.retry_at,
    parked_at = CASE
        WHEN (CASE WHEN h.failed = excluded.failed THEN h.failures + 1 ELSE 1 END) >= %(max_failures)s
        THEN excluded.held_at
    END
WHERE h.parked_at IS NULL AND h.position < excluded.failed AND excluded.failed <= h.read_to
RETURNING h.failures, h.parked_at

-- name: acknowledge_stream
UPDATE ordertrail.held_streams AS h SET position = %(position)s, failures = 0, failed = NULL
WHERE h.tenant = %(tenant)s AND h.consumer = %(consumer)s AND h.stream = %(stream)s
  AND h.partition = %(partition)s AND h.position < %(position)s AND %(position)s <= h.read_to

-- name: held
SELECT h.stream, h.partition, h.failed, e.event_id, e.type, h.failures, h.reason, h.held_at, h.retry_at, h.parked_at,
       (SELECT count(*) FROM (
            SELECT FROM ordertrail.events AS w
            WHERE w.tenant = %(tenant)s AND w.stream = h.stream AND w.position > h.position
              AND (%(types)s::text[] IS NULL OR w.type = ANY (%(types)s::text[]))
            LIMIT 1000
       ) AS waiting)
FROM ordertrail.held_streams AS h
LEFT JOIN ordertrail.events AS e ON e.tenant = %(tenant)s AND e.position = h.failed
WHERE h.tenant = %(tenant)s AND h.consumer = %(consumer)s AND h.stream > %(after)s
  AND (h.parked_at IS NOT NULL) = %(parked)s
ORDER BY h.stream
LIMIT %(limit)s

-- name: is_held
SELECT stream FROM ordertrail.held_streams
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND stream = %(stream)s

-- name: retry
UPDATE ordertrail.held_streams
SET parked_at = NULL, failures = 0, read_to = position, retry_at = statement_timestamp()
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND stream = %(stream)s
RETURNING stream

-- name: retry_all
UPDATE ordertrail.held_streams
SET parked_at = NULL, failures = 0, read_to = position, retry_at = statement_timestamp()
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND parked_at IS NOT NULL
RETURNING stream

-- name: drop
-- Passes over the event that was refused, or over all of the stream up to a position.
UPDATE ordertrail.held_streams
SET position = greatest(position, coalesce(%(upto)s, failed, position)), parked_at = NULL, failures = 0, failed = NULL,
    read_to = greatest(position, coalesce(%(upto)s, failed, position)), retry_at = statement_timestamp()
WHERE tenant = %(tenant)s AND consumer = %(consumer)s AND stream = %(stream)s
RETURNING stream

-- name: reset
UPDATE ordertrail.consumer_partitions
SET member = NULL, token = token + 1, position = %(position)s, previous = NULL, read_to = %(position)s,
    read_last = %(position)s, read_previous = NULL
WHERE tenant = %(tenant)s AND consumer = %(consumer)s

-- name: let_all_go
DELETE FROM ordertrail.held_streams WHERE tenant = %(tenant)s AND consumer = %(consumer)s

-- name: position_before
-- The position before the first event that was recorded at or after a time. Times never run backwards along a ledger,
-- so each step halves what is left.
WITH RECURSIVE search (low, high) AS (
    SELECT 0::bigint, l.position FROM ordertrail.ledgers AS l WHERE l.tenant = %(tenant)s
    UNION ALL
    SELECT CASE WHEN e.recorded_at < %(time)s THEN e.position ELSE s.low END,
           CASE WHEN e.recorded_at < %(time)s THEN s.high ELSE e.position - 1 END
    FROM search AS s
    JOIN ordertrail.events AS e ON e.tenant = %(tenant)s AND e.position = (s.low + s.high + 1) / 2
    WHERE s.low < s.high
)
SELECT low FROM search WHERE low >= high

-- name: remove_partitions
DELETE FROM ordertrail.consumer_partitions WHERE tenant = %(tenant)s AND consumer = %(consumer)s

-- name: remove_members
DELETE FROM ordertrail.consumer_members WHERE tenant = %(tenant)s AND consumer = %(consumer)s

-- name: remove
DELETE FROM ordertrail.consumers WHERE tenant = %(tenant)s AND consumer = %(consumer)s RETURNING consumer
