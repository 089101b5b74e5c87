from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import bridge_transport
import demo_sync
import demo_worlds
import httpx
import pytest
import truth
from costly_laws import tried
from hypothesis import given
from hypothesis import strategies as st
from small_bridges import Book, token

from aibridge import Client
from bridgeboard import sync
from bridgeboard.demo import api
from bridgeboard.demo.records import InterceptionRow
from bridgeboard.pricing import informed
from bridgeboard.store import Store
from bridgeboard.sync import (
    ForeignStoreError,
    Options,
    UnreadableError,
    interception_windows,
    windows,
)
from bridgeboard.sync.options import Context

COUNTS = ("input", "output", "cache_read", "cache_write")
TABLES = demo_worlds.small().tables
FINISHED = truth.finished(TABLES)


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """The small company, read whole from its interceptions."""
    with demo_sync.opened(tmp_path_factory.mktemp("synced")) as store:
        demo_sync.interceptions(store, demo_sync.bridge(TABLES))
        yield store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


def sums(store: Store, *columns: str) -> list[int]:
    told = ", ".join(f"coalesce(sum({column}), 0)::BIGINT" for column in columns)
    return list(store.rows(f"SELECT {told} FROM usage")[0])


def ids(store: Store) -> set[str]:
    return {str(id_) for (id_,) in store.rows("SELECT id FROM usage")}


def test_every_finished_interception_is_one_row(synced: Store) -> None:
    assert ids(synced) == {row.id for row in FINISHED}
    assert sums(synced, "requests") == [len(FINISHED)]


def test_plain_sums_of_tokens_are_the_servers(synced: Store) -> None:
    recorded = truth.recorded(TABLES, FINISHED)
    assert sums(synced, *(f"{name}_sum" for name in COUNTS)) == [
        getattr(recorded, name) for name in COUNTS
    ]


def test_merged_tokens_count_each_response_once_and_nothing_below_zero(synced: Store) -> None:
    merged = truth.responses(TABLES, FINISHED).values()
    assert sums(synced, *COUNTS) == [
        sum(max(0, getattr(counts, name)) for counts in merged) for name in COUNTS
    ]
    assert sums(synced, "responses") == [len(merged)]
    assert synced.rows("SELECT count(*) FROM responses") == [(len(merged),)]


def test_prompts_tool_calls_and_people_are_all_there(synced: Store) -> None:
    prompts, calls = truth.prompts(TABLES, FINISHED), truth.tool_calls(TABLES, FINISHED)
    assert sums(synced, "prompts", "tool_calls") == [len(prompts), len(calls)]
    assert sums(synced, "injected", "tool_errors") == [
        sum(call.injected for call in calls),
        sum(bool(call.invocation_error) for call in calls),
    ]
    people = {(person.id, person.username, person.name) for person in TABLES.people}
    told = {
        (str(id_), *names)
        for id_, *names in synced.rows("SELECT id, username, name FROM initiators")
    }
    assert told == {person for person in people if person[0] in truth.people(FINISHED)}


def test_words_and_times_are_taken_over_as_told(synced: Store) -> None:
    told = synced.rows(
        "SELECT u.id::VARCHAR, i.id::VARCHAR, provider, provider_name, model, client, api_key_id,"
        " started_at, ended_at FROM usage u JOIN initiators i USING (initiator)"
    )
    expected = {
        (
            row.id, row.initiator_id, row.provider, row.provider_name or row.provider, row.model,
            row.client, row.api_key_id, naive(row.started_at), naive(row.ended_at),
        )
        for row in FINISHED
    }  # fmt: skip
    assert set(told) == expected


def naive(moment: datetime | None) -> datetime | None:
    return moment.astimezone(UTC).replace(tzinfo=None) if moment else None


def test_texts_are_kept_word_for_word(synced: Store) -> None:
    told = synced.rows("SELECT u.id::VARCHAR, p.text FROM prompts p JOIN usage u USING (usage)")
    recorded = truth.prompts(TABLES, FINISHED)
    assert Counter(told) == Counter((row.interception_id, row.prompt) for row in recorded)
    told = synced.rows(
        "SELECT u.id::VARCHAR, c.tool, t.input, t.error"
        " FROM tool_inputs t JOIN usage u USING (usage)"
        " JOIN tool_calls c ON c.usage = t.usage AND c.ordinal = t.ordinal"
    )
    assert Counter(told) == Counter(
        (row.interception_id, row.tool, row.input, row.invocation_error)
        for row in truth.tool_calls(TABLES, FINISHED)
    )


def test_equal_tool_inputs_have_equal_hashes_and_others_do_not(synced: Store) -> None:
    ((hashes, inputs, pairs),) = synced.rows(
        "SELECT count(DISTINCT input_hash), count(DISTINCT input),"
        " count(DISTINCT (input_hash, input))"
        " FROM tool_calls c JOIN tool_inputs t ON c.usage = t.usage AND c.ordinal = t.ordinal"
    )
    assert hashes == inputs == pairs > 1


