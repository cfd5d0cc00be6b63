-- name: use
INSERT INTO ordertrail.used_links AS u (tenant, digest) VALUES (%(tenant)s, %(digest)s)
ON CONFLICT DO NOTHING
RETURNING u.used_at

-- name: is_used
SELECT true FROM ordertrail.used_links WHERE tenant = %(tenant)s AND digest = %(digest)s
