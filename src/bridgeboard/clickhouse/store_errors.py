"""Errors of a store that is read from ClickHouse; each message says what to do next.

StoreError
├── ServerAwayError        no host of the server answers, or it broke off
├── ServerRefusedError     the user, the password or a right is missing
├── ServerUnfitError       a version or settings with which answers would be others
├── ServerFailedError      anything else that the server says: too slow, no memory, a full disk
├── MirrorUnreadableError  what is mirrored there was written by another Bridgeboard
└── MovedError             the state that was read is gone: ask again

A server's own words are never repeated: they may quote rows, and rows hold what people typed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bridgeboard.model.store import StoreError


class ServerAwayError(StoreError):
    """No host answers, or one broke off in the middle of an answer."""


class AnsweredError(StoreError):
    """The server said that it does not answer.

    Attributes:
        code: of ClickHouse's error; None where it did not say one.
    """

    code: int | None = None


class ServerRefusedError(AnsweredError):
    """The server refuses the user, the password, or what the user asks."""


class ServerUnfitError(AnsweredError):
    """A server with which answers would be others than they should be."""


class ServerFailedError(AnsweredError):
    """The server could not answer."""


class MirrorUnreadableError(StoreError):
    """What is mirrored there cannot be read by this Bridgeboard."""


_REFUSED: Final[dict[int | None, str]] = {
    192: "it does not know the user that store names",
    193: "the password is wrong. Look at store_password",
    194: "it asks for a password. Give it by store_password_file",
    497: "this user may not read there. Grant what docs/deployment.md names",
    516: "it refuses the user or the password. Look at store and store_password",
}
"""Code of an error of the account → what it means and what to do."""
_UNFIT: Final[dict[int | None, str]] = {
    115: "it does not know a setting that is needed. Upgrade it",
    164: (
        "this user may not change settings of its own statements. Give the user readonly = 2, and"
        " not 1"
    ),
    452: "a setting that is needed is kept from this user. Look at the constraints of its profile",
}
"""Likewise of its settings."""
_FAILED: Final[dict[int | None, str]] = {
    60: "a table is missing. Run where the store is: bridgeboard mirror --rebuild",
    81: "there is no such database. Look whether store names it rightly",
    47: "a column is missing. Upgrade Bridgeboard where the store is mirrored",
    159: "a statement took too long. Try again, or look at what else the server does",
    160: "a statement would take too long. Ask for less time, or give the server more cores",
    202: "too many statements run there now. Try again",
    241: "it is short of memory. Try again, or give the server more",
    289: "this replica does not have everything yet. Try again",
    307: "a statement reads more than the user may. Raise max_bytes_to_read of its profile",
    158: "a statement reads more than the user may. Raise max_rows_to_read of its profile",
}
"""Likewise of anything else."""
_AWAY: Final = (
    "ClickHouse at {where} does not answer. Look whether it runs, and whether store names it"
    " rightly; it is tried again with the next question."
)


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Raise what the client raises as errors that say what to do."""
    from clickhouse_connect.driver.exceptions import (  # noqa: PLC0415 - an optional package
        ClickHouseError,
        Error,
    )
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - comes with it

    try:
        yield
    except ClickHouseError as error:
        raise _error(where, error if isinstance(error, Error) else Error()) from None
    except (HTTPError, OSError, EOFError):
        raise ServerAwayError(_AWAY.format(where=where)) from None


def away(where: str) -> ServerAwayError:
    """The error of hosts of which none answers."""
    return ServerAwayError(_AWAY.format(where=where))


def _error(where: str, error: object) -> StoreError:
    from urllib3.exceptions import ReadTimeoutError  # noqa: PLC0415 - comes with the client

    code: int | None = getattr(error, "code", None)
    name: str | None = getattr(error, "name", None)
    kinds: tuple[tuple[type[AnsweredError], dict[int | None, str]], ...] = (
        (ServerRefusedError, _REFUSED),
        (ServerUnfitError, _UNFIT),
        (ServerFailedError, _FAILED),
    )
    for kind, texts in kinds:
        if code in texts:
            known = kind(
                f"ClickHouse at {where}: {texts[code]} (code {code}, {name or 'no name'})."
            )
            known.code = code
            return known
    if code is None and isinstance(getattr(error, "__cause__", None), ReadTimeoutError):
        return ServerFailedError(f"ClickHouse at {where}: {_FAILED[159]}.")
    if code is None:
        return ServerAwayError(_AWAY.format(where=where))
    failed = ServerFailedError(
        f"ClickHouse at {where} failed (code {code}, {name or 'no name'}). The log of the server"
        " says more; the question is asked again when the page is."
    )
    failed.code = code
    return failed
