"""One number, one definition: every page, its exports and plain counting agree to the last unit."""

import csv
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from statistics import quantiles
from typing import Any

import pytest
from dashboard_store import filled, looking
from facts import KINDS, Row, facts, tool_errors
from headline_cards import headline
from slow_cases import one_fast
from streamlit.testing.v1 import AppTest
from test_queries_metric_query import choices, sessions, usage

from bridgeboard import exports, formats, report
from bridgeboard.model.accuracy import accuracy
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import FILTERS, PAGE_CONTENTS
from bridgeboard.model.scope import Scope
from bridgeboard.store import Store
from bridgeboard.ui.components import downloads, filters

ROOT = Path(__file__).parents[1]
PAGES = ("overview", "spend", "people", "models", "tools")
END = max(row["started_at"] for row in facts().usage)


@pytest.fixture(scope="module", autouse=True)
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with filled(tmp_path_factory.mktemp("told") / "store.duckdb") as opened, looking(opened, END):
        yield opened


@dataclass(frozen=True)
class Asked:
    """What a reader chose: a period, a zone, and values of dimensions to keep or leave out."""

    first: date
    last: date
    zone: str
    keep: dict[str, list[str]]
    leave: dict[str, list[str]]

    @property
    def scope(self) -> Scope:
        scope = Scope.days(self.first, self.last, self.zone)
        for name, values in self.keep.items():
            scope = scope.only(name, *values)
        for name, values in self.leave.items():
            scope = scope.without(name, *values)
        return scope

    @property
    def query(self) -> dict[str, list[str]]:
        """The address of it."""
        return {**filters.parameters(self.scope, {}), "tz": [self.zone]}


def random_scopes(count: int) -> Iterable[Asked]:
    """The same ones every time: any days, zones and filters."""
    dice = random.Random(20261124)  # noqa: S311 - no secret
    days = [facts().usage[0]["started_at"].date(), END.date()]
    length = (max(days) - min(days)).days
    for _ in range(count):
        first = min(days) + timedelta(days=dice.randrange(length))
        last = first + timedelta(days=dice.randrange(length))
        zone = dice.choice(("UTC", "America/New_York", "Asia/Kathmandu", "Pacific/Chatham"))
        names = dice.sample(sorted(FILTERS), dice.choice((0, 1, 1, 2)))
        chosen = {name: dice.sample(choices(name), min(2, len(choices(name)))) for name in names}
        left = {name for name in names if dice.random() < 0.4}
        keep = {name: values for name, values in chosen.items() if name not in left}
        leave = {name: values for name, values in chosen.items() if name in left}
        yield Asked(first, last, zone, keep, leave)


SCOPES = list(random_scopes(30))
FAST = 4
NUMBERS = [
    *range(FAST),
    *(pytest.param(number, marks=pytest.mark.slow) for number in range(FAST, len(SCOPES))),
]


def traits(asked: Asked) -> set[tuple[str, object]]:
    """What may make a difference to a page: the zone, each filter kept or left out, how many."""
    return {
        ("zone", asked.zone),
        *(("kept", name) for name in asked.keep),
        *(("left out", name) for name in asked.leave),
        ("filters", (len(asked.keep), len(asked.leave))),
    }


def firsts() -> list[int]:
    """The scopes with a trait that none before has: all traits of all scopes are among theirs."""
    known: set[tuple[str, object]] = set()
    found = []
    for number, asked in enumerate(SCOPES):
        if not traits(asked) <= known:
            found.append(number)
            known |= traits(asked)
    return found


def page(name: str, asked: Asked) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for parameter, values in asked.query.items():
        test.query_params[parameter] = values
    test.switch_page(f"pages/{name}.py")
    test.run()
    assert not test.exception
    assert not [alert.value for alert in test.error]
    return test


def total(rows: Iterable[Row], name: str) -> int:
    return sum(row[name] or 0 for row in rows)


