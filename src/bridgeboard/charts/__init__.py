"""Data frame to Vega chart."""

from bridgeboard.charts.encodings import (
    ACCENT,
    NEUTRAL,
    NOBODY,
    RING,
    Drawn,
    Spec,
    colours,
    key,
    spec,
    when,
)
from bridgeboard.charts.forecast import burn_down, month_end
from bridgeboard.charts.heatmaps import WEEKDAYS, cohorts, hours_of_week
from bridgeboard.charts.session import (
    LYING,
    TOKEN_KINDS,
    Step,
    context_per_call,
    running_cost,
    token_legend,
    tokens_per_thread,
)
from bridgeboard.charts.sparklines import Area, spark
from bridgeboard.charts.trend import Course, Mark, Previous, legend, lines, over_time
from bridgeboard.charts.waterfall import waterfall

__all__ = [
    "ACCENT",
    "LYING",
    "NEUTRAL",
    "NOBODY",
    "RING",
    "TOKEN_KINDS",
    "WEEKDAYS",
    "Area",
    "Course",
    "Drawn",
    "Mark",
    "Previous",
    "Spec",
    "Step",
    "burn_down",
    "cohorts",
    "colours",
    "context_per_call",
    "hours_of_week",
    "key",
    "legend",
    "lines",
    "month_end",
    "over_time",
    "running_cost",
    "spark",
    "spec",
    "token_legend",
    "tokens_per_thread",
    "waterfall",
    "when",
]
