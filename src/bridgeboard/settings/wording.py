"""What is wrong with settings, in words that name the setting and never its value."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from bridgeboard.settings.fields import table_variables, tables, variables
from bridgeboard.settings.model import Settings


def explained(error: ValidationError) -> str:
    """One line for each thing that is wrong."""
    lines = []
    for problem in error.errors(include_url=False, include_input=False, include_context=False):
        place = problem["loc"]
        name = _spoken(place)
        if problem["type"] == "extra_forbidden":
            lines.append(f"{name}: no such setting. Known are: {', '.join(_known(place))}.")
        else:
            said = problem["msg"].removeprefix("Value error, ").removesuffix(".")
            lines.append(f"{name}: {said}." if name else f"{said}.")
    return "\n".join(lines)


def _known(place: Sequence[Any]) -> list[str]:
    if len(place) > 1:
        return sorted(tables(Settings)[str(place[0])].model_fields)
    return sorted([*variables(Settings).values(), *tables(Settings), "roles", "leads"])


def _spoken(place: Sequence[Any]) -> str:
    """A place such as ("login", "client_id") with its environment variable."""
    names = variables(Settings)
    nested = {name: variable for variable, name in table_variables(Settings).items()}
    path = ".".join(map(str, place))
    if path in names:
        return f"{names[path]} ({path})"
    return f"{path} ({nested[path]})" if path in nested else path
