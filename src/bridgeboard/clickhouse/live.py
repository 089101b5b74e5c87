"""The table ``live``: which blocks of which tables hold at which version.

A block is written once, under a number that nothing ever had, and is seen by nobody until one
INSERT into ``live`` names it: that is a version, whole or not there at all. Each process that
mirrors has a **term**, higher than all before. The first version of a term lists every block, the
others what was added (``sign`` 1) and taken away (-1). Readers follow the highest term that has
published, so what a process writes that was paused, or given up for dead, is not seen.

Rows with an empty ``name`` are about the list itself: ``slice`` 'term' claims one; 'floor' says
in ``block`` from which version on no row is missing: who read at an earlier one asks again.
"""

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from bridgeboard.clickhouse.connection import Connection
from bridgeboard.clickhouse.errors import MirrorTakenError

NEWEST: Final = """
SELECT term, max(version) FROM live WHERE name != '' GROUP BY term ORDER BY term DESC LIMIT 1"""
"""The newest state: its term and version; no row where nothing was published yet."""
BLOCKS: Final = """
SELECT name, slice, block FROM live
WHERE term = {term:UInt64} AND version <= {version:UInt64} AND name != ''
GROUP BY name, slice, block HAVING sum(sign) > 0"""
"""The blocks of a state. Table without any: no rows."""
FLOOR: Final = "SELECT max(block) FROM live WHERE name = '' AND slice = 'floor'"
"""The version below which rows may be missing; an answer that was read at one is not whole."""

_COUNTED: Final = """
SELECT name, slice, block, any(rows), any(digest) FROM live
WHERE term = {term:UInt64} AND version <= {version:UInt64} AND name != ''
GROUP BY name, slice, block HAVING sum(sign) > 0"""
_HIGHEST: Final = "SELECT max(term) FROM live"
_VERSION: Final = "SELECT max(version) FROM live"
_ENDED: Final = """
SELECT name, block, countIf(sign < 0), maxIf(version, sign < 0),
    dateDiff('second', if(countIf(sign < 0) > 0, maxIf(at, sign < 0), max(at)), now64(3))
FROM live WHERE name != '' GROUP BY name, block"""
_TERMS: Final = """
SELECT term, minIf(version, name != ''), dateDiff('second', minIf(at, name != ''), now64(3))
FROM live GROUP BY term ORDER BY term"""
_LAST: Final = "SELECT count(), dateDiff('second', max(at), now64(3)) FROM live WHERE name != ''"
_EXISTS: Final = """
SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = 'live'"""
_RANDOM_BITS: Final = 32

Place = tuple[str, str]
"""A table and a slice of it."""


@dataclass(frozen=True)
class Block:
    """The rows of a slice as they were written."""

    number: int
    rows: int
    digest: int


@dataclass(frozen=True)
class Named:
    """What ``live`` says of a block that holds no more, or never did.

    Attributes:
        version: from which on it does not hold; 0 where no version took it away.
        seconds: since then.
    """

    version: int
    seconds: int


class Live:
    """The list of blocks, as one process that mirrors writes it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.term = 0
        self.first_version = 0
        self.version = 0

    def newest(self) -> dict[Place, Block]:
        """The blocks that readers see now."""
        state = self._connection.rows(NEWEST)
        if not state:
            return {}
        ((term, version),) = state
        rows = self._connection.rows(_COUNTED, term=term, version=version)
        return {(name, part): Block(*block) for name, part, *block in rows}

    def claim(self) -> None:
        """Begin a term that is higher than all others."""
        ((highest,),) = self._connection.rows(_HIGHEST)
        # Two that claim at once differ by chance, and the higher one has it.
        chance = secrets.randbits(_RANDOM_BITS)
        self.term = ((highest >> _RANDOM_BITS) + 1 << _RANDOM_BITS) | chance
        self._insert([("", "term", 0, 0, 0, 0)], version=0)

    def check(self) -> None:
        """Raise MirrorTakenError unless this is the last process that claimed a term."""
        ((highest,),) = self._connection.rows(_HIGHEST)
        if highest != self.term:
            raise MirrorTakenError(
                "Another process mirrors into this database now, so this one stopped. Let one"
                " process alone mirror a store, and give each store a database of its own."
            )

    def last_version(self) -> int:
        """The number of the last version that anybody published."""
        ((last,),) = self._connection.rows(_VERSION)
        return int(last)

    def publish(self, added: Mapping[Place, Block], ended: Mapping[Place, Block]) -> int:
        """Publish a version in which some blocks are new and some hold no more; its number."""
        self.check()
        version = self.last_version() + 1
        self._insert([*_rows(added, 1), *_rows(ended, -1)], version)
        self.version = version
        self.first_version = self.first_version or version
        return version

    def floor(self) -> int:
        """The version from which on no row is missing."""
        ((floor,),) = self._connection.rows(FLOOR)
        return int(floor)

    def raise_floor(self, version: int) -> None:
        """Say that rows of earlier versions will be missing."""
        self.check()
        self._insert([("", "floor", version, 0, 0, 0)], self.version)

    def named(self) -> dict[tuple[str, int], Named]:
        """All blocks that were ever named, and what became of them, by table and number."""
        return {
            (name, block): Named(version if is_ended else 0, seconds)
            for name, block, is_ended, version, seconds in self._connection.rows(_ENDED)
        }

    def forget_terms(self, seconds: float) -> None:
        """Delete what terms listed after which another one began to publish so long ago."""
        terms = self._connection.rows(_TERMS)
        old = [(term, first) for term, first, age in terms if first and age >= seconds]
        if not old or old[-1][0] == terms[0][0]:
            return
        last, first = old[-1]
        # What was live before may be forgotten with the list.
        self.raise_floor(max(self.floor(), first))
        for term in [term for term, *_ in terms if term < last]:
            self._connection.execute(f"ALTER TABLE live DROP PARTITION {int(term)}")

    def _insert(self, rows: Collection[tuple[Any, ...]], version: int) -> None:
        names = ("name", "slice", "block", "rows", "digest", "sign")
        kinds = (pa.string(), pa.string(), pa.uint64(), pa.uint64(), pa.uint64(), pa.int8())
        columns: dict[str, pa.Array] = {
            "term": pa.array([self.term] * len(rows), pa.uint64()),
            "version": pa.array([version] * len(rows), pa.uint64()),
        }
        for name, kind, values in zip(names, kinds, zip(*rows, strict=True), strict=True):
            columns[name] = pa.array(values, kind)
        self._connection.insert("live", pa.table(columns))


def seconds_since(connection: Connection) -> int | None:
    """How many seconds ago the last version was published; None where none ever was."""
    if connection.rows(_EXISTS) == [(0,)]:
        return None
    ((count, seconds),) = connection.rows(_LAST)
    return int(seconds) if count else None


def _rows(blocks: Mapping[Place, Block], sign: int) -> Iterable[tuple[Any, ...]]:
    for (name, part), block in blocks.items():
        yield name, part, block.number, block.rows, block.digest, sign
