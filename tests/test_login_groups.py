"""Groups that logins tell: kept from when to when, made to teams, harmless whatever they are."""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from costly_laws import tried
from dashboard_process import dashboard
from databases import broken
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import event
from stores import fresh
from streamlit.testing.v1 import AppTest
from test_cli_store_commands import run, store_in
from wire import await_sync, visit

from bridgeboard import access, settings
from bridgeboard.access import RowAccess
from bridgeboard.access.identity import MOST_GROUPS
from bridgeboard.model.coder_groups import TEAMS, TeamsNote
from bridgeboard.runtime import state_files, sync_steps, team_sources
from bridgeboard.runtime.demo_company import Running
from bridgeboard.settings import Login, Proxy, Settings
from bridgeboard.state import Database
from bridgeboard.state.login_groups import MOST_A_DAY, LoginGroups
from bridgeboard.store import Store
from bridgeboard.teams import Membership, Told, from_logins

pytestmark = pytest.mark.usefixtures("no_settings")
ADA, BOB, EVE = (f"00000000-0000-4000-9000-00000000000{number}" for number in (1, 2, 3))
DAY = timedelta(days=1)
MAY = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
PROXY = Proxy(addresses="127.0.0.1")
Readings = Sequence[tuple[datetime, frozenset[str]]]


def named(*words: str) -> dict[str, str]:
    return {access.folded(word): word for word in words}


def told(at: datetime, *groups: str) -> Told:
    return Told(at, {access.folded(name): name for name in groups})


def kept(groups: LoginGroups, username: str = "ada") -> list[Told]:
    return [told(one.told_at, *one.groups) for one in groups.readings([username])]


