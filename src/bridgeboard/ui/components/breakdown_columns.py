"""The columns of a breakdown: which are shown, and how each row changed and went over time."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bridgeboard import charts, formats
from bridgeboard.analysis import headlines, movers
from bridgeboard.analysis import trends as row_trends
from bridgeboard.analysis.movers import Move
from bridgeboard.model import pages, periods
from bridgeboard.model.accuracy import NOT_COMPARABLE
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.ui import runner, url_values
from bridgeboard.ui.components import clock, tables
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column, Course, Ranked

BY_NAME: Final = "name"
CHANGE: Final = "change"
TREND: Final = "trend"
"""What columns other than those of metrics are called in addresses."""
TREND_ROWS: Final = 100
"""Rows of a table that has trends unless the reader wants none: of more, they would take longer
than all else of its page."""
POINTS: Final = 20_000
"""Points of all trends of a table at most: more rows than these allow have longer steps."""
_GRAINS: Final[Sequence[periods.Grain]] = ("hour", "day", "week", "month")
_LABELS: Final = {CHANGE: "Change", TREND: "Trend"}


def can_split(name: str, by: str) -> bool:
    """Whether the reader may see a number by a dimension."""
    if name == "sessions" and not runner.tells_sessions((by,)):
        return False
    return METRICS[name].splits(DIMENSIONS[by])


def chosen(key: str, usual: Sequence[str], rows: int = 0) -> list[str]:
    """The columns that the address names; where it names none, those usual for so many rows."""
    return _parameter(key, usual, rows).value()


def shown(
    names: Sequence[str], by: str, measure: str, order: str, *, compares: bool
) -> tuple[str, ...]:
    """The columns of a table by a dimension: the name first, and in any case that of the order.

    Changes and trends stand behind the measure that they are about.
    """
    wanted = dict.fromkeys((*names, order))
    metrics = [name for name in wanted if name in METRICS and can_split(name, by)]
    own = [CHANGE] * (CHANGE in wanted and compares) + [TREND] * (TREND in wanted)
    if not metrics and not own:
        metrics = [measure]
    place = metrics.index(measure) + 1 if measure in metrics else 0
    return (BY_NAME, *metrics[:place], *own, *metrics[place:])


def left_out(key: str, usual: Sequence[str], by: str, rows: int) -> str:
    """Which of the columns that the reader chose a dimension does not have, as a sentence."""
    parameter = _parameter(key, usual, rows)
    names = parameter.value()
    if not parameter.words(names):
        return ""
    missing = [name for name in names if name in METRICS and not can_split(name, by)]
    labels = ", ".join(METRICS[name].label for name in missing)
    return f". Not known by {DIMENSIONS[by].label.lower()}: {labels}" if missing else ""


def picker(key: str, usual: Sequence[str], measure: str, rows: int) -> None:
    """A box for the columns; the address keeps them."""
    about = METRICS[measure].label.lower()
    labels = {name: METRICS[name].label for name in pages.COLUMNS}
    labels |= {name: f"{label} of {about}" for name, label in _LABELS.items()}
    tables.column_picker(labels, _parameter(key, usual, rows), f"cols-{key}")


def _parameter(key: str, usual: Sequence[str], rows: int) -> url_values.Several[str]:
    """The columns of a table; the box for them is another one where others are usual.

    A box in a closed popover does not take up other values: its browser would send the former ones.
    """
    every, name = (*pages.COLUMNS, CHANGE, TREND), f"{key}-columns"
    if rows <= TREND_ROWS:
        return url_values.some_of(name, every, (*usual, CHANGE, TREND))
    return url_values.some_of(name, every, (*usual, CHANGE), widget=f"{name}-many")


def compares(now: Chosen) -> bool:
    """Whether there is a period to compare with, known from its beginning."""
    return now.before is not None and headlines.is_recorded(runner.current(), now.before)


def moves(measure: str, by: str, now: Chosen) -> Mapping[str, Move]:
    """How the number of each value changed since the period before; none where nothing is known."""
    before = now.before
    if before is None:
        return {}
    questions = runner.current()
    return questions.cached(
        ("changes of", measure, by, now.scope, before),
        lambda: movers.by_value(questions, measure, by, before, now.scope),
    )


def change_column(measure: str, now: Chosen, head: str = "") -> Column:
    """The head of changes; it names the number unless it is given as ``head``."""
    label = METRICS[measure].label
    words = f" ({periods.span(now.before)})" if now.before else ""
    meaning = f"{label} in this period, less that in the {now.compared_with}{words}."
    return Column(head or f"Change of {label.lower()}", "change", meaning)


def relative(move: Move | None, measure: str) -> Ranked:
    """A change as a share of the number before, where there is one; else the change itself."""
    whole = change(move, measure)
    if move is None or whole.rank is None or not move.size:
        return whole
    short, _, share = move.in_words(measure)
    return Ranked(short if share == formats.DASH else share, whole.whole, whole.rank)


def change(move: Move | None, measure: str) -> Ranked:
    """A change in short; with all its digits, and both numbers, for who points at it."""
    if move is None:
        return Ranked(formats.DASH, "Not known", None)
    if not move.is_comparable:
        return Ranked(formats.DASH, f"{NOT_COMPARABLE[:1].upper()}{NOT_COMPARABLE[1:]}", None)
    kind = METRICS[measure].format
    sides = ((move.was, move.before_accuracy), (move.now, move.now_accuracy))
    was, is_now = (how.in_words(formats.exact_number(value, kind)) for value, how in sides)
    if not move.size:
        how = move.accuracy.standing
        return Ranked(formats.marked("0", 0, how), f"{was} in both periods", 0)
    short, whole, share = move.in_words(measure)
    words = f"{short}{_in_brackets(share, short)}"
    return Ranked(words, f"{whole}: {was} before, {is_now} now", move.now - move.was)


def _in_brackets(share: str, beside: str) -> str:
    """A change as a share, behind the change itself, which has its mark and its direction."""
    if share in {formats.DASH, beside}:
        return ""
    if formats.way(share):
        share = share.removeprefix(formats.ABOUT).removeprefix("up ").removeprefix("down ")
    return f" ({share})"


def change_of_all(measure: str, by: str, now: Chosen) -> Ranked | str:
    """The change of all rows together; nothing where they do not add up."""
    if not METRICS[measure].adds_up(DIMENSIONS[by]):
        return ""
    numbers = headlines.headlines(runner.current(), (measure,), now.scope, now.before).of(measure)
    before, after = numbers.before, numbers.now
    if before is None or before.value is None or after.value is None:
        return ""
    sides = (before.value, after.value, before.accuracy, after.accuracy)
    return change(Move(by, "", *sides), measure)


def trends(
    measure: str, by: str, names: Sequence[str], now: Chosen, moved: Mapping[str, Move]
) -> tuple[Column, list[Course]]:
    """The head of trends, and the trend of each row: one question for all of them."""
    grain, every, running = stretches(now, len(names))
    questions, scope = runner.current(), now.scope
    most = max(len(names), pages.TOP)  # few rows have the question of the chart over time
    about = ("trends of", measure, by, scope, grain, every, most)

    def courses() -> dict[str, Course]:
        known = row_trends.by_value(questions, measure, by, grain, scope, every, most)
        return {name: _course(one, measure, grain, scope.zone) for name, one in known.items()}

    drawn = questions.cached(about, courses)
    unknown = Course((), "Not known")
    nothing = Course((0,) * len(every), f"Nothing on any {grain} of this period")
    gone = {name for name, move in moved.items() if move.is_gone}
    label = METRICS[measure].label
    column = Column(
        f"Trend of {label.lower()}",
        "trend",
        f"{label} per {grain}, from zero to the row's largest. A gap is not known.",
        is_running=running,
    )
    return column, [drawn.get(name, nothing if name in gone else unknown) for name in names]


def stretches(now: Chosen, rows: int) -> tuple[periods.Grain, tuple[Any, ...], bool]:
    """The stretches of time of trends of so many rows.

    Of what length they are, which ones have begun, and whether the last of these has not ended.
    """
    grain = _grain(now, rows)
    every = tuple(periods.begun(now.scope, grain, clock.now()))
    return grain, every, periods.running(now.scope, grain, clock.now()) is not None


def _course(course: row_trends.Course, measure: str, grain: str, zone: str) -> Course:
    """A course as a line, and what it says: the largest number, when, and what is not known."""
    if course.largest is None:
        return Course((), "Not known")
    at, most, how = course.largest
    numbers = course.numbers
    least = min(0, *(one for one in numbers if one is not None))
    height = most - least or 1
    points = [None if one is None else round(100 * (one - least) / height) for one in numbers]
    largest = formats.number(most, METRICS[measure].format, how.standing)
    words = f"Largest per {grain}: {largest}, {charts.when(at, grain, zone)}"
    gaps = points.count(None)
    unknown = f"; not known on {gaps:,} of {formats.plural(len(points), grain)}" if gaps else ""
    return Course(points, f"{words}{unknown}")


def _grain(now: Chosen, rows: int) -> periods.Grain:
    """The steps of trends: those of the chart, or longer ones where rows are many."""
    possible = _GRAINS[_GRAINS.index(now.grain) :]
    few = (one for one in possible if rows * len(periods.buckets(now.scope, one)) <= POINTS)
    return next(few, "month")
