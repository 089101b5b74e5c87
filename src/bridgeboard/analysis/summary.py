"""The sentence under the cards of a page: how its number changed, and what changed most.

It is made by rule and names no cause. Its amounts are those of "What moved most". A person's change
is also that of a team and of a model, so values of different dimensions are never added up: one
dimension says who, one says what was used, each by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import groupby
from typing import Final

from bridgeboard import formats
from bridgeboard.analysis import movers
from bridgeboard.analysis.headlines import Headline, Number, headlines
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.radar.finding import KINDS, Finding, named
from bridgeboard.model import accuracy, periods
from bridgeboard.model.dimensions import DIMENSIONS, SMALL_GROUPS
from bridgeboard.model.pages import PageContents
from bridgeboard.model.scope import Scope

MOST_NAMED: Final = 3
"""Values of a dimension, or findings, that are named at most."""
LEAST_OF_CHANGE: Final = 10
LEAST_OF_NUMBER: Final = 100
LEAST: Final = {"money": formats.PICO}
"""A value is named if it changed by at least a tenth of the whole change, a hundredth of the whole
number, and a dollar; or by one, where the number is no money."""
ALIKE: Final = 0.8
"""A finer dimension is preferred if its values explain so much of what a coarser one's do."""
WHILE: Final = timedelta(days=7)
"""How long a value must have been absent to be called new, or without more usage."""
FINDING: Final = "finding"
"""What a piece that names a finding is ``by``."""
_WHO: Final = ("initiator", "team")
_LONGEST_NAME: Final = 40
_UNKNOWN: Final = frozenset({formats.DASH, "unpriced"})


@dataclass(frozen=True)
class Piece:
    """A part of the sentence.

    Attributes:
        text: what is shown.
        whole: all digits of an amount, or all of a name.
        by: the dimension of a name; ``FINDING`` of a finding; empty for other words.
        value: the name as recorded, or the key of the finding.
    """

    text: str
    whole: str = ""
    by: str = ""
    value: str = ""


def summary(
    questions: Questions,
    contents: PageContents,
    scope: Scope,
    before: Scope | None,
    findings: Sequence[Finding] = (),
) -> tuple[Piece, ...]:
    """What happened to the numbers that a page is about.

    Args:
        questions: who answers the reader of the sentence.
        contents: the page's.
        scope: period, zone and filters.
        before: the period to compare with; None where the reader wants none.
        findings: of the radar in this period, the most severe first; none for who may not see them.
    """
    if questions.coverage().knows_no_request:
        return (Piece("Not known yet: sessions are known, but none of their requests."),)
    numbers = headlines(questions, contents.headline, scope, before)
    if not any(numbers.now[name] for name, _ in contents.summary) and _is_unused(questions, scope):
        return (Piece(_nothing(scope)),)
    pieces: list[Piece] = []
    for measure, dimensions in contents.summary:
        one = numbers.of(measure)
        changes: list[Move] = []
        if before is not None and one.is_compared:
            by = tuple(
                name for name in dimensions if name != "initiator" or not questions.sees_groups_only
            )
            changes = movers.changes(questions, measure, by, before, scope)
        moves = [(move, _note(questions, measure, move, scope)) for move in chosen(one, changes)]
        pieces += [*([Piece(" ")] if pieces else []), *sentence(one, moves)]
    if before is not None and numbers.before is None:
        pieces.append(
            Piece(
                f" There are no records from the start of {periods.span(before)} to compare with."
            )
        )
    return (*pieces, *_radar(findings))


def chosen(one: Headline, changes: Sequence[Move]) -> list[Move]:
    """The moves to name: of one dimension that says who, and of one that says what was used."""
    if one.before is None or one.now.value is None or one.before.value is None:
        return []
    least = max(
        LEAST.get(one.metric.format, 1),
        abs(one.now.value - one.before.value) / LEAST_OF_CHANGE,
        max(one.now.value, one.before.value) / LEAST_OF_NUMBER,
    )
    whole = (one.before.value, one.now.value)
    groups: dict[bool, list[list[Move]]] = {}
    for by, moves in groupby(changes, lambda move: move.by):
        largest = movers.largest(moves)[:MOST_NAMED]
        worth_saying = [move for move in largest if move.size >= least]
        if [(move.was, move.now) for move in worth_saying] != [
            whole
        ]:  # a value that is all there is
            groups.setdefault(by in _WHO, []).append(worth_saying)
    return [
        move
        for is_who in (True, False)
        for move in _most_telling(groups.get(is_who, []), one.direction)
    ]


def _most_telling(dimensions: Sequence[list[Move]], direction: int) -> list[Move]:
    """The moves of the dimension whose values explain most; of two alike, those of the first."""

    def explained(moves: Sequence[Move]) -> float:
        return sum(move.size for move in moves if (move.now - move.was) * direction >= 0)

    most = max(map(explained, dimensions), default=0)
    return next((moves for moves in dimensions if moves and explained(moves) >= ALIKE * most), [])


