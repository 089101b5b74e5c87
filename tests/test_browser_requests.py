"""Single things in a real Chromium: requests one by one, and two of a kind side by side."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsers import (
    LOADED,
    PATIENCE,
    Runs,
    await_first_sync,
    await_parameters,
    check_looks,
    choose_option,
    come_to,
    new_context,
    parameters,
    settled,
)
from dashboard_process import dashboard
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COMPANY = ("--end", "2026-11-20T17:00:00", "--days", "30", "--scale", "0.12")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with dashboard("demo", *COMPANY) as address:
        yield address


@pytest.fixture(scope="module")
def synced(address: str, browser: Browser) -> str:
    """The same address, once the first sync is over."""
    await_first_sync(browser, address)
    return address


def open_row(page: Page, row: int) -> str:
    """Follow the link of a row in the list of requests; the request's id."""
    page.locator(".st-key-box-requests tbody th a").nth(row).click()
    expect(page.get_by_role("button", name="All requests")).to_be_visible(timeout=PATIENCE)
    settled(page)
    return parameters(page)["request"][0]


@pytest.fixture(scope="module")
def known(synced: str, browser: Browser) -> str:
    """The id of a request with a tool call."""
    page = new_context(browser).new_page()
    come_to(page, synced, "interceptions", tools="Read")
    named = open_row(page, 0)
    page.close()
    return named


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("loaded", LOADED)
def test_requests_and_comparisons_are_accessible_fit_and_ask_nobody_else(
    browser: Browser, synced: str, known: str, loaded: str, shots: Path
) -> None:
    pages = {
        "interceptions": {},
        "interceptions one": {"request": known},
        "compare": {},
        "compare sessions": {"what": "sessions"},
        "sessions": {"tools": "Bash", "sort": "cost"},
        "radar": {},
    }
    check_looks(browser, synced, loaded, pages, shots)


def test_a_request_is_opened_revealed_and_left_by_the_way_back(page: Page, synced: str) -> None:
    come_to(page, synced, "interceptions", tools="Read", tz="UTC")
    page.get_by_role("button", name="Next", exact=True).click()
    expect(page.get_by_text(re.compile(r"^51-100 of "))).to_be_visible(timeout=PATIENCE)
    settled(page)
    place = parameters(page)
    assert place["tools"] == ["Read"]
    named = open_row(page, 2)
    expect(page.get_by_text("token rows as recorded")).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text(re.compile("^Metadata: hidden"))).to_be_visible()
    page.locator(".st-key-reveal label").first.click()
    expect(page.get_by_text("request_user_agent")).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(page.get_by_text(re.compile(r"^51-100 of "))).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one == place)
    settled(page)
    page.go_forward()
    expect(page.get_by_text(named).first).to_be_visible(timeout=PATIENCE)
    page.get_by_role("link", name="Open in its session").click()
    expect(page.get_by_role("heading", name="Session", exact=True)).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(page.get_by_role("button", name="All requests")).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one.get("request") == [named])


def test_a_row_of_the_list_is_a_link_that_keys_and_a_new_tab_can_follow(
    page: Page, synced: str
) -> None:
    come_to(page, synced, "interceptions", tools="Read", tz="UTC")
    box = page.locator(".st-key-box-requests")
    expect(box.get_by_role("columnheader", name="Spend", exact=True)).to_be_in_viewport()
    link = box.locator("tbody th a").nth(3)
    href = str(link.evaluate("(link) => link.href"))
    with page.context.expect_page() as tab:
        link.click(modifiers=["Control"])
    tab.value.close()
    assert "request" not in parameters(page)
    link.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="All requests")).to_be_visible(timeout=PATIENCE)
    settled(page)
    expect(page).to_have_url(href)
    page.go_back()
    expect(box).to_be_visible(timeout=PATIENCE)
    settled(page)
    session = box.locator("tbody td a[href*='session?']").first
    session.scroll_into_view_if_needed()
    session.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: {"id", "initiator", "call"} <= set(one))


def test_what_is_compared_is_in_the_address_and_the_way_back_undoes_it(
    page: Page, browser: Browser, synced: str
) -> None:
    come_to(page, synced, "compare", tz="UTC")
    page.get_by_role("radio", name="Models").click()
    box = page.get_by_role("combobox", name="Model B", exact=True)
    expect(box).to_be_visible(timeout=PATIENCE)
    settled(page)
    choose_option(box, "gpt", re.compile("gpt", re.IGNORECASE))
    await_parameters(page, lambda one: "b" in one)
    expect(page.get_by_text(re.compile("^B: GPT"))).to_be_visible(timeout=PATIENCE)
    settled(page)
    told = parameters(page)
    assert told["what"] == ["families"]
    heads = page.locator(".data-table thead").first.inner_text()
    theirs = new_context(browser).new_page()
    come_to(theirs, synced, "compare", **{name: values[0] for name, values in told.items()})
    theirs_heads = theirs.locator(".data-table thead").first
    expect(theirs_heads).to_have_text(heads, use_inner_text=True)
    theirs.close()
    page.get_by_role("radio", name="Teams").click()
    expect(page.get_by_role("combobox", name="Team A", exact=True)).to_be_visible(timeout=PATIENCE)
    page.go_back()
    expect(box).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one == told)


