"""The sentence under the cards: what it says is so, and it says no more than that."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import random_companies
from dashboard_store import filled
from facts import facts
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.access import EVERYTHING, RowAccess
from bridgeboard.analysis import movers
from bridgeboard.analysis.headlines import Headline, Headlines
from bridgeboard.analysis.movers import Move
from bridgeboard.analysis.radar.finding import Evidence, Finding, Subject
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.analysis.summary import MOST_NAMED, Piece, chosen, sentence, summary
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.pages import PAGE_CONTENTS, PageContents
from bridgeboard.model.scope import Scope

DOLLAR = 10**12
LIMITS = {"exact": {}, "at_least": {"unpriced_tokens": 7}, "about": {"summed_rows": 7}}
UNLIKE = "only one of the two periods is known in whole, a part of the other is missing"
WEEK = timedelta(days=7)
BEGAN = random_companies.BEGAN
NOW = Scope(BEGAN + 2 * WEEK, BEGAN + 3 * WEEK)
TOKENS = PageContents(
    headline=("input_tokens",),
    measures=("input_tokens",),
    splits=(),
    columns=(),
    summary=(("input_tokens", ("initiator", "team", "family")),),
)
AMOUNTS = st.integers(0, 10**15)
STANDINGS = st.sampled_from(sorted(LIMITS))
MOVES = st.lists(
    st.builds(
        Move,
        st.sampled_from(["initiator", "team", "family", "client"]),
        st.text(max_size=50),
        AMOUNTS,
        AMOUNTS,
        *[STANDINGS.map(Accuracy)] * 2,
    ),
    max_size=20,
    unique_by=lambda move: (move.by, move.name),
).map(lambda moves: sorted(moves, key=lambda move: move.by))


def spend(now: int | None, before: int | None, how: str = "exact", was: str = "exact") -> Headline:
    numbers = Headlines(
        {"spend": now, "unpriced_tokens": 0, "summed_rows": 0} | LIMITS[how],
        {"spend": before, "unpriced_tokens": 0, "summed_rows": 0} | LIMITS[was],
    )
    return numbers.of("spend")


def said(pieces: Iterable[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def told(one: Headline, moves: Iterable[Move] = ()) -> str:
    return said(sentence(one, [(move, "") for move in moves]))


@given(AMOUNTS, AMOUNTS, STANDINGS, STANDINGS, MOVES)
def test_amounts_are_those_of_what_moved_most_and_no_value_is_named_that_is_not_in_it(
    now: int, before: int, how: str, was: str, moves: list[Move]
) -> None:
    one = spend(now, before, how, was)
    named = chosen(one, moves)
    pieces = list(sentence(one, [(move, "") for move in named]))
    assert [(piece.by, piece.value) for piece in pieces if piece.by] == [
        (move.by, move.name) for move in named
    ]
    for move in named:
        assert move in movers.largest(each for each in moves if each.by == move.by)[:MOST_NAMED]
        assert abs(move.now - move.was) == move.size >= max(DOLLAR, abs(now - before) / 10)
        change, exact, _ = move.in_words("spend")
        assert Piece(change, exact) in pieces
    groups = {move.by for move in named}
    assert len(groups & {"initiator", "team"}) <= 1
    assert len(groups & {"family", "client"}) <= 1
    words = said(pieces)
    assert not re.search(r"\b(because|due|caused|drove|driven|thanks|led to)\b", told(one))
    if one.direction and not one.why_no_change and now and before:
        assert (" rose " in words) == (one.direction > 0)


def test_a_sentence_says_the_change_the_number_and_what_changed_most() -> None:
    moves = [
        Move("initiator", "nora", 3 * DOLLAR, 2 * DOLLAR),
        Move("team", "data", 150 * DOLLAR, 30 * DOLLAR),
        Move("team", "storefront", 10 * DOLLAR, 65 * DOLLAR),
        Move("family", "opus", 116 * DOLLAR, 0),
    ]
    one = spend(316 * DOLLAR, 367 * DOLLAR)
    assert chosen(one, moves) == moves[1:]
    assert told(one, moves[1:]) == (
        "Spend fell 14% to $316.00: by team data -$120.00, storefront +$55.00; "
        "by model opus -$116.00."
    )
    assert told(spend(5 * DOLLAR, 5 * DOLLAR)) == "Spend stayed at $5.00."
    assert told(spend(5_000 * DOLLAR - 1, 5_000 * DOLLAR)) == "Spend fell <0.1% to $5k."
    assert told(spend(5 * DOLLAR, 0)) == "Spend rose from $0.00 to $5.00."


def test_what_is_not_exact_or_not_known_is_called_so() -> None:
    both = spend(316 * DOLLAR, 367 * DOLLAR, "at_least", "at_least")
    assert told(both) == "Spend fell ≈ 14% to ≥ $316.00."
    unlike = spend(316 * DOLLAR, 367 * DOLLAR, "at_least", "exact")
    assert told(unlike) == f"Spend: ≥ $316.00; {UNLIKE}, so no change is shown."
    assert (
        told(spend(None, 5, "at_least")) == "Spend: not known, as the price of 7 tokens is unknown."
    )
    assert told(spend(0, 5, "at_least", "at_least")).startswith("Spend: not known, as")
    assert told(spend(5 * DOLLAR, 0, "at_least", "at_least")) == (
        "Spend: ≥ $5.00; that of the earlier period is not known."
    )
    all_notional = {"spend": 0, "unbilled_tokens": 7, "status": "notional"}
    not_billed = "7 tokens are not billed: they are included, notional or free"
    assert (
        told(Headlines(all_notional, {"spend": 5}).of("spend"))
        == f"Spend: nothing, as {not_billed}."
    )
    rose = Headlines({"spend": 5 * DOLLAR}, all_notional).of("spend")
    assert told(rose) == "Spend rose from nothing to $5.00."
    assert told(Headlines({"spend": 5 * DOLLAR}, None).of("spend")) == "Spend: $5.00."


def test_a_person_is_named_rather_than_a_team_of_which_they_are_nearly_all() -> None:
    one = spend(100 * DOLLAR, 50 * DOLLAR)
    person, team = (Move(by, "a", 10 * DOLLAR, 50 * DOLLAR) for by in ("initiator", "team"))
    other = Move("team", "b", 30 * DOLLAR, 32 * DOLLAR)
    assert chosen(one, [person, team, other]) == [person]
    assert chosen(one, [replace(person, now=30 * DOLLAR), team, other]) == [team]
    whole = Move("client", "Only one", 50 * DOLLAR, 100 * DOLLAR)
    assert chosen(one, [whole]) == []


@contextmanager
def asked(
    path: Path, uses: dict[tuple[int, str], tuple[int, ...]], access: RowAccess = EVERYTHING
) -> Iterator[Snapshot]:
    """Questions to a store of 100 tokens for each person of a day and a model."""
    row = random_companies.crowd(0).rows["usage"][0]
    usage = [
        {**row, "initiator": person, "model": model, "input": 100, "grain": "interception"}
        | {"started_at": (BEGAN + timedelta(days=day, hours=1)).replace(tzinfo=None)}
        for (day, model), people in uses.items()
        for person in people
    ]
    people = sorted({each["initiator"] for each in usage})
    names = [
        {"initiator": one, "id": f"{UUID(int=one)}", "username": f"person{one}", "name": ""}
        for one in people
    ]
    synced: dict[str, object] = random_companies.SYNCED | {
        name: at.replace(tzinfo=None)
        for name, at in (("began_at", NOW.until), ("ended_at", NOW.until))
    }
    company = {
        "usage": [{**each, "usage": number} for number, each in enumerate(usage, 1)],
        "initiators": names,
        "runs": [synced],
    }
    crowd = random_companies.Crowd(company, tuple(people))
    with crowd.store(path) as store, store.snapshot(access) as reader:
        yield Snapshot(reader)


def test_only_what_was_never_used_is_new_and_only_what_nobody_uses_is_gone(tmp_path: Path) -> None:
    every = tuple(range(1, 9))
    uses = {
        (0, "old"): every,
        (8, "gone"): every,
        (8, "steady"): every,
        (15, "steady"): every[:1],
        (15, "new"): every,
        (15, "old"): every,
    }
    with asked(tmp_path / "store.duckdb", uses) as questions:
        pieces = summary(questions, TOKENS, NOW, NOW.previous())
        today = replace(NOW, until=NOW.since + timedelta(days=2))
        short = summary(questions, TOKENS, today, replace(today.previous(), since=BEGAN + WEEK))
    words = said(pieces)
    assert "new +800 (new)" in words
    assert "old +800" in words
    assert "old +800 (new)" not in words
    assert "gone -800 (no more usage)" in words
    assert "no more usage" not in said(short)


def test_who_sees_groups_reads_of_nobody_and_of_nothing_that_few_did(tmp_path: Path) -> None:
    every = tuple(range(1, 9))
    uses = {(8, "both"): every, (15, "both"): every[:6], (8, "rare"): (1, 2), (15, "rare"): every}
    with asked(tmp_path / "store.duckdb", uses, RowAccess.of_groups(3)) as questions:
        pieces = summary(questions, TOKENS, NOW, NOW.previous())
    assert {piece.by for piece in pieces} <= {"", "family"}
    assert "person" not in said(pieces)
    assert "rare" not in said(pieces)


def test_names_are_plain_text_on_one_line_and_lead_to_the_value_as_recorded() -> None:
    name = "a\n\u202e<b>**x**</b>" + 50 * "y"
    one = spend(90 * DOLLAR, 50 * DOLLAR)
    (piece,) = [each for each in sentence(one, [(Move("family", name, 0, DOLLAR), "")]) if each.by]
    assert piece.value == name
    assert len(piece.text) == 40
    assert "\n" not in piece.whole
    assert "\u202e" not in piece.text + piece.whole


def test_nothing_used_is_said_with_its_period_and_filters(tmp_path: Path) -> None:
    with asked(tmp_path / "store.duckdb", {(8, "old"): (1, 2)}) as questions:
        empty = said(summary(questions, TOKENS, NOW, NOW.previous()))
        filtered = said(summary(questions, TOKENS, NOW.only("model", "x"), None))
    assert empty == "No usage in this period, 16 - 22 Mar 2026."
    assert filtered.startswith("No usage matches these filters in this period, ")


def test_findings_of_the_radar_follow_by_what_they_are_and_whom_they_are_about(
    tmp_path: Path,
) -> None:
    findings = [
        Finding("cache_collapse", Subject("client", name), "high", name, {}, name, Evidence(NOW))
        for name in "abcde"
    ]
    with asked(tmp_path / "store.duckdb", {(15, "old"): (1, 2)}) as questions:
        pieces = summary(questions, TOKENS, NOW, None, findings)
    assert said(pieces) == (
        "Input tokens: 200. Radar: lost cache (a), lost cache (b), lost cache (c) and 2 more."
    )
    assert [piece.value for piece in pieces if piece.by == "finding"] == ["a", "b", "c"]


def test_every_page_with_a_sentence_has_one_over_a_whole_store(tmp_path: Path) -> None:
    until: datetime = max(row["started_at"] for row in facts().usage) + timedelta(seconds=1)
    scope = Scope(until - WEEK, until)
    with filled(tmp_path / "facts.duckdb") as store, store.snapshot() as reader:
        for name in ("overview", "spend", "people", "tools"):
            pieces = summary(Snapshot(reader), PAGE_CONTENTS[name], scope, scope.previous())
            assert re.match(
                r"(Spend|Active people|Tool calls)(:| stayed| rose| fell)", said(pieces)
            )
            alone = said(summary(Snapshot(reader), PAGE_CONTENTS[name], scope, None))
            assert re.match(r"(Spend|Active people|Tool calls): [^:]+\.", alone)
            assert not re.search(r"rose|fell|stayed|by ", alone)
