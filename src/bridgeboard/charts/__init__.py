"""Frame → chart. Our whole visual language."""

from bridgeboard.charts.axes import when
from bridgeboard.charts.colours import ACCENT, NEUTRAL, NOBODY, RING, colours
from bridgeboard.charts.course import Course, legend, lines, over_time
from bridgeboard.charts.grids import WEEKDAYS, cohorts, hours_of_week
from bridgeboard.charts.growth import Step, context_per_call, running_cost
from bridgeboard.charts.sparks import spark
from bridgeboard.charts.specs import Drawn, Spec, spec
from bridgeboard.charts.threads import TOKEN_KINDS, token_legend, tokens_per_thread

__all__ = [
    "ACCENT",
    "NEUTRAL",
    "NOBODY",
    "RING",
    "TOKEN_KINDS",
    "WEEKDAYS",
    "Course",
    "Drawn",
    "Spec",
    "Step",
    "cohorts",
    "colours",
    "context_per_call",
    "hours_of_week",
    "legend",
    "lines",
    "over_time",
    "running_cost",
    "spark",
    "spec",
    "token_legend",
    "tokens_per_thread",
    "when",
]
