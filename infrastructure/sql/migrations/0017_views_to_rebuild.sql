-- A checkpoint beyond its ledger's head is wrong, and what the view has read is not known. Once the head has passed it,
-- nothing shows that any more: so it is noted, and the view stays stopped until it is rebuilt.
ALTER TABLE ordertrail.checkpoints ADD COLUMN must_be_rebuilt boolean NOT NULL DEFAULT false;
