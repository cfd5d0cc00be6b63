-- name: keep
INSERT INTO ordertrail.retention AS r (tenant, keep)
SELECT l.tenant, %(keep)s FROM ordertrail.ledgers AS l WHERE l.tenant = %(tenant)s
ON CONFLICT (tenant) DO UPDATE SET keep = excluded.keep
RETURNING r.tenant

-- name: keep_instead
-- Who has no row keeps all, and nothing has expired.
INSERT INTO ordertrail.retention AS r (tenant, keep)
SELECT l.tenant, %(keep)s FROM ordertrail.ledgers AS l
WHERE l.tenant = %(tenant)s
  AND ((%(known)s::interval IS NULL AND %(known_expired)s = 0)
       OR EXISTS (SELECT FROM ordertrail.retention AS k WHERE k.tenant = %(tenant)s))
ON CONFLICT (tenant) DO UPDATE SET keep = excluded.keep
WHERE r.keep IS NOT DISTINCT FROM %(known)s::interval AND r.expired = %(known_expired)s
RETURNING r.tenant

-- name: find
SELECT keep, expired FROM ordertrail.retention WHERE tenant = %(tenant)s

-- name: limited
SELECT r.tenant FROM ordertrail.retention AS r
WHERE r.keep IS NOT NULL AND (%(tenants)s::text[] IS NULL OR r.tenant = ANY (%(tenants)s::text[]))
ORDER BY r.tenant

-- name: due
-- The next events whose calls are older than the tenant's period, with their data, which names the bodies.
SELECT e.position, e.data, now() - r.keep
FROM ordertrail.retention AS r
CROSS JOIN LATERAL (
    SELECT position, data, recorded_at,
           sum(octet_length(data)) OVER (ORDER BY position) - octet_length(data) AS bytes_before
    FROM ordertrail.events
    WHERE tenant = %(tenant)s AND position > r.expired AND type = ANY (%(types)s)
    ORDER BY position
    LIMIT %(limit)s
) AS e
WHERE r.tenant = %(tenant)s AND e.recorded_at <= now() - r.keep AND e.bytes_before < %(max_bytes)s
ORDER BY e.position

-- name: expire
UPDATE ordertrail.retention SET expired = %(upto)s WHERE tenant = %(tenant)s AND expired < %(upto)s
