-- name: find
SELECT t.tenant, t.implicit, t.dintero_account, r.keep, coalesce(l.position, 0),
       coalesce((SELECT max(size) FROM ordertrail.tree_heads WHERE tenant = %(tenant)s), 0), t.created_at
FROM ordertrail.tenants AS t
LEFT JOIN ordertrail.ledgers AS l ON l.tenant = t.tenant
LEFT JOIN ordertrail.retention AS r ON r.tenant = t.tenant
WHERE t.tenant = %(tenant)s
