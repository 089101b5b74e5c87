"""The page of one session, run without a browser over stores that were synced."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import demo_sync
import pytest
import session_stores
import shown_tables
import truth
from audit_entries import last, noted
from dashboard_store import looking
from facts import KINDS
from headline_cards import headline
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from bridgeboard import formats, settings
from bridgeboard.analysis import session_data
from bridgeboard.demo.records import InterceptionRow
from bridgeboard.model.store import StoreError
from bridgeboard.model.store_status import Status
from bridgeboard.queries import session_calls
from bridgeboard.runtime import process
from bridgeboard.store import Store, sync_state
from bridgeboard.ui import navigation, runner
from bridgeboard.ui.components import recorded_text
from bridgeboard.ui.views import session, session_download, session_transcript

ROOT = Path(__file__).parents[1]
Who = tuple[str, str]
MOST_ELEMENTS = 600


@pytest.fixture(scope="module", params=["exact", "summed", "upgraded"])
def any_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp(request.param), request.param) as made:
        yield made


@pytest.fixture(scope="module")
def exact(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("exact"), "exact") as made:
        session_stores.prolonged(made, 20_000)
        yield made


@pytest.fixture
def store(exact: Store) -> Iterator[Store]:
    with looking(exact, demo_sync.NOW):
        yield exact


def made(who: Who | None = None, **query: str) -> AppTest:
    """The page before its first run, with an address."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    address = navigation.session(*who) if who else {}
    for name, value in {"tz": "UTC", **address, **query}.items():
        test.query_params[name] = value
    return test.switch_page("pages/session.py")


def opened(who: Who | None = None, **query: str) -> AppTest:
    """The page after its first run, with an address."""
    return made(who, **query).run()


def unfolded(usage: int, who: Who | None = None, **query: str) -> AppTest:
    """The page with its text and the fold of a call open, neither of which an address can do."""
    test = made(who, **query)
    test.session_state["reveal"] = True
    test.session_state[f"call-{usage}"] = True
    return test.run()


def revealed(test: AppTest) -> AppTest:
    return test.toggle(key="reveal").set_value(True).run()


def said(test: AppTest) -> str:
    kinds = ("title", "header", "subheader", "markdown", "caption", "text", "error", "warning")
    told = [str(element.value) for kind in (*kinds, "info") for element in test.get(kind)]
    words = "\n".join([*told, *(fold.label for fold in test.expander)])
    return words.replace("\\", "").replace("\u2060", "")


def components(test: AppTest) -> list[dict[str, Any]]:
    return [json.loads(element.proto.json) for element in test.get("bidi_component")]


def listed(test: AppTest) -> list[str]:
    """The names in the list of threads."""
    return shown_tables.table(test, "jump").column("Thread")


def texts(test: AppTest) -> list[str]:
    """Every text that is shown: in blocks of code, or with marks."""
    marked = [told["parts"] for told in components(test) if told.get("parts")]
    return [
        *(str(element.value) for element in test.code),
        *("".join(part["text"] for part in parts) for parts in marked),
    ]


def marks(test: AppTest) -> list[str]:
    every = [part for told in components(test) for part in told.get("parts", [])]
    return [part["text"] for part in every if part["marked"]]


def cards(test: AppTest) -> dict[str, str]:
    return {card.label: card.help for card in headline(test)}


def folds(test: AppTest) -> list[str]:
    """The headlines of the calls on the page."""
    return [fold.label.replace("\\", "") for fold in test.expander if fold.label.startswith("**")]


def whole(store: Store) -> list[Who]:
    """The sessions all of whose requests are known to be theirs, the largest first."""
    keys = session_stores.keys(store)
    found = [
        who
        for who, rows in session_stores.own().items()
        if session_stores.head(store, keys[who]).requests == len(rows)
    ]
    return sorted(found, key=lambda who: -len(session_stores.own()[who]))


def roots(who: Who) -> list[InterceptionRow]:
    """The first requests of a session's threads."""
    return [row for row in session_stores.own()[who] if row.thread_root_id in {None, row.id}]


def prompts(who: Who) -> list[str]:
    tables = session_stores.tables()
    return [row.prompt for row in truth.prompts(tables, session_stores.own()[who])]


