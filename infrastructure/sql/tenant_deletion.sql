-- name: lock
-- Nobody writes to the ledger from here on: a writer that waits for this row finds that it is gone.
SELECT position FROM ordertrail.ledgers WHERE tenant = %(tenant)s FOR UPDATE

-- name: note
INSERT INTO ordertrail.deleted_tenants (tenant, deleted_by, events, checkpoint)
VALUES (%(tenant)s, %(by)s, %(events)s, %(checkpoint)s)

-- name: delete_action_log
DELETE FROM ordertrail.action_log WHERE tenant = %(tenant)s

-- name: delete_bodies
DELETE FROM ordertrail.bodies WHERE tenant = %(tenant)s

-- name: delete_checkpoints
DELETE FROM ordertrail.checkpoints WHERE tenant = %(tenant)s

-- name: delete_credentials
DELETE FROM ordertrail.credentials WHERE tenant = %(tenant)s

-- name: delete_editions
DELETE FROM ordertrail.editions WHERE tenant = %(tenant)s

-- name: delete_events
DELETE FROM ordertrail.events WHERE tenant = %(tenant)s

-- name: delete_integration_log
DELETE FROM ordertrail.integration_log WHERE tenant = %(tenant)s

-- name: delete_integrations
DELETE FROM ordertrail.integrations WHERE tenant = %(tenant)s

-- name: delete_order_state
DELETE FROM ordertrail.order_state WHERE tenant = %(tenant)s

-- name: delete_requests
DELETE FROM ordertrail.requests WHERE tenant = %(tenant)s

-- name: delete_retention
DELETE FROM ordertrail.retention WHERE tenant = %(tenant)s

-- name: delete_service_events
DELETE FROM ordertrail.service_events WHERE tenant = %(tenant)s

-- name: delete_snapshots
DELETE FROM ordertrail.snapshots WHERE tenant = %(tenant)s

-- name: delete_subject_keys
DELETE FROM ordertrail.subject_keys WHERE tenant = %(tenant)s

-- name: delete_system_log
DELETE FROM ordertrail.system_log WHERE tenant = %(tenant)s

-- name: delete_tiles
DELETE FROM ordertrail.tiles WHERE tenant = %(tenant)s

-- name: delete_timeline
DELETE FROM ordertrail.timeline WHERE tenant = %(tenant)s

-- name: delete_tree_heads
DELETE FROM ordertrail.tree_heads WHERE tenant = %(tenant)s

-- name: delete_trees
DELETE FROM ordertrail.trees WHERE tenant = %(tenant)s

-- name: delete_webhook_attempts
DELETE FROM ordertrail.webhook_attempts WHERE tenant = %(tenant)s

-- name: delete_webhooks
DELETE FROM ordertrail.webhooks WHERE tenant = %(tenant)s

-- name: delete_held_streams
DELETE FROM ordertrail.held_streams WHERE tenant = %(tenant)s

-- name: delete_consumer_members
DELETE FROM ordertrail.consumer_members WHERE tenant = %(tenant)s

-- name: delete_consumer_partitions
DELETE FROM ordertrail.consumer_partitions WHERE tenant = %(tenant)s

-- name: delete_consumers
DELETE FROM ordertrail.consumers WHERE tenant = %(tenant)s

-- name: delete_refused_lines
DELETE FROM ordertrail.refused_lines WHERE tenant = %(tenant)s

-- name: delete_spent_tokens
DELETE FROM ordertrail.spent_tokens WHERE tenant = %(tenant)s

-- name: delete_tenants
DELETE FROM ordertrail.tenants WHERE tenant = %(tenant)s

-- name: delete_ledgers
DELETE FROM ordertrail.ledgers WHERE tenant = %(tenant)s
