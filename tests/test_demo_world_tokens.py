"""The demo's token rows obey the rules of each route (api-contract 4.7 and 4.8)."""

from collections import defaultdict

import pytest
import truth
from demo_worlds import quarter

from bridgeboard.demo.company.company_data import OFFERS
from bridgeboard.demo.records import Tables, TokenRow
from bridgeboard.demo.world import World

CHAT_KEYS = {
    *("prompt_audio", "completion_audio", "completion_reasoning"),
    *("completion_accepted_prediction", "completion_rejected_prediction"),
}
LEGACY = {"cache_read_input", "cache_creation_input", "input_cached", "prompt_cached"}


@pytest.fixture(scope="session")
def world() -> World:
    return quarter()


@pytest.fixture(scope="session")
def tables(world: World) -> Tables:
    return world.tables


@pytest.fixture(scope="session")
def pairs(tables: Tables) -> dict[tuple[str, str], list[TokenRow]]:
    """The rows of each Messages response of a finished call."""
    calls = {row.id for row in truth.finished(tables, provider="anthropic")}
    grouped = defaultdict(list)
    for row in tables.tokens:
        if row.interception_id in calls:
            grouped[row.interception_id, row.provider_response_id].append(row)
    return grouped


def told(row: TokenRow, key: str) -> int:
    return int((row.metadata or {}).get(key, 0))


def prompt(row: TokenRow) -> int:
    return row.input_tokens + row.cache_read_input_tokens + row.cache_write_input_tokens


def test_most_messages_responses_have_two_rows(
    pairs: dict[tuple[str, str], list[TokenRow]],
) -> None:
    lengths = [len(rows) for rows in pairs.values()]
    assert set(lengths) == {1, 2}
    assert 0.8 < lengths.count(2) / len(lengths) < 0.98


def test_the_second_row_of_a_stream_has_only_the_output(
    pairs: dict[tuple[str, str], list[TokenRow]],
) -> None:
    for first, second in (rows for rows in pairs.values() if len(rows) == 2):
        assert first.created_at < second.created_at
        assert 1 <= first.output_tokens <= 8
        assert prompt(second) == 0
        assert second.output_tokens >= first.output_tokens
        assert second.metadata in ({}, None)
        assert told(first, "web_search_requests") == 0


def test_cache_writes_are_split_into_five_minutes_and_an_hour(
    pairs: dict[tuple[str, str], list[TokenRow]],
) -> None:
    firsts = [rows[0] for rows in pairs.values() if rows[0].metadata]
    hours = [told(row, "cache_ephemeral_1h_input") for row in firsts]
    minutes = [told(row, "cache_ephemeral_5m_input") for row in firsts]
    assert [row.cache_write_input_tokens for row in firsts] == [
        hour + minute for hour, minute in zip(hours, minutes, strict=True)
    ]
    assert min(hours + minutes) == 0
    assert len([1 for pair in zip(hours, minutes, strict=True) if min(pair) > 0]) > 100
    assert sum(hours) > 1_000_000 < sum(minutes)


def test_web_searches_are_told_by_answers_that_were_not_streamed(tables: Tables) -> None:
    assert len([row for row in tables.tokens if told(row, "web_search_requests")]) >= 3


def test_responses_metadata_totals_the_four_counts(tables: Tables) -> None:
    rows = [row for row in tables.tokens if "total_tokens" in (row.metadata or {})]
    assert len(rows) > 3_000
    for row in rows:
        assert told(row, "total_tokens") == prompt(row) + row.output_tokens
        assert told(row, "output_reasoning") <= row.output_tokens
    assert sum(told(row, "output_reasoning") for row in rows) > 0


def test_each_route_has_its_own_metadata_keys(tables: Tables) -> None:
    routes = defaultdict(set)
    for offer in OFFERS.values():
        routes[offer.provider_name, offer.model].add(offer.route)
    calls = {row.id: routes[row.provider_name, row.model] for row in tables.interceptions}
    keys = {
        "messages": {
            *("web_search_requests", "cache_ephemeral_1h_input", "cache_ephemeral_5m_input")
        },
        "chat": CHAT_KEYS,
        "responses": {"output_reasoning", "total_tokens"},
    }
    for row in (row for row in tables.tokens if row.metadata):
        for route in calls[row.interception_id]:
            assert set(row.metadata or {}) - LEGACY == keys[route]


def test_only_messages_write_caches(tables: Tables) -> None:
    anthropic = {row.id for row in tables.interceptions if row.provider == "anthropic"}
    others = [row for row in tables.tokens if row.interception_id not in anthropic]
    assert {row.cache_write_input_tokens for row in others} == {0}
    assert {row.cache_read_input_tokens % 128 for row in others} == {0}


def test_only_the_oldest_rows_repeat_their_caches(world: World, tables: Tables) -> None:
    old = [row for row in tables.tokens if LEGACY & set(row.metadata or {})]
    assert 500 < len(old) < 0.15 * len(tables.tokens)
    assert max(row.created_at for row in old) < world.start + (world.end - world.start) / 8
    for row in old:
        for key in {"cache_read_input", "input_cached", "prompt_cached"} & set(row.metadata or {}):
            assert told(row, key) == row.cache_read_input_tokens


def test_counts_are_never_negative_but_for_one_gateways_fault(tables: Tables) -> None:
    negative = [row for row in tables.tokens if row.input_tokens < 0]
    rest = [(row.output_tokens, row.cache_read_input_tokens) for row in tables.tokens]
    assert len(negative) == 3
    assert min(min(pair) for pair in rest) >= 0


def test_some_prompts_pass_the_price_tiers(tables: Tables) -> None:
    models = {row.id: row.model for row in tables.interceptions}
    longest: dict[str, set[int]] = defaultdict(set)
    for row in tables.tokens:
        longest[models[row.interception_id]].add(prompt(row))
    for model, edge in (("gemini-2.5-pro", 200_000), ("gpt-5.4", 272_000)):
        assert {edge, edge + 1} <= longest[model]
        assert max(longest[model]) > edge + 20_000
    assert len([1 for sizes in longest.values() for size in sizes if size > 200_000]) > 15


def test_caches_carry_most_of_the_prompt(tables: Tables) -> None:
    counts = truth.recorded(tables, truth.finished(tables))
    hit = counts.cache_read / (counts.input + counts.cache_read + counts.cache_write)
    assert 0.7 < hit < 0.95
    assert 0.003 < counts.output / counts.total < 0.05


def test_context_grows_along_a_thread(tables: Tables) -> None:
    order = {row.id: (row.thread_root_id or row.id) for row in tables.interceptions}
    sizes = defaultdict(list)
    for row in tables.tokens:
        if prompt(row) > 0:
            sizes[order[row.interception_id]].append(prompt(row))
    deep = [thread for thread in sizes.values() if 8 <= len(thread) <= 80]
    grown = [thread for thread in deep if thread[-1] > thread[0]]
    assert len(deep) > 300
    assert len(grown) > 0.75 * len(deep)


def test_some_finished_calls_are_unmetered_and_some_have_several_responses(tables: Tables) -> None:
    done = truth.finished(tables)
    metered = {row.interception_id for row in tables.tokens}
    fine = [row for row in done if not row.error_type]
    assert 20 < len([row for row in fine if row.id not in metered]) < 0.02 * len(fine)
    several = defaultdict(int)
    for call, _ in truth.responses(tables, done):
        several[call] += 1
    assert len([1 for count in several.values() if count > 1]) > 100
