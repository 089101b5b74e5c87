"""What pages and reports can ask: totals, splits, rankings, series, each with its limits.

How a question is run and where its answer is cached, ``analysis.runner`` decides.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, cast

from bridgeboard.analysis.coverage import Coverage
from bridgeboard.model import accuracy, periods
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import SMALL_GROUPS, dimension
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries import metric_query, session_totals
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_totals import Sums, Totals
from bridgeboard.queries.store_status import FAMILIES

_OFTEN: Final = ("spend", "total_tokens", *accuracy.limits(("spend", "total_tokens")))
"""What pages ask by the same dimensions: all of it takes hardly longer than any one."""
MOST: Final = 10_000
"""Rows that are read at most; what says less than all says so."""
_select: Final = lru_cache(maxsize=512)(metric_query.select)
_select_top: Final = lru_cache(maxsize=512)(metric_query.select_top)
"""Statements are written once: to write one takes longer than to find its cached answer."""


class Questions(ABC):
    """All questions of pages and reports, made of two: ``ask`` and ``coverage``.

    After the numbers asked for, an answer has the counts that say whether these are lower bounds
    (``accuracy.limits``).
    """

    @abstractmethod
    def ask(self, question: Query) -> Answer:
        """The answer to a statement of ``queries``."""

    @abstractmethod
    def coverage(self) -> Coverage:
        """What the store covers."""

    @property
    @abstractmethod
    def sees_groups_only(self) -> bool:
        """Whether answers are sums of groups of people, what few did being called by no name."""

    def totals(self, names: tuple[str, ...], scope: Scope) -> dict[str, Any]:
        """Each number over the whole scope."""
        return dict(self.split(names, (), scope).only)

    def split(self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
        """Numbers by dimensions, all rows there are."""
        return self._with_limits(names, by, scope, lambda asked: self._every_row(asked, by, scope))

    def sums(self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
        """Numbers of requests by dimensions, to be added up further.

        Limits are with them, but not what usage that is not billed is called: to know takes as long
        as all else.
        """
        asked = (*names, *accuracy.limits(names, by))
        return self._known(self._every_row(asked, by, scope), asked)

    def split_alike(self, names: tuple[str, ...], by: str, scopes: Sequence[Scope]) -> list[Answer]:
        """Numbers by a dimension in several scopes, each with the values of all of them.

        One without any row in a scope has empty numbers there, with limits like any other row: what
        only a filter by tool hides is no exact nothing.
        """
        asked = (*names, *accuracy.limits(names, (by,)))
        answers = [self._every_row(asked, (by,), scope) for scope in scopes]
        values = dict.fromkeys(row[0] for answer in answers for row in answer.rows)
        empty = tuple(METRICS[name].empty for name in asked)

        def filled(scope: Scope, answer: Answer) -> Answer:
            rows = {row[0]: row for row in answer.rows}
            every = tuple(rows.get(value, (value, *empty)) for value in values)
            answer = Answer(answer.columns, every)
            return self._with_limits(names, (by,), scope, lambda _: answer)

        return list(map(filled, scopes, answers))

    def measured(self, names: tuple[str, ...], by: str, scope: Scope, order: str) -> Answer:
        """Numbers by a dimension in an order, at most ``MOST`` rows.

        To sort by something else asks nothing again. ``order`` is a name, with a "-" before it for
        the largest first; unknown numbers come last.
        """
        return self._with_limits(
            names, (by,), scope, lambda asked: self._ordered(asked, by, scope, order)
        )

    def top(
        self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope, *, rank_by: str, n: int
    ) -> Answer:
        """The ``n`` largest values of a dimension and all others as "Other".

        Over time each of them has an empty number for each stretch in which nothing happened.
        """

        def ask(asked: tuple[str, ...]) -> Answer:
            top = self.ask(_select_top(asked, by, scope, rank_by=rank_by, n=n))
            if len(by) == 1 or not top.rows:
                return top
            filled = _filled(top, asked, by, scope)
            return _without_folded(filled, top, by) if self.sees_groups_only else filled

        return self._with_limits(names, by, scope, ask)

    def series(self, names: tuple[str, ...], grain: str, scope: Scope) -> Answer:
        """Numbers over time, an empty one for each stretch in which nothing happened."""

        def ask(asked: tuple[str, ...]) -> Answer:
            rows = self.ask(_select(asked, (grain,), scope)).rows
            filled = periods.filled(rows, asked, (grain,), scope)
            return Answer.of((grain, *asked), filled)

        return self._with_limits(names, (grain,), scope, ask)

    def session_sums(self, find: Find) -> Sums:
        """The sums over a list of sessions, over what is of none of them, and over both."""
        sums = session_totals.total(self.ask(session_totals.totals(find)))
        hidden = self._hidden((), find.scope)
        count = hidden.only[accuracy.UNREAD] if hidden else 0

        def limited(line: Totals) -> Totals:
            counts = {name: (getattr(line, name) or 0) + count for name in accuracy.COUNTS_OF_ROWS}
            return replace(line, **counts)

        if not count:
            return sums
        return replace(
            sums,
            listed=limited(sums.listed),
            others=limited(sums.others),
            whole=limited(sums.whole),
        )

    def choices(self, name: str) -> list[str]:
        """All values of a dimension, of all times, the most frequent first."""
        answer = self.ask(metric_query.values(name, periods.everything()))
        return [str(value) for value in answer.column(name)]

    def first_seen(self, name: str) -> dict[str, int]:
        """Each value of a dimension and its place in the order in which they were first seen.

        What is new comes last, so that what hangs on a place (a colour) stays.
        """
        ranked = self.ask(metric_query.first_seen(name, periods.everything())).column(name)
        return {str(value): place for place, value in enumerate(ranked)}

    def families(self) -> dict[str, str]:
        """What the model of each id is called."""
        return dict(self.ask(Query(FAMILIES, (), ("family",))).rows)

    def _with_limits(
        self,
        names: tuple[str, ...],
        by: tuple[str, ...],
        scope: Scope,
        ask: Callable[[tuple[str, ...]], Answer],
    ) -> Answer:
        """What is asked about numbers by dimensions, and after them what tells how they stand.

        A limit that a dimension cannot split is that of all its values, in every row: nobody
        knows to which of them it belongs. Nor does a filter by tool hide rows without known tools.
        """
        limits, split = accuracy.limits(names), accuracy.limits(names, by)
        answer = ask((*names, *split))
        if whole := tuple(name for name in limits if name not in split):
            counts = self._counts(whole, by, accuracy.unsplit(scope, whole))
            able = counts.columns[: -len(whole)]
            for name in whole:
                answer = _with_counts(answer, name, counts.only_columns((*able, name)))
        rows_counted = [name for name in split if name in accuracy.COUNTS_OF_ROWS]
        if rows_counted and (hidden := self._hidden(by, scope)):
            for name in rows_counted:
                answer = _with_counts(answer, name, hidden)
        if accuracy.UNBILLED in limits:
            answer = self._with_statuses(answer, names, by, scope)
        return self._known(answer, (*names, *limits))

    def _with_statuses(
        self, answer: Answer, names: tuple[str, ...], by: tuple[str, ...], scope: Scope
    ) -> Answer:
        """The answer with what usage that costs nothing is called, where rows have no other.

        It is asked only then, as it takes as long as all else; None where a row has several.
        """
        amounts = [name for name in names if accuracy.UNBILLED in accuracy.limits((name,))]
        records = list(answer.records())
        if accuracy.STATUS in by or not any(
            row[accuracy.UNBILLED] and any(row[name] == 0 for name in amounts) for row in records
        ):
            return answer
        not_billed = scope.only(accuracy.STATUS, *sorted(accuracy.NOT_BILLED))
        statuses: dict[tuple[Any, ...], set[str]] = {}
        for *key, status, _ in self._counts(("requests",), (*by, accuracy.STATUS), not_billed).rows:
            statuses.setdefault(tuple(key), set()).add(status)
        column = [statuses.get(tuple(row[name] for name in by), set()) for row in records]
        return answer.with_column(
            accuracy.STATUS, (next(iter(one)) if len(one) == 1 else None for one in column)
        )

    def _hidden(self, by: tuple[str, ...], scope: Scope) -> Answer | None:
        """How many rows without known tools a filter by tool hides; None where there is none."""
        unfiltered = accuracy.unsplit(scope, (accuracy.UNREAD,))
        if unfiltered == scope:
            return None
        counts, shown = (self._counts((accuracy.UNREAD,), by, one) for one in (unfiltered, scope))
        return _less(counts, shown)

    def _counts(self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
        """Counts by those of some dimensions that can split them all."""
        able = tuple(
            each for each in by if all(METRICS[name].splits(dimension(each)) for name in names)
        )
        return self.ask(_select(names, able, scope))

    def _every_row(self, names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
        """Numbers by dimensions.

        One number by one dimension is asked as by ``measured``, whose answer may be known.
        """
        if len(by) == 1:
            answer = self._first_rows(names, by[0], scope)
            if len(answer) < MOST:
                return answer
        return self.ask(_select(names, by, scope))

    def _first_rows(self, names: tuple[str, ...], by: str, scope: Scope) -> Answer:
        """Numbers by a dimension, at most ``MOST`` rows, the first number's largest first."""
        often = tuple(name for name in _OFTEN if METRICS[name].splits(dimension(by)))
        if not set(names) <= set(often) or dimension(by).time:
            return self.ask(_select(names, (by,), scope, limit=MOST))
        answer = self.ask(_select(often, (by,), scope, limit=MOST))
        return _sorted(answer.only_columns((by, *names)), f"-{names[0]}")

    def _known(self, answer: Answer, names: tuple[str, ...]) -> Answer:
        """The answer; all but sessions is unknown in it while sessions are known but no request."""
        if self.coverage().knows_no_request:
            for name in names:
                if METRICS[name].needs_requests:
                    answer = answer.unknown(name)
        return answer

    def _ordered(self, names: tuple[str, ...], by: str, scope: Scope, order: str) -> Answer:
        rows = self._together(names, by, scope)
        if len(rows) < MOST:
            return _sorted(rows, order)
        return self.ask(_select(names, (by,), scope, order=(order,), limit=MOST))

    def _together(self, names: tuple[str, ...], by: str, scope: Scope) -> Answer:
        """Numbers by a dimension; counts of keys, as dear as all others, are asked apart."""
        keyed = tuple(name for name in names if METRICS[name].counts_keys)
        others = tuple(name for name in names if name not in keyed)
        parts = [self._first_rows(some, by, scope) for some in (others, keyed) if some]
        if len(parts) == 1:
            return parts[0]
        return parts[0].joined_with(parts[1], (by,)).only_columns((by, *names))


