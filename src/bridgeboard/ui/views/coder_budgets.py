"""Coder's own budgets on the page Budgets: its limits, what it counts, and what is counted here."""

from collections.abc import Sequence
from datetime import UTC
from typing import Final

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import coder_groups
from bridgeboard.analysis.coder_budgets import (
    CoderBudgets,
    GroupBudget,
    MemberBudget,
    Ours,
    coder_budgets,
    reasons,
)
from bridgeboard.model.store import NoStoreError, Rows
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import notices, tables
from bridgeboard.ui.components.tables import Column, Inexact

_NAME: Final = 40
_GROUPS: Final = (
    Column("Group", longest=_NAME),
    Column("Limit of each", "limit", "What Coder lets each member spend in the month."),
    Column("Members", "count", "As Coder counts them."),
    Column("Booked on it", "money", "By anybody in the month, former members included."),
    Column("Counts for", "count", "People whose budget the group sets, or who are booked on it."),
    Column("Coder counts", "money", "What Coder booked for these people, on any of their groups."),
    Column("Counted here", "money", "Spend of the same people in the same month (UTC)."),
    Column("Difference", "money", "Counted here, less what Coder counts."),
    Column("Refused", "count", "People at or above their limit: Coder refuses their requests."),
)
_TOLD_WITHOUT_SPEND: Final = 3
"""The first columns: group, limit, members."""
_PEOPLE: Final = (
    Column("Person", longest=_NAME),
    Column("Group", longest=_NAME),
    Column("Limit", "limit"),
    Column("Whose limit"),
    Column("Spent on it", "money", "On that group, as Coder counts and compares it."),
    Column("Counted here", "money", "All their spend in the month (UTC)."),
    Column("State"),
)


def show() -> None:
    """The groups with both numbers, whom Coder refuses, and why the numbers differ.

    Nothing for readers who do not see everybody, and where the deployment tells nothing.
    """
    if not current_user.reader().row_access.is_of_everybody:
        return
    with notices.tile("Coder's own budgets"):
        try:
            found, problems = runner.current().read(_known)
        except NoStoreError:
            return
        if found is None or not (found.booked or any(_limits(found))):
            if found is not None or problems:
                st.header("Coder's own budgets", anchor=False)
                st.caption("No group of Coder has a limit." if found else "Not read so far.")
                _problems(problems)
            return
        st.header("Coder's own budgets", anchor=False)
        read_at = formats.moment(found.read_at, UTC, "minutes")
        st.caption(
            f"{found.month:%B %Y} (UTC), as Coder said on {read_at}. "
            "A limit is for each member. Coder books what somebody spends on the group that sets "
            "their budget, or else on Everyone."
        )
        _problems(problems)
        if all(group.booked is None for group in found.groups):
            _limits_alone(found)
            return
        _table(found)
        _people(found)
        with st.expander("Why Coder counts another amount"):
            for reason in reasons(found):
                st.text(reason)


def _known(reader: Rows) -> tuple[CoderBudgets | None, list[str]]:
    return coder_budgets(reader), list(coder_groups.reading_sentences(reader))


def _limits(found: CoderBudgets) -> list[bool]:
    return [group.limit is not None for group in found.groups] + [bool(found.own_limits)]


def _problems(problems: Sequence[str]) -> None:
    for problem in problems:
        st.text(f"{problem}.")


def _limits_alone(found: CoderBudgets) -> None:
    """The table of groups where the deployment does not tell what was spent."""
    tables.show(
        [_row(group)[:_TOLD_WITHOUT_SPEND] for group in found.groups],
        _GROUPS[:_TOLD_WITHOUT_SPEND],
        key="coder-groups",
        label="Coder's own budgets by group",
        search="Search groups",
    )


def _table(found: CoderBudgets) -> None:
    counted = [group.counted for group in found.groups]
    known = [one for one in counted if one is not None]
    whole = sum(known) if len(known) == len(counted) else None
    ours = found.ours
    others = ("People Coder booked nothing for", *[None] * 4, 0, _ours(found.others), None, None)
    rows = [_row(group) for group in found.groups]
    difference = None if whole is None else ours.cost - whole
    total = (
        *("Total", None, None, found.booked),
        sum(len(group.people) for group in found.groups),
        *(whole, _ours(ours), _inexact(difference, ours), len(found.blocked)),
    )
    tables.show(
        [*rows, *([others] if found.others != Ours() else [])],
        _GROUPS,
        key="coder-groups",
        label="Coder's own budgets by group",
        totals=[total],
        search="Search groups",
        note="≥ means at least: some tokens have no known price." if ours.unpriced_tokens else "",
    )


def _row(group: GroupBudget) -> tuple[object, ...]:
    return (
        formats.line(group.title),
        group.limit,
        group.members,
        group.booked,
        len(group.people),
        group.counted,
        _ours(group.ours),
        _inexact(group.difference, group.ours),
        group.blocked,
    )


def _ours(ours: Ours) -> object:
    return _inexact(ours.cost, ours)


def _inexact(value: int | None, ours: Ours) -> object:
    if value is None or not ours.unpriced_tokens:
        return value
    return Inexact(value, "at_least", "Some tokens have no known price.")


def _people(found: CoderBudgets) -> None:
    people = dict.fromkeys((*found.blocked, *found.own_limits))
    if not people:
        return
    title = "People who are refused, or have a limit of their own"
    tables.show(
        [_person(one) for one in people],
        _PEOPLE,
        key="coder-people",
        label=title,
        title=title,
        search="Search people",
    )


def _person(one: MemberBudget) -> tuple[object, ...]:
    return (
        formats.line(one.username) or formats.DASH,
        formats.line(one.group),
        one.limit,
        "their own" if one.is_own else "of the group",
        one.spent,
        _ours(one.ours),
        "refused" if one.state == "blocked" else "below the limit",
    )
