"""How a benchmark speaks: one JSON object a line on stdout, progress on stderr."""

import json
import statistics
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Sequence
from time import perf_counter


def arguments(description: str | None, **options: object) -> Namespace:
    """The command line: ``--strict`` and one option per name; a default tells its type."""
    reader = ArgumentParser(description=description)
    reader.add_argument("--strict", action="store_true", help="fail when a target is missed")
    for name, default in options.items():
        flag = f"--{name.replace('_', '-')}"
        if isinstance(default, bool):
            reader.add_argument(flag, action="store_true")
        elif isinstance(default, type):
            reader.add_argument(flag, type=default, required=True)
        else:
            reader.add_argument(flag, type=type(default), default=default)
    return reader.parse_args()


class Report:
    """Prints each measurement once it is known, and remembers whether a target was missed."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.missed: list[str] = []

    def say(
        self,
        name: str,
        value: float,
        unit: str,
        target: float | None = None,
        *,
        at_least: bool = False,
    ) -> None:
        """One measurement; a target is the most it may be, or the least with ``at_least``."""
        if target is not None and (value < target if at_least else value > target):
            self.missed.append(name)
        row = {"name": name, "value": round(value, 3), "unit": unit, "target": target}
        print(json.dumps(row), flush=True)

    def verdict(self) -> int:
        """The exit status: 1 if a target was missed and that matters."""
        if self.missed:
            note("missed: " + ", ".join(self.missed))
        return int(self.strict and bool(self.missed))


def note(text: str) -> None:
    """A line of progress, kept apart from the measurements."""
    print(text, file=sys.stderr, flush=True)


def median_ms(work: Callable[[], object], *, runs: int, warm: int = 2) -> float:
    """The median wall time of one call in milliseconds, after ``warm`` calls that do not count."""
    for _ in range(warm):
        work()
    return statistics.median(spent_ms(work) for _ in range(runs))


def spent_ms(work: Callable[[], object]) -> float:
    """How long one call took, in milliseconds."""
    start = perf_counter()
    work()
    return (perf_counter() - start) * 1000


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share of the values lies, without interpolation."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
