"""The period, comparison and filters of every page: the scope that the address makes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Any, Final

from bridgeboard import formats
from bridgeboard.model import periods
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.errors import MetricError
from bridgeboard.model.pages import FILTERS
from bridgeboard.model.scope import Scope
from bridgeboard.ui import filter_words, runner, url, url_values
from bridgeboard.ui.components import clock, value_picker
from bridgeboard.ui.url_values import End, Parameter

PERIOD: Final = Parameter("period", periods.named, usual=periods.USUAL, widget="range")
FROM: Final = Parameter("from", url_values.end)
TO: Final = Parameter("to", url_values.end)
"""First and last of the days that were chosen, with times of day; without these days are whole."""
NO_COMPARISON: Final = "none"
COMPARE: Final = url_values.one_of("compare", (*periods.COMPARISONS, NO_COMPARISON), "previous")


@dataclass(frozen=True)
class Chosen:
    """What the reader chose.

    Attributes:
        scope: period, zone and filters.
        before: the period it is compared with; None when the reader does not want to compare.
        preset: the period's name.
        running: whether the period has not ended yet.
        comparison: what ``before`` is, by its name in ``periods.COMPARISONS``.
    """

    scope: Scope
    before: Scope | None
    preset: str
    running: bool
    comparison: str = "previous"

    @property
    def grain(self) -> periods.Grain:
        """The stretch of time that makes a readable chart."""
        return periods.grain(self.scope)

    @property
    def words(self) -> str:
        """The period in words: ``Last 30 days, 2026-10-26 to 2026-11-24``."""
        return periods.words(self.scope, self.preset)

    @property
    def compared_with(self) -> str:
        """What ``before`` is, within a sentence: ``previous period``."""
        return periods.COMPARISONS[self.comparison].lower()


@dataclass(frozen=True)
class Filter:
    """Values of a dimension that are kept, or left out."""

    name: str
    values: tuple[str, ...]
    is_left_out: bool

    @property
    def parameter(self) -> str:
        """The parameter in addresses."""
        return FILTERS[self.name]

    def __str__(self) -> str:
        shown = [formats.middle(formats.visible(value), 28) for value in self.values[:2]]
        others = len(self.values) - len(shown)
        more = f" and {others} more" if others else ""
        verb = "is not" if self.is_left_out else "is"
        return f"{DIMENSIONS[self.name].label} {verb} {' or '.join(shown)}{more}"


def chosen() -> Chosen:
    """What the address says now."""
    preset, days, hours = period()
    zone = clock.zone().key
    scope = periods.scope(preset, today(), zone, days, hours, week_start=clock.week_start())
    for one in active():
        scope = (Scope.without if one.is_left_out else Scope.only)(scope, one.name, *one.values)
    comparison = COMPARE.value() or "previous"
    running = periods.is_running(scope, clock.now())
    before = _before(scope, preset, comparison)
    return Chosen(scope, before, preset, running, "previous" if before is None else comparison)


def _before(scope: Scope, preset: str, comparison: str) -> Scope | None:
    if comparison == NO_COMPARISON:
        return None
    as_of = periods.known_until(clock.now(), runner.current().coverage().as_of)
    try:
        return periods.compared(scope, preset, as_of, comparison)
    except MetricError:  # there is no year before the first
        return None


Hours = tuple[time | None, time | None]


def period() -> tuple[str, tuple[date, date], Hours]:
    """Its name, its days if they were chosen one by one, and times of day on these."""
    begins, ends = FROM.value(), TO.value()
    preset = PERIOD.value() or periods.USUAL
    if (begins or ends) and url.get_all(PERIOD.name):
        url.complain(f"{PERIOD.name} beside {FROM.name} or {TO.name}")
    elif begins or ends:
        preset = "custom"
    begins, ends = begins or End(None), ends or End(None)
    last = ends.day or max(today(), begins.day or today())
    first = begins.day or last - timedelta(days=6)
    return preset, (min(first, last), max(first, last)), (begins.at, ends.at)


def is_backwards() -> bool:
    """Whether times of day on one day end before they begin, so that the end does not count."""
    preset, (first, last), (begins, ends) = period()
    is_before = ends is not None and ends <= (begins or time())
    return preset == "custom" and first == last and is_before


def put_days(first: date, last: date, hours: Hours = (None, None)) -> None:
    """Write days that were chosen one by one, with times of day; for callbacks."""
    begins, ends = str(End(first, hours[0])), str(End(last, hours[1]))
    url.put({PERIOD.name: (), FROM.name: [begins], TO.name: [ends]})


def put_period(preset: str) -> None:
    """Write the name of a period; for callbacks."""
    url.put({PERIOD.name: PERIOD.words(preset), FROM.name: (), TO.name: ()})


def go_to(preset: str, first: date, last: date) -> None:
    """Go on to a period that ``stepped`` names; for callbacks."""
    if preset == "custom":
        put_days(first, last, period()[2])
    else:
        put_period(preset)


def stepped(steps: int) -> tuple[str, date, date] | None:
    """The period so many of its lengths later; None where there is none."""
    preset, days, _ = period()
    week_start = clock.week_start()
    return periods.stepped(preset, today(), days, steps=steps, week_start=week_start)


def own_pickers(own: Mapping[str, str], **more: Any) -> None:
    """Boxes for dimensions that only some pages filter by; ``more`` is for the boxes.

    ``own`` is their dimensions with their parameters.
    """
    for name, parameter in own.items():
        one = DIMENSIONS[name]
        meaning = formats.unmarked(one.definition)
        value_picker.several(name, parameter, one.label, help=meaning, **more)


def narrowed(scope: Scope, own: Mapping[str, str]) -> Scope:
    """The scope with what these boxes say."""
    for name, parameter in own.items():
        if values := value_picker.chosen(name, parameter):
            scope = scope.only(name, *values)
    return scope


def active() -> Iterator[Filter]:
    """The filters in force."""
    for name in FILTERS:
        if runner.without_people((name,)):
            yield from of(name)


def of(name: str) -> list[Filter]:
    """The filters of a dimension: what is kept and what is left out, as far as there is either."""
    read = filter_words.read(url.get_all(FILTERS[name]))
    return [
        Filter(name, tuple(value_picker.named(name, values)), is_left_out)
        for values, is_left_out in zip(read, (False, True), strict=True)
        if values
    ]


def keep(one: Filter, instead_of: Filter | None = None) -> None:
    """Write a filter in place of another of its dimension, or of one of its kind; for callbacks."""
    former = one if instead_of is None else instead_of
    others = [each for each in of(one.name) if each.is_left_out != former.is_left_out]
    words = [
        word
        for each in (*others, one)
        for word in filter_words.written(each.values, is_left_out=each.is_left_out)
    ]
    url.put({one.parameter: words})


def reset() -> None:
    """Forget all filters; the period stays. For callbacks."""
    url.put(dict.fromkeys(FILTERS.values(), ()))


def narrow(name: str, value: str) -> None:
    """Keep only one value of a dimension: what a click on a bar or a row does."""
    url.put({FILTERS[name]: filter_words.written([value])})


def parameters(scope: Scope, more: Mapping[str, str]) -> dict[str, list[str]]:
    """The address of the days and filters of a scope.

    ``more`` are parameters of dimensions that only some pages have filters for.
    """
    words = {FROM.name: [str(scope.first_day)], TO.name: [str(scope.last_day)]}
    for pairs, is_left_out in ((scope.include, False), (scope.exclude, True)):
        for name, values in pairs:
            if parameter := FILTERS.get(name):
                written = filter_words.written(values, is_left_out=is_left_out)
                words[parameter] = [*words.get(parameter, ()), *written]
            elif name in more and not is_left_out:
                words[more[name]] = list(values)
    return words


def today() -> date:
    """The day that it is in the reader's zone."""
    return clock.now().astimezone(clock.zone()).date()
