"""The page Budgets, its line on Spend, and what it says without budgets or with a wrong file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import altair as alt
import pytest
import shown_tables
from dashboard_store import filled, looking
from facts import facts
from stores import fresh
from streamlit.testing.v1 import AppTest

from bridgeboard import budgets, charts, formats, settings
from bridgeboard.access import RowAccess
from bridgeboard.analysis import budget_words
from bridgeboard.analysis.budget_rules import BudgetStatus
from bridgeboard.analysis.budgets import statuses
from bridgeboard.analysis.coder_budgets import coder_budgets, reasons
from bridgeboard.analysis.runner import Snapshot
from bridgeboard.model.coder_groups import Group
from bridgeboard.store import Store, coder_groups
from bridgeboard.ui import current_user
from bridgeboard.ui.current_user import Reader

ROOT = Path(__file__).parents[1]
END: datetime = max(row["started_at"] for row in facts().usage)
MODEL = max(
    ((row["cost"] or 0, row["model"]) for row in facts().usage if row["model"]),
    key=lambda pair: pair[0],
)[1]
PERSON = facts().usage[0]["person"]
TEXT = f"""
[[budget]]
name = "All <b>of it</b>"
scope = "organization"
amount = "1000000"
period = "year"
notes = "Agreed *in* May"

[[budget]]
name = "One model"
scope = "model"
value = '{MODEL}'
amount = "0.01"
period = "year"

[[budget]]
name = "Somebody"
scope = "person"
value = '{PERSON}'
amount = 50000
period = "month"
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened:
        yield opened


@contextmanager
def configured(store: Store, folder: Path, text: str | None) -> Iterator[None]:
    file = folder / "budgets.toml"
    if text is not None:
        file.write_text(text, "utf-8")
    with looking(store, END):
        if text is not None:
            update = {"budgets_file": str(file)}
            settings.install(settings.current().model_copy(update=update))
        yield


def opened(page: str = "budgets", **query: Any) -> AppTest:
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=120)
    for name, values in {"tz": "UTC", **query}.items():
        test.query_params[name] = values
    test.switch_page(f"pages/{page}.py").run()
    assert not test.exception
    return test


def said(test: AppTest) -> str:
    kinds = (
        "markdown",
        "caption",
        "info",
        "warning",
        "error",
        "text",
        "code",
        "header",
        "subheader",
    )
    told = [str(one.value) for kind in kinds for one in test.get(kind)]
    return "\n".join(told).replace("\\", "").replace("\u2060", "")


def listed(test: AppTest) -> list[tuple[str, ...]]:
    """What stands in the rows of the table of budgets."""
    return shown_tables.table(test, "budgets").lines


def expected(store: Store, text: str = TEXT) -> dict[str, BudgetStatus]:
    with store.snapshot() as reader:
        found = statuses(Snapshot(reader), budgets.parse(text), END)
    return {one.name: one for one in found}


def test_the_page_says_what_the_analysis_does(store: Store, tmp_path: Path) -> None:
    by_name = expected(store)
    with configured(store, tmp_path, TEXT):
        test = opened()
        assert budget_words.sentence(list(by_name.values())) in said(test)
        assert "1 budget is over its limit: One model." in said(test)
        cells = listed(test)
        assert [row[0] for row in cells] == list(by_name)
        for row in cells:
            one = by_name[row[0]]
            assert row[1] == budget_words.state(one)
            assert budget_words.spent(one) in row
            assert row[4:6] == (budget_words.period(one), formats.whole_dollars(one.limit))
        assert test.selectbox(key="budget").value == "One model"
        other = opened(budget="All <b>of it</b>")
        assert "Agreed *in* May" in said(other)
        assert "One budget" in said(other)
        assert "budget=" in said(opened(budget="nonsense"))
        assert "1 budget is over its limit: One model." in said(opened("spend"))


def test_without_budgets_it_says_how_to_write_some(store: Store, tmp_path: Path) -> None:
    with configured(store, tmp_path, None):
        test = opened()
        assert "No budgets are configured." in said(test)
        (example,) = [one.value for one in test.get("code")]
        assert len(budgets.parse(example)) == 2
        assert "budget" not in said(opened("spend"))


def test_a_wrong_file_is_said_with_its_line_and_ends_nothing(store: Store, tmp_path: Path) -> None:
    with configured(store, tmp_path, TEXT.replace("month", "week")):
        assert "'period' must be one of month, quarter, year, dates" in said(opened())
        assert "budget" not in said(opened("spend"))
        (tmp_path / "budgets.toml").unlink()
        assert "cannot be read" in said(opened())


def test_an_empty_store_knows_nothing_of_any_budget(tmp_path: Path) -> None:
    with fresh(tmp_path / "none") as empty, configured(empty, tmp_path, TEXT):
        for name in expected(empty):
            test = opened(budget=name)
            assert {row[1] for row in listed(test)} == {"No data"}
            assert "No usage is recorded so far." in said(test)
            assert "the name in the budgets file" not in said(test)


def test_only_a_budget_with_a_name_may_have_a_wrong_one(store: Store, tmp_path: Path) -> None:
    members = '[[budget]]\nname = "Each"\nscope = "team"\nvalue = "zq-none"\nper = "member"\n'
    unknown = TEXT.replace(MODEL, "zq-no-such-model") + members + 'amount = "9"\nperiod = "month"\n'
    with configured(store, tmp_path, unknown):
        assert "is the name in the budgets file right?" in said(opened(budget="One model"))
        assert "Nobody is a member now." in said(opened(budget="Each"))
        test = opened(budget="All <b>of it</b>")
        assert "the name in the budgets file" not in said(test)


