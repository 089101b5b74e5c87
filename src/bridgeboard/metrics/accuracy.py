"""How a number stands in an answer: exact, at least so much, about so much, or not known.

A metric says itself what limits it (``Metric.limits``); whether a limit holds is told by other
numbers of the same rows, which are asked for beside it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from bridgeboard.metrics.dimensions import dimension
from bridgeboard.metrics.vocabulary import METRICS, metric

Standing = Literal["exact", "at_least", "about", "unknown"]

_WORDS: Final[Mapping[Standing, str]] = {
    "exact": "Exactly {}",
    "at_least": "At least {}",
    "about": "About {}",
    "unknown": "Not known",
}


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How a number stands, and why it is not exact."""

    standing: Standing = "exact"
    reasons: tuple[str, ...] = ()

    @property
    def is_bound(self) -> bool:
        """Whether the number is a lower bound."""
        return self.standing == "at_least"

    def sentence(self, number: str) -> str:
        """The number, in digits, with how it stands: "At least 599: 40 sums stand for ..."."""
        said = _WORDS[self.standing].format(number)
        return f"{said}: {'; '.join(self.reasons)}." if self.reasons else f"{said}."


EXACT: Final = Accuracy()


def limits(names: Iterable[str], by: Iterable[str] = ()) -> tuple[str, ...]:
    """The metrics to ask for beside some, split likewise, to know how these stand.

    None that is among them already, and none that cannot be split by these dimensions.
    """
    names, split = tuple(names), [dimension(name) for name in by]
    needed = dict.fromkeys(limit.metric for name in names for limit in metric(name).limits)
    return tuple(
        name
        for name in needed
        if name not in names and all(METRICS[name].splits(each) for each in split)
    )


def accuracy(name: str, row: Mapping[str, Any]) -> Accuracy:
    """How a metric stands in a row of an answer that has its ``limits``, too."""
    held = [limit for limit in metric(name).limits if row.get(limit.metric)]
    reasons = tuple(limit.words.format(f"{row[limit.metric]:,}") for limit in held)
    if row[name] is None:
        return Accuracy("unknown", reasons)
    standings = {limit.standing for limit in held}
    if "at_least" in standings:
        return Accuracy("at_least", reasons)
    return Accuracy("about", reasons) if standings else EXACT
