from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aibridge import AIBridgeError, Search, SearchError

TEXT_FIELDS = ("initiator", "provider", "provider_name", "model", "client", "session_id")
START = datetime(2026, 5, 1, 10, tzinfo=UTC)


def tokens_of(query: str) -> list[str]:
    """Step 1 of the server's reading (api-contract 3.1): cut at spaces outside of quotes."""
    tokens, token, is_quoted = [], "", False
    for char in query:
        is_quoted ^= char == '"'
        if char == " " and not is_quoted:
            tokens.append(token)
            token = ""
        else:
            token += char
    return [each for each in [*tokens, token] if each]


def pieces_of(element: str) -> list[str]:
    pieces, piece, is_quoted = [], "", False
    for char in element:
        is_quoted ^= char == '"'
        if char == ":" and not is_quoted:
            pieces.append(piece)
            piece = ""
        else:
            piece += char
    return [each for each in [*pieces, piece] if each]


def server_reads(query: str) -> dict[str, str]:
    """What the server understands, or an AssertionError where it would object."""
    filters: dict[str, str] = {}
    for element in tokens_of(query):
        assert ":" in element
        assert element[0] != ":"
        assert element[-1] != ":"
        key, value = pieces_of(element)
        key, value = key.strip('"').lower(), value.strip('"')
        assert key not in filters
        if value:
            filters[key] = value
    return filters


def is_zero_uuid(value: str) -> bool:
    try:
        return UUID(value).int == 0
    except ValueError:
        return False


sayable = st.text(
    st.characters(exclude_characters='"\0', exclude_categories=["Cs"]), min_size=1
).filter(lambda text: not is_zero_uuid(text))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(TEXT_FIELDS), sayable))
@example({"model": "us.anthropic.claude-v1:0", "client": "Claude Code"})
@example({"session_id": " :a: b\t\n:", "model": "\\", "client": " "})
def test_the_server_reads_back_exactly_the_values_that_were_given(filters: dict[str, str]) -> None:
    assert server_reads(Search(**filters).q) == filters


@settings(deadline=None)
@given(st.datetimes(min_value=datetime(1, 1, 3), timezones=st.timezones()))  # noqa: DTZ001  # hypothesis adds the zone
def test_a_time_is_told_as_the_same_instant_in_utc(moment: datetime) -> None:
    told = server_reads(Search(started_after=moment).q)["started_after"]
    assert told.endswith("Z")
    assert datetime.fromisoformat(told) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("micros", "told"),
    [
        (0, "2026-05-01T10:00:00Z"),
        (120_000, "2026-05-01T10:00:00.12Z"),
        (1, "2026-05-01T10:00:00.000001Z"),
    ],
)
def test_trailing_zeros_of_a_fraction_are_trimmed(micros: int, told: str) -> None:
    search = Search(started_after=START + timedelta(microseconds=micros))
    assert search.q == f'started_after:"{told}"'


def test_filters_stand_in_one_order_with_one_space_between() -> None:
    search = Search(started_before=START, model="m", initiator=UUID(int=7))
    assert search.q == (
        'initiator:"00000000-0000-0000-0000-000000000007" model:"m"'
        ' started_before:"2026-05-01T10:00:00Z"'
    )


def test_a_search_without_filters_is_an_empty_query() -> None:
    assert Search().q == ""


def test_equal_searches_are_equal_keys() -> None:
    assert {Search(model="m"): 1}[Search(model="m")] == 1


@pytest.mark.parametrize("field", TEXT_FIELDS)
@pytest.mark.parametrize("value", ["", '"', 'a"b', 'a"', "a\0", "\ud800"])
def test_what_the_language_cannot_say_is_refused(field: str, value: str) -> None:
    with pytest.raises(SearchError, match=field):
        Search(**{field: value})


@pytest.mark.parametrize("zero", [UUID(int=0), "0" * 32, "{00000000-0000-0000-0000-000000000000}"])
def test_the_zero_uuid_is_refused_since_the_server_takes_it_for_anybody(zero: str | UUID) -> None:
    with pytest.raises(SearchError, match="any initiator"):
        Search(initiator=zero)


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(SearchError, match="time zone"):
        Search(started_after=datetime(2026, 5, 1))  # noqa: DTZ001  # that is the point


@pytest.mark.parametrize(
    "moment",
    [
        datetime.min.replace(tzinfo=UTC),
        datetime.min.replace(tzinfo=timezone(timedelta(hours=5))),
        datetime.max.replace(tzinfo=timezone(-timedelta(hours=5))),
    ],
)
def test_a_time_the_server_cannot_hold_is_refused(moment: datetime) -> None:
    with pytest.raises(SearchError, match="outside"):
        Search(started_after=moment)


@pytest.mark.parametrize("later", [START, START - timedelta(microseconds=1)])
def test_a_period_that_does_not_end_after_it_begins_is_refused(later: datetime) -> None:
    with pytest.raises(SearchError, match="later than started_after"):
        Search(started_after=START, started_before=later)


def test_a_period_of_one_microsecond_is_accepted() -> None:
    Search(started_after=START, started_before=START + timedelta(microseconds=1))


def test_the_hour_that_comes_twice_in_autumn_is_a_period() -> None:
    first = datetime(2025, 10, 26, 2, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    search = Search(started_after=first, started_before=first.replace(fold=1))
    assert search.q == (
        'started_after:"2025-10-26T00:30:00Z" started_before:"2025-10-26T01:30:00Z"'
    )


def test_a_refused_search_is_a_value_error_of_the_tree() -> None:
    assert issubclass(SearchError, ValueError)
    assert issubclass(SearchError, AIBridgeError)