def test_without_text_all_numbers_are_the_same_and_no_words_are_stored(
    synced: Store, store: Store
) -> None:
    demo_sync.interceptions(store, demo_sync.bridge(TABLES), text=False)
    told, spoken = demo_sync.contents(store), demo_sync.contents(synced)
    for table in ("prompts", "tool_inputs"):
        assert store.rows(f"SELECT count(*) FROM {table}") == [(0,)]
        del told[table], spoken[table]
    assert told == spoken


@pytest.mark.slow
@tried(5)
@given(
    days=st.integers(0, 25),
    page_size=st.sampled_from([1, 2, 7, 97, 1000]),
    workers=st.integers(1, 5),
    hours=st.integers(0, 23),
)
def test_any_split_of_windows_is_one_sweep(
    tmp_path_factory: pytest.TempPathFactory,
    *,
    days: int,
    page_size: int,
    workers: int,
    hours: int,
) -> None:
    """Whatever windows, pages and workers: the same rows, each once."""
    tables = demo_sync.latest(150 if page_size > 2 else 30)
    with (
        demo_sync.opened(tmp_path_factory.mktemp("one")) as one,
        demo_sync.opened(tmp_path_factory.mktemp("other")) as other,
        pytest.MonkeyPatch.context() as patch,
    ):
        whole = {"since": None}
        demo_sync.interceptions(one, demo_sync.bridge(tables), **whole)
        patch.setattr(windows.plan, "__kwdefaults__", {"days": days})
        now = demo_sync.NOW - timedelta(hours=hours)
        demo_sync.interceptions(
            other, demo_sync.bridge(tables), now=now, page_size=page_size, workers=workers, **whole
        )
        assert demo_sync.contents(one) == demo_sync.contents(other)


def test_syncing_twice_is_syncing_once(store: Store) -> None:
    bridge = demo_sync.bridge(demo_sync.latest(600))
    first = demo_sync.run(store, bridge)
    before = demo_sync.contents(store)
    again = demo_sync.run(store, bridge, now=demo_sync.NOW + timedelta(minutes=1))
    assert demo_sync.contents(store) == before
    read = {event.phase: event for event in again}["interceptions"]
    assert read.changed == 0
    assert 0 < read.rows < {event.phase: event for event in first}["interceptions"].rows


def test_a_store_that_lost_its_marks_reads_everything_again_to_the_same_end(store: Store) -> None:
    bridge = demo_sync.bridge(demo_sync.latest(200))
    demo_sync.interceptions(store, bridge)
    before = demo_sync.contents(store)
    with store.write() as batch:
        batch.execute("DELETE FROM windows")
        batch.execute("DELETE FROM meta WHERE name = 'interceptions_opened_at'")
        batch.execute("UPDATE usage SET digest = digest + 1")
    demo_sync.interceptions(store, bridge)
    assert demo_sync.contents(store) == before


def test_with_since_nothing_older_is_read(store: Store) -> None:
    since = demo_worlds.END - timedelta(days=3, hours=5)
    demo_sync.interceptions(store, demo_sync.bridge(TABLES), since=since)
    assert ids(store) == {row.id for row in truth.finished(TABLES, since=since)}


def test_what_ended_late_arrives_with_the_overlap(store: Store) -> None:
    """A bridge whose clock moves on between runs: rows appear behind the marks."""
    tables = demo_sync.latest(300)
    rows = truth.finished(tables)
    running = max(rows[-100:], key=lasting)
    clock = [running.started_at + lasting(running) / 2]
    bridge = demo_sync.bridge(tables, clock=lambda: clock[0])
    demo_sync.interceptions(store, bridge, now=clock[0])
    assert ids(store) == {row.id for row in rows if row.started_at + lasting(row) <= clock[0]}
    assert running.id not in ids(store)
    while clock[0] < demo_worlds.END + timedelta(hours=12):
        clock[0] += timedelta(hours=7)
        demo_sync.interceptions(store, bridge, now=clock[0])
    assert ids(store) == {row.id for row in rows}


def lasting(row: InterceptionRow) -> timedelta:
    assert row.ended_at is not None
    return row.ended_at - row.started_at


def read(store: Store, book: Book, bridge: api.Bridge, *, now: datetime, **options: Any) -> None:
    with Client(
        demo_sync.ADDRESS,
        token(book.owner),
        transport=bridge_transport.Transport(bridge),
        retry=demo_sync.at_once(0),
    ) as client:
        context = Context(Options(**options), now, "interceptions")
        list(interception_windows.read(client, store, context))


# A whole run.


