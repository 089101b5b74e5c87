"""Who began, who stayed and who left, and how often those who are active come."""

from collections.abc import Mapping
from typing import Any

from bridgeboard.analysis.questions import Questions
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope
from bridgeboard.queries import adoption


def presence(questions: Questions, scope: Scope) -> Mapping[str, Any]:
    """New, returning and dormant people, and what tells how these numbers stand."""
    people = questions.ask(adoption.presence(scope))
    active = questions.totals(("active_people",), scope)
    if active["active_people"] is None:
        for name in people.columns:
            people = people.unknown(name)
    return {**people.only, **active}


def stickiness(windows: Answer) -> float | None:
    """Daily over monthly active people; None where nobody was active.

    ``windows`` has the people active on each day and in the 28 days up to it.
    """
    daily, monthly = sum(windows.column("active_1")), sum(windows.column("active_28"))
    return daily / monthly if monthly else None
