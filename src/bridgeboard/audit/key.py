"""The key of a log: whoever lacks it can neither write entries nor rewrite those that are there."""

import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from bridgeboard.audit.entry import AuditError

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


def beside(log: Path) -> Path:
    """The file of a log's key where no key is set."""
    return log.with_suffix(".key")


def read(path: Path) -> Key | None:
    """The key in a file; None if there is none. Raises AuditError."""
    try:
        mode, text = path.stat().st_mode, path.read_text("ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise AuditError(f"The key of the audit log, {path}, cannot be read ({error}).") from None
    if os.name != "nt" and mode & _OTHERS:
        raise AuditError(f"Others may read the key of the audit log. Run: chmod 600 {path}")
    if not text:
        raise AuditError(f"{path} is empty: put the key of the audit log back into it.")
    return Key(text.encode())
