"""Sums of groups stay as they were shown, whatever happens to the store between two looks."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest
import random_companies
from random_companies import BEGAN, MOST, OVER, SYNCED, Crowd, crowd
from slow_cases import one_fast

from bridgeboard import pricing, store, sync
from bridgeboard.access import RowAccess
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import Book
from bridgeboard.queries.metric_query import select
from bridgeboard.store import Store, erasure, group_blocks, person_lookup
from bridgeboard.store.people import put_memberships
from bridgeboard.store.row_relations import DECIDED
from bridgeboard.teams import Membership

FLOOR = 3
TABLES = [name for name, decided in DECIDED.items() if decided.owner == "groups"]
NOW = OVER + timedelta(days=3)
Row = dict[str, Any]
Change = Callable[[Store, Crowd, Path], Store]
"""Something that happens to a store, and the store afterwards."""


def seen(held: Store, floor: int = FLOOR) -> set[int]:
    """Every sum that can be had now, but for those that are sums of these."""
    number, whole = METRICS["input_tokens"], Scope(BEGAN, BEGAN + timedelta(days=60))
    names = [name for name, one in DIMENSIONS.items() if not one.time and number.splits(one)]
    splits = [(), ("day",), *((name,) for name in names), *(("day", name) for name in names)]
    with held.snapshot(RowAccess.of_groups(floor)) as reader:
        rows = [row for by in splits for row in reader.rows(*select(("input_tokens",), by, whole))]
    return {int(row[-1] or 0) for row in rows} - {0}


def people(held: Store) -> int:
    with held.snapshot(RowAccess.of_groups(FLOOR)) as reader:
        query = select(("active_people",), (), Scope(BEGAN, OVER))
        return int(reader.rows(*query)[0][0])


def partly(seed: int) -> tuple[Crowd, list[Row]]:
    """A company that was read, all but for some requests, which arrive later."""
    whole = crowd(seed)
    dice = Random(seed)  # noqa: S311 - a seed of a test
    is_late = [dice.random() < 0.25 for _ in whole.owners]
    usage = list(zip(whole.rows["usage"], is_late, strict=True))
    early = [row for row, late in usage if not late]
    return Crowd({**whole.rows, "usage": early}, whole.owners), [row for row, late in usage if late]


def edited(held: Store, told: Crowd, _folder: Path) -> Store:
    """One person is in another team, and always was."""
    teams = {row["username"]: row["team"] for row in told.rows["memberships"]}
    moved = min(teams)
    teams[moved] = next(each for each in sorted(set(teams.values())) if each != teams[moved])
    put_memberships(held, [Membership(name, team) for name, team in teams.items()])
    return held


def two_teams() -> Crowd:
    """Four people in one team, three in another; all do the same."""
    row = crowd(0).rows["usage"][0]
    people = range(1, 8)
    usage = [{**row, "usage": one, "initiator": one, "input": 1 << one} for one in people]
    members = [
        {
            "username": f"person{one}",
            "team": "Sales" if one < 5 else "Search",
            "valid_from": random_companies.LONG_AGO,
            "valid_to": random_companies.LONG_AFTER,
        }
        for one in people
    ]
    names = [
        {"initiator": one, "id": random_companies._id(one), "username": f"Person{one}", "name": ""}
        for one in people
    ]
    rows = {"usage": usage, "memberships": members, "initiators": names, "runs": [SYNCED]}
    return Crowd(rows, (0, *people))


def late(held: Store, told: Crowd, _folder: Path) -> Store:
    """Requests are read that are older than what was shown."""
    known = {row["usage"] for row in told.rows["usage"]}
    whole = next(each for each in map(crowd, range(8)) if each.owners == told.owners)
    random_companies.put(
        held, {"usage": [row for row in whole.rows["usage"] if row["usage"] not in known]}
    )
    return held


def pruned(held: Store, _told: Crowd, _folder: Path) -> Store:
    """What is older than the middle of the third day is deleted."""
    limit = BEGAN + timedelta(days=2, hours=13)
    store.prune(held, text_days=None, rows_days=90, now=limit + timedelta(days=90))
    return held


def restarted(held: Store, _told: Crowd, _folder: Path) -> Store:
    held.close()
    return Store.open(held.path, threads=1)


def repriced(held: Store, _told: Crowd, _folder: Path) -> Store:
    sync.reprice(held, Book(pricing.parse("[[price]]\nmultiplier = 3\n")), NOW)
    return held


def restored(held: Store, _told: Crowd, folder: Path) -> Store:
    """The store is gone; another is made of a backup and reads again what the server has."""
    store.backup(held, folder / "kept", now=NOW)
    held.close()
    store.restore(folder / "kept", folder / "again.duckdb", now=NOW)
    return Store.open(folder / "again.duckdb", threads=1)


def erased(held: Store, told: Crowd, _folder: Path) -> Store:
    """One person's rows are deleted everywhere."""
    ids = held.rows("SELECT id::VARCHAR FROM initiators WHERE initiator = ?", [told.owners[0]])
    ((id_,),) = ids
    (someone,) = person_lookup.people_called(held, id_)
    with held.write() as batch:
        erasure.erase(batch, someone, has_numbers=False, now=NOW)
    return held


