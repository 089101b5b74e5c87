"""What lies behind a cell of a picture, in a real Chromium: clicks, keys and links to it."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import date

import pytest
from browsers import (
    OPEN,
    PATIENCE,
    PERIOD,
    REOPENINGS,
    Runs,
    await_first_sync,
    await_parameters,
    choose_option,
    come_to,
    new_context,
    parameters,
    settled,
    violations,
)
from dashboard_process import dashboard
from playwright.sync_api import Browser, Locator, Page, Route, WebSocketRoute, expect
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from bridgeboard import formats

pytestmark = [pytest.mark.browser, pytest.mark.slow]

COMPANY = ("--end", "2026-11-20T17:00:00", "--days", "75", "--scale", "0.15")


@pytest.fixture(scope="module")
def synced() -> Iterator[str]:
    """The address of a dashboard whose first sync is over."""
    with dashboard("demo", *COMPANY) as address:
        yield address


@pytest.fixture(scope="module", autouse=True)
def _read(synced: str, browser: Browser) -> None:
    await_first_sync(browser, synced)


def cell(page: Page, chart: str, *words: str) -> Locator:
    """The cell of a grid whose description has these words; its key ends in what is picked."""
    cells = page.locator(f"[class*='st-key-{chart}'] [aria-roledescription='rect mark']")
    for word in words:
        cells = cells.and_(page.locator(f"[aria-label*='{word}']"))
    return cells.first


def press_cell(page: Page, chart: str, *words: str) -> None:
    """Click into the middle of a cell, where a number may stand."""
    found = cell(page, chart, *words)
    found.scroll_into_view_if_needed()
    found.click(force=True)


def somebody(page: Page, address: str) -> str:
    """Who spent most of late."""
    come_to(page, address, tz="UTC")
    return page.locator(".st-key-box-top-initiator tbody a").first.inner_text()


def busiest(page: Page) -> tuple[str, str]:
    """The day and the hour that the page calls the busiest, as in an address."""
    told = page.get_by_text(re.compile("^Requests by local weekday")).inner_text()
    found = re.search(r"Busiest: (\w+), (\d\d):00", told)
    assert found
    return found[1][:3], found[2]


@pytest.mark.parametrize(
    ("hour", "lists"),
    [("hour", ["Top people"]), ("person-hour", ["Top models", "Top clients"])],
)
def test_a_click_on_an_hour_of_the_week_lists_who_or_what_was_at_work(
    page: Page, synced: str, hour: str, lists: list[str]
) -> None:
    if hour == "hour":
        come_to(page, synced, "people", tz="UTC")
    else:
        come_to(page, synced, "person", tz="UTC", who=somebody(page, synced))
    day, clock = busiest(page)
    press_cell(page, f"chart-{hour}", f"Hour: {int(clock)};", f"day: {day};")
    box = page.locator(f".st-key-picked-{hour}")
    expect(box).to_be_visible(timeout=PATIENCE)
    settled(page)
    assert parameters(page)[hour] == [f"{day.lower()}-{clock}"]
    expect(page.get_by_role("combobox", name="Hour")).to_have_value(f"{day} {clock}:00")
    for title in lists:
        expect(box.get_by_role("heading", name=title)).to_be_visible()
    assert violations(page) == []
    shown = box.inner_text()

    press_cell(page, f"chart-{hour}", f"Hour: {int(clock)};", f"day: {day};")
    expect(box).to_have_count(0, timeout=PATIENCE)
    settled(page)
    await_parameters(page, lambda one: hour not in one)
    press_cell(page, f"chart-{hour}", f"Hour: {int(clock)};", f"day: {day};")
    expect(box).to_have_text(re.compile("requests in all"), timeout=PATIENCE)
    expect(box).to_have_text(shown, use_inner_text=True, timeout=PATIENCE)
    box.get_by_role("button", name="Clear").click()
    expect(box).to_have_count(0, timeout=PATIENCE)


def test_a_link_restores_filters_an_hour_and_a_cohort_on_a_cold_server(
    page: Page, browser: Browser, synced: str
) -> None:
    come_to(page, synced, "people", tz="Asia/Kathmandu", client="Claude Code")
    day, clock = busiest(page)
    press_cell(page, "chart-hour", f"Hour: {int(clock)};", f"day: {day};")
    expect(page.locator(".st-key-picked-hour")).to_be_visible(timeout=PATIENCE)
    press_cell(page, "cohorts", "Weeks since the first use: 1;")
    expect(page.locator(".st-key-picked-cohorts")).to_be_visible(timeout=PATIENCE)
    settled(page)
    link, boxes = page.url.removeprefix(synced), (".st-key-picked-hour", ".st-key-picked-cohorts")
    with dashboard("demo", *COMPANY) as other:
        await_first_sync(browser, other)
        theirs = new_context(browser).new_page()
        theirs.goto(other + link)
        for box in boxes:
            shown = page.locator(box).text_content() or ""
            expect(theirs.locator(box)).to_have_text(shown)
        chip = theirs.get_by_role("button", name="Client is Claude Code", exact=True)
        expect(chip).to_be_visible()
        await_parameters(theirs, lambda one: one == parameters(page))
        theirs.close()


def test_an_hour_is_chosen_by_the_keyboard_alone(page: Page, synced: str) -> None:
    come_to(page, synced, "people", tz="UTC")
    box = page.get_by_role("combobox", name="Hour")
    chosen = page.get_by_role("heading", name="Wednesday, 11:00 to 12:00")
    for _ in range(REOPENINGS):  # its list closes by itself when the page above it still grows
        box.focus()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.type("Wed 11")
        with suppress(AssertionError):
            expect(page.get_by_role("option", name="Wed 11:00", exact=True)).to_be_visible(
                timeout=OPEN
            )
            page.keyboard.press("Enter")
            expect(chosen).to_be_visible(timeout=PATIENCE / REOPENINGS)
            break
    expect(chosen).to_be_visible()
    await_parameters(page, lambda one: one.get("hour") == ["wed-11"])


def test_a_click_on_a_cohort_lists_its_people_who_lead_to_their_pages(
    page: Page, synced: str
) -> None:
    come_to(page, synced, "people", tz="UTC")
    press_cell(page, "cohorts", "Weeks since the first use: 2;")
    box = page.locator(".st-key-picked-cohorts")
    expect(box).to_be_visible(timeout=PATIENCE)
    settled(page)
    (chosen,) = parameters(page)["cohort"]
    assert chosen.endswith("~2")
    found = re.search(r"(\d+) of (?:about )?\d+ people active 2 weeks later", box.inner_text())
    assert found
    names = box.locator("tbody a")
    expect(names).to_have_count(int(found[1]))
    assert violations(page) == []
    who = names.first.inner_text()

    names.first.click()
    expect(page.get_by_role("heading", name=who, exact=True)).to_be_visible(timeout=PATIENCE)
    settled(page)
    query = parameters(page)
    assert query["who"] == [who]
    assert "cohort" not in query
    page.get_by_role("link", name="Everybody").click()
    expect(page.get_by_role("heading", name="Teams", exact=True)).to_be_visible(timeout=PATIENCE)


def press_point(page: Page, chart: str, number: int) -> None:
    """Click at a point of a picture of lines, which nothing but the click shows."""
    points = page.locator(f"[class*='st-key-{chart}'] [aria-roledescription='point']")
    points.nth(number).scroll_into_view_if_needed()
    points.nth(number).click(force=True)


def asked(page: Page) -> dict[str, list[str]]:
    settled(page)
    return parameters(page)


def test_a_click_on_a_line_of_active_people_lists_them(page: Page, synced: str) -> None:
    come_to(page, synced, "people", tz="UTC")
    press_point(page, "active", 40)
    box = page.locator(".st-key-picked-active")
    expect(box).to_be_visible(timeout=PATIENCE)
    (day,) = asked(page)["day"]
    shown = formats.day(date.fromisoformat(day))
    expect(page.get_by_role("combobox", name="Day", exact=True)).to_have_value(shown)
    found = re.search(r"(\d+) (?:person|people) active on the day", box.inner_text())
    assert found
    expect(box.locator("tbody a")).to_have_count(int(found[1]))
    assert violations(page) == []
    press_point(page, "active", 40)
    expect(box).to_have_count(0, timeout=PATIENCE)
    await_parameters(page, lambda one: "day" not in one)


def test_a_click_on_a_compared_line_leads_to_the_requests_of_a_side_on_that_day(
    page: Page, synced: str
) -> None:
    come_to(page, synced, "compare", tz="UTC")
    press_point(page, "chart-compare", 20)
    box = page.locator(".st-key-picked-beside")
    expect(box).to_be_visible(timeout=PATIENCE)
    (day,) = asked(page)["beside-at"]
    assert violations(page) == []
    side = box.locator("tbody a").first
    who = side.inner_text().removeprefix("A: ")
    side.click()
    expect(page.get_by_role("heading", name="Interceptions")).to_be_visible(timeout=PATIENCE)
    await_parameters(page, lambda one: one.get("person") == [who])
    period = page.locator(PERIOD).get_by_role("button")
    expect(period).to_contain_text(formats.day(date.fromisoformat(day)), timeout=PATIENCE)


@pytest.mark.parametrize("chart", ["context", "running_cost"])
def test_a_click_on_a_call_of_a_session_opens_it(page: Page, synced: str, chart: str) -> None:
    come_to(page, synced, "compare", tz="UTC", what="sessions")
    link = page.get_by_role("textbox", name="Session A", exact=True).input_value()
    page.goto(f"{synced}{link}&tz=UTC")
    points = page.locator(f"[class*='st-key-{chart}'] [aria-roledescription='point']")
    expect(points.first).to_be_attached(timeout=PATIENCE)
    settled(page)
    label = points.nth(70).get_attribute("aria-label") or ""
    found = re.search(r"Call: ([\d,]+);", label)
    assert found
    press_point(page, chart, 70)
    box = page.get_by_role("spinbutton", name="Call")
    expect(box).to_have_value(found[1].replace(",", ""), timeout=PATIENCE)
    (call,) = asked(page)["call"]
    expect(page.get_by_text(call)).to_be_visible(timeout=PATIENCE)
    assert violations(page) == []


def test_the_cells_of_calls_stand_under_their_heads(page: Page, synced: str) -> None:
    page.set_viewport_size({"width": 1920, "height": 900})
    come_to(page, synced, "sessions", tz="UTC", sort="cost")
    page.locator(".st-key-box-sessions tbody a").first.click()
    expect(page.locator(".st-key-calls summary p").nth(2)).to_be_visible(timeout=PATIENCE)
    settled(page)
    edges = "(all) => all.map((one) => Math.round(one.getBoundingClientRect().right))"
    heads = page.locator(".call-heads span").evaluate_all(edges)
    for row in (0, 1):
        cells = page.locator(".st-key-calls summary p").nth(row).locator("> strong, > em")
        shown = cells.evaluate_all(edges)[: len(heads)]
        assert [abs(a - b) < 3 for a, b in zip(heads, shown, strict=True)] == [True] * len(heads)
    # Dates beside the times take room from what follows.
    page.locator(".call-heads").evaluate("(one) => one.classList.add('dated')")
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth).length"
    for width in (1440, 1320, 1310, 1290, 1270, 1260):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.locator(".call-heads, .call-heads span").evaluate_all(cut) == 0


def test_trust_says_what_this_server_does_not_tell(page: Page, synced: str) -> None:
    come_to(page, synced, "trust", tz="UTC")
    table = page.get_by_role("table").filter(has_text="What follows")
    row = table.get_by_role("row").filter(has_text="Network calls of agents")
    expect(row).to_contain_text("Not told by v2.34.1; later servers tell it.")
    expect(page.get_by_text(re.compile("^Asked now: the deployment is v2.34.1"))).to_be_visible()
    table.scroll_into_view_if_needed()
    assert violations(page) == []


def kinds_of_messages(page: Page) -> set[str]:
    """The kinds of messages that a page is sent from now on; asked for before it is opened."""
    kinds: set[str] = set()

    def note(frame: str | bytes) -> None:
        assert isinstance(frame, bytes)
        kinds.add(str(ForwardMsg.FromString(frame).WhichOneof("type")))

    page.on("websocket", lambda socket: socket.on("framereceived", note))
    return kinds


STEPS = (
    (".st-key-box-top-initiator tbody a", "Person"),
    (".st-key-who a[href*='sessions']", "Sessions"),
    (".st-key-box-sessions th:has-text('Spend') button", "Sessions"),
    (".st-key-box-sessions tbody a", "Session"),
    ("[data-testid=stSidebar] a:has-text('Compare')", "Compare"),
    ("[data-testid=stMain] button:has-text('Clients')", "Compare"),
    ("[data-testid=stSidebar] a:has-text('Radar')", "Radar"),
    ("[class*='st-key-finding-'] a", "Session"),
    ("[data-testid=stSidebar] a:has-text('Interceptions')", "Interceptions"),
    (".st-key-requests-turn button:has-text('Next')", "Interceptions"),
    ("[data-testid=stMain] tbody th a", "Interceptions"),
    (".st-key-request-head a[href*='session']", "Session"),
    ("[data-testid=stSidebar] a:has-text('Settings')", "Settings"),
    ("[data-testid=stSidebar] a:has-text('Overview')", "Overview"),
    ("[role=radio]:has-text('Sessions')", "Overview"),
)
"""What is pressed one after the other, and the title of the page it leads to."""


def test_back_and_forward_take_one_press_from_every_page(page: Page, synced: str) -> None:
    runs = Runs(page)
    kinds = kinds_of_messages(page)
    come_to(page, synced, tz="UTC")
    title = page.locator("h1")
    expect(title).to_have_text("Overview")
    places = [(page.url, "Overview")]
    for selector, name in STEPS:
        with runs.ended():
            page.locator(selector).first.click()
        expect(page).not_to_have_url(places[-1][0], timeout=PATIENCE)
        expect(title).to_have_text(name)
        settled(page)
        places.append((page.url, name))
    for address, name in places[-2::-1]:
        with runs.ended():
            page.go_back()
        expect(page).to_have_url(address)
        expect(title).to_have_text(name)
        settled(page)
        expect(page).to_have_url(address)
    # And so in a hurry, when a run begins after the next press.
    for turn, (address, name) in (page.go_forward, places[-1]), (page.go_back, places[0]):
        for _ in places[1:]:
            turn()
        expect(page).to_have_url(address)
        expect(title).to_have_text(name)
        settled(page)
        expect(page).to_have_url(address)
    # One that the browser has forgotten meanwhile would end the connection.
    assert {"delta", "script_finished"} <= kinds
    assert "ref_hash" not in kinds


class SlowSocket:
    """The websocket of a page that is opened after this, whose messages can be held up."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: list[bytes] | None = None
        page.expose_function("heldMessages", self._kinds)
        page.route_web_socket(re.compile("/_stcore/stream"), self._open)

    def hold(self) -> None:
        """Keep all messages back from now on."""
        self._held = []

    def await_held(self, kind: str) -> None:
        """Wait until a message of a kind is kept back."""
        is_held = "async (kind) => (await heldMessages()).includes(kind)"
        self._page.wait_for_function(is_held, arg=kind, timeout=PATIENCE)

    def release(self) -> None:
        """Send all that was kept back, and the others as they come."""
        held, self._held = self._held or [], None
        for frame in held:
            self._browser.send(frame)

    def _kinds(self) -> list[str]:
        return [str(ForwardMsg.FromString(frame).WhichOneof("type")) for frame in self._held or ()]

    def _open(self, browser: WebSocketRoute) -> None:
        self._browser = browser
        browser.connect_to_server().on_message(self._take)

    def _take(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes)
        if self._held is None:
            self._browser.send(frame)
        else:
            self._held.append(frame)


