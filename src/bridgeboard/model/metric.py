"""What a metric is made of: its parts, and what makes it less than exact."""

from dataclasses import dataclass
from typing import Final, Literal

from bridgeboard.model.dimensions import Dimension, Source

Format = Literal["count", "money", "rate", "seconds"]
"""A whole number; pico-USD (an average, too, is cut to whole ones); 0 to 1; seconds."""

Rise = Literal[1, 0, -1]
"""What a rise of a number is: good, neither good nor bad in itself, bad."""

Kind = Literal["whole", "sum", "keys"]
"""How a part is made; each is right, but the latter two can be had faster.

"whole" is an aggregate of all rows at once. "sum" is one whose values over disjoint rows, added up
without those that are unknown, are its value over all of them. "keys" is no aggregate but a row's
key of ours, a BIGINT or NULL, and the part is how many different ones there are.
"""

TOKENS: Final = ("input", "output", "cache_read", "cache_write")
"""The four counts of tokens, which all tokens are the sum of: columns, and fields of rows."""
TOKEN_METRICS: Final = tuple(f"{name}_tokens" for name in TOKENS)
"""The metrics of these counts."""


@dataclass(frozen=True, slots=True)
class Part:
    """An aggregate, in the SQL of each source that can tell it, made as its kind says.

    ``of_calls`` is one that counts calls: about some tools only, it counts these alone, while
    others are about all requests that pass. ``is_optional`` is one that counts as none where no
    source can tell it.
    """

    usage: str | None = None
    calls: str | None = None
    sessions: str | None = None
    unread: str | None = None
    of_calls: bool = False
    is_optional: bool = False
    kind: Kind = "whole"

    def sql(self, source: Source) -> str | None:
        """The aggregate over a source, or its keys; None where it tells nothing."""
        return {
            "usage": self.usage,
            "calls": self.calls,
            "sessions": self.sessions,
            "unread": self.unread,
        }[source]

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources that have it, the cheapest first."""
        every: tuple[Source, ...] = ("usage", "calls", "sessions", "unread")
        return tuple(source for source in every if self.sql(source))


@dataclass(frozen=True, slots=True)
class Limit:
    """What makes a number less than exact.

    Attributes:
        metric: name of the number that tells: the limit holds where that is above zero.
        standing: what the other number is then: at least so much, about so much, or exact where a
            part of the usage is known to cost nothing.
        words: why, with ``{}`` for the number that tells.
        unless_none: name of a number without any of which the limit does not hold: where there
            was no call of a tool, none failed.
    """

    metric: str
    standing: Literal["at_least", "about", "exact"]
    words: str
    unless_none: str = ""


@dataclass(frozen=True)
class Metric:
    """A number.

    Attributes:
        name: in code, SQL and addresses.
        label: on the screen.
        definition: one sentence.
        format: how it looks.
        parts: what it is computed from.
        value: SQL over the parts, ``{0}`` the first.
        empty: what it is where nothing happened; None where that is no number. Where something
            happened but is not known, the number is NULL whatever this says.
        additive: whether the numbers of disjoint rows add up to that of all of them.
        limits: what makes it less than exact.
        rise: what a rise is, and so the colour of a change.
    """

    name: str
    label: str
    definition: str
    format: Format
    parts: tuple[Part, ...]
    value: str = "{0}"
    empty: int | None = None
    additive: bool = False
    limits: tuple[Limit, ...] = ()
    rise: Rise = 1

    @property
    def counts_keys(self) -> bool:
        """Whether it takes the count of different keys, which is as dear as many sums."""
        return any(part.kind == "keys" for part in self.parts)

    @property
    def needs_requests(self) -> bool:
        """Whether nothing is known of it while sessions are known, but none of their requests."""
        sources = {source for part in self.parts for source in part.sources}
        return sources.isdisjoint({"sessions", "unread"})

    def splits(self, dimension: Dimension) -> bool:
        """Whether it can be split by a dimension."""
        return all(
            part.is_optional or any(map(dimension.splits, part.sources)) for part in self.parts
        )

    def adds_up(self, dimension: Dimension) -> bool:
        """Whether its parts by a dimension add up to the whole."""
        sources = {source for part in self.parts for source in part.sources}
        splitting = {source for source in sources if dimension.splits(source)}
        return self.additive and bool(splitting - dimension.overlapping)
