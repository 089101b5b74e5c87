"""The keys of a log: whoever lacks them can neither write entries nor guess searched words.

Entries are signed with the operator's key (``audit_key``), or with one in a file of the data
folder that is made with the first entry. Words that were searched for are noted as digests.
"""

import hmac
import os
import secrets
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final, Self

from bridgeboard import private_files
from bridgeboard.state.errors import AuditError

FILE: Final = "audit.key"
_NAME: Final = b"bridgeboard audit key"
_WORDS: Final = b"bridgeboard searched words"
_BYTES: Final = 32
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
_READING: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


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

    @property
    def for_words(self) -> bytes:
        """The key of digests of searched words. Raises AuditError for a file that holds none."""
        if self.is_given:
            return hmac.digest(self.secret, _WORDS, "sha256")
        try:
            key = bytes.fromhex(self.secret.decode("ascii"))
        except ValueError:
            key = b""
        if len(key) < _BYTES:
            raise AuditError(
                f"{FILE} is no key of the audit log: move it away, and a new one is made."
            )
        return key

    def digest(self, body: bytes) -> str:
        """What only who has the key can say of these bytes."""
        return hmac.digest(self.secret, body, "sha256").hex()


def read(path: Path) -> Key | None:
    """The key in a file; None if there is none. Raises AuditError."""
    try:
        with os.fdopen(os.open(path, _READING), "rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            text = file.read(64 * _BYTES).strip() if stat.S_ISREG(mode) else b""
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


def made(path: Path) -> Key:
    """The key in a file, made if there is none; of two processes at once one makes it.

    Raises:
        AuditError: when it cannot be made or read.
    """
    key = read(path)
    if key is None:
        try:
            _make(path)
        except OSError as error:
            raise AuditError(
                f"The key of the audit log, {path}, cannot be made ({error.strerror}). Make room,"
                " and let this account write to its folder."
            ) from error
        key = read(path)
    if key is None:
        raise AuditError(f"The key of the audit log, {path}, went away. Put it back.")
    return key


def digest_of_words(key: bytes, words: str) -> str:
    """A digest that is the same for the same words in any order and case.

    Whoever has the key can tell whether words are those of an entry; the entry alone tells nothing.
    """
    plain = " ".join(sorted({word.casefold() for word in words.split()}))
    return hmac.new(key, plain.encode("utf-8", "surrogatepass"), sha256).hexdigest()[:32]


def _make(path: Path) -> None:
    """A new key, whole or not at all."""
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
