"""The tables, as numbered migrations. A released migration is never changed.

Skinny facts hold numbers; text recorded from people stands in tables of its own, so that it can be
left out or pruned first. Times are UTC without a zone. There are no keys or indexes: they cost
2.6 times the space and four times the time of a batch, and the one writer keeps identities
itself by windows of ``started_at`` (docs/architecture.md, "Store").
"""

from typing import Final

_FIRST: Final = """
-- One row per setting of the file itself: deployment_id, url, text, price_version, data_version ...
CREATE TABLE meta (name VARCHAR NOT NULL, value VARCHAR NOT NULL);

CREATE TABLE initiators (
    initiator INTEGER NOT NULL,      -- our key
    id UUID NOT NULL,
    username VARCHAR NOT NULL,
    name VARCHAR NOT NULL            -- '' when the server told none
);

-- Who was in which team when; rewritten from the operator's file. Half-open in UTC.
CREATE TABLE memberships (
    username VARCHAR NOT NULL,       -- lower case
    team VARCHAR NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP NOT NULL
);

-- The fact: one row per thing that used tokens, whatever API generation told it.
CREATE TABLE usage (
    usage BIGINT NOT NULL,           -- our key; stays the same when the row is told again
    id UUID,                         -- interception (also an action's) or thread; NULL for rests
    grain VARCHAR NOT NULL,          -- interception (exact) | action | thread | session (aggregate)
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,              -- NULL where only an aggregate is known
    initiator INTEGER NOT NULL,
    provider VARCHAR NOT NULL,
    provider_name VARCHAR,           -- NULL = unknown (all aggregates)
    vendor VARCHAR,                  -- who bills; NULL = unknown
    model VARCHAR,                   -- NULL = unknown (a session's rest over several models)
    client VARCHAR,                  -- NULL = unknown
    credential_kind VARCHAR,         -- centralized | byok; NULL until a thread told it
    api_key_id VARCHAR,
    session BIGINT,                  -- sessions.session; NULL until details told it
    thread UUID,                     -- threads.id; NULL until details told it
    threads UTINYINT NOT NULL,       -- 1 on the row of a thread's root, once known
    requests UTINYINT NOT NULL,      -- 1 per request known to be one; 0 on rests
    responses UINTEGER NOT NULL,     -- 0 = ended without usage ("unmetered"), or an aggregate
    prompts UINTEGER NOT NULL,
    tool_calls UINTEGER NOT NULL,
    injected UINTEGER NOT NULL,
    tool_errors UINTEGER NOT NULL,
    input BIGINT NOT NULL,           -- merged per response (docs/costs.md 2); disjoint counts
    output BIGINT NOT NULL,
    cache_read BIGINT NOT NULL,
    cache_write BIGINT NOT NULL,
    input_sum BIGINT NOT NULL,       -- the server's plain sums of token rows
    output_sum BIGINT NOT NULL,
    cache_read_sum BIGINT NOT NULL,
    cache_write_sum BIGINT NOT NULL,
    priced_tokens BIGINT NOT NULL,   -- tokens of responses that are not unpriced
    cost BIGINT,                     -- spend in pico-USD; NULL = nothing of it is priced
    shadow_cost BIGINT,              -- value that is no spend; NULL likewise
    cache_saving BIGINT,             -- net of the premium for writes; NULL = unknown
    status VARCHAR NOT NULL,         -- the worst status of its responses; 'unmetered' without any
    digest BIGINT NOT NULL           -- of the row as it was told, to see changes
);

-- The grain that is priced; only for exact usage and one per aggregate row.
CREATE TABLE responses (
    usage BIGINT NOT NULL,
    started_at TIMESTAMP NOT NULL,   -- of the request: the window in which rows are replaced
    answered_at TIMESTAMP NOT NULL,  -- the moment whose price counts
    input BIGINT NOT NULL,
    output BIGINT NOT NULL,
    cache_read BIGINT NOT NULL,
    cache_write BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    web_searches BIGINT NOT NULL,
    service_tier VARCHAR,
    negatives UTINYINT NOT NULL,     -- counts below zero, taken as zero
    split_unknown BOOLEAN NOT NULL,
    split_clamped BOOLEAN NOT NULL,
    total_mismatch BOOLEAN NOT NULL, -- the upstream's own total or reasoning contradicts the counts
    cost BIGINT,
    shadow_cost BIGINT,
    cache_saving BIGINT,
    status VARCHAR NOT NULL,
    tier BIGINT NOT NULL,            -- the threshold exceeded; -1 for none
    price_id VARCHAR,
    source VARCHAR,
    note VARCHAR
);

CREATE TABLE tool_calls (
    usage BIGINT NOT NULL,
    ordinal UINTEGER NOT NULL,       -- place within the request
    started_at TIMESTAMP NOT NULL,   -- of the request
    called_at TIMESTAMP NOT NULL,
    grain VARCHAR NOT NULL,          -- as in usage, like all columns down to session
    initiator INTEGER NOT NULL,
    provider VARCHAR NOT NULL,
    provider_name VARCHAR,
    vendor VARCHAR,
    model VARCHAR,
    client VARCHAR,
    credential_kind VARCHAR,
    session BIGINT,
    tool VARCHAR NOT NULL,
    server_url VARCHAR NOT NULL,     -- '' unless injected
    injected BOOLEAN NOT NULL,
    failed BOOLEAN,                  -- NULL = this API generation does not tell
    input_hash BIGINT NOT NULL       -- to see the same input again without keeping it
);

CREATE TABLE sessions (
    session BIGINT NOT NULL,         -- our key
    id VARCHAR NOT NULL,             -- identity is (id, initiator)
    initiator INTEGER NOT NULL,
    client VARCHAR,
    providers VARCHAR[] NOT NULL,
    models VARCHAR[] NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    threads UINTEGER,                -- NULL until details told it
    input_sum BIGINT NOT NULL,       -- the server's own totals of the whole session
    output_sum BIGINT NOT NULL,
    cache_read_sum BIGINT NOT NULL,
    cache_write_sum BIGINT NOT NULL,
    network_total BIGINT,
    network_blocked BIGINT,
    listed_at TIMESTAMP NOT NULL,    -- when the list told it last
    digest BIGINT NOT NULL,          -- of what the list tells of the whole session
    detailed_at TIMESTAMP,           -- when its details were read; NULL = not yet
    detailed_digest BIGINT,          -- digest at that time; another one since = read again
    detail_problem VARCHAR           -- why details cannot be read: unaddressable, gone ...
);

CREATE TABLE threads (
    session BIGINT NOT NULL,
    id UUID NOT NULL,                -- of the root interception
    initiator INTEGER NOT NULL,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    credential_kind VARCHAR,
    credential_hint VARCHAR,
    started_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    input_sum BIGINT NOT NULL,
    output_sum BIGINT NOT NULL,
    cache_read_sum BIGINT NOT NULL,
    cache_write_sum BIGINT NOT NULL,
    actions UINTEGER NOT NULL,
    error_type VARCHAR,
    error_message VARCHAR
);

-- Text: only with text = all, pruned after text_days, touched only on drill-down.
CREATE TABLE prompts (
    usage BIGINT NOT NULL,
    started_at TIMESTAMP NOT NULL,   -- of the request
    ordinal UINTEGER NOT NULL,
    written_at TIMESTAMP NOT NULL,
    text VARCHAR NOT NULL USING COMPRESSION zstd
);
CREATE TABLE tool_inputs (
    usage BIGINT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    ordinal UINTEGER NOT NULL,       -- as in tool_calls
    input VARCHAR NOT NULL USING COMPRESSION zstd,
    error VARCHAR NOT NULL           -- '' for none
);
CREATE TABLE thinking (
    session BIGINT NOT NULL,
    interception UUID NOT NULL,
    started_at TIMESTAMP NOT NULL,   -- of the thread
    ordinal UINTEGER NOT NULL,
    text VARCHAR NOT NULL USING COMPRESSION zstd
);
CREATE TABLE last_prompts (
    session BIGINT NOT NULL,
    started_at TIMESTAMP NOT NULL,
    text VARCHAR NOT NULL USING COMPRESSION zstd
);

-- The work of syncing.
CREATE TABLE windows (
    kind VARCHAR NOT NULL,           -- interceptions | sessions
    since TIMESTAMP,                 -- NULL = from the beginning
    until TIMESTAMP,                 -- NULL = without end; half-open
    after UUID,                      -- the last row of the last committed page
    rows_read BIGINT NOT NULL,
    opened_at TIMESTAMP NOT NULL,
    done_at TIMESTAMP
);
CREATE TABLE runs (
    run BIGINT NOT NULL,
    began_at TIMESTAMP NOT NULL,
    ended_at TIMESTAMP,
    generation VARCHAR,              -- interceptions | sessions
    outcome VARCHAR NOT NULL,        -- running | done | failed | stopped
    read_rows BIGINT NOT NULL,
    changed_rows BIGINT NOT NULL,
    sessions BIGINT NOT NULL,
    details BIGINT NOT NULL,
    quarantined BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    message VARCHAR NOT NULL
);
CREATE TABLE quarantine (
    seen_at TIMESTAMP NOT NULL,
    kind VARCHAR NOT NULL,           -- interception | session | thread
    identity VARCHAR NOT NULL,       -- an id, or a digest of the text
    reason VARCHAR NOT NULL,
    raw VARCHAR NOT NULL USING COMPRESSION zstd,
    tries UINTEGER NOT NULL
);
CREATE TABLE anomalies (
    seen_at TIMESTAMP NOT NULL,
    kind VARCHAR NOT NULL,           -- repeated_page | lost_cursor | short | clock_skew ...
    message VARCHAR NOT NULL
);
"""

