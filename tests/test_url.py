"""The address of a page: short words, old words, what is not understood, and one change a time."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import headline_cards
import pytest
import shown_tables
from costly_laws import tried
from dashboard_store import filled, looking
from facts import facts
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from scope_bar import chips, editing
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.runtime.state import query_params
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Radio

from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.server.middleware import paths
from bridgeboard.store import Store
from bridgeboard.ui import old_urls, url, url_parameters
from bridgeboard.ui.components import value_picker
from bridgeboard.ui.views import hours_of_week

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
OLD: dict[str, dict[str, dict[str, Any]]] = json.loads(
    (ROOT / "tests" / "vectors" / "old-labels.json").read_text("utf-8")
)
"""Page → parameter → label → value, of the time when addresses had labels."""
WIDGETS = {"period": "range"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    path = tmp_path_factory.mktemp("address") / "store.duckdb"
    with filled(path) as opened, looking(opened, END):
        yield opened


def app(at: str, **query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    test.query_params["tz"] = "UTC"
    for name, values in query.items():
        test.query_params[name] = values
    test.switch_page(f"pages/{at}.py")
    test.run()
    assert not test.exception
    return test


def complaints(test: AppTest) -> list[str]:
    told = [str(each.value).replace("\\", "").replace("\u2060", "") for each in test.warning]
    return [text for text in told if text.startswith("Not understood")]


def query(test: AppTest) -> dict[str, Any]:
    return {name: value for name, value in test.query_params.items() if name != "tz"}


@pytest.mark.usefixtures("store")
def test_a_widgets_value_is_sent_again_by_the_next_run_and_then_left_to_the_reader() -> None:
    test = app("overview", period="7d")
    sent = []
    for _ in range(3):
        (box,) = [each for each in test.radio if each.label == "Period"]
        sent.append((box.proto.set_value, box.value))
        test.run()
    assert sent == [(True, "7d"), (True, "7d"), (False, "7d")]


# Old addresses


@pytest.mark.parametrize("at", OLD)
def test_every_label_of_earlier_addresses_has_its_short_word(at: str) -> None:
    for parameter, labels in OLD[at].items():
        name = old_urls.NAMES.get(parameter, parameter)
        assert name in url_parameters.of(at)
        for label, value in labels.items():
            if (name, value) in old_urls.GONE:
                assert old_urls.short(name, label) is None
                continue
            is_hour = "hour" in name
            written = hours_of_week._parameter(name).words(value) if is_hour else [str(value)]
            assert [old_urls.short(name, label)] == written
            assert old_urls.short(name, written[0]) == written[0]


@pytest.mark.parametrize("at", OLD)
def test_an_old_link_sets_every_box_of_its_page(store: Store, at: str) -> None:
    assert store
    old = {name: list(labels.items())[-1] for name, labels in OLD[at].items()}
    # How a number may be split depends on the number: the usual one may be split in every way.
    shown = {name: pair for name, pair in old.items() if not name.endswith("-show")}
    several = {"columns", "kinds", "severities"}
    who = {"who": facts().usage[0]["person"]} if at == "person" else {}
    for asked in (shown, {name: old[name] for name in old if name.endswith("-show")}):
        test = app(at, **{name: label for name, (label, _) in asked.items()}, **who)
        assert complaints(test) == []
        for name, (_, value) in asked.items():
            key = WIDGETS.get(name, name)
            if name == "sort":
                drawn = shown_tables.table(test, "sessions-table")
                assert drawn.order == (COLUMNS[value].label, False)
            elif name.endswith("-sort"):
                drawn = shown_tables.table(test, f"rows-{name.removesuffix('-sort')}")
                assert drawn.order == (METRICS[value].label, False), name
            elif name == f"{at}-show":
                assert headline_cards.charted(test) == value
            elif value == "custom":  # days of which none is named: the last week
                assert test.session_state[key] == "7d"
            else:
                assert test.session_state[key] == ([value] if name in several else value), name


def test_old_words_become_short_ones_with_the_first_change(store: Store) -> None:
    assert store
    test = app("spend", range="Last 7 days", **{"spend-show": "Shadow cost"})
    assert query(test) == {"range": "Last 7 days", "spend-show": "Shadow cost"}
    test.selectbox(key="spend-by").set_value("client").run()
    assert query(test) == {"period": "7d", "spend-show": "shadow_cost", "spend-by": "client"}
    test.radio(key="range").set_value("30d").run()
    assert query(test) == {"spend-show": "shadow_cost", "spend-by": "client"}


# What is not understood


@pytest.mark.parametrize(
    ("at", "asked", "named"),
    [
        ("overview", {"period": "90x"}, "period=90x"),
        ("overview", {"range": "Last 91 days"}, "period=Last 91 days"),
        ("spend", {"period": "custom", "dates": ["2026-02-30", "2026-11-01"]}, "2026-02-30"),
        ("spend", {"period": "custom", "dates": "0001-01-01"}, "from=0001-01-01"),
        ("spend", {"period": "7d", "dates": "2026-11-01"}, "period beside from or to"),
        ("spend", {"period": "7d", "to": "2026-11-01"}, "period beside from or to"),
        ("spend", {"period": "custom", "from": "25:00"}, "from=T25:00"),
        ("spend", {"from": "2026-02-30"}, "from=2026-02-30"),
        ("spend", {"to": "yesterday"}, "to=yesterday"),
        ("spend", {"models": "x", "not_models": "perhaps"}, "not_models"),
        ("spend", {"modell": "x"}, "modell"),
        ("spend", {"tz": "Mars/Phobos"}, "tz=Mars/Phobos"),
        ("spend", {"compare": "perhaps"}, "compare=perhaps"),
        ("spend", {"spend-show": "sessions"}, "spend-show=sessions"),
        ("spend", {"breakdown-sort": "x"}, "breakdown-sort=x"),
        ("spend", {"breakdown-rows": "7"}, "breakdown-rows=7"),
        ("spend", {"unread": "parameters"}, "more than 1,000 values"),
        ("spend", {"period": ["7d", "90d"]}, "period more than once"),
        ("people", {"hour": "noon"}, "hour=noon"),
        ("people", {"day": "2026-02-30"}, "day=2026-02-30"),
        ("people", {"cohort": "x~y"}, "cohort=x~y"),
        ("sessions", {"sort": "beauty"}, "sort=beauty"),
        ("sessions", {"outcome": "mixed"}, "outcome=mixed"),
        ("sessions", {"calls_min": "1e3"}, "calls_min=1e3"),
        ("sessions", {"threads_max": "2.5"}, "threads_max=2.5"),
        ("sessions", {"session_id": "x" * 2_000}, "session_id=x"),
        ("interceptions", {"after": "yesterday"}, "after=yesterday"),
        ("interceptions", {"sort": "person"}, "sort=person"),
        ("radar", {"kinds": ["runaway", "x"]}, "kinds=x"),
        ("compare", {"what": "apples"}, "what=apples"),
        ("compare", {"beside-at": "2026-13-01"}, "beside-at=2026-13-01"),
        ("session", {"id": "long", "calls": "-1"}, "calls=-1"),
        ("session", {"id": "long", "call": "x"}, "call=x"),
    ],
)
def test_what_an_address_says_that_is_not_understood_is_named_in_one_line(
    store: Store, at: str, asked: dict[str, Any], named: str
) -> None:
    assert store
    (told,) = complaints(app(at, **asked))
    assert named in told


def test_several_slips_are_one_line_and_the_rest_counts(store: Store) -> None:
    assert store
    test = app("spend", period="7d", client="Codex", **dict.fromkeys("abcdefg", "x"))
    (told,) = complaints(test)
    assert told.startswith("Not understood in this address: a, b, c, d, e and 2 more.")
    assert test.radio(key="range").value == "7d"
    assert chips(test) == ["Client is Codex"]


@pytest.mark.parametrize("period", ["90d", "Last 90 days"])
@pytest.mark.parametrize("name", ["period", "range"])
def test_a_period_is_known_by_both_names_and_words(store: Store, name: str, period: str) -> None:
    assert store
    test = app("spend", **{name: period})
    assert test.radio(key="range").value == "90d"
    assert complaints(test) == []


WORDS = st.text(max_size=40) | st.sampled_from(
    ["\0", "\ufffd", "9" * 400, "nan", "-0", "x" * 9_000]
)


@tried(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_address_breaks_a_page(store: Store, data: st.DataObject) -> None:
    assert store
    page = data.draw(st.sampled_from(["spend", "people", "sessions", "interceptions", "compare"]))
    names = st.sampled_from(sorted(url_parameters.of(page) | {"range", "", "embed", "[]"}))
    asked = data.draw(st.dictionaries(names, st.lists(WORDS, min_size=1, max_size=4), max_size=9))
    test = app(page, **{"tz": "UTC", **asked})
    assert not [each for each in test.error if "failed" in str(each.value)]


# One change


def test_a_change_is_written_at_once_in_short_words(store: Store) -> None:
    assert store
    test = app("sessions", after="x", period="custom", dates=["2026-11-01", "2026-11-09"])
    test.selectbox(key="outcome").set_value("with").run()
    assert query(test) == {"from": "2026-11-01", "to": "2026-11-09", "outcome": "with"}
    test.radio(key="range").set_value("7d").run()
    assert query(test) == {"period": "7d", "outcome": "with"}
    test.selectbox(key="compare").set_value("year").run()
    assert query(test) == {"period": "7d", "outcome": "with", "compare": "year"}
    test.selectbox(key="compare").set_value("previous").run()
    assert query(test) == {"period": "7d", "outcome": "with"}


def period(test: AppTest) -> Radio[str]:
    """The named periods; they are a new box where the address says what was not chosen in it."""
    (box,) = [box for box in test.radio if str(box.key).startswith("range")]
    return box


def period_changed() -> tuple[AppTest, dict[str, Any], dict[str, Any]]:
    """A page whose period was changed from 7 to 90 days; its address before and after."""
    test = app("spend", period="7d")
    before = dict(test.query_params)
    period(test).set_value("90d").run()
    return test, before, dict(test.query_params)


def test_back_gives_every_box_what_the_address_says(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    test, before, _ = period_changed()
    test.query_params = before
    with monkeypatch.context() as back:
        back.setattr(url, "_run", lambda: ("", True))
        test.run()
    assert period(test).value == "7d"
    assert query(test) == {"period": "7d"}
    test.run()
    assert query(test) == {"period": "7d"}


def test_what_the_browser_asks_before_it_knows_of_a_change_does_not_undo_it(store: Store) -> None:
    assert store
    test, before, first = period_changed()
    test.query_params = before
    period(test).set_value("30d").run()
    assert query(test) == {}
    for earlier in (first, before, first):
        test.query_params = earlier
        test.run()
        assert (period(test).value, query(test)) == ("30d", {})
    test.run()  # now it knows
    test.query_params = first
    test.run()
    assert (period(test).value, query(test)) == ("90d", {"period": "90d"})


def test_two_changes_in_one_run_are_both_kept_for_a_browser_that_knows_of_neither(
    store: Store,
) -> None:
    assert store
    test = app("spend", period="7d")
    before = dict(test.query_params)
    test.selectbox(key="spend-by").set_value("client")
    test.selectbox(key="compare").set_value("none").run()
    test.query_params = before
    test.run()
    assert query(test) == {"period": "7d", "spend-by": "client", "compare": "none"}


def test_an_address_that_the_browser_has_left_counts_when_it_says_it_again(store: Store) -> None:
    assert store
    test, before, _ = period_changed()
    test.selectbox(key="compare").set_value("none").run()  # says 90 days, so it knows of them
    test.query_params = before
    test.run()
    assert (period(test).value, query(test)) == ("7d", {"period": "7d"})


def test_a_choice_that_is_taken_back_at_once_stays_taken_back(store: Store) -> None:
    assert store
    test, before, first = period_changed()
    test.query_params = before
    period(test).set_value("7d").run()
    test.query_params = first
    test.run()
    assert (period(test).value, query(test)) == ("7d", {"period": "7d"})


def test_a_link_that_is_pressed_before_it_knows_of_a_change_takes_the_change_along(
    store: Store,
) -> None:
    assert store
    test = app("spend", period="7d", client="Codex")
    link = {"tz": "UTC", "period": "7d", "client": "Codex", "teams-rows": "25"}
    test.selectbox(key="spend-by").set_value("client").run()
    period(test).set_value("90d").run()
    test.query_params = link
    test.switch_page("pages/people.py").run()
    after = {"period": "90d", "client": "Codex", "teams-rows": "25"}
    assert (period(test).value, query(test)) == ("90d", after)
    test.query_params = link  # a part of the page refreshes itself meanwhile
    test.run()
    assert (period(test).value, query(test)) == ("90d", after)
    test.query_params = {**link, "period": "30d"}
    test.switch_page("pages/overview.py").run()
    assert period(test).value == "30d"


def test_two_changes_in_a_moment_are_both_kept(store: Store) -> None:
    assert store
    test = app("spend", period="7d")
    before = dict(test.query_params)
    test.selectbox(key="spend-by").set_value("client").run()
    test.query_params = before  # the browser has not heard of the first change yet
    test.selectbox(key="compare").set_value("none").run()
    assert query(test) == {"period": "7d", "spend-by": "client", "compare": "none"}


def test_more_values_than_an_address_holds_are_refused_and_it_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    monkeypatch.setattr(url, "MOST", 3)
    test = editing(app("spend", client=["a", "b"]), "client")
    before = query(test)
    test.multiselect(key="client").set_value(["a", "b", "Codex"]).run()
    (told,) = complaints(test)
    assert "client with so many values" in told
    assert query(test) == before
    assert test.multiselect(key="client").value == ["a", "b"]


def test_links_to_other_pages_carry_the_filters(store: Store) -> None:
    assert store
    test = app("spend", period="7d", models="x", **{"spend-by": "client"})
    links = {one.proto.page: one.proto.query_string for one in test.get("page_link")}
    (people,) = [text for name, text in links.items() if name.endswith("people")]
    assert people == urlencode({"period": "7d", "model_id": "x", "tz": "UTC"})


def test_the_sessions_of_a_person_are_those_of_that_person(store: Store) -> None:
    assert store
    who = facts().usage[0]["person"]
    test = app("person", who=who, period="90d")
    (link,) = [
        one.proto.query_string
        for one in test.get("page_link")
        if one.proto.label == "Sessions" and "person=" in one.proto.query_string
    ]
    assert f"person={who}" in link


# Addresses that are too long


def test_an_address_that_is_too_long_leads_to_one_that_says_so() -> None:
    app = Starlette(
        routes=[Route("/spend", lambda _: PlainTextResponse("there"))],
        middleware=[Middleware(paths.LongUrls)],
    )
    client = TestClient(app, follow_redirects=False)
    assert client.get("/spend?" + "&".join(["a=b"] * 1_000)).text == "there"
    answer = client.get("/spend?" + "&".join(["a=b"] * 1_001))
    assert answer.status_code == 303
    assert answer.headers["location"] == "?unread=parameters"
    assert paths._is_too_long(b"a" * (paths.LONGEST + 1))
    assert not paths._is_too_long(b"a" * paths.LONGEST)
    assert client.get("/spend?unread=parameters").text == "there"


def test_what_is_too_long_is_what_streamlit_drops() -> None:
    assert paths.MOST == query_params.CLIENT_STATE_QUERY_STRING_MAX_FIELDS
    assert paths.LONGEST == query_params.CLIENT_STATE_QUERY_STRING_MAX_LENGTH
    assert url.MOST < paths.MOST
    assert paths.UNREAD.partition("=")[0] == url_parameters.UNREAD


_SAYING = """
import streamlit as st
from bridgeboard.ui import url

