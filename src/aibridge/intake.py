"""A body on its way in: unpacked, measured, and refused before it takes what nobody has.

Packed bytes grow a thousandfold. So they are unpacked here, never by more than may still come:
httpx unpacks at once whatever has arrived, and keeps what follows the end of a packed body.
"""

import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import httpx

from aibridge.answers import place, plain
from aibridge.errors import DecodeError, OversizedError, TimedOutError

MAX_BYTES = 64 * 1024 * 1024
MAX_ERROR_BYTES = 1024 * 1024
DEADLINE_SECONDS = 300.0
_WRAPPINGS: Final[Mapping[str, int]] = {
    "gzip": zlib.MAX_WBITS | 16,
    "deflate": zlib.MAX_WBITS,
}
_UNPACKED: Final = {"", "identity"}


@dataclass(frozen=True)
class Limits:
    """How large a decoded body may be, and how many seconds one attempt may take.

    A synchronous attempt looks at the clock at each piece of the body; on the network, at each
    wait for one (``punctual``). A head has 100 KB at most.
    """

    max_bytes: int = MAX_BYTES
    deadline: float = DEADLINE_SECONDS
    clock: Callable[[], float] = time.monotonic


class Intake:
    """What it refuses is refused for good; what broke off is not.

    Raises:
        DecodeError: for a packing that was not asked for.
        OversizedError: when the server announces too much.
    """

    def __init__(self, response: httpx.Response, limits: Limits, began: float) -> None:
        self._response = response
        self._limits = limits
        self._began = began
        # Of any other answer only the beginning is of interest, and the rest is cut.
        self._is_good = response.status_code == httpx.codes.OK
        self._most = limits.max_bytes if self._is_good else MAX_ERROR_BYTES
        self._body = bytearray()
        self._came = 0
        self._is_cut = False
        self._coding = response.headers.get("content-encoding", "identity").strip().lower()
        if self._coding not in _WRAPPINGS.keys() | _UNPACKED:
            raise self._packed_otherwise()
        # A transport that hands over its body in one piece has unpacked it.
        self._is_raw = self._coding in _UNPACKED or response.is_stream_consumed
        self._unpacker = zlib.decompressobj(_WRAPPINGS.get(self._coding, zlib.MAX_WBITS))
        if self._is_good and self._announced > self._most:
            raise self._oversized()

    @property
    def _announced(self) -> int:
        told = self._response.headers.get("content-length", "")
        return int(told) if told.isascii() and told.isdecimal() and len(told) < 20 else 0  # noqa: PLR2004  # more than any disk

    def take(self, piece: bytes) -> bool:
        """Keep a piece as it came over the wire; tell whether more is wanted.

        Raises:
            OversizedError, TimedOutError: when it is too much, or comes too late.
            httpx.DecodingError: when it cannot be unpacked.
        """
        if self._limits.clock() - self._began > self._limits.deadline:
            raise too_late(self._response.request, self._limits)
        self._came += len(piece)
        self._body += piece if self._is_raw else self._unpacked(piece)
        if max(self._came, len(self._body)) <= self._most:
            return True
        if self._is_good:
            raise self._oversized()
        self._is_cut = True
        return False

    def whole(self) -> httpx.Response:
        """The answer as if it had come in one piece and uncompressed.

        Raises:
            httpx.RemoteProtocolError: when less came than was announced.
        """
        sent = self._response
        self._check_length()
        left_out = {b"content-encoding", b"content-length", b"transfer-encoding"}
        return httpx.Response(
            sent.status_code,
            # As bytes: names of people, in whatever encoding, are found in headers of proxies.
            headers=[(k, v) for k, v in sent.headers.raw if k.lower() not in left_out],
            content=bytes(self._body),
            request=sent.request,
        )

    def _unpacked(self, piece: bytes) -> bytes:
        if self._unpacker.eof:
            return b""
        room = self._most + 1 - len(self._body)
        try:
            return self._unpacker.decompress(piece, room)
        except zlib.error as error:
            is_first = self._came == len(piece)
            if not (is_first and self._coding == "deflate"):
                raise httpx.DecodingError(str(error), request=self._response.request) from error
        # Some servers leave out the wrapping of what they call deflate.
        self._unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        self._coding = "bare deflate"
        return self._unpacked(piece)

    def _check_length(self) -> None:
        is_known = self._coding in _UNPACKED or not self._is_raw
        if is_known and self._came < self._announced and not self._is_cut:
            raise httpx.RemoteProtocolError(
                f"the body broke off after {self._came} of {self._announced} bytes",
                request=self._response.request,
            )

    def _packed_otherwise(self) -> DecodeError:
        request = self._response.request
        return DecodeError(
            f"The answer to GET {place(request)} is compressed as {plain(self._coding, 40)!r},"
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
