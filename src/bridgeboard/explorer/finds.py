"""Which sessions are looked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Final

from bridgeboard.explorer.columns import COLUMNS, FAILED, RANGES
from bridgeboard.explorer.errors import ExplorerError
from bridgeboard.explorer.typed import holdable
from bridgeboard.metrics import Scope
from bridgeboard.metrics.sources import Arguments, rows

_MICROSECONDS: Final = 1_000_000
_WIDEST: Final = 2**126
_WITH_ERRORS: Final = f"""s.session IN (
    SELECT f.session FROM usage f
    WHERE f.tool_errors > 0 AND f.grain = 'interception' AND f.session IS NOT NULL
    UNION ALL SELECT t.session FROM threads t WHERE {FAILED})"""


@dataclass(frozen=True)
class Range:
    """What a number may be, both ends included; None is no end. An unknown number is outside.

    Args:
        name: one of ``RANGES``: cost (pico-USD), duration_seconds, threads, tool_calls.
        least: whole but for seconds.
        most: likewise.

    Raises:
        ExplorerError: for another name, and for an end that is no such number.
    """

    name: str
    least: float | None = None
    most: float | None = None

    def __post_init__(self) -> None:
        if self.name not in RANGES:
            raise ExplorerError(f"{self.name!r} has no range; {', '.join(RANGES)} have.")
        for end in (self.least, self.most):
            if end is not None and not _is_end(self.name, end):
                raise ExplorerError(f"{self.name} cannot be {end!r}.")


@dataclass(frozen=True)
class Find:
    """What to look for among sessions; hashable.

    A session counts where it began: the scope's period is about its start. Filters by person, team
    and client are about the session. All others (provider, provider_name, vendor, model,
    credential_kind, tool, server ...) choose sessions of which a single request passes all of
    them, where "exclude" is what that request must not have; models alone, or providers alone,
    are also known of sessions whose requests are not. Numbers are of the whole session,
    whichever of its requests passed.

    Args:
        scope: period, zone and filters, as for every other number.
        has_errors: only sessions with a failed tool call or a failed thread, only those without
            any that is known, or both (None).
        ranges: at most one per name.
        id: the id that the client gave the session, whole; None is any.

    Raises:
        ExplorerError: for two ranges of one name.
    """

    scope: Scope
    has_errors: bool | None = None
    ranges: tuple[Range, ...] = ()
    id: str | None = None

    def __post_init__(self) -> None:
        names = [one.name for one in self.ranges]
        if len(set(names)) < len(names):
            raise ExplorerError("A number has one range.")
        object.__setattr__(self, "ranges", tuple(sorted(self.ranges, key=lambda one: one.name)))

    @property
    def is_about_requests(self) -> bool:
        """Whether a request by itself, without its session, can be told to pass."""
        return self.has_errors is None and not self.ranges and self.id is None


def found(find: Find, into: Arguments) -> str:
    """SQL of the sessions in a scope, all columns; errors and ranges are still to be looked at."""
    return f"SELECT f.* {rows('sessions', [], find.scope, into).text}"


def conditions(find: Find, into: Arguments) -> list[str]:
    """What else a session must fulfil, in the SQL of columns."""
    told = [one for each in find.ranges for one in _within(each, into)]
    if find.has_errors is not None:
        told.append(_WITH_ERRORS if find.has_errors else f"NOT ({_WITH_ERRORS})")
    if find.id is not None:
        told.append(f"s.id = {into.bound(holdable(find.id))}")
    return told


def spoken(find: Find) -> list[str]:
    """The SQL of columns that ``conditions`` speak of."""
    return [COLUMNS[each.name].order for each in find.ranges]


def where(told: Sequence[str]) -> str:
    """Conditions as a WHERE, nothing for none."""
    return f" WHERE {' AND '.join(told)}" if told else ""


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
