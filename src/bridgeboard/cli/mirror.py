"""The mirror command: brings the mirror in ClickHouse up to date with the store."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from bridgeboard import formats, settings
from bridgeboard.analysis.completeness import Verdict, bad, good
from bridgeboard.cli.terminal import explained, out
from bridgeboard.clickhouse.errors import MirrorError
from bridgeboard.runtime import background_mirror, store_files, sync_steps
from bridgeboard.settings import Settings, SettingsError

Rebuild = Annotated[
    bool, typer.Option("--rebuild", help="Write every row anew, not only what has changed.")
]


def mirror(*, rebuild: Rebuild = False) -> None:
    """Mirror the local store to the ClickHouse that the setting mirror names. Asks no deployment.

    Readers there see the state before until all of it is written.
    """
    with explained():
        chosen = settings.read()
        to = background_mirror.server(chosen)
        if to is None:
            raise SettingsError("No mirror is set: there is no ClickHouse to mirror to.")
        with store_files.opened(chosen) as opened:
            sync_steps.gather(opened, chosen)
            done = background_mirror.mirrored(opened, to, datetime.now(UTC), rebuild=rebuild)
        text = (
            f"Version {done.version} is what readers of {to.database} see:"
            f" {formats.plural(done.rows, 'row')} written in"
            f" {formats.plural(done.blocks, 'block')}."
        )
        if done.dropped:
            text += f" {formats.plural(done.dropped, 'block')} that held no more are deleted."
        out.print(text, markup=False)


def verdicts(chosen: Settings) -> Iterator[Verdict]:
    """Whether the ClickHouse of the setting mirror answers, and what its readers see."""
    to = background_mirror.server(chosen)
    if to is None:
        return
    try:
        where, seconds = background_mirror.seen(to)
    except MirrorError as error:
        yield bad(str(error))
        return
    if seconds is None:
        yield good(f"ClickHouse at {where} answers; nothing is mirrored to it yet")
        return
    ago = formats.ago(timedelta(seconds=seconds))
    yield good(f"ClickHouse at {where} answers; its last change was published {ago}")
