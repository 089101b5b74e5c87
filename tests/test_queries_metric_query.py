"""A question → one statement, whose answer is what counting says."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from itertools import product
from statistics import quantiles
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import truth
from costly_laws import tried
from demo_worlds import small
from facts import KINDS, Row, facts
from hypothesis import given
from hypothesis import strategies as st
from listed_sessions import is_unread_in

from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.errors import MetricError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.periods import buckets, filled
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import family
from bridgeboard.queries import radar
from bridgeboard.queries.metric_query import select, select_top, values

ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham")
START, END = small().start, small().end
ALL = Scope(START, END)
CATEGORIES = tuple(name for name, one in DIMENSIONS.items() if not one.time)
TIMES = tuple(name for name, one in DIMENSIONS.items() if one.time)
OF_CALLS = ("tool", "server")
laws = tried(40)

KEYS: dict[str, Callable[[Row], object]] = {
    "initiator": lambda row: row["person"],
    "team": lambda row: row["team"] or "Unassigned",
    "accuracy": lambda row: "exact" if row["grain"] == "interception" else "aggregate",
    "server": lambda row: row["server_url"] or "Client-side",
    "status": lambda row: row["status"],
    "family": lambda row: family(row["model"] or "Unknown"),
}


def value(name: str, row: Row) -> object:
    """What a row belongs to, counted by hand."""
    return KEYS[name](row) if name in KEYS else row[name] or "Unknown"


def choices(name: str) -> list[str]:
    source = facts().calls if name in OF_CALLS else facts().usage
    return sorted({str(value(name, row)) for row in source})


@st.composite
def scopes(draw: st.DrawFn, dimensions: Iterable[str] = CATEGORIES) -> Scope:
    """Any stretch of the world's days, in any zone, with up to two filters of each kind."""
    parts = sorted((draw(st.floats(0, 1)), draw(st.floats(0, 1))))
    since, until = (START + part * (END - START) for part in parts)
    scope = Scope(since, until, draw(st.sampled_from(ZONES)))
    if draw(st.booleans()):
        scope = Scope(START, END, scope.zone)
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from(sorted(dimensions)))
        chosen = draw(st.lists(st.sampled_from([*choices(name), "Nobody"]), max_size=3))
        scope = draw(st.sampled_from((Scope.only, Scope.without)))(scope, name, *chosen)
    return scope


def within(rows: Iterable[Row], scope: Scope) -> list[Row]:
    return [row for row in rows if scope.since <= row["started_at"] < scope.until]


def passes(row: Row, scope: Scope, names: Iterable[str]) -> bool:
    """Whether a row passes the filters on some dimensions, asked of itself."""
    return all(
        value(name, row) in wanted for name, wanted in scope.include if name in names
    ) and not any(value(name, row) in left for name, left in scope.exclude if name in names)


def usage(scope: Scope) -> list[Row]:
    """The requests in a scope: with a call that has all included tools, without excluded ones."""
    own = [name for name in CATEGORIES if name not in OF_CALLS]
    rows = [row for row in within(facts().usage, scope) if passes(row, scope, own)]
    wanted = [pair for pair in scope.include if pair[0] in OF_CALLS]
    if wanted:
        having = {
            call["usage"]
            for call in facts().calls
            if all(value(name, call) in chosen for name, chosen in wanted)
        }
        rows = [row for row in rows if row["usage"] in having]
    for name, left in scope.exclude:
        if name in OF_CALLS:
            having = {call["usage"] for call in facts().calls if value(name, call) in left}
            rows = [row for row in rows if row["usage"] not in having]
    return rows


def calls(scope: Scope) -> list[Row]:
    return [row for row in within(facts().calls, scope) if passes(row, scope, CATEGORIES)]


def one(name: str, scope: Scope) -> Any:
    """A number for a whole scope."""
    ((answer,),) = facts().rows(select([name], [], scope))
    return answer


def by(names: Iterable[str], dimensions: list[str], scope: Scope) -> dict[Any, Any]:
    """A number, or several, by one dimension or several."""
    wanted = list(names)
    size = len(dimensions)
    answer = facts().rows(select(wanted, dimensions, scope))
    told = {row[:size] if size > 1 else row[0]: row[size:] for row in answer}
    assert len(told) == len(answer)
    return {key: row[0] if len(wanted) == 1 else row for key, row in told.items()}