def test_the_headline_is_what_counting_says(store: Store) -> None:
    who = whole(store)[0]
    rows = session_stores.own()[who]
    merged = truth.responses(session_stores.tables(), rows).values()
    tokens = sum(max(0, getattr(each, kind)) for each in merged for kind in KINDS)
    test = opened(who)
    assert not test.exception
    shown = cards(test)
    assert f"Exactly {tokens:,}." in shown["Tokens"]
    assert f"Exactly {len(rows):,}." in shown["Requests"]
    tools = truth.tool_calls(session_stores.tables(), rows)
    assert f"Exactly {len(tools):,}." in shown["Tool calls"]
    assert set(shown) >= {"Spend", "Duration", "Threads", "Tool errors", "Cache hits"}
    assert len(folds(test)) == min(len(rows), session_data.PAGE)
    assert who[0] in texts(test)


def test_every_session_opens_whatever_server_told_it(any_store: Store) -> None:
    keys = session_stores.keys(any_store)
    odd = [who for who in keys if not re.fullmatch(r"[\w.:-]+", who[0])]
    with looking(any_store, demo_sync.NOW):
        for who in [*odd, *list(keys)[::9]]:
            test = opened(who)
            assert not test.exception, who
            assert not test.error, who
            assert headline(test), who
            head = session_stores.head(any_store, keys[who])
            assert bool(folds(test)) == bool(head.rows), who
            assert bool(test.get("vega_lite_chart")) == bool(head.total_tokens), who


def test_a_call_is_a_row_of_cells_and_the_head_says_what_ran(store: Store) -> None:
    keys = session_stores.keys(store)
    priced = [who for who in whole(store) if session_stores.head(store, keys[who]).cost]
    who = max(priced, key=lambda who: len(roots(who)))
    test = opened(who)
    cells = {fold.count("* *") + 1 for fold in folds(test)}
    assert cells == {len(session_transcript.HEADS)}
    tools = truth.tool_calls(session_stores.tables(), session_stores.own()[who])
    name, calls = Counter(call.tool for call in tools).most_common(1)[0]
    assert f"Tool calls: {name} {calls:,}" in said(test)
    costs = store.rows(
        "SELECT sum(cost) FROM usage WHERE session = $1 GROUP BY thread ORDER BY 1 DESC LIMIT 1",
        [keys[who]],
    )
    assert f"most: {formats.money(int(costs[0][0]))}, " in said(test)
    shares = shown_tables.table(test, "jump").column("Share of cost")
    assert len(shares) == len(listed(test))


def test_what_a_server_does_not_tell_is_said(any_store: Store) -> None:
    keys = session_stores.keys(any_store)
    who, told = next(
        (who, told)
        for who, key in keys.items()
        if (told := session_stores.head(any_store, key)).rows and told.network_total is None
    )
    with looking(any_store, demo_sync.NOW):
        test = opened(who)
        assert "Its network calls are not known" in said(test)
        assert "Network calls" not in {card.label for card in headline(test)}
        assert ("not listed one by one" in said(test)) == (told.accuracy == "aggregate")


def test_network_calls_are_shown_with_how_many_were_blocked(store: Store) -> None:
    head = session_stores.head(store, session_stores.keys(store)[whole(store)[0]])
    for total, blocked in ((1_234, 5), (0, 0)):
        told = session.cards(replace(head, network_total=total, network_blocked=blocked))
        shown = {card.label: card.meaning for card in told}
        assert f"Exactly {total:,}." in shown["Network calls"]
        assert f"Exactly {blocked:,}." in shown["Blocked calls"]


def test_a_sum_of_requests_is_no_call_of_the_picture_of_calls(any_store: Store) -> None:
    with looking(any_store, demo_sync.NOW):
        for key in list(session_stores.keys(any_store).values())[::5]:
            (rows,) = any_store.rows(
                "SELECT count(*) FILTER (grain = 'interception' AND status <> 'unmetered'"
                " OR grain = 'action' AND input + output + cache_read + cache_write <> 0),"
                " count(*), count(*) FILTER"
                " (grain IN ('thread', 'session')), coalesce(sum(input + cache_read + cache_write)"
                " FILTER (grain IN ('thread', 'session')), 0) FROM usage WHERE session = $1",
                [key],
            )
            course = session_data.course(runner.current(), key, None)
            assert (course.calls_count, course.count, course.sums, course.sums_tokens) == rows
            assert course.calls_count + course.untold + course.sums == course.count
            assert all(mark.grain in {"interception", "action"} for mark in course.calls)


