"""Whether anything is lost or counted wrongly while everything that can fail does.

``python -m bench.chaos --minutes 10 --seed 1 [--scale 0.2]``. A demo company lives on, half a day
at a time. In each of them a process syncs its server while one kind of trouble is made; then a
calm sync follows. After it the store has to hold what the company did, to the request and token,
and after each kill whatever had been committed before.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from time import monotonic
from typing import Any, Final

from bench.report import Report, arguments, note
from tests import truth

from aibridge import Client
from bridgeboard import store as room
from bridgeboard import sync
from bridgeboard.demo import api, server, world
from bridgeboard.demo.records import InterceptionRow, Role
from bridgeboard.model.store import StoreError
from bridgeboard.store import Store, StoreDamagedError
from bridgeboard.sync import Options

END: Final = datetime(2026, 11, 16, tzinfo=UTC)
DAYS: Final = 16
FIRST_DAYS: Final = 4
STEP: Final = timedelta(hours=12)
CHILD_SECONDS: Final = 300
KILLED: Final = -9
SUMS: Final = ("input_sum", "output_sum", "cache_read_sum", "cache_write_sum")
MOST_ROOM: Final = 150_000
HALF: Final = 0.5


class Wrong(Exception):  # noqa: N818  # the store is; it is counted and told
    """What the store holds is not what it should."""


@dataclass
class Scene:
    """A company, its server and the store of it.

    Attributes:
        seed: of the company.
        server: what answers; its bridge is replaced for every kind of trouble.
        path: the store's file.
        now: how far the company has lived.
        known: ids of requests that were committed.
        version: the store's version with them.
    """

    seed: int
    scale: float
    dice: random.Random
    server: server.Server
    path: Path
    now: datetime
    world: world.World
    known: set[str] = field(default_factory=set)
    version: int = 0

    def bridge(
        self, profile: api.Profile = "v2.34", faults: api.Faults | None = None
    ) -> api.Bridge:
        """The company's server as it is at ``now``."""
        tables, now = self.world.tables, self.now
        return api.Bridge(
            tables,
            profile=profile,
            tokens=api.holders(tables, api.tokens(tables, self.seed)),
            switches=api.Switches(rate_limit=None, faults=faults),
            clock=lambda: now,
        )

    @property
    def token(self) -> str:
        """An owner's."""
        tokens: Mapping[Role, str] = api.tokens(self.world.tables, self.seed)
        return tokens["owner"]

    def told(self) -> list[InterceptionRow]:
        """What the server tells by now."""
        rows = truth.finished(self.world.tables)
        return [row for row in rows if row.ended_at and row.ended_at <= self.now]


def main() -> int:
    """Make trouble until the time is over; 1 if a store did not come out right."""
    asked = arguments(__doc__, minutes=10.0, seed=1, scale=0.1)
    report = Report(strict=True)
    injected, right = Counter[str](), Counter[str]()
    until = monotonic() + asked.minutes * 60
    for seed in range(asked.seed, sys.maxsize):
        if monotonic() >= until:
            break
        with _scene(seed, asked.scale) as scene:
            for kind in _kinds(scene, until):
                injected[kind] += 1
                right[kind] += _is_right(scene, kind)
    for kind in TROUBLES:
        report.say(f"{kind}_injected", injected[kind], "times")
        report.say(f"{kind}_converged", right[kind], "times", injected[kind], at_least=True)
    return report.verdict()


@contextmanager
def _scene(seed: int, scale: float) -> Iterator[Scene]:
    note(f"company {seed} ...")
    company = world.make(seed, end=END, days=DAYS, scale=scale)
    now = END - timedelta(days=DAYS - FIRST_DAYS)
    dice = random.Random(seed)  # noqa: S311  # trouble, not secrets
    with tempfile.TemporaryDirectory(prefix="chaos-") as folder:
        path = Path(folder, "store.duckdb")
        tokens = api.holders(company.tables, api.tokens(company.tables, seed))
        with server.Server(api.Bridge(company.tables, tokens=tokens)) as served:
            yield Scene(seed, scale, dice, served, path, now, company)


def _kinds(scene: Scene, until: float) -> Iterator[str]:
    """One kind of trouble after another, each as often, until the company or the time ends."""
    bag: list[str] = []
    while scene.now < END and monotonic() < until:
        if not bag:
            bag = scene.dice.sample(tuple(TROUBLES), len(TROUBLES))
        yield bag.pop()
        scene.now += STEP


