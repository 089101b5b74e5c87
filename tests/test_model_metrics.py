"""The vocabulary is closed, and values never become SQL."""

import re
from collections.abc import Callable
from itertools import product

import pytest
from costly_laws import tried
from demo_worlds import small
from facts import facts
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.errors import MetricError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import StoreError
from bridgeboard.queries.adoption import active_people_windows
from bridgeboard.queries.metric_query import Query, select, select_top, values
from bridgeboard.queries.metric_sources import TABLES

ALL = Scope(small().start, small().end)
CATEGORIES = [name for name, one in DIMENSIONS.items() if not one.time]
HOSTILE = (
    "'; DROP TABLE usage; --",
    '" OR 1=1',
    "') OR ('1'='1",
    "$1",
    "Unknown' --",
    "\\'; SELECT 1",
    "{0}",
    "%s\n;",
)
laws = tried(40)
texts = st.one_of(st.sampled_from(HOSTILE), st.text(st.characters(exclude_categories=["Cs"])))

Narrowing = Callable[..., Scope]
QUESTIONS: tuple[Callable[[Scope], Query], ...] = (
    lambda scope: select(["requests", "tool_calls", "sessions"], ["day", "initiator"], scope),
    lambda scope: select(["sessions"], ["model"], scope),
    lambda scope: select_top(["spend"], ["team", "day"], scope, rank_by="requests", n=2),
    lambda scope: values("model", scope),
    active_people_windows,
)


@laws
@given(
    st.sampled_from(QUESTIONS),
    st.sampled_from(CATEGORIES),
    st.lists(texts, min_size=1, max_size=3, unique=True),
    st.sampled_from((Scope.only, Scope.without)),
)
def test_values_of_filters_are_parameters_and_change_no_sql(
    question: Callable[[Scope], Query], dimension: str, hostile: list[str], narrow: Narrowing
) -> None:
    harmless = [f"value {number}" for number, _ in enumerate(hostile)]
    asked = question(narrow(ALL, dimension, *hostile))
    assert asked.sql == question(narrow(ALL, dimension, *harmless)).sql
    facts().rows(asked)


def test_a_hostile_value_that_occurs_is_found_and_harms_nothing() -> None:
    before = facts().rows(select(["requests"], [], ALL))
    evil = next(row["client"] for row in facts().usage if "evil" in (row["client"] or ""))
    assert facts().rows(select(["requests"], [], ALL.only("client", evil)))[0][0] > 0
    for text in HOSTILE:
        assert facts().rows(select(["requests"], [], ALL.only("client", text))) == [(0,)]
    assert facts().rows(select(["requests"], [], ALL)) == before


@pytest.mark.parametrize("text", [*HOSTILE, "", "usage", "cost", "rowid"])
def test_what_is_no_name_of_the_vocabulary_is_refused(text: str) -> None:
    for ask in (
        lambda: select([text], [], ALL),
        lambda: select_top(["spend"], ["model"], ALL, rank_by=text, n=1),
    ):
        with pytest.raises(MetricError, match=re.escape(f"{text!r} is no metric; there are")):
            ask()
    for ask in (
        lambda: select(["spend"], [text], ALL),
        lambda: values(text, ALL),
        lambda: ALL.only(text, "a"),
    ):
        with pytest.raises(MetricError, match=re.escape(f"{text!r} is no dimension; there")):
            ask()
    with pytest.raises(MetricError, match="it is not asked for"):
        select(["spend"], ["model"], ALL, order=[text])


def test_a_question_without_a_number_is_refused() -> None:
    with pytest.raises(MetricError, match="needs at least one metric"):
        select([], ["model"], ALL)


def test_a_number_is_split_by_a_dimension_or_says_that_it_cannot() -> None:
    wrong = []
    for name, dimension in product(METRICS, DIMENSIONS):
        try:
            is_right = bool(facts().rows(select([name], [dimension], ALL)))
        except MetricError as error:
            is_right = f"'{name}' cannot be split by '{dimension}'" in str(error)
            is_right &= not METRICS[name].splits(DIMENSIONS[dimension])
        except StoreError:
            is_right = False
        if not is_right:
            wrong.append((name, dimension))
    assert wrong == []


