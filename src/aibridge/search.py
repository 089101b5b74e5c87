"""Filters, and the query language of the API in which they are sent (api-contract 3)."""

from dataclasses import dataclass, fields
from datetime import UTC, datetime
from uuid import UUID

from aibridge.errors import SearchError


@dataclass(frozen=True)
class Search:
    """What to look for; all filters given must hold at once, for one interception.

    ``initiator`` is a user name, a user's UUID, or ``me``. Times are aware, and both bounds are
    inclusive. All other values are compared exactly; ``/models`` and ``/clients`` take a prefix,
    in which ``%`` and ``_`` are wildcards (api-contract 3.9).

    Raises:
        SearchError: for what the language cannot express. It has no escape for ``"``; it reads
            an empty value, the all-zero UUID and the first instant of year 1 as "no filter".
    """

    initiator: str | UUID | None = None
    provider: str | None = None
    provider_name: str | None = None
    model: str | None = None
    client: str | None = None
    session_id: str | None = None
    started_after: datetime | None = None
    started_before: datetime | None = None

    def __post_init__(self) -> None:
        for name, value in self._given():
            _check(name, value)
        after, before = self.started_after, self.started_before
        # Compared in UTC: within one zone Python compares the clock faces, summer or winter.
        if after and before and before.astimezone(UTC) <= after.astimezone(UTC):
            raise SearchError(
                "started_before must be later than started_after.",
                advice="Swap the two, or widen the period by a microsecond.",
            )

    @property
    def q(self) -> str:
        """The query: every value quoted, one space between; empty without filters."""
        return " ".join(f'{name}:"{_written(value)}"' for name, value in self._given())

    def _given(self) -> list[tuple[str, str | UUID | datetime]]:
        pairs = ((field.name, getattr(self, field.name)) for field in fields(self))
        return [(name, value) for name, value in pairs if value is not None]


def _check(name: str, value: str | UUID | datetime) -> None:
    if isinstance(value, datetime):
        _check_time(name, value)
    elif isinstance(value, str):
        _check_text(name, value)
    if name == "initiator" and _is_zero_uuid(str(value)):
        raise SearchError(
            "The all-zero UUID means any initiator to the server.", advice="Leave initiator out."
        )


def _check_text(name: str, value: str) -> None:
    if not value:
        raise SearchError(
            f"An empty {name} means any {name} to the server.",
            advice=f"Leave {name} out to search for all.",
        )
    if '"' in value:
        raise SearchError(
            f"{name} contains a double quote, for which the query language has no escape.",
            advice="Search by another field and compare here.",
        )
    if "\0" in value or not _is_unicode(value):
        raise SearchError(
            f"{name} contains a NUL or half a character, which no stored text contains.",
            advice="Remove it.",
        )


def _check_time(name: str, value: datetime) -> None:
    if value.utcoffset() is None:
        raise SearchError(
            f"{name} has no time zone.", advice="Give it one: value.replace(tzinfo=UTC)."
        )
    try:
        expressible = value.astimezone(UTC) > datetime.min.replace(tzinfo=UTC)
    except OverflowError:
        expressible = False
    if not expressible:
        raise SearchError(
            f"{name} is outside of the times the server knows.", advice=f"Leave {name} out."
        )


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_zero_uuid(value: str) -> bool:
    try:
        return UUID(value).int == 0
    except ValueError:
        return False


def _written(value: str | UUID | datetime) -> str:
    if not isinstance(value, datetime):
        return str(value)
    written = value.astimezone(UTC).replace(tzinfo=None).isoformat()
    return (written.rstrip("0") if "." in written else written) + "Z"
