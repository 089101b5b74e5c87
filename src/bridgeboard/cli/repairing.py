"""Making a damaged store whole again: repair."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from bridgeboard import formats, settings, store
from bridgeboard.cli.terminal import explained, out
from bridgeboard.runtime import connect
from bridgeboard.store import Rescued
from bridgeboard.sync.windows import DAYS_BACK

NOUNS = {
    "usage": "row of usage",
    "responses": "response",
    "tool_calls": "tool call",
    "sessions": "session",
    "threads": "thread",
    "prompts": "prompt",
    "tool_inputs": "tool input",
    "thinking": "thought",
    "last_prompts": "last prompt",
    "initiators": "person",
    "memberships": "membership",
    "group_blocks": "block of sums of groups",
    "erased": "erased person",
    "quarantine": "record in quarantine",
    "anomalies": "anomaly",
    "runs": "line of the journal of syncs",
}
MANY = {
    "group_blocks": "blocks of sums of groups",
    "erased": "erased people",
    "initiators": "people",
    "quarantine": "records in quarantine",
    "anomalies": "anomalies",
    "runs": "lines of the journal of syncs",
    "usage": "rows of usage",
}
MOST_DAYS = 12

Backup = Annotated[
    Path | None,
    typer.Option(
        "--from",
        metavar="FOLDER",
        help="The newest backup: what it holds and the store has lost comes from there.",
    ),
]
File = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="FILE",
        help="The store's file.",
        show_default="the store of the configured deployment",
    ),
]


def repair(backup: Backup = None, file: File = None) -> None:
    """Rescue what can be read of a damaged store. The damaged file is kept beside it."""
    with explained():
        chosen = settings.read()
        path = file or connect.store_file(chosen)
        now = datetime.now(UTC)
        done = store.repair(path, now=now, backup=backup, memory_mb=chosen.store_memory_mb)
        for line in told(done, path, now) if done else [f"Nothing is wrong with {path}."]:
            out.print(line, markup=False)


def told(done: Rescued, path: Path, now: datetime) -> Iterator[str]:
    """What was done to a store, in sentences: what was kept, what is lost, what to do next."""
    yield (
        f"The damaged file is kept as {' and '.join(str(each) for each in done.aside)}. It holds"
        " what people typed and is never pruned: delete it once nobody needs it."
    )
    if not done.was_readable:
        yield "Nothing could be read of it."
    elif done.log in {"cut", "left out"}:
        how = "only in part" if done.log == "cut" else "not at all"
        yield f"The log beside it could be read {how}: the last batches of syncs are lost."
    yield from _counted("Kept", {name: kept.rows for name, kept in done.tables.items()}, "nothing")
    yield from _counted("Of these came from the backup", {
        name: kept.restored for name, kept in done.tables.items()
    })  # fmt: skip
    yield from _counted("Of these have an empty field where it was damaged", {
        name: kept.blanked for name, kept in done.tables.items()
    })  # fmt: skip
    yield from _counted("Lost", {name: kept.lost or 0 for name, kept in done.tables.items()})
    unknown = [name for name in NOUNS if done.tables[name].lost is None]
    if unknown:
        names = ", ".join(MANY.get(name, f"{NOUNS[name]}s") for name in unknown)
        yield f"Lost, nobody can say how many: {names}."
    yield from _days(done, now)
    if done.tables["erased"].lost != 0:
        yield (
            "People of whom it is lost that they were erased come back with the next sync: erase"
            " them again after it, before anybody looks."
        )
    yield f"{path} is a store again. The next sync reads again what the server still has."


def _counted(what: str, counts: Mapping[str, int], nothing: str = "") -> Iterator[str]:
    held = [
        formats.plural(counts[name], noun, MANY.get(name))
        for name, noun in NOUNS.items()
        if counts.get(name)
    ]
    if held or nothing:
        yield f"{what}: {', '.join(held) or nothing}."


def _days(done: Rescued, now: datetime) -> Iterator[str]:
    """Which days lost requests, and which of them the server no longer has."""
    days = list(done.lost_days)
    limit = now.date() - timedelta(days=DAYS_BACK)
    gone = [day for day in days if day < limit]
    if days:
        yield f"Requests are lost of {_spans(days)}."
    if gone:
        yield (
            f"A server keeps {DAYS_BACK} days unless it is set otherwise: {_spans(gone)} may not"
            " come back but from a backup (--from)."
        )
    elif not days and done.lost_requests != 0:
        yield "Of which days they were cannot be told."


def _spans(days: list[date]) -> str:
    """Days with those that follow each other put together."""
    spans = []
    for _, group in groupby(enumerate(days), lambda pair: pair[1].toordinal() - pair[0]):
        held = [day for _, day in group]
        first, last = held[0].isoformat(), held[-1].isoformat()
        spans.append(first if first == last else f"{first} to {last}")
    more = f" and {len(spans) - MOST_DAYS} more" if len(spans) > MOST_DAYS else ""
    return ", ".join(spans[:MOST_DAYS]) + more
