"""What makes numbers less than exact, or says what part of an exact one is not billed."""

from dataclasses import replace
from typing import Final

from bridgeboard.model.metric import Limit

UNPRICED: Final = Limit("unpriced_tokens", "at_least", "the price of {} tokens is unknown")
NOT_BILLED: Final = Limit(
    "unbilled_tokens", "exact", "{} tokens are not billed: they are included, notional or free"
)
UNSEEN: Final = Limit(
    "summed_rows", "at_least", "{} sums stand for several requests, which nobody can count"
)
UNREAD: Final = Limit(
    "unread_rows", "at_least", "of {} sessions, or rests of them, only tokens are known"
)
UNLINKED: Final = Limit("unlinked_rows", "at_least", "the session of {} requests is not known")
SHIFTED: Final = Limit(
    "summed_rows",
    "about",
    "{} sums of several requests count where the first began, as the server adds their tokens",
)
LEFT_OUT: Final = Limit("summed_rows", "about", "{} sums of several requests are left out")
# Usage without a price is in neither number of a ratio, and what a cache saved may be negative.
PRICED_ONLY: Final = replace(UNPRICED, standing="about")
OF_ERRORS: Final = (replace(UNSEEN, unless_none="tool_calls"), UNREAD)
