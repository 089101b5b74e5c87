"""A deployment in the middle of a working day: its API, with new requests while one looks on.

The demo company's Wednesday is moved so that its ten o'clock is the present moment, whatever the
clock or the day here; the store of ``bench.world`` takes it for its own deployment.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from subprocess import PIPE, Popen
from typing import Any, Final

from bench.canned import DEPLOYMENT

from bridgeboard.demo import api, server, world
from bridgeboard.demo.records import Tables

SEED: Final = 7
SCALE: Final = 8.0
"""Some 200 people, who end half a dozen requests a minute at that time of the day, in bursts."""
TEN: Final = datetime(2026, 11, 11, 10, tzinfo=UTC)
MIDNIGHT: Final = datetime(2026, 11, 12, tzinfo=UTC)


@contextmanager
def living() -> Iterator[tuple[str, str]]:
    """A process of its own that serves it; its address and an owner's token."""
    command = [sys.executable, "-m", "bench.living"]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603  # ourselves
        if process.stdout is None:
            raise RuntimeError("The server cannot tell its address.")
        told = json.loads(process.stdout.readline())
        yield told["url"], told["token"]
        process.communicate()


def main() -> None:
    """Serve until stdin ends, so that the server never outlives who started it."""
    tables = _moved(datetime.now(UTC) - TEN)
    tokens = api.tokens(tables, SEED)
    bridge = api.Bridge(tables, tokens=api.holders(tables, tokens), clock=lambda: datetime.now(UTC))
    with server.Server(bridge) as running:
        print(json.dumps({"url": running.url, "token": tokens["owner"]}), flush=True)
        sys.stdin.read()


def _moved(by: timedelta) -> Tables:
    """One day of the company, so much later than it was made."""
    made = world.make(SEED, end=MIDNIGHT, days=1, scale=SCALE).tables
    rows = {field.name: getattr(made, field.name) for field in fields(made)}
    later = {
        name: tuple(_later(row, by) for row in given)
        for name, given in rows.items()
        if name != "deployment_id"
    }
    return replace(made, **later, deployment_id=DEPLOYMENT)


def _later(row: Any, by: timedelta) -> Any:
    times = {field.name: getattr(row, field.name) for field in fields(row)}
    return replace(row, **{name: at + by for name, at in times.items() if isinstance(at, datetime)})


if __name__ == "__main__":
    main()
