"""Questions to a file that may be damaged, asked in a process of its own: it may die of them."""

import json
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from bridgeboard.store.errors import died, refused

PATIENCE_SECONDS: Final = 600.0
"""A question that takes longer is taken for one that never ends."""

_READER: Final = Path(__file__).with_name("reading.py")
_SETTINGS: Final[dict[str, str | bool]] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "threads": "1",
}
_OVER: Final = ("has been invalidated", "INTERNAL Error", "FATAL Error")


class UnreadableError(Exception):
    """What was asked for cannot be read; the message is the database's own, or how it died."""


class DiedError(UnreadableError):
    """The process that was asked died."""


class Apart:
    """A file open for reading in another process; a context manager that ends it.

    The process begins with the first question, and anew after one that it died of.
    """

    def __init__(
        self, path: Path, *, memory_mb: int = 512, patience: float = PATIENCE_SECONDS
    ) -> None:
        self._path = path
        self._settings = {**_SETTINGS, "memory_limit": f"{memory_mb}MB"}
        self._patience = patience
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end()

    def rows(self, sql: str) -> list[list[Any]]:
        """The answer as rows of what JSON holds; times and amounts of no JSON type are text.

        Raises:
            UnreadableError: when there is none.
            DiedError: when the process died of the question, or had to be ended.
            StoreError: when another process has the file, a later version wrote it, or there is no
                room for the answer.
        """
        answer = self._answer(sql)
        told: str | None = answer.get("error")
        if told is None:
            rows: list[list[Any]] = answer["rows"]
            return rows
        if error := refused(self._path, told):
            raise error
        if any(sign in told for sign in _OVER):
            self._end()
        raise UnreadableError(told)

    def _answer(self, sql: str) -> dict[str, Any]:
        process = self._process = self._process or self._begun()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("The reader cannot be spoken to.")
        watchdog = threading.Timer(self._patience, process.kill)
        watchdog.start()
        try:
            with suppress(BrokenPipeError):
                process.stdin.write(json.dumps(sql) + "\n")
                process.stdin.flush()
            line = process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line.endswith("\n"):
            raise DiedError(f"the reader ended with status {self._end()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _begun(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-P", str(_READER), str(self._path), json.dumps(self._settings)]
        return subprocess.Popen(  # noqa: S603  # ourselves
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )

    def _end(self) -> int | None:
        process, self._process = self._process, None
        if process is None:
            return None
        # After its input has ended it ends by itself, unless it is lost in a question.
        with suppress(BrokenPipeError), process:
            if process.stdin:
                process.stdin.close()
            try:
                process.wait(self._patience)
            except subprocess.TimeoutExpired:
                process.kill()
        return process.returncode


def check(path: Path) -> None:
    """Open a file elsewhere before it is opened here.

    Raises:
        StoreDamagedError: when that process dies of it. Whatever else is wrong is told, more
            exactly, by opening it here.
        StoreError: when another process has the file, or a later version wrote it.
    """
    with Apart(path) as asked:
        try:
            asked.rows("SELECT count(*) FROM duckdb_tables()")
        except DiedError as error:
            raise died(path, str(error)) from error
        except UnreadableError:
            return
