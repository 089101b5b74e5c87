"""A question → one statement: some numbers, by some dimensions, in a scope.

Nothing here is executed. Each source that the numbers come from is aggregated by itself, and so is
each set of keys; the results are joined on the dimensions.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bridgeboard.model.dimensions import Dimension, Source, dimension
from bridgeboard.model.errors import MetricError
from bridgeboard.model.metric import Metric, Part
from bridgeboard.model.metrics import metric
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_sources import (
    NO_SESSIONS,
    TABLES,
    Arguments,
    Fold,
    asked,
    cells,
    grouped,
    merged,
    quoted,
    rows,
    summed,
    tables,
)

OTHER: Final = "Other"
_OF_CALLS: Final = {"tool", "server"}
_ROWS: Final = Part("count(*)", "count(*)", "count(*)", "count(*)", kind="sum")


@dataclass(frozen=True)
class Query:
    """A statement and its parameters, ``$1`` the first: ``store.rows(*query)``.

    Attributes:
        dimensions: all that it speaks of, by what it splits, filters or tells people apart; None
            is unknown, as of what looks at single rows. Who may see groups of people only is
            answered by it (``store.k_anonymity``).
    """

    sql: str
    params: tuple[object, ...]
    dimensions: tuple[str, ...] | None = None

    def __iter__(self) -> Iterator[Any]:
        return iter((self.sql, self.params, self.dimensions))

    @property
    def if_all_read(self) -> "Query":
        """The same without a look for unread sessions, which takes as long as all else.

        Itself where it does not look for any.
        """
        sql = self.sql.replace(TABLES["unread"], NO_SESSIONS)
        return self if sql == self.sql else replace(self, sql=sql)


def select(
    names: Sequence[str],
    by: Sequence[str],
    scope: Scope,
    *,
    order: Sequence[str] | None = None,
    limit: int | None = None,
) -> Query:
    """Numbers by dimensions in a scope.

    Args:
        names: of metrics.
        by: names of dimensions; none gives one row.
        scope: period and filters.
        order: names out of ``names`` and ``by``, a "-" before one for the largest first; unknown
            numbers come last. Left out: by time, else the first number's largest first.
        limit: how many rows at most.

    Returns:
        One column per dimension, then one per metric, under their names. Only values that
        occur have rows (``filled`` adds stretches of time). Days, weeks and months are dates, an
        hour is the naive UTC time of its beginning. Money is HUGEINT, other counts are BIGINT,
        rates and seconds DOUBLE.

    Raises:
        MetricError: for unknown names, and for a number that cannot be split as asked.
    """
    into = Arguments()
    question = _Question.of(names, by, scope)
    common = [*tables(asked(by, scope)), *question.aggregates(into)]
    columns = [*question.shown(), *question.values()]
    # By their names, as what is shown may be asked of another table: not all engines order by that.
    shown = f"SELECT {', '.join(columns)} FROM {question.joined()}"
    sql = f"SELECT * FROM ({shown}) t{question.ordered(order)}"
    if limit is not None:
        sql += f" LIMIT {into.bound(limit)}"
    return with_tables(common, sql, into, asked(by, scope))


def select_top(
    names: Sequence[str],
    by: Sequence[str],
    scope: Scope,
    *,
    rank_by: str,
    n: int,
) -> Query:
    """The ``n`` values of a dimension with the largest numbers, and all others as one row.

    Args:
        names: of metrics.
        by: names of one dimension that is not of time, and any of time.
        scope: period and filters.
        rank_by: name of the metric that decides, over the whole scope.
        n: how many values have rows of their own.

    Returns:
        The columns of ``select``, then ``is_rest``, true for the row (one per time) of all
        others, which is called "Other", and ``values_count``, how many values there are in all.
        Every number of the rest is computed anew from its rows. In order of time, then of rank.

    Raises:
        MetricError: as ``select`` does, or if there is not just one dimension to fold.
    """
    category = _category(by)
    into = Arguments()
    every = _Question.of([*names, rank_by], by, scope, prefix="cell_")
    ranking = _Question.of([rank_by], [category.name], scope, prefix="rank_", cells=every)
    fold = Fold(category.name, into.bound(n))
    question = _Question.of(names, by, scope, fold=fold, cells=every)
    common = [
        *tables(asked(by, scope)),
        *every.cell_tables(into),
        *ranking.aggregates(into),
        f"ranked AS ({ranking.ranked(rank_by)})",
        *question.aggregates(into),
    ]
    place = _key(category)
    rest = f"{place} > {fold.most}"
    label = f"CASE WHEN {rest} THEN '{OTHER}' ELSE {_shown(category, 'ranked.key')} END"
    labels = {one: label if one is category else _shown(one, _key(one)) for one in question.by}
    columns = [f"{sql} AS {quoted(one.name)}" for one, sql in labels.items()]
    columns += question.values()
    columns += [
        f"CAST({rest} AS BOOLEAN) AS is_rest",
        "(SELECT count(*) FROM ranked) AS values_count",
    ]
    statement = (
        f"SELECT {', '.join(columns)} FROM {question.joined()}"
        f" LEFT JOIN ranked ON ranked.place = {place}"
    )
    terms = [*(_key(one) for one in question.by if one.time), place]
    statement += f" ORDER BY {', '.join(terms)}"
    return with_tables(common, statement, into, asked(by, scope))


def values(name: str, scope: Scope, *, limit: int | None = None) -> Query:
    """The values of a dimension to choose from, the most frequent first.

    What the scope says about the dimension itself is left out.

    Returns:
        ``name`` and ``requests``, or ``tool_calls`` for what only calls have.
    """
    count = "tool_calls" if name in _OF_CALLS else "requests"
    order = (f"-{count}", name)
    return select((count,), (name,), scope.free(name), order=order, limit=limit)


def with_tables(common: Iterable[str], sql: str, into: Arguments, about: Iterable[str]) -> Query:
    """A SELECT behind its common tables, about some dimensions."""
    return Query(f"WITH {', '.join(common)} {sql}", tuple(into.values), tuple(sorted(about)))


def _category(by: Sequence[str]) -> Dimension:
    categories = [one for one in map(dimension, by) if not one.time]
    if len(categories) != 1:
        raise MetricError(f"One dimension can be folded into its top, not {len(categories)}.")
    return categories[0]


def _key(one: Dimension) -> str:
    return f"j.{quoted(one.name)}"


def _shown(one: Dimension, key: str) -> str:
    return one.shown.format(key)


@dataclass(frozen=True)
class _Question:
    """Metrics by dimensions, with the place of every part: which source's table and column.

    ``cells`` is a question that tells all parts of this one, split further: what can be added up
    from its tables is not read twice.
    """

    metrics: Sequence[Metric]
    by: Sequence[Dimension]
    scope: Scope
    parts: Mapping[Source, Sequence[Part]]
    chosen: Mapping[Part, Source | None]
    prefix: str
    fold: Fold | None
    cells: "_Question | None"

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        by: Sequence[str],
        scope: Scope,
        *,
        prefix: str = "",
        fold: Fold | None = None,
        cells: "_Question | None" = None,
    ) -> "_Question":
        metrics = [metric(name) for name in dict.fromkeys(names)]
        dimensions = [dimension(name) for name in dict.fromkeys(by)]
        if not metrics:
            raise MetricError("A question needs at least one metric.")
        about_calls = bool(_OF_CALLS & asked(by, scope))
        chosen = {
            part: _source(one, part, dimensions, about_calls=about_calls)
            for one in metrics
            for part in one.parts
        }
        parts: dict[Source, list[Part]] = {}
        for part, source in chosen.items():
            if source:
                parts.setdefault(source, []).append(part)
        return cls(metrics, dimensions, scope, parts, chosen, prefix, fold, cells)

    def aggregates(self, into: Arguments) -> list[str]:
        """The common tables of all sources, which side by side tell every part."""
        statements = []
        for source in self.parts:
            if self.cells and source in self.cells.sums:
                statements.append(self.added(source, self.cells))
            else:
                statements += self.counted(source, into)
        return statements

    @property
    def sums(self) -> list[Source]:
        """Sources whose parts can all be added up to those by fewer dimensions."""
        return [
            source
            for source, parts in self.parts.items()
            if all(part.kind == "sum" for part in parts)
            and not any(source in one.overlapping for one in self.by)
        ]

    def cell_tables(self, into: Arguments) -> list[str]:
        """The common tables of the sources that can be added up."""
        return [table for source in self.sums for table in self.counted(source, into)]

    def counted(self, source: Source, into: Arguments) -> list[str]:
        """A source's common tables, calculated from its rows."""
        statements = []
        for name, parts in self.laid_out(source).items():
            is_final = any(part.kind == "whole" for part in parts.values())
            origin = rows(source, self.names, self.scope, into, self.fold, is_final=is_final)
            statements.append(f"{name} AS ({grouped(origin, source, parts)})")
        return statements

    def added(self, source: Source, every: "_Question") -> str:
        """A source's common table, added up from the one in a question that splits it further."""
        origin = cells(every.table(source), self.names, self.fold)
        columns = {self.column(part): every.column(part) for part in self.parts[source]}
        columns[f"rows_of_{source}"] = f"rows_of_{source}"
        return f"{self.table(source)} AS ({summed(origin, columns)})"

    def laid_out(self, source: Source) -> dict[str, dict[str, Part]]:
        """The tables of a source, with their columns: one, and more for keys that need their own.

        Keys can be counted together with sums, but not with each other or with what needs all
        rows at once.
        """
        columns = {self.column(part): part for part in self.parts[source]}
        keys = [name for name, part in columns.items() if part.kind == "keys"]
        if keys and all(part.kind != "whole" for part in columns.values()):
            keys = keys[1:]
        own = {name: part for name, part in columns.items() if name not in keys}
        apart = {f"{self.prefix}{name}_keys": {name: columns[name]} for name in keys}
        return {self.table(source): {f"rows_of_{source}": _ROWS, **own}, **apart}

    def table(self, source: Source) -> str:
        return f"{self.prefix}{source}_parts"

    def column(self, part: Part) -> str:
        source = self.chosen[part]
        return f"{source}_{self.parts[source].index(part)}" if source else "0"

    @property
    def names(self) -> list[str]:
        return [one.name for one in self.by]

    def joined(self) -> str:
        """All sources side by side, as the table ``j``."""
        return f"(SELECT * FROM {self.side_by_side()}) j"

    def side_by_side(self) -> str:
        named = [name for source in self.parts for name in self.laid_out(source)]
        if not self.by:
            return " CROSS JOIN ".join(named)
        using = f" USING ({', '.join(quoted(one.name) for one in self.by)})"
        return " FULL JOIN ".join([named[0], *(f"{name}{using}" for name in named[1:])])

    def shown(self) -> list[str]:
        return [f"{_shown(one, _key(one))} AS {quoted(one.name)}" for one in self.by]

    def values(self) -> list[str]:
        return [f"{self.value(one)} AS {quoted(one.name)}" for one in self.metrics]

    def value(self, one: Metric) -> str:
        expression = one.value.format(*(self.column(part) for part in one.parts))
        if one.empty is None:
            return expression
        sources = dict.fromkeys(filter(None, map(self.chosen.__getitem__, one.parts)))
        has_rows = " OR ".join(f"rows_of_{source} > 0" for source in sources)
        return f"CASE WHEN {has_rows} THEN {expression} ELSE {one.empty} END"

    def ranked(self, name: str) -> str:
        key = _key(self.by[0])
        place = f"row_number() OVER (ORDER BY {self.value(metric(name))} DESC NULLS LAST, {key})"
        return f"SELECT {key} AS key, {place} AS place FROM {self.joined()}"

    def ordered(self, order: Sequence[str] | None) -> str:
        names = [*self.names, *(one.name for one in self.metrics)]
        wanted = self.order() if order is None else list(order)
        for name in wanted:
            if name.removeprefix("-") not in names:
                raise MetricError(f"Rows cannot be ordered by {name!r}: it is not asked for.")
        terms: dict[str, str] = {}
        for name in [*wanted, *self.names]:
            plain = name.removeprefix("-")
            terms.setdefault(plain, "ASC" if name == plain else "DESC")
        order_terms = [f"{quoted(name)} {way} NULLS LAST" for name, way in terms.items()]
        return f" ORDER BY {', '.join(order_terms)}"

    def order(self) -> list[str]:
        times = [one.name for one in self.by if one.time]
        return times or [f"-{self.metrics[0].name}"]


