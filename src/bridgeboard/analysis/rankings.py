"""The largest values of a dimension, the rest together, and what share of the whole each is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridgeboard.analysis.questions import Questions
from bridgeboard.model.accuracy import Standing, column_accuracy, known
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope


@dataclass(frozen=True)
class Ranking:
    """Numbers by a dimension.

    Attributes:
        by: the dimension.
        names: the numbers, the one that ranks first; those that tell how they stand are beside.
        parts: columns as ``queries.metric_query.select_top`` gives them.
        whole: each number over all values.
    """

    by: str
    names: tuple[str, ...]
    parts: Answer
    whole: Mapping[str, Any]

    @property
    def shares(self) -> list[float | None] | None:
        """What share of the whole each row is; None where rows are no parts of a whole."""
        first = self.names[0]
        return shares(first, self.by, list(self.parts.records()), self.whole[first])


def ranking(
    questions: Questions, names: Iterable[str], by: str, scope: Scope, *, most: int
) -> Ranking:
    """The ``most`` largest values by the first number, and the rest in one row.

    Numbers that cannot be split by the dimension are left out.
    """
    shown = tuple(name for name in names if METRICS[name].splits(DIMENSIONS[by]))
    parts = questions.top(shown, (by,), scope, rank_by=shown[0], n=most)
    return Ranking(by, shown, parts, _whole(questions, shown, by, scope))


def shares(
    measure: str, by: str, rows: Sequence[Mapping[str, Any]], total: float | None
) -> list[float | None] | None:
    """What share of a total each row is, None where its number is unknown.

    None in place of all shares where the rows are no parts of a whole.
    """
    values = [known(measure, row) for row in rows]
    is_below_zero = any(value is not None and value < 0 for value in values)
    if not total or not METRICS[measure].adds_up(DIMENSIONS[by]) or is_below_zero:
        return None
    return [None if value is None else value / total for value in values]


def share_standing(measure: str, rows: Iterable[Mapping[str, Any]]) -> Standing:
    """How shares of a whole stand: about right unless all that it is made of is exact."""
    return "about" if column_accuracy(measure, rows).reasons else "exact"


def _whole(
    questions: Questions, names: tuple[str, ...], by: str, scope: Scope
) -> Mapping[str, Any]:
    """What adds up is the number of the period; other numbers are about the table's rows only.

    People and rates of a table of tools are those of tool calls, not of all requests.
    """
    totals = questions.totals(names, scope)
    rows = questions.top(names, (by,), scope, rank_by=names[0], n=0)
    together = next(rows.records(), totals)
    return {
        name: totals[name] if METRICS[name].adds_up(DIMENSIONS[by]) else together[name]
        for name in totals
        if name in METRICS
    }
