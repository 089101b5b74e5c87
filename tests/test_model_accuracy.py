"""Each number says whether it is exact, a lower bound or not known, on either generation."""

from collections.abc import Iterator

import demo_sync
import demo_worlds
import pytest

from bridgeboard.demo import truth
from bridgeboard.model.accuracy import accuracy, limits
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select
from bridgeboard.store import Store

WORLD = demo_worlds.small()
ALL = Scope(WORLD.start, WORLD.end)
ROWS = truth.finished(WORLD.tables)
TRUTH = {
    "requests": len(ROWS),
    "prompts": len(truth.prompts(WORLD.tables, ROWS)),
    "tool_calls": len(truth.tool_calls(WORLD.tables, ROWS)),
    "sessions": len(truth.sessions(ROWS)),
    "active_people": len(truth.people(ROWS)),
    "responses": len(truth.responses(WORLD.tables, ROWS)),
}


@pytest.fixture(scope="module", params=["v2.34", "v2.35"])
def read(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    """The small company, as a server that lists requests tells it, and as one that does not."""
    with demo_sync.whole(tmp_path_factory.mktemp("read"), request.param) as opened:
        yield opened


def told(store: Store, scope: Scope = ALL) -> dict[str, object]:
    names = tuple(METRICS)
    with store.snapshot() as reader:
        columns, rows = reader.named(*select((*names, *limits(names)), (), scope))
    return dict(zip(columns, rows[0], strict=True))


@pytest.mark.parametrize("name", TRUTH)
def test_what_is_called_exact_is_the_truth_and_a_lower_bound_is_no_more(
    read: Store, name: str
) -> None:
    row = told(read)
    value, how = row[name], accuracy(name, row)
    if how.standing == "exact":
        assert value == TRUTH[name]
    elif how.standing == "at_least":
        assert isinstance(value, int)
        assert value <= TRUTH[name]
        assert how.reasons
    else:
        assert (how.standing, value) == ("unknown", None)


def test_a_server_that_lists_requests_has_all_of_it_exact(read: Store) -> None:
    row = told(read)
    are_sums = bool(row["summed_rows"])
    bounds = {name for name in ("requests", "prompts", "sessions") if accuracy(name, row).is_bound}
    assert bounds == ({"requests", "prompts", "sessions"} if are_sums else set())
    assert (row["prompts"] == TRUTH["prompts"]) != are_sums
    assert (row["cost_per_request"] is None) == are_sums
    assert accuracy("total_tokens", row).standing == ("about" if are_sums else "exact")


def test_of_a_session_of_which_only_tokens_are_known_nothing_else_is_nothing() -> None:
    row = {"tool_calls": None, "unread_rows": 3}
    how = accuracy("tool_calls", row)
    assert how.standing == "unknown"
    assert how.sentence("-").startswith("Not known: of 3 sessions")


def test_each_limit_is_told_by_a_count_that_has_none_of_that_kind() -> None:
    for one in METRICS.values():
        for limit in one.limits:
            assert METRICS[limit.metric].format == "count"
            assert METRICS[limit.metric].additive
            assert "{}" in limit.words
    assert limits(("spend", "unpriced_tokens")) == ("summed_rows",)
    assert limits(("tool_calls",), ("tool",)) == ()


def test_sums_of_money_are_lower_bounds_where_prices_are_unknown() -> None:
    for name, one in METRICS.items():
        if one.format == "money" and one.additive:
            row = {name: 5, "unpriced_tokens": 7}
            assert accuracy(name, row).sentence("$5") == (
                "At least $5: the price of 7 tokens is unknown."
            )
