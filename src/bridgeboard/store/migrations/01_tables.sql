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