def sentence(one: Headline, moves: Sequence[tuple[Move, str]]) -> Iterator[Piece]:
    """How a number changed, and the values named, each with its change and a note."""
    yield from _change(one)
    for place, (by, group) in enumerate(groupby(moves, lambda each: each[0].by)):
        yield Piece(f"{'; ' if place else ': '}by {DIMENSIONS[by].label.lower()} ")
        for at, (move, note) in enumerate(group):
            change, exact, _ = move.in_words(one.metric.name)
            yield Piece(", " if at else "")
            yield Piece(
                formats.short(move.name, _LONGEST_NAME), formats.line(move.name), by, move.name
            )
            yield Piece(" ")
            yield Piece(change, exact)
            yield Piece(f" ({note})" if note else "")
    yield Piece(".")


def _change(one: Headline) -> list[Piece]:
    """The number and how it changed, or why that is not known."""
    label, kind, before = one.metric.label, one.metric.format, one.before
    number = _amount(kind, one.now)
    if number.text in _UNKNOWN:
        reasons = "; ".join(one.now.accuracy.reasons)
        return [Piece(f"{label}: not known{f', as {reasons}' if reasons else ''}")]
    if number.text in accuracy.NOT_BILLED:
        return [Piece(f"{label}: nothing, as {'; '.join(one.now.accuracy.reasons)}")]
    was = _amount(kind, before) if before else None
    if was is None or one.why_no_change or was.text in _UNKNOWN:
        why = one.why_no_change.removesuffix(".")
        why = why or ("that of the earlier period is not known" if before else "")
        return [Piece(f"{label}: "), number, *([Piece(f"; {why}")] if why else [])]
    if not one.change and one.now.value:
        return [
            Piece(f"{label} rose from "),
            Piece("nothing") if was.text in accuracy.NOT_BILLED else was,
            Piece(" to "),
            number,
        ]
    share = formats.unsigned(one.change or "")
    moved = {1: f"rose {share} to", -1: f"fell {share} to", 0: "stayed at"}[one.direction]
    return [Piece(f"{label} {moved} "), number]


def _amount(kind: str, number: Number) -> Piece:
    digits = number.accuracy.in_words(formats.exact_number(number.value, kind))
    return Piece(formats.number(number.value, kind, number.accuracy.standing), digits)


def _note(questions: Questions, measure: str, move: Move, scope: Scope) -> str:
    """That a value was never used before the period, or is not used any more, where that is so."""
    coverage = questions.coverage()
    if not move.was and move.before_accuracy.standing == "exact":
        where = replace(scope, since=periods.everything().since, until=scope.since)
        begin = scope.since - WHILE
        is_long = coverage.is_whole and coverage.first_at and coverage.first_at <= begin
        note = "new"
    elif not move.now and move.now_accuracy.standing == "exact":
        where, note = scope, "no more usage"
        is_long = min(scope.until, coverage.as_of) - scope.since >= WHILE
    else:
        return ""
    return note if is_long and _is_absent(questions, measure, move, where) else ""


def _is_absent(questions: Questions, measure: str, move: Move, scope: Scope) -> bool:
    """Whether nothing at all is recorded of a value, and nothing that could be its own."""
    values = questions.split((measure,), (move.by,), scope).column(move.by)
    return (
        not {move.name, SMALL_GROUPS} & set(values)
        and not questions.totals((accuracy.UNREAD,), accuracy.unsplit(scope, (accuracy.UNREAD,)))[
            accuracy.UNREAD
        ]
    )


def _is_unused(questions: Questions, scope: Scope) -> bool:
    names = ("requests", "total_tokens")
    row = questions.totals(names, scope)
    return all(row[name] == 0 and accuracy.accuracy(name, row).is_exact for name in names)


def _nothing(scope: Scope) -> str:
    matches = " matches these filters" if scope.include or scope.exclude else ""
    return f"No usage{matches} in this period, {periods.span(scope)}."


def _radar(findings: Sequence[Finding]) -> Iterator[Piece]:
    """The most severe findings, by what they are and whom or what they are about."""
    if not findings:
        return
    yield Piece(" Radar: ")
    for place, one in enumerate(findings[:MOST_NAMED]):
        ref = one.subject.session
        about = ref.person if ref else "" if one.subject.about == "bridge" else one.subject.name
        yield Piece(", " if place else "")
        yield Piece(
            KINDS[one.kind].lower() + (f" ({named(about)})" if about else ""),
            one.reason,
            FINDING,
            one.key,
        )
    more = len(findings) - MOST_NAMED
    yield Piece(f" and {more:,} more." if more > 0 else ".")
