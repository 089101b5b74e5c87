"""Reads response bodies to their end, within limits of size and time.

A kilobyte of a compressed body may hold a megabyte, and httpx decompresses at once whatever has
arrived. So it is given the body in small pieces, and stopped when too much has come out.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from typing import Final

import httpx

from aibridge.answers import place, plain
from aibridge.errors import DecodeError, OversizedError, TimedOutError

MAX_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024
DEADLINE_SECONDS = 300.0
PIECE_BYTES: Final = 4096
MAX_FRUITLESS_BYTES: Final = 1024 * 1024
"""So many compressed bytes may come in a row of which nothing comes out."""

_UNCOMPRESSED: Final = {"", "identity"}
_ENCODINGS: Final = {*_UNCOMPRESSED, "gzip", "deflate"}
_WIRE_HEADERS: Final = {b"content-encoding", b"content-length", b"transfer-encoding"}


@dataclass(frozen=True)
class Limits:
    """How large a decoded body may be, and how many seconds one attempt may take.

    An attempt over the network ends at its deadline wherever it is (``deadlines``); one by a
    synchronous transport of the caller when the next piece of the body comes.
    """

    max_bytes: int = MAX_BYTES
    deadline: float = DEADLINE_SECONDS
    clock: Callable[[], float] = time.monotonic


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """Reads the body of one answer; as a stream, it is the body as it comes over the wire.

    Raises:
        DecodeError: for a compression that was not asked for.
        OversizedError: when the server announces too much.
    """

    def __init__(self, response: httpx.Response, limits: Limits, began: float) -> None:
        self._response = response
        self._limits = limits
        self._began = began
        # Of any other answer only the beginning is of interest, and the rest is cut.
        self._is_good = response.status_code == httpx.codes.OK
        self._max_bytes = limits.max_bytes if self._is_good else MAX_ERROR_BYTES
        self._content = bytearray()
        self._received = self._fruitful = 0
        self._is_cut = False
        # A transport that hands over its body in one piece has decompressed it.
        self._is_whole = response.is_stream_consumed
        encoding = response.headers.get("content-encoding", "").strip().lower()
        self._is_compressed = encoding not in _UNCOMPRESSED
        # Nothing to decode: a second response around the same bytes would only take time.
        self._is_plain = not (self._is_compressed or self._is_whole)
        if encoding not in _ENCODINGS:
            raise self._unasked(encoding)
        if self._is_good and self._announced > self._max_bytes:
            raise self._oversized()

    def read(self) -> httpx.Response:
        """The answer as if it had come in one piece and uncompressed.

        What is refused here is refused for good; what broke off is not.

        Raises:
            OversizedError, TimedOutError: when it is too much, or comes too late.
            httpx.DecodingError: when it cannot be decompressed.
            httpx.RemoteProtocolError: when less came than was announced.
        """
        for part in self if self._is_plain else self._decoded().iter_bytes():
            if not self._take(part):
                break
        return self._whole()

    async def aread(self) -> httpx.Response:
        """``read`` for asyncio."""
        async for part in self if self._is_plain else self._decoded().aiter_bytes():
            if not self._take(part):
                break
        return self._whole()

    def __iter__(self) -> Iterator[bytes]:
        for data in self._response.iter_raw():
            yield from self._pieces(data)
            if self._is_cut:
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._response.aiter_raw():
            for piece in self._pieces(data):
                yield piece
            if self._is_cut:
                return

    def _decoded(self) -> httpx.Response:
        response = self._response
        if self._is_whole:
            return response
        return httpx.Response(
            response.status_code, headers=response.headers, stream=self, request=response.request
        )

    def _pieces(self, data: bytes) -> Iterator[bytes]:
        size = PIECE_BYTES if self._is_compressed else max(1, len(data))
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            self._received += len(piece)
            fruitless = self._received - self._fruitful
            self._is_cut |= self._is_compressed and fruitless > MAX_FRUITLESS_BYTES
            if self._is_enough(self._received):
                return
            yield piece

    def _take(self, part: bytes) -> bool:
        self._fruitful = self._received
        self._content += part
        return not self._is_enough(len(self._content))

    def _is_enough(self, size: int) -> bool:
        if self._limits.clock() - self._began > self._limits.deadline:
            raise too_late(self._response.request, self._limits)
        if size > self._max_bytes and self._is_good:
            raise self._oversized()
        self._is_cut |= size > self._max_bytes
        return self._is_cut

    @property
    def _announced(self) -> int:
        length = self._response.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdecimal() and len(length) < 20 else 0  # noqa: PLR2004  # more than any disk

    def _whole(self) -> httpx.Response:
        response = self._response
        if not (self._is_cut or self._is_whole) and self._received < self._announced:
            raise httpx.RemoteProtocolError(
                f"the body broke off after {self._received} of {self._announced} bytes",
                request=response.request,
            )
        return httpx.Response(
            response.status_code,
            # As bytes: names of people, in whatever encoding, are found in headers of proxies.
            headers=[pair for pair in response.headers.raw if pair[0].lower() not in _WIRE_HEADERS],
            content=bytes(self._content),
            request=response.request,
        )

    def _unasked(self, encoding: str) -> DecodeError:
        request = self._response.request
        return DecodeError(
            f"The answer to GET {place(request)} is compressed as {plain(encoding, 40)!r},"
            " which was not asked for.",
            advice="Look at the proxies before the server.",
            status=self._response.status_code,
            method=request.method,
            url=str(request.url),
        )

    def _oversized(self) -> OversizedError:
        request = self._response.request
        return OversizedError(
            f"The answer to GET {place(request)} is larger than {self._limits.max_bytes:,} bytes.",
            method=request.method,
            url=str(request.url),
        )


def too_late(request: httpx.Request, limits: Limits) -> TimedOutError:
    """The error of an attempt that has lasted longer than it may."""
    return TimedOutError(
        f"GET {place(request)} was not answered whole within {limits.deadline:g} seconds.",
        method=request.method,
        url=str(request.url),
    )
