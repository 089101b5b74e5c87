import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.analysis.session_data import thinned

numbers = st.one_of(st.none(), st.floats(-1e9, 1e9))


@given(rows=st.lists(st.tuples(numbers, numbers), max_size=400), at_most=st.integers(6, 60))
def test_thinned_rows_keep_ends_order_and_extremes(
    rows: list[tuple[float | None, float | None]], at_most: int
) -> None:
    numbered = list(enumerate(rows))
    kept = thinned(numbered, at_most, lambda row: row[1][0], lambda row: row[1][1])
    places = [place for place, _ in kept]
    assert len(kept) <= at_most
    assert places == sorted(set(places))
    assert [numbered[place] for place in places] == list(kept)
    assert not rows or (places[0], places[-1]) == (0, len(rows) - 1)
    for value in (0, 1):
        known = [row[value] for row in rows if row[value] is not None]
        shown = [row[value] for _, row in kept if row[value] is not None]
        assert not known or (min(known), max(known)) == (min(shown), max(shown))


def test_few_rows_all_stay_and_too_little_room_is_refused() -> None:
    assert thinned(range(10), 10) == tuple(range(10))
    assert len(thinned(range(100), 10)) <= 10
    with pytest.raises(ValueError, match="no room"):
        thinned(range(10), 3, float)
