"""Coder's groups as a sync reads them: who was in which when, what is believed, what it costs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest
from aibridge_wire import answer, uuid
from stores import fresh

from aibridge import Client
from bridgeboard.model.coder_groups import Group, Stay
from bridgeboard.store import (
    Store,
    backups,
    coder_groups,
    erasure,
    erasure_list,
    person_lookup,
    personal,
)
from bridgeboard.store.person_lookup import Somebody
from bridgeboard.sync import groups as group_sync
from bridgeboard.sync.group_history import continued, known_groups, main_groups

NOON = datetime(2026, 11, 30, 12, tzinfo=UTC)
TODAY = NOON.replace(hour=0)
ADA, BOB, CAT = (uuid(number) for number in (1, 2, 3))
NAMES = {ADA: "ada", BOB: "bob", CAT: "cat"}
ORG, ENG, OPS = (uuid(number) for number in (20, 21, 22))
NO_ROUTE = answer({"message": "Route not found."}, 404)
UNSEEN = answer({"message": "Resource not found or you do not have access to this resource"}, 404)
UNLICENSED = answer({"message": "Template RBAC is a Premium feature. Contact sales!"}, 403)
MONTH = {"period_start": "2026-11-01T00:00:00Z", "period_end": "2026-12-01T00:00:00Z"}


class Coder:
    """A deployment with groups, which answers by path; what it does not have is no route."""

    def __init__(self) -> None:
        self.groups: dict[str, tuple[str, list[str]]] = {
            ORG: ("Everyone", [ADA, BOB, CAT]),
            ENG: ("eng", [ADA, BOB]),
            OPS: ("ops", [BOB]),
        }
        self.hidden: set[str] = set()
        self.limits: dict[str, int] = {}
        self.spend: dict[tuple[str, str], int] | None = None
        self.overrides: dict[str, tuple[str, int]] = {}
        self.broken: dict[str, httpx.Response] = {}
        self.asked: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/v2/")
        self.asked.append(path)
        if path in self.broken:
            said = self.broken[path]
            return httpx.Response(said.status_code, headers=said.headers, content=said.content)
        named = parse_qs(request.url.query.decode())
        ids = {
            id_ for name in ("group_ids", "user_ids") for id_ in named.get(name, [""])[0].split(",")
        }
        parts = path.split("/")
        if path in {"organizations", "groups"}:
            organization = {"id": ORG, "name": "coder", "is_default": True}
            groups = [self._group(id_) for id_ in self.groups]
            return answer(groups if path == "groups" else [organization])
        if parts[2:] == ["ai", "budget"]:
            return self._budget(parts[1])
        if self.spend is not None and path == f"organizations/{ORG}/groups/ai/spend":
            return answer(
                MONTH | {"groups": [self._spent(id_) for id_ in self.groups if id_ in ids]}
            )
        if self.spend is not None and parts[2:] == ["members", "ai", "spend"]:
            members = [id_ for id_ in self.groups[parts[1]][1] if id_ in ids]
            return answer(MONTH | {"members": [self._member(parts[1], id_) for id_ in members]})
        return httpx.Response(404, headers=NO_ROUTE.headers, content=NO_ROUTE.content)

    def _group(self, id_: str) -> dict[str, Any]:
        name, members = self.groups[id_]
        seen = [member for member in members if member not in self.hidden]
        return {
            "id": id_,
            "name": name,
            "display_name": "",
            "organization_id": ORG,
            "organization_name": "coder",
            "members": [{"id": member, "username": NAMES[member]} for member in seen],
            "total_member_count": len(members),
            "source": "user",
        }

    def _budget(self, id_: str) -> httpx.Response:
        if id_ not in self.limits:
            return httpx.Response(404, headers=UNSEEN.headers, content=UNSEEN.content)
        at = "2026-11-01T00:00:00Z"
        limit = {"group_id": id_, "spend_limit_micros": self.limits[id_]}
        return answer(limit | {"created_at": at, "updated_at": at})

    def _spent(self, id_: str) -> dict[str, Any]:
        assert self.spend is not None
        spent = sum(micros for (group, _), micros in self.spend.items() if group == id_)
        limit = self.limits.get(id_)
        return {"group_id": id_, "spend_limit_micros": limit, "current_spend_micros": spent}

    def _member(self, group: str, person: str) -> dict[str, Any]:
        assert self.spend is not None
        home, limit = self.overrides.get(person, (ENG, self.limits.get(ENG)))
        source = "user_override" if person in self.overrides else "group"
        budget = {"spend_limit_micros": limit, "limit_source": source}
        return {
            "user_id": person,
            "effective_group_id": home,
            "group_budget": budget if home == group and limit is not None else None,
            "group_spend_micros": self.spend.get((group, person), 0),
        }


@pytest.fixture
def coder() -> Coder:
    return Coder()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with fresh(tmp_path) as opened:
        yield opened


def read(coder: Coder, store: Store, now: datetime = NOON) -> None:
    transport = httpx.MockTransport(coder)
    with Client("http://coder", "token", transport=transport, retry=None) as client:
        group_sync.learn(client, store, now)


def members(store: Store) -> set[Stay]:
    return set(coder_groups.stays(store, "coder_members"))


def test_the_first_whole_reading_holds_from_always_and_lists_nobody_of_everyone(
    coder: Coder, store: Store
) -> None:
    read(coder, store)
    assert members(store) == {Stay(ADA, ENG), Stay(BOB, ENG), Stay(BOB, OPS)}
    last = coder_groups.last_reading(store)
    assert (last.complete_at, last.problem("groups")) == (NOON, "")
    assert last.problems == {"spend": "too_old"}
    assert [(one.name, one.members) for one in coder_groups.groups(store)] == [
        ("Everyone", 3),
        ("eng", 2),
        ("ops", 1),
    ]


def test_later_changes_count_from_their_day(coder: Coder, store: Store) -> None:
    read(coder, store, NOON - timedelta(days=9))
    coder.groups[ENG] = ("engineering", [BOB])
    coder.groups[OPS] = ("ops", [ADA, BOB])
    read(coder, store)
    assert members(store) == {
        Stay(ADA, ENG, None, TODAY),
        Stay(ADA, OPS, TODAY),
        Stay(BOB, ENG),
        Stay(BOB, OPS),
    }
    (renamed,) = [one for one in coder_groups.groups(store) if one.id == ENG]
    assert (renamed.name, renamed.former) == ("engineering", ("eng",))


def test_a_group_that_is_gone_ends_and_keeps_its_name(coder: Coder, store: Store) -> None:
    read(coder, store, NOON - timedelta(days=9))
    del coder.groups[OPS]
    read(coder, store)
    assert Stay(BOB, OPS, None, TODAY) in members(store)
    assert [one.gone_at for one in coder_groups.groups(store)] == [None, None, NOON]


@pytest.mark.parametrize("how", ["fewer members", "no group", "own groups only", "not JSON", "403"])
def test_what_was_read_in_part_ends_nothing(coder: Coder, store: Store, how: str) -> None:
    read(coder, store, NOON - timedelta(days=9))
    before = members(store)
    match how:
        case "fewer members":
            coder.hidden = {BOB}
            coder.groups[OPS] = ("ops", [BOB, CAT])
        case "no group":
            coder.groups = {}
        case "own groups only":
            coder.hidden = {ADA, BOB}
            del coder.groups[OPS]
        case "not JSON":
            coder.broken["groups"] = httpx.Response(200, content=b'[{"id": "')
        case _:
            coder.broken["groups"] = UNLICENSED
    read(coder, store)
    assert members(store) - {Stay(CAT, OPS, TODAY)} == before
    assert all(one.gone_at is None for one in coder_groups.groups(store))
    last = coder_groups.last_reading(store)
    said = {"not JSON": "failed", "403": "unlicensed"}.get(how, "partial")
    assert (last.problem("groups"), last.complete_at) == (said, NOON - timedelta(days=9))


def test_until_a_reading_was_whole_everything_holds_from_always(coder: Coder, store: Store) -> None:
    coder.hidden = {BOB}
    read(coder, store, NOON - timedelta(days=1))
    assert members(store) == {Stay(ADA, ENG)}
    coder.hidden = set()
    read(coder, store)
    assert members(store) == {Stay(ADA, ENG), Stay(BOB, ENG), Stay(BOB, OPS)}


def test_it_is_asked_once_an_hour_and_sooner_after_a_failure(coder: Coder, store: Store) -> None:
    tried = []
    for minutes in (0, 54, 56, 60, 66):
        if minutes == 56:
            coder.broken["groups"] = httpx.Response(200, content=b"[")
        read(coder, store, NOON + timedelta(minutes=minutes))
        tried.append(coder_groups.last_reading(store).tried_at)
    after = [at and at - NOON for at in tried]
    assert after == [timedelta(minutes=each) for each in (0, 0, 56, 56, 66)]


def test_budgets_and_spend_of_the_month_are_kept_as_last_read(coder: Coder, store: Store) -> None:
    coder.limits = {ENG: 20_000_000, OPS: 0, ORG: 5}
    coder.overrides = {BOB: (OPS, 7_000_000)}
    for spent in (1, 8_000_000):
        coder.spend = {(OPS, BOB): spent, (ENG, ADA): 3, (ORG, CAT): 11, (ENG, uuid(9)): 4}
        read(coder, store, NOON + timedelta(days=spent == 1 and -1))
    groups = store.rows(
        "SELECT coder_group::VARCHAR, limit_micros, spend_micros FROM coder_group_spend ORDER BY 1"
    )
    assert groups == [(ORG, 5, 11), (ENG, 20_000_000, 7), (OPS, 0, 8_000_000)]
    rows = store.rows(
        "SELECT month, coder_group::VARCHAR, username, limit_micros, limit_source, spend_micros"
        " FROM coder_member_spend ORDER BY 2, 3"
    )
    month = date(2026, 11, 1)
    assert rows == [
        (month, ORG, "cat", None, None, 11),
        (month, ENG, "ada", 20_000_000, "group", 3),
        (month, ENG, "bob", None, None, 0),
        (month, OPS, "bob", 7_000_000, "user_override", 8_000_000),
    ]
    # Whose budget is set by which group, of groups that are teams.
    main = coder_groups.stays(store, "coder_main_groups")
    assert main == [Stay(ADA, ENG), Stay(BOB, OPS)]
    assert coder_groups.last_reading(store).problems == {}


def test_servers_without_spend_tell_limits(coder: Coder, store: Store) -> None:
    coder.limits = {ENG: 1, OPS: 2}
    read(coder, store)
    rows = store.rows("SELECT limit_micros, spend_micros FROM coder_group_spend ORDER BY 1")
    assert rows == [(1, None), (2, None), (None, None)]
    assert Stay(BOB, OPS) in coder_groups.stays(store, "coder_main_groups")


def test_an_erased_person_does_not_come_back(coder: Coder, store: Store) -> None:
    coder.spend = {(ENG, ADA): 3}
    with store.write() as batch:
        batch.execute(
            "INSERT INTO initiators (initiator, id, username, name) VALUES (1, ?, 'ada', '')",
            [ADA],
        )
        erasure.erase(batch, Somebody(1, ADA, "ada", ""), has_numbers=True, now=NOON)
    read(coder, store)
    assert {stay.person for stay in members(store)} == {BOB}
    assert store.rows("SELECT DISTINCT username FROM coder_member_spend") == [("bob",)]


def rows_of(store: Store, person: str) -> int:
    tables = ("coder_members", "coder_main_groups", "coder_member_spend")
    counts = (
        store.rows(f"SELECT count(*) FROM {table} WHERE person = ?::UUID", [person])[0][0]
        for table in tables
    )
    return sum(counts)


@pytest.mark.parametrize("is_told_spend", [True, False])
@pytest.mark.parametrize("has_numbers", [True, False])
def test_whoever_is_only_a_member_of_a_group_is_erased_for_good(
    coder: Coder, store: Store, tmp_path: Path, *, is_told_spend: bool, has_numbers: bool
) -> None:
    coder.limits = {ENG: 20_000_000, OPS: 5}
    if is_told_spend:
        coder.spend = {(ENG, ADA): 3, (OPS, BOB): 1}
    read(coder, store)
    assert not store.rows("SELECT 1 FROM initiators")
    (who,) = person_lookup.people_called(store, f" {ADA.upper()} ")
    assert (who.key, who.id, who.username) == (None, ADA, "ada" if is_told_spend else "")
    assert person_lookup.people_called(store, "Ada") == [who] * is_told_spend
    assert not person_lookup.people_called(store, "")
    held = personal.export(store, who, tmp_path / "out")
    assert rows_of(store, ADA) == sum(held.values()) > 0
    others = rows_of(store, BOB)
    backups.backup(store, tmp_path / "backup", now=NOON)
    assert list(personal.backups_with([tmp_path], who)) == [tmp_path / "backup"]
    with store.write() as batch:
        erasure.erase(batch, who, has_numbers=has_numbers, now=NOON)
        erasure_list.write(batch, [tmp_path / "erased.json"])
    read(coder, store, NOON + timedelta(hours=2))
    assert (rows_of(store, ADA), rows_of(store, BOB)) == (0, others)
    assert not person_lookup.people_called(store, ADA)
    assert not person_lookup.people_called(store, "ada")
    # Nor does a store that a backup brought back keep them.
    with fresh(tmp_path / "older") as older:
        read(coder, older)
        assert erasure_list.apply(older, [tmp_path / "erased.json"]).people == (who,)
        assert (rows_of(older, ADA), rows_of(older, BOB)) == (0, others)


def test_a_name_that_only_coder_told_means_the_person_who_used_the_bridge(
    coder: Coder, store: Store
) -> None:
    coder.spend = {(ENG, ADA): 3}
    read(coder, store)
    with store.write() as batch:
        batch.execute(
            "INSERT INTO initiators (initiator, id, username, name) VALUES (1, ?, 'lovelace', 'L')",
            [ADA],
        )
    (who,) = person_lookup.people_called(store, "ADA")
    assert who == Somebody(1, ADA, "lovelace", "L", ("ada",))
    assert person_lookup.people_called(store, "lovelace") == [who]


def history(*before: Stay, here: set[tuple[str, str]], day: datetime | None = TODAY) -> list[Stay]:
    return continued(before, here, day=day, ends=lambda _stay: True)


def test_what_ends_on_the_day_it_began_was_never_there_and_a_return_within_a_day_goes_on() -> None:
    assert history(Stay(ADA, ENG, TODAY), here=set()) == []
    assert history(Stay(ADA, ENG, None, TODAY), here={(ADA, ENG)}) == [Stay(ADA, ENG)]
    earlier = TODAY - timedelta(days=3)
    assert history(Stay(ADA, ENG, None, earlier), here={(ADA, ENG)}) == [
        Stay(ADA, ENG, None, earlier),
        Stay(ADA, ENG, TODAY),
    ]


def test_main_groups_follow_the_server_then_the_highest_limit() -> None:
    here = {(ADA, ENG), (ADA, OPS), (BOB, ENG), (CAT, OPS)}
    limits = {ENG: 5, OPS: 5}
    assert main_groups(here, limits, {ADA: OPS, BOB: ORG}) == {(ADA, OPS), (BOB, ENG), (CAT, OPS)}
    assert (ADA, ENG) in main_groups(here, limits, {})
    assert main_groups(here, {}, {}) == set()


def test_a_group_that_comes_back_is_not_gone() -> None:
    group = Group(ENG, ORG, "coder", "eng")
    gone = replace(group, gone_at=NOON)
    assert known_groups([gone], [group], gone=(), now=NOON) == [group]