@laws
@given(scopes(["provider", "model", "client", "initiator"]))
def test_a_scope_counts_what_the_world_says(scope: Scope) -> None:
    tables = small().tables
    wanted = {row["id"] for row in usage(scope)}
    rows = [
        row
        for row in truth.finished(tables, since=scope.since, until=scope.until)
        if row.id in wanted
    ]
    merged = truth.total(truth.responses(tables, rows).values())
    told = {
        "requests": len(rows),
        "prompts": len(truth.prompts(tables, rows)),
        "tool_calls": len(truth.tool_calls(tables, rows)),
        "active_people": len(truth.people(rows)),
        "total_tokens": merged.total,
        "recorded_tokens": truth.recorded(tables, rows).total,
        **{f"{kind}_tokens": getattr(merged, kind) for kind in KINDS},
    }
    (answer,) = facts().rows(select(list(told), [], scope))
    assert dict(zip(told, answer, strict=True)) == told


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    begun = sorted(row["started_at"] for row in facts().usage)
    for first, last in ((10, 11), (100, 500), (700, 700)):
        scope = Scope(begun[first], begun[last])
        assert one("requests", scope) == begun.index(begun[last]) - begun.index(begun[first])


def test_a_filter_of_one_value_is_the_filter_of_the_oracle() -> None:
    for person in {row["initiator_id"]: row["person"] for row in facts().usage}.items():
        rows = truth.finished(small().tables, person_id=person[0])
        assert one("requests", ALL.only("initiator", person[1])) == len(rows)
    for client in choices("client"):
        rows = truth.finished(small().tables, client=client)
        assert one("requests", ALL.only("client", client)) == len(rows)


@laws
@given(scopes())
def test_usage_and_tool_calls_pass_filters_as_counting_says(scope: Scope) -> None:
    rows, called = usage(scope), calls(scope)
    assert one("requests", scope) == len(rows)
    assert one("active_people", scope) == len({row["person"] for row in rows})
    is_about_calls = any(name in OF_CALLS for name, _ in (*scope.include, *scope.exclude))
    if is_about_calls:
        # Requests without any call have no call that is left out.
        assert one("tool_calls", scope) == len(called)
    else:
        assert one("tool_calls", scope) == sum(row["tool_calls"] for row in rows)


@laws
@given(scopes(["status", "tool", "server"]))
def test_calls_ask_their_requests_for_what_they_do_not_know(scope: Scope) -> None:
    statuses = {row["usage"]: row for row in facts().usage}
    called = [
        row
        for row in within(facts().calls, scope)
        if passes(row, scope, OF_CALLS) and passes(statuses[row["usage"]], scope, ["status"])
    ]
    assert sum(by(["tool_calls"], ["tool"], scope).values()) == len(called)


@laws
@given(scopes(), st.sampled_from(sorted(METRICS)), st.sampled_from(sorted(DIMENSIONS)))
def test_parts_add_up_to_the_whole(scope: Scope, name: str, dimension: str) -> None:
    if not METRICS[name].adds_up(DIMENSIONS[dimension]):
        return
    if dimension in OF_CALLS or not METRICS[name].splits(DIMENSIONS[dimension]):
        return
    is_about_tools = any(asked in OF_CALLS for asked, _ in (*scope.include, *scope.exclude))
    if is_about_tools and dimension == "status":
        return
    parts = [part for part in by([name], [dimension], scope).values() if part is not None]
    whole = one(name, scope)
    assert sum(parts) == (whole or 0)
    if not parts:
        assert whole in {0, None}


def test_calls_of_some_tools_do_not_know_what_their_requests_cost() -> None:
    scope = ALL.only("tool", choices("tool")[0])
    with pytest.raises(MetricError, match="of some tools only cannot be split by 'status'"):
        select(["tool_calls"], ["status"], scope)
    assert by(["tool_calls"], ["model"], scope)


ADDITIVE = [
    (name, dimension)
    for name, dimension in product(METRICS, DIMENSIONS)
    if METRICS[name].adds_up(DIMENSIONS[dimension])
]


def test_every_number_that_adds_up_does_so_by_every_dimension() -> None:
    wrong = {}
    for name, dimension in ADDITIVE:
        parts = by([name], [dimension], ALL).values()
        added, whole = sum(part for part in parts if part is not None), one(name, ALL)
        if added != whole:
            wrong[name, dimension] = added, whole
    assert not wrong, f"(added up, as a whole): {wrong}"


