-- name: hold_ledger
SELECT position FROM ordertrail.ledgers WHERE tenant = %(tenant)s FOR UPDATE

-- name: add_events
INSERT INTO ordertrail.events
    (tenant, position, stream, version, event_id, type, data, metadata, occurred_at, recorded_at)
SELECT %(tenant)s, e.*
FROM unnest(
    %(positions)s, %(streams)s, %(versions)s, %(event_ids)s, %(types)s, %(data)s, %(metadata)s, %(occurred_at)s,
    %(recorded_at)s
) AS e

-- name: advance_ledger
UPDATE ordertrail.ledgers SET position = %(position)s, imported = %(position)s, recorded_at = %(recorded_at)s
WHERE tenant = %(tenant)s

-- name: notify
SELECT pg_notify('ordertrail', %(tenant)s)
