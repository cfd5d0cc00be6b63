-- name: signing_keys
SELECT public_key, private_key FROM ordertrail.signing_keys ORDER BY created_at, public_key

-- name: add_signing_key
INSERT INTO ordertrail.signing_keys (public_key, private_key) VALUES (%(public_key)s, %(private_key)s)

-- name: retire_signing_keys
-- All but the newest.
UPDATE ordertrail.signing_keys SET retired_at = now(), private_key = NULL
WHERE retired_at IS NULL AND created_at < (SELECT max(created_at) FROM ordertrail.signing_keys)
RETURNING public_key
