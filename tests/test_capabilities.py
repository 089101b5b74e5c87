"""What can be known of a deployment: told from its version and the rows that a store really has."""

from collections import Counter
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import demo_sync
import pytest
import truth
from dashboard_store import filled
from facts import facts
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.analysis import coverage, sync_history
from bridgeboard.analysis.capabilities import Capability, Known, capability_lines, short
from bridgeboard.analysis.coverage import FieldCoverage
from bridgeboard.store import Store

TABLES = demo_sync.latest(300)
NOTHING = FieldCoverage(**dict.fromkeys((one.name for one in fields(FieldCoverage)), 0))
BEFORE = Known(NOTHING, "", "", "", 60, 0, None)
counts = st.integers(0, 1_000)


def known(store: Store, **more: object) -> Known:
    (last,) = sync_history.runs(store, 1)
    version, text = store.meta("server_version") or "", store.meta("text") or ""
    first_at = coverage.coverage(store).first_at
    told = Known(coverage.field_coverage(store), version, last.generation, text, 60, 0, first_at)
    return replace(told, **more)  # type: ignore[arg-type]  # fields of Known


def by_name(told: Known) -> dict[str, Capability]:
    found = {one.what: one for one in capability_lines(told)}
    assert len(found) == len(capability_lines(told))
    return found


def here(told: Known) -> dict[str, str]:
    return {name: one.here for name, one in by_name(told).items()}


def test_the_reach_of_a_store_is_what_counting_says(tmp_path: Path) -> None:
    rows, calls, sessions = facts().usage, facts().calls, facts().sessions
    with filled(tmp_path / "store.duckdb") as store:
        told = coverage.field_coverage(store)
    assert told == replace(
        NOTHING,
        usage=len(rows),
        exact=sum(row["grain"] == "interception" for row in rows),
        timed=sum(row["ended_at"] is not None for row in rows),
        named=sum(row["provider_name"] is not None for row in rows),
        keyed=sum(row["credential_kind"] is not None for row in rows),
        calls=sum(row["injected"] for row in calls),
        judged=sum(row["injected"] and row["failed"] is not None for row in calls),
        sessions=len(sessions),
        detailed=sum(row["detailed_at"] is not None for row in sessions),
    )
    assert 0 < told.exact < told.usage
    assert 0 < told.judged < told.calls


def test_a_server_that_lists_requests_tells_nearly_everything(tmp_path: Path) -> None:
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(TABLES, profile="v2.34"), text=True)
        told = known(store)
    finished = truth.finished(TABLES)
    assert told.reach.usage == told.reach.exact == len(finished)
    assert told.reach.prompts == len(truth.prompts(TABLES, finished))
    called = truth.tool_calls(TABLES, finished)
    assert told.reach.inputs == len(called)
    assert told.reach.calls == told.reach.judged == sum(call.injected for call in called) > 0
    found = here(told)
    for name in ("Each request by itself", "How long requests take", "Which tools fail"):
        assert found[name] == "yes"
    assert found["Which provider instance served"] == "yes"
    assert found["Prompts"] == found["Tool inputs"] == found["Tokens of every thread"] == "yes"
    assert found["Thinking"] == "partly"
    assert found["Network calls of agents"] == found["Why a thread failed"] == "no"


@pytest.mark.parametrize(("profile", "network"), [("v2.35", "no"), ("newer", "yes")])
def test_a_server_that_lists_sessions_only_leaves_much_unknown(
    tmp_path: Path, profile: str, network: str
) -> None:
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(TABLES, profile=profile), text=True)
        told = known(store)
    assert told.reach.exact == told.reach.timed == told.reach.named == told.reach.judged == 0
    found = by_name(told)
    for name in ("Each request by itself", "How long requests take", "Which tools fail"):
        assert found[name].here == "no"
    assert "lower bounds" in found["Each request by itself"].so_what
    assert found["Prompts"].here == "partly"
    assert found["Network calls of agents"].here == network
    assert (network == "no") == (short(told.version) in found["Why a thread failed"].so_what)


