-- name: create
INSERT INTO ordertrail.webhooks (tenant, webhook, url, description, with_data, secret)
VALUES (%(tenant)s, %(webhook)s, %(url)s, %(description)s, %(with_data)s, %(secret)s)

-- name: change
UPDATE ordertrail.webhooks SET url = %(url)s, description = %(description)s, with_data = %(with_data)s
WHERE tenant = %(tenant)s AND webhook = %(webhook)s
RETURNING webhook

-- name: find
SELECT webhook, url, description, with_data, failures, failing_since, nullif(next_at, '-infinity'), succeeded_at, disabled_at,
       disabled_reason, created_at, earlier_until, secret, earlier_secret, earlier_until > statement_timestamp()
FROM ordertrail.webhooks WHERE tenant = %(tenant)s AND webhook = %(webhook)s

-- name: list
SELECT webhook, url, description, with_data, failures, failing_since, nullif(next_at, '-infinity'), succeeded_at, disabled_at,
       disabled_reason, created_at, earlier_until, secret, earlier_secret, earlier_until > statement_timestamp()
FROM ordertrail.webhooks
WHERE tenant = %(tenant)s AND webhook > %(after)s
ORDER BY webhook
LIMIT %(limit)s

-- name: count
SELECT count(*) FROM ordertrail.webhooks WHERE tenant = %(tenant)s

-- name: remove
DELETE FROM ordertrail.webhooks WHERE tenant = %(tenant)s AND webhook = %(webhook)s RETURNING webhook

-- name: remove_attempts
DELETE FROM ordertrail.webhook_attempts WHERE tenant = %(tenant)s AND webhook = %(webhook)s

-- name: rotate
UPDATE ordertrail.webhooks
SET earlier_secret = secret, earlier_until = statement_timestamp() + %(keep)s, secret = %(secret)s
WHERE tenant = %(tenant)s AND webhook = %(webhook)s
RETURNING webhook

-- name: disable
UPDATE ordertrail.webhooks SET disabled_at = statement_timestamp(), disabled_reason = %(reason)s
WHERE tenant = %(tenant)s AND webhook = %(webhook)s AND disabled_at IS NULL
RETURNING webhook

-- name: enable
UPDATE ordertrail.webhooks
SET disabled_at = NULL, disabled_reason = NULL, failures = 0, failing_since = NULL, next_at = '-infinity'
WHERE tenant = %(tenant)s AND webhook = %(webhook)s
RETURNING webhook

-- name: note_failure
UPDATE ordertrail.webhooks
SET failures = failures + 1, failing_since = least(failing_since, statement_timestamp()),
    next_at = greatest(next_at, statement_timestamp() + %(wait)s)
WHERE tenant = %(tenant)s AND webhook = %(webhook)s
RETURNING failures, failing_since

-- name: hold_up
UPDATE ordertrail.webhooks SET next_at = greatest(next_at, statement_timestamp() + %(wait)s)
WHERE tenant = %(tenant)s AND webhook = %(webhook)s

-- name: note_success
UPDATE ordertrail.webhooks
SET failures = 0, failing_since = NULL, next_at = '-infinity', succeeded_at = statement_timestamp()
WHERE tenant = %(tenant)s AND webhook = %(webhook)s
  AND (failures > 0 OR succeeded_at IS NULL OR succeeded_at < statement_timestamp() - interval '10 seconds')

-- name: due
-- Webhooks of all tenants that have something to do: events that they have not looked through, or orders to retry.
SELECT w.tenant, w.webhook
FROM ordertrail.webhooks AS w
JOIN ordertrail.ledgers AS l ON l.tenant = w.tenant AND (%(tenants)s::text[] IS NULL OR l.tenant = ANY (%(tenants)s::text[]))
JOIN ordertrail.consumers AS c
    ON c.tenant = w.tenant AND c.consumer = 'webhook/' || w.webhook AND NOT c.paused
    AND (%(tenants)s::text[] IS NULL OR c.tenant = ANY (%(tenants)s::text[]))
WHERE w.disabled_at IS NULL AND w.next_at <= statement_timestamp()
  AND (%(tenants)s::text[] IS NULL OR w.tenant = ANY (%(tenants)s::text[]))
  AND (
      EXISTS (
          SELECT FROM ordertrail.consumer_partitions AS p
          WHERE p.tenant = w.tenant AND p.consumer = c.consumer AND p.position < l.position
            AND (%(tenants)s::text[] IS NULL OR p.tenant = ANY (%(tenants)s::text[]))
      ) OR EXISTS (
          SELECT FROM ordertrail.held_streams AS h
          WHERE h.tenant = w.tenant AND h.consumer = c.consumer AND h.parked_at IS NULL
            AND h.retry_at <= statement_timestamp()
            AND (%(tenants)s::text[] IS NULL OR h.tenant = ANY (%(tenants)s::text[]))
      )
  )
ORDER BY w.tenant, w.webhook

-- name: all
SELECT w.tenant, w.webhook FROM ordertrail.webhooks AS w
WHERE (%(tenants)s::text[] IS NULL OR w.tenant = ANY (%(tenants)s::text[]))
ORDER BY w.tenant, w.webhook

-- name: add_attempt
INSERT INTO ordertrail.webhook_attempts
    (tenant, webhook, attempt, kind, message_id, stream, position, number, started_at, seconds, status, error, detail)
VALUES (
    %(tenant)s, %(webhook)s, %(attempt)s, %(kind)s, %(message_id)s, %(stream)s, %(position)s, %(number)s,
    %(started_at)s, %(seconds)s, %(status)s, %(error)s, %(detail)s
)

-- name: attempts
-- The newest first: their names begin with the time.
SELECT attempt, kind, message_id, stream, position, number, started_at, seconds, status, error, detail
FROM ordertrail.webhook_attempts
WHERE tenant = %(tenant)s AND webhook = %(webhook)s AND attempt < %(before)s
ORDER BY attempt DESC
LIMIT %(limit)s

-- name: attempt
SELECT attempt, kind, message_id, stream, position, number, started_at, seconds, status, error, detail
FROM ordertrail.webhook_attempts
WHERE tenant = %(tenant)s AND webhook = %(webhook)s AND attempt = %(attempt)s

-- name: prune
DELETE FROM ordertrail.webhook_attempts
WHERE tenant = %(tenant)s AND webhook = %(webhook)s AND attempt < %(before)s
