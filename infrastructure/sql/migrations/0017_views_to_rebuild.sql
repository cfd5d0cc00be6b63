-- A checkpoint beyond its ledger's head is wrong, and nobody knows what its view has read. Once the head has passed the
-- checkpoint, nothing shows the error any more. So it is recorded, and the view stays stopped until it is rebuilt.
ALTER TABLE ordertrail.checkpoints ADD COLUMN must_be_rebuilt boolean NOT NULL DEFAULT false;
