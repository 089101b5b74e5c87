"""Two of a kind side by side: the same numbers of both, and their course."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import streamlit as st

from bridgeboard import boards, charts, formats
from bridgeboard.explorer import compare
from bridgeboard.explorer.compare import Line
from bridgeboard.exports import Column, Sheet
from bridgeboard.metrics import DIMENSIONS, METRICS, Scope, bounds, buckets
from bridgeboard.ui import downloads, filters, lists, notices, numbers, sheets, sides
from bridgeboard.ui.scopes import Chosen
from bridgeboard.ui.sides import Side

SHOWN: Final = ("spend", "total_tokens", "requests", "prompts", "sessions", "tool_calls")
"""Metrics whose course can be drawn."""
NAME: Final = 32
_DEFINITIONS: Final = {"duration_seconds": "From the first request to the end of the last."}
_BOUND: Final = (
    f"{formats.AT_LEAST.strip()} the price of some tokens is unknown: differences and ratios are "
    "of what is known."
)


def show(now: Chosen) -> None:
    """What is compared, the two, and their numbers."""
    word = sides.kind()
    if word == sides.SESSIONS:
        _sessions(now)
    else:
        _values(word, now)


def scope(now: Scope, name: str, value: str) -> Scope:
    """A scope of one side: the page's value in place of what the sidebar says of its kind."""
    return now.free(name).only(name, value)


def _values(word: str, now: Chosen) -> None:
    name = sides.KINDS[word]
    pair = sides.values(word, now.scope)
    if pair is None:
        notices.empty("Two are needed to compare. Choose one for each side, or a longer period.")
        return
    st.caption(_about(name, now))
    if pair[0] == pair[1]:
        notices.remark("Both sides are the same. Choose another on one of them.")
        return
    with notices.tile("this comparison"):
        _compared(name, pair, now)
    with notices.tile("this chart"):
        _course(name, pair, now)


def _about(name: str, now: Chosen) -> str:
    told = f"{now.words}, with the filters of the sidebar."
    spoken = {each for each, _ in (*now.scope.include, *now.scope.exclude)}
    if name not in spoken:
        return formats.unmarked(told)
    label = DIMENSIONS[name].label.lower()
    return formats.unmarked(
        f"{told} Its filter by {label} does not count here: the two that this page names do."
    )


def _compared(name: str, pair: tuple[str, str], now: Chosen) -> None:
    names = _names(name)
    a, b = (_totals(scope(now.scope, name, value), names) for value in pair)
    lines = compare.beside(a, b, names)
    gapped = (bool(a[boards.GAP]), bool(b[boards.GAP]))
    _table(lines, pair, gapped)
    both = replace(now, scope=now.scope.free(name).only(name, *pair))
    downloads.menu(sheet(lines, pair, " and ".join(pair)), both, key="beside")


def _names(name: str) -> tuple[str, ...]:
    """The metrics to compare by: how many people somebody is says nothing."""
    return tuple(
        each for each in compare.COMPARED if not (name == "initiator" and each == "active_people")
    )


def _totals(told: Scope, names: tuple[str, ...]) -> dict[str, Any]:
    return numbers.totals((*names, boards.GAP), told)


def _sessions(now: Chosen) -> None:
    st.caption("Whole sessions: period and filters of the sidebar do not count here.")
    pair = sides.sessions(now.scope)
    if pair is None:
        notices.empty("Give two sessions: their ids, or the addresses of their pages.")
        return
    with notices.tile("these sessions"):
        for key, side in zip("AB", pair, strict=True):
            _remarks(key, side)
        a, b = pair
        if a.head is None or b.head is None:
            return
        if a.head.session == b.head.session:
            notices.remark("Both sides are the same session. Give another on one of them.")
            return
        lines = compare.sessions(a.head, b.head)
        names = (_titled(a), _titled(b))
        gapped = (bool(a.head.unpriced_tokens), bool(b.head.unpriced_tokens))
        _table(lines, names, gapped)
        downloads.menu(sheet(lines, names, "Two sessions"), now, key="beside")


def _remarks(key: str, side: Side) -> None:
    if side.head is None:
        notices.remark(f"Session {key} is not in the store: check its id, or open its page first.")
    elif side.sharers:
        others = formats.plural(side.sharers, "other person", "other people")
        notices.remark(
            f"{others} used the id of session {key} as well; this is the newest of that id. Give "
            "the address of a session's page to choose."
        )


