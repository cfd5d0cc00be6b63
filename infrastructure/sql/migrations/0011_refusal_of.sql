-- What an expected version means: NULL if a stream is as expected, otherwise the outcome of the append. in_head is the
-- stream's newest version, NULL if there is no stream. The append functions ask here, and nowhere else is it decided.
--
-- in_expected: n >= 0 exactly that version (0: none yet), -2 ANY, -3 STREAM_EXISTS, -4 NO_STREAM,
-- -1 no stream yet and its first version will be 0, which the eventsourcing library permits.
CREATE FUNCTION ordertrail.refusal_of(in_head bigint, in_expected bigint) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN in_expected = -2 THEN NULL
    WHEN in_expected = -3 THEN CASE WHEN in_head IS NULL THEN 'stream_missing' END
    WHEN in_expected IN (-1, -4) THEN CASE WHEN in_head IS NOT NULL THEN 'version_conflict' END
    WHEN coalesce(in_head, 0) <> in_expected THEN 'version_conflict'
END;
