"""Queries that find anomalies: each is one statement, from a scope and limits.

Numbers that have a name come from ``queries.metric_query``; what sessions did request by request
is asked here.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Final

from bridgeboard.model.accuracy import UNBILLED
from bridgeboard.model.accuracy import limits as limits_of
from bridgeboard.model.dimensions import CLIENT_SIDE
from bridgeboard.model.radar_limits import SessionLimits
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query, select
from bridgeboard.queries.metric_sources import PEOPLE, Arguments, key, rows, tables
from bridgeboard.queries.session_columns import metric_sql

SPENT: Final = ("spend", *(name for name in limits_of(("spend",)) if name != UNBILLED))
"""Spend, and what says how it stands (``model.accuracy``)."""
SESSION_COLUMNS: Final = (
    *("session", "client", "model", "cost", "requests", "prompts", "calls"),
    *("depth", "pace", "growth", "alone_seconds", "in_scope"),
)
"""Columns of ``sessions``."""

_SESSIONS: Final = """
WITH {tables}, of_scope AS (SELECT DISTINCT f.session {of_scope} AND f.session IS NOT NULL),
each AS (
    SELECT f.session, f.thread, any_value(f.client) AS client, any_value(f.model) AS model,
        sum(f.cost) AS cost, sum(f.requests) AS requests, sum(f.prompts) AS prompts,
        sum(f.tool_calls) AS calls,
        epoch_us(max(coalesce(f.ended_at, f.started_at))) - epoch_us(min(f.started_at)) AS micros,
        max({context}) FILTER (WHERE {exact})
            - arg_min({context}, (f.started_at, f.usage)) FILTER (WHERE {exact}) AS growth
    {every} AND f.session IS NOT NULL GROUP BY f.session, f.thread)
SELECT e.session, any_value(e.client) AS client,
    arg_max(e.model, (e.requests, e.model)) AS model,
    CAST(sum(e.cost) AS DOUBLE) AS cost, CAST(sum(e.requests) AS BIGINT) AS requests,
    CAST(sum(e.prompts) AS BIGINT) AS prompts, CAST(sum(e.calls) AS BIGINT) AS calls,
    CAST(max(e.requests) FILTER (WHERE e.thread IS NOT NULL) AS BIGINT) AS depth,
    max(6e7 * CAST(e.requests AS DOUBLE) / greatest(e.micros, 60000000))
        FILTER (WHERE e.requests >= {paced}) AS pace,
    CAST(max(e.growth) AS BIGINT) AS growth,
    coalesce(max(e.micros) FILTER (WHERE e.requests >= {alone}
        AND e.requests >= {per_prompt} * CAST(greatest(e.prompts, 1) AS DOUBLE)), 0) / 1e6
        AS alone_seconds,
    CAST(e.session IN (SELECT session FROM of_scope) AS BOOLEAN) AS in_scope
FROM each e GROUP BY e.session ORDER BY e.session"""
_REPEATS: Final = """
SELECT t.session, arg_max(t.tool, (t.times, t.tool)) AS tool, max(t.times) AS times,
    CAST(sum(t.times) AS BIGINT) AS calls
FROM (
    SELECT f.session, f.tool, f.input_hash, count(*) AS times FROM tool_calls f
    WHERE f.started_at >= {since} AND f.started_at < {until} AND f.session IN (
        SELECT u.session FROM usage u WHERE u.started_at >= {since} AND u.started_at < {until}
        GROUP BY u.session HAVING sum(u.tool_calls) >= {least})
    GROUP BY f.session, f.tool, f.input_hash) t
GROUP BY t.session ORDER BY t.session"""
_DETAILS: Final = """
WITH {people}
SELECT s.session, s.id, CAST(i.id AS VARCHAR) AS initiator_id, p.person, s.initiator,
    min(f.started_at) AS first_at, max(coalesce(f.ended_at, f.started_at)) AS last_at,
    {spent}
