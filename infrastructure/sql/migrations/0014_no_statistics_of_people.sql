-- Statistics hold samples of what is in a column until its table is analyzed again, though it was erased long ago.
-- Nothing is planned by those of names and of what orders are found by. A column that gets its type once more loses
-- those that it has.
ALTER TABLE ordertrail.order_state ALTER COLUMN search SET STATISTICS 0, ALTER COLUMN search TYPE text;
ALTER TABLE ordertrail.credentials
    ALTER COLUMN name SET STATISTICS 0, ALTER COLUMN name TYPE text,
    ALTER COLUMN performer_name SET STATISTICS 0, ALTER COLUMN performer_name TYPE text;
