-- name: offer
-- A key that somebody else offers at this moment is waited for, but not seen: it is found by asking again.
WITH offered AS (
    INSERT INTO ordertrail.subject_keys (tenant, subject, wrapped)
    SELECT t.tenant, o.subject, o.wrapped
    FROM ordertrail.tenants AS t CROSS JOIN unnest(%(subjects)s, %(wrapped)s) AS o (subject, wrapped)
    WHERE t.tenant = %(tenant)s
    ORDER BY o.subject
    ON CONFLICT DO NOTHING
    RETURNING subject, wrapped
)
SELECT subject, wrapped FROM offered
UNION ALL
SELECT subject, wrapped FROM ordertrail.subject_keys WHERE tenant = %(tenant)s AND subject = ANY (%(subjects)s)

-- name: keys
SELECT subject, wrapped FROM ordertrail.subject_keys WHERE tenant = %(tenant)s AND subject = ANY (%(subjects)s)

-- name: destroy
-- Who has no key is noted as well: they must not get one later. What was rendered with the key is not shown again.
WITH destroyed AS (
    INSERT INTO ordertrail.subject_keys AS k (tenant, subject, destroyed_at, destroyed_by)
    VALUES (%(tenant)s, %(subject)s, now(), %(by)s)
    ON CONFLICT (tenant, subject) DO UPDATE
    SET wrapped = NULL, destroyed_at = excluded.destroyed_at, destroyed_by = excluded.destroyed_by
    WHERE k.wrapped IS NOT NULL
    RETURNING tenant
)
INSERT INTO ordertrail.editions AS e (tenant, number)
SELECT tenant, 1 FROM destroyed
ON CONFLICT (tenant) DO UPDATE SET number = e.number + 1