FROM sessions s JOIN initiators i USING (initiator) JOIN people p USING (initiator)
JOIN usage f ON f.session = s.session
WHERE s.session IN {keys} AND f.started_at >= {since} AND f.started_at < {until}
GROUP BY s.session, s.id, i.id, p.person, s.initiator ORDER BY s.session"""
_HOURS: Final = """
SELECT f.{by} AS key, CAST({hour} AS INTEGER) AS hour, CAST(sum(f.{what}) AS BIGINT) AS many
FROM usage f
WHERE f.{by} IN {keys} AND f.started_at >= {since} AND f.started_at < {until}
GROUP BY 1, 2 HAVING sum(f.{what}) > 0 ORDER BY key, hour"""
_CONTEXT: Final = "f.input + f.cache_read + f.cache_write"
_EXACT: Final = "f.grain = 'interception'"


def unfiltered(scope: Scope) -> Scope:
    """The same period of everything."""
    return replace(scope, include=(), exclude=())


def sessions(scope: Scope, limits: SessionLimits) -> Query:
    """Sessions with requests in the period or the history before: ``SESSION_COLUMNS``.

    ``depth`` is the requests of the deepest thread, ``pace`` the requests a minute of the fastest
    long one, ``growth`` by how many tokens the context of one grew, ``alone_seconds`` how long the
    longest ran that had hardly a prompt. What is in no session is left out.
    """
    into = Arguments()
    names = {name for name, _ in (*scope.include, *scope.exclude)}
    source = rows("usage", [], scope, into).text
    every = rows("usage", [], unfiltered(scope.reaching_back(limits.history_days)), into).text
    sql = _SESSIONS.format(
        tables=", ".join([*tables(names), "nothing AS (SELECT 1)"]),
        of_scope=source,
        every=every,
        context=_CONTEXT,
        exact=_EXACT,
        paced=into.bound(limits.pace_requests),
        alone=into.bound(limits.alone_requests),
        per_prompt=f"{limits.alone_per_prompt:.17e}",
    )
    return Query(sql, tuple(into.values))


def repeats(scope: Scope, limits: SessionLimits) -> Query:
    """Of each session with many calls: ``session``, ``tool``, ``times``, ``calls``.

    ``times`` is how often its most frequent call was made with the very same input.
    """
    into = Arguments()
    since, until = into.bound(scope.since), into.bound(scope.until)
    least = into.bound(limits.repeats)
    return Query(_REPEATS.format(since=since, until=until, least=least), tuple(into.values))


def details(scope: Scope, keys: Iterable[int]) -> Query:
    """Who had these sessions: our key, ids, person, when, and ``SPENT`` to the last digit."""
    into = Arguments()
    keys_sql = _keys(into, keys)
    since, until = into.bound(scope.since), into.bound(scope.until)
    spent = ", ".join(f"{metric_sql(name)} AS {name}" for name in SPENT)
    sql = _DETAILS.format(people=PEOPLE, keys=keys_sql, since=since, until=until, spent=spent)
    return Query(sql, tuple(into.values))


def session_hours(scope: Scope, keys: Iterable[int]) -> Query:
    """``key`` (session), ``hour`` of the local week from Monday, ``many`` requests."""
    return _hours("session", "requests", scope, keys)


def person_hours(scope: Scope, keys: Iterable[int]) -> Query:
    """``key`` (initiator), ``hour`` of the local week from Monday, ``many`` prompts."""
    return _hours("initiator", "prompts", scope, keys)


def spend(scope: Scope, dimension: str) -> Query:
    """``day``, the dimension's value, ``SPENT``."""
    return select(SPENT, ("day", dimension), scope)


def shares(scope: Scope, days: Iterable[date]) -> Query:
    """``day``, ``initiator``, ``team``, ``model``, ``SPENT`` from the first to the last day."""
    chosen = sorted(days)
    period = Scope.days(chosen[0], chosen[-1], scope.zone)
    narrowed = replace(
        scope,
        since=max(scope.since, period.since),
        until=min(scope.until, period.until),
    )
    return select(SPENT, ("day", "initiator", "team", "model"), narrowed)


def people() -> Query:
    """``person``, as all else calls them, and ``initiator``, our number of them."""
    return Query(f"WITH {PEOPLE} SELECT person, initiator FROM people ORDER BY initiator", ())


def caches(scope: Scope) -> Query:
    """``day``, ``client``, ``model``, prompt tokens by kind, ``cache_saving``."""
    names = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "cache_saving")
    return select(names, ("day", "client", "model"), scope)


def unpriced(scope: Scope) -> Query:
    """``model``, ``unpriced_tokens``, ``total_tokens``."""
    return select(("unpriced_tokens", "total_tokens"), ("model",), scope)


def tools(scope: Scope) -> Query:
    """``day``, ``server``, ``tool``, ``injected_calls``, ``tool_errors``, of recorded ends."""
    names = ("injected_calls", "tool_errors")
    recorded = scope.without("server", CLIENT_SIDE).without("accuracy", "aggregate")
    return select(names, ("day", "server", "tool"), recorded)


def failures(scope: Scope) -> Query:
    """``hour`` (naive UTC), ``provider_name``, ``requests``, ``unmetered_requests``."""
    return select(("requests", "unmetered_requests"), ("hour", "provider_name"), scope)


def activity(scope: Scope) -> Query:
    """``hour`` (naive UTC) and ``active_people`` of everything."""
    return select(("active_people",), ("hour",), unfiltered(scope))


def credentials(scope: Scope) -> Query:
    """``day``, ``initiator``, ``credential_kind``, ``requests``; Copilot's are always own."""
    narrowed = scope.without("provider", "copilot").without("credential_kind", "Unknown")
    return select(("requests",), ("day", "initiator", "credential_kind"), narrowed)


def first_days() -> Query:
    """``model`` and ``first_at`` (naive UTC) of all times."""
    sql = "SELECT model, min(started_at) AS first_at FROM usage WHERE model <> '' GROUP BY model"
    return Query(f"{sql} ORDER BY model", ())


def _hours(by: str, what: str, scope: Scope, keys: Iterable[int]) -> Query:
    into = Arguments()
    keys_sql = _keys(into, keys)
    since, until = into.bound(scope.since), into.bound(scope.until)
    sql = _HOURS.format(
        by=by,
        what=what,
        hour=key("weekday_hour", "usage", scope),
        keys=keys_sql,
        since=since,
        until=until,
    )
    return Query(sql, tuple(into.values))


def _keys(into: Arguments, keys: Iterable[int]) -> str:
    return f"({', '.join(into.bound(one) for one in sorted(keys))})"
