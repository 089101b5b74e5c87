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
    return _Clockwork(text).read()


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


class _Clockwork:
    """One reading of a time: what is left of the text, and what was read so far."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.rest = text

    def read(self) -> int:
        year = self._year()
        month = self._part("-", "01", (1, 12, "month"))
        day = self._part("-", "02", None)
        hour = self._part("T", "15", (0, 23, "hour"))
        minute = self._part(":", "04", (0, 59, "minute"))
        second = self._part(":", "05", (0, 59, "second"))
        fraction = self._fraction()
        offset = self._zone()
        if self.rest:
            raise self._error(f": extra text: {_time_quote(self.rest)}")
        seconds = ((self._days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second - offset
        return seconds * NANO + fraction

    def _year(self) -> int:
        if not re.match(r"[0-9]{4}", self.rest):
            raise self._mismatch(self.rest, "2006")
        return int(self._take(4))

    def _part(self, lead: str, layout: str, span: tuple[int, int, str] | None) -> int:
        if not self.rest.startswith(lead):
            raise self._mismatch(self.rest, lead)
        self._take(1)
        # Go reads the hour with one digit or two, all other parts with exactly two.
        digits = re.match(r"[0-9]{1,2}" if layout == "15" else r"[0-9]{2}", self.rest)
        if digits is None:
            raise self._mismatch(self.rest, layout)
        value = int(self._take(digits.end()))
        if span and not span[0] <= value <= span[1]:
            raise self._error(f": {span[2]} out of range")
        return value

    def _fraction(self) -> int:
        digits = re.match(r"[.,]([0-9]+)", self.rest)
        if digits is None:
            return 0
        self._take(digits.end())
        return int(digits[1][:9].ljust(9, "0"))

    def _zone(self) -> int:
        if self.rest.startswith("Z"):
            self._take(1)
            return 0
        zone = re.match(r"(.)([0-9]{2}):([0-9]{2})", self.rest, re.DOTALL)
        if zone is None:
            raise self._mismatch(self.rest, "Z07:00")
        hold, sign, hours, minutes = self.rest, zone[1], int(zone[2]), int(zone[3])
        self._take(zone.end())
        if hours > 24:  # noqa: PLR2004 -- Go lets a zone be 24 hours off, no more
            raise self._error(": time zone offset hour out of range")
        if minutes > 60:  # noqa: PLR2004 -- and 60 minutes
            raise self._error(": time zone offset minute out of range")
        if sign not in "+-":
            raise self._mismatch(hold, "Z07:00")
        return (hours * 60 + minutes) * 60 * (-1 if sign == "-" else 1)

    def _days(self, year: int, month: int, day: int) -> int:
        try:
            ordinal = date(year or 400, month, day).toordinal()
        except ValueError:
            raise self._error(": day out of range") from None
        return ordinal - (0 if year else _CYCLE) - _EPOCH.toordinal()

    def _take(self, count: int) -> str:
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def _mismatch(self, value: str, layout: str) -> ValueError:
        wanted, found = _time_quote(layout), _time_quote(value)
        return self._error(f" as {_time_quote(LAYOUT)}: cannot parse {found} as {wanted}")

    def _error(self, message: str) -> ValueError:
        return ValueError(f"parsing time {_time_quote(self.text)}{message}")


def _time_quote(text: str) -> str:
    return '"' + "".join(_time_quoted(character) for character in text) + '"'


def _time_quoted(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if " " <= character < "\x80":
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
