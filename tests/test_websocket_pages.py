"""What a reader gets over the websocket, without a browser, and what the client itself promises."""

import asyncio
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote_plus

import httpx
import pyarrow.parquet as pq
import pytest
import truth
from conftest import END
from dashboard_process import dashboard
from shown_tables import Table
from websockets.exceptions import InvalidStatus
from wire import Visit, WireError, await_sync, session, visit
from wire.sessions import plain

from bridgeboard.demo.records import InterceptionRow
from bridgeboard.demo.world import World, make

DAYS, SCALE = 8, 0.1
EVERY: dict[str, Any] = {
    "range": "Custom days",
    "dates": ["2026-11-01", "2026-11-30"],
    "tz": "UTC",
}
BY_ID = {"breakdown-by": "model"}
PAGES = {
    "": "Overview",
    "spend": "Spend",
    "budgets": "Budgets",
    "people": "People",
    "models": "Models",
    "tools": "Tools",
    "sessions": "Sessions",
    "interceptions": "Interceptions",
    "compare": "Compare",
    "radar": "Radar",
    "trust": "Trust",
    "audit": "Audit log",
    "settings": "Settings",
    "person": "Person",
    "session": "Session",
}
CLIENT = "Claude Code"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    company = ("--end", f"{END:%Y-%m-%dT%H:%M:%S}", "--days", str(DAYS), "--scale", str(SCALE))
    with dashboard("demo", *company, TMPDIR=str(tmp_path_factory.mktemp("demo"))) as address:
        await_sync(address)
        yield address


@pytest.fixture(scope="module")
def world() -> World:
    """The company that is served."""
    return make(7, end=END, days=DAYS, scale=SCALE)


@pytest.fixture(scope="module")
def requests(world: World) -> list[InterceptionRow]:
    """All that the dashboard can know of."""
    return truth.finished(world.tables)


@pytest.fixture(scope="module")
def people(world: World, requests: list[InterceptionRow]) -> Counter[str]:
    """Requests by person."""
    names = {person.id: person.username for person in world.tables.people}
    return Counter(names[row.initiator_id] for row in requests)


def test_every_page_opens_by_its_address(
    address: str, requests: list[InterceptionRow], people: Counter[str]
) -> None:
    one = requests[0]
    about = {
        "person": {"who": max(people)},
        "session": {"id": one.session_id, "person": one.initiator_id},
    }
    for name, title in PAGES.items():
        with visit(address, name, **{**EVERY, **about.get(name, {})}) as reader:
            assert reader.screen.title == title
            assert reader.screen.exceptions == []
            assert reader.screen.complaints == []
            assert set(reader.screen.pages) == set(PAGES)


def test_filters_go_along_to_other_pages_and_choices_of_a_page_wait_there(address: str) -> None:
    with visit(address, **EVERY, clients=CLIENT) as reader:
        reader.choose("overview-by", "Client")
        for name in ("models", "trust", "sessions", ""):
            reader.turn(name)
            assert reader.screen.title == PAGES[name]
            assert "client=Claude+Code" in reader.screen.query
            assert ("overview-by=client" in reader.screen.query) == (not name)
        assert reader.screen.exceptions == []


def rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def by_model(reader: Visit) -> dict[str, int]:
    """Requests by the id of the model, from the file of the table on the page of models."""
    return {row["model"]: int(row["requests"]) for row in rows(reader.download("csv-breakdown"))}


def counted(requests: Iterable[InterceptionRow]) -> dict[str, int]:
    """The same as the world knows it; what else was recorded is written otherwise in a file."""
    return {
        name: count for name, count in Counter(row.model for row in requests).items() if named(name)
    }


def named(model: str) -> bool:
    return re.fullmatch(r"[\w.:/-]+", model) is not None and model != "coder-aibridge-unknown"


def of_named(told: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in told.items() if named(name) and name != "Unknown"}


