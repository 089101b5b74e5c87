"""A small file for this account only: written whole and put in place at once, or not at all."""

import os
from pathlib import Path
from typing import Final

_MODE: Final = 0o600
_MAKING: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)


def put(path: Path, text: str) -> None:
    """Make a text the whole content of a file; after a crash it is the old one. Raises OSError."""
    fresh = path.with_name(f".{path.name}.new")
    # What a crash left there, or somebody else put there, is not written into.
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, _MAKING, _MODE), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
