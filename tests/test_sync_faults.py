import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bridge_transport
import demo_sync
import httpx
import pytest
from aibridge_wire import Wire, answer, interception_row, uuid
from slow_cases import one_fast

from aibridge import (
    AIBridgeError,
    Client,
    ConnectionFailedError,
    DecodeError,
    Pace,
)
from bridgeboard import sync
from bridgeboard.demo import api
from bridgeboard.store import Store, sync_state
from bridgeboard.store.sync_state import Suspect
from bridgeboard.sync import Options, interception_windows
from bridgeboard.sync.options import Context
from bridgeboard.sync.quarantine import blanked

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


# Against servers.


@pytest.mark.parametrize("seed", one_fast(range(2)))
def test_with_a_fifth_of_the_answers_failing_runs_end_where_an_undisturbed_one_does(
    store: Store, tmp_path: Path, seed: int
) -> None:
    tables = demo_sync.latest(120)
    with demo_sync.opened(tmp_path, "undisturbed.duckdb") as calm:
        demo_sync.run(calm, demo_sync.bridge(tables))
        expected = demo_sync.contents(calm, demo_sync.EXACT)
    faults = api.Faults(rate=0.2, seed=seed, drip_seconds=0)
    bridge = demo_sync.bridge(tables, switches=api.Switches(rate_limit=None, faults=faults))
    assert finished(store, bridge)
    assert demo_sync.contents(store, demo_sync.EXACT) == expected


def finished(store: Store, bridge: api.Bridge, *, tries: int = 12) -> bool:
    """Whether one of so many runs came to its end, and no session was left for the next."""
    for _ in range(tries):
        with suppress(AIBridgeError):
            demo_sync.run(store, bridge)
            if not store.rows("SELECT 1 FROM sessions WHERE detail_problem = 'unreadable'"):
                return True
    return False


@pytest.mark.slow
def test_the_rate_limit_is_kept_without_a_single_refusal(store: Store) -> None:
    time = Time()
    tables = demo_sync.latest(120)
    switches = api.Switches(rate_limit=60)
    bridge = demo_sync.bridge(tables, switches=switches, wall=time.moment)
    refused = Refusals(bridge_transport.Transport(bridge))
    pace = Pace(clock=time, sleep=time.sleep)
    with demo_sync.client(bridge, transport=refused, pace=pace) as client:
        options = Options(page_size=1, workers=4)
        list(
            interception_windows.read(
                client, store, Context(options, demo_sync.NOW, "interceptions")
            )
        )
    assert store.rows("SELECT count(*) FROM usage") == [(120,)]
    assert refused.answers > 150
    assert refused.count == 0


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now = demo_sync.NOW.timestamp()

    def __call__(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        with self._lock:
            self._now += seconds

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self._now, UTC)


