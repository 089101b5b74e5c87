"""How far off forecasts of the ends of months are, and how many ends lie within the band.

``python -m bench.forecast --seeds 1,2,3,4,5,6,7,8,9,10``. Each seed draws five companies of 300
days, whose weekdays and weekends differ and whose days are off by chance: one that stays as it is,
one that grows, one with holidays, one that moves to a model of a third of the price, and one with
incidents. Every month but the first is forecast on the mornings of its cut days
(``bridgeboard.analysis.forecast``).
"""

import random
import sys
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from statistics import mean
from typing import Final

from bench.report import Report, arguments, note

from bridgeboard.analysis.forecast import Days, Errors, errors

DAYS: Final = 300
FIRST: Final = date(2026, 1, 1)
DOLLAR: Final = 10**12
BAND: Final = (0.7, 0.9)
"""The share of ends that a band of eight in ten should hold."""
_MONTH: Final = 30

Factor = Callable[[int, random.Random], float]
"""How many times the usual amount is spent on a day."""


def main() -> int:
    """Draw the companies, forecast their months, and say how good that was."""
    asked = arguments(__doc__, seeds="1,2,3,4,5,6,7,8,9,10")
    report = Report(strict=asked.strict)
    found: dict[str, list[tuple[Errors, Errors]]] = {name: [] for name in KINDS}
    for seed in map(int, asked.seeds.split(",")):
        for name in KINDS:
            days = drawn(name, seed)
            shipped, run_rate = errors(days), errors(days, by_weekday=False)
            if shipped is None or run_rate is None:
                raise RuntimeError(f"no month of {name} could be forecast")
            found[name].append((shipped, run_rate))
        note(f"seed {seed}: done")
    for name, pairs in found.items():
        report.say(f"wape_f0_{name}", mean(one.wape for _, one in pairs), "of the spend")
        report.say(f"wape_shipped_{name}", mean(one.wape for one, _ in pairs), "of the spend")
        report.say(f"coverage_{name}", _in_band(pairs), "of the ends")
    every = [pair for pairs in found.values() for pair in pairs]
    worst = mean(one.wape for _, one in every)
    report.say("wape_f0", worst, "of the spend")
    report.say("wape_shipped", mean(one.wape for one, _ in every), "of the spend", worst)
    report.say("coverage_p10_p90", _in_band(every), "of the ends", BAND[0], at_least=True)
    return report.verdict()


def _in_band(pairs: list[tuple[Errors, Errors]]) -> float:
    return mean(one.in_band for one, _ in pairs if one.in_band is not None)


def drawn(name: str, seed: int) -> Days:
    """What the days of a company cost; the same seed gives the same days."""
    dice = random.Random(f"{name} {seed}")  # noqa: S311 - no secret
    usual = dice.uniform(50, 2_000)
    weekend = dice.uniform(0.05, 0.4)
    costs = []
    for place in range(DAYS):
        is_workday = (FIRST + timedelta(days=place)).weekday() < 5  # noqa: PLR2004 - Saturday
        level = usual * (1 if is_workday else weekend) * KINDS[name](place, dice)
        costs.append(round(level * dice.lognormvariate(0, 0.3) * DOLLAR))
    return Days(FIRST, tuple(costs))


def _growing(place: int, _: random.Random) -> float:
    return 1.12 ** (place / _MONTH)


def _on_holiday(place: int, _: random.Random) -> float:
    return 0.1 if place % 97 in range(5) or place in range(210, 224) else 1.0


def _migrating(place: int, _: random.Random) -> float:
    return 1 - 2 / 3 * min(max((place - 120) / 60, 0), 1)


def _with_incidents(_: int, dice: random.Random) -> float:
    return 5.0 if dice.random() < 1 / _MONTH else 1.0


KINDS: Final[Mapping[str, Factor]] = {
    "steady": lambda _place, _dice: 1.0,
    "growing": _growing,
    "on_holiday": _on_holiday,
    "migrating": _migrating,
    "with_incidents": _with_incidents,
}

if __name__ == "__main__":
    sys.exit(main())
