"""What was worked out once is kept, and shared by all who ask."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

import pytest
from streamlit.runtime.scriptrunner import RerunData, RerunException

from bridgeboard.analysis.runner import AnswerCache


def counting(made: list[str], name: str) -> Callable[[], str]:
    def make() -> str:
        made.append(name)
        return name.upper()

    return make


def test_a_value_is_made_once() -> None:
    cache, made = AnswerCache(2), list[str]()
    assert [cache.value("a", counting(made, "a")) for _ in range(3)] == ["A"] * 3
    assert made == ["a"]


def test_what_was_not_asked_for_the_longest_goes_first() -> None:
    cache, made = AnswerCache(2), list[str]()
    for name in "abacab":
        cache.value(name, counting(made, name))
    assert made == ["a", "b", "c", "b"]


def test_what_fails_is_tried_again() -> None:
    cache = AnswerCache(2)
    with pytest.raises(ZeroDivisionError):
        cache.value("a", lambda: 1 // 0)
    assert cache.value("a", lambda: 1) == 1


def test_two_at_the_same_time_wait_for_one_making() -> None:
    cache, made = AnswerCache(2), list[str]()
    is_making, may_end = threading.Event(), threading.Event()

    def make() -> str:
        made.append("slow")
        is_making.set()
        assert may_end.wait(60)
        return "done"

    told: list[str] = []
    first = threading.Thread(target=lambda: told.append(cache.value("a", make)))
    first.start()
    assert is_making.wait(60)
    second = threading.Thread(target=lambda: told.append(cache.value("a", make)))
    second.start()
    may_end.set()
    first.join(60)
    second.join(60)
    assert told == ["done", "done"]
    assert made == ["slow"]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RerunException(RerunData())])
def test_who_waits_for_a_maker_that_is_stopped_makes_the_value_instead(
    stop: BaseException | type[BaseException], monkeypatch: pytest.MonkeyPatch
) -> None:
    is_making, is_waiting = threading.Event(), threading.Event()
    cache, ends, values = AnswerCache(2), list[type[BaseException]](), list[str]()

    class Watched(Future[str]):
        def result(self, timeout: float | None = None) -> str:
            is_waiting.set()
            return super().result(timeout)

    monkeypatch.setattr("bridgeboard.analysis.runner.Future", Watched)

    def stopped() -> str:
        is_making.set()
        assert is_waiting.wait(60)
        raise stop

    def first() -> None:
        try:
            cache.value("a", stopped)
        except BaseException as error:  # noqa: BLE001  # a stop is no Exception
            ends.append(type(error))

    def second() -> None:
        try:
            values.append(cache.value("a", lambda: "done"))
        except BaseException as error:  # noqa: BLE001  # a stop is no Exception
            values.append(repr(error))

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert is_making.wait(60)
    threads[1].start()
    for thread in threads:
        thread.join(60)
    assert ends == [stop if isinstance(stop, type) else type(stop)]
    assert values == ["done"]


def test_nothing_is_left_after_clearing() -> None:
    cache, made = AnswerCache(2), list[str]()
    cache.value("a", counting(made, "a"))
    cache.clear()
    cache.value("a", counting(made, "a"))
    assert made == ["a", "a"]
