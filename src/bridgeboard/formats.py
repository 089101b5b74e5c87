"""Formats numbers, times and recorded text as words; each kind in one place."""

import json
import re
import unicodedata
from datetime import date, datetime, timedelta, tzinfo
from typing import Final, Literal, get_args

DASH = "–"  # noqa: RUF001 - a dash as wide as a digit
KILO = 1000
UNITS = ("", "k", "M", "B", "T")
TEN = 10
PICO = 10**12
AT_LEAST = "≥ "
ABOUT = "≈ "
MARKS = {"at_least": AT_LEAST, "about": ABOUT}
"""What stands before a number that is not exact, by how it stands (``model.accuracy.Standing``)."""
Status = Literal["unpriced", "included", "notional", "free", "not billed"]
STATUSES: Final[tuple[Status, ...]] = get_args(Status)
"""What stands in place of an amount that is not billed, or has no known price."""
LEAST_PERCENT = 0.1
NO_CHANGE: Final = "no change"
ALMOST_GONE: Final = -99.5
"""Per cent of a change from which on whole ones would say that nothing is left."""
LEAST_RATIO = 0.001
MOST_TIMES = 11  # a change of a thousand per cent

# Characters that move, hide or restyle the text around them.
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
_MARKDOWN = re.compile(r"([!-/:-@\[-`{-~])")
_READ_ANEW = re.compile(
    r"(?<=:)(?=//)|(?<=www)(?=\.)|(?<=@)|(?<=-)(?=-)|(?<=\.)(?=\.)", re.IGNORECASE
)
_JOINER = "\u2060"  # of no width; it parts what Markdown would read as something else


def exact(number: int | None) -> str:
    """``1234567`` → ``1,234,567``; None → a dash."""
    return DASH if number is None else f"{number:,}"


def compact(number: int | None) -> str:
    """``1234567`` → ``1.2M``: at most three digits and a unit; None → a dash.

    Rounds half to even in whole steps of the last digit shown, and never shows ``1000k``.
    """
    if number is None:
        return DASH
    sign, rest = ("-", -number) if number < 0 else ("", number)
    return f"{sign}{_shortened(rest, 1)}"


def money(pico: int | None) -> str:
    """Pico-USD as ``$0.0012``, ``$12.34``, ``$1.2k``; None → a dash."""
    if pico is None:
        return DASH
    sign, rest = ("-", -pico) if pico < 0 else ("", pico)
    return f"{sign}${_dollars(rest)}"


def exact_money(pico: int | None) -> str:
    """Pico-USD to the last digit that is not zero, and at least to the cent; None → a dash."""
    if pico is None:
        return DASH
    whole, decimals = dollars(abs(pico)).split(".")
    return f"{'-' if pico < 0 else ''}${int(whole):,}.{decimals}"


def whole_dollars(pico: int | None) -> str:
    """Pico-USD without cents, which say nothing of estimates; small amounts as ``money``."""
    if pico is None or abs(pico) < 100 * PICO:
        return money(pico)
    return f"{'-' if pico < 0 else ''}${_rounded(abs(pico), PICO):,}"


def dollars(pico: int) -> str:
    """Pico-USD in dollars for machines, exact: ``12345600000001`` → ``12.345600000001``.

    At least two decimals, at most twelve, never an exponent, a sign only below zero.
    """
    whole, rest = divmod(abs(pico), PICO)
    decimals = f"{rest:012d}"
    return f"{'-' if pico < 0 else ''}{whole}.{decimals[:2]}{decimals[2:].rstrip('0')}"