def compare_with(page: Page, label: str) -> None:
    """Choose what the period is compared with."""
    choose_option(page.get_by_role("combobox", name="Compare with"), label)


def press_back(page: Page, to: str) -> None:
    """Press Back, and wait for the address only that it leads to."""
    page.evaluate("history.back()")
    page.wait_for_function("to => location.href === to", arg=to)


def test_back_is_not_undone_by_a_change_that_the_page_hears_of_later(
    page: Page, synced: str
) -> None:
    socket = SlowSocket(page)
    come_to(page, synced, tz="UTC", period="7d")
    first = page.url
    page.get_by_role("button", name="Previous period", exact=True).click()
    await_parameters(page, lambda one: "from" in one)
    settled(page)
    socket.hold()
    compare_with(page, "No comparison")
    socket.await_held("page_info_changed")
    press_back(page, first)
    socket.release()
    expect(page.locator(PERIOD).get_by_role("button")).to_contain_text("Last 7 days")
    settled(page)
    expect(page).to_have_url(first)
    page.get_by_role("button", name="Previous period", exact=True).click()
    await_parameters(page, lambda one: "from" in one)
    assert parameters(page).keys() == {"tz", "from", "to"}


def test_two_steps_back_before_the_page_hears_of_the_first_undo_two_changes(
    page: Page, synced: str
) -> None:
    socket = SlowSocket(page)
    come_to(page, synced, tz="UTC")
    addresses = [page.url]
    for label, word in (("vs same period last month", "month"), ("No comparison", "none")):
        compare_with(page, label)
        await_parameters(page, lambda one, word=word: one.get("compare") == [word])
        settled(page)
        addresses.append(page.url)
    socket.hold()
    press_back(page, addresses[1])
    socket.await_held("script_finished")
    press_back(page, addresses[0])
    socket.release()
    box = page.get_by_role("combobox", name="Compare with")
    expect(box).to_have_value("vs previous period")
    settled(page)
    expect(page).to_have_url(addresses[0])


