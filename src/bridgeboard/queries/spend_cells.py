"""What responses used and cost, by all that their price depends on (docs/costs.md 13)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from bridgeboard.model.dimensions import dimension
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query, with_tables
from bridgeboard.queries.metric_sources import Arguments, asked, quoted, rows, tables

PRICED_BY: Final = ("provider", "provider_name", "credential_kind")
"""Columns of a request that its price depends on, beside its model."""
CLASSES: Final = {
    "input": "input",
    "output": "output",
    "cache_read": "cache_read",
    "cache_write": "cache_write - r.cache_write_1h",
    "cache_write_1h": "cache_write_1h",
    "web_searches": "web_searches",
}
"""The counts that are billed, in the order of ``pricing.CLASSES``."""


def spend_cells(scope: Scope, edges: Sequence[datetime], by: str = "") -> Query:
    """Responses with a cost, in groups of the same price.

    ``edges`` are the moments at which prices may change, in order; responses between two of them
    are in one group, which ``epoch`` numbers. ``by`` is a dimension to split by.

    Returns:
        The dimension's column if there is one, ``model``, ``PRICED_BY``, ``service_tier``,
        ``tier``, ``epoch``, the counts ``CLASSES`` and ``cost``, the latter as HUGEINT.
    """
    into = Arguments()
    names = tuple(dict.fromkeys(name for name in (by, "model") if name))
    source = rows("usage", names, scope, into, is_final=True)
    of_request = ", ".join(
        [
            *(f"f.{name}" for name in PRICED_BY),
            *(f"{sql} AS {quoted(f'by_{name}')}" for name, sql in source.keys.items()),
        ]
    )
    within = [edge for edge in edges if scope.since < edge < scope.until]
    passed = [f"CASE WHEN r.answered_at >= {into.bound(edge)} THEN 1 ELSE 0 END" for edge in within]
    keys = [
        *(f"q.by_{name}" for name in names),
        *(f"q.{name}" for name in PRICED_BY),
        "r.service_tier",
        "r.tier",
        f"{' + '.join(passed) or '0'} AS epoch",
    ]
    sums = [f"CAST(sum(r.{sql}) AS HUGEINT) AS {name}" for name, sql in CLASSES.items()]
    groups = (
        f"SELECT {', '.join([*keys, *sums])}, CAST(sum(r.cost) AS HUGEINT) AS cost"
        f" FROM (SELECT f.usage, {of_request} {source.text} AND f.cost IS NOT NULL) q"
        " JOIN responses r ON r.usage = q.usage"
        f" WHERE r.started_at >= {into.bound(scope.since)}"
        f" AND r.started_at < {into.bound(scope.until)} AND r.status <> 'unpriced'"
        f" GROUP BY {', '.join(map(str, range(1, len(keys) + 1)))}"
    )
    shown = [f"{dimension(name).shown.format(f'c.by_{name}')} AS {quoted(name)}" for name in names]
    others = (*PRICED_BY, "service_tier", "tier", "epoch", *CLASSES, "cost")
    columns = [*shown, *(f"c.{name}" for name in others)]
    about = asked(names, scope)
    common = [*tables(about), f"cells AS ({groups})"]
    return with_tables(common, f"SELECT {', '.join(columns)} FROM cells c", into, about)