def rate(share: float | None) -> str:
    """``0.1234`` → ``12.3%``, 55.54 → ``5,554%``; only all and nothing look so; None → a dash."""
    if share is None:
        return DASH
    percent = 100 * share
    if 0 < percent < LEAST_PERCENT:
        return f"<{LEAST_PERCENT}%"
    if 100 - LEAST_PERCENT < percent < 100:  # noqa: PLR2004 - per cent
        return f">{100 - LEAST_PERCENT}%"
    if 100 < percent < 100 + LEAST_PERCENT / 2:  # noqa: PLR2004 - per cent
        return ">100%"
    if percent >= KILO - LEAST_PERCENT / 2:
        return f"{percent:,.0f}%"
    return f"{percent:.1f}%".replace(".0%", "%")


def seconds(number: float | None) -> str:
    """``130.4`` → ``2m 10s``; None → a dash."""
    return DASH if number is None else duration(timedelta(seconds=number))


def marked(words: str, value: float | None, standing: str) -> str:
    """A number in words with the mark of how it stands.

    At least nothing says nothing: it is a dash, as what is unknown. What is not billed, or has no
    known price, is called so.
    """
    if standing in STATUSES:
        return standing
    if value is None or (standing == "at_least" and not value):
        return DASH
    return f"{MARKS.get(standing, '')}{words}"


def number(value: float | None, kind: str, standing: str = "exact") -> str:
    """A value as its format wants it: count, money, limit of money, rate or seconds, marked."""
    if standing != "exact":
        return marked(number(value, kind), value, standing)
    if kind == "rate":
        return rate(value)
    if kind == "seconds":
        return seconds(value)
    words = {"money": money, "limit": whole_dollars}.get(kind, compact)
    return words(None if value is None else int(value))


def exact_number(value: float | None, kind: str) -> str:
    """The same with all its digits, for who points at it."""
    match kind:
        case "money" | "limit":
            return exact_money(None if value is None else int(value))
        case "rate":
            return DASH if value is None else f"{100 * value:.4f}%"
        case "seconds":
            return DASH if value is None else f"{value:,.3f} s"
        case _:
            return exact(None if value is None else int(value))


def change(
    now: float | None, before: float | None, kind: str, standing: str = "exact"
) -> str | None:
    """How a number moved: ``+12%``, ``-0.4 pts`` for a rate; None where nothing can be said.

    Above eleven times as much it says how many times, with the sign of multiplication before. What
    moved a little never looks as if it had not (``down <0.1%``), and what is nearly gone never as
    if it were. Of numbers that are not exact, that little is nothing: ``≈ 0%``.
    """
    if now is None or before is None or (kind != "rate" and before <= 0):
        return None
    mark = MARKS.get(standing, "")
    if kind == "rate":
        return _moved(100 * (now - before), " pts", mark)
    if now > MOST_TIMES * before:
        return f"{mark}×{_times(now / before)}"  # noqa: RUF001 - the sign of multiplication
    percent = 100 * (now - before) / before
    if now > 0 and not mark and (rounded := round(percent, 1)) <= ALMOST_GONE:
        return f"{rounded}%" if rounded > -100 else "down >99.9%"  # noqa: PLR2004 - per cent
    return _moved(percent, "%", mark)


def _moved(size: float, unit: str, mark: str) -> str:
    """A change in its unit, with its sign and mark."""
    if rounded := round(size, 1):
        digits = 0 if unit == "%" and abs(rounded) >= TEN else 1
        return f"{mark}{rounded:+,.{digits}f}{unit}"
    if mark:
        return f"{mark}0{unit}"
    return f"{'up' if size > 0 else 'down'} <{LEAST_PERCENT}{unit}" if size else NO_CHANGE


def unsigned(change: str) -> str:
    """A change without its sign, where something else says which way it goes."""
    return re.sub(r"(?:[+-]|up |down )(?=[<>\d])", "", change)


def way(change: str) -> int:
    """Which way a change in words goes: 1 up, -1 down, 0 neither."""
    if change == NO_CHANGE or not set(change) & set("123456789"):
        return 0
    return -1 if change.removeprefix(ABOUT).startswith(("-", "down")) else 1


