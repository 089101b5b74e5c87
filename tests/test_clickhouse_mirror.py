"""What readers of the mirror see is a state of the store, whole, whatever happens meanwhile."""

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import mirror_worlds
import pytest
import row_access_worlds as worlds
from clickhouse_servers import HOSTILE, ClickHouse
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from mirror_worlds import NOW, Fragile, Reader, mirror, run, server, stored

from bridgeboard.clickhouse import contents, tables
from bridgeboard.clickhouse import mirror as mirrors
from bridgeboard.clickhouse.connection import connected
from bridgeboard.clickhouse.errors import MirrorError, MirrorTakenError, ServerError
from bridgeboard.clickhouse.mirror import Mirror, StoppedError
from bridgeboard.store import Batch, Store
from bridgeboard.store.row_relations import DECIDED

ROOT = Path(__file__).parents[1]
NAIVE = NOW.replace(tzinfo=None)
LATER = timedelta(minutes=11)
PROMPT = "INSERT INTO prompts VALUES ($1, $2, 0, $2, $3)"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with something in most tables."""
    with worlds.filled(tmp_path / "store.duckdb") as store:
        yield store


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    """A store with a few requests in two months."""
    with Store.open(tmp_path / "small.duckdb", threads=1) as store:
        with store.write() as batch:
            for number, days in enumerate((0, 0, 1, 100)):
                add(batch, number, NAIVE - timedelta(days=days))
        yield store


@pytest.fixture
def url(clickhouse: ClickHouse) -> str:
    return clickhouse.fresh()


@pytest.fixture
def reader(url: str) -> Iterator[Reader]:
    yield from mirror_worlds.reading(url)


def add(batch: Batch, usage: int, at: datetime, text: str = "hello", tokens: int = 1) -> None:
    """A request and its prompt."""
    batch.execute(
        "INSERT INTO usage BY NAME (SELECT * REPLACE ($1 AS usage, $2 AS started_at, $3 AS input)"
        " FROM (SELECT 0 AS usage, TIMESTAMP '2026-01-01' AS started_at, 'interception' AS grain,"
        " 1 AS initiator, 'anthropic' AS provider, 0 AS threads, 1 AS requests, 1 AS responses,"
        " 1 AS prompts, 0 AS tool_calls, 0 AS injected, 0 AS tool_errors, 0 AS input, 0 AS output,"
        " 0 AS cache_read, 0 AS cache_write, 0 AS input_sum, 0 AS output_sum, 0 AS cache_read_sum,"
        " 0 AS cache_write_sum, 0 AS priced_tokens, 'priced' AS status, 0 AS digest))",
        [usage, at, tokens],
    )
    batch.execute(PROMPT, [usage, at, text])


def test_readers_see_the_store(store: Store, url: str, reader: Reader) -> None:
    with closing(mirror(url)) as mine:
        done = run(store, mine)
        assert done.version == 1
        wanted = stored(store)
        assert done.rows == sum(map(len, wanted.values()))
        assert reader.rows() == wanted
        assert len(wanted) > 15
        assert run(store, mine).blocks == 0
        assert reader.state() == (mine._live.term, 1)


def test_only_what_changed_is_written(store: Store, url: str, reader: Reader) -> None:
    with closing(mirror(url)) as mine:
        run(store, mine)
        ((month,),) = store.rows("SELECT min(started_at) FROM usage")
        with store.write() as batch:
            batch.execute("UPDATE usage SET cost = 17 WHERE started_at = $1", [month])
            batch.execute("DELETE FROM anomalies")
        before = reader.blocks(reader.state() or (0, 0))
        done = run(store, mine)
        after = reader.blocks(reader.state() or (0, 0))
        assert reader.rows() == stored(store)
        moved = {name for name in before if before[name] != after.get(name)}
        assert moved == {"usage", "anomalies", "meta"}  # meta has the number of the batch
        assert done.blocks == 2
        assert len({*after["usage"]} - {*before["usage"]}) == 1


def test_the_order_of_rows_is_no_change(small: Store, url: str) -> None:
    with closing(mirror(url)) as mine:
        run(small, mine)
        with small.write() as batch:
            batch.keep("CREATE TEMP TABLE turned AS FROM usage ORDER BY usage DESC")
            batch.keep("DELETE FROM usage")
            batch.keep("INSERT INTO usage FROM turned ORDER BY usage DESC")
        assert small.rows("SELECT usage FROM usage LIMIT 1") == [(3,)]
        assert run(small, mine).blocks == 0


def test_a_row_that_is_there_twice_is_no_other_pair(small: Store, url: str, reader: Reader) -> None:
    """Digests that cancel out would not see it."""
    with closing(mirror(url)) as mine, small.write() as batch:
        batch.execute("INSERT INTO families VALUES ('a', 'x'), ('a', 'x')")
    with closing(mirror(url)) as mine:
        run(small, mine)
        with small.write() as batch:
            batch.execute("UPDATE families SET model = 'b'")
        run(small, mine)
        assert reader.rows()["families"] == [("b", "x"), ("b", "x")]


ROWS = st.tuples(
    st.integers(0, 5),
    st.sampled_from(
        [
            *(NAIVE - timedelta(hours=hours) for hours in (0, 1, 30, 60, 24 * 50, 24 * 400)),
            *(NAIVE + timedelta(days=days) for days in (1, 3, 40)),
            *(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)),  # noqa: DTZ001 - as stored
        ]
    ),
    st.sampled_from(["", "x", *HOSTILE]),
    st.integers(-(2**63), 2**63 - 1),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.lists(ROWS, max_size=4)),
        st.tuples(st.just("change"), ROWS),
        st.tuples(st.just("say"), ROWS),
        st.tuples(st.just("delete"), st.integers(0, 5)),
        st.tuples(st.just("pass"), st.sampled_from([1, 24, 24 * 40])),
        st.tuples(st.just("restart"), st.none()),
        st.tuples(st.just("rebuild"), st.none()),
    ),
    max_size=5,
)


def step(batch: Batch, what: str, of: Any) -> None:
    """Do something to a store."""
    match what:
        case "add":
            for usage, at, text, tokens in of:
                add(batch, usage, at, text, tokens)
        case "change":
            batch.execute(
                "UPDATE usage SET started_at = $2, input = $3 WHERE usage = $1",
                [of[0], of[1], of[3]],
            )
        case "say":  # what a request says changes with its row
            batch.execute("UPDATE prompts SET text = $2 WHERE usage = $1", [of[0], of[2]])
            batch.execute("UPDATE usage SET digest = $2 WHERE usage = $1", [of[0], of[3]])
        case "delete":
            batch.execute("DELETE FROM usage WHERE usage = $1", [of])
            batch.execute("DELETE FROM prompts WHERE usage = $1", [of])


@pytest.fixture(scope="module")
def long_lived(
    clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Store, str, Reader]]:
    url = clickhouse.fresh()
    with (
        Store.open(tmp_path_factory.mktemp("law") / "store.duckdb", threads=1) as store,
        closing(Reader(url)) as reader,
    ):
        yield store, url, reader


# Each step takes a while, so that to shrink takes minutes.
@settings(
    max_examples=8,
    deadline=None,
    suppress_health_check=[*HealthCheck],
    phases=[Phase.explicit, Phase.generate],
)
@example(
    steps=[
        ("add", [(number, NAIVE + timedelta(days=days), "", 0)])
        for number, days in enumerate((-400, -40, -16, 0, 1, 3, 40))
    ]
)
@given(steps=STEPS)
def test_the_mirror_is_the_store_after_any_batches(
    long_lived: tuple[Store, str, Reader], steps: list[tuple[str, Any]]
) -> None:
    store, url, reader = long_lived
    with store.write() as batch:
        for name in ("usage", "prompts"):
            batch.execute(f"DELETE FROM {name}")
    mine, now = mirror(url), NOW
    try:
        for what, of in [*steps, ("pass", 0)]:
            if what == "restart":
                mine.close()
                mine = mirror(url)
            if what == "pass":
                now += timedelta(hours=of)
            with store.write() as batch:
                step(batch, what, of)
            run(store, mine, now, rebuild=what == "rebuild")
            wanted = stored(store)
            assert reader.rows() == wanted
    finally:
        mine.close()


def test_text_that_changed_by_itself_is_seen_within_an_hour(
    small: Store, url: str, reader: Reader
) -> None:
    with closing(mirror(url)) as mine:
        run(small, mine)
        with small.write() as batch:
            batch.execute("UPDATE prompts SET text = 'other' WHERE usage = 3")
        run(small, mine, NOW + timedelta(minutes=59))
        assert "other" not in repr(reader.rows()["prompts"])
        run(small, mine, NOW + timedelta(minutes=61))
        assert reader.rows() == stored(small)


@pytest.mark.slow
@pytest.mark.parametrize("before", [True, False])
def test_stopped_between_any_two_calls_readers_see_a_whole_version(
    small: Store, url: str, reader: Reader, *, before: bool
) -> None:
    """``before``: whether the call that is the last one reaches the server."""
    with closing(mirror(url)) as mine:
        run(small, mine)
    states = [stored(small)]
    for fails_at in count(1):
        with small.write() as batch:
            add(batch, 10 + fails_at, NAIVE - timedelta(days=fails_at % 3))
        states.append(stored(small))
        seen = states.index(reader.rows())
        unlucky = mirror(url, fails_at=fails_at, before=before)
        try:
            run(small, unlucky)
        except ServerError:
            assert reader.rows() in (states[seen], states[-1])
        else:
            break
        finally:
            unlucky.close()
    assert fails_at > 15
    assert reader.rows() == states[-1]
    # Nothing is left but what the versions before had.
    live = {
        (name, block)
        for name, blocks in reader.blocks(reader.state() or (0, 0)).items()
        for block in blocks
    }
    sql = "SELECT DISTINCT name, block FROM live WHERE sign < 0"
    assert reader.parts() - live <= {*reader.client.query(sql).result_rows}


def test_between_any_two_calls_readers_see_a_whole_version(
    small: Store, url: str, reader: Reader
) -> None:
    with closing(mirror(url)) as mine:
        run(small, mine)
    before = stored(small)
    with small.write() as batch:
        batch.execute("UPDATE usage SET input = 99")
        batch.execute("DELETE FROM prompts WHERE usage = 0")
    states = [before, stored(small)]
    seen: list[int] = []
    with closing(mirror(url, watch=lambda: seen.append(states.index(reader.rows())))) as mine:
        run(small, mine)
    assert seen == sorted(seen)
    assert {*seen} == {0, 1}


@pytest.mark.slow
@pytest.mark.parametrize("before", [True, False])
def test_one_process_goes_on_after_any_failure(
    small: Store, url: str, reader: Reader, *, before: bool
) -> None:
    """The same mirror tries again, and writes no block twice that it had written."""
    links: list[Fragile] = []

    def link() -> Any:
        links.append(Fragile(connected(server(url)), before=before))
        return links[-1]

    with closing(Mirror(link)) as mine:
        run(small, mine)
        for fails_at in count(1):
            with small.write() as batch:
                add(batch, 10 + fails_at, NAIVE)
            links[-1].calls, links[-1].fails_at = 0, fails_at
            try:
                run(small, mine)
            except ServerError:
                run(small, mine)
            else:
                break
            assert reader.rows() == stored(small)
        assert fails_at > 8


def test_what_was_written_before_a_failure_is_not_written_again(small: Store, url: str) -> None:
    links: list[Fragile] = []

    def link() -> Any:
        links.append(Fragile(connected(server(url))))
        if len(links) == 1:
            links[0].watch = lambda: fail_late(links[0])
        return links[-1]

    def fail_late(link: Fragile) -> None:
        if sum(each.startswith("INSERT `prompts`") for each in link.statements) == 2:
            raise ServerError("there", None, None)

    with closing(Mirror(link)) as mine:
        with pytest.raises(ServerError):
            run(small, mine)
        run(small, mine)
    first, second = (
        [each for each in link.statements if each.startswith("INSERT `")] for link in links
    )
    assert len(first) > 1
    assert len(first) - 1 + len(second) == 1 + 2 * 3  # meta, and three slices of two tables


def test_it_stops_between_two_blocks(small: Store, url: str, reader: Reader) -> None:
    mine = Mirror(lambda: connected(server(url)), stops=lambda: True)
    with closing(mine), pytest.raises(StoppedError):
        run(small, mine)
    assert reader.state() is None


def test_who_takes_over_is_alone(small: Store, url: str, reader: Reader) -> None:
    with closing(mirror(url)) as one, closing(mirror(url)) as other:
        run(small, one)
        with small.write() as batch:
            add(batch, 20, NAIVE)
        run(small, other)
        wanted = stored(small)
        with small.write() as batch:
            add(batch, 21, NAIVE)
        with pytest.raises(MirrorTakenError, match="Another process mirrors into this database"):
            run(small, one)
        assert reader.rows() == wanted
        run(small, other)  # which has lost nothing
        assert reader.rows() == stored(small)


def test_what_a_paused_process_publishes_late_is_not_seen(
    small: Store, url: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It had looked whether it was alone before it was paused."""
    with closing(mirror(url)) as one, closing(mirror(url)) as other:
        run(small, one)
        run(small, other)
        with small.write() as batch:
            add(batch, 20, NAIVE)
        monkeypatch.setattr(one._live, "check", lambda: None)
        state = reader.state()
        run(small, one)
        assert reader.state() == state
        run(small, other)
        assert reader.rows() == stored(small)
        # What the first one wrote is gone as soon as nobody can need it.
        other.collect(timedelta(0))
        state = reader.state()
        assert state
        blocks = reader.blocks(state)
        assert reader.parts() == {(name, n) for name, numbers in blocks.items() for n in numbers}


