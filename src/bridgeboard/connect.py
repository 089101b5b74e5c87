"""Settings → client: a deployment, or the demo company. The one switch between the two."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from aibridge import Client, default_retry
from bridgeboard.demo import api, server, world
from bridgeboard.demo.records import Role
from bridgeboard.settings import Settings, SettingsError

CONNECT_SECONDS = 10.0
RETRIES = 2
LONGEST_WAIT = 4.0


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
class Running:
    """A demo server that answers: its address and a token a role."""

    url: str
    tokens: dict[Role, str]


def client(settings: Settings) -> Client:
    """A client for the configured deployment, as patient as a reader before a page.

    It tries a failing request twice more within seconds, rather than for minutes. Raises an
    ``AIBridgeError`` for an address or token that cannot be used.
    """
    return Client(
        settings.url,
        settings.token.get_secret_value(),
        timeout=httpx.Timeout(settings.timeout_seconds, connect=CONNECT_SECONDS),
        retry=default_retry().copy_with(
            total=RETRIES, max_backoff_wait=LONGEST_WAIT, total_timeout=RETRIES * LONGEST_WAIT
        ),
    )


def bridge(demo: Demo, now: datetime) -> tuple[api.Bridge, dict[Role, str]]:
    """The demo company behind the API, and its tokens by role; ``now`` dates a living one."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    end = demo.end or midnight + timedelta(days=1)
    tables = world.make(demo.seed, end=end, days=demo.days, scale=demo.scale).tables
    tokens = api.tokens(tables, demo.seed)
    made = api.Bridge(
        tables,
        profile=demo.profile,
        tokens=api.holders(tables, tokens),
        switches=demo.switches,
        clock=None if demo.end else _clock,
    )
    return made, dict(tokens)


@contextmanager
def demo_server(
    demo: Demo, now: datetime, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Running]:
    """The demo server on a real port, 0 for any free one, until the block ends."""
    made, tokens = bridge(demo, now)
    running = server.Server(made, host, port)
    try:
        running.start()
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another with --port."
        ) from None
    try:
        yield Running(running.url, tokens)
    finally:
        running.stop()


def _clock() -> datetime:
    return datetime.now(UTC)
