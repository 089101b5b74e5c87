"""The pages over the store in a real Chromium: looks, access, links, clicks and files."""

import csv
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from browsers import (
    LOADED,
    PATIENCE,
    PERIOD,
    Runs,
    await_first_sync,
    await_parameters,
    check_looks,
    choose_option,
    choose_period,
    come_to,
    drag_over_days,
    filter_by,
    new_context,
    settled,
)
from dashboard_process import dashboard
from databases import unusable
from playwright.sync_api import Browser, Locator, Page, expect

from bridgeboard import formats

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COMPANY = ("--end", "2026-11-20T17:00:00", "--days", "75", "--scale", "0.15")
"""One whose last 30 days can be compared with those before."""
PAGES = ("overview", "spend", "budgets", "people", "models", "tools", "trust", "settings", "person")
MODEL = "Claude Sonnet 4.5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the dashboard keeps its files."""
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with dashboard("demo", *COMPANY, TMPDIR=str(folder)) as address:
        yield address


@pytest.fixture(scope="module")
def synced(address: str, browser: Browser) -> str:
    """The same address, once the first sync is over."""
    await_first_sync(browser, address)
    return address


def card(page: Page, label: str) -> Locator:
    """The value of a headline card."""
    told = page.locator(".cards .card").filter(has=page.get_by_text(label, exact=True))
    return told.locator(".value").first


@pytest.mark.usefixtures("foreign")
@pytest.mark.parametrize("loaded", LOADED)
def test_every_page_is_accessible_fits_and_asks_nobody_else(
    browser: Browser, synced: str, loaded: str, shots: Path
) -> None:
    pages = {name: {} for name in PAGES} | {"person": {"who": "hugo-suzuki"}}
    check_looks(browser, synced, loaded, pages, shots)


def test_a_filter_is_in_the_address_follows_to_other_pages_and_opens_elsewhere(
    page: Page, browser: Browser, synced: str
) -> None:
    come_to(page, synced, tz="UTC")
    everything = card(page, "Tokens").inner_text()
    filter_by(page, "Model", MODEL)
    expect(card(page, "Tokens")).not_to_have_text(everything)
    await_parameters(page, lambda one: one.get("model") == [MODEL])
    page.get_by_role("link", name="Spend", exact=True).click()
    expect(page.get_by_role("heading", name="Breakdown")).to_be_visible(timeout=PATIENCE)
    settled(page)
    await_parameters(page, lambda one: one.get("model") == [MODEL])
    expect(page.get_by_role("button", name=f"Model is {MODEL}", exact=True)).to_be_visible()
    spend = card(page, "Spend").inner_text()
    link = page.url.removeprefix(synced)

    theirs = new_context(browser).new_page()  # a fresh browser, and nothing but the link
    theirs.goto(synced + link)
    expect(card(theirs, "Spend")).to_have_text(spend, timeout=PATIENCE)
    expect(theirs.get_by_role("button", name=f"Model is {MODEL}", exact=True)).to_be_visible()
    theirs.close()


def test_a_chip_drops_its_filter_and_all_but_turns_it_round(page: Page, synced: str) -> None:
    come_to(page, synced, tz="UTC")
    everything = card(page, "Tokens").inner_text()
    filter_by(page, "Client", "Claude Code")
    only = card(page, "Tokens").inner_text()
    page.get_by_role("button", name="Client is Claude Code", exact=True).click()
    page.get_by_text("Exclude", exact=True).click()
    turned = page.get_by_role("button", name="Client is not Claude Code", exact=True)
    expect(turned).to_be_visible(timeout=PATIENCE)
    expect(card(page, "Tokens")).not_to_have_text(only)
    page.get_by_role("button", name="Remove: Client is not Claude Code").click()
    expect(card(page, "Tokens")).to_have_text(everything, timeout=PATIENCE)
    await_parameters(page, lambda one: "client" not in one)


def table(page: Page, key: str) -> Locator:
    """A table of a page."""
    return page.locator(f".st-key-box-{key} table")


_EDGES = (
    ".map((pair) => pair.map((each) => each.getBoundingClientRect()))"
    ".map(([whole, part]) => [whole.left, whole.width, part.width])"
)


