"""Remembers for whom each download was made, and who is behind each websocket.

Pages say for whom they make a file; what stands before the app (``middleware.file_access``) asks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePosixPath
from threading import Lock
from typing import Final

from bridgeboard.access import Viewer

MOST: Final = 50_000
"""Files and whom they are for that are remembered; what is forgotten is for nobody any more."""

_asking: ContextVar[Viewer | None] = ContextVar("asking", default=None)
_made: dict[tuple[str, Viewer], None] = {}
_making = Lock()


def asking() -> Viewer | None:
    """Who is at the other end of the websocket for which this runs; None for nobody known.

    Runs of pages have threads of their own, where nobody is known.
    """
    return _asking.get()


def made_for(address: str, viewer: Viewer) -> None:
    """Let a file at an address of Streamlit's be for somebody too."""
    with _making:
        _made.pop((file_id(address), viewer), None)
        _made[file_id(address), viewer] = None
        while len(_made) > MOST:
            del _made[next(iter(_made))]


def is_for(address: str, viewer: Viewer) -> bool:
    """Whether the file at an address was made for somebody."""
    return (file_id(address), viewer) in _made


def file_id(address: str) -> str:
    """A file's id: its address ends in it, and in what kind of file it is."""
    return PurePosixPath(address).stem


@contextmanager
def asked_by(viewer: Viewer | None) -> Iterator[None]:
    """Let whatever runs in the block know who is at the other end of its websocket."""
    token = _asking.set(viewer)
    try:
        yield
    finally:
        _asking.reset(token)
