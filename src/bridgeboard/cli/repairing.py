"""Putting a backup in the place of a damaged store: repair."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from bridgeboard import formats, settings
from bridgeboard.cli import person
from bridgeboard.cli.terminal import explained, out
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import store_files
from bridgeboard.settings import Settings
from bridgeboard.store import Repaired, Restored, backups
from bridgeboard.sync.windows import DAYS_BACK

Backup = Annotated[
    Path | None,
    typer.Option(
        "--backup",
        "--from",
        metavar="FOLDER",
        help="The backup to take.",
        show_default="the newest good one in backup_folder",
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
    """Set a damaged store aside, and put the newest good backup in its place."""
    with explained():
        chosen = settings.read()
        path = file or store_files.store_file(chosen)
        now = datetime.now(UTC)
        done = store_files.repaired(chosen, path, backup, now=now)
        if done is None and backup is not None:
            raise StoreError(
                f"Nothing is wrong with {path}, and a backup takes the place of a damaged store"
                f" only. To go back to that backup, move {path} away and run: bridgeboard restore"
                f" {backup}"
            )
        lines = described(done, path, chosen, now) if done else [f"Nothing is wrong with {path}."]
        for line in lines:
            out.print(line, markup=False)


def described(done: Repaired, path: Path, chosen: Settings, now: datetime) -> Iterator[str]:
    """What was done to a store, in sentences: what is in its place, what is missing."""
    yield (
        f"The damaged file is kept as {' and '.join(str(each) for each in done.aside)}. It holds"
        " what people typed and is never pruned: delete it once nobody needs it."
    )
    for folder, reason in done.broken.items():
        yield f"The backup {folder} is damaged and was left alone: {reason}"
    if done.backup is None:
        yield (
            f"There was no good backup in {chosen.backups_path}: {path} is a new store. The next"
            " sync reads what the server still has. What it no longer has is missing. If there is"
            f" a backup elsewhere, move {path} away and run: bridgeboard restore FOLDER"
        )
        yield person.erased_since(chosen, None, done.restored.erased)
        return
    yield f"{path} is the backup {done.backup} now."
    yield from what_came_since(done.restored, now)
    yield person.erased_since(chosen, backups.made_at(done.backup), done.restored.erased)


def what_came_since(restored: Restored, now: datetime) -> Iterator[str]:
    """Who was erased again from a backup that was restored, and what it lacks."""
    if restored.erased_again:
        many = formats.plural(restored.erased_again, "person was", "people were")
        yield f"{many} erased after that backup was made, and now from it as well."
    if restored.since is not None:
        yield missing(restored.since, now)


def missing(since: datetime, now: datetime) -> str:
    """What a store that was restored lacks until the next sync, and what may be lost for good."""
    text = (
        f"It was read up to {since:%Y-%m-%d %H:%M} UTC. The next sync reads what came after it, as"
        " far as the server still has it"
    )
    kept_from = now - timedelta(days=DAYS_BACK)
    if since < kept_from:
        text += (
            f": by default that is {DAYS_BACK} days, so that nothing may be known from"
            f" {since:%Y-%m-%d} to {kept_from:%Y-%m-%d}"
        )
    return f"{text}. `bridgeboard check` and the page Trust say what is missing after it."
