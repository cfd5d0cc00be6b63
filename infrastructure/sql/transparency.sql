-- name: create_missing_trees
INSERT INTO ordertrail.trees (tenant)
SELECT l.tenant FROM ordertrail.ledgers AS l
WHERE NOT EXISTS (SELECT FROM ordertrail.trees AS t WHERE t.tenant = l.tenant)
ON CONFLICT DO NOTHING

-- name: unsealed
-- A ledger that is shorter than its tree is among them, once: that has to be found and said.
SELECT l.tenant
FROM ordertrail.ledgers AS l JOIN ordertrail.trees AS t ON t.tenant = l.tenant
WHERE l.position <> t.size AND t.error IS NULL

-- name: hold_tree
SELECT size FROM ordertrail.trees WHERE tenant = %(tenant)s FOR UPDATE SKIP LOCKED

-- name: ledger_position
SELECT position FROM ordertrail.ledgers WHERE tenant = %(tenant)s

-- name: tiles
SELECT t.level, t.number, t.hashes
FROM unnest(%(levels)s, %(numbers)s) AS wanted (tile_level, tile_number)
JOIN ordertrail.tiles AS t ON t.tenant = %(tenant)s AND t.level = wanted.tile_level AND t.number = wanted.tile_number

-- name: position_of
SELECT position FROM ordertrail.events WHERE tenant = %(tenant)s AND event_id = %(event_id)s

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

-- name: newest_tree_head
SELECT note FROM ordertrail.tree_heads
WHERE tenant = %(tenant)s ORDER BY size DESC LIMIT 1

-- name: tree_heads_that_cover
SELECT wanted.size, (
    SELECT note FROM ordertrail.tree_heads
    WHERE tenant = %(tenant)s AND size >= wanted.size ORDER BY size LIMIT 1
)
FROM unnest(%(sizes)s) AS wanted (size)

-- name: tree_head
SELECT note FROM ordertrail.tree_heads WHERE tenant = %(tenant)s AND size = %(size)s

-- name: tree_heads
SELECT size, note FROM ordertrail.tree_heads
WHERE tenant = %(tenant)s AND size > %(after)s ORDER BY size LIMIT %(limit)s

-- name: leaves
SELECT coalesce(min(position), 0), coalesce(max(position), 0), count(*),
       coalesce(string_agg(hash, '' ORDER BY position), ''),
       min(recorded_at), max(recorded_at), coalesce(bool_and(recorded_at >= before), true)
FROM (
    SELECT e.position, e.recorded_at, ordertrail.leaf_hash(e) AS hash,
           lag(e.recorded_at, 1, e.recorded_at) OVER (ORDER BY e.position) AS before
    FROM ordertrail.events AS e
    WHERE e.tenant = %(tenant)s AND e.position > %(after)s
    ORDER BY e.position
    LIMIT %(limit)s
) AS page

-- name: leaves_one_by_one
SELECT position, ordertrail.leaf_hash(e), recorded_at
FROM ordertrail.events AS e
WHERE tenant = %(tenant)s AND position > %(after)s
ORDER BY position
LIMIT %(limit)s

-- name: first_broken_stream
-- In the order of the index: nothing is sorted, nothing is held. A library's stream may begin with version 0.
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