def difference(value: float | None, kind: str, standing: str = "exact") -> str:
    """How much more one number is: ``+1.2k``, ``-$3.40``, ``+4.0 pts``; None → a dash."""
    if value is None:
        return DASH
    mark = MARKS.get(standing, "")
    if kind == "rate":
        return _moved(100 * value, " pts", mark) if value else f"{mark}0 pts"
    text = number(abs(value), kind)
    if not set(text) & set("123456789"):
        return f"{mark}{text}"
    return f"{mark}{'-' if value < 0 else '+'}{text}"


def ratio(times: float | None) -> str:
    """How many times one number is another, with the sign of multiplication; None → a dash.

    ``2.31`` → ``2.3``, ``12.3`` → ``12``, ``0.0451`` → ``0.045``.
    """
    return DASH if times is None else f"{_times(times)}×"  # noqa: RUF001 - the sign of multiplication


def _times(times: float) -> str:
    if times >= KILO:
        return compact(round(times))
    digits = 0 if times >= TEN else 1 if times >= 1 else 2
    if 0 < times < 1 / TEN:
        return f"{times:.2g}" if times > LEAST_RATIO else f"<{LEAST_RATIO}"
    return f"{times:.{digits}f}"


def day(date_: date) -> str:
    """``5 Nov 2026``: days as people write them. Files and addresses have ``2026-11-05``."""
    return f"{date_.day} {date_:%b} {date_.year}"


def days(first: date, last: date) -> str:
    """From one day to another: ``30 Oct - 28 Nov 2026``, ``3 - 9 Nov 2026``, or the one day."""
    if first == last:
        return day(first)
    words = day(first).split()
    alike = (last.month == first.month) + 1 if last.year == first.year else 0
    return f"{' '.join(words[: 3 - alike])} - {day(last)}"