@pytest.mark.usefixtures("foreign")
def test_from_the_dearest_session_to_a_hit_inside_it_and_back_again(
    page: Page, browser: Browser, synced: str
) -> None:
    runs = Runs(page)
    come_to(page, synced, "sessions", sort="cost", clients="Claude Code", tz="UTC")
    there, listed = page.url, page.get_by_text(re.compile(r"^1-50 of [\d,]+ sessions$"))
    counted = listed.inner_text()
    page.locator(".st-key-box-sessions tbody th a").first.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    settled(page)
    session = parameters(page)["id"]
    page.locator(".st-key-reveal label").first.click()
    field = page.get_by_label("Search in this session")
    expect(field).to_be_enabled(timeout=PATIENCE)
    settled(page)
    field.fill("the")
    field.press("Enter")
    expect(page.get_by_text(re.compile(r"^1 of [\d,]+ hits"))).to_be_visible(timeout=PATIENCE)
    page.get_by_role("button", name="Next hit").click()
    expect(page.get_by_text(re.compile(r"^2 of [\d,]+ hits"))).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".passage mark").first).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one.get("hit") == ["2"])
    settled(page)
    link = page.url

    theirs = new_context(browser).new_page()  # a fresh browser, and nothing but the link
    theirs.goto(link)
    expect(theirs.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    assert parameters(theirs)["id"] == session
    theirs.locator(".st-key-reveal label").first.click()
    expect(theirs.get_by_text(re.compile(r"^2 of [\d,]+ hits"))).to_be_visible(timeout=PATIENCE)
    expect(theirs.locator(".passage mark").first).to_be_visible(timeout=PATIENCE)
    theirs.close()

    for _ in range(8):  # each step within the session is an entry of the history
        with runs.ended():
            page.go_back()
        if "/sessions?" in page.url:
            break
    expect(page.get_by_text(counted, exact=True)).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one == parse_qs(urlsplit(there).query))


def test_words_are_found_in_all_sessions_and_lead_to_their_place(page: Page, synced: str) -> None:
    come_to(page, synced, "sessions", search="the", tz="UTC")
    page.locator(".st-key-reveal label").first.click()
    hit = page.locator(".hits a").first
    expect(hit).to_be_visible(timeout=PATIENCE)
    expect(page.locator(".hits mark").first).to_be_visible()
    hit.click()
    expect(page.get_by_role("heading", name="Timeline")).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one.get("find") == ["the"])
    page.go_back()
    expect(page.get_by_role("heading", name="Sessions", exact=True)).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one == {"search": ["the"], "tz": ["UTC"]})


def test_a_finding_leads_to_its_evidence_and_stays_acknowledged(page: Page, synced: str) -> None:
    come_to(page, synced, "radar", range="Last 90 days", tz="UTC")
    first = page.locator("[class*='st-key-finding-']").first
    expect(first).to_be_visible(timeout=PATIENCE)
    many = page.locator("[class*='st-key-finding-']").count()
    first.get_by_role("button", name="Acknowledge").click()
    page.get_by_label("Note").fill("Known.")
    page.get_by_test_id("stPopoverBody").get_by_role("button", name="Acknowledge").click()
    expect(page.get_by_text("1 finding acknowledged.")).to_be_visible(timeout=PATIENCE)
    findings = page.locator("[class*='st-key-finding-']")
    expect(findings).to_have_count(many - 1, timeout=PATIENCE)
    there = parameters(page)
    page.get_by_role("link", name=re.compile("Show the (session|evidence)$")).first.click()
    expect(page.get_by_role("heading", name="Radar", exact=True)).to_have_count(0, timeout=PATIENCE)
    settled(page)
    expect(page.get_by_text("default value but also had its value set")).to_have_count(0)
    page.go_back()
    expect(page.get_by_role("heading", name="Radar", exact=True)).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one == there)


def test_a_view_that_was_kept_is_a_link_to_the_page_as_it_was(page: Page, synced: str) -> None:
    come_to(page, synced, "spend", range="Last 7 days", clients="Codex", tz="UTC")
    spend = page.locator(".cards .value").first.inner_text()
    page.get_by_text("Saved views").click()
    page.get_by_label("Name", exact=True).fill("Codex of late")
    page.get_by_role("button", name="Save view").click()
    link = page.get_by_role("link", name="Codex of late")
    expect(link).to_be_visible(timeout=PATIENCE)
    page.goto(synced)
    page.get_by_text("Saved views").click()
    page.get_by_role("link", name="Codex of late").click()
    expect(page.get_by_role("heading", name="Spend", exact=True)).to_be_visible(timeout=PATIENCE)
    settled(page)
    expect(page.locator(".cards .value").first).to_have_text(spend, timeout=PATIENCE)
