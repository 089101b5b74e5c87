"""Which sessions are looked for, and the tables that expressions about a session speak of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Final

from bridgeboard.model.accuracy import COUNTS_OF_ROWS, UNREAD, unsplit
from bridgeboard.model.dimensions import Source
from bridgeboard.model.errors import ListError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_sources import Arguments, asked, bit, rows, tables, word
from bridgeboard.queries.session_columns import COLUMNS, FAILED, NUMBERS, RANGES, SUMS
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


OF_CALLS = frozenset({"tool", "server"})
"""Dimensions of which only tool calls know."""

# 64 of our keys are one word. Materialized, so that the few words are looked up, not all requests.
_KEPT = (
    f"SELECT {word('t.usage')} AS word, bit_or({bit('t.usage')}) AS bits"
    " FROM prompts t{} GROUP BY 1"
)
_BITS = f" LEFT JOIN {{}}kept k ON k.word = {word('f.usage')}"


@dataclass(frozen=True)
class Sides:
    """Tables for expressions over ``s`` and the aliases of columns (``u``, ``w``, ``p``, ...).

    The sessions of a scope are those with a request that passes, and those of which no request is
    known yet that began in it: ``{prefix}used`` has a row of each.

    Attributes:
        sql: the expressions.
        scope: what sums over requests are about.
        into: the parameters of the statement.
        within: SELECT of the sessions that count; empty for all.
        prefix: before the names of its tables, where a statement has several.
    """

    sql: Sequence[str]
    scope: Scope
    into: Arguments = field(compare=False)
    within: str = ""
    prefix: str = ""

    @property
    def names(self) -> set[str]:
        """The dimensions whose common tables are needed."""
        return {name for alias, name in (("p", "initiator"), ("b", "team")) if self._speaks(alias)}

    def tables(self) -> list[str]:
        """Its own common tables, in order."""
        return [*self._used(), *self._whole(), *self._failing(), *self._named()]

    def origin(self) -> str:
        """What follows FROM: one row per session of the scope."""
        joins = {
            "p": "JOIN (SELECT * FROM people JOIN initiators USING (initiator)) p"
            " ON p.initiator = s.initiator",
            "b": "LEFT JOIN members b ON b.initiator = s.initiator"
            " AND s.started_at >= b.valid_from AND s.started_at < b.valid_to",
            "w": f"LEFT JOIN {self.prefix}whole w ON w.session = s.session",
            "e": f"LEFT JOIN {self.prefix}failing e ON e.session = s.session",
            "n": f"LEFT JOIN {self.prefix}named n ON n.models = s.models",
        }
        spoken = "".join(f" {join}" for alias, join in joins.items() if self._speaks(alias))
        return f"{self.prefix}used u JOIN sessions s ON s.session = u.session{spoken}"

    def _used(self) -> list[str]:
        """Each session of the scope, and the sums over its requests in it."""
        needed = self._needed("u")
        of_calls = [name for name in needed if self._is_of_calls(name)]
        sums = "".join(f", {SUMS[name]} AS {name}" for name in needed if name not in of_calls)
        passing = self._passing("usage")
        sql = f"SELECT f.session, TRUE AS is_read{sums} {passing} GROUP BY f.session"
        counted = {
            name: f"CASE WHEN called.session IS NOT NULL THEN called.{name} ELSE 0 END"
            for name in of_calls
        }
        beside = {"called": self._called(of_calls)} if of_calls else {}
        if limits := [name for name in needed if name in COUNTS_OF_ROWS and self._hides_rows]:
            counted |= {name: f"t.{name} + coalesce(hidden.hidden_rows, 0)" for name in limits}
            beside["hidden"] = self._hidden()
        if counted:
            columns = "".join(f", {counted.get(name, f't.{name}')} AS {name}" for name in needed)
            joins = "".join(
                f" LEFT JOIN {self.prefix}{name} {name} ON {name}.session = t.session"
                for name in beside
            )
            sql = f"SELECT t.session, t.is_read{columns} FROM ({sql}) t{joins}"
        unread = self._passing("unread")
        unknown = "".join(f", NULL AS {name}" for name in needed)
        sql += f" UNION ALL SELECT f.session, FALSE AS is_read{unknown} {unread}"
        tables = [f"{self.prefix}{name} AS ({table})" for name, table in beside.items()]
        return [*tables, f"{self.prefix}used AS ({sql})"]

    def _called(self, names: Iterable[str]) -> str:
        """Counts of the calls that pass, for a scope that is about some tools only."""
        counts = ", ".join(f"{called(name)} AS {name}" for name in names)
        return f"SELECT f.session, {counts} {self._passing('calls')} GROUP BY f.session"

    @property
    def _hides_rows(self) -> bool:
        """Whether filters keep some tools only, and so no row of which no tool is known."""
        return not OF_CALLS.isdisjoint(name for name, _ in self.scope.include)

    def _hidden(self) -> str:
        """Counts of the rows without known tools that filters by tool hide, by session.

        They may belong to what is filtered by: the numbers of the session are lower bounds.
        """
        free = unsplit(self.scope, (UNREAD,))
        unread = f"f.grain = 'session' AND {self._among('f')}"
        text = rows("usage", [], free, self.into, also=unread).text
        return f"SELECT f.session, count(*) AS hidden_rows {text} GROUP BY f.session"

    def _whole(self) -> list[str]:
        needed = self._needed("w")
        if not needed:
            return []
        columns = "".join(f", {SUMS[name]} AS {name}" for name in needed)
        text_sums = self._kept() if "has_text" in needed else []
        bits = _BITS.format(self.prefix) if text_sums else ""
        sql = f"SELECT f.session{columns} FROM usage f{bits} WHERE {self._among('f')}"
        return [*text_sums, f"{self.prefix}whole AS ({sql} GROUP BY f.session)"]

    def _kept(self) -> list[str]:
        of_these = f" WHERE t.usage IN (SELECT f.usage FROM usage f WHERE {self._among('f')})"
        return [
            f"{self.prefix}kept AS MATERIALIZED ({_KEPT.format(of_these if self.within else '')})"
        ]

    def _failing(self) -> list[str]:
        """Failed threads that began in the period; under filters, those with a passing request."""
        if not self._speaks("e"):
            return []
        since, until = self.into.bound(self.scope.since), self.into.bound(self.scope.until)
        sql = (
            f"SELECT t.session, count(*) AS failed FROM threads t WHERE {FAILED}"
            f" AND t.started_at >= {since} AND t.started_at < {until} AND {self._among('t')}"
        )
        if self.scope.include or self.scope.exclude:
            passing = self._passing("usage")
            sql += f" AND (t.session, t.id) IN (SELECT f.session, f.thread {passing})"
        return [f"{self.prefix}failing AS ({sql} GROUP BY t.session)"]

    def _named(self) -> list[str]:
        """What the models of sessions are called, in the order in which lists show them.

        Few lists of models occur, each in many sessions.
        """
        if not self._speaks("n"):
            return []
        sql = (
            "SELECT t.models, array_to_string(list_sort(list(DISTINCT"
            " lower(coalesce(m.family, t.model)))), ', ') AS names"
            " FROM (SELECT d.models, unnest(d.models) AS model FROM"
            f" (SELECT DISTINCT t.models FROM sessions t WHERE {self._among('t')}) d) t"
            " LEFT JOIN families m ON m.model = t.model GROUP BY t.models"
        )
        return [f"{self.prefix}named AS ({sql})"]

    def _passing(self, source: Source) -> str:
        """FROM and WHERE of a source's rows in the scope that are of the sessions that count."""
        return rows(source, [], self.scope, self.into, also=self._among("f")).text

    def _among(self, alias: str) -> str:
        if self.within:
            return f"{alias}.session IN ({self.within})"
        return f"{alias}.session IS NOT NULL"

    def _needed(self, alias: str) -> list[str]:
        spoken = {name for one in self.sql for name in re.findall(rf"\b{alias}\.(\w+)", one)} - {
            "session"
        }
        return [name for name in SUMS if name in spoken]

    def _is_of_calls(self, name: str) -> bool:
        return is_about_calls(self.scope) and bool(called(name))

    def _speaks(self, alias: str) -> bool:
        return any(re.search(rf"\b{alias}\.", one) for one in self.sql)


def is_about_calls(scope: Scope) -> bool:
    """Whether a scope is about some tools only: then only their calls are counted."""
    return bool(OF_CALLS & asked([], scope))


def called(name: str) -> str:
    """SQL of a column that counts calls, over calls ``f``; empty for any other."""
    if name not in NUMBERS:
        return ""
    one = METRICS[NUMBERS[name]]
    if not all(part.of_calls for part in one.parts):
        return ""
    return one.value.format(*(part.calls for part in one.parts))


def shared(scope: Scope, *sides: Sides) -> list[str]:
    """The common tables of a scope's filters and of what stands beside, each once."""
    names: Iterable[str] = {name for one in sides for name in one.names}
    return tables({*asked([], scope), *names})
