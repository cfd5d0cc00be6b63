-- Statistics hold samples of a column until its table is analyzed again, even of values that were erased long ago. The
-- planner does not need statistics of names, or of the text that orders are found by. Setting a column's type again
-- removes its present statistics.
ALTER TABLE ordertrail.order_state ALTER COLUMN search SET STATISTICS 0, ALTER COLUMN search TYPE text;
ALTER TABLE ordertrail.credentials
    ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN name TYPE text,
    ALTER COLUMN performer_name SET STATISTICS 0, ALTER COLUMN performer_name TYPE text;
