"""The budgets file of the company, as an operator would write one, for the day it is shown on."""

import json
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from bridgeboard.demo.company.company_data import table

_DAYS: Final = "_days"
_CENT: Final = Decimal("0.01")


def budgets_toml(day: date, teams: Mapping[str, tuple[str, ...]], scale: float) -> str:
    """The text of the file: amounts for a company of a size, days from a day on.

    A budget of a team or person that the company does not have is left out.
    """
    entries = [_entry(one, day, teams, Decimal(str(scale))) for one in table("budgets")["budget"]]
    return "\n".join(_written(entry) for entry in entries if entry)


def _entry(
    given: Mapping[str, Any], day: date, teams: Mapping[str, tuple[str, ...]], scale: Decimal
) -> dict[str, Any]:
    entry: dict[str, Any] = {}
    for key, value in given.items():
        if key.endswith(_DAYS):
            entry[key.removesuffix(_DAYS)] = day + timedelta(days=value)
        elif key == "member_of":
            entry["value"] = next(iter(teams.get(value, ())), "")
        elif key == "amount" and given.get("per") != "member" and given["scope"] != "person":
            entry[key] = str((Decimal(value) * scale).quantize(_CENT))
        else:
            entry[key] = value
    is_there = given["scope"] != "team" or given["value"] in teams
    return entry if is_there and entry.get("value") != "" else {}


def _written(entry: Mapping[str, Any]) -> str:
    """A table in TOML, whose texts can be written as those of JSON."""
    lines = (
        f"{key} = {value.isoformat() if isinstance(value, date) else json.dumps(value)}"
        for key, value in entry.items()
    )
    return "\n".join(("[[budget]]", *lines, ""))
