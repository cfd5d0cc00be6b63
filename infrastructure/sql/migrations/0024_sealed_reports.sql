-- The event that a report's personal data is part of, where it is encrypted: its id; NULL if nothing of it is.
ALTER TABLE ordertrail.service_events ADD COLUMN sealed_in text COLLATE "C";
