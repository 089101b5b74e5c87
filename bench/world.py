"""A store of any size in the shape of a year's real use, drawn in SQL: the same on every machine.

``python -m bench.world --interceptions 2000000 --out /tmp/2m.duckdb``. Per interception there are
0.16 sessions, 1.5 responses, 3 tool calls and 2 prompts. Every chance is ``dice(n, salt)``, a hash
of the row's number. Rows are made in the order of ``started_at``, as a settled store has them.
One session has a thousand requests, or one in a hundred of a small world's.
``--times 30`` makes every count of tokens thirty times as large: a small store of a large company.
"""

import sys
from collections.abc import Callable
from pathlib import Path

from bench import company, phrases
from bench.report import Report, arguments, note, spent_ms

from bridgeboard.store import Store, text_index

LONG_REQUESTS = 1_000
"""Requests that the longest session has beside its share of all others."""

_DICE = (
    """CREATE OR REPLACE TEMP MACRO dice(n, salt) AS
        (hash(n * 64 + salt) >> 11)::DOUBLE / 9007199254740992""",
    "CREATE OR REPLACE TEMP MACRO lot(n, salt) AS (dice(n, salt) * 100)::INTEGER % 100",
    """CREATE OR REPLACE TEMP MACRO lognormal(n, salt, median, spread) AS
        (median * exp(spread * sqrt(-2 * ln(1 - dice(n, salt)))
        * cos(2 * pi() * dice(n, salt + 1))))::BIGINT""",
    """CREATE OR REPLACE TEMP MACRO geometric(n, salt, mean) AS
        floor(-ln(1 - dice(n, salt)) * mean)::INTEGER""",
    "CREATE OR REPLACE TEMP MACRO uuid_of(kind, n) AS md5(kind || n)::UUID",
)

_SESSIONS = """
    CREATE TEMP TABLE drawn_sessions AS
    SELECT row_number() OVER (ORDER BY started_at, n) AS session, * EXCLUDE n FROM (
        SELECT n, hour_at + to_microseconds((dice(n, 1) * 3.6e9)::BIGINT) AS started_at,
            floor({people} * pow(dice(n, 2), 1.25))::INTEGER AS initiator,
            lot(n, 3) AS offer_lot, lot(n, 4) AS client_lot,
            lognormal(n, 5, 1.5e9, 1.0) AS span,
            CASE WHEN dice(n, 7) < 0.06 THEN 'byok' ELSE 'centralized' END AS credential_kind
        FROM (SELECT n, dice(n, 0) AS chance FROM range({sessions}) AS r(n))
        ASOF JOIN hours ON chance >= drawn_from)"""

_REQUESTS = """
    CREATE TEMP TABLE drawn AS
    WITH placed AS (
        SELECT n, n < {sessions} AS is_first,
            CASE WHEN n < {sessions} THEN n WHEN n < {sessions} + {long_calls} THEN {long_session}
                ELSE floor({sessions} * pow(dice(n, 10), 1.4))::BIGINT END + 1 AS session
        FROM range({requests}) AS r(n)),
    timed AS (
        SELECT n, session, initiator, client_lot, credential_kind,
            CASE WHEN dice(n, 11) < 0.15 THEN lot(n, 12) ELSE offer_lot END AS offer_lot,
            started_at + to_microseconds(
                CASE WHEN is_first THEN 0 ELSE 1 + (dice(n, 13) * span)::BIGINT END) AS started_at,
            is_first OR dice(n, 14) < 0.2 AS is_root,
            uuid_of('interception-', n) AS id
        FROM placed JOIN drawn_sessions USING (session)),
    threaded AS (
        SELECT *, last_value(CASE WHEN is_root THEN id END IGNORE NULLS) OVER (
            PARTITION BY session ORDER BY started_at, n) AS thread FROM timed)
    SELECT row_number() OVER (ORDER BY started_at, n) AS usage, n, id, session, thread,
        is_root::UTINYINT AS threads, started_at,
        started_at + to_microseconds(200000 + lognormal(n, 15, 8e6, 1.0)) AS ended_at,
        initiator, client, credential_kind, {offer},
        [0, 1, 2, 3][1 + (dice(n, 17) > 0.02)::INTEGER + (dice(n, 17) > 0.6)::INTEGER
            + (dice(n, 17) > 0.88)::INTEGER] AS responses,
        [1, 2, 3, 6][1 + (dice(n, 18) > 0.5)::INTEGER + (dice(n, 18) > 0.8)::INTEGER
            + (dice(n, 18) > 0.9)::INTEGER] AS prompts,
        CASE WHEN dice(n, 19) < 0.25 THEN 0 ELSE 1 + geometric(n, 20, 3.476) END AS tool_calls
    FROM threaded JOIN offers ON offer_lot = offers.lot JOIN clients ON client_lot = clients.lot
    ORDER BY started_at, n"""
_OFFER = "provider, provider_name, vendor, model, ri, ro, rr, rw, status"

