"""The pages over the store, without a browser: what they say when things are not as usual."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import shown_tables
from dashboard_store import filled, looking
from facts import KINDS, facts
from headline_cards import headline
from scope_bar import chips, editing
from slow_cases import one_fast
from streamlit.testing.v1 import AppTest
from test_queries_metric_query import value

from bridgeboard import charts, formats, settings
from bridgeboard.analysis import runner as analysis_runner
from bridgeboard.analysis.runner import Runner
from bridgeboard.model.errors import MetricError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import StoreError
from bridgeboard.model.store_status import Counts, DayCount, Event, LeftOut, Status
from bridgeboard.queries.adoption import cohorts
from bridgeboard.queries.metric_query import select
from bridgeboard.runtime import process
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.settings import DemoSettings
from bridgeboard.store import Store, sync_state
from bridgeboard.store.sync_state import Suspect
from bridgeboard.ui import runner
from bridgeboard.ui.views import adoption, hours_of_week, trust

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
PAGES = ("overview", "spend", "people", "models", "tools", "trust", "settings")
CARDLESS = {"trust", "settings"}
TOKEN = "abcdefghij-0123456789012345678901"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened, looking(opened, END):
        yield opened


def app(at: str = "overview", **query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in query.items():
        test.query_params[name] = values
    test.switch_page(f"pages/{at}.py")
    return test.run()


def said(test: AppTest) -> str:
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "error", "warning")
    kinds += ("info", "success")
    told = [str(element.value) for kind in kinds for element in test.get(kind)]
    words = "\n".join([*told, *listed(test)])
    return words.replace("\\", "").replace("\u2060", "")


def listed(test: AppTest) -> list[str]:
    """What the short lists of a page are told to show, each as JSON."""
    return [element.proto.json for element in test.get("bidi_component")]


def cards(test: AppTest) -> dict[str, str]:
    return {card.label: card.value for card in headline(test)}


@pytest.mark.parametrize("name", PAGES)
def test_every_page_shows_the_store_while_the_deployment_is_silent(store: Store, name: str) -> None:
    assert store
    test = app(name, tz="UTC")
    assert not test.exception
    # This store has no responses, which is what the page Trust then says.
    assert not test.error or name == "trust"
    assert "Could not" not in said(test)
    assert "covers" in said(test)
    assert headline(test) or name in CARDLESS


@pytest.mark.parametrize("name", PAGES)
def test_a_store_without_any_request_says_so_on_every_page(tmp_path: Path, name: str) -> None:
    with Store.open(tmp_path / "empty.duckdb") as empty, looking(empty, END):
        test = app(name)
        assert not test.exception
        assert not test.error
        assert "nothing recorded yet" in said(test)


def test_spend_with_unpriced_usage_is_shown_as_a_lower_bound(store: Store) -> None:
    with store.write() as batch:
        for table in ("usage", "tool_calls"):
            batch.execute(f"DELETE FROM {table} WHERE grain <> 'interception'")
    models: dict[str, int] = Counter()
    for row in facts().usage:
        if row["grain"] == "interception" and row["model"]:
            tokens = sum(row[kind] for kind in KINDS)
            models[row["model"]] += tokens - (row["priced_tokens"] or 0)
    shown = cards(app("spend", range="Last 90 days", tz="UTC"))
    assert shown["Spend"].startswith(formats.AT_LEAST)
    priced = app(
        "spend", range="Last 90 days", tz="UTC", models=min(models, key=models.__getitem__)
    )
    assert min(models.values()) == 0
    assert re.fullmatch(r"\$[\d.,]+[kM]?", cards(priced)["Spend"])


def test_the_total_below_a_breakdown_stands_as_the_card_says(store: Store) -> None:
    assert store
    test = app("spend", range="Last 90 days", tz="UTC")
    shown = cards(test)["Spend"]
    assert shown.startswith(formats.ABOUT)
    assert shown_tables.table(test, "rows-breakdown").totals["Spend"] == shown


def test_a_link_with_a_value_that_nobody_has_keeps_its_filter(store: Store) -> None:
    assert store
    test = app(models="no-such-model", tz="UTC")
    assert chips(test) == ["Model id is no-such-model"]
    assert cards(test)["Tokens"] == "0"
    assert "No usage matches these filters" in said(test)


def test_a_chip_names_what_is_left_out_and_drops_it(store: Store) -> None:
    assert store
    client = next(row["client"] for row in facts().usage if row["client"])
    everything = cards(app(tz="UTC"))["Tokens"]
    test = app(clients=client, not_clients="true", tz="UTC")
    assert chips(test) == [f"Client is not {client}"]
    assert cards(test)["Tokens"] != everything
    test.button(key="chip-client-not").click().run()
    assert cards(test)["Tokens"] == everything


def test_reset_drops_every_filter_and_keeps_the_period(store: Store) -> None:
    assert store
    test = app(clients="Claude Code", providers="anthropic", range="Last 7 days", tz="UTC")
    test.button(key="chip-reset").click().run()
    assert chips(test) == []
    assert test.radio(key="range").value == "7d"


def test_without_comparison_no_card_tells_a_change(store: Store) -> None:
    assert store
    assert any(card.delta for card in headline(app(range="Last 7 days", tz="UTC")))
    plain = app(range="Last 7 days", compare="false", tz="UTC")
    assert not any(card.delta for card in headline(plain))
    assert "Choose what to compare with" in said(plain)


def test_a_period_before_the_records_begin_is_not_compared(store: Store) -> None:
    assert store
    test = app(range="Last 90 days", tz="UTC")
    assert not any(card.delta for card in headline(test))
    assert "There are no records from the start of the previous period" in headline(test)[0].help


def test_a_failing_part_leaves_its_neighbours_alone(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    whole = Runner.top

    def broken(*asked: Any, **more: Any) -> Any:
        if asked[1][0] == "spend":
            raise StoreError("The disk is gone.")
        return whole(*asked, **more)

    monkeypatch.setattr(Runner, "top", broken)
    test = app(tz="UTC")
    assert "Could not read this chart" in said(test)
    assert "The disk is gone." in said(test)
    assert cards(test)["Tokens"]
    assert listed(test)


def test_what_nobody_foresaw_in_a_part_is_told_without_its_details(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert store
    monkeypatch.setattr(Runner, "series", lambda *_: 1 / 0)
    test = app(tz="UTC")
    assert "Could not show the headline" in said(test)
    assert "ZeroDivisionError" not in said(test)
    assert "ZeroDivisionError" in caplog.text
    assert listed(test)


def background_sync_is(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the background sync of this process say that it stands like this."""
    running = process.current()
    assert running
    monkeypatch.setattr(running, "status", status)


