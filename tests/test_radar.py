"""What the radar tells of whole worlds: what was planted, and hardly anything of a quiet one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import demo_store
import pytest
from demo_store import PLANTED_END as END

from bridgeboard.access import Pseudonyms, RowAccess
from bridgeboard.analysis.radar.finding import KINDS, SEVERITIES, Finding, is_about_person
from bridgeboard.analysis.radar.sweep import sweep
from bridgeboard.demo.world import World, make
from bridgeboard.model.radar_limits import DOLLAR, Limits, RateLimits, SessionLimits, SpendLimits
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select
from bridgeboard.store import Store

BUSY = "runaway", "spend_spike", "cache_collapse", "failing_tool", "provider_outage"


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, World]]:
    store, world = demo_store.planted(tmp_path_factory.mktemp("radar") / "store.duckdb")
    with store:
        yield store, world


@pytest.fixture(scope="module")
def world(planted: tuple[Store, World]) -> World:
    return planted[1]


@pytest.fixture(scope="module")
def store(planted: tuple[Store, World]) -> Store:
    return planted[0]


@pytest.fixture(scope="module")
def scope(world: World) -> Scope:
    return Scope(world.start, world.end)


@pytest.fixture(scope="module")
def findings(store: Store, scope: Scope) -> tuple[Finding, ...]:
    return swept(store, scope)


def swept(store: Store, scope: Scope) -> tuple[Finding, ...]:
    with store.snapshot() as reader:
        return sweep(reader, scope, now=END)


def people(world: World) -> dict[str, str]:
    return {person.id: person.username for person in world.tables.people}


@pytest.mark.parametrize("kind", BUSY)
def test_what_was_planted_is_found(world: World, findings: tuple[Finding, ...], kind: str) -> None:
    incidents = [one for one in world.incidents if one.kind == kind]
    assert incidents
    assert all(demo_store.found(one, findings, people(world)) for one in incidents)


def test_one_cause_is_told_once(world: World, findings: tuple[Finding, ...]) -> None:
    for incident in world.incidents:
        if incident.kind in {"runaway", "spend_spike"}:
            grave = [
                one
                for one in findings
                if demo_store.is_about(one, incident, people(world)) and one.severity == "high"
            ]
            assert len([one for one in grave if one.kind == incident.kind]) == 1
            assert all(one.explains for one in grave if one.kind == incident.kind)


def test_money_is_a_lower_bound_where_some_tokens_have_no_price(
    store: Store, scope: Scope, findings: tuple[Finding, ...]
) -> None:
    kinds = {"runaway", "spend_spike", "new_model"}
    known = {one.key: one for one in findings if one.kind in kinds}
    try:
        with store.write() as batch:
            batch.execute("UPDATE usage SET priced_tokens = priced_tokens - 1 WHERE output > 0")
        bounds = {one.key: one for one in swept(store, scope) if one.kind in kinds}
    finally:
        with store.write() as batch:
            batch.execute("UPDATE usage SET priced_tokens = priced_tokens + 1 WHERE output > 0")
    assert {key: one.severity for key, one in bounds.items()} == {
        key: one.severity for key, one in known.items()
    }
    assert {one.kind for one in bounds.values()} >= {"runaway", "spend_spike"}
    for key, one in bounds.items():
        assert "at least $" in one.reason
        assert "at least $" not in known[key].reason


@pytest.mark.slow
def test_a_quiet_quarter_has_nothing_grave(tmp_path: Path) -> None:
    quiet = make(demo_store.PLANTED_SEED, end=END, quiet=True)
    with demo_store.filled(tmp_path / "quiet.duckdb", quiet) as filled:
        told = swept(filled, Scope(quiet.start, quiet.end))
    assert [one.reason for one in told if one.severity != "low"] == []
    assert len([one for one in told if one.kind != "unpriced"]) <= 2


def test_findings_are_sorted_named_and_within_the_period(
    findings: tuple[Finding, ...], scope: Scope
) -> None:
    assert [SEVERITIES.index(one.severity) for one in findings] == sorted(
        SEVERITIES.index(one.severity) for one in findings
    )
    for one in findings:
        assert one.kind in KINDS
        assert one.first_at < scope.until
        assert one.last_at >= scope.since
        assert one.first_at.tzinfo is not None
        assert one.reason.endswith(".")
        assert one.subject.name
    assert len({one.key for one in findings}) == len(findings)


def test_a_finding_is_the_same_whatever_people_are_called_and_its_key_names_nobody(
    store: Store, scope: Scope, findings: tuple[Finding, ...]
) -> None:
    # So long a period, and so little that is worth telling, that each kind is among them.
    limits = Limits(SessionLimits(), SpendLimits(excess=DOLLAR, low=0, mad_least=1), RateLimits())
    access = RowAccess(pseudonyms=Pseudonyms.of_key("k" * 32))
    with store.snapshot() as reader, store.snapshot(access) as renamed:
        real, other = (sweep(one, scope, now=END, limits=limits) for one in (reader, renamed))
        people = reader.rows("SELECT initiator, id::VARCHAR, username, name FROM initiators")
        known = renamed.rows("SELECT initiator, id::VARCHAR, username, name FROM initiators")
    about = [one for one in real if one.subject.about == "initiator" or one.subject.session]
    assert {"runaway", "spend_spike"} <= {one.kind for one in about}
    assert {one.key for one in real} == {one.key for one in other}
    words = {word for _, *row in [*people, *known] for word in row if word}
    assert not [one.key for one in real for word in words if word in one.key]
    numbers = {name: number for number, _, name, _ in people}
    for one in about:
        person = one.subject.session.person if one.subject.session else one.subject.name
        own = [number for number in numbers.values() if is_about_person(one.key, number)]
        assert own == [numbers[person]]
    assert not any(is_about_person(one.key, 1) for one in findings if one not in about)


def test_a_shorter_period_tells_the_same_things_under_the_same_keys(
    world: World, store: Store, scope: Scope, findings: tuple[Finding, ...]
) -> None:
    spike = next(one for one in world.incidents if one.kind == "spend_spike")
    cut = replace(scope, since=spike.started_at + timedelta(days=1), until=spike.ended_at)
    long = [one for one in findings if one.kind == "spend_spike" and one.severity == "high"]
    short = [one for one in swept(store, cut) if one.kind == "spend_spike"]
    assert {one.key for one in long} <= {one.key for one in short}
    assert all(one.kind != "runaway" for one in swept(store, cut))


def test_filters_narrow_what_is_told(world: World, store: Store, scope: Scope) -> None:
    runaway = next(one for one in world.incidents if one.kind == "runaway")
    own = swept(store, scope.only("initiator", runaway.subject))
    assert demo_store.found(runaway, own, people(world))
    assert {one.subject.session.person for one in own if one.subject.session} == {runaway.subject}
    assert all(one.kind != "data_gap" for one in own)
    others = swept(store, scope.without("initiator", runaway.subject))
    assert not demo_store.found(runaway, others, people(world))


def test_filters_of_every_kind_can_be_swept(store: Store, scope: Scope) -> None:
    for name, value in (("team", "data"), ("tool", "Bash"), ("server", "Client-side")):
        assert isinstance(swept(store, scope.only(name, value)), tuple)
    assert swept(store, scope.only("client", "no such client")) == ()


def test_the_evidence_shows_what_is_told(store: Store, findings: tuple[Finding, ...]) -> None:
    for one in findings:
        within = one.evidence.scope
        assert within.since < within.until
        if one.kind in {"spend_spike", "new_model"}:
            from_metrics = spent(store, within)
            assert from_metrics == one.numbers["spent_cost"]


def spent(store: Store, scope: Scope) -> int:
    return int(store.rows(*select(("spend",), (), scope))[0][0])


def test_an_empty_store_has_no_findings(tmp_path: Path, scope: Scope) -> None:
    with Store.open(tmp_path / "empty.duckdb") as empty:
        assert swept(empty, scope) == ()
        assert swept(empty, replace(scope, until=scope.since)) == ()
        assert swept(empty, scope.only("team", "data")) == ()


def test_a_period_that_has_not_begun_has_no_findings(store: Store) -> None:
    assert swept(store, Scope(END + timedelta(days=1), END + timedelta(days=2))) == ()
