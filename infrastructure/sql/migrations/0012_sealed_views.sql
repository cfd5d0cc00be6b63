-- The event that a view's personal data is part of, where it is encrypted: sealed_in is its id, customer_from the field
-- that named the customer, and its id.
ALTER TABLE ordertrail.action_log ADD COLUMN sealed_in text COLLATE "C";
ALTER TABLE ordertrail.order_state ADD COLUMN customer_from text COLLATE "C";

-- No two orders have a content in common any more: what was said of each is encrypted with its own key.
DROP INDEX ordertrail.calls_by_content;

-- A person who is forgotten may have credentials of their own.
CREATE INDEX credentials_by_performer ON ordertrail.credentials (tenant, performer_id);
