"""The offset between the server's clock and ours, from the times of its responses."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

_LATEST: Final = datetime(9000, 1, 1, tzinfo=UTC).timestamp()
"""No clock is this wrong; near the calendar's end whoever reckons with it would leave it."""


class ClockOffset:
    """Bounds of (server's clock - our clock) in seconds, narrowed by every answer.

    One answer tells it to a second and the time the answer took; many together tell it better.
    Bounds that contradict earlier ones replace them: a clock was set.
    """

    def __init__(self) -> None:
        self._bounds = -math.inf, math.inf

    @property
    def seconds(self) -> float | None:
        """What lies within the bounds, as near to 0 as can be; None before any answer."""
        low, high = self._bounds
        return min(max(0.0, low), high) if math.isfinite(high - low) else None

    def learn(self, headers: httpx.Headers, sent_at: float, received_at: float) -> None:
        """Take in the ``Date`` of an answer; the times are those of our clock, since 1970."""
        date = _date(headers)
        if date is not None:
            # The header leaves out the fraction of its second.
            self.narrow(date - received_at, date + 1 - sent_at)

    def narrow(self, low: float, high: float) -> None:
        """Take in bounds; such as exclude each other (our clock was set meanwhile) tell nothing."""
        if high < low:
            return
        lowest, highest = self._bounds
        is_new = high < lowest or low > highest
        self._bounds = (low, high) if is_new else (max(low, lowest), min(high, highest))


def _date(headers: httpx.Headers) -> float | None:
    try:
        parsed = parsedate_to_datetime(headers.get("Date", ""))
        date = (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except Exception:  # noqa: BLE001  # the parser of dates fails in ways it does not promise
        return None
    return date if 0 <= date < _LATEST else None
