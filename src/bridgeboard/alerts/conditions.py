"""What recipients should know now, from readers of the store that have their rights."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from bridgeboard import formats
from bridgeboard.access import Pseudonyms, RowAccess
from bridgeboard.alerts.rules import Condition
from bridgeboard.analysis import budget_words
from bridgeboard.analysis.budget_rules import BudgetStatus, Reached
from bridgeboard.analysis.budgets import aliases, numbers_of_people, seen_by, statuses
from bridgeboard.analysis.radar import sweep
from bridgeboard.analysis.radar.finding import KINDS, Finding, key
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.model.budgets import Budget
from bridgeboard.model.scope import Scope
from bridgeboard.model.store import Reader

FINDING_DAYS: Final = 7
"""How many days back findings are looked for: what was missed while nothing ran is made up."""
FAILING_AFTER: Final = timedelta(minutes=15)
"""One sync that fails is nobody's business; from then on it is."""
OPERATOR_KNOWS: Final = "The operator of this dashboard can see why."
_NOBODY: Final[Mapping[str, str]] = {}
_MICRO: Final = 10**6
_MOST_MODELS: Final = 3


def of_findings(reader: Reader, now: datetime) -> list[Condition]:
    """What Radar finds in the last days, each by its key; days are those of UTC."""
    day = now.astimezone(UTC).date()
    scope = Scope.days(day - timedelta(days=FINDING_DAYS), day, "UTC")
    findings = sweep.sweep(reader, scope, now=now)
    return [
        Condition("findings", one.key, f"{KINDS[one.kind]}: {one.reason}")
        for one in findings
        if one.kind != "unpriced"  # which has a rule of its own
    ]


def of_unpriced(reader: Reader, now: datetime) -> list[Condition]:
    """That more than a trifle of this month's tokens has no price: once for each set of models.

    Models of which little is used do not make another set.
    """
    day = now.astimezone(UTC).date()
    scope = Scope.days(day.replace(day=1), day, "UTC")
    return [
        Condition("unpriced", key(*_large(one)), f"{day:%B %Y}: {one.reason}", f"{day:%Y-%m}")
        for one in sweep.unpriced(reader, scope)
    ]


def _large(finding: Finding) -> list[str]:
    """The models that are a hundredth of all tokens without a price by themselves."""
    share = float(finding.numbers["unpriced_tokens"] or 0) / 100
    return sorted(one.name for one in finding.contributors if one.amount > share)


def of_sync(
    good_at: datetime | None,
    problem: str | None,
    now: datetime,
    *,
    late_after: timedelta | None,
    says_why: bool,
) -> list[Condition]:
    """That syncs fail, or that none went well for too long: once for each last good one.

    Args:
        good_at: when the last one went well; None for none yet.
        problem: why the last one failed; None if it did not.
        now: aware.
        late_after: how long after a good one the next is late; None where none are expected.
        says_why: whether the reason may be told, which may name the owner of the token.
    """
    since = formats.moment(good_at, UTC, "minutes") if good_at else "the beginning"
    # By the hour, so that a clock that is wrong for good does not fire at every sync.
    period = f"{good_at.astimezone(UTC):%Y-%m-%dT%H}" if good_at else ""
    age = now - good_at if good_at else None
    conditions = []
    if problem is not None and (age is None or age > FAILING_AFTER):
        why = problem if says_why else OPERATOR_KNOWS
        text = f"Syncs have failed since {since}: numbers are as of then. {why}"
        conditions.append(Condition("sync", "failed", text, period))
    if late_after is not None and age is not None and age > late_after:
        text = f"No sync went well since {since}: numbers are as of then."
        conditions.append(Condition("sync", "late", text, period))
    return conditions


def of_budgets(
    reader: Reader,
    budgets: Iterable[Budget],
    row_access: RowAccess,
    names: Mapping[str, str] | None,
    now: datetime,
) -> list[Condition]:
    """Each threshold that the budgets which a reader knows of have reached.

    ``names`` are user names → what people are called instead (``names_of``). A budget of a person
    is known by our number of them, whatever they and it are called.
    """
    seen = seen_by(budgets, row_access, names)
    questions = Snapshot(reader)
    numbers = numbers_of_people(questions)
    return [
        _of_budget(status, one, numbers)
        for status in statuses(questions, seen, now, with_past=False)
        for one in status.reached
    ]


def names_of(everybody: Reader, pseudonyms: Pseudonyms) -> dict[str, str]:
    """User names → pseudonyms; the reader is one of all rows."""
    return aliases(Snapshot(everybody), pseudonyms)


def _of_budget(
    status: BudgetStatus, reached: Reached, numbers: Mapping[str, str] = _NOBODY
) -> Condition:
    spent = "an unknown part" if status.spent is None else budget_words.spent(status)
    days = f"{formats.day(status.first)} to {formats.day(status.last)}"
    text = (
        f"Budget {formats.short(status.name, 60)} ({formats.short(status.scope, 60)}), {days}:"
        f" {spent} of {formats.whole_dollars(status.limit)} spent"
    )
    if reached.kind == "actual":
        text += f", {reached.percent} % reached."
    elif status.forecast:
        text += f"; forecast to end at {budget_words.forecast(status)}, beyond {reached.percent} %."
    else:
        text += f"; forecast to go beyond {reached.percent} %."
    budget = status.budget
    number = numbers.get(budget.value.casefold()) if budget.scope == "person" else None
    return Condition(
        "budgets",
        key("person", number, budget.period) if number else budget.name,
        text,
        f"{status.first}/{status.last}",
        f"{reached.kind} {reached.percent}",
        # Of what each member has: that somebody joins raises no limit.
        (status.limit if status.members is None else status.member_limit) // _MICRO,
    )
