"""Who looked at what: the audit log, listed or verified."""

import json
from dataclasses import asdict
from typing import Annotated, Final

import typer

from bridgeboard import connect, formats, settings
from bridgeboard.audit import (
    Audit,
    AuditError,
    Entry,
    Verdict,
    digest_of_words,
    key_beside,
)
from bridgeboard.cli.terminal import err, explained, out

MOST: Final = 1_000_000

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


def audit(
    last: Last = 20, *, as_json: Json = False, verify: Verify = False, words: Words = None
) -> None:
    """List who looked at what, and why; the newest comes last. Asks no server."""
    with explained():
        path = connect.audit_file(settings.read())
        log = Audit(path)
        try:
            if verify:
                _say(log.verify(), as_json=as_json)
            else:
                entries = log.entries(last if words is None else MOST)
                if words is not None:
                    mark = f"words {digest_of_words(key_beside(path), words)};"
                    entries = tuple(one for one in entries if one.about.startswith(mark))[:last]
                _list(entries, as_json=as_json)
        except AuditError as error:
            err.print(f"bridgeboard: {error}", markup=False)
            raise typer.Exit(2) from None


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
        end = "Whether entries are missing behind the last cannot be seen from the file."
        return [f"{entries}, all as they were written. {end}", *torn]
    what = f"Line {verdict.broken} is broken: {verdict.why}."
    return [f"{what} {entries} before it as they were written.", *torn]


def _line(entry: Entry) -> str:
    """Names and reasons are people's own words: nothing in them acts on the terminal."""
    at = f"{entry.at:%Y-%m-%d %H:%M:%S} UTC"
    words = (entry.who, entry.what, entry.about, entry.why)
    return "  ".join([at, *(formats.line(word) for word in words if word)])


def _object(entry: Entry) -> str:
    told = {
        "number": entry.number,
        "at": entry.at.isoformat(),
        "who": entry.who,
        "what": entry.what,
        "why": entry.why,
        "about": entry.about,
    }
    return json.dumps(told)
