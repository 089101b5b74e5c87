"""The lease of a store: one process at a time syncs, and who comes back too late writes nothing."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Barrier

import databases
import pytest
from costly_laws import tried
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import Connection

from bridgeboard.state import Database
from bridgeboard.state.schema import database_clock
from bridgeboard.state.sync_nodes import LASTS, Lease, LeaseLostError, SyncNodes

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
MOMENT = timedelta(microseconds=1)


class Clock:
    """The database's clock, which stands still until it is set forward."""

    def __init__(self) -> None:
        self.now = AT

    def __call__(self, _: Connection) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def nodes(database: Database, clock: Clock) -> SyncNodes:
    return SyncNodes(database, "store", clock)


def taken(nodes: SyncNodes, holder: str) -> Lease:
    lease = nodes.take(holder, f"machine of {holder}")
    assert lease
    return lease


def test_nobody_is_known_where_nobody_syncs(nodes: SyncNodes, tmp_path: Path) -> None:
    assert nodes.node() is None
    with databases.database(tmp_path / "away") as nothing:
        assert SyncNodes(nothing, "store").node() is None
    assert not (tmp_path / "away").exists()


def test_one_holds_the_lease_and_tells_of_itself_while_the_others_wait(
    nodes: SyncNodes, clock: Clock
) -> None:
    lease = taken(nodes, "a")
    for _ in range(3):
        assert nodes.take("b", "another") is None
        clock.now += LASTS - MOMENT
        nodes.renew(lease, f"at {clock.now}")
    node = nodes.node()
    assert node
    assert (node.number, node.name, node.is_alive) == (1, "machine of a", True)
    assert (node.heartbeat_at, node.report) == (clock.now, f"at {clock.now}")
    nodes.renew(lease)
    assert nodes.node() == node


def test_stores_have_leases_of_their_own(nodes: SyncNodes, database: Database) -> None:
    taken(nodes, "a")
    assert taken(SyncNodes(database, "other"), "b").number == 1


def test_the_lease_of_a_process_that_ended_is_taken_once_it_has_expired(
    nodes: SyncNodes, clock: Clock
) -> None:
    dead = taken(nodes, "a")
    nodes.renew(dead, "the last words")
    clock.now += LASTS - MOMENT
    assert nodes.take("b", "another") is None
    clock.now += MOMENT
    node = nodes.node()
    assert node
    assert not node.is_alive
    lease = taken(nodes, "b")
    assert lease.number > dead.number
    node = nodes.node()
    assert node
    assert (node.is_alive, node.report) == (True, "the last words")


def test_one_that_is_given_back_is_free_at_once(nodes: SyncNodes) -> None:
    nodes.release(taken(nodes, "a"), "good night")
    node = nodes.node()
    assert node
    assert (node.is_alive, node.report) == (False, "good night")
    assert taken(nodes, "b").number == 2


def test_who_was_paused_and_comes_back_too_late_writes_nothing(
    nodes: SyncNodes, clock: Clock
) -> None:
    paused = taken(nodes, "a")
    clock.now += LASTS
    lease = taken(nodes, "b")
    nodes.renew(lease, "mine")
    for late in (nodes.renew, nodes.release):
        with pytest.raises(LeaseLostError, match="machine of b syncs this store now"):
            late(paused, "of the one that was paused")
    with pytest.raises(LeaseLostError), nodes.database.writing() as connection:
        nodes.check(connection, paused)
    node = nodes.node()
    assert node
    assert (node.number, node.report) == (2, "mine")
    nodes.renew(lease)


def test_one_that_expired_but_that_nobody_took_goes_on(nodes: SyncNodes, clock: Clock) -> None:
    lease = taken(nodes, "a")
    clock.now += 10 * LASTS
    nodes.renew(lease)
    assert nodes.take("b", "another") is None


def test_a_process_that_takes_its_own_lease_again_gets_a_higher_number(nodes: SyncNodes) -> None:
    first = taken(nodes, "a")
    assert taken(nodes, "a").number == first.number + 1
    with pytest.raises(LeaseLostError):
        nodes.renew(first)


def test_in_another_database_an_old_lease_is_none(
    nodes: SyncNodes, tmp_path: Path, clock: Clock
) -> None:
    old = taken(nodes, "a")
    with databases.database(tmp_path / "restored") as fresh:
        elsewhere = SyncNodes(fresh, "store", clock)
        with pytest.raises(LeaseLostError, match="is gone"):
            elsewhere.renew(old)
        assert taken(elsewhere, "b").number == old.number
        with pytest.raises(LeaseLostError):
            elsewhere.renew(old)


def test_of_many_that_come_at_once_one_gets_it(
    database: Database, state_url: str, clock: Clock
) -> None:
    start = Barrier(6)

    def come(number: int) -> Lease | None:
        with databases.database(database.folder, state_url) as own:
            nodes = SyncNodes(own, "store", clock)
            start.wait()
            return nodes.take(f"{number}", "")

    with ThreadPoolExecutor(6) as threads:
        assert sum(lease is not None for lease in threads.map(come, range(6))) == 1


_HOLDER = """
import sys
from pathlib import Path
from bridgeboard.state import Database
from bridgeboard.state.sync_nodes import SyncNodes
nodes = SyncNodes(Database(Path(sys.argv[1]), sys.argv[2]), "store")
print(nodes.take("a", "the one that is killed"), flush=True)
sys.stdin.read()
"""


def test_a_killed_process_leaves_a_lease_that_ends_by_the_clock_of_the_database(
    database: Database, state_url: str
) -> None:
    command = [sys.executable, "-c", _HOLDER, str(database.folder), state_url]
    with subprocess.Popen(  # noqa: S603 - our own command
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert "number=1" in process.stdout.readline()
        process.kill()
    assert SyncNodes(database, "store").take("b", "") is None
    later = SyncNodes(database, "store", lambda connection: database_clock(connection) + LASTS)
    assert taken(later, "b").number == 2


def test_the_clock_of_a_database_goes_forward_and_is_that_of_its_machine(
    database: Database,
) -> None:
    before = datetime.now(UTC)
    with database.writing() as connection:
        times = [database_clock(connection) for _ in range(20)]
    after = datetime.now(UTC)
    assert times == sorted(times)
    assert before - timedelta(seconds=1) < times[0] <= times[-1] < after + timedelta(seconds=1)


_STEPS = st.tuples(st.sampled_from(["take", "renew", "release", "wait"]), st.sampled_from("abc"))
_STORES = count()


@tried(80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(_STEPS, max_size=30), waits=st.integers(1, 30))
def test_whatever_happens_one_at_most_can_write_and_numbers_rise(
    sqlite: Database, steps: list[tuple[str, str]], waits: int
) -> None:
    clock = Clock()
    nodes = SyncNodes(sqlite, f"store {next(_STORES)}", clock)
    leases: dict[str, Lease] = {}
    numbers = [0]
    for step, holder in steps:
        if step == "wait":
            clock.now += timedelta(seconds=waits)
        elif step == "take":
            if lease := nodes.take(holder, holder):
                leases[holder] = lease
                numbers.append(lease.number)
        elif holder in leases:
            with suppress(LeaseLostError):
                (nodes.renew if step == "renew" else nodes.release)(leases[holder])
        writers = []
        for each in leases.values():
            with suppress(LeaseLostError), sqlite.writing() as connection:
                nodes.check(connection, each)
                writers.append(each)
        assert len(writers) == bool(leases)
        assert numbers == sorted(set(numbers))


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    return Database(tmp_path / "data")
