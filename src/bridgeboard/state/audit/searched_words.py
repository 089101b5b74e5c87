"""Words that were searched for, as digests, made with the key that lies beside the log."""

import hmac
from hashlib import sha256
from pathlib import Path
from typing import Final

from bridgeboard.state.audit import key as keys
from bridgeboard.state.audit.entry import AuditError

_BYTES: Final = 32


def key_beside(log: Path) -> bytes:
    """The key that stands beside a log, made if there is none.

    Raises:
        AuditError: when it cannot be read or made, or others may read it.
    """
    secret = keys.made_beside(log).secret
    try:
        key = bytes.fromhex(secret.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) < _BYTES:
        raise AuditError(f"{keys.beside(log)} is no key of the audit log: put it back as it was.")
    return key


def digest_of_words(key: bytes, words: str) -> str:
    """A digest that is the same for the same words in any order and case.

    Whoever has the key can tell whether words are those of an entry; the entry alone tells nothing.
    """
    told = " ".join(sorted({word.casefold() for word in words.split()}))
    return hmac.new(key, told.encode("utf-8", "surrogatepass"), sha256).hexdigest()[:32]