def test_what_adds_up_is_stated_for_each_number() -> None:
    splits = {(name, d) for name, d in product(METRICS, DIMENSIONS)}
    splits = {(name, d) for name, d in splits if METRICS[name].splits(DIMENSIONS[d])}
    assert {name for name, _ in ADDITIVE} == {name for name in METRICS if METRICS[name].additive}
    assert {("sessions", "model"), ("sessions", "day")} < splits - set(ADDITIVE)
    assert ("tool_calls", "tool") in ADDITIVE
    assert ("requests", "tool") not in splits


@laws
@given(scopes(), st.sampled_from(TIMES), st.sampled_from(CATEGORIES))
def test_two_dimensions_are_counted_together(scope: Scope, time: str, category: str) -> None:
    if category in OF_CALLS:
        told = by(["tool_calls"], [time, category], scope)
        rows = calls(scope)
    else:
        told = by(["requests"], [time, category], scope)
        rows = usage(scope)
    assert sum(told.values()) == len(rows)
    counted: dict[object, int] = {}
    for row in rows:
        counted[value(category, row)] = counted.get(value(category, row), 0) + 1
    found: dict[object, int] = {}
    for (_, key), count in told.items():
        found[key] = found.get(key, 0) + count
    assert found == counted


@laws
@given(scopes(), st.sampled_from(CATEGORIES), st.data())
def test_what_is_included_and_what_is_excluded_make_the_whole(
    scope: Scope, dimension: str, data: st.DataObject
) -> None:
    scope = scope.free(dimension)
    chosen = data.draw(st.lists(st.sampled_from(choices(dimension)), min_size=1, unique=True))
    name = "tool_calls" if dimension in OF_CALLS else "requests"
    kept, left = scope.only(dimension, *chosen), scope.without(dimension, *chosen)
    whole = sum(row["tool_calls"] for row in usage(scope))
    if name == "requests" or any(f[0] in OF_CALLS for f in (*scope.include, *scope.exclude)):
        whole = one(name, scope)
    assert one(name, kept) + one(name, left) == whole


@laws
@given(scopes(), st.sampled_from(ZONES), st.sampled_from(TIMES))
def test_days_of_any_zone_add_up_to_the_same(scope: Scope, zone: str, grain: str) -> None:
    other = Scope(scope.since, scope.until, zone, scope.include, scope.exclude)
    assert sum(by(["requests"], [grain], other).values()) == one("requests", scope)


def sessions(scope: Scope) -> list[tuple[Row, list[Row]]]:
    """Sessions of a scope with their requests in it; without any where none is known at all."""
    linked: dict[int, list[Row]] = {}
    for row in usage(scope):
        linked.setdefault(row["session"], []).append(row)
    read = {row["session"] for row in facts().usage}
    return [
        (row, linked.get(row["session"], []))
        for row in facts().sessions
        if row["session"] in linked
        or (row["session"] not in read and is_unread_in(row, row["person"], scope))
    ]


@laws
@given(scopes())
def test_sessions_count_wherever_they_have_a_request(scope: Scope) -> None:
    assert one("sessions", scope) == len(sessions(scope))


@laws
@given(scopes(["initiator", "team", "client", "vendor", "tool", "provider_name"]))
def test_sessions_are_counted_once_in_each_model_they_used(scope: Scope) -> None:
    scope = scope.only("accuracy", "exact", "aggregate")
    counted: dict[str, int] = {}
    for _, rows in sessions(scope):
        for model in {row["model"] or "Unknown" for row in rows}:
            counted[model] = counted.get(model, 0) + 1
    told = by(["sessions"], ["model"], scope)
    assert {model: count for model, count in told.items() if count} == counted


@pytest.mark.parametrize(("dimension", "names"), [("model", "models"), ("provider", "providers")])
def test_models_and_providers_of_sessions_are_known_before_their_requests(
    dimension: str, names: str
) -> None:
    counted: dict[str, int] = {}
    for row, rows in sessions(ALL):
        listed = row[names] or ["Unknown"]
        for name in {each[dimension] or "Unknown" for each in rows} if rows else listed:
            counted[name] = counted.get(name, 0) + 1
    assert any(not rows for _, rows in sessions(ALL))
    assert by(["sessions"], [dimension], ALL) == counted
    for name, count in counted.items():
        assert by(["sessions"], [dimension], ALL.only(dimension, name)) == {name: count}
        assert one("sessions", ALL.only(dimension, name)) == count


