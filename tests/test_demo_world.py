"""The demo company: the same from the same seed, and nothing of the contract's corners missing."""

import json
import os
import re
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta, timezone

import pytest
import truth
from costly_laws import tried
from demo_worlds import END, digest, quarter, small
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.demo.company import hostile
from bridgeboard.demo.company.company_data import CLIENTS
from bridgeboard.demo.company.people import OFFICES
from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.demo.world import World, make

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture(scope="session")
def world() -> World:
    return quarter()


@pytest.fixture(scope="session")
def tables(world: World) -> Tables:
    return world.tables


@pytest.fixture(scope="session")
def done(tables: Tables) -> list[InterceptionRow]:
    return truth.finished(tables)


def by_id(tables: Tables) -> dict[str, InterceptionRow]:
    return {row.id: row for row in tables.interceptions}


def assert_sound(world: World) -> None:
    """Every id exists, every child lies within its call, every call begins inside the world."""
    tables, calls = world.tables, by_id(world.tables)
    people = {person.id for person in tables.people}
    for row in tables.interceptions:
        assert row.initiator_id in people
        assert row.thread_root_id is None or row.thread_root_id in calls
        assert world.start <= row.started_at < world.end
        assert row.started_at.tzinfo is UTC
        assert row.ended_at is None or row.ended_at > row.started_at
    hanging = (*tables.tokens, *tables.prompts, *tables.tools, *tables.thoughts)
    for child in hanging:
        call = calls[child.interception_id]
        assert call.started_at <= child.created_at
        assert child.created_at <= (call.ended_at or call.started_at)
    ids = [row.id for row in (*tables.interceptions, *hanging)]
    assert len(set(ids)) == len(ids)


# The same world


