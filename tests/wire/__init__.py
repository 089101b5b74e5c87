"""A reader's session with the running dashboard, over its websocket and without a browser.

    with visit(address, "spend", models=["gpt-5"]) as reader:   # or: async with session(...)
        reader.screen.metrics                  # {"Requests": "12,345", ...}
        reader.choose("compare", "No comparison")   # by key or label; several values as a list
        reader.pick("filter-client", "Exclude")     # an entry of a menu
        reader.press("chip-client")            # buttons, also those of a fragment
        reader.turn("people")                  # another page, as a press on its link
        reader.open("fold-by-team")            # expanders, popovers and tabs that run the page
        reader.download("csv-by-team")         # bytes; also of files that are made when asked for
        reader.screen.exceptions, reader.screen.complaints   # what went wrong, as it was shown
        reader.raw                             # every message and file as it was sent

``headers`` are sent with the handshake and with every download: Origin, Cookie, Host, whatever a
proxy adds. A ``_streamlit_xsrf`` cookie is repeated where the browser repeats it. A call returns
once the server has ended the run of the script with all its parts, reruns included, and gives back
what the run took (``Run``). ``refresh`` does what the page's timers would do, once; ``rest`` lets
time go by, timers included. Nothing waits for ever: after ``patience`` seconds there is a
``LateError``. A widget that is not there or is disabled is a ``WireError``, a refused handshake
websockets' ``InvalidStatus``, a closed session its ``ConnectionClosed``, a refused file httpx's
``HTTPStatusError``.

``session`` is the same in asyncio, for many of them in one process; ``visit`` drives one from a
thread of its own. What is on the screen is ``Screen``, made of ``Node``s.

The benchmarks know this package as ``tests.wire``, hence the imports among its own files.
"""

from .nodes import LateError, Node, WireError
from .screens import Screen
from .sessions import PATIENCE, Run, Session
from .visits import Visit, await_sync, session, visit

__all__ = [
    "PATIENCE",
    "LateError",
    "Node",
    "Run",
    "Screen",
    "Session",
    "Visit",
    "WireError",
    "await_sync",
    "session",
    "visit",
]
