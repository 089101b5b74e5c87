"""How fast the details of sessions are read from a server that takes its time for each answer.

``python -m bench.details --sessions 3000 --answer-ms 20 [--capacity 8]``. The server is a process
of its own of the kind that lists no interceptions: details are all that it tells of usage.
``--answer-ms`` is how long it works on one answer, ``--capacity`` on how many it works at the same
time; the others wait, so that asking for more at once makes every answer slower. 0 is any number.
"""

import asyncio
import json
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from subprocess import PIPE, Popen
from time import perf_counter, process_time
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from bench.canned import midnight, moment
from bench.report import Report, arguments, note

from aibridge import Client, Pace
from bridgeboard import sync
from bridgeboard.store import Store
from bridgeboard.sync import Options

TOKEN: Final = "bench"  # noqa: S105  # the server takes any
PREFIX: Final = "/api/v2/ai-gateway"
AIM: Final = 200
THREADS: Final = 4
ACTIONS: Final = 4
ALONE: Final = 200
"""Sessions of the reader to compare with."""
DAILY: Final = 800
"""Sessions of a day: fewer than fit into one page of the list."""

_PERSON: Final = {"id": str(UUID(int=1)), "username": "owner"}
_FIXED: Final[dict[str, Any]] = {
    "/api/v2/buildinfo": {
        "version": "v2.35.1+6c40e8a",
        "deployment_id": "bench",
        "dashboard_url": "",
        "external_url": "",
    },
    "/api/v2/entitlements": {
        "features": {"aibridge": {"enabled": True, "entitlement": "entitled"}},
        "has_license": True,
    },
    "/api/v2/users/me": {
        **_PERSON,
        "email": "owner@example.com",
        "status": "active",
        "roles": [{"name": "owner", "display_name": "Owner"}],
    },
    "/api/v2/ai/providers": [],
    f"{PREFIX}/providers": [],
}


def main() -> int:
    """Measure one first sync."""
    asked = arguments(__doc__, sessions=3_000, answer_ms=20, capacity=0)
    report = Report(strict=asked.strict)
    with (
        tempfile.TemporaryDirectory(prefix="bench-details-") as folder,
        _served(asked.sessions, asked.answer_ms, asked.capacity) as address,
        Client(address, TOKEN, pace=Pace()) as client,
        Store.open(Path(folder, "details.duckdb")) as store,
    ):
        _measure(report, client, store, asked.sessions)
        served = asked.sessions + _one_by_one(report, client, min(asked.sessions, ALONE))
    # It has ended by now: only then is its time known.
    used = getrusage(RUSAGE_CHILDREN)
    report.say("server_cpu_ms", (used.ru_utime + used.ru_stime) / served * 1e3, "ms/session")
    return report.verdict()


def _measure(report: Report, client: Client, store: Store, sessions: int) -> None:
    began = busy = 0.0
    for event in sync.run(client, store, Options(), datetime.now(UTC)):
        if event.phase == "sessions":  # the last of these: then the list is read
            began, busy = perf_counter(), process_time()
        note(f"{event.phase} {event.done}/{event.total} {event.message}")
    wall, cpu = perf_counter() - began, process_time() - busy
    ((detailed,),) = store.rows("SELECT count(*) FROM sessions WHERE detailed_at IS NOT NULL")
    if detailed != sessions:
        sys.exit(f"details of {detailed} sessions were read instead of {sessions}")
    report.say("details_per_second", sessions / wall, "sessions/s", AIM, at_least=True)
    report.say("details_cpu_ms", cpu / sessions * 1e3, "ms/session")


def _one_by_one(report: Report, client: Client, sessions: int) -> int:
    """Read some sessions again as the simplest reader would, who waits for each and keeps none."""
    began = perf_counter()
    for number in range(sessions):
        client.session(str(UUID(int=number)))
    report.say("one_by_one_per_second", sessions / (perf_counter() - began), "sessions/s")
    return sessions


@contextmanager
def _served(sessions: int, answer_ms: int, capacity: int) -> Iterator[str]:
    asked = {"--sessions": sessions, "--answer_ms": answer_ms, "--capacity": capacity}
    words = [str(word) for pair in asked.items() for word in pair]
    command = [sys.executable, "-c", "from bench import details; details.serve()", *words]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as process:  # noqa: S603  # ourselves
        if process.stdout is None:
            raise RuntimeError("The server cannot tell its port.")
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()


# The process that serves.


