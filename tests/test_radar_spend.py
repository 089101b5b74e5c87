"""Which days cost far more than usual, counted again by hand, and which finding tells them."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random
from statistics import median

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.analysis.radar.finding import About
from bridgeboard.analysis.radar.shared_causes import Cause, Share, contributors, explained
from bridgeboard.analysis.radar.spend_spikes import DayRow, Spike, finding, spikes
from bridgeboard.model.accuracy import Accuracy
from bridgeboard.model.radar_limits import DOLLAR, SpendLimits
from bridgeboard.model.scope import Scope

LIMITS = SpendLimits(
    mad_least=DOLLAR // 2,
    excess=15 * DOLLAR,
    low=25 * DOLLAR,
    high=50 * DOLLAR,
    new_model=20 * DOLLAR,
)
"""Those of a small company."""
MONDAY = date(2026, 9, 7)
LATER = date(2026, 12, 31)


def days(amounts: dict[int, int | None], name: str = "data", length: int = 40) -> list[DayRow]:
    """Two dollars on working days, nothing on weekends, and these dollars on some days."""
    found: list[DayRow] = []
    for n in range(length):
        day = MONDAY + timedelta(days=n)
        if n in amounts:
            amount = amounts[n]
            found.append((day, name, None if amount is None else amount * DOLLAR))
        elif day.weekday() < 5:
            found.append((day, name, 2 * DOLLAR))
    return found


def told(rows: list[DayRow], last: date = LATER) -> list[Spike]:
    return spikes(rows, "team", last, LIMITS)


def test_a_day_far_beyond_the_usual_is_a_spike() -> None:
    (spike,) = told(days({28: 60}))
    assert (spike.first, spike.last) == (MONDAY + timedelta(days=28),) * 2
    assert (spike.amount, spike.usual, spike.excess) == (60 * DOLLAR, 2 * DOLLAR, 58 * DOLLAR)
    assert spike.z == pytest.approx(0.6745 * 58 / 0.5)


def test_a_usual_quarter_has_none() -> None:
    assert told(days({}, length=90)) == []


@pytest.mark.parametrize(("dollars", "many"), [(16, 0), (17, 1)])
def test_fifteen_dollars_beyond_the_usual_are_the_least(dollars: int, many: int) -> None:
    assert len(told(days({28: dollars}))) == many


def test_one_and_a_half_times_the_usual_is_the_least() -> None:
    rows = [(MONDAY + timedelta(days=n), "data", 100 * DOLLAR) for n in range(28)]
    day = MONDAY + timedelta(days=28)
    assert told([*rows, (day, "data", 149 * DOLLAR)]) == []
    assert len(told([*rows, (day, "data", 150 * DOLLAR)])) == 1


def test_days_that_vary_widely_make_a_spike_less_of_one() -> None:
    amounts: dict[int, int | None] = {n: (2, 60, 30)[n % 3] for n in range(28)}
    assert told(days({**amounts, 28: 80})) == []


@pytest.mark.parametrize(("day", "many"), [(11, 0), (14, 1)])
def test_fourteen_complete_days_come_first(day: int, many: int) -> None:
    assert len(told(days({day: 60}))) == many


def test_a_running_day_is_not_judged() -> None:
    day = MONDAY + timedelta(days=28)
    assert told(days({28: 60}), last=day - timedelta(days=1)) == []
    assert len(told(days({28: 60}), last=day)) == 1


def test_weekends_are_compared_with_weekends() -> None:
    (spike,) = told(days({26: 15}))
    assert spike.first.weekday() == 5
    assert spike.usual == 0


def test_unknown_amounts_are_neither_judged_nor_compared_with() -> None:
    assert told(days({28: None})) == []
    gone: dict[int, int | None] = dict.fromkeys(range(28))
    assert told(days({**gone, 28: 60})) == []


def test_all_unpriced_or_nothing_at_all_is_no_spike() -> None:
    assert told([]) == []
    assert told([(MONDAY + timedelta(days=n), "data", None) for n in range(40)]) == []


def test_days_in_a_row_are_one_spike_and_others_are_not() -> None:
    assert [len(spike.days) for spike in told(days({28: 60, 29: 50}))] == [2]
    assert [len(spike.days) for spike in told(days({28: 60, 30: 50}))] == [1, 1]


def test_a_spike_keeps_its_key_when_a_day_is_added() -> None:
    (short,) = told(days({28: 60}))
    (long,) = told(days({28: 60, 29: 50}))
    assert short.key == long.key
    other = spikes(days({28: 60}), "model", LATER, LIMITS)
    assert other[0].key != short.key


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.integers(0, 60)), min_size=30, max_size=60),
    st.randoms(use_true_random=False),
)
def test_spikes_are_those_counted_plainly_in_any_order(
    amounts: list[int | None], random: Random
) -> None:
    rows: list[DayRow] = [
        (MONDAY + timedelta(days=n), "data", None if amount is None else amount * DOLLAR)
        for n, amount in enumerate(amounts)
    ]
    wanted = [day for day, _, amount in rows if amount is not None and is_far(day, amount, rows)]
    random.shuffle(rows)
    assert [day for spike in told(rows) for day in spike.days] == wanted


def is_far(day: date, amount: int, rows: list[DayRow]) -> bool:
    """docs/radar.md, with plain floats."""
    before = [
        value
        for other, _, value in rows
        if 0 < (day - other).days <= 28
        and (other.weekday() > 4) == (day.weekday() > 4)
        and value is not None
    ]
    if (day - MONDAY).days < 14 or not before:
        return False
    middle = median(before)
    mad = median(abs(value - middle) for value in before)
    z = 0.6745 * (amount - middle) / max(mad, 0.05 * middle, DOLLAR / 2)
    return z > 3.5 and amount - middle >= 15 * DOLLAR and amount >= 1.5 * middle


def test_a_spike_in_words_says_how_much_and_who() -> None:
    (spike,) = told(days({28: 60, 29: 60}))
    cause = Cause(spike.key, "team", "data", frozenset(spike.days), spike.excess, spike.amount)
    rows = [Share(day, "ada", "data", "opus", 50 * DOLLAR) for day in spike.days]
    parts = contributors(cause, [*rows, Share(spike.first, "bo", "other", "opus", 1)], 3)
    scope = Scope.days(MONDAY, LATER).only("client", "Codex")
    found = finding(spike, parts, (), scope, LIMITS)
    assert "Team data spent $120.00 from 5 to 6 Oct 2026 where $4.00 is usual" in found.reason
    assert "ada ($100.00)" in found.reason
    assert "bo" not in [one.name for one in found.contributors]
    assert dict(found.evidence.scope.include) == {"client": ("Codex",), "team": ("data",)}
    assert found.evidence.scope.since == found.first_at
    assert found.severity == "high"


def test_a_spike_with_usage_without_a_price_is_at_least_as_large() -> None:
    (spike,) = told(days({28: 60}))
    bound = Accuracy("at_least", ("the price of 9 tokens is unknown",))
    cause = Cause(spike.key, "team", "data", frozenset(spike.days), spike.excess, spike.amount)
    parts = contributors(cause, [Share(spike.first, "ada", "data", "opus", DOLLAR, bound)], 3)
    for one, words in (
        (replace(spike, accuracy=bound), "at least $60.00 on 5 Oct 2026 where $2.00 is usual"),
        (replace(spike, usual_accuracy=bound), "$60.00 on 5 Oct 2026 where about $2.00 is usual"),
    ):
        found = finding(one, parts, (), Scope.days(MONDAY, LATER), LIMITS)
        assert found.reason == (
            f"Team data spent {words}, about 30.0 times as much; most of it:"
            " ada (at least $1.00), opus (at least $1.00)."
        )
        assert found.severity == finding(spike, (), (), Scope.days(MONDAY, LATER), LIMITS).severity


@pytest.mark.parametrize(
    ("usual", "words"),
    [
        (Accuracy(), "where nothing is usual."),
        (Accuracy("at_least", ("some price is unknown",)), "where an unknown amount is usual."),
    ],
)
def test_nothing_is_usual_only_where_that_is_known(usual: Accuracy, words: str) -> None:
    (spike,) = told(days({28: 60}))
    spike = replace(spike, usual=0, usual_accuracy=usual)
    found = finding(spike, (), (), Scope.days(MONDAY, LATER), LIMITS)
    assert found.reason.endswith(words)


def cause(about: About, name: str, excess: int, *, day: date = MONDAY) -> Cause:
    return Cause(f"{about} {name}", about, name, frozenset([day]), excess, excess)


def share(person: str, team: str, model: str, amount: int) -> Share:
    return Share(MONDAY, person, team, model, amount)


TEAM_WORK = [share(name, "data", "opus", 30) for name in ("ada", "bo", "cy", "di")]


def test_a_team_tells_the_spikes_of_its_members_and_of_their_model() -> None:
    causes = [
        cause("initiator", "ada", 29),
        cause("initiator", "bo", 29),
        cause("team", "data", 118),
        cause("model", "opus", 118),
    ]
    told_by = explained(causes, TEAM_WORK, LIMITS)
    assert set(told_by.values()) == {"team data"}
    assert len(told_by) == 3


def test_a_person_tells_the_spike_of_a_team_that_is_theirs_alone() -> None:
    rows = [share("ada", "data", "opus", 90), share("bo", "data", "opus", 5)]
    causes = [cause("initiator", "ada", 88), cause("team", "data", 90), cause("model", "opus", 90)]
    told_by = explained(causes, rows, LIMITS)
    assert told_by == {"team data": "initiator ada", "model opus": "initiator ada"}


def test_a_session_is_told_itself_and_tells_the_rest() -> None:
    rows = [share("ada", "data", "opus", 90)]
    causes = [
        cause("session", "ada", 80),
        cause("initiator", "ada", 88),
        cause("team", "data", 88),
        cause("model", "opus", 88),
    ]
    told_by = explained(causes, rows, LIMITS)
    assert set(told_by) == {"initiator ada", "team data", "model opus"}
    assert set(told_by.values()) == {"session ada"}


def test_a_small_session_does_not_hide_the_spike_of_a_team_nor_is_it_hidden() -> None:
    causes = [cause("session", "ada", 30), cause("team", "data", 118)]
    assert explained(causes, TEAM_WORK, LIMITS) == {}


def test_spikes_of_other_days_and_other_people_stand_alone() -> None:
    later = cause("initiator", "ada", 29, day=MONDAY + timedelta(days=1))
    assert explained([later, cause("team", "data", 118)], TEAM_WORK, LIMITS) == {}
    causes = [cause("initiator", "zoe", 50), cause("team", "data", 118)]
    assert explained(causes, TEAM_WORK, LIMITS) == {}
    assert explained([], [], LIMITS) == {}
