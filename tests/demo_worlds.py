"""Demo worlds the tests share; each is made once per process."""

import hashlib
from datetime import UTC, datetime
from functools import cache

from bridgeboard.demo.world import World, make

END = datetime(2026, 11, 16, 15, 4, 5, tzinfo=UTC)


@cache
def quarter() -> World:
    """The world of seed 7 at full scale."""
    return make(7, end=END)


@cache
def small() -> World:
    """Twenty days at a fifth of the scale, with the incidents that fit."""
    return make(7, end=END, days=20, scale=0.2)


def digest(world: World) -> str:
    """A fingerprint of everything in a world, in its order."""
    return hashlib.sha256(repr(world).encode()).hexdigest()