def _sorted(answer: Answer, name: str) -> Answer:
    place = answer.columns.index(name.removeprefix("-"))
    rows = sorted(answer.rows, key=lambda row: row[0])
    known = [row for row in rows if row[place] is not None]
    known.sort(key=lambda row: row[place], reverse=name.startswith("-"))
    return Answer(answer.columns, (*known, *(row for row in rows if row[place] is None)))


def _filled(top: Answer, names: tuple[str, ...], by: tuple[str, ...], scope: Scope) -> Answer:
    """The rows of ``select_top``, and empty ones for stretches of time in which a value has none.

    They have limits like any other row: on a day of unknown tools, no tool has exactly nothing.
    """
    place = next(place for place, name in enumerate(by) if not dimension(name).time)
    values_count = top.rows[0][-1]
    # A value may be called "Other", too.
    rows = [
        (*row[:place], (row[place], is_rest), *row[place + 1 :]) for *row, is_rest, _ in top.rows
    ]
    return Answer.of(
        top.columns,
        (
            (*row[:place], value, *row[place + 1 :], is_rest, values_count)
            for row in periods.filled(rows, names, by, scope)
            for value, is_rest in [cast("tuple[Any, bool]", row[place])]
        ),
    )


def _without_folded(filled: Answer, top: Answer, by: tuple[str, ...]) -> Answer:
    """The answer to who sees groups, no number known where all of it may be in small groups.

    Those are a value of their own, or in the rest where they are none of the largest.
    """
    (grain,) = (name for name in by if dimension(name).time)
    (split,) = (name for name in by if name != grain)
    known = {(row[grain], row[split], row["is_rest"]): row for row in top.records()}
    shown = {(split_value, is_rest) for _, split_value, is_rest in known}
    small = (SMALL_GROUPS, False) if (SMALL_GROUPS, False) in shown else None
    folding = {
        at
        for at, value, is_rest in known
        if (value, is_rest) == small or (small is None and is_rest)
    }
    numbers = [name for name in filled.columns if name in METRICS]
    rows = [
        row
        if row["is_rest"]
        or (row[split], False) == small
        or row[grain] not in folding
        or (row[grain], row[split], False) in known
        else {**row, **dict.fromkeys(numbers)}
        for row in filled.records()
    ]
    return Answer.of(filled.columns, (tuple(row[name] for name in filled.columns) for row in rows))


def _with_counts(answer: Answer, name: str, counts: Answer) -> Answer:
    """The answer with a count, of fewer dimensions, added to its column of this name.

    The column is put last where there is none. What is together as "Other" has the sum of all
    values that have no row of their own.
    """
    by = counts.columns[:-1]
    folds = "is_rest" in answer.columns
    records = list(answer.records())
    shown = {
        each: {row[each] for row in records if not (folds and row["is_rest"])}
        for each in by
        if folds and not dimension(each).time
    }
    sums = Counter[tuple[Any, ...]]()
    for *values, count in counts.rows:
        key = (
            None if each in shown and value not in shown[each] else value
            for each, value in zip(by, values, strict=True)
        )
        sums[tuple(key)] += count or 0
    column = [
        (row.get(name) or 0)
        + sums[tuple(None if each in shown and row["is_rest"] else row[each] for each in by)]
        for row in records
    ]
    return answer.with_column(name, column)


def _less(counts: Answer, others: Answer) -> Answer:
    """Counts less others by the same dimensions."""
    less = {row[:-1]: row[-1] or 0 for row in others.rows}
    rows = ((*row[:-1], (row[-1] or 0) - less.get(row[:-1], 0)) for row in counts.rows)
    return Answer.of(counts.columns, rows)