def test_while_the_first_sync_runs_numbers_are_marked_as_partial(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as batch:
        sync_state.begin_run(batch, "interceptions", END)
    event = Event("interceptions", done=1200, windows_done=3, windows_total=61)
    background_sync_is(Status("syncing", event), monkeypatch)
    test = app(tz="UTC")
    assert "Partial numbers" in said(test)
    assert "1,200, 3 of 61 days" in said(test)
    assert cards(test)["Tokens"]


def test_a_page_that_is_opened_before_the_first_answer_of_the_deployment_waits_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    background_sync_is(Status("syncing"), monkeypatch)
    assert "Partial numbers" in said(app(tz="UTC"))


def test_a_first_sync_that_was_stopped_is_not_told_to_be_running_while_syncing_is_off(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store.write() as batch:
        number = sync_state.begin_run(batch, "interceptions", END)
        sync_state.finish_run(batch, number, "stopped", Counts(), "", END)
    background_sync_is(Status("off"), monkeypatch)
    told = said(app(tz="UTC"))
    assert "The first sync has not come to its end: older requests are missing." in told
    assert "`bridgeboard sync`" in told
    assert "still running" not in told


def test_a_sync_that_failed_is_told_on_every_page(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    background_sync_is(Status("waiting", problem="No answer from [it](x)."), monkeypatch)
    test = app("spend", tz="UTC")
    assert "The last sync failed: No answer from [it](x)." in said(test)


def test_before_the_first_answer_the_page_says_what_stands_in_the_way() -> None:
    plain = settings.Settings.model_construct(timeout_seconds=1.0)
    pointed = DemoSettings.of(plain, "http://127.0.0.1:9", TOKEN, END)
    settings.install(pointed)
    keeper = BackgroundSync(pointed, clock=lambda: END)
    process.install(keeper)
    try:
        test = app("spend")
        assert not test.exception
        assert "No answer from the deployment" in said(test)
        assert TOKEN not in said(test)
    finally:
        keeper.deployment.close()
        process.install(None)
        settings._installed = None


def test_an_answer_is_read_once_for_each_state_of_the_store(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    read = analysis_runner.answer
    monkeypatch.setattr(analysis_runner, "answer", lambda *told: asked.append(told) or read(*told))
    app(tz="UTC")
    first = len(asked)
    assert first > 0
    app(tz="UTC")
    assert len(asked) == first
    with store.write() as batch:
        batch.execute("DELETE FROM tool_calls")
        batch.execute("DELETE FROM usage")
    test = app(tz="UTC")
    assert len(asked) > first
    assert cards(test)["Tokens"] == formats.DASH


def test_a_check_that_does_not_hold_is_shown_first(store: Store) -> None:
    with store.write() as batch:
        batch.execute("UPDATE usage SET tool_calls = tool_calls + 1 WHERE tool_calls > 0")
    test = app("trust", range="Last 90 days", tz="UTC")
    assert "checks failed" in said(test)
    rows = shown_tables.table(test, "invariants").rows
    assert rows[0]["Agrees"] == "No"
    assert ("Tool calls", "the calls themselves") in {
        (row["Number"], row["Second source"]) for row in rows if row["Agrees"] == "No"
    }


def test_trust_shows_both_counts_of_days_and_what_the_deployment_fails_to_list(
    store: Store,
) -> None:
    assert "On 2 closed days" not in said(app("trust", tz="UTC"))
    day = date(2026, 11, 2)
    whole = DayCount("interceptions", day, 1_500, 1_499, 1, END)
    short = DayCount("interceptions", day - timedelta(days=1), 2_000, 1_990, 0, END)
    left = LeftOut("sessions", END - timedelta(days=3), END, 2, "oops <b>", END)
    with store.write() as batch:
        sync_state.put_counts(batch, [whole])
        sync_state.leave_out(batch, [left])
    test = app("trust", tz="UTC")
    assert not test.exception
    assert "deployment counts 1,500 requests, day by day, and the store has 1,499" in said(test)
    assert "fails to list 2 sessions" in said(test)
    drawn = shown_tables.table(test, "left-out")
    assert drawn.column("What the deployment said") == ["oops <b>"]
    with store.write() as batch:
        sync_state.put_counts(batch, [short])
    test = app("trust", tz="UTC")
    assert "On 1 of 2 closed days" in said(test)
    assert "10 of 2,000 are missing" in said(test)
    drawn = shown_tables.table(test, "day-counts")
    assert drawn.column("Missing") == ["10", "0"]
    assert drawn.column("Day (UTC)") == ["1 Nov 2026", "2 Nov 2026"]


def test_quarantine_tells_why_and_never_what(store: Store) -> None:
    record = Suspect("\u202e5", "no <b>id</b>", '{"prompt": "secret words"}')
    with store.write() as batch:
        sync_state.quarantine(batch, "interception", [record], END - timedelta(hours=1))
    test = app("trust", tz="UTC")
    (row,) = shown_tables.table(test, "quarantine").rows
    assert row["Why"] == "no <b>id</b>"
    assert "\u202e" not in row["Record"]
    assert "secret words" not in said(test)


def test_a_person_is_named_by_the_address_and_nobody_else_is_counted(store: Store) -> None:
    assert store
    person = facts().usage[0]["person"]
    test = app("person", who=person, range="Last 90 days", tz="UTC")
    assert not test.exception
    since = END - timedelta(days=89)
    own = [
        row
        for row in facts().usage
        if row["person"] == person and row["started_at"].date() >= since.date()
    ]
    shown = {card.label: card.help for card in headline(test)}
    exactly = formats.exact(sum(row["requests"] for row in own))
    # Some of it is known as sums only.
    assert f"At least {exactly}: " in shown[METRICS["requests"].label]


def test_the_page_of_nobody_says_where_to_choose_somebody(store: Store) -> None:
    assert store
    test = app("person")
    assert not test.exception
    assert "Nobody chosen" in said(test)
    assert not headline(test)


def test_a_question_without_an_answer_is_told_as_such(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store

    def broken(*_: object) -> None:
        raise MetricError("There are no cohorts of 0 weeks.")

    monkeypatch.setattr(trust.invariants, "check", broken)
    test = app("trust", tz="UTC")
    assert "There are no cohorts of 0 weeks." in said(test)


def test_a_table_can_be_sorted_by_anything_without_asking_again(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    names = ("tool_calls", "active_people", "sessions", "tool_error_rate")
    scope = Scope.days(END.date() - timedelta(days=89), END.date())
    plain = {
        way: runner.current().ask(select(names, ("tool",), scope, order=(way,)))
        for name in names
        for way in (name, f"-{name}")
    }
    asked = []
    read = analysis_runner.answer
    monkeypatch.setattr(analysis_runner, "answer", lambda *told: asked.append(told) or read(*told))
    for way, told in plain.items():
        mine = runner.current().measured(names, "tool", scope, way)
        assert mine.only_columns(told.columns).rows == told.rows, way
    assert len(asked) == 3  # numbers in two parts, and the limits that cannot be split by tool


def counts(drawn: shown_tables.Table) -> dict[str, int]:
    """Name → number in the second column."""
    return {name: int(count.removeprefix(formats.AT_LEAST)) for name, count in drawn.lines}


def by_hour(zone: str, name: str) -> dict[int, Counter[str]]:
    """Requests of each value of a dimension in each local hour of the week, counted by hand."""
    found: dict[int, Counter[str]] = {}
    for row in facts().usage:
        local = row["started_at"].astimezone(ZoneInfo(zone))
        counted = found.setdefault(24 * local.weekday() + local.hour, Counter())
        counted[value(name, row)] += row["requests"]
    return found


def fullest(zone: str) -> int:
    """The hour of the week in which most people were at work."""
    found = by_hour(zone, "initiator")
    return max(found, key=lambda hour: len(found[hour]))


def named(hour: int) -> str:
    return f"{charts.WEEKDAYS[hour // 24]} {hour % 24:02}:00"


def test_the_operator_says_on_which_day_weeks_begin(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    told = settings.current()
    monkeypatch.setattr(settings, "_installed", told.model_copy(update={"week_start": "sunday"}))
    test = app("people", tz="UTC", period="week", hour="sun-09")
    sunday = END.date() - timedelta(days=(END.weekday() + 1) % 7)
    assert f"Week to date, {formats.days(sunday, END.date())}" in said(test)
    assert test.selectbox(key="hour").options[0] == "Sun 00:00"
    assert test.selectbox(key="hour").value == 6 * 24 + 9
    cells = test.selectbox(key="cohort").options
    weeks = [datetime.strptime(f"{cell.split(',')[0]} Z", "%d %b %Y %z") for cell in cells]
    assert {week.weekday() for week in weeks} == {6}


@pytest.mark.parametrize(
    "zone", one_fast(["UTC", "Asia/Kathmandu", "America/New_York"], fast="Asia/Kathmandu")
)
def test_a_link_to_an_hour_of_the_week_lists_who_worked_in_it(store: Store, zone: str) -> None:
    assert store
    hour = fullest(zone)
    people = by_hour(zone, "initiator")[hour]
    test = app("people", tz=zone, range="Last 90 days", hour=named(hour))
    assert not test.exception
    assert test.selectbox(key="hour").value == hour
    clock = f"{hour % 24:02}:00 to {hour % 24 + 1:02}:00"
    assert re.search(rf"^{charts.WEEKDAYS[hour // 24]}\w*day, {clock}$", said(test), re.MULTILINE)
    shown = counts(shown_tables.titled(test, "Top people"))
    assert len(shown) == min(hours_of_week.SHOWN, len(people))
    assert shown.items() <= people.items()
    most = sorted(people.values(), reverse=True)[: len(shown)]
    assert sorted(shown.values(), reverse=True) == most
    assert f"{sum(people.values()):,} requests in all" in said(test)
    (before,) = [text for text in said(test).splitlines() if "requests in all" in text]
    test.button(key="clear-hour").click().run()
    assert test.selectbox(key="hour").value is None
    assert before not in said(test)


def test_the_hour_of_a_person_lists_models_and_clients(store: Store) -> None:
    assert store
    person = Counter(row["person"] for row in facts().usage).most_common(1)[0][0]
    own = [row for row in facts().usage if row["person"] == person]
    hour = Counter(24 * row["started_at"].weekday() + row["started_at"].hour for row in own)
    ((chosen, _),) = hour.most_common(1)
    test = app(
        "person", who=person, tz="UTC", range="Last 90 days", **{"person-hour": named(chosen)}
    )
    mine = [
        row for row in own if 24 * row["started_at"].weekday() + row["started_at"].hour == chosen
    ]
    for title, name in (("Top models", "family"), ("Top clients", "client")):
        counted = Counter[object]()
        for row in mine:
            counted[value(name, row)] += row["requests"]
        shown = counts(shown_tables.titled(test, title))
        assert sum(shown.values()) == sum(counted.values())
        assert len(shown) == len(counted)


def test_what_is_no_hour_of_the_week_is_ignored(store: Store) -> None:
    assert store
    for wrong in ("168", "Tue 25:00", "<script>", "38", ""):
        test = app("people", tz="UTC", hour=wrong, cohort=wrong)
        assert not test.exception
        assert test.selectbox(key="hour").value is None
        assert test.selectbox(key="cohort").value is None
        assert "requests in all" not in said(test)


def test_an_hour_in_which_nobody_worked_says_so(store: Store) -> None:
    assert store
    quiet = next(hour for hour in range(168) if hour not in by_hour("UTC", "initiator"))
    test = app("people", tz="UTC", range="Last 90 days", hour=named(quiet))
    assert "0 requests in all" in said(test)
    assert shown_tables.titled(test, "Top people").note == "None in this period."


@pytest.mark.slow
def test_the_parts_of_every_hour_add_up_to_its_cell(store: Store) -> None:
    assert store
    for zone in ("UTC", "Australia/Lord_Howe"):
        scope = Scope.days(END.date() - timedelta(days=40), END.date() + timedelta(days=2), zone)
        week = runner.current().series(("requests",), "weekday_hour", scope).column("requests")
        assert sum(week) == sum(row["requests"] for row in facts().usage)
        for hour in range(168):
            inside = scope.only("weekday_hour", str(hour))
            for by in ("initiator", "model", "client"):
                told = runner.current().measured(("requests",), by, inside, "-requests")
                assert sum(told.column("requests")) == week[hour]


@pytest.mark.parametrize(("line", "days"), one_fast([("Daily", 1), ("Weekly", 7), ("Monthly", 28)]))
def test_a_link_to_a_day_of_active_people_lists_them(store: Store, line: str, days: int) -> None:
    assert store
    day = END.date() - timedelta(days=2)
    people = Counter[object]()
    for row in facts().usage:
        if 0 <= (day - row["started_at"].date()).days < days:
            people[value("initiator", row)] += row["requests"]
    test = app("people", tz="UTC", day=str(day), active=line)
    assert not test.exception
    assert counts(shown_tables.table(test, "active-people")) == people
    many = formats.plural(len(people), "person", "people")
    assert f"{many} active on the day" in said(test)
    test.button(key="clear-active").click().run()
    assert test.selectbox(key="day").value is None
    assert f"{many} active on the day" not in said(test)


@pytest.mark.parametrize(
    "wrong", one_fast(["", "2026-02-31", "x", "1990-01-01", "<script>"], fast="1990-01-01")
)
def test_what_is_no_day_of_the_period_is_ignored(store: Store, wrong: str) -> None:
    assert store
    test = app("people", tz="UTC", day=wrong, active=wrong)
    assert not test.exception
    assert test.selectbox(key="day").value is None
    assert test.selectbox(key="active").value == 1


def test_a_link_to_a_cell_of_the_cohorts_lists_its_people(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    mondays: dict[str, Counter[date]] = {}
    for row in facts().usage:
        day = row["started_at"].date()
        week = day - timedelta(days=day.weekday())
        mondays.setdefault(row["person"], Counter())[week] += row["requests"]
    cohort = Counter(min(weeks) for weeks in mondays.values()).most_common(1)[0][0]
    week = cohort + timedelta(weeks=2)
    people = {who: weeks[week] for who, weeks in mondays.items() if min(weeks) == cohort}
    active = {who: many for who, many in people.items() if week in mondays[who]}
    summed = {
        row["person"]
        for row in facts().usage
        if row["grain"] != "interception"
        and week <= row["started_at"].date() < week + timedelta(weeks=1)
    }
    assert 2 < len(active) < len(people)
    link = {"tz": "UTC", "range": "Last 90 days", "cohort": f"{cohort}, 2 weeks later"}
    title = f"Active in the week of {formats.day(week)}"

    test = app("people", **link)
    assert not test.exception
    shown = shown_tables.titled(test, title)
    assert counts(shown) == active
    marked = {name for name, count in shown.lines if formats.AT_LEAST in count}
    assert marked == summed & active.keys()
    assert shown.meaning("Person") == "Opens the person's page."
    assert shown.note.startswith(f"All {len(active)}, ")
    assert f"{len(active)} of about {len(people)} people active 2 weeks later" in said(test)

    monkeypatch.setattr(adoption, "MOST_PEOPLE", 2)
    shown = shown_tables.titled(app("people", **link), title)
    assert len(shown.rows) == 2
    assert shown.note.startswith(f"Top 2 of {len(active)}, ")


def test_a_cell_that_nobody_is_in_says_so_and_one_beyond_the_period_is_forgotten(
    store: Store,
) -> None:
    assert store
    (cohort, *_), *_ = facts().rows(cohorts(Scope(END - timedelta(days=9), END)))
    before = cohort - timedelta(weeks=1)
    test = app("people", tz="UTC", cohort=f"{before}, 1 week later")
    assert test.selectbox(key="cohort").value == (before, cohort)
    assert "0 of about 0 people active 1 week later" in said(test)
    assert (
        shown_tables.titled(test, f"Active in the week of {formats.day(cohort)}").note == "Nobody."
    )
    editing(test, "family").multiselect(key="model").set_value(["no-such-model"]).run()
    assert not test.exception
    assert "Nobody used AI for the first time" in said(test)
    later = cohort + timedelta(weeks=9)
    test = app("people", tz="UTC", cohort=f"{later}, in the first week")
    assert test.selectbox(key="cohort").value is None


def test_what_can_be_known_is_told_while_the_deployment_is_silent(store: Store) -> None:
    assert store
    test = app("trust", tz="UTC")
    known = {row["Information"]: row["Available"] for row in shown_tables.table(test, "known").rows}
    assert known["Each request by itself"] == "Partly"
    assert known["Network calls of agents"] == "Not known"
    assert "Asking the deployment just now failed: No answer from" in said(test)
    assert TOKEN not in said(test)
