-- name: spend
INSERT INTO ordertrail.spent_tokens AS t (tenant, digest) VALUES (%(tenant)s, %(digest)s)
ON CONFLICT DO NOTHING
RETURNING t.spent_at

-- name: is_spent
SELECT true FROM ordertrail.spent_tokens WHERE tenant = %(tenant)s AND digest = %(digest)s
