"""Downloads are found only by the viewer they were made for.

By itself Streamlit hands a file to whoever knows its address, and makes one for whoever knows the
id of its button. Pages say here for whom they make a file.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import PurePosixPath
from threading import Lock
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.media_file_storage import MediaFileKind

from bridgeboard.access import Viewer
from bridgeboard.server.middleware.requester import Requester

MEDIA: Final = "/media/"
"""Where Streamlit serves files from."""
NOWHERE: Final = f"{MEDIA}-"
"""A file that is never there: ids are hexadecimal."""
MOST: Final = 50_000
"""Files and whom they are for that are remembered; what is forgotten is for nobody any more."""

_asking: ContextVar[Viewer | None] = ContextVar("asking", default=None)
_made: dict[tuple[str, Viewer], None] = {}
_making = Lock()


class FileAccess:
    """A file that is not for who asks is answered as one that is not there.

    Whatever runs for a websocket knows who is at its other end (``asking``).
    """

    def __init__(self, app: ASGIApp, requester: Requester) -> None:
        self.app = app
        self.requester = requester

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything else through."""
        if scope["type"] == "websocket":
            with asked_by(await asyncio.to_thread(self.requester.viewer, scope)):
                await self.app(scope, receive, send)
            return
        if scope["type"] == "http" and scope["path"].startswith(MEDIA):
            who = await asyncio.to_thread(self.requester.viewer, scope)  # it may ask a database
            if who is None or not _is_for(scope["path"], who):
                scope = {**scope, "path": NOWHERE, "raw_path": NOWHERE.encode()}
        await self.app(scope, receive, send)


def _is_for(path: str, viewer: Viewer) -> bool:
    """Whether somebody may have a file: what they had made, and pictures, which nobody takes."""
    if (file_id(path), viewer) in _made:
        return True
    file = runtime.get_instance().media_file_mgr.read_file(file_id(path))
    return file is not None and file.kind is not MediaFileKind.DOWNLOADABLE


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