url.begin()
url.current().setdefault("model", []).append("of who asked first")
st.text(" ".join(url.get_all("model")))
if st.button("Here"):
    st.query_params["model"] = ["d", "b"]
    st.text(" ".join(url.get_all("model")))
st.button("Change", on_click=url.put, args=({"model": ["c", "b"]},))
"""


def test_an_address_that_changes_counts_at_once_whoever_changes_it() -> None:
    test = AppTest.from_string(_SAYING)
    test.query_params["model"] = ["a", "b"]
    assert [each.value for each in test.run().text] == ["a b"]
    assert [each.value for each in test.button[1].click().run().text] == ["c b"]
    test.query_params["model"] = ["e", "b"]
    assert [each.value for each in test.run().text] == ["e b"]
    assert [each.value for each in test.button[0].click().run().text] == ["e b", "d b"]
    assert [each.value for each in test.run().text] == ["d b"]


def test_a_run_reads_its_address_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    assert store
    test, reads, of_today = app("spend", period="90d"), [], old_urls.of_today

    def counted(words: url.Words) -> dict[str, list[str]]:
        reads.append(words)
        return of_today(words)

    monkeypatch.setattr(old_urls, "of_today", counted)
    test.run()
    assert reads == [{"tz": ["UTC"], "period": ["90d"]}]


# Values of which there are many


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Store]:
    """A store in which 3,000 more clients were seen, each less often than the last."""
    with filled(tmp_path / "store.duckdb") as opened:
        with opened.write() as batch:
            batch.execute(
                "INSERT INTO usage BY NAME SELECT * EXCLUDE (n) REPLACE (1_000_000 + n AS usage,"
                " uuid() AS id, 'crowd-' || n AS client)"
                " FROM (SELECT * FROM usage WHERE grain = 'interception' LIMIT 1),"
                " range(3_000) r(n)"
            )
        with looking(opened, END):
            yield opened


@pytest.mark.parametrize("at", ["spend", "compare"])
def test_every_value_can_be_chosen_however_many_there_are(crowd: Store, at: str) -> None:
    assert crowd
    test = app(at, period="90d", what="clients" if at == "compare" else [])
    key = "compare-a" if at == "compare" else "client"
    if at != "compare":
        editing(test, "client")
    box = test.selectbox(key=key) if at == "compare" else test.multiselect(key=key)
    assert {f"crowd-{n}" for n in range(3_000)} <= set(box.options)
    box.set_value("crowd-2999" if at == "compare" else ["crowd-2999"]).run()
    assert query(test)["a" if at == "compare" else "client"] == "crowd-2999"


@pytest.mark.parametrize("at", ["spend", "compare"])
def test_of_too_many_values_for_a_box_words_find_every_one(
    crowd: Store, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crowd
    monkeypatch.setattr(value_picker, "LISTED", 100)
    monkeypatch.setattr(value_picker, "FOUND", 20)
    test = app(at, what="clients" if at == "compare" else [])
    key = "compare-a" if at == "compare" else "client"
    if at != "compare":
        editing(test, "client")

    def options() -> list[str]:
        return list((test.selectbox if at == "compare" else test.multiselect)(key=key).options)

    assert len(options()) <= 102
    assert "crowd-2999" not in options()
    test.text_input(key=f"find-{key}").set_value("CROWD 2999").run()
    assert "crowd-2999" in options()
    test.text_input(key=f"find-{key}").set_value("crowd").run()
    assert any("The first 20 with these words" in one.value for one in test.caption)
    test.text_input(key=f"find-{key}").set_value("nobody at all").run()
    assert any("None of the clients has these words" in one.value for one in test.caption)


def test_what_an_address_names_stays_chosen_while_others_are_looked_for(
    crowd: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert crowd
    monkeypatch.setattr(value_picker, "LISTED", 100)
    test = editing(app("spend", client=["crowd-2999", "never seen"]), "client")
    test.text_input(key="find-client").set_value("crowd-17").run()
    assert test.multiselect(key="client").value == ["crowd-2999", "never seen"]
    test.multiselect(key="client").set_value(["crowd-2999", "never seen", "crowd-17"]).run()
    assert query(test)["client"] == ["crowd-2999", "never seen", "crowd-17"]
