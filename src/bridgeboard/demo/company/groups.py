"""The company's groups in Coder, their budgets, and the server's prices, from a TOML file."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from bridgeboard.demo.company.company_data import table
from bridgeboard.demo.company.people import OFFICES
from bridgeboard.demo.company.scene import Window
from bridgeboard.demo.company.seeded_random import cast, uuid
from bridgeboard.demo.records import Budget, Group, ModelPrice, Organization, Person

_TABLE: Final = table("groups")
_DOLLAR: Final = 1_000_000

PRICES: Final[Mapping[tuple[str, str], ModelPrice]] = {
    (provider, model): ModelPrice(*(round(dollars * _DOLLAR) for dollars in prices))
    for provider, models in _TABLE["prices"].items()
    for model, prices in models.items()
}
"""(recorded provider type, model) → micro-dollars per million tokens."""


def cost_control(seed: int, people: Iterable[Person], window: Window) -> dict[str, Any]:
    """The tables of groups, of budgets, which all were first set at the start, and of prices."""
    teams: dict[str, list[str]] = {team: [] for team in OFFICES}
    for person in people:
        if person.team:
            teams[person.team].append(person.id)
    organization = Organization(uuid(cast(seed, "organization")), **_TABLE["organization"])

    def group(name: str, display_name: str, members: Iterable[str]) -> Group:
        group_id = uuid(cast(seed, "group", name))
        return Group(group_id, name, organization.id, display_name, tuple(members))

    groups = {team: group(team, team.capitalize(), members) for team, members in teams.items()}
    for fields in _TABLE["groups"]:
        members = [_place(teams, *member) for member in fields["members"]]
        groups[fields["name"]] = group(fields["name"], fields["display_name"], members)
    budgets = [
        Budget(
            groups[name].id,
            dollars * _DOLLAR,
            window.start,
            window.start + (window.end - window.start) * changed,
        )
        for name, (dollars, changed) in _TABLE["limits"].items()
    ]
    own = _TABLE["override"]
    person_id = _place(teams, *own["member"])
    limit = own["dollars"] * _DOLLAR
    group_id = groups[own["member"][0]].id
    budgets.append(Budget(group_id, limit, window.start, window.start, person_id))
    return {
        "organizations": (organization,),
        "groups": tuple(groups.values()),
        "budgets": tuple(budgets),
        "prices": PRICES,
    }


def _place(teams: Mapping[str, list[str]], team: str, place: int) -> str:
    """The person at a place of a team; a small company has smaller teams."""
    return teams[team][place % len(teams[team])]
