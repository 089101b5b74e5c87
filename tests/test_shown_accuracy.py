"""A number that is a lower bound, about right or unknown is called so wherever it is shown."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bridgeboard.boards import Move
from bridgeboard.explorer.compare import Line
from bridgeboard.metrics import (
    EXACT,
    METRICS,
    Accuracy,
    Scope,
    is_comparable,
    presence_accuracy,
)
from bridgeboard.ui import adoption, beside, kpis, tiles
from bridgeboard.ui.scopes import Chosen

BOUND = Accuracy("at_least", ("some of it is not known",))
ABOUT = Accuracy("about", ("some of it counts elsewhere",))
BEGAN = datetime(2026, 11, 1, tzinfo=UTC)
SUMS = {"summed_rows": 3}


def test_two_sides_say_of_each_number_how_it_stands() -> None:
    line = Line("total_tokens", "Tokens", "count", 1200, 7)
    shown = beside._row(line, [{"total_tokens": ABOUT}, {"total_tokens": BOUND}])
    assert shown.full.endswith("About 1,200 and at least 7.")
    assert shown.cells[:2] == ("1.2k", "≥ 7")
    unknown = beside._row(Line("spend", "Spend", "money", None, 10**12), [{}, {"spend": EXACT}])
    assert unknown.full.endswith("Not known and exactly $1.00.")


def test_people_who_may_have_been_missed_are_not_called_exact() -> None:
    row = {"new": 4, "returning": 1200, "dormant": 6, **SUMS}
    cards = {name: adoption._card(name, row) for name in ("new", "returning", "dormant")}
    assert cards["returning"].value == "≥ 1.2k"
    assert cards["returning"].meaning.startswith("At least 1,200: 3 sums")
    assert cards["dormant"].meaning.startswith("About 6: 3 sums")
    assert cards["new"].meaning.startswith("About 4: 3 sums")
    assert adoption._card("new", {**row, "summed_rows": 0}).meaning.startswith("Exactly 4.")
    assert presence_accuracy("dormant", {"dormant": 1, "summed_rows": 0}) == EXACT


@pytest.mark.parametrize(
    ("now", "before", "moved"),
    [(0, 0, "+100%"), (3, 3, "+100%"), (3, 0, None), (0, 3, None)],
)
def test_a_card_shows_no_change_where_one_number_only_is_a_lower_bound(
    now: int, before: int, moved: str | None
) -> None:
    told: dict[str, Any] = {"requests": 8, "summed_rows": now}
    was: dict[str, Any] = {"requests": 4, "summed_rows": before}
    assert is_comparable("requests", told, was) == (moved is not None)
    card = kpis._card(METRICS["requests"], told, was, [], _chosen())
    assert card.change == moved
    assert ("so no change is shown" in card.meaning) == (moved is None)


def test_what_moved_is_marked_where_both_numbers_are_lower_bounds() -> None:
    shown = tiles._move(Move("team", "Core", 5, 10, BOUND, BOUND), "requests")
    assert shown.cells == ("Team", "+5", "+100%", "≥ 5", "≥ 10")
    assert shown.full == "Core: at least 5 before, at least 10 now"


def test_what_moved_counts_the_values_that_cannot_be_compared() -> None:
    unlike = Move("team", "Core", 5, 10, BOUND, EXACT)
    assert tiles._moved_note([]) == "Nothing changed."
    assert tiles._moved_note([unlike]).startswith("1 value left out: only one of the two")
    assert tiles._moved_note([Move("team", "Web", 5, 10)]) == tiles.EACH_BY_ITSELF


def _chosen() -> Chosen:
    scope = Scope(BEGAN, BEGAN + timedelta(days=7))
    before = Scope(BEGAN - timedelta(days=7), BEGAN)
    return Chosen(scope, before, "7d", running=False)
