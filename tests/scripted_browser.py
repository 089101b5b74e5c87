"""A browser's part in plain Python: cookies, a page's websocket, its buttons, a provider's form."""

import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState, WidgetStates
from websockets.sync.client import ClientConnection, connect

XSRF = "_streamlit_xsrf"


class Visitor:
    """Somebody before a Streamlit page, with a jar of cookies and headers of their own."""

    def __init__(
        self,
        address: str,
        *,
        trust: ssl.SSLContext | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.address, self.trust, self.headers = address, trust, dict(headers or {})
        self.http = httpx.Client(verify=trust or ssl.create_default_context(), timeout=60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_what: object) -> None:
        self.http.close()

    def get(self, path: str) -> httpx.Response:
        """The answer to one request, redirects not followed; ``path`` may be a whole address."""
        return self.http.get(urljoin(self.address, path), headers=self.headers)

    def follow(self, path: str) -> httpx.Response:
        """The answer at the end of all redirects."""
        return self.http.get(
            urljoin(self.address, path), headers=self.headers, follow_redirects=True
        )

    def told(self) -> dict[str, Any]:
        """What the script of ``rigs/whoami.py`` shows: user, headers, peer, url."""
        with self._page() as page:
            elements = [one.delta.new_element for one in _run(page)]
        code = next(one.code.code_text for one in elements if one.HasField("code"))
        shown: dict[str, Any] = json.loads(code)
        return shown

    def press(self, label: str) -> str:
        """Where the page sends the browser when a button is pressed."""
        with self._page() as page:
            buttons = [one.delta.new_element.button for one in _run(page)]
            pressed = next(one.id for one in buttons if one.label == label)
            sent = [one.auth_redirect.url for one in _run(page, pressed)]
        return urljoin(self.address, next(filter(None, sent)))

    def answer(self, form: httpx.Response, login: str, answer: str = "yes") -> httpx.Response:
        """What comes after the provider's form: the page again, or the form with a complaint."""
        return self.http.post(
            form.url, data={"login": login, "answer": answer}, follow_redirects=True
        )

    def sign_in(self, login: str, *, at: str | None = None) -> httpx.Response:
        """Go to the provider, give a login, and come back to the page: its answer."""
        return self.answer(self.follow(at or self.press("Log in")), login)

    @contextmanager
    def _page(self) -> Iterator[ClientConnection]:
        """The page's websocket, opened as Streamlit's own client opens it."""
        self.get("_stcore/health")  # sets the token that the handshake repeats
        place = urlsplit(self.address)
        cookies = {one.name: one.value or "" for one in self.http.cookies.jar if one.path == "/"}
        scheme = "wss" if place.scheme == "https" else "ws"
        with connect(
            f"{scheme}://{place.netloc}/_stcore/stream",
            origin=f"{place.scheme}://{place.netloc}",  # type: ignore[arg-type] # a plain string
            subprotocols=["streamlit", cookies.get(XSRF, "")],  # type: ignore[list-item] # likewise
            additional_headers=self.headers
            | {"Cookie": "; ".join(f"{name}={value}" for name, value in cookies.items())},
            ssl=self.trust if scheme == "wss" else None,
            max_size=None,
        ) as page:
            yield page


def _run(page: ClientConnection, pressed: str | None = None) -> list[ForwardMsg]:
    """Run the script, perhaps with a button pressed: all that it says until it has finished."""
    states = [WidgetState(id=pressed, trigger_value=True)] if pressed else []
    asked = BackMsg(rerun_script=ClientState(widget_states=WidgetStates(widgets=states)))
    page.send(asked.SerializeToString())
    said: list[ForwardMsg] = []
    while not (said and said[-1].WhichOneof("type") == "script_finished"):
        told = page.recv(timeout=60)
        assert isinstance(told, bytes)
        said.append(ForwardMsg.FromString(told))
    return said
