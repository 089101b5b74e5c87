"""The word index of prompts: runs of some thousand prompts, and the words of each run.

A run is a stretch of keys of requests. It says that every prompt under one of its keys has no other
words than these, so a run can only be ruled out; what is in no run has to be read. Whoever writes
under a key of a run therefore forgets the run in the same batch, and it is gathered again later.

Words are what stands between ASCII characters that are no letters or digits, ASCII letters in
lower case. They are compared as texts are, so that no rule of letters is written twice.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.model import text_runs
from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch, Reader

TEXTS: Final = 4_000
"""Prompts of a run, about."""
LEAST: Final = 50_000
"""So many prompts are read in no time: with fewer that are in no run, nothing is gathered."""

_PIECE: Final = 8
"""Runs of a batch: a quarter of a second."""
_AT_ONCE: Final = 1_000
"""Prompts whose bytes are taken apart together: they are few enough for the processor's cache."""
_LINE: Final = 16_000
"""Bytes of words in a row: DuckDB takes two thousand rows into memory at once."""
_SMALL: Final = 64_000
"""Bytes of words that are always kept; more only if they are less than half of the text."""
_BLANK: Final = ord(" ")

_RUNS: Final = "SELECT DISTINCT first, last FROM vocabulary ORDER BY first"
_COUNT: Final = "SELECT count(*) FROM prompts WHERE usage BETWEEN $1 AND $2"
_LOTS: Final = """
SELECT usage // $3 AS lot, max(usage), count(*) FROM prompts WHERE usage BETWEEN $1 AND $2
GROUP BY lot ORDER BY lot
"""
_TEXT: Final = "SELECT started_at, text FROM prompts WHERE usage BETWEEN $1 AND $2"
_FORGET: Final = """
DELETE FROM vocabulary v
WHERE EXISTS (SELECT 1 FROM written w WHERE w.usage BETWEEN v.first AND v.last)
"""


def gather(
    store: Store,
    *,
    least: int = LEAST,
    texts: int = TEXTS,
    stops: Callable[[], bool] = lambda: False,
) -> int:
    """Gather the words of prompts that are in no run yet, in batches of a quarter of a second.

    What was gathered stays when it is stopped or killed. No answer is another afterwards, so the
    store's version stays what it is.

    Args:
        store: whose prompts.
        least: with fewer prompts in no run, nothing is done.
        texts: prompts of a run, about.
        stops: asked before every batch.

    Returns:
        The number of prompts that are in a run now and were in none.
    """
    with store.snapshot() as reader:
        gaps = text_runs.gaps(reader.rows(_RUNS))
        if sum(reader.rows(_COUNT, gap)[0][0] for gap in gaps) < max(least, 1):
            return 0
        cuts = [cut for gap in gaps for cut in _cuts(reader, gap, texts)]
    done = 0
    for begin in range(0, len(cuts), _PIECE):
        if stops():
            break
        with store.write() as batch:
            done += sum(_put(batch, *cut) for cut in cuts[begin : begin + _PIECE])
    return done


def forget(batch: Batch, keys: pa.Array | pa.ChunkedArray) -> None:
    """Forget the runs that hold one of these keys of requests, whose prompts are written anew."""
    ((last,),) = batch.rows("SELECT max(last) FROM vocabulary")
    if last is None or not len(keys) or pc.min(keys).as_py() > last:
        return
    with batch.registered(written=pa.table({"usage": keys})):
        batch.execute(_FORGET)


def _cuts(reader: Reader, gap: tuple[int, int], texts: int) -> Iterator[tuple[int, int]]:
    """A gap as stretches of about so many prompts. What will be written later is in none."""
    first, until = gap
    taken = last = 0
    lots = reader.rows(_LOTS, [first, until, max(1, texts // 64)])
    for _, last, count in lots:
        taken += count
        if taken >= texts:
            yield first, last
            first, taken = last + 1, 0
    if taken:
        yield first, last if until == text_runs.LAST_KEY else until


def _put(batch: Batch, first: int, last: int) -> int:
    """Gather the words of one stretch; the number of its prompts."""
    read = batch.table(_TEXT, [first, last])
    if not read.num_rows:
        return 0
    times = read["started_at"]
    since, until = pc.min(times).as_py(), pc.max(times).as_py()
    lines = pa.table({"words": pa.array(_lines(read["text"].combine_chunks()), pa.string())})
    with batch.registered(lines=lines):
        batch.keep(
            "INSERT INTO vocabulary SELECT $1, $2, $3, $4, $5, words FROM lines",
            [first, last, since, until, read.num_rows],
        )
    return int(read.num_rows)


def _lines(texts: pa.StringArray) -> list[bytes] | list[None]:
    """All words of texts, in lines with blanks around each; no line at all for too many."""
    pieces: set[bytes] = set()
    read = 0
    for begin in range(0, len(texts), _AT_ONCE):
        text, edges = _written(texts.slice(begin, _AT_ONCE))
        pieces.update(_pieces(text, edges))
        read += len(text)
    words = sorted({piece.rstrip() for piece in pieces} - {b""})
    if sum(map(len, words)) + len(words) > max(_SMALL, read // 2):
        return [None]
    return list(_joined(words)) or [b""]


def _written(texts: pa.StringArray) -> tuple[bytes, np.ndarray]:
    """Texts one after the other, nothing but words and blanks, and where each begins."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset :][: len(texts) + 1]
    buffer = texts.buffers()[2] if offsets[-1] > offsets[0] else None
    text = bytes(buffer[offsets[0] : offsets[-1]]).translate(_PLAIN) if buffer else b""
    return text, offsets[:-1] - offsets[0]


def _pieces(text: bytes, begins: np.ndarray) -> list[bytes]:
    """Every word once, with the blanks after it, and what blanks texts begin with."""
    size = len(text)
    is_word = np.frombuffer(text, np.uint8) != _BLANK
    is_edge = np.ones(size + 1, np.bool_)
    np.logical_and(is_word[1:], ~is_word[:-1], out=is_edge[1:size])
    is_edge[begins] = True
    edges = np.flatnonzero(is_edge).astype(np.int32)
    buffers = [None, pa.py_buffer(edges), pa.py_buffer(text)]
    every = pa.Array.from_buffers(pa.binary(), len(edges) - 1, buffers)
    pieces: list[bytes] = every.unique().to_pylist()
    return pieces


def _joined(words: Iterable[bytes]) -> Iterator[bytes]:
    line: list[bytes] = []
    size = 0
    for word in words:
        line.append(word)
        size += len(word) + 1
        if size >= _LINE:
            yield b" %b " % b" ".join(line)
            line, size = [], 0
    if line:
        yield b" %b " % b" ".join(line)


def _plain(byte: int) -> int:
    """A byte of a text as it is among words: a blank where it is of none."""
    letter = chr(byte)
    if not letter.isascii():
        return byte
    return _BLANK if text_runs.BETWEEN_WORDS.match(letter) else ord(letter.lower())


_PLAIN: Final = bytes(map(_plain, range(256)))
