"""The bridge command, over a synced store: steps that add up, words, and what is refused."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import commands
import demo_sync
import pytest
from stores import fresh

from bridgeboard.cli import bridge
from bridgeboard.store import Store

run = partial(commands.run, "bridge")
answered = partial(commands.answered, "bridge")
DAYS = ("--period", "7d")


@pytest.fixture(autouse=True)
def _now(no_settings: pytest.MonkeyPatch) -> None:
    no_settings.setattr(bridge, "now", lambda: demo_sync.NOW)


@pytest.fixture
def options(store_options: Sequence[str]) -> Sequence[str]:
    return *store_options, *DAYS


def spent(synced_file: Path, span: dict[str, str]) -> Decimal:
    """What a period cost, asked of the table itself."""
    with Store.open(synced_file, memory_mb=256, threads=2) as store:
        ((cost,),) = store.rows(
            "SELECT coalesce(sum(cost), 0) FROM usage WHERE started_at >= $1 AND started_at < $2",
            [datetime.fromisoformat(span[end]).replace(tzinfo=None) for end in ("since", "until")],
        )
    return Decimal(int(cost)).scaleb(-12)


def test_the_steps_add_up_to_the_difference_of_both_periods(
    synced_file: Path, options: Sequence[str]
) -> None:
    answer = answered(*options)
    ends = [spent(synced_file, answer[name]) for name in ("previous", "period")]
    assert [Decimal(answer["previous_usd"]), Decimal(answer["usd"])] == ends
    assert sum(Decimal(step["usd"]) for step in answer["steps"]) == ends[1] - ends[0]
    assert Decimal(answer["change_usd"]) == ends[1] - ends[0]
    assert answer["why_none"] is None


def test_the_words_name_every_step_and_what_it_is_compared_with(options: Sequence[str]) -> None:
    answer, said = answered(*options), run(*options)
    assert said.exit_code == 0, said.output
    assert "against" in said.output
    assert "Spend rose by" in said.output or "Spend fell by" in said.output
    steps = [step for step in answer["steps"] if Decimal(step["usd"])]
    assert said.output.count("\n  ") == len(steps)
    for note in answer["notes"]:
        assert note in said.output


def test_parts_add_up_in_whole_and_say_that_steps_do_not(options: Sequence[str]) -> None:
    answer = answered(*options, "--by", "model")
    assert len(answer["parts"]) > 1
    changes = [Decimal(part["change_usd"]) for part in answer["parts"]]
    assert sum(changes) == Decimal(answer["change_usd"])
    said = run(*options, "--by", "model").output
    assert answer["parts"][0]["name"] in said
    assert "single steps do not" in said


def test_filters_narrow_it_and_names_that_nobody_has_are_told(options: Sequence[str]) -> None:
    answer = answered(*options, "--by", "model")
    name = answer["parts"][0]["name"]
    assert answered(*options, "--family", name)["change_usd"] == answer["parts"][0]["change_usd"]
    assert "Nothing was ever recorded of person" in run(*options, "--person", "nobody").output


def test_a_period_that_nothing_was_recorded_before_says_so(tmp_path: Path) -> None:
    fresh(tmp_path).close()
    answer = answered("--store", str(tmp_path / "store.duckdb"), *DAYS)
    assert (answer["steps"], answer["change_usd"]) == ([], None)
    assert "no records" in answer["why_none"]


@pytest.mark.parametrize("wrong", [("--compare", "decade"), ("--by", "moon"), ("--period", "x")])
def test_words_that_are_none_are_refused(wrong: Sequence[str]) -> None:
    said = run(*wrong)
    assert said.exit_code == 2
    assert "none of" in said.output
