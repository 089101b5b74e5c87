"""What can go wrong between us and a ClickHouse, in words that say what to do.

A server's own words are never repeated: they may quote rows, and rows hold what people typed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_ADVICE: Final = {
    60: "a table is missing. Run: bridgeboard mirror --rebuild",
    81: "there is no such database. Create it (docs/deployment.md), or name another in mirror",
    159: "a statement took too long. It is tried again; look at what else the server does",
    192: "it does not know the user that mirror names",
    193: "the password is wrong. Look at mirror_password",
    241: "it is short of memory. It is tried again; give the server more, or look what else runs",
    242: "its tables are read-only now. Look at its Keeper and its disks",
    243: "its disk is full. Make room there; the mirror goes on by itself",
    252: "it has too many parts to merge. It is tried again; look at its disks",
    285: "too few of its replicas answer. Look whether all of them run",
    359: "a block is larger than max_partition_size_to_drop. Set that to 0 on the server",
    497: "this user may not do that. Grant what docs/deployment.md names",
    516: "it refuses the user or the password. Look at mirror and mirror_password",
}
"""Code of a server's error → what it means and what to do."""
_AWAY: Final = "It does not answer. Look whether it runs, and whether mirror names it rightly"


class MirrorError(Exception):
    """The mirror could not be brought up to date; the message says what to do."""


class MirrorTakenError(MirrorError):
    """Another process mirrors into the same database now."""


class ServerError(MirrorError):
    """A server failed or did not answer.

    Attributes:
        code: of ClickHouse; None where it did not say one.
    """

    def __init__(self, where: str, code: int | None, name: str | None) -> None:
        if code is None:
            super().__init__(f"ClickHouse at {where}: {_AWAY}.")
        else:
            what = _ADVICE.get(code, "it failed. The log of the server says more")
            super().__init__(f"ClickHouse at {where}: {what} (code {code}, {name or 'no name'}).")
        self.code = code


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what the client raises into errors that say what to do."""
    from clickhouse_connect.driver.exceptions import (  # noqa: PLC0415 - an optional package
        ClickHouseError,
        Error,
    )

    try:
        yield
    except ClickHouseError as error:
        known = error if isinstance(error, Error) else Error()
        raise ServerError(where, known.code, known.name) from None
    except OSError:
        raise ServerError(where, None, None) from None
