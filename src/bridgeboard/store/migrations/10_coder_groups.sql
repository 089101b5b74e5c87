-- Groups of the Coder deployment, also those that are gone, by the ids of the deployment.
CREATE TABLE coder_groups (
    id UUID NOT NULL,
    organization UUID NOT NULL,      -- the same as id: the group Everyone
    organization_name VARCHAR NOT NULL,
    name VARCHAR NOT NULL,
    display_name VARCHAR NOT NULL,   -- '' = none
    source VARCHAR NOT NULL,         -- user | oidc
    members INTEGER,                 -- as the server counts them
    former VARCHAR[] NOT NULL,       -- names that it had before, oldest first
    gone_at TIMESTAMP                -- when it was first missed; NULL = it is there
);
-- Who was in which group when: half-open; members of Everyone are not listed.
CREATE TABLE coder_members (
    person UUID NOT NULL,            -- may have used nothing yet
    coder_group UUID NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP NOT NULL
);
-- Which of their groups, other than Everyone, set somebody's budget when.
CREATE TABLE coder_main_groups (
    person UUID NOT NULL,
    coder_group UUID NOT NULL,
    valid_from TIMESTAMP NOT NULL,
    valid_to TIMESTAMP NOT NULL
);
-- The last that was read in a month (UTC) of what Coder allows and counts. Millionths of a dollar.
CREATE TABLE coder_group_spend (
    month DATE NOT NULL,
    coder_group UUID NOT NULL,
    limit_micros BIGINT,             -- of each member; NULL = none
    spend_micros BIGINT,             -- NULL = this server does not tell it
    read_at TIMESTAMP NOT NULL
);
CREATE TABLE coder_member_spend (
    month DATE NOT NULL,
    coder_group UUID NOT NULL,
    person UUID NOT NULL,
    username VARCHAR NOT NULL,       -- at that time
    effective_group UUID,            -- which sets the budget; NULL = in another organisation, or none
    limit_micros BIGINT,             -- where this group sets it; NULL = it does not, or none
    limit_source VARCHAR,            -- user_override | group
    spend_micros BIGINT NOT NULL,    -- that was booked on this group
    read_at TIMESTAMP NOT NULL
);