def test_the_bars_of_budgets_begin_at_one_line_and_are_full_beyond_the_limit(
    page: Page, synced: str
) -> None:
    come_to(page, synced, "budgets", tz="UTC")
    drawn = page.get_by_role("table", name="Budgets", exact=True)
    tracks = drawn.locator(".track")
    expect(tracks.first).to_be_visible(timeout=PATIENCE)
    boxes = tracks.evaluate_all("all => all.map((one) => [one, one.firstChild])" + _EDGES)
    over = drawn.locator(".bar.over").count()
    assert 0 < over < len(boxes)
    assert len({round(left) for left, _, _ in boxes}) == 1
    assert sum(part == whole for _, whole, part in boxes) == over
    assert all(whole > 30 for _, whole, _ in boxes)


def test_a_row_of_people_opens_the_person(page: Page, synced: str) -> None:
    come_to(page, synced, "people", tz="UTC")
    table(page, "everybody").get_by_role("link").first.click()
    expect(page.get_by_role("link", name="Everybody")).to_be_visible(timeout=PATIENCE)
    settled(page)
    who = parse_qs(urlsplit(page.url).query)["who"][0]
    expect(page.get_by_role("heading", name=who, exact=True)).to_be_visible()
    teams = page.get_by_role("heading", name="Teams", exact=True)
    page.go_back()
    expect(teams).to_be_visible(timeout=PATIENCE)


def test_a_press_on_a_head_sorts_all_rows_and_stays_when_it_is_pressed_by_keys(
    page: Page, synced: str
) -> None:
    come_to(page, synced, "spend", tz="UTC")
    shown = table(page, "breakdown")

    def whole(label: str) -> list[str]:
        """All that the cells below a head stand for."""
        place = shown.locator("thead th").all_inner_texts().index(label)
        cells = shown.locator(f"tbody tr > :nth-child({place + 1})")
        whole = "(cell) => cell.title || cell.firstElementChild?.title || cell.textContent"
        texts: list[str] = cells.evaluate_all(f"(cells) => cells.map({whole})")
        return texts

    def counts() -> list[int]:
        return [int(cell.strip("≥ ").replace(",", "")) for cell in whole("Requests")]

    head = shown.get_by_role("columnheader", name="Requests", exact=True)
    expect(head).not_to_have_attribute("aria-sort", re.compile(".*"))
    head.get_by_role("button").click()
    expect(head).to_have_attribute("aria-sort", "descending")
    assert counts() == sorted(counts(), reverse=True)
    assert len(set(counts())) > 8
    expect(page).to_have_url(re.compile("breakdown-sort=requests$"), timeout=PATIENCE)
    settled(page)
    expect(head.get_by_role("button")).to_be_focused()
    page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert counts() == sorted(counts())
    expect(page).to_have_url(re.compile("breakdown-up=true$"), timeout=PATIENCE)
    settled(page)
    name = shown.get_by_role("columnheader", name="Model")
    name.get_by_role("button").click()
    expect(name).to_have_attribute("aria-sort", "ascending")
    assert whole("Model") == sorted(whole("Model"), key=str.casefold)
    assert shown.locator("tfoot th").all_inner_texts() == ["Total"]


def test_a_search_keeps_rows_that_match_and_the_totals_of_all(page: Page, synced: str) -> None:
    come_to(page, synced, "spend", tz="UTC")
    shown = table(page, "breakdown")
    names = shown.locator("tbody th")
    expect(names.nth(8)).to_be_visible()
    whole = "(cell) => cell.title || cell.firstElementChild?.title || cell.textContent"
    every: list[str] = names.evaluate_all(f"(cells) => cells.map({whole})")
    name = max(every, key=len)  # its middle, which has no room, counts too
    matching = sum(name in one for one in every)
    assert matching < len(every)
    total = shown.locator("tfoot td").nth(1).inner_text()
    field = page.get_by_role("searchbox", name="Search models")
    field.fill(name.upper())
    expect(names).to_have_count(matching)
    status = page.locator(".st-key-box-breakdown").get_by_role("status")
    expect(status).to_have_text(f"{matching} of {len(every)}")
    expect(shown.locator("tfoot th")).to_have_text("Total of all rows")
    expect(shown.locator("tfoot td").nth(1)).to_have_text(total)
    shown.get_by_role("button", name="Requests", exact=True).click()
    expect(page).to_have_url(re.compile("breakdown-sort=requests$"), timeout=PATIENCE)
    settled(page)
    expect(names).to_have_count(matching)
    field.fill("")
    expect(names).to_have_count(len(every))
    expect(shown.locator("tfoot th")).to_have_text("Total")


