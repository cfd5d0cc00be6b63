-- Whose data was erased is listed beside each backup, so that a restore can erase it again.
CREATE INDEX destroyed_keys ON ordertrail.subject_keys (tenant, subject) WHERE destroyed_at IS NOT NULL;
