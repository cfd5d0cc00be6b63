-- The id of the event in which a report's personal data is encrypted; NULL if nothing is.
ALTER TABLE ordertrail.service_events ADD COLUMN sealed_in text COLLATE "C";
