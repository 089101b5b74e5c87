"""What the words of an address mean, and what those of old links have become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard.model.pages import FILTERS
from bridgeboard.ui import filter_words, old_urls, url_parameters, url_values

VALUES = st.lists(st.text(alphabet="~ab", min_size=1, max_size=5), max_size=4, unique=True)


@given(VALUES, VALUES)
def test_every_value_can_be_kept_and_left_out_also_one_that_begins_with_the_sign(
    kept: list[str], left_out: list[str]
) -> None:
    words = [*filter_words.written(left_out, is_left_out=True), *filter_words.written(kept)]
    assert filter_words.read(words) == (kept, left_out)


def test_a_value_stands_for_itself_and_the_sign_leaves_it_out() -> None:
    assert filter_words.read(["a", "~b", "~~c", "", "~"]) == (["a", "~c"], ["b"])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"range": ["Last 7 days"]}, {"period": ["7d"]}),
        (
            {"period": ["custom"], "dates": ["2026-11-08", "2026-11-01"]},
            {"from": ["2026-11-01"], "to": ["2026-11-08"]},
        ),
        (
            {"range": ["Custom days"], "dates": ["2026-11-01"], "until": ["17:30"]},
            {"from": ["2026-11-01"], "to": ["2026-11-01T17:30"]},
        ),
        (
            {"period": ["custom"], "dates": ["2026-11-01", "2026-11-08"], "from": ["09:00"]},
            {"from": ["2026-11-01T09:00"], "to": ["2026-11-08"]},
        ),
        ({"period": ["custom"]}, {"period": ["7d"]}),
        ({"period": ["custom"], "from": ["09:00"]}, {"from": ["T09:00"]}),
        ({"period": ["30d"], "from": ["09:00"], "until": ["10:00"]}, {"period": ["30d"]}),
        ({"compare": ["false"]}, {"compare": ["none"]}),
        ({"compare": ["True"]}, {}),
        ({"models": ["a", "~b"]}, {"model_id": ["a", "~~b"]}),
        ({"models": ["a", "~b"], "not_models": ["true"]}, {"model_id": ["~a", "~~~b"]}),
        ({"clients": ["a"], "not_clients": ["false"]}, {"client": ["a"]}),
        ({"not_people": ["true"]}, {}),
        ({"people": ["ada"], "person": ["bob"]}, {"person": ["bob"]}),
        ({"id": ["s"], "person": ["4c9d"]}, {"id": ["s"], "initiator": ["4c9d"]}),
        ({"person": ["ada"]}, {"person": ["ada"]}),
    ],
)
def test_an_old_address_says_the_same_in_the_words_of_today(
    old: dict[str, list[str]], new: dict[str, list[str]]
) -> None:
    assert old_urls.of_today(old) == new
    assert old_urls.of_today(new) == new


def test_every_filter_is_known_by_its_old_parameter_and_each_other_one_is_as_it_was() -> None:
    assert {*old_urls.FILTERS.values()} <= {*FILTERS.values()}
    for page in ("overview", "sessions", "compare", "session", "radar"):
        assert {*old_urls.NAMES.values()} <= url_parameters.of(page)
        for name in url_parameters.of(page) - {"period", "from", "to", "compare"}:
            assert old_urls.of_today({name: ["x"]}) == {name: ["x"]}


@pytest.mark.parametrize("word", ["2026-11-01", "2026-11-01T09:30", "T09:30"])
def test_an_end_of_a_period_is_a_day_a_time_of_day_or_both(word: str) -> None:
    assert str(url_values.end(word)) == word


@pytest.mark.parametrize(
    "word", ["", "T", "2026-02-30", "2026-11-01T", "T25:00", "1T09:30", "x" * 999, "2026-11-01 09"]
)
def test_anything_else_is_no_end_of_a_period(word: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - what is wrong with it does not matter
        url_values.end(word)
