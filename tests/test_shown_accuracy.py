"""A number that is a lower bound, about right or unknown is called so wherever it is shown."""

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
import random_companies
from dashboard_store import filled, looking
from facts import facts

from bridgeboard import charts
from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.analysis import adoption as questions_of_people
from bridgeboard.analysis import movers, session_file, trends
from bridgeboard.analysis.comparison import Line
from bridgeboard.analysis.headlines import Headlines, headlines
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.rankings import Ranking, ranking
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.formats import DASH
from bridgeboard.model.accuracy import (
    EXACT,
    Accuracy,
    accuracy,
    presence_accuracy,
    unsplit,
)
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import SMALL_GROUPS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.request_list import Detail
from bridgeboard.queries.session_calls import Call, Mark
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.queries.session_detail import Head, Thread
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import Order, listing, page
from bridgeboard.queries.session_totals import total, totals
from bridgeboard.report import svg_charts, text
from bridgeboard.report.answers import Course
from bridgeboard.store import Store
from bridgeboard.ui import runner
from bridgeboard.ui.components import (
    breakdown,
    breakdown_columns,
    downloads,
    headline_cards,
    tables,
    trend,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.recorded_text import Look
from bridgeboard.ui.components.tables import Inexact, Words
from bridgeboard.ui.views import (
    adoption,
    compare,
    request,
    session_charts,
    session_list,
    session_tables,
    session_transcript,
)

BOUND = Accuracy("at_least", ("some of it is not known",))
ABOUT = Accuracy("about", ("some of it counts elsewhere",))
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
END: datetime = max(row["started_at"] for row in facts().usage)
SUMS = {"summed_rows": 3}


def test_two_sides_say_of_each_number_how_it_stands() -> None:
    line = Line("total_tokens", "Tokens", "count", 1200, 7)
    shown = compare._row(line, [{"total_tokens": ABOUT}, {"total_tokens": BOUND}])
    assert shown[1:3] == (Words("≈ 1.2k", "about 1,200"), Words("≥ 7", "at least 7"))
    assert shown[3:] == ("≈ -1.2k", "≈ 0.0058×")  # noqa: RUF001 - the sign of multiplication
    unknown = compare._row(Line("spend", "Spend", "money", None, 10**12), [{}, {"spend": EXACT}])
    assert unknown[1:3] == (Words(DASH, "not known"), Words("$1.00", "exactly $1.00"))


def test_people_who_may_have_been_missed_are_not_called_exact() -> None:
    row = {"new": 4, "returning": 1200, "dormant": 6, **SUMS}
    cards = {name: adoption._card(name, row) for name in ("new", "returning", "dormant")}
    assert cards["returning"].value == "≥ 1.2k"
    assert cards["returning"].meaning.startswith("At least 1,200: 3 sums")
    assert cards["dormant"].meaning.startswith("About 6: 3 sums")
    assert cards["new"].meaning.startswith("About 4: 3 sums")
    assert adoption._card("new", {**row, "summed_rows": 0}).meaning.startswith("Exactly 4.")
    assert presence_accuracy("dormant", {"dormant": 1, "summed_rows": 0}) == EXACT


@pytest.mark.parametrize(
    ("now", "before", "moved"),
    [(0, 0, "+100%"), (3, 3, "≈ +100%"), (3, 0, None), (0, 3, None)],
)
def test_a_card_shows_no_change_where_one_number_only_is_a_lower_bound(
    now: int, before: int, moved: str | None
) -> None:
    told: dict[str, Any] = {"requests": 8, "summed_rows": now}
    was: dict[str, Any] = {"requests": 4, "summed_rows": before}
    card = headline_cards._card(Headlines(told, was).of("requests"), [], _chosen())
    assert card.change == moved
    assert ("so no change is shown" in card.meaning) == (moved is None)


@pytest.mark.parametrize(
    ("now", "before", "bounds", "shown"),
    [
        (12_000, 12_000, 0, ("", "no change", "even")),
        (11_999, 12_000, 0, ("↓", "<0.1%", "even")),
        (11_000, 12_000, 0, ("↓", "8.3%", "bad")),
        (11_999, 12_000, 3, ("", "≈ 0%", "even")),
        (11_000, 12_000, 3, ("↓", "≈ 8.3%", "bad")),
    ],
)
def test_a_card_says_its_change_once_and_no_percentage_that_contradicts_it(
    now: int, before: int, bounds: int, shown: tuple[str, ...]
) -> None:
    sides: list[dict[str, Any]] = [{"requests": n, "summed_rows": bounds} for n in (now, before)]
    card = headline_cards._card(Headlines(*sides).of("requests"), [], _chosen())
    data = headline_cards._card_data(card)
    assert (data["arrow"], data["change"], data["tone"]) == shown


def test_what_moved_is_marked_where_both_numbers_are_lower_bounds() -> None:
    shown = trend._move(Move("team", "Core", 5, 10, BOUND, BOUND), "requests")
    assert seen(shown) == ("Core", "Team", "≈ +5", "≈ +100%", "≥ 5", "≥ 10")
    assert shown[4:] == (Words("≥ 5", "at least 5"), Words("≥ 10", "at least 10"))


def test_a_value_of_at_least_nothing_before_is_not_called_new() -> None:
    was_hidden = trend._move(Move("team", "Core", 0, 10, BOUND, BOUND), "requests")
    assert seen(was_hidden) == ("Core", "Team", "≈ +10", DASH, DASH, "≥ 10")
    assert was_hidden[4] == Words(DASH, "at least 0")
    is_new = trend._move(Move("team", "Core", 0, 10, EXACT, BOUND), "requests")
    assert seen(is_new) == ("Core", "Team", "≈ +10", "new", "0", "≥ 10")


@pytest.mark.parametrize(
    ("move", "shown", "rank"),
    [
        (Move("team", "Core", 4, 5), "+1 (+25%)", 1),
        (Move("team", "Core", 4, 5, BOUND, BOUND), "≈ +1 (+25%)", 1),
        (Move("team", "Core", 0, 5), "+5 (new)", 5),
        (Move("team", "Core", 5, 0), "-5 (gone)", -5),
        (Move("team", "Core", 10_000, 9_997), "-3 (<0.1%)", -3),
        (Move("team", "Core", 10_000, 10_003), "+3 (<0.1%)", 3),
        (Move("team", "Core", 10_000, 3), "-10k (>99.9%)", -9_997),
        (Move("team", "Core", 10_000, 9_997, BOUND, BOUND), "≈ -3 (≈ 0%)", -3),
        (Move("team", "Core", 5, 5), "0", 0),
        (Move("team", "Core", 5, 5, BOUND, BOUND), "≈ 0", 0),
        (Move("team", "Core", 0, 5, BOUND, BOUND), DASH, None),
        (Move("team", "Core", 4, 5, EXACT, BOUND), DASH, None),
        (None, DASH, None),
    ],
)
def test_the_change_of_a_row_says_how_it_stands(
    move: Move | None, shown: str, rank: float | None
) -> None:
    cell = breakdown_columns.change(move, "requests")
    assert (cell.shown, cell.rank) == (shown, rank)


def test_what_moved_counts_the_values_that_cannot_be_compared() -> None:
    unlike = Move("team", "Core", 5, 10, BOUND, EXACT)
    assert trend._moved_note([]) == "Nothing changed."
    assert trend._moved_note([unlike]).startswith("1 value left out: of one of the two periods")
    assert trend._moved_note([Move("team", "Web", 5, 10)]) == trend.OVERLAP


def few_then_many(path: Path) -> Store:
    """A store of two days: of three models two have too few people on the first to be named."""
    row = random_companies.crowd(0).rows["usage"][0]
    people = range(1, 8)
    uses = [
        (day, person, model)
        for day, users in enumerate(({"rare": (1, 2), "odd": (3, 4)}, {"rare": people}))
        for model, persons in {"shared": people, **users}.items()
        for person in persons
    ]
    first = random_companies.BEGAN
    usage = [
        {
            **row,
            "usage": number,
            "initiator": person,
            "model": model,
            "started_at": (first + timedelta(days=day, hours=1)).replace(tzinfo=None),
            "input": 10 + 5 * day,
        }
        for number, (day, person, model) in enumerate(uses, 1)
    ]
    names = [
        {"initiator": one, "id": f"{UUID(int=one)}", "username": f"person{one}", "name": ""}
        for one in people
    ]
    company: dict[str, Any] = {
        "usage": usage,
        "initiators": names,
        "runs": [random_companies.SYNCED],
    }
    return random_companies.Crowd(company, (0, *people)).store(path)


def test_a_value_of_too_few_people_in_one_period_has_not_come_from_nothing(tmp_path: Path) -> None:
    first = random_companies.BEGAN
    before, now = (
        Scope(first + timedelta(days=day), first + timedelta(days=day + 1)) for day in (0, 1)
    )
    moves, courses = {}, {}
    with few_then_many(tmp_path / "store.duckdb") as store:
        for access in (RowAccess.of_groups(3), EVERYTHING):
            with store.snapshot(access) as reader:
                questions = Snapshot(reader)
                changes = movers.changes(questions, "input_tokens", ("model",), before, now)
                both, days = replace(now, since=before.since), [before.first_day, now.first_day]
                asked = ("input_tokens", "model", "day", both, days, 9)
                courses[access.floor] = trends.by_value(questions, *asked)
            moves[access.floor] = {one.name: one for one in changes}
    of_groups, of_all = moves[3], moves[None]
    assert {name: (one.was, one.now) for name, one in of_all.items()} == {
        "rare": (20, 105),
        "odd": (20, 0),
        "shared": (70, 105),
    }
    assert {name: (one.was, one.now) for name, one in of_groups.items()} == {
        "rare": (0, 105),
        "shared": (70, 105),
    }
    assert courses[None]["rare"].numbers == (20, 105)
    assert courses[3]["rare"].numbers == (None, 105)  # some of it has no name, so it is not nothing
    assert [one.name for one in movers.largest(of_groups.values())] == ["shared"]
    assert of_groups["shared"].in_words("input_tokens") == ("≈ +35", "≈ +35", "≈ +50%")
    assert trend._moved_note(list(of_groups.values())).endswith(
        "1 value left out: of one of the two periods only a part is known, or nothing."
    )


@pytest.mark.parametrize("most", [3, 1])
def test_a_value_that_may_be_in_small_groups_on_a_day_is_unknown_there_and_not_nothing(
    tmp_path: Path, most: int
) -> None:
    both = Scope(random_companies.BEGAN, random_companies.BEGAN + timedelta(days=2))
    series = {}
    with few_then_many(tmp_path / "store.duckdb") as store:
        for access in (RowAccess.of_groups(3), EVERYTHING):
            with store.snapshot(access) as reader:
                trend = trends.split(
                    Snapshot(reader), "input_tokens", "model", "day", both, most=most
                )
            series[access.floor] = {
                name: [value for _, one, value in trend.rows if one == name]
                for name in trend.series
            }
    if most == 1:
        assert series[3] == series[None] == {"shared": [70, 105], "Other (2)": [40, 105]}
        return
    assert series[None] == {"shared": [70, 105], "rare": [20, 105], "odd": [20, 0]}
    assert series[3] == {"shared": [70, 105], "rare": [None, 105], SMALL_GROUPS: [40, 0]}


def seen(row: tuple[object, ...]) -> tuple[object, ...]:
    """What a row shows before anybody points at it."""
    return tuple(cell.shown if isinstance(cell, Words) else cell for cell in row)


@pytest.mark.parametrize(("unpriced", "share"), [(0, "25%"), (4, "≈ 25%")])
def test_a_share_of_a_whole_of_which_a_part_has_no_price_is_about_right(
    unpriced: int, share: str
) -> None:
    names = ("model", "spend", "unpriced_tokens", "is_rest", "values_count")
    answer = Answer(names, (("a", 3 * 10**12, 0, False, 2), ("b", 10**12, unpriced, False, 2)))
    column = breakdown._column("model", "spend", answer, 0)
    data = tables._column(column, answer.column("spend"))
    assert [words for _, words in data["shares"]][1] == share
    whole = {"spend": 4 * 10**12, "unpriced_tokens": unpriced}
    (_, row) = text._grid(Ranking("model", ("spend",), answer, whole)).rows
    assert row.share.text == share
    assert row.share.exactly == ("about 25.0000%" if unpriced else "25.0000%")


@pytest.mark.parametrize("spend", [0, None])
def test_what_has_no_price_has_no_share_of_the_spend(spend: int | None) -> None:
    names = ("model", "spend", "unpriced_tokens", "is_rest", "values_count")
    answer = Answer(names, (("a", 10**12, 0, False, 2), ("b", spend, 4, False, 2)))
    column = breakdown._column("model", "spend", answer, 0)
    data = tables._column(column, answer.column("spend"))
    assert data["shares"] == [[1000, "≈ 100%"], [0, DASH]]
    whole = {"spend": 10**12, "unpriced_tokens": 4}
    rows = text._grid(Ranking("model", ("spend",), answer, whole)).rows
    assert [row.share.text for row in rows] == ["≈ 100%", DASH]


def test_what_costs_nothing_has_no_part_of_the_spend() -> None:
    names = ("model", "spend", "unpriced_tokens")
    answer = Answer(names, (("a", 10**12, 0), ("b", 0, 0)))
    assert breakdown.shares_of("model", "spend", answer, 1, 1) == [0]


def test_a_number_in_words_has_its_mark() -> None:
    numbers = [(1200, BOUND), (0, EXACT), (7, ABOUT)]
    shown = [tables.number(value, "count", how) for value, how in numbers]
    assert shown == [
        Words("≥ 1.2k", "at least 1,200"),
        Words("0", "exactly 0"),
        Words("≈ 7", "about 7"),
    ]


def test_a_card_with_a_part_missing_in_one_period_only_has_no_change_though_both_are_about() -> (
    None
):
    partial: dict[str, Any] = {"spend": 8, "summed_rows": 2, "unpriced_tokens": 5}
    whole = {**partial, "spend": 4, "unpriced_tokens": 0}
    card = headline_cards._card(Headlines(partial, whole).of("spend"), [], _chosen())
    assert card.value.startswith("≈ ")
    assert card.change is None
    alike = headline_cards._card(
        Headlines(partial, {**partial, "spend": 4}).of("spend"), [], _chosen()
    )
    assert (alike.change, alike.arrow) == ("≈ +100%", "↑")
    assert headline_cards._card_data(alike)["change"] == "≈ 100%"


def test_a_chart_says_of_what_one_points_at_how_it_stands() -> None:
    day = date(2026, 11, 1)
    row = {"requests": 5, "summed_rows": 2}
    records = [(day, "a", row), (day, "b", {**row, "summed_rows": 0})]
    rows = ((day, "a", 5), (day, "b", 5))
    accuracies = trends.accuracies("requests", records)
    words = trends.Trend("requests", rows, ("a", "b"), 2, None, accuracies).phrases
    assert words == {(day, "a"): "at least 5"}
    course = charts.Course(
        label="Requests",
        kind="count",
        grain="day",
        buckets=[day],
        running=False,
        colours={"a": "#000", "b": "#111"},
        stacked=True,
        phrases=words,
    )
    drawn = json.dumps(charts.spec(charts.over_time([(day, "a", 5), (day, "b", 5)], course)))
    assert '"at least 5"' in drawn
    assert '"5"' in drawn
    hours = charts.hours_of_week([7] * 168, "Requests", "count", phrases={3: "at least 7"})
    assert json.dumps(charts.spec(hours)).count('"at least 7"') == 1


def test_where_no_tool_was_called_none_failed_although_sums_are_not_told_apart() -> None:
    row = {"tool_errors": 0, "tool_calls": 0, "summed_rows": 4, "unread_rows": 0}
    assert accuracy("tool_errors", row) == EXACT
    assert accuracy("tool_errors", {**row, "tool_calls": 2}).is_bound
    assert accuracy("tool_errors", {**row, "unread_rows": 1}).is_bound


def test_a_filter_by_tool_does_not_hide_what_is_not_known_of_any_tool() -> None:
    scope = Scope(BEGAN, BEGAN + timedelta(days=7)).only("tool", "Bash").only("client", "x")
    freed = unsplit(scope, ("unread_rows",))
    assert [name for name, _ in freed.include] == ["client"]


def test_a_reader_of_groups_is_told_sessions_by_time_team_and_client_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert runner.tells_sessions(("model",))
    monkeypatch.setattr(runner, "shows_people", lambda: False)
    assert runner.tells_sessions(("day", "team", "client"))
    assert not runner.tells_sessions(("day", "model"))
    assert not trend._can_be_split("sessions", "provider")
    assert trend._can_be_split("sessions", "client")
    assert trend._can_be_split("spend", "provider")
    answer = Answer(("model", "sessions", "spend"), (("m", 0, 5),))
    assert answer.unknown("sessions").rows == (("m", None, 5),)
    assert answer.unknown("requests") is answer


def test_sums_of_sessions_without_any_known_request_are_unknown(tmp_path: Path) -> None:
    with filled(tmp_path / "store.duckdb") as store, looking(store, END):
        find = Find(Scope(BEGAN - timedelta(days=4000), BEGAN + timedelta(days=4000)))
        with store.write() as batch:
            batch.execute("DELETE FROM usage")
            batch.execute("UPDATE sessions SET detailed_at = NULL")
        shown = runner.current().totals(("spend", "tool_errors", "sessions"), find.scope)
        questions = runner.current()
        course = questions.series(("spend", "sessions"), "month", find.scope)
        people = questions.measured(("spend", "sessions"), "initiator", find.scope, "-sessions")
        presence = questions_of_people.presence(questions, find.scope)
        words = trend.nothing(_chosen(), "spend")
        about_sessions = trend.nothing(_chosen(), "sessions")
        with store.snapshot() as reader:
            sums = total(Answer.of(*reader.named(*totals(find))))
    assert sums.sessions
    assert sums.unread == sums.sessions
    assert sums.listed.cost is None
    assert sums.listed.tool_errors is None
    assert sums.whole.requests is None
    assert {name for name, value in shown.items() if value is not None} == {"sessions"}
    assert shown["sessions"] == sums.sessions
    assert set(course.column("spend")) == {None}
    assert sum(course.column("sessions")) == sums.sessions
    assert set(people.column("spend")) == {None}
    assert {presence[name] for name in ("new", "returning", "dormant")} == {None}
    assert words.startswith("Not known yet")
    assert about_sessions.startswith("No usage")


UNREAD_CLIENT = "A client of which only tokens are known"


@pytest.fixture(scope="module", params=[0, 1])
def unread(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Questions to a store in which so many rows, on one day, tell nothing but tokens."""
    with filled(tmp_path_factory.mktemp("unread") / "store.duckdb") as store:
        with store.write() as batch:
            batch.execute("DELETE FROM usage WHERE grain <> 'interception'")
            batch.execute("DELETE FROM tool_calls WHERE grain <> 'interception'")
            batch.execute(
                "UPDATE usage SET grain = 'session', requests = 0, prompts = 0, tool_calls = 0,"
                f" client = '{UNREAD_CLIENT}' WHERE tool_calls = 0 AND started_at = (SELECT"
                f" min(started_at) FROM usage WHERE tool_calls = 0 AND started_at::DATE = (SELECT"
                " started_at::DATE FROM usage GROUP BY 1 HAVING sum(tool_calls) > 0"
                " AND count(*) FILTER (tool_calls = 0) > 0 ORDER BY sum(tool_calls), 1 LIMIT 1))"
                f" AND {request.param} = 1"
            )
        with store.snapshot() as reader:
            yield request.param, Snapshot(reader)


WHOLE = Scope(BEGAN - timedelta(days=30), BEGAN + timedelta(days=30))
BASH = WHOLE.only("tool", "Bash")


def bounds(name: str, rows: Answer, by: str) -> dict[Any, bool]:
    """Whether a number is a lower bound, by the values of a dimension."""
    return {row[by]: accuracy(name, row).is_bound for row in rows.records()}


@pytest.mark.parametrize("scope", [WHOLE, BASH, WHOLE.without("tool", "Bash")])
def test_one_row_of_unknown_tools_makes_each_number_of_tool_calls_a_lower_bound(
    unread: tuple[int, Questions], scope: Scope
) -> None:
    rows, questions = unread
    by_tool = [
        questions.measured(("tool_calls",), "tool", scope, "-tool_calls"),
        questions.top(("tool_calls",), ("tool",), scope, rank_by="tool_calls", n=3),
    ]
    said = {
        "card": headlines(questions, ("tool_calls",), scope, None)
        .of("tool_calls")
        .now.accuracy.is_bound,
        "all": accuracy(
            "tool_calls", ranking(questions, ("tool_calls",), "tool", scope, most=3).whole
        ).is_bound,
        **{
            (place, tool): is_bound
            for place, answer in enumerate(by_tool)
            for tool, is_bound in bounds("tool_calls", answer, "tool").items()
        },
        "chart": bool(trends.whole(questions, "tool_calls", "month", scope).phrases),
        "split chart": bool(trends.split(questions, "tool_calls", "tool", "day", scope).phrases),
    }
    assert set(said.values()) == {rows == 1}
    assert len(said) > 6 or scope is BASH
    assert accuracy("tool_calls", questions.totals(("tool_calls",), scope)).reasons == (
        ("of 1 sessions, or rests of them, only tokens are known",) if rows else ()
    )


def test_no_tool_has_exactly_nothing_on_a_day_of_unknown_tools(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    days = bounds("tool_calls", questions.series(("tool_calls",), "day", WHOLE), "day")
    split = trends.split(questions, "tool_calls", "tool", "day", WHOLE, 3)
    assert len(split.series) == 4
    assert set(split.phrases) == {
        (day, tool) for day, is_bound in days.items() if is_bound for tool in split.series
    }
    last = max(days)
    words = split.bounds_in_words(days, "day")
    why = "of some sessions, or rests of them, only tokens are known"
    assert words == (f"Lower bounds in 1 of {len(days)} days: {why}." if rows else "")
    assert not split.bounds_in_words([last], "day")
    zeros = [split.phrases.get(row[:2]) for row in split.rows if row[2] == 0]
    assert zeros.count("at least 0") == sum(words is not None for words in zeros)
    assert ("at least 0" in zeros) == (rows == 1)


def test_a_stretch_of_time_without_unknown_usage_has_exactly_nothing(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    split = trends.split(questions, "requests", "client", "day", WHOLE, 1000)
    said = {(client, how.standing) for (_, client), how in split.accuracies.items()}
    assert said == ({(UNREAD_CLIENT, "unknown")} if rows else set())
    assert any(row[1:] == (UNREAD_CLIENT, 0) for row in split.rows) == (rows == 1)
    words = split.bounds_in_words({row[0] for row in split.rows}, "day")
    assert words.startswith("Lower bounds in 1 of ") == (rows == 1)
    only = replace(split, rows=tuple(row for row in split.rows if row[1] == UNREAD_CLIENT))
    words = only.bounds_in_words({row[0] for row in split.rows}, "day")
    assert words.startswith("Unknown in 1 of ") == (rows == 1)
    assert split.accuracy_of(series=UNREAD_CLIENT).is_bound == (rows == 1)


def test_a_column_of_a_file_says_how_the_least_exact_of_its_numbers_stands(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    why = "of some sessions, or rests of them, only tokens are known"
    by_tool = questions.measured(("tool_calls", "tool_error_rate"), "tool", WHOLE, "-tool_calls")
    split = trends.split(questions, "tool_calls", "tool", "day", WHOLE)
    sheets = [
        downloads.sheet_of(by_tool, "By tool"),
        downloads.sheet_of(questions.series(("tool_calls",), "day", WHOLE), "By day"),
        downloads.sheet_over_time(split.rows, "tool_calls", "tool", "day", split.accuracy),
    ]
    said = [
        {one.name: (one.accuracy, one.reason) for one in sheet.columns if one.kind != "date"}
        for sheet in sheets
    ]
    calls = ("at_least", why) if rows else ("exact", "")
    assert said[0]["tool"] == ("", "")
    assert [each["tool_calls"] for each in said] == [calls] * 3
    assert (said[0]["tool_error_rate"][0] == "about") == (rows == 1)
    without_limits = Answer(("client", "requests"), (("a", 1),))
    assert downloads.sheet_of(without_limits, "x").columns[1].accuracy == ""


def test_sums_of_sessions_are_lower_bounds_where_a_filter_by_tool_hides_unknown_tools(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    sums = questions.session_sums(Find(BASH))
    for line in (sums.listed, sums.others, sums.whole):
        assert accuracy("tool_calls", line.by_metric).is_bound == (rows == 1)


@pytest.mark.parametrize(
    "scope",
    [
        WHOLE,
        BASH,
        BASH.without("tool", "WebFetch"),
        WHOLE.without("tool", "Read"),
        BASH.only("credential_kind", "centralized", "byok", "Unknown"),
    ],
)
def test_a_session_of_some_unknown_tools_has_lower_bounds_under_any_filter_by_tool(
    tmp_path: Path, scope: Scope
) -> None:
    own = "SELECT session FROM tool_calls WHERE tool = 'Bash' AND grain = 'interception'"
    quiet = f"SELECT * FROM usage WHERE tool_calls = 0 AND session IN ({own})"
    with filled(tmp_path / "store.duckdb") as store:
        with store.write() as batch:
            batch.execute("DELETE FROM usage WHERE grain <> 'interception'")
            batch.execute("DELETE FROM tool_calls WHERE grain <> 'interception'")
        ((session, usage),) = store.rows(
            f"SELECT session, usage FROM ({quiet}) ORDER BY started_at, usage LIMIT 1"
        )
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET grain = 'session', requests = 0, prompts = 0"
                f" WHERE usage = {usage}"
            )
        with store.snapshot() as reader:
            rows = page(Snapshot(reader).ask(listing(Find(scope), limit=1000)), limit=1000).rows
    bounded = {
        name: {row.session for row in rows if session_list._accuracy(COLUMNS[name], row).is_bound}
        for name in ("tool_calls", "requests", "input")
    }
    assert bounded == {"tool_calls": {session}, "requests": {session}, "input": set()}
    assert {row.unread_rows for row in rows if row.session == session} == {1}
    assert len(rows) > 1


def test_the_numbers_of_a_whole_session_say_how_they_stand_by_themselves(tmp_path: Path) -> None:
    over = "(SELECT session FROM usage GROUP BY session HAVING max(started_at) > $1)"
    begun = f"SELECT session FROM usage WHERE started_at < $1 AND session IN {over}"
    with filled(tmp_path / "store.duckdb") as store, looking(store, END):
        with store.write() as batch:
            batch.execute("DELETE FROM usage WHERE grain <> 'interception'")
            batch.execute("DELETE FROM tool_calls WHERE grain <> 'interception'")
            batch.execute("UPDATE usage SET cost = coalesce(cost, 0) + 1, priced_tokens = input")
            batch.execute("UPDATE usage SET output = 0, cache_read = 0, cache_write = 0")
        ((middle,),) = store.rows(
            "WITH spans AS (SELECT min(started_at) AS since, max(started_at) AS until FROM usage"
            " WHERE session IS NOT NULL GROUP BY session) SELECT a.since FROM spans a JOIN spans b"
            " ON b.since < a.since AND a.since < b.until GROUP BY 1 ORDER BY count(*) DESC, 1"
            " LIMIT 1"
        )
        unpriced, summed, unread = (
            session for (session,) in store.rows(f"{begun} GROUP BY 1 ORDER BY 1 LIMIT 3", [middle])
        )
        with store.write() as batch:
            late = "started_at >= $1 AND session ="
            batch.execute(
                f"UPDATE usage SET cost = NULL, priced_tokens = 0 WHERE {late} {unpriced}", [middle]
            )
            batch.execute(f"UPDATE usage SET grain = 'thread' WHERE {late} {summed}", [middle])
            batch.execute(f"DELETE FROM usage WHERE session = {unread}")
            batch.execute(f"UPDATE sessions SET started_at = $1 WHERE session = {unread}", [BEGAN])
        find = Find(Scope(BEGAN - timedelta(days=4000), middle.replace(tzinfo=UTC)))
        listed = page(runner.current().ask(listing(find, limit=1000)), limit=1000).rows
        files = {
            one.name: (one.accuracy, one.reason)
            for one in session_list._sheet(find, Order()).columns
        }
    said = {
        name: {
            row.session: how.standing
            for row in listed
            if row.session in {unpriced, summed, unread}
            and (how := accuracy(COLUMNS[name].metric, row.numbers_of(COLUMNS[name]))) != EXACT
        }
        for name in ("cost", "whole_cost", "whole_requests", "whole_tokens")
    }
    assert said == {
        "cost": {unread: "unknown"},
        "whole_cost": {unpriced: "at_least", summed: "about", unread: "unknown"},
        "whole_requests": {summed: "at_least", unread: "unknown"},
        "whole_tokens": {summed: "about", unread: "about"},
    }
    assert files["cost"][0] == "exact"
    assert files["whole_requests"][0] == "at_least"
    assert files["whole_tokens"][0] == "about"
    assert files["whole_cost"][1].startswith("the price of some tokens is unknown; some sums of ")


def made(kind: type[Any], **numbers: Any) -> Any:
    """A row of a session or a request with these numbers; all others are none."""
    return kind(**{one.name: numbers.get(one.name, 0) for one in fields(kind)})


def test_numbers_of_a_thread_a_request_and_a_session_say_how_they_stand() -> None:
    numbers = {"input": 9, "requests": 2, "cost": 5, "unpriced_tokens": 4}
    summed, exact = (made(Thread, **numbers, summed_rows=sums) for sums in (1, 0))
    about = session_tables._thread_line(summed)
    assert about[-2:] == (Inexact(9, "about"), Inexact(5, "about"))
    assert about.count(Inexact(9, "about")) == 2
    assert session_tables.number(summed, "requests", 2) == Inexact(2, "at_least")
    assert session_tables._thread_line(exact)[-2:] == (9, Inexact(5, "at_least"))
    detail = {"priced_tokens": 9, "input": 9, "prompts": 1, "responses": 3, "cache_saving": 10**12}
    words = {
        grain: request._numbers(made(Detail, **detail, grain=grain, status="priced"))
        for grain in ("thread", "interception")
    }
    told = {grain: (each["Prompts"], each["Cache saving"]) for grain, each in words.items()}
    assert told == {"thread": ("at least 1", "about $1.00"), "interception": ("1", "$1.00")}
    unread = made(Head, input=9).by_metric
    assert accuracy("total_tokens", unread).standing == "about"
    known = made(Head, input=9, rows=2, exact_rows=2).by_metric
    assert accuracy("total_tokens", known) == EXACT


def test_costs_so_far_are_lower_bounds_from_the_first_call_without_a_price_on() -> None:
    facts_of_all = {
        "model": "",
        "status": "",
        "grain": "interception",
        "started_at": BEGAN,
        "provider": "openai",
    }
    priced = made(Call, **facts_of_all, input=9, cost=10**12, running_cost=10**12)
    unpriced = replace(priced, unpriced_tokens=9, cost=None, running_unpriced_tokens=9)
    after = replace(priced, running_unpriced_tokens=9)
    summed = replace(priced, grain="thread", running_summed_rows=1)
    look = Look(ZoneInfo("UTC"), text=False, words="", hit=None, turn="")
    said = []
    for call in (priced, unpriced, after, summed):
        cells = (
            session_transcript._row(call, (), "", look, dated=False).replace("\\", "").split("* *")
        )
        numbers = session_transcript._numbers(call)
        said.append(
            (
                cells[7:9],
                numbers.replace("\\", "").split(" · ")[4],
                [session_file._marked(name, call) for name in ("cost", "running_cost")],
            )
        )
    assert said == [
        (["$1.00 `cost`", "$1.00 `so far`"], "cost $1.00", ["1.00", "1.00"]),
        (["unpriced `cost`", "≥ $1.00 `so far`"], "cost unpriced", ["unpriced", "≥ 1.00"]),
        (["$1.00 `cost`", "≥ $1.00 `so far`"], "cost $1.00", ["1.00", "≥ 1.00"]),
        (["≈ $1.00 `cost`", "≈ $1.00 `so far`"], "cost ≈ $1.00", ["≈ 1.00", "≈ 1.00"]),
    ]
    mark = made(Mark, **{one.name: getattr(after, one.name) for one in fields(Mark)})
    assert session_tables._call_line(mark, {})[-1] == Inexact(10**12, "at_least")
    (step,) = session_charts._steps([mark], {})
    drawn = charts.running_cost([step]).to_dict()["datasets"]
    assert [row["exact_running_cost"] for rows in drawn.values() for row in rows] == ["≥ $1.00"]


def test_sessions_are_lower_bounds_while_the_session_of_some_request_is_not_known(
    tmp_path: Path,
) -> None:
    with filled(tmp_path / "store.duckdb") as store:
        with store.write() as batch:
            for table in ("usage", "tool_calls"):
                batch.execute(f"DELETE FROM {table} WHERE grain <> 'interception'")
                batch.execute(f"DELETE FROM {table} WHERE session IS NULL")
        standings = []
        for unlinked in ("FALSE", "tool_calls > 0"):
            with store.write() as batch:
                batch.execute(f"UPDATE usage SET session = NULL WHERE {unlinked}")
                batch.execute(f"UPDATE tool_calls SET session = NULL WHERE {unlinked != 'FALSE'}")
            with store.snapshot() as reader:
                questions = Snapshot(reader)
                by_tool = questions.measured(("sessions",), "tool", WHOLE, "-sessions")
                totals = [questions.totals(("sessions",), scope) for scope in (WHOLE, BASH)]
                standings.append(
                    {accuracy("sessions", row).standing for row in (*by_tool.records(), *totals)}
                )
    assert standings == [{"exact"}, {"at_least"}]
    assert set(by_tool.column("sessions")) == {0}
    assert accuracy("sessions", totals[0]).reasons[0].startswith("the session of ")


def test_a_filter_by_tool_leaves_what_is_not_known_where_it_is(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    days = bounds("tool_calls", questions.series(("tool_calls",), "day", BASH), "day")
    assert sum(days.values()) == rows
    is_bound = accuracy("requests", questions.totals(("requests",), BASH)).is_bound
    assert is_bound == (rows == 1)
    clients = questions.top(("tool_calls",), ("client",), BASH, rank_by="tool_calls", n=2)
    assert bounds("tool_calls", clients, "client") == {
        name: rows == 1 and name == "Other" for name in clients.column("client")
    }


def test_what_only_a_filter_by_tool_hides_has_not_come_from_nothing_or_gone_to_it(
    tmp_path: Path,
) -> None:
    with filled(tmp_path / "store.duckdb") as store:
        ((middle,),) = store.rows(
            "SELECT median(started_at) FROM tool_calls"
            " WHERE tool = 'Bash' AND grain = 'interception'"
        )
        early = "started_at < $1 AND client ="
        with store.write() as batch:
            batch.execute("DELETE FROM usage WHERE grain <> 'interception'")
            batch.execute("DELETE FROM tool_calls WHERE grain <> 'interception'")
            for table in ("usage", "tool_calls"):
                batch.execute(
                    f"UPDATE {table} SET client = CASE usage % 3 WHEN 0 THEN 'hidden'"
                    " WHEN 1 THEN 'new' ELSE 'both' END"
                )
                batch.execute(f"DELETE FROM {table} WHERE {early} 'new'", [middle])
            batch.execute(f"DELETE FROM tool_calls WHERE {early} 'hidden'", [middle])
            batch.execute(
                "UPDATE usage SET grain = 'session', requests = 0, prompts = 0, tool_calls = 0"
                f" WHERE {early} 'hidden'",
                [middle],
            )
        middle = middle.replace(tzinfo=UTC)
        periods = (replace(BASH, until=middle), replace(BASH, since=middle))
        with store.snapshot() as reader:
            questions = Snapshot(reader)
            forth, back = (
                {one.name: one for one in movers.changes(questions, "requests", ("client",), *pair)}
                for pair in (periods, periods[::-1])
            )
    assert set(forth) == set(back) == {"hidden", "new", "both"}
    for move in (forth["hidden"], back["hidden"]):
        assert 0 in {move.was, move.now}
        assert not move.is_comparable
    assert (forth["hidden"].was, forth["hidden"].before_accuracy.standing) == (0, "at_least")
    assert (forth["new"].was, forth["new"].before_accuracy) == (0, EXACT)
    assert forth["new"].in_words("requests")[2] == "new"
    assert [one.name for one in movers.largest(forth.values())] == ["new", "both"]


def test_active_people_are_lower_bounds_on_each_day_whose_window_has_an_unseen_person(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    days = bounds("requests", questions.series(("requests",), "day", WHOLE), "day")
    windows = questions_of_people.windows(questions, WHOLE, (1, 7, 28))
    assert {place for place, how in windows.accuracies.items() if how.is_bound} == {
        (day, size)
        for day in windows.people.column("day")
        for size in (1, 7, 28)
        if any(days.get(day - timedelta(days=back)) for back in range(size))
    }
    card, chart = adoption._stickiness(windows), adoption._phrases(windows)
    assert card.meaning.startswith("About ") == (rows == 1)
    assert len(chart) >= 3 * rows
    assert all(words.startswith("at least ") for words in chart.values())
    people, how = questions_of_people.cohorts(questions, WHOLE, 12)
    assert people.rows
    assert how.standing == ("about" if rows else "exact")
    assert adoption._counted(5, how) == ("about 5 people" if rows else "5 people")


def test_a_picture_of_a_report_says_how_each_of_its_numbers_stands(
    unread: tuple[int, Questions],
) -> None:
    rows, questions = unread
    course = trends.split(questions, "requests", "initiator", "month", WHOLE)
    months = tuple(dict.fromkeys(row[0] for row in course.rows))
    shown = Course("initiator", "month", months, None, course, {})
    drawn = svg_charts.picture(shown, "UTC")
    unseen = [month for month, _ in course.accuracies] or months
    assert drawn.bounds.startswith("Lower bounds in 1 of ") == (rows == 1)
    said = {
        "words": "with at least" in svg_charts._in_words(shown, {unseen[0]: 1}, "UTC"),
        "bars": any("at least" in bar.exactly for bar in drawn.bars),
        "legend": any("at least" in entry.exactly for entry in drawn.legend),
        "numbers": any(entry.value.startswith("≥") for entry in drawn.legend),
    }
    assert set(said.values()) == {rows == 1}, said


def _chosen() -> Chosen:
    scope = Scope(BEGAN, BEGAN + timedelta(days=7))
    before = Scope(BEGAN - timedelta(days=7), BEGAN)
    return Chosen(scope, before, "7d", running=False)