def test_a_filter_leaves_the_requests_that_the_world_has(
    address: str, requests: list[InterceptionRow]
) -> None:
    kept = [row for row in requests if row.client == CLIENT]
    others = [row for row in requests if row.client != CLIENT]
    with visit(address, "models", **EVERY, **BY_ID) as reader:
        whole = reader.screen.metrics
        assert sum(by_model(reader).values()) == len(requests)
        reader.open("add-filter")
        reader.choose("filter-dimension", "Client")
        reader.choose("client", CLIENT)
        assert of_named(by_model(reader)) == counted(kept)
        narrowed = reader.screen.metrics
        assert narrowed["Requests"] == f"{len(kept)}"
        reader.pick("filter-client", "Exclude")
        assert of_named(by_model(reader)) == counted(others)
        assert f"client=~{quote_plus(CLIENT)}" in reader.screen.query
        reader.press("chip-client-not")
        assert reader.screen.metrics == whole
    with visit(address, "models", **EVERY, clients=[CLIENT]) as other:
        assert other.screen.metrics == narrowed


def test_several_values_in_an_address_are_all_chosen(
    address: str, requests: list[InterceptionRow]
) -> None:
    known = Counter(row.model for row in requests if named(row.model))
    (first, one), (second, two) = known.most_common(2)
    with visit(
        address, "models", **EVERY, **BY_ID, models=[first, second, "not-a-model"]
    ) as reader:
        assert by_model(reader) == {first: one, second: two}
        assert reader.screen.exceptions == []


def test_a_default_is_left_out_of_the_address(address: str) -> None:
    with visit(address) as reader:
        assert reader.screen.query == ""
        reader.choose("range", "Last 7 days")
        reader.choose("compare", "No comparison")
        assert reader.screen.query == "period=7d&compare=none"
        assert reader.holds(reader.screen.find("range")) == "Last 7 days"
        reader.choose("range", "Last 30 days")
        reader.choose("compare", "vs previous period")
        assert reader.screen.query == ""


def test_a_fold_opens_with_the_table_whose_files_it_offers(address: str) -> None:
    shown_by = {"overview-show": "total_tokens", "overview-by": "provider"}
    with visit(address, **EVERY, **shown_by) as reader:
        assert not reader.screen.inside("fold-overview")
        reader.open("fold-overview")
        shown = Table("", json.loads(reader.screen.find("table-overview").told.json))
        told = rows(reader.download("csv-overview"))
        assert [(row["Day"], row["Provider"]) for row in shown.rows] == [
            (row["day"], row["provider"]) for row in told
        ]
        assert [count.replace(",", "") for count in shown.whole("Tokens")] == [
            row["total_tokens"] for row in told
        ]
        reader.close("fold-overview")
        assert not reader.screen.inside("fold-overview")


def test_all_kinds_of_files_hold_the_same_table(address: str, people: Counter[str]) -> None:
    with visit(address, "people", **EVERY) as reader:
        files = {kind: reader.download(f"{kind}-everybody") for kind in ("csv", "parquet", "xlsx")}
        assert json.loads(reader.download("json-everybody"))["zone"] == "UTC"
    told = rows(files["csv"])
    assert {row["initiator"]: int(row["requests"]) for row in told} == people
    packed = pq.read_table(io.BytesIO(files["parquet"])).to_pylist()
    assert {row["initiator"]: row["requests"] for row in packed} == people
    for file in files.values():
        assert all(name.encode() in plain(file) for name in people)


def test_a_row_leads_to_the_page_of_a_person_and_a_session(address: str) -> None:
    with visit(address, "people", **EVERY) as reader:
        drawn = json.loads(reader.screen.find("rows-everybody").told.json)
        name = drawn["columns"][0]["cells"][1]
        reader.follow_row("rows-everybody", 1)
        assert reader.screen.title == "Person"
        assert f"who={name}" in reader.screen.query
        reader.turn("sessions")
        chosen = reader.screen.find("sessions-table").links[2]
        reader.follow_row("sessions-table", 2)
        assert reader.screen.title == "Session"
        assert f"session?{reader.screen.query}" == chosen
        assert chosen.endswith("&tz=UTC")


def test_a_click_in_a_picture_or_a_list_keeps_only_what_it_hit(address: str) -> None:
    with visit(address, **EVERY) as reader:
        whole = reader.screen.metrics
        reader.choose("overview-by", "Client")
        reader.select_marks("chart-overview", {"picked": [{"series": CLIENT}]})
        picked = reader.screen.metrics
        reader.press("chip-client")
        assert reader.screen.metrics == whole
        links = reader.screen.find("top-client").links
        (place,) = [row for row, link in enumerate(links) if quote_plus(CLIENT) in link]
        reader.follow_row("top-client", place)
        assert reader.screen.metrics == picked != whole