CHANGES = (edited, late, pruned, restarted, repriced, restored, erased)


def played(
    tmp_path: Path, seed: int, changes: tuple[Change, ...], floor: int = FLOOR
) -> Iterator[set[int]]:
    """What is seen before, between and after some changes, with a sync a day after each."""
    told, _ = partly(seed)
    held = told.store(tmp_path / "store.duckdb")
    try:
        yield seen(held, floor)
        for number, change in enumerate(changes, 2):
            (folder := tmp_path / f"step-{number}").mkdir()
            held = change(held, told, folder)
            yield seen(held, floor)
            began_at = SYNCED["began_at"] + timedelta(days=number)
            random_companies.put(held, {"runs": [{**SYNCED, "run": number, "began_at": began_at}]})
            yield seen(held, floor)
    finally:
        held.close()


@pytest.mark.parametrize("change", CHANGES, ids=lambda one: one.__name__)
@pytest.mark.parametrize("seed", one_fast(range(2)))
def test_no_combination_of_answers_before_and_after_a_change_tells_of_fewer_people(
    tmp_path: Path, seed: int, change: Change
) -> None:
    answers = list(played(tmp_path, seed, (change,)))
    assert answers[0]
    assert random_companies.exposed(set().union(*answers), crowd(seed).owners, FLOOR) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
def test_nor_do_all_changes_one_after_another(tmp_path: Path, seed: int) -> None:
    changes = list(CHANGES)
    Random(seed).shuffle(changes)  # noqa: S311 - likewise
    answers = list(played(tmp_path, seed, tuple(changes)))
    assert random_companies.exposed(set().union(*answers), crowd(seed).owners, FLOOR) == []