class Refusals(httpx.BaseTransport):
    """Counts the answers that pass by, and the 429s among them."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner
        self.answers = self.count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        self.answers += 1
        self.count += response.status_code == httpx.codes.TOO_MANY_REQUESTS
        return response


@pytest.mark.slow
def test_a_run_that_is_closed_is_journalled_and_gone_on_with(store: Store, tmp_path: Path) -> None:
    bridge = demo_sync.bridge(demo_sync.latest(120))
    with demo_sync.client(bridge) as client:
        events = sync.run(client, store, Options(page_size=10), demo_sync.NOW)
        next(events)
        events.close()
    assert store.rows("SELECT outcome FROM runs") == [("stopped",)]
    demo_sync.run(store, bridge)
    assert store.rows("SELECT outcome FROM runs ORDER BY run") == [("stopped",), ("done",)]
    with demo_sync.opened(tmp_path, "undisturbed.duckdb") as calm:
        demo_sync.run(calm, bridge)
        assert demo_sync.contents(store) == demo_sync.contents(calm)


def test_a_run_that_fails_says_why_and_keeps_what_was_committed(store: Store) -> None:
    bridge = demo_sync.bridge(demo_sync.latest(250))
    breaking = Breaking(bridge_transport.Transport(bridge), after=12)
    with (
        demo_sync.client(bridge, transport=breaking, retry=demo_sync.at_once(0)) as client,
        pytest.raises(ConnectionFailedError),
    ):
        list(sync.run(client, store, Options(page_size=10, workers=2), demo_sync.NOW))
    ((outcome, message),) = store.rows("SELECT outcome, message FROM runs")
    assert outcome == "failed"
    assert "/interceptions" in message
    ((rows,),) = store.rows("SELECT count(*) FROM usage")
    assert 0 < rows < 250
    assert store.rows("SELECT sum(responses) FROM usage") == store.rows(
        "SELECT count(*) FROM responses"
    )


class Breaking(httpx.BaseTransport):
    """A network that breaks down after so many requests for interceptions."""

    def __init__(self, inner: httpx.BaseTransport, *, after: int) -> None:
        self._inner = inner
        self._left = after

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= request.url.path.endswith("/interceptions")
        if self._left < 0:
            raise httpx.ConnectError("Network is unreachable", request=request)
        return self._inner.handle_request(request)


# Rows that are not what the API promises.

TOKENS = {
    "id": uuid(900),
    "interception_id": uuid(1),
    "provider_response_id": "r",
    "input_tokens": 7,
    "output_tokens": 5,
    "cache_read_input_tokens": 3,
    "cache_write_input_tokens": 2,
    "metadata": None,
    "created_at": "2026-05-01T10:00:00Z",
}
PROMPT = {
    "id": uuid(901),
    "interception_id": uuid(1),
    "provider_response_id": "r",
    "prompt": "the secret of the bakery",
    "metadata": None,
    "created_at": "2026-05-01T10:00:00Z",
}


def listed(store: Store, rows: list[object], *, text: bool = True, now: datetime = NOON) -> None:
    """Read these rows as all that a server lists."""
    wire = Wire(interceptions={"count": len(rows), "results": rows})
    with Client(
        demo_sync.ADDRESS,
        demo_sync.TOKEN,
        transport=httpx.MockTransport(wire),
        retry=demo_sync.at_once(0),
    ) as client:
        options = Options(text=text, since=NOON - timedelta(hours=12))
        list(interception_windows.read(client, store, Context(options, now, "interceptions")))


def numbers(store: Store) -> set[int]:
    return {id_.int & 0xFFFF for (id_,) in store.rows("SELECT id FROM usage")}


def test_a_broken_row_goes_to_quarantine_and_its_neighbours_are_stored(store: Store) -> None:
    broken = interception_row(2, model=None, user_prompts=[PROMPT])
    listed(store, [interception_row(3), broken, interception_row(1), {"id": 5}, None])
    assert numbers(store) == {1, 3}
    held = {each.identity: each for each in sync_state.quarantined(store)}
    assert len(held) == 3
    assert "model" in held[uuid(2)].reason
    assert "bakery" in held[uuid(2)].raw
    assert all("bakery" not in each.reason for each in held.values())


def test_a_list_of_nothing_but_broken_rows_comes_to_its_end(store: Store) -> None:
    listed(store, [None, {"id": 5}])
    assert len(sync_state.quarantined(store)) == 2
    assert store.rows("SELECT count(*) FROM windows WHERE done_at IS NULL") == [(0,)]


def test_without_text_quarantine_holds_no_word_that_somebody_wrote(store: Store) -> None:
    rows = [
        interception_row(2, model=None, user_prompts=[PROMPT]),
        interception_row(3, user_prompts="the secret of the bakery"),
        interception_row(4, client={"prompt": "the secret of the bakery"}),
        "the secret of the bakery",
    ]
    listed(store, list(rows), text=False)
    held = sync_state.quarantined(store)
    assert len(held) == 4
    assert not any("bakery" in str(each) for each in held)
    assert json.loads(next(each.raw for each in held if each.identity == uuid(2)))["id"] == uuid(2)


def test_a_row_told_well_later_leaves_quarantine(store: Store) -> None:
    listed(store, [interception_row(1, model=None)])
    assert len(sync_state.quarantined(store)) == 1
    listed(store, [interception_row(1)], now=NOON + timedelta(minutes=1))
    assert sync_state.quarantined(store) == []
    assert numbers(store) == {1}


def test_quarantined_rows_that_can_be_read_now_are_taken_over(store: Store) -> None:
    """As after an update: what is kept is what the server told, token for token."""
    good = interception_row(1, token_usages=[TOKENS], user_prompts=[PROMPT])
    kept = [Suspect(uuid(1), "not understood then", json.dumps(good))]
    kept += [Suspect(uuid(2), "broken", json.dumps(interception_row(2, model=None)))]
    kept += [Suspect("x", "cut off", '{"id"')]
    with store.write() as batch:
        sync_state.quarantine(batch, "interception", kept, NOON)
        sync_state.quarantine(batch, "session", kept[:1], NOON)
    done = sync.requeue(store, Options(), NOON)
    assert (done.released, done.remaining) == (1, 3)
    assert store.rows("SELECT input, output, cache_read, cache_write, prompts FROM usage") == [
        (7, 5, 3, 2, 1)
    ]
    assert {(each.kind, each.identity) for each in sync_state.quarantined(store)} == {
        ("interception", uuid(2)), ("interception", "x"), ("session", uuid(1)),
    }  # fmt: skip
    assert sync.requeue(store, Options(), NOON).released == 0


HOSTILE = {
    "half a character": "a\ud800b",
    "nul": "a\0b",
    "long": "x" * 200_000,
    "acting": "\x1b[2J\u202e=HYPERLINK()",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_stored_with_what_no_database_holds_replaced(
    store: Store, text: str
) -> None:
    tool = PROMPT | {"server_url": "", "tool": text, "injected": False, "input": text,
                     "invocation_error": text}  # fmt: skip
    row = interception_row(
        1,
        model=text,
        client=text,
        initiator={"id": uuid(7), "username": text, "name": text},
        user_prompts=[PROMPT | {"prompt": text}],
        tool_usages=[tool],
    )
    listed(store, [row, interception_row(2)])
    stored = text.replace("\ud800", "\ufffd").replace("\0", "\ufffd")
    if sync_state.quarantined(store):
        assert numbers(store) == {2}
        assert "\ud800" in text
        return
    assert numbers(store) == {1, 2}
    for query in (
        "SELECT model FROM usage WHERE prompts = 1", "SELECT username FROM initiators ORDER BY id",
        "SELECT text FROM prompts", "SELECT tool FROM tool_calls",
        "SELECT input FROM tool_inputs", "SELECT error FROM tool_inputs",
    ):  # fmt: skip
        assert (stored,) in store.rows(query), query


@pytest.mark.parametrize("count", [-1, -(2**63), 10**12 + 1, 2**63 - 1])
def test_counts_that_cannot_be_true_break_nothing(store: Store, count: int) -> None:
    hostile = [TOKENS | {"input_tokens": count, "metadata": {"web_search_requests": 1e300}}] * 3
    rows = [
        interception_row(1, model="gpt-5", provider="openai", token_usages=hostile),
        interception_row(2, model="gpt-5", provider="openai", token_usages=[TOKENS]),
    ]
    listed(store, rows)
    kept = {id_ for (id_,) in store.rows("SELECT id::VARCHAR FROM usage")}
    held = {id_ for (id_,) in store.rows("SELECT identity FROM quarantine")}
    beyond = {uuid(1)} if count != -1 else set()
    assert (kept, held) == ({uuid(1), uuid(2)} - beyond, beyond)


def test_metadata_of_any_shape_is_taken_for_none(store: Store) -> None:
    shapes = [{}, None, {"web_search_requests": "1"}, {"cache_read_input": [1]}, {"x": {"y": 1}}]
    rows = [
        interception_row(number, token_usages=[TOKENS | {"metadata": shape}])
        for number, shape in enumerate(shapes, 1)
    ]
    listed(store, list(rows))
    assert store.rows("SELECT DISTINCT input, cache_read FROM usage") == [(7, 3)]


def test_an_error_body_in_place_of_a_page_is_an_error_and_an_anomaly(store: Store) -> None:
    wire = Wire(interceptions=lambda _: answer({"message": "Forbidden."}))
    with (
        Client(
            demo_sync.ADDRESS,
            demo_sync.TOKEN,
            transport=httpx.MockTransport(wire),
            retry=demo_sync.at_once(0),
        ) as client,
        pytest.raises(DecodeError),
    ):
        list(interception_windows.read(client, store, Context(Options(), NOON, "interceptions")))
    assert store.rows("SELECT count(*) FROM usage") == [(0,)]
    ((kind, message),) = store.rows("SELECT DISTINCT kind, message FROM anomalies LIMIT 1")
    assert kind == "error_body"
    assert "/interceptions" in message
    assert store.rows("SELECT count(*) FROM windows WHERE done_at IS NOT NULL") == [(0,)]


def test_a_row_of_the_future_is_an_anomaly(store: Store) -> None:
    listed(store, [interception_row(1, started_at="2099-01-01T00:00:00Z"), interception_row(2)])
    assert numbers(store) == {1, 2}
    assert [kind for (kind,) in store.rows("SELECT kind FROM anomalies")] == ["future"]
    listed(store, [interception_row(3)], now=NOON + timedelta(hours=1))
    assert 3 in numbers(store), "a row of the future does not hide those of the present"


def test_blanking_leaves_everything_but_words() -> None:
    row = {"id": "a", "n": [1, None, True, 2.5], "prompt": "secret", "tool": "Bash", "deep": ["s"]}
    assert json.loads(blanked(json.dumps(row))) == row | {"prompt": "", "deep": [""]}
    assert blanked("{no json") == ""
