"""The key of a log: whoever lacks it can neither write entries nor rewrite those that are there."""

import hmac
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from bridgeboard import private_files
from bridgeboard.state.audit.entry import AuditError

_NAME: Final = b"bridgeboard audit key"
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class Key:
    """A secret that entries are signed with.

    Attributes:
        is_given: whether an operator set it, who may set another one.
    """

    secret: bytes = field(repr=False)
    is_given: bool = False

    @classmethod
    def of(cls, text: str) -> Self:
        """The key that an operator set."""
        return cls(text.encode("utf-8", "surrogatepass"), is_given=True)

    @property
    def name(self) -> str:
        """What tells one key from another, and nothing about either."""
        return hmac.digest(self.secret, _NAME, "sha256").hex()[:16]

    def digest(self, body: bytes) -> str:
        """What only who has the key can say of these bytes."""
        return hmac.digest(self.secret, body, "sha256").hex()


_BYTES: Final = 32
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_READING: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_LONGEST: Final = 4_096


def beside(log: Path) -> Path:
    """The file of a log's key where no key is set."""
    return log.with_suffix(".key")


def made_beside(log: Path) -> Key:
    """The key in that file, made if there is none. Raises AuditError."""
    path = beside(log)
    try:
        if not os.path.lexists(path):
            _make(path)
    except OSError as error:
        raise AuditError(
            f"The key {path} of the audit log cannot be made ({error.strerror}). Let this account"
            " write to its folder."
        ) from None
    found = read(path)
    if found is None:
        raise AuditError(f"The key {path} of the audit log went away while it was made: try again.")
    return found


def read(path: Path) -> Key | None:
    """The key in a file; None if there is none. Raises AuditError."""
    try:
        with os.fdopen(os.open(path, _READING), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(_LONGEST).strip() if stat.S_ISREG(mode) else b""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise AuditError(
            f"The key of the audit log, {path}, cannot be read ({error.strerror}). Let this account"
            " read it; a link in its place is not followed."
        ) from None
    if os.name != "nt" and mode & _OTHERS:
        raise AuditError(f"Others may read the key of the audit log. Run: chmod 600 {path}")
    if not text:
        raise AuditError(f"{path} is empty: put the key of the audit log back into it.")
    return Key(text)


def _make(path: Path) -> None:
    """A new key, whole or not at all; of two processes at once one makes it."""
    private_files.make_folder(path.parent)
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
