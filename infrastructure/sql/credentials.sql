-- name: find_credential
SELECT t.tenant, t.implicit, t.dintero_account, c.key_id, c.secret_digest, c.scopes, c.name,
       c.expires_at, c.revoked_at, c.earlier_until, c.earlier_digest,
       c.performer_id, c.performer_name, c.performer_type
FROM ordertrail.credentials AS c JOIN ordertrail.tenants AS t USING (tenant)
WHERE c.key_id = %(key_id)s

-- name: create_credential
INSERT INTO ordertrail.credentials AS new
    (tenant, key_id, secret_digest, scopes, name, expires_at, performer_id, performer_name, performer_type)
SELECT t.tenant, %(key_id)s, %(secret_digest)s, %(scopes)s, %(name)s, %(expires_at)s, %(performer_id)s,
       %(performer_name)s, %(performer_type)s
FROM ordertrail.tenants AS t WHERE t.tenant = %(tenant)s
RETURNING new.tenant

-- name: forget_performer
-- A program that acts for nobody is itself the performer, under its key id.
UPDATE ordertrail.credentials
SET performer_name = CASE WHEN performer_id = %(person_id)s THEN '' ELSE performer_name END,
    name = CASE WHEN key_id = %(person_id)s THEN '' ELSE name END
WHERE tenant = %(tenant)s AND (performer_id = %(person_id)s OR key_id = %(person_id)s)

-- name: lock_names
-- Of those who create tenants, one at a time looks whether a name and an account are free. No index over all tenants
-- can: each starts with the tenant.
SELECT pg_advisory_xact_lock(hashtextextended('ordertrail tenants', 0))

-- name: taken
-- Who has this account, and whether a tenant of this name was deleted.
SELECT (SELECT t.tenant FROM ordertrail.tenants AS t WHERE t.dintero_account = %(dintero_account)s LIMIT 1),
       (SELECT d.deleted_at FROM ordertrail.deleted_tenants AS d WHERE d.tenant = %(tenant)s)

-- name: create_tenant
WITH created AS (
    INSERT INTO ordertrail.tenants (tenant, implicit, dintero_account)
    VALUES (%(tenant)s, %(implicit)s, %(dintero_account)s)
    ON CONFLICT DO NOTHING
    RETURNING tenant
)
INSERT INTO ordertrail.ledgers AS new (tenant) SELECT created.tenant FROM created RETURNING new.tenant

-- name: tenants
SELECT tenant FROM ordertrail.tenants ORDER BY tenant
