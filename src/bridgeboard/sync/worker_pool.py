"""Several fetchers, one writer: pages cross from threads to the caller over a bounded queue."""

import gc
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, Full, Queue, SimpleQueue
from typing import Final, Generic, TypeVar

J = TypeVar("J")
T = TypeVar("T")

MOST_TOGETHER: Final = 10
"""Pages in one transaction: more of them are slower again and hold more memory."""

PATIENCE_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.1
_YOUNG: Final = 200_000
"""Objects between two looks for cyclic garbage. Records come by the ten thousand and are none: at
Python's own 700 a fifth of a first sync would go into looking."""

_TURN_SECONDS: Final = 0.0005
"""How long a thread may keep Python's lock while another one waits for it."""

_ROUNDING: Final = 5e-7
"""Python cuts turns to whole microseconds: what it told would be one less when told back."""


class _Left:
    """What a fetcher that has nothing more to do puts last."""


class Crew(Generic[J, T]):
    """Fetchers that each take one job after the other; at most ``waiting`` pieces wait to be taken.

    What they fetch is handed over as it arrives, that of one job in its own order. Whatever a
    fetcher raises ends all of them and is raised to the caller, after everything that arrived
    before it. Leaving ``batches`` early ends them too; a fetcher that still waits for the network
    by then is left behind and changes nothing any more.
    """

    def __init__(
        self,
        jobs: Sequence[J],
        fetch: Callable[[J], Iterator[T]],
        *,
        workers: int,
        waiting: int = MOST_TOGETHER,
    ) -> None:
        self._jobs: SimpleQueue[J] = SimpleQueue()
        for job in jobs:
            self._jobs.put(job)
        self._fetch = fetch
        self._size = max(1, min(workers, len(jobs)))
        self._arrivals: Queue[T | _Left | BaseException] = Queue(waiting)
        self._stopping = threading.Event()

    def batches(self) -> Iterator[list[T]]:
        """What has arrived, up to ten pieces at a time, until all jobs are done."""
        threads = [
            threading.Thread(target=self._work, name=f"fetcher-{number}", daemon=True)
            for number in range(self._size)
        ]
        for thread in threads:
            thread.start()
        try:
            yield from self._taken(len(threads))
        finally:
            self._stopping.set()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)

    def _taken(self, working: int) -> Iterator[list[T]]:
        while working:
            batch: list[T] = []
            failure: BaseException | None = None
            for piece in self._arrived():
                if isinstance(piece, BaseException):
                    failure = piece
                    break
                if isinstance(piece, _Left):
                    working -= 1
                else:
                    batch.append(piece)
            if batch:
                yield batch
            if failure is not None:
                raise failure

    def _arrived(self) -> Iterator[T | _Left | BaseException]:
        yield self._arrivals.get()
        with suppress(Empty):
            for _ in range(MOST_TOGETHER - 1):
                yield self._arrivals.get_nowait()

    def _work(self) -> None:
        try:
            for job in self._left():
                self._pursue(job)
            self._hand_over(_Left())
        except BaseException as error:  # noqa: BLE001  # raised again where somebody can act on it
            self._hand_over(error)

    def _left(self) -> Iterator[J]:
        with suppress(Empty):
            while not self._stopping.is_set():
                yield self._jobs.get_nowait()

    def _pursue(self, job: J) -> None:
        for piece in self._fetch(job):
            self._hand_over(piece)
            if self._stopping.is_set():
                return

    def _hand_over(self, piece: T | _Left | BaseException) -> None:
        while not self._stopping.is_set():
            with suppress(Full):
                self._arrivals.put(piece, timeout=_LOOK_SECONDS)
                return


@contextmanager
def at_speed() -> Iterator[None]:
    """Suit Python to a crew at work, in the whole process, for the block.

    It looks for cyclic garbage less often, and a thread that waits for the lock gets it sooner:
    the writer lets go of it for every statement, and would wait 5 ms for it twenty times a batch.
    """
    young, *older = gc.get_threshold()
    interval = sys.getswitchinterval()
    gc.set_threshold(max(young, _YOUNG), *older)
    sys.setswitchinterval(min(interval, _TURN_SECONDS) + _ROUNDING)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)
        sys.setswitchinterval(interval + _ROUNDING)
