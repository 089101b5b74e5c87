"""Checks in a process of its own whether a store's file can be read, as this may crash it."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bridgeboard.store.errors import died, refused

PATIENCE_SECONDS: Final = 600.0
"""A reader that takes longer to open a file, or to go on, is taken for one that never ends."""
_READER: Final = Path(__file__).with_name("whole_file_reader.py")


@dataclass(frozen=True)
class FileState:
    """What could be read of a file.

    Attributes:
        tables: the names of its tables; none when it cannot be opened.
        schema: its schema, as it says; None when that cannot be read.
        deployment_id: likewise.
        problem: why it cannot be read; empty for a file that can.
        has_died: whether the process that read it died of it, or never came to an end.
    """

    tables: tuple[str, ...] = ()
    schema: int | None = None
    deployment_id: str | None = None
    problem: str = ""
    has_died: bool = False


def read_file(path: Path, *, everything: bool, memory_mb: int = 512) -> FileState:
    """Open a file and its log in another process, and read all that is in them if asked to.

    Raises:
        StoreError: when another process has the file, a later DuckDB wrote it, or there is no
            memory to read it.
    """
    settings = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "allow_community_extensions": False,
        "enable_external_access": False,
        "memory_limit": f"{memory_mb}MB",
    }
    command = [sys.executable, "-P", str(_READER), str(path), "all" if everything else "open"]
    try:
        done = subprocess.run(  # noqa: S603 - ourselves
            [*command, json.dumps(settings)],
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_SECONDS * (10 if everything else 1),
            check=False,
        )
        output, ended = done.stdout, f"the reader ended with status {done.returncode}"
    except subprocess.TimeoutExpired as error:
        output = error.stdout.decode() if isinstance(error.stdout, bytes) else ""
        ended = "the reader did not come to an end"
    lines = [line for line in output.splitlines() if line.endswith("}")]
    progress = json.loads(lines[-1]) if lines else {}
    if error_of_another_kind := refused(path, progress.get("error", "")):
        raise error_of_another_kind
    has_died = not (progress.get("done") or progress.get("error"))
    meta = progress.get("meta", {})
    return FileState(
        tables=tuple(progress.get("tables", ())),
        schema=int(meta["schema"]) if str(meta.get("schema", "")).isdecimal() else None,
        deployment_id=meta.get("deployment_id"),
        problem=ended if has_died else progress["error"],
        has_died=has_died,
    )


def check_opens(path: Path) -> None:
    """Open a file elsewhere before it is opened here.

    Raises:
        StoreDamagedError: when that process dies of it. Whatever else is wrong is reported, more
            exactly, by opening it here.
        StoreError: as ``read_file`` does.
    """
    state = read_file(path, everything=False)
    if state.has_died:
        raise died(path, state.problem)
