"""Reads text files that operators write by hand or save from a spreadsheet.

UTF-8, with or without a byte order mark, and UTF-16 with one are read. Everything else is refused
with the cause: text that was decoded by a guess would give people and teams other names.
"""

import codecs
import os
import stat
from pathlib import Path
from typing import Final

LARGEST: Final = 8 * 2**20
"""Bytes of a file."""
_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    # The mark of UTF-32 begins like that of UTF-16.
    (codecs.BOM_UTF32_LE, ""),
    (codecs.BOM_UTF32_BE, ""),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_READING: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
_SAVE: Final = "Save it as UTF-8."


class UnreadableTextError(ValueError):
    """A file cannot be read as text; the message says why, and what to do, without its name."""


def read(path: Path, *, largest: int = LARGEST) -> str:
    """The text of a file without a byte order mark; every line break is a line feed.

    Raises:
        UnreadableTextError: when it cannot be read, is no regular file, too large, or no text.
    """
    try:
        # A pipe in its place is not waited for.
        with os.fdopen(os.open(path, _READING), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableTextError("is not a regular file")
            data = file.read(largest + 1)
    except OSError as error:
        raise UnreadableTextError(
            f"cannot be read: {error.strerror}. Check the path, and that this account may read it."
        ) from error
    if len(data) > largest:
        raise UnreadableTextError(f"has more than {largest:,} bytes; is it the right file?")
    return decoded(data)


def decoded(data: bytes) -> str:
    """Text of bytes, likewise. Raises UnreadableTextError."""
    mark, encoding = next((one for one in _MARKS if data.startswith(one[0])), (b"", "utf-8"))
    if not encoding:
        raise UnreadableTextError(f"is in UTF-32. {_SAVE}")
    try:
        text = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        raise UnreadableTextError(_not_in(encoding, data, len(mark) + error.start)) from error
    if "\0" in text:
        cause = (
            "holds zero bytes: it is UTF-16 without a byte order mark, or no text"
            if encoding == "utf-8"
            else "holds zero characters, so it is no text"
        )
        raise UnreadableTextError(f"{cause}. {_SAVE}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _not_in(encoding: str, data: bytes, at: int) -> str:
    if encoding != "utf-8":
        return f"is not valid UTF-16, though it begins like it. {_SAVE}"
    line = data.count(b"\n", 0, at) + 1
    return (
        f"is not in UTF-8: line {line} has a character in another encoding. Spreadsheets and"
        f" editors of Windows often save in Windows-1252 (ANSI). {_SAVE}"
    )
