-- What the server counts of each closed day (UTC), beside what the store has.
CREATE TABLE day_counts (
    kind VARCHAR NOT NULL,           -- interceptions | sessions
    day DATE NOT NULL,
    counted BIGINT NOT NULL,         -- by the server
    held BIGINT NOT NULL,            -- by the store
    unreadable BIGINT NOT NULL,      -- in quarantine
    counted_at TIMESTAMP NOT NULL
);
-- Rows that the server fails to list.
CREATE TABLE left_out (
    kind VARCHAR NOT NULL,           -- interceptions | sessions
    since TIMESTAMP,                 -- as in windows
    until TIMESTAMP,
    rows BIGINT,                     -- NULL = it does not count them either
    reason VARCHAR NOT NULL,
    seen_at TIMESTAMP NOT NULL
);
