"""The company of the vectors about groups and spend, behind a demo bridge."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from small_bridges import at, token

from bridgeboard.demo.api import Bridge, Profile, Switches
from bridgeboard.demo.records import Booking, Budget, Group, Person, Tables

VECTORS = json.loads((Path(__file__).parent / "vectors/groups-and-spend.json").read_text())
IDS: dict[str, str] = VECTORS["ids"]
PROFILES: list[Profile] = VECTORS["profiles"]


def budget(group: str, limit: int, person: str = "") -> Budget:
    return Budget(IDS[group], limit, at(0), at(0), IDS[person] if person else "")


def company(**limits: int) -> Tables:
    people = [Person(id=IDS[each["username"]], **each) for each in VECTORS["people"]]
    limits = VECTORS["limits"] | limits
    own = [budget(group, limit, who) for who, (group, limit) in VECTORS["overrides"].items()]
    return Tables(
        people=people,
        groups=[
            Group(IDS[name], name, IDS["org"], "", tuple(IDS[each] for each in members))
            for name, members in VECTORS["groups"].items()
        ],
        budgets=[*(budget(group, limit) for group, limit in limits.items()), *own],
        bookings=[
            Booking(IDS[who], IDS[group], datetime.fromisoformat(day).replace(tzinfo=UTC), amount)
            for who, group, day, amount in VECTORS["bookings"]
        ],
    )


def bridge(tables: Tables, profile: Profile = "v2.36-pre", **switches: Any) -> Bridge:
    now = datetime.fromisoformat(VECTORS["now"])
    return Bridge(
        tables,
        profile=profile,
        tokens={token(person): person.id for person in tables.people},
        switches=Switches(rate_limit=None, **switches),
        wall=lambda: now,
    )
