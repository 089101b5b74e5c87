"""Whether the store has all rows that the server counts for closed days."""

from collections.abc import Sequence
from dataclasses import dataclass

from bridgeboard.model.completeness import NOUNS, DayCount, LeftOut
from bridgeboard.model.store import Rows
from bridgeboard.queries.completeness import DAY_COUNTS, LEFT_OUT


def day_counts(reader: Rows) -> list[DayCount]:
    """The last count of each closed day, newest first."""
    return list(map(DayCount.of, reader.rows(DAY_COUNTS)))


def left_out(reader: Rows) -> list[LeftOut]:
    """What the server fails to list, newest first."""
    return list(map(LeftOut.of, reader.rows(LEFT_OUT)))


@dataclass(frozen=True)
class Verdict:
    """Whether something is all here, in a sentence or two that say what to do if not."""

    good: bool
    text: str


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
        return Verdict(
            good=False,
            text=f"On {len(short):,} of {len(days):,} closed days the deployment counts more {noun}"
            f" than the store has: {missing:,} of {counted:,} are missing. Every sync that counts"
            " these days again reads them again; if that stays so, see on the page Trust what was"
            " odd in the syncs, and report it.",
        )
    counted, stored = (sum(getattr(one, name) for one in days) for name in ("counted", "held"))
    broken = sum(one.unreadable for one in days)
    deleted = sum(one.deleted for one in days)
    return Verdict(
        good=True,
        text=f"On {len(days):,} closed days the deployment counts {counted:,} {noun}, day by day,"
        f" and the store has {stored:,}"
        + (f", {broken:,} in quarantine" if broken else "")
        + (f", {deleted:,} deleted on purpose with somebody who was erased" if deleted else "")
        + ": none is missing.",
    )


def _of_left_out(left: Sequence[LeftOut], noun: str) -> Verdict:
    many = sum(one.rows or 1 for one in left)
    least = "at least " if any(one.rows is None for one in left) else ""
    return Verdict(
        good=False,
        text=f"The deployment fails to list {least}{many:,} {noun}: it answers every page that they"
        " are on with an error. They are left out, all others are read. Show whoever operates the"
        " deployment when they were and what it said (page Trust); once it lists them, a sync"
        " finds them by itself.",
    )
