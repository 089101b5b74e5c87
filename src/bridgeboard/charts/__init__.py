"""Frame → chart. Our whole visual language."""

from bridgeboard.charts.axes import when
from bridgeboard.charts.colours import ACCENT, NEUTRAL, NOBODY, RING, colours
from bridgeboard.charts.heatmaps import WEEKDAYS, cohorts, hours_of_week
from bridgeboard.charts.session_growth import Step, context_per_call, running_cost
from bridgeboard.charts.sparklines import spark
from bridgeboard.charts.threads import TOKEN_KINDS, token_legend, tokens_per_thread
from bridgeboard.charts.trend import Course, legend, lines, over_time
from bridgeboard.charts.vega_specs import Drawn, Spec, spec

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
