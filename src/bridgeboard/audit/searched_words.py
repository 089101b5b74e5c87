"""Words that were searched for, as digests: their key is a small file beside the log."""

import hmac
import os
import secrets
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from bridgeboard import private
from bridgeboard.audit.entry import AuditError

_BYTES: Final = 32
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_READING: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


def key_beside(log: Path) -> bytes:
    """The key that stands beside a log, made if there is none.

    Raises:
        AuditError: when it cannot be read or made, or others may read it.
    """
    path = log.with_suffix(".key")
    try:
        if not path.exists():
            _make(path)
        with os.fdopen(os.open(path, _READING), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(4 * _BYTES) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise AuditError(
            f"The key {path} of the audit log cannot be used ({error.strerror}). Let this account "
            "read it and write to its folder."
        ) from error
    if os.name != "nt" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise AuditError(f"Others may read the key of the audit log. Run: chmod 600 {path}")
    try:
        made = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        made = b""
    if len(made) < _BYTES:
        raise AuditError(f"{path} is no key of the audit log: move it away, and a new one is made.")
    return made


def digest_of_words(key: bytes, words: str) -> str:
    """A digest that is the same for the same words in any order and case.

    Whoever has the key can tell whether words are those of an entry; the entry alone tells nothing.
    """
    told = " ".join(sorted({word.casefold() for word in words.split()}))
    return hmac.new(key, told.encode("utf-8", "surrogatepass"), sha256).hexdigest()[:32]


def _make(path: Path) -> None:
    """A new key, whole or not at all; of two processes at once one makes it."""
    private.make_folder(path.parent)
    fresh = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}.new")
    try:
        with os.fdopen(os.open(fresh, _MAKING, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_bytes(_BYTES).hex())
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
