"""A question to one small vocabulary → SQL: the same definition behind every number.

``METRICS`` are the numbers, ``DIMENSIONS`` what they are split and filtered by, a ``Scope`` is the
period, its zone and the filters. Pure: no database, no clock.
"""

from bridgeboard.metrics.accuracy import (
    EXACT,
    Accuracy,
    accuracy,
    is_comparable,
    limits,
    presence_accuracy,
    unsplit,
    without_requests,
)
from bridgeboard.metrics.adoption import active_people_windows, cohort_people, cohorts, presence
from bridgeboard.metrics.answers import Answer
from bridgeboard.metrics.buckets import bounds, buckets, filled, running
from bridgeboard.metrics.dimensions import CLIENT_SIDE, DIMENSIONS, UNASSIGNED, UNKNOWN, Dimension
from bridgeboard.metrics.errors import MetricError
from bridgeboard.metrics.firsts import first_seen
from bridgeboard.metrics.metric import Format, Metric
from bridgeboard.metrics.scope import Scope
from bridgeboard.metrics.select import Query, select, select_top, values
from bridgeboard.metrics.vocabulary import METRICS

__all__ = [
    "CLIENT_SIDE",
    "DIMENSIONS",
    "EXACT",
    "METRICS",
    "UNASSIGNED",
    "UNKNOWN",
    "Accuracy",
    "Answer",
    "Dimension",
    "Format",
    "Metric",
    "MetricError",
    "Query",
    "Scope",
    "accuracy",
    "active_people_windows",
    "bounds",
    "buckets",
    "cohort_people",
    "cohorts",
    "filled",
    "first_seen",
    "is_comparable",
    "limits",
    "presence",
    "presence_accuracy",
    "running",
    "select",
    "select_top",
    "unsplit",
    "values",
    "without_requests",
]
