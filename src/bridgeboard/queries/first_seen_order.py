"""In which order the values of a dimension were first seen: an order that only grows at its end."""

from bridgeboard.model.dimensions import dimension
from bridgeboard.model.errors import MetricError
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.metric_sources import Arguments, asked, quoted, rows, tables


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
    seen = (
        f"SELECT {origin.keys[name]} AS key, min(f.started_at) AS first_at {origin.text} GROUP BY 1"
    )
    common = ", ".join([*tables(asked([name], scope)), f"seen AS ({seen})"])
    shown = f"{one.shown.format('key')} AS {quoted(name)}"
    return Query(
        f"WITH {common} SELECT {shown} FROM seen ORDER BY first_at, key",
        tuple(into.values),
        tuple(sorted(asked([name], scope))),
    )