def test_lists_turn_their_pages(address: str, requests: list[InterceptionRow]) -> None:
    count = f"of {len(requests):,} requests"

    def listed(reader: Visit) -> list[str]:
        drawn = json.loads(reader.screen.find("requests-table").told.json)
        ids: list[str] = drawn["columns"][0]["links"]["ends"]
        return ids

    with visit(address, "interceptions", **EVERY) as reader:
        first = listed(reader)
        with pytest.raises(WireError, match="disabled"):
            reader.press("turn-previous")
        reader.press("turn-next")
        assert any(count in text for text in reader.screen.texts)
        assert not set(listed(reader)) & set(first)
        reader.press("turn-previous")
        assert listed(reader) == first


def test_numbers_and_boxes_are_filled_in_and_emptied_again(
    address: str, world: World, requests: list[InterceptionRow]
) -> None:
    sessions = {row.id: (row.session_id, row.initiator_id) for row in requests}
    calls = Counter(
        sessions[call.interception_id] for call in truth.tool_calls(world.tables, requests)
    )
    few, every = sum(count >= 5 for count in calls.values()), len(set(sessions.values()))

    def is_told(reader: Visit, count: int) -> bool:
        return any(f"All {count} sessions" in text for text in reader.screen.texts)

    with visit(address, "sessions", **EVERY) as reader:
        assert is_told(reader, every)
        reader.number("calls_min", 5)
        assert is_told(reader, few)
        assert reader.screen.query.endswith("calls_min=5")
        reader.choose("outcome", "With errors")
        assert not is_told(reader, few)
        reader.clear("outcome")
        assert is_told(reader, few)
        reader.number("calls_min", None)
        assert is_told(reader, every)
        assert reader.screen.exceptions == []


def test_a_name_is_found_in_all_that_was_sent(address: str, people: Counter[str]) -> None:
    with visit(address, "people", **EVERY) as reader:
        assert all(map(reader.was_sent, people))
        assert not reader.was_sent("nobody-is-called-so")
    with visit(address, "people", keeps=False, **EVERY) as forgetful:
        assert forgetful.raw == []
        assert forgetful.screen.title == "People"


def test_an_unknown_page_is_told_and_the_first_one_shown(address: str) -> None:
    with visit(address, "no-such-page") as reader:
        assert [one.partition(":")[0] for one in reader.screen.complaints] == ["page not found"]
        assert reader.screen.title == "Overview"
        with pytest.raises(WireError, match="no page 'nowhere'"):
            reader.turn("nowhere")


def test_what_is_not_on_the_page_cannot_be_pressed(address: str) -> None:
    with visit(address) as reader, pytest.raises(WireError, match=r"0 of .*'chip-model'"):
        reader.press("chip-model")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"origin": "null"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
    ],
)
def test_a_forged_handshake_is_refused(address: str, headers: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused, visit(address, headers=headers):
        pass
    assert refused.value.response.status_code == 403


def test_a_file_that_nobody_was_offered_is_refused(address: str) -> None:
    with visit(address, "trust") as reader, pytest.raises(httpx.HTTPStatusError, match="404"):
        reader.fetch(f"/media/{0:040}.csv")


def test_a_session_that_was_cut_off_goes_on(address: str) -> None:
    with visit(address, "people") as reader:
        known = reader.screen.session
    with visit(address, "people", resumes=known) as again:
        assert again.screen.session == known
    with visit(address, "people") as fresh:
        assert fresh.screen.session != known


def test_readers_side_by_side_have_each_their_own_filter(
    address: str, requests: list[InterceptionRow]
) -> None:
    known = Counter(row.client for row in requests if row.client and named(row.client))
    clients = [name for name, _ in known.most_common(3)]

    async def read(client: str) -> str:
        async with session(address, "models", keeps=False, **EVERY) as reader:
            await reader.open("add-filter")
            await reader.choose("filter-dimension", "Client")
            await reader.choose("client", client)
            return reader.screen.metrics["Requests"]

    async def together() -> list[str]:
        return await asyncio.gather(*map(read, clients))

    assert asyncio.run(together()) == [str(known[client]) for client in clients]
