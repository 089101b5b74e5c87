"""The demo company, and its AI Bridge server on a real port."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from bridgeboard.demo import api, server, world
from bridgeboard.demo.records import Role
from bridgeboard.settings import SettingsError

_HOST: Final = "127.0.0.1"


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


def bridge(demo: Demo, now: datetime) -> tuple[api.Bridge, Company]:
    """The demo company behind the API, and what else it knows; ``now`` dates a living one."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = demo.end or midnight + timedelta(days=1)
    company = world.make(demo.seed, end=end, days=demo.days, scale=demo.scale)
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


@contextmanager
def demo_server(demo: Demo, now: datetime, *, port: int = 0) -> Iterator[Running]:
    """The demo server on a real port, 0 for any free one, until the block ends."""
    bridge_, company = bridge(demo, now)
    running = server.Server(bridge_, _HOST, port)
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


def _clock() -> datetime:
    return datetime.now(UTC)
