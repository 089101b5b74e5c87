import json
import re
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import session_stores
from hypothesis import given
from hypothesis import strategies as st
from session_stores import asked, head

from bridgeboard.analysis import session_data, session_file
from bridgeboard.analysis.session_file import Account
from bridgeboard.queries import recorded_text, session_calls, session_detail
from bridgeboard.queries.recorded_text import Item, Text
from bridgeboard.queries.session_calls import Call
from bridgeboard.queries.session_detail import Thread
from bridgeboard.store import Store

NASTY = "```\n<script>alert(1)</script>\n````\n# Title\n![x](http://evil/x.png)\x1b[31m\u202e|"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with session_stores.synced(tmp_path_factory.mktemp("account"), "exact") as made:
        yield made


@pytest.fixture(scope="module")
def told(store: Store) -> Account:
    """Everything of the session with most requests."""
    ((session, _),) = store.rows(
        "SELECT session, count(*) FROM usage WHERE session IS NOT NULL GROUP BY 1"
        " ORDER BY 2 DESC LIMIT 1"
    )
    every = asked(store, Call, session_calls.calls(session, limit=None))
    usages = [call.usage for call in every]
    whole = head(store, session)
    return Account(
        whole,
        session_data.missing(whole),
        asked(store, Thread, session_detail.threads(session)),
        every,
        asked(store, Item, recorded_text.timeline(usages)),
        asked(store, Text, recorded_text.texts(usages, most=10**9)),
    )


@pytest.fixture(scope="module")
def hostile(told: Account) -> Account:
    """The same with text that would like to be more than text, in every place there is."""
    return replace(
        told,
        head=replace(told.head, id=NASTY, client=NASTY, models=(NASTY,), name=NASTY),
        threads=[replace(each, model=NASTY, error_message=NASTY) for each in told.threads],
        calls=[replace(each, model=NASTY) for each in told.calls],
        items=[replace(each, tool=NASTY, server_url=NASTY) for each in told.items],
        texts=[replace(each, text=NASTY) for each in told.texts],
    )


def outside(markdown: str) -> list[str]:
    """The lines of Markdown that stand in no fenced block."""
    lines, fence = [], ""
    for line in markdown.splitlines():
        opened = re.match(r"^(`{3,})", line)
        if not fence and opened:
            fence = opened[1]
        elif fence and re.fullmatch(rf"`{{{len(fence)},}}\s*", line):
            fence = ""
        elif not fence:
            lines.append(line)
    assert not fence
    return lines


def loaded(told: Account, *, with_text: bool) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(session_file.as_json(told, with_text=with_text))
    return document


def test_json_has_exact_totals_whose_parts_add_up(told: Account) -> None:
    document = loaded(told, with_text=False)
    assert told.head.rows
    for name in ("input", "output", "cache_read", "cache_write", "requests"):
        total = document["totals"][name]
        assert isinstance(total, int)
        assert sum(row[name] or 0 for row in document["threads"]) == total
        assert sum(row[name] or 0 for row in document["calls"]) == total
    cost = Decimal(document["totals"]["cost_usd"])
    assert cost * 10**12 == told.head.cost
    for rows in (document["threads"], document["calls"]):
        assert sum(Decimal(row["cost_usd"] or 0) for row in rows) == cost
    assert len(document["tool_calls"]) == told.head.tool_calls
    assert document["missing"] == list(told.missing)


def test_no_reader_of_json_loses_a_digit(told: Account) -> None:
    dear = replace(told.head, cost=15_552_570_894_725_123, input=2**62, output=2**53)
    document = loaded(replace(told, head=dear), with_text=False)
    assert document["totals"]["cost_usd"] == "15552.570894725123"
    assert document["totals"]["input"] == str(2**62)
    assert document["totals"]["output"] == 2**53


def test_an_account_says_what_its_figures_are(told: Account) -> None:
    for with_text in (False, True):
        said = session_file.WITH if with_text else session_file.WITHOUT
        assert loaded(told, with_text=with_text)["text"] == said
        assert said in session_file.as_markdown(told, with_text=with_text)
        assert session_file.ABOUT in session_file.as_markdown(told, with_text=with_text)


def test_text_is_only_there_when_asked_for(told: Account) -> None:
    words = {text.text for text in told.texts if len(text.text) > 20}
    bare = session_file.as_json(told).decode() + session_file.as_markdown(told)
    assert words
    assert "texts" not in loaded(told, with_text=False)
    assert not [text for text in words if text in bare or json.dumps(text)[1:-1] in bare]
    document = loaded(told, with_text=True)
    assert {row["text"] for row in document["texts"]} >= words
    assert not [row for row in loaded(told, with_text=False)["threads"] if "error_message" in row]


def test_markdown_with_text_has_all_of_it(told: Account) -> None:
    written = session_file.as_markdown(told, with_text=True)
    for text in told.texts:
        assert session_file.fenced(text.text) in written
    assert len(outside(session_file.as_markdown(told))) < len(outside(written))


@pytest.mark.parametrize("with_text", [False, True])
def test_markdown_is_inert_whatever_was_recorded(
    told: Account,
    hostile: Account,
    with_text: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    written = session_file.as_markdown(hostile, with_text=with_text)
    ours = outside(session_file.as_markdown(told, with_text=with_text))
    assert outside(written) == ours
    assert not re.search(r"[<>\[\]|]", "".join(ours))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", written)


def test_json_is_ascii_and_keeps_every_character(hostile: Account) -> None:
    raw = session_file.as_json(hostile, with_text=True)
    assert raw.isascii()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", raw)
    assert json.loads(raw)["totals"]["id"] == NASTY
    assert {row["text"] for row in json.loads(raw)["texts"]} == {NASTY}


@given(text=st.text(alphabet="`a\n ~\r\x1b"))
def test_nothing_in_a_text_ends_its_block(text: str) -> None:
    assert outside(f"before\n{session_file.fenced(text)}\nafter") == ["before", "after"]


def test_a_session_of_which_nothing_is_known_is_written_too(told: Account) -> None:
    nothing = Account(replace(told.head, id="", cost=None), (), (), (), (), ())
    assert loaded(nothing, with_text=True)["totals"]["cost_usd"] is None
    assert session_file.as_markdown(nothing, with_text=True).encode()
