-- The private halves of signing keys are encrypted with the installation's key. Those that are there still have the 32
-- bytes of a plain one, and are encrypted by the next process that starts: the database does not know how. None is added
-- to them. A process of an earlier release cannot sign with an encrypted one and says so; with a column of its own for
-- them, it would find no key, and keep checkpoints that nobody has signed.
ALTER TABLE ordertrail.signing_keys
    ADD CONSTRAINT a_private_key_is_encrypted CHECK (octet_length(private_key) > 32) NOT VALID;