_RESPONSES = """
    INSERT INTO responses BY NAME
    WITH each AS (SELECT *, unnest(range(responses)) AS place FROM drawn),
    counted AS (
        SELECT usage, started_at, started_at + (ended_at - started_at) * ((place + 1) / responses)
                AS answered_at,
            {times} * lognormal(k, 30, CASE WHEN provider = 'anthropic' THEN 40 ELSE 9000 END, 1.0)
                AS input,
            {times} * lognormal(k, 32, 1100, 0.8) AS output,
            {times} * CASE WHEN dice(k, 34) < 0.9 THEN lognormal(k, 35, 150000, 0.6) ELSE 0 END
                AS cache_read,
            {times} * CASE WHEN rw > 0 THEN lognormal(k, 37, 8500, 1.0) ELSE 0 END AS cache_write,
            ri, ro, rr, rw, provider, credential_kind,
            CASE WHEN credential_kind = 'byok' AND status = 'priced' THEN 'notional'
                ELSE status END AS status
        FROM (SELECT *, n * 4 + place AS k FROM each)),
    valued AS (
        SELECT *, input * ri + output * ro + cache_read * rr + cache_write * rw AS value
        FROM counted)
    SELECT usage, started_at, answered_at, input, output, cache_read, cache_write,
        0 AS cache_write_1h, 0 AS web_searches, 0 AS negatives, FALSE AS split_unknown,
        FALSE AS split_clamped, FALSE AS total_mismatch,
        CASE status WHEN 'priced' THEN value WHEN 'notional' THEN 0 END AS cost,
        CASE status WHEN 'priced' THEN 0 WHEN 'notional' THEN value END AS shadow_cost,
        CASE WHEN status <> 'unpriced'
            THEN cache_read * (ri - rr) - cache_write * greatest(rw - ri, 0) END AS cache_saving,
        status, -1 AS tier, 'list/' || provider AS price_id, 'list' AS source, NULL AS note
    FROM valued"""

_TOOL_CALLS = """
    INSERT INTO tool_calls BY NAME
    WITH each AS (SELECT *, unnest(range(tool_calls)) AS ordinal FROM drawn),
    chosen AS (
        SELECT *, n * 512 + ordinal AS k, floor({tools} * pow(dice(n * 512 + ordinal, 40), 1.8))
            ::INTEGER AS kind FROM each)
    SELECT usage, ordinal, started_at, ended_at AS called_at, 'interception' AS grain, initiator,
        provider, provider_name, vendor, model, client, credential_kind, session,
        CASE WHEN kind < {injected} THEN 'tool_' || kind ELSE 'mcp_tool_' || kind END AS tool,
        CASE WHEN kind < {injected} THEN ''
            ELSE 'https://mcp-' || (kind % 4) || '.example.com/mcp' END AS server_url,
        kind >= {injected} AS injected, kind >= {injected} AND dice(k, 41) < 0.08 AS failed,
        (hash(k) >> 1)::BIGINT AS input_hash
    FROM chosen"""

_USAGE = """
    INSERT INTO usage BY NAME
    WITH answered AS (
        SELECT usage, sum(input) AS input, sum(output) AS output, sum(cache_read) AS cache_read,
            sum(cache_write) AS cache_write, sum(cost) AS cost, sum(shadow_cost) AS shadow_cost,
            sum(cache_saving) AS cache_saving, min(status) AS status
        FROM responses GROUP BY usage),
    called AS (
        SELECT usage, count(*) FILTER (injected) AS injected, count(*) FILTER (failed) AS failed
        FROM tool_calls GROUP BY usage)
    SELECT d.usage, d.id, 'interception' AS grain, d.started_at, d.ended_at, d.initiator,
        d.provider, d.provider_name, d.vendor, d.model, d.client, d.credential_kind,
        'key-' || d.initiator AS api_key_id, d.session, d.thread, d.threads, 1 AS requests,
        d.responses, d.prompts, d.tool_calls, coalesce(c.injected, 0) AS injected,
        coalesce(c.failed, 0) AS tool_errors, coalesce(a.input, 0) AS input,
        coalesce(a.output, 0) AS output, coalesce(a.cache_read, 0) AS cache_read,
        coalesce(a.cache_write, 0) AS cache_write, coalesce(a.input, 0) AS input_sum,
        coalesce(a.output, 0) + 3 * d.responses AS output_sum,
        coalesce(a.cache_read, 0) AS cache_read_sum, coalesce(a.cache_write, 0) AS cache_write_sum,
        CASE WHEN a.status <> 'unpriced'
            THEN a.input + a.output + a.cache_read + a.cache_write ELSE 0 END AS priced_tokens,
        a.cost, a.shadow_cost, a.cache_saving, coalesce(a.status, 'unmetered') AS status,
        (hash(d.n) >> 1)::BIGINT AS digest
    FROM drawn AS d LEFT JOIN answered AS a USING (usage) LEFT JOIN called AS c USING (usage)
    ORDER BY d.usage"""