def test_a_link_pressed_before_the_page_hears_of_a_change_takes_the_change_along(
    page: Page, synced: str
) -> None:
    socket = SlowSocket(page)
    come_to(page, synced, "spend", tz="UTC")
    button = page.locator(PERIOD).get_by_role("button")
    button.click()
    choice = page.get_by_role("radiogroup", name="Period").get_by_text("Last 7 days", exact=True)
    expect(choice).to_be_visible(timeout=PATIENCE)
    settled(page)
    socket.hold()
    choice.click()
    socket.await_held("page_info_changed")
    page.get_by_test_id("stSidebar").get_by_role("link", name="Models", exact=True).click()
    socket.release()
    expect(page.locator("h1")).to_have_text("Models", timeout=PATIENCE)
    await_parameters(page, lambda one: one == {"tz": ["UTC"], "period": ["7d"]})
    settled(page)
    expect(button).to_contain_text("Last 7 days")
    assert parameters(page) == {"tz": ["UTC"], "period": ["7d"]}
    assert page.url.partition("?")[0].endswith("/models")


def test_a_part_that_asks_before_the_page_hears_of_a_change_does_not_undo_it(
    page: Page, synced: str
) -> None:
    socket = SlowSocket(page)
    runs = Runs(page)
    come_to(page, synced, "spend", tz="UTC")
    head = page.locator(".st-key-box-breakdown table").get_by_role("columnheader", name="Requests")
    socket.hold()
    head.get_by_role("button").click()
    socket.await_held("page_info_changed")
    page.locator(".st-key-add-filter").get_by_role("button").click()
    with runs.ended():
        socket.release()
    await_parameters(page, lambda one: one.get("breakdown-sort") == ["requests"])
    expect(page.get_by_role("combobox", name="Filter by", exact=True)).to_be_visible()
    settled(page)
    expect(head).to_have_attribute("aria-sort", "descending")
    assert parameters(page) == {"tz": ["UTC"], "breakdown-sort": ["requests"]}


