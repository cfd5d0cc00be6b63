-- The event in which a view's personal data is encrypted, if it is. sealed_in is the event's id. customer_from is the
-- field that named the customer, and the event's id.
ALTER TABLE ordertrail.action_log ADD COLUMN sealed_in text COLLATE "C";
ALTER TABLE ordertrail.order_state ADD COLUMN customer_from text COLLATE "C";

-- No two orders share a content any more: each order's calls are encrypted with its own key.
DROP INDEX ordertrail.calls_by_content;

-- A forgotten person may have credentials of their own.
CREATE INDEX credentials_by_performer ON ordertrail.credentials (tenant, performer_id);
