"""The answers in words: cards, tables, warnings and facts of the report."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bridgeboard import formats
from bridgeboard.analysis import rankings
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.rankings import Ranking
from bridgeboard.model import accuracy, pages, periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import PAGE_CONTENTS
from bridgeboard.model.scope import Scope
from bridgeboard.report.answers import HEADLINES, TOP, Answers, Trust

_LATE: Final = timedelta(hours=1)
"""Missing data at the end of a period is reported when it may be more than this."""
_LONGEST_NAME: Final = 60
_TITLES: Final = {"overview": "At a glance", "spend": "What it costs"}
_TONES: Final = {1: "good", 0: "", -1: "bad"}


@dataclass(frozen=True)
class Name:
    """A recorded name as one line of plain text; ``whole`` is shown on hover."""

    text: str
    whole: str


def name(value: object) -> Name:
    """A name of a person, a model or whatever else, with nothing in it that acts."""
    whole = formats.line(str(value)) or "(empty)"
    return Name(formats.middle(whole, _LONGEST_NAME), whole)


@dataclass(frozen=True)
class Value:
    """A number in short; ``exactly`` is shown on hover."""

    text: str
    exactly: str


@dataclass(frozen=True)
class Card:
    """A headline number, and how it moved."""

    label: str
    value: Value
    meaning: str
    change: str | None = None
    was: Value | None = None
    tone: str = ""


@dataclass(frozen=True)
class Row:
    """A line of a table; ``part`` of the whole, 0 to 1, is what ``share`` says; None is unknown.

    ``standing`` is how the part stands (``model.accuracy``).
    """

    name: Name
    part: float | None
    values: tuple[Value, ...]
    rest: bool = False
    standing: accuracy.Standing = "exact"

    @property
    def share(self) -> Value:
        """The part in words."""
        digits = formats.exact_number(self.part, "rate")
        standing = "unknown" if self.part is None else self.standing
        return Value(
            formats.number(self.part, "rate", self.standing),
            accuracy.Accuracy(standing).in_words(digits),
        )


@dataclass(frozen=True)
class Grid:
    """A table; ``columns`` are its numbers' labels and definitions, ``whole`` its last line.

    ``shared`` is whether its rows have shares of the whole, and ``most`` the largest of them.
    """

    title: str
    note: str
    by: str
    columns: tuple[tuple[str, str], ...]
    shared: bool
    most: float
    rows: tuple[Row, ...]
    whole: Row


@dataclass(frozen=True)
class Change:
    """A line of what moved most."""

    name: Name
    kind: str
    change: Value
    relative: str
    was: Value
    now: Value


def summary(answers: Answers) -> list[Name]:
    """The sentence that opens the report, in parts; ``whole`` is empty of words between names."""
    return [
        Name(formats.visible(piece.text), formats.visible(piece.whole)) for piece in answers.summary
    ]


def cards(answers: Answers) -> list[tuple[str, list[Card]]]:
    """The headline numbers of each page under its title, none twice."""
    groups, seen = [], set[str]()
    for page in HEADLINES:
        names = [each for each in PAGE_CONTENTS[page].headline if each not in seen]
        seen.update(names)
        groups.append((_TITLES[page], [_card(each, answers) for each in names]))
    return groups


def presence(answers: Answers) -> list[Card]:
    """Who began, who stayed and who left."""
    return [
        Card(
            label,
            _number(
                answers.presence[column],
                "count",
                accuracy.presence_accuracy(column, answers.presence),
            ),
            meaning,
        )
        for column, (label, meaning) in pages.PRESENCE.items()
    ]


def grids(answers: Answers) -> list[Grid]:
    """All tables that have any rows."""
    return [_grid(table) for table in answers.tables if table.parts.rows]


def changes(answers: Answers) -> list[tuple[str, list[Change]]]:
    """What moved most, by the label of what it is measured in."""
    return [
        (METRICS[measure].label, [_change(measure, one) for one in moves])
        for measure, moves in answers.moves.items()
        if moves
    ]


def compared(answers: Answers) -> str:
    """With what the numbers are compared, or why with nothing."""
    days = periods.span(answers.before)
    if answers.headlines.before is None:
        return f"Nothing was recorded in all of the period before ({days}), so nothing is compared."
    return f"Compared with {days}{', up to the same moment' if answers.running else ''}."


def filters(scope: Scope) -> list[str]:
    """The filters in force, a sentence's part each."""
    return [
        f"{DIMENSIONS[by].label} {verb} {' or '.join(name(value).text for value in values)}"
        for verb, pairs in (("is", scope.include), ("is not", scope.exclude))
        for by, values in pairs
    ]


def definitions(answers: Answers) -> dict[str, str]:
    """Label → definition of every number on the page."""
    shown = [each for page in HEADLINES for each in PAGE_CONTENTS[page].headline]
    shown += [each for table in answers.tables for each in table.names]
    shown += ["detail_coverage", "priced_rate", "exact_rate"]
    return {METRICS[each].label: METRICS[each].definition for each in shown} | dict(
        pages.PRESENCE.values()
    )


def _card(metric: str, answers: Answers) -> Card:
    one = answers.headlines.of(metric)
    kind = one.metric.format
    return Card(
        label=one.metric.label,
        value=_number(one.now.value, kind, one.now.accuracy),
        meaning=one.metric.definition + (f" Here {one.why_no_change}" if one.why_no_change else ""),
        change=one.change,
        was=_number(one.before.value, kind, one.before.accuracy) if one.before else None,
        tone=_TONES[one.goodness],
    )