def test_a_session_is_in_every_period_that_it_has_a_request_in() -> None:
    zone = ZoneInfo("Asia/Kathmandu")
    scope = Scope(START, END, "Asia/Kathmandu")
    counted: dict[object, set[int]] = {}
    for session, rows in sessions(scope):
        for row in rows or [session]:
            day = row["started_at"].astimezone(zone).date()
            counted.setdefault(day, set()).add(session["session"])
    assert by(["sessions"], ["day"], scope) == {day: len(own) for day, own in counted.items()}


def test_without_a_tool_means_requests_that_did_not_call_it() -> None:
    scope = ALL.without("server", "Client-side")
    calling = {row["usage"] for row in facts().calls if value("server", row) == "Client-side"}
    others = [row for row in facts().usage if row["usage"] not in calling]
    assert one("requests", scope) == len(others)
    assert one("active_people", scope) == len({row["person"] for row in others})
    assert one("tool_calls", scope) == sum(row["injected"] for row in facts().calls)


def test_numbers_of_several_sources_stand_side_by_side() -> None:
    names = ["requests", "sessions", "tool_calls", "spend", "tool_error_rate"]
    scope = Scope(START, END, "Europe/Berlin").only("tool", "Bash", "shell")
    together = by(names, ["day", "initiator"], scope)
    assert together
    apart = {name: by([name], ["day", "initiator"], scope) for name in names}
    assert set(together) == set().union(*(set(told) for told in apart.values()))
    for key, row in together.items():
        for name, told in zip(names, row, strict=True):
            assert told == apart[name].get(key, METRICS[name].empty)


def test_the_team_is_that_of_the_time_of_the_request() -> None:
    moved = next(row["person"] for row in facts().usage if row["team"] == "Elsewhere")
    told = by(["requests"], ["team"], ALL.only("initiator", moved))
    counted = [row["team"] for row in facts().usage if row["person"] == moved]
    assert len(told) == 2
    assert told == {team: counted.count(team) for team in counted}


def test_unknown_is_not_zero() -> None:
    scope = ALL.only("status", "unpriced")
    assert one("requests", scope) > 0
    assert (one("spend", scope), one("shadow_cost", scope)) == (None, None)
    assert one("cost_per_request", scope) is None
    assert one("unpriced_tokens", scope) == one("total_tokens", scope)
    sums = ALL.only("accuracy", "aggregate")
    assert [one(name, sums) for name in ("responses", "tool_errors", "duration_p50")] == [None] * 3


def test_nothing_is_zero_for_counts_and_no_number_for_ratios() -> None:
    never = Scope(START, START)
    (answer,) = facts().rows(select(list(METRICS), [], never))
    assert dict(zip(METRICS, answer, strict=True)) == {
        name: metric.empty for name, metric in METRICS.items()
    }
    assert facts().rows(select(["requests", "sessions"], ["model"], never)) == []


def test_money_is_exact_and_averages_leave_out_what_has_no_price() -> None:
    rows = facts().usage
    priced = [row for row in rows if row["cost"] is not None]
    spend = sum(row["cost"] for row in priced)
    exact = [row for row in priced if row["grain"] == "interception"]
    exact_spend = sum(row["cost"] for row in exact)
    linked = [row for row in rows if row["session"] is not None]
    linked_spend = sum(row["cost"] or 0 for row in linked)
    told = {
        "spend": spend,
        "shadow_cost": sum(row["shadow_cost"] for row in priced),
        "cache_saving": sum(row["cache_saving"] for row in priced),
        "cost_per_request": exact_spend // len(exact),
        "cost_per_prompt": exact_spend // sum(row["prompts"] for row in exact),
        "cost_per_person": spend // len({row["person"] for row in priced}),
        "cost_per_tool_call": spend // sum(row["tool_calls"] for row in priced),
        "cost_per_million_tokens": spend * 10**6 // sum(row["priced_tokens"] for row in rows),
        "cost_per_session": linked_spend
        // len({row["session"] for row in linked if row["cost"] is not None}),
        "cost_per_thread": linked_spend
        // sum(row["threads"] for row in linked if row["cost"] is not None),
    }
    (answer,) = facts().rows(select(list(told), [], ALL))
    assert dict(zip(told, answer, strict=True)) == told


