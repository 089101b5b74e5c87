-- Sums that readers of groups see. A block of days is summed once and never again: its rows are
-- only deleted, all of a block together (store/group_blocks.py).
CREATE TABLE group_blocks (
    frozen INTEGER NOT NULL,         -- the number of the batch that wrote it
    floor INTEGER NOT NULL,          -- how many people a group had at least
    counted VARCHAR NOT NULL,        -- requests | calls | begun
    since DATE NOT NULL,             -- its first day
    until DATE NOT NULL,             -- the day after its last; half-open
    started_at TIMESTAMP NOT NULL    -- the time that its rows have
);
CREATE TABLE group_usage (
    frozen INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    initiator INTEGER,               -- NULL on rows that count tool calls
    provider VARCHAR,
    provider_name VARCHAR,
    vendor VARCHAR,
    model VARCHAR,
    client VARCHAR,
    credential_kind VARCHAR,
    status VARCHAR,
    grain VARCHAR,
    thread UUID,                     -- NULL = of no thread; else always the same
    threads DECIMAL(38, 0),          -- sums of usage, exact in a backup too
    requests DECIMAL(38, 0),
    responses DECIMAL(38, 0),
    prompts DECIMAL(38, 0),
    input DECIMAL(38, 0),
    output DECIMAL(38, 0),
    cache_read DECIMAL(38, 0),
    cache_write DECIMAL(38, 0),
    input_sum DECIMAL(38, 0),
    output_sum DECIMAL(38, 0),
    cache_read_sum DECIMAL(38, 0),
    cache_write_sum DECIMAL(38, 0),
    priced_tokens DECIMAL(38, 0),
    cost DECIMAL(38, 0),
    shadow_cost DECIMAL(38, 0),
    cache_saving DECIMAL(38, 0),
    tool_calls BIGINT,
    injected BIGINT,
    tool_errors BIGINT               -- NULL = of none of these calls it is known
);
CREATE TABLE group_calls (
    frozen INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    initiator INTEGER NOT NULL,
    grain VARCHAR NOT NULL,
    tool VARCHAR NOT NULL,
    server_url VARCHAR NOT NULL,
    injected BOOLEAN NOT NULL,
    failed BOOLEAN
);
CREATE TABLE group_sessions (
    frozen INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    initiator INTEGER NOT NULL,      -- group_labels.initiator
    client VARCHAR,
    detailed_at TIMESTAMP
);
-- In which team somebody was counted in a block, as the teams file said when it was summed.
CREATE TABLE group_homes (
    frozen INTEGER NOT NULL,
    started_at TIMESTAMP NOT NULL,
    initiator INTEGER NOT NULL,
    label VARCHAR NOT NULL
);
-- Teams of sessions, as people who do not exist: sessions are counted by team only.
CREATE TABLE group_labels (
    label VARCHAR NOT NULL,
    initiator INTEGER NOT NULL       -- below zero
);
-- Both again, as memberships; rewritten whenever they change.
CREATE TABLE group_members (
    initiator INTEGER NOT NULL,
    username VARCHAR NOT NULL,
    team VARCHAR NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP NOT NULL
);
