"""Failures, lost caches, gaps, keys and missing prices, told from rows made by hand."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.analysis.radar.activity_gaps import gaps
from bridgeboard.analysis.radar.cost_findings import (
    CacheRow,
    KeyRow,
    caches,
    drifts,
    new_models,
    unpriced,
)
from bridgeboard.analysis.radar.failure_rates import HourRow, ToolRow, outages, tools
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.radar_limits import DOLLAR, RateLimits, SpendLimits
from bridgeboard.model.scope import Scope

LIMITS = RateLimits(cache_loss=10 * DOLLAR, gone_loss=DOLLAR)
"""Those of a small company."""
MONDAY = date(2026, 9, 7)
START = datetime(2026, 9, 7)  # noqa: DTZ001 - as the store tells hours
SCOPE = Scope.days(MONDAY, MONDAY + timedelta(days=59))
SERVER = "https://mcp.example/mcp"


def day(n: int) -> date:
    return MONDAY + timedelta(days=n)


def calls(
    bad: dict[int, tuple[int, int]], tool: str = "query", server: str = SERVER
) -> list[ToolRow]:
    """Ten calls a day, one of them failing every other day, and these on some days."""
    counts = {n: (10, n % 2) for n in range(40)} | bad
    return [(day(n), server, tool, tries, errors) for n, (tries, errors) in counts.items()]


def test_a_server_that_fails_for_days_is_told_once() -> None:
    (found,) = tools(calls({30: (9, 8), 31: (10, 9)}), SCOPE, LIMITS)
    assert (found.subject.about, found.subject.name) == ("server", SERVER)
    assert found.numbers["calls"] == 19
    assert found.numbers["failures"] == 17
    assert found.numbers["usual_rate"] == pytest.approx(0.05)
    assert "failed 17 of 19 times (89.5%) from 7 to 8 Oct 2026" in found.reason
    assert [one.name for one in found.contributors] == ["query"]


def test_a_usual_share_of_failures_is_not_told() -> None:
    assert tools(calls({}), SCOPE, LIMITS) == []
    always = calls(dict.fromkeys(range(40), (10, 6)))
    assert tools(always, SCOPE, LIMITS) == [], "what always failed is no news"


def test_few_calls_say_nothing() -> None:
    assert tools(calls({30: (4, 4)}), SCOPE, LIMITS) == []
    assert tools([], SCOPE, LIMITS) == []


def test_failures_that_nobody_tells_are_not_successes() -> None:
    rows: list[ToolRow] = [(day(n), SERVER, "query", 10, None) for n in range(30)]
    assert tools(rows, SCOPE, LIMITS) == []
    mixed = [*rows, *calls({}, tool="query")[:10], (day(30), SERVER, "query", 20, 15)]
    (found,) = tools(mixed, SCOPE, LIMITS)
    assert found.numbers["calls"] == 20


def test_days_without_calls_do_not_part_a_failure() -> None:
    bad = {29: (8, 8), 30: (0, 0), 31: (1, 1), 32: (9, 8)}
    (found,) = tools(calls(bad), SCOPE, LIMITS)
    assert found.numbers["failures"] == 17


def test_one_bad_tool_of_a_good_server_is_told_by_itself() -> None:
    good: list[ToolRow] = [
        (at, url, "search", 20 * tries, errors) for at, url, _, tries, errors in calls({})
    ]
    (found,) = tools([*good, *calls({30: (10, 10)})], SCOPE, LIMITS)
    assert (found.subject.about, found.subject.name) == ("tool", "query")
    assert dict(found.evidence.scope.include) == {"server": (SERVER,), "tool": ("query",)}


def test_a_failure_keeps_its_key_when_a_day_is_added() -> None:
    (short,) = tools(calls({30: (20, 18)}), SCOPE, LIMITS)
    (long,) = tools(calls({30: (20, 18), 31: (10, 9)}), SCOPE, LIMITS)
    assert short.key == long.key


@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_is_nothing(random: Random) -> None:
    rows = calls({30: (9, 8), 31: (10, 9)})
    wanted = tools(rows, SCOPE, LIMITS)
    random.shuffle(rows)
    assert tools(rows, SCOPE, LIMITS) == wanted


def hours(bad: dict[int, tuple[int, int]]) -> list[HourRow]:
    counts = {n: (30, n % 3 == 0) for n in range(24 * 20)} | bad
    return [
        (START + timedelta(hours=n), "anthropic", tries, int(failures))
        for n, (tries, failures) in counts.items()
    ]


def test_hours_without_any_usage_are_an_outage() -> None:
    at = 24 * 15 + 13
    (found,) = outages(hours({at: (20, 18), at + 1: (25, 21)}), SCOPE, LIMITS)
    assert found.first_at == (START + timedelta(hours=at)).replace(tzinfo=UTC)
    assert found.numbers["failures"] == 39
    assert found.numbers["outage_seconds"] == 7200
    assert found.severity == "high"


def test_a_provider_that_never_tells_its_usage_has_no_outage() -> None:
    rows = [(at, name, tries, tries) for at, name, tries, _ in hours({})]
    assert outages(rows, SCOPE, LIMITS) == []
    assert outages(hours({}), SCOPE, LIMITS) == []
    assert outages([], SCOPE, LIMITS) == []


def cached(bad: dict[int, float], tokens: int = 5_000_000) -> list[CacheRow]:
    """Nine in ten prompt tokens from the cache; a read token saves a millionth of a dollar."""
    rates = dict.fromkeys(range(40), 0.9) | bad
    return [
        (day(n), "Codex", "gpt", tokens - (read := round(rate * tokens)), read, 0, read * 10**6)
        for n, rate in rates.items()
    ]


def test_a_cache_that_is_lost_at_a_cost_is_told() -> None:
    (found,) = caches(cached({30: 0.5, 31: 0.0, 32: 0.0}), SCOPE, LIMITS)
    assert found.subject.name == "Codex"
    assert found.numbers["lost_cost"] == pytest.approx(11 * DOLLAR)
    assert found.numbers["usual_hit_rate"] == pytest.approx(0.9)
    assert found.numbers["cache_hit_rate"] == pytest.approx(0.5 / 3)
    assert found.severity == "medium"
    assert [one.name for one in found.contributors] == ["gpt"]


@pytest.mark.parametrize(("rate", "days"), [(0.75, 9), (0.5, 3)])
def test_small_drops_and_small_losses_are_not_told(rate: float, days: int) -> None:
    assert caches(cached({30 + n: rate for n in range(days)}), SCOPE, LIMITS) == []


def test_a_cache_that_is_gone_is_told_for_less_money() -> None:
    (found,) = caches(cached({30: 0.0}), SCOPE, LIMITS)
    assert found.severity == "low"
    assert caches(cached({30: 0.0}, tokens=100_000), SCOPE, LIMITS) == []


def test_caches_without_a_known_saving_or_a_history_say_nothing() -> None:
    rows: list[CacheRow] = [(*row[:6], None) for row in cached({30: 0.0, 31: 0.0})]
    assert caches(rows, SCOPE, LIMITS) == []
    assert caches(cached({})[:1], SCOPE, LIMITS) == []
    assert caches([], SCOPE, LIMITS) == []


def busy(
    quiet: Collection[int], holiday: Collection[int] = ()
) -> list[tuple[datetime, int | None]]:
    """Five people from 8 to 18 on working days, one at night; nobody in the quiet hours."""
    found: list[tuple[datetime, int | None]] = []
    for n in range(24 * 30):
        at = START + timedelta(hours=n)
        is_work = at.weekday() < 5 and 8 <= at.hour < 18 and n // 24 not in holiday
        if n not in quiet:
            found.append((at, 5 if is_work else int(at.hour % 6 == 0)))
    return found


def test_working_hours_without_anything_are_a_gap_in_the_data() -> None:
    first = 24 * 21 + 11
    (found,) = gaps(busy(set(range(first, first + 4))), SCOPE, LIMITS)
    assert found.first_at == (START + timedelta(hours=first)).replace(tzinfo=UTC)
    assert found.last_at - found.first_at > timedelta(hours=3, minutes=59)
    assert found.numbers["usual_people_hours"] == pytest.approx(20)
    assert "not a saving" in found.reason


def test_nights_weekends_and_holidays_are_no_gaps() -> None:
    assert gaps(busy(set()), SCOPE, LIMITS) == []
    weekend = range(24 * 26, 24 * 28)
    assert gaps(busy(set(weekend)), SCOPE, LIMITS) == []
    assert gaps(busy(set(), holiday={22}), SCOPE, LIMITS) == []


def test_a_whole_working_day_without_anything_is_a_gap() -> None:
    assert len(gaps(busy(set(range(24 * 22, 24 * 23))), SCOPE, LIMITS)) == 1


def test_before_the_first_and_after_the_last_hour_nothing_is_a_gap() -> None:
    assert gaps(busy(set(range(24 * 21 + 11, 24 * 30))), SCOPE, LIMITS) == []
    assert gaps(busy(set(range(24 * 3, 24 * 4))), SCOPE, LIMITS) == [], "too early to know"
    assert gaps([], SCOPE, LIMITS) == []


def keys(own_since: int, *, requests: int = 10, share: float = 1.0) -> list[KeyRow]:
    found: list[KeyRow] = []
    for n in range(40):
        own = round(requests * share) if n >= own_since else 0
        found.append((day(n), "ada", "byok", own))
        found.append((day(n), "ada", "centralized", requests - own))
    return found


def test_who_moves_to_a_key_of_their_own_is_told() -> None:
    (found,) = drifts(keys(30), SCOPE, LIMITS)
    assert found.subject.name == "ada"
    assert found.numbers["requests"] == 100
    assert "on 7 Oct 2026: 100% of 100 requests since, where 0% was usual" in found.reason
    assert found.severity == "low"


def test_who_always_had_one_or_uses_both_did_not_move() -> None:
    assert drifts(keys(0), SCOPE, LIMITS) == []
    assert drifts(keys(30, share=0.5), SCOPE, LIMITS) == []
    assert drifts(keys(50), SCOPE, LIMITS) == []
    assert drifts([], SCOPE, LIMITS) == []


def test_a_few_requests_with_another_key_are_no_move() -> None:
    assert drifts(keys(38), SCOPE, LIMITS) == []
    assert drifts([(day(1), "ada", "byok", None)], SCOPE, LIMITS) == []


def test_unpriced_usage_beyond_a_trifle_is_one_finding() -> None:
    rows = [("opus", 0, 900), ("qwen", 80, 80), ("<b>", 20, 20), ("none", None, None)]
    (found,) = unpriced(rows, SCOPE, LIMITS)
    assert found.numbers["unpriced_rate"] == pytest.approx(0.1)
    assert dict(found.evidence.scope.include)["model"] == ("<b>", "qwen")
    assert found.key == "unpriced"


def test_a_trifle_of_unpriced_usage_is_not_told() -> None:
    assert unpriced([("opus", 0, 990), ("qwen", 10, 10)], SCOPE, LIMITS) == []
    assert unpriced([], SCOPE, LIMITS) == []
    assert unpriced([("opus", None, None)], SCOPE, LIMITS) == []


def test_all_of_it_unpriced_is_told() -> None:
    (found,) = unpriced([("qwen", 10, 10)], SCOPE, LIMITS)
    assert "100% of all tokens" in found.reason


def first_at(n: int) -> dict[str, datetime]:
    return {
        "old": datetime(2026, 9, 7, 9, tzinfo=UTC),
        "new": datetime(2026, 9, 7, 9, tzinfo=UTC) + timedelta(days=n),
    }


def test_a_new_model_is_told_for_its_first_day_only() -> None:
    rows = [
        (day(20), "new", 66 * DOLLAR),
        (day(21), "new", 70 * DOLLAR),
        (day(20), "old", 99 * DOLLAR),
    ]
    (found,) = new_models(rows, first_at(20), SCOPE, SpendLimits(), {})
    assert found.subject.name == "new"
    assert found.numbers["spent_cost"] == 66 * DOLLAR
    assert found.reason.endswith("and cost $66.00 that day.")
    bounds = {(day(20), "new"): Accuracy("at_least")}
    (partly,) = new_models(rows, first_at(20), SCOPE, SpendLimits(), bounds)
    assert partly.reason.endswith("and cost at least $66.00 that day.")


def test_models_are_not_new_when_everything_is() -> None:
    rows = [(day(3), "new", 66 * DOLLAR), (day(0), "old", 66 * DOLLAR)]
    assert new_models(rows, first_at(3), SCOPE, SpendLimits(), {}) == []
    assert new_models([(day(20), "new", None)], first_at(20), SCOPE, SpendLimits(), {}) == []
    assert new_models([(day(20), "new", DOLLAR)], first_at(20), SCOPE, SpendLimits(), {}) == []
    assert new_models([], {}, SCOPE, SpendLimits(), {}) == []