def _is_right(scene: Scene, kind: str) -> bool:
    began = monotonic()
    try:
        TROUBLES[kind](scene)
        _calm(scene)
    except (Wrong, StoreError, AssertionError) as error:
        note(f"{kind} of company {scene.seed} at {scene.now}: {error}")
        _begin_anew(scene)
        return False
    note(f"{kind}: {len(scene.known)} requests, {monotonic() - began:.1f} s")
    return True


def _begin_anew(scene: Scene) -> None:
    """Keep what went wrong for whoever looks into it, and go on with an empty store."""
    kept = Path(tempfile.mkdtemp(prefix="chaos-wrong-"))
    for path in scene.path.parent.iterdir():
        path.rename(kept / path.name)
    note(f"the store is kept in {kept}")
    scene.known, scene.version = set(), 0


# What is done to a sync.


def _faults(*kinds: str) -> Callable[[Scene], None]:
    def trouble(scene: Scene) -> None:
        seed, rate = scene.dice.randrange(10**6), scene.dice.choice((0.1, 0.3, 0.6))
        scene.server.bridge = scene.bridge(
            faults=api.Faults(rate, kinds, seed, stall_seconds=0.2, drip_seconds=0.001)
        )
        _watched(scene, _begun(scene, "sync"))

    return trouble


def _kill(what: str) -> Callable[[Scene], None]:
    def trouble(scene: Scene) -> None:
        scene.server.bridge = scene.bridge()
        for _ in range(scene.dice.randint(1, 4)):
            more = (
                ("--multiplier", str(scene.dice.choice((0.5, 2, 3)))) if what == "reprice" else ()
            )
            _watched(scene, _begun(scene, what, *more), seconds=scene.dice.expovariate(2))

    return trouble


def _full_disk(scene: Scene) -> None:
    scene.server.bridge = scene.bridge()
    size = scene.dice.randrange(1_000, MOST_ROOM)
    _watched(scene, _begun(scene, "sync", "--room", str(size)))


def _other_version(scene: Scene) -> None:
    """The server is replaced while it is read, and stays so for a sync; then it is taken back."""
    scene.server.bridge = scene.bridge()
    child = _begun(scene, "sync")
    scene.server.bridge = scene.bridge(scene.dice.choice(("v2.35", "newer")))
    _watched(scene, child, seconds=scene.dice.choice((0.3, 1.0, CHILD_SECONDS)))
    _watched(scene, _begun(scene, "sync"))
    held, whole = _sums(scene), _recorded(scene)
    if any(part > most for part, most in zip(held, whole, strict=True)):
        raise Wrong(f"after an upgrade {held} are more than {whole}")


def _wrong_clock(scene: Scene) -> None:
    scene.server.bridge = scene.bridge()
    shift = timedelta(hours=scene.dice.choice((-400, -30, -2, 2, 30, 400)))
    _watched(scene, _begun(scene, "sync", now=scene.now + shift))


def _damage(scene: Scene) -> None:
    """Bytes of the file or its log are broken, and a backup takes its place, if there is one."""
    backups = scene.path.parent / "backups"
    if scene.dice.random() < HALF:
        with _opened(scene) as opened:
            room.add_backup(opened, backups, now=scene.now, kept=2)
    _kill("sync")(scene)
    files = [scene.path, scene.path.with_name(f"{scene.path.name}.wal")]
    path = scene.dice.choice([each for each in files if each.exists()])
    with path.open("r+b") as file:
        for _ in range(scene.dice.choice((1, 1, 5))):
            file.seek(scene.dice.randrange(max(os.fstat(file.fileno()).st_size - 64, 1)))
            file.write(scene.dice.randbytes(64))
    candidates = [one.path for one in room.backups_of(backups, scene.path, scene.now)]
    done = room.repair(scene.path, candidates, now=scene.now, memory_mb=256)
    for each in done.aside if done else ():
        each.unlink()
    scene.known, scene.version = set(), 0


def _cut_off(scene: Scene) -> None:
    """The server is gone for the length of a sync."""
    scene.server.bridge = scene.bridge()
    child = _begun(scene, "sync")
    scene.server.bridge = scene.bridge(faults=api.Faults(1.0, ("dropped",)))
    _watched(scene, child)


TROUBLES: Final[Mapping[str, Callable[[Scene], None]]] = {
    **{kind: _faults(kind) for kind in api.KINDS},
    "mixed_faults": _faults(*api.KINDS),
    "killed_sync": _kill("sync"),
    "killed_reprice": _kill("reprice"),
    "killed_backup": _kill("backup"),
    "full_disk": _full_disk,
    "other_version": _other_version,
    "wrong_clock": _wrong_clock,
    "damaged_file": _damage,
    "cut_off": _cut_off,
}


