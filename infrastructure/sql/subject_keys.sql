-- name: offer
-- If another session offers a key at this moment, this waits for it but does not see it; asking again finds it.
WITH offered AS (
    INSERT INTO ordertrail.subject_keys AS new (tenant, subject, wrapped)
    SELECT l.tenant, o.subject, o.wrapped
    FROM ordertrail.ledgers AS l CROSS JOIN unnest(%(subjects)s, %(wrapped)s) AS o (subject, wrapped)
    WHERE l.tenant = %(tenant)s
    ORDER BY o.subject
    ON CONFLICT DO NOTHING
    RETURNING new.subject, new.wrapped
)
SELECT subject, wrapped FROM offered
UNION ALL
SELECT subject, wrapped FROM ordertrail.subject_keys WHERE tenant = %(tenant)s AND subject = ANY (%(subjects)s)

-- name: keys
SELECT subject, wrapped FROM ordertrail.subject_keys WHERE tenant = %(tenant)s AND subject = ANY (%(subjects)s)

-- name: all_keys
SELECT subject, wrapped FROM ordertrail.subject_keys
WHERE tenant = %(tenant)s AND subject > %(after)s AND wrapped IS NOT NULL
ORDER BY subject
LIMIT %(limit)s

-- name: destroyed
SELECT subject, destroyed_at, destroyed_by FROM ordertrail.subject_keys
WHERE tenant = %(tenant)s AND subject > %(after)s AND destroyed_at IS NOT NULL
ORDER BY subject
LIMIT %(limit)s

-- name: note_unreadable
SELECT ordertrail.note_unreadable_keys(%(tenant)s, %(subjects)s, %(digests)s)

-- name: imported
SELECT imported FROM ordertrail.ledgers WHERE tenant = %(tenant)s

-- name: destroy
SELECT ordertrail.destroy_subject_key(%(tenant)s, %(subject)s, %(by)s)
