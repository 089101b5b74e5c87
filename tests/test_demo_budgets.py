"""The budgets of the demo company: every kind, and over and on track whatever day it is."""

from datetime import date, timedelta

import pytest

from bridgeboard import budgets
from bridgeboard.demo.company.budgets import budgets_toml

TEAMS = {name: (f"{name}-lead", "other") for name in ("data", "payments", "security", "platform")}
TEAMS["storefront"] = ("ada",)
DAY = date(2028, 2, 29)


def test_it_is_a_file_of_every_kind_of_budget() -> None:
    found = {one.name: one for one in budgets.parse(budgets_toml(DAY, TEAMS, 1.0))}
    assert {one.scope for one in found.values()} >= {
        *("organization", "team", "person", "family", "client", "provider"),
    }
    assert {one.period for one in found.values()} == {"month", "quarter", "year", "dates"}
    assert {one.per for one in found.values()} == {"pool", "member"}
    assert found["Platform lead"].value == "platform-lead"
    everything = found["Everything"]
    assert everything.limit_on(DAY) == 12_000 * 10**12
    assert everything.limit_on(DAY - timedelta(days=46)) == 7_000 * 10**12
    trial = found["Trial of Zed"].period_of(DAY)
    assert (trial.first, trial.last) == (date(2027, 12, 31), date(2028, 3, 30))
    assert any(one.limit_on(DAY) == 0 for one in found.values())


@pytest.mark.parametrize("scale", [0.05, 0.1, 3.0, 100.0])
def test_amounts_follow_the_size_of_the_company(scale: float) -> None:
    found = {one.name: one for one in budgets.parse(budgets_toml(DAY, TEAMS, scale))}
    assert found["Everything"].limit_on(DAY) == round(12_000 * scale * 100) * 10**10
    assert found["Storefront, each"].limit_on(DAY) == 180 * 10**12


def test_teams_and_people_that_there_are_not_have_no_budget() -> None:
    names = {one.name for one in budgets.parse(budgets_toml(DAY, {"data": ("ada",)}, 1.0))}
    assert "Data team" in names
    assert names.isdisjoint({"Payments team", "Platform lead", "Storefront, each"})
