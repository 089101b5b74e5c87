"""What the tests in a real Chromium share: how to start it, wait, look, and take a picture."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Error,
    Locator,
    Page,
    WebSocket,
    expect,
)
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from wire import await_sync

from bridgeboard.server.middleware.websockets import MESSAGES

PATIENCE = 60_000
FIRST_SYNC = 300_000
"""Milliseconds within which a demo company is made and read in whole, also on a busy machine."""
OPEN = 5_000
REOPENINGS = 5
"""How long a list of options is expected to be open, and how often it is opened again."""
PERIOD = "[class*='st-key-period-']"
"""The popover of the period, whose key changes with each choice in it."""
expect.set_options(timeout=PATIENCE)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
LOOKS = {
    "light": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1440, "height": 900}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 390, "height": 844}, "color_scheme": "light"},
}
LOADED: Mapping[str, tuple[str, ...]] = {"light": ("light", "narrow"), "dark": ("dark",)}
"""A look that pages are loaded in, and the looks that they then take on with the window's size.

The colour scheme is told to the server when a page is loaded, which draws for it.
"""


def new_context(browser: Browser, **options: Any) -> BrowserContext:
    """A fresh browser, whose pages wait as long as ``expect`` does."""
    context = browser.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context


def settled(page: Page) -> None:
    """Wait until the page's script has run and nothing on it is stale.

    It returns at once if a run that was asked for has not begun: wait for what the run shows
    before, or for the run itself (``Runs``).
    """
    expect(page.get_by_test_id("stApp")).to_have_attribute(
        "data-test-script-state", "notRunning", timeout=PATIENCE
    )
    expect(page.get_by_test_id("stSkeleton")).to_have_count(0, timeout=PATIENCE)


class Runs:
    """The runs of a page's script, as its websocket tells of them; made before it is opened."""

    def __init__(self, page: Page) -> None:
        self._sockets: list[WebSocket] = []
        page.on("websocket", lambda socket: self._sockets.append(socket))  # noqa: PLW0108  # playwright marks it

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Wait at the end until a run has ended, as whatever is done meanwhile asks for one."""
        with self._sockets[-1].expect_event("framereceived", _ends_a_run, timeout=PATIENCE):
            yield


def _ends_a_run(frame: str | bytes) -> bool:
    """Whether this is the last message of a run of the page's script."""
    assert isinstance(frame, bytes)
    message = ForwardMsg.FromString(frame)
    return message.WhichOneof("type") == "script_finished" and not message.script_finished


def parameters(page: Page) -> dict[str, list[str]]:
    """What the address names."""
    return parse_qs(urlsplit(page.url).query)


def await_parameters(page: Page, are_there: Callable[[dict[str, list[str]]], bool]) -> None:
    """Wait until the address names certain things: it may follow what the page shows."""

    def is_reached(url: str) -> bool:
        return are_there(parse_qs(urlsplit(url).query))

    page.wait_for_url(is_reached, timeout=PATIENCE, wait_until="commit")


def log_out(page: Page) -> None:
    """Log out here and at the provider.

    Streamlit's page drops a click while it has no connection, and says so on its console only.
    """
    button = page.get_by_role("button", name="Log out")
    question = page.get_by_role("heading", name="Sign out?")
    for _ in range(3):
        with suppress(Error):
            button.click(timeout=PATIENCE / 3)
            question.wait_for(timeout=PATIENCE / 3)
            break
    page.get_by_role("button", name="Sign out").click(timeout=PATIENCE)


WIDE = "document.documentElement.scrollWidth > window.innerWidth"
STILL = """!document.getAnimations().some(
    (one) => one instanceof CSSTransition && one.playState === "running"
)"""
"""A finished one stays listed while its element is in a closed expander."""


def violations(page: Page) -> list[str]:
    """What axe objects to, each with its first culprit.

    While a script of the page runs, what it has not sent again yet is faded and has no contrast. A
    page may run by itself meanwhile, as it does once findings are known: it is looked at again.
    Pages of the login have no script.
    """
    if not page.get_by_test_id("stApp").count():
        return _objections(page)
    found: list[str] = []
    for _ in range(5):
        settled(page)
        page.wait_for_function(STILL)
        found = _objections(page)
        if not found:
            break
    return found


def _objections(page: Page) -> list[str]:
    objections = Axe().run(page).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in objections]


def picture(page: Page, path: Path) -> None:
    """A screenshot, taken when the charts have been drawn."""
    settled(page)
    page.evaluate("document.fonts.ready")
    assert page.screenshot(path=path).startswith(b"\x89PNG")


def too_wide(page: Page) -> bool:
    """Whether the page itself scrolls sideways; tables may inside themselves."""
    wide: bool = page.evaluate(WIDE)
    return wide


def each_look(page: Page, loaded: str) -> Iterator[str]:
    """Let an open page take on each look that it need not be loaded anew for."""
    for look in LOADED[loaded]:
        page.set_viewport_size(LOOKS[look]["viewport"])
        with suppress(Error):  # charts follow the window's size; who asks later fails
            page.wait_for_function(f"!({WIDE})", timeout=PATIENCE)
        yield look