def test_dimensions_that_no_source_has_together_are_refused() -> None:
    with pytest.raises(MetricError, match="'active_people' cannot be split by 'status' and 'tool'"):
        select(["active_people"], ["status", "tool"], ALL)


def test_every_word_has_a_label_in_sentence_case_and_a_sentence() -> None:
    for one in (*METRICS.values(), *DIMENSIONS.values()):
        name, label, definition = one.name, one.label, one.definition
        assert re.fullmatch(r"[a-z]+(_[a-z0-9]+)*", name)
        assert label[0] == label[0].upper(), name
        words = label.replace("MCP", "").replace("1M", "").split()[1:]
        assert all(word == word.lower() for word in words), name
        assert re.fullmatch(r"[A-Z0-9][^\n]*[a-zC)]\.", definition), name
        assert definition.count(". ") == 0, name


def test_labels_are_told_apart() -> None:
    for vocabulary in (METRICS, DIMENSIONS):
        labels = [one.label for one in vocabulary.values()]
        assert len(set(labels)) == len(labels)
        assert list(vocabulary) == [one.name for one in vocabulary.values()]


def test_numbers_of_sessions_alone_need_no_known_request() -> None:
    without = {name for name, metric in METRICS.items() if not metric.needs_requests}
    assert without == {"sessions", "detail_coverage"}


def test_emptiness_is_zero_for_what_is_counted_and_nothing_for_what_is_divided() -> None:
    for metric in METRICS.values():
        is_divided = "/" in metric.value or "divide(" in metric.value
        is_counted = metric.format in {"count", "money"} and not is_divided
        assert metric.empty == (0 if is_counted else None)
        assert metric.format != "rate" or len(metric.parts) == 2
        assert not metric.additive or is_counted


SUMS = sorted(
    {
        (source, str(part.sql(source)))
        for metric in METRICS.values()
        for part in metric.parts
        for source in part.sources
        if part.kind == "sum"
    }
)


SOME = {
    "usage": ("TRUE", "f.grain = 'action'", "f.cost IS NULL", "f.session IS NULL"),
    "calls": ("TRUE", "f.failed IS NULL", "NOT f.injected"),
    "sessions": ("TRUE", "f.detailed_at IS NULL"),
    "unread": ("TRUE", "f.detailed_at IS NULL"),
}


def test_what_is_called_a_sum_adds_up_over_any_rows() -> None:
    unknown, wrong = [], []
    for source, sql in SUMS:
        row = "f.session" if source == "unread" else "f.rowid"
        for some in SOME[source]:
            rows = f"FROM {TABLES[source]} f WHERE {some}"
            whole = facts().rows(Query(f"SELECT {sql} {rows}", ()))
            if whole[0][0] is None and some == "TRUE":
                unknown.append((source, sql))
            for group in (row, f"{row} % 7", "f.initiator", "f.started_at", "TRUE"):
                parts = f"SELECT sum(part) FROM (SELECT {sql} AS part {rows} GROUP BY {group})"
                if facts().rows(Query(parts, ())) != whole:
                    wrong.append((source, sql, some, group))
    assert not unknown + wrong, f"unknown: {unknown}, do not add up: {wrong}"


def test_a_count_beyond_64_bits_is_unknown_and_disturbs_nothing_else() -> None:
    connection = facts().connection.cursor()
    connection.execute("BEGIN")
    try:
        connection.execute(
            "UPDATE usage SET input = 9223372036854775807, cost = 9223372036854775807"
        )
        sql, params, _ = select(["input_tokens", "total_tokens", "spend", "requests"], [], ALL)
        told = connection.execute(sql, list(params)).fetchall()
    finally:
        connection.execute("ROLLBACK")
    size = len(facts().usage)
    assert told == [(None, None, size * (2**63 - 1), size)]
