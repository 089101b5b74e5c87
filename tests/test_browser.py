"""The dashboard in a real Chromium: the journey of a reader, looks, access and silence."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import pytest
from browsers import (
    LOOKS,
    PATIENCE,
    PERIOD,
    await_first_sync,
    await_parameters,
    filter_by,
    new_context,
    picture,
    settled,
    too_wide,
    violations,
)
from dashboard_process import COMPANY, dashboard
from playwright.sync_api import Browser, Locator, Page, expect

from aibridge import Client
from bridgeboard import formats
from bridgeboard.runtime.demo_company import Running
from bridgeboard.ui import navigation

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).parents[1]
MODEL = "Claude Sonnet 4.5"
QUERY = quote_plus(MODEL)


@pytest.fixture(scope="module")
def address(browser: Browser) -> Iterator[str]:
    with dashboard("demo", *COMPANY) as address:
        await_first_sync(browser, address)
        yield address


def open_list(page: Page, address: str, query: str = "") -> None:
    page.goto(f"{address}sessions{query}")
    expect(page.get_by_text(re.compile(r"^(1-\d+ of )?[\d,]+ sessions?$"))).to_be_visible(
        timeout=PATIENCE
    )
    expect(sessions(page).first).to_be_visible(timeout=PATIENCE)
    settled(page)


def sessions(page: Page) -> Locator:
    """The links of the sessions that are listed."""
    return page.locator(".st-key-box-sessions tbody th a")


def open_row(page: Page, row: int) -> None:
    sessions(page).nth(row).click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    settled(page)


def reveal(page: Page) -> None:
    """Show recorded text, and wait until the page has taken it in: earlier clicks are lost."""
    page.get_by_text("Show recorded text").click()
    expect(page.get_by_label("Search in this session")).to_be_enabled(timeout=PATIENCE)
    settled(page)


def open_first_tool_call(page: Page) -> None:
    """Open the first request that called a tool."""
    steps = page.locator("[class*='st-key-call-'] summary")
    step = steps.filter(has_not_text=re.compile(" answer |(prompt|thinking) \u2060| sum ")).first
    expect(step).to_be_visible(timeout=PATIENCE)
    step.click()
    expect(page.get_by_text(re.compile(r"^Input( ·|:)")).first).to_be_visible(timeout=PATIENCE)
    settled(page)


@pytest.mark.usefixtures("foreign")
def test_a_reader_filters_opens_a_session_and_sends_the_link_to_a_colleague(
    page: Page, browser: Browser, address: str
) -> None:
    open_list(page, address)
    everything = page.get_by_text(re.compile(r"^1-50 of")).inner_text()
    filter_by(page, "Model", MODEL)
    expect(page).to_have_url(re.compile(rf"model={re.escape(QUERY)}"))
    expect(page.get_by_text(everything, exact=True)).to_have_count(0)
    filter_by(page, "Client", "Claude Code")
    open_row(page, 0)
    expect(page).to_have_url(re.compile(r"/session\?id=.+&initiator="))
    tokens = page.locator(".cards .value").first.inner_text()
    reveal(page)
    open_first_tool_call(page)
    expect(page.get_by_test_id("stCode").filter(has_text="{").first).to_be_visible()
    page.get_by_role("button", name="Link to this request").click()
    expect(page).to_have_url(re.compile(r"[?&]call=[0-9a-f-]{36}"))
    expect(page.get_by_text("now leads to this request")).to_be_visible()
    expect(page.locator(".stMainBlockContainer")).to_have_css("padding-left", "36px")  # our style
    link = page.url.removeprefix(address)

    with dashboard("demo", *COMPANY) as other:  # a cold server, and nothing but the link
        await_first_sync(browser, other)
        theirs = new_context(browser).new_page()
        theirs.goto(other + link)
        expect(theirs.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
        settled(theirs)
        expect(theirs.locator(".cards .value").first).to_have_text(tokens)
        expect(theirs.get_by_role("button", name="Link to this request")).to_be_visible()
        expect(theirs.get_by_role("dialog")).to_have_count(0)
        expect(theirs).to_have_title(re.compile("Session"))
        theirs.close()


def test_the_list_keeps_its_filters_on_the_way_back(page: Page, address: str) -> None:
    open_list(page, address)
    filter_by(page, "Model", MODEL)
    counted = page.get_by_text(re.compile(r"^(1-\d+ of )?[\d,]+ sessions?$")).inner_text()
    open_row(page, 0)
    page.get_by_role("link", name="All sessions").click()
    expect(page.get_by_text(counted, exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile(rf"model={re.escape(QUERY)}"))


def test_a_link_with_filters_restores_them(page: Page, address: str) -> None:
    open_list(page, address, f"?model={QUERY}&clients=Claude+Code&tz=UTC&range=Last+90+days")
    for chip in (f"Model is {MODEL}", "Client is Claude Code"):
        expect(page.get_by_role("button", name=chip, exact=True)).to_be_visible()
    expect(page.locator(PERIOD).get_by_role("button")).to_contain_text("Last 90 days")
    expect(page.locator(".st-key-zone").get_by_role("button")).to_contain_text("UTC")


@pytest.mark.parametrize("look", LOOKS)
def test_every_page_is_accessible_and_fits(
    browser: Browser, address: str, running: Running, look: str, shots: Path
) -> None:
    """On the list, and on a session worth a picture: several threads, models and tools."""
    with Client(running.url, running.tokens["owner"]) as client:
        rows = [row for row in client.sessions() if 6 <= row.threads <= 30 and len(row.models) > 1]
    told = max(rows, key=lambda row: row.token_usage_summary.total_tokens)
    context = new_context(browser, **LOOKS[look], timezone_id="Europe/Berlin")
    page = context.new_page()
    alarms: list[str] = []
    page.on("pageerror", lambda error: alarms.append(str(error)))
    try:
        open_list(page, address)
        picture(page, shots / f"sessions-{look}.png")
        assert violations(page) == []
        assert not too_wide(page)
        page.goto(f"{address}session?{urlencode(navigation.session(told.id, told.initiator.id))}")
        expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
        picture(page, shots / f"session-{look}.png")
        open_first_tool_call(page)
        assert violations(page) == []
        assert not too_wide(page)
        assert alarms == []
    finally:
        context.close()


HOSTILE = ("<script>", "![pixel]", "=HYPERLINK", "\x1b[2J", "\u202e")


def test_hostile_text_is_shown_as_text(page: Page, address: str, running: Running) -> None:
    with Client(running.url, running.tokens["owner"]) as client:
        rows = [
            next(row for row in client.sessions() if mark in (row.last_prompt or ""))
            for mark in HOSTILE
        ]
    alarms: list[str] = []
    page.on("dialog", lambda dialog: (alarms.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: "evil" in request.url and alarms.append(request.url))
    for row in rows:
        page.goto(f"{address}session?{urlencode(navigation.session(row.id, row.initiator.id))}")
        expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
        reveal(page)
        prompts = page.locator("[class*='st-key-call-'] summary", has_text=" prompt")
        prompts.last.click()
        expect(page.get_by_text(re.compile("^Prompt ·"))).to_be_visible(timeout=PATIENCE)
        settled(page)
        shown = [code.split()[:2] for code in page.get_by_test_id("stCode").all_inner_texts()]
        assert formats.visible(row.last_prompt or "").split()[:2] in shown
        assert "\x1b" not in page.content()
        assert "\u202e" not in page.content()
        bad = page.locator("iframe, img[src*='evil'], a[href*='evil']")
        assert [one.evaluate("one => one.outerHTML") for one in bad.all()] == []
        expect(page).to_have_title(re.compile("Session"))
    assert alarms == []


@pytest.mark.wheel
def test_a_wheel_serves_from_any_folder(page: Page, tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path), str(ROOT)]
    subprocess.run([*pip, *build], check=True)  # noqa: S603 - our own command
    (wheel,) = tmp_path.glob("*.whl")
    inside = tmp_path / "inside"
    install = ["install", "--no-deps", "--no-index", "--target", str(inside), str(wheel)]
    subprocess.run([*pip, *install], check=True)  # noqa: S603 - our own command
    somewhere = tmp_path / "somewhere"
    somewhere.mkdir()
    few = ("--end", "2026-11-20T17:00:00", "--days", "5", "--scale", "0.1")
    with dashboard("demo", *few, cwd=somewhere, PYTHONPATH=str(inside)) as address:
        open_list(page, address)
        expect(page.get_by_text("Demo company")).to_be_visible()
        sidebar = page.get_by_test_id("stSidebar")
        expect(sidebar).to_have_css("background-color", "rgb(245, 246, 248)")  # our theme's
        open_row(page, 0)
        expect(page.get_by_role("img", name="Logo")).to_be_visible()


@pytest.mark.parametrize("start", ["", "?tz=UTC"])
def test_back_and_forward_keep_the_readers_place(page: Page, address: str, start: str) -> None:
    open_list(page, address, start)
    filter_by(page, "Model", MODEL)
    there = page.url
    counted = page.get_by_text(re.compile(r"^(1-\d+ of )?[\d,]+ sessions?$")).inner_text()
    open_row(page, 0)
    expect(page).to_have_url(re.compile("initiator="))
    session = page.url
    page.go_back()
    expect(page.get_by_text(counted, exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile(rf"/sessions\?.*model={re.escape(QUERY)}"))
    await_parameters(page, lambda one: one == parse_qs(urlsplit(there).query))
    page.go_forward()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(session)


def test_back_from_the_list_leads_to_the_session_just_left(page: Page, address: str) -> None:
    open_list(page, address)
    open_row(page, 0)
    shown = page.get_by_test_id("stCode").first.inner_text()
    page.get_by_role("link", name="All sessions").click()
    expect(sessions(page).first).to_be_visible(timeout=PATIENCE)
    settled(page)
    page.go_back()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_test_id("stCode").first).to_have_text(shown)


def test_a_session_opens_with_the_keyboard_alone(page: Page, address: str) -> None:
    open_list(page, address)
    last_head = page.locator(".st-key-box-sessions thead button").last
    last_head.focus()
    page.keyboard.press("Tab")
    expect(sessions(page).first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    expect(page).to_have_url(re.compile("initiator="))


def test_a_head_sorts_all_sessions_on_the_server_and_a_link_keeps_their_order(
    page: Page, browser: Browser, address: str
) -> None:
    open_list(page, address, "?tz=UTC")
    box = page.locator(".st-key-box-sessions")
    head = box.get_by_role("columnheader", name="Spend", exact=True)
    expect(head).to_be_in_viewport()
    expect(head).not_to_have_attribute("aria-sort", re.compile(".*"))
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text(re.compile("^51-"))).to_be_visible(timeout=PATIENCE)
    settled(page)
    head.get_by_role("button").focus()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "descending", timeout=PATIENCE)
    await_parameters(page, lambda one: one == {"tz": ["UTC"], "sort": ["cost"]})
    settled(page)
    expect(head.get_by_role("button")).to_be_focused()
    dearest = sessions(page).first.get_attribute("href")
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending", timeout=PATIENCE)
    expect(sessions(page).first).not_to_have_attribute("href", str(dearest), timeout=PATIENCE)
    page.go_back()
    expect(head).to_have_attribute("aria-sort", "descending", timeout=PATIENCE)
    theirs = new_context(browser).new_page()
    theirs.goto(page.url)
    expect(sessions(theirs).first).to_have_attribute("href", str(dearest), timeout=PATIENCE)
    theirs.close()
    with page.context.expect_page() as tab:
        sessions(page).first.click(button="middle")
    expect(tab.value).to_have_url(re.compile(r"/session\?id="), timeout=PATIENCE)
    tab.value.close()
    assert "/sessions?" in page.url