_THREADS = """
    INSERT INTO threads BY NAME
    SELECT any_value(session) AS session, thread AS id, any_value(initiator) AS initiator,
        arg_min(provider, usage) AS provider, arg_min(model, usage) AS model,
        any_value(credential_kind) AS credential_kind, min(started_at) AS started_at,
        max(ended_at) AS ended_at, sum(input_sum) AS input_sum, sum(output_sum) AS output_sum,
        sum(cache_read_sum) AS cache_read_sum, sum(cache_write_sum) AS cache_write_sum,
        count(*) FILTER (tool_calls > 0) AS actions
    FROM usage GROUP BY thread ORDER BY started_at"""

_SESSION_ROWS = """
    INSERT INTO sessions BY NAME
    SELECT session, uuid_of('session-', session)::VARCHAR AS id, any_value(initiator) AS initiator,
        any_value(client) AS client, list_sort(list(DISTINCT provider)) AS providers,
        list_sort(list(DISTINCT model)) AS models, min(started_at) AS started_at,
        max(ended_at) AS ended_at, sum(threads) AS threads, sum(input_sum) AS input_sum,
        sum(output_sum) AS output_sum, sum(cache_read_sum) AS cache_read_sum,
        sum(cache_write_sum) AS cache_write_sum, max(ended_at) AS listed_at,
        (hash(session) >> 1)::BIGINT AS digest, max(ended_at) AS detailed_at,
        (hash(session) >> 1)::BIGINT AS detailed_digest
    FROM usage GROUP BY session ORDER BY started_at"""

_PEOPLE = """
    INSERT INTO initiators (initiator, id, username, name)
    SELECT n, uuid_of('person-', n), 'person-' || n, 'Person ' || n FROM range({people}) AS r(n)"""

# One person in twenty is in no team; one in ten changes the team after half of the time.
_MEMBERSHIPS = """
    INSERT INTO memberships
    WITH moves AS (
        SELECT n, hash(n) % {teams} AS team, dice(n, 51) < 0.1 AS moved,
            TIMESTAMP '{end}' - to_days({days} // 2) AS moved_at
        FROM range({people}) AS r(n) WHERE dice(n, 50) >= 0.05)
    SELECT 'person-' || n, 'team-' || team, TIMESTAMP '2000-01-01',
        CASE WHEN moved THEN moved_at ELSE TIMESTAMP '2100-01-01' END FROM moves
    UNION ALL
    SELECT 'person-' || n, 'team-' || ((team + 1) % {teams}), moved_at, TIMESTAMP '2100-01-01'
    FROM moves WHERE moved"""

_TEXT = (
    *phrases.statements(),
    """INSERT INTO tool_inputs
        SELECT usage, started_at, ordinal, '{{"path": "' || md5(input_hash::VARCHAR) || '"}}', ''
        FROM tool_calls""",
)


def main() -> int:
    """Make the file and tell its size; an existing file is an error."""
    asked = arguments(__doc__, interceptions=2_000_000, out=Path, no_text=False, times=1)
    report = Report(strict=asked.strict)
    taken = spent_ms(_drawer(asked.out, asked.interceptions, asked.times, text=not asked.no_text))
    report.say("world_seconds", taken / 1000, "s")
    report.say("world_file_mb", asked.out.stat().st_size / 1e6, "MB")
    return report.verdict()


def _drawer(path: Path, requests: int, times: int, *, text: bool) -> Callable[[], None]:
    if path.exists():
        sys.exit(f"{path} is already there")
    return lambda: draw(path, requests, times, text=text)


def draw(path: Path, requests: int, times: int = 1, *, text: bool = False) -> None:
    """Write a store of that many interceptions, with short made-up texts if wanted.

    ``times`` is what every count of tokens is multiplied by.
    """
    with Store.open(path, memory_mb=6_000) as store:
        with store.write() as batch:
            for statement in _statements(requests, times, text=text):
                note(f"{statement.split('(')[0].strip()[:60]} ...")
                batch.execute(statement)
            batch.set_meta("deployment_id", "bench")
            batch.set_meta("text", "all" if text else "none")
        note("gathering the words of prompts ...")
        text_index.gather(store)


def _statements(requests: int, times: int, *, text: bool) -> list[str]:
    values = {
        "requests": requests,
        "times": times,
        "sessions": requests * 16 // 100,
        "long_calls": min(LONG_REQUESTS, requests // 100),
        "long_session": requests * 12 // 100,
        "people": company.PEOPLE,
        "teams": company.TEAMS,
        "tools": company.TOOLS,
        "injected": company.INJECTED_FROM,
        "days": company.DAYS,
        "end": company.END,
        "offer": _OFFER,
    }
    drawn = (_SESSIONS, _REQUESTS, _RESPONSES, _TOOL_CALLS, _USAGE, _THREADS, _SESSION_ROWS)
    rows = (*drawn, _PEOPLE, _MEMBERSHIPS, *(_TEXT if text else ()))
    made = [*_DICE, *company.tables(), *(row.format(**values) for row in rows)]
    return [*made, *(f"DROP TABLE {name}" for name in _TEMPORARY)]


_TEMPORARY = ("drawn", "drawn_sessions", "hours", "offers", "clients")


if __name__ == "__main__":
    sys.exit(main())