def test_a_link_to_a_thread_shows_its_calls_alone(store: Store) -> None:
    who = max(whole(store), key=lambda who: len(roots(who)))
    key = session_stores.keys(store)[who]
    rows = session_stores.own()[who]
    test = opened(who)
    assert len(listed(test)) == len(session_data.places(runner.current(), key)) > 1
    first = roots(who)[0]
    own = [row for row in rows if (row.thread_root_id or row.id) == first.id]
    test = opened(who, thread=first.id)
    assert not test.exception
    assert len(folds(test)) == min(len(own), session_data.PAGE) < len(rows)
    assert [name[0] for name in listed(test)].count("▸") == 1
    assert "(empty)" not in shown_tables.table(test, "jump").column("Remarks")
    test.button(key="whole").click().run()
    assert "thread" not in test.query_params
    assert len(folds(test)) == min(len(rows), session_data.PAGE)


def test_a_link_to_a_request_opens_it_on_its_page(store: Store) -> None:
    number = 12_345
    key = session_stores.LONG + number
    id_ = str(store.rows("SELECT id FROM usage WHERE usage = $1", [key])[0][0])
    test = opened(id="long", call=id_)
    assert not test.exception
    assert test.session_state[f"call-{key}"] is True
    page = number // session_data.PAGE + 1
    assert folds(test)[0].startswith(f"**{(page - 1) * session_data.PAGE + 1:,}**")
    assert id_ in texts(test)
    thread = str(store.rows("SELECT thread FROM usage WHERE usage = $1", [key])[0][0])
    alone = opened(id="long", call=id_, thread=thread)
    assert alone.session_state[f"call-{key}"] is True
    assert folds(alone)[number % 50].startswith(f"**{number % 50 + 1}**")


def test_the_number_of_a_call_opens_it_and_follows_the_address(store: Store) -> None:
    number = 12_345
    key = session_stores.LONG + number - 1
    test = opened(id="long")
    box = test.number_input(key="number_of_call")
    assert (box.value, box.max) == (None, 20_000)
    box.set_value(number).run()
    assert not test.exception
    id_ = str(store.rows("SELECT id FROM usage WHERE usage = $1", [key])[0][0])
    assert "".join(test.query_params["call"]) == id_
    assert test.session_state[f"call-{key}"] is True
    assert id_ in texts(test)
    assert test.number_input(key="number_of_call").value == number
    assert opened(id="long", call=id_).number_input(key="number_of_call").value == number
    rules = [
        layer
        for chart in test.get("vega_lite_chart")[1:]
        for layer in json.loads(chart.proto.spec)["layer"]
        if layer["mark"]["type"] == "rule"
    ]
    assert len(rules) == 2
    test.number_input(key="number_of_call").set_value(None).run()
    assert "call" not in test.query_params
    page = (number - 1) // session_data.PAGE + 1
    assert folds(test)[0].startswith(f"**{(page - 1) * session_data.PAGE + 1:,}**")


