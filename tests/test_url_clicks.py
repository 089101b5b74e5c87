"""Pages complain of what a person wrote wrong in an address, never of what clicks left in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from urllib.parse import parse_qs

import headline_cards
import pytest
import shown_tables
import streamlit
from facts import facts
from scope_bar import editing
from slow_cases import one_fast
from streamlit.runtime.state.query_params_proxy import QueryParamsProxy
from streamlit.testing.v1 import AppTest
from test_url import app, complaints, query, store

from bridgeboard.analysis.radar.finding import KINDS
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import FILTERS
from bridgeboard.model.periods import PRESETS
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.store import Store
from bridgeboard.ui import old_urls, url, url_parameters, url_values
from bridgeboard.ui.components.trend import WHOLE

__all__ = ["store"]  # a fixture

WHO: dict[str, str] = {"who": facts().usage[0]["person"]}
PAGES: dict[str, dict[str, str]] = {
    **{name: {} for name in ("overview", "spend", "people", "models", "tools")},
    **{name: {} for name in ("sessions", "interceptions", "compare", "radar")},
    "person": WHO,
}
"""Page → what its address has to say for it to show anything."""
CLICKS = 15
"""Clicks on each page; each is the one that leads to most pairs of choices not met before."""
FEW = 9
"""Options that are clicked of one box at most: the first, the last and some between."""
Choices = dict[str, Any]
"""Key of a box → what is chosen in it."""
Pair = frozenset[tuple[str, Any]]


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[Any]]:
    """Key of a box → what it offers, as the page knows it: AppTest has the labels only."""
    options: dict[str, list[Any]] = {}

    def noting(draw: Callable[..., Any]) -> Callable[..., Any]:
        def drawn(label: str, choices: Sequence[Any], *more: Any, **named: Any) -> Any:
            options[named.get("key", label)] = list(choices)
            return draw(label, choices, *more, **named)

        return drawn

    for name in ("selectbox", "multiselect", "radio", "segmented_control"):
        monkeypatch.setattr(streamlit, name, noting(getattr(streamlit, name)))
    return options


@dataclass
class Cards:
    """The cards of a page as a box to choose from."""

    test: AppTest
    key: str = "cards"
    type: str = "cards"

    def set_value(self, name: str) -> None:
        headline_cards.choose(self.test, name)


def clicks(test: AppTest, offered: Mapping[str, Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
    """Each box of a page with each thing that a click can choose in it, or some of very many."""
    for kind in ("selectbox", "multiselect", "radio", "checkbox", "toggle", "button_group"):
        for box in test.get(kind):
            options = offered.get(box.key, [False, True])
            step = -(-len(options) // FEW) or 1
            yield from (
                (box, option) for option in dict.fromkeys([*options[::step], *options[-1:]])
            )
    yield from ((Cards(test), name) for name in headline_cards.offered(test))


def click(box: Any, choice: Any) -> None:
    box.set_value([choice] if box.type == "multiselect" else choice)


LINKED: dict[str, frozenset[str]] = {
    # A place beside the first page is asked for only where the address has the other one.
    "interceptions": frozenset({"request"}),
    "session": frozenset({"initiator", "thread", "call", "find", "hit", "threads", "calls"}),
}
"""Page → parameters that only some addresses of it need."""


@pytest.mark.parametrize("at", one_fast([*PAGES, "session", "trust"], fast="sessions"))
def test_a_page_reads_just_the_parameters_that_its_address_may_have(
    store: Store, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    assert store
    read: set[str] = set()
    before = dict(PAGES.get(at, {}))
    for name in ("get", "get_all", "__contains__", "__getitem__"):
        whole = getattr(QueryParamsProxy, name)

        def asked(self: Any, key: str, *more: Any, whole: Callable[..., Any] = whole) -> Any:
            read.add(key)
            return whole(self, key, *more)

        monkeypatch.setattr(QueryParamsProxy, name, asked)
    said = url.get_all
    for module in (url, url_values):
        monkeypatch.setattr(module, "get_all", lambda name: (read.add(name), said(name))[1])
    assert not app(at, **before).exception
    may_have = url_parameters.of(at)
    assert read <= may_have | {url_parameters.UNREAD, "range", "dates"}, "it reads no other"
    own = may_have - url_parameters.SHARED - url_parameters._LEFT - LINKED.get(at, frozenset())
    assert own <= read, "and all that it may have"


def pairs(choices: Mapping[str, Any]) -> set[Pair]:
    return {frozenset(pair) for pair in combinations(choices.items(), 2)}


@pytest.mark.parametrize("at", one_fast(PAGES, fast="tools"))
def test_no_click_leads_to_a_complaint(
    store: Store, offered: dict[str, list[Any]], at: str
) -> None:
    assert store
    test = editing(app(at, **PAGES[at]), "client")
    chosen: Choices = {}
    met: set[Pair] = set()
    for _ in range(CLICKS):
        possible = [one for one in clicks(test, offered) if chosen.get(one[0].key) != one[1]]
        news = [len(pairs({**chosen, box.key: choice}) - met) for box, choice in possible]
        box, choice = possible[news.index(max(news))]
        chosen[box.key] = choice
        met |= pairs(chosen)
        click(box, choice)
        offered.clear()
        test.run()
        assert not test.exception
        assert complaints(test) == [], chosen


@pytest.mark.parametrize(
    ("at", "asked"),
    [
        ("spend", {"breakdown-by": "team", "breakdown-sort": "cache_saving"}),
        ("spend", {"breakdown-rows": "1001"}),
        ("overview", {"overview-show": "active_people", "overview-by": "model"}),
        ("overview", {"overview-show": "sessions", "overview-by": "model"}),
        ("tools", {"tools-tool-sort": "sessions", "tools-people-rows": "41"}),
        ("models", {"breakdown-by": "client", "breakdown-sort": "duration_p95"}),
        ("people", {"day": "2020-01-01", "cohort": "2020-01-06~3", "period": "7d"}),
        ("compare", {"beside-at": "2020-01-01", "beside-show": "spend"}),
        ("compare", {"beside-at": "2026-11-01T10:00+02:00", "period": "90d"}),
        ("compare", {"beside-at": "2026-11-01T10:00UTC", "period": "90d"}),
        ("sessions", {"sort": "Priced tokens", "columns": ["Priced tokens", "Spend"]}),
        ("sessions", {"sort": "priced_tokens", "columns": "priced_tokens"}),
    ],
)
def test_a_right_word_that_other_choices_leave_no_room_for_is_no_complaint(
    store: Store, at: str, asked: dict[str, Any]
) -> None:
    assert store
    assert complaints(app(at, **asked)) == []


ANY_TEXT = {*FILTERS.values()} | {
    *("who", "tool", "tools", "servers", "keys", "statuses", "a", "b", "search", "session_id"),
    *("request", "id", "find", "initiator", "thread", "call", "finding"),
}
"""Parameters whose words are names that others gave, or that another page reads."""
SHOWN = 5
"""Words that a line names at most."""


@pytest.mark.parametrize("at", one_fast(PAGES))
def test_an_invented_word_is_told_once_whichever_box_it_is_for(store: Store, at: str) -> None:
    assert store
    boxes = url_parameters.of(at) - ANY_TEXT - url_parameters.PLACES
    # What all pages have in common is read alike on all: People has parts that run by themselves.
    names = sorted(boxes if at == "people" else boxes - url_parameters.SHARED)
    for few in (names[first : first + SHOWN] for first in range(0, len(names), SHOWN)):
        asked = {**PAGES[at], **dict.fromkeys(few, "qqq")}
        told = " ".join(complaints(app(at, **asked)))
        assert {name: told.count(f" {name}=qqq") for name in few} == dict.fromkeys(few, 1)


def test_each_word_of_earlier_addresses_is_one_of_today_or_is_gone() -> None:
    assert set(old_urls._METRICS.values()) <= set(METRICS)
    assert set(old_urls._DIMENSIONS.values()) - {WHOLE} <= set(DIMENSIONS)
    assert set(old_urls._COLUMNS.values()) <= set(COLUMNS)
    assert set(old_urls._KINDS.values()) <= set(KINDS)
    assert set(old_urls._PERIODS.values()) <= set(PRESETS)
    assert old_urls.short("columns", "Priced tokens") is None


@pytest.mark.parametrize(
    ("at", "asked", "click", "gone"),
    [
        ("spend", {"breakdown-rows": "21"}, ("range", "90d"), {"breakdown-rows"}),
        ("spend", {"breakdown-rows": "21"}, ("breakdown-by", "client"), {"breakdown-rows"}),
        ("spend", {"breakdown-rows": "21"}, ("rows-breakdown", "Requests"), {"breakdown-rows"}),
        ("spend", {"breakdown-rows": "21"}, ("spend-show", "shadow_cost"), set()),
        (
            "people",
            {"day": "2026-11-20", "teams-rows": "1"},
            ("rows-everybody", "Tokens"),
            set(),
        ),
        ("people", {"day": "2026-11-20"}, ("range", "90d"), {"day"}),
        ("people", {"cohort": "2026-11-02~1", "hour": "wed-09"}, ("range", "90d"), {"cohort"}),
        ("compare", {"beside-at": "2026-11-20"}, ("range", "90d"), {"beside-at"}),
        ("compare", {"beside-at": "2026-11-20"}, ("tz", "Asia/Kolkata"), {"beside-at"}),
        ("compare", {"beside-at": "2026-11-20"}, ("beside-show", "requests"), set()),
    ],
)
def test_a_change_takes_along_what_it_makes_meaningless_and_nothing_else(
    store: Store, at: str, asked: dict[str, str], click: tuple[str, str], gone: set[str]
) -> None:
    assert store
    test = app(at, period="7d", **asked)
    if click[0].startswith("rows-"):
        shown_tables.sort(test, *click, upwards=False)
        assert shown_tables.table(test, click[0]).order == (click[1], False)
    elif click[0] == f"{at}-show":
        headline_cards.choose(test, click[1])
        assert query(test)[click[0]] == click[1]
    else:
        test.session_state["zone"] = click[0] == "tz"
        boxes = [*test.run().radio, *test.selectbox]
        (box,) = [each for each in boxes if each.key == click[0]]
        box.set_value(click[1]).run()
    assert set(asked) - set(query(test)) == gone


def test_a_page_come_back_to_with_another_period_has_no_day_of_the_one_before(
    store: Store,
) -> None:
    assert store
    test = app("people", period="7d", day="2026-11-20", **{"people-by": "client"})
    test.switch_page("pages/spend.py")
    test.query_params = {"tz": "UTC", "period": "7d"}
    test.run()
    assert people_link(test) == {"period": ["7d"], "day": ["2026-11-20"], "people-by": ["client"]}
    test.radio(key="range").set_value("90d").run()
    assert people_link(test) == {"period": ["90d"], "people-by": ["client"]}


def people_link(test: AppTest) -> dict[str, list[str]]:
    (words,) = [
        one.proto.query_string for one in test.get("page_link") if one.proto.page.endswith("people")
    ]
    return {name: values for name, values in parse_qs(words).items() if name != "tz"}
