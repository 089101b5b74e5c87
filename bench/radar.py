"""What the radar finds of what was planted, and what it tells although nothing was.

``python -m bench.radar --seeds 1,2,3 [--store 2m.duckdb]``. For each seed a demo quarter with
incidents and one without any (the same company, quiet) go into a store and are swept. A finding is
a hit if it is about an incident's sessions, people or subject and overlaps it in time. Every
finding in a quiet world counts as a false alarm, small or large, but the one kind ``unpriced``:
both worlds really use a model without a price. With ``--store`` sweeps of that store are timed,
too; it is only read, but it is opened, so give it a copy. ``--excess`` is the least
excess of a spike in dollars.
"""

import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Final

from bench.report import Report, arguments, median_ms, note

from bridgeboard.analysis.radar.finding import Finding
from bridgeboard.analysis.radar.sweep import sweep
from bridgeboard.demo.world import World, make
from bridgeboard.model.radar_limits import DOLLAR, Limits, SpendLimits
from bridgeboard.model.scope import Scope
from bridgeboard.store import Store

# Tests ship without benchmarks, so what both need is theirs.
sys.path.append(str(Path(__file__).parents[1] / "tests"))
import demo_store

END: Final = datetime(2026, 11, 16, 15, 4, 5, tzinfo=UTC)
REQUIRED: Final = ("runaway", "spend_spike")
TRUE_IN_QUIET: Final = ("unpriced",)
RUNS: Final = 3


@dataclass
class Score:
    """What was counted over all seeds, and the limits that the sweeps had."""

    limits: Limits
    planted: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    told: int = 0
    hits: int = 0
    alarms: list[Finding] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    quarters: int = 0

    def recall(self, kinds: Iterable[str]) -> float:
        """The share of planted incidents of some kinds that were found."""
        many = list(kinds)
        whole = sum(self.planted[kind] for kind in many)
        return sum(self.found[kind] for kind in many) / whole if whole else 1.0


def main() -> int:
    """Sweep all worlds that were asked for."""
    asked = arguments(
        __doc__, seeds="1,2,3,4,5,6,7,8,9,10", days=90, scale=1.0, store="", excess=125.0
    )
    report = Report(strict=asked.strict)
    score = Score(limits=_limits(asked.excess))
    for seed in (int(text) for text in asked.seeds.split(",")):
        _measure(score, seed, asked.days, asked.scale)
    _say(report, score)
    if asked.store:
        _time(report, Path(asked.store))
    return report.verdict()


def _limits(dollars: float) -> Limits:
    return Limits(spend=replace(SpendLimits(), excess=round(dollars * DOLLAR)))


def _measure(score: Score, seed: int, days: int, scale: float) -> None:
    for quiet in (False, True):
        world = make(seed, end=END, days=days, scale=scale, quiet=quiet)
        findings = _swept(score, world)
        if quiet:
            score.quarters += 1
            score.alarms += [one for one in findings if one.kind not in TRUE_IN_QUIET]
        else:
            _compare(score, world, findings)
        told = ", ".join(f"{one.severity} {one.kind} {one.subject.name}" for one in findings)
        note(f"seed {seed} {'quiet' if quiet else 'planted'}: {told!a}")


def _swept(score: Score, world: World) -> tuple[Finding, ...]:
    scope = Scope(world.start, world.end)
    with (
        tempfile.TemporaryDirectory(prefix="bench-radar-") as folder,
        demo_store.filled(Path(folder, "world.duckdb"), world) as store,
        store.snapshot() as reader,
    ):
        began = perf_counter()
        findings = sweep(reader, scope, now=world.end, limits=score.limits)
        score.seconds.append(perf_counter() - began)
    return findings


def _compare(score: Score, world: World, findings: Iterable[Finding]) -> None:
    people = {person.id: person.username for person in world.tables.people}
    told = [one for one in findings if one.kind not in TRUE_IN_QUIET]
    for incident in world.incidents:
        score.planted[incident.kind] += 1
        is_found = demo_store.found(incident, told, people)
        score.found[incident.kind] += is_found
        if not is_found:
            note(f"  missed: {incident.kind} {incident.subject} {incident.started_at}")
    hits = [
        one
        for one in told
        if any(demo_store.is_about(one, incident, people) for incident in world.incidents)
    ]
    score.told += len(told)
    score.hits += len(hits)


def _say(report: Report, score: Score) -> None:
    targets = dict.fromkeys(REQUIRED, 1.0)
    for kind in sorted(score.planted):
        share = score.recall([kind])
        report.say(f"recall_{kind}", share, "share", targets.get(kind), at_least=True)
    report.say("recall", score.recall(REQUIRED), "share", 1.0, at_least=True)
    report.say("recall_all_kinds", score.recall(score.planted), "share")
    report.say("precision", score.hits / score.told if score.told else 1.0, "share")
    quarters = max(1, score.quarters)
    report.say("false_alarms_per_quarter", len(score.alarms) / quarters, "findings", 2)
    grave = [one for one in score.alarms if one.severity != "low"]
    report.say("false_alarms_medium_or_high_per_quarter", len(grave) / quarters, "findings")
    for kind, many in sorted(Counter(one.kind for one in score.alarms).items()):
        report.say(f"false_alarms_{kind}_per_quarter", many / quarters, "findings")
    report.say("sweep_quarter_ms", 1000 * mean(score.seconds), "ms")


def _time(report: Report, path: Path) -> None:
    """Sweeps of a large store: its last 30 days, and all of it."""
    with Store.open(path) as store:
        first, last = store.rows("SELECT min(started_at)::DATE, max(started_at)::DATE FROM usage")[
            0
        ]
        scopes = {
            "30d": Scope.days(last - timedelta(days=29), last, "Europe/Berlin"),
            "all": Scope.days(first, last, "Europe/Berlin"),
        }
        for name, scope in scopes.items():
            target = 2_000 if name == "30d" else None
            report.say(f"sweep_{name}_findings", len(_sweeper(store, scope)()), "findings")
            taken = median_ms(_sweeper(store, scope), runs=RUNS, warm=0)
            report.say(f"sweep_{name}_ms", taken, "ms", target)


def _sweeper(store: Store, scope: Scope) -> Callable[[], tuple[Finding, ...]]:
    def swept() -> tuple[Finding, ...]:
        with store.snapshot() as reader:
            return sweep(reader, scope, now=scope.until)

    return swept


if __name__ == "__main__":
    sys.exit(main())
