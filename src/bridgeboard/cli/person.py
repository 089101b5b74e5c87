"""One person: all that is stored about them, to take away or to be erased."""

import json
import re
from collections.abc import Collection
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from urllib.parse import unquote_plus

import typer

from bridgeboard import formats, settings, store
from bridgeboard.analysis.radar.finding import is_about_person
from bridgeboard.cli.terminal import explained, out
from bridgeboard.model.store import StoreError
from bridgeboard.runtime import alert_files, publishing, state_files, store_files
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state import StateError, former_files
from bridgeboard.state.backup import left_copies
from bridgeboard.state.saved_views import Note, SavedViews, View
from bridgeboard.store import Store, erasure, erasure_list, kept_aside, person_lookup, personal
from bridgeboard.store.person_lookup import Somebody

MOST_ENTRIES = 1_000_000
ERASING = "erase person"
"""What the audit log calls it."""


class Numbers(StrEnum):
    """What becomes of somebody's numbers."""

    KEEP = "keep"
    DELETE = "delete"


app = typer.Typer(no_args_is_help=True, help="Export or erase what is stored about one person.")

User = Annotated[str, typer.Argument(help="Their user name at the deployment, or their id.")]
Out = Annotated[
    Path, typer.Option("--out", file_okay=False, help="A new folder for the files, to be made.")
]
Reason = Annotated[str, typer.Option(help="Why, for the audit log. Name nobody in it.")]
Choice = Annotated[
    Numbers,
    typer.Option(
        "--numbers", help="Keep their numbers under another name, or delete them as well."
    ),
]
Backups = Annotated[
    list[Path] | None,
    typer.Option(
        "--backups",
        exists=True,
        file_okay=False,
        help="A folder with backups: those that hold somebody are named. May be repeated.",
    ),
]


@app.command()
def export(user: User, folder: Out) -> None:
    """Write everything that is stored about somebody to a folder."""
    with explained():
        if folder.exists() and any(folder.iterdir()):
            raise SettingsError(f"{folder} holds something: name a new folder.")
        chosen = settings.read()
        with store_files.opened(chosen) as opened:
            who = _somebody(opened, user)
            _note(chosen, "export person", who.id, "")
            counts = personal.export(opened, who, folder)
            counts |= _export_beside(chosen, opened, who, folder)
        rows = formats.exact(sum(counts.values()))
        out.print(f"Wrote {rows} rows about {formats.line(who.label)} to {folder}.")


@app.command()
def erase(
    user: User,
    reason: Reason,
    numbers: Choice = Numbers.KEEP,
    backups: Backups = None,
) -> None:
    """Delete somebody's text and names for good; later syncs do not bring them back."""
    with explained():
        if not reason.strip():
            raise SettingsError("Give a reason: it goes into the audit log.")
        chosen = settings.read()
        with store_files.opened(chosen) as opened:
            try:
                who = _somebody(opened, user)
            except SettingsError:
                # They may have been erased by a try that did not come to its end, or only log in.
                has_logged_in = _forget_logins(chosen, opened, user, reason)
                _leave_no_bytes(chosen, opened)
                if not has_logged_in:
                    raise
                return
            with opened.write() as batch:
                keeps = numbers is Numbers.KEEP
                alias = erasure.erase(batch, who, has_numbers=keeps, now=datetime.now(UTC))
                _note(chosen, ERASING, f"{alias.username}, numbers: {numbers}", reason)
                dropped = drop_views_and_notes(chosen, opened.path, [who])
                # Before it is committed: a store that is lost at once must not bring them back.
                erasure_list.write(batch, store_files.erasure_files(chosen, opened.path))
            _say_done(who, alias, dropped)
            folders = dict.fromkeys([chosen.backups_path, *(backups or ())])
            files = [*kept_aside(opened.path), *left_copies(chosen.folder)]
            files += _former_files(chosen, who)
            files += personal.backups_with(folders, who)
            _say_left(chosen, files, has_looked=bool(backups))
            _leave_no_bytes(chosen, opened)


