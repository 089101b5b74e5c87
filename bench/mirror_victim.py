"""A process that writes to a store and mirrors it, until ``bench.mirror`` kills it.

``python -m bench.mirror_victim STORE URL``; a line on stdout says that it begins.
"""

import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from bridgeboard.clickhouse.connection import Server, connected
from bridgeboard.clickhouse.mirror import Done, Mirror
from bridgeboard.store import Store

ROWS: Final = 900
FIRST: Final = 1_000_000_000_000
"""Keys from here on are of requests that were added here."""
BATCHES: Final = "bench_batches"
_NEW: Final = (
    "INSERT INTO {0} SELECT * EXCLUDE (fresh) REPLACE (fresh AS usage) FROM (SELECT *,"
    f" {FIRST} + $1 * {ROWS} + row_number() OVER () AS fresh FROM (FROM {{0}}"
    f" WHERE usage < {FIRST} ORDER BY started_at DESC LIMIT {ROWS}))"
)


def server(url: str) -> Server:
    """Where the database of an address is."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 8123
    return Server(
        [(host, port)],
        parts.path.strip("/"),
        parts.username or "default",
        parts.password or "",
        is_secure=parts.scheme == "https",
    )


def change(store: Store) -> int:
    """Add a batch of requests, change one of the first month, delete one; how many batches."""
    number = int(store.meta(BATCHES) or 0)
    with store.write() as batch:
        for table in ("usage", "responses"):
            batch.execute(_NEW.format(table), [number])
        batch.execute(
            "UPDATE usage SET input_sum = input_sum + 1 WHERE usage ="
            " (SELECT usage FROM usage ORDER BY started_at LIMIT 1)"
        )
        batch.execute(
            "DELETE FROM tool_calls WHERE usage = (SELECT usage FROM tool_calls"
            " ORDER BY started_at DESC LIMIT 1)"
        )
        batch.set_meta(BATCHES, str(number + 1))
    return number + 1


def mirror(store: Store, to: Mirror) -> Done:
    """Mirror the store."""
    with store.snapshot() as reader:
        return to.run(reader, newest(store))  # type: ignore[arg-type]  # a reader of the store


def newest(store: Store) -> datetime:
    """The time of the last request, which is now."""
    ((at,),) = store.rows("SELECT max(started_at) FROM usage")
    return datetime.replace(at, tzinfo=UTC)


def main() -> None:
    """Work until somebody ends it."""
    path, url = sys.argv[1:]
    with (
        Store.open(Path(path)) as store,
        closing(Mirror(lambda: connected(server(url)))) as to,
    ):
        print("begins", flush=True)
        while True:
            change(store)
            mirror(store, to)


if __name__ == "__main__":
    main()
