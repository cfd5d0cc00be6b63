-- name: value
SELECT value FROM ordertrail.installation WHERE name = %(name)s

-- name: values
SELECT name, value FROM ordertrail.installation

-- name: add_value
INSERT INTO ordertrail.installation (name, value) VALUES (%(name)s, %(value)s)

-- name: has_signing_key
SELECT EXISTS (SELECT FROM ordertrail.signing_keys)

-- name: lock
-- One process makes what is missing; the others wait, and then find it.
SELECT pg_advisory_xact_lock(hashtextextended('ordertrail migrations', 0))