def test_a_world_has_the_same_bytes_in_every_process() -> None:
    code = "from demo_worlds import *; print(digest(small()))"
    told = {digest(small())}
    for salt in ("1", "2"):
        path = os.pathsep.join([os.path.dirname(__file__), *sys.path])  # noqa: PTH120 - a search path
        env = {**os.environ, "PYTHONHASHSEED": salt, "PYTHONPATH": path, "TZ": "Asia/Tokyo"}
        done = subprocess.run(  # noqa: S603 - our own interpreter and code
            [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True
        )
        told.add(done.stdout.strip())
    assert len(told) == 1


def test_another_seed_is_another_company() -> None:
    other = make(8, end=END, days=20, scale=0.1)
    names = {person.username for person in small().tables.people}
    assert len(names & {person.username for person in other.tables.people}) < len(names) / 2
    assert other.tables.deployment_id != small().tables.deployment_id


def test_the_same_end_in_another_zone_is_the_same_world() -> None:
    elsewhere = END.astimezone(timezone(timedelta(hours=5, minutes=45)))
    assert digest(make(7, end=elsewhere, days=20, scale=0.1)) == digest(small())


def test_a_day_later_the_days_both_worlds_know_are_nearly_the_same() -> None:
    now, later = (make(7, end=end, days=45, scale=0.25, quiet=True) for end in (END, END + DAY))
    mine, theirs = (
        {
            (row.id, row.started_at, row.model)
            for row in world.tables.interceptions
            if later.start + DAY <= row.started_at < now.end - DAY
        }
        for world in (now, later)
    )
    assert now.tables.people == later.tables.people
    assert len(mine & theirs) > 0.75 * len(mine)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"end": datetime(2026, 1, 1)}, "aware"),  # noqa: DTZ001 - the naive time is the point
        ({"end": END, "days": 0}, "days"),
        ({"end": END, "scale": 0.0}, "scale"),
    ],
)
def test_arguments_out_of_range_are_refused(arguments: dict[str, object], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        make(7, **arguments)  # type: ignore[arg-type]  # one dict for three kinds of argument


@tried(12)
@given(
    seed=st.integers(0, 10_000),
    end=st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - hypothesis adds the zone
    days=st.integers(1, 12),
    scale=st.sampled_from([0.01, 0.05, 0.1]),
)
def test_every_small_world_is_sound(seed: int, end: datetime, days: int, scale: float) -> None:
    assert_sound(make(seed, end=end, days=days, scale=scale))


# Its size and its habits


def test_the_quarter_is_sound(world: World) -> None:
    assert_sound(world)


def test_a_quarter_at_a_third_of_the_scale_has_45_people_and_22_000_calls(world: World) -> None:
    assert len(world.tables.people) == pytest.approx(45, rel=0.1)
    assert len(world.tables.interceptions) == pytest.approx(22_000, rel=0.1)
    assert world.end - world.start == 90 * DAY


def test_six_teams_have_everybody_but_the_auditor(world: World) -> None:
    members = [name for team in world.teams.values() for name in team]
    outside = {person.username for person in world.tables.people} - set(members)
    auditors = {person.username for person in world.tables.people if person.role == "auditor"}
    assert len(world.teams) == 6
    assert len(set(members)) == len(members)
    assert outside == auditors


def test_accounts_are_of_every_kind(tables: Tables, done: list[InterceptionRow]) -> None:
    active = truth.people(done)
    assert Counter(person.role for person in tables.people).keys() == {"owner", "auditor", "member"}
    assert [person for person in tables.people if person.deleted and person.id in active]
    assert [person for person in tables.people if person.status == "suspended"]
    assert not [person for person in tables.people if person.role == "owner" and person.deleted]


def test_user_names_are_valid_and_display_names_are_of_every_kind(tables: Tables) -> None:
    names = [person.name for person in tables.people]
    for person in tables.people:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", person.username)
        assert len(person.username) <= 32
    assert "" in names
    assert any(not name.isascii() for name in names)
    assert any("<img" in name for name in names)
    assert len({person.username for person in tables.people}) == len(names)


def test_weekends_are_quiet(done: list[InterceptionRow]) -> None:
    days = Counter(row.started_at.weekday() for row in done)
    weekend, week = (days[5] + days[6]) / 2, sum(days[day] for day in range(5)) / 5
    assert weekend < 0.3 * week


@pytest.mark.parametrize("team", OFFICES)
def test_work_follows_the_hours_of_each_office(
    tables: Tables, done: list[InterceptionRow], team: str
) -> None:
    members = {person.id for person in tables.people if person.team == team}
    east = timedelta(minutes=OFFICES[team][1])
    hours = Counter((row.started_at + east).hour for row in done if row.initiator_id in members)
    office = sum(count for hour, count in hours.items() if 8 <= hour < 20)
    assert office > 0.6 * hours.total()


def test_lunch_is_quieter_than_the_hours_around_it(
    tables: Tables, done: list[InterceptionRow]
) -> None:
    east = {person.id: OFFICES.get(person.team, ("", 0))[1] for person in tables.people}
    roots = [row for row in done if row.thread_root_id is None]
    hours = Counter(
        (row.started_at + timedelta(minutes=east[row.initiator_id])).hour for row in roots
    )
    assert hours[12] < 0.9 * min(hours[10], hours[15])


def test_work_grows_over_the_quarter(world: World, done: list[InterceptionRow]) -> None:
    ordinary = [row for row in done if "opus-4-1" not in row.model]
    third = (world.end - world.start) / 3
    first = [row for row in ordinary if row.started_at < world.start + third]
    last = [row for row in ordinary if row.started_at >= world.end - third]
    assert len(last) > 1.15 * len(first)


def test_one_working_day_is_a_holiday(world: World, done: list[InterceptionRow]) -> None:
    days = Counter(row.started_at.date() for row in done)
    middle = [world.start.date() + i * DAY for i in range(40, 70)]
    working = sorted(days[day] for day in middle if day.weekday() < 5)
    assert working[0] < 0.3 * working[len(working) // 2]


def test_people_differ_and_some_come_or_leave(
    world: World, tables: Tables, done: list[InterceptionRow]
) -> None:
    seen = defaultdict(list)
    for row in done:
        seen[row.initiator_id].append(row.started_at)
    counts = sorted(len(times) for times in seen.values())
    assert counts[-1] > 3 * counts[len(counts) // 4]
    assert [1 for times in seen.values() if min(times) > world.start + 25 * DAY]
    assert [1 for times in seen.values() if max(times) < world.end - 25 * DAY]
    assert len(seen) < len(tables.people)


# What it buys and uses


def test_every_client_of_the_contract_is_used(tables: Tables) -> None:
    used = Counter(row.client for row in tables.interceptions)
    assert set(CLIENTS) <= set(used)
    assert {None, hostile.CLIENT} <= set(used)
    assert min(used[name] for name in CLIENTS) >= 5
    assert len(hostile.CLIENT) <= 64


def test_every_provider_is_used_and_one_is_gone(tables: Tables) -> None:
    types = {
        "azure": "openai",
        "bedrock": "anthropic",
        "google": "openai",
        "openai-compat": "openai",
        "openrouter": "openai",
    }
    wire = {provider.name: types.get(provider.type, provider.type) for provider in tables.providers}
    used = Counter(row.provider_name for row in tables.interceptions)
    assert set(used) == set(wire)
    assert all(row.provider == wire[row.provider_name] for row in tables.interceptions)
    assert [provider.name for provider in tables.providers if provider.deleted]
    assert {row.provider for row in tables.interceptions} == {"anthropic", "openai", "copilot"}


def test_models_are_of_every_kind(tables: Tables) -> None:
    used = Counter(row.model for row in tables.interceptions)
    wanted = (
        "claude-sonnet-4-5-20250929 claude-haiku-4-5-20251001 claude-opus-4-7 claude-sonnet-4-6 "
        "eu.anthropic.claude-sonnet-4-5-20250929-v1:0 gpt-5 gpt-5-codex gpt-5-mini gpt-5.4 gpt-4.1 "
        "o4-mini gpt-5.6-sol gemini-2.5-pro qwen3-coder-480b-internal coder-aibridge-unknown"
    )
    assert not [name for name in wanted.split(" ") if name not in used]
    assert "" in used
    assert hostile.MODEL in used


def test_the_default_model_fades_and_its_successor_takes_over_within_weeks(
    world: World, tables: Tables
) -> None:
    old = [row.started_at for row in tables.interceptions if row.model == "claude-sonnet-4-6"]
    new = [row.started_at for row in tables.interceptions if row.model == "claude-sonnet-5"]
    begins = world.start + 40 * DAY
    weeks = [(begins + 7 * n * DAY, begins + 7 * (n + 1) * DAY) for n in range(4)]
    shares = []
    for since, until in weeks:
        both = [len([at for at in times if since <= at < until]) for times in (old, new)]
        shares.append(both[1] / sum(both))
    assert shares[0] < 0.4
    assert shares[-1] > 0.9
    assert shares == sorted(shares)
    assert len([at for at in new if at < begins]) < 0.1 * len(new)
    assert min(len(old), len(new)) > 1_000


def test_one_team_grows_and_one_stops(world: World, done: list[InterceptionRow]) -> None:
    teams = {person.id: person.team for person in world.tables.people}
    third = (world.end - world.start) / 3
    first, last = (
        Counter(teams[row.initiator_id] for row in done if since <= row.started_at < since + third)
        for since in (world.start, world.end - third)
    )
    growth = {team: last[team] / first[team] for team in world.teams}
    assert growth["storefront"] > 1.5 * growth["platform"]
    assert growth["mobile"] == 0
    assert min(ratio for team, ratio in growth.items() if team != "mobile") > 0.9


def test_copilot_is_always_the_persons_own_login(tables: Tables) -> None:
    kinds = Counter((row.provider, row.credential_kind) for row in tables.interceptions)
    assert kinds["copilot", "centralized"] == 0
    assert min(kinds["copilot", "byok"], kinds["anthropic", "byok"], kinds["openai", "byok"]) > 50
    assert kinds["anthropic", "centralized"] > kinds["anthropic", "byok"]
    hints = {row.credential_hint for row in tables.interceptions}
    assert {True, False} == {"..." in hint for hint in hints}


def test_texts_are_no_longer_than_the_columns_of_the_server_hold(tables: Tables) -> None:
    longest = {"session_id": 256, "client": 64, "credential_hint": 15, "error_message": 1024}
    for name, most in longest.items():
        lengths = [len(getattr(row, name) or "") for row in tables.interceptions]
        assert 0 < max(lengths) <= most, name


# Tools, firewall, text


def test_only_injected_tools_have_a_server_and_errors(tables: Tables) -> None:
    injected = [row for row in tables.tools if row.injected]
    assert all(bool(row.server_url) == row.injected for row in tables.tools)
    assert not [row for row in tables.tools if row.invocation_error and not row.injected]
    assert len({row.server_url for row in injected}) == 4
    assert len([row for row in injected if row.invocation_error]) >= 20
    assert len(injected) > 300


def test_tool_inputs_are_texts_of_json_and_mostly_objects(tables: Tables) -> None:
    kinds = Counter(type(json.loads(row.input)).__name__ for row in tables.tools)
    assert kinds["dict"] > 0.9 * len(tables.tools)
    assert min(kinds["str"], kinds["NoneType"]) >= 1
    assert '{"file_path": "/etc/pass' in inputs_told_as_text(tables)
    assert any("\\u003c" in row.input for row in tables.tools)


def inputs_told_as_text(tables: Tables) -> set[str]:
    return {text for row in tables.tools if isinstance(text := json.loads(row.input), str)}


def test_one_input_is_a_megabyte_and_one_prompt_a_long_line(tables: Tables) -> None:
    biggest = max(len(row.input.encode()) for row in tables.tools)
    longest = max((row.prompt for row in tables.prompts), key=len)
    assert 1_000_000 < biggest < 1_200_000
    assert len(longest) > 100_000
    assert "\n" not in longest


def test_all_hostile_texts_are_there_and_none_breaks_a_database(tables: Tables) -> None:
    prompts = {row.prompt for row in tables.prompts}
    tools = {(row.tool, row.input) for row in tables.tools}
    assert set(hostile.PROMPTS) <= prompts
    assert {(use.tool, use.input) for use in hostile.USES} <= tools
    everything = "".join(
        [*prompts, *(text for pair in tools for text in pair), *(t.text for t in tables.thoughts)]
    )
    assert "\0" not in everything
    assert everything.encode().decode() == everything


def test_one_session_id_cannot_be_written_into_a_path(tables: Tables) -> None:
    assert [row for row in tables.interceptions if "/" in row.session_id]
    assert max(len(row.session_id) for row in tables.interceptions) <= 256


def test_prompts_are_varied_and_mostly_on_roots(tables: Tables) -> None:
    calls = by_id(tables)
    texts = [row.prompt for row in tables.prompts]
    on_children = [row for row in tables.prompts if calls[row.interception_id].thread_root_id]
    assert len(set(texts)) > 0.6 * len(texts)
    assert 20 < len(on_children) < 0.1 * len(texts)
    grown = set(texts) - set(hostile.PROMPTS)
    assert not [text for text in grown if re.search(r"\{[a-z_]*\}", text)]
    assert len({row.text for row in tables.thoughts}) > 1_000


def test_firewalls_number_their_log(tables: Tables) -> None:
    marked = [row for row in tables.interceptions if row.agent_firewall_session_id]
    logs = defaultdict(set)
    for entry in tables.firewall_logs:
        assert entry.sequence_number not in logs[entry.firewall_session_id]
        logs[entry.firewall_session_id].add(entry.sequence_number)
    sandboxes = defaultdict(set)
    for row in marked:
        assert row.agent_firewall_sequence_number is not None
        sandboxes[row.agent_firewall_session_id].add(row.session_id)
    assert len(marked) > 200
    assert set(sandboxes) - set(logs)
    assert [1 for sessions in sandboxes.values() if len(sessions) == 2]
    assert {entry.allowed for entry in tables.firewall_logs} == {True, False}


def test_rows_are_in_the_order_of_time(tables: Tables) -> None:
    begun = [(row.started_at, row.id) for row in tables.interceptions]
    made = [(row.created_at, row.id) for row in tables.tokens]
    assert begun == sorted(begun)
    assert made == sorted(made)
