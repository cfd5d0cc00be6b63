-- name: create_missing_trees
-- Of these tenants. What is there is found by the unique index: a join would read the new rows too, while they are made.
INSERT INTO ordertrail.trees (tenant)
SELECT l.tenant FROM ordertrail.ledgers AS l WHERE l.tenant = ANY (%(tenants)s)
ON CONFLICT DO NOTHING

-- name: unsealed
-- within: of the ledgers that were written to in this time before now; of all, if it is NULL. This includes a ledger that
-- is shorter than its tree, which has to be found and reported.
SELECT l.tenant, coalesce(t.size, 0), l.position, t.tenant IS NULL AS is_missing
FROM ordertrail.ledgers AS l LEFT JOIN ordertrail.trees AS t
    ON t.tenant = l.tenant AND (%(tenants)s::text[] IS NULL OR t.tenant = ANY (%(tenants)s::text[]))
WHERE l.active_at >= coalesce(statement_timestamp() - %(within)s::interval, '-infinity')
  AND l.position <> coalesce(t.size, 0) AND t.error IS NULL
  AND (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))

-- name: misnoted
-- The trees' kept sizes are as quick to read as the ledgers, but decide nothing. The newest checkpoints decide, and
-- they are read one by one.
SELECT t.tenant
FROM ordertrail.trees AS t
LEFT JOIN LATERAL (
    SELECT h.size FROM ordertrail.tree_heads AS h
    WHERE h.tenant = t.tenant AND (%(tenants)s::text[] IS NULL OR h.tenant COLLATE "default" = ANY (%(tenants)s::text[]))
    ORDER BY h.size DESC LIMIT 1
) AS newest ON true
WHERE t.error IS NULL AND t.size <> coalesce(newest.size, 0)
  AND (%(tenants)s::text[] IS NULL OR t.tenant = ANY (%(tenants)s::text[]))

-- name: hold_tree
SELECT size, error FROM ordertrail.trees WHERE tenant = %(tenant)s FOR UPDATE SKIP LOCKED

-- name: wait_for_tree
SELECT size, error FROM ordertrail.trees WHERE tenant = %(tenant)s FOR UPDATE

-- name: create_tree
INSERT INTO ordertrail.trees (tenant) VALUES (%(tenant)s) ON CONFLICT DO NOTHING

-- name: ledger_and_newest_head
-- Ask this once we hold the tree. In one statement for both, a tree that somebody seals at this moment could seem to
-- reach beyond its ledger.
SELECT l.position, newest.size, newest.note
FROM ordertrail.ledgers AS l
LEFT JOIN LATERAL (
    SELECT size, note FROM ordertrail.tree_heads WHERE tenant = %(tenant)s ORDER BY size DESC LIMIT 1
) AS newest ON true
WHERE l.tenant = %(tenant)s

-- name: kept_tree
-- All at one moment: a sealer that works at this moment must not seem to have left anything half done.
SELECT coalesce(t.size, 0), newest.size, newest.note, beyond.level, beyond.number
FROM ordertrail.ledgers AS l
LEFT JOIN ordertrail.trees AS t ON t.tenant = l.tenant
LEFT JOIN LATERAL (
    SELECT size, note FROM ordertrail.tree_heads WHERE tenant = %(tenant)s ORDER BY size DESC LIMIT 1
) AS newest ON true
LEFT JOIN LATERAL (
    SELECT level, number
    FROM ordertrail.tiles
    WHERE tenant = %(tenant)s
      AND CASE WHEN level NOT BETWEEN 0 AND 7 OR number < 0 THEN true
               ELSE octet_length(hashes) > 32 * least(
                   greatest(div(coalesce(newest.size, 0), 256::numeric ^ level) - 256::numeric * number, 0), 256
               ) END
    ORDER BY level, number
    LIMIT 1
) AS beyond ON true
WHERE l.tenant = %(tenant)s

