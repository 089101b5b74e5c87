"""Models get their names with the rows that have their ids, and new ones with a new price list."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import demo_sync
import pytest
from small_bridges import NOW, Book

from bridgeboard import sync
from bridgeboard.demo.api.deployment import Profile
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select
from bridgeboard.store import families

SPELT = (
    "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
    "claude-sonnet-4-5-20250929",
    "anthropic/claude-sonnet-4.5",
)


@pytest.mark.parametrize("profile", ["v2.34", "v2.35"])
def test_one_model_of_three_vendors_is_one_and_an_unknown_id_stays_as_it_is(
    tmp_path: Path, profile: Profile
) -> None:
    book = Book()
    for minutes, model in enumerate((*SPELT, "acme/own-7b")):
        book.call(minutes, session=f"s{minutes}", model=model, tokens=[(10, 1)])
    period = Scope(NOW - timedelta(days=40), NOW + timedelta(days=1))
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(
            store,
            demo_sync.bridge(book.tables(), profile=profile),
            now=NOW + timedelta(hours=1),
        )
        by_name = select(("input_tokens", "sessions"), ("family",), period)
        assert store.rows(*by_name) == [("Claude Sonnet 4.5", 30, 3), ("acme/own-7b", 10, 1)]
        for model in SPELT:
            only = select(("input_tokens",), ("model",), period.only("family", "Claude Sonnet 4.5"))
            assert (model, 10) in store.rows(*only)

        def names(version: str, name: Callable[[str], str]) -> set[str]:
            families.renew(store, version, name)
            return {row[0] for row in store.rows(*by_name)}

        now = store.version
        sync.name_models(store)
        sync.name_models(store)
        assert store.version == now + 1  # answers of before may have had other names
        assert names("another list", str.upper) == {*map(str.upper, (*SPELT, "acme/own-7b"))}
        assert names("another list", str.lower) == {*map(str.upper, (*SPELT, "acme/own-7b"))}
