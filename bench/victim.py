"""A process that works on a store until something befalls it: it is what ``bench.chaos`` kills.

It tells what it has committed, a JSON object a line: the store's version and the ids of requests
that are new in it. Whatever was told so must be there afterwards.
"""

import json
import logging
import resource
import signal
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import httpx

from aibridge import AIBridgeError, Client, Retry
from bridgeboard import pricing, sync
from bridgeboard import store as room
from bridgeboard.model.store import StoreError
from bridgeboard.pricing import Book
from bridgeboard.store import Store
from bridgeboard.sync import Options

PAGE = 20


def main() -> None:
    """Do what is asked; errors that are foreseen are told and end nothing."""
    reader = ArgumentParser(description=__doc__)
    reader.add_argument("what", choices=("sync", "reprice", "backup"))
    reader.add_argument("url")
    reader.add_argument("token")
    reader.add_argument("store", type=Path)
    reader.add_argument("--now", type=datetime.fromisoformat, required=True)
    reader.add_argument("--room", type=int, default=0, help="bytes that a file may have")
    reader.add_argument("--multiplier", type=float, default=1, help="of all prices")
    asked = reader.parse_args()
    logging.getLogger("aibridge").setLevel(logging.ERROR)
    with Store.open(asked.store, memory_mb=256, threads=2) as opened:
        _say(begun=True)
        for _ in range(2 if asked.room else 1):
            _limit(asked.room)
            _try(asked, opened)
            asked.room = 0


def _limit(size: int) -> None:
    """Let no file grow beyond this; 0 is no limit. It is how a disk fills up for one process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    most = resource.RLIM_INFINITY
    resource.setrlimit(resource.RLIMIT_FSIZE, (size or most, most))


def _try(asked: Namespace, opened: Store) -> None:
    known: set[str] = set()
    try:
        for _ in _steps(asked, opened):
            _tell(opened, known)
    except (AIBridgeError, StoreError) as error:
        _say(problem=f"{type(error).__name__}: {error}")
        with suppress(StoreError):
            _tell(opened, known)


def _steps(asked: Namespace, opened: Store) -> Iterator[object]:
    if asked.what == "sync":
        retry = Retry(total=3, backoff_factor=0.01, respect_retry_after_header=False)
        with Client(asked.url, asked.token, retry=retry, timeout=httpx.Timeout(5)) as client:
            yield from sync.run(client, opened, Options(page_size=PAGE), asked.now)
    elif asked.what == "reprice":
        book = Book(pricing.parse(f"[[price]]\nmultiplier = {asked.multiplier}\n"))
        sync.reprice(opened, book, asked.now, rows=100)
    else:
        folder = asked.store.with_name(f"backup-{opened.version}")
        room.backup(opened, folder, now=asked.now)
    yield None


def _tell(opened: Store, known: set[str]) -> None:
    with opened.snapshot() as reader:
        rows = reader.rows("SELECT id::VARCHAR FROM usage WHERE grain = 'interception'")
        version = reader.version
    ids = {id_ for (id_,) in rows} - known
    known |= ids
    _say(version=version, ids=sorted(ids))


def _say(**news: object) -> None:
    print(json.dumps(news), flush=True)


if __name__ == "__main__":
    main()
    sys.exit(0)
