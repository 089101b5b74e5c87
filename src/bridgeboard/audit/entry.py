"""One line of the log: an entry, its digest, and that of the line before."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

FIRST: Final = "0" * 64
"""What stands for the digest of the line before the first."""
LONGEST_LINE: Final = 32_768
"""Bytes of a line: each of its characters takes twelve at most."""
_LONGEST: Final = {"who": 300, "what": 60, "why": 500, "about": 500}
_LINE: Final = re.compile(rb'(\{.*),"digest":"([0-9a-f]{64})"\}', re.DOTALL)


class AuditError(Exception):
    """The log cannot be written or read; the message says why and what to do."""


@dataclass(frozen=True)
class Entry:
    """Something that somebody did.

    Attributes:
        number: of the line's entry, from 1 on.
        at: when, aware UTC.
        who: did it.
        what: they did, in a word.
        why: they did it, in their words; empty where no reason is asked for.
        about: what they did it to: a page, an id. Never text that was recorded.
        before: the digest of the entry before.
        torn: the digest of torn lines that stand between the two; empty where none do.
        digest: the entry's own.
    """

    number: int
    at: datetime
    who: str
    what: str
    why: str = ""
    about: str = ""
    before: str = FIRST
    torn: str = ""
    digest: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise AuditError("An entry of the audit log needs an aware time.")
        for name, most in _LONGEST.items():
            text = getattr(self, name)
            short = text if len(text) <= most else f"{text[: most - 1]}…"
            object.__setattr__(self, name, short)


def line(entry: Entry) -> bytes:
    """The entry as it is written, with its digest and a line break."""
    body = _body(entry)
    return b'%b,"digest":"%b"}\n' % (body, _digest(body).encode())


def read(text: bytes) -> Entry | None:
    """The entry of a line without its break; None if it is not one that was written so."""
    found = _LINE.fullmatch(text) if len(text) <= LONGEST_LINE else None
    if not found or _digest(found[1]) != found[2].decode():
        return None
    try:
        told = json.loads(found[1] + b"}")
        entry = Entry(
            number=told["number"],
            at=datetime.fromisoformat(told["at"]),
            who=told["who"],
            what=told["what"],
            why=told["why"],
            about=told["about"],
            before=told["before"],
            torn=told.get("torn", ""),
        )
        # Written again it must be the same: a line that was made by other means is none of ours.
        return replace(entry, digest=found[2].decode()) if _body(entry) == found[1] else None
    except (ValueError, TypeError, KeyError, AttributeError, AuditError):
        return None


def digest_of_torn(text: bytes) -> str:
    """The digest of torn lines, without the break behind the last."""
    return sha256(text).hexdigest()


def _body(entry: Entry) -> bytes:
    """Everything but digest and end. ASCII only, so that no character acts on a screen."""
    told = {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "who": entry.who,
        "what": entry.what,
        "why": entry.why,
        "about": entry.about,
        "before": entry.before,
    }
    if entry.torn:
        told["torn"] = entry.torn
    return json.dumps(told, separators=(",", ":")).encode("ascii")[:-1]


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
