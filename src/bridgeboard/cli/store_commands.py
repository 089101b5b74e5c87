"""Commands on the store: sync, reprice, backup, restore, repair."""

import re
from collections.abc import Collection, Generator, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event as Signal
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from aibridge import Client
from bridgeboard import formats, settings, store, sync
from bridgeboard.analysis import coverage, sync_history
from bridgeboard.analysis.sync_history import Run
from bridgeboard.cli import person, sync_node
from bridgeboard.cli.terminal import err, explained, out, stop_signal
from bridgeboard.model.store import StoreError
from bridgeboard.model.store_status import Event
from bridgeboard.pricing import own_book
from bridgeboard.runtime import (
    clients,
    nightly_backups,
    publishing,
    state_files,
    store_files,
    sync_steps,
    team_sources,
)
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state import StateError
from bridgeboard.state.backup import check_key, holds_nothing_else, is_in, restore_from
from bridgeboard.store import Repaired, Restored, Store, backups
from bridgeboard.store.person_lookup import Somebody
from bridgeboard.sync.windows import DAYS_BACK

UNITS = {"h": "hours", "d": "days", "w": "weeks"}
PHASES = {
    "prices": "Pricing anew",
    "interceptions": "Interceptions",
    "sessions": "Sessions",
    "details": "Session details",
    "done": "Done",
}


def now() -> datetime:
    """The time."""
    return datetime.now(UTC)


def span(text: str) -> timedelta:
    """``30d``, ``12h`` or ``4w`` as a length of time."""
    match = re.fullmatch(r"(\d{1,4})([hdw])", text.strip().lower())
    if not match or not int(match[1]):
        raise typer.BadParameter("write a number and h, d or w, for example 30d")
    return timedelta(**{UNITS[match[2]]: int(match[1])})