def test_rates_are_weighted_by_what_they_are_rates_of() -> None:
    rows, called = facts().usage, facts().calls
    total = {kind: sum(row[kind] for row in rows) for kind in KINDS}
    prompt = total["input"] + total["cache_read"] + total["cache_write"]
    everything = prompt + total["output"]
    exact = [row for row in rows if row["grain"] == "interception"]
    recorded = [row for row in called if row["injected"] and row["failed"] is not None]
    told = {
        "cache_hit_rate": total["cache_read"] / prompt,
        "output_rate": total["output"] / everything,
        "priced_rate": sum(row["priced_tokens"] for row in rows) / everything,
        "exact_rate": sum(row[kind] for row in exact for kind in KINDS) / everything,
        "tool_error_rate": sum(row["failed"] for row in recorded) / len(recorded),
        "detail_coverage": sum(row["detailed_at"] is not None for row in facts().sessions)
        / len(facts().sessions),
    }
    (answer,) = facts().rows(select(list(told), [], ALL))
    assert dict(zip(told, answer, strict=True)) == pytest.approx(told)


def test_other_counts_are_what_they_say() -> None:
    rows = facts().usage
    exact = [row for row in rows if row["grain"] == "interception"]
    told = {
        "responses": sum(row["responses"] for row in exact),
        "unmetered_requests": sum(row["status"] == "unmetered" for row in rows),
        "threads": sum(row["threads"] for row in rows),
        "sessions": len(sessions(ALL)),
        "summed_rows": len(rows) - len(exact),
        "unread_rows": 0,
        "unlinked_rows": sum(row["session"] is None for row in rows),
        "injected_calls": sum(row["injected"] for row in rows),
        "tool_errors": sum(row["tool_errors"] for row in exact),
        "unpriced_tokens": sum(sum(row[kind] for kind in KINDS) for row in rows)
        - sum(row["priced_tokens"] for row in rows),
        "unbilled_tokens": sum(row["priced_tokens"] for row in rows if row["cost"] == 0),
    }
    (answer,) = facts().rows(select(list(told), [], ALL))
    assert dict(zip(told, answer, strict=True)) == told


def test_durations_are_percentiles_of_exact_requests_in_seconds() -> None:
    by_model: dict[str, list[float]] = {}
    for row in facts().usage:
        if row["grain"] == "interception":
            seconds = (row["ended_at"] - row["started_at"]) / timedelta(seconds=1)
            by_model.setdefault(row["model"] or "Unknown", []).append(seconds)
    told = by(["duration_p50", "duration_p95"], ["model"], ALL)
    for model, seconds in by_model.items():
        if len(seconds) > 1:
            cuts = quantiles(seconds, n=20, method="inclusive")
            assert told[model] == pytest.approx((cuts[9], cuts[18]))


def test_both_sources_of_tool_calls_tell_the_same() -> None:
    names = ["tool_calls", "injected_calls", "tool_errors", "tool_error_rate"]
    every = ALL.without("tool", "no such tool")
    for split in (["model"], ["initiator", "day"], []):
        apart, whole = by(names, split, every), by(names, split, ALL)
        assert apart == {key: row for key, row in whole.items() if row[0]}


SOURCES = (ALL, ALL.without("tool", "no such tool"))
"""Answered from requests, and from single calls."""


@pytest.mark.parametrize("scope", SOURCES)
def test_errors_that_nobody_records_are_unknown_and_those_recorded_are_counted(
    scope: Scope,
) -> None:
    calls: dict[object, list[Row]] = {}
    for row in facts().calls:
        calls.setdefault((value("provider", row), value("client", row)), []).append(row)
    told = by(["tool_calls", "tool_errors", "tool_error_rate"], ["provider", "client"], scope)
    counted = {}
    for key, own in calls.items():
        known = [row["failed"] for row in own if row["injected"] and row["failed"] is not None]
        errors = (sum(known), sum(known) / len(known)) if known else (None, None)
        counted[key] = (len(own), *errors)
    assert {key: row for key, row in told.items() if row[0]} == counted
    assert {errors is None for _, errors, _ in counted.values()} == {True, False}