def _value(metric: str, row: Mapping[str, Any]) -> Value:
    """A number; one that is not exact says how it stands, and why."""
    return _number(row[metric], METRICS[metric].format, accuracy.accuracy(metric, row))


def _number(value: float | None, kind: str, how: accuracy.Accuracy) -> Value:
    digits = formats.exact_number(value, kind)
    said = how.sentence(digits).removesuffix(".") if how.reasons else digits
    return Value(
        formats.number(value, kind, how.standing),
        said[0].lower() + said[1:],
    )


def _grid(table: Ranking) -> Grid:
    dimension, first = DIMENSIONS[table.by], METRICS[table.names[0]]
    records = list(table.parts.records())
    count = records[0]["values_count"]
    shares = table.shares
    rows = tuple(_rows(table, records, shares))
    one, many = pages.nouns(table.by)
    return Grid(
        title=f"{first.label} by {dimension.label.lower()}",
        note=_note(dimension.definition, count, many, first.label.lower()),
        by=dimension.label,
        columns=tuple((METRICS[each].label, METRICS[each].definition) for each in table.names),
        shared=shares is not None,
        most=max(row.part or 0.0 for row in rows) or 1.0,
        rows=rows,
        whole=Row(
            name(f"All {formats.plural(count, one, many)}" if count > 1 else "All"),
            1.0,
            _values(table, table.whole),
        ),
    )


def _note(definition: str, count: int, many: str, ranked: str) -> str:
    if count <= TOP:
        return definition
    return f"{definition} Top {TOP} of {count:,} {many} by {ranked}, the rest together as Other."


def _rows(
    table: Ranking, records: Sequence[Mapping[str, Any]], shares: Sequence[float | None] | None
) -> Iterator[Row]:
    standing = rankings.share_standing(table.names[0], records)
    for row, part in zip(records, shares or [0.0] * len(records), strict=True):
        is_rest = row["is_rest"]
        label = pages.rest(row["values_count"], TOP) if is_rest else row[table.by]
        yield Row(name(label), part, _values(table, row), is_rest, standing)


def _values(table: Ranking, row: Mapping[str, Any]) -> tuple[Value, ...]:
    return tuple(_value(each, row) for each in table.names)


def _change(measure: str, one: Move) -> Change:
    kind = METRICS[measure].format
    change, exact_change, relative = one.in_words(measure)
    return Change(
        name=name(one.name),
        kind=DIMENSIONS[one.by].label,
        change=Value(change, exact_change),
        relative=relative,
        was=_number(one.was, kind, one.before_accuracy),
        now=_number(one.now, kind, one.now_accuracy),
    )


def facts(answers: Answers) -> list[tuple[str, str]]:
    """(what, how it is) pairs."""
    zone = ZoneInfo(answers.scope.zone)
    coverage, shares = answers.trust.covered, answers.trust.totals
    gap = shares["unpriced_tokens"]
    lines = [
        ("Synced", formats.moment(coverage.synced_at, zone)),
        ("Recorded", _recorded(coverage.first_at, coverage.last_at, zone)),
        ("Sessions of this period with details", formats.rate(shares["detail_coverage"])),
        (
            "Tokens of this period with a price",
            _priced(shares["priced_rate"], gap),
        ),
        ("Tokens of this period known per request", formats.rate(shares["exact_rate"])),
        ("Sums of several requests", formats.exact(shares["summed_rows"])),
        ("Records that could not be read", formats.exact(coverage.quarantined)),
        ("Checks of the numbers", _checks(answers.trust)),
        ("AI Bridge", answers.trust.server_version or formats.DASH),
        ("Price list", answers.trust.price_version or formats.DASH),
        ("Data version", formats.exact(answers.trust.data_version)),
        ("Made", formats.moment(answers.made_at, zone)),
    ]
    return [(what, formats.visible(said)) for what, said in lines]


def _checks(trust: Trust) -> str:
    """How many of the invariants hold."""
    if not trust.broken:
        return f"all {trust.checks} hold"
    return f"{trust.checks - trust.broken} of {trust.checks} hold"


def warnings(answers: Answers) -> Iterator[str]:
    """What a reader must know before all else, a sentence or two each."""
    trust = answers.trust
    zone = ZoneInfo(answers.scope.zone)
    if trust.broken:
        yield (
            f"{trust.broken} of {trust.checks} checks of these numbers do not hold: it is a "
            "mistake of Bridgeboard, or a damaged store."
        )
    if not trust.covered.is_whole:
        yield pages.PARTIAL
    if trust.totals["summed_rows"]:
        yield pages.SUMS
    until = periods.known_until(answers.made_at, trust.covered.as_of)
    if trust.covered.last_at and until < min(answers.scope.until, answers.made_at) - _LATE:
        yield (f"What came after {formats.moment(until, zone)} had not been synced: it is missing.")
    if not trust.totals["requests"]:
        narrowed = answers.scope.include or answers.scope.exclude
        yield (
            "Nothing matches these filters in this period."
            if narrowed
            else "Nothing was recorded in this period."
        )


def _recorded(first: datetime | None, last: datetime | None, zone: ZoneInfo) -> str:
    if first is None or last is None:
        return "nothing yet"
    return formats.days(first.astimezone(zone).date(), last.astimezone(zone).date())


def _priced(share: float | None, gap: int | None) -> str:
    if not gap:
        return formats.rate(share)
    return f"{formats.rate(share)}; {formats.exact(gap)} without: spend is a lower bound"
