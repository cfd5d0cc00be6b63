-- name: of_tenant
SELECT tenant, key_id, name, scopes, performer_id, performer_name, performer_type, created_at, rotated_at,
       expires_at, revoked_at, earlier_until
FROM ordertrail.credentials
WHERE tenant = %(tenant)s AND key_id > %(after)s
ORDER BY key_id
LIMIT %(limit)s

-- name: tenant_of
-- This one query has no tenant to pin, because it looks for the tenant. Key ids are random: no two tenants share one.
SELECT tenant FROM ordertrail.credentials WHERE key_id = %(key_id)s

-- name: find
SELECT tenant, key_id, name, scopes, performer_id, performer_name, performer_type, created_at, rotated_at,
       expires_at, revoked_at, earlier_until
FROM ordertrail.credentials
WHERE tenant = %(tenant)s AND key_id = %(key_id)s

-- name: revoke
UPDATE ordertrail.credentials SET revoked_at = now()
WHERE tenant = %(tenant)s AND key_id = %(key_id)s AND revoked_at IS NULL

-- name: rotate
-- The present secret becomes the earlier one, in place of the one before it. A secret that ends at once is not kept, so
-- no clock decides how much longer it is valid.
UPDATE ordertrail.credentials
SET secret_digest = %(secret_digest)s,
    rotated_at = now(),
    earlier_digest = CASE WHEN %(keep)s > interval '0' THEN secret_digest END,
    earlier_until = now() + nullif(%(keep)s, interval '0')
WHERE tenant = %(tenant)s AND key_id = %(key_id)s
  AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
RETURNING scopes, expires_at