def test_hostile_names_are_text_in_a_table_and_a_value_in_a_link(page: Page, synced: str) -> None:
    come_to(page, synced, "spend", tz="UTC")
    hostile = '<i>gpt</i>"; --'
    link = table(page, "breakdown").get_by_role("link", name=hostile, exact=True)
    address = urlsplit(link.evaluate("(link) => link.href"))
    assert address.path == "/spend"
    assert parse_qs(address.query)["model"] == [hostile]
    link.click()
    expect(page).to_have_url(re.compile("model="), timeout=PATIENCE)
    expect(table(page, "breakdown").locator("tbody th")).to_have_text([hostile], timeout=PATIENCE)
    page.go_back()
    expect(page).not_to_have_url(re.compile("model="))
    expect(table(page, "breakdown").locator("tbody tr").nth(8)).to_be_visible(timeout=PATIENCE)


def test_a_row_of_models_keeps_only_that_model(page: Page, synced: str) -> None:
    come_to(page, synced, tz="UTC")
    before = card(page, "Tokens").inner_text()
    page.locator(".st-key-box-top-family tbody a").nth(1).click()
    expect(card(page, "Tokens")).not_to_have_text(before, timeout=PATIENCE)
    await_parameters(page, lambda one: len(one.get("model", [])) == 1)


def test_a_bar_keeps_only_what_it_shows(page: Page, synced: str) -> None:
    come_to(page, synced, tz="UTC")
    before = card(page, "Tokens").inner_text()
    bars = page.locator(".st-key-chart-overview [role=graphics-symbol][aria-roledescription=bar]")
    bars.first.click()
    expect(card(page, "Tokens")).not_to_have_text(before, timeout=PATIENCE)
    await_parameters(page, lambda one: len(one.get("model", [])) == 1)


def test_a_card_is_a_switch_of_the_chart_for_the_mouse_and_for_keys(
    page: Page, synced: str
) -> None:
    runs = Runs(page)
    come_to(page, synced, tz="UTC")
    chart = page.get_by_role("heading", name=re.compile("over time$"))
    expect(chart).to_have_text("Spend over time")
    page.get_by_role("radio", name=re.compile("^Sessions,")).click()
    expect(chart).to_have_text("Sessions over time", timeout=PATIENCE)
    page.keyboard.press("ArrowRight")
    expect(chart).to_have_text("Prompts over time", timeout=PATIENCE)
    expect(page.get_by_role("radio", name=re.compile("^Prompts,"))).to_be_focused()
    expect(page).to_have_url(re.compile("overview-show=prompts"))
    settled(page)
    with runs.ended():
        page.go_back()
    expect(chart).to_have_text("Sessions over time", timeout=PATIENCE)
    expect(page.get_by_role("radio", checked=True)).to_have_accessible_name(re.compile("^Sessions"))
    page.go_back()
    expect(chart).to_have_text("Spend over time", timeout=PATIENCE)
    expect(page).not_to_have_url(re.compile("overview-show"))


def test_dragging_over_days_makes_them_the_period_and_back_undoes_it(
    page: Page, synced: str
) -> None:
    come_to(page, synced, tz="UTC")
    chart = page.locator(".st-key-chart-overview svg.marks")
    drag_over_days(page, chart, re.compile("[?&](dates|from)="))
    settled(page)
    page.go_back()
    expect(page).not_to_have_url(re.compile("[?&](dates|from)="))


def test_the_table_of_models_fits_beside_the_navigation(page: Page, synced: str) -> None:
    page.set_viewport_size({"width": 1440, "height": 900})
    come_to(page, synced, "models", tz="UTC")
    box = page.locator(".st-key-box-breakdown .scroll")
    expect(box.get_by_role("columnheader").last).to_have_text("Duration (95%)")
    wide, room = box.evaluate("(one) => [one.scrollWidth, one.clientWidth]")
    assert wide <= room


def test_back_undoes_one_change_a_press(page: Page, synced: str) -> None:
    runs = Runs(page)
    come_to(page, synced, "spend", tz="UTC")
    words = [page.url]
    for label, value, short in (
        ("Period", "Last 7 days", "period=7d"),
        ("By", "Client", "spend-by=client"),
        ("", "Tokens", "breakdown-sort=total_tokens"),
    ):
        with runs.ended():
            if label == "Period":
                choose_period(page, value)
            elif label:
                box = page.get_by_role("combobox", name=label, exact=True).first
                choose_option(box, value)
            else:
                table(page, "breakdown").get_by_role("button", name=value, exact=True).click()
        expect(page).to_have_url(re.compile(re.escape(short)), timeout=PATIENCE)
        settled(page)
        words.append(page.url)
    for before in words[-2::-1]:
        with runs.ended():
            page.go_back()
        expect(page).to_have_url(before)
        settled(page)
    period = page.locator(PERIOD).get_by_role("button")
    expect(period).to_contain_text("Last 30 days")
    page.go_forward()
    expect(page).to_have_url(words[1])
    expect(period).to_contain_text("Last 7 days")


