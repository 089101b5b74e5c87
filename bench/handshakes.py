"""How long a foreign page's websocket takes to be refused where nothing outside answers.

``python -m bench.handshakes``. The demo is served in a network of its own, whose packets to other
hosts are dropped: whoever asks one waits. Each foreign ``Origin`` is tried several times, alone and
in a crowd, and what a reader waits for meanwhile is timed beside it. Needs Linux, where anybody may
make such a network (``unshare --map-root-user --net``).
"""

import os
import socket
import statistics
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

from bench.report import Report, arguments, spent_ms
from tests.dashboard_process import dashboard

INSIDE: Final = "BENCH_HANDSHAKES_INSIDE"
# What is sent to other hosts goes back to this one, which is not it and drops it.
NETWORK: Final = """
ip link set lo up
ip address add 10.255.0.1/32 dev lo
ip route add default dev lo src 10.255.0.1
exec "$@"
"""
RUNS: Final = 9
CROWD: Final = 20
TARGET_MS: Final = 100
REFUSED: Final = 403
STREAM: Final = "/_stcore/stream"
HEALTH: Final = "/_stcore/health"
ORIGINS: Final = {
    "foreign_site": "http://evil.example",
    "other_port": "http://localhost:{other}",
    "other_name": "http://localhost:{port}",
    "missing": "",
}


def main() -> int:
    """Serve, be refused, and say how long it took."""
    asked = arguments(__doc__)
    if INSIDE not in os.environ:
        again = [sys.executable, "-m", "bench.handshakes", *sys.argv[1:]]
        network = ["unshare", "--map-root-user", "--net", "sh", "-ec", NETWORK, "sh", *again]
        return subprocess.run(network, check=False, env=os.environ | {INSIDE: "1"}).returncode  # noqa: S603 - ourselves
    report = Report(strict=asked.strict)
    with dashboard("demo", "--days", "5", "--scale", "0.1") as address:
        place = urlsplit(address)
        port = place.port or 0
        _status(port, f"http://127.0.0.1:{port}")  # the first one of all pays for imports
        report.say("own_page_status", _status(port, f"http://127.0.0.1:{port}"), "status")
        for name, told in ORIGINS.items():
            origin = told.format(port=port, other=port + 1)
            refused = partial(_status, port, origin)
            report.say(f"{name}_status", refused(), "status", REFUSED, at_least=True)
            spent = [spent_ms(refused) for _ in range(RUNS)]
            report.say(f"{name}_median_ms", statistics.median(spent), "ms", TARGET_MS)
            report.say(f"{name}_longest_ms", max(spent), "ms", TARGET_MS)
        with ThreadPoolExecutor(CROWD) as crowd:
            begun = perf_counter()
            every = [crowd.submit(_status, port, "http://evil.example") for _ in range(CROWD)]
            waited = spent_ms(partial(_status, port, "", HEALTH))
            refusals = sum(one.result() == REFUSED for one in every)
            report.say("crowd_ms", 1000 * (perf_counter() - begun), "ms")
        report.say("crowd_refused", refusals, "sockets", CROWD, at_least=True)
        report.say("reader_beside_the_crowd_ms", waited, "ms", TARGET_MS)
    return report.verdict()


def _status(port: int, origin: str, path: str = STREAM) -> int:
    """The status that a handshake of a page of that origin is answered with."""
    named = f"Origin: {origin}\r\n" if origin else ""
    asked = (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{named}"
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=60) as raw:
        raw.sendall(asked.encode())
        return int(raw.makefile("rb").readline().split()[1])


if __name__ == "__main__":
    sys.exit(main())
