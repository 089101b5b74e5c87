"""Mistakes and edges of q on the lists (api-contract section 3)."""

import pytest
from small_bridges import PREFIX, Book, send, token, validation, wire_time


@pytest.fixture
def book() -> Book:
    return Book()


def after(minutes: float) -> str:
    return f'started_after:"{wire_time(minutes)}"'


def before(minutes: float) -> str:
    return f'started_before:"{wire_time(minutes)}"'


# Mistakes in q, on both lists

LISTS = pytest.mark.parametrize("path", ["/interceptions", "/sessions"])
LAYOUT = "2006-01-02T15:04:05.999999999Z07:00"


def bad_time(key: str) -> tuple[str, str]:
    return key, (
        f'Query param "{key}" must be a valid date format ({LAYOUT}):'
        f' parsing time "INVALID" as "{LAYOUT}": cannot parse "INVALID" as "2006"'
    )


@LISTS
def test_v42_an_unknown_user_name_is_refused(book: Book, path: str) -> None:
    assert validation(book.ask(path, q="initiator:unknown")) == (
        "initiator",
        (
            'Query param "initiator" has invalid value: user "unknown" either does not exist,'
            " or you are unauthorized to view them"
        ),
    )


@LISTS
def test_v43_a_bad_started_after_is_refused(book: Book, path: str) -> None:
    assert validation(book.ask(path, q="started_after:invalid")) == bad_time("started_after")


@LISTS
def test_v44_a_bad_started_before_is_refused(book: Book, path: str) -> None:
    assert validation(book.ask(path, q="started_before:invalid")) == bad_time("started_before")


@LISTS
def test_v45_a_window_that_ends_before_it_starts_is_refused(book: Book, path: str) -> None:
    query = 'started_after:"2025-01-01T00:00:00Z" started_before:"2024-01-01T00:00:00Z"'
    assert validation(book.ask(path, q=query)) == (
        "started_before",
        (
            'Query param "started_before" has invalid value:'
            ' "started_before" must be after "started_after" if set'
        ),
    )


@LISTS
def test_v48_an_unknown_key_is_refused(book: Book, path: str) -> None:
    assert validation(book.ask(path, q="foo:bar")) == ("foo", '"foo" is not a valid query param')


@LISTS
def test_v49_a_key_given_twice_is_refused(book: Book, path: str) -> None:
    assert validation(book.ask(path, q="model:a model:b")) == (
        "model",
        (
            'Query param "model" provided more than once, found 2 times.'
            " Only provide 1 instance of this query param."
        ),
    )


@LISTS
@pytest.mark.parametrize("query", ["model:", ":x"])
def test_v50_an_element_may_not_start_or_end_with_a_colon(
    book: Book, path: str, query: str
) -> None:
    complaint = f"Query element \"{query}\" cannot start or end with ':'"
    assert validation(book.ask(path, q=query)) == ("q", complaint)


@LISTS
def test_v51_a_time_without_quotes_has_too_many_colons(book: Book, path: str) -> None:
    query = "started_after:2025-01-01T00:00:00Z"
    complaint = f"Query element \"{query}\" can only contain 1 ':'"
    assert validation(book.ask(path, q=query)) == ("q", complaint)


def test_v53_interceptions_cannot_be_searched_by_session(book: Book) -> None:
    assert validation(book.ask("/interceptions", q="session_id:abc")) == (
        "session_id",
        '"session_id" is not a valid query param',
    )


@LISTS
def test_v54_a_key_is_folded_and_a_value_is_not(book: Book, path: str) -> None:
    book.call(0, model="GPT 4")
    book.call(0, model="gpt 4")
    assert book.ask(path, q='MODEL:"GPT 4"').json["count"] == 1


@LISTS
def test_v55_colons_run_together_and_quotes_protect_them(book: Book, path: str) -> None:
    for model in ("gpt", "a:b", "other"):
        book.call(0, model=model)
    counts = {
        q: book.ask(path, q=q).json["count"] for q in ("model::gpt", 'model:""', 'model:"a:b"')
    }
    assert counts == {"model::gpt": 1, 'model:""': 3, 'model:"a:b"': 1}


@LISTS
def test_v57_both_bounds_are_inclusive(book: Book, path: str) -> None:
    book.call(5)
    assert book.ask(path, q=after(5)).json["count"] == 1
    assert book.ask(path, q=before(5)).json["count"] == 1
    assert book.ask(path, q=after(5.00001)).json["count"] == 0


def test_a_bad_search_is_headed_by_the_endpoints_own_words(book: Book) -> None:
    heads = {
        "/interceptions": "Invalid workspace search query.",
        "/sessions": "Invalid session search query.",
        "/models": "Invalid AI Bridge models search query.",
        "/clients": "Invalid AI Bridge clients search query.",
    }
    assert {path: book.ask(path, q="foo:bar").json["message"] for path in heads} == heads


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("/interceptions", "Internal error getting AI Bridge interceptions."),
        ("/sessions", "Internal error getting AI Bridge sessions."),
        ("/models", "Internal error getting AI Bridge models."),
        ("/clients", "Internal error getting AI Bridge clients."),
    ],
)
def test_text_that_no_database_stores_is_an_internal_error(
    book: Book, path: str, message: str
) -> None:
    key = "client" if path == "/clients" else "model"
    for value in ("a%00b", "%ff"):
        headers = {"Coder-Session-Token": token(book.owner)}
        reply = send(book.bridge(), PREFIX + path, f"q={key}:{value}", headers)
        assert (reply.status, reply.json["message"]) == (500, message)
