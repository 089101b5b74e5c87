"""The dashboard in a process of its own, for the tests that look at it from outside."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

# The same company as in conftest, as options of the command line.
COMPANY = ("--end", "2026-11-20T17:00:00", "--days", "30", "--scale", "0.12")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def dashboard(
    *command: str, cwd: Path | None = None, port: int | None = None, **environment: str
) -> Iterator[str]:
    """The address of a fresh ``bridgeboard`` in a process of its own; on a free port by itself."""
    port = port or free_port()
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-m", "bridgeboard", *command, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=cwd,
        env=os.environ | environment,
    ) as process:
        lines: list[str] = []
        reading: Thread | None = None
        try:
            assert process.stdout
            for line in process.stdout:
                lines.append(line)
                if "Bridgeboard is at" in line:
                    break
            else:
                pytest.fail("the dashboard did not start:\n" + "".join(lines))
            # What nobody reads would stop the process once the pipe is full.
            reading = Thread(target=lines.extend, args=(process.stdout,))
            reading.start()
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
            if reading:
                reading.join()
            sys.stderr.write("".join(lines))
