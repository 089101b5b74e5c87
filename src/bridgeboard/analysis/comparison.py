"""Compares two periods, people, models or sessions, line by line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bridgeboard.model.accuracy import known
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
        is_compared: whether both are known; a lower bound of 0 is not.
    """

    name: str
    label: str
    format: Format
    a: Number
    b: Number
    is_compared: bool = True

    @property
    def difference(self) -> Number:
        """How much more b is."""
        if not self.is_compared or self.a is None or self.b is None:
            return None
        return self.b - self.a

    @property
    def ratio(self) -> float | None:
        """How many times a goes into b."""
        if not self.is_compared or not self.a or self.b is None:
            return None
        return self.b / self.a


def compared_lines(
    a: Mapping[str, Any], b: Mapping[str, Any], names: Sequence[str]
) -> tuple[Line, ...]:
    """Two rows of metrics side by side, in the order of the names."""
    return tuple(_line(name, a, b) for name in names)


def _line(name: str, a: Mapping[str, Any], b: Mapping[str, Any]) -> Line:
    one = METRICS[name]
    is_compared = None not in (known(name, a), known(name, b))
    return Line(name, one.label, one.format, a[name], b[name], is_compared)


def sessions(a: Head, b: Head) -> tuple[Line, ...]:
    """Two sessions compared, by the metrics that a session has, in the order of other pairs."""
    fields = {name: field for field, name in NUMBERS.items()}
    own = {*fields, "threads", "total_tokens"}
    order = [name for name in COMPARED if name in own]
    numbers = a.by_metric, b.by_metric
    counted = [_line(name, *numbers) for name in dict.fromkeys((*order, *fields))]
    lasted = Line("duration_seconds", "Duration", "seconds", a.duration_seconds, b.duration_seconds)
    return (*counted[:AMOUNTS], lasted, *counted[AMOUNTS:])