def _titled(side: Side) -> str:
    if side.head is None:
        return side.told
    return f"{side.head.person}, {formats.moment(side.head.started_at, filters.zone())}"


def sheet(lines: Sequence[Line], pair: tuple[str, str], name: str) -> Sheet:
    """The comparison to take away: a row for each side and one for what B is more than A."""
    columns = [Column(line.name, line.label, line.format, _definition(line)) for line in lines]
    rows = (
        ("A", pair[0], *(line.a for line in lines)),
        ("B", pair[1], *(line.b for line in lines)),
        ("B less A", "", *(line.difference for line in lines)),
    )
    return Sheet(name, (Column("side", "Side", "text"), Column("of", "Of", "text"), *columns), rows)


def _definition(line: Line) -> str:
    one = METRICS.get(line.name)
    return one.definition if one else _DEFINITIONS.get(line.name, "")


def _table(lines: Sequence[Line], pair: tuple[str, str], gapped: tuple[bool, bool]) -> None:
    head = [
        ("Metric", ""),
        (f"A: {_short(pair[0])}", formats.visible(pair[0])),
        (f"B: {_short(pair[1])}", formats.visible(pair[1])),
        ("Difference", "B less A"),
        ("Ratio", "How many times A goes into B"),
    ]
    lists.show(
        lists.List(
            title="Side by side",
            level="h2",
            head=head,
            rows=[_row(line, gapped) for line in lines],
            note=_BOUND if any(gapped) else "Point at a number's name to see what it means.",
        ),
        "beside",
    )


def _row(line: Line, gapped: tuple[bool, bool]) -> lists.Row:
    exact = " and ".join(formats.exact_number(value, line.format) for value in (line.a, line.b))
    is_bound = line.name in boards.GAPPED
    a, b = (
        formats.number(value, line.format, at_least=is_bound and gap)
        for value, gap in zip((line.a, line.b), gapped, strict=True)
    )
    return lists.Row(
        name=line.label,
        full=f"{_definition(line)} Exactly {exact}.",
        cells=(a, b, formats.difference(line.difference, line.format), formats.ratio(line.ratio)),
    )


def _short(name: str) -> str:
    return formats.short(name, NAME)


def _course(name: str, pair: tuple[str, str], now: Chosen) -> None:
    """One number of both over time, as two lines."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="head-course"):
        st.header("Over time", anchor=False, width="stretch")
        measure = str(
            st.selectbox(
                "Show",
                SHOWN,
                key="beside-show",
                bind="query-params",
                format_func=lambda each: METRICS[each].label,
                width=170,
            )
        )
    every: list[Any] = [each for each in buckets(now.scope, now.grain) if _begun(now, each)]
    told = [row for value in pair for row in _series(name, value, measure, now, set(every))]
    if not any(value for *_, value in told):
        notices.empty("Neither of the two has any of it in this period. Choose a longer one.")
        return
    picture = charts.Course(
        label=METRICS[measure].label,
        kind=METRICS[measure].format,
        grain=now.grain,
        buckets=every,
        running=bounds(now.scope, now.grain, every[-1])[1] > filters.now(),
        colours=charts.colours(pair, numbers.first_seen(name)),
        stacked=False,
        zone=now.scope.zone,
    )
    st.altair_chart(
        charts.over_time(told, picture),
        key="chart-beside",
        alt=f"{picture.label} of {_short(pair[0])} and {_short(pair[1])} per {now.grain}, "
        f"{now.words}, as two lines. The table below has all numbers.",
    )
    st.html(charts.legend(picture))
    both = replace(now, scope=now.scope.free(name).only(name, *pair))
    downloads.behind(sheets.over_time(told, measure, name, now.grain), both, key="course-beside")


def _begun(now: Chosen, bucket: Any) -> bool:
    return bounds(now.scope, now.grain, bucket)[0] <= filters.now()


def _series(
    name: str, value: str, measure: str, now: Chosen, every: set[Any]
) -> list[tuple[Any, str, Any]]:
    told = numbers.series((measure,), now.grain, scope(now.scope, name, value))
    return [(bucket, value, number) for bucket, number in told.rows if bucket in every]