@pytest.mark.parametrize(
    "change", one_fast([edited, late, pruned, erased], fast=erased), ids=lambda one: one.__name__
)
def test_each_of_these_would_tell_of_single_people_if_blocks_were_summed_anew(
    tmp_path: Path, change: Change, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the proofs above rest on: without blocks that stay they fail."""

    def anew(held: Store) -> None:
        with held.write() as batch:
            for table in TABLES:
                batch.execute(f"DELETE FROM {table}")
            batch.execute("DELETE FROM meta WHERE name = ?", [group_blocks.SINCE])
        held._limited.blocks._done.clear()

    monkeypatch.setattr(group_blocks, "anonymize", lambda *_: None)
    for seed in range(8):
        told = two_teams() if change is edited else partly(seed)[0]
        (folder := tmp_path / str(seed)).mkdir()
        with told.store(folder / "store.duckdb") as held:
            before = seen(held)
            anew(change(held, told, folder))
            if random_companies.exposed(before | seen(held), told.owners, FLOOR):
                return
    pytest.fail(f"Nobody was exposed by {change.__name__}.")


def test_a_block_goes_only_as_a_whole_and_its_days_do_not_come_back(tmp_path: Path) -> None:
    told = crowd(1)
    with told.store(tmp_path / "store.duckdb") as held:
        before = requests_by_day(held)
        pruned(held, told, tmp_path)
        after = requests_by_day(held)
        assert 0 < len(after) < len(before)
        assert after.items() <= before.items()
        random_companies.put(held, {"usage": told.rows["usage"], "runs": [later(2)]})
        assert requests_by_day(held) == after


def test_a_store_made_of_a_backup_shows_no_day_that_was_shown_since(tmp_path: Path) -> None:
    """The backup is older than the second day's block; both stores read the same day."""
    row = crowd(0).rows["usage"][0]
    usage = [
        {**row, "usage": 10 * day + person, "initiator": person, "started_at": noon(day)}
        for day in range(8)
        for person in (1, 2, 3)
    ]
    first = {**SYNCED, "began_at": noon(2)}
    with Crowd({"usage": usage[:3], "runs": [first]}, ()).store(tmp_path / "a.duckdb") as held:
        assert len(requests_by_day(held)) == 1
        store.backup(held, tmp_path / "kept", now=BEGAN + timedelta(days=2))
        random_companies.put(held, {"usage": usage[3:], "runs": [later(2, noon(6))]})
        assert len(requests_by_day(held)) == 5
    store.restore(tmp_path / "kept", tmp_path / "b.duckdb", now=BEGAN + timedelta(days=6))
    with Store.open(tmp_path / "b.duckdb", threads=1) as again:
        random_companies.put(again, {"usage": usage[3:], "runs": [later(2, noon(9))]})
        days = [BEGAN.date() + timedelta(days=day) for day in (0, 5, 6, 7)]
        assert list(requests_by_day(again)) == days


def test_what_an_erased_person_did_stays_in_the_sums_and_leads_to_nobody(tmp_path: Path) -> None:
    told = crowd(2)
    with told.store(tmp_path / "store.duckdb") as held:
        before = (requests_by_day(held), people(held))
        erased(held, told, tmp_path)
        assert (requests_by_day(held), people(held)) == before
        for table in TABLES:
            with held.snapshot() as reader:
                names, rows = reader.named(f"FROM {table}")
            if "initiator" in names:
                keys = {row[names.index("initiator")] for row in rows}
                assert told.owners[0] not in keys, table


def test_a_higher_floor_hides_what_was_summed_for_smaller_groups(tmp_path: Path) -> None:
    told = crowd(1)
    with told.store(tmp_path / "store.duckdb") as held:
        assert seen(held, 2)
        assert seen(held, 3) == set()
        more = [{**row, "usage": row["usage"] + 1000, "input": 1} for row in told.rows["usage"]]
        for row in more:
            row["started_at"] += timedelta(days=7)
        random_companies.put(held, {"usage": more, "runs": [later(2, noon(20))]})
        with held.snapshot(RowAccess.of_groups(3)) as reader:
            query = select(("requests",), (), Scope(BEGAN, BEGAN + timedelta(days=30)))
            ((requests,),) = reader.rows(*query)
        assert 0 < requests <= len(more)


def test_sums_are_kept_in_the_file_and_exact_in_a_backup(tmp_path: Path) -> None:
    told = next(each for each in map(crowd, range(50)) if len(each.owners) > MOST - 4)
    with told.store(tmp_path / "store.duckdb") as held:
        before = seen(held)
        assert max(before) > 1 << 53, "No float holds that."
        store.backup(held, tmp_path / "kept", now=NOW)
    store.restore(tmp_path / "kept", tmp_path / "again.duckdb", now=NOW)
    with closing(duckdb.connect(str(tmp_path / "again.duckdb"))) as file:
        file.execute("DELETE FROM usage")
    with Store.open(tmp_path / "again.duckdb", threads=1) as again:
        assert seen(again) == before


def test_days_of_a_store_that_began_anew_are_not_shown_to_groups_again(tmp_path: Path) -> None:
    told = crowd(3)
    with told.store(tmp_path / "store.duckdb") as held:
        before = seen(held)
        store.backup(held, tmp_path / "kept", now=NOW)
    path = tmp_path / "store.duckdb"
    path.write_bytes(path.read_bytes()[:4096])
    done = store.repair(path, [], now=NOW)
    assert done is not None
    with Store.open(path, threads=1) as again:
        random_companies.put(again, {**told.rows, "runs": [later(9)]})
        assert seen(again) == set()
    path.write_bytes(path.read_bytes()[:4096])
    assert store.repair(path, [tmp_path / "kept"], now=NOW + timedelta(hours=1)) is not None
    with Store.open(path, threads=1) as again:
        assert seen(again) == before


def noon(day: int) -> datetime:
    return (BEGAN + timedelta(days=day, hours=12)).replace(tzinfo=None)


def later(number: int, began_at: datetime | None = None) -> Row:
    return {**SYNCED, "run": number, "began_at": began_at or noon(12)}


def requests_by_day(held: Store) -> dict[Any, int]:
    with held.snapshot(RowAccess.of_groups(FLOOR)) as reader:
        scope = Scope(BEGAN, BEGAN + timedelta(days=60))
        return dict(reader.rows(*select(("requests",), ("day",), scope)))
