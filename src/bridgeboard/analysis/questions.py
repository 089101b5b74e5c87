"""Numbers by dimensions, over time and in all, of whatever answers a statement."""

from abc import ABC, abstractmethod
from typing import Any, Final

from bridgeboard.analysis.coverage import Coverage
from bridgeboard.model import accuracy, metrics, periods, time_buckets
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope
from bridgeboard.queries import first_seen_order, metric_query
from bridgeboard.queries.metric_query import Query

MOST: Final = 10_000
"""Rows that are read at most; what says less than all says so."""


class Questions(ABC):
    """The questions of pages and reports, all put as ``ask`` and ``coverage`` answer."""

    @abstractmethod
    def ask(self, question: Query) -> Answer:
        """The answer to a statement of ``queries``."""

    @abstractmethod
    def coverage(self) -> Coverage:
        """What the store covers."""

    def ordered(
        self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope, order: tuple[str, ...]
    ) -> Answer:
        """Numbers by dimensions in an order, at most ``MOST`` rows.

        To sort by something else asks nothing again. ``order`` is one name, a "-" before it for
        the largest first; unknown numbers come last.
        """
        rows = self._together(names, by, scope)
        if len(rows) < MOST:
            return _sorted(rows, *order)
        return self.ask(metric_query.select(names, by, scope, order=order, limit=MOST))

    def totals(self, names: tuple[str, ...], scope: Scope) -> dict[str, Any]:
        """Each number over the whole scope, unknown but for sessions while no request is known."""
        row = dict(self.ask(metric_query.select(names, (), scope)).only)
        return accuracy.without_requests(row) if self.coverage().knows_no_request else row

    def measured(self, names: tuple[str, ...], by: str, scope: Scope, order: str) -> Answer:
        """Numbers by a dimension in an order, and after them what tells how they stand.

        A limit that the dimension cannot split is that of the whole scope, in every row: nobody
        knows to which value it belongs.
        """
        split = accuracy.limits(names, (by,))
        rows = self.ordered((*names, *split), (by,), scope, (order,))
        whole = tuple(name for name in accuracy.limits(names) if name not in split)
        if not whole:
            return rows
        limits = self.totals(whole, accuracy.unsplit(scope, whole))
        ends = tuple(limits[name] for name in whole)
        return Answer((*rows.columns, *whole), tuple((*row, *ends) for row in rows.rows))

    def top(
        self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope, *, rank_by: str, n: int
    ) -> Answer:
        """The ``n`` largest values of a dimension and all others as "Other"."""
        return self.ask(metric_query.select_top(names, by, scope, rank_by=rank_by, n=n))

    def series(self, names: tuple[str, ...], grain: str, scope: Scope) -> Answer:
        """Numbers over time, an empty one for each stretch in which nothing happened."""
        rows = self.ask(metric_query.select(names, (grain,), scope))
        return Answer(rows.columns, tuple(time_buckets.filled(rows.rows, names, (grain,), scope)))

    def choices(self, name: str) -> list[str]:
        """All values of a dimension, of all times, the most frequent first."""
        answer = self.ask(metric_query.values(name, periods.everything()))
        return [str(value) for value in answer.column(name)]

    def first_seen(self, name: str) -> dict[str, int]:
        """Each value of a dimension and its place in the order in which they were first seen.

        What is new comes last, so that what hangs on a place (a colour) stays.
        """
        ranked = self.ask(first_seen_order.first_seen(name, periods.everything())).column(name)
        return {str(value): place for place, value in enumerate(ranked)}

    def _together(self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
        """Numbers by dimensions; counts of keys, as dear as all others, are asked apart."""
        keyed = tuple(name for name in names if metrics.METRICS[name].counts_keys)
        others = tuple(name for name in names if name not in keyed)
        parts = [
            self.ask(metric_query.select(some, by, scope, limit=MOST))
            for some in (others, keyed)
            if some
        ]
        if len(parts) == 1:
            return parts[0]
        return parts[0].beside(parts[1], by).only_columns((*by, *names))


def _sorted(answer: Answer, name: str) -> Answer:
    place = answer.columns.index(name.removeprefix("-"))
    rows = sorted(answer.rows, key=lambda row: row[0])
    known = [row for row in rows if row[place] is not None]
    known.sort(key=lambda row: row[place], reverse=name.startswith("-"))
    return Answer(answer.columns, (*known, *(row for row in rows if row[place] is None)))