def test_readers_of_the_last_versions_lose_nothing(small: Store, url: str, reader: Reader) -> None:
    with closing(mirror(url)) as mine:
        run(small, mine)
        states = {}
        for number in range(3):
            with small.write() as batch:
                add(batch, 20 + number, NAIVE)
            done = run(small, mine)
            state = reader.state()
            assert state
            states[state] = stored(small)
        assert done.waiting > 0
        assert done.dropped == 0
        assert {state: reader.rows(state) for state in states} == states


def test_a_reader_of_an_old_version_is_told_before_its_rows_go(
    small: Store, url: str, reader: Reader
) -> None:
    floors: list[int] = []

    def watch() -> None:
        if before:
            gone = before - reader.parts()
            floors.append(reader.floor())
            assert not gone or floors[-1] > state[1]

    before: set[tuple[str, int]] = set()
    with closing(mirror(url, watch=watch)) as mine:
        run(small, mine)
        state = reader.state() or (0, 0)
        before = reader.parts()
        with small.write() as batch:
            add(batch, 20, NAIVE)
        run(small, mine)
        assert reader.floor() == 0
        assert mine.collect(timedelta(0))[1] == 0
        assert before - reader.parts()
        assert {*floors} == {0, state[1] + 1}
        assert reader.floor() == state[1] + 1 == (reader.state() or (0, 0))[1]
        assert reader.rows() == stored(small)