def test_limits_stand_in_whole_dollars_in_every_table(store: Store, tmp_path: Path) -> None:
    changing = """
    [[budget]]
    name = "Changing"
    scope = "organization"
    period = "month"
    amount = "3449.60"
    valid_to = "2026-11-15"

    [[budget]]
    name = "Changing"
    scope = "organization"
    period = "month"
    amount = "4510"
    valid_from = "2026-11-15"
    """
    with configured(store, tmp_path, changing):
        test = opened(budget="Changing")
        (standing,) = (one for one in expected(store, changing).values())
        assert f"of $4,510 spent ({budget_words.used(standing)})" in said(test)
        earlier = shown_tables.table(test, "budget-history")
        assert set(earlier.column("Limit")) == {"$3,450"}
        assert set(earlier.whole("Limit")) == {"$3,449.60"}
        limits = shown_tables.table(test, "budget-limits")
        assert [row[2] for row in limits.lines] == ["$4,510", "$3,450"]


def test_readers_of_groups_learn_nothing_of_a_person(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with configured(store, tmp_path, TEXT):
        operator = current_user.reader()
        groups = Reader(operator.viewer, RowAccess.of_groups())
        monkeypatch.setattr(current_user, "reader", lambda: groups)
        test = opened()
        assert "Somebody" not in repr(listed(test))
        assert "Somebody" not in test.selectbox(key="budget").options
        assert "budget=Somebody" in said(opened(budget="Somebody"))


def test_the_burn_down_has_all_days_a_limit_and_a_band() -> None:
    days = [date(2026, 11, day) for day in range(1, 5)]
    ideal = [(day, place * 10**12, f"${place}") for place, day in enumerate(days, 1)]
    spent = [(days[0], 10**12, "$1"), (days[1], 2 * 10**12, "$2")]
    expected = [(day, 3 * 10**12, 2 * 10**12, 4 * 10**12, "$3") for day in days[2:]]
    drawn = charts.burn_down(spent, expected, ideal, 4 * 10**12)
    assert alt.LayerChart.from_dict(charts.spec(drawn))
    assert drawn.layer[0].data["amount"].tolist() == [4]
    assert drawn.layer[1].data["amount"].tolist() == [1, 2, 3, 4]
    assert len(charts.burn_down(spent, [], ideal, 0).layer) == len(drawn.layer) - 1


def test_a_burn_down_is_drawn_once_for_each_budget(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = Mock(wraps=charts.burn_down)
    monkeypatch.setattr(charts, "burn_down", draw)
    with configured(store, tmp_path, TEXT):
        for name in ("One model", "Somebody", "One model", "Somebody"):
            opened(budget=name)
        assert [call.args[3] for call in draw.call_args_list] == [10**10, 50_000 * 10**12]


def test_coders_own_budgets_stand_below_with_what_is_counted_here(
    store: Store, tmp_path: Path
) -> None:
    group = Group("00000000-0000-4000-a000-000000000001", "o", "coder", "zq-eng")
    group = replace(group, organization="00000000-0000-4000-a000-000000000002", members=3)
    ((person, name),) = store.rows("SELECT id::VARCHAR, username FROM initiators LIMIT 1")
    shared = {"coder_group": group.id, "spend_micros": 8_000_000}
    limit = {"limit_micros": 7_000_000, "limit_source": "user_override"}
    with store.write() as batch:
        month = END.date().replace(day=1)
        own = shared | limit | {"person": person, "username": name, "effective_group": group.id}
        coder_groups.put_groups(batch, [group])
        coder_groups.put_spend(batch, "coder_group_spend", month, [shared], END)
        coder_groups.put_spend(batch, "coder_member_spend", month, [own], END)
    with store.snapshot() as reader:
        found = coder_budgets(reader)
    assert found
    with configured(store, tmp_path, None):
        test = opened()
        (row, *_) = shown_tables.table(test, "coder-groups").lines
        assert row[:6] == ("zq-eng", formats.DASH, "3", "$8.00", "1", "$8.00")
        assert formats.money(found.groups[0].ours.cost) in row[6]
        (own_limit,) = shown_tables.table(test, "coder-people").lines
        assert (own_limit[0], own_limit[2], own_limit[-1]) == (name, "$7.00", "refused")
        assert all(reason in said(test) for reason in reasons(found))


def test_where_coder_does_not_tell_what_was_spent_nothing_is_said_to_be_zero(
    store: Store, tmp_path: Path
) -> None:
    organization = "00000000-0000-4000-a000-000000000002"
    group = Group("00000000-0000-4000-a000-000000000001", organization, "coder", "zq-eng")
    limit = {"coder_group": group.id, "limit_micros": 1_450_000_000}
    with store.write() as batch:
        coder_groups.put_groups(batch, [replace(group, members=3)])
        coder_groups.put_spend(batch, "coder_group_spend", END.date().replace(day=1), [limit], END)
    with configured(store, tmp_path, None):
        table = shown_tables.table(opened(), "coder-groups")
        assert table.lines == [("zq-eng", "$1,450", "3")]