def test_a_card_pressed_together_with_a_link_to_another_page_leaves_a_page(
    page: Page, synced: str
) -> None:
    runs = Runs(page)
    come_to(page, synced, tz="UTC")
    link = page.get_by_test_id("stSidebar").get_by_role("link", name="Trust", exact=True)
    boxes = [one.bounding_box() for one in (link, page.locator(".cards .card").nth(2))]
    with runs.ended():
        for box in boxes:
            assert box
            page.mouse.click(box["x"] + 8, box["y"] + 8)
    settled(page)
    expect(page.get_by_test_id("stException")).to_have_count(0)
    expect(page.locator("h1")).to_have_text(re.compile("Trust|Overview"))


def test_a_popover_whose_parts_load_late_takes_the_keyboard_to_its_first_choice(
    page: Page, synced: str
) -> None:
    late: list[Route] = []
    page.route(re.compile(r"/Radio\.[^/]+\.js"), lambda route: late.append(route))  # noqa: PLW0108  # playwright marks it
    come_to(page, synced, tz="UTC")
    page.locator(PERIOD).get_by_role("button").click()
    expect(page.get_by_test_id("stDateInputField").first).to_be_visible()
    late[0].continue_()
    expect(page.get_by_role("radio", name="Last 30 days", exact=True)).to_be_focused()
    expect(page.get_by_test_id("stDateInputCalendar")).to_have_count(0)


