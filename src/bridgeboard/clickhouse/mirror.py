"""Mirrors the store to a ClickHouse, state by state; whoever reads there sees whole ones only.

Of each slice of each table it compares the digest with that of the block that readers see. What
differs is written as a new block; one INSERT makes a version of all of them (``live``). Killed at
any point, it leaves the version before. What it had written is deleted at the next start.
"""

import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bridgeboard.clickhouse import contents, database
from bridgeboard.clickhouse.connection import Connection
from bridgeboard.clickhouse.contents import Digest, Source, Table
from bridgeboard.clickhouse.errors import MirrorError, MirrorTakenError, ServerError
from bridgeboard.clickhouse.live import Block, Live, Place
from bridgeboard.clickhouse.slices import WHOLE, Slices
from bridgeboard.clickhouse.tables import quoted

GRACE: Final = timedelta(minutes=10)
"""How long a block is kept after the version that took it away: no page takes as long."""
ERASED: Final = timedelta(hours=1)
"""For how long after somebody was erased nothing is kept at all."""
LONG_TEXT_EVERY: Final = timedelta(hours=1)
"""How often long text of slices in which nothing else changed is compared."""
VERSIONS: Final = 5_000
"""After so many, a new term begins, so that the list of blocks does not grow for ever."""
_BLOCK_BITS: Final = 63
_UNKNOWN: Final = 0
"""The digest of a block that has to be written anew."""
_TELL_OF_TEXT: Final = frozenset({"usage", "sessions", "threads"})
"""Tables whose rows are written with the text of the same time."""


class StoppedError(Exception):
    """It was asked to stop; what readers see is as it was."""


@dataclass(frozen=True)
class Done:
    """What a run did.

    Attributes:
        version: the version that readers see after it.
        blocks: how many were written.
        rows: how many rows these have.
        dropped: how many blocks were deleted.
        waiting: how many that hold no more are still there.
    """

    version: int
    blocks: int = 0
    rows: int = 0
    dropped: int = 0
    waiting: int = 0


