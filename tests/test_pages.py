"""The pages, run without a browser against the demo company's server over real HTTP."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import END
from streamlit.testing.v1 import AppTest

from aibridge import Client, Search, ServerError
from bridgeboard import connect
from bridgeboard.connect import Demo, Running
from bridgeboard.demo import api, records, server
from bridgeboard.ui import data

ROOT = Path(__file__).parents[1]
Point = Callable[[str, str], None]


def app(at: str = "sessions", **query: str) -> AppTest:
    """The app after its first run, on a page, with a query string."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.switch_page(f"pages/{at}.py")
    return test.run()


def said(test: AppTest) -> str:
    """All words on the page that are not in a table."""
    kinds = (
        *("title", "header", "subheader", "markdown", "caption", "text"),
        *("error", "warning", "info"),
    )
    return "\n".join(str(element.value) for kind in kinds for element in test.get(kind))


@pytest.fixture
def owner(running: Running, installed: Point) -> Iterator[Client]:
    installed(running.url, running.tokens["owner"])
    with Client(running.url, running.tokens["owner"]) as client:
        yield client


def test_the_list_shows_the_newest_sessions_and_how_many_there_are(owner: Client) -> None:
    truth = owner.sessions_page(limit=50)
    test = app()
    assert not test.exception
    assert f"1-50 of {truth.count:,} sessions" in said(test)
    shown = test.dataframe[0].value
    assert list(shown["session"]) == [row.id for row in truth.sessions]
    assert list(shown["tokens"]) == [row.token_usage_summary.total_tokens for row in truth.sessions]
    kinds = shown[["input", "output", "cache_read", "cache_write"]].sum(axis="columns")
    assert list(kinds) == list(shown["tokens"])


def test_a_filter_in_the_address_narrows_the_list_on_a_cold_start(owner: Client) -> None:
    model = owner.models()[-1]
    truth = owner.sessions_page(Search(model=model), limit=1)
    test = app(model=model)
    assert f"{truth.count:,} session" in said(test)
    assert all(model in models for models in test.dataframe[0].value["models"])
    assert "those of the whole session" in said(test)


def test_filters_combine(owner: Client) -> None:
    some = owner.sessions_page(limit=1).sessions[0]
    search = Search(initiator=some.initiator.username, client=some.client)
    truth = owner.sessions_page(search, limit=1).count
    test = app(initiator=some.initiator.username, client=some.client or "")
    assert f"{truth:,} session" in said(test)


def test_the_second_page_goes_on_where_the_first_ended(owner: Client) -> None:
    truth = owner.sessions_page(limit=50, offset=50)
    test = app(page="2")
    assert "51-100 of" in said(test)
    assert list(test.dataframe[0].value["session"]) == [row.id for row in truth.sessions]


def test_a_period_of_days_ends_before_the_next_day_begins(owner: Client) -> None:
    days = ("2026-11-10", "2026-11-12")
    search = 'started_after:"2026-11-10T00:00:00Z" started_before:"2026-11-12T23:59:59.999999Z"'
    truth = owner.sessions_page(search, limit=1).count
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    test.query_params["period"] = "Custom"
    test.query_params["days"] = list(days)
    test.query_params["tz"] = "UTC"
    test.switch_page("pages/sessions.py").run()
    assert truth > 0
    assert f"{truth:,} session" in said(test)


def test_no_match_says_so_and_what_to_do(owner: Client) -> None:
    assert owner
    test = app(model="no-such-model")
    assert "No session matches these filters" in said(test)
    assert not test.dataframe


def test_a_value_that_no_search_can_express_is_explained(owner: Client) -> None:
    assert owner
    test = app(session_id='a"b')
    assert not test.exception
    assert "cannot be asked for this" in said(test)
    assert "Search(" not in said(test)


def test_prompts_are_hidden_until_revealed_and_the_reveal_is_logged(
    owner: Client, caplog: pytest.LogCaptureFixture
) -> None:
    row = next(row for row in owner.sessions_page(limit=50).sessions if row.last_prompt)
    test = app()
    assert "prompt" not in test.dataframe[0].value
    assert (row.last_prompt or "")[:20] not in said(test)
    test.toggle(key="reveal").set_value(True).run()
    assert "prompt" in test.dataframe[0].value
    assert caplog.text.count("recorded text revealed: 'sessions from 1 on") == 1
    test.run()
    assert caplog.text.count("recorded text revealed") == 1
    assert (row.last_prompt or "")[:20] not in caplog.text


@pytest.fixture
def rows(owner: Client) -> dict[tuple[str, Any], Any]:
    return {row.key: row for row in owner.sessions()}


def session_page(row: Any, **query: str) -> AppTest:
    return app("session", id=row.id, person=str(row.initiator.id), **query)


