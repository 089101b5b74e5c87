"""The page of the radar over the demo company with and without incidents."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import demo_store
import pytest
import shown_tables
from dashboard_store import looking
from databases import broken, forget, saved_views_of
from demo_store import PLANTED_END as END
from streamlit.testing.v1 import AppTest

from bridgeboard import settings
from bridgeboard.access import Permission, roles
from bridgeboard.demo.world import World
from bridgeboard.formats import DASH
from bridgeboard.model import periods
from bridgeboard.model.scope import Scope
from bridgeboard.runtime import state_files
from bridgeboard.state.saved_views import Note
from bridgeboard.store import Store
from bridgeboard.ui import runner
from bridgeboard.ui.components import chart_findings
from bridgeboard.ui.views import findings

ROOT = Path(__file__).parents[1]
EVERY = {"range": "Custom days", "dates": ["2026-08-18", "2026-11-15"], "tz": "UTC"}


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Store, World]]:
    store, world = demo_store.planted(tmp_path_factory.mktemp("planted") / "store.duckdb")
    with store:
        yield store, world


@pytest.fixture
def store(planted: tuple[Store, World]) -> Iterator[Store]:
    with looking(planted[0], END):
        forget(planted[0])
        yield planted[0]
        forget(planted[0])


def app(**query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {**EVERY, **query}.items():
        test.query_params[name] = value
    return test.switch_page("pages/radar.py").run()


def links(test: AppTest) -> list[Any]:
    """The links to the evidence of findings."""
    every = [one.proto for one in test.get("page_link")]
    return [one for one in every if one.label.startswith("Show the")]


def evidence(kind: str, label: str = "Show the evidence") -> AppTest:
    """The page that the first finding of a kind links to."""
    test = app(kinds=[kind])
    link = links(test)[0]
    assert link.label == label
    for name in tuple(test.query_params):
        del test.query_params[name]
    for name, values in parse_qs(link.query_string).items():
        test.query_params[name] = values
    return test.switch_page(f"pages/{link.page or 'overview'}.py").run()


def said(test: AppTest) -> str:
    kinds = ("markdown", "caption", "text", "error", "warning", "info")
    return "\n".join(str(element.value) for kind in kinds for element in test.get(kind))


def test_what_was_planted_is_told_with_a_reason(store: Store, planted: tuple[Store, World]) -> None:
    assert store
    test = app()
    assert not test.exception
    assert not test.error
    runaways = [one for one in planted[1].incidents if one.kind == "runaway"]
    assert runaways
    for one in runaways:
        assert f"A session of {one.subject} stands out" in said(test)
    assert findings.USUAL in [caption.value for caption in test.caption]


def test_a_kind_and_a_severity_in_the_address_narrow_what_is_told(store: Store) -> None:
    assert store
    test = app(kinds=["Runaway session"], severities=["High"])
    assert "Runaway session" in said(test)
    assert "Gap in the data" not in said(test)


def test_a_finding_is_acknowledged_with_a_note_and_opened_again(store: Store) -> None:
    test = app(kinds=["Runaway session"])
    before = len(links(test))
    done = next(button for button in test.button if button.label == "Acknowledge")
    note = done.key.replace("done-", "note-")
    test.text_input(key=note).set_value("A load test.").run()
    test.button(key=done.key).click().run()
    assert len(links(test)) == before - 1
    ((finding, kept),) = saved_views_of(store).notes().items()
    assert kept == Note("A load test.", END, "operator")
    again = app(kinds=["Runaway session"], acknowledged="true")
    assert "Acknowledged 16 Nov 2026, 00:00:00 UTC by operator: A load test" in said(again)
    next(button for button in again.button if button.label == "Reopen").click().run()
    assert saved_views_of(store).notes() == {}
    log = state_files.audit_log(settings.current()).entries()
    assert [(one.who, one.what, one.why, one.about) for one in log[:2]] == [
        ("operator", "reopen", "", finding),
        ("operator", "acknowledge", "", finding),
    ]


def test_without_permission_nothing_is_acknowledged_kept_or_downloaded(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    monkeypatch.setattr(roles, "PERMISSIONS", dict.fromkeys(Permission, frozenset()))
    test = app(kinds=["Runaway session"])
    assert not test.exception
    assert not {"Acknowledge", "Save view"} & {button.label for button in test.button}
    assert not test.get("download_button")
    assert "Your role may not download." in said(test)


def test_nothing_is_acknowledged_that_cannot_be_noted(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    unusable = broken(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(state_files, "state_database", lambda _: unusable)
        test = app(kinds=["Runaway session"])
        done = next(button for button in test.button if button.label == "Acknowledge")
        test.button(key=done.key).click().run()
    assert saved_views_of(store).notes() == {}
    assert "audit log" in said(test)


def test_the_evidence_of_a_runaway_is_its_session(store: Store) -> None:
    assert store
    test = evidence("Runaway session", "Show the session")
    assert not test.exception
    assert test.query_params["id"]
    assert "Timeline" in [header.value for header in test.header]


def test_the_evidence_of_a_spike_is_its_days_on_the_page_of_spend(store: Store) -> None:
    assert store
    test = evidence("Spend anomaly")
    assert not test.exception
    assert [title.value for title in test.title] == ["Spend"]
    assert test.query_params["team"]


def test_the_evidence_of_a_failing_tool_is_its_failed_requests(store: Store) -> None:
    assert store
    test = evidence("Failing tool")
    assert not test.exception
    assert [title.value for title in test.title] == ["Interceptions"]
    assert test.session_state["servers"] or test.session_state["tools"]
    errors = set(shown_tables.table(test, "requests-table").column("Errors"))
    assert errors
    assert not {"0", DASH} & errors


def test_a_store_without_anything_is_not_called_fine(tmp_path: Path) -> None:
    with Store.open(tmp_path / "empty.duckdb") as empty, looking(empty, END):
        test = app()
        assert not test.exception
        assert not test.error
        assert "Nothing is recorded yet" in said(test)
        assert "Nothing looks wrong" not in said(test)
        assert findings.USUAL not in said(test)


@pytest.mark.parametrize(
    "query", [{"dates": ["2020-01-01", "2020-01-31"]}, {"client": "no such client"}]
)
def test_a_period_without_usage_is_not_called_fine(store: Store, query: dict[str, Any]) -> None:
    assert store
    test = app(**query)
    assert not test.exception
    assert "No usage of this period passes the filters" in said(test)
    assert "Nothing looks wrong" not in said(test)


def test_findings_are_shown_where_notes_cannot_be_read(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert store
    unusable = broken(tmp_path)
    monkeypatch.setattr(state_files, "state_database", lambda _: unusable)
    test = app(kinds=["Runaway session"])
    assert not test.exception
    assert "Which findings were acknowledged is not known now" in said(test)
    assert "is no file" in said(test)
    assert links(test)


def spend(**query: Any) -> AppTest:
    """The page Spend of the same days."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {**EVERY, **query}.items():
        test.query_params[name] = value
    return test.switch_page("pages/spend.py").run()


