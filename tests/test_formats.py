"""Numbers, times and recorded text → words."""

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridgeboard import formats

UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12, "P": 10**15}


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "–"),  # noqa: RUF001 - the dash for "unknown"
        (0, "0"),
        (999, "999"),
        (1000, "1k"),
        (1049, "1k"),
        (1051, "1.1k"),
        (99_949, "99.9k"),
        (99_951, "100k"),
        (999_499, "999k"),
        (999_500, "1M"),
        (-1500, "-1.5k"),
        (12_345_678, "12.3M"),
        (2**63, "9,223P"),
    ],
)
def test_a_number_is_shortened_to_three_digits_and_a_unit(number: int | None, words: str) -> None:
    assert formats.compact(number) == words


@given(st.integers(min_value=0, max_value=999 * 10**15))
def test_a_shortened_number_is_within_one_percent_of_five_of_its_last_digit(number: int) -> None:
    words = formats.compact(number)
    unit = words.lstrip("0123456789.,")
    back = float(words.removesuffix(unit).replace(",", "")) * UNITS[unit]
    assert abs(back - number) <= max(0.05 * back, 0.5)
    assert len(words.replace(".", "").removesuffix(unit)) <= 3


@given(st.integers(min_value=0, max_value=10**15), st.integers(min_value=0, max_value=10**15))
def test_shortening_keeps_the_order_of_numbers(one: int, other: int) -> None:
    def size(number: int) -> float:
        words = formats.compact(number)
        unit = words.lstrip("0123456789.,")
        return float(words.removesuffix(unit)) * UNITS[unit]

    assert (size(one) <= size(other)) or one > other


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (None, "–"),  # noqa: RUF001 - the dash for "unknown"
        (timedelta(0), "0s"),
        (timedelta(milliseconds=40), "40ms"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=130), "2m 10s"),
        (timedelta(hours=2), "2h"),
        (timedelta(hours=2, seconds=5), "2h"),
        (timedelta(days=3, hours=4, minutes=5), "3d 4h"),
        (timedelta(seconds=-1), "–"),  # noqa: RUF001 - the dash for "unknown"
    ],
)
def test_a_duration_shows_its_two_largest_units(span: timedelta | None, words: str) -> None:
    assert formats.duration(span) == words


def test_a_moment_is_told_in_the_zone_asked_for() -> None:
    at = datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC)
    assert formats.moment(at, ZoneInfo("Asia/Kathmandu")) == "2026-03-29 06:44:59"
    assert formats.moment(at, ZoneInfo("Europe/Berlin")) == "2026-03-29 01:59:59"
    assert formats.clock_time(at + timedelta(seconds=1), ZoneInfo("Europe/Berlin")) == "03:00:00"
    assert formats.moment(None, UTC) == formats.DASH


def test_a_span_says_which_rows_of_how_many() -> None:
    assert formats.span(1, 50, 12_345, "session") == "1-50 of 12,345 sessions"
    assert formats.span(51, 1, 51, "thread") == "51 of 51 threads"
    assert formats.span(1, 0, 0, "session") == "0 sessions"
    assert formats.span(1, 8, 8, "session") == "8 sessions"


@given(st.text())
def test_no_character_that_acts_on_the_screen_survives(text: str) -> None:
    shown = formats.visible(text)
    acting = {chr(code) for code in [*range(32), 127, *range(128, 160)]} - {"\n", "\t"}
    acting |= set("\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
    assert not acting & set(shown)


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_ordinary_text_is_shown_unchanged(text: str) -> None:
    assert formats.visible(text) == text


def test_an_escape_sequence_and_a_bidirectional_override_are_spelled_out() -> None:
    assert formats.visible("\x1b[31mred") == "␛[31mred"
    assert formats.visible("user\u202efdp.exe") == "user⟨U+202E RIGHT-TO-LEFT OVERRIDE⟩fdp.exe"


@given(st.text(min_size=1), st.integers(min_value=1, max_value=60))
def test_a_name_shortened_in_the_middle_keeps_both_ends_and_the_limit(text: str, size: int) -> None:
    short = formats.middle(text, size)
    assert len(short) <= size
    assert short == text or "…" in short
    if short != text and size > 2:
        assert short[0] == text[0]
        assert short[-1] == text[-1]


@given(st.text())
def test_a_label_holds_no_unescaped_markdown_and_one_line(text: str) -> None:
    label = formats.unmarked(text)
    assert "\n" not in label
    unescaped = label.replace("\\\\", "")
    for position, character in enumerate(unescaped):
        if character in "*_`[]()<>#$:~|!&":
            assert unescaped[position - 1] == "\\"


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_pretty_json_says_the_same_thing(value: object) -> None:
    pretty = formats.pretty_json(json.dumps(value))
    assert pretty is not None
    assert pretty == value if isinstance(value, str) else json.loads(pretty) == value


def test_text_that_is_no_json_is_told_apart() -> None:
    assert formats.pretty_json("ls -la") is None
    assert formats.pretty_json("") is None
    assert formats.pretty_json("[" * 100_000) is None
    assert formats.pretty_json('"a free-form tool"') == "a free-form tool"


@pytest.mark.parametrize(
    "address",
    ["https://evil.example/p", "HTTP://evil.example", "www.evil.example", "a@evil.example"],
)
def test_a_label_holds_no_address_that_would_become_a_link(address: str) -> None:
    label = formats.unmarked(f"see {address} now").replace("\\", "")
    assert address not in label
    assert address in label.replace("\u2060", "")
