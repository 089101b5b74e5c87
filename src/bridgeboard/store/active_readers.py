"""Counts running queries, so that the file is replaced while there is none."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Gate:
    """Lets readers through, counts them, and can be closed."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._count = 0
        self._is_closed = False

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Be one of those who are waited for; begins once the gate is open."""
        with self._condition:
            self._condition.wait_for(lambda: not self._is_closed)
            self._count += 1
        try:
            yield
        finally:
            with self._condition:
                self._count -= 1
                self._condition.notify_all()

    @contextmanager
    def kept_out(self, seconds: float) -> Iterator[bool]:
        """Let nobody begin until the block ends; whether all others are done within the time.

        A reader who asks again before being done would wait for itself: it goes on when the block
        ends, which should be at once where this says no.
        """
        with self._condition:
            self._is_closed = True
            is_alone = self._condition.wait_for(lambda: not self._count, seconds)
        try:
            yield is_alone
        finally:
            with self._condition:
                self._is_closed = False
                self._condition.notify_all()