def test_a_run_keeps_a_journal(store: Store) -> None:
    tables = demo_sync.latest(100)
    events = demo_sync.run(store, demo_sync.bridge(tables), since=None)
    assert events[-1].phase == "done"
    ((*told, message),) = store.rows(
        "SELECT began_at, generation, outcome, read_rows, changed_rows, sessions, details,"
        " quarantined, message FROM runs"
    )
    rows = truth.finished(tables)
    sessions = len(truth.sessions(rows))
    assert told == [naive(demo_sync.NOW), "interceptions", "done", 100, 100, sessions, sessions, 0]
    assert message == ""
    assert store.rows("SELECT requests > 60, ended_at IS NOT NULL FROM runs") == [(True, True)]
    assert store.meta("deployment_id") == tables.deployment_id
    assert store.meta("price_version") == informed(store, Options().book).version
    assert store.rows("SELECT count(*) FROM windows WHERE done_at IS NULL") == [(0,)]


def test_progress_never_falls_back_and_ends_at_its_total(store: Store) -> None:
    served = demo_sync.bridge(demo_sync.latest(100))
    events = demo_sync.interceptions(store, served, page_size=10, since=None)
    done = [event.windows_done for event in events]
    assert done == sorted(done)
    assert done[-1] == events[-1].windows_total == 62
    assert events[-1].rows == events[-1].changed == 100


def test_a_store_of_another_deployment_is_refused_before_anything_is_written(store: Store) -> None:
    with store.write() as batch:
        batch.set_meta("deployment_id", "another")
    before = store.version
    with pytest.raises(ForeignStoreError, match="another deployment"):
        demo_sync.run(store, demo_sync.bridge(demo_sync.latest(10)))
    assert store.version == before


@pytest.mark.parametrize("role", ["member", "unlicensed"])
def test_a_server_that_would_show_nothing_is_an_error_and_no_empty_sync(
    store: Store, role: str
) -> None:
    switches = api.Switches(rate_limit=None, licensed=role != "unlicensed")
    bridge = demo_sync.bridge(demo_sync.latest(10), switches=switches)
    token = api.tokens(bridge.tables, 1)["member" if role == "member" else "owner"]
    with (
        Client(demo_sync.ADDRESS, token, transport=bridge_transport.Transport(bridge)) as client,
        pytest.raises(UnreadableError),
    ):
        list(sync.run(client, store, Options(), demo_sync.NOW))
    assert store.rows("SELECT count(*) FROM runs") == [(0,)]


def test_an_interrupted_first_sync_shows_what_is_new_before_it_goes_on(store: Store) -> None:
    tables = demo_sync.latest(300)
    rows = truth.finished(tables)
    clock = [demo_worlds.END - timedelta(hours=8)]
    bridge = demo_sync.bridge(tables, clock=lambda: clock[0])
    with demo_sync.client(bridge) as client:
        context = Context(Options(page_size=5, workers=1), clock[0], "interceptions")
        events = interception_windows.read(client, store, context)
        next(events)
        events.close()
    clock[0] = demo_sync.NOW
    newest = {row.id for row in rows if row.started_at.date() == demo_worlds.END.date()}
    with demo_sync.client(bridge) as client:
        context = Context(Options(page_size=5, workers=1), clock[0], "interceptions")
        for event in interception_windows.read(client, store, context):
            if event.windows_done:
                break
    assert newest <= ids(store) < {row.id for row in rows}
    demo_sync.interceptions(store, bridge)
    demo_sync.interceptions(store, bridge)
    assert ids(store) == {row.id for row in rows}


def test_runs_that_fail_at_once_do_not_pile_up_windows(store: Store) -> None:
    bridge = demo_sync.bridge(demo_sync.latest(10))
    for _ in range(5):
        with demo_sync.client(bridge) as client:
            events = sync.run(client, store, Options(), demo_sync.NOW)
            next(events)
            events.close()
    assert store.rows("SELECT count(*) FROM windows WHERE kind = 'interceptions'")[0][0] <= 62
    for minute in range(4):
        demo_sync.run(store, bridge, now=demo_sync.NOW + timedelta(minutes=minute))
    assert store.rows("SELECT count(*) FROM windows") == [(0,)]


def test_a_clock_that_differs_from_the_servers_is_told_and_followed(store: Store) -> None:
    bridge = demo_sync.bridge(demo_sync.latest(10))
    dated = Dated(bridge_transport.Transport(bridge), demo_sync.NOW + timedelta(minutes=17))
    with demo_sync.client(bridge, transport=dated, clock=demo_sync.NOW.timestamp) as client:
        list(sync.run(client, store, Options(), demo_sync.NOW))
    ((kind, message),) = store.rows("SELECT kind, message FROM anomalies")
    assert kind == "clock_skew"
    assert "17 min ahead" in message
    ((began,),) = store.rows("SELECT began_at FROM runs")
    assert began == naive(demo_sync.NOW + timedelta(minutes=17))


class Dated(httpx.BaseTransport):
    """Puts a clock of its own on every answer."""

    def __init__(self, inner: httpx.BaseTransport, now: datetime) -> None:
        self._inner = inner
        self._now = now

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        response.headers["Date"] = format_datetime(self._now, usegmt=True)
        return response
