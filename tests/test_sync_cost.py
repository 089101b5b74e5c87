"""What a synced store says it cost, beside every response of the company priced by itself."""

from collections import defaultdict
from collections.abc import Iterator

import demo_sync
import demo_worlds
import pytest
import truth

from bridgeboard.demo.records import InterceptionRow, TokenRow
from bridgeboard.pricing import Book, Status, exact
from bridgeboard.store import Store

TABLES = demo_worlds.small().tables
FINISHED = {row.id: row for row in truth.finished(TABLES)}
BOOK = Book()
CACHED = {
    "cache_read": ("cache_read_input", "input_cached", "prompt_cached"),
    "cache_write": ("cache_creation_input",),
}
SPEND = {Status.PRICED, Status.PARTIAL}


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with demo_sync.whole(tmp_path_factory.mktemp("synced")) as store:
        yield store


def responses() -> Iterator[tuple[InterceptionRow, list[TokenRow]]]:
    """Each response with the rows that tell of it."""
    grouped: defaultdict[tuple[str, str], list[TokenRow]] = defaultdict(list)
    for row in TABLES.tokens:
        if row.interception_id in FINISHED:
            grouped[row.interception_id, row.provider_response_id or row.id].append(row)
    return ((FINISHED[key[0]], rows) for key, rows in grouped.items())


def told(rows: list[TokenRow], *names: str) -> int:
    """The largest that metadata says under one of these names."""
    values = [(row.metadata or {}).get(name, 0) for row in rows for name in names]
    return max((value for value in values if isinstance(value, int)), default=0)


def counted(rows: list[TokenRow]) -> dict[str, int]:
    """One response's counts, as plainly as docs/costs.md 1 and 2 tell them."""
    found = {
        name: max(0, *(getattr(row, f"{name}{tail}") for row in rows))
        for name, tail in {
            "input": "_tokens",
            "output": "_tokens",
            "cache_read": "_input_tokens",
            "cache_write": "_input_tokens",
        }.items()
    }
    for name, older in CACHED.items():
        found[name] = found[name] or told(rows, *older)
    hour = told(rows, "cache_ephemeral_1h_input")
    found["cache_write_1h"] = min(hour, found["cache_write"])
    return found | {"web_searches": told(rows, "web_search_requests")}


def test_what_all_usage_is_worth_equals_the_worth_of_each_response(synced: Store) -> None:
    worth = 0
    for call, rows in responses():
        when = min(row.created_at for row in rows)
        price = BOOK.resolve(call.provider, call.provider_name, call.model, when)
        if price.status is not Status.UNPRICED:
            worth += exact(counted(rows), price) or 0
    assert worth > 0
    both = "sum(coalesce(cost, 0)) + sum(coalesce(shadow_cost, 0))"
    assert synced.rows(f"SELECT {both} FROM usage") == [(worth,)]
    assert synced.rows(f"SELECT {both} FROM responses") == [(worth,)]


def test_spend_is_what_no_initiators_own_key_and_no_plan_paid(synced: Store) -> None:
    linked = dict(
        synced.rows("SELECT id::VARCHAR, credential_kind FROM usage WHERE credential_kind <> ''")
    )
    assert set(linked.values()) == {"centralized", "byok"}
    spend = 0
    for call, rows in responses():
        when = min(row.created_at for row in rows)
        own = linked.get(call.id) == "byok"
        price = BOOK.resolve(call.provider, call.provider_name, call.model, when, byok=own)
        if price.status in SPEND:
            spend += exact(counted(rows), price) or 0
    assert synced.rows("SELECT sum(cost) FROM usage") == [(spend,)]


def test_credentials_are_those_of_the_threads_roots(synced: Store) -> None:
    roots = {row.id: row.credential_kind for row in FINISHED.values() if not row.thread_root_id}
    held = synced.rows(
        "SELECT thread::VARCHAR, credential_kind FROM usage WHERE thread IS NOT NULL"
    )
    assert held
    assert all(roots[thread] == kind for thread, kind in held)
