"""Counts times rates, in 64 bits: values, savings and what cannot be true (docs/costs.md 6)."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bridgeboard.pricing.rates import CLASSES, Price
from bridgeboard.pricing.sums import MOST, Ints

Mask = NDArray[np.bool_]

MOST_TOKENS: Final = 10**12
"""A larger count of one response is a mistake of its reporter (docs/costs.md 4)."""
DEAREST: Final = 9 * 10**18
"""Pico-USD from which on a response is not priced: 9 million dollars, where 64 bits end."""
_CACHED: Final = np.array([name.startswith("cache_") for name in CLASSES])


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cards of all prices as rectangles: [price, tier] and [price, tier, class]."""

    above: Ints
    rates: Ints
    known: Mask

    @classmethod
    def of(cls, prices: list[Price]) -> "Sheet":
        """Lay the cards of these prices out."""
        depth = max([1, *(len(price.cards) for price in prices)])
        above = np.full((len(prices), depth), MOST, dtype=np.int64)
        rates = np.zeros((len(prices), depth, len(CLASSES)), dtype=np.int64)
        known = np.zeros(rates.shape, dtype=bool)
        above[:, 0] = -1
        for row, price in enumerate(prices):
            for column, card in enumerate(price.cards):
                above[row, column] = card.above
                rates[row, column] = [rate or 0 for rate in card.rates]
                known[row, column] = [rate is not None for rate in card.rates]
        return cls(above, rates, known)

    def tier(self, which: Ints, prompt: Ints) -> Ints:
        """The place of the card for each response, by the size of its whole prompt."""
        reached = (prompt[:, None] > self.above[which]).sum(axis=1) - 1
        tier: Ints = np.maximum(reached, 0)
        return tier


@dataclass(frozen=True, slots=True)
class Bill:
    """Per response: value and saving in pico-USD, and what stands against them.

    ``lacking``: some class in use has no rate; ``blind``: no rate to compare cached tokens with;
    ``absurd``, ``too_dear``: beyond what can be true, worth nothing here.
    """

    value: Ints
    saving: Ints
    lacking: Mask
    blind: Mask
    absurd: Mask
    too_dear: Mask

    @classmethod
    def of(cls, tokens: Ints, rates: Ints, known: Mask) -> "Bill":
        """Charge each response's counts at its rates; ``known`` says which rates are."""
        absurd = np.asarray((tokens > MOST_TOKENS).any(axis=1), dtype=bool)
        uncached = np.where(_CACHED, rates[:, :1], rates)
        too_dear = ~absurd & (_dear(tokens, rates) | _dear(tokens, uncached))
        sane = np.where((absurd | too_dear)[:, None], 0, tokens)
        value: Ints = (sane * rates).sum(axis=1)
        cached = np.asarray((sane * _CACHED).any(axis=1), dtype=bool)
        return cls(
            value,
            (sane * (uncached - rates)).sum(axis=1),
            np.asarray(((sane > 0) & ~known).any(axis=1), dtype=bool),
            cached & ~known[:, 0],
            absurd,
            too_dear,
        )


def _dear(tokens: Ints, rates: Ints) -> Mask:
    estimate = (tokens.astype(np.float64) * rates).sum(axis=1)
    return np.asarray(estimate >= DEAREST, dtype=bool)
