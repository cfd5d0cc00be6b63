-- name: put
INSERT INTO ordertrail.contents (tenant, digest, body) VALUES (%(tenant)s, %(digest)s, %(body)s)
ON CONFLICT DO NOTHING

-- name: get
SELECT body FROM ordertrail.contents WHERE tenant = %(tenant)s AND digest = %(digest)s

-- name: delete
DELETE FROM ordertrail.contents WHERE tenant = %(tenant)s AND digest = %(digest)s
