"""The page that compares two of a kind, without a browser: numbers, addresses, files."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import shown_tables
from dashboard_store import filled, looking
from facts import KINDS, Row, facts
from slow_cases import one_fast
from streamlit.testing.v1 import AppTest

from bridgeboard import formats
from bridgeboard.analysis import comparison
from bridgeboard.model import periods
from bridgeboard.model.accuracy import Accuracy, accuracy, limits
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select
from bridgeboard.store import Store
from bridgeboard.ui.views import compare

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
COLUMNS = {"people": "person", "models": "model", "clients": "client", "teams": "team"}
NOBODY = {"team": "Unassigned"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened, looking(opened, END):
        yield opened


def app(**query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in query.items():
        test.query_params[name] = values
    test.query_params.setdefault("tz", "UTC")
    test.switch_page("pages/compare.py")
    return test.run()


def said(test: AppTest) -> str:
    kinds = ("title", "header", "markdown", "caption", "text", "error", "warning", "info")
    told = [str(element.value) for kind in kinds for element in test.get(kind)]
    return "\n".join(told).replace("\\", "").replace("\u2060", "")


def board(test: AppTest) -> dict[str, list[str]]:
    """Label → the cells of A, B, difference and ratio."""
    return {name: cells for name, *cells in shown_tables.table(test, "beside").lines}


def valued(name: str) -> dict[str, list[Row]]:
    """The requests of each value of a column."""
    found: dict[str, list[Row]] = {}
    for row in facts().usage:
        found.setdefault(row[name] or NOBODY.get(name, "Unknown"), []).append(row)
    return found


def tokens(rows: list[Row]) -> int:
    return sum(row[kind] for row in rows for kind in KINDS)


def largest(name: str) -> list[str]:
    told = valued(name)
    return sorted(told, key=lambda value: -tokens(told[value]))


@pytest.mark.parametrize("word", COLUMNS)
def test_without_a_choice_the_two_that_used_most_are_compared(store: Store, word: str) -> None:
    assert store
    name = COLUMNS[word]
    test = app(what=word)
    assert not test.exception
    assert not test.error
    first, second = largest(name)[:2]
    assert [test.selectbox(key=f"compare-{side}").value for side in "ab"] == [first, second]
    a, b = (tokens(valued(name)[value]) for value in (first, second))
    # Some of it is known as sums only.
    assert board(test)["Tokens"] == [
        f"≈ {words}"
        for words in (
            formats.compact(a),
            formats.compact(b),
            formats.difference(b - a, "count"),
            formats.ratio(b / a),
        )
    ]


def test_a_link_names_both_sides_on_a_cold_server(store: Store) -> None:
    assert store
    first, second = largest("person")[3:5]
    test = app(what="people", a=first, b=second)
    counted = [
        formats.compact(sum(row["requests"] for row in valued("person")[name]))
        for name in (first, second)
    ]
    # Some of their usage is known as sums only.
    assert board(test)["Requests"][:2] == [f"≥ {count}" for count in counted]
    assert app(what="PEOPLE", a=first, b=second).selectbox(key="compare-b").value == second


def test_every_number_is_that_of_the_vocabulary(store: Store) -> None:
    first, second = largest("model")[:2]
    test = app(what="models", a=first, b=second, range="Last 7 days")
    scope = periods.scope("7d", END.date(), "UTC")
    both = [scope.only("model", value) for value in (first, second)]
    names = (*comparison.COMPARED, *limits(comparison.COMPARED))
    told = [dict(zip(names, store.rows(*select(names, (), one))[0], strict=True)) for one in both]
    shown = board(test)
    for name in comparison.COMPARED:
        one = METRICS[name]
        assert shown[one.label][:2] == [
            formats.number(side[name], one.format, accuracy(name, side).standing) for side in told
        ]
    for cell, model in zip(shown["Spend"], (first, second), strict=False):
        rows = [row for row in valued("model")[model] if row["started_at"] >= scope.since]
        mark = ""
        if any(row["grain"] != "interception" for row in rows):
            mark = formats.ABOUT
        elif tokens(rows) > sum(row["priced_tokens"] or 0 for row in rows):
            mark = formats.AT_LEAST
        assert cell.removeprefix(mark).startswith("$"), (model, mark)


def test_filters_narrow_both_but_not_what_the_page_names_itself(store: Store) -> None:
    assert store
    first, second = largest("person")[:2]
    client = next(row["client"] for row in valued("person")[first] if row["client"])
    narrowed = app(what="people", a=first, b=second, clients=client)
    of_client = [
        sum(row["requests"] for row in valued("person")[name] if row["client"] == client)
        for name in (first, second)
    ]
    shown = [
        text.removeprefix(formats.AT_LEAST).strip() for text in board(narrowed)["Requests"][:2]
    ]
    assert shown == [formats.compact(count) for count in of_client]
    assert "does not apply" not in said(narrowed)
    plain, other = app(what="people", a=first, b=second), largest("person")[5]
    contrary = app(what="people", a=first, b=second, people=other)
    assert board(contrary) == board(plain)
    assert "The filter by person does not apply" in said(contrary)
    left_out = app(what="people", a=first, b=second, people=first, not_people="true")
    assert board(left_out) == board(plain)


def test_one_that_the_address_does_not_name_is_the_largest_other(store: Store) -> None:
    assert store
    first = largest("person")[0]
    test = app(what="people", b=first)
    assert test.selectbox(key="compare-a").value == largest("person")[1]
    assert test.selectbox(key="compare-b").value == first


@pytest.mark.parametrize("named", ["no such model", "\u202e'; DROP TABLE usage; --"])
def test_a_side_that_nobody_has_used_has_nothing_and_no_ratio(store: Store, named: str) -> None:
    assert store
    test = app(what="models", a=named)
    assert not test.exception
    assert not test.error
    shown = board(test)
    assert shown["Requests"][0] == "0"
    assert shown["Requests"][3] == formats.DASH
    assert shown["Cache hit rate"][0] == formats.DASH
    assert shown["Cache hit rate"][2] == formats.DASH


@pytest.mark.parametrize("what", one_fast(["", "x", "Sessionss", "\u202e"], fast="\u202e"))
def test_an_unknown_kind_is_taken_for_people(store: Store, what: str) -> None:
    assert store
    test = app(what=what)
    assert not test.exception
    assert [test.selectbox(key=f"compare-{side}").value for side in "ab"] == largest("person")[:2]


def test_the_same_on_both_sides_asks_for_another(store: Store) -> None:
    assert store
    first = largest("person")[0]
    test = app(what="people", a=first, b=first)
    assert "Both sides are the same" in said(test)


def test_a_choice_and_another_kind_are_followed(store: Store) -> None:
    assert store
    test = app(what="people")
    other = largest("person")[4]
    test.selectbox(key="compare-b").set_value(other).run()
    assert test.selectbox(key="compare-a").value == largest("person")[0]
    assert test.selectbox(key="compare-b").value == other
    test.get("button_group")[0].set_value("teams").run()
    assert [test.selectbox(key=f"compare-{side}").value for side in "ab"] == largest("team")[:2]


def test_the_course_is_two_lines_whose_points_add_up_to_the_table(store: Store) -> None:
    assert store
    first, second = largest("person")[:2]
    test = app(what="people", a=first, b=second, **{"beside-show": "Requests"})
    (chart,) = test.get("vega_lite_chart")
    spec = json.loads(chart.proto.spec)
    marks = {layer["mark"]["type"] for layer in spec["layer"]}
    assert marks == {"line", "point"}
    fold = test.expander[0]
    assert fold.label == "Table and download"


@pytest.mark.parametrize(
    ("shown", "page"), [("Requests", "Interceptions"), ("Sessions", "Sessions")]
)
def test_a_day_of_the_course_leads_to_what_a_side_did_on_it(
    store: Store, shown: str, page: str
) -> None:
    assert store
    pair = largest("person")[:2]
    summed = [row for row in valued("person")[pair[1]] if row["grain"] == "action"]
    day = max(row["started_at"].date() for row in summed)
    query = {"beside-show": shown, "beside-at": str(day)}
    test = app(what="people", a=pair[0], b=pair[1], **query)
    assert not test.exception
    drawn = shown_tables.table(test, "beside-within")
    own = [
        [row for row in valued("person")[name] if row["started_at"].date() == day] for name in pair
    ]
    if shown == "Requests":
        counted = [sum(row["requests"] for row in rows) for rows in own]
        has_sums = [any(row["grain"] == "action" for row in rows) for rows in own]
        assert any(has_sums)
        assert drawn.column("Requests") == [
            formats.number(n, "count", "at_least" if is_bound else "exact")
            for n, is_bound in zip(counted, has_sums, strict=True)
        ]
        assert drawn.whole("Person") == list(pair)
        assert drawn.whole("Requests") == [
            f"{'at least' if is_bound else 'exactly'} {n}"
            for n, is_bound in zip(counted, has_sums, strict=True)
        ]
    assert drawn.meaning("Person") == f"Opens its {shown.lower()} of that day."
    for address, name in zip(drawn.links("Person"), pair, strict=True):
        led, _, query = address.partition("?")
        assert led == page.lower()
        assert parse_qs(query) == {
            "from": [str(day)], "to": [str(day)], "person": [name], "tz": ["UTC"],
        }  # fmt: skip
    drop = test.button(key="clear-beside").click().run()
    assert drop.selectbox(key="beside-at").value is None


@pytest.mark.parametrize(
    "at", one_fast(["", "2026-13-01", "x", "1990-01-01", "<script>"], fast="1990-01-01")
)
def test_what_is_no_day_of_the_course_is_ignored(store: Store, at: str) -> None:
    assert store
    test = app(what="people", **{"beside-at": at})
    assert not test.exception
    assert not test.error
    assert test.selectbox(key="beside-at").value is None


def test_what_was_recorded_in_no_time_says_so(store: Store) -> None:
    assert store
    day = (END - timedelta(days=400)).date().isoformat()
    test = app(what="people", range="Custom days", dates=[day, day])
    assert not test.exception
    assert not test.error
    assert "Two are needed to compare" in said(test)


# Sessions


def longest() -> list[Row]:
    """The sessions that a request is known of, the largest first."""
    own: dict[int, list[Row]] = {}
    for row in facts().usage:
        if row["session"] is not None:
            own.setdefault(row["session"], []).append(row)
    ranked = sorted(own, key=lambda key: -tokens(own[key]))
    by_key = {row["session"]: row for row in facts().sessions}
    return [by_key[key] | {"own": own[key]} for key in ranked]


def link(session: Row) -> str:
    return (
        f"https://there.example/session?tz=UTC&id={session['id']}&person={session['initiator_id']}"
    )


def test_without_a_choice_the_two_largest_sessions_are_compared(store: Store) -> None:
    assert store
    test = app(what="sessions")
    assert not test.exception
    assert not test.error
    shown = board(test)
    assert shown["Tokens"][:2] == [
        f"≈ {formats.compact(tokens(one['own']))}" for one in longest()[:2]
    ]
    assert "period and filters do not apply" in said(test)


def test_sessions_are_named_by_ids_or_by_links_whatever_the_filters_say(store: Store) -> None:
    assert store
    first, second = longest()[4:6]
    test = app(what="sessions", a=first["id"], b=link(second), range="Today", clients="nothing")
    counted = [
        formats.compact(sum(row["requests"] for row in one["own"])) for one in (first, second)
    ]
    assert board(test)["Requests"][:2] == [f"≥ {count}" for count in counted]


@pytest.mark.parametrize(
    "named", one_fast(["nothing", "session?id=x&person=y", "http://[", "x" * 5_000])
)
def test_a_session_that_is_not_there_says_so(store: Store, named: str) -> None:
    assert store
    test = app(what="sessions", a=named)
    assert not test.exception
    assert not test.error
    assert "Session A is not here" in said(test)


def test_of_an_id_that_several_people_used_the_newest_is_taken_and_told(store: Store) -> None:
    first, second, third = longest()[:3]
    with store.write() as batch:
        batch.execute("UPDATE sessions SET id = $1 WHERE id = $2", [first["id"], second["id"]])
    newest = max((first, second), key=lambda one: one["started_at"])
    test = app(what="sessions", a=first["id"], b=third["id"])
    assert "1 other person used the ID of session A" in said(test)
    assert board(test)["Tokens"][0] == f"≈ {formats.compact(tokens(newest['own']))}"
    named = app(what="sessions", a=link(first), b=third["id"])
    assert "other person" not in said(named)
    assert board(named)["Tokens"][0] == f"≈ {formats.compact(tokens(first['own']))}"


# Files


def test_files_hold_both_sides_with_all_digits(store: Store) -> None:
    first, second = largest("person")[:2]
    scope = Scope.days(END.date() - timedelta(days=29), END.date())
    told = [
        dict(
            zip(
                comparison.COMPARED,
                store.rows(
                    *select(comparison.COMPARED, (), compare.scope(scope, "initiator", name))
                )[0],
                strict=True,
            )
        )
        for name in (first, second)
    ]
    bound = Accuracy("at_least", ("some of it is not known",))
    lines = comparison.compared_lines(*told, comparison.COMPARED)
    sheet = compare.sheet(lines, (first, second), "Two", [{}, {"spend": bound}])
    said = {one.name: one.accuracy for one in sheet.columns if one.accuracy != "exact"}
    assert said == {"side": "", "of": "", "spend": "about", "spend_ratio": "about"}
    place = [column.name for column in sheet.columns].index("total_tokens")
    a, b = (tokens(valued("person")[name]) for name in (first, second))
    assert [row[place] for row in sheet.rows] == [a, b, b - a]
    assert sheet.headers[place + 1] == "total_tokens_ratio"
    assert [row[place + 1] for row in sheet.rows] == [None, b / a, None]
    assert [row[1] for row in sheet.rows] == [first, second, ""]
    assert sheet.cells()
