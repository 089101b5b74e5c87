"""The sync against servers that change or fail in the middle: told, nothing lost, got over."""

import json
from collections.abc import Iterator
from pathlib import Path

import demo_sync
import httpx
import pytest
from aibridge_wire import answer, interception_row, session_row
from hostile_servers import SINCE, TROUBLES, Trouble, Turning, good, owner, place, synced
from slow_cases import one_fast

from aibridge import Client, IncompleteError
from bridgeboard import sync
from bridgeboard.store import Store
from bridgeboard.sync import Options, ServerChangedError

PLACES = ["interceptions", "sessions", "details"]


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Store]:
    with demo_sync.opened(tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a store holds after one undisturbed sync."""
    with demo_sync.opened(tmp_path_factory.mktemp("calm")) as calm:
        synced(calm, good())
        return demo_sync.contents(calm)


@pytest.mark.parametrize("where", one_fast(PLACES))
@pytest.mark.parametrize("trouble", one_fast(TROUBLES.values()), ids=TROUBLES)
def test_trouble_in_the_middle_is_told_and_the_next_sync_ends_at_the_truth(
    held: Store, truth: dict[str, str], where: str, trouble: Trouble
) -> None:
    with pytest.raises(trouble.error) as caught:
        # After one good answer, five sessions of ten fail in a row in whatever order they arrive.
        synced(held, Turning(good(), trouble.server(), where, 1))
    assert trouble.told in str(caught.value)
    assert held.rows("SELECT outcome, message FROM runs") == [("failed", str(caught.value))]
    synced(held, good())
    assert demo_sync.contents(held) == truth


def test_whatever_was_read_before_the_trouble_is_kept(held: Store) -> None:
    trouble = TROUBLES["token expired"]
    with pytest.raises(trouble.error):
        synced(held, Turning(good(), trouble.server(), "details", 6), details_together=1)
    ((kept,),) = held.rows("SELECT count(DISTINCT id) FROM sessions WHERE detailed_at IS NOT NULL")
    assert kept == 6


# Versions.


@pytest.fixture(scope="module")
def exactly(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Likewise, without which session and thread a request belongs to."""
    with demo_sync.opened(tmp_path_factory.mktemp("exact")) as calm:
        synced(calm, good())
        return demo_sync.contents(calm, demo_sync.EXACT)


def sums(held: Store) -> list[tuple[int, ...]]:
    return held.rows(
        "SELECT sum(input_sum), sum(output_sum), sum(cache_read_sum), sum(cache_write_sum)"
        " FROM usage"
    )


@pytest.mark.parametrize(
    ("first", "then", "where"),
    one_fast(
        [
            ("v2.34", "v2.35", "interceptions"),
            ("v2.34", "v2.35", "sessions"),
            ("v2.34", "v2.35", "details"),
            ("v2.35", "v2.34", "sessions"),
            ("v2.35", "v2.34", "details"),
        ]
    ),
)
def test_a_server_that_changes_its_version_in_the_middle_is_followed(  # a case
    held: Store, exactly: dict[str, str], first: str, then: str, where: str
) -> None:
    turning = Turning(good(first), good(then), where, 4)
    if where == "interceptions":
        with pytest.raises(ServerChangedError, match="Nothing is to be done"):
            synced(held, turning)
    else:
        synced(held, turning)
    synced(held, good(then))
    told = sums(held)
    synced(held, good())
    assert sums(held) == told
    assert demo_sync.contents(held, demo_sync.EXACT) == exactly


# Pages that lead nowhere, and such as are too large.


def stuck(request: httpx.Request) -> httpx.Response:
    """Whatever is asked for, the same page; a good server for all else."""
    if place(request) == "interceptions":
        rows = [interception_row(number) for number in range(1, 4)]
        return answer({"count": 99, "results": rows})
    if place(request) == "sessions":
        return answer({"count": 99, "sessions": [session_row(f"s{n}") for n in range(3)]})
    return good().handle_request(request)


@pytest.mark.parametrize("where", one_fast(["interceptions", "sessions"]))
def test_a_page_that_comes_for_ever_ends_the_sync_and_hides_nothing(
    held: Store, tmp_path: Path, where: str
) -> None:
    with pytest.raises(IncompleteError, match="Walk again"):
        synced(held, Turning(good(), httpx.MockTransport(stuck), where, 0))
    synced(held, good())
    # What such a server made up stays; it is years away from what is true.
    true = "SELECT id, input, thread FROM usage WHERE started_at >= '2026-11-01' ORDER BY 1"
    with demo_sync.opened(tmp_path, "calm.duckdb") as calm:
        synced(calm, good())
        assert held.rows(true) == calm.rows(true)


class Heavy(httpx.BaseTransport):
    """A good server whose rows have so many bytes more in one place."""

    ROWS = ("results", "sessions", "threads")

    def __init__(self, weight: int, where: str) -> None:
        self._inner = good()
        self._weight = weight
        self._where = where
        self.largest = 0
        self.details = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        told = self._inner.handle_request(request)
        self.details += place(request) == "details"
        if place(request) == self._where:
            page = json.loads(told.read())
            for row in next(page[name] for name in self.ROWS if name in page):
                row["more"] = " " * self._weight
            told = answer(page)
        self.largest = max(self.largest, len(told.read()))
        return told


MOST = 2_000_000
"""Bytes; one row of this company is half as large by itself."""


UNWEIGHED = {
    name: query.replace(
        "EXCLUDE (usage, initiator, session)", "EXCLUDE (usage, initiator, session, digest)"
    )
    for name, query in demo_sync.CONTENTS.items()
    if name != "tool_calls"
}
"""What is stored but for the digests of the rows' text, which is heavier."""


def limited(held: Store, heavy: Heavy) -> None:
    with Client(demo_sync.ADDRESS, owner(), transport=heavy, max_bytes=MOST) as client:
        list(sync.run(client, held, Options(page_size=100, since=SINCE), demo_sync.NOW))


@pytest.mark.parametrize(
    ("where", "weight"),
    one_fast([("interceptions", 100_000), ("sessions", 200_000), ("details", 700_000)]),
)
def test_pages_that_are_too_large_are_asked_for_by_fewer_rows(
    held: Store, tmp_path: Path, where: str, weight: int
) -> None:
    heavy = Heavy(weight, where)
    limited(held, heavy)
    assert heavy.largest > MOST
    with demo_sync.opened(tmp_path, "calm.duckdb") as calm:
        synced(calm, good())
        assert demo_sync.contents(held, UNWEIGHED) == demo_sync.contents(calm, UNWEIGHED)


def test_a_session_too_large_for_any_answer_is_told_and_not_asked_for_again(held: Store) -> None:
    heavy = Heavy(MOST, "details")
    limited(held, heavy)
    asked = heavy.details
    assert held.rows("SELECT DISTINCT kind FROM anomalies") == [("oversized",)]
    assert held.rows("SELECT count(*) FROM threads") == [(0,)]
    limited(held, heavy)
    assert heavy.details == asked
