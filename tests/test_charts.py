"""Colours that stay, and charts that hold what they were given."""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import combinations, product
from math import dist
from typing import Any
from unittest.mock import Mock

import altair as alt
import pandas as pd
import pytest
from altair.utils.schemapi import SchemaBase
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard import charts, formats
from bridgeboard.charts import NEUTRAL, NOBODY, RING, Course, over_time
from bridgeboard.model import pages
from bridgeboard.model.periods import buckets
from bridgeboard.model.scope import Scope

USD = 10**12
GROUNDS = ("#ffffff", "#0f1319")
FIRST = date(2026, 10, 26)
DAY = timedelta(days=1)
laws = tried(40)
NAMES = st.lists(st.text(max_size=40), unique=True, max_size=30)
FEW = st.lists(st.text(max_size=40), unique=True, min_size=1, max_size=6)
VALUES = st.one_of(st.none(), st.just(0), st.integers(0, 10**15))


def linear(colour: str) -> list[float]:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def contrast(one: str, other: str) -> float:
    """As WCAG 2 has it."""
    weights = (0.2126, 0.7152, 0.0722)
    lights = sorted(
        sum(weight * part for weight, part in zip(weights, linear(colour), strict=True)) + 0.05
        for colour in (one, other)
    )
    return lights[1] / lights[0]


def lab(colour: str) -> tuple[float, float, float]:
    """CIE L*a*b* under D65."""
    red, green, blue = linear(colour)
    x = (0.4124564 * red + 0.3575761 * green + 0.1804375 * blue) / 0.95047
    y = 0.2126729 * red + 0.7151522 * green + 0.0721750 * blue
    z = (0.0193339 * red + 0.1191920 * green + 0.9503041 * blue) / 1.08883
    fx, fy, fz = (
        part ** (1 / 3) if part > 216 / 24389 else (24389 / 27 * part + 16) / 116
        for part in (x, y, z)
    )
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def test_every_colour_stands_out_from_both_grounds() -> None:
    pairs = product([*RING, NEUTRAL], GROUNDS)
    assert [pair for pair in pairs if contrast(*pair) < 3] == []


def test_the_colours_are_different_and_the_first_are_told_apart_at_a_glance() -> None:
    assert len(set(RING) | {NEUTRAL}) == len(RING) + 1 >= 13
    # A difference of 2.3 is just noticeable (CIE76). Small areas that do not touch, as marks and
    # their legend, need several times as much: ten times for those that come first.
    assert min(dist(lab(one), lab(other)) for one, other in combinations(RING[:10], 2)) > 23
    assert min(dist(lab(one), lab(other)) for one, other in combinations(RING[:12], 2)) > 20
    assert min(dist(lab(one), lab(other)) for one, other in combinations([*RING, NEUTRAL], 2)) > 10


def placed(names: Sequence[str]) -> dict[str, int]:
    return {name: place for place, name in enumerate(names)}


@given(NAMES, NAMES, st.randoms())
def test_a_name_keeps_its_colour_when_others_are_new(
    names: list[str], later: list[str], chance: Any
) -> None:
    every = [*names, *(name for name in later if name not in names)]
    shown = [name for name in names if chance.random() < 0.7]
    before = charts.colours(shown, placed(names))
    assert charts.colours(shown, placed(every)) == before
    together = charts.colours(chance.sample(every, len(every)), placed(every))
    assert {name: together[name] for name in names} == charts.colours(names, placed(names))


@given(NAMES)
def test_the_order_in_which_names_are_asked_for_does_not_matter(names: list[str]) -> None:
    told = charts.colours(names, placed(names))
    assert list(told) == names
    assert charts.colours(names[::-1], placed(names)) == told


@given(st.lists(st.text(min_size=1), unique=True, max_size=len(RING)), st.integers(0, 100))
def test_names_of_one_picture_have_colours_of_their_own(names: list[str], others: int) -> None:
    known = placed([*(f"another {number}" for number in range(others)), *names[::2]])
    told = charts.colours(names, known)
    somebody = [name for name in names if name not in NOBODY]
    assert len({told[name] for name in somebody}) == len(somebody)
    assert {told[name] for name in somebody} <= set(RING)


def test_names_have_the_colours_of_their_places_as_far_as_there_are_any() -> None:
    names = [f"model {number}" for number in range(len(RING))]
    assert list(charts.colours(names, placed(names)).values()) == list(RING)
    assert charts.colours(["model 3"], placed(names)) == {"model 3": RING[3]}


