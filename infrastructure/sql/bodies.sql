-- name: put
INSERT INTO ordertrail.bodies (tenant, digest, subject, body)
VALUES (%(tenant)s, %(digest)s, %(subject)s, %(body)s)
ON CONFLICT (tenant, digest) DO UPDATE SET recorded_at = excluded.recorded_at

-- name: get
SELECT CASE WHEN octet_length(body) <= %(inline)s THEN body END, octet_length(body) AS size
FROM ordertrail.bodies WHERE tenant = %(tenant)s AND digest = %(digest)s

-- name: get_large
SELECT body FROM ordertrail.bodies WHERE tenant = %(tenant)s AND digest = %(digest)s

-- name: delete
SELECT ordertrail.delete_body(%(tenant)s, %(digest)s, %(before)s)
