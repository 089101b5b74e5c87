-- The key stands with what it is needed for; NULL = it is lost, and nobody's id can be told.
ALTER TABLE erased ADD COLUMN key VARCHAR;
UPDATE erased SET key = (SELECT any_value(value) FROM meta WHERE name = 'erasure_key');
DELETE FROM meta WHERE name = 'erasure_key';
-- What was deleted with the numbers of somebody, or is left out of what syncs read since.
CREATE TABLE erased_rows (
    kind VARCHAR NOT NULL,           -- interceptions | sessions
    day DATE NOT NULL,               -- on which it began (UTC)
    digest BIGINT NOT NULL           -- of its id, with a key of erased
);
-- How many rows of the day are in erased_rows.
ALTER TABLE day_counts ADD COLUMN deleted BIGINT DEFAULT 0;
