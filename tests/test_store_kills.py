"""A writer that is killed at any moment leaves whole batches, and all that it announced."""

import random
import subprocess
import sys
from pathlib import Path

import pytest
from slow_cases import one_fast
from stores import fresh

from bridgeboard.analysis import text_search
from bridgeboard.store import Store

HERE = Path(__file__).parent
WRITER = """
import sys
from pathlib import Path
from small_bridges import Book
from stores import told
from bridgeboard.store import Batch, Store, interceptions, text_index

written = Batch._written

def announced(self, sql, params):
    print(".", end="", flush=True)
    return written(self, sql, params)

Batch._written = announced
store = Store.open(Path(sys.argv[1]), threads=1)
store._writer.execute("SET checkpoint_threshold = '200KB'")
for edition in range(1, 100_000):
    book = Book()
    prompt = (0, f"edition{edition} " * 300)
    for number in range(12):
        book.call(number, tokens=[(edition,)], tools=["Read"] * 3, prompts=[prompt])
    rows = told(book.tables(), book.calls, edition=edition)
    with store.write() as batch:
        interceptions.put(batch, rows)
        batch.set_meta("edition", str(edition))
    print(f"\\n{edition} ", end="", flush=True)
    text_index.gather(store, least=1, texts=1)
"""
WHOLE = """
    SELECT (SELECT value::BIGINT FROM meta WHERE name = 'edition'),
           (SELECT count(*) FROM usage), (SELECT min(input) FROM usage),
           (SELECT max(input) FROM usage), (SELECT count(*) FROM tool_calls),
           (SELECT count(*) FROM tool_inputs), (SELECT count(*) FROM prompts),
           (SELECT min(input) FROM responses), (SELECT sum(input)::BIGINT FROM responses)
"""


def _killed_after(path: Path, batches: int, announcements: int) -> int:
    """Let a writer announce so many batches and then statements; the last batch it announced."""
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(  # noqa: S603  # our own script
        command, cwd=HERE, stdout=subprocess.PIPE, env={"PYTHONPATH": str(HERE)}
    ) as writer:
        assert writer.stdout
        for _ in range(batches):
            writer.stdout.readline()
        heard = writer.stdout.read(announcements)
        writer.kill()
        heard += writer.stdout.read()
    committed = [line.split()[0] for line in heard.splitlines() if line[:1].isdigit()]
    return max([int(number) for number in committed], default=batches - 1)


def _check(store: Store, announced: int) -> None:
    ((edition, *seen),) = store.rows(WHOLE)
    assert edition in {announced, announced + 1}
    assert seen == [12, edition, edition, 36, 36, 12, edition, 12 * edition]
    assert store.version == edition
    with store.snapshot() as reader:
        runs = text_search.runs_with(reader, [f"edition{edition}"])
    if runs is not None:
        assert sum(run.texts for run in runs) == 12


@pytest.mark.parametrize("seed", one_fast(range(6)))
def test_a_killed_writer_leaves_every_announced_batch_whole(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311  # when to kill is no secret
    path = tmp_path / "store.duckdb"
    announced = _killed_after(path, dice.randint(3, 40), dice.randint(1, 20))
    with fresh(tmp_path) as store:
        _check(store, announced)
        with store.write() as batch:
            batch.set_meta("alive", "yes")
    with fresh(tmp_path) as store:
        assert store.meta("alive") == "yes"
