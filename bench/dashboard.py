"""The real dashboard in a process of its own, over a copy of a large store."""

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Final

from bench.budgets import budgets_toml
from bench.canned import DEPLOYMENT, midnight, served

from bridgeboard import store

TOKEN: Final = "bench"  # noqa: S105  # the canned server takes any
_READY: Final = "Bridgeboard is at"


@dataclass(frozen=True)
class Dashboard:
    """Where it answers, and which process it is."""

    address: str
    process: int

    @property
    def memory_mb(self) -> float:
        """What it has in memory now."""
        return self._status("VmRSS")

    @property
    def peak_mb(self) -> float:
        """The most it ever had in memory."""
        return self._status("VmHWM")

    @property
    def cpu_seconds(self) -> float:
        """How long it has computed so far, all threads together."""
        told = Path(f"/proc/{self.process}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")

    def _status(self, name: str) -> float:
        lines = Path(f"/proc/{self.process}/status").read_text("ascii").splitlines()
        told = dict(line.split(":", 1) for line in lines)
        return int(told[name].split()[0]) / 1024


@contextmanager
def dashboard(file: Path) -> Iterator[Dashboard]:
    """Serve a copy of that store, which nothing syncs, with budgets, until the block ends."""
    with (
        served(0, 1, midnight(datetime.now(UTC))) as deployment,
        synced(file, deployment, TOKEN, every_seconds=0) as running,
    ):
        yield running


@contextmanager
def synced(file: Path, deployment: str, token: str, *, every_seconds: int) -> Iterator[Dashboard]:
    """The same for a deployment that is asked every so many seconds for what is new."""
    with tempfile.TemporaryDirectory(prefix="bench-pages-") as folder:
        shutil.copy(file, copied := store.location(Path(folder), DEPLOYMENT))
        copied.chmod(0o600)
        budgets = Path(folder) / "budgets.toml"
        with store.Store.open(copied) as opened:
            budgets.write_text(budgets_toml(opened), "utf-8")
        given = {
            "CODER_URL": deployment,
            "CODER_SESSION_TOKEN": token,
            "BRIDGEBOARD_DATA": folder,
            "BRIDGEBOARD_BUDGETS": str(budgets),
            "BRIDGEBOARD_SYNC_SECONDS": str(every_seconds),
        }
        with _process(given) as running:
            yield running


@contextmanager
def _process(given: dict[str, str]) -> Iterator[Dashboard]:
    port = _free_port()
    command = [sys.executable, "-m", "bridgeboard", "serve", "--port", str(port)]
    with Popen(command, stdout=PIPE, text=True, env=os.environ | given) as process:  # noqa: S603  # ourselves
        try:
            if not any(_READY in line for line in process.stdout or ()):
                raise RuntimeError("The dashboard did not start.")
            yield Dashboard(f"http://127.0.0.1:{port}/", process.pid)
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