def test_tools_of_the_client_have_no_known_number_of_errors() -> None:
    told = by(["tool_errors", "tool_error_rate"], ["server"], ALL)
    assert told.pop("Client-side") == (None, None)
    assert all(rate is not None for _, rate in told.values())
    assert sum(errors for errors, _ in told.values()) == one("tool_errors", ALL) > 0


@pytest.mark.parametrize("source", SOURCES)
def test_an_error_that_is_recorded_counts_whoever_ran_the_tool(source: Scope) -> None:
    row = next(
        row
        for row in facts().usage
        if row["grain"] == "interception" and row["tool_calls"] > 1 and not row["recordable"]
    )
    at = row["started_at"]
    scope = replace(source, since=at, until=at + timedelta(microseconds=1))
    scope = scope.only("initiator", row["person"])
    sql, params, _ = select(["tool_errors", "tool_error_rate"], [], scope)
    connection = facts().connection.cursor()
    connection.execute("BEGIN")
    try:
        before = connection.execute(sql, list(params)).fetchall()
        connection.execute("UPDATE usage SET tool_errors = 1 WHERE usage = $1", [row["usage"]])
        connection.execute(
            "UPDATE tool_calls SET failed = TRUE WHERE usage = $1 AND ordinal = 0", [row["usage"]]
        )
        after = connection.execute(sql, list(params)).fetchall()
    finally:
        connection.execute("ROLLBACK")
    assert (before, after) == ([(None, None)], [(1, 1.0)])


def test_a_rate_that_radar_looks_at_is_of_calls_whose_end_is_recorded() -> None:
    counted: dict[object, list[bool]] = {}
    for row in facts().calls:
        if row["injected"] and row["failed"] is not None:
            key = (row["started_at"].date(), row["server_url"], row["tool"])
            counted.setdefault(key, []).append(row["failed"])
    told = {row[:3]: row[3:] for row in facts().rows(radar.tools(ALL))}
    assert told == {key: (len(ends), sum(ends)) for key, ends in counted.items()}
    assert sum(row["injected"] for row in facts().calls) > sum(map(len, counted.values()))


def test_people_and_sessions_of_a_tool_are_those_who_called_it() -> None:
    people: dict[object, set[object]] = {}
    active: dict[object, set[object]] = {}
    for row in facts().calls:
        people.setdefault(value("tool", row), set()).add(row["person"])
        active.setdefault(value("tool", row), set()).add(row["session"])
    assert by(["active_people", "sessions"], ["tool"], ALL) == {
        tool: (len(found), len(active[tool] - {None})) for tool, found in people.items()
    }


def test_rows_come_in_the_order_asked_for() -> None:
    told = facts().rows(select(["requests", "spend"], ["model"], ALL))
    assert [row[1] for row in told] == sorted((row[1] for row in told), reverse=True)
    told = facts().rows(select(["requests"], ["model"], ALL, order=["model"], limit=3))
    assert [row[0] for row in told] == choices("model")[:3]
    told = facts().rows(select(["spend"], ["model", "status"], ALL, order=["-status", "spend"]))
    assert [row[1] for row in told] == sorted((row[1] for row in told), reverse=True)
    told = facts().rows(select(["spend"], ["status"], ALL, order=["spend"]))
    assert told[-1][1] is None
    days = [row[0] for row in facts().rows(select(["requests"], ["day"], ALL))]
    assert days == sorted(days)


def test_people_of_the_same_name_stay_apart() -> None:
    connection = facts().connection.cursor()
    connection.execute("BEGIN")
    try:
        first = "(SELECT min(username) FROM initiators)"
        last = "(SELECT max(username) FROM initiators)"
        connection.execute(f"UPDATE initiators SET username = {first} WHERE username = {last}")
        sql, params, _ = select(["requests"], ["initiator"], ALL)
        told = connection.execute(sql, list(params)).fetchall()
    finally:
        connection.execute("ROLLBACK")
    assert len({row[0] for row in told}) == len(told)
    assert sum(row[1] for row in told) == one("requests", ALL)
    assert len([row for row in told if row[0].endswith(")")]) == 2


