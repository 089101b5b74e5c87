"""Why spend changed: the steps from one period's spend to another's, of all usage or of its parts.

They are made of what each model's tokens of a kind cost (``analysis.token_costs``), and add up to
the difference of the cards.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from bridgeboard import formats
from bridgeboard.analysis.bridge import COUNTS, Usage, decompose, effects
from bridgeboard.analysis.headlines import Number, is_recorded
from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.token_costs import Skus, skus
from bridgeboard.model.accuracy import UNPRICED, Accuracy, accuracy, together
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import Book

METRIC_OF: Final[Mapping[str, str]] = {
    "people": "active_people",
    "sessions": "sessions",
    "requests": "requests",
}
"""The metric of each count."""
LABELS: Final[Mapping[str, str]] = {
    "token_kind_mix": "Cache and output mix",
    "unit_price": "Prices",
}
"""What effects are called that are not called by their names."""
MEANINGS: Final[Mapping[str, str]] = {
    "people": "More or fewer people were active.",
    "sessions": "There were more or fewer sessions.",
    "requests": "There were more or fewer requests.",
    "tokens": "More or fewer tokens were used.",
    "sessions_per_person": "Each person had more or fewer sessions.",
    "requests_per_person": "Each person made more or fewer requests.",
    "requests_per_session": "Sessions had more or fewer requests.",
    "tokens_per_person": "Each person used more or fewer tokens.",
    "tokens_per_session": "Sessions used more or fewer tokens.",
    "tokens_per_request": "Requests had a larger or smaller context and output.",
    "model_mix": "Tokens moved between models that both periods used.",
    "token_kind_mix": "Tokens of a model moved between input, output, cache reads and writes.",
    "unit_price": "The same tokens cost more or less: list price, discount, vendor, billing.",
    "new_models": "All that models cost which only this period used.",
    "retired_models": "What models had cost which only the period before used.",
}
MOST_PARTS: Final = 50
"""Parts that have steps at most."""
PARTS_NOTE: Final = (
    "Each row compares its own people, sessions, requests and models of both periods. So its whole "
    "change adds up with those of the others to the change of all spend, but single steps do not: "
    "a person who changes teams leaves one and joins another, and a model new to a team is not "
    f"new to all. The {MOST_PARTS} largest changes have steps."
)
"""What adds up across parts, and what does not."""
_OF_SESSIONS: Final = ("requests_per_session", "requests_per_person", "tokens_per_session")
"""Steps that a session with very many requests adds to."""
_NAMED: Final = 3
"""Steps that the sentence names at most."""


@dataclass(frozen=True)
class Step:
    """An effect and what it adds to the spend, in pico-USD."""

    name: str
    amount: int

    @property
    def label(self) -> str:
        """What it is called on the screen."""
        return label(self.name)


def label(effect: str) -> str:
    """What an effect is called on the screen."""
    return LABELS.get(effect, effect.replace("_", " ").capitalize())


@dataclass(frozen=True)
class Bridge:
    """The steps from the spend of the period before to that of this one.

    Attributes:
        before: the spend of the period before.
        now: the spend of this period.
        steps: in order; none where nothing can be said. Together the change of the spend.
        why_none: why there are none.
        merged: counts that cannot be used as they are not exact, with the reasons.
        unpriced: tokens without a price in both periods, which are in no step.
    """

    before: Number
    now: Number
    steps: tuple[Step, ...] = ()
    why_none: str = ""
    merged: Mapping[str, tuple[str, ...]] | None = None
    unpriced: tuple[int, int] = (0, 0)

    @property
    def change(self) -> int:
        """How much more was spent, in pico-USD."""
        return sum(step.amount for step in self.steps)

    @property
    def accuracy(self) -> Accuracy:
        """How each step stands."""
        return together((self.before.accuracy, self.now.accuracy)).loose

    @property
    def largest(self) -> tuple[Step, ...]:
        """The steps that the sentence names, the largest first."""
        some = [step for step in self.steps if step.amount]
        return tuple(sorted(some, key=lambda step: -abs(step.amount))[:_NAMED])

    @property
    def in_words(self) -> str:
        """A sentence about the change and its largest steps, or why there are none."""
        if self.why_none:
            return self.why_none
        ends = " to ".join(
            formats.number(end.value, "money", end.accuracy.in_digits)
            for end in (self.before, self.now)
        )
        if not self.change:
            return f"Spend is what it was: from {ends}."
        way = "rose" if self.change > 0 else "fell"
        size = formats.number(abs(self.change), "money", self.accuracy.standing)
        named = [f"{step.label.lower()} {self.signed(step.amount)}" for step in self.largest]
        rest = self.change - sum(step.amount for step in self.largest)
        named += [f"all else {self.signed(rest)}"] if rest else []
        return f"Spend {way} by {size}, from {ends}: {', '.join(named)}."

    def signed(self, pico: int, *, all_digits: bool = False) -> str:
        """An amount of a step with its sign, marked as the steps stand."""
        sign = "+" if pico > 0 else ""
        words = f"{sign}{formats.exact_money(pico) if all_digits else formats.money(pico)}"
        return formats.marked(words, pico, self.accuracy.standing)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the steps leave out or bring together, a sentence each."""
        merged = self.merged or {}
        notes = []
        if merged:
            names = " and ".join(merged).capitalize()
            reasons = "; ".join(dict.fromkeys(each for one in merged.values() for each in one))
            notes.append(f"{names} have no step, as their number is not exact: {reasons}.")
        if any(self.unpriced):
            was, now = map(formats.exact, self.unpriced)
            notes.append(f"Tokens without a price are in no step: {was} before, {now} now.")
        return tuple(notes)


