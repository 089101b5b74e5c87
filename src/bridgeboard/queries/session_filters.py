"""Which sessions are looked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from bridgeboard.model.scope import Scope
from bridgeboard.queries.errors import ListError
from bridgeboard.queries.metric_sources import Arguments
from bridgeboard.queries.session_columns import COLUMNS, RANGES
from bridgeboard.queries.typed_rows import holdable

_MICROSECONDS: Final = 1_000_000
_WIDEST: Final = 2**126
_WITH_ERRORS: Final = "(coalesce(u.tool_errors, 0) > 0 OR coalesce(e.failed, 0) > 0)"


@dataclass(frozen=True)
class Range:
    """What a number may be, both ends included; None is no end. An unknown number is outside.

    Args:
        name: one of ``RANGES``: cost (pico-USD), duration_seconds, threads, tool_calls.
        least: whole but for seconds.
        most: likewise.

    Raises:
        ListError: for another name, and for an end that is no such number.
    """

    name: str
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        if self.name not in RANGES:
            raise ListError(f"{self.name!r} has no range; {', '.join(RANGES)} have.")
        for end in (self.least, self.most):
            if end is not None and not _is_end(self.name, end):
                raise ListError(f"{self.name} cannot be {end!r}.")


@dataclass(frozen=True)
class Find:
    """What to look for among sessions; hashable.

    A session is in a scope with every request of it that lies in the period and passes all
    filters, as for any other number; "exclude" is what that request must not have. The numbers of
    a row are those of these requests. A session of which no request is known yet is in the period
    that it began in, if its person, team and client pass; filters by models alone, or by providers
    alone, are also known of it, others are not.

    Args:
        scope: period, zone and filters, as for every other number.
        has_errors: only sessions with a failed tool call or a failed thread in the scope, only
            those without any that is known, or both (None).
        ranges: at most one per name; of the numbers of the row.
        id: the id that the client gave the session, whole; None is any.

    Raises:
        ListError: for two ranges of one name.
    """

    scope: Scope
    has_errors: bool | None = None
    ranges: tuple[Range, ...] = ()
    id: str | None = None

    def __post_init__(self) -> None:
        names = [one.name for one in self.ranges]
        if len(set(names)) < len(names):
            raise ListError("A number has one range.")
        object.__setattr__(self, "ranges", tuple(sorted(self.ranges, key=lambda one: one.name)))

    @property
    def is_about_requests(self) -> bool:
        """Whether a request by itself, without its session, can be told to pass."""
        return self.has_errors is None and not self.ranges and self.id is None


def conditions(find: Find, into: Arguments) -> list[str]:
    """What else a session must fulfil, in the SQL of columns."""
    terms = [one for each in find.ranges for one in _within(each, into)]
    if find.has_errors is not None:
        terms.append(_WITH_ERRORS if find.has_errors else f"NOT ({_WITH_ERRORS})")
    if find.id is not None:
        terms.append(f"s.id = {into.bound(holdable(find.id))}")
    return terms


def spoken(find: Find) -> list[str]:
    """The SQL of columns that ``conditions`` speak of."""
    errors = [] if find.has_errors is None else [_WITH_ERRORS]
    return [*errors, *(COLUMNS[each.name].order for each in find.ranges)]


def where(terms: Sequence[str]) -> str:
    """Conditions as a WHERE, nothing for none."""
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def _within(each: Range, into: Arguments) -> list[str]:
    sql = COLUMNS[each.name].order
    ends = ((">=", each.least), ("<=", each.most))
    return [
        f"{sql} {sign} {into.bound(_plain(each.name, end))}"
        for sign, end in ends
        if end is not None
    ]


def _plain(name: str, end: float) -> int:
    return round(end * _MICROSECONDS) if name == "duration_seconds" else int(end)


def _is_end(name: str, end: float) -> bool:
    if isinstance(end, bool) or not isfinite(end) or abs(end) >= _WIDEST // _MICROSECONDS:
        return False
    return name == "duration_seconds" or isinstance(end, int)