def test_arrow_keys_lead_through_the_periods_and_enter_chooses(page: Page, synced: str) -> None:
    come_to(page, synced, tz="UTC")
    button = page.locator(PERIOD).get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("radio", name="Last 30 days", exact=True)).to_be_focused()
    for key, name in (
        ("ArrowDown", "Last 90 days"),
        ("ArrowRight", "Week to date"),
        ("ArrowUp", "Last 90 days"),
    ):
        page.keyboard.press(key)
        expect(page.get_by_role("radio", name=name, exact=True)).to_be_focused()
    expect(page.get_by_role("radio", name="Last 30 days", exact=True)).to_be_checked()
    page.keyboard.press("Enter")
    expect(button).to_contain_text("Last 90 days")
    expect(page.get_by_test_id("stPopoverBody")).to_have_count(0)
    await_parameters(page, lambda one: one == {"tz": ["UTC"], "period": ["90d"]})


class Walk:
    """The clicks of somebody who began on Overview."""

    def __init__(self, page: Page, address: str) -> None:
        come_to(page, address, tz="UTC")
        self.clicks = 0

    def click(self, target: Locator) -> None:
        """One more click."""
        self.clicks += 1
        target.click()


def test_three_questions_of_a_newcomer_are_answered_within_two_clicks(
    page: Page, synced: str
) -> None:
    # Who drove last week's spend, and why?
    walk = Walk(page, synced)
    walk.click(page.get_by_role("button", name="Last 30 days", exact=True))
    walk.click(page.get_by_role("radiogroup", name="Period").get_by_text("Last week", exact=True))
    summary = page.locator(".summary")
    expect(summary).to_contain_text(re.compile(r"^Spend (rose|fell) .*: by "), timeout=PATIENCE)
    expect(page.get_by_text(re.compile("^Last week, "))).to_be_visible(timeout=PATIENCE)
    expect(summary.get_by_role("link").first).to_be_visible()
    people = page.locator(".st-key-box-top-initiator tbody tr").first
    expect(people).to_contain_text(re.compile(r"\$\d"))
    assert walk.clicks == 2

    # Does this team use Claude Code more than a month ago?
    walk = Walk(page, synced)
    team = page.locator(".st-key-box-top-team tbody a").first
    name = team.inner_text()
    walk.click(team)
    expect(page.get_by_role("button", name=f"Team is {name}", exact=True)).to_be_visible(
        timeout=PATIENCE
    )
    client = page.locator(".st-key-box-top-client tbody tr").filter(has_text="Claude Code")
    expect(client.locator("td").last).to_have_text(re.compile(r"[+-][\d.]+%|new"))
    assert walk.clicks == 1

    # Which sessions cost most, and what did they do?
    walk = Walk(page, synced)
    walk.click(page.get_by_role("link", name="Sessions by cost"))
    rows = page.locator(".st-key-sessions-table tbody tr")
    expect(rows.first).to_contain_text(re.compile(r"\$\d"), timeout=PATIENCE)
    walk.click(rows.first.get_by_role("link").first)
    expect(page.get_by_role("heading", name="Session", exact=True)).to_be_visible(timeout=PATIENCE)
    expect(page.get_by_text("Tools", exact=True).first).to_be_visible(timeout=PATIENCE)
    assert walk.clicks == 2