Since = Annotated[
    timedelta | None,
    typer.Option(parser=span, metavar="SPAN", help="How far back a first sync reads: 30d, 12h."),
]
Watching = Annotated[
    bool, typer.Option("--watch/--once", help="Go on until stopped, or stop when all is read.")
]
Publish = Annotated[
    str | None,
    typer.Option(
        "--publish",
        metavar="DIR",
        help="Put copies of the store there, for dashboards that only read.",
        show_default="publish_folder",
    ),
]
Requeue = Annotated[
    bool, typer.Option("--requeue", help="Try the records in quarantine again, and nothing else.")
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Where the Parquet files are.")]

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


def copy(
    since: Since = None,
    *,
    watching: Watching = False,
    requeue: Requeue = False,
    host: sync_node.Host = None,
    port: sync_node.Port = None,
    publish: Publish = None,
) -> None:
    """Copy what the deployment recorded into the local store."""
    with explained():
        chosen = settings.read(publish_folder=publish)
        store_files.refuse_replica(chosen)
        if not chosen.configured:
            raise SettingsError("Set CODER_URL and CODER_SESSION_TOKEN first.")
        stopped = stop_signal()
        if watching and not requeue:
            listen = (host or chosen.host, port) if port else None
            sync_node.run(chosen, since, stopped, listen, after_sync=_say_what_was_read)
            return
        with clients.patient_client(chosen) as client, store_files.stored(chosen, client) as opened:
            sync_steps.prepare(opened, chosen)
            if requeue:
                _requeue(opened, chosen)
                return
            _copy(client, opened, chosen, since, stopped)
            if problem := publishing.publish(chosen, opened, now):
                raise StoreError(problem)


def _say_what_was_read(opened: Store) -> None:
    (run,) = sync_history.runs(opened, 1)
    out.print(summary(run, coverage.coverage(opened).quarantined))


def reprice() -> None:
    """Price everything in the store anew, after a change of prices; asks no server."""
    with explained():
        chosen = settings.read()
        with store_files.opened(chosen) as opened:
            sync.name_models(opened)
            done = sync.reprice(opened, own_book(chosen.prices_path), now())
            rows, changed = formats.exact(done.rows), formats.exact(done.changed)
            out.print(f"Priced {rows} responses anew; {changed} of them cost something else now.")


def backup(folder: Folder) -> None:
    """Write the store to a folder as Parquet files, and views, notes and the audit log beside."""
    with explained():
        chosen = settings.read()
        with store_files.opened(chosen) as opened:
            written = store.backup(
                opened,
                folder,
                now=now(),
                more=partial(nightly_backups.copy_state, chosen),
            )
        out.print(f"Wrote {formats.exact(sum(written.values()))} rows to {folder}.")


def restore(folder: Folder) -> None:
    """Make a store of a backup, and what is beside it. Refuses to replace a store."""
    with explained():
        chosen = settings.read()
        state = folder / nightly_backups.STATE
        # Before the store is in its place: what is wrong can be mended, and all begun again.
        database, has_state = state_files.state_database(chosen), state.is_dir()
        is_wanted = has_state and is_in(state) and holds_nothing_else(database, state)
        if is_wanted:
            check_key(database, state)
        path, done = store_files.restored(chosen, folder, now=now())
        out.print(f"Restored {folder} as {path}.", markup=False)
        for line in what_came_since(done, now()):
            out.print(line, markup=False)
        erased = person.erased_since(chosen, backups.made_at(folder), done.erased)
        out.print(erased, markup=False)
        if is_wanted:
            out.print(_restored_state(chosen, state, path, done.people), markup=False)
        elif has_state:
            out.print(_left_state(chosen, state), markup=False)


def repair(backup: Backup = None, file: File = None) -> None:
    """Set a damaged store aside, and put the newest good backup in its place."""
    with explained():
        chosen = settings.read()
        path = file or store_files.store_file(chosen)
        at = now()
        done = store_files.repaired(chosen, path, backup, now=at)
        if done is None and backup is not None:
            raise StoreError(
                f"Nothing is wrong with {path}, and a backup takes the place of a damaged store"
                f" only. To go back to that backup, move {path} away and run: bridgeboard restore"
                f" {backup}"
            )
        lines = described(done, path, chosen, at) if done else [f"Nothing is wrong with {path}."]
        for line in lines:
            out.print(line, markup=False)


def _left_state(chosen: Settings, folder: Path) -> str:
    """Why views, notes and the audit log of a backup were not restored."""
    if not is_in(folder):
        return (
            f"Views, notes and the audit log of that time are in {folder}, as an earlier version"
            f" had them: copy those that are lost to {chosen.folder}, but none that names somebody"
            " who was erased."
        )
    return (
        f"{state_files.state_database(chosen).name} has views, notes or an audit log, and stays as"
        f" it is. Those of the backup are in {folder}."
    )


def _restored_state(
    chosen: Settings, folder: Path, store_path: Path, erased: Collection[Somebody]
) -> str:
    """Restore views, notes and the audit log; what became of them.

    ``erased`` are those whom the backup still names though they were erased since.
    """
    database = state_files.state_database(chosen)
    try:
        restore_from(database, folder)
    except StateError as error:
        raise StateError(
            f"The store is restored. Views, notes and the audit log are not: {error} Once that is"
            f" mended, move {store_path} away and run this command again."
        ) from error
    dropped = person.drop_views_and_notes(chosen, store_path, erased)
    database.scrub()
    text = f"Views, notes and the audit log are in {database.name} again"
    if dropped:
        text += f", but for {formats.plural(dropped, 'view or note', 'views and notes')}"
        text += " in which somebody is named who was erased"
    return f"{text}."


def described(done: Repaired, path: Path, chosen: Settings, at: datetime) -> Iterator[str]:
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
    yield from what_came_since(done.restored, at)
    yield person.erased_since(chosen, backups.made_at(done.backup), done.restored.erased)


def what_came_since(restored: Restored, at: datetime) -> Iterator[str]:
    """Who was erased again from a backup that was restored, and what it lacks."""
    if restored.erased_again:
        many = formats.plural(restored.erased_again, "person was", "people were")
        yield f"{many} erased after that backup was made, and now from it as well."
    if restored.since is not None:
        yield missing(restored.since, at)


def missing(since: datetime, at: datetime) -> str:
    """What a store that was restored lacks until the next sync, and what may be lost for good."""
    text = (
        f"It was read up to {since:%Y-%m-%d %H:%M} UTC. The next sync reads what came after it, as"
        " far as the server still has it"
    )
    kept_from = at - timedelta(days=DAYS_BACK)
    if since < kept_from:
        text += (
            f": by default that is {DAYS_BACK} days, so that nothing may be known from"
            f" {since:%Y-%m-%d} to {kept_from:%Y-%m-%d}"
        )
    return f"{text}. `bridgeboard check` and the page Trust say what is missing after it."


def _requeue(opened: Store, chosen: Settings) -> None:
    done = sync.requeue(opened, sync_steps.options(chosen), now())
    out.print(f"{done.released} records could be read now; {done.remaining} stay in quarantine.")


def _copy(
    client: Client, opened: Store, chosen: Settings, since: timedelta | None, stopped: Signal
) -> None:
    began_at = now()
    start = began_at - since if since else None
    events = sync.run(client, opened, sync_steps.options(chosen, start), began_at)
    _show(events, stopped)
    team_sources.put_teams(opened, chosen)  # the sync has read groups
    sync_steps.prune(opened, chosen, began_at)
    sync_steps.gather(opened, chosen, stops=stopped.is_set)
    try:
        store.rewrite_if_due(opened, now())
    except StoreError as error:
        err.print(f"What was deleted is still in the bytes of the store's file: {error}")
    (run,) = sync_history.runs(opened, 1)
    out.print(summary(run, coverage.coverage(opened).quarantined))


def _show(events: Generator[Event, None, None], stopped: Signal) -> None:
    bars: dict[str, int] = {}
    with Progress(
        TextColumn("{task.description:<16}"),
        BarColumn(bar_width=30),
        _Amount(),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[more]}"),
        console=err,
    ) as progress:
        try:
            for event in events:
                _draw(progress, bars, event)
                if stopped.is_set():
                    break
        finally:
            events.close()


