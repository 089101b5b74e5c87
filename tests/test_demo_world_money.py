"""What the demo company costs: amounts that a manager knows."""

from collections.abc import Iterator
from datetime import timedelta
from statistics import median, quantiles

import demo_store
import pytest
from demo_worlds import END

from bridgeboard.demo.world import World, make
from bridgeboard.store import Store

DAYS = 30
DOLLAR = 10**12


@pytest.fixture(scope="module")
def world() -> World:
    return make(7, end=END, days=DAYS)


@pytest.fixture(scope="module")
def store(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with demo_store.filled(tmp_path_factory.mktemp("money") / "world.duckdb", world) as filled:
        yield filled


def test_an_active_developer_costs_60_to_300_dollars_a_month(world: World, store: Store) -> None:
    members = {name for team, names in world.teams.items() if team != "mobile" for name in names}
    people = {person.username: person for person in world.tables.people}
    rows = store.rows(
        "SELECT username, sum(cost + shadow_cost) FROM usage JOIN initiators "
        "USING (initiator) GROUP BY username"
    )
    costs = sorted(
        float(cost) / DOLLAR
        for name, cost in rows
        if name in members and people[name].status == "active"
    )
    assert len(costs) == pytest.approx(63, abs=7)
    assert 75 < median(costs) < 170
    assert len([cost for cost in costs if 60 <= cost <= 300]) > 0.7 * len(costs)
    low, *_, high = quantiles(costs, n=10)
    assert 20 < low < 110
    assert 150 < high < 300
    assert costs[-1] < 600


def test_usage_of_each_price_status_is_there(store: Store) -> None:
    rows = store.rows("SELECT status, count(*) FROM usage GROUP BY status")
    counts = dict(rows)
    assert set(counts) == {"priced", "notional", "included", "unpriced", "unmetered"}
    assert counts["priced"] > 0.8 * sum(counts.values())
    assert min(counts.values()) > 20


def test_a_request_costs_cents_and_a_session_dollars(store: Store) -> None:
    each, session = store.rows(
        "SELECT sum(cost) / count(*), sum(cost) / count(DISTINCT session) FROM usage"
    )[0]
    assert 0.1 < each / DOLLAR < 0.4
    assert 1 < session / DOLLAR < 6


def test_most_of_a_prompt_comes_from_a_cache_on_a_usual_day(store: Store) -> None:
    rows = store.rows(
        "SELECT started_at::DATE, sum(cache_read) / sum(input + cache_read + cache_write) "
        "FROM usage WHERE isodow(started_at) < 6 GROUP BY 1"
    )
    whole = [share for day, share in rows if day > (END - timedelta(days=DAYS - 1)).date()]
    assert 0.8 < median(whole) < 0.92