def counted(name: str, scope: Scope) -> Any:  # noqa: C901, PLR0911, PLR0912 - one line a number
    """A number by plain counting over the world; None where nobody can know it."""
    rows = usage(scope)
    exact = [row for row in rows if row["grain"] == "interception"]
    priced = [row for row in rows if row["cost"] is not None]
    tokens = sum(total(rows, kind) for kind in KINDS)
    spend = total(priced, "cost")

    def per(count: int) -> int | None:
        return spend // count if count and priced else None

    match name:
        case "spend" | "shadow_cost" | "cache_saving":
            column = {"spend": "cost"}.get(name, name)
            known = [row for row in rows if row[column] is not None]
            return total(known, column) if known or not rows else None
        case "active_people":
            return len({row["person"] for row in rows})
        case "sessions":
            return len(sessions(scope))
        case "requests" | "prompts" | "tool_calls":
            return total(rows, name)
        case "injected_calls":
            return total(rows, "injected")
        case "total_tokens":
            return tokens
        case "cache_hit_rate":
            prompt = tokens - total(rows, "output")
            return total(rows, "cache_read") / prompt if prompt else None
        case "cost_per_person":
            return per(len({row["person"] for row in priced}))
        case "cost_per_request":
            known = [row for row in exact if row["cost"] is not None]
            return total(known, "cost") // total(known, "requests") if known else None
        case "cost_per_tool_call":
            return per(total(priced, "tool_calls"))
        case "cost_per_million_tokens":
            count = total(rows, "priced_tokens")
            return spend * 1_000_000 // count if count and priced else None
        case "duration_p50" | "duration_p95":
            return percentile(exact, 50 if name.endswith("50") else 95)
        case "tool_errors":
            return tool_errors(rows)
        case "tool_error_rate":
            recordable = total(exact, "recordable")
            return total(exact, "tool_errors") / recordable if recordable else None
    raise AssertionError(f"nobody counts {name}")


def percentile(rows: list[Row], place: int) -> float | None:
    lasted = [(row["ended_at"] - row["started_at"]).total_seconds() for row in rows]
    if len(lasted) < 2:
        return lasted[0] if lasted else None
    return quantiles(lasted, n=100, method="inclusive")[place - 1]


def in_words(name: str, scope: Scope) -> str:
    """What the card of a number must say when one points at it."""
    rows = usage(scope)
    tokens = sum(total(rows, kind) for kind in KINDS)
    row = {
        name: counted(name, scope),
        "unpriced_tokens": tokens - total(rows, "priced_tokens"),
        "unbilled_tokens": sum(row["priced_tokens"] for row in rows if row["cost"] == 0),
        "tool_calls": total(rows, "tool_calls"),
        "summed_rows": sum(row["grain"] != "interception" for row in rows),
        "unlinked_rows": sum(row["session_id"] is None for row in rows),
    }
    how = accuracy(name, row)
    if row[name] is None and not how.reasons:
        return "Not known."
    return how.sentence(formats.exact_number(row[name], METRICS[name].format))


class Taken:
    """What the pages offered for download while this was in place of their menus."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sheets: list[exports.Sheet] = []
        for name in ("menu", "behind"):
            monkeypatch.setattr(downloads, name, self.take)
        monkeypatch.setattr(downloads, "later", self.take_later)

    def take(self, sheet: exports.Sheet, _now: object, *, key: str) -> None:
        assert key
        self.sheets.append(sheet)

    def take_later(
        self,
        _name: str,
        make: Callable[[], exports.Sheet],
        now: object,
        *,
        key: str,
        count: int,
        **_more: str,
    ) -> None:
        sheet = make()
        assert len(sheet.rows) == count
        self.take(sheet, now, key=key)


def summed(sheet: exports.Sheet, header: str) -> Decimal:
    rows = csv.DictReader(StringIO(exports.csv(sheet).decode("utf-8-sig")))
    return sum((Decimal(row[header] or 0) for row in rows), Decimal(0))


COUNTED = ("spend", "requests", "prompts", "total_tokens", "tool_calls", "cache_saving")


@pytest.mark.parametrize("number", one_fast(firsts()))
def test_every_card_and_every_file_of_every_page_says_what_counting_says(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = SCOPES[number]
    taken = Taken(monkeypatch)
    for name in PAGES:
        cards = {card.label: card.help for card in headline(page(name, asked))}
        for metric in PAGE_CONTENTS[name].headline:
            said = cards[METRICS[metric].label].replace("\\", "").replace("\u2060", "")
            assert said.startswith(in_words(metric, asked.scope)), (name, metric)
    checked = sum(adds_up(sheet, asked.scope) for sheet in taken.sheets)
    assert checked > 20 or not usage(asked.scope)


def adds_up(sheet: exports.Sheet, scope: Scope) -> int:
    """How many columns of a file add up to what counting says, which all must that can."""
    parts = [DIMENSIONS[one.name] for one in sheet.columns if one.name in DIMENSIONS]
    summable = [
        column
        for column in sheet.columns
        if column.name in COUNTED
        and parts
        and all(METRICS[column.name].adds_up(part) for part in parts)
    ]
    for column in summable:
        value = counted(column.name, scope) or 0
        unit = 10**12 if column.kind == "money" else 1
        assert summed(sheet, column.header) * unit == value, (sheet.name, column.name)
    return len(summable)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_report_says_what_counting_says(number: int, store: Store) -> None:
    scope = SCOPES[number].scope
    with store.snapshot() as reader:
        told = report.ask(reader, scope, "custom", END)
    for name in {*PAGE_CONTENTS["overview"].headline, *PAGE_CONTENTS["spend"].headline}:
        assert told.headlines.now[name] == counted(name, scope), name