_VOCABULARY: Final = """
-- Which words the prompts of a run of requests have; rebuilt at leisure (store/text_index.py).
CREATE TABLE vocabulary (
    first BIGINT NOT NULL,           -- usage.usage; the run's first and last key
    last BIGINT NOT NULL,
    since TIMESTAMP NOT NULL,        -- the earliest and the latest prompts.started_at
    until TIMESTAMP NOT NULL,
    texts BIGINT NOT NULL,           -- prompts when it was gathered
    words VARCHAR USING COMPRESSION zstd -- some of them, in several rows; NULL = any
);
"""

_GROUPS: Final = """
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
"""

_FORMER_NAMES: Final = """
-- What people were called before, so that a teams file that still says so means them.
CREATE TABLE former_names (
    initiator INTEGER NOT NULL,
    username VARCHAR NOT NULL        -- lower case
);
-- By which entry of the teams file somebody is meant: an id, a former user name, '' for none; NULL
-- is the present user name.
ALTER TABLE initiators ADD COLUMN member VARCHAR;
"""

_DELETED: Final = """
-- What was deleted before files were written anew is still in this one (store/rewriting.py).
INSERT INTO meta SELECT 'deleted_at', '1970-01-01T00:00:00+00:00' WHERE EXISTS (FROM usage);
"""

_COMPLETENESS: Final = """
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
"""

_ERASED: Final = """
-- People who were erased; what syncs tell of them is kept under these names, without text.
CREATE TABLE erased (
    digest VARCHAR NOT NULL,         -- of their id, with a key of this store
    id UUID NOT NULL,                -- what stands in its place
    username VARCHAR NOT NULL,       -- likewise
    numbers BOOLEAN NOT NULL,        -- whether numbers of theirs are kept
    erased_at TIMESTAMP NOT NULL
);
"""

_ERASED_ROWS: Final = """
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
"""

MIGRATIONS: Final[tuple[str, ...]] = (
    _FIRST,
    _VOCABULARY,
    _GROUPS,
    _FORMER_NAMES,
    _DELETED,
    _COMPLETENESS,
    _ERASED,
    _ERASED_ROWS,
)
"""What brings a file from version n to n + 1, by n. An empty file has version 0."""
