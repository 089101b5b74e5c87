from dataclasses import replace

import pytest
from demo_worlds import small
from facts import KINDS, facts

from bridgeboard.analysis import comparison
from bridgeboard.analysis.comparison import Line
from bridgeboard.model.answer import Answer
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries import session_detail
from bridgeboard.queries.metric_query import select
from bridgeboard.queries.session_detail import Head
from bridgeboard.queries.typed_rows import typed

ALL = Scope(small().start, small().end)


def side_by_side(a: Scope, b: Scope) -> dict[str, Line]:
    answers = []
    for question in (select(comparison.COMPARED, (), side) for side in (a, b)):
        asked = facts().connection.execute(question.sql, list(question.params))
        names = [column[0] for column in asked.description]
        answers.append(Answer.of(names, asked.fetchall()).only)
    lines = comparison.compared_lines(*answers, comparison.COMPARED)
    return {line.name: line for line in lines}


def test_two_people_are_compared_by_what_counting_says() -> None:
    names = sorted({row["person"] for row in facts().usage})[:2]
    told = side_by_side(*(ALL.only("initiator", name) for name in names))
    assert list(told) == list(comparison.COMPARED)
    counted = [
        sum(row[kind] for row in facts().usage for kind in KINDS if row["person"] == name)
        for name in names
    ]
    tokens = told["total_tokens"]
    assert [tokens.a, tokens.b] == counted
    assert tokens.difference == counted[1] - counted[0]
    assert tokens.ratio == pytest.approx(counted[1] / counted[0])
    assert (tokens.label, tokens.format) == (METRICS["total_tokens"].label, "count")


def test_a_side_with_nothing_leaves_no_ratio() -> None:
    nobody = ALL.only("initiator", "nobody at all")
    told = side_by_side(nobody, ALL)
    assert told["requests"].a == 0
    assert told["requests"].ratio is None
    assert told["requests"].difference == told["requests"].b
    assert told["cache_hit_rate"].a is None
    assert told["cache_hit_rate"].difference is None


def test_a_scope_beside_itself_differs_in_nothing() -> None:
    for line in side_by_side(ALL, ALL).values():
        assert line.difference in {0, None}
        assert line.ratio in {1, None}


@pytest.mark.parametrize("step", [1, -1])
def test_what_has_no_price_differs_from_nothing_by_what_nobody_knows(step: int) -> None:
    priced = {"shadow_cost": 5, "unpriced_tokens": 0}
    sides = [{"shadow_cost": 0, "unpriced_tokens": 7}, priced][::step]
    (line,) = comparison.compared_lines(*sides, ["shadow_cost"])
    assert {line.a, line.b} == {0, 5}
    assert line.difference is None
    assert line.ratio is None
    free = {"shadow_cost": 0, "unpriced_tokens": 0}
    (line,) = comparison.compared_lines(priced, free, ["shadow_cost"])
    assert (line.difference, line.ratio) == (-5, 0)


def test_two_sessions_are_compared_by_the_same_numbers() -> None:
    keys = sorted({row["session"] for row in facts().usage if row["session"] is not None})[:2]
    a, b = (typed(Head, facts().rows(session_detail.head(key)))[0] for key in keys)
    told = {line.name: line for line in comparison.sessions(a, b)}
    assert [*told][:5] == ["spend", "shadow_cost", "duration_seconds", "threads", "prompts"]
    assert {*session_detail.NUMBERS.values(), "total_tokens"} < {*told}
    assert (told["spend"].a, told["spend"].b) == (a.cost, b.cost)
    assert told["total_tokens"].a == a.total_tokens
    assert told["requests"].b == b.requests
    unknown = {line.name: line for line in comparison.sessions(replace(a, cost=None), b)}
    assert unknown["spend"].difference is None
    assert unknown["spend"].ratio is None
