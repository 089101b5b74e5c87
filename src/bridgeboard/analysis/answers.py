"""Runs one query on a reader; what groups of people cannot tell becomes unknown."""

from collections.abc import Iterable
from typing import Final

from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.store import Reader
from bridgeboard.queries.metric_query import Query

SESSIONS_OF_GROUPS: Final = frozenset({"team", "client"})
"""Dimensions by which sums of groups tell sessions, beside those of time."""


def answer(reader: Reader, question: Query) -> Answer:
    """The answer to a statement of ``queries``.

    Whoever sees groups of people only is told how many sessions there are by time, team and
    client; by anything else it is unknown, as sums of groups do not say what a session used.
    """
    result = Answer.of(*reader.named(*question))
    if reader.sees_groups_only and not groups_tell_sessions(question.dimensions or ()):
        return result.unknown("sessions")
    return result


def groups_tell_sessions(dimensions: Iterable[str]) -> bool:
    """Whether sums of groups of people tell how many sessions there are by some dimensions."""
    return all(DIMENSIONS[name].time or name in SESSIONS_OF_GROUPS for name in dimensions)
