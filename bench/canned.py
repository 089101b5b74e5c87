"""A server that only hands out finished pages, so that a measured sync never waits for it.

It speaks as much of the API as a sync asks for: version, licence, caller, no providers, an empty
list of sessions, and the list of interceptions with ``started_after``, ``started_before`` and
``after_id``; with ``limit=1`` the first row of it, as counting asks. What it cannot answer from
whole pages it refuses with 400, for a wrong answer would make a wrong measurement.
"""

import asyncio
import json
import re
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from bench.shelves import ROWS, Page, shelve

DEPLOYMENT: Final = "bench"
_INFO: Final = {
    "version": "v2.34.1+1d9ccb7",
    "deployment_id": DEPLOYMENT,
    "dashboard_url": "",
    "external_url": "",
}
_FEATURE: Final = {"aibridge": {"enabled": True, "entitlement": "entitled"}}
_OWNER: Final = {
    "id": "00000000-0000-4000-8000-000000000001",
    "username": "owner",
    "email": "owner@example.com",
    "status": "active",
    "roles": [{"name": "owner", "display_name": "Owner"}],
}
_FIXED: Final[dict[str, Any]] = {
    "/api/v2/buildinfo": _INFO,
    "/api/v2/entitlements": {"features": _FEATURE, "has_license": True},
    "/api/v2/users/me": _OWNER,
    "/api/v2/ai/providers": [],
    "/api/v2/aibridge/providers": [],
    "/api/v2/aibridge/sessions": {"count": 0, "sessions": []},
}
_LIST: Final = "/api/v2/aibridge/interceptions"


class Unaligned(Exception):  # noqa: N818  # the request is refused; nothing went wrong in here
    """A request whose answer is not a whole page."""


@dataclass(frozen=True)
class Shelf:
    """All pages, newest first; every one lies within one day."""

    pages: Sequence[Page]

    def within(self, after: datetime | None, before: datetime | None) -> Sequence[Page]:
        """The pages between two moments, both inclusive.

        Raises:
            Unaligned: when a bound cuts a page.
        """
        cut = [
            page
            for page in self.pages
            if not (before and page.oldest > before) and not (after and page.newest < after)
        ]
        if any(
            (before and page.newest > before) or (after and page.oldest < after) for page in cut
        ):
            raise Unaligned
        return cut

    def answer(self, asked: dict[str, str]) -> bytes:
        """The answer to a question for rows.

        Raises:
            Unaligned: when it would not be a whole page, nor the first row alone.
        """
        query = asked.get("q", "")
        pages = self.within(moment(query, "started_after"), moment(query, "started_before"))
        pages, count = pages[_behind(pages, asked.get("after_id")) :], len(pages) * ROWS
        limit = int(asked.get("limit", "100"))
        if limit not in {1, ROWS} or int(asked.get("offset", "0")):
            raise Unaligned
        if pages and limit == ROWS:
            return _response(200, pages[0].gzipped(count), b"Content-Encoding: gzip\r\n")
        rows = pages[0].first if pages else b""
        return _response(200, b'{"results":[%s],"count":%d}' % (rows, count))


def _behind(pages: Sequence[Page], after_id: str | None) -> int:
    if not after_id:
        return 0
    place = next((place for place, page in enumerate(pages) if page.last == after_id), None)
    if place is None:
        raise Unaligned
    return place + 1


def moment(query: str, name: str) -> datetime | None:
    """The time that a filter names; None without it."""
    found = re.search(rf'{name}:"([^"]+)"', query)
    return datetime.fromisoformat(found[1]) if found else None


def midnight(moment: datetime) -> datetime:
    """The beginning of that day in UTC; a moment without a zone is in UTC."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)


@contextmanager
def served(pages: int, daily: int, today: datetime) -> Iterator[str]:
    """A process of its own that serves that many pages; its address."""
    asked = {"--pages": pages, "--daily": daily, "--today": today.isoformat()}
    words = [str(word) for pair in asked.items() for word in pair]
    command = [sys.executable, "-m", "bench.canned", *words]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603  # ourselves
        if process.stdout is None:
            raise RuntimeError("The server cannot tell its port.")
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


async def serve(shelf: Shelf) -> None:
    """Listen on a free port of this machine, tell it on stdout, and serve until stdin ends.

    So the server never outlives who started it.
    """

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            await _skip_headers(reader)
            writer.write(answer(shelf, line.split()[1].decode()))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


async def _skip_headers(reader: asyncio.StreamReader) -> None:
    while (await reader.readline()).strip():
        pass


def answer(shelf: Shelf, target: str) -> bytes:
    """The bytes of one answer, head and body."""
    address = urlsplit(target)
    if address.path in _FIXED:
        return _response(200, json.dumps(_FIXED[address.path]).encode())
    if address.path != _LIST:
        return _response(404, b'{"message":"Route not found."}')
    asked = {name: values[0] for name, values in parse_qs(address.query).items()}
    try:
        return shelf.answer(asked)
    except Unaligned:
        return _response(400, b'{"message":"No whole page answers this."}')


def _response(status: int, body: bytes, header: bytes = b"") -> bytes:
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").encode()
    head = b"HTTP/1.1 %d x\r\nContent-Type: application/json; charset=utf-8\r\nDate: %s\r\n"
    return (head + b"Content-Length: %d\r\n%s\r\n") % (status, date, len(body), header) + body


def main() -> None:
    """Make the pages, then serve them."""
    reader = ArgumentParser(description=__doc__)
    reader.add_argument("--pages", type=int, required=True)
    reader.add_argument("--daily", type=int, required=True, help="pages in a day")
    reader.add_argument("--today", type=datetime.fromisoformat, required=True)
    asked = reader.parse_args()
    with tempfile.TemporaryDirectory(prefix="canned-") as folder:
        place = Path(folder)
        numbers = range(asked.pages)
        made = [shelve(number, asked.daily, asked.today, place) for number in numbers]
        asyncio.run(serve(Shelf(made)))


if __name__ == "__main__":
    main()
