"""A full disk: the batch that met it is undone, what was committed before stays."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from stores import fresh

WRITER = """
import json, resource, signal, sys
from pathlib import Path
from bridgeboard.model.store import StoreError
from bridgeboard.store import Store

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
ROWS = "INSERT INTO meta SELECT 'row', md5(random()::VARCHAR) FROM range(10000)"

def limit(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

def attempt(store):
    try:
        with store.write() as batch:
            batch.execute(ROWS)
    except StoreError as error:
        return [type(error).__name__, str(error)]

store = Store.open(Path(sys.argv[1]))
store._writer.execute("SET checkpoint_threshold = ?", [sys.argv[2]])
limit(4_000_000)
batches, problem = 0, None
while problem is None:
    problem = attempt(store)
    batches += problem is None
limit(resource.RLIM_INFINITY)
again = attempt(store)
store.close()
print(json.dumps({"batches": batches, "problem": problem, "again": again}))
"""


def _filled(path: Path, threshold: str) -> dict[str, Any]:
    command = [sys.executable, "-W", "error", "-c", WRITER, str(path), threshold]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603  # our own script
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
@pytest.mark.parametrize("threshold", ["1GB", "1MB"])
def test_a_full_disk_undoes_one_batch_and_loses_none(tmp_path: Path, threshold: str) -> None:
    told = _filled(tmp_path / "store.duckdb", threshold)
    kind, message = told["problem"]
    assert kind == "StoreFullError"
    assert "no room left" in message
    assert "everything committed before is safe" in message
    # Whether a store goes on or has to be opened anew depends on what met the limit.
    later = told["again"] is None
    assert told["again"] is None or "start Bridgeboard again" in told["again"][1]
    with fresh(tmp_path) as store:
        assert told["batches"] > 2
        rows = store.rows("SELECT count(*) FROM meta WHERE name = 'row'")
        assert rows == [(10_000 * (told["batches"] + later),)]
        assert store.version == told["batches"] + later
        with store.write() as batch:
            batch.set_meta("alive", "yes")
