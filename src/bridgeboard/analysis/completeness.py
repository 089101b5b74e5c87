"""Whether the store has all that the server counts, and all that came since it was restored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from bridgeboard import formats
from bridgeboard.model.store import Rows
from bridgeboard.model.store_status import (
    NOUNS,
    RESTORATIONS,
    DayCount,
    LeftOut,
    Restoration,
    restorations_of,
)
from bridgeboard.model.times import aware, stored
from bridgeboard.queries.store_status import DAY_COUNTS, LAST_READ, LEFT_OUT, NEXT_REQUEST
from bridgeboard.queries.typed_rows import typed

LONGEST_QUIET: Final = timedelta(days=1)
"""A longer time without any request after a backup may be one that nobody could read again."""


def day_counts(reader: Rows) -> list[DayCount]:
    """The last count of each closed day, newest first."""
    return list(typed(DayCount, reader.rows(DAY_COUNTS)))


def left_out(reader: Rows) -> list[LeftOut]:
    """What the server fails to list, newest first."""
    return list(typed(LeftOut, reader.rows(LEFT_OUT)))


@dataclass(frozen=True)
class Verdict:
    """Whether something is as it should be, in a sentence or two that say what to do if not."""

    good: bool
    text: str


def good(text: str) -> Verdict:
    """A verdict that all is well."""
    return Verdict(good=True, text=text)


def bad(text: str) -> Verdict:
    """A verdict that something is wrong."""
    return Verdict(good=False, text=text)


def verdicts(counts: Sequence[DayCount], left: Sequence[LeftOut]) -> list[Verdict]:
    """What the counts of closed days and what was left out come to."""
    sentences = []
    for kind, noun in NOUNS.items():
        days = [one for one in counts if one.kind == kind]
        if days:
            sentences.append(_of_days(days, noun))
        gone = [one for one in left if one.kind == kind]
        if gone:
            sentences.append(_of_left_out(gone, noun))
    return sentences


def _of_days(days: Sequence[DayCount], noun: str) -> Verdict:
    short = [one for one in days if one.missing]
    if short:
        missing, counted = sum(one.missing for one in short), sum(one.counted for one in short)
        return bad(
            f"On {len(short):,} of {len(days):,} closed days the deployment counts more {noun}"
            f" than the store has: {missing:,} of {counted:,} are missing. Every sync that counts"
            " these days again reads them again; if that stays so, see on the page Trust what was"
            " odd in the syncs, and report it."
        )
    counted, stored = (sum(getattr(one, name) for one in days) for name in ("counted", "held"))
    broken = sum(one.unreadable for one in days)
    deleted = sum(one.deleted for one in days)
    return good(
        f"On {len(days):,} closed days the deployment counts {counted:,} {noun}, day by day,"
        f" and the store has {stored:,}"
        + (f", {broken:,} in quarantine" if broken else "")
        + (f", {deleted:,} deleted on purpose with somebody who was erased" if deleted else "")
        + ": none is missing."
    )


def _of_left_out(left: Sequence[LeftOut], noun: str) -> Verdict:
    many = sum(one.rows or 1 for one in left)
    least = "at least " if any(one.rows is None for one in left) else ""
    return bad(
        f"The deployment fails to list {least}{many:,} {noun}: it answers every page that they"
        " are on with an error. They are left out, all others are read. Show whoever operates the"
        " deployment when they were and what it said (page Trust); once it lists them, a sync"
        " finds them by itself."
    )


def since_restorations(reader: Rows) -> list[Verdict]:
    """What is missing since a backup that was restored, a sentence for each restoration."""
    return [_since_restoration(reader, one) for one in restorations_of(reader.meta(RESTORATIONS))]


def _since_restoration(reader: Rows, one: Restoration) -> Verdict:
    began = (
        f"The store was restored on {_moment(one.at)} from a backup that was read up to"
        f" {_moment(one.since)}"
        if one.since
        else f"The store began anew on {_moment(one.at)}, as there was no backup"
    )
    ((last_read,),) = reader.rows(LAST_READ, [stored(one.at)])
    if last_read is None:
        return bad(
            f"{began}. The next sync reads what is missing, as far as the deployment still has it."
        )
    ((first,),) = reader.rows(NEXT_REQUEST, [stored(one.since or datetime.min.replace(tzinfo=UTC))])
    known_from = aware(first or last_read)
    if one.since is None:
        return bad(f"{began}. Nothing is known of the time before {_moment(known_from)}.")
    if known_from - one.since <= LONGEST_QUIET:
        return good(f"{began}. A sync has read what came after it.")
    return bad(
        f"{began}. From then to {_moment(known_from)} no request is known: nobody made one,"
        " or the deployment no longer had it when it was to be read again."
    )


def _moment(at: datetime) -> str:
    return formats.moment(at, UTC, "minutes")
