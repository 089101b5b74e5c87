"""Stores that are synced once in a run of the tests, and copied for each test that wants one."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridgeboard.store import Store

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
    """A copy, at a path, of the store of a name; whoever comes first fills that.

    Workers that come at once each fill one of their own, of which one stays.
    """
    shared = _FOLDERS[0] / f"{name}.duckdb"
    if not shared.exists():
        own = shared.with_suffix(f".{os.getpid()}")
        with _opened(own) as store:
            fill(store)
        own.replace(shared)
    return Path(shutil.copy(shared, path))


def _opened(path: Path) -> Store:
    return Store.open(path, memory_mb=256, threads=2)