def test_an_address_of_too_many_values_says_so(page: Page, synced: str) -> None:
    page.goto(f"{synced}spend?" + "&".join(["models=x"] * 1_001))
    expect(page.get_by_text(re.compile("Not understood in this address: more than"))).to_be_visible(
        timeout=PATIENCE
    )


def test_files_hold_what_the_screen_shows(page: Page, synced: str, tmp_path: Path) -> None:
    come_to(page, synced, "spend", tz="UTC")
    total = str(
        table(page, "breakdown")
        .locator("tfoot td")
        .nth(1)
        .evaluate("(cell) => cell.title || cell.firstElementChild?.title || cell.textContent")
    )
    count = page.locator(".st-key-foot-breakdown").get_by_text(re.compile("models$")).inner_text()
    page.locator(".st-key-foot-breakdown").get_by_role("button", name="Download").click()
    files = {}
    for name in ("CSV", "Excel", "Parquet", "Manifest"):
        with page.expect_download() as waiting:
            page.get_by_role("button", name=name, exact=True).click()
        files[name] = tmp_path / waiting.value.suggested_filename
        waiting.value.save_as(files[name])
    rows = list(csv.DictReader(files["CSV"].read_text("utf-8-sig").splitlines()))
    spent = sum(Decimal(row["spend_usd"] or 0) for row in rows)
    assert formats.exact_number(int(spent * 10**12), "money") in total
    assert count == f"{len(rows)} models"
    assert files["Parquet"].read_bytes().startswith(b"PAR1")
    assert files["Excel"].read_bytes().startswith(b"PK")
    about = json.loads(files["Manifest"].read_text("ascii"))
    assert about["zone"] == "UTC"


def test_a_download_that_fails_says_why_where_it_was_asked_for(
    page: Page, synced: str, folder: Path
) -> None:
    come_to(page, synced, "spend", tz="UTC")
    page.locator(".st-key-foot-breakdown").get_by_role("button", name="Download").click()
    button = page.get_by_role("button", name="CSV", exact=True)
    with page.expect_download():
        button.click()
    (file,) = folder.rglob("state.sqlite")
    with unusable(file):
        button.click()
        reason = page.get_by_role("dialog", name="Download").get_by_role("alert")
        expect(reason.filter(has_text="CSV: The audit log")).to_be_visible(timeout=PATIENCE)
    with page.expect_download():
        button.click()


def test_the_numbers_agree_on_the_page_that_says_so(page: Page, synced: str) -> None:
    come_to(page, synced, "trust", tz="UTC")
    expect(page.get_by_text(re.compile(r"All \d+ checks passed"))).to_be_visible(timeout=PATIENCE)


def test_the_choices_of_a_chart_are_in_the_address(page: Page, synced: str) -> None:
    come_to(page, synced, tz="UTC")
    box = page.get_by_role("combobox", name="By", exact=True).first
    choose_option(box, "Client")
    expect(page.get_by_text(re.compile("^Top .* clients"))).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one.get("overview-by") == ["client"])


COUNTING = """() => {
    window.most = 0;
    const look = () => {
        const buttons = [...document.querySelectorAll(".st-key-sync-now button")];
        const shown = buttons.filter((one) => one.getClientRects().length).length;
        window.most = Math.max(window.most, shown);
    };
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true });
    look();
}"""


def test_a_sync_that_one_asks_for_is_told_in_place(page: Page, synced: str) -> None:
    """What stood there before never shows beside it."""
    come_to(page, synced, "settings", tz="UTC")
    page.evaluate(COUNTING)
    told = page.get_by_text(re.compile("^synced at"))
    before = told.inner_text()
    press = page.get_by_role("button", name="Sync now")
    expect(press).to_be_enabled()
    press.click()
    expect(told).not_to_have_text(before, timeout=PATIENCE)
    settled(page)
    expect(press).to_be_enabled(timeout=PATIENCE)
    assert page.evaluate("window.most") == 1
