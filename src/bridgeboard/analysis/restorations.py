"""What is missing since a backup was restored."""

from datetime import UTC, datetime, timedelta
from typing import Final

from bridgeboard.analysis.completeness import Verdict
from bridgeboard.model.restorations import KEY, Restoration, read
from bridgeboard.model.store import Rows
from bridgeboard.model.timestamps import aware, stored
from bridgeboard.queries.restorations import LAST_READ, NEXT

LONGEST_QUIET: Final = timedelta(days=1)
"""A longer time without any request after a backup may be one that nobody could read again."""


def verdicts(reader: Rows) -> list[Verdict]:
    """What is missing since a backup that was restored, a sentence for each restoration."""
    return [_verdict(reader, one) for one in read(reader.meta(KEY))]


def _verdict(reader: Rows, one: Restoration) -> Verdict:
    began = (
        f"The store was restored on {_moment(one.at)} from a backup that was read up to"
        f" {_moment(one.since)}"
        if one.since
        else f"The store began anew on {_moment(one.at)}, as there was no backup"
    )
    ((last_read,),) = reader.rows(LAST_READ, [stored(one.at)])
    if last_read is None:
        return Verdict(
            good=False,
            text=f"{began}. The next sync reads what is missing, as far as the deployment still"
            " has it.",
        )
    ((first,),) = reader.rows(NEXT, [stored(one.since or datetime.min.replace(tzinfo=UTC))])
    known_from = aware(first or last_read)
    if one.since is None:
        return Verdict(
            good=False,
            text=f"{began}. Nothing is known of the time before {_moment(known_from)}.",
        )
    if known_from - one.since <= LONGEST_QUIET:
        return Verdict(good=True, text=f"{began}. A sync has read what came after it.")
    return Verdict(
        good=False,
        text=f"{began}. From then to {_moment(known_from)} no request is known: nobody made one,"
        " or the deployment no longer had it when it was to be read again.",
    )


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