def ago(span: timedelta) -> str:
    """How long something is past: ``just now``, ``2m ago``, ``3h ago``, ``5d ago``."""
    total = int(span.total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if total >= size:
            return f"{total // size}{unit} ago"
    return "just now"


def _dollars(pico: int) -> str:
    if pico >= 1000 * PICO:
        return _shortened(pico, PICO)
    if pico >= PICO // TEN or not pico:
        cents = _rounded(pico * 100, PICO)
        return f"{cents // 100:,}.{cents % 100:02d}" if cents < 100 * KILO else "1k"
    # Less than ten cents: two digits that count.
    digits = f"{pico:012d}"
    first = len(digits) - len(digits.lstrip("0"))
    scale = 10 ** (12 - first - 2) if first < 11 else 1  # noqa: PLR2004 - the last two digits
    return f"0.{_rounded(pico, scale) * scale:012d}".rstrip("0").ljust(4, "0")


def _shortened(number: int, one: int) -> str:
    """A number of so many parts of one as at most three digits and a unit, rounded once."""
    for power, unit in enumerate(UNITS):
        divisor = one * KILO**power
        whole, tenths = _rounded(number, divisor), _rounded(number * TEN, divisor)
        if power == 0 and whole < KILO:
            return str(whole)
        if power and tenths < 100 * TEN:
            return f"{tenths // TEN}.{tenths % TEN}{unit}".replace(".0", "")
        if whole < KILO:
            return f"{whole}{unit}"
    return f"{whole:,}{UNITS[-1]}"


def duration(span: timedelta | None) -> str:
    """``2m 10s``: the two largest units that count; None → a dash."""
    if span is None:
        return DASH
    seconds = int(span.total_seconds())
    if seconds < 0:
        return DASH
    if seconds < 1:
        return f"{span.microseconds // 1000}ms" if span.microseconds else "0s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    parts = [(days, "d"), (hours, "h"), (minutes, "m"), (seconds, "s")]
    while parts[0][0] == 0:
        parts = parts[1:]
    return " ".join(f"{count}{unit}" for count, unit in parts[:2] if count)


def moment(at: datetime | None, zone: tzinfo, to: str = "seconds") -> str:
    """A time in a zone, with its offset: ``23 Nov 2026, 14:05:09 +01:00``; None → a dash.

    Clocks show an hour twice when summer time ends: only the offset tells one from the other.
    ``to`` is the smallest unit shown, ``seconds`` or ``minutes``.
    """
    if at is None:
        return DASH
    local = at.astimezone(zone)
    return f"{day(local)}, {local.time().isoformat(to)} {offset(local)}"


def stretch(first: datetime, last: datetime | None, zone: tzinfo, to: str = "minutes") -> str:
    """From when to when, each with its offset unless both have the same, and a day once.

    ``23 Nov 2026, 14:05 to 15:10 +01:00``.
    """
    begin, end = moment(first, zone, to), moment(last, zone, to)
    shift = f" {offset(first.astimezone(zone))}"
    if last is None or not end.endswith(shift):
        return f"{begin} to {end}"
    that_day = f"{day(first.astimezone(zone))}, "
    return f"{begin.removesuffix(shift)} to {end.removeprefix(that_day)}"


def clock_time(at: datetime | None, zone: tzinfo) -> str:
    """A time of day in a zone, beside its day and offset: ``14:05:09``; None → a dash."""
    return DASH if at is None else at.astimezone(zone).strftime("%H:%M:%S")


def offset(local: datetime) -> str:
    """How far the clocks of an aware time are from UTC: ``+01:00``, ``UTC`` where they agree."""
    text = local.strftime("%z")
    return "UTC" if not text.strip("+-0") else f"{text[:3]}:{text[3:]}"


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 thread``, ``2,000 threads``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def span(first: int, shown: int, count: int, noun: str) -> str:
    """Which rows of how many are shown: ``1-50 of 12,345 sessions``, or ``8 sessions``."""
    if shown in {0, count}:
        return plural(count, noun)
    shown_rows = f"{first:,}" if shown == 1 else f"{first:,}-{first + shown - 1:,}"
    return f"{shown_rows} of {plural(count, noun)}"


def visible(text: str) -> str:
    """Recorded text with every character that would act on the screen made visible instead.

    Control characters become their pictures (``␛``), bidirectional and zero-width ones their
    code points; line breaks and tabs stay. Nothing is left out.
    """
    return _UNSEEN.sub(_pictured, text.replace("\r\n", "\n"))


def middle(text: str, length: int) -> str:
    """Text shortened in the middle to ``length`` characters; names differ at both ends."""
    if len(text) <= length:
        return text
    head = length // 2
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def line(text: str) -> str:
    """Recorded text as one visible line."""
    return " ".join(visible(text).split())


def short(text: str, length: int) -> str:
    """Recorded text as one visible line, shortened in the middle; what has no letter says so."""
    return middle(line(text) or "(empty)", length)


def unmarked(text: str) -> str:
    """Recorded text for a label that reads Markdown: one visible line, nothing marked up.

    Escapes do not keep addresses from becoming links, nor ``--`` a dash: a joiner of no width does.
    """
    return _MARKDOWN.sub(r"\\\1", _READ_ANEW.sub(_JOINER, line(text)))


def pretty_json(text: str) -> str | None:
    """JSON text indented for reading, keys in their order; None when it is not JSON.

    A string that holds JSON text itself (free-form tools, api-contract 4.10) is unwrapped once.
    """
    try:
        value = json.loads(text)
        if isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def _rounded(number: int, divisor: int) -> int:
    whole, rest = divmod(number, divisor)
    return whole + (2 * rest > divisor or (2 * rest == divisor and whole % 2 == 1))


def _pictured(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:  # noqa: PLR2004 - the C0 controls have pictures of their own
        return chr(0x2400 + code)
    if code == 0x7F:  # noqa: PLR2004 - DEL
        return "\u2421"
    return f"⟨U+{code:04X} {unicodedata.name(match[0], 'CONTROL')}⟩"
