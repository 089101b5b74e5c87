"""``bridgeboard sync --watch``: a process that syncs for dashboards that only read."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import Annotated, Final

import typer

from bridgeboard.cli.terminal import out
from bridgeboard.runtime import store_files
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.server import sync_node_app
from bridgeboard.server.free_port import refuse_a_taken_port
from bridgeboard.settings import Settings
from bridgeboard.store import Store

SECONDS: Final = 60
"""Between two syncs, where the settings have dashboards make none by themselves."""
Host = Annotated[
    str | None,
    typer.Option(
        help="With --port: the address to listen on.",
        show_default="127.0.0.1",
    ),
]
Port = Annotated[
    int | None,
    typer.Option(
        min=1,
        max=65_535,
        help="With --watch: the port of /healthz and /metrics.",
        show_default="none",
    ),
]


def run(
    chosen: Settings,
    since: timedelta | None,
    stopped: Event,
    listen: tuple[str, int] | None,
    *,
    after_sync: Callable[[Store], None],
) -> None:
    """Sync, make backups, send alerts and answer wishes until a signal says to end.

    Args:
        chosen: the settings.
        since: how far back a first sync reads.
        stopped: is set by the signal.
        listen: address and port of health and metrics; None serves neither.
        after_sync: is called after each sync.

    Raises:
        SettingsError: for a port that is taken, and a data folder that others may enter.
    """
    if listen:
        refuse_a_taken_port(*listen)
    store_files.private_folder(chosen)
    chosen = chosen.model_copy(update={"sync_seconds": chosen.sync_seconds or SECONDS})
    with BackgroundSync(
        chosen, clock=_now, is_node=True, reads_back=since, after_sync=after_sync
    ) as keeper:
        if listen is None:
            stopped.wait()
        else:
            host, port = listen
            at = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            ready = f"Health and metrics are at {at}/healthz and {at}/metrics"
            sync_node_app.serve(
                keeper, host, port, clock=_now, when_ready=lambda: out.print(ready, markup=False)
            )


def _now() -> datetime:
    return datetime.now(UTC)