def test_who_was_erased_is_gone_from_the_bytes_at_once(
    small: Store, url: str, reader: Reader
) -> None:
    with small.write() as batch:
        add(batch, 50, NAIVE - timedelta(days=100), "a secret of somebody")
    with closing(mirror(url)) as mine:
        run(small, mine)
        assert reader.client.query("SELECT count() FROM prompts WHERE text LIKE '%secret%'")
        with small.write() as batch:
            batch.execute("DELETE FROM prompts WHERE usage = 50")
            batch.execute(
                "INSERT INTO erased VALUES ('d', uuid(), 'erased-1', FALSE, $1, 'k')", [NAIVE]
            )
        done = run(small, mine)
        assert done.dropped > 0
        sql = "SELECT count() FROM prompts WHERE text LIKE '%secret%'"
        assert reader.client.query(sql).result_rows == [(0,)]
        assert reader.rows() == stored(small)


def test_terms_of_before_are_forgotten(small: Store, url: str, reader: Reader) -> None:
    for _ in range(3):
        with closing(mirror(url)) as mine:
            run(small, mine)
            with small.write() as batch:
                add(batch, 20, NAIVE)
            run(small, mine)
    with closing(mirror(url)) as mine:
        run(small, mine)
        sql = "SELECT count(DISTINCT term) FROM live"
        assert reader.client.query(sql).result_rows == [(4,)]
        mine._live.forget_terms(0)
        assert reader.client.query(sql).result_rows == [(1,)]
        assert reader.floor() == (reader.state() or (0, 0))[1]
        assert reader.rows() == stored(small)
        mine.collect()
        blocks = reader.blocks(reader.state() or (0, 0))
        assert reader.parts() == {(name, n) for name, numbers in blocks.items() for n in numbers}