def serve() -> None:
    """Listen on a free port of this machine, tell it on stdout, and serve until stdin ends."""
    reader = ArgumentParser(description=__doc__)
    for name in ("sessions", "answer_ms", "capacity"):
        reader.add_argument(f"--{name}", type=int, required=True)
    asked = reader.parse_args()
    asyncio.run(_listen(asked.sessions, asked.answer_ms / 1e3, asked.capacity))


async def _listen(sessions: int, answer_seconds: float, capacity: int) -> None:
    newest = midnight(datetime.now(UTC)) - timedelta(hours=1)
    gates = asyncio.Semaphore(capacity) if capacity else None

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            while (await reader.readline()).strip():
                pass
            target = line.split()[1].decode()
            if target.startswith(f"{PREFIX}/sessions/"):
                await _work(gates, answer_seconds)
            writer.write(_answer(target, sessions, newest))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await asyncio.to_thread(sys.stdin.read)


async def _work(gates: asyncio.Semaphore | None, seconds: float) -> None:
    if gates is None:
        await asyncio.sleep(seconds)
        return
    async with gates:
        await asyncio.sleep(seconds)


def _answer(target: str, sessions: int, newest: datetime) -> bytes:
    address = urlsplit(target)
    if address.path in _FIXED:
        return _ok(_FIXED[address.path])
    if address.path == f"{PREFIX}/sessions":
        return _ok(_listed(parse_qs(address.query).get("q", [""])[0], sessions, newest))
    number = UUID(address.path.rpartition("/")[2]).int
    return _ok(_detail(number, newest))


def _ok(value: object) -> bytes:
    body = json.dumps(value).encode()
    date = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=utf-8\r\nDate: {date}\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def _started(number: int, newest: datetime) -> datetime:
    return newest - timedelta(days=1) * (number / DAILY)


def _listed(query: str, sessions: int, newest: datetime) -> dict[str, Any]:
    after, before = moment(query, "started_after"), moment(query, "started_before")
    rows = [
        _head(number, newest)
        for number in range(sessions)
        if (after is None or _started(number, newest) >= after)
        and (before is None or _started(number, newest) <= before)
    ]
    return {"count": len(rows), "sessions": rows[:1000]}


def _head(number: int, newest: datetime) -> dict[str, Any]:
    started = _started(number, newest)
    counted = THREADS * ACTIONS
    return {
        "id": str(UUID(int=number)),
        "initiator": _PERSON,
        "providers": ["anthropic"],
        "models": ["claude-sonnet-4-5"],
        "client": "Claude Code",
        "metadata": {},
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(minutes=20)).isoformat(),
        "threads": THREADS,
        "token_usage_summary": _tokens(counted),
        "last_active_at": started.isoformat(),
    }


def _tokens(times: int) -> dict[str, int]:
    names = ("input", "output", "cache_read_input", "cache_write_input")
    return {f"{name}_tokens": times * (40 + place) for place, name in enumerate(names)}


def _detail(number: int, newest: datetime) -> dict[str, Any]:
    head = _head(number, newest)
    sums = head["token_usage_summary"] | {"metadata": {}}
    threads = [_thread(number, place, newest) for place in range(THREADS)]
    return head | {"token_usage_summary": sums, "threads": threads}


def _thread(number: int, place: int, newest: datetime) -> dict[str, Any]:
    started = _started(number, newest) + timedelta(minutes=5 * place)
    root = UUID(int=(number + 1 << 32) + (place << 8))
    return {
        "id": str(root),
        "prompt": "Why does the payment fail? " * 10,
        "model": "claude-sonnet-4-5",
        "provider": "anthropic",
        "credential_kind": "centralized",
        "credential_hint": "sk-a...Qv8w",
        "started_at": started.isoformat(),
        "ended_at": (started + timedelta(minutes=4)).isoformat(),
        "token_usage": _tokens(ACTIONS) | {"metadata": {}},
        "agentic_actions": [_action(root, step, started) for step in range(ACTIONS)],
    }


def _action(root: UUID, step: int, started: datetime) -> dict[str, Any]:
    at = started + timedelta(seconds=20 * step)
    return {
        "model": "claude-sonnet-4-5",
        "token_usage": _tokens(1) | {"metadata": {}},
        "thinking": [{"text": "The log says more. " * 5}],
        "tool_calls": [
            {
                "id": str(UUID(int=(1 << 100) + root.int + 2 * step + use)),
                "interception_id": str(UUID(int=root.int + step)),
                "provider_response_id": "",
                "server_url": "",
                "tool": "Bash",
                "injected": False,
                "input": json.dumps({"command": "grep -rn payment src " * 20}),
                "metadata": {},
                "created_at": at.isoformat(),
            }
            for use in range(2)
        ],
    }


if __name__ == "__main__":
    sys.exit(main())
