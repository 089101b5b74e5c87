"""What stands beside the sessions ``s`` of a statement: only what its expressions speak of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bridgeboard.model.accuracy import COUNTS_OF_ROWS, UNREAD, unsplit
from bridgeboard.model.dimensions import Source
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.functions import bit, word
from bridgeboard.queries.metric_sources import Arguments, asked, rows, tables
from bridgeboard.queries.session_columns import FAILED, NUMBERS, SUMS

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
        return [*self._used(), *self._whole(), *self._failing()]

    def origin(self) -> str:
        """What follows FROM: one row per session of the scope."""
        joins = {
            "p": "JOIN (SELECT * FROM people JOIN initiators USING (initiator)) p"
            " ON p.initiator = s.initiator",
            "b": "LEFT JOIN members b ON b.initiator = s.initiator"
            " AND s.started_at >= b.valid_from AND s.started_at < b.valid_to",
            "w": f"LEFT JOIN {self.prefix}whole w ON w.session = s.session",
            "e": f"LEFT JOIN {self.prefix}failing e ON e.session = s.session",
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
