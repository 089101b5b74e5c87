"""Copies of a store for processes that only read: the newest one, and a file that names it.

The process that writes the store makes them (``publish``). ``published.json`` names the newest; a
copy has its name only when it is whole and on the disk, and is never changed under that name. The
oldest one that nobody reads becomes the next, of which only blocks that differ are copied.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bridgeboard import private_files
from bridgeboard.model.store import StoreError
from bridgeboard.store import block_copy
from bridgeboard.store.database import Store
from bridgeboard.store.errors import StoreFullError, StoreLocationError
from bridgeboard.store.schema import MIGRATIONS

NEWEST: Final = "published.json"
"""The file that names the newest copy."""
FORMAT: Final = "bridgeboard-published-store"
KEPT: Final = 3
"""Copies that stay: the newest, the one before, and one that becomes the next."""
PARTIAL: Final = ".partial"
"""Ends the name of a copy that is being made."""
_SCRIPT: Final = Path(block_copy.__file__)
_PATIENCE_SECONDS: Final = 600.0


@dataclass(frozen=True)
class Published:
    """What is said of the newest copy. Times are aware.

    Attributes:
        store: what the store is called: the name of its file, without the ending.
        number: of the copy; later ones have larger numbers, also of another process.
        version: the number of the last batch in it.
        schema: of its tables.
        floor: of how many people at least the sums of groups are that were made last.
        made_at: when it was made.
        current_at: when it was last seen to hold all that the store holds.
        synced_at: the end of the last good sync that it holds; None before there was one.
        seen_at: when the process that publishes looked last.
        problem: why the last sync failed; None if it did not.
    """

    store: str
    number: int
    version: int
    schema: int
    floor: int
    made_at: datetime
    current_at: datetime
    synced_at: datetime | None
    seen_at: datetime
    problem: str | None = None

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.store}-{self.number}.duckdb"


@dataclass(frozen=True)
class Made:
    """What a copy cost: its bytes, how many of them had to be copied, how long batches waited."""

    number: int
    version: int
    schema: int
    bytes: int
    copied: int
    waited_seconds: float


def publish(store: Store, folder: Path, now: datetime) -> Made:
    """Make a copy of a store's present state in a folder; it is whole, and not named yet.

    Batches wait meanwhile, questions do not.

    Raises:
        StoreLocationError: when the folder cannot be used, or others may enter it.
        StoreFullError: when there is no room.
        StoreBusyError: when questions left no moment.
    """
    _check_folder(folder)
    name = store.path.stem
    newest = _named_before(folder)
    if newest and newest.store != name:
        raise StoreLocationError(
            f"{folder} has the copies of another store ({newest.store}): name another folder."
        )
    numbers = numbers_in(folder, name)
    # The clock, so that numbers grow on where a folder was emptied.
    number = max([int(now.timestamp()), *(each + 1 for each in numbers)])
    target = folder / f"{name}-{number}.duckdb"
    partial = target.with_name(f"{target.name}{PARTIAL}")
    try:
        _clear(folder, name)
        spare = [each for each in sorted(numbers)[: 1 - KEPT] if not newest or each < newest.number]
        files = [folder / f"{name}-{each}.duckdb" for each in spare]
        with store.at_rest() as version:
            began = perf_counter()
            copied = _copied(store.path, files, partial)
            waited = perf_counter() - began
        private_files.make_durable(partial)
        partial.rename(target)
        private_files.make_durable(folder)
    except OSError as error:
        raise unusable(folder, error) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
    return Made(number, version, len(MIGRATIONS), copied["bytes"], copied["copied"], waited)


def name_newest(folder: Path, newest: Published) -> None:
    """Say which copy is the newest, and how it is with the store, then delete the oldest ones.

    Raises:
        StoreLocationError: when the folder cannot be written.
    """
    lines = {name: _written(value) for name, value in asdict(newest).items()}
    try:
        private_files.put(folder / NEWEST, json.dumps({"format": FORMAT, **lines}, indent=2))
        private_files.make_durable(folder)
    except OSError as error:
        raise unusable(folder, error) from error
    drop(folder, newest.store, sorted(numbers_in(folder, newest.store))[:-KEPT])


def named(folder: Path) -> Published | None:
    """The newest copy, as the folder names it; None where none was ever published.

    Raises:
        StoreLocationError: when that cannot be read.
    """
    file = folder / NEWEST
    try:
        return _parsed(json.loads(file.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreLocationError(f"{file} cannot be read ({error.strerror}).") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise StoreLocationError(
            f"{file} does not name a copy of a store ({error}). The process that syncs writes it"
            " anew."
        ) from error


def numbers_in(folder: Path, name: str) -> list[int]:
    """The numbers of all whole copies of a store in a folder."""
    pattern = re.compile(rf"{re.escape(name)}-(\d+)\.duckdb")
    with suppress(OSError):
        return [int(one[1]) for each in folder.iterdir() if (one := pattern.fullmatch(each.name))]
    return []


def drop(folder: Path, name: str, numbers: list[int]) -> None:
    """Delete copies; whoever has one open reads on in it."""
    for number in numbers:
        # It is tried again after the next one.
        with suppress(OSError):
            (folder / f"{name}-{number}.duckdb").unlink(missing_ok=True)


def withdraw(folder: Path, name: str) -> int:
    """Delete all copies of a store, as of whom is in them was erased; how many there were.

    Raises:
        StoreLocationError: when they cannot be deleted.
    """
    found = [folder / f"{name}-{each}.duckdb" for each in numbers_in(folder, name)]
    try:
        if found:
            (folder / NEWEST).unlink(missing_ok=True)
        for each in found:
            each.unlink(missing_ok=True)
        _clear(folder, name)
    except OSError as error:
        raise StoreLocationError(
            f"The copies in {folder} cannot be deleted ({error.strerror}). Delete them."
        ) from error
    return len(found)


def unusable(folder: Path, error: OSError) -> StoreError:
    """The error of a folder that copies cannot be written to."""
    return StoreLocationError(
        f"No copy can be written to {folder} ({error.strerror or error}). Let this account write"
        " there, or name another as publish_folder."
    )


def refreshed(newest: Published, now: datetime, **news: Any) -> Published:
    """The same copy, looked at again."""
    return replace(newest, seen_at=now, **news)


def _check_folder(folder: Path) -> None:
    try:
        private_files.make_folder(folder)
        list(folder.iterdir())
        what_to_do = private_files.how_to_close(folder)
    except OSError as error:
        raise unusable(folder, error) from error
    if what_to_do:
        raise StoreLocationError(
            f"Other accounts of this machine may look into {folder}, where copies of the store"
            f" are to be published. {what_to_do}"
        )


def _named_before(folder: Path) -> Published | None:
    """The newest copy; None also where the file that names it is damaged: it is written anew."""
    with suppress(StoreLocationError):
        return named(folder)
    return None


def _clear(folder: Path, name: str) -> None:
    """Delete what processes that were killed left of copies of a store."""
    pattern = re.compile(rf"{re.escape(name)}-\d+\.duckdb{re.escape(PARTIAL)}")
    for each in folder.iterdir():
        if pattern.fullmatch(each.name):
            each.unlink(missing_ok=True)


def _copied(source: Path, spare: list[Path], partial: Path) -> Mapping[str, int]:
    """Copy a file to ``partial``, with the help of a former copy if there is one to spare."""
    for former in spare:
        done = _run(source, former, partial)
        if done is not None:
            return done
    free, needed = shutil.disk_usage(partial.parent).free, source.stat().st_size
    if free < needed:
        raise StoreFullError(
            f"A copy of the store needs {needed:,} bytes in {partial.parent}, and {free:,} are"
            " free. Free some; it is tried again."
        )
    done = _run(source, partial, partial)
    if done is None:
        raise StoreError(f"Another process has {partial} open.")
    return done


def _run(source: Path, former: Path, partial: Path) -> Mapping[str, int] | None:
    """What the script says; None when somebody reads the former copy.

    Raises:
        StoreError: when it fails.
    """
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-I", "-S", str(_SCRIPT), str(source), str(former), str(partial)],
            capture_output=True,
            encoding="utf-8",
            timeout=_PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise StoreError(f"{partial} was not written within {error.timeout:.0f} s.") from error
    if done.returncode == block_copy.IN_USE:
        return None
    if done.returncode:
        reason = done.stderr.strip() or f"the copy ended with status {done.returncode}"
        if done.returncode == block_copy.FULL:
            raise StoreFullError(
                f"There is no room for a copy of the store in {partial.parent} ({reason}). Free"
                " some; it is tried again."
            )
        raise StoreLocationError(f"No copy can be written to {partial.parent} ({reason}).")
    answer: dict[str, int] = json.loads(done.stdout)
    return answer


def _written(value: object) -> object:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _parsed(said: dict[str, Any]) -> Published:
    """What the file says; raises ValueError and its like unless all of it is of its type."""
    if said.pop("format") != FORMAT:
        raise ValueError("its format is another")
    times = {name: _time(said[name]) for name in ("made_at", "current_at", "synced_at", "seen_at")}
    found = Published(**{**said, **times})
    numbers = (found.number, found.version, found.schema, found.floor)
    is_sound = (
        all(type(each) is int for each in numbers)
        and all((found.made_at, found.current_at, found.seen_at))
        # Its file lies directly in the folder.
        and re.fullmatch(r"[\w-]+", found.store) is not None
        and isinstance(found.problem, str | None)
    )
    if not is_sound:
        raise ValueError("it names no copy")
    return found
