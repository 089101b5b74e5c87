"""How reliable the numbers of a report are, in words."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from bridgeboard import formats
from bridgeboard.model import pages, periods
from bridgeboard.report.contents import Answers, Trust

_LATE: Final = timedelta(hours=1)
"""Missing data at the end of a period is reported when it may be more than this."""


def facts(answers: Answers) -> list[tuple[str, str]]:
    """(what, how it is) pairs."""
    zone = ZoneInfo(answers.scope.zone)
    coverage, shares = answers.trust.covered, answers.trust.totals
    gap = shares["unpriced_tokens"]
    lines = [
        ("Synced", formats.moment(coverage.synced_at, zone)),
        ("Recorded", _recorded(coverage.first_at, coverage.last_at, zone)),
        ("Sessions of this period with details", formats.rate(shares["detail_coverage"])),
        (
            "Tokens of this period with a price",
            _priced(shares["priced_rate"], gap),
        ),
        ("Tokens of this period known per request", formats.rate(shares["exact_rate"])),
        ("Sums of several requests", formats.exact(shares["summed_rows"])),
        ("Records that could not be read", formats.exact(coverage.quarantined)),
        ("Checks of the numbers", checks(answers.trust)),
        ("AI Bridge", answers.trust.server_version or formats.DASH),
        ("Price list", answers.trust.price_version or formats.DASH),
        ("Data version", formats.exact(answers.trust.data_version)),
        ("Made", formats.moment(answers.made_at, zone)),
    ]
    return [(what, formats.visible(said)) for what, said in lines]


def checks(trust: Trust) -> str:
    """How many of the invariants hold."""
    if not trust.broken:
        return f"all {trust.checks} hold"
    return f"{trust.checks - trust.broken} of {trust.checks} hold"


def warnings(answers: Answers) -> list[str]:
    """What a reader must know before all else, a sentence or two each."""
    return list(_warnings(answers))


def _warnings(answers: Answers) -> Iterator[str]:
    trust = answers.trust
    zone = ZoneInfo(answers.scope.zone)
    if trust.broken:
        yield (
            f"{trust.broken} of {trust.checks} checks of these numbers do not hold: it is a "
            "mistake of Bridgeboard, or a damaged store."
        )
    if not trust.covered.is_whole:
        yield pages.PARTIAL
    if trust.totals["summed_rows"]:
        yield pages.SUMS
    until = periods.known_until(answers.made_at, trust.covered.as_of)
    if trust.covered.last_at and until < min(answers.scope.until, answers.made_at) - _LATE:
        yield (f"What came after {formats.moment(until, zone)} had not been synced: it is missing.")
    if not trust.totals["requests"]:
        narrowed = answers.scope.include or answers.scope.exclude
        yield (
            "Nothing matches these filters in this period."
            if narrowed
            else "Nothing was recorded in this period."
        )


def _recorded(first: datetime | None, last: datetime | None, zone: ZoneInfo) -> str:
    if first is None or last is None:
        return "nothing yet"
    return " to ".join(formats.day(at.astimezone(zone).date()) for at in (first, last))


def _priced(share: float | None, gap: int | None) -> str:
    if not gap:
        return formats.rate(share)
    return f"{formats.rate(share)}; {formats.exact(gap)} without: spend is a lower bound"