def test_values_to_choose_from_leave_out_their_own_filter() -> None:
    scope = ALL.only("client", "Claude Code").only("model", "claude-sonnet-5")
    told = facts().rows(values("model", scope))
    counted = by(["requests"], ["model"], ALL.only("client", "Claude Code"))
    assert dict(told) == counted
    assert [row[1] for row in told] == sorted(counted.values(), reverse=True)
    assert len(facts().rows(values("tool", ALL, limit=4))) == 4
    for name in CATEGORIES:
        assert sorted(row[0] for row in facts().rows(values(name, ALL))) == choices(name)


RATIOS = ["requests", "spend", "active_people", "cache_hit_rate", "duration_p95", "sessions"]


@laws
@given(
    scopes(),
    st.sampled_from(("initiator", "model", "client", "team", "provider")),
    st.sampled_from(("requests", "spend", "cache_hit_rate", "sessions")),
    st.integers(0, 5),
)
def test_the_top_stays_as_it_is_and_the_rest_is_counted_anew(
    scope: Scope, dimension: str, rank_by: str, n: int
) -> None:
    scope = scope.free(dimension)
    if dimension in {"model", "provider"}:
        # Of requests that pass other filters, or of the list of sessions: not a matter of here.
        scope = scope.only("accuracy", "exact", "aggregate")
    query = select_top(RATIOS, [dimension], scope, rank_by=rank_by, n=n)
    told = facts().rows(query)
    every = by(RATIOS, [dimension], scope)
    ranks = by([rank_by], [dimension], scope)
    best = [row for row in told if not row[-2]]
    assert {row[0]: row[1:-2] for row in best if row[0] in every} == {
        row[0]: every[row[0]] for row in best if row[0] in every
    }
    shown = [ranks[row[0]] for row in best]
    hidden = [rank for key, rank in ranks.items() if key not in {row[0] for row in best}]
    assert all(
        rank is None or shown[-1] >= rank for rank in hidden if shown and shown[-1] is not None
    )
    assert {row[-1] for row in told} <= {len(ranks)}
    rest = [row for row in told if row[-2]]
    keys = set(every) - {row[0] for row in best}
    assert len(rest) == bool(keys)
    if rest:
        anew = facts().rows(select(RATIOS, [], scope.only(dimension, *sorted(keys))))
        assert rest[0][0] == "Other"
        assert rest[0][1:-2] == pytest.approx(anew[0])


def test_the_top_over_time_has_the_same_values_throughout() -> None:
    scope = Scope(START, END, "Europe/Berlin")
    told = facts().rows(select_top(["requests"], ["day", "model"], scope, rank_by="requests", n=3))
    best = facts().rows(select(["requests"], ["model"], scope, limit=3))
    assert {row[1] for row in told} == {*(row[0] for row in best), "Other"}
    assert [row[0] for row in told] == sorted(row[0] for row in told)
    assert sum(row[2] for row in told) == one("requests", scope)
    days = by(["requests"], ["day"], scope)
    assert {day: sum(row[2] for row in told if row[0] == day) for day in days} == days


def test_only_one_dimension_is_folded() -> None:
    for wrong in (["day"], ["model", "client"], []):
        with pytest.raises(MetricError, match="One dimension can be folded into its top, not"):
            select_top(["requests"], wrong, ALL, rank_by="requests", n=3)


@laws
@given(scopes(), st.sampled_from(TIMES))
def test_gaps_are_filled_with_what_each_number_is_where_nothing_happened(
    scope: Scope, grain: str
) -> None:
    names = ["requests", "spend", "cache_hit_rate"]
    rows = facts().rows(select(names, [grain], scope))
    told = filled(rows, names, [grain], scope)
    assert [row[0] for row in told] == buckets(scope, grain)
    assert [row for row in told if row in rows] == rows
    assert all(row[1:] == (0, 0, None) for row in told if row not in rows)


def test_gaps_of_each_value_are_filled_by_themselves() -> None:
    scope = Scope(START, END, "Europe/Berlin")
    rows = facts().rows(select(["requests"], ["client", "day"], scope))
    told = filled(rows, ["requests"], ["client", "day"], scope)
    assert len(told) == len({row[0] for row in rows}) * len(buckets(scope, "day"))
    assert sum(row[2] for row in told) == sum(row[2] for row in rows)
    assert set(rows) <= set(told)
    assert filled([], ["requests"], ["client", "day"], scope) == []
    with pytest.raises(MetricError, match="along one dimension of time, not 0"):
        filled(rows, ["requests"], ["client"], scope)
