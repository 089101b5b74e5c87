"""Commands on the state: audit lists, verifies, forwards or moves the log; logout ends logins."""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from bridgeboard import formats, settings
from bridgeboard.cli.terminal import err, explained, out
from bridgeboard.runtime import state_files
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.state.audit import (
    Audit,
    AuditError,
    Entry,
    Verdict,
    digest_of_words,
    forward,
)

MOST: Final = 1_000_000
ENDED: Final = "end logins"
"""What the audit log calls it."""
LOOKED_AT: Final = 10_000
"""Entries of the audit log in which the name is looked for."""

Last = Annotated[int, typer.Option(min=1, max=MOST, help="How many of the last entries.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]
Words = Annotated[
    str | None,
    typer.Option(
        "--words",
        metavar="WORDS",
        help="Only searches in prompts for these words, in any order and case.",
    ),
]
Verify = Annotated[
    bool, typer.Option("--verify", help="Check that no line was changed; status 1 if one was.")
]

Holds = Annotated[
    str,
    typer.Option(
        "--holds",
        metavar="DIGEST",
        help="Check that an entry that was handed on is still there; status 1 if it is not.",
    ),
]
Send = Annotated[
    bool, typer.Option("--send", help="Hand on what the audit_target has not got yet.")
]
MoveTo = Annotated[
    Path | None,
    typer.Option(
        "--move-to",
        metavar="FILE",
        help="Put the whole log into a new file of JSON lines, and begin a new log.",
    ),
]
NewKey = Annotated[
    bool,
    typer.Option(
        "--new-key",
        help="Sign with the audit_key that is set from here on, for dashboards that share a log.",
    ),
]


def audit(
    last: Last = 20,
    *,
    as_json: Json = False,
    verify: Verify = False,
    words: Words = None,
    holds: Holds = "",
    send: Send = False,
    move_to: MoveTo = None,
    new_key: NewKey = False,
) -> None:
    """List who looked at what, and why; the newest comes last."""
    with explained():
        chosen = settings.read()
        log = state_files.audit_log(chosen)
        if new_key:
            _change_key(log)
        elif send:
            _send(log, chosen)
        elif move_to:
            _move(log, chosen, move_to)
        elif holds:
            _find(log, holds)
        elif verify:
            _say(log.verify(), as_json=as_json)
        else:
            _list(_searches(log, words)[:last] if words else log.entries(last), as_json=as_json)


def _searches(log: Audit, words: str) -> tuple[Entry, ...]:
    """The searches for some words, the newest first."""
    digests = (digest_of_words(key, words) for key in log.known_words_keys())
    marks = tuple(f"words {digest};" for digest in digests)
    return tuple(entry for entry in log.entries(MOST) if entry.about.startswith(marks))


def _send(log: Audit, chosen: Settings) -> None:
    target = state_files.audit_target(chosen)
    if target is None:
        raise SettingsError("No audit_target is set: there is nowhere to send entries to.")
    done = forward(log, chosen.audit_target, target, datetime.now(UTC))
    last = next((entry.number for entry in log.entries(1)), 0)
    if done.problem:
        raise AuditError(f"{chosen.audit_target} took entries up to {done.number}: {done.problem}")
    if done.number < last:
        raise AuditError("Another process hands entries on right now. Try again when it is done.")
    out.print(f"{chosen.audit_target} has all entries up to {done.number}.", markup=False)


def _move(log: Audit, chosen: Settings, file: Path) -> None:
    """Begin a new log, once the target has what it can get of this one: it reads no file."""
    unsent = ""
    try:
        if chosen.audit_target:
            _send(log, chosen)
    except (AuditError, SettingsError) as error:
        unsent = f" What the target has not got is in that file only. {error}"
    count = log.move_to(file, at=datetime.now(UTC))
    lines = formats.plural(count, "line")
    out.print(f"{file} holds the log's {lines}. A new one began.{unsent}", markup=False)


def _change_key(log: Audit) -> None:
    entry = log.change_key(at=datetime.now(UTC))
    out.print(f"Entry {entry.number} is signed with the key {entry.key}, as is what follows it.")


def _find(log: Audit, digest: str) -> None:
    for entry in log.since(0, ""):
        if entry.digest == digest:
            out.print(f"Entry {entry.number} has this digest.")
            return
    err.print("No entry has this digest: it was cut off or changed after it was handed on.")
    raise typer.Exit(1)


def _list(entries: tuple[Entry, ...], *, as_json: bool) -> None:
    for entry in reversed(entries):
        out.print(_object(entry) if as_json else _line(entry), markup=False)
    if not entries:
        err.print("Nothing was noted yet.")


def _say(verdict: Verdict, *, as_json: bool) -> None:
    if as_json:
        out.print(json.dumps(asdict(verdict)), markup=False)
    else:
        for sentence in _sentences(verdict):
            (out if verdict.good else err).print(sentence, markup=False)
    if not verdict.good:
        raise typer.Exit(1)


def _sentences(verdict: Verdict) -> list[str]:
    entries = formats.plural(verdict.right, "entry", "entries")
    torn = [
        f"Line {number} was begun only: a process was killed, or the disk was full."
        for number in verdict.torn
    ]
    if verdict.good:
        end = "Whether entries are missing behind the last cannot be seen from the log."
        checked = verdict.right > verdict.unchecked
        first = (
            f"{entries}, all as they were written. {end}"
            if checked or not verdict.right
            else (f"{entries}, each of which follows the one before. {end}")
        )
        return [first, *_unsigned(verdict), *torn]
    if verdict.broken is None:
        return [f"{entries}, each of which follows the one before.", *_unsigned(verdict), *torn]
    if verdict.key_missing:
        what = f"From line {verdict.broken} on nothing can be checked: {verdict.why}."
    else:
        what = f"Line {verdict.broken} is broken: {verdict.why}."
    return [f"{what} {entries} before it as they were written.", *torn]


def _unsigned(verdict: Verdict) -> Iterator[str]:
    """What the key says nothing about."""
    if verdict.unkeyed:
        yield (
            f"The first {formats.exact(verdict.unkeyed)} were written before the log had a key:"
            " each follows the one before, and the first with a key holds the digest of the last."
        )
    if verdict.unchecked:
        yield (
            f"{formats.plural(verdict.unchecked, 'entry', 'entries')} cannot be checked: the key"
            " that they were signed with is not here. All that can be seen is that each follows"
            " the one before."
        )


def _line(entry: Entry) -> str:
    """Names and reasons are people's own words: nothing in them acts on the terminal."""
    at = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
    words = (entry.who, entry.what, entry.about, entry.why)
    return "  ".join([at, *(formats.line(word) for word in words if word)])


def _object(entry: Entry) -> str:
    fields = {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "who": entry.who,
        "what": entry.what,
        "why": entry.why,
        "about": entry.about,
    }
    return json.dumps(fields)


User = Annotated[
    str, typer.Argument(help="Their e-mail address, username or subject, as they log in.")
]


def logout(user: User) -> None:
    """End all logins that somebody has now. The dashboard need not be restarted.

    It needs the dashboard's data folder and its account, and neither its settings nor its secrets.
    """
    name = user.strip()
    with explained():
        chosen = settings.read()
        _refuse(chosen, name)
        now = datetime.now(UTC)
        log = state_files.audit_log(chosen)
        known = {entry.who.casefold() for entry in log.entries(LOOKED_AT)}
        log.write("operator", ENDED, about=name, at=now)
        state_files.ended_logins(chosen).end_all_of(name, now=now)
    out.print(
        f"Every login that {formats.line(name)} had until now is over. Open pages notice it within "
        "half a minute. Who is still let in by the provider or the proxy can come back.",
        markup=False,
    )
    if name.casefold() not in known:
        err.print(
            f"The audit log knows nobody called {formats.line(name)}: if that is not how they log "
            "in, nothing has ended.",
            markup=False,
        )


def _refuse(chosen: Settings, name: str) -> None:
    """Raise SettingsError where it could have no effect."""
    if not name:
        raise SettingsError("Name somebody: an e-mail address, a username or a subject.")
    folder = chosen.folder
    if not folder.is_dir():
        raise SettingsError(
            f"{folder} is not there: name the dashboard's own folder with BRIDGEBOARD_DATA."
        )
    if hasattr(os, "geteuid") and folder.stat().st_uid != os.geteuid():
        raise SettingsError(
            f"{folder} belongs to another account, whose dashboard could not read what is written "
            "here. Run this command as that account."
        )
