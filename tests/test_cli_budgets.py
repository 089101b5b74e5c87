"""The budgets command, over a synced store: its numbers counted again, its words and its status."""

import json
import shutil
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import demo_sync
import pytest
from test_cli import ALONE
from test_cli_forecast import costs, file
from typer.testing import CliRunner, Result

from bridgeboard import cli, settings
from bridgeboard.cli import budgets
from bridgeboard.store import Store

__all__ = ["file"]  # a fixture
TODAY = demo_sync.NOW.date()


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for variable in settings.variables():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(budgets, "now", lambda: demo_sync.NOW)


@pytest.fixture
def options(file: Path, tmp_path: Path) -> Sequence[str]:
    return "--store", str(shutil.copy(file, tmp_path / "copy.duckdb"))


def run(*options: str) -> Result:
    return CliRunner().invoke(cli.app, ["budgets", *options], env=ALONE)


def written(folder: Path, *tables: str) -> Sequence[str]:
    path = folder / "budgets.toml"
    path.write_text("\n".join(f"[[budget]]\n{table}" for table in tables), "utf-8")
    return "--file", str(path)


ALL = 'name = "All"\nscope = "organization"\nperiod = "month"\namount = "100000.10"\n'


def test_numbers_are_those_of_the_store(file: Path, options: Sequence[str], tmp_path: Path) -> None:
    with Store.open(file, memory_mb=256, threads=2) as store:
        ((who, cost),) = store.rows(
            "SELECT username, CAST(sum(cost) AS VARCHAR) FROM usage JOIN initiators"
            " USING (initiator) WHERE started_at >= '2026-11-01' GROUP BY 1"
            " ORDER BY sum(cost) DESC NULLS LAST LIMIT 1"
        )
    person = f'name = "One"\nscope = "person"\nvalue = "{who}"\nperiod = "year"\namount = 0.01\n'
    said = run(*options, *written(tmp_path, ALL, person), "--json")
    assert said.exit_code == budgets.OVER
    one, everything = json.loads(said.stdout)["budgets"]
    days = costs(file)
    spent = sum(cost for day, cost in days.items() if day >= TODAY.replace(day=1))
    assert Decimal(everything["spent_usd"]) == Decimal(spent).scaleb(-12)
    left = Decimal(everything["limit_usd"]) - Decimal(everything["spent_usd"])
    assert Decimal(everything["remaining_usd"]) == left
    assert (everything["limit_usd"], everything["status"]) == ("100000.10", "ok")
    assert (one["name"], one["status"], one["runs_out"]) == ("One", "over", "already")
    assert Decimal(one["spent_usd"]) >= Decimal(int(cost)).scaleb(-12)


def test_words_and_status_say_whether_one_is_over(options: Sequence[str], tmp_path: Path) -> None:
    fine = run(*options, *written(tmp_path, ALL))
    assert fine.exit_code == 0
    assert "No budget is over its limit" in fine.output
    assert "On track: All (Organization, 1" in fine.output.replace("\n", " ")
    over = run(*options, *written(tmp_path, ALL.replace('"100000.10"', "0.01")))
    assert over.exit_code == budgets.OVER
    assert "1 budget is over its limit: All." in over.output
    none = run(*options, *written(tmp_path, ALL.replace('"100000.10"', '"none"')))
    assert (none.exit_code, "No budget has a limit now." in none.output) == (0, True)


def test_no_file_and_a_wrong_one_are_said_in_a_sentence(
    options: Sequence[str], tmp_path: Path
) -> None:
    missing: Any = run(*options)
    assert missing.exit_code == 2
    assert "No budgets are configured." in missing.output
    wrong = run(*options, *written(tmp_path, ALL.replace("month", "week")))
    assert wrong.exit_code == 2
    assert "line 4: 'period' is one of" in wrong.output.replace("\n", " ")
    gone = run(*options, "--file", str(tmp_path / "gone.toml"))
    assert (gone.exit_code, "cannot be read" in gone.output.replace("\n", " ")) == (2, True)
