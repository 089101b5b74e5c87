"""What a store holds, how complete and consistent it is, what has no price, what syncs did.

Times are parameters as the tables hold them; a window is half-open.
"""

from typing import Final

COVERAGE: Final = """
SELECT u.first_at, u.last_at,
       (SELECT max(began_at) FROM runs WHERE outcome = 'done') AS synced_at,
       CAST(EXISTS (SELECT 1 FROM runs WHERE outcome = 'done')
           OR NOT EXISTS (SELECT 1 FROM runs) AS BOOLEAN) AS is_whole,
       u.many, s.many, s.detailed, (SELECT count(*) FROM quarantine) AS quarantined
FROM (SELECT min(started_at) AS first_at, max(started_at) AS last_at, count(*) AS many
      FROM usage) u
CROSS JOIN (SELECT count(*) AS many, count(detailed_at) AS detailed FROM sessions) s
"""
"""The fields of ``analysis.coverage.Coverage``."""
ALL_READ: Final = """
SELECT CAST(NOT EXISTS (SELECT 1 FROM sessions s
    WHERE NOT EXISTS (SELECT 1 FROM usage u WHERE u.session = s.session)) AS BOOLEAN)"""
"""Whether a request is known of every session (``metric_query.Query.if_all_read``)."""
FAMILIES: Final = "SELECT model, family FROM families ORDER BY model"
"""What the model of each id is called."""
FIELD_COVERAGE: Final = (
    """
SELECT count(*), count(*) FILTER (WHERE grain = 'interception'), count(ended_at),
       count(provider_name), count(credential_kind)
FROM usage""",
    "SELECT count(*), count(failed) FROM tool_calls WHERE injected OR failed",
    """
SELECT count(*), count(detailed_at), count(detail_problem), count(network_total),
       count(*) FILTER (WHERE threads > 50)
FROM sessions""",
    "SELECT count(*), count(error_type) FROM threads",
    """
SELECT (SELECT count(*) FROM prompts), (SELECT count(*) FROM thinking),
       (SELECT count(*) FROM tool_inputs)""",
)
"""The fields of ``analysis.coverage.FieldCoverage``, one statement after the other."""


DAY_COUNTS: Final = """
SELECT kind, day, counted, held, unreadable, counted_at, coalesce(deleted, 0)
FROM day_counts ORDER BY day DESC, kind"""
"""The server's counts of closed days (``model.store_status``)."""
LEFT_OUT: Final = """
SELECT kind, since, until, rows, reason, seen_at FROM left_out
ORDER BY until DESC NULLS FIRST, since DESC, kind"""
"""What the server fails to list (``model.store_status``)."""


RUNS: Final = """
SELECT began_at, ended_at, coalesce(generation, ''), outcome, message, read_rows, changed_rows,
       sessions, details, quarantined, requests
FROM runs ORDER BY run DESC LIMIT $1"""
"""Takes how many rows at most, like the next two."""
ANOMALIES: Final = """
SELECT seen_at, kind, message FROM anomalies ORDER BY seen_at DESC, kind LIMIT $1"""
QUARANTINE: Final = """
SELECT kind, identity, reason, seen_at, tries FROM quarantine
ORDER BY seen_at DESC, kind, identity LIMIT $1"""


LAST_READ: Final = "SELECT max(began_at) FROM runs WHERE outcome = 'done' AND began_at >= $1"
"""When the last sync that went well began, if that was at a time or later; NULL if none was."""
NEXT_REQUEST: Final = "SELECT min(started_at) FROM usage WHERE started_at >= $1"
"""When the first request from a time on began."""


# How the entries of the teams file fit the people of the store.
UNMATCHED: Final = """
SELECT DISTINCT username FROM memberships
WHERE username NOT IN (SELECT coalesce(member, lower(username)) FROM initiators)
ORDER BY username"""
RENAMED: Final = """
SELECT i.username, i.member FROM initiators i JOIN former_names f
    ON f.initiator = i.initiator AND f.username = i.member ORDER BY i.username, i.member"""
DISPLACED: Final = "SELECT username FROM initiators WHERE member = '' ORDER BY username"
TEAMLESS: Final = """
SELECT username FROM initiators WHERE coalesce(member, lower(username)) NOT IN (
    SELECT username FROM memberships WHERE valid_from <= $1 AND valid_to > $1)
ORDER BY username"""
"""Takes a time."""


