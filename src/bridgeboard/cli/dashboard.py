"""Commands that serve something: demo, serve, demo-api."""

import csv
import json
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from bridgeboard import settings
from bridgeboard.cli.terminal import end_politely, err, explained, out, stop_signal
from bridgeboard.demo import api
from bridgeboard.demo.company.budgets import budgets_toml
from bridgeboard.runtime import demo_company
from bridgeboard.runtime.demo_company import Demo
from bridgeboard.server import web_app
from bridgeboard.server.free_port import refuse_a_taken_port
from bridgeboard.settings import DemoSettings

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on.", show_default="8501")]
Publish = Annotated[
    str | None,
    typer.Option(
        "--publish",
        metavar="DIR",
        help="Put copies of the store there, for dashboards that only read.",
        show_default="publish_folder",
    ),
]
ReplicaOf = Annotated[
    str | None,
    typer.Option(
        "--replica",
        metavar="DIR",
        help="Only read the newest copy there. Needs no deployment and no token.",
        show_default="replica_folder",
    ),
]
ReadFrom = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="ADDRESS",
        help="Only read the ClickHouse that another process mirrors to:"
        " clickhouse://USER@HOST:8443/DATABASE.",
        show_default="store",
    ),
]
Remote = Annotated[
    bool | None,
    typer.Option(
        "--allow-remote",
        help="Let a demo company be looked at from other machines by whoever reaches the port.",
    ),
]
Profile = Annotated[api.Profile, typer.Option(help="Which server version it stands for.")]
Seed = Annotated[int, typer.Option(help="Which demo company.")]
Days = Annotated[int, typer.Option(min=1, max=730, help="How many days of history it has.")]
Scale = Annotated[
    float, typer.Option(min=0.05, max=100, help="Its size; 1 is about 60 active people.")
]
End = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
        help="Stand still at this time (UTC) instead of living on.",
        show_default="a living company",
    ),
]
MAKING_SECONDS: Final = 600.0
"""How long the server of a large demo company may make its older days, which a sync waits for."""
Unlicensed = Annotated[bool, typer.Option("--unlicensed", help="Without a licence.")]


def demo(  # noqa: PLR0917 - typer reads options from the signature
    host: Host = None,
    port: Port = None,
    profile: Profile = "v2.34",
    seed: Seed = 7,
    days: Days = 90,
    scale: Scale = 1.0,
    end: End = None,
    allow_remote: Remote = None,
) -> None:
    """Serve the dashboard on a built-in demo company. Needs no server and no token."""
    with explained():
        chosen = settings.read(host=host, port=port, allow_remote=allow_remote)
        web_app.refuse_an_open_door(DemoSettings.of(chosen, "", ""))
        refuse_a_taken_port(chosen.host, chosen.port)
        end_politely()
        err.print("Making the newest days of the demo company …")
        company = demo_company.Demo(profile, seed, days, scale, _aware(end))
        with (
            demo_company.demo_process(company) as running,
            tempfile.TemporaryDirectory(prefix="bridgeboard-demo-") as folder,
        ):
            err.print(f"Its AI Bridge server ({profile}) answers at {running.url}")
            teams_file = chosen.teams_file or _teams(Path(folder), running.teams)
            budgets_file = chosen.budgets_file or _budgets(Path(folder), company, running.teams)
            here = chosen.model_copy(
                update={
                    "data_folder": folder,
                    "teams_file": teams_file,
                    "budgets_file": budgets_file,
                    "timeout_seconds": max(chosen.timeout_seconds, MAKING_SECONDS),
                }
            )
            pointed = DemoSettings.of(here, running.url, running.tokens["owner"], company.end)
            web_app.serve(pointed, announce=_announce)


def serve(
    host: Host = None,
    port: Port = None,
    publish: Publish = None,
    replica: ReplicaOf = None,
    store: ReadFrom = None,
) -> None:
    """Serve the dashboard on a real deployment: CODER_URL and CODER_SESSION_TOKEN."""
    with explained():
        chosen = settings.read(
            host=host, port=port, publish_folder=publish, replica_folder=replica, store=store
        )
        if not chosen.configured:
            err.print("CODER_URL and CODER_SESSION_TOKEN are not both set; the page will say so.")
        web_app.serve(chosen, announce=_announce)


def demo_api(  # noqa: PLR0917 - typer reads options from the signature
    port: Annotated[int, typer.Option(min=0, max=65_535, help="Port; 0 is any free one.")] = 0,
    profile: Profile = "v2.34",
    seed: Seed = 7,
    days: Days = 90,
    scale: Scale = 1.0,
    end: End = None,
    latency: Annotated[float, typer.Option(min=0, help="Seconds every answer takes.")] = 0.0,
    rate_limit: Annotated[int, typer.Option(min=1, help="Requests a minute and path.")] = 512,
    unlicensed: Unlicensed = False,  # noqa: FBT002 - a switch of the command line
    failing: Annotated[float, typer.Option(min=0, max=1, help="Share of answers to break.")] = 0.0,
) -> None:
    """Serve the demo company's API alone. Prints one JSON line when it is ready."""
    faults = api.Faults(rate=failing, seed=seed) if failing else None
    switches = api.Switches(
        licensed=not unlicensed, rate_limit=rate_limit, latency_seconds=latency, faults=faults
    )
    with explained():
        company = demo_company.Demo(profile, seed, days, scale, _aware(end), switches)
        with demo_company.demo_server(company, datetime.now(UTC), port=port) as running:
            print(json.dumps({"url": running.url, "tokens": running.tokens}), flush=True)  # noqa: T201 - the machine-readable line
            stop_signal().wait()


def _aware(end: datetime | None) -> datetime | None:
    return end.replace(tzinfo=UTC) if end else None


def _teams(folder: Path, teams: Mapping[str, tuple[str, ...]]) -> str:
    """The company's teams file, as an operator would write one; its path."""
    path = folder / "teams.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("username", "team"))
        rows.writerows((name, team) for team, names in teams.items() for name in names)
    return str(path)


def _budgets(folder: Path, demo: Demo, teams: Mapping[str, tuple[str, ...]]) -> str:
    """The company's budgets, likewise."""
    path = folder / "budgets.toml"
    day = (demo.end or datetime.now(UTC)).date()
    path.write_text(budgets_toml(day, teams, demo.scale), "utf-8")
    return str(path)


def _announce(address: str) -> None:
    out.print(f"Bridgeboard is at {address}   (stop with Ctrl+C)")
