-- name: newest
SELECT o.order_id, n.position, n.type, n.occurred_at
FROM unnest(%(order_ids)s::text[]) AS o (order_id)
CROSS JOIN LATERAL (
    SELECT t.position, t.type, t.occurred_at FROM ordertrail.timeline AS t
    WHERE t.tenant = %(tenant)s AND t.order_id = o.order_id
    ORDER BY t.position DESC
    LIMIT 1
) AS n

-- name: newest_calls
-- First the page's positions, then its events one by one: otherwise the join would read through the whole ledger.
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT l.position FROM ordertrail.system_log AS l
    WHERE l.tenant = %(tenant)s AND l.position < %(before)s
    ORDER BY l.position DESC
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.position DESC

-- name: calls
-- Like newest_calls, but it looks for these among all calls of the tenant.
SELECT e.position, e.stream, e.version, e.event_id, e.type,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.data END,
       CASE WHEN octet_length(e.data) + octet_length(e.metadata) <= %(inline)s THEN e.metadata END,
       e.occurred_at, e.recorded_at, octet_length(e.data) + octet_length(e.metadata) AS size
FROM (
    SELECT l.position FROM ordertrail.system_log AS l
    WHERE l.tenant = %(tenant)s AND l.position < %(before)s
      AND (%(order_id)s::text IS NULL OR l.order_id = %(order_id)s)
      AND (%(correlation_id)s::text IS NULL OR l.correlation_id = %(correlation_id)s)
      AND (%(carrier_id)s::text IS NULL OR l.carrier_id = %(carrier_id)s)
      AND (%(response_from)s::bigint IS NULL OR l.response_code >= %(response_from)s)
      AND (%(response_to)s::bigint IS NULL OR l.response_code <= %(response_to)s)
      AND (NOT %(is_failed)s::boolean OR l.response_code >= 400 OR l.response_code IS NULL)
      AND (%(least_milliseconds)s::bigint IS NULL OR l.milliseconds >= %(least_milliseconds)s)
    ORDER BY l.position DESC
    LIMIT %(limit)s
) AS page
CROSS JOIN LATERAL (
    SELECT * FROM ordertrail.events AS e WHERE e.tenant = %(tenant)s AND e.position = page.position LIMIT 1
) AS e
ORDER BY page.position DESC

-- name: durations
-- How many of these calls took how long: 0 is below the first limit, 1 from the first on. The newest of them count.
SELECT width_bucket(found.milliseconds, %(limits)s::bigint[]) AS place, count(*),
       count(*) FILTER (WHERE found.response_code >= 400 OR found.response_code IS NULL)
FROM (
    SELECT l.milliseconds, l.response_code FROM ordertrail.system_log AS l
    WHERE l.tenant = %(tenant)s
      AND (%(order_id)s::text IS NULL OR l.order_id = %(order_id)s)
      AND (%(correlation_id)s::text IS NULL OR l.correlation_id = %(correlation_id)s)
      AND (%(carrier_id)s::text IS NULL OR l.carrier_id = %(carrier_id)s)
      AND (%(response_from)s::bigint IS NULL OR l.response_code >= %(response_from)s)
      AND (%(response_to)s::bigint IS NULL OR l.response_code <= %(response_to)s)
      AND (NOT %(is_failed)s::boolean OR l.response_code >= 400 OR l.response_code IS NULL)
      AND (%(least_milliseconds)s::bigint IS NULL OR l.milliseconds >= %(least_milliseconds)s)
    ORDER BY l.position DESC
    LIMIT %(limit)s
) AS found
GROUP BY place

-- name: carriers
-- By steps from one name to the next: there are few carriers, and many calls of each.
WITH RECURSIVE found (carrier_id, number) AS (
    (
        SELECT l.carrier_id, 1 FROM ordertrail.system_log AS l
        WHERE l.tenant = %(tenant)s AND l.carrier_id IS NOT NULL
        ORDER BY l.carrier_id
        LIMIT 1
    )
    UNION ALL
    SELECT following.carrier_id, f.number + 1
    FROM found AS f
    CROSS JOIN LATERAL (
        SELECT l.carrier_id FROM ordertrail.system_log AS l
        WHERE l.tenant = %(tenant)s AND l.carrier_id > f.carrier_id
        ORDER BY l.carrier_id
        LIMIT 1
    ) AS following
    WHERE f.number < %(limit)s
)
SELECT carrier_id FROM found

-- name: failures
SELECT date_trunc('day', l.occurred_at, 'UTC') AS day, l.exception_type, count(*)
FROM ordertrail.integration_log AS l
WHERE l.tenant = %(tenant)s AND l.integration_id = %(integration_id)s AND l.occurred_at >= %(since)s
GROUP BY 1, 2
ORDER BY 1, 2

-- name: tied_orders
SELECT tied.order_id
FROM (
    SELECT DISTINCT ON (t.order_id) t.order_id, t.type, t.position FROM ordertrail.timeline AS t
    WHERE t.tenant = %(tenant)s AND t.integration_id = %(integration_id)s
    ORDER BY t.order_id, t.position DESC
) AS tied
WHERE tied.type = 'order.integration_tied'
ORDER BY tied.position DESC
LIMIT %(limit)s

-- name: growth
SELECT e.position, e.recorded_at FROM ordertrail.events AS e
WHERE e.tenant = %(tenant)s AND e.position = ANY (%(keys)s)
ORDER BY e.position

-- name: standings
SELECT c.projection, c.position, c.error, c.updated_at FROM ordertrail.checkpoints AS c
WHERE c.tenant = %(tenant)s
ORDER BY c.projection