def _draw(progress: Progress, bars: dict[str, int], event: Event) -> None:
    if event.phase == "done":
        return
    if event.phase not in bars:
        bars[event.phase] = progress.add_task(PHASES[event.phase], total=None, more="")
    windows = f"window {event.windows_done} of {event.windows_total}" if event.windows_total else ""
    broken = f"{event.quarantined} in quarantine" if event.quarantined else ""
    progress.update(
        progress.task_ids[list(bars).index(event.phase)],
        completed=event.done,
        total=event.total,
        more=" · ".join(filter(None, (windows, broken))),
    )


def summary(run: Run, quarantined: int) -> str:
    """What a sync that ended has read, and how many records wait in quarantine."""
    done = run.counts
    text = (
        f"{formats.plural(done.sessions, 'row')} of the session list and details of"
        f" {formats.plural(done.details, 'session')} read."
    )
    if run.generation == "interceptions":
        changed = formats.exact(done.changed_rows)
        text = f"{formats.plural(done.read_rows, 'request')} read, {changed} new or changed; {text}"
    words = [text]
    if quarantined:
        records = formats.plural(quarantined, "record")
        words.append(f"{records} could not be read: `bridgeboard check` says what to do.")
    if run.outcome == "stopped":
        words.append("Stopped; the next sync goes on from here.")
    return " ".join(words)


class _Amount(ProgressColumn):
    def render(self, task: Task) -> Text:
        """So many of so many, and how fast."""
        total = "?" if task.total is None else formats.exact(int(task.total))
        speed = f"  {formats.exact(int(task.speed))}/s" if task.speed else ""
        return Text(f"{formats.exact(int(task.completed))} of {total}{speed}")