# The process that syncs.


def _begun(
    scene: Scene, what: str, *more: str, now: datetime | None = None
) -> "subprocess.Popen[str]":
    moment = (now or scene.now).isoformat()
    command = [sys.executable, "-m", "bench.victim", what, scene.server.url, scene.token]
    child = subprocess.Popen(  # noqa: S603  # ourselves
        [*command, str(scene.path), "--now", moment, *more], stdout=subprocess.PIPE, text=True
    )
    if child.stdout is None or not child.stdout.readline():
        raise Wrong(f"the store could not be opened: status {child.wait()}")
    return child


def _watched(scene: Scene, child: "subprocess.Popen[str]", seconds: float = CHILD_SECONDS) -> None:
    """Kill a child after so many seconds, unless it has ended; then look for what it committed."""
    timer = Timer(seconds, child.kill)
    with child:
        timer.start()
        told = child.stdout.read() if child.stdout else ""
    timer.cancel()
    if child.returncode == KILLED and seconds == CHILD_SECONDS:
        raise Wrong("a sync did not come to its end")
    if child.returncode not in {0, KILLED}:
        raise Wrong(f"a sync ended with status {child.returncode}")
    for line in told.splitlines():
        if line.endswith("}"):  # of the last one there may be half
            news: dict[str, Any] = json.loads(line)
            if "problem" in news:
                note(f"  {news['problem'][:120]}")
            scene.known |= set(news.get("ids", ()))
            scene.version = max(scene.version, news.get("version", 0))
    _check_kept(scene)


# What has to be so.


def _check_kept(scene: Scene) -> None:
    with _opened(scene) as opened:
        rows = opened.rows("SELECT id::VARCHAR FROM usage WHERE grain = 'interception'")
        lost = scene.known - {id_ for (id_,) in rows}
        if lost or opened.version < scene.version:
            raise Wrong(
                f"{len(lost)} committed requests are lost; version {opened.version} after"
                f" {scene.version}"
            )


def _calm(scene: Scene) -> None:
    """Sync without trouble, and compare with what the company did."""
    scene.server.bridge = scene.bridge()
    with _opened(scene) as opened, Client(scene.server.url, scene.token) as client:
        for _ in sync.run(client, opened, Options(), scene.now):
            pass
        _compare(scene, opened)
        scene.known = {row.id for row in scene.told()}
        scene.version = opened.version


def _compare(scene: Scene, opened: Store) -> None:
    told = scene.told()
    rows = opened.rows("SELECT id::VARCHAR, grain FROM usage")
    expected = sorted(row.id for row in told)
    if sorted(id_ for id_, _ in rows) != expected:
        missing = set(expected) - {id_ for id_, _ in rows}
        raise Wrong(f"{len(rows)} rows instead of {len(expected)}; {len(missing)} are missing")
    one = {
        "tool_calls": len(truth.tool_calls(scene.world.tables, told)),
        "prompts": len(truth.prompts(scene.world.tables, told)),
        "responses": len(truth.responses(scene.world.tables, told)),
        "sessions": len(truth.sessions(told)),
        "quarantine": 0,
    }
    for name, count in one.items():
        ((held,),) = opened.rows(f"SELECT count(*) FROM {name}")
        if held != count:
            raise Wrong(f"{held} {name} instead of {count}")
    sums = opened.rows(f"SELECT {', '.join(f'sum({name})' for name in SUMS)} FROM usage")[0]
    if sums != _recorded(scene):
        raise Wrong(f"tokens are {sums} instead of {_recorded(scene)}")
    if opened.rows("SELECT count(*) FROM windows WHERE done_at IS NULL") != [(0,)]:
        raise Wrong("windows are left open")


def _sums(scene: Scene) -> tuple[int, ...]:
    with _opened(scene) as opened:
        columns = ", ".join(f"coalesce(sum({name}), 0)" for name in SUMS)
        return opened.rows(f"SELECT {columns} FROM usage")[0]


def _recorded(scene: Scene) -> tuple[int, ...]:
    counts = truth.recorded(scene.world.tables, scene.told())
    return counts.input, counts.output, counts.cache_read, counts.cache_write


def _opened(scene: Scene) -> Store:
    try:
        return Store.open(scene.path, memory_mb=256, threads=2)
    except StoreDamagedError as error:
        raise Wrong(str(error)) from error


if __name__ == "__main__":
    sys.exit(main())
