"""Demo worlds the tests share; each is made once per process."""

import hashlib
from datetime import UTC, datetime
from functools import cache

from bridgeboard.demo.world import World, make

END = datetime(2026, 11, 16, 15, 4, 5, tzinfo=UTC)


@cache
def quarter() -> World:
    """The quarter of seed 7 at a third of the scale."""
    return make(7, end=END, scale=1 / 3)


@cache
def small() -> World:
    """Twenty days at a tenth of the scale, with the incidents that fit."""
    return make(7, end=END, days=20, scale=0.1)


def digest(world: World) -> str:
    """A fingerprint of everything in a world, in its order."""
    return hashlib.sha256(repr(world).encode()).hexdigest()
