-- name: signing_keys
SELECT public_key, private_key FROM ordertrail.signing_keys ORDER BY created_at, public_key

-- name: add_first_signing_key
-- Two processes may come to it at once; the lock lets one of them make the key.
WITH lock AS MATERIALIZED (SELECT pg_advisory_xact_lock(7106))
INSERT INTO ordertrail.signing_keys (public_key, private_key)
SELECT %(public_key)s, %(private_key)s FROM lock
WHERE NOT EXISTS (SELECT FROM ordertrail.signing_keys)

-- name: add_signing_key
INSERT INTO ordertrail.signing_keys (public_key, private_key) VALUES (%(public_key)s, %(private_key)s)

-- name: retire_signing_keys
-- All but the newest.
UPDATE ordertrail.signing_keys SET retired_at = now(), private_key = NULL
WHERE retired_at IS NULL AND created_at < (SELECT max(created_at) FROM ordertrail.signing_keys)
RETURNING public_key

-- name: plain_signing_keys
-- From before migration 0015.
SELECT public_key, private_key FROM ordertrail.signing_keys WHERE octet_length(private_key) = 32

-- name: wrap_signing_key
-- Several processes may come to it at once, and one may retire the key: whoever is first has done it.
UPDATE ordertrail.signing_keys SET private_key = %(private_key)s
WHERE public_key = %(public_key)s AND octet_length(private_key) = 32