def test_a_session_shows_its_sums_and_every_thread(owner: Client, rows: dict[Any, Any]) -> None:
    row = next(row for row in rows.values() if 3 <= row.threads <= 20)
    threads = owner.session(row.id, limit=200).threads
    test = session_page(row)
    assert not test.exception
    shown = {metric.label: metric.help for metric in test.metric}
    assert f"Exactly {row.token_usage_summary.total_tokens:,}." in shown["Tokens"]
    assert f"Exactly {row.token_usage_summary.input_tokens:,}." in shown["Input"]
    assert f"{len(threads)} threads" in said(test)
    table = test.dataframe[0].value
    assert list(table["total"]) == [thread.token_usage.total_tokens for thread in threads]


def test_threads_after_the_fiftieth_have_unknown_tokens_and_not_none(
    rows: dict[Any, Any],
) -> None:
    row = max(rows.values(), key=lambda row: row.threads)
    assert row.threads > 50
    test = session_page(row, threads="2")
    table = test.dataframe[0].value
    assert table["thread"].iloc[0] == 51
    assert table["total"].isna().all()
    assert "The server tells no tokens for threads after the 50th" in said(test)
    metric = {metric.label: metric.help for metric in test.metric}["Tokens"]
    assert f"{row.token_usage_summary.total_tokens:,}" in metric


def test_a_link_to_a_thread_opens_its_page_and_the_thread(
    owner: Client, rows: dict[Any, Any]
) -> None:
    row = max(rows.values(), key=lambda row: row.threads)
    last = list(owner.threads(row.id))[-1]
    test = session_page(row, thread=str(last.id))
    assert f"of {row.threads:,} threads" in said(test)
    assert int(row.threads) in list(test.dataframe[0].value["thread"])
    assert test.session_state[f"thread-{last.id}"] is True


def test_recorded_text_is_hidden_until_revealed_and_then_plain(
    owner: Client, rows: dict[Any, Any]
) -> None:
    for row in rows.values():
        if row.threads == 1 and row.last_prompt and "/" not in row.id and '"' not in row.id:
            thread = owner.session(row.id).threads[0]
            if thread.prompt and thread.agentic_actions and len(thread.prompt) < 1000:
                break
    test = session_page(row)
    codes = [element.value for element in test.code]
    assert thread.prompt not in codes
    assert f"Prompt: hidden, {len(thread.prompt):,} character" in said(test)
    test.toggle(key="reveal").set_value(True).run()
    assert thread.prompt in [element.value for element in test.code]


def test_no_session_chosen_and_no_such_session_say_what_to_do(owner: Client) -> None:
    assert owner
    assert "No session chosen" in said(app("session"))
    test = app("session", id="00000000-0000-4000-8000-000000000000")
    assert not test.exception
    assert "The deployment has no such session" in said(test)


def test_an_initiator_or_thread_that_is_no_id_is_ignored(
    owner: Client, rows: dict[Any, Any]
) -> None:
    assert owner
    row = next(iter(rows.values()))
    test = app("session", id=row.id, person="<script>", thread="../../x")
    assert not test.exception
    assert test.metric


def test_a_session_shared_by_two_people_says_so(owner: Client, rows: dict[Any, Any]) -> None:
    assert owner
    ids = [row.id for row in rows.values()]
    shared = next((row for row in rows.values() if ids.count(row.id) > 1), None)
    assert shared, "the demo company shares a session"
    test = session_page(shared)
    assert "used the same session ID" in said(test).replace("\\", "")
    metric = {metric.label: metric.help for metric in test.metric}["Tokens"]
    assert f"{shared.token_usage_summary.total_tokens:,}" in metric


def test_every_session_of_the_company_opens(owner: Client, rows: dict[Any, Any]) -> None:
    """The odd ones at least: hostile ids and texts, no threads, no client, no model."""
    assert owner
    odd = {
        row.key: row
        for row in rows.values()
        if row.threads == 0
        or row.client is None
        or not all(row.models)
        or not re.fullmatch(r"[\w.:-]+", row.id)
        or "<" in (row.last_prompt or "")
    }
    assert len(odd) >= 3
    for row in list(odd.values())[:25]:
        test = session_page(row)
        assert not test.exception, row.id
        assert test.metric, row.id


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("", "", "Not connected to a deployment"),
        (
            "http://127.0.0.1:9",
            "abcdefghij-0123456789012345678901",
            "No answer from the deployment",
        ),
        ("coder.example.com", "abcdefghij-0123456789012345678901", "cannot be used"),
    ],
)
def test_without_a_deployment_the_page_says_what_to_do(
    installed: Point, url: str, token: str, words: str
) -> None:
    installed(url, token)
    test = app()
    assert not test.exception
    assert words in said(test)
    assert token not in said(test) or not token
    assert not test.dataframe


def test_a_wrong_token_is_explained_and_not_shown(running: Running, installed: Point) -> None:
    token = "zzzzzzzzzz-9999999999999999999999"
    installed(running.url, token)
    test = app()
    assert "does not accept this token" in said(test)
    assert token not in said(test)


def test_a_member_token_is_recognised(running: Running, installed: Point) -> None:
    installed(running.url, running.tokens["member"])
    test = app()
    assert "This token may not read" in said(test)
    assert not test.dataframe


