"""The budgets command, over a synced store: its numbers counted again, its words and its status."""

import json
from collections.abc import Sequence
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import commands
import demo_sync
import pytest
from test_cli_forecast import costs

from bridgeboard.cli import budgets
from bridgeboard.store import Store

run = partial(commands.run, "budgets")
TODAY = demo_sync.NOW.date()


@pytest.fixture(autouse=True)
def _now(no_settings: pytest.MonkeyPatch) -> None:
    no_settings.setattr(budgets, "now", lambda: demo_sync.NOW)


def written(folder: Path, *tables: str) -> Sequence[str]:
    path = folder / "budgets.toml"
    path.write_text("\n".join(f"[[budget]]\n{table}" for table in tables), "utf-8")
    return "--file", str(path)


ALL = 'name = "All"\nscope = "organization"\nperiod = "month"\namount = "100000.10"\n'


def test_numbers_are_those_of_the_store(
    synced_file: Path, store_options: Sequence[str], tmp_path: Path
) -> None:
    with Store.open(synced_file, memory_mb=256, threads=2) as store:
        ((who, cost),) = store.rows(
            "SELECT username, CAST(sum(cost) AS VARCHAR) FROM usage JOIN initiators"
            " USING (initiator) WHERE started_at >= '2026-11-01' GROUP BY 1"
            " ORDER BY sum(cost) DESC NULLS LAST LIMIT 1"
        )
    person = f'name = "One"\nscope = "person"\nvalue = "{who}"\nperiod = "year"\namount = 0.01\n'
    said = run(*store_options, *written(tmp_path, ALL, person), "--json")
    assert said.exit_code == budgets.OVER
    one, everything = json.loads(said.stdout)["budgets"]
    days = costs(synced_file)
    spent = sum(cost for day, cost in days.items() if day >= TODAY.replace(day=1))
    assert Decimal(everything["spent_usd"]) == Decimal(spent).scaleb(-12)
    left = Decimal(everything["limit_usd"]) - Decimal(everything["spent_usd"])
    assert Decimal(everything["remaining_usd"]) == left
    assert (everything["limit_usd"], everything["status"]) == ("100000.10", "ok")
    assert (one["name"], one["status"], one["runs_out"]) == ("One", "over", "already")
    assert Decimal(one["spent_usd"]) >= Decimal(int(cost)).scaleb(-12)


def test_words_and_status_say_whether_one_is_over(
    store_options: Sequence[str], tmp_path: Path
) -> None:
    fine = run(*store_options, *written(tmp_path, ALL))
    assert fine.exit_code == 0
    assert "No budget is over its limit" in fine.output
    assert "On track: All (Organization, 1" in fine.output.replace("\n", " ")
    over = run(*store_options, *written(tmp_path, ALL.replace('"100000.10"', "0.01")))
    assert over.exit_code == budgets.OVER
    assert "1 budget is over its limit: All." in over.output
    none = run(*store_options, *written(tmp_path, ALL.replace('"100000.10"', '"none"')))
    assert (none.exit_code, "No budget has a limit now." in none.output) == (0, True)


def test_no_file_and_a_wrong_one_are_said_in_a_sentence(
    store_options: Sequence[str], tmp_path: Path
) -> None:
    missing: Any = run(*store_options)
    assert missing.exit_code == 2
    assert "No budgets are configured." in missing.output
    wrong = run(*store_options, *written(tmp_path, ALL.replace("month", "week")))
    assert wrong.exit_code == 2
    assert "line 4: 'period' must be one of" in wrong.output.replace("\n", " ")
    gone = run(*store_options, "--file", str(tmp_path / "gone.toml"))
    assert (gone.exit_code, "cannot be read" in gone.output.replace("\n", " ")) == (2, True)
