"""Every benchmark still runs to its end against the code as it is, at a small size."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]


def lines_of(command: str) -> list[str]:
    """The names of the figures that a benchmark prints; it must end without an error."""
    done = subprocess.run(  # noqa: S603  # our own benchmarks
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line)["name"] for line in done.stdout.splitlines()]


def test_every_benchmark_can_be_started() -> None:
    names = sorted(f"bench.{file.stem}" for file in (ROOT / "bench").glob("*.py"))
    assert "bench.pages" in names
    done = subprocess.run(  # noqa: S603  # our own benchmarks
        [sys.executable, "-c", f"import {', '.join(names)}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("bench") / "world.duckdb"
    assert "world_seconds" in lines_of(f"bench.world --interceptions 3000 --out {file}")
    return file


@pytest.mark.parametrize(
    ("command", "figure"),
    [
        ("bench.queries --store {world}", "spend_where_tool_30d_ms"),
        ("bench.explorer --only count --store {world}", "count_ms"),
        ("bench.sync --interceptions 2000 --batches 16 --store {world}", "sync_rows_per_second"),
        ("bench.details --sessions 40 --answer-ms 1", "details_per_second"),
        ("bench.pricing --responses 2000", "pricing_price_seconds"),
        ("bench.handshakes", "crowd_refused"),
        ("bench.replica_copies --store {world}", "publish_batches_wait_ms"),
        ("bench.alerts --store {world}", "everybody_again_ms"),
        ("bench.forecast --seeds 1", "coverage_p10_p90"),
        ("bench.engines --most 30 --minutes 0.5 --store {world}", "mismatched_cells"),
    ],
)
def test_a_benchmark_runs_to_its_end(command: str, figure: str, world: Path) -> None:
    assert figure in lines_of(command.format(world=world))