def findings_of(test: AppTest) -> dict[str, Any]:
    """What the links below the chart are made of; nothing where there are none."""
    drawn = [json.loads(one.proto.json) for one in test.get("bidi_component")]
    return next((data for data in drawn if "waits" in data), {})


def said_of_radar(test: AppTest) -> list[str]:
    """Where the findings lead that the sentence under the cards names."""
    drawn = [json.loads(one.proto.json) for one in test.get("bidi_component")]
    pieces = next(data["pieces"] for data in drawn if "pieces" in data)
    return [address for _, _, address in pieces if address.startswith("radar?")]


def is_marked(test: AppTest) -> bool:
    """Whether the chart has diamonds."""
    spec = json.loads(test.get("vega_lite_chart")[0].proto.spec)
    return "findings" in [layer.get("name") for layer in spec["layer"]]


def test_findings_that_are_known_are_marked_in_the_chart_and_lead_to_themselves(
    store: Store,
) -> None:
    assert store
    runner.CACHE.clear()
    test = spend()
    assert not is_marked(test)
    assert (findings_of(test)["links"], said_of_radar(test)) == ([], [])
    assert findings_of(test)["waits"]
    every = links(app())
    test = spend()
    drawn = findings_of(test)
    assert is_marked(test)
    assert drawn["waits"] is None
    assert len(said_of_radar(test)) == 3
    assert "finding" in parse_qs(said_of_radar(test)[0].removeprefix("radar?"))
    first, *_, last = drawn["links"]
    asked = parse_qs(first["address"].removeprefix("radar?"))
    one = app(**{name: asked[name] for name in asked if name != "tz"})
    assert 0 < len(links(one)) == len(asked["finding"]) < len(every)
    assert "finding" not in last["address"]
    assert not one.exception
    gone = app(finding="no such key")
    assert len(links(gone)) == len(every)
    assert any("no longer found in this period" in str(each.value) for each in gone.caption)


def test_who_may_not_see_the_radar_sees_no_finding_in_a_chart(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    assert links(app())
    monkeypatch.setattr(roles, "PAGES", {**roles.PAGES, "radar": frozenset()})
    test = spend()
    assert (is_marked(test), findings_of(test), said_of_radar(test)) == (False, {}, [])


def test_a_finding_is_marked_in_the_stretch_of_time_in_which_it_begins() -> None:
    scope = Scope.days(date(2026, 11, 2), date(2026, 11, 15))
    days = [datetime(2026, 10, 30, tzinfo=UTC), datetime(2026, 11, 9, 23, tzinfo=UTC)]
    findings: Any = [SimpleNamespace(first_at=day, kind="data_gap") for day in days]
    weeks = periods.buckets(scope, "week")
    every = [*findings, SimpleNamespace(first_at=days[0], kind="unpriced")]
    placed = chart_findings._placed(every, scope, "week", weeks)
    assert placed == {weeks[0]: findings[:1], weeks[1]: findings[1:]}
    assert chart_findings._placed(findings, scope, "week", []) == {}
