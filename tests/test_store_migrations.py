"""Files of every schema there ever was open, with their rows."""

from pathlib import Path

import duckdb
import pytest
from stores import fresh

from bridgeboard.store import Store, StoreTooNewError, opening
from bridgeboard.store.schema import MIGRATIONS

ROWS = (
    "INSERT INTO meta VALUES ('deployment_id', 'd')",
    (
        "INSERT INTO initiators (initiator, id, username, name)"
        " VALUES (1, '00000000-0000-4000-8000-000000000001', 'ada', 'Ada')"
    ),
    "INSERT INTO anomalies VALUES ('2026-05-20', 'short', 'as it was')",
)


def _file_of(version: int, path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        opening.migrate(connection, path, version)
        for statement in ROWS:
            connection.execute(statement)


def _shape(store: Store) -> list[tuple[object, ...]]:
    return store.rows(
        "SELECT table_name, column_name, data_type, is_nullable FROM duckdb_columns()"
        " WHERE NOT internal ORDER BY ALL"
    )


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_a_file_of_any_schema_opens_with_its_rows(tmp_path: Path, version: int) -> None:
    _file_of(version, tmp_path / "store.duckdb")
    (tmp_path / "store.duckdb").chmod(0o600)
    with fresh(tmp_path) as store:
        assert store.meta("schema") == str(len(MIGRATIONS))
        assert store.meta("deployment_id") == "d"
        assert store.rows("SELECT username FROM initiators") == [("ada",)]
        assert store.rows("SELECT message FROM anomalies") == [("as it was",)]
        migrated = _shape(store)
    (tmp_path / "new").mkdir()
    with fresh(tmp_path / "new") as store:
        assert _shape(store) == migrated


def test_a_migration_that_fails_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh(tmp_path).close()
    broken = (*MIGRATIONS, "CREATE TABLE extra (a INTEGER); INSERT INTO nowhere VALUES (1);")
    with monkeypatch.context() as patch:
        patch.setattr(opening, "MIGRATIONS", broken)
        with pytest.raises(duckdb.CatalogException):
            fresh(tmp_path)
    with fresh(tmp_path) as store:
        assert store.meta("schema") == str(len(MIGRATIONS))
        assert ("extra",) not in store.rows("SHOW TABLES")


def test_migrations_run_once_and_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh(tmp_path).close()
    later = (
        *MIGRATIONS,
        "CREATE TABLE extra (a INTEGER)",
        "ALTER TABLE extra ADD COLUMN b INTEGER",
    )
    with monkeypatch.context() as patch:
        patch.setattr(opening, "MIGRATIONS", later)
        for _ in range(2):
            with fresh(tmp_path) as store:
                assert store.meta("schema") == str(len(later))
                assert store.rows("SELECT a, b FROM extra") == []
    with pytest.raises(StoreTooNewError):
        fresh(tmp_path)
