"""A sync that is killed at any moment and begun again ends where an undisturbed one does."""

import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

import demo_sync
import pytest

from bridgeboard.demo import api, server
from bridgeboard.store import Store

CHILD = """
import sys
from datetime import datetime
from pathlib import Path
from aibridge import Client, Retry
from bridgeboard import sync
from bridgeboard.store import Store
url, token, path, now = sys.argv[1:]
with Client(url, token) as client, Store.open(Path(path), memory_mb=256, threads=2) as store:
    options = sync.Options(page_size=20)
    for event in sync.run(client, store, options, datetime.fromisoformat(now)):
        print(event.phase, flush=True)
"""
KILLS = 5


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_a_killed_sync_resumes_and_ends_like_an_undisturbed_one(tmp_path: Path, seed: int) -> None:
    assert killed(KILLS, seed, tmp_path) == KILLS


def killed(count: int, seed: int, folder: Path) -> int:
    """Kill so many syncs of one store, finish it, compare; how many were killed on their way."""
    dice = random.Random(seed)  # noqa: S311  # moments to kill at, not secrets
    bridge = demo_sync.bridge(demo_sync.latest(400))
    token = api.tokens(bridge.tables, 1)["owner"]
    path = folder / "killed.duckdb"
    with server.Server(bridge) as served:
        shot = sum(_shot([served.url, token, str(path)], dice.randint(0, 9)) for _ in range(count))
    with Store.open(path) as store, demo_sync.opened(folder, "calm.duckdb") as calm:
        assert store.rows("SELECT sum(responses) FROM usage") == store.rows(
            "SELECT count(*) FROM responses"
        )
        demo_sync.run(store, bridge)
        demo_sync.run(calm, bridge)
        assert demo_sync.contents(store) == demo_sync.contents(calm)
        outcomes = {outcome for (outcome,) in store.rows("SELECT outcome FROM runs")}
        assert outcomes == {"stopped", "done"}
    return shot


def _shot(arguments: list[str], events: int) -> bool:
    """Kill a sync after so many of its events; whether it had not ended by itself before."""
    command = [sys.executable, "-c", CHILD, *arguments, demo_sync.NOW.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:  # noqa: S603  # our own code
        assert child.stdout is not None
        told = list(islice(child.stdout, events + 1))
        child.kill()
    assert told, "the sync began at all"
    return child.returncode == -9
