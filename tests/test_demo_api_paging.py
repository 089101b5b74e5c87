"""Paging parameters of all lists (api-contract 2.2)."""

from typing import Any

import pytest
from small_bridges import PREFIX, Book, Reply, ids, send, token, validation

UNKNOWN_ID = "12345678-1234-4234-8234-123456789abc"
INVALID = "Query parameters have invalid values."


@pytest.fixture
def book() -> Book:
    return Book()


# Paging parameters

PAGED = pytest.mark.parametrize("path", ["/interceptions", "/sessions", "/models", "/clients"])


@PAGED
@pytest.mark.parametrize(
    ("name", "value", "detail"),
    [
        ("after_id", "abc", "must be a valid uuid"),
        (
            "limit",
            "abc",
            (
                "must be a valid 32-bit positive integer:"
                ' strconv.ParseInt: parsing "abc": invalid syntax'
            ),
        ),
        ("limit", "-1", "must be a valid 32-bit positive integer: value is negative"),
        (
            "limit",
            "2147483648",
            (
                "must be a valid 32-bit positive integer:"
                ' strconv.ParseInt: parsing "2147483648": value out of range'
            ),
        ),
        ("offset", "-1", "must be a valid 32-bit positive integer: value is negative"),
    ],
)
def test_a_bad_paging_parameter_is_refused_in_the_words_of_go(
    book: Book, path: str, name: str, value: str, detail: str
) -> None:
    reply = book.ask(path, **{name: value})
    assert reply.json["message"] == INVALID
    assert validation(reply) == (name, f'Query param "{name}" {detail}')


def raw(book: Book, path: str, query: str) -> Reply:
    return send(book.bridge(), PREFIX + path, query, {"Coder-Session-Token": token(book.owner)})


def test_all_bad_paging_parameters_are_told_in_a_fixed_order(book: Book) -> None:
    reply = raw(book, "/sessions", "offset=x&limit=y&after_id=z")
    assert [v["field"] for v in reply.json["validations"]] == ["after_id", "limit", "offset"]


def test_a_limit_given_twice_is_refused_unless_the_first_is_empty(book: Book) -> None:
    assert validation(raw(book, "/sessions", "limit=1&limit=2")) == (
        "limit",
        (
            'Query param "limit" provided more than once, found 2 times.'
            " Only provide 1 instance of this query param."
        ),
    )
    assert raw(book, "/sessions", "limit=&limit=2").status == 200


@pytest.mark.parametrize(
    ("limit", "rows"), [("%2B5", 5), ("007", 7), ("", 100), ("0", 100), ("1000", 103)]
)
def test_v139_a_limit_is_read_leniently(book: Book, limit: str, rows: int) -> None:
    for minute in range(103):
        book.call(minute)
    assert len(ids(raw(book, "/sessions", f"limit={limit}"))) == rows
    assert len(ids(raw(book, "/interceptions", f"limit={limit}"))) == rows


@PAGED
@pytest.mark.parametrize("limit", ["+5", "%205", "1.5", "0x10", "1_000"])
def test_v139_a_limit_that_is_no_number_is_refused(book: Book, path: str, limit: str) -> None:
    # An unescaped plus is a blank.
    assert validation(raw(book, path, f"limit={limit}"))[0] == "limit"


def test_v98_even_models_refuse_a_bad_cursor(book: Book) -> None:
    assert validation(book.ask("/models", after_id="x")) == (
        "after_id",
        'Query param "after_id" must be a valid uuid',
    )


@PAGED
def test_the_zero_uuid_is_no_cursor(book: Book, path: str) -> None:
    book.call(0)
    nil = "00000000-0000-0000-0000-000000000000"
    assert book.ask(path, after_id=nil).text == book.ask(path).text


def test_the_checks_come_in_order(book: Book) -> None:
    asked: list[tuple[dict[str, Any], str]] = [
        ({"limit": "x", "offset": "1", "after_id": UNKNOWN_ID, "q": "foo:x"}, INVALID),
        ({"limit": "1001", "offset": "1", "after_id": UNKNOWN_ID, "q": "foo:x"}, INVALID),
        (
            {"limit": "1001", "after_id": UNKNOWN_ID, "q": "foo:x"},
            "Invalid pagination limit value.",
        ),
        ({"after_id": UNKNOWN_ID, "q": "foo:x"}, "Invalid workspace search query."),
        ({"after_id": UNKNOWN_ID}, "Invalid pagination cursor."),
    ]
    assert [book.ask("/interceptions", **p).json["message"] for p, _ in asked] == [
        message for _, message in asked
    ]
