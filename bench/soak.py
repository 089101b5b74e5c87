"""Whether the dashboard bears a crowd: many readers at once, for long, while it is synced.

``python -m bench.soak --store 2m.duckdb --minutes 10 --readers 50``. The dashboard is a process of
its own over a copy of the store, its deployment another one where people are at work. Readers
speak to it as browsers do, over their websockets, and draw nothing.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

import httpx
from bench.dashboard import Dashboard, synced
from bench.living import living
from bench.readers import Habits, Log, read
from bench.report import Report, arguments, note, quantile
from tests.wire import await_sync

FIRST_SYNC_SECONDS: Final = 600.0
SAMPLE_SECONDS: Final = 1.0
WARM: Final = 0.2
"""The share of the time in which caches and pools may fill; memory is compared with then."""
SPAN: Final = 0.1
"""Memory is the middle of the samples in so much of the time."""
GROWTH_PERCENT: Final = 10.0


def main() -> int:
    """Let readers in, watch them and the server, and tell what was seen."""
    asked = arguments(
        __doc__,
        store=Path,
        minutes=10.0,
        readers=50,
        seed=1,
        think_least=2.0,
        think_most=8.0,
        sync_seconds=15,
    )
    report = Report(strict=asked.strict)
    with (
        living() as (deployment, token),
        synced(asked.store, deployment, token, every_seconds=asked.sync_seconds) as served,
    ):
        note("the first sync ...")
        await_sync(served.address, FIRST_SYNC_SECONDS)
        report.say("server_memory_empty_mb", served.memory_mb, "MB")
        habits = Habits(perf_counter() + 60 * asked.minutes, (asked.think_least, asked.think_most))
        log, watch = Log(), _Watch(served, 60 * asked.minutes)
        asyncio.run(_soak(served.address, asked.readers, asked.seed, habits, log, watch))
        _say_clicks(report, log, 60 * asked.minutes)
        watch.say(report, log.clicks)
    return report.verdict()


async def _soak(  # noqa: PLR0917  # who reads, how, and who writes it down
    address: str, readers: int, seed: int, habits: Habits, log: Log, watch: "_Watch"
) -> None:
    watching = asyncio.create_task(watch.look(log))
    dices = [Random(f"{seed} {number}") for number in range(readers)]  # noqa: S311  # clicks
    await asyncio.gather(*(read(address, dice, habits, log) for dice in dices))
    watching.cancel()


class _Watch:
    """Samples of the server: (share of the time, MB), what it computed, how often it synced."""

    def __init__(self, served: Dashboard, seconds: float) -> None:
        self._served = served
        self._seconds = seconds
        self._began = perf_counter()
        self._busy = served.cpu_seconds
        self._samples: list[tuple[float, float]] = []
        self._synced: set[str] = set()

    async def look(self, log: Log) -> None:
        """Sample until cancelled."""
        async with httpx.AsyncClient(base_url=self._served.address, trust_env=False) as asked:
            while True:
                share = (perf_counter() - self._began) / self._seconds
                self._samples.append((share, self._served.memory_mb))
                answer = await asked.get("healthz", timeout=60)
                self._synced.add(str(answer.json()["sync"]["last_good_at"]))
                if len(self._samples) % 30 == 0:
                    note(f"{share:.0%}: {self._samples[-1][1]:.0f} MB, {log.clicks} clicks")
                await asyncio.sleep(SAMPLE_SECONDS)

    def say(self, report: Report, clicks: int) -> None:
        """Memory, processor time in all and per click (loads included), and syncs."""
        start, warm, end = (self._memory(share) for share in (0.0, WARM, 1 - SPAN))
        report.say("server_memory_start_mb", start, "MB")
        report.say("server_memory_warm_mb", warm, "MB")
        for part in range(1, 5):
            share = WARM + part * (1 - SPAN - WARM) / 5
            report.say(
                f"server_memory_at_{share:.0%}_mb".replace("%", ""), self._memory(share), "MB"
            )
        report.say("server_memory_end_mb", end, "MB")
        report.say("server_memory_peak_mb", self._served.peak_mb, "MB")
        report.say("server_memory_growth", (end / warm - 1) * 100, "%", GROWTH_PERCENT)
        busy, took = self._served.cpu_seconds - self._busy, perf_counter() - self._began
        report.say("server_cpu", busy / took, "cores")
        report.say("server_cpu_per_click_ms", busy / max(clicks, 1) * 1000, "ms")
        report.say("syncs", len(self._synced) - 1, "rounds", 1, at_least=True)

    def _memory(self, since: float) -> float:
        """The middle of the samples from that share of the time on, or the one nearest to it."""
        within = [mb for share, mb in self._samples if since <= share < since + SPAN]
        nearest = min(self._samples, key=lambda sample: abs(sample[0] - since))
        return median(within or [nearest[1]])


def _say_clicks(report: Report, log: Log, seconds: float) -> None:
    report.say("errors", log.errors.total(), "errors", 0)
    for kind in ("exception", "error_box", "closed", "timeout", "file", "protocol"):
        report.say(f"errors_{kind}", log.errors[kind], "errors")
    report.say("tabs", log.tabs, "tabs")
    report.say("clicks", log.clicks, "clicks")
    report.say("clicks_per_second", log.clicks / seconds, "clicks/s")
    every = [one for kind, spent in log.spent.items() if kind != "load" for one in spent]
    for kind, spent in {"click": every, **dict(sorted(log.spent.items()))}.items():
        _say_spent(report, kind, spent)


def _say_spent(report: Report, kind: str, spent: Sequence[float]) -> None:
    if not spent:
        return
    report.say(f"{kind}_count", len(spent), "clicks")
    for share in (50, 95, 99):
        report.say(f"{kind}_p{share}_ms", quantile(spent, share / 100) * 1000, "ms")


if __name__ == "__main__":
    sys.exit(main())
