"""A synthetic company from a seed: people with habits, a quarter of AI sessions, and the truth.

The world only fills the raw tables; the demo API computes every answer from them, so its
figures can be checked by counting here.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from bridgeboard.demo.company.company_data import PROVIDERS
from bridgeboard.demo.company.edge_cases import plant
from bridgeboard.demo.company.groups import cost_control
from bridgeboard.demo.company.incidents import Incident, forecast, strike, testify
from bridgeboard.demo.company.people import FULL_STAFF, staff, teams
from bridgeboard.demo.company.raw_tables import Books
from bridgeboard.demo.company.scene import Scene, Window
from bridgeboard.demo.company.seeded_random import cast, uuid
from bridgeboard.demo.company.workdays import work
from bridgeboard.demo.records import Tables

__all__ = ["Incident", "World", "make"]


@dataclass(frozen=True)
class World:
    """A company and all its bridge recorded from ``start`` to just before ``end`` (aware UTC).

    ``teams`` is the company's own knowledge, team → user names; the API tells them as groups.
    ``incidents`` are what went wrong, in the order of time.
    """

    seed: int
    start: datetime
    end: datetime
    tables: Tables
    teams: Mapping[str, tuple[str, ...]]
    incidents: tuple[Incident, ...]


def make(
    seed: int = 7,
    *,
    end: datetime,
    days: int = 90,
    scale: float = 1.0,
    quiet: bool = False,
    since: datetime | None = None,
) -> World:
    """Make the world of a seed; the same arguments give the same bytes everywhere.

    ``end`` is an aware time, ``days`` at least 1, ``scale`` above 0: 1 stands for 75 people, some
    60 of them active at the end, and about 70,000 interceptions in 90 days that cost about 19,000
    dollars. Nothing starts at or after ``end``; calls that run then end after it or never. A
    ``quiet`` world has no incidents. The same days of worlds with other ends tell nearly the same
    story. With ``since`` only the calls are made that start at that time or later, exactly as the
    whole world has them, which takes as much less time. ValueError for arguments out of range.
    """
    window = _window(end, days)
    if not scale > 0:
        raise ValueError(f"scale must be above 0, not {scale}")
    colleagues = staff(seed, scale)
    spells = () if quiet else forecast(seed, window, colleagues)
    scene = Scene(window, spells, Books())
    work(scene, seed, colleagues, _volume(scale, len(colleagues)), since)
    plant(scene, seed, colleagues, scale)
    strike(scene, seed, colleagues, scale)
    people = [one.person for one in colleagues]
    tables = replace(
        scene.books.tables(people, PROVIDERS, since),
        deployment_id=uuid(cast(seed, "deployment")),
        **cost_control(seed, people, window),
    )
    return World(seed, window.start, window.end, tables, teams(colleagues), testify(scene, tables))


def _window(end: datetime, days: int) -> Window:
    if end.tzinfo is None:
        raise ValueError("end must be an aware datetime: give it a tzinfo, for example UTC")
    if days < 1:
        raise ValueError(f"days must be at least 1, not {days}")
    end = end.astimezone(UTC)
    return Window(end - timedelta(days=days), end)


def _volume(scale: float, people: int) -> float:
    """How much more than usual each of so many people works, so that the sum fits the scale."""
    return scale * FULL_STAFF / people