def test_after_an_upgrade_of_the_server_both_is_told(tmp_path: Path) -> None:
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(TABLES, profile="v2.34"))
        exact = known(store)
        demo_sync.run(store, demo_sync.bridge(TABLES, profile="v2.35"))
        told = known(store)
    assert here(exact)["Each request by itself"] == "yes"
    (one, *_) = capability_lines(told)
    assert one.here == "partly"
    assert one.so_what.startswith(("Known of ", "Of all so far, but "))
    assert "lower bounds" in one.so_what


def test_text_that_is_never_kept_is_one_line(tmp_path: Path) -> None:
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(TABLES), text=False)
        told = known(store)
    assert (told.reach.prompts, told.reach.inputs, told.reach.thoughts) == (0, 0, 0)
    found = by_name(told)
    assert found["Prompts, thinking, tool inputs"].here == "no"
    assert "Prompts" not in found


def test_before_the_first_sync_nothing_is_claimed() -> None:
    found = Counter(here(BEFORE).values())
    assert set(found) == {"yes", "not known"}
    # Only that no session is too long, and how long numbers are kept.
    assert found["yes"] == 2


def test_how_long_things_are_kept_is_what_the_settings_say() -> None:
    at = datetime(2026, 9, 7, 3, tzinfo=UTC)
    reach = replace(NOTHING, usage=5, prompts=2)
    ever = by_name(replace(BEFORE, reach=reach, text_days=0, first_at=at))
    assert ever["Prompts"].so_what == "Kept for ever."
    assert ever["What the server has deleted"].here == "yes"
    assert "since 7 Sep 2026" in ever["What the server has deleted"].so_what
    short_lived = by_name(replace(BEFORE, reach=reach, text_days=1, rows_days=400))
    assert short_lived["Prompts"].so_what == "Kept for 1 day, then deleted."
    assert short_lived["What the server has deleted"].here == "partly"
    assert "400 days" in short_lived["What the server has deleted"].so_what


@pytest.mark.parametrize(
    ("version", "expected"),
    [("v2.33.4+ab", "no"), ("v2.35.9", "no"), ("v2.36.0+x", "yes"), ("v3.0.1", "yes")],
)
def test_what_a_version_does_not_tell_is_said_even_of_an_empty_store(
    version: str, expected: str
) -> None:
    assert here(replace(BEFORE, version=version))["Network calls of agents"] == expected


def test_of_a_build_without_a_version_nothing_is_claimed_but_what_was_seen() -> None:
    build = replace(BEFORE, version="v2.36.0-devel+1234")
    assert here(build)["Network calls of agents"] == "not known"
    seen = replace(build, reach=replace(NOTHING, sessions=9, networked=2))
    assert here(seen)["Network calls of agents"] == "yes"


@settings(max_examples=200)
@given(
    st.lists(counts, min_size=len(fields(FieldCoverage)), max_size=len(fields(FieldCoverage))),
    st.sampled_from(["", "interceptions", "sessions"]),
    st.sampled_from(["", "v2.34.1+1", "v2.35.0", "v2.36.1", "v2.36.0-devel", "nonsense"]),
    st.sampled_from(["", "all", "none"]),
    st.integers(0, 90),
)
def test_whatever_there_is_is_told_in_whole_sentences(
    told: list[int], generation: str, version: str, text: str, days: int
) -> None:
    reach = FieldCoverage(*told)
    reach = replace(
        reach,
        **{
            part: min(getattr(reach, part), getattr(reach, whole))
            for part, whole in (
                *((name, "usage") for name in ("exact", "timed", "named", "keyed")),
                ("judged", "calls"),
                *((name, "sessions") for name in ("detailed", "troubled", "networked", "long")),
                ("failing", "threads"),
            )
        },
    )
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=days)
    found = by_name(Known(reach, version, generation, text, days, days, at))
    for one in found.values():
        assert one.here in {"yes", "partly", "no", "not known"}
        assert one.so_what[0].isupper() or one.so_what[0].isdigit()
        assert one.so_what.endswith(".")
        assert "None" not in one.so_what.replace("None has", "")
    each = found["Each request by itself"]
    if reach.usage:
        assert (each.here == "no") == (reach.exact == 0)
        assert (each.here == "yes") == (reach.exact == reach.usage and generation != "sessions")
    assert (text == "none") == ("Prompts, thinking, tool inputs" in found)