@pytest.mark.parametrize("name", sorted(NOBODY))
def test_what_is_no_one_thing_is_neutral_and_takes_no_place(name: str) -> None:
    told = charts.colours([name, "a", "b"], placed([name, "a", "b"]))
    assert told == {name: NEUTRAL, "a": RING[0], "b": RING[1]}
    assert charts.colours([name], {}) == {name: NEUTRAL}
    assert charts.colours(["a", "b"], placed(["a", name, "b"])) == {"a": RING[0], "b": RING[1]}


def course(names: Sequence[str], days: int = 5, **changes: Any) -> Course:
    told: dict[str, Any] = {
        "label": "Requests",
        "kind": "count",
        "grain": "day",
        "buckets": [FIRST + place * DAY for place in range(days)],
        "running": False,
        "colours": {name: RING[place % len(RING)] for place, name in enumerate(names)},
        "stacked": True,
    }
    return Course(**(told | changes))


def spec(chart: alt.LayerChart | alt.Chart) -> dict[str, Any]:
    """The chart as the browser gets it, through JSON."""
    chart.to_dict()  # the schema's word on it
    return dict(json.loads(json.dumps(charts.spec(chart))))


def data(told: Mapping[str, Any], layer: Mapping[str, Any]) -> list[dict[str, Any]]:
    name = layer.get("data", told.get("data"))["name"]
    return list(told["datasets"][name])