-- name: remove_stray_tiles
-- The tiles that a tree of this size does not have.
DELETE FROM ordertrail.tiles
WHERE tenant = %(tenant)s
  AND CASE WHEN level NOT BETWEEN 0 AND 7 OR number < 0 THEN true
           ELSE div(%(size)s::bigint, 256::numeric ^ level) <= 256::numeric * number END

-- name: settle_tree
UPDATE ordertrail.trees SET size = %(size)s, error = NULL WHERE tenant = %(tenant)s

-- name: tiles
SELECT t.level, t.number, t.hashes
FROM unnest(%(levels)s, %(numbers)s) AS wanted (tile_level, tile_number)
JOIN ordertrail.tiles AS t ON t.tenant = %(tenant)s AND t.level = wanted.tile_level AND t.number = wanted.tile_number

-- name: position_of
SELECT position FROM ordertrail.events WHERE tenant = %(tenant)s AND event_id = %(event_id)s

-- name: newest_of_stream
SELECT position, version FROM ordertrail.events
WHERE tenant = %(tenant)s AND stream = %(stream)s ORDER BY version DESC LIMIT 1

-- name: growing_tree
-- A tree, the tiles that grow, and the leaves of the next events, all at one moment.
SELECT t.size, t.error IS NULL, l.position, newest.size, newest.note, kept.levels, kept.numbers, kept.hashes, leaves.*
FROM ordertrail.trees AS t
JOIN ordertrail.ledgers AS l ON l.tenant = %(tenant)s
LEFT JOIN LATERAL (
    SELECT size, note FROM ordertrail.tree_heads WHERE tenant = %(tenant)s ORDER BY size DESC LIMIT 1
) AS newest ON true
CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(k.level::int), '{}') AS levels, coalesce(array_agg(k.number), '{}') AS numbers,
           coalesce(array_agg(k.hashes), '{}') AS hashes
    FROM unnest(%(levels)s, %(numbers)s) AS wanted (tile_level, tile_number)
    JOIN ordertrail.tiles AS k
      ON k.tenant = %(tenant)s AND k.level = wanted.tile_level AND k.number = wanted.tile_number
) AS kept
CROSS JOIN LATERAL (
    SELECT coalesce(min(position), 0), coalesce(max(position), 0), count(*),
           coalesce(string_agg(hash, '' ORDER BY position), ''),
           min(recorded_at), max(recorded_at), coalesce(bool_and(recorded_at >= before), true)
    FROM (
        SELECT e.position, e.recorded_at, ordertrail.leaf_hash(
                   e.tenant, e.position, e.stream, e.version, e.event_id, e.type, e.data, e.metadata, e.occurred_at,
                   e.recorded_at
               ) AS hash,
               lag(e.recorded_at, 1, e.recorded_at) OVER (ORDER BY e.position) AS before
        FROM ordertrail.events AS e
        WHERE e.tenant = %(tenant)s AND e.position > %(sealed)s
        ORDER BY e.position
        LIMIT %(limit)s
    ) AS page
) AS leaves
WHERE t.tenant = %(tenant)s

-- name: keep_seal
-- Everything, if the tree is still as it was read and nobody holds it, or nothing. It waits for nobody.
WITH held AS (
    SELECT tenant FROM ordertrail.trees
    WHERE tenant = %(tenant)s AND size = %(sealed)s AND error IS NULL
    FOR UPDATE SKIP LOCKED
), grown AS (
    INSERT INTO ordertrail.tiles (tenant, level, number, hashes)
    SELECT %(tenant)s, t.level, t.number, t.hashes
    FROM held CROSS JOIN unnest(%(levels)s, %(numbers)s, %(hashes)s) AS t (level, number, hashes)
    ON CONFLICT (tenant, level, number) DO UPDATE SET hashes = excluded.hashes
), head AS (
    INSERT INTO ordertrail.tree_heads (tenant, size, note) SELECT %(tenant)s, %(size)s, %(note)s FROM held
)
UPDATE ordertrail.trees AS t SET size = %(size)s FROM held
WHERE t.tenant = %(tenant)s AND held.tenant = %(tenant)s
RETURNING t.size

