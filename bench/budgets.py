"""A dozen budgets of a store's company: of everything, and of some teams, people and models."""

from collections.abc import Mapping
from typing import Final

from bridgeboard.store import Store

_OF: Final[Mapping[str, str]] = {
    "team": "SELECT team FROM memberships GROUP BY 1 ORDER BY 1 LIMIT 4",
    "person": "SELECT username FROM initiators ORDER BY initiator LIMIT 4",
    "model": "SELECT model FROM usage GROUP BY 1 ORDER BY count(*) DESC LIMIT 3",
}


def budgets_toml(store: Store) -> str:
    """The text of a budgets file about the largest of a store."""
    tables = [_table("organization", "")]
    for scope, sql in _OF.items():
        tables += [_table(scope, value) for (value,) in store.rows(sql)]
    return "\n".join(tables)


def _table(scope: str, value: str) -> str:
    line = f'value = "{value}"\n' if value else ""
    return (
        f'[[budget]]\nname = "{scope} {value}"\nscope = "{scope}"\n{line}'
        'amount = "100"\nperiod = "month"\n'
    )
