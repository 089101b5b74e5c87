"""The command line."""

import logging
import os
from importlib.metadata import version
from typing import Annotated

import typer

from bridgeboard import private_files
from bridgeboard.cli import (
    alerts,
    bridge,
    budgets,
    dashboard,
    deployment_checks,
    forecast,
    mirror,
    person,
    pricing,
    reporting,
    state_commands,
    store_commands,
    terminal,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A dashboard over Coder's AI Bridge.",
)
app.command()(dashboard.demo)
app.command()(dashboard.serve)
app.command("sync")(store_commands.copy)
app.command()(store_commands.reprice)
app.command()(pricing.price)
app.command()(reporting.report)
app.command()(forecast.forecast)
app.command()(bridge.bridge)
app.command()(alerts.alerts)
app.command()(budgets.budgets)
app.command()(store_commands.backup)
app.command()(store_commands.restore)
app.command()(store_commands.repair)
app.command()(mirror.mirror)
app.command()(deployment_checks.check)
app.command()(state_commands.audit)
app.command()(state_commands.logout)
app.add_typer(person.app, name="person")
app.command("demo-api")(dashboard.demo_api)


@app.callback(invoke_without_command=True)
def _options(
    *,
    show_version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Log more.")] = False,
) -> None:
    os.umask(private_files.UMASK)
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    if show_version:
        terminal.out.print(f"bridgeboard {version('bridgeboard')}")
        raise typer.Exit


def main() -> None:
    """The console script."""
    app()
