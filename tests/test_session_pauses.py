"""Pauses that a session's cache did not survive: which are told, and what they cost."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import demo_sync
import pytest
import session_stores
from dashboard_store import looking
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard import pricing
from bridgeboard.analysis import session_pauses
from bridgeboard.analysis.session_pauses import Rewritten, extra_cost, rewritten
from bridgeboard.pricing import Book
from bridgeboard.queries.session_pauses import Response
from bridgeboard.ui import runner
from bridgeboard.ui.views import session_pauses as shown

BEGAN = datetime(2026, 11, 2, 9, tzinfo=UTC)
MODEL = "claude-sonnet-4-5"
BOOK = Book()
READ, SHORT, LONG = 300_000, 3_750_000, 6_000_000
"""Pico-USD per token of the model, as its maker lists them: $0.30, $3.75 and $6 per million."""


def response(
    usage: int, minutes: float, *, read: int, write: int, hour: int = 0, output: int = 10
) -> Response:
    """A response that began after so many minutes and took one, priced by the list."""
    at = BEGAN + timedelta(minutes=minutes)
    counts = {"input": 2, "output": output, "cache_read": read, "cache_write": write}
    price = BOOK.resolve("anthropic", "anthropic", MODEL, at)
    cost = pricing.exact({**counts, "cache_write_1h": hour}, price)
    return Response(
        usage=usage,
        place=usage,
        thread=None,
        place_in_thread=usage,
        is_request=True,
        started_at=at,
        ended_at=at + timedelta(minutes=1),
        provider="anthropic",
        provider_name="anthropic",
        model=MODEL,
        credential_kind=None,
        answered_at=at,
        **counts,
        cache_write_1h=hour,
        web_searches=0,
        service_tier=None,
        split_unknown=False,
        cost=cost,
        shadow_cost=0,
        status="priced",
    )


def told(responses: Sequence[Response]) -> list[tuple[int, float, int]]:
    return [(each.response.usage, each.seconds, each.tokens) for each in rewritten(responses)]


FIRST = response(1, 0, read=0, write=10_000)
SECOND = response(2, 2, read=10_000, write=5_000)
AFTER = response(3, 15, read=0, write=16_000)


def test_what_the_cache_held_before_a_pause_and_was_written_after_it_is_told() -> None:
    assert told([FIRST, SECOND, AFTER]) == [(3, 720.0, 15_000)]
    (after,) = rewritten([FIRST, SECOND, AFTER])
    assert extra_cost(after, BOOK) == (15_000 * (SHORT - READ), "exact")


@pytest.mark.parametrize(
    "after",
    [
        response(3, 7.9, read=0, write=16_000),  # no longer than the cache is kept
        response(3, 15, read=15_000, write=1_000),  # the cache was still there
        response(3, 15, read=12_000, write=4_000),  # so was a part of what the session wrote
        response(3, 15, read=0, write=9_000),  # another, shorter prompt
        response(3, 15, read=0, write=0),  # nothing was written
        replace(AFTER, model="claude-haiku-4-5"),  # a model that had no cache
        replace(AFTER, provider_name="other"),  # likewise
        replace(AFTER, is_request=False),  # a sum of requests
    ],
)
def test_nothing_is_told_that_is_not_certain(after: Response) -> None:
    assert told([FIRST, SECOND, after]) == []


def test_nothing_is_told_where_nobody_knows_how_long_the_cache_is_kept() -> None:
    late = replace(AFTER, started_at=BEGAN + timedelta(days=1))
    assert told([replace(FIRST, split_unknown=True), SECOND, late]) == []
    unread = replace(FIRST, is_request=False)
    assert told([unread, SECOND, late]) == []


def test_an_hours_cache_survives_a_pause_of_minutes() -> None:
    hour = response(1, 0, read=0, write=10_000, hour=10_000)
    assert told([hour, SECOND, AFTER]) == []
    late = response(3, 90, read=0, write=16_000, hour=16_000)
    (after,) = rewritten([hour, SECOND, late])
    assert (after.seconds, after.tokens) == (87 * 60, 15_000)
    assert extra_cost(after, BOOK) == (15_000 * (LONG - READ), "exact")


def test_another_request_of_the_session_makes_the_pause_shorter() -> None:
    other = replace(response(3, 9, read=0, write=0), model="claude-haiku-4-5")
    assert told([FIRST, SECOND, other, replace(AFTER, usage=4)]) == []
    running = replace(SECOND, ended_at=BEGAN + timedelta(minutes=14))
    assert told([FIRST, running, AFTER]) == []


def test_a_cost_is_a_lower_bound_where_two_kinds_of_cache_were_written() -> None:
    after = Rewritten(response(3, 90, read=0, write=16_000, hour=6_000), 5_000.0, 12_000)
    least = 10_000 * (SHORT - READ) + 2_000 * (LONG - READ)
    assert extra_cost(after, BOOK) == (least, "at_least")


@pytest.mark.parametrize("changes", [{"cost": None}, {"cost": 1}, {"model": "no-such-model"}])
def test_a_cost_is_not_known_where_the_price_is_not(changes: dict[str, object]) -> None:
    (after,) = rewritten([FIRST, SECOND, AFTER])
    unpriced = replace(after, response=replace(after.response, **changes))
    assert extra_cost(unpriced, BOOK) == (None, "unknown")


@given(
    write=st.integers(1, 190_000),
    hour_share=st.integers(0, 4),
    share=st.integers(1, 100),
    read=st.integers(0, 400_000),
)
def test_the_cost_is_what_the_response_cost_more_than_had_it_read_the_tokens(
    write: int, hour_share: int, share: int, read: int
) -> None:
    hour = write * hour_share // 4
    tokens = max(1, write * share // 100)
    paid = response(3, 15, read=read, write=write, hour=hour)
    cost, standing = extra_cost(Rewritten(paid, 720.0, tokens), BOOK)
    assert cost is not None
    every = []
    for long in {min(tokens, hour), max(0, tokens - (write - hour))}:
        as_read = response(3, 15, read=read + tokens, write=write - tokens, hour=hour - long)
        assert paid.cost is not None
        assert as_read.cost is not None
        every.append(paid.cost - as_read.cost)
    assert cost == min(every)
    assert (standing == "exact") == (len(set(every)) == 1)


def test_pauses_of_a_store_are_those_that_its_rows_say(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "exact") as store, looking(store, demo_sync.NOW):
        every = {
            key: session_pauses.pauses(runner.current(), key, None)
            for key in session_stores.keys(store).values()
        }
        sizes = dict(store.rows("SELECT usage, cache_write FROM usage"))
        known = [pause for pauses in every.values() for pause in pauses]
        assert known
        for pause in known:
            assert 0 < pause.tokens <= sizes[pause.usage]
            assert pause.seconds > 300
            assert pause.cost is not None
        assert any(shown.sentence(pause).endswith("more than reading them.") for pause in known)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "15,000 tokens were written again, $0.29 more than reading them."),
        ({"standing": "at_least"}, "≥ $0.29 more than reading them."),
        ({"cost": None, "standing": "unknown"}, "at a price that is not known."),
        (
            {"is_spend": False},
            "$0.29 more than reading them at list prices, which is no spend here.",
        ),
        ({"cost": 0}, "which cost no more than reading them."),
    ],
)
def test_a_pause_is_told_with_how_its_cost_stands(changes: dict[str, object], words: str) -> None:
    pause = session_pauses.Pause(3, 3, None, 3, 720.0, 15_000, 29 * 10**10, "exact", is_spend=True)
    said = shown.sentence(replace(pause, **changes))
    assert said.startswith("Pause of 12m; the cache had expired: ")
    assert said.endswith(words)
