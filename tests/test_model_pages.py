"""What pages ask is in the vocabulary and can be asked."""

from itertools import product

import pytest
from test_queries_metric_query import ALL

from bridgeboard.analysis import movers
from bridgeboard.model import pages
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.pages import PAGE_CONTENTS, PageContents
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import select, select_top

EVERY = sorted(PAGE_CONTENTS)
PARTS = ("headline", "measures", "splits", "columns")


def metrics_of(board: PageContents) -> set[str]:
    return {*board.headline, *board.measures, *board.columns, *(rank for _, rank in board.tops)}


def dimensions_of(board: PageContents) -> set[str]:
    return {*board.splits, *(name for name, _ in board.tops)}


def splits(metric: str, dimension: str) -> bool:
    return METRICS[metric].splits(DIMENSIONS[dimension])


@pytest.mark.parametrize("name", EVERY)
def test_every_name_of_a_board_is_in_the_vocabulary_and_stands_there_once(name: str) -> None:
    board = PAGE_CONTENTS[name]
    assert metrics_of(board) <= set(METRICS)
    assert dimensions_of(board) <= set(DIMENSIONS)
    for part in PARTS:
        names = getattr(board, part)
        assert names
        assert len(set(names)) == len(names)
    assert len({dimension for dimension, _ in board.tops}) == len(board.tops)


@pytest.mark.parametrize("name", EVERY)
def test_every_measure_can_be_split_by_one_of_its_boards_splits(name: str) -> None:
    board = PAGE_CONTENTS[name]
    for measure in board.charted:
        assert any(splits(measure, split) for split in board.splits)
    assert splits(board.measures[0], board.splits[0])


@pytest.mark.parametrize("name", EVERY)
def test_every_column_can_be_split_by_one_of_its_boards_splits(name: str) -> None:
    board = PAGE_CONTENTS[name]
    for column in board.columns:
        assert any(splits(column, split) for split in board.splits)
    assert all(splits(column, board.splits[0]) for column in board.columns)


@pytest.mark.parametrize("name", EVERY)
def test_no_split_is_one_of_time_or_of_no_use(name: str) -> None:
    board = PAGE_CONTENTS[name]
    for split in dimensions_of(board):
        assert not DIMENSIONS[split].time
    for split in board.splits:
        assert any(splits(measure, split) for measure in board.measures)


@pytest.mark.parametrize("name", EVERY)
def test_everything_a_board_can_show_is_a_question_that_can_be_asked(name: str) -> None:
    board = PAGE_CONTENTS[name]
    assert select(board.headline, [], ALL).sql
    assert select(board.headline, ["day"], ALL).sql
    for measure, split in product(board.charted, board.splits):
        if splits(measure, split):
            assert select_top([measure], ["day", split], ALL, rank_by=measure, n=pages.TOP).sql
    assert select(board.columns, [board.splits[0]], ALL).sql
    for dimension, rank in board.tops:
        assert select((rank,), (dimension,), ALL, order=(f"-{rank}",)).sql


@pytest.mark.parametrize("name", EVERY)
def test_what_is_ranked_can_be_split_by_what_it_is_ranked_by(name: str) -> None:
    assert all(splits(rank, dimension) for dimension, rank in PAGE_CONTENTS[name].tops)


def test_filters_are_dimensions_that_a_scope_takes() -> None:
    assert set(pages.FILTERS) <= set(DIMENSIONS)
    assert len(set(pages.FILTERS.values())) == len(pages.FILTERS)
    for name in pages.FILTERS:
        scope: Scope = ALL.only(name, "one").without(name, "other")
        assert scope.include == ((name, ("one",)),)


def test_more_money_is_neither_good_nor_bad_and_more_errors_are_bad() -> None:
    for name, metric in METRICS.items():
        if metric.format == "seconds" or (metric.format == "money" and name != "cache_saving"):
            assert metric.rise == 0, name
    for name in ("tool_errors", "tool_error_rate", "unmetered_requests"):
        assert METRICS[name].rise == -1


def test_what_moves_can_be_split_and_is_told_in_its_own_order() -> None:
    for board in PAGE_CONTENTS.values():
        for name in board.moved:
            assert splits(board.moving, name)
        for measure, dimensions in board.summary:
            assert measure in board.headline
            assert all(splits(measure, name) for name in dimensions)
    was = dict(zip("abce", [(5, EXACT), (2, EXACT), (0, EXACT), (4, EXACT)], strict=True))
    now = dict(zip("abce", [(3, EXACT), (0, EXACT), (7, EXACT), (4, EXACT)], strict=True))
    told = movers.moves("team", was, now)
    assert {(one.name, one.was, one.now) for one in told} == {("a", 5, 3), ("b", 2, 0), ("c", 0, 7)}
    assert [one.name for one in movers.largest(told)] == ["c", "a", "b"]
    assert movers.moves("team", {"Unassigned": (1, EXACT)}, {"Unassigned": (9, EXACT)}) == []


def test_what_is_unknown_in_a_period_is_no_change_from_nothing() -> None:
    unknown = (None, Accuracy("unknown"))
    was, now = {"a": unknown, "b": (1, EXACT)}, {"a": (7, EXACT), "b": (0, EXACT)}
    assert movers.moves("team", was, now) == [movers.Move("team", "b", 1, 0)]


def test_a_lower_bound_is_not_compared_with_an_exact_number() -> None:
    bound = Accuracy("at_least", ("some of it is not known",))
    was = {"unlike": (5, bound), "alike": (5, bound), "gone": (4, bound), "hidden": (0, bound)}
    now = {"unlike": (9, EXACT), "alike": (6, bound), "gone": (0, EXACT), "hidden": (3, EXACT)}
    told = movers.moves("team", was, now)
    assert [one.name for one in movers.largest(told)] == ["gone", "alike"]


def test_each_dimension_has_a_word_for_one_value_and_for_several() -> None:
    for name in DIMENSIONS:
        one, several = pages.nouns(name)
        assert one != several
    assert pages.nouns("initiator") == ("person", "people")
    assert pages.nouns("family") == ("model", "models")
    assert pages.nouns("model") == ("model id", "model ids")
    assert pages.rest(1_234, 8) == "Other (1,226)"


def test_there_are_as_many_colours_as_a_chart_has_series_of_their_own() -> None:
    assert 1 <= pages.TOP < 12
