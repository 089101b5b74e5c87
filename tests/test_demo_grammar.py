"""The q search language and the Go texts beneath it."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.demo.api import golang, query_parameters
from bridgeboard.demo.api.query_parameters import KEYS, Endpoint, Filters, Invalid, parse

VECTORS = json.loads(
    (Path(__file__).parent / "vectors" / "q-grammar-vectors.json").read_text(encoding="utf-8")
)["vectors"]


def outcome(endpoint: Endpoint, query: str) -> dict[str, Any]:
    try:
        filters = parse(endpoint, query)
    except Invalid as invalid:
        errors = [{"field": v.field, "detail": v.detail} for v in invalid.validations]
        return {"errors": errors}
    given_values = {name: getattr(filters, name) for name in Filters.__slots__}
    return {"filters": {k: worded(v) for k, v in given_values.items() if v is not None}}


def worded(value: str | datetime) -> str:
    if isinstance(value, str):
        return value
    text = value.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"


@pytest.mark.parametrize("vector", VECTORS, ids=lambda v: f"{v['endpoint']}-{v['q']!r}")
def test_a_vector_of_the_grammar_is_read_as_observed(vector: dict[str, Any]) -> None:
    assert outcome(vector["endpoint"], vector["q"]) == vector["expect"]


def test_all_vectors_of_the_grammar_are_there() -> None:
    assert len(VECTORS) == 69


def only_error(query: str, endpoint: Endpoint = "sessions") -> dict[str, str]:
    (error,) = outcome(endpoint, query)["errors"]
    return error


LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("INVALID", f'parsing time "INVALID" as "{LAYOUT}": cannot parse "INVALID" as "2006"'),
        ("2025-01-01", f'parsing time "2025-01-01" as "{LAYOUT}": cannot parse "" as "T"'),
        (
            "2025-1-01T00:00:00Z",
            (
                f'parsing time "2025-1-01T00:00:00Z" as "{LAYOUT}": '
                'cannot parse "1-01T00:00:00Z" as "01"'
            ),
        ),
        ("2025-00-01T00:00:00Z", 'parsing time "2025-00-01T00:00:00Z": month out of range'),
        ("2025-01-00T00:00:00Z", 'parsing time "2025-01-00T00:00:00Z": day out of range'),
        ("2023-02-29T00:00:00Z", 'parsing time "2023-02-29T00:00:00Z": day out of range'),
        ("2025-01-01T00:60:00Z", 'parsing time "2025-01-01T00:60:00Z": minute out of range'),
        ("2025-01-01T00:00:60Z", 'parsing time "2025-01-01T00:00:60Z": second out of range'),
        (
            "2025-01-01T00:00:00.Z",
            f'parsing time "2025-01-01T00:00:00.Z" as "{LAYOUT}": cannot parse ".Z" as "Z07:00"',
        ),
        (
            "2025-01-01T00:00:00+0200",
            (
                f'parsing time "2025-01-01T00:00:00+0200" as "{LAYOUT}": '
                'cannot parse "+0200" as "Z07:00"'
            ),
        ),
        (
            "2025-01-01T00:00:00*02:00",
            (
                f'parsing time "2025-01-01T00:00:00*02:00" as "{LAYOUT}": '
                'cannot parse "*02:00" as "Z07:00"'
            ),
        ),
        (
            "2025-01-01T00:00:00+25:00",
            'parsing time "2025-01-01T00:00:00+25:00": time zone offset hour out of range',
        ),
        (
            "2025-01-01T00:00:00+00:61",
            'parsing time "2025-01-01T00:00:00+00:61": time zone offset minute out of range',
        ),
        ("2025-01-01T00:00:00Z!", 'parsing time "2025-01-01T00:00:00Z!": extra text: "!"'),
        (
            "20é5",
            f'parsing time "20\\xc3\\x895" as "{LAYOUT}": cannot parse "20\\xc3\\x895" as "2006"',
        ),
    ],
)
def test_a_time_that_is_none_is_refused_in_the_words_of_go(written: str, complaint: str) -> None:
    detail = f'Query param "started_after" must be a valid date format ({LAYOUT}): {complaint}'
    assert only_error(f'started_after:"{written}"') == {"field": "started_after", "detail": detail}


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2025-01-01T5:04:05Z", datetime(2025, 1, 1, 5, 4, 5, tzinfo=UTC)),
        ("2025-01-01T00:00:00.1234564Z", datetime(2025, 1, 1, 0, 0, 0, 123456, tzinfo=UTC)),
        ("2025-01-01T00:00:00.1234567Z", datetime(2025, 1, 1, 0, 0, 0, 123457, tzinfo=UTC)),
        ("2025-01-01T00:00:00.9999999999999Z", datetime(2025, 1, 1, 0, 0, 1, tzinfo=UTC)),
        ("2024-02-29T23:59:59-01:30", datetime(2024, 3, 1, 1, 29, 59, tzinfo=UTC)),
        ("0000-02-29T00:00:00Z", datetime.min.replace(tzinfo=UTC)),
        ("9999-12-31T23:59:59-24:00", datetime.max.replace(tzinfo=UTC)),
    ],
)
def test_a_time_is_read_as_go_reads_it_and_rounded_as_the_database_does(
    written: str, instant: datetime
) -> None:
    assert parse("sessions", f'started_before:"{written}"').started_before == instant


def test_a_window_of_a_nanosecond_is_a_window_though_both_bounds_round_to_one_instant() -> None:
    query = (
        'started_after:"2025-01-01T00:00:00.000000001Z"'
        ' started_before:"2025-01-01T00:00:00.000000002Z"'
    )
    filters = parse("sessions", query)
    assert filters.started_after == filters.started_before == datetime(2025, 1, 1, tzinfo=UTC)


def test_two_free_texts_that_are_kept_apart_by_a_quoted_colon_count_twice() -> None:
    assert only_error('"a:b" c', "interceptions")["detail"].startswith(
        'Query param "initiator" provided more than once, found 2 times.'
    )


def test_a_key_of_nothing_but_quotes_is_an_unknown_one() -> None:
    assert only_error('"":x') == {"field": "", "detail": '"" is not a valid query param'}


def test_a_key_is_folded_character_by_character() -> None:
    assert only_error("ÄẞQ:x")["field"] == "äßq"


UNQUOTED = st.text(st.characters(exclude_characters='"'), min_size=1)


@settings(deadline=None)
@given(st.sampled_from(["provider", "model", "client", "session_id"]), UNQUOTED)
def test_every_value_without_a_quote_can_be_said_by_quoting_it(key: str, value: str) -> None:
    assert getattr(parse("sessions", f'{key}:"{value}"'), key) == value


@settings(deadline=None)
@given(st.sampled_from(sorted(KEYS)), st.text('ab": \tmodelclient'))
def test_any_text_is_either_a_search_or_a_refusal_with_reasons(
    endpoint: Endpoint, query: str
) -> None:
    result = outcome(endpoint, query)
    assert "filters" in result or result["errors"]


@settings(deadline=None)
@given(st.text('ab:" '))
def test_spaces_around_a_query_mean_nothing(query: str) -> None:
    # A quote that was left open would swallow the spaces behind it.
    closed = query + '"' * (query.count('"') % 2)
    assert outcome("interceptions", f"  {closed}  ") == outcome("interceptions", closed)


@settings(deadline=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_every_instant_survives_being_written_and_read(instant: datetime) -> None:
    filters = parse("sessions", f'started_after:"{instant.isoformat()}"')
    is_zero = instant == datetime.min.replace(tzinfo=UTC)
    assert filters.started_after == (None if is_zero else instant)


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("\a\b\f\n\r\t\v", '"\\a\\b\\f\\n\\r\\t\\v"'),
        ("\x00\x1b\x7f", '"\\x00\\x1b\\x7f"'),
        ("é 日本 🙂", '"é 日本 🙂"'),
        ("\u00a0\u202e\ufeff", '"\\u00a0\\u202e\\ufeff"'),
        ("\U000e0001", '"\\U000e0001"'),
        (b"\xff".decode("utf-8", "surrogateescape"), '"\\xff"'),
    ],
)
def test_text_is_quoted_as_go_quotes_it(text: str, quoted: str) -> None:
    assert golang.quote(text) == quoted


def test_a_number_of_a_hundred_thousand_digits_is_out_of_range() -> None:
    digits = "9" * 100_000
    with pytest.raises(ValueError, match="value out of range"):
        golang.integer(digits)


@pytest.mark.parametrize("text", ["9223372036854775807", "-9223372036854775808", "+0", "-007"])
def test_every_64_bit_number_is_read(text: str) -> None:
    assert golang.integer(text) == int(text)


@pytest.mark.parametrize("text", ["", "+", " 1", "1 ", "1_0", "0x1", "1.0", "\u0661"])
def test_what_is_no_decimal_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid syntax"):
        golang.integer(text)


UUID = "0123abcd-0123-4567-89ab-0123456789ab"


@pytest.mark.parametrize(
    "written",
    [
        UUID,
        UUID.upper(),
        f"{{{UUID}}}",
        f"urn:uuid:{UUID}",
        f"URN:UUID:{UUID}",
        UUID.replace("-", ""),
    ],
)
def test_a_uuid_is_read_in_any_of_its_forms(written: str) -> None:
    assert golang.uuid(written) == UUID


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("abc", "invalid UUID length: 3"),
        ("é", "invalid UUID length: 2"),
        (UUID.replace("-", "_"), "invalid UUID format"),
        (UUID.replace("a", "g"), "invalid UUID format"),
        ("g" * 32, "invalid UUID format"),
        (f"urn:guid:{UUID}", 'invalid urn prefix: "urn:guid:"'),
    ],
)
def test_what_is_no_uuid_is_refused_in_the_words_of_its_library(
    written: str, complaint: str
) -> None:
    with pytest.raises(ValueError, match="invalid") as caught:
        golang.uuid(written)
    assert str(caught.value) == complaint


@pytest.mark.parametrize(
    ("query", "values"),
    [
        (b"a=1&a=2&b=", {"a": ["1", "2"], "b": [""]}),
        (b"&&a=x+y%2Bz", {"a": ["x y+z"]}),
        (b"a=%zz&b=1", {"b": ["1"]}),
        (b"a=%4&b=1", {"b": ["1"]}),
        (b"a=1;b=2&c=3", {"c": ["3"]}),
        (b"a=b=c&d", {"a": ["b=c"], "d": [""]}),
    ],
)
def test_a_url_query_is_read_as_go_reads_it(query: bytes, values: dict[str, list[str]]) -> None:
    assert query_parameters.parse_query(query) == values
