"""Who began, who stayed and who left, and how often those who are active come."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from bridgeboard.analysis.questions import Questions
from bridgeboard.model import periods
from bridgeboard.model.accuracy import Accuracy, accuracy, limits
from bridgeboard.model.answer import Answer
from bridgeboard.model.scope import Scope
from bridgeboard.queries import adoption

_PEOPLE: Final = "active_people"


@dataclass(frozen=True)
class Windows:
    """People active on each day or on the days before, in windows of several sizes in days.

    Attributes:
        people: ``day``, and ``active_1``, ``active_7`` ... by the windows' sizes.
        accuracies: how these numbers stand, by day and size.
        accuracy: how all of them together stand.
    """

    people: Answer
    accuracies: Mapping[tuple[date, int], Accuracy]
    accuracy: Accuracy

    @property
    def stickiness(self) -> float | None:
        """Daily over monthly active people; None where nobody was active."""
        daily, monthly = (
            sum(value or 0 for value in self.people.column(f"active_{size}")) for size in (1, 28)
        )
        return daily / monthly if monthly else None


def presence(questions: Questions, scope: Scope) -> Mapping[str, Any]:
    """New, returning and dormant people, and what tells how these numbers stand."""
    people = questions.ask(adoption.presence(scope))
    active = questions.totals((_PEOPLE,), scope)
    return {**_known(people, people.columns, is_known=active[_PEOPLE] is not None).only, **active}


def windows(questions: Questions, scope: Scope, sizes: Sequence[int]) -> Windows:
    """The people active on each day of a scope or on the days before, and how they stand."""
    people = questions.ask(adoption.active_people_windows(scope, sizes))
    longer = scope.reaching_back(max(sizes) - 1)
    days = {row["day"]: row for row in questions.series((_PEOPLE,), "day", longer).records()}
    is_known = all(row[_PEOPLE] is not None for row in days.values())
    people = _known(people, people.columns[1:], is_known=is_known)
    return Windows(
        people,
        {
            (row["day"], size): _accuracy(
                row[f"active_{size}"],
                [days.get(row["day"] - timedelta(days=back), {}) for back in range(size)],
            )
            for row in people.records()
            for size in sizes
        },
        _accuracy(sum(row[_PEOPLE] or 0 for row in days.values()), days.values()),
    )


def cohorts(questions: Questions, scope: Scope, weeks: int) -> tuple[Answer, Accuracy]:
    """People by the week in which they began and one in which they were active, and how it stands.

    Who is not seen in a week may count as having begun in a later one.
    """
    people = questions.ask(adoption.cohorts(scope, weeks))
    so_far = replace(scope, since=min(scope.since, periods.everything().since))
    return people, accuracy(_PEOPLE, questions.totals((_PEOPLE,), so_far)).loose


def cohort_people(questions: Questions, scope: Scope, cohort: date, week: date) -> Answer:
    """Who of a cell of ``cohorts`` it is, each with the requests of that week, the most first."""
    return questions.ask(adoption.cohort_people(scope, cohort, week))


def _accuracy(people: int | None, days: Iterable[Mapping[str, Any]]) -> Accuracy:
    """How a number of active people stands, by the limits of each of its days."""
    days = tuple(days)
    sums = {name: sum(day.get(name) or 0 for day in days) for name in limits((_PEOPLE,))}
    return accuracy(_PEOPLE, {_PEOPLE: people, **sums})


def _known(answer: Answer, names: Sequence[str], *, is_known: bool) -> Answer:
    for name in () if is_known else names:
        answer = answer.unknown(name)
    return answer
