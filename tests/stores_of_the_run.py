"""Stores that are synced once in a run of the tests, and copied for each test that wants one."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from bridgeboard.store import Store

T = TypeVar("T")
_FOLDERS: list[Path] = []


def keep_in(factory: pytest.TempPathFactory) -> None:
    """Keep them in the folder that all workers of the run share."""
    own = factory.getbasetemp()
    _FOLDERS[:] = [own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own]


@contextmanager
def copied(name: str, fill: Callable[[Store], object], folder: Path) -> Iterator[Store]:
    """An open copy, in a folder, of the store of a name; whoever comes first fills that."""
    with _opened(copy(name, fill, folder / "store.duckdb")) as store:
        yield store


def copy(name: str, fill: Callable[[Store], object], path: Path) -> Path:
    """A copy, at a path, of the store of a name; whoever comes first fills that."""

    def make(file: Path) -> None:
        with _opened(file) as store:
            fill(store)

    return Path(shutil.copy(_once(f"{name}.duckdb", make), path))


def value(name: str, make: Callable[[], T]) -> T:
    """The value of a name, as whoever comes first makes it."""
    path = _once(f"{name}.pickle", lambda file: file.write_bytes(pickle.dumps(make())))
    same: T = pickle.loads(path.read_bytes())  # noqa: S301 - our own file
    return same


def _once(name: str, make: Callable[[Path], object]) -> Path:
    """The run's file of a name; workers that come while another one makes it wait for that."""
    path = _FOLDERS[0] / name
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            unfinished = Path(f"{path}.unfinished")
            unfinished.unlink(missing_ok=True)
            make(unfinished)
            unfinished.replace(path)
    return path


def _opened(path: Path) -> Store:
    return Store.open(path, memory_mb=256, threads=2)
