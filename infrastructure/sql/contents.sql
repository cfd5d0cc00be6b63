-- name: put
INSERT INTO ordertrail.contents (tenant, digest, body) VALUES (%(tenant)s, %(digest)s, %(body)s)
ON CONFLICT (tenant, digest) DO UPDATE SET recorded_at = now()

-- name: get
SELECT body FROM ordertrail.contents WHERE tenant = %(tenant)s AND digest = %(digest)s

-- name: delete
DELETE FROM ordertrail.contents
WHERE tenant = %(tenant)s AND digest = %(digest)s
  AND (%(before)s::timestamptz IS NULL OR recorded_at <= %(before)s)
