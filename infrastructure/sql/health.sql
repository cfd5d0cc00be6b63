-- tenants are those whose nodes can be reached; NULL is for all (nodes.py). Each table is limited to them, or a cluster
-- would ask the other nodes too. Where a row of another table has the tenant, another collation keeps the list out of
-- the search by index, which would sort it for each row.

-- name: sealing
-- This uses the newest checkpoints, not the trees' kept sizes. A tree with a wrong kept size counts as stopped already,
-- because a sealer will stop it.
SELECT coalesce(max(l.position - coalesce(newest.size, 0)), 0),
       count(*) FILTER (
           WHERE t.error IS NOT NULL OR coalesce(t.size, 0) <> coalesce(newest.size, 0) OR newest.size > l.position
       ),
       coalesce(max(extract(epoch FROM clock_timestamp() - next.recorded_at)), 0)::double precision
FROM ordertrail.ledgers AS l
LEFT JOIN ordertrail.trees AS t
    ON t.tenant = l.tenant AND (%(tenants)s::text[] IS NULL OR t.tenant = ANY (%(tenants)s::text[]))
LEFT JOIN LATERAL (
    SELECT h.size FROM ordertrail.tree_heads AS h
    WHERE h.tenant = l.tenant AND (%(tenants)s::text[] IS NULL OR h.tenant COLLATE "default" = ANY (%(tenants)s::text[]))
    ORDER BY h.size DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT e.recorded_at FROM ordertrail.events AS e
    WHERE coalesce(newest.size, 0) < l.position AND e.tenant = l.tenant AND e.position = coalesce(newest.size, 0) + 1
      AND (%(tenants)s::text[] IS NULL OR e.tenant COLLATE "default" = ANY (%(tenants)s::text[]))
) AS next ON true
WHERE (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))

-- name: projections
-- A view without a checkpoint has read nothing. If a view's checkpoint is beyond the ledger, nobody knows what the view
-- has read. Nearly all views of nearly all tenants have read everything: these are left out first.
SELECT late.projection,
       coalesce(max(late.position - late.seen), 0),
       coalesce(
           array_agg(
               format('%%s after position %%s: %%s', late.tenant, late.at, coalesce(late.error, 'the ledger ends before it'))
               ORDER BY late.tenant
           ) FILTER (WHERE late.error IS NOT NULL OR late.at > late.position),
           '{}'
       ),
       coalesce(max(extract(epoch FROM clock_timestamp() - next.recorded_at)), 0)::double precision
FROM (
    SELECT p.projection, l.tenant, l.position, c.position AS at, c.error,
           CASE WHEN c.position > l.position OR c.must_be_rebuilt THEN 0 ELSE coalesce(c.position, 0) END AS seen
    FROM ordertrail.ledgers AS l
    CROSS JOIN unnest(%(projections)s::text[]) AS p (projection)
    LEFT JOIN ordertrail.checkpoints AS c
        ON c.tenant = l.tenant AND c.projection = p.projection
        AND (%(tenants)s::text[] IS NULL OR c.tenant = ANY (%(tenants)s::text[]))
    WHERE (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))
      AND (coalesce(c.position, 0) <> l.position OR c.error IS NOT NULL OR c.must_be_rebuilt)
) AS late
LEFT JOIN LATERAL (
    SELECT e.recorded_at FROM ordertrail.events AS e
    WHERE late.seen < late.position AND e.tenant = late.tenant AND e.position = late.seen + 1
      AND (%(tenants)s::text[] IS NULL OR e.tenant COLLATE "default" = ANY (%(tenants)s::text[]))
) AS next ON true
GROUP BY late.projection

-- name: damaged_keys
SELECT count(*) FROM ordertrail.subject_keys AS k
WHERE k.unreadable IS NOT NULL AND sha256(k.wrapped) = k.unreadable
  AND (%(tenants)s::text[] IS NULL OR k.tenant = ANY (%(tenants)s::text[]))

-- name: clock
SELECT clock_timestamp()

-- name: consumers
-- The slowest consumer and webhook of all tenants. One that is paused or disabled is meant to lag.
SELECT c.consumer LIKE 'webhook/%%' AS is_webhook, count(*),
       coalesce(max(l.position - p.position) FILTER (WHERE NOT c.paused AND w.disabled_at IS NULL), 0),
       coalesce(
           max(extract(epoch FROM clock_timestamp() - e.recorded_at))
           FILTER (WHERE NOT c.paused AND w.disabled_at IS NULL), 0
       )::float8,
       count(w.disabled_at)
FROM ordertrail.consumers AS c
JOIN ordertrail.ledgers AS l
    ON l.tenant = c.tenant AND (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))
JOIN LATERAL (
    SELECT min(s.position) AS position FROM ordertrail.consumer_partitions AS s
    WHERE s.tenant = c.tenant AND s.consumer = c.consumer
      AND (%(tenants)s::text[] IS NULL OR s.tenant COLLATE "default" = ANY (%(tenants)s::text[]))
) AS p ON true
LEFT JOIN ordertrail.events AS e
    ON e.tenant = c.tenant AND e.position = p.position + 1
    AND (%(tenants)s::text[] IS NULL OR e.tenant = ANY (%(tenants)s::text[]))
LEFT JOIN ordertrail.webhooks AS w
    ON w.tenant = c.tenant AND c.consumer = 'webhook/' || w.webhook
    AND (%(tenants)s::text[] IS NULL OR w.tenant = ANY (%(tenants)s::text[]))
WHERE (%(tenants)s::text[] IS NULL OR c.tenant = ANY (%(tenants)s::text[]))
GROUP BY is_webhook

-- name: held_streams
SELECT h.consumer LIKE 'webhook/%%' AS is_webhook, count(*) FILTER (WHERE h.parked_at IS NULL),
       count(*) FILTER (WHERE h.parked_at IS NOT NULL)
FROM ordertrail.held_streams AS h
WHERE (%(tenants)s::text[] IS NULL OR h.tenant = ANY (%(tenants)s::text[]))
GROUP BY is_webhook
