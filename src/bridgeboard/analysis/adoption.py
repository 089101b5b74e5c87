"""Who began, who stayed and who left, and how often those who are active come."""

from collections.abc import Mapping
from typing import Any

from bridgeboard.analysis.questions import Questions
from bridgeboard.model.accuracy import limits
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope
from bridgeboard.queries import adoption
from bridgeboard.queries.metric_query import select


def presence(questions: Questions, scope: Scope) -> Mapping[str, Any]:
    """New, returning and dormant people, and what tells how these numbers stand."""
    people = questions.ask(adoption.presence(scope)).only
    return {**people, **questions.ask(select(limits(("active_people",)), (), scope)).only}


def stickiness(windows: Answer) -> float | None:
    """Daily over monthly active people; None where nobody was active.

    ``windows`` has the people active on each day and in the 28 days up to it.
    """
    daily, monthly = sum(windows.column("active_1")), sum(windows.column("active_28"))
    return daily / monthly if monthly else None