@pytest.mark.parametrize(
    "damage",
    [
        "DROP TABLE live",
        "TRUNCATE TABLE live",
        "DROP TABLE usage",
        "TRUNCATE TABLE usage",
        "ALTER TABLE usage MODIFY COLUMN model Nullable(String)",
        "ALTER TABLE usage DROP COLUMN model",
    ],
)
def test_what_is_damaged_is_written_anew(
    small: Store, url: str, reader: Reader, damage: str
) -> None:
    with closing(mirror(url)) as mine:
        run(small, mine)
    reader.client.command(damage)
    with closing(mirror(url)) as mine:
        run(small, mine)
    assert reader.rows() == stored(small)


def test_all_is_written_anew_if_somebody_wants_it(small: Store, url: str, reader: Reader) -> None:
    with closing(mirror(url)) as mine:
        first = run(small, mine)
        assert run(small, mine, rebuild=True).rows == first.rows
        assert reader.rows() == stored(small)


def test_terms_begin_anew_before_the_list_is_long(
    small: Store, url: str, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirrors, "VERSIONS", 2)
    with closing(mirror(url)) as mine:
        for number in range(5):
            with small.write() as batch:
                add(batch, 20 + number, NAIVE)
            run(small, mine)
            assert reader.rows() == stored(small)
    sql = "SELECT count(DISTINCT term) FROM live"
    assert reader.client.query(sql).result_rows == [(3,)]