def team_on(members: Sequence[Membership], day: date) -> str:
    """The team in the middle of a day."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    far = timedelta(days=4_000)
    (team,) = [
        one.team
        for one in members
        if (one.valid_from or MAY - far) <= noon < (one.valid_to or MAY + far)
    ] or [""]
    return team


def expected(readings: Readings, day: date) -> str:
    """What the last reading until the end of a day says, or else the first of all."""
    by_then = [groups for at, groups in readings if at.date() <= day]
    groups = by_then[-1] if by_then else readings[0][1]
    return min(groups, default="")


@st.composite
def many(draw: st.DrawFn) -> list[tuple[datetime, frozenset[str]]]:
    """What logins told at different times of few days, oldest first."""
    hours = st.integers(0, 120)
    times = draw(st.lists(hours, min_size=1, max_size=9, unique=True).map(sorted))
    groups = st.frozensets(st.sampled_from(("a", "b")))
    return [(MAY + timedelta(hours=hour), draw(groups)) for hour in times]


@tried(100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(readings=many(), choices=st.randoms(use_true_random=False))
def test_logins_in_any_order_tell_each_day_of_the_team_of_its_last_login(
    database: Database, readings: Readings, choices: Any
) -> None:
    groups = LoginGroups(database)
    days = [MAY.date() + timedelta(days=day) for day in range(-3, 9)]
    for is_shuffled in (False, True):
        groups.forget(["ada"])
        if is_shuffled:
            for at, names in choices.sample(readings, len(readings)):
                groups.note("ada", names, at)
            # Whatever came too late to be sure of is right once those who came come again.
            assert kept(groups)[0].at == readings[0][0]
        for at, names in readings:
            groups.note("Ada", names, at)
        held = kept(groups)
        for at, names in choices.sample(readings, len(readings)):
            assert not groups.note("ada", names, at)
        assert kept(groups) == held
        assert all(one.groups != other.groups for one, other in pairwise(held))
        made = from_logins({ADA: held}, named("a", "b"))
        assert [team_on(made.members, day) for day in days] == [
            expected(readings, day) for day in days
        ]
        assert made.undecided == frozenset()


def test_what_is_known_is_asked_once_and_never_written(database: Database) -> None:
    groups = LoginGroups(database)
    assert groups.note("ada", ["b", "a", "b"], MAY)
    asked: list[str] = []
    event.listen(
        database._engine, "before_cursor_execute", lambda *called: asked.append(called[2].strip())
    )
    assert not groups.note("ADA", ["a", "b"], MAY + DAY)
    assert [one.partition(" ")[0] for one in asked if "login_groups" in one] == ["SELECT"]
    assert not [one for one in asked if one.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert kept(groups) == [told(MAY, "a", "b")]


def test_an_older_login_that_is_still_open_does_not_undo_a_newer_one(database: Database) -> None:
    groups = LoginGroups(database)
    groups.note("ada", ["b"], MAY + DAY)
    assert groups.note("ada", ["a"], MAY)  # the other browser was first used then
    assert not groups.note("ada", ["b"], MAY + DAY)
    made = from_logins({ADA: kept(groups)})
    midnight = datetime(2026, 5, 5, tzinfo=UTC)
    assert [(one.team, one.valid_from, one.valid_to) for one in made.members] == [
        ("a", None, midnight),
        ("b", midnight, None),
    ]


def test_proxies_that_contradict_each_other_fill_nothing_and_the_last_word_counts(
    database: Database,
) -> None:
    groups = LoginGroups(database)
    for number in range(5 * MOST_A_DAY):
        groups.note("ada", ["ab"[number % 2]], MAY + timedelta(seconds=number))
    held = kept(groups)
    assert len(held) <= MOST_A_DAY + 1
    assert held[0] == told(MAY, "a")
    assert set(held[-1].groups) == {"b"}


def test_only_what_ended_long_ago_goes_and_one_person_at_a_time(database: Database) -> None:
    groups = LoginGroups(database)
    assert groups.forget(["ada"]) == groups.forget_ended(MAY) == 0
    for name in ("ada", "bob"):
        groups.note(name, ["a"], MAY)
    groups.note("ada", ["b"], MAY + 2 * DAY)
    assert groups.forget_ended(MAY + DAY) == 0
    assert groups.forget_ended(MAY + 2 * DAY) == 1
    assert kept(groups) == [told(MAY + 2 * DAY, "b")]
    assert kept(groups, "bob") == [told(MAY, "a")]
    assert groups.forget(["BOB", "nobody"]) == 1
    assert [one.username for one in groups.readings()] == ["ada"]


def teams(*readings: Told, names: Sequence[str] = ()) -> tuple[list[str], int]:
    made = from_logins({ADA: readings}, named(*names))
    return [one.team for one in made.members], len(made.undecided)


def test_the_first_named_group_counts_and_of_several_without_a_name_none() -> None:
    both = told(MAY, "eng", "ops")
    assert teams(both) == ([], 1)
    assert teams(both, names=["OPS", "eng"]) == (["ops"], 0)
    assert teams(both, names=["eng"]) == (["eng"], 0)
    assert teams(told(MAY, "bridgeboard-admins", "eng"), names=["eng", "ops"]) == (["eng"], 0)
    # Nobody is in what is named: that does not let all others count.
    assert teams(told(MAY, "eng"), names=["nosuch"]) == ([], 0)
    assert from_logins({ADA: [both]}, named("nosuch", "eng")).unknown == ("nosuch",)
    assert teams(told(MAY)) == ([], 0)
    # Only who is in several groups now has to be decided on.
    assert teams(both, told(MAY + DAY, "eng")) == (["eng"], 0)


def test_a_group_is_one_in_any_case_and_no_other_letter_passes_for_one_of_it() -> None:
    assert teams(told(MAY, "Eng"), told(MAY + DAY, "ENG")) == (["ENG"], 0)
    kelvin = "\u212aernel"  # which folds to "kernel"
    assert teams(told(MAY, kelvin), names=["kernel"]) == ([], 0)
    made = from_logins({ADA: [told(MAY, "kernel")], BOB: [told(MAY, kelvin)]})
    assert len({one.team.casefold() for one in made.members}) == 2
    sharp = from_logins(
        {ADA: [told(MAY, "stra\xdfe")], BOB: [told(MAY, "strasse")]}, named("strasse", "stra\xdfe")
    )
    assert len({one.team for one in sharp.members}) == 2
    assert sharp.unknown == ()
    (unassigned,), _ = teams(told(MAY, "unassigned"))
    assert unassigned == "unassigned (login)"


@given(st.lists(st.text(max_size=300), max_size=12))
def test_whatever_a_group_is_called_it_makes_at_most_a_team(claim: list[str]) -> None:
    identity = access.from_claims({"preferred_username": "ada", "groups": claim})
    readings = {ADA: [told(MAY, *identity.groups)]}
    folded = {access.folded(name) for name in identity.groups}
    assert len(from_logins(readings).members) == (1 if len(folded) == 1 else 0)
    (order,) = [named(*sorted(identity.groups))]
    made = from_logins(readings, order)
    assert len(made.members) == min(1, len(folded))
    assert all(one.team.isprintable() and len(one.team) < 10_000 for one in made.members)


def test_thousands_of_groups_and_control_characters_are_bounded_and_kept(
    database: Database,
) -> None:
    claim = [f"{'x' * 200}{number}" for number in range(20 * MOST_GROUPS)]
    claim[:3] = ["a\x00b", "\ud800", "y" * 5_000]
    identity = access.from_claims({"preferred_username": "ada", "groups": claim})
    groups = LoginGroups(database)
    assert groups.note(identity.username, identity.groups, MAY)
    ((held),) = kept(groups)
    assert len(held.groups) == MOST_GROUPS - 3
    assert teams(held) == ([], 1)
    assert teams(held, names=[claim[7]]) == ([claim[7]], 0)


def people(store: Store, names: Mapping[str, str]) -> None:
    with store.write() as batch:
        for key, (id_, username) in enumerate(names.items(), 1):
            batch.execute(
                "INSERT INTO initiators (initiator, id, username, name) VALUES (?, ?, ?, '')",
                [key, id_, username],
            )


def chosen(folder: Path, **more: Any) -> Settings:
    given = {"data_folder": str(folder), "teams_from": "login", "proxy": PROXY}
    return Settings.model_validate(given | more)


FOUND = """SELECT i.username, m.team FROM memberships m JOIN initiators i
    ON m.username = coalesce(i.member, lower(i.username)) ORDER BY ALL"""


def test_teams_are_of_the_one_person_who_has_the_user_name(tmp_path: Path) -> None:
    now = chosen(tmp_path / "data", team_groups="core, ops,nosuch")
    groups = state_files.login_groups(now)
    for name, theirs in {
        "ada": ["everybody", "OPS"],
        "twin": ["ops"],
        "stranger": ["core"],
        "former": ["core"],
    }.items():
        groups.note(name, theirs, MAY)
    with fresh(tmp_path) as store:
        people(store, {ADA: "Ada", BOB: "twin", EVE: "TWIN"})
        with store.write() as batch:
            batch.execute("INSERT INTO former_names VALUES (1, 'former')")
        team_sources.put_teams(store, now)
        assert store.rows(FOUND) == [("Ada", "OPS")]
        assert TeamsNote.of(store.meta(TEAMS)) == TeamsNote(
            "login", 1, unknown=("core", "nosuch"), people=1, strangers=3
        )
        version = store.version
        team_sources.put_teams(store, now)
        assert store.version == version
        # Nobody whom the store does not know is written there: they could not be erased.
        assert store.rows("SELECT username FROM memberships") == [(ADA,)]


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"proxy": Proxy()}, TeamsNote("login", gap="no_login")),
        (
            {"proxy": Proxy(addresses="127.0.0.1", username_header="")},
            TeamsNote("login", gap="no_username"),
        ),
        (
            {"proxy": Proxy(addresses="127.0.0.1", username_header="", email_as_username=True)},
            TeamsNote("login"),
        ),
        (
            {"proxy": Proxy(addresses="127.0.0.1", groups_header="")},
            TeamsNote("login", gap="no_groups"),
        ),
        ({"leads": {"eve": ["ops"]}}, TeamsNote("login", is_open=True)),
        ({"leads": {"eve": ["ops"]}, "team_groups": "x"}, TeamsNote("login", unknown=("x",))),
    ],
)
def test_what_keeps_groups_from_being_told_is_noted(
    tmp_path: Path, more: dict[str, Any], note: TeamsNote
) -> None:
    with fresh(tmp_path) as store:
        team_sources.put_teams(store, chosen(tmp_path / "data", **more))
        assert TeamsNote.of(store.meta(TEAMS)) == note


def test_a_state_that_cannot_be_read_stops_no_sync_and_moves_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = chosen(tmp_path / "data")
    state_files.login_groups(now).note("ada", ["ops"], MAY)
    unusable = broken(tmp_path / "broken")
    with fresh(tmp_path) as store:
        people(store, {ADA: "ada"})
        for before, after in (("none", []), ("login", [("ada", "ops")])):
            team_sources.put_teams(store, now.model_copy(update={"teams_from": before}))
            with monkeypatch.context() as patched:
                patched.setattr(state_files, "state_database", lambda _: unusable)
                team_sources.put_teams(store, now)
                sync_steps.prune(store, now.model_copy(update={"rows_days": 9}), MAY)
            assert store.rows(FOUND) == after
        assert TeamsNote.of(store.meta(TEAMS)) == TeamsNote("login", 1, people=1)


def test_what_ended_before_the_oldest_rows_goes_with_them(tmp_path: Path) -> None:
    now = chosen(tmp_path / "data", rows_days=30)
    groups = state_files.login_groups(now)
    groups.note("ada", ["a"], MAY)
    groups.note("ada", ["b"], MAY + DAY)
    with fresh(tmp_path) as store:
        for days, left in ((30, 2), (31, 1), (99, 1)):
            sync_steps.prune(store, now, MAY + days * DAY)
            assert len(groups.readings()) == left


COMING = """
from bridgeboard.ui import login
import streamlit as st
reader = login.admitted()
st.text(reader.viewer.name if reader else "out")
"""


def login_settings(folder: Path, **more: Any) -> Settings:
    """The settings of a dashboard with a login."""
    table = Login.model_construct(metadata_url="https://login.example.com")
    now = chosen(folder, proxy=Proxy(), roles={"analyst": ["analysts"]}, **more)
    return now.model_copy(update={"login": table})


def visitor(at: float, *groups: str) -> AppTest:
    test = AppTest.from_string(COMING, default_timeout=60)
    claims = {"sub": "1", "email": "ada@example.com", "preferred_username": "Ada"}
    test.user = {"is_logged_in": True, "iat": at, "groups": ["analysts", *groups], **claims}
    return test


def test_who_comes_in_by_a_login_is_noted_as_of_its_beginning_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = login_settings(tmp_path / "data")
    monkeypatch.setattr(settings, "_installed", now)
    groups = state_files.login_groups(now)
    began_at = float(int(time.time())) - 600
    test = visitor(began_at, "ops")
    assert [one.value for one in test.run().text][-1:] == ["ada@example.com"]
    begun = datetime.fromtimestamp(began_at, UTC)
    assert kept(groups) == [told(begun, "analysts", "ops")]
    groups.forget(["ada"])
    test.run()
    assert kept(groups) == []  # nothing is asked again in this session
    monkeypatch.setattr(settings, "_installed", login_settings(tmp_path / "no", teams_from="none"))
    visitor(began_at, "ops").run()
    assert state_files.login_groups(settings.current()).readings() == []


def test_nobody_who_is_refused_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = login_settings(tmp_path / "data")
    monkeypatch.setattr(settings, "_installed", now)
    test = visitor(time.time() - 60)
    test.user["groups"] = ["others"]
    assert [one.value for one in test.run().text][-1:] == ["out"]
    assert state_files.login_groups(now).readings() == []


def test_groups_that_cannot_be_kept_keep_nobody_out_and_are_logged_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = login_settings(tmp_path / "data")
    monkeypatch.setattr(settings, "_installed", now)
    unusable = LoginGroups(broken(tmp_path / "broken"))
    monkeypatch.setattr(state_files, "login_groups", lambda _: unusable)
    test = visitor(time.time() - 60, "ops")
    with caplog.at_level(logging.WARNING, "bridgeboard.ui.login_groups"):
        for _ in range(2):
            assert [one.value for one in test.run().text][-1:] == ["ada@example.com"]
    warnings = [one for one in caplog.records if one.name == "bridgeboard.ui.login_groups"]
    assert len(warnings) == 1
    assert not test.exception


@pytest.mark.slow
def test_who_comes_by_a_proxy_is_in_the_team_of_their_group_and_seen_by_its_lead(
    running: Running, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    assert run("sync", running=running, folder=data).exit_code == 0
    with store_in(data) as store:
        ((who, id_),) = store.rows(
            "SELECT username, i.id::VARCHAR FROM initiators i JOIN usage USING (initiator)"
            " GROUP BY ALL ORDER BY count(*) DESC LIMIT 1"
        )
    file = tmp_path / "bridgeboard.toml"
    file.write_text(
        'teams_from = "login"\nteam_groups = "crew"\n[proxy]\naddresses = ["127.0.0.1"]\n'
        '[roles]\nviewer = ["everybody"]\n[leads]\n"lead@example.com" = ["crew"]\n'
    )
    file.chmod(0o600)
    given = {
        "BRIDGEBOARD_SETTINGS": str(file),
        "BRIDGEBOARD_DATA": str(data),
        "CODER_URL": running.url,
        "CODER_SESSION_TOKEN": running.tokens["owner"],
    }
    theirs = {
        "X-Forwarded-User": "17",
        "X-Forwarded-Preferred-Username": who.upper(),
        "X-Forwarded-Groups": "everybody,Crew",
    }
    lead = {"X-Forwarded-User": "1", "X-Forwarded-Email": "lead@example.com"}
    with dashboard("serve", **given) as address:
        await_sync(address)
        with visit(address, headers=theirs) as reader:
            assert not reader.screen.exceptions
        with visit(address, headers=lead) as reader:
            assert not reader.screen.exceptions
    held = state_files.login_groups(Settings.model_validate({"data_folder": str(data)})).readings()
    assert [(one.username, one.groups) for one in held] == [(who, ("Crew", "everybody"))]
    said = run("check", running=running, folder=data, BRIDGEBOARD_SETTINGS=str(file))
    assert "1 team from the groups that logins told of 1 person" in " ".join(said.output.split())
    with store_in(data) as store, store.snapshot(RowAccess.of_teams("Crew")) as reader_:
        assert reader_.rows("SELECT DISTINCT id::VARCHAR FROM initiators") == [(id_,)]
        ((seen,),) = reader_.rows("SELECT count(*) FROM usage")
        ((every,),) = store.rows(
            "SELECT count(*) FROM usage JOIN initiators i USING (initiator) WHERE i.id = ?::UUID",
            [id_],
        )
        assert seen == every > 0
