"""The rate limiter (api-contract 1.7)."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from small_bridges import NOW, PREFIX, Book, ask, send, token

from bridgeboard.demo.api import Bridge, Switches
from bridgeboard.demo.records import Person


@pytest.fixture
def book() -> Book:
    return Book()


def signed(book: Book, who: Person | None = None) -> dict[str, str]:
    return {"Coder-Session-Token": token(who or book.owner)}


# The rate limiter


class Hand:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def limited(book: Book, limit: int, hand: Hand) -> Bridge:
    return book.bridge(switches=Switches(rate_limit=limit), wall=hand)


def limits(reply: Any) -> list[str | None]:
    names = ("Limit", "Remaining", "Reset")
    return [reply.answer.header(f"X-RateLimit-{name}") for name in names]


END_OF_MINUTE = str(int(NOW.timestamp()) + 60)


def test_v140_one_request_too_many_is_told_to_wait_for_a_minute(book: Book) -> None:
    bridge = limited(book, 2, Hand())
    assert limits(ask(bridge, "/models", book.owner)) == ["2", "1", END_OF_MINUTE]
    assert limits(ask(bridge, "/models", book.owner)) == ["2", "0", END_OF_MINUTE]
    reply = ask(bridge, "/models", book.owner)
    assert reply.status == 429
    assert reply.json == {
        "message": "You've been rate limited for sending more than 2 requests in 1m0s."
    }
    assert reply.answer.header("Retry-After") == "60"
    assert limits(reply) == ["2", "0", END_OF_MINUTE]


def test_the_limit_is_counted_per_person_and_path(book: Book) -> None:
    bridge = limited(book, 1, Hand())
    asked = [(p, who) for p in ("/models", "/sessions") for who in (book.owner, book.auditor)]
    assert [ask(bridge, path, who).status for path, who in asked] == [200] * 4
    assert [ask(bridge, path, who).status for path, who in asked] == [429] * 4


def test_anonymous_callers_share_one_count_on_each_path(book: Book) -> None:
    bridge = limited(book, 1, Hand())
    assert send(bridge, "/api/v2/buildinfo").status == 200
    assert send(bridge, "/api/v2/buildinfo").status == 429
    assert ask(bridge, "/buildinfo", book.owner, prefix="/api/v2").status == 200


def test_the_previous_minute_fades_with_time(book: Book) -> None:
    hand = Hand()
    bridge = limited(book, 4, hand)
    for _ in range(4):
        ask(bridge, "/models", book.owner)
    hand.move(60)
    assert ask(bridge, "/models", book.owner).status == 429
    hand.move(30)
    assert limits(ask(bridge, "/models", book.owner))[1] == "1"
    hand.move(90)
    assert limits(ask(bridge, "/models", book.owner))[1] == "3"


def test_the_fading_count_is_rounded_to_the_nearest(book: Book) -> None:
    hand = Hand()
    bridge = limited(book, 1, hand)
    assert ask(bridge, "/models", book.owner).status == 200
    hand.move(60 + 30)
    assert ask(bridge, "/models", book.owner).status == 429
    hand.move(1)
    assert ask(bridge, "/models", book.owner).status == 200


def test_the_limit_comes_before_the_licence(book: Book) -> None:
    switches = Switches(licensed=False, rate_limit=1)
    bridge = book.bridge(switches=switches)
    assert [ask(bridge, "/models", book.owner).status for _ in range(2)] == [403, 429]


def test_an_owner_may_bypass_the_limit(book: Book) -> None:
    bridge = limited(book, 1, Hand())
    headers = signed(book) | {"X-Coder-Bypass-Ratelimit": "true"}
    replies = [send(bridge, PREFIX + "/models", headers=headers) for _ in range(3)]
    assert [reply.status for reply in replies] == [200] * 3


@pytest.mark.parametrize("name", ["auditor", "member", None])
def test_nobody_else_may_bypass_the_limit(book: Book, name: str | None) -> None:
    headers = {"X-Coder-Bypass-Ratelimit": "true"}
    if name:
        headers["Coder-Session-Token"] = token(getattr(book, name))
    reply = send(limited(book, 1, Hand()), PREFIX + "/models", headers=headers)
    assert reply.status == 428
    assert reply.answer.header("Content-Type") == "text/plain; charset=utf-8"
    assert reply.text == '"X-Coder-Bypass-Ratelimit" provided but user is not owner\n'
    assert limits(reply) == ["1", "1", END_OF_MINUTE]


def test_a_refused_bypass_tells_what_is_left_and_is_not_counted(book: Book) -> None:
    bridge = limited(book, 3, Hand())
    bypass = signed(book, book.auditor) | {"X-Coder-Bypass-Ratelimit": "true"}
    assert limits(ask(bridge, "/models", book.auditor))[1] == "2"
    for _ in range(5):
        reply = send(bridge, PREFIX + "/models", headers=bypass)
        assert (reply.status, limits(reply)[1]) == (428, "2")
    assert limits(ask(bridge, "/models", book.auditor))[1] == "1"


def test_without_a_limit_there_is_nothing_to_bypass(book: Book) -> None:
    headers = signed(book, book.auditor) | {"X-Coder-Bypass-Ratelimit": "true"}
    assert send(book.bridge(), PREFIX + "/models", headers=headers).status == 200


def test_a_bypass_that_is_not_true_is_none(book: Book) -> None:
    headers = {"X-Coder-Bypass-Ratelimit": "false"}
    assert send(limited(book, 1, Hand()), "/api/v2/buildinfo", headers=headers).status == 200


@pytest.mark.parametrize("path", ["/sessions", "/sessions/nope", "/nope", "/models?limit=x"])
def test_every_answer_tells_version_and_limits_errors_included(book: Book, path: str) -> None:
    path, _, query = path.partition("?")
    for headers in ({}, signed(book)):
        reply = send(limited(book, 9, Hand()), PREFIX + path, query, headers)
        assert reply.answer.header("X-Coder-Build-Version") == "v2.34.1+1d9ccb7"
        assert None not in limits(reply)


def test_a_server_without_a_limit_tells_none(book: Book) -> None:
    assert limits(book.ask("/sessions")) == [None, None, None]