def test_tables_of_somebody_else_are_left_alone(small: Store, url: str, reader: Reader) -> None:
    reader.client.command("CREATE TABLE usage (a Int64) ENGINE = MergeTree ORDER BY a")
    with closing(mirror(url)) as mine, pytest.raises(MirrorError, match="a table usage that is"):
        run(small, mine)
    assert reader.client.query("SHOW TABLES").result_rows == [("usage",)]


def test_the_mirror_of_another_deployment_is_left_alone(
    small: Store, store: Store, url: str, reader: Reader
) -> None:
    for opened, name in ((small, "one"), (store, "other")):
        with opened.write() as batch:
            batch.set_meta("deployment_id", name)
    with closing(mirror(url)) as mine:
        run(small, mine)
    state = reader.state()
    with closing(mirror(url)) as mine, pytest.raises(MirrorError, match="another deployment"):
        run(store, mine)
    assert reader.state() == state


def test_a_table_that_no_statement_reads_is_not_mirrored() -> None:
    """Every other table of the schema is, but for what the sync alone asks."""
    sources = "".join(
        path.read_text("utf-8")
        for room in ("queries", "analysis")
        for path in (ROOT / "src" / "bridgeboard" / room).rglob("*.py")
    )
    asked = {
        name
        for name in DECIDED
        if any(f"{word} {name}{end}" in sources for word in ("FROM", "JOIN") for end in " \n)\",'")
    }
    assert len(asked) > 15
    work = {
        name
        for name, decided in DECIDED.items()
        if decided.owner == "work" or not (decided.plain or decided.text or decided.key)
    }
    assert work - asked == contents.NOT_MIRRORED


def test_long_text_is_of_columns_that_there_are(store: Store) -> None:
    with store.snapshot() as reader:
        schema = tables.schema_of(reader)
        mirrored = contents.mirrored(reader)  # type: ignore[arg-type]  # the store's own reader
    for name, columns in contents.LONG_TEXT.items():
        assert columns <= {each.name for each in schema[name]}
    cut = {name: table.time for name, table in mirrored.items() if table.time}
    assert cut == {
        **dict.fromkeys(("usage", "responses", "tool_calls", "sessions", "threads"), "started_at"),
        **dict.fromkeys(("prompts", "tool_inputs", "thinking", "last_prompts"), "started_at"),
        "runs": "began_at",
        **dict.fromkeys(("quarantine", "anomalies", "left_out"), "seen_at"),
        "vocabulary": "since",
    }