_WITHIN: Final = "started_at >= $1 AND started_at < $2"
_TOKENS: Final = "input + output + cache_read + cache_write"
_EXACT: Final = f"FROM usage WHERE {_WITHIN} AND grain = 'interception'"
EQUAL_SUMS: Final = (
    (
        (
            ("Tokens", "requests", "their responses"),
            ("Cost in pico-USD", "requests", "their responses"),
            ("Responses", "requests", "the responses themselves"),
        ),
        f"""
SELECT coalesce(sum({_TOKENS}), 0), coalesce(sum(cost), 0), coalesce(sum(responses), 0) {_EXACT}""",
        f"""
SELECT coalesce(sum({_TOKENS}), 0), coalesce(sum(cost), 0), count(*)
FROM responses WHERE usage IN (SELECT usage {_EXACT}) AND {_WITHIN}""",
    ),
    (
        (("Tool calls", "requests", "the calls themselves"),),
        f"SELECT coalesce(sum(tool_calls), 0) FROM usage WHERE {_WITHIN}",
        f"SELECT count(*) FROM tool_calls WHERE {_WITHIN}",
    ),
    (
        (("Requests", "all of them", "different ones"),),
        f"SELECT count(*) {_EXACT}",
        f"SELECT count(DISTINCT id) {_EXACT}",
    ),
)
"""Sums that two tables must agree on: what each is and where both numbers come from, and the
statements, with a column for each.

These take the beginning and the end of a window, like ``UNPRICED`` and ``INSTANCES``.
"""


UNPRICED: Final = """
WITH spent AS (
    SELECT usage, started_at, input, output, cache_read, cache_write, cache_write_1h, web_searches,
           1 AS responses, note
    FROM responses WHERE status = 'unpriced' AND started_at >= $1 AND started_at < $2
), missing AS (
    SELECT u.provider, u.provider_name, u.vendor, u.model, u.requests, s.started_at, s.input,
           s.output, s.cache_read, s.cache_write, s.cache_write_1h, s.web_searches, s.responses,
           s.note, row_number() OVER (PARTITION BY u.usage) AS place
    FROM usage u JOIN spent s ON s.usage = u.usage AND s.started_at = u.started_at
    WHERE u.started_at >= $1 AND u.started_at < $2
)
SELECT m.provider, m.provider_name, m.vendor, m.model,
       CAST(sum(m.requests) FILTER (WHERE m.place = 1) AS BIGINT) AS requests,
       CAST(sum(m.responses) AS BIGINT) AS responses,
       CAST(CAST(sum(m.input) AS HUGEINT) AS VARCHAR) AS input,
       CAST(CAST(sum(m.output) AS HUGEINT) AS VARCHAR) AS output,
       CAST(CAST(sum(m.cache_read) AS HUGEINT) AS VARCHAR) AS cache_read,
       CAST(CAST(sum(m.cache_write) AS HUGEINT) AS VARCHAR) AS cache_write,
       CAST(CAST(sum(m.cache_write_1h) AS HUGEINT) AS VARCHAR) AS cache_write_1h,
       CAST(CAST(sum(m.web_searches) AS HUGEINT) AS VARCHAR) AS web_searches,
       min(m.started_at) AS first_at, max(m.started_at) AS last_at, m.note
FROM missing m GROUP BY m.provider, m.provider_name, m.vendor, m.model, m.note
"""
PRICED: Final = """
SELECT DISTINCT provider_name, model FROM usage
WHERE priced_tokens > 0 OR status NOT IN ('unpriced', 'unmetered')
"""
INSTANCES: Final = """
SELECT u.provider, u.provider_name, u.vendor, arg_max(u.model, (u.started_at, u.usage)) AS model,
       CAST(sum(u.requests) AS BIGINT) AS requests,
       CAST(CAST(sum(u.cost) AS HUGEINT) AS VARCHAR) AS cost,
       CAST(sum(CAST(u.input AS HUGEINT) + u.output + u.cache_read + u.cache_write) AS VARCHAR)
           AS tokens,
       min(u.started_at) AS first_at, max(u.started_at) AS last_at
FROM usage u WHERE u.started_at >= $1 AND u.started_at < $2
GROUP BY u.provider, u.provider_name, u.vendor
ORDER BY sum(u.cost) DESC NULLS LAST, sum(u.requests) DESC, u.provider, u.provider_name, u.vendor
"""
