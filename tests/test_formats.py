"""Numbers, times and recorded text → words."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridgeboard import formats

UNITS = {"": 1, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}


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
        (2**63, "9,223,372T"),
    ],
)
def test_a_number_is_shortened_to_three_digits_and_a_unit(number: int | None, words: str) -> None:
    assert formats.compact(number) == words


@given(st.integers(min_value=0, max_value=999 * 10**12))
def test_a_shortened_number_is_within_one_percent_of_five_of_its_last_digit(number: int) -> None:
    words = formats.compact(number)
    unit = words.lstrip("0123456789.,")
    back = float(words.removesuffix(unit).replace(",", "")) * UNITS[unit]
    assert abs(back - number) <= max(0.05 * back, 0.5)
    assert len(words.replace(".", "").removesuffix(unit)) <= 3


@given(st.integers(min_value=0, max_value=10**14), st.integers(min_value=0, max_value=10**14))
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
    assert formats.moment(at, ZoneInfo("Asia/Kathmandu")) == "29 Mar 2026, 06:44:59 +05:45"
    assert formats.moment(at, ZoneInfo("Europe/Berlin")) == "29 Mar 2026, 01:59:59 +01:00"
    assert formats.clock_time(at + timedelta(seconds=1), ZoneInfo("Europe/Berlin")) == "03:00:00"
    assert formats.moment(None, UTC) == formats.DASH


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        ((4, 0), (4, 30), "1 Nov 2026, 00:00 to 00:30 -04:00"),
        ((5, 30), (6, 30), "1 Nov 2026, 01:30 -04:00 to 1 Nov 2026, 01:30 -05:00"),
        ((3, 30), (4, 30), "31 Oct 2026, 23:30 to 1 Nov 2026, 00:30 -04:00"),
        ((5, 30), None, "1 Nov 2026, 01:30 -04:00 to –"),  # noqa: RUF001 - the dash
    ],
)
def test_a_stretch_of_time_tells_its_offset_as_often_as_it_must(
    first: tuple[int, int], last: tuple[int, int] | None, words: str
) -> None:
    begin = datetime(2026, 11, 1, *first, tzinfo=UTC)
    end = datetime(2026, 11, 1, *last, tzinfo=UTC) if last else None
    assert formats.stretch(begin, end, ZoneInfo("America/New_York")) == words


def test_clocks_that_agree_with_utc_say_so() -> None:
    at = datetime(2026, 1, 29, 0, 59, 59, tzinfo=UTC)
    assert formats.moment(at, UTC) == "29 Jan 2026, 00:59:59 UTC"
    assert formats.moment(at, ZoneInfo("Europe/London"), "minutes") == "29 Jan 2026, 00:59 UTC"


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


USD = 10**12
"""In pico-USD."""
CENT = USD // 100
PICOS = st.one_of(
    st.integers(-(10**34), 10**34),
    st.integers(0, 10**16),
    st.integers(0, 2 * CENT * 10),
    st.integers(0, 10**7).map(lambda mills: mills * USD // 1000),
)
SHARES = st.floats(0, 1)


def amount(words: str) -> tuple[Fraction, Fraction]:
    """What an amount in words says, in dollars, and the step of its last digit."""
    assert words.count("$") == 1
    sign, digits = words.split("$")
    assert sign in {"", "-"}
    unit = digits.lstrip("0123456789.,")
    digits = digits.removesuffix(unit).replace(",", "")
    step = Fraction(UNITS[unit]) / 10 ** len(digits.partition(".")[2])
    return (-1 if sign else 1) * Fraction(digits) * UNITS[unit], step


@pytest.mark.parametrize(
    ("pico", "words"),
    [
        (None, "–"),  # noqa: RUF001 - the dash for "unknown"
        (0, "$0.00"),
        (1, "$0.000000000001"),
        (12, "$0.000000000012"),
        (123, "$0.00000000012"),
        (3_000_000, "$0.000003"),
        (1_234_000_000, "$0.0012"),
        (1_250_000_000, "$0.0012"),
        (1_250_000_001, "$0.0013"),
        (CENT - 1, "$0.01"),
        (CENT, "$0.01"),
        (99_400_000_000, "$0.099"),
        (99_499_999_999, "$0.099"),
        (99_900_000_000, "$0.10"),
        (10 * CENT - 1, "$0.10"),
        (10 * CENT, "$0.10"),
        (USD - 1, "$1.00"),
        (12 * USD + 34 * CENT, "$12.34"),
        (12 * USD + 34 * CENT + CENT // 2, "$12.34"),
        (12 * USD + 35 * CENT + CENT // 2, "$12.36"),
        (999_994 * USD // 1000, "$999.99"),
        (999_995 * USD // 1000 - 1, "$999.99"),
        (999_995 * USD // 1000, "$1k"),
        (1000 * USD - 1, "$1k"),
        (1000 * USD, "$1k"),
        (1050 * USD + 1, "$1.1k"),
        (1149 * USD + USD // 2, "$1.1k"),
        (1150 * USD + 1, "$1.2k"),
        (99_949 * USD, "$99.9k"),
        (99_951 * USD, "$100k"),
        (999_499 * USD, "$999k"),
        (999_499 * USD + USD // 2, "$999k"),
        (999_500 * USD, "$1M"),
        (999_950 * USD, "$1M"),
        (10**9 * USD - 1, "$1B"),
        (10**30, "$1,000,000T"),
        (-1, "-$0.000000000001"),
        (-5 * CENT, "-$0.05"),
        (-1500 * USD, "-$1.5k"),
    ],
)
def test_an_amount_is_shortened_to_what_counts(pico: int | None, words: str) -> None:
    assert formats.money(pico) == words


@given(PICOS)
@example(999_995 * USD // 1000)
@example(1149 * USD + USD // 2)
@example(1050 * USD + USD // 2)
@example(10 * CENT - 1)
@example(999_500 * USD - 1)
def test_an_amount_is_off_by_half_its_last_digit_at_most(pico: int) -> None:
    told, step = amount(formats.money(pico))
    assert abs(told - Fraction(pico, USD)) <= step / 2
    assert (told == 0) == (pico == 0)


@given(PICOS, PICOS)
def test_a_larger_amount_never_looks_smaller(one: int, other: int) -> None:
    small, large = sorted((one, other))
    assert amount(formats.money(small))[0] <= amount(formats.money(large))[0]


@given(PICOS)
def test_an_amount_below_zero_looks_like_the_same_above_with_a_sign(pico: int) -> None:
    words = formats.money(abs(pico))
    assert formats.money(-abs(pico)) == (f"-{words}" if pico else words)
    bound = f"≥ {formats.money(pico)}" if pico else formats.DASH
    assert formats.number(pico, "money", "at_least") == bound


@given(PICOS)
def test_an_amount_in_words_is_short(pico: int) -> None:
    digits = formats.money(pico).lstrip("-$").rstrip("kMBT").replace(",", "")
    if abs(pico) >= 10**15 and abs(pico) < 999 * 10**24:
        assert len(digits.replace(".", "")) <= 3
    elif abs(pico) >= 10 * CENT and abs(pico) < 10**15:
        assert len(digits.rpartition(".")[2]) == 2 or digits == "1"
    elif abs(pico) < 10 * CENT:
        assert len(digits.replace(".", "").strip("0")) <= 2


@given(PICOS)
def test_an_exact_amount_says_every_digit(pico: int) -> None:
    words = formats.exact_money(pico)
    with localcontext(prec=60):
        assert int(Decimal(words.replace("$", "").replace(",", "")) * USD) == pico
    decimals = words.rpartition(".")[2]
    assert len(decimals) == 2 or (len(decimals) > 2 and decimals[-1] != "0")


@pytest.mark.parametrize(
    ("pico", "words"),
    [
        (None, "–"),  # noqa: RUF001 - the dash for "unknown"
        (0, "$0.00"),
        (1, "$0.000000000001"),
        (-1, "-$0.000000000001"),
        (10 * CENT, "$0.10"),
        (10 * CENT - 1, "$0.099999999999"),
        (1_234_567 * USD + 500_000_000, "$1,234,567.0005"),
        (-1000 * USD, "-$1,000.00"),
    ],
)
def test_an_exact_amount_has_cents_at_least(pico: int | None, words: str) -> None:
    assert formats.exact_money(pico) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (None, "–"),  # noqa: RUF001 - the dash for "unknown"
        (0, "0%"),
        (0.0, "0%"),
        (5e-324, "<0.1%"),
        (0.00099, "<0.1%"),
        (0.001, "0.1%"),
        (0.1234, "12.3%"),
        (0.5, "50%"),
        (0.9990, "99.9%"),
        (0.99951, ">99.9%"),
        (1 - 2**-53, ">99.9%"),
        (1, "100%"),
        (1 + 2**-52, ">100%"),
        (1.234, "123.4%"),
        (9.9994, "999.9%"),
        (9.99996, "1,000%"),
        (55.5441, "5,554%"),
    ],
)
def test_a_share_has_one_digit_after_the_point(share: float | None, words: str) -> None:
    assert formats.rate(share) == words


@given(SHARES)
def test_what_is_not_quite_nothing_or_all_never_looks_so(share: float) -> None:
    words = formats.rate(share)
    assert (words == "0%") == (share == 0)
    assert (words == "100%") == (share == 1)
    if words[0] not in "<>":
        assert abs(float(words.removesuffix("%")) - 100 * share) <= 0.05 + 1e-9


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (None, "–"),  # noqa: RUF001 - the dash for "unknown"
        (0, "0s"),
        (0.04, "40ms"),
        (0.9996, "999ms"),
        (1.9, "1s"),
        (130.4, "2m 10s"),
        (3 * 86_400 + 4 * 3_600, "3d 4h"),
        (-1, "–"),  # noqa: RUF001 - the dash for "unknown"
    ],
)
def test_seconds_are_told_as_a_duration(number: float | None, words: str) -> None:
    assert formats.seconds(number) == words


@pytest.mark.parametrize(
    ("kind", "value", "short", "whole"),
    [
        ("count", 1_234_567, "1.2M", "1,234,567"),
        ("count", -2, "-2", "-2"),
        ("money", 1_234_567_890_123_456, "$1.2k", "$1,234.567890123456"),
        ("rate", 0.98765432, "98.8%", "98.7654%"),
        ("seconds", 130.45678, "2m 10s", "130.457 s"),
        *((kind, None, "–", "–") for kind in ("count", "money", "rate", "seconds")),  # noqa: RUF001 - a dash
    ],
)
def test_a_number_looks_as_its_kind_wants_it(
    kind: str, value: float | None, short: str, whole: str
) -> None:
    assert formats.number(value, kind) == short
    assert formats.exact_number(value, kind) == whole


def test_a_number_that_is_not_exact_has_the_mark_of_how_it_stands() -> None:
    assert formats.number(1500 * USD, "money", "at_least") == "≥ $1.5k"
    assert formats.number(1500, "count", "at_least") == "≥ 1.5k"
    assert formats.number(0.5, "rate", "about") == "≈ 50%"
    assert formats.number(1500, "count", "unknown") == "1.5k"
    for kind in ("count", "money", "rate", "seconds"):
        assert formats.number(None, kind, "at_least") == formats.DASH
        assert formats.number(None, kind, "about") == formats.DASH
        assert formats.number(0, kind, "at_least") == formats.DASH
        assert formats.number(0, kind, "about") == f"≈ {formats.number(0, kind)}"


@given(st.integers(-(10**40), 10**40))
def test_no_digit_of_a_large_number_is_lost_on_the_way(number: int) -> None:
    assert formats.number(number, "count") == formats.compact(number)
    assert formats.number(number, "money") == formats.money(number)
    assert int(formats.exact_number(number, "count").replace(",", "")) == number
    assert formats.exact_number(number, "money") == formats.exact_money(number)


@pytest.mark.parametrize(
    ("now", "before", "kind", "words"),
    [
        (112, 100, "count", "+12%"),
        (100, 100, "count", "no change"),
        (99_999_997, 100_000_000, "count", "down <0.1%"),
        (100_000_003, 100_000_000, "count", "up <0.1%"),
        (3, 100_000_000, "count", "down >99.9%"),
        (4, 1_000, "count", "-99.6%"),
        (6, 10_000, "count", "-99.9%"),
        (10**30 - 1, 10**30, "money", "down <0.1%"),
        (0, 100, "count", "-100%"),
        (101, 100, "count", "+1.0%"),
        (99.6, 100, "money", "-0.4%"),
        (109.9, 100, "count", "+9.9%"),
        (109.96, 100, "count", "+10%"),
        (110, 100, "count", "+10%"),
        (90.04, 100, "count", "-10%"),
        (99.96, 100, "count", "down <0.1%"),
        (100.04, 100, "count", "up <0.1%"),
        (1_100, 100, "count", "+1,000%"),
        (1_101, 100, "count", "×11"),  # noqa: RUF001 - the sign of multiplication
        (5_000, 4, "seconds", "×1.2k"),  # noqa: RUF001 - likewise
        (2**62, 22_000_000, "count", "×210B"),  # noqa: RUF001 - likewise
        (-5, 10, "money", "-150%"),
        (0.5, 0.504, "rate", "-0.4 pts"),
        (0.5, 0.5, "rate", "no change"),
        (0.5, 0.50001, "rate", "down <0.1 pts"),
        (0.5, 0, "rate", "+50.0 pts"),
        (1, 0, "rate", "+100.0 pts"),
    ],
)
def test_a_change_is_told_in_percent_or_in_points(
    now: float, before: float, kind: str, words: str
) -> None:
    assert formats.change(now, before, kind) == words


@pytest.mark.parametrize("kind", ["count", "money", "seconds"])
@pytest.mark.parametrize(
    ("now", "before"), [(None, 1), (1, None), (None, None), (1, 0), (0, 0), (1, -1)]
)
def test_of_nothing_or_the_unknown_no_change_is_told(
    now: float | None, before: float | None, kind: str
) -> None:
    assert formats.change(now, before, kind) is None
    if now is None or before is None:
        assert formats.change(now, before, "rate") is None


@given(st.integers(0, 10**30), st.integers(1, 10**30))
def test_a_change_has_the_sign_of_what_it_says(now: int, before: int) -> None:
    words = formats.change(now, before, "money")
    assert words is not None
    if now > 11 * before:
        assert words[0] == "×"  # noqa: RUF001 - the sign of multiplication
        return
    assert formats.way(words) == (now > before) - (now < before)
    assert words[0] not in "+-" or float(words[:-1].replace(",", "")) * (now - before) > 0
    assert (words == "-100%") == (now == 0)
    about = formats.change(now, before, "money", "about")
    assert about is not None
    assert about.startswith("≈ ")
    assert not set("<>") & set(about)
    assert about in {f"≈ {words}", "≈ 0%", "≈ -100%"}


@pytest.mark.parametrize(
    ("now", "before", "kind", "words"),
    [
        (100, 100, "count", "≈ 0%"),
        (99_999_997, 100_000_000, "count", "≈ 0%"),
        (112, 100, "count", "≈ +12%"),
        (5_000, 4, "count", "≈ ×1.2k"),  # noqa: RUF001 - the sign of multiplication
        (0.5, 0.50001, "rate", "≈ 0 pts"),
    ],
)
def test_a_change_of_numbers_that_are_not_exact_has_one_mark(
    now: float, before: float, kind: str, words: str
) -> None:
    assert formats.change(now, before, kind, "about") == words
    assert formats.difference(None, kind, "about") == formats.DASH


@pytest.mark.parametrize(
    ("words", "size", "way"),
    [
        ("+12%", "12%", 1),
        ("≈ -1,000%", "≈ 1,000%", -1),
        ("down <0.1%", "<0.1%", -1),
        ("up <0.1 pts", "<0.1 pts", 1),
        ("down >99.9%", ">99.9%", -1),
        ("×12", "×12", 1),  # noqa: RUF001 - the sign of multiplication
        ("no change", "no change", 0),
        ("≈ 0%", "≈ 0%", 0),
    ],
)
def test_which_way_a_change_goes_can_be_said_apart_from_its_size(
    words: str, size: str, way: int
) -> None:
    assert (formats.unsigned(words), formats.way(words)) == (size, way)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=-5), "just now"),
        (timedelta(days=-5), "just now"),
        (timedelta(seconds=59, microseconds=999_999), "just now"),
        (timedelta(minutes=1), "1m ago"),
        (timedelta(minutes=59, seconds=59), "59m ago"),
        (timedelta(hours=1), "1h ago"),
        (timedelta(hours=23, minutes=59), "23h ago"),
        (timedelta(days=1), "1d ago"),
        (timedelta(days=400), "400d ago"),
    ],
)
def test_what_is_past_is_told_in_its_largest_unit(span: timedelta, words: str) -> None:
    assert formats.ago(span) == words


@given(st.dates())
def test_a_day_is_written_as_people_do_and_can_be_read_again(one: date) -> None:
    number, month, year = formats.day(one).split()
    read = datetime.strptime(f"{int(number):02} {month} {int(year):04} Z", "%d %b %Y %z")
    assert read.date() == one


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (date(2026, 3, 9), date(2026, 3, 9), "9 Mar 2026"),
        (date(2026, 11, 3), date(2026, 11, 9), "3 - 9 Nov 2026"),
        (date(2026, 10, 30), date(2026, 11, 28), "30 Oct - 28 Nov 2026"),
        (date(2025, 11, 30), date(2026, 11, 28), "30 Nov 2025 - 28 Nov 2026"),
        (date(2025, 11, 3), date(2026, 11, 3), "3 Nov 2025 - 3 Nov 2026"),
    ],
)
def test_a_stretch_of_days_says_month_and_year_once(first: date, last: date, words: str) -> None:
    assert formats.days(first, last) == words


def test_every_step_from_a_pico_to_a_fortune_is_told_in_order() -> None:
    steps = [first * 10**power for power in range(34) for first in (1, 2, 5)]
    told = [amount(formats.money(step))[0] for step in steps]
    assert all(one < other for one, other in pairwise(told))


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (None, formats.DASH),
        (0, "0.00x"),
        (0.0002, "<0.001x"),
        (0.0451, "0.045x"),
        (0.25, "0.25x"),
        (1, "1.0x"),
        (2.31, "2.3x"),
        (12.4, "12x"),
        (1234, "1.2kx"),
    ],
)
def test_how_many_times_is_told_in_two_digits(times: float | None, words: str) -> None:
    assert formats.ratio(times) == words.replace("x", "\u00d7")


@pytest.mark.parametrize(
    ("value", "kind", "words"),
    [
        (None, "money", formats.DASH),
        (0, "count", "0"),
        (1234, "count", "+1.2k"),
        (-1234, "count", "-1.2k"),
        (-3_400_000_000_000, "money", "-$3.40"),
        (0.04, "rate", "+4.0 pts"),
        (-0.0001, "rate", "down <0.1 pts"),
        (0, "rate", "0 pts"),
        (0.0001, "seconds", "0ms"),
        (-130.4, "seconds", "-2m 10s"),
    ],
)
def test_a_difference_is_told_with_its_sign(value: float | None, kind: str, words: str) -> None:
    assert formats.difference(value, kind) == words


@pytest.mark.parametrize(
    ("pico", "words"),
    [
        (None, formats.DASH),
        (0, "$0.00"),
        (99_990_000_000_000, "$99.99"),
        (100 * formats.PICO, "$100"),
        (7_712_499_999_999_999, "$7,712"),
        (-1_234_600_000_000_000, "-$1,235"),
    ],
)
def test_estimates_are_whole_dollars_from_a_hundred_on(pico: int | None, words: str) -> None:
    assert formats.whole_dollars(pico) == words
