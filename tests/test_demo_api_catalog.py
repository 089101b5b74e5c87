"""GET /models and GET /clients (api-contract 2.6, 2.7, 3.9)."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_bridges import Book, validation

from bridgeboard.demo.api.lists import like


@pytest.fixture
def book() -> Book:
    return Book()


def models(*names: str) -> Book:
    book = Book()
    for name in names:
        book.call(0, model=name)
    return book


@pytest.mark.parametrize("path", ["/models", "/clients"])
def test_v8_nothing_to_tell_is_null(book: Book, path: str) -> None:
    book.call(0, lasts=None)
    reply = book.ask(path)
    assert (reply.status, reply.text) == (200, "null\n")


@pytest.mark.parametrize("params", [{"q": "zzz"}, {"offset": 1}])
def test_a_search_without_a_hit_and_a_page_beyond_the_end_are_null_too(
    book: Book, params: dict[str, str]
) -> None:
    book.call(0, client="Codex")
    for path in ("/models", "/clients"):
        assert book.ask(path, **params).text == "null\n"


def test_v56_quotes_of_free_text_are_searched_for(book: Book) -> None:
    book.call(0, model="gpt 4o")
    assert book.ask("/models", q='"gpt 4"').json is None
    assert book.ask("/models", q='model:"gpt 4"').json == ["gpt 4o"]
    assert book.ask("/models", q="gpt 4").json == ["gpt 4o"]


def test_v92_clients_of_finished_rows_with_a_missing_one_as_unknown(book: Book) -> None:
    for client in ("Cursor", "Cursor", "Claude Code", None):
        book.call(0, client=client)
    book.call(0, client="GitHub Copilot (CLI)", lasts=None)
    assert sorted(book.ask("/clients").json) == ["Claude Code", "Cursor", "Unknown"]


def test_v93_a_missing_and_a_stored_unknown_are_two(book: Book) -> None:
    book.call(0)
    book.call(0, client="Unknown")
    assert book.ask("/clients").json == ["Unknown", "Unknown"]
    assert book.ask("/clients", q="Unk").json == ["Unknown", "Unknown"]


def test_v95_models_are_distinct_ordered_by_code_point_and_searched_by_prefix() -> None:
    book = models("gpt-5", "claude", "gpt-4", "GPT-4", "gpt-4")
    book.call(0, model="inflight", lasts=None)
    assert book.ask("/models").json == ["GPT-4", "claude", "gpt-4", "gpt-5"]
    assert book.ask("/models", q="gpt").json == ["gpt-4", "gpt-5"]
    assert book.ask("/models", limit=2, offset=1).json == ["claude", "gpt-4"]


def test_v96_a_percent_sign_is_a_wildcard() -> None:
    book = models("gpt-4", "xx-pt-yy", "claude")
    assert book.ask("/models", q="%pt").json == ["gpt-4", "xx-pt-yy"]


def test_an_underscore_is_a_wildcard_and_a_backslash_escapes_it() -> None:
    book = models("gpt_4", "gpt-4", "gpt%4", "gpt\\4")
    assert len(book.ask("/models", q="gpt_4").json) == 4
    assert book.ask("/models", q=r"gpt\_4").json == ["gpt_4"]
    assert book.ask("/models", q=r"gpt\%").json == ["gpt%4"]
    assert book.ask("/models", q=r"gpt\\").json == ["gpt\\4"]


def test_a_backslash_at_the_end_escapes_the_wildcard_that_makes_it_a_prefix() -> None:
    book = models("gpt-4", "gpt%", "gpt%4")
    assert book.ask("/models", q="gpt\\").json == ["gpt%"]


def test_v97_an_unquoted_colon_makes_a_key() -> None:
    assert validation(models("gpt:4").ask("/models", q="gpt:4")) == (
        "gpt",
        '"gpt" is not a valid query param',
    )
    assert models("gpt:4").ask("/models", q='model:"gpt:4"').json == ["gpt:4"]


def test_models_may_be_empty_texts() -> None:
    assert models("", "coder-aibridge-unknown").ask("/models").json == [
        "",
        "coder-aibridge-unknown",
    ]


def test_clients_are_searched_by_prefix_case_sensitively(book: Book) -> None:
    for client in ("Claude Code", "Codex", "Cursor"):
        book.call(0, client=client)
    assert book.ask("/clients", q="Claude Code").json == ["Claude Code"]
    assert book.ask("/clients", q="c").json is None
    assert sorted(book.ask("/clients", q="C").json) == ["Claude Code", "Codex", "Cursor"]


def slow_like(pattern: str, text: str) -> bool:
    """LIKE by its definition, one character at a time."""
    if not pattern:
        return not text
    head, rest = pattern[0], pattern[1:]
    if head == "%":
        return any(slow_like(rest, text[start:]) for start in range(len(text) + 1))
    if head == "\\":
        head, rest = rest[0], rest[1:]
        return text[:1] == head and slow_like(rest, text[1:])
    return bool(text) and head in ("_", text[0]) and slow_like(rest, text[1:])


@settings(deadline=None)
@given(st.text("ab_%\\\n", max_size=7), st.text("ab_%\\\n", max_size=7))
def test_a_like_pattern_matches_by_its_definition(prefix: str, text: str) -> None:
    pattern = prefix + "%"
    assert bool(like(pattern).fullmatch(text)) is slow_like(pattern, text)


def test_a_hostile_pattern_is_refused_a_match_without_backtracking() -> None:
    pattern = like("%a" * 2000 + "b%")
    assert pattern.fullmatch("a" * 20_000) is None


def test_letters_of_a_pattern_are_no_regular_expression() -> None:
    assert like(".*%").fullmatch("x") is None
    assert like(re.escape(".") + "%").fullmatch(".x")