def thereof(made: Bridge, costs: Sequence[int]) -> str:
    """How much of a step that rose may be runaway sessions of these costs; empty if there are none.

    A session is in the requests of a session before it is in anything else.
    """
    step = next((one for one in made.steps if one.name in _OF_SESSIONS and one.amount > 0), None)
    if step is None or not sum(costs):
        return ""
    amount = formats.money(min(sum(costs), step.amount))
    many = "a runaway session" if len(costs) == 1 else f"{len(costs)} runaway sessions"
    return f"Of {step.label.lower()}, up to {amount} is of {many} that Radar found."


def bridge(questions: Questions, scope: Scope, previous: Scope, book: Book) -> Bridge:
    """The steps from the spend of the period before to that of a scope."""
    sides = [_Side.of(questions, one, book) for one in (previous, scope)]
    return _bridge(questions, previous, sides, [side.whole for side in sides])


@dataclass(frozen=True)
class Part:
    """A value of a dimension, how much more it spent, and its own bridge."""

    name: str
    change: int
    bridge: Bridge


def parts(
    questions: Questions, scope: Scope, previous: Scope, by: str, book: Book
) -> tuple[Part, ...]:
    """The bridge of each value of a dimension, the largest change first.

    Only the ``MOST_PARTS`` that changed most have steps, as to find these takes time.
    """
    sides = [_Side.of(questions, one, book, by) for one in (previous, scope)]
    rows = {
        name: [side.row(name) for side in sides]
        for name in dict.fromkeys(name for side in sides for name in side.rows)
    }
    order = sorted(rows, key=lambda name: (-abs(_change(rows[name])), name))
    return tuple(
        Part(
            name,
            _change(rows[name]),
            _bridge(questions, previous, sides, rows[name], name)
            if place < MOST_PARTS
            else _ends(rows[name], why_none=f"Only the {MOST_PARTS} largest changes have steps."),
        )
        for place, name in enumerate(order)
    )


def _change(rows: Sequence[Mapping[str, Any]]) -> int:
    """How much more was spent that has a price, between two rows."""
    before, now = (int(row.get("spend") or 0) for row in rows)
    return now - before


def _ends(rows: Sequence[Mapping[str, Any]], why_none: str = "") -> Bridge:
    """A bridge without steps between two rows."""
    before, now = (Number(row.get("spend"), accuracy("spend", row)) for row in rows)
    return Bridge(before, now, why_none=why_none)


def _bridge(
    questions: Questions,
    previous: Scope,
    sides: Sequence["_Side"],
    rows: Sequence[Mapping[str, Any]],
    part: str = "",
) -> Bridge:
    """The bridge between two rows of numbers and the cells of their part."""
    ends = _ends(rows)
    if why := _why_none(questions, previous, ends, is_part=bool(part)):
        return replace(ends, why_none=why)
    skus = [side.skus.get(part, {}) for side in sides]
    merged = dict(_merged(rows, skus))
    usages = [_usage(row, cells) for row, cells in zip(rows, skus, strict=True)]
    amounts = decompose(*usages, merged=merged)
    unpriced = [int(row.get(UNPRICED) or 0) for row in rows]
    steps = tuple(Step(name, amounts[name]) for name in effects(merged))
    return replace(ends, steps=steps, merged=merged, unpriced=(unpriced[0], unpriced[1]))


def _why_none(questions: Questions, previous: Scope, ends: Bridge, *, is_part: bool) -> str:
    if questions.sees_groups_only:
        return (
            "The steps are made of the prices of single responses, which sums of groups of people "
            "do not tell."
        )
    if not is_recorded(questions, previous):
        return "There are no records from the start of the period to compare with."
    if not is_part and None in {ends.before.value, ends.now.value}:
        return "What was spent is not known in one of the two periods."
    return ""


def _merged(
    rows: Sequence[Mapping[str, Any]], skus: Sequence[Skus]
) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The counts that are not exact in one of two rows, or none beside usage, with the reasons."""
    for name in COUNTS:
        metric = METRIC_OF[name]
        stand = [accuracy(metric, row) for row in rows]
        is_none = any(not row[metric] and cells for row, cells in zip(rows, skus, strict=True))
        if is_none or not all(how.is_exact for how in stand):
            reasons = [reason for how in stand for reason in how.reasons]
            yield name, tuple(dict.fromkeys(reasons)) or ("it is not known",)


def _usage(row: Mapping[str, Any], skus: Skus) -> Usage:
    people, sessions, requests = (int(row[METRIC_OF[name]] or 0) for name in COUNTS)
    return Usage(people=people, sessions=sessions, requests=requests, skus=skus)


@dataclass(frozen=True)
class _Side:
    """One period.

    Attributes:
        rows: of each part, its spend and counts, with what tells how they stand; the whole is "".
        skus: of each part, its cells.
    """

    rows: Mapping[str, Mapping[str, Any]]
    skus: Mapping[str, Skus]
    empty: Mapping[str, Any]

    @classmethod
    def of(cls, questions: Questions, scope: Scope, book: Book, by: str = "") -> "_Side":
        names = ("spend", *METRIC_OF.values())
        split = (by,) if by else ()
        answer = questions.split(names, split, scope)
        rows = {str(row.get(by, "")): row for row in answer.records()}
        cells = {} if questions.sees_groups_only else skus(questions, scope, book, by)
        return cls(rows, cells, dict.fromkeys(answer.columns, 0))

    @property
    def whole(self) -> Mapping[str, Any]:
        """The row of a side that is not split."""
        return self.row("")

    def row(self, part: str) -> Mapping[str, Any]:
        """The numbers of a part; nothing of all where it has no row."""
        return self.rows.get(part, self.empty)
