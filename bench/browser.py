"""A headless Chromium whose pages time themselves, so that driving it is not in the figures.

A script in every page keeps ``performance.now()`` of the reader's press, of each message on the
socket, and of the first frame in which what is waited for is there, the script of the page has
ended and nothing is stale. A frame counts only if that stays so for ``QUIET_MS``: a late part of a
page starts the wait anew. A page that is loaded is timed from the start of its navigation.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM: Final = "/usr/bin/chromium"
ARGUMENTS: Final = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
SCREEN: Final[Any] = {"width": 1440, "height": 900}
ZONE: Final = "Europe/Berlin"
PATIENCE_MS: Final = 120_000
QUIET_MS: Final = 400

_WATCH: Final = """
(() => {
  const one = (selector) => document.querySelector(selector);
  const text = (selector) =>
    [...document.querySelectorAll(selector)].map((each) => each.textContent).join("|");
  const numbers = () => text(".cards .value");
  const chart = () => one("[data-testid=stVegaLiteChart] :is(canvas, svg)");
  const idle = () =>
    one("[data-testid=stApp]")?.dataset.testScriptState === "notRunning" &&
    !one("[data-stale=true], [data-testid=stSkeleton]");
  const signs = {
    loaded: () => numbers() !== "" && chart(),
    changed: (before) => numbers() !== "" && numbers() !== before,
    titled: (title) => text("h1") === title,
  };
  const bench = { start: 0, sent: [], received: [], bytes: 0, shown: null, ready: null };
  const forget = () =>
    Object.assign(bench, { sent: [], received: [], bytes: 0, shown: null, ready: null });
  const look = (sign, told) => {
    const now = performance.now();
    const there = signs[sign](told);
    if (there) bench.shown ??= now;
    bench.ready = there && idle() ? (bench.ready ?? now) : null;
    if (bench.ready === null || now - bench.ready < QUIET_MS)
      requestAnimationFrame(() => look(sign, told));
    else bench.told = { ...bench };
  };
  window.bench = bench;
  bench.wait = (sign, title) => {
    bench.told = null;
    look(sign, title ?? numbers());
  };
  const press = (event) => {
    forget();
    bench.start = event.timeStamp;
  };
  addEventListener("pointerdown", press, true);
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("message", (event) => {
        bench.received.push(performance.now());
        bench.bytes += event.data.byteLength ?? event.data.size ?? event.data.length;
      });
    }
    send(data) {
      bench.sent.push(performance.now());
      super.send(data);
    }
  };
})();
""".replace("QUIET_MS", str(QUIET_MS))


@dataclass(frozen=True)
class Seen:
    """What a page saw of one change, in milliseconds since the press or the navigation.

    Attributes:
        sent: its first word to the server.
        answered: the server's last word; late when the page is too busy to listen.
        shown: the first frame that has what was waited for.
        ready: the first frame in which all of the page is done.
        kilobytes: what the server sent.
        messages: in how many messages.
    """

    sent: float
    answered: float
    shown: float
    ready: float
    kilobytes: float
    messages: int

    @classmethod
    def of(cls, told: dict[str, Any]) -> "Seen":
        """The page's own record; what was received after the page was ready does not count."""
        received = [at for at in told["received"] if at <= told["ready"]]
        moments = (told["sent"][0], received[-1], told["shown"], told["ready"])
        spans = (at - told["start"] for at in moments)
        return cls(*spans, told["bytes"] / 1000, len(received))


@contextmanager
def chromium() -> Iterator[Browser]:
    """One browser process; a context in it is a reader whose cache is empty."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def reader(browser: Browser) -> Iterator[Page]:
    """A page of a new reader, who has seen nothing yet; gone with all their caches afterwards."""
    context = browser.new_context(viewport=SCREEN, timezone_id=ZONE)
    context.add_init_script(_WATCH)
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def load(page: Page, address: str) -> Seen:
    """Open an address and wait for numbers, the chart, and then everything else."""
    page.goto(address, wait_until="commit")
    page.evaluate("bench.wait('loaded')")
    return _told(page)


def change(page: Page, press: Callable[[], object]) -> Seen:
    """Press something that changes the headline numbers."""
    page.evaluate("bench.wait('changed')")
    press()
    return _told(page)


def turn(page: Page, title: str) -> Seen:
    """Follow a link of the navigation to the page with that title."""
    link = page.get_by_role("link", name=title, exact=True).first
    page.evaluate("title => bench.wait('titled', title)", title)
    link.click()
    return _told(page)


def _told(page: Page) -> Seen:
    page.wait_for_function("bench.told", polling=100)
    return Seen.of(page.evaluate("bench.told"))


def choose(page: Page, label: str, value: str) -> Seen:
    """Choose a value of a filter that has none chosen yet."""
    page.locator(".st-key-add-filter button").first.click()
    by = page.get_by_role("combobox", name="Filter by", exact=True)
    by.click()
    by.fill(label)
    page.get_by_role("option", name=label, exact=True).click()
    box = page.get_by_role("combobox", name=label, exact=True)
    box.click()
    box.fill(value)
    option = page.get_by_role("option", name=value, exact=True)
    option.wait_for()
    seen = change(page, option.click)
    page.locator("h1").first.click()  # what is outside of a popover has no role meanwhile
    page.get_by_test_id("stPopoverBody").wait_for(state="detached")
    page.wait_for_timeout(500)  # the run in which it closes
    return seen


def drop(page: Page) -> Seen:
    """Drop the only filter in force."""
    return change(page, page.locator("[class*='st-key-chip-'] button").first.click)