def await_first_sync(browser: Browser, address: str) -> None:
    """Wait until the dashboard at an address has read all that its server lists, and has findings.

    Pages look for findings by themselves once they are idle, and run again when there are some.
    """
    await_sync(address)
    context = new_context(browser)
    page = context.new_page()
    page.goto(address)
    expect(page.get_by_text(re.compile("^synced at"))).to_be_visible(timeout=FIRST_SYNC)
    expect(page.get_by_text("Partial numbers")).to_have_count(0, timeout=FIRST_SYNC)
    come_to(page, address, "radar", tz="UTC")
    context.close()


def come_to(page: Page, address: str, name: str = "", **query: str) -> None:
    page.goto(f"{address}{name}?{urlencode(query)}")
    expect(page.get_by_text(re.compile("^synced at"))).to_be_visible(timeout=PATIENCE)
    settled(page)


def choose_period(page: Page, label: str) -> None:
    """Choose one of the periods that have a name."""
    button = page.locator(PERIOD).get_by_role("button")
    button.click()
    page.get_by_test_id("stPopoverBody").get_by_text(label, exact=True).click()
    expect(button).to_contain_text(label)
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)


def choose_option(box: Locator, word: str, option: re.Pattern[str] | None = None) -> None:
    """Type a word into a select and choose the first option of that name, or of another one.

    The list of a select closes by itself when the page above it grows, as it does for a while after
    it was loaded: then it is opened again, as a reader does.
    """
    wanted = box.page.get_by_role("option", name=option or word, exact=True).first
    for _ in range(REOPENINGS):
        box.click()
        box.fill(word)
        with suppress(Error):
            wanted.click(timeout=OPEN)
            return
    box.click()
    box.fill(word)
    wanted.click()


def drag_over_days(page: Page, chart: Locator, parameter: re.Pattern[str]) -> None:
    """Drag over a part of a chart until the address has the parameter.

    Vega draws a chart anew when its width changes, as it may for a while after the page was loaded,
    and what was dragged over is forgotten: then it is dragged over again, as a reader does.
    """
    for _ in range(REOPENINGS):
        chart.scroll_into_view_if_needed()
        box = chart.bounding_box()
        assert box
        page.mouse.move(box["x"] + 300, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + 500, box["y"] + 100, steps=8)
        page.mouse.up()
        with suppress(AssertionError):
            expect(page).to_have_url(parameter, timeout=PATIENCE / REOPENINGS)
            return
    expect(page).to_have_url(parameter)


def filter_by(page: Page, label: str, value: str) -> None:
    """Add a value to the filter by a dimension."""
    page.locator(".st-key-add-filter").get_by_role("button").click()
    for name, word in (("Filter by", label), (label, value)):
        choose_option(page.get_by_role("combobox", name=name, exact=True), word)
        settled(page)
    chip = page.locator("[class*='st-key-filter-']").get_by_text(re.compile(f"{label} is"))
    expect(chip).to_be_visible(timeout=PATIENCE)
    page.locator("h1").first.click()  # what is outside of a popover has no role meanwhile
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    settled(page)


def check_looks(
    browser: Browser, address: str, loaded: str, pages: Mapping[str, dict[str, str]], shots: Path
) -> None:
    """Take pictures of pages, each with its parameters; what stands behind a blank is only a name.

    They must be accessible, no wider than the window, whole, and ask no other host.
    """
    context = new_context(browser, **LOOKS[loaded], timezone_id="Europe/Berlin")
    page = context.new_page()
    alarms: list[str] = []
    page.on("pageerror", lambda error: alarms.append(str(error)))
    here = urlsplit(address).netloc
    page.on("request", lambda one: alarms.append(one.url) if is_foreign(one.url, here) else None)
    note_needless(page, alarms)
    try:
        for name, query in pages.items():
            page.set_viewport_size(LOOKS[loaded]["viewport"])
            come_to(page, address, "" if name == "overview" else name.partition(" ")[0], **query)
            for look in each_look(page, loaded):
                picture(page, shots / f"{name.replace(' ', '-')}-{look}.png")
                found = violations(page)
                assert not found, f"{name}, {look}: {found}"
                assert not too_wide(page), f"{name}, {look}"
            assert page.get_by_test_id("stException").count() == 0
            assert page.get_by_text(re.compile("^Could not")).count() == 0, name
        assert alarms == []
    finally:
        context.close()


def note_needless(page: Page, alarms: list[str]) -> None:
    """Note each message of the page that would not be passed on: then pages would need it."""

    def note(frame: bytes | str) -> None:
        told = BackMsg.FromString(frame) if isinstance(frame, bytes) else BackMsg()
        kind = told.WhichOneof("type")
        if kind == "backend_operation_request":
            kind = told.backend_operation_request.WhichOneof("payload")
        if kind not in MESSAGES:
            alarms.append(f"sent {kind}")

    page.on("websocket", lambda socket: socket.on("framesent", note))


def is_foreign(url: str, here: str) -> bool:
    return urlsplit(url).scheme not in {"data", "blob"} and urlsplit(url).netloc != here
