"""Who works at the demo company, and how: accounts, offices, favourite tools, temperament."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice
from random import Random
from typing import Final

from bridgeboard.demo.company.company_data import CLIENTS, table
from bridgeboard.demo.company.seeded_random import cast, chance, uuid, word
from bridgeboard.demo.records import Person, Role

_TABLE = table("people")
OFFICES: dict[str, tuple[str, int]] = _TABLE["offices"]
"""Team → its office and that office's distance from UTC in minutes.

Offices keep standard time all year, so a world needs no time zone database and is the same
wherever it is made.
"""

LEVELS: dict[str, tuple[float, float]] = _TABLE["levels"]
"""Temperament → its share of the staff and its sessions on an ordinary working day."""

FULL_STAFF: Final = 75
"""How many people there are at scale 1; some 60 of them are active at the end."""
_LEAVING: Final = ("mobile", 0.64)
"""The team that stops, and when: it goes back to working without the bridge."""
_SETTLED = {0: "regular", 1: "observer", 5: "light", 7: "regular"}
_PLAIN = str.maketrans("éèëïíáâãóöøôúüñçğşłńýžÅØŁ", "eeeiiaaaoooouuncgslnyzAOL")


@dataclass(frozen=True, slots=True)
class Habit:
    """How one person works.

    ``sessions`` is a mean per working day; ``offset`` the office's minutes east of UTC;
    ``stay`` and ``away`` are parts of the window (0 its start, 1 its end): of employment and
    of a holiday taken.
    """

    level: str
    sessions: float
    offset: int
    stay: tuple[float, float]
    away: tuple[float, float]
    clients: tuple[tuple[str, float], ...]
    growth: tuple[float, float]
    migrates: float
    weekends: float
    late: bool
    hour_cache: bool
    own_key: bool
    turnwise: bool


@dataclass(frozen=True, slots=True)
class Colleague:
    """A person with habits, the two API keys used in turn, and a key of his own."""

    person: Person
    habit: Habit
    api_keys: tuple[str, str]
    own_hint: str


def staff(seed: int, scale: float) -> tuple[Colleague, ...]:
    """The company for a seed: ``FULL_STAFF`` at scale 1, growing with the scale's root."""
    rng = cast(seed, "staff")
    size = max(14, round(FULL_STAFF * scale ** (0.5 if scale > 1 else 0.4)))
    people = [_special(person, place) for place, person in enumerate(_people(rng, size))]
    levels = _levels(rng, size)
    people = _farewell(people, levels)
    paired = zip(people, levels, strict=True)
    return tuple(_hire(seed, person, level, i) for i, (person, level) in enumerate(paired))


def teams(colleagues: Sequence[Colleague]) -> Mapping[str, tuple[str, ...]]:
    """Team → user names; the external auditor belongs to none."""
    members: dict[str, list[str]] = {team: [] for team in OFFICES}
    for colleague in colleagues:
        if colleague.person.team:
            members[colleague.person.team].append(colleague.person.username)
    return {team: tuple(names) for team, names in members.items()}


def _people(rng: Random, size: int) -> list[Person]:
    first, last = _TABLE["first_names"], _TABLE["last_names"]
    pairs = rng.sample(range(len(first) * len(last)), size)
    names = [(first[i % len(first)], last[i // len(first)]) for i in pairs]
    return [
        _account(rng, *name, team)
        for name, team in zip(names, islice(cycle(_TABLE["team_of_place"]), size), strict=True)
    ]


def _account(rng: Random, first: str, last: str, team: str) -> Person:
    # The user name Coder has for a person: plain lower-case letters and one hyphen.
    username = f"{first}-{last}".translate(_PLAIN).lower()
    avatar = f"https://avatars.example/{username}.png" if chance(rng, 0.6) else ""
    return Person(
        id=uuid(rng),
        username=username,
        name=f"{first} {last}",
        email=f"{username}@meridian.example",
        avatar_url=avatar,
        team=team,
    )


def _special(person: Person, place: int) -> Person:
    roles: dict[int, Role] = {0: "owner", 1: "auditor", 7: "owner"}
    person = replace(person, role=roles.get(place, "member"))
    match place:
        case 1:
            return replace(person, team="")
        case 3:
            return replace(person, name="")
        case 5:
            return replace(person, name='<img src=x onerror="alert(1)">Robert =1+1')
        case 8:
            return replace(person, name="佐藤 健 (Ken)")
        case _:
            return person


def _levels(rng: Random, size: int) -> list[str]:
    """Exact shares, so that two seeds give companies of the same vigour."""
    counts = {name: max(1, int(share * size)) for name, (share, _) in LEVELS.items()}
    counts["leaver"] = max(2, counts["leaver"])
    counts["regular"] += size - sum(counts.values()) - len(_SETTLED)
    levels = [name for name, count in counts.items() for _ in range(count)]
    rng.shuffle(levels)
    for place, level in sorted(_SETTLED.items()):
        levels.insert(place, level)
    return levels


def _farewell(people: Sequence[Person], levels: Sequence[str]) -> list[Person]:
    """Leavers' accounts: every other one is deleted, the rest are suspended."""
    gone = [place for place, level in enumerate(levels) if level == "leaver"]
    deleted, suspended = set(gone[::2]), set(gone[1::2])
    return [
        replace(
            person,
            deleted=place in deleted,
            status="suspended" if place in suspended else "active",
        )
        for place, person in enumerate(people)
    ]


def _hire(seed: int, person: Person, level: str, place: int) -> Colleague:
    rng = cast(seed, person.username, "habit")
    office = person.team if person.team and not chance(rng, 0.15) else rng.choice(tuple(OFFICES))
    first = rng.uniform(0.25, 0.85) if level == "newcomer" else 0.0
    last = rng.uniform(0.1, 0.2) if level == "dormant" else 1.0
    last = rng.uniform(0.45, 0.75) if level == "leaver" else last
    team, end = _LEAVING
    last = min(last, end) if person.team == team else last
    away = rng.uniform(0.05, 0.9)
    habit = Habit(
        level=level,
        sessions=LEVELS.get(level, (0.0, 0.0))[1] * rng.uniform(0.8, 1.2),
        offset=OFFICES[office][1],
        stay=(first, last),
        away=(away, away + 0.07) if chance(rng, 0.6) else (2.0, 2.0),
        clients=_repertoire(rng, place),
        growth=_TABLE["growth"].get(person.team, _TABLE["growth"]["usual"]),
        migrates=rng.uniform(0.45, 0.68),
        weekends=rng.choice((0.0, 0.02, 0.05, 0.15)),
        late=chance(rng, 0.15),
        hour_cache=chance(rng, 0.5),
        own_key=chance(rng, 0.12),
        turnwise=chance(rng, 0.35),
    )
    return Colleague(person, habit, (word(rng, 10), word(rng, 10)), _hint(rng))


def _repertoire(rng: Random, place: int) -> tuple[tuple[str, float], ...]:
    """A favourite, a second tool (over the staff, each client is somebody's), Claude Code."""
    favourites = _TABLE["favourite_clients"]
    favourite = favourites[place % len(favourites)]
    second = tuple(CLIENTS)[place * 5 % len(CLIENTS)]
    third = rng.choice(("Claude Code", "Cursor", "GitHub Copilot (VS Code)"))
    return (favourite, 0.86), (second, 0.08), (third, 0.06)


def _hint(rng: Random) -> str:
    return f"sk-a...{word(rng, 4)}"
