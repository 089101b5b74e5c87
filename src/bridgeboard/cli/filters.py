"""Options of commands that narrow what is counted, by the dimensions that people filter by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from inspect import Parameter, Signature, signature
from typing import Annotated, Any, Final

import typer

from bridgeboard import formats
from bridgeboard.cli.terminal import err
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.pages import FILTERS
from bridgeboard.model.scope import Scope

OPTIONS: Final = {by: by for by in FILTERS} | {"initiator": "person"}
"""Dimensions that people filter by → the option's name, in the order of the scope bar."""
Only = Mapping[str, Sequence[str] | None]
"""What each dimension's option was given; None where it was left out."""


def with_filters(command: Callable[..., None]) -> Callable[..., None]:
    """A command with an option of each filter in place of its parameter ``only``."""

    @wraps(command)
    def run(**given: Any) -> None:
        command(only={by: given.pop(name) for by, name in OPTIONS.items()}, **given)

    options = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=_repeatable(by))
        for by, name in OPTIONS.items()
    ]
    declared = signature(command).parameters
    both = [
        one for name, given in declared.items() for one in (options if name == "only" else [given])
    ]
    run.__signature__ = Signature(both)  # type: ignore[attr-defined]  # where typer reads options
    return run


def _repeatable(by: str) -> object:
    meaning = f"Only this {DIMENSIONS[by].label.lower()}; may be repeated."
    return Annotated[list[str] | None, typer.Option(help=meaning, metavar="NAME")]


def narrowed(scope: Scope, only: Only) -> Scope:
    """A scope with only these values of dimensions, where any are given."""
    for by, values in only.items():
        if values:
            scope = scope.only(by, *values)
    return scope


def remark(unknown: Iterable[tuple[str, str]]) -> None:
    """Say which values of dimensions were never recorded: they may be misspelt."""
    for by, value in unknown:
        label = DIMENSIONS[by].label.lower()
        err.print(f"Nothing was ever recorded of {label} {formats.visible(value)!r}.", markup=False)