def erased_since(chosen: Settings, moment: datetime | None, erased: Collection[str]) -> str:
    """Who was erased after a backup of that time by the audit log alone; and what to do.

    Args:
        chosen: where the audit log is.
        moment: when the backup was made; None for a store that began anew without one.
        erased: those whom the store knows to be erased, by what they are called since.
    """
    after = "after this backup was made" if moment else "from the store before this one"
    try:
        entries = state_files.audit_log(chosen).entries(MOST_ENTRIES)
    except StateError as error:
        return f"Whoever else was erased {after}: erase them again. ({error})"
    later = [
        one
        for one in entries
        if one.what == ERASING
        and (not moment or one.at > moment)
        and one.about.partition(",")[0] not in erased
    ]
    if moment:
        after += f" ({moment:%Y-%m-%d %H:%M} UTC)"
        outcome = "are in the store again"
    else:
        outcome = "come back with the next sync"
    if not later:
        return (
            f"The audit log here names nobody else who was erased {after}. The names and text of"
            f" whoever was erased elsewhere since {outcome}: erase them again."
        )
    names = ", ".join(
        f"{formats.line(one.about)}, on {formats.day(one.at.date())}" for one in later
    )
    many = formats.plural(len(later), "person was", "people were")
    return (
        f"{many} erased ({names}) {after} and cannot be recognised here. Their text and names"
        f" {outcome}: erase them again before anybody looks at it. The log has the reasons that"
        " were given."
    )


def _leave_no_bytes(chosen: Settings, opened: Store) -> None:
    """Leave nothing of what was deleted in the bytes of files; raise StoreError where it stays."""
    problems = []
    try:
        if store.still_in_file(opened):
            opened.rewrite()
    except StoreError as error:
        problems.append(str(error))
    try:
        state_files.state_database(chosen).scrub()
    except StateError as error:
        problems.append(str(error))
    try:
        if gone := publishing.withdrawn(chosen, opened.path.stem):
            copies = formats.plural(gone, "published copy", "published copies")
            out.print(
                f"{copies} of the store deleted: replicas move to the next one as soon as the"
                " process that syncs makes it. Until then they show what they have open: stop them"
                " if that may not be."
            )
    except StoreError as error:
        problems.append(str(error))
    if problems:
        raise StoreError(
            f"What was deleted can still be read in the bytes of files. {' '.join(problems)} Then"
            " run this command again: it knows nobody of this name any more, and removes what is"
            " left."
        )


def _forget_logins(chosen: Settings, opened: Store, user: str, reason: str) -> bool:
    """Delete the groups that logins told of a user name that is nobody's in the store, if any."""
    groups = state_files.login_groups(chosen)
    if person_lookup.people_called(opened, user) or not groups.readings([user]):
        return False
    _note(chosen, "erase groups of logins", "somebody whom the store does not know", reason)
    groups.forget([user])
    out.print(
        "The store knows nobody of this name. The groups that logins told of them are deleted; with"
        " teams_from = login their next login tells them again."
    )
    return True


def _say_done(who: Somebody, alias: erasure.Alias, dropped: int) -> None:
    if who.key is None:
        out.print("They used nothing so far, and were only a member of groups of Coder.")
        if alias.has_numbers:
            out.print(f"Numbers that come later are kept under the name {alias.username}.")
    elif alias.has_numbers:
        out.print(f"Their numbers stay under the name {alias.username}.")
    else:
        out.print("Their numbers are deleted.")
    out.print("Their text and names are gone from the store, and no later sync brings them back.")
    if dropped:
        out.print(f"{formats.plural(dropped, 'view or note', 'views and notes')} went with them.")


def _say_left(chosen: Settings, files: list[Path], *, has_looked: bool) -> None:
    """What the operator still has to do."""
    for path in files:
        is_nightly = path.parent == chosen.backups_path
        goes = f", or wait: only {chosen.backups_kept} are kept" if is_nightly else ""
        out.print(f"{path} still holds them: delete it{goes}.", markup=False)
    if chosen.teams_file:
        out.print(f"Take them out of {chosen.teams_file}: it says their user name.", markup=False)
    if not has_looked:
        out.print(
            "Backups elsewhere may still hold them: name their folder with --backups to be told"
            " which."
        )
    out.print(
        "Whoever restores one erases them again by it. The audit log keeps what they did in the"
        " dashboard: it cannot be changed."
    )


