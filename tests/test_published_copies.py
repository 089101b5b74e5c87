"""Copies of a store for who only reads are whole or not there, and equal to the store."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from demo_store import filled
from demo_worlds import small

from bridgeboard.access import RowAccess
from bridgeboard.model.store import StoreError
from bridgeboard.store import (
    Store,
    StoreLocationError,
    StoreTooNewError,
    published_copies,
)
from bridgeboard.store.published_copies import Made, Published
from bridgeboard.store.replica_store import Copy, ReplicaStore
from bridgeboard.store.schema import MIGRATIONS

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
COUNT = "SELECT count(*), sum(cost), sum(tool_calls) FROM usage"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A store with the small demo company."""
    with filled(tmp_path / "company.duckdb", small()) as opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where copies are published."""
    return tmp_path / "copies"


def published(store: Store, folder: Path, *, floor: int = 5) -> tuple[Published, Made]:
    """Publish a copy, as the process that syncs does."""
    made = published_copies.publish(store, folder, NOW)
    newest = Published(
        store.path.stem, made.number, made.version, made.schema, floor, NOW, NOW, NOW, NOW
    )
    published_copies.name_newest(folder, newest)
    return newest, made


def remove_a_day(store: Store) -> None:
    """Write a batch that every copy made before does not have."""
    with store.write() as batch:
        batch.execute(
            "DELETE FROM usage WHERE started_at::DATE = (SELECT max(started_at)::DATE FROM usage)"
        )


@contextmanager
def opened(newest: Published, folder: Path) -> Iterator[ReplicaStore]:
    """A store that reads a copy."""
    with closing(ReplicaStore(folder, Copy(newest, folder, folder / "spill"))) as replica:
        yield replica


def test_copies_are_the_bytes_of_the_store_and_take_only_what_differs(
    store: Store, folder: Path
) -> None:
    made = []
    for _ in range(published_copies.KEPT + 3):
        newest, cost = published(store, folder)
        assert (folder / newest.file).read_bytes() == store.path.read_bytes()
        assert (folder / newest.file).stat().st_mode & 0o777 == 0o600
        made.append(cost)
        remove_a_day(store)
    whole = [one.copied == one.bytes for one in made]
    assert whole[: published_copies.KEPT] == [True] * published_copies.KEPT
    assert not any(whole[published_copies.KEPT :])
    assert len({one.number for one in made}) == len(made)
    assert len(published_copies.numbers_in(folder, "company")) == published_copies.KEPT


def test_a_copy_is_cut_where_the_store_has_become_smaller(store: Store, folder: Path) -> None:
    for _ in range(published_copies.KEPT):
        published(store, folder)
    before = store.path.stat().st_size
    with store.write() as batch:
        for table in ("usage", "responses", "tool_calls", "sessions"):
            batch.execute(f"DELETE FROM {table}")
    store.rewrite()
    newest, _ = published(store, folder)
    assert store.path.stat().st_size < before
    assert (folder / newest.file).read_bytes() == store.path.read_bytes()


def test_a_copy_that_somebody_reads_is_left_as_it_is(store: Store, folder: Path) -> None:
    first, _ = published(store, folder)
    with opened(first, folder) as replica, replica.snapshot() as reader:
        counted = reader.rows(COUNT)
        held = (folder / first.file).read_bytes()
        code = (
            "import duckdb, sys\n"
            f"with duckdb.connect({str(folder / first.file)!r}, read_only=True) as one:\n"
            "    print(one.execute('SELECT count(*) FROM usage').fetchone()[0], flush=True)\n"
            "    sys.stdin.read()\n"
            "    print(one.execute('SELECT count(*), sum(cost) FROM usage').fetchone())\n"
        )
        with subprocess.Popen(  # noqa: S603 - our own script
            [sys.executable, "-c", code], stdin=-1, stdout=-1, encoding="utf-8"
        ) as other:
            assert other.stdout
            assert int(other.stdout.readline()) == counted[0][0]
            for _ in range(published_copies.KEPT + 1):
                remove_a_day(store)
                if (folder / first.file).exists():
                    assert (folder / first.file).read_bytes() == held
                published(store, folder)
            answer, _ = other.communicate("")
        # Its file has no name any more, and neither reader sees anything else than before.
        assert not (folder / first.file).exists()
        assert answer.strip() == str(counted[0][:2])
        assert reader.rows(COUNT) == counted
    assert store.rows(COUNT) != counted


def test_a_copy_is_made_while_an_earlier_state_is_read(store: Store, folder: Path) -> None:
    with store.snapshot() as reader:
        before = reader.rows(COUNT)
        newest, _ = published(store, folder)
        with opened(newest, folder) as replica:
            assert replica.rows(COUNT) == before
    remove_a_day(store)
    newest, _ = published(store, folder)
    with opened(newest, folder) as replica:
        assert replica.rows(COUNT) == store.rows(COUNT) != before
        assert replica.version == store.version


def test_a_question_that_does_not_end_is_not_waited_for_for_ever(
    store: Store, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridgeboard.store.database.EXCHANGE_SECONDS", 0.1)
    with store.snapshot() as reader:
        before = reader.rows(COUNT)
        with store.write() as batch:
            batch.execute("UPDATE usage SET tool_calls = tool_calls + 1")
        with pytest.raises(StoreError, match="left no moment to copy it"):
            published(store, folder)
        assert reader.rows(COUNT) == before
    assert published_copies.named(folder) is None
    with store.write() as batch:
        batch.execute("UPDATE usage SET tool_calls = tool_calls + 1")
    newest, _ = published(store, folder)
    with opened(newest, folder) as replica:
        assert replica.rows(COUNT) == store.rows(COUNT)


def test_publishing_lets_no_other_process_at_the_store(store: Store, folder: Path) -> None:
    published(store, folder)
    published(store, folder)
    code = f"import duckdb; duckdb.connect({str(store.path)!r})"
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=False
    )
    assert "Could not set lock" in done.stderr


def test_who_is_killed_while_copying_leaves_nothing_that_anybody_opens(
    tmp_path: Path, folder: Path
) -> None:
    path = tmp_path / "company.duckdb"
    with filled(path, small()) as store:
        before = [published(store, folder)[0] for _ in range(published_copies.KEPT)][-1]
    code = (
        "import os, signal, sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from bridgeboard.store import Store, published_copies\n"
        "def half(source, former, partial):\n"
        "    os.replace(former, partial)\n"
        "    with partial.open('r+b') as file:\n"
        "        file.write(b'x' * 300_000)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "published_copies._run = half\n"
        f"published_copies.publish(Store.open(Path({str(path)!r})), Path({str(folder)!r}),"
        " datetime.now(UTC))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False)  # noqa: S603 - our own script
    assert done.returncode == -signal.SIGKILL
    assert published_copies.named(folder) == before
    assert list(folder.glob("*.partial"))
    with opened(before, folder) as replica, Store.open(path) as store:
        assert replica.rows(COUNT) == store.rows(COUNT)
        newest, _ = published(store, folder)
        assert newest.number > before.number
    assert not list(folder.glob("*.partial"))


def test_a_full_disk_leaves_the_copy_before(tmp_path: Path, folder: Path) -> None:
    code = (
        "import resource, sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from bridgeboard.store import Store, StoreFullError, published_copies\n"
        "with Store.open(Path(sys.argv[1])) as store:\n"
        "    size = store.path.stat().st_size\n"
        "    with store.at_rest():\n"
        "        pass\n"
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (size // 2, resource.RLIM_INFINITY))\n"
        "    try:\n"
        "        published_copies.publish(store, Path(sys.argv[2]), datetime.now(UTC))\n"
        "    except StoreFullError as error:\n"
        "        print(error)\n"
    )
    path = tmp_path / "company.duckdb"
    with filled(path, small()) as store:
        newest, _ = published(store, folder)
        counted = store.rows(COUNT)
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", code, str(path), str(folder)],
        capture_output=True,
        encoding="utf-8",
        check=False,
        preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN) and None,
    )
    assert "There is no room for a copy of the store" in done.stdout, done
    assert published_copies.named(folder) == newest
    assert {each.name for each in folder.iterdir()} == {newest.file, published_copies.NEWEST}
    with Store.open(path) as store:
        assert store.rows(COUNT) == counted
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_folder_that_cannot_be_used_is_said_and_the_store_goes_on(
    store: Store, tmp_path: Path
) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("", "utf-8")
    with pytest.raises(StoreLocationError, match="publish_folder"):
        published(store, in_the_way)
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o755)
    with pytest.raises(StoreLocationError, match="chmod 700"):
        published(store, open_to_all)
    remove_a_day(store)


def test_copies_of_another_store_stay(store: Store, folder: Path, tmp_path: Path) -> None:
    newest, _ = published(store, folder)
    with (
        Store.open(tmp_path / "other.duckdb") as other,
        pytest.raises(StoreLocationError, match="of another store"),
    ):
        published(other, folder)
    assert published_copies.named(folder) == newest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"format": "x"}',
        '{"format": "bridgeboard-published-store"}',
        "{}",
        "null",
        "\x00",
    ],
)
def test_a_file_that_names_no_copy_is_said(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / published_copies.NEWEST).write_text(text, "utf-8")
    with pytest.raises(StoreLocationError, match="does not name a copy"):
        published_copies.named(folder)


@pytest.mark.parametrize("name", ["../company", "a/b", "", "a\n"])
def test_a_copy_is_looked_for_in_its_folder_only(store: Store, folder: Path, name: str) -> None:
    published(store, folder)
    file = folder / published_copies.NEWEST
    file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), "store": name}), "utf-8")
    with pytest.raises(StoreLocationError, match="does not name a copy"):
        published_copies.named(folder)


def test_a_damaged_file_that_names_copies_is_written_anew(store: Store, folder: Path) -> None:
    first, _ = published(store, folder)
    (folder / published_copies.NEWEST).write_text("{", "utf-8")
    newest, _ = published(store, folder)
    assert published_copies.named(folder) == newest
    assert newest.number > first.number


def test_an_emptied_folder_gets_larger_numbers_than_before(store: Store, folder: Path) -> None:
    first, _ = published(store, folder)
    assert published_copies.withdraw(folder, "company") == 1
    assert list(folder.iterdir()) == []
    later = published_copies.publish(store, folder, NOW.replace(hour=13))
    assert later.number > first.number


def test_copies_of_other_schemas_and_broken_ones_are_refused(store: Store, folder: Path) -> None:
    newest, _ = published(store, folder)
    with pytest.raises(StoreTooNewError, match="upgrade this dashboard"):
        Copy(replace(newest, schema=len(MIGRATIONS) + 1), folder, folder)
    with pytest.raises(StoreError, match="upgrade the process that syncs"):
        Copy(replace(newest, schema=len(MIGRATIONS) - 1), folder, folder)
    with pytest.raises(StoreError, match=r"cannot be read \(it holds batch"):
        Copy(replace(newest, version=newest.version + 1), folder, folder)
    with pytest.raises(StoreError, match="next one that the process that syncs publishes"):
        Copy(replace(newest, number=newest.number + 1), folder, folder)
    path = folder / newest.file
    path.write_bytes(path.read_bytes()[:200_000])
    with pytest.raises(StoreError, match="next one that the process that syncs publishes"):
        Copy(newest, folder, folder)
    path.chmod(0o644)
    with pytest.raises(StoreError, match="Other accounts"):
        Copy(newest, folder, folder)


def test_a_schema_that_only_the_file_knows_of_is_seen(store: Store, folder: Path) -> None:
    newest, _ = published(store, folder)
    with duckdb.connect(str(folder / newest.file)) as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE name = 'schema'")
    with pytest.raises(StoreTooNewError):
        Copy(newest, folder, folder)


def test_all_questions_of_one_run_see_one_state(store: Store, folder: Path) -> None:
    first, _ = published(store, folder)
    with opened(first, folder) as replica:
        before, identity = replica.rows(COUNT), replica.identity
        with ExitStack() as run:
            run.enter_context(replica.one_state())
            remove_a_day(store)
            newest, _ = published(store, folder)
            replica.move_to(Copy(newest, folder, folder / "spill"))
            (folder / first.file).unlink()
            assert (replica.rows(COUNT), replica.identity) == (before, identity)
            assert replica.version == first.version
            with replica.one_state(), replica.snapshot() as reader:
                assert reader.version == first.version
        assert replica.rows(COUNT) == store.rows(COUNT) != before
        assert replica.identity != identity
        assert replica.path.stem == store.path.stem
        # The former copy was closed with its last run: this process holds none of its bytes.
        links = [
            str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()
        ]
        assert not [one for one in links if first.file in one]
    with pytest.raises(StoreError, match="were closed"):
        replica.rows(COUNT)


def test_nothing_can_be_written_and_no_other_file_read(store: Store, folder: Path) -> None:
    newest, _ = published(store, folder)
    with opened(newest, folder) as replica, replica.snapshot() as reader:
        with pytest.raises(duckdb.Error, match="read-only"):
            reader.rows("DELETE FROM usage")
        with pytest.raises(duckdb.Error):
            reader.rows(f"SELECT * FROM read_text('{folder / published_copies.NEWEST}')")


def test_groups_are_those_of_the_process_that_syncs(store: Store, folder: Path) -> None:
    groups = RowAccess.of_groups(5)
    usage = "SELECT started_at, status, requests, input, cost FROM usage ORDER BY ALL"
    newest, _ = published(store, folder)
    with opened(newest, folder) as replica, replica.snapshot(groups) as reader:
        # Nobody has made any yet, and who only reads makes none.
        assert reader.sees_groups_only
        assert reader.rows(usage) == []
    with store.snapshot(groups) as own:
        there = own.rows(usage)
    assert there
    newest, _ = published(store, folder)
    with opened(newest, folder) as replica:
        with replica.snapshot(groups) as reader:
            assert reader.rows(usage) == there
        with (
            pytest.raises(StoreError, match="same floor"),
            replica.snapshot(RowAccess.of_groups(6)),
        ):
            pass