class Mirror:
    """Brings one database up to date with one store. One thread uses it.

    Args:
        connect: a new connection to the database; closed by ``close``, or if it is lost.
        stops: whether to stop; asked between two parts of the work.
    """

    def __init__(
        self, connect: Callable[[], Connection], stops: Callable[[], bool] = lambda: False
    ) -> None:
        self._connect = connect
        self._stops = stops
        self._opened: Connection | None = None
        self._opened_live: Live | None = None
        self._blocks: dict[Place, Block] = {}
        self._broken: dict[Place, Block] = {}
        self._written: dict[Place, Block] = {}
        self._quick: dict[Place, Digest] = {}
        self._text_at: datetime | None = None
        self._is_listed = False
        self._versions = 0

    def run(self, reader: Source, now: datetime, *, rebuild: bool = False) -> Done:
        """Let readers see the state of the store that a reader of everything reads.

        Args:
            reader: a snapshot.
            now: the time, aware.
            rebuild: whether every block is written anew.

        Raises:
            MirrorError: when that fails; readers see the state before, and it may be tried again.
            StoppedError: when it was asked to stop.
        """
        try:
            return self._run(reader, now, rebuild=rebuild)
        except ServerError as error:
            if error.code is None:  # another host may answer
                self.close()
            raise
        except MirrorTakenError:
            self._opened_live = None
            raise

    def close(self) -> None:
        """Close the connection; the next run opens another. May be repeated."""
        if self._opened is not None:
            self._opened.close()
        self._opened, self._opened_live = None, None

    @property
    def _connection(self) -> Connection:
        if self._opened is None:
            self._opened = self._connect()
        return self._opened

    @property
    def _live(self) -> Live:
        if self._opened_live is None:
            raise MirrorError("No run has begun.")
        return self._opened_live

    def _run(self, reader: Source, now: datetime, *, rebuild: bool) -> Done:
        mirrored = contents.mirrored(reader)
        if self._opened_live is None or self._versions >= VERSIONS:
            self._start(reader, mirrored)
        slices = Slices.at(now)
        wanted, quick, text_at = self._digests(reader, mirrored, slices, now)
        known = {} if rebuild else self._blocks
        written = {
            place: self._block(reader, mirrored[place[0]], slices, place[1], digest)
            for place, digest in wanted.items()
            if not _is(known.get(place), digest)
        }
        ended = {
            place: block
            for place, block in self._blocks.items()
            if place in written or place not in wanted
        }
        if written or ended or not self._is_listed:
            self._publish(written, ended)
        self._quick, self._text_at = quick, text_at
        dropped, waiting = self.collect(self._grace(reader, now))
        rows = sum(block.rows for block in written.values())
        return Done(self._live.version, len(written), rows, dropped, waiting)

    def collect(self, grace: timedelta = GRACE) -> tuple[int, int]:
        """Delete blocks that have not held for some time; how many, and how many are left.

        Readers are told before, by the floor: who reads at an earlier version asks again.
        """
        there, named = database.parts(self._connection), self._live.named()
        dead = there.keys() - self._kept()
        ended = {block: named[block] for block in dead if block in named}
        due = {block for block, one in ended.items() if one.seconds >= grace.total_seconds()}
        unnamed = dead - ended.keys()
        if due:
            floor = max(ended[block].version or self._live.first_version for block in due)
            if self._live.floor() < floor:
                self._live.raise_floor(floor)
        self._drop(due | unnamed)
        self._live.forget_terms(GRACE.total_seconds())
        return len(due | unnamed), len(dead - due - unnamed)

    def _start(self, reader: Source, mirrored: Mapping[str, Table]) -> None:
        """Begin a term with the blocks that readers see."""
        database.check(self._connection, mirrored)
        live = Live(self._connection)
        self._check_store(reader, live.newest())
        live.claim()
        seen = live.newest()
        anew = database.outdated(self._connection, mirrored)
        there = database.parts(self._connection)
        self._blocks = {
            place: block
            for place, block in seen.items()
            if place[0] not in anew and there.get((place[0], block.number)) == block.rows
        }
        self._broken = {place: seen[place] for place in seen.keys() - self._blocks.keys()}
        if self._broken:
            # What readers see now lacks rows, or is about to.
            live.raise_floor(live.last_version() + 1)
        grown = database.prepare(self._connection, mirrored, anew)
        self._blocks |= {
            place: Block(block.number, block.rows, _UNKNOWN)
            for place, block in self._blocks.items()
            if place[0] in grown
        }
        # What nobody names was left by a process that was stopped.
        there, named = database.parts(self._connection), live.named()
        self._opened_live, self._is_listed, self._versions = live, False, 0
        self._drop(there.keys() - self._kept() - named.keys())

    def _check_store(self, reader: Source, seen: Mapping[Place, Block]) -> None:
        """Raise MirrorError if the database mirrors the store of another deployment."""
        block = seen.get(("meta", WHOLE))
        if block is None:
            return
        sql = "SELECT value FROM meta WHERE name = 'deployment_id' AND block = {block:UInt64}"
        theirs = {value for (value,) in self._connection.rows(sql, block=block.number)}
        if theirs - {reader.meta("deployment_id")}:
            raise MirrorError(
                f"ClickHouse at {self._connection.where} mirrors the store of another deployment."
                " Name a database of its own in mirror."
            )

    def _digests(
        self, reader: Source, mirrored: Mapping[str, Table], slices: Slices, now: datetime
    ) -> tuple[dict[Place, Digest], dict[Place, Digest], datetime | None]:
        """The digests of all slices, those without long text, and when all text was read last."""
        wanted: dict[Place, Digest] = {}
        quick: dict[Place, Digest] = {}
        for table in mirrored.values():
            part = table.digests(reader, slices, quick=True)
            (quick if table.long_text else wanted).update(part)
        is_due = self._text_at is None or not timedelta(0) <= now - self._text_at < LONG_TEXT_EVERY
        if is_due:
            for table in mirrored.values():
                if table.long_text:
                    wanted |= table.digests(reader, slices)
            return wanted, quick, now
        moved = {
            name
            for (table, name), digest in wanted.items()
            if table in _TELL_OF_TEXT and not _is(self._blocks.get((table, name)), digest)
        }
        for table in mirrored.values():
            if table.long_text:
                wanted |= self._long_text(reader, table, slices, quick, moved)
        return wanted, quick, self._text_at

    def _long_text(
        self,
        reader: Source,
        table: Table,
        slices: Slices,
        quick: Mapping[Place, Digest],
        moved: Collection[str],
    ) -> dict[Place, Digest]:
        """The digests of a table with long text, which is read where it may have changed."""
        places = [place for place in quick if place[0] == table.name]
        same = {
            place: Digest(block.rows, block.digest)
            for place in places
            if (block := self._blocks.get(place)) and quick[place] == self._quick.get(place)
            if place[1] not in moved and not slices.is_hour(place[1])
        }
        others = [name for _, name in (place for place in places if place not in same)]
        return same | (table.digests(reader, slices, of=others) if others else {})

    def _block(
        self, reader: Source, table: Table, slices: Slices, name: str, digest: Digest
    ) -> Block:
        """A block with the rows of a slice, as they are in the store."""
        place = table.name, name
        written = self._written.get(place)
        if written and _is(written, digest):
            return written
        block = Block(secrets.randbits(_BLOCK_BITS) | 1, digest.rows, digest.value)
        for rows in table.rows(reader, slices, name, block.number):
            if self._stops():
                raise StoppedError
            self._connection.insert(quoted(table.name), rows)
        self._written[place] = block
        return block

    def _publish(self, written: Mapping[Place, Block], ended: Mapping[Place, Block]) -> None:
        """Let readers see new blocks in place of others."""
        self._check_whole(written)
        after = {place: one for place, one in self._blocks.items() if place not in ended}
        after |= written
        is_first = not self._is_listed
        try:
            self._live.publish(after if is_first else written, {**ended, **self._broken})
        except MirrorError:
            # It may have come to be or may come yet, in a term that then is over.
            self._opened_live = None
            raise
        self._blocks, self._broken, self._written, self._is_listed = after, {}, {}, True
        self._versions += 1

    def _check_whole(self, written: Mapping[Place, Block]) -> None:
        """Raise MirrorError unless the server has all rows of these blocks, each once."""
        there = database.parts(self._connection)
        wrong = [
            place
            for place, block in written.items()
            if there.get((place[0], block.number)) != block.rows
        ]
        for place in wrong:
            self._written.pop(place, None)
        if wrong:
            raise MirrorError(
                f"ClickHouse at {self._connection.where} did not keep all rows of {wrong[0][0]}."
                " They are written again; if this stays, look at the log of the server."
            )

    def _kept(self) -> set[tuple[str, int]]:
        """The blocks that readers see or will see soon."""
        blocks = (*self._blocks.items(), *self._broken.items(), *self._written.items())
        return {(place[0], block.number) for place, block in blocks}

    def _drop(self, blocks: Collection[tuple[str, int]]) -> None:
        if blocks:
            # They were listed before: a process that took over since has written none of them.
            self._live.check()
            database.drop(self._connection, blocks)

    @staticmethod
    def _grace(reader: Source, now: datetime) -> timedelta:
        since = (now - ERASED).astimezone(UTC).replace(tzinfo=None)
        return timedelta(0) if contents.erased_since(reader, since) else GRACE


def _is(block: Block | None, digest: Digest) -> bool:
    """Whether a block has the rows of a digest."""
    return block is not None and (block.rows, block.digest) == (digest.rows, digest.value)
