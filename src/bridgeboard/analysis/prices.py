"""Usage without a price, the bounds of its cost, and who bills for each provider instance."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pandas as pd

from bridgeboard import pricing
from bridgeboard.model.store import Reader, Rows
from bridgeboard.model.timestamps import stored
from bridgeboard.pricing import PriceFileError
from bridgeboard.queries.prices import INSTANCES, PRICED, UNPRICED

_COUNTS: Final = ("input", "output", "cache_read", "cache_write", "cache_write_1h", "web_searches")


def unpriced(reader: Reader, since: datetime, until: datetime) -> pd.DataFrame:
    """Usage of a window without a price, by instance, model and reason, most tokens first.

    Returns:
        ``provider``, ``provider_name``, ``vendor``, ``model``; ``requests``, ``responses``; the
        tokens by class and ``web_searches`` (Python integers: sums may leave 64 bits);
        ``first_at``, ``last_at`` (naive UTC, of requests); ``note``: why.
    """
    frame: pd.DataFrame = reader.frame(UNPRICED, [stored(since), stored(until)])
    frame = frame.assign(**{name: frame[name].map(int).astype(object) for name in _COUNTS})
    frame = frame.assign(tokens=sum(frame[name] for name in _COUNTS[:4])).sort_values(
        ["tokens", "provider", "provider_name", "model"], ascending=[False, True, True, True]
    )
    return frame.drop(columns="tokens").reset_index(drop=True)


def estimated(reader: Reader, since: datetime, until: datetime) -> list[dict[Any, Any]]:
    """Usage of a window without a price, with the least and the most that it may have cost.

    Each also has the ``snippet`` of the prices file that would give it a price, "" where there is
    none that leaves the prices of other usage as they are.
    """
    rows = unpriced(reader, since, until)
    return [] if rows.empty else _records(pricing.estimated(rows, until, priced(reader)))


def _records(frame: pd.DataFrame) -> list[dict[Any, Any]]:
    """The rows of a frame, None where it has nothing."""
    return frame.astype(object).where(frame.notna(), None).to_dict("records")


def models_without_price(reader: Reader, since: datetime, until: datetime) -> int:
    """How many models of a window have usage without a price."""
    return int(unpriced(reader, since, until)["model"].nunique(dropna=False))


def problem_of(file: Path) -> str:
    """Why the operator's prices file cannot be used; empty where it can."""
    try:
        pricing.load(file)
    except PriceFileError as error:
        return str(error)
    return ""


def instances(reader: Reader, since: datetime, until: datetime) -> pd.DataFrame:
    """The provider instances of a window by who bills for them, most spend first.

    Returns:
        ``provider``, ``provider_name``, ``vendor`` (missing where unknown); ``model``, one that was
        asked for lately; ``requests``; ``tokens`` and ``cost`` (Python integers, the latter None
        where nothing is priced); ``first_at``, ``last_at`` (naive UTC).
    """
    frame: pd.DataFrame = reader.frame(INSTANCES, [stored(since), stored(until)])
    costs = [int(cost) if isinstance(cost, str) else None for cost in frame["cost"]]
    return frame.assign(
        cost=pd.Series(costs, index=frame.index, dtype=object),
        tokens=frame["tokens"].map(int).astype(object),
    )


def priced(reader: Rows) -> list[tuple[str | None, str | None]]:
    """Instance and model of all usage of which some has a price."""
    return [(instance, model) for instance, model in reader.rows(PRICED)]
