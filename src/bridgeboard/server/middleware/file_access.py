"""Downloads are found only by the viewer they were made for.

By itself Streamlit hands a file to whoever knows its address, and makes one for whoever knows the
id of its button.
"""

import asyncio
from typing import Final

from streamlit import runtime
from streamlit.runtime.media_file_storage import MediaFileKind

from bridgeboard.access import Viewer
from bridgeboard.server.file_owners import asked_by, file_id, is_for
from bridgeboard.server.middleware.asgi import ASGIApp, Message, Receive, Send
from bridgeboard.server.middleware.identity import Requester

MEDIA: Final = "/media/"
"""Where Streamlit serves files from."""
NOWHERE: Final = f"{MEDIA}-"
"""A file that is never there: ids are hexadecimal."""


class FileAccess:
    """A file that is not for who asks is answered as one that is not there.

    Whatever runs for a websocket knows who is at its other end (``file_owners.asking``).
    """

    def __init__(self, app: ASGIApp, requester: Requester) -> None:
        self.app = app
        self.requester = requester

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
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
    if is_for(path, viewer):
        return True
    file = runtime.get_instance().media_file_mgr.read_file(file_id(path))
    return file is not None and file.kind is not MediaFileKind.DOWNLOADABLE
