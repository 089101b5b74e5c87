"""One line of the log: an entry, its digest, and that of the line before."""

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from bridgeboard.state.audit.key import Key
from bridgeboard.state.errors import AuditError

FIRST: Final = "0" * 64
"""What stands for the digest of the line before the first."""
KEY_CHANGED: Final = "audit key changed"
"""What an entry is called that stands between those of two keys."""
LONGEST_LINE: Final = 32_768
"""Bytes of a line: each of its characters takes twelve at most."""
_LONGEST: Final = {"who": 300, "what": 60, "why": 500, "about": 500}
_LINE: Final = re.compile(rb'(\{.*),"digest":"([0-9a-f]{64})"\}', re.DOTALL)


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
        key: the name of the key that its digest was made with; empty where none was.
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
    key: str = ""

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise AuditError("An entry of the audit log needs an aware time.")
        for name, most in _LONGEST.items():
            text = getattr(self, name)
            short = text if len(text) <= most else f"{text[: most - 1]}…"
            object.__setattr__(self, name, short)


def change_of_key(before: str, after: str) -> str:
    """What an entry between those of two keys is about."""
    return f"signed with the key {after} from here on, with {before} before"


def signed(entry: Entry, key: Key | None) -> Entry:
    """The entry with the digest that it is written with."""
    named = replace(entry, key=key.name if key else "")
    body = _body(named)
    return replace(named, digest=key.digest(body) if key else _digest(body))


def line(entry: Entry) -> bytes:
    """A signed entry as it is written, with a line break."""
    return b'%b,"digest":"%b"}\n' % (_body(entry), entry.digest.encode())


def read(text: bytes, key: Key | None = None) -> Entry | None:
    """The entry of a line without its break; None if it is not one that was written so.

    Of an entry that was signed with another key than this one the digest cannot be checked.
    """
    match = _LINE.fullmatch(text) if len(text) <= LONGEST_LINE else None
    if not match:
        return None
    try:
        fields = json.loads(match[1] + b"}")
        entry = Entry(
            number=fields["number"],
            at=datetime.fromisoformat(fields["at"]),
            who=fields["who"],
            what=fields["what"],
            why=fields["why"],
            about=fields["about"],
            before=fields["before"],
            torn=fields.get("torn", ""),
            digest=match[2].decode(),
            key=fields.get("key", ""),
        )
        # Written again it must be the same: a line that was made by other means is none of ours.
        return entry if _body(entry) == match[1] and _is_right(entry, match[1], key) else None
    except (ValueError, TypeError, KeyError, AttributeError, AuditError):
        return None


def _is_right(entry: Entry, body: bytes, key: Key | None) -> bool:
    if not entry.key:
        return compare_digest(_digest(body), entry.digest)
    if key is None or key.name != entry.key:
        return True
    return compare_digest(key.digest(body), entry.digest)


def digest_of_torn(text: bytes) -> str:
    """The digest of torn lines, without the break behind the last."""
    return sha256(text).hexdigest()


def _body(entry: Entry) -> bytes:
    """Everything but digest and end. ASCII only, so that no character acts on a screen."""
    fields = {
        "number": entry.number,
        "at": entry.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "who": entry.who,
        "what": entry.what,
        "why": entry.why,
        "about": entry.about,
        "before": entry.before,
    }
    if entry.torn:
        fields["torn"] = entry.torn
    if entry.key:
        fields["key"] = entry.key
    return json.dumps(fields, separators=(",", ":")).encode("ascii")[:-1]


def _digest(body: bytes) -> str:
    return sha256(body).hexdigest()