def test_a_sum_which_has_the_id_of_another_call_is_led_to_by_its_page(any_store: Store) -> None:
    found = any_store.rows(
        "SELECT u.session, u.usage FROM usage u JOIN usage o ON o.session = u.session"
        " AND o.id = u.id AND o.usage <> u.usage WHERE u.requests = 0 LIMIT 1"
    )
    keys = {key: who for who, key in session_stores.keys(any_store).items()}
    with looking(any_store, demo_sync.NOW):
        for session, usage in found:
            (number,) = [
                mark.place
                for mark in session_data.course(runner.current(), session, None).marks
                if mark.usage == usage
            ]
            test = opened(keys[session])
            test.number_input(key="number_of_call").set_value(number).run()
            assert not test.exception
            assert "call" not in test.query_params
            assert "".join(test.query_params["calls"]) == str((number - 1) // session_data.PAGE + 1)


def test_a_page_of_calls_is_named_by_the_address(store: Store) -> None:
    assert store
    test = opened(id="long", calls="3")
    assert folds(test)[0].startswith(f"**{2 * session_data.PAGE + 1}**")
    assert folds(opened(id="long", calls="999999"))[-1].startswith("**20,000**")


def test_a_session_of_twenty_thousand_calls_stays_small(store: Store) -> None:
    assert store
    test = opened(id="long")
    assert not test.exception
    kinds = ("caption", "markdown", "expander", "button", "code", "bidi_component")
    assert sum(len(test.get(kind)) for kind in kinds) < MOST_ELEMENTS
    assert len(folds(test)) == session_data.PAGE
    assert len(listed(test)) == 100
    drawn = [chart.proto.spec for chart in test.get("vega_lite_chart")]
    assert len(drawn) == 3
    assert "of 20,000 drawn" in said(test)
    assert (
        len(session_data.course(runner.current(), session_stores.LONG, None).marks)
        <= session_data.DRAWN
    )


def test_recorded_text_is_hidden_until_revealed_and_then_plain(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    who = next(who for who in whole(store) if len(prompts(who)[0]) > 20)
    first = session_stores.own()[who][0]
    prompt = prompts(who)[0]
    test = opened(who, call=first.id)
    assert prompt not in texts(test)
    assert f"Prompt: hidden, {len(prompt):,} character" in said(test)
    assert prompt[:15] not in json.dumps(components(test))
    ((key,),) = store.rows("SELECT usage FROM usage WHERE id = TRY_CAST($1 AS UUID)", [first.id])
    before = last()
    revealed(test)
    test.run()
    (entry,) = noted("reveal", before)
    assert entry.about == f"text of person {who[1]}, session {who[0]}"
    assert formats.visible(prompt[: recorded_text.FOLD]) in texts(unfolded(key, who))
    assert prompt[:15] not in f"{caplog.text}{entry}"


def test_hostile_text_is_shown_as_it_was_written(store: Store) -> None:
    hostile = [
        "<script>alert(1)</script>",
        "![pixel](https://evil.example/p.png)",
        "[a](javascript:alert(1))",
        "=HYPERLINK(1)",
        "\x1b[2J\u202etxt",
    ]
    keys = [session_stores.LONG + 19_500 + 50 * place for place in range(len(hostile))]
    with store.write() as batch:
        for key, text in zip(keys, hostile, strict=True):
            batch.execute("UPDATE prompts SET text = $1 WHERE usage = $2", [text, key])
    words = ""
    for key, text in zip(keys, hostile, strict=True):
        page = (key - session_stores.LONG) // session_data.PAGE + 1
        test = unfolded(key, id="long", calls=str(page))
        assert not test.exception
        assert formats.visible(text) in texts(test)
        words += said(test)
    assert "\x1b" not in words
    assert "\u202e" not in words


def test_a_search_finds_every_text_of_all_threads_and_marks_the_words(store: Store) -> None:
    assert store
    key = session_stores.LONG + 15_000
    test = revealed(opened(id="long"))
    test.text_input(key="words").set_value(f"STEP {key}").run()
    assert "1 of 1 hit" in said(test)
    assert marks(test) == [f"step {key}"]
    assert test.session_state[f"call-{key}"] is True
    test.text_input(key="words").set_value("please do STEP 90").run()
    steps = [session_stores.LONG + number for number in range(0, 20_000, 50)]
    found = [step for step in steps if str(step).startswith("90")]
    assert f"1 of {len(found)} hits" in said(test)
    test.button(key="hit-1").click().run()
    assert f"2 of {len(found)} hits" in said(test)
    assert "".join(test.query_params["hit"]) == "2"
    assert test.session_state[f"call-{found[1]}"] is True
    test.button(key="hit--1").click().run()
    test.button(key="hit--1").click().run()
    assert f"{len(found)} of {len(found)} hits" in said(test)


def test_a_hit_in_another_thread_leads_there_when_one_is_shown_alone(store: Store) -> None:
    ids = [
        str(id_)
        for (id_,) in store.rows(
            "SELECT id FROM usage WHERE session = $1 AND threads = 1 ORDER BY usage LIMIT 2",
            [session_stores.LONG],
        )
    ]
    test = revealed(opened(id="long", thread=ids[0], find="please do step"))
    test.button(key="hit-1").click().run()
    assert "".join(test.query_params["thread"]) == ids[1]
    assert marks(test) == ["Please do step"]


def test_a_search_waits_until_text_is_revealed(store: Store) -> None:
    assert store
    test = opened(id="long", find=f"step {session_stores.LONG}", hit="1")
    assert test.text_input(key="words").disabled
    assert "Show recorded text to find them" in said(test)
    assert not marks(test)
    assert marks(revealed(test)) == [f"step {session_stores.LONG}"]
    test.text_input(key="words").set_value("no such words at all").run()
    assert "No hits." in said(test)


def test_a_text_of_a_million_characters_is_shown_in_parts(store: Store) -> None:
    key = session_stores.LONG + 7
    text = "z" * 1_000_000 + " needle in it"
    with store.write() as batch:
        batch.execute(
            "UPDATE tool_inputs SET input = $1 WHERE usage = $2 AND ordinal = 0", [text, key]
        )
    test = revealed(opened(id="long", find="needle in it"))
    assert marks(test) == ["needle in it"]
    assert max(map(len, texts(test))) <= recorded_text.PART
    assert max(map(len, texts(unfolded(key, id="long")))) == recorded_text.FOLD + len(" …")
    test = made(id="long")
    for name in ("reveal", f"call-{key}", f"all-tool_input-{key}-0"):
        test.session_state[name] = True
    assert recorded_text.FOLD < max(map(len, texts(test.run()))) <= recorded_text.PART


def test_no_session_chosen_and_no_such_session_say_what_to_do(store: Store) -> None:
    assert store
    assert "No session chosen" in said(opened())
    test = opened(id="00000000-0000-4000-8000-000000000000")
    assert not test.exception
    assert "This session is not here. Check that the link" in said(test)


def test_a_session_that_the_first_sync_has_not_reached_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store.open(tmp_path / "new.duckdb") as empty, looking(empty, demo_sync.NOW):
        with empty.write() as batch:
            sync_state.begin_run(batch, "interceptions", demo_sync.NOW)
        assert "syncing is off" in said(opened(id="x"))
        keeper = process.current()
        assert keeper
        monkeypatch.setattr(keeper, "status", Status("syncing"))
        assert "the first sync is still running" in said(opened(id="x"))


@pytest.mark.parametrize("bad", ["<script>", "../../x", "-1", "9" * 40, "\u0663", "%00"])
def test_what_makes_no_sense_in_an_address_is_left_out(store: Store, bad: str) -> None:
    assert store
    names = ("person", "thread", "call", "hit", "threads", "calls")
    test = opened(id="long", **dict.fromkeys(names, bad))
    assert not test.exception
    assert headline(test)
    assert folds(test)


def test_a_thread_and_a_request_that_are_not_there_are_told(store: Store) -> None:
    assert store
    test = opened(id="long", thread=str(uuid4()), call=str(uuid4()))
    assert not test.exception
    assert "The thread that this link names is not in the session" in said(test)
    assert "The request that this link names is not here" in said(test)


def test_a_session_of_two_people_says_so_and_leads_to_the_other(tmp_path: Path) -> None:
    with session_stores.synced(tmp_path, "exact") as made:
        first, second = list(session_stores.keys(made))[:2]
        keys = session_stores.keys(made)
        with made.write() as batch:
            batch.execute(
                "UPDATE sessions SET id = $1 WHERE session = $2", [first[0], keys[second]]
            )
        with looking(made, demo_sync.NOW):
            test = opened(first)
            assert "1 other person used the same session ID" in said(test)
            before = last()
            revealed(test)
            test.button(key=f"sharer-{second[1]}").click().run()
            test.run()
            assert [entry.about for entry in noted("reveal", before)] == [
                f"text of person {person}, session {first[0]}" for person in (first[1], second[1])
            ]
            assert "".join(test.query_params["initiator"]) == second[1]
            assert headline(test)
            nobody = opened((first[0], "00000000-0000-4000-8000-000000000001"))
            assert "has no session with this ID" in said(nobody)
            assert not headline(nobody)
            newest = max(
                (first, second), key=lambda who: session_stores.head(made, keys[who]).started_at
            )
            assert session_stores.head(made, keys[newest]).person in said(opened(id=first[0]))


def wants(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    asked: list[int] = []
    keeper = process.current()
    assert keeper
    monkeypatch.setattr(keeper, "want", asked.append)
    return asked


def test_missing_details_are_asked_for_once_and_again_when_they_are_outdated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_stores.synced(tmp_path, "exact") as made:
        who, key = next(iter(session_stores.keys(made).items()))
        when = "detailed_at = $1, detailed_digest = $2, detail_problem = NULL"
        sql = f"UPDATE sessions SET {when} WHERE session = $3"
        with made.write() as batch:
            batch.execute(sql, [None, None, key])
        with looking(made, demo_sync.NOW):
            asked = wants(monkeypatch)
            test = opened(who)
            assert "Reading its details from the deployment" in said(test)
            test.run()
            assert asked == [key]
            at = demo_sync.NOW.replace(tzinfo=None)
            with made.write() as batch:
                batch.execute(sql, [at, 1, key])
            test.run()
            test.run()
            assert len(asked) == 2
            with made.write() as batch:
                batch.execute(
                    "UPDATE sessions SET detailed_digest = digest WHERE session = $1", [key]
                )
            assert "Reading its details" not in said(test.run())
            assert len(asked) == 2


def test_details_are_asked_for_by_who_is_shown_pseudonyms_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session_stores.synced(tmp_path, "exact") as made:
        who, key = next(iter(session_stores.keys(made).items()))
        with made.write() as batch:
            batch.execute("UPDATE sessions SET detailed_at = NULL WHERE session = $1", [key])
        with looking(made, demo_sync.NOW):
            hidden = {"names": "pseudonyms", "pseudonym_key": SecretStr("k" * 40)}
            told = settings.current().model_copy(update=hidden)
            monkeypatch.setattr(settings, "_installed", told)
            asked = wants(monkeypatch)
            head = session_data.head(runner.current(), key)
            assert head
            assert str(head.initiator_id) != who[1], "it is an alias"
            opened((who[0], str(head.initiator_id)))
            assert asked == [key]


@pytest.mark.parametrize("reason", ["gone", "switched off"])
def test_nothing_is_waited_for_that_will_not_come(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: str
) -> None:
    with session_stores.synced(tmp_path, "exact") as made:
        who, key = next(iter(session_stores.keys(made).items()))
        problem = "gone" if reason == "gone" else None
        with made.write() as batch:
            batch.execute(
                "UPDATE sessions SET detailed_at = NULL, detail_problem = $1 WHERE session = $2",
                [problem, key],
            )
        with looking(made, demo_sync.NOW):
            asked = wants(monkeypatch)
            if reason == "switched off":
                off = settings.current().model_copy(update={"sync_seconds": 0})
                monkeypatch.setattr(process.current(), "_settings", off)
            test = opened(who)
            assert not test.exception
            assert "Reading its details" not in said(test)
            assert not asked


def test_the_calls_of_a_session_over_midnight_tell_their_day(store: Store) -> None:
    assert store
    assert re.search(r"\d [A-Z][a-z][a-z] \d{4}, \d\d:", folds(opened(id="long"))[0])
    keys = session_stores.keys(store)
    who = next(
        who
        for who in whole(store)
        if (head := session_stores.head(store, keys[who])).ended_at
        and head.ended_at - head.started_at < timedelta(hours=2)
        and head.ended_at.date() == head.started_at.date()
    )
    assert not re.search(r"\d [A-Z][a-z][a-z] \d{4}", folds(opened(who))[0])


def test_a_file_has_text_only_when_it_was_asked_for(store: Store) -> None:
    who = next(who for who in whole(store) if len(prompts(who)[0]) > 20)
    key, prompt = session_stores.keys(store)[who], prompts(who)[0]
    plain = json.loads(session_download.made(key, "json", with_text=False))
    assert "texts" not in plain
    assert len(plain["calls"]) == len(session_stores.own()[who])
    told = json.loads(session_download.made(key, "json", with_text=True))
    assert prompt in [text["text"] for text in told["texts"]]
    assert session_download.made(key, "md", with_text=False).startswith(b"# Session")
    with pytest.raises(StoreError, match="not in the store"):
        session_download.made(-1, "json", with_text=False)


def test_text_can_only_be_taken_away_where_it_is_shown(store: Store) -> None:
    assert store
    test = opened(id="long")
    assert test.checkbox(key="with_text").disabled
    assert not revealed(test).checkbox(key="with_text").disabled


def test_nothing_that_was_written_is_kept_for_others(store: Store) -> None:
    assert store
    runner.CACHE.clear()
    revealed(opened(id="long", find="please"))
    held = [future.result() for future in runner.CACHE._values.values()]
    assert held
    assert "Please do step" not in repr(held)


def test_a_call_is_on_the_page_that_its_key_says(store: Store) -> None:
    assert store
    course = session_data.course(runner.current(), session_stores.LONG, None)
    assert course.count == 20_000
    assert course.pages == 20_000 // session_data.PAGE
    for number in (0, session_data.PAGE - 1, session_data.PAGE, 19_999):
        key = session_calls.Key(session_stores.at(number), session_stores.LONG + number)
        page = course.page(key)
        assert page == number // session_data.PAGE + 1
        shown = session_data.page_of_calls(
            runner.current(), session_stores.LONG, None, course, page
        )
        assert key.usage in [call.usage for call in shown]


def test_a_list_with_parameters_of_a_session_in_its_address_meets_no_error(store: Store) -> None:
    who = next(iter(whole(store)))
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    test.switch_page("pages/sessions.py")
    for _ in range(2):
        test.query_params["id"], test.query_params["person"] = who
        test.run()
        assert not test.exception
        assert [each.value for each in test.title] == ["Sessions"]
