"""What goes wrong at the demo company stands out from the rest, and is owned up to."""

from collections import Counter
from datetime import timedelta
from statistics import median

import pytest
import truth
from demo_worlds import END, quarter, small
from slow_cases import one_fast

from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.demo.world import Incident, World, make

KINDS = {
    *("runaway", "spend_spike", "cache_collapse", "failing_tool"),
    *("provider_outage", "data_gap", "credential_drift"),
}
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def world() -> World:
    return quarter()


@pytest.fixture(scope="session")
def tables(world: World) -> Tables:
    return world.tables


def the(world: World, kind: str) -> Incident:
    return next(incident for incident in world.incidents if incident.kind == kind)


def during(incident: Incident, row: InterceptionRow) -> bool:
    return incident.started_at <= row.started_at < incident.ended_at


def share(hits: int, total: int) -> float:
    assert total > 0
    return hits / total


def test_a_quarter_has_every_kind_of_incident(world: World) -> None:
    assert {incident.kind for incident in world.incidents} == KINDS
    assert all(incident.note and incident.subject for incident in world.incidents)
    times = [incident.started_at for incident in world.incidents]
    assert times == sorted(times)


def test_incidents_name_real_people_and_sessions(world: World, tables: Tables) -> None:
    people = {person.id for person in tables.people}
    sessions = {row.session_id for row in tables.interceptions}
    for incident in world.incidents:
        assert world.start <= incident.started_at < incident.ended_at <= world.end
        assert set(incident.person_ids) <= people
        assert set(incident.session_ids) <= sessions
        assert bool(incident.session_ids) == (incident.kind != "data_gap")


def test_a_small_world_has_the_incidents_that_fit() -> None:
    kinds = {incident.kind for incident in small().incidents}
    assert {"runaway", "spend_spike", "failing_tool", "cache_collapse"} <= kinds


def test_a_quiet_world_has_none() -> None:
    world = make(7, end=END, days=20, scale=0.1, quiet=True)
    assert world.incidents == ()
    assert not [row for row in world.tables.interceptions if "opus-4-1" in row.model]


def test_a_world_of_a_day_has_no_room_for_incidents() -> None:
    assert make(7, end=END, days=1, scale=0.1).incidents == ()


def test_runaways_repeat_one_tool_call_and_cost_more_than_anything(
    world: World, tables: Tables
) -> None:
    runaways = {
        session
        for incident in world.incidents
        if incident.kind == "runaway"
        for session in incident.session_ids
    }
    calls = {row.id: row.session_id for row in tables.interceptions}
    repeats = Counter(
        (calls[row.interception_id], row.tool, row.input) for row in tables.tools
    ).most_common()
    assert {session for (session, _, _), count in repeats if count > 150} == runaways
    sizes = Counter[str]()
    for row in tables.tokens:
        sizes[calls[row.interception_id]] += row.cache_read_input_tokens + row.input_tokens
    usual = sorted(size for session, size in sizes.items() if session not in runaways)
    assert len(runaways) == 2
    assert min(sizes[session] for session in runaways) > 1.5 * usual[-1]


def test_the_spike_is_a_team_with_a_dear_model_for_two_days(world: World, tables: Tables) -> None:
    spike = the(world, "spend_spike")
    team = {person.id for person in tables.people if person.team == spike.subject}
    dear = [row for row in tables.interceptions if "opus-4-1" in row.model]
    days = Counter(
        row.started_at.date() for row in tables.interceptions if row.initiator_id in team
    )
    inside = [days[spike.started_at.date()], days[spike.started_at.date() + DAY]]
    assert {row.initiator_id for row in dear} <= team
    assert all(during(spike, row) for row in dear)
    assert min(inside) > 2.5 * median(count for day, count in days.items() if day.weekday() < 5)


def test_caches_collapse_for_one_client(world: World, tables: Tables) -> None:
    collapse = the(world, "cache_collapse")
    rows = [row for row in tables.interceptions if row.client == collapse.subject]
    ill = truth.recorded(tables, [row for row in rows if during(collapse, row)])
    well = truth.recorded(tables, [row for row in rows if not during(collapse, row)])
    assert ill.cache_read == 0
    assert ill.input > 1_000_000
    assert share(well.cache_read, well.input + well.cache_read) > 0.6


def test_one_server_fails_for_some_days(world: World, tables: Tables) -> None:
    bad = the(world, "failing_tool")
    calls = {row.id: row for row in tables.interceptions}
    uses = [row for row in tables.tools if row.server_url == bad.subject]
    ill = [row for row in uses if during(bad, calls[row.interception_id])]
    well = [row for row in uses if not during(bad, calls[row.interception_id])]
    assert len(ill) >= 8
    assert share(len([row for row in ill if row.invocation_error]), len(ill)) > 0.6
    assert share(len([row for row in well if row.invocation_error]), len(well)) < 0.15


def test_a_provider_fails_for_some_hours(world: World, tables: Tables) -> None:
    outage = the(world, "provider_outage")
    rows = [row for row in tables.interceptions if row.provider_name == outage.subject]
    ill = [row for row in rows if during(outage, row)]
    well = [row for row in rows if not during(outage, row)]
    assert len(ill) >= 15
    assert share(len([row for row in ill if row.error_type]), len(ill)) > 0.7
    assert share(len([row for row in well if row.error_type]), len(well)) < 0.03


def test_nothing_happens_in_the_gap_and_much_around_it(world: World, tables: Tables) -> None:
    gap = the(world, "data_gap")
    hours = (gap.started_at.hour, gap.ended_at.hour)
    afternoons = Counter(
        row.started_at.date()
        for row in tables.interceptions
        if hours[0] <= row.started_at.hour < hours[1]
    )
    usual = [count for day, count in afternoons.items() if day.weekday() < 5]
    assert afternoons[gap.started_at.date()] == 0
    assert median(usual) > 50


def test_credentials_drift_for_good(world: World, tables: Tables) -> None:
    drift = the(world, "credential_drift")
    rows = [row for row in tables.interceptions if row.initiator_id in drift.person_ids]
    pooled = [row for row in rows if row.credential_kind == "centralized"]
    after = [row for row in pooled if row.started_at >= drift.started_at + DAY]
    assert len(drift.person_ids) == 2
    assert len(pooled) > 50
    assert after == []


@pytest.mark.parametrize("seed", one_fast([1, 2, 3]))
def test_incidents_leave_their_mark_whatever_the_seed(seed: int) -> None:
    world = make(seed, end=END, days=40, scale=0.15)
    for incident in world.incidents:
        assert incident.person_ids or incident.kind == "data_gap"
    assert {incident.kind for incident in world.incidents} == KINDS