def test_an_auditor_reads_everything_but_may_not_filter_by_instance(
    running: Running, installed: Point
) -> None:
    installed(running.url, running.tokens["auditor"])
    test = app()
    assert test.dataframe
    assert "provider_name" not in [field.key for field in test.text_input]


@pytest.mark.parametrize("profile", ["v2.34", "v2.35", "newer"])
def test_every_server_version_is_shown(installed: Point, profile: api.Profile) -> None:
    demo = Demo(profile=profile, days=5, scale=0.2, end=END)
    with connect.demo_server(demo, END) as server:
        installed(server.url, server.tokens["owner"])
        test = app()
        assert not test.exception
        assert test.dataframe
        assert f"AI Bridge {profile}" in said(test).replace("\\", "") or profile == "newer"


def test_an_unlicensed_server_is_explained(installed: Point) -> None:
    demo = Demo(days=3, scale=0.1, end=END, switches=api.Switches(licensed=False))
    with connect.demo_server(demo, END) as server:
        installed(server.url, server.tokens["owner"])
        test = app()
        assert not test.exception
        assert "AI Bridge is not available here" in said(test)
        assert "licence" in said(test)
        assert not test.dataframe


def test_a_failing_tile_does_not_take_its_neighbours(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> tuple[str, ...]:
        raise ServerError("The server answered 500.", status=500)

    monkeypatch.setattr(data, "clients", broken)
    truth = owner.sessions_page(limit=1).count
    test = app()
    assert "Could not read the list of clients" in said(test)
    assert f"{truth:,} sessions" in said(test)
    assert test.button(key="retry-Could not read the list of clients")


def test_an_empty_deployment_says_how_sessions_appear(owner: Client, installed: Point) -> None:
    assert owner
    person = records.Person("11111111-1111-4111-8111-111111111111", "root", role="owner")
    tables = records.Tables(people=[person])
    tokens = api.tokens(tables, 1)
    with server.serve(api.Bridge(tables, tokens=api.holders(tables, tokens))) as empty:
        installed(empty.url, tokens["owner"])
        test = app()
        assert not test.exception
        assert "has recorded no session yet" in said(test)


def test_what_nobody_foresaw_is_logged_and_told_without_details(
    owner: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert owner

    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(data, "sessions", broken)
    test = app()
    assert "Could not show the list of sessions" in said(test)
    assert "secret detail" not in said(test)
    assert "secret detail" in caplog.text


def test_a_choice_opens_the_row_that_was_drawn_though_the_list_has_moved(
    owner: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    truth = owner.sessions_page(limit=50).sessions
    test = app()
    read = data.sessions

    def moved(search: Search, page: int, size: int) -> data.Sessions:
        found = read(search, page, size)
        return replace(found, rows=found.rows[1:])

    monkeypatch.setattr(data, "sessions", moved)
    test.session_state["sessions-0"] = {"selection": {"rows": [3], "columns": [], "cells": []}}
    test.run()
    assert not test.exception
    assert truth[3].id in [element.value for element in test.code]


def test_a_link_to_a_person_without_the_session_names_those_who_have_it(
    rows: dict[Any, Any],
) -> None:
    row = next(iter(rows.values()))
    test = app("session", id=row.id, person="00000000-0000-4000-8000-000000000001")
    assert not test.exception
    assert "has no session of this ID" in said(test)
    assert not test.metric
    other = test.button(key=f"sharer-{row.initiator.id}")
    other.click().run()
    assert test.metric
    assert str(row.initiator.id) in test.query_params["person"]


def test_the_threads_of_a_session_over_midnight_tell_their_day(rows: dict[Any, Any]) -> None:
    row = next(
        row
        for row in rows.values()
        if row.threads > 1 and row.started_at.date() != row.ended_at.date() and "/" not in row.id
    )
    test = session_page(row)
    folds = [fold.label for fold in test.expander if "tool call" in fold.label]
    assert folds
    assert all(re.search(r"\d{4}-\d\d-\d\d ", label) for label in folds)


def test_a_filter_that_a_link_names_but_an_auditor_may_not_use_is_told(
    running: Running, installed: Point
) -> None:
    installed(running.url, running.tokens["auditor"])
    test = app(provider_name="anthropic")
    assert "which the deployment only lets owners do" in said(test)
    assert test.dataframe


def test_days_in_the_wrong_order_are_the_same_days(owner: Client) -> None:
    assert owner
    counts = []
    for days in (["2026-11-10", "2026-11-12"], ["2026-11-12", "2026-11-10"]):
        test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
        test.query_params["period"] = "Custom"
        test.query_params["days"] = days
        test.query_params["tz"] = "UTC"
        test.switch_page("pages/sessions.py").run()
        assert not test.exception
        counts.append(re.findall(r"[\d,]+ sessions?", said(test))[-1])
    assert counts[0] == counts[1]


def test_the_source_is_told_even_where_a_page_ends_early(owner: Client) -> None:
    assert owner
    test = app("session")
    assert "AI Bridge v2" in said(test).replace("\\", "")
    assert test.button(key="refresh")
