"""Compares two periods, people, models or sessions, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridgeboard.model.metric import TOKEN_METRICS, Format
from bridgeboard.model.metrics import METRICS
from bridgeboard.queries.session_detail import NUMBERS, Head

COMPARED: Final = (
    "spend",
    "shadow_cost",
    "active_people",
    "sessions",
    "threads",
    "prompts",
    "requests",
    "tool_calls",
    "tool_errors",
    "total_tokens",
    *TOKEN_METRICS,
    "cache_hit_rate",
    "cost_per_prompt",
    "cost_per_request",
    "priced_rate",
)
"""Metrics that every scope has."""
AMOUNTS: Final = 2
"""So many of them, which come first, are amounts of money."""

Number = int | float | None


@dataclass(frozen=True, slots=True)
class Line:
    """One number of both sides of a comparison.

    Attributes:
        name: of the metric; of the field of a session where no metric is shown.
        label: on the screen.
        format: how it looks.
        a: the number of side A; None where it is unknown.
        b: likewise of side B.
    """

    name: str
    label: str
    format: Format
    a: Number
    b: Number

    @property
    def difference(self) -> Number:
        """How much more b is."""
        return None if self.a is None or self.b is None else self.b - self.a

    @property
    def ratio(self) -> float | None:
        """How many times a goes into b."""
        return None if not self.a or self.b is None else self.b / self.a


def compared_lines(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Sequence[str]
) -> tuple[Line, ...]:
    """Two rows of metrics side by side, in the order of the names."""
    chosen = [METRICS[name] for name in names]
    return tuple(Line(one.name, one.label, one.format, a[one.name], b[one.name]) for one in chosen)


def sessions(a: Head, b: Head) -> tuple[Line, ...]:
    """Two sessions compared, by the metrics that a session has, in the order of other pairs."""
    fields = {name: field for field, name in NUMBERS.items()}
    own = {*fields, "threads", "total_tokens"}
    order = [name for name in COMPARED if name in own]
    counted = [
        Line(
            name,
            METRICS[name].label,
            METRICS[name].format,
            *(getattr(head, fields.get(name, name)) for head in (a, b)),
        )
        for name in dict.fromkeys((*order, *fields))
    ]
    lasted = Line("duration_seconds", "Duration", "seconds", a.duration_seconds, b.duration_seconds)
    return (*counted[:AMOUNTS], lasted, *counted[AMOUNTS:])
