"""The demo company, and its AI Bridge server on a real port: in this process or one of its own."""

import gc
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from bridgeboard.demo import api, server, world
from bridgeboard.demo.newest_first import NewestFirst
from bridgeboard.demo.records import Role
from bridgeboard.settings import SettingsError

_HOST: Final = "127.0.0.1"
_NEWEST: Final = timedelta(days=7)
"""How many days a demo shows first. A sync reads them in the time that the others take to make."""


@dataclass(frozen=True)
class Demo:
    """Which demo company, on which server.

    ``end`` None is a living company: it was made up to the coming midnight (UTC) and shows itself
    as that time passes. Otherwise it ends at ``end`` and stands still.
    """

    profile: api.Profile = "v2.34"
    seed: int = 7
    days: int = 90
    scale: float = 1.0
    end: datetime | None = None
    switches: api.Switches = field(default_factory=api.Switches)


@dataclass(frozen=True)
class Company:
    """What a demo company knows beside its API: a token a role, and who is in which team."""

    tokens: dict[Role, str]
    teams: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Running(Company):
    """The company behind a demo server that answers, and the server's address."""

    url: str


def bridge(demo: Demo, now: datetime, since: datetime | None = None) -> tuple[api.Bridge, Company]:
    """The demo company behind the API, and what else it knows; ``now`` dates a living one.

    With ``since`` the bridge has no calls that start earlier.
    """
    end = _end(demo, now)
    company = world.make(demo.seed, end=end, days=demo.days, scale=demo.scale, since=since)
    tables = company.tables
    tokens = api.tokens(tables, demo.seed)
    server = api.Bridge(
        tables,
        profile=demo.profile,
        tokens=api.holders(tables, tokens),
        switches=demo.switches,
        clock=None if demo.end else _clock,
    )
    return server, Company(dict(tokens), company.teams)


def _end(demo: Demo, now: datetime) -> datetime:
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return demo.end or midnight + timedelta(days=1)


@contextmanager
def demo_server(
    demo: Demo, now: datetime, *, port: int = 0, newest_first: bool = False
) -> Iterator[Running]:
    """The demo server on a real port, 0 for any free one, until the block ends.

    With ``newest_first`` it serves as soon as its newest days are made, and makes the others then.
    """
    since = _end(demo, now) - _NEWEST if newest_first else None
    bridge_, company = bridge(demo, now, since)
    source = (
        NewestFirst(bridge_, since, _end(demo, now), lambda: bridge(demo, now)[0])
        if since
        else bridge_
    )
    running = server.Server(source, _HOST, port)
    try:
        running.start()
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {_HOST} port {port}: {error.strerror}. Choose another with --port."
        ) from None
    try:
        yield Running(company.tokens, company.teams, running.url)
    finally:
        running.stop()


@contextmanager
def demo_process(demo: Demo) -> Iterator[Running]:
    """The demo server in a process of its own, on any free port, until the block ends.

    The dashboard then has Python's lock for itself, so a sync keeps both cores busy. The switches
    of ``demo`` are the usual ones.
    """
    options: dict[str, Any] = {
        "profile": demo.profile,
        "seed": demo.seed,
        "days": demo.days,
        "scale": demo.scale,
        "end": demo.end and demo.end.isoformat(),
    }
    command = [sys.executable, "-m", __name__, json.dumps(options)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - ourselves
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise SettingsError("The server of the demo company did not start.")
        try:
            yield Running(**json.loads(line))
        finally:
            process.communicate()


def main() -> None:
    """Serve the company of the only argument until stdin ends: never longer than who started it."""
    # Ctrl+C reaches both processes of a terminal; the dashboard is the one to say goodbye.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    options = json.loads(sys.argv[1])
    end = options.pop("end")
    demo = Demo(**options, end=datetime.fromisoformat(end) if end else None)
    gc.set_threshold(200_000, 20, 100)  # what is made here stays: looking for garbage is in vain
    with demo_server(demo, datetime.now(UTC), newest_first=True) as running:
        answer = {"tokens": running.tokens, "teams": dict(running.teams), "url": running.url}
        print(json.dumps(answer), flush=True)  # noqa: T201 - for the process that started this one
        sys.stdin.read()


def _clock() -> datetime:
    return datetime.now(UTC)


if __name__ == "__main__":
    main()