def _source(
    one: Metric, part: Part, by: Sequence[Dimension], *, about_calls: bool
) -> Source | None:
    """The source of a part; tool calls themselves when the question is about some of them.

    None is nowhere, for a part that then counts as none.
    """
    sources = [source for source in part.sources if all(each.splits(source) for each in by)]
    if not sources and part.is_optional:
        return None
    if not sources:
        wrong = [each for each in by if not one.splits(each)] or by
        named = " and ".join(repr(each.name) for each in wrong)
        raise MetricError(f"{one.name!r} cannot be split by {named}.")
    if not (about_calls and part.of_calls):
        return sources[0]
    if "calls" not in sources:
        named = " and ".join(repr(each.name) for each in by if not each.splits("calls"))
        raise MetricError(f"{one.name!r} of some tools only cannot be split by {named}.")
    return "calls"


def first_seen(name: str, scope: Scope) -> Query:
    """The values of a dimension in a scope, the one that was seen first before all others.

    Returns:
        One column under the dimension's name.

    Raises:
        MetricError: for a dimension of time, or an unknown one.
    """
    one = dimension(name)
    if one.time:
        raise MetricError(f"{name!r} is a stretch of time: it is in order by itself.")
    into = Arguments()
    origin = rows("usage" if one.splits("usage") else "calls", [name], scope, into)
    each = (
        f"SELECT {origin.keys[name]} AS {quoted(name)}, min(f.started_at) AS first_at"
        f" {origin.text} GROUP BY 1"
    )
    origin = merged(each, origin)
    seen = (
        f"SELECT {origin.keys[name]} AS key, min(f.first_at) AS first_at {origin.text} GROUP BY 1"
    )
    about = asked([name], scope)
    shown = f"SELECT {one.shown.format('key')} AS {quoted(name)} FROM seen ORDER BY first_at, key"
    return with_tables([*tables(about), f"seen AS ({seen})"], shown, into, about)
