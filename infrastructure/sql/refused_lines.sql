-- name: keep
INSERT INTO ordertrail.refused_lines (tenant, load_id, line, refusal)
SELECT %(tenant)s, %(load_id)s, r.line, r.refusal
FROM unnest(%(lines)s::bigint[], %(refusals)s::text[]) AS r (line, refusal)
ON CONFLICT DO NOTHING

-- name: expire
DELETE FROM ordertrail.refused_lines WHERE tenant = %(tenant)s AND refused_at < now() - %(keep)s::interval

-- name: read
SELECT line, refusal FROM ordertrail.refused_lines
WHERE tenant = %(tenant)s AND load_id = %(load_id)s AND line > %(after)s
ORDER BY line
LIMIT %(limit)s
