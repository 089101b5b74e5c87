"""Summed metadata of the session detail (api-contract 4.7)."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from small_bridges import (
    Book,
    session_path,
)

from bridgeboard.demo.api.threads import summed_metadata
from bridgeboard.demo.records import TokenRow


def counts(usage: dict[str, Any]) -> tuple[int, ...]:
    return tuple(value for key, value in usage.items() if key != "metadata")


# Metadata of token rows


def summed(*maps: dict[str, Any] | None) -> dict[str, int]:
    book = Book()
    row = book.call(0)
    for one in maps:
        book.token_row(row, 1, 2, 3, 4, metadata=one)
    usage = book.ask(session_path(row.id)).json["token_usage_summary"]
    assert counts(usage) == tuple(n * len(maps) for n in (1, 2, 3, 4))
    result: dict[str, int] = usage["metadata"]
    return result


def test_v123_metadata_is_added_up_by_key() -> None:
    assert summed(
        {"cache_read_tokens": 100, "reasoning_tokens": 50},
        {"cache_read_tokens": 200, "reasoning_tokens": 75},
    ) == {"cache_read_tokens": 300, "reasoning_tokens": 125}


def test_v125_fractions_are_dropped() -> None:
    assert summed({"good": 10, "fractional": 1.5}) == {"good": 10}


def test_v126_nested_keys_are_joined_and_arrays_dropped() -> None:
    assert summed(
        {
            "cache_read_tokens": 100,
            "cache": {"creation_tokens": 40, "read_tokens": 60},
            "reasoning_tokens": 50,
            "tags": ["a", 1],
        },
        {"cache_read_tokens": 200, "cache": {"creation_tokens": 10}},
    ) == {
        "cache_read_tokens": 300,
        "reasoning_tokens": 50,
        "cache.creation_tokens": 50,
        "cache.read_tokens": 60,
    }


def test_v127_keys_nest_deeply() -> None:
    assert summed({"provider": {"anthropic": {"cache_creation_tokens": 7}}}) == {
        "provider.anthropic.cache_creation_tokens": 7
    }


def test_v128_only_texts_that_hold_an_integer_count() -> None:
    assert summed(
        {"n": "5", "plus": "+5", "text": "abc", "spaced": " 5", "yes": True, "none": None},
        {"n": 3},
    ) == {"n": 8, "plus": 5}


def test_v129_without_metadata_the_sum_is_an_empty_map() -> None:
    assert summed(None, {}, None) == {}
    assert summed() == {}


MAPS = st.dictionaries(
    st.text("ab", min_size=1), st.integers(-9, 9) | st.text("1x") | st.booleans()
)


@settings(deadline=None)
@given(st.lists(MAPS), st.lists(MAPS))
def test_metadata_of_parts_adds_up_to_that_of_the_whole(
    some: list[dict[str, Any]], others: list[dict[str, Any]]
) -> None:
    book = Book()
    when = book.call(0).started_at

    def total(maps: list[dict[str, Any]]) -> dict[str, int]:
        return summed_metadata(TokenRow("t", "i", when, metadata=one) for one in maps)

    left, right = total(some), total(others)
    both = {key: left.get(key, 0) + right.get(key, 0) for key in {*left, *right}}
    assert total(some + others) == both
