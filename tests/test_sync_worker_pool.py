"""Work at speed leaves Python as it found it."""

import gc
import sys
from contextlib import suppress

from bridgeboard.sync.worker_pool import at_speed


def test_turns_at_the_lock_are_short_only_while_a_crew_works() -> None:
    before = gc.get_threshold(), sys.getswitchinterval()
    with at_speed():
        assert sys.getswitchinterval() < before[1]
        assert gc.get_threshold()[0] > before[0][0]
    assert (gc.get_threshold(), sys.getswitchinterval()) == before


def test_a_crew_that_fails_leaves_python_as_it_was() -> None:
    before = gc.get_threshold(), sys.getswitchinterval()
    with suppress(KeyError), at_speed():
        raise KeyError
    assert (gc.get_threshold(), sys.getswitchinterval()) == before


def test_somebody_elses_shorter_turns_are_left_alone() -> None:
    usual = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        shorter = sys.getswitchinterval()
        with at_speed():
            assert sys.getswitchinterval() == shorter
        assert sys.getswitchinterval() == shorter
    finally:
        sys.setswitchinterval(usual)
