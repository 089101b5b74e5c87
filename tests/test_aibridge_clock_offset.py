"""How far the server's clock is from ours, told by its answers."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest
from aibridge_wire import OLD, answer, at_once, connected
from hypothesis import given, settings
from hypothesis import strategies as st

from aibridge import AIBridgeError
from aibridge.pace import ClockOffset

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC).timestamp()


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def dated(at: float) -> httpx.Headers:
    return httpx.Headers({"Date": format_datetime(datetime.fromtimestamp(at, UTC), usegmt=True)})


@pytest.mark.parametrize(
    ("ahead", "least", "most"), [(3600, 3599, 3601), (0, 0, 0), (-90, -91, -89)]
)
def test_the_offset_is_the_servers_clock_minus_ours(
    kind: str, ahead: int, least: int, most: int
) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers=dated(NOON + ahead), content=b"null")

    with connected(kind, server, prefix=OLD, clock=lambda: NOON + 0.5) as client:
        client.models()
        offset = offset_of(client)
    assert offset is not None
    assert timedelta(seconds=least) <= offset <= timedelta(seconds=most)


def offset_of(client: object) -> timedelta | None:
    # The face of the asynchronous client awaits everything but this.
    plain = getattr(client, "_client", client)
    told: timedelta | None = plain.clock_offset()
    return told


def test_nothing_is_known_before_an_answer_or_from_one_without_a_date(kind: str) -> None:
    with connected(kind, lambda _: answer(None), prefix=OLD) as client:
        assert offset_of(client) is None
        client.models()
        assert offset_of(client) is None


def test_an_answer_of_failure_tells_the_time_too(kind: str) -> None:
    def server(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(503, headers=dated(NOON + 600))

    with connected(kind, server, prefix=OLD, clock=lambda: NOON, retry=at_once(0)) as client:
        with pytest.raises(AIBridgeError):
            client.models()
        assert offset_of(client) == timedelta(seconds=600)


@pytest.mark.parametrize(
    "told",
    [
        "",
        "soon",
        "Wed, 99 Foo 2026",
        "Mon, 01 Jan 99999999999 00:00:00 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "0",
        "(",
    ],
)
def test_a_nonsense_date_tells_nothing(told: str) -> None:
    skew = ClockOffset()
    skew.learn(httpx.Headers({"Date": told}), NOON, NOON)
    assert skew.seconds is None


@settings(deadline=None, max_examples=200)
@given(
    true=st.floats(-1e6, 1e6),
    waits=st.lists(st.tuples(st.floats(0, 100), st.floats(0, 5)), min_size=1, max_size=20),
)
def test_the_true_offset_is_never_further_off_than_a_second_and_the_quickest_answer(
    true: float, waits: list[tuple[float, float]]
) -> None:
    skew, now = ClockOffset(), NOON
    for pause, latency in waits:
        now += pause
        skew.learn(dated(now + latency / 2 + true), now, now + latency)
        now += latency
    quickest = min(latency for _, latency in waits)
    assert skew.seconds is not None
    assert abs(skew.seconds - true) <= 1 + quickest + 1e-3


def test_a_clock_that_is_set_is_followed() -> None:
    skew = ClockOffset()
    skew.learn(dated(NOON), NOON, NOON + 0.1)
    assert skew.seconds == 0
    skew.learn(dated(NOON + 500), NOON, NOON + 0.1)
    assert skew.seconds == pytest.approx(499.9)
    skew.learn(dated(NOON), NOON, NOON + 0.1)
    assert skew.seconds == 0


def test_an_answer_that_seems_to_come_before_its_question_tells_nothing() -> None:
    skew = ClockOffset()
    skew.learn(dated(NOON), NOON + 500, NOON)
    assert skew.seconds is None
