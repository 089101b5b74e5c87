"""Options of commands that narrow what is counted, by the dimensions that people filter by."""

from collections.abc import Iterable, Mapping
from typing import Annotated

import typer

from bridgeboard import formats
from bridgeboard.cli.terminal import err
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.scope import Scope

Values = list[str] | None
"""What an option was given; it may be repeated."""


def _only(by: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(
        help=f"Only this {DIMENSIONS[by].label.lower()}; may be repeated.", metavar="NAME"
    )
    return option


Team = Annotated[Values, _only("team")]
Person = Annotated[Values, _only("initiator")]
Provider = Annotated[Values, _only("provider")]
ProviderName = Annotated[Values, _only("provider_name")]
Vendor = Annotated[Values, _only("vendor")]
Family = Annotated[Values, _only("family")]
Model = Annotated[Values, _only("model")]
Client = Annotated[Values, _only("client")]


def narrowed(scope: Scope, wanted: Mapping[str, Values]) -> Scope:
    """A scope with only these values of dimensions, where any are given."""
    for by, values in wanted.items():
        if values:
            scope = scope.only(by, *values)
    return scope


def remark(unknown: Iterable[tuple[str, str]]) -> None:
    """Say which values of dimensions were never recorded: they may be misspelt."""
    for by, value in unknown:
        label = DIMENSIONS[by].label.lower()
        err.print(f"Nothing was ever recorded of {label} {formats.visible(value)!r}.", markup=False)