-- name: save_tiles
INSERT INTO ordertrail.tiles (tenant, level, number, hashes)
SELECT %(tenant)s, t.level, t.number, t.hashes
FROM unnest(%(levels)s, %(numbers)s, %(hashes)s) AS t (level, number, hashes)
ON CONFLICT (tenant, level, number) DO UPDATE SET hashes = excluded.hashes

-- name: save_tree_head
INSERT INTO ordertrail.tree_heads (tenant, size, note) VALUES (%(tenant)s, %(size)s, %(note)s)

-- name: advance_tree
UPDATE ordertrail.trees SET size = %(size)s WHERE tenant = %(tenant)s

-- name: stop_tree
UPDATE ordertrail.trees SET error = %(error)s WHERE tenant = %(tenant)s

-- name: tree_error
SELECT error FROM ordertrail.trees WHERE tenant = %(tenant)s

-- name: newest_tree_head
SELECT size, note FROM ordertrail.tree_heads
WHERE tenant = %(tenant)s ORDER BY size DESC LIMIT 1

-- name: tree_heads_that_cover
SELECT wanted.size, head.size, head.note
FROM unnest(%(sizes)s) AS wanted (size)
CROSS JOIN LATERAL (
    SELECT size, note FROM ordertrail.tree_heads
    WHERE tenant = %(tenant)s AND size >= wanted.size ORDER BY size LIMIT 1
) AS head

-- name: tree_head
SELECT size, note FROM ordertrail.tree_heads WHERE tenant = %(tenant)s AND size = %(size)s

-- name: tree_heads
SELECT size, note FROM ordertrail.tree_heads
WHERE tenant = %(tenant)s AND size > %(after)s ORDER BY size LIMIT %(limit)s

-- name: leaves
SELECT coalesce(min(position), 0), coalesce(max(position), 0), count(*),
       coalesce(string_agg(hash, '' ORDER BY position), ''),
       min(recorded_at), max(recorded_at), coalesce(bool_and(recorded_at >= before), true)
FROM (
    SELECT e.position, e.recorded_at, ordertrail.leaf_hash(
               e.tenant, e.position, e.stream, e.version, e.event_id, e.type, e.data, e.metadata, e.occurred_at,
               e.recorded_at
           ) AS hash,
           lag(e.recorded_at, 1, e.recorded_at) OVER (ORDER BY e.position) AS before
    FROM ordertrail.events AS e
    WHERE e.tenant = %(tenant)s AND e.position > %(after)s
    ORDER BY e.position
    LIMIT %(limit)s
) AS page

-- name: leaves_one_by_one
SELECT position,
       ordertrail.leaf_hash(
           tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at
       ),
       recorded_at
FROM ordertrail.events AS e
WHERE tenant = %(tenant)s AND position > %(after)s
ORDER BY position
LIMIT %(limit)s

-- name: first_missing
-- The first missing position; without a gap, the position after the last.
SELECT coalesce(min(n) FILTER (WHERE n <> position), %(after)s::bigint + count(*) + 1)
FROM (
    SELECT position, %(after)s::bigint + row_number() OVER (ORDER BY position) AS n
    FROM (
        SELECT position FROM ordertrail.events
        WHERE tenant = %(tenant)s AND position > %(after)s
        ORDER BY position
        LIMIT %(limit)s
    ) AS page
) AS numbered

-- name: first_broken_stream
-- In the order of the index, so that nothing is sorted or held. A stream of the eventsourcing library may begin with
-- version 0.
SELECT s.position, s.stream, s.version, s.before
FROM (
    SELECT position, stream, version,
           lag(version) OVER in_order AS before, lag(position) OVER in_order AS position_before
    FROM ordertrail.events
    WHERE tenant = %(tenant)s
    WINDOW in_order AS (PARTITION BY stream ORDER BY version)
) AS s
WHERE CASE WHEN s.before IS NULL THEN s.version NOT IN (0, 1)
           ELSE s.version <> s.before + 1 OR s.position <= s.position_before END
LIMIT 1