def parts(told: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    """The rows of every layer."""
    return [data(told, layer) for layer in told["layer"]]


@laws
@given(
    names=FEW,
    more=st.data(),
    running=st.booleans(),
    kind=st.sampled_from(["count", "money", "rate", "seconds"]),
)
def test_bars_hold_all_that_was_given_but_nothings(
    names: list[str], more: st.DataObject, *, running: bool, kind: str
) -> None:
    told = course(names, running=running, kind=kind)
    rows = [(day, name, more.draw(VALUES)) for day in told.buckets for name in names]
    (shown,) = parts(spec(over_time(rows, told)))
    scale = USD if kind == "money" else 1
    assert [(row["bucket"], row["series"], row["value"]) for row in shown] == [
        (day.isoformat(), name, value / scale) for day, name, value in rows if value
    ]
    last = told.buckets[-1].isoformat()
    assert {row["bucket"] for row in shown if row["running"]} <= ({last} if running else set())
    assert all(row["running"] == (running and row["bucket"] == last) for row in shown)
    assert all(row["place"] == names.index(row["series"]) for row in shown)


@laws
@given(names=FEW, more=st.data(), running=st.booleans())
def test_lines_hold_all_that_was_given_and_leave_a_gap_for_the_unknown(
    names: list[str], more: st.DataObject, *, running: bool
) -> None:
    told = course(names, running=running, stacked=False)
    rows = [(day, name, more.draw(VALUES)) for day in told.buckets for name in names]
    ended, tail = parts(spec(over_time(rows, told)))
    every = [(day.isoformat(), name, value) for day, name, value in rows]
    last = [day.isoformat() for day in told.buckets[-2:]]
    expected = [row for row in every if not running or row[0] != last[1]]
    assert [(row["bucket"], row["series"], row["value"]) for row in ended] == expected
    joint = [row for row in every if running and row[0] in last]
    assert [(row["bucket"], row["series"], row["value"]) for row in tail] == joint


@pytest.mark.parametrize("stacked", [True, False])
def test_an_unknown_number_is_no_zero(*, stacked: bool) -> None:
    told = course(["a"], stacked=stacked)
    rows = [(day, "a", value) for day, value in zip(told.buckets, (1, None, 0, 2, 3), strict=True)]
    values = [row["value"] for row in parts(spec(over_time(rows, told)))[0]]
    assert values == ([1, 2, 3] if stacked else [1, None, 0, 2, 3])


def condition(encoding: Mapping[str, Any], name: str) -> tuple[Any, Any, Any]:
    told = encoding[name]
    return told["condition"]["test"], told["condition"]["value"], told["value"]


def test_the_running_bar_is_dashed_and_pale() -> None:
    told = course(["a", "b"], running=True)
    rows = [(day, name, 1) for day in told.buckets for name in "ab"]
    (layer,) = spec(over_time(rows, told))["layer"]
    encoding = layer["encoding"]
    assert condition(encoding, "strokeDash") == ("datum.running", [4, 3], [0])
    test, pale, full = condition(encoding, "opacity")
    assert (test, full) == ("datum.running", 1)
    assert 0 < pale < full
    assert condition(encoding, "strokeWidth")[2] == 0 < condition(encoding, "strokeWidth")[1]


def test_the_step_to_a_running_stretch_is_a_dashed_line() -> None:
    told = course(["a", "b"], running=True, stacked=False)
    rows = [(day, name, 1) for day in told.buckets for name in "ab"]
    whole, dashed = spec(over_time(rows, told))["layer"]
    assert dashed["mark"]["strokeDash"] == [4, 3]
    assert "strokeDash" not in whole["mark"]


@pytest.mark.parametrize("stacked", [True, False])
@pytest.mark.parametrize("running", [True, False])
def test_the_axis_has_every_stretch_in_order_whatever_the_rows_are(
    *, stacked: bool, running: bool
) -> None:
    told = course(["a", "b"], days=30, stacked=stacked, running=running)
    keys = [day.isoformat() for day in told.buckets]
    for rows in ([], [(told.buckets[7], "b", 5)], [(told.buckets[-1], "a", 0)]):
        for layer in spec(over_time(rows, told))["layer"]:
            axis = layer["encoding"]["x"]
            assert axis["scale"]["domain"] == keys
            assert axis["sort"] is None
            assert layer["encoding"]["color"]["scale"] == {
                "domain": ["a", "b"],
                "range": [RING[0], RING[1]],
            }


@pytest.mark.parametrize("stacked", [True, False])
def test_what_adds_up_is_stacked_and_nothing_else(*, stacked: bool) -> None:
    told = course(["a", "b"], stacked=stacked)
    for layer in spec(over_time([(FIRST, "a", 1)], told))["layer"]:
        assert bool(layer["encoding"]["y"]["stack"]) == stacked


@pytest.mark.parametrize("stacked", [True, False])
def test_nothing_at_all_can_be_drawn(*, stacked: bool) -> None:
    told = course([], days=0, stacked=stacked, running=True)
    assert not any(parts(spec(over_time([], told))))


def words(told: Mapping[str, Any]) -> dict[str, str]:
    """What the axis calls each stretch of time."""
    expression = told["layer"][0]["encoding"]["x"]["axis"]["labelExpr"]
    found: dict[str, str] = json.loads(expression.removesuffix("[datum.value]"))
    return found


@pytest.mark.parametrize(
    ("grain", "shown"),
    [("day", "5 Oct"), ("week", "5 Oct 26"), ("month", "Oct 2026")],
)
def test_stretches_of_time_are_told_in_words(grain: str, shown: str) -> None:
    told = course(["a"], grain=grain, buckets=[date(2026, 10, 5)])
    chart = spec(over_time([(date(2026, 10, 5), "a", 1)], told))
    assert words(chart) == {"2026-10-05": shown}
    assert parts(chart)[0][0]["when"] == shown


@pytest.mark.parametrize(
    ("zone", "first", "last"),
    [
        ("UTC", "Sun 00:00", "Sun 23:00"),
        ("Europe/Berlin", "Sun 00:00", "Sun 23:00"),
        ("Asia/Kathmandu", "Sun 00:00", "Sun 23:00"),
        ("Pacific/Chatham", "Sun 00:00", "Sun 23:00"),
    ],
)
def test_hours_are_those_of_the_clocks_of_the_zone(zone: str, first: str, last: str) -> None:
    scope = Scope.days(date(2026, 10, 25), date(2026, 10, 25), zone)
    every: Any = buckets(scope, "hour")
    told = course(["a"], grain="hour", buckets=every, zone=zone)
    shown = words(spec(over_time([(every[0], "a", 1)], told)))
    assert list(shown) == [hour.isoformat() for hour in every]
    assert (shown[every[0].isoformat()], shown[every[-1].isoformat()]) == (first, last)


def test_an_hour_that_clocks_show_twice_has_its_offset_on_the_axis_and_where_one_points() -> None:
    zone = "America/New_York"
    scope = Scope.days(date(2026, 11, 1), date(2026, 11, 1), zone)
    every: Any = buckets(scope, "hour")
    chart = spec(
        over_time(
            [(at, "a", 1) for at in every], course(["a"], grain="hour", buckets=every, zone=zone)
        )
    )
    shown = list(words(chart).values())
    assert len(every) == 25
    assert shown[:4] == ["Sun 00:00", "Sun 01:00 -04:00", "Sun 01:00 -05:00", "Sun 02:00"]
    assert chart["layer"][0]["encoding"]["x"]["axis"]["title"] == f"{zone} (-04:00 then -05:00)"
    pointed = [row["when"] for row in parts(chart)[0]]
    assert pointed[1:3] == ["1 Nov 2026, 01:00 -04:00", "1 Nov 2026, 01:00 -05:00"]


def test_the_hours_of_a_week_have_no_offsets_that_say_nothing() -> None:
    scope = Scope.days(date(2026, 6, 1), date(2026, 6, 8), "Europe/Berlin")
    every: Any = buckets(scope, "hour")
    told = course(["a"], grain="hour", buckets=every, zone=scope.zone)
    assert not [word for word in words(spec(over_time([], told))).values() if "+" in word]


LONG = "us.anthropic.claude-sonnet-4-5-and-much-more-20250929-v1:0"
ALIKE = "us.anthropic.claude-sonnet-4-5-not-much-else-20250929-v1:0"


def legend(told: Mapping[str, Any]) -> list[str]:
    found = {tuple(layer["encoding"]["color"]["scale"]["domain"]) for layer in told["layer"]}
    assert len(found) == 1
    return list(*found)


@pytest.mark.parametrize("stacked", [True, False])
def test_a_long_name_is_short_in_the_legend_and_whole_in_the_tooltip(*, stacked: bool) -> None:
    told = course([LONG, "b"], stacked=stacked)
    chart = spec(over_time([(FIRST, LONG, 1)], told))
    (row,) = parts(chart)[0]
    assert (row["series"], row["whole"]) == (LONG, LONG)
    assert row["name"] == legend(chart)[0]
    assert len(row["name"]) <= 48
    assert row["name"].startswith("us.anthropic.")
    assert row["name"].endswith("-v1:0")
    for layer in chart["layer"]:
        assert [part["field"] for part in layer["encoding"]["tooltip"]] == [
            "when",
            "whole",
            "exactly",
        ]
        assert layer["encoding"]["color"]["field"] == "name"


@laws
@given(names=NAMES, stacked=st.booleans())
def test_no_two_series_have_one_name_in_the_legend(names: list[str], *, stacked: bool) -> None:
    names = [*names, LONG, ALIKE, "\x1b", "␛"]
    names = list(dict.fromkeys(names))
    told = course(names, stacked=stacked)
    chart = spec(over_time([(FIRST, name, 1) for name in names], told))
    found = legend(chart)
    assert len(set(found)) == len(names)
    assert all(len(name) <= 48 for name in found)
    assert [row["name"] for row in parts(chart)[0]] == found
    assert [row["series"] for row in parts(chart)[0]] == names


HOSTILE = "user\u202efdp.exe\x1b[31m\u200b"


def test_a_hostile_name_is_made_visible_wherever_it_is_shown() -> None:
    told = course([HOSTILE, "b"])
    chart = spec(over_time([(FIRST, HOSTILE, 1)], told))
    (row,) = parts(chart)[0]
    shown = [row["whole"], row["name"], *legend(chart), charts.legend(told)]
    assert not set("\u202e\x1b\u200b") & set("".join(shown))
    assert "RIGHT-TO-LEFT OVERRIDE" in row["whole"]
    # What a click chooses is the name as it is in the store.
    assert row["series"] == HOSTILE


@pytest.mark.parametrize("stacked", [True, False])
def test_a_click_chooses_a_series(*, stacked: bool) -> None:
    told = course(["a", "b"], stacked=stacked)
    chart = spec(over_time([(FIRST, "a", 1)], told))
    parameter, zoom = chart["params"]
    assert (parameter["name"], parameter["select"]["fields"]) == ("picked", ["series"])
    assert parameter["select"]["type"] == "point"
    assert (zoom["name"], zoom["select"]) == ("zoomed", {"type": "interval", "encodings": ["x"]})


BEFORE = (
    charts.Previous(FIRST, FIRST - 30 * DAY, 4, "4"),
    charts.Previous(FIRST + DAY, FIRST - 29 * DAY, None, "not known"),
)


@pytest.mark.parametrize("stacked", [True, False])
def test_the_period_before_is_a_line_behind_at_the_same_places(*, stacked: bool) -> None:
    told = course(["a"], days=2, stacked=stacked, previous=BEFORE)
    chart = spec(over_time([(FIRST, "a", 1)], told))
    pointed, line, *now = chart["layer"]
    for rows in parts(chart)[:2]:
        (row,) = rows
        assert (row["bucket"], row["value"]) == (FIRST.isoformat(), 4)
        assert (row["when"], row["exactly"]) == (formats.day(FIRST - 30 * DAY), "4")
    # It has no area, which would tower over a quiet day, and stands out from both grounds.
    assert line["mark"]["type"] == ("tick" if stacked else "line")
    assert (line["mark"]["color"], line["mark"].get("opacity", 1)) == (NEUTRAL, 1)
    assert "y2" not in line["encoding"]
    # Two pixels are hard to hit: what is pointed at is all that stands above and below them.
    assert pointed["mark"]["opacity"] == 0
    assert "tooltip" in pointed["encoding"]
    assert [one["mark"]["aria"] for one in (pointed, line)] == [False, False]
    assert {"now"} == {one["name"] for one in now if "name" in one}
    assert [view for one in chart["params"] for view in one["views"]] == ["now", "now"]


def test_a_single_series_has_a_legend_only_beside_the_period_before() -> None:
    assert not charts.legend(course(["a"]))
    assert not charts.legend(course(["a"], previous=BEFORE[1:]))
    assert charts.legend(course(["a", "b"])).count("<span>") == 2
    both = charts.legend(course(["a"], previous=BEFORE, previous_name="Last month <1-9 Nov>"))
    assert both.count("<span>") == 2
    assert f'<i class="line" style="color:{NEUTRAL}"></i>Last month &lt;1-9 Nov&gt;' in both


def test_the_legend_shows_names_as_text_beside_their_colours() -> None:
    told = course(["<img src=x onerror=alert(1)>", "a & b"])
    shown = charts.legend(told)
    assert "<img" not in shown
    assert "&lt;img src=x onerror=alert(1)&gt;" in shown
    assert "a &amp; b" in shown
    assert all(colour in shown for colour in told.colours.values())


@pytest.mark.parametrize("stacked", [True, False])
def test_a_quarter_of_days_of_all_series_is_at_most_a_thousand_marks(*, stacked: bool) -> None:
    names = [f"model {number}" for number in range(pages.TOP)] + ["Other (31)"]
    told = course(names, days=92, stacked=stacked, running=True)
    rows = [(day, name, 7) for day in told.buckets for name in names]
    assert len(names) == 9
    assert sum(map(len, parts(spec(over_time(rows, told))))) <= 1_000


@pytest.mark.parametrize("kind", ["money", "seconds"])
def test_less_than_one_is_not_told_in_thousandths_which_look_like_millions(kind: str) -> None:
    told = course(["a"], kind=kind)
    (layer,) = spec(over_time([(FIRST, "a", 1)], told))["layer"]
    axis = layer["encoding"]["y"]["axis"]
    mark = "$" if kind == "money" else ""
    assert axis["labelExpr"] == (
        f"abs(datum.value) < 1 ? format(datum.value, '{mark}~r')"
        f" : replace(format(datum.value, '{mark}~s'), 'G', 'B')"
    )


@pytest.mark.parametrize(
    ("kind", "value", "words"),
    [
        ("money", 1, "$0.000000000001"),
        ("money", 1_234_567_890_120_000_000_001, "$1,234,567,890.120000000001"),
        ("count", 2**62, "4,611,686,018,427,387,904"),
    ],
)
@pytest.mark.parametrize("stacked", [True, False])
def test_all_digits_are_there_where_the_reader_points(
    kind: str, value: int, words: str, *, stacked: bool
) -> None:
    chart = spec(over_time([(FIRST, "a", value)], course(["a"], kind=kind, stacked=stacked)))
    layer = chart["layer"][0]
    *_, told = layer["encoding"]["tooltip"]
    (row,) = data(chart, layer)
    assert row[told["field"]] == words
    assert "format" not in told


def every_picture() -> list[alt.Chart | alt.LayerChart]:
    """One of each kind, with all that can be in it."""
    days = [FIRST + place * DAY for place in range(4)]
    step = charts.Step(1, "1", 10, 10, 10)
    threads = pd.DataFrame(
        [("1", "exact", *[1] * 4)], columns=["thread", "standing", *charts.TOKEN_KINDS]
    )
    told = course(["a"], marks=[charts.Mark(FIRST, "found")], previous=BEFORE)
    spent = [(day, USD, "spent") for day in days[:2]]
    expected = [(day, USD, USD, USD, "expected") for day in days[2:]]
    return [
        *(over_time([(FIRST, "a", 1)], replace(told, stacked=on)) for on in (True, False)),
        charts.lines([(FIRST, "a", 1)], told, FIRST),
        charts.hours_of_week([1] * 168, "Tokens", "count", 3),
        *(charts.cohorts([(FIRST, FIRST, 1)], dark=dark) for dark in (True, False)),
        charts.month_end(spent, expected),
        charts.burn_down(spent, expected, spent, USD),
        charts.waterfall([("a", "A", USD, "more")], ("", "Whole", USD, "more"), "a"),
        charts.context_per_call([step], 1, [1]),
        charts.running_cost([step], 1, [1]),
        charts.tokens_per_thread(threads),
    ]


def test_no_channel_is_looked_for_in_the_schema(monkeypatch: pytest.MonkeyPatch) -> None:
    """A word or a dictionary in place of a channel takes longer than the rest of a chart."""
    looked_for = Mock(side_effect=AssertionError)
    monkeypatch.setattr(SchemaBase, "from_dict", looked_for)
    with pytest.raises(AssertionError):  # this is how Altair does it
        alt.Chart().encode(x="day:O")
    assert all(charts.spec(picture) for picture in every_picture())


def test_no_chart_has_whole_numbers_that_a_browser_cannot_hold() -> None:
    huge = 2**62
    step = charts.Step(1, "1", huge, huge, huge)
    columns = ["thread", "standing", *charts.TOKEN_KINDS]
    threads = pd.DataFrame([("1", "exact", *[huge] * 4)], columns=columns)
    for chart in (
        over_time([(FIRST, "a", huge)], course(["a"])),
        charts.hours_of_week([huge] * 168, "Tokens", "count"),
        charts.context_per_call([step]),
        charts.running_cost([step]),
        charts.tokens_per_thread(threads),
    ):
        rows = [row for rows in spec(chart)["datasets"].values() for row in rows]
        held = [value for row in rows for value in row.values() if isinstance(value, int)]
        assert all(abs(value) < 2**53 for value in held)


@pytest.mark.parametrize(
    ("bucket", "grain", "told"),
    [
        (datetime.fromisoformat("2026-03-29 01:00"), "hour", "29 Mar 2026, 03:00 +02:00"),
        (datetime.fromisoformat("2026-01-01 00:00"), "hour", "1 Jan 2026, 01:00 +01:00"),
        (date(2026, 3, 29), "day", "29 Mar 2026"),
        (date(2026, 3, 23), "week", "the week of 23 Mar 2026"),
        (date(2026, 3, 1), "month", "Mar 2026"),
    ],
)
def test_a_sentence_tells_a_stretch_by_the_clocks_of_the_zone(
    bucket: date, grain: str, told: str
) -> None:
    assert charts.when(bucket, grain, "Europe/Berlin") == told


def test_there_are_no_parts_of_people_on_an_axis() -> None:
    (layer,) = spec(over_time([(FIRST, "a", 1)], course(["a"])))["layer"]
    assert layer["encoding"]["y"]["axis"]["tickMinStep"] == 1


def test_money_is_drawn_in_dollars() -> None:
    (row,) = parts(spec(over_time([(FIRST, "a", 12 * USD)], course(["a"], kind="money"))))[0]
    assert row["value"] == 12


@laws
@given(st.lists(VALUES, min_size=168, max_size=168), st.sampled_from(["count", "money"]))
def test_the_hours_of_the_week_stand_where_they_are(values: list[int | None], kind: str) -> None:
    chart = spec(charts.hours_of_week(values, "Requests", kind))
    rows = data(chart, chart)
    assert [(row["day"], row["hour"]) for row in rows] == [
        (day, hour) for day in charts.WEEKDAYS for hour in range(24)
    ]
    scale = USD if kind == "money" else 1
    assert [row["value"] for row in rows] == [
        None if value is None else value / scale for value in values
    ]
    assert chart["encoding"]["y"]["sort"] == list(charts.WEEKDAYS)


def test_the_hours_of_the_week_begin_with_its_first_day() -> None:
    chart = spec(charts.hours_of_week(list(range(168)), "Requests", "count", week_start=6))
    assert "['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']" in str(chart)


def test_cohorts_stand_by_the_weeks_since_they_began_with_their_shares() -> None:
    first, second = date(2026, 10, 5), date(2026, 10, 12)
    week = timedelta(weeks=1)
    rows = [
        (first, first, 4),
        (first, first + week, 3),
        (first, first + 3 * week, 1),
        (second, second, 2),
        (second, second + 2 * week, 2),
    ]
    chart = spec(charts.cohorts(rows, dark=False))
    shown = parts(chart)
    assert shown[0] == shown[1]
    columns = ("cohort", "since", "people", "share")
    assert [tuple(row[name] for name in columns) for row in shown[0]] == [
        ("5 Oct (4)", 0, 4, 1),
        ("5 Oct (4)", 1, 3, 0.75),
        ("5 Oct (4)", 3, 1, 0.25),
        ("12 Oct (2)", 0, 2, 1),
        ("12 Oct (2)", 2, 2, 1),
    ]
    for layer in chart["layer"]:
        assert layer["encoding"]["y"]["sort"] == ["5 Oct (4)", "12 Oct (2)"]


def outlined(chart: Any) -> list[bool]:
    """Of each cell, whether it is the one that was chosen."""
    layer = chart.get("layer", [chart])[0]
    condition = layer["encoding"]["stroke"]["condition"]
    assert condition["test"] == "datum.chosen"
    assert condition["value"] == charts.RING[1]
    assert layer["mark"]["cursor"] == "pointer"
    return [row["chosen"] for row in data(chart, layer)]


def test_a_click_on_an_hour_chooses_it_and_the_chosen_one_lies_above_the_others() -> None:
    values = list(range(168))
    plain = spec(charts.hours_of_week(values, "Requests", "count"))
    (parameter,) = plain["params"]
    assert (parameter["name"], parameter["select"]["fields"]) == ("picked", ["place"])
    assert not any(outlined(plain))
    chosen = spec(charts.hours_of_week(values, "Requests", "count", 38))
    assert outlined(chosen) == [False] * 167 + [True]
    last = data(chosen, chosen)[-1]
    assert (last["day"], last["hour"], last["place"], last["value"]) == ("Tue", 14, 38, 38)


def test_a_click_on_a_cohort_chooses_its_cell() -> None:
    first, week = date(2026, 12, 28), timedelta(weeks=1)
    rows = [(first, first, 4), (first, first + week, 3), (first + week, first + week, 1)]
    for chosen in (None, (first, first + week)):
        chart = spec(charts.cohorts(rows, dark=True, chosen=chosen))
        (parameter,) = chart["params"]
        assert (parameter["name"], parameter["select"]["fields"]) == ("picked", ["began", "week"])
        assert outlined(chart) == [False, False, chosen is not None]
    assert [(row["began"], row["week"]) for row in parts(chart)[0]] == [
        ("2026-12-28", "2026-12-28"),
        ("2027-01-04", "2027-01-04"),
        ("2026-12-28", "2027-01-04"),
    ]


def test_cohorts_of_nobody_are_an_empty_grid() -> None:
    assert not any(parts(spec(charts.cohorts([], dark=True))))


def test_an_hour_that_clocks_show_twice_is_two_stretches() -> None:
    scope = Scope.days(date(2026, 10, 25), date(2026, 10, 25), "Europe/Berlin")
    every: Any = buckets(scope, "hour")
    told = course(["a"], grain="hour", buckets=every, zone=scope.zone)
    rows = [(hour, "a", 1) for hour in every]
    chart = spec(over_time(rows, told))
    assert len(every) == len(set(words(chart))) == len(parts(chart)[0])
    assert every[0] == datetime(2026, 10, 24, 22)  # noqa: DTZ001 - hours come in naive UTC


def test_a_thread_is_a_stack_of_its_four_kinds_of_tokens_in_order() -> None:
    frame = pd.DataFrame(
        [
            ("1", "exact", 10, 20, 30, 40),
            ("2", "at_least", 1, 2, 3, 4),
            ("Rest", "unknown", None, None, None, None),
        ],
        columns=["thread", "standing", *charts.TOKEN_KINDS],
    )
    chart = spec(charts.tokens_per_thread(frame))
    (shown,) = chart["datasets"].values()
    assert {(row["thread"], row["kind"]): row["tokens"] for row in shown} == {
        (thread, kind): (first + 10 * place if thread == "1" else first + place)
        for thread, first in (("1", 10), ("2", 1))
        for place, kind in enumerate(charts.TOKEN_KINDS)
    }
    assert {row["exactly"] for row in shown if row["thread"] == "2"} == {"≥ 1", "≥ 2", "≥ 3", "≥ 4"}
    assert chart["encoding"]["y"]["scale"]["domain"] == ["1", "2", "Rest"]
    assert chart["height"]["step"] > chart["mark"]["size"], "bars do not touch, however many"
    many = pd.concat([frame.assign(thread=f"{number}") for number in range(charts.LYING)])
    standing = spec(charts.tokens_per_thread(many))
    assert len(standing["encoding"]["x"]["scale"]["domain"]) == 3 * charts.LYING


def test_context_and_running_cost_show_each_call_that_they_are_given() -> None:
    calls = [
        charts.Step(1, "1", 100, 5, None),
        charts.Step(2, "1", 200, 7, USD // 2),
        charts.Step(3, "2", 50, 1, USD * 3 // 4),
    ]
    (context,) = spec(charts.context_per_call(calls))["datasets"].values()
    assert [(row["place"], row["context"], row["output"]) for row in context] == [
        (1, 100, 5),
        (2, 200, 7),
        (3, 50, 1),
    ]
    (cost,) = spec(charts.running_cost(calls))["datasets"].values()
    assert [(row["place"], row["running_cost"]) for row in cost] == [(2, 0.5), (3, 0.75)]


def ruled(chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows that a rule stands at."""
    layers = [layer for layer in chart["layer"] if layer["mark"]["type"] == "rule"]
    return [row for layer in layers for row in data(chart, layer)]


def unseen(chart: Mapping[str, Any]) -> dict[str, Any]:
    """The parameter of the points that only a click finds, which lie above all else."""
    (parameter,) = chart["params"]
    mark = chart["layer"][-1]["mark"]
    assert (mark["type"], mark["opacity"], mark["cursor"]) == ("point", 0, "pointer")
    assert parameter["name"] == "picked"
    assert parameter["select"]["nearest"] is True
    assert chart["layer"][-1]["encoding"]["tooltip"]
    return dict(parameter["select"])


@pytest.mark.parametrize("chosen", [None, 3, 77])
def test_a_click_chooses_the_nearest_call_and_a_rule_stands_at_the_chosen_one(
    chosen: int | None,
) -> None:
    calls = [charts.Step(1, "1", 100, 5, None), charts.Step(3, "1", 200, 7, USD // 2)]
    for draw in (charts.context_per_call, charts.running_cost):
        chart = spec(draw(calls, chosen))
        assert unseen(chart)["encodings"] == ["x"]
        assert ruled(chart) == ([] if chosen is None else [{"place": chosen}])
        after_pauses = ruled(spec(draw(calls, chosen, [2, 3])))
        assert after_pauses[:2] == [{"place": 2}, {"place": 3}]


def test_a_click_chooses_the_nearest_point_of_lines() -> None:
    told = course(["a", "b"], running=True, stacked=False)
    rows = [(day, name, 1) for day in told.buckets for name in "ab"]
    rows[3] = (*rows[3][:2], None)  # type: ignore[assignment]  # unknown, as values may be
    for chosen in (None, told.buckets[1]):
        chart = spec(charts.lines(rows, told, chosen))
        assert unseen(chart)["fields"] == ["bucket", "series"]
        points = data(chart, chart["layer"][-1])
        assert [(row["bucket"], row["series"]) for row in points] == [
            (day.isoformat(), name) for day, name, value in rows if value is not None
        ]
        assert ruled(chart) == ([{"bucket": chosen.isoformat()}] if chosen else [])


def test_the_legend_of_tokens_names_the_four_kinds() -> None:
    shown = charts.token_legend()
    assert shown.count("<span>") == 4
    for label, colour in charts.TOKEN_KINDS.values():
        assert f'background:{colour}"></i>{label}</span>' in shown


def test_a_small_course_has_an_area_for_each_stretch_without_a_gap() -> None:
    areas = charts.spark([1, 2, None, 4, None, 3, 0], running=False)
    assert [area["running"] for area in areas] == [False] * 3
    areas = charts.spark([1, 2, 3], running=True)
    assert [area["running"] for area in areas] == [False, True]
    ended, last = (area["corners"] for area in areas)
    assert ended.startswith("0.0% 100.0%,")
    assert ended.endswith(",50.0% 100.0%")
    assert last.startswith("50.0% 100.0%,")
    assert last.endswith(",100.0% 100.0%")


def test_a_small_course_reaches_from_the_least_to_the_largest() -> None:
    (area,) = charts.spark([0, 10, 5], running=False)
    assert area["corners"] == ("0.0% 100.0%,0.0% 94.0%,50.0% 6.0%,100.0% 50.0%,100.0% 100.0%")


@given(st.lists(st.none() | st.floats(-1e9, 1e9), max_size=40))
def test_a_small_course_stays_within_its_box(values: list[float | None]) -> None:
    for running in (True, False):
        corners = ",".join(area["corners"] for area in charts.spark(values, running=running))
        points = re.findall(r"(-?[\d.]+)% (-?[\d.]+)%", corners)
        assert all(0 <= float(y) <= 100 and -1 <= float(x) <= 101 for x, y in points)


@pytest.mark.slow
def test_charts_that_are_made_at_the_same_time_keep_to_their_own_data() -> None:
    def made(number: int) -> bool:
        told = course([f"series {number}"])
        sent = spec(over_time([(FIRST, f"series {number}", number + 1)], told))
        rows = [row for rows in sent["datasets"].values() for row in rows]
        return {(row["series"], row["value"]) for row in rows} == {(f"series {number}", number + 1)}

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(made, range(48)))


def test_as_many_marks_as_there_are_reach_the_browser() -> None:
    rows = [{"x": number} for number in range(6_000)]
    (sent,) = charts.spec(alt.Chart(pd.DataFrame(rows)).mark_point())["datasets"].values()
    assert sent == rows
