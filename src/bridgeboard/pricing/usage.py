"""Priced responses → what each request used and cost (docs/costs.md 4)."""

from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from bridgeboard.pricing.rates import Status
from bridgeboard.pricing.responses import SUMS, TOKENS
from bridgeboard.pricing.sums import MOST, Ints, summed

UNMETERED: Final = "unmetered"
"""The status of a request that ended without any response on record."""
WORST: Final = (
    Status.UNPRICED,
    Status.PARTIAL,
    Status.INCLUDED,
    Status.NOTIONAL,
    Status.FREE,
    Status.PRICED,
)
"""Statuses, the worst first: the less a cost says about the value of the usage, the worse."""
MONEY: Final = ("cost", "shadow_cost", "cache_saving")
"""The amounts of a response and of a request, in pico-USD."""

Mask = NDArray[np.bool_]


def usage_money(priced: pd.DataFrame, row: Ints, size: int) -> pd.DataFrame:
    """What each of ``size`` requests used and cost, from its responses.

    Args:
        priced: responses beside what ``price`` says of them; the server's ``*_sum`` columns are
            summed if they are there.
        row: the request of each response, 0 to size - 1.
        size: how many requests there are, with responses or without.

    Returns:
        ``size`` rows: ``responses``, the four counts (and sums), ``priced_tokens`` (of responses
        with a known price), ``cost``, ``shadow_cost``, ``cache_saving`` (pico-USD as Int64,
        missing where no response has one), and ``status``: the worst of its responses by
        ``WORST``, "unmetered" without any. All sums are exact; a request whose money leaves
        64 bits is unpriced.
    """
    counts = [name for name in (*TOKENS, *SUMS) if name in priced]
    told = {name: summed(_ints(priced[name]), row, size) for name in counts}
    money = {name: _Sums(priced[name], row, size) for name in MONEY}
    beyond = np.logical_or.reduce([sums.beyond for sums in money.values()])
    known = np.where(_rank(priced) > 0, _tokens(priced), 0)
    columns = {
        "responses": np.bincount(row, minlength=size),
        **told,
        "priced_tokens": np.where(beyond, 0, summed(known, row, size)),
        **{name: sums.amounts(beyond) for name, sums in money.items()},
        "status": _worst(priced, row, size, beyond),
    }
    return pd.DataFrame(columns)


class _Sums:
    """Sums of one kind of money by request: which have any, which are beyond 64 bits."""

    def __init__(self, amounts: pd.Series, row: Ints, size: int) -> None:
        present = amounts.notna().to_numpy(dtype=bool)
        self.sums = summed(_ints(amounts)[present], row[present], size)
        self.missing = np.bincount(row[present], minlength=size) == 0
        self.beyond: Mask = np.abs(self.sums) == MOST

    def amounts(self, beyond: Mask) -> pd.arrays.IntegerArray:
        return pd.arrays.IntegerArray(self.sums, self.missing | beyond)


def _ints(column: pd.Series) -> Ints:
    return column.fillna(0).to_numpy(dtype=np.int64)


def _tokens(priced: pd.DataFrame) -> Ints:
    total: Ints = np.sum([_ints(priced[name]) for name in TOKENS], axis=0)
    return total


def _rank(priced: pd.DataFrame) -> Ints:
    places = {str(status): place for place, status in enumerate(WORST)}
    words = pd.Categorical(priced["status"])
    ranks = np.array([places[str(word)] for word in words.categories], dtype=np.int64)
    return ranks[words.codes] if len(ranks) else np.zeros(0, dtype=np.int64)


def _worst(priced: pd.DataFrame, row: Ints, size: int, beyond: Mask) -> pd.Categorical:
    worst = np.full(size, len(WORST), dtype=np.int64)
    np.minimum.at(worst, row, _rank(priced))
    worst[beyond] = WORST.index(Status.UNPRICED)
    names = pd.Index([*(str(status) for status in WORST), UNMETERED], dtype="str")
    return pd.Categorical.from_codes(worst, names)
