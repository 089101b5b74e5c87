"""How a Go program words things: quoted strings, numbers, UUIDs and times, with their errors.

The real server is written in Go and lets the texts of its standard library through into its
answers, so the demo has to word a mistake as Go does (api-contract 2.2, 2.5, 3.10). Each reader
raises ``ValueError`` with exactly Go's text.
"""

import re
from datetime import UTC, date, datetime, timedelta

LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"
NANO = 1_000_000_000
ZERO_TIME = (date(1, 1, 1).toordinal() - date(1970, 1, 1).toordinal()) * 86_400 * NANO
"""Go's zero time in nanoseconds since 1970; it means "not given"."""

NIL_UUID = "00000000-0000-0000-0000-000000000000"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime.min.replace(tzinfo=UTC)
_LATEST = datetime.max.replace(tzinfo=UTC)
_CYCLE = 146_097  # days in 400 Gregorian years; Python's calendar lacks the year 0, Go's has it
_LAYOUTS = ("2006", "-", "01", "-", "02", "T", "15", ":", "04", ":", "05")
# Go reads the hour with one digit or two, all other parts with exactly as many as the layout has.
_PATTERNS = {"2006": "[0-9]{4}", "15": "[0-9]{1,2}"} | dict.fromkeys(
    ("01", "02", "04", "05"), "[0-9]{2}"
)
_RANGES = {
    "01": (1, 12, "month"),
    "15": (0, 23, "hour"),
    "04": (0, 59, "minute"),
    "05": (0, 59, "second"),
}
_FOREIGN_BYTES = range(0xDC80, 0xDD00)  # what surrogateescape makes of bytes that are not UTF-8
_CONTROLS = {*range(0x20), 0x7F}
_BASIC_PLANE = range(0x10000)
_ESCAPES = {
    '"': '\\"',
    "\\": "\\\\",
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
}


def quote(text: str) -> str:
    r"""Quote as ``strconv.Quote`` does: printable text stays, the rest becomes ``\x``, ``\u``.

    Bytes that were not UTF-8 are expected as ``surrogateescape`` characters.
    """
    return '"' + "".join(_quoted(character) for character in text) + '"'


def _quoted(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code in _FOREIGN_BYTES or code in _CONTROLS:
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code in _BASIC_PLANE else f"\\U{code:08x}"


def fold(text: str, *, upper: bool = False) -> str:
    """Change case character by character, so that no character becomes two."""
    changed = (c.upper() if upper else c.lower() for c in text)
    return "".join(new if len(new) == 1 else old for new, old in zip(changed, text, strict=True))


def integer(text: str, bits: int = 64) -> int:
    """Read a decimal as ``strconv.ParseInt(text, 10, bits)`` does."""
    if not re.fullmatch(r"[+-]?[0-9]+", text):
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: invalid syntax")
    limit = 1 << (bits - 1)
    # Python refuses to read thousands of digits, and no such number is in range.
    value = int(text) if len(text.lstrip("+-0")) < 20 else limit  # noqa: PLR2004 -- int64 has 19
    if not -limit <= value < limit:
        raise ValueError(f"strconv.ParseInt: parsing {quote(text)}: value out of range")
    return value


def uuid(text: str) -> str:
    """Read a UUID in any of its written forms; return the lower-case hyphenated one."""
    size = len(text.encode("utf-8", "surrogateescape"))
    match size:
        case 36:
            return _hyphenated(text)
        case 38:
            return _hyphenated(text[1:37])
        case 45:
            if text[:9].lower() != "urn:uuid:":
                raise ValueError(f"invalid urn prefix: {quote(text[:9])}")
            return _hyphenated(text[9:])
        case 32:
            return _hyphenated("-".join(_cut(text, 8, 12, 16, 20)))
        case _:
            raise ValueError(f"invalid UUID length: {size}")


def _cut(text: str, *places: int) -> list[str]:
    return [text[a:b] for a, b in zip((0, *places), (*places, len(text)), strict=True)]


def _hyphenated(text: str) -> str:
    if not re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", text):
        raise ValueError("invalid UUID format")
    return text.lower()


def moment(text: str) -> int:
    """Read an RFC 3339 time as ``time.Parse`` does; return nanoseconds since 1970.

    One-digit hours, a comma before the fraction and more than nine fraction digits (cut) are
    accepted, as Go accepts them.
    """
    rest, parts = text, list[int]()
    for layout in _LAYOUTS:
        match = re.match(_PATTERNS.get(layout, layout), rest)
        if match is None:
            raise _mismatch(text, rest, layout)
        rest = rest[match.end() :]
        if layout in _PATTERNS:
            parts.append(int(match[0]))
            least, most, name = _RANGES.get(layout, (0, 9999, ""))
            if not least <= parts[-1] <= most:
                raise _time_error(text, f": {name} out of range")
    fraction = re.match(r"[.,]([0-9]+)", rest)
    rest, offset = _zone(text, rest[fraction.end() :] if fraction else rest)
    if rest:
        raise _time_error(text, f": extra text: {_time_quote(rest)}")
    year, month, day, hour, minute, second = parts
    try:
        days = date(year or 400, month, day).toordinal() - (0 if year else _CYCLE)
    except ValueError:
        raise _time_error(text, ": day out of range") from None
    seconds = (((days - _EPOCH.toordinal()) * 24 + hour) * 60 + minute) * 60 + second - offset
    return seconds * NANO + (int(fraction[1][:9].ljust(9, "0")) if fraction else 0)


def _zone(text: str, rest: str) -> tuple[str, int]:
    """What follows the time zone, and the zone's offset in seconds."""
    zone = re.match(r"Z|(.)([0-9]{2}):([0-9]{2})", rest, re.DOTALL)
    if zone is None:
        raise _mismatch(text, rest, "Z07:00")
    hours, minutes = int(zone[2] or 0), int(zone[3] or 0)
    for value, most, name in ((hours, 24, "hour"), (minutes, 60, "minute")):
        if value > most:
            raise _time_error(text, f": time zone offset {name} out of range")
    if zone[1] and zone[1] not in "+-":
        raise _mismatch(text, rest, "Z07:00")
    return rest[zone.end() :], (hours * 60 + minutes) * 60 * (-1 if zone[1] == "-" else 1)


def to_datetime(nanoseconds: int) -> datetime:
    """Round to the nearest microsecond, as the database does; clamp to Python's years."""
    micros, rest = divmod(nanoseconds, 1000)
    micros += rest > 500 or (rest == 500 and micros % 2 == 1)  # noqa: PLR2004 -- half a microsecond
    try:
        return _EPOCH + timedelta(microseconds=micros)
    except OverflowError:
        return _EARLIEST if micros < 0 else _LATEST


def time_string(moment: datetime) -> str:
    """Write a UTC time as ``time.Time.String`` does."""
    text = moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text} +0000 UTC"


def _mismatch(text: str, rest: str, layout: str) -> ValueError:
    wanted, value = _time_quote(layout), _time_quote(rest)
    return _time_error(text, f" as {_time_quote(LAYOUT)}: cannot parse {value} as {wanted}")


def _time_error(text: str, message: str) -> ValueError:
    return ValueError(f"parsing time {_time_quote(text)}{message}")


def _time_quote(text: str) -> str:
    return '"' + "".join(_time_quoted(character) for character in text) + '"'


def _time_quoted(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if " " <= character < "\x80":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
