"""The report command: a period of the store as one HTML page; and how commands read a store."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Final, NoReturn
from zoneinfo import ZoneInfo

import typer

from bridgeboard import formats, settings, sync
from bridgeboard import report as reports
from bridgeboard.cli import filters
from bridgeboard.cli.store_commands import now
from bridgeboard.cli.terminal import err, explained, out
from bridgeboard.model import periods
from bridgeboard.model.errors import MetricError
from bridgeboard.model.scope import Scope
from bridgeboard.runtime import store_files
from bridgeboard.settings import Settings
from bridgeboard.store import Reader

STDOUT: Final = Path("-")
USUAL: Final = "last-month"
CUSTOM: Final = "custom"


def preset(text: str) -> str:
    """The name of a period."""
    if text not in periods.PRESETS:
        raise typer.BadParameter(f"{text!r} is none of {', '.join(periods.PRESETS)}")
    return text


def zone(text: str) -> str:
    """The name of a time zone."""
    try:
        return periods.everything(text).zone
    except MetricError as error:
        raise typer.BadParameter(str(error)) from None


Out = Annotated[
    Path, typer.Option("--out", "-o", help="The HTML file to write; - is the standard output.")
]
Period = Annotated[
    str | None,
    typer.Option(
        parser=preset,
        metavar="NAME",
        help=f"Which days: {', '.join(periods.PRESETS)}.",
        show_default=USUAL,
    ),
]
Day = datetime | None
From = Annotated[
    Day, typer.Option("--from", formats=["%Y-%m-%d"], help="The first of custom days.")
]
To = Annotated[
    Day,
    typer.Option(
        "--to", formats=["%Y-%m-%d"], help="The last of custom days.", show_default="today"
    ),
]
Zone = Annotated[
    str,
    typer.Option(parser=zone, metavar="ZONE", help="Whose days count, for example Europe/Berlin."),
]
StoreFile = Annotated[
    Path | None,
    typer.Option(
        "--store",
        exists=True,
        dir_okay=False,
        help="A store's file to read, for example a copy, instead of the deployment's own.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object, amounts as decimal texts.")]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there already.")]


@filters.with_filters
def report(
    *,
    to: Out,
    period: Period = None,
    first: From = None,
    last: To = None,
    zone: Zone = "UTC",
    only: filters.Only,
    store: StoreFile = None,
    force: Force = False,
) -> None:
    """Write usage and spend of a period as one page, to print or to mail. Asks no server."""
    at = now()
    with explained():
        configured = settings.read()
    named, scope = chosen_period(period, (first, last), at, zone, configured.first_weekday)
    scope = filters.narrowed(scope, only)
    _check_place(to, force=force)
    with snapshot(configured, store, scope) as reader:
        answers = reports.ask(reader, scope, named, at)
    _write(to, reports.page(answers).encode(), force=force)


def usd(pico: float | None) -> str | None:
    """An amount as commands print it in JSON: a decimal text, None where it is unknown."""
    return None if pico is None else formats.dollars(int(pico))


@contextmanager
def snapshot(
    configured: Settings, store: Path | None, scope: Scope | None = None
) -> Iterator[Reader]:
    """One state of the store of a command, which ends with what its filters name in vain."""
    with explained(), store_files.opened(configured, store) as opened:
        sync.name_models(opened)
        with opened.snapshot() as reader:
            yield reader
            strangers = reports.strangers(reader, scope or periods.everything())
    filters.remark(strangers)


def chosen_period(
    period: str | None, days: tuple[Day, Day], at: datetime, zone: str, week_start: int
) -> tuple[str, Scope]:
    """The period that the options say, by its name, and its days; days make it a custom one."""
    named = _named(period, *days)
    return named, _scope(named, at, zone, days, week_start)


def _named(period: str | None, first: Day, last: Day) -> str:
    """The period's name; days make it a custom one."""
    if first is None and last is None:
        if period == CUSTOM:
            _refuse("A custom period needs --from, and --to unless it ends today.")
        return period or USUAL
    if period not in {None, CUSTOM}:
        _refuse(f"--from and --to are for custom days: leave out --period {period}.")
    if first is None:
        _refuse("Say with --from when the custom days begin.")
    return CUSTOM


def _scope(named: str, at: datetime, zone: str, chosen: Sequence[Day], week_start: int) -> Scope:
    today = at.astimezone(ZoneInfo(zone)).date()
    first, last = (day.date() if day else None for day in chosen)
    custom: tuple[date, ...] = (first, last or today) if first else ()
    if custom and custom[0] > custom[-1]:
        _refuse(f"The period ends before it begins: {custom[0]} to {custom[-1]}.")
    try:
        return periods.scope(named, today, zone, custom, week_start=week_start)
    except (MetricError, OverflowError) as error:
        _refuse(f"These days cannot be reported: {error}")


def _check_place(to: Path, *, force: bool) -> None:
    """Refuse a place that cannot be written before anything takes time."""
    if to == STDOUT:
        return
    if to.is_dir():
        _refuse(f"{to} is a folder: name a file.")
    if not to.parent.is_dir():
        _refuse(f"There is no folder {to.parent}.")
    if to.exists() and not force:
        _refuse_file(to)


def _write(to: Path, page: bytes, *, force: bool) -> None:
    if to == STDOUT:
        typer.echo(page, nl=False)
        return
    try:
        if force:
            fresh = to.with_name(f".{to.name}.new")
            fresh.write_bytes(page)
            fresh.replace(to)
        else:
            with to.open("xb") as file:
                file.write(page)
    except FileExistsError:
        _refuse_file(to)
    except OSError as error:
        _refuse(f"{to} cannot be written ({error.strerror}).")
    out.print(f"Wrote {to}", markup=False)


def _refuse_file(to: Path) -> NoReturn:
    _refuse(f"{to} is there already: choose another name, or replace it with --force.")


def _refuse(why: str) -> NoReturn:
    err.print(f"bridgeboard: {why}", markup=False)
    raise typer.Exit(2)
