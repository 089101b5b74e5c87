"""What stands beside the sessions ``s`` of a statement: only what its expressions speak of."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridgeboard.explorer.columns import FAILED, SUMS
from bridgeboard.metrics import Scope
from bridgeboard.metrics.sources import asked, tables

# 64 of our keys are one word. Materialized, so that the few words are looked up, not all requests.
_KEPT = (
    "SELECT t.usage >> 6 AS word, bit_or(1::UBIGINT << (t.usage & 63)::UBIGINT) AS bits"
    " FROM prompts t{} GROUP BY word"
)
_BITS = " LEFT JOIN {}kept k ON k.word = f.usage >> 6"


@dataclass(frozen=True)
class Sides:
    """Tables for expressions over ``s`` and the aliases of columns (``p``, ``b``, ``u``, ``e``).

    Attributes:
        sql: the expressions.
        within: SELECT of the sessions that count; empty for all.
        prefix: before the names of its tables, where a statement has several.
    """

    sql: Sequence[str]
    within: str = ""
    prefix: str = ""

    @property
    def names(self) -> set[str]:
        """The dimensions whose common tables are needed."""
        return {name for alias, name in (("p", "initiator"), ("b", "team")) if self._speaks(alias)}

    def tables(self) -> list[str]:
        """Its own common tables, in order."""
        return [*self._used(), *self._failing()]

    def joins(self) -> str:
        """What follows ``FROM ... s``; it neither adds rows nor takes any away."""
        told = {
            "p": "JOIN (SELECT * FROM people JOIN initiators USING (initiator)) p"
            " ON p.initiator = s.initiator",
            "b": "LEFT JOIN members b ON b.initiator = s.initiator"
            " AND s.started_at >= b.valid_from AND s.started_at < b.valid_to",
            "u": f"LEFT JOIN {self.prefix}used u ON u.session = s.session",
            "e": f"LEFT JOIN {self.prefix}failing e ON e.session = s.session",
        }
        return "".join(f" {join}" for alias, join in told.items() if self._speaks(alias))

    def _used(self) -> list[str]:
        if not self._speaks("u"):
            return []
        spoken = {name for one in self.sql for name in re.findall(r"\bu\.(\w+)", one)}
        needed = [name for name in SUMS if name in spoken]
        columns = "".join(f", {SUMS[name]} AS {name}" for name in needed)
        kept = self._kept() if "has_text" in needed else []
        bits = _BITS.format(self.prefix) if kept else ""
        told = f"SELECT f.session{columns} FROM usage f{bits} WHERE {self._among('f')}"
        return [*kept, f"{self.prefix}used AS ({told} GROUP BY f.session)"]

    def _kept(self) -> list[str]:
        of_these = f" WHERE t.usage IN (SELECT f.usage FROM usage f WHERE {self._among('f')})"
        return [
            f"{self.prefix}kept AS MATERIALIZED ({_KEPT.format(of_these if self.within else '')})"
        ]

    def _failing(self) -> list[str]:
        if not self._speaks("e"):
            return []
        told = f"SELECT t.session, count(*) AS failed FROM threads t WHERE {FAILED}"
        return [f"{self.prefix}failing AS ({told} AND {self._among('t')} GROUP BY t.session)"]

    def _among(self, alias: str) -> str:
        if self.within:
            return f"{alias}.session IN ({self.within})"
        return f"{alias}.session IS NOT NULL"

    def _speaks(self, alias: str) -> bool:
        return any(re.search(rf"\b{alias}\.", one) for one in self.sql)


def shared(scope: Scope, *sides: Sides) -> list[str]:
    """The common tables of a scope's filters and of what stands beside, each once."""
    names: Iterable[str] = {name for one in sides for name in one.names}
    return tables({*asked([], scope), *names})