def _somebody(opened: Store, user: str) -> Somebody:
    """The one person that is meant."""
    every = person_lookup.people_called(opened, user)
    if not every:
        raise SettingsError(
            f"The store knows nobody with the user name or id {formats.line(user)}. A person who"
            " was erased is known by neither any more."
        )
    if len(every) > 1:
        ids = ", ".join(one.id for one in every)
        raise SettingsError(
            f"{len(every)} people have had the user name {formats.line(user)}: name one by id"
            f" instead ({ids})."
        )
    return every[0]


def _note(chosen: Settings, what: str, about: str, why: str) -> None:
    state_files.audit_log(chosen).write("operator", what, why, about, at=datetime.now(UTC))


def drop_views_and_notes(chosen: Settings, path: Path, people: Collection[Somebody]) -> int:
    """Delete views and notes of a store in which one of these people is named; how many.

    Alerts that name them and were not sent yet go, too, and the groups that their logins told.
    """
    for who in people:
        alert_files.outbox(chosen, path).forget(_names(who))
        state_files.login_groups(chosen).forget(_usernames(who))
    return sum(_drop(saved, who) for saved in _saved_views(chosen, path) for who in people)


def _saved_views(chosen: Settings, path: Path) -> list[SavedViews]:
    return SavedViews.of_store(state_files.state_database(chosen), path.stem)


def _former_files(chosen: Settings, who: Somebody) -> list[Path]:
    """Files of views and notes that an earlier version left, and that name somebody."""
    files = former_files.kept_aside(chosen.folder, "*.desk*.json")
    return [
        file
        for file in files
        if _names(who).search(unquote_plus(file.read_text("utf-8", "replace")))
    ]


def _usernames(who: Somebody) -> tuple[str, ...]:
    return (who.username, *who.former)


def _names(who: Somebody) -> re.Pattern[str]:
    """Their names, where they stand as words of their own."""
    words = (re.escape(word) for word in (who.id, who.username, who.name, *who.former) if word)
    return re.compile(rf"(?<!\w)(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


def _mentions(saved: SavedViews, who: Somebody) -> tuple[list[View], dict[str, Note]]:
    """The views, and the notes by their keys, in which somebody is named."""
    named = _names(who)
    views = [
        view for view in saved.views() if named.search(f"{view.name} {unquote_plus(view.query)}")
    ]
    notes = {
        key: note
        for key, note in saved.notes().items()
        if (who.key is not None and is_about_person(key, who.key))
        or named.search(f"{key} {json.dumps(asdict(note), default=str, ensure_ascii=False)}")
    }
    return views, notes


def _drop(saved: SavedViews, who: Somebody) -> int:
    views, notes = _mentions(saved, who)
    for view in views:
        saved.drop(view.name)
    for key in notes:
        saved.erase(key)
    return len(views) + len(notes)


def _export_beside(chosen: Settings, opened: Store, who: Somebody, folder: Path) -> dict[str, int]:
    """Write what stands beside the store: views, notes, audit log, groups of logins."""
    named = _names(who)
    mentions = [_mentions(saved, who) for saved in _saved_views(chosen, opened.path)]
    views = [asdict(view) for of_views, _ in mentions for view in of_views]
    notes = [
        {"about": key, **asdict(note)} for _, of_notes in mentions for key, note in of_notes.items()
    ]
    entries = [
        {"at": entry.at, "who": entry.who, "what": entry.what, "about": entry.about}
        for entry in state_files.audit_log(chosen).entries(MOST_ENTRIES)
        if named.search(f"{entry.who} {entry.about}")
    ]
    readings = state_files.login_groups(chosen).readings(_usernames(who))
    groups = [asdict(reading) for reading in readings]
    files = {"views": views, "notes": notes, "audit": entries, "login_groups": groups}
    for name, rows in files.items():
        lines = "".join(json.dumps(row, default=str, ensure_ascii=False) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(lines, "utf-8")
    return {name: len(rows) for name, rows in files.items()}
