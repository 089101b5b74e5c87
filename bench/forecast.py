"""How far off forecasts of the ends of months are, and how many ends lie within the band.

``python -m bench.forecast --seeds 1,2,3,4,5,6,7,8,9,10``. Each seed draws five companies of 300
days, whose weekdays and weekends differ and whose days are off by chance: one that stays as it is,
one that grows, one with holidays, one that moves to a model of a third of the price, and one with
incidents. Every month but the first is forecast on the mornings of its cut days
(``bridgeboard.analysis.forecast``), and beside it by two plain models: ``f0``, the run rate, and
``f1``, weekdays at the level of the last two weeks.
"""

import random
import sys
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from statistics import mean
from typing import Final

from bench.report import Report, arguments, note

from bridgeboard.analysis.forecast import (
    CUT_DAYS,
    PROFILE_DAYS,
    WEEKDAY_DAYS,
    Days,
    Errors,
    errors,
    forecast,
    months,
)

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
    found: dict[str, list[tuple[Errors, Errors, float]]] = {name: [] for name in KINDS}
    for seed in map(int, asked.seeds.split(",")):
        for name in KINDS:
            days = drawn(name, seed)
            shipped, run_rate = errors(days), errors(days, by_weekday=False)
            if shipped is None or run_rate is None:
                raise RuntimeError(f"no month of {name} could be forecast")
            found[name].append((shipped, run_rate, weekday_wape(days)))
        note(f"seed {seed}: done")
    for name, rows in found.items():
        _say(report, rows, f"_{name}")
        report.say(f"coverage_{name}", _in_band(rows), "of the ends")
    every = [row for rows in found.values() for row in rows]
    _say(report, every, "", mean(wape for *_, wape in every))
    report.say("coverage_p10_p90", _in_band(every), "of the ends", BAND[0], at_least=True)
    return report.verdict()


def _say(
    report: Report, rows: list[tuple[Errors, Errors, float]], of: str, most: float | None = None
) -> None:
    """The errors of the three models; ``most`` is what the shipped one may have."""
    report.say(f"wape_f0{of}", mean(one.wape for _, one, _ in rows), "of the spend")
    report.say(f"wape_f1{of}", mean(wape for *_, wape in rows), "of the spend")
    report.say(f"wape_shipped{of}", mean(one.wape for one, *_ in rows), "of the spend", most)


def _in_band(rows: list[tuple[Errors, Errors, float]]) -> float:
    return mean(one.in_band for one, *_ in rows if one.in_band is not None)


def weekday_wape(days: Days) -> float:
    """How far off ``f1`` was: the sum of all errors by the sum of what the months cost."""
    off = whole = 0.0
    for first, last in months(days):
        actual = days.before(last + timedelta(days=1)).spent(first)
        for cut in (first.replace(day=day) for day in CUT_DAYS):
            made = _weekday_end(days.before(cut), first, last)
            if made is not None:
                off += abs(made - actual)
                whole += actual
    return off / whole


def _weekday_end(days: Days, first: date, last: date) -> float | None:
    """Where ``f1`` says that a month ends; the run rate with too few days for weekdays."""
    known = len(days.costs)
    if known < WEEKDAY_DAYS:
        made = forecast(days, first, last)
        return made and made.end.middle
    recent = days.costs[-PROFILE_DAYS:]
    usual = mean(recent)
    dated = [(days.day - timedelta(days=len(recent) - at), cost) for at, cost in enumerate(recent)]
    profile = []
    for weekday in range(7):
        costs = [cost for day, cost in dated if day.weekday() == weekday]
        profile.append((sum(costs) + 2 * usual) / (len(costs) + 2))
    lately = dated[-WEEKDAY_DAYS:]
    level = sum(cost for _, cost in lately) / sum(profile[day.weekday()] for day, _ in lately)
    level = min(max(level, 0.5), 2)
    left = (days.day + timedelta(days=at) for at in range((last - days.day).days + 1))
    return days.spent(first) + level * sum(profile[day.weekday()] for day in left)


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
