"""What somebody could read out of files, whatever a database says is in them."""

from pathlib import Path

import pyarrow as pa

_FRAME = b"\x28\xb5\x2f\xfd"
_LONGEST = 1 << 20


def readable(folder: Path) -> bytes:
    """All bytes of all files below a folder, with compressed text as it was before."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return b"\n".join(_with_text(path.read_bytes()) for path in files)


def _with_text(data: bytes) -> bytes:
    parts, at = [data], data.find(_FRAME)
    while at >= 0:
        parts.append(_decompressed(data[at : at + _LONGEST]))
        at = data.find(_FRAME, at + 1)
    return b"\n".join(parts)


def _decompressed(frame: bytes) -> bytes:
    """What a compressed frame begins with, as far as it can be read."""
    text = b""
    try:
        with pa.CompressedInputStream(pa.BufferReader(frame), "zstd") as stream:
            while piece := stream.read(1_024):
                text += piece
    except OSError:
        return text
    return text