def test_three_questions_about_the_budget_are_answered_within_two_clicks(
    page: Page, synced: str
) -> None:
    # Where will November end?
    walk = Walk(page, synced)
    walk.click(page.get_by_role("link", name="Spend", exact=True))
    end = page.get_by_text(re.compile(r"November is expected to end at \D*\$\d"))
    expect(end.first).to_be_visible(timeout=PATIENCE)
    assert walk.clicks == 1

    # Why is it more than before, and in which teams?
    why = page.get_by_text(re.compile(r"^Spend (rose|fell) by "))
    expect(why).to_contain_text(re.compile(r"people|requests|tokens|model"), timeout=PATIENCE)
    bar = page.locator("[class*='st-key-chart-why'] [aria-roledescription='bar']").first
    expect(bar).to_have_attribute("aria-label", re.compile(r"^[A-Z][a-z ]+: .?.?[+-]\$"))
    bar.scroll_into_view_if_needed()
    settled(page)
    walk.click(bar)
    teams = page.locator(".st-key-parts-why tbody tr")
    expect(teams.first).to_contain_text(re.compile(r"\$\d"), timeout=PATIENCE)
    assert walk.clicks == 2

    # Who will be over?
    walk = Walk(page, synced)
    walk.click(page.get_by_role("link", name="Budgets", exact=True))
    expect(page.get_by_text(re.compile(r"(over|used up)", re.IGNORECASE)).first).to_be_visible(
        timeout=PATIENCE
    )
    assert walk.clicks == 1
