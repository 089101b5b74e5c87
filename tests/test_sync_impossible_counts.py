"""Counts of tokens that cannot be true: they stay out of every sum, and are told of."""

from dataclasses import replace
from pathlib import Path

import demo_sync
import pytest
import truth
from slow_cases import one_fast

from bridgeboard.demo.records import Tables, TokenRow
from bridgeboard.pricing import MOST_TOKENS
from bridgeboard.store import Store, sync_state
from bridgeboard.sync import Options, requeue
from bridgeboard.sync.quarantine import BEYOND

SUM = "SELECT coalesce(sum(input_sum), 0)::BIGINT FROM {}"


def counting(tables: Tables, victim: TokenRow, count: int) -> Tables:
    """The tables with another count of input tokens in one row."""
    rows = (replace(row, input_tokens=count) if row is victim else row for row in tables.tokens)
    return replace(tables, tokens=tuple(rows))


def victim_of(tables: Tables) -> TokenRow:
    finished = {row.id for row in truth.finished(tables)}
    return next(row for row in tables.tokens if row.interception_id in finished)


def without(tables: Tables, victim: TokenRow) -> int:
    """The recorded input tokens of all requests but that of a row."""
    rows = [row for row in truth.finished(tables) if row.id != victim.interception_id]
    return truth.recorded(tables, rows).input


def total(store: Store, table: str) -> int:
    ((told,),) = store.rows(SUM.format(table))
    return int(told)


@pytest.mark.parametrize("count", [MOST_TOKENS + 1, 2**62, -(2**62)])
@pytest.mark.parametrize("text", one_fast(["all", "none"]))
def test_a_request_that_cannot_be_true_is_in_quarantine_and_in_no_sum(
    tmp_path: Path, count: int, text: str
) -> None:
    tables = demo_sync.latest(60)
    victim = victim_of(tables)
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(counting(tables, victim, count)), text=text)
        (held,) = sync_state.quarantined(store)
        assert (held.kind, held.identity, held.reason) == (
            "interception",
            victim.interception_id,
            BEYOND,
        )
        assert total(store, "usage") == without(tables, victim)
        assert store.rows("SELECT quarantined FROM runs") == [(1,)]
        told = requeue(store, Options(), demo_sync.NOW)
        assert (told.released, told.remaining) == (0, 1)
        assert total(store, "usage") == without(tables, victim)
        # Told again as it should be, it is a request like all others.
        demo_sync.run(store, demo_sync.bridge(tables), text=text)
        assert not sync_state.quarantined(store)
        assert total(store, "usage") == truth.recorded(tables, truth.finished(tables)).input


def test_what_an_earlier_version_stored_leaves_the_sums_with_the_next_sync(tmp_path: Path) -> None:
    tables = demo_sync.latest(60)
    victim = victim_of(tables)
    served = demo_sync.bridge(counting(tables, victim, 2**62))
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(tables))
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET input_sum = 10^15::BIGINT, input = 10^15::BIGINT WHERE id = ?",
                [victim.interception_id],
            )
        demo_sync.run(store, served)
        (held,) = sync_state.quarantined(store)
        assert (held.identity, held.reason) == (victim.interception_id, BEYOND)
        assert total(store, "usage") == without(tables, victim)
        left = store.rows(
            "SELECT count(*) FROM responses WHERE usage NOT IN (SELECT usage FROM usage)"
        )
        assert left == [(0,)]


def test_the_largest_count_that_may_be_true_is_stored(tmp_path: Path) -> None:
    tables = demo_sync.latest(60)
    victim = victim_of(tables)
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(counting(tables, victim, MOST_TOKENS)))
        assert not sync_state.quarantined(store)
        assert total(store, "usage") >= MOST_TOKENS


def test_a_session_that_cannot_be_true_is_in_quarantine_where_sessions_are_all_there_is(
    tmp_path: Path,
) -> None:
    tables = demo_sync.latest(60)
    victim = victim_of(tables)
    served = demo_sync.bridge(counting(tables, victim, 2**61), profile="v2.35")
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, served)
        assert {(one.kind, one.reason) for one in sync_state.quarantined(store)} == {
            ("session", BEYOND)
        }
        assert total(store, "usage") < MOST_TOKENS
        assert total(store, "sessions") < MOST_TOKENS
        assert total(store, "usage") > 0
