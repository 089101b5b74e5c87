"""The list of sessions, run without a browser over a store that was synced."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import demo_sync
import pytest
import session_stores
import shown_tables
from audit_entries import last, noted
from dashboard_store import looking
from databases import broken, forget, saved_views_of
from scope_bar import editing
from shown_tables import Table
from slow_cases import one_fast
from streamlit.testing.v1 import AppTest

from bridgeboard import formats, settings
from bridgeboard.model.pages import FILTERS
from bridgeboard.model.store_status import Status
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.runtime import process, state_files
from bridgeboard.state.audit import digest_of_words
from bridgeboard.store import Store, sync_state
from bridgeboard.ui import current_user
from bridgeboard.ui.components import data_quality
from bridgeboard.ui.components.tables import Words
from bridgeboard.ui.views import session_list

ROOT = Path(__file__).parents[1]
EVERY = {"range": "Custom days", "dates": ["2026-01-01", "2026-12-31"], "tz": "UTC"}


@pytest.fixture(scope="module")
def synced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("exact"), "exact") as made:
        yield made


@pytest.fixture
def store(synced: Store) -> Iterator[Store]:
    with looking(synced, demo_sync.NOW):
        forget(synced)
        yield synced
        forget(synced)


def app(at: str = "sessions", **query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, value in {**EVERY, **query}.items():
        test.query_params[name] = value
    return test.switch_page(f"pages/{at}.py").run()


def said(test: AppTest) -> str:
    kinds = ("markdown", "caption", "text", "error", "warning", "info")
    told = [str(element.value) for kind in kinds for element in test.get(kind)]
    told += [element.proto.json for element in test.get("bidi_component")]
    return "\n".join(told).replace("\\", "")


def listed(test: AppTest) -> Table:
    return shown_tables.table(test, "sessions-table")


def whole_numbers(test: AppTest, label: str) -> list[int]:
    """The numbers of a column with all their digits."""
    return [int(cell.strip("≥ ").replace(",", "")) for cell in listed(test).whole(label)]


def counted() -> dict[tuple[str, str], int]:
    """Requests of each session, as the world knows them."""
    return {key: len(found) for key, found in session_stores.own().items()}


def test_all_sessions_are_listed_with_their_number_and_their_sums(store: Store) -> None:
    assert store
    test = app()
    assert not test.exception
    assert f"All {len(counted())} sessions" in said(test)
    assert len(listed(test).rows) == len(counted())


@pytest.mark.parametrize("name", one_fast(sorted(COLUMNS)))
def test_any_column_can_be_sorted_by_and_all_can_be_shown(store: Store, name: str) -> None:
    assert store
    test = app(sort=name, columns=list(COLUMNS))
    assert not test.exception
    assert not test.error
    column = COLUMNS[name]
    assert set(listed(test).heads) == {each.label for each in COLUMNS.values()}
    assert listed(test).order == (column.label, False)
    assert len(listed(test).rows) == len(counted())


def test_the_dearest_come_first_when_a_link_says_so(store: Store) -> None:
    (told,) = store.rows(
        "SELECT list(cost ORDER BY cost DESC) FROM (SELECT sum(cost) AS cost FROM usage"
        " WHERE session IS NOT NULL GROUP BY session)"
    )
    shown = listed(app(sort="Spend")).whole("Spend")
    assert shown[:10] == [formats.exact_money(value) for value in told[0][:10]]


def test_a_press_on_a_head_sorts_the_whole_list_and_leads_to_its_beginning(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    every = sorted(whole_numbers(app(), "Tokens"))
    assert len(every) > 20
    monkeypatch.setattr(session_list, "PAGE", 10)
    test = app()
    test.button(key="turn-next").click().run()
    assert listed(test).order == ("Last active", False)
    shown_tables.sort(test, "sessions-table", "Tokens", upwards=False)
    assert whole_numbers(test, "Tokens") == every[::-1][:10]
    address = {name: test.query_params.get(name) for name in ("sort", "up", "after")}
    assert address == {"sort": "total_tokens", "up": None, "after": None}
    shown_tables.sort(test, "sessions-table", "Tokens", upwards=True)
    assert whole_numbers(test, "Tokens") == every[:10]
    assert listed(test).order == ("Tokens", True)
    again = app(**{name: test.query_params[name] for name in ("sort", "up")})
    assert whole_numbers(again, "Tokens") == every[:10]
    shown_tables.sort(test, "sessions-table", "Last active", upwards=False)
    assert not {"sort", "up", "after"} & set(test.query_params)


def test_a_row_leads_to_its_session_in_the_same_zone(store: Store) -> None:
    owners = store.rows(
        "SELECT s.id, CAST(i.id AS VARCHAR) FROM sessions s JOIN initiators i USING (initiator)"
    )
    shown = listed(app(columns=["person", "id"]))
    led = []
    for link, id_ in zip(shown.links("Person"), shown.whole("Session"), strict=True):
        assert link is not None
        page, _, query = link.partition("?")
        words = {name: values[0] for name, values in parse_qs(query).items()}
        assert (page, words["id"], words["tz"]) == ("session", id_, "UTC")
        led.append((words["id"], words["initiator"]))
    assert sorted(led) == sorted(owners)


def test_a_number_is_never_the_name_of_a_row_and_the_order_is_always_in_sight(store: Store) -> None:
    test = app(columns=["cost", "requests"], sort="person", up="true")
    shown = listed(test)
    assert shown.heads == ["Last active", "Person", "Spend", "Requests"]
    assert shown.order == ("Person", True)
    assert shown.column("Person") == sorted(shown.column("Person"))
    assert shown.totals["Last active"] == f"All {len(counted())} sessions"
    assert shown.totals["Person"] == ""
    ((requests,),) = store.rows("SELECT sum(requests) FROM usage WHERE session IS NOT NULL")
    assert shown.totals["Requests"] == formats.exact(requests)


def test_what_is_in_no_session_has_a_row_of_its_own_below_the_list(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "exact") as store, looking(store, demo_sync.NOW):
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET session = NULL WHERE session ="
                " (SELECT min(session) FROM usage WHERE requests > 0)"
            )
        ((inside, outside),) = store.rows(
            "SELECT sum(requests) FILTER (WHERE session IS NOT NULL),"
            " sum(requests) FILTER (WHERE session IS NULL) FROM usage"
        )
        totals = listed(app(columns=["last_active_at", "requests"])).data["totals"]
    assert outside > 0
    names = [f"All {len(counted())} sessions", session_list.OTHERS, session_list.TOGETHER]
    assert [name for name, _ in totals] == names
    numbers = [cell if isinstance(cell, str) else cell[1] for _, cell in totals]
    others, whole = map(formats.exact, (outside, inside + outside))
    assert numbers == [f"≥ {formats.exact(inside)}", others, whole]  # of one no request is known


def test_pages_follow_each_other_and_a_link_to_one_shows_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    monkeypatch.setattr(session_list, "PAGE", 10)

    def rows(test: AppTest) -> list[tuple[str, ...]]:
        """Session and person: two people may have used one id."""
        return [line[:2] for line in listed(test).lines]

    columns = ["Session", "Person", "Requests"]
    test = app(sort="Requests", columns=columns)
    first, most = rows(test), whole_numbers(test, "Requests")
    test.button(key="turn-next").click().run()
    second = rows(test)
    assert "11-20 of" in said(test)
    assert not set(first) & set(second)
    assert min(most) >= max(whole_numbers(test, "Requests"))
    again = app(
        sort="Requests",
        columns=columns,
        after=test.query_params["after"],
    )
    assert rows(again) == second
    test.button(key="turn-previous").click().run()
    assert rows(test) == first


@pytest.mark.parametrize("after", ["x", "%00", "a" * 20_000, "4pbN1VsiLWNvc3QiLDEsMl0"])
def test_a_damaged_place_leads_to_the_beginning_and_is_told(store: Store, after: str) -> None:
    assert store
    test = app(after=after)
    assert not test.exception
    assert "not in this list" in said(test)
    assert len(listed(test).rows) == len(counted())


def test_filters_of_sessions_narrow_the_list_from_a_cold_link(store: Store) -> None:
    (told,) = store.rows(
        "SELECT count(DISTINCT session) FROM tool_calls WHERE tool = 'Bash' AND session IS NOT NULL"
    )
    test = app(tools=["Bash"])
    assert f"{told[0]} session" in said(test)
    (some,) = store.rows(
        "SELECT count(*) FROM (SELECT session FROM usage WHERE session IS NOT NULL GROUP BY session"
        " HAVING sum(tool_calls) BETWEEN 3 AND 9)"
    )
    test = app(calls_min="3", calls_max="9")
    assert f"{some[0]} session" in said(test)


def test_a_spend_is_typed_in_dollars_and_compared_exactly(store: Store) -> None:
    (told,) = store.rows(
        "SELECT count(*) FROM (SELECT sum(cost) AS cost FROM usage WHERE session IS NOT NULL"
        " GROUP BY session) WHERE cost >= 10000000000"
    )
    assert f"{told[0]} session" in said(app(spend_min="0.01"))


@pytest.mark.parametrize(
    "query",
    [
        {"sort": "<script>"},
        {"columns": ["nothing"]},
        {"tools": ["no such tool"]},
        {"calls_min": "many"},
        {"spend_min": "1e400"},
        {"outcome": "Perhaps"},
        {"before": "x", "after": "y"},
    ],
)
def test_addresses_that_make_no_sense_raise_nothing(store: Store, query: dict[str, Any]) -> None:
    assert store
    test = app(**query)
    assert not test.exception
    assert not test.error


def test_nothing_found_says_so_and_offers_to_clear(store: Store) -> None:
    assert store
    test = app(tools=["no such tool"])
    assert "No session matches" in said(test)
    test.button(key="clear-sessions").click().run()
    assert f"All {len(counted())} sessions" in said(test)


def test_a_session_is_found_by_its_id(store: Store) -> None:
    assert store
    (wanted, _), *_ = counted()
    shown = listed(app(session_id=wanted, columns=["Session"]))
    assert set(shown.whole("Session")) == {wanted}


def test_a_choice_on_one_page_does_not_disturb_another(store: Store) -> None:
    assert store
    test = app(outcome="With errors", tools=["Bash"])
    test.switch_page("pages/interceptions.py").run()
    assert not test.exception
    assert not test.error


def test_lists_say_that_the_first_sync_still_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "new.duckdb") as empty, looking(empty, demo_sync.NOW):
        text = said(app())
        assert text.count(data_quality.FIRST_STEPS) == 1
        assert text.count(data_quality.NOTHING) == 2
        with empty.write() as batch:
            sync_state.begin_run(batch, "interceptions", demo_sync.NOW)
        assert "Choose a longer one" in said(app())
        monkeypatch.setattr(process.current(), "status", Status("syncing"))
        assert "No session of this period has been read yet" in said(app())
        assert "No request of this period has been read yet" in said(app("interceptions"))


def test_several_models_are_called_by_the_first_where_all_have_no_room() -> None:
    looked = session_list._models
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session_list.runner, "model_name", lambda model, _: model)
        assert looked(()) is None
        assert looked(("b", "a", "b")) == "a, b"
        names = ("Claude Sonnet 4.5", "Claude Opus 4.5", "GPT-5")
        cell = looked(names)
    assert cell == Words("Claude Opus 4.5 +2", "Claude Opus 4.5, Claude Sonnet 4.5, GPT-5")


def word(store: Store) -> str:
    """A word that some prompt has."""
    ((text,),) = store.rows("SELECT text FROM prompts ORDER BY started_at DESC LIMIT 1")
    return max(text.split(), key=len)[:40]


def test_prompts_are_searched_only_where_the_operator_permits_it(store: Store) -> None:
    settings.install(settings.current().model_copy(update={"search_text": False}))
    test = app(search=word(store))
    assert "Search in prompts" not in [field.label for field in test.text_input]
    assert "turn on the switch to see them" not in said(test)


def test_hits_are_hidden_until_revealed_and_a_search_is_logged(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = word(store)
    test = app(search=wanted)
    assert "turn on the switch to see them" in said(test)
    assert '"hits"' not in said(test)
    before = last()
    with caplog.at_level(logging.DEBUG):
        test.toggle(key="reveal").set_value(True).run()
    assert not test.exception
    assert '"marked": true' in said(test).replace('"marked":true', '"marked": true')
    (entry,) = noted("search", before)
    assert entry.who == "operator"
    assert wanted not in f"{entry}{caplog.text}"


def test_every_search_is_noted_with_its_filters_and_a_digest_of_its_words(store: Store) -> None:
    ((name,),) = store.rows("SELECT username FROM initiators ORDER BY username LIMIT 1")
    first, second = word(store), "deploy"
    test = app(search=first)
    before = last()
    test.toggle(key="reveal").set_value(True).run()
    test.run()
    for words in (second, f"{second}  {second.upper()}", first):
        test.text_input(key="search").set_value(words).run()
    editing(test, "initiator").multiselect(key="person").set_value([name]).run()
    test.run()
    told = [entry.about for entry in noted("search", before)]
    key = state_files.audit_log(settings.current()).words_key()
    digests = [digest_of_words(key, each) for each in (first, second)]
    expected = [digests[0], digests[1], digests[1], digests[0], digests[0]]
    assert [each.split(";")[0] for each in told] == [f"words {each}" for each in expected]
    assert f"person {name}" in told[-1]
    assert not any(name in each for each in told[:-1])
    assert all(" UTC" in each for each in told)


def test_words_that_nobody_wrote_are_told_with_how_many_were_searched(store: Store) -> None:
    ((many,),) = store.rows("SELECT count(*) FROM prompts")
    test = app(search="xyzzy%_'")
    test.toggle(key="reveal").set_value(True).run()
    assert f"{many:,} prompts searched" in said(test)


def test_a_view_is_kept_and_found_again_and_forgotten(store: Store) -> None:
    test = app("spend", teams=["payments"])
    test.session_state["views"] = True
    test.run()
    test.text_input(key="view_name").set_value("Payments <b>now</b>").run()
    test.button(key="keep-view").click().run()
    (view,) = saved_views_of(store).views()
    assert (view.name, view.page) == ("Payments <b>now</b>", "spend")
    assert "team=payments" in view.query
    shown = [str(element.proto.body) for element in test.get("html")]
    assert any("Payments &lt;b&gt;now&lt;/b&gt;" in each for each in shown)
    test.button(key="forget-view-0").click().run()
    assert saved_views_of(store).views() == ()


def test_a_page_works_where_views_cannot_be_read_and_says_so(
    store: Store, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert store
    unusable = broken(tmp_path)
    monkeypatch.setattr(state_files, "state_database", lambda _: unusable)
    test = app("spend")
    test.session_state["views"] = True
    test.run()
    assert not test.exception
    assert "Could not read the saved views" in said(test)
    assert "is no file" in said(test)
    assert [title.value for title in test.title] == ["Spend"]


def test_a_view_without_a_name_is_refused_with_advice(store: Store) -> None:
    assert store
    test = app("spend")
    test.session_state["views"] = True
    test.run()
    test.button(key="keep-view").click().run()
    assert "1 to 80 characters" in said(test)


def ways_to_sessions(test: AppTest) -> list[dict[str, list[str]]]:
    """The parameters of the link below the chart."""
    links = [one.proto for one in test.get("page_link") if one.proto.label == "Sessions by cost"]
    return [parse_qs(link.query_string) for link in links]


def test_overview_leads_to_its_sessions_by_cost_who_may_open_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    overview = app("overview", **{FILTERS["client"]: "Codex"})
    assert not overview.exception
    (words,) = ways_to_sessions(overview)
    assert words[FILTERS["client"]] == ["Codex"]
    test = app(**words)
    assert listed(test).order == (COLUMNS["cost"].label, False)
    costs = [float(cell.strip("$≥≈ ")) for cell in listed(test).whole(COLUMNS["cost"].label)]
    assert costs == sorted(costs, reverse=True)
    monkeypatch.setattr(current_user.Reader, "may_open", lambda _, page: page != "sessions")
    assert ways_to_sessions(app("overview")) == []
