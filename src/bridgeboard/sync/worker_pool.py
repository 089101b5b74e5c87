"""A pool of worker threads that hand what they read to one writer over a bounded queue."""

import gc
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Final, Generic, TypeVar

J = TypeVar("J")
T = TypeVar("T")

MOST_TOGETHER: Final = 10
"""Items in one batch: larger batches are slower and take more memory."""

PATIENCE_SECONDS: Final = 5.0
_GC_THRESHOLD: Final = 200_000
"""New objects between two garbage collections. At Python's own 700 a first sync would spend a fifth
of its time on collections that free nothing."""

_TURN_SECONDS: Final = 0.0005
"""Python's switch interval: how long a thread keeps the interpreter lock while another waits."""

_ROUNDING: Final = 5e-7
"""Python cuts intervals to whole microseconds; without this, restoring one would lose one."""


class _Done:
    """The last item of each worker."""


class _Arrivals(Generic[T]):
    """A queue with room for items of ``room`` in all, or for one item that is larger."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._items: deque[tuple[T, int]] = deque()
        self._size = 0
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, item: T, size: int) -> None:
        """Add an item once there is room for it; nothing after ``close``."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._has_room(size))
            if not self._is_closed:
                self._items.append((item, size))
                self._size += size
                self._changed.notify_all()

    def take(self, most: int) -> list[T]:
        """The next items, at least one, which is waited for."""
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            taken = [self._items.popleft() for _ in range(min(most, len(self._items)))]
            self._size -= sum(size for _, size in taken)
            self._changed.notify_all()
        return [item for item, _ in taken]

    def close(self) -> None:
        """Let nobody wait for room any longer."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._items or self._size + size <= self._room


class WorkerPool(Generic[J, T]):
    """Threads that take one job after the other, and wait while too much waits for the writer.

    ``waiting`` is how much may wait in the queue, by the ``size`` of the items; 1 each by default.
    One item may wait whatever its size. Items are handed over as they arrive, those of one job in
    order. An error in a worker ends all of them and is raised to the caller, after everything that
    arrived before it. Leaving ``batches`` early ends them too; a worker that still waits for the
    network then is abandoned and has no effect any more.
    """

    def __init__(
        self,
        jobs: Sequence[J],
        fetch: Callable[[J], Iterator[T]],
        *,
        workers: int,
        waiting: int = MOST_TOGETHER,
        size: Callable[[T], int] = lambda _: 1,
    ) -> None:
        self._jobs: SimpleQueue[J] = SimpleQueue()
        for job in jobs:
            self._jobs.put(job)
        self._fetch = fetch
        self._workers = max(1, min(workers, len(jobs)))
        self._size_of = size
        self._arrivals: _Arrivals[T | _Done | BaseException] = _Arrivals(waiting)
        self._stopping = threading.Event()

    def batches(self) -> Iterator[list[T]]:
        """The items that have arrived, up to ten at a time, until all jobs are done."""
        threads = [
            threading.Thread(target=self._work, name=f"fetcher-{number}", daemon=True)
            for number in range(self._workers)
        ]
        for thread in threads:
            thread.start()
        try:
            yield from self._batches(len(threads))
        finally:
            self._stopping.set()
            self._arrivals.close()
            for thread in threads:
                thread.join(PATIENCE_SECONDS)

    def _batches(self, working: int) -> Iterator[list[T]]:
        while working:
            batch: list[T] = []
            failure: BaseException | None = None
            for piece in self._arrivals.take(MOST_TOGETHER):
                if isinstance(piece, BaseException):
                    failure = piece
                    break
                if isinstance(piece, _Done):
                    working -= 1
                else:
                    batch.append(piece)
            if batch:
                yield batch
            if failure is not None:
                raise failure

    def _work(self) -> None:
        try:
            for job in self._next_jobs():
                self._run(job)
            self._arrivals.put(_Done(), 0)
        except BaseException as error:  # noqa: BLE001  # raised again where somebody can act on it
            self._arrivals.put(error, 0)

    def _next_jobs(self) -> Iterator[J]:
        with suppress(Empty):
            while not self._stopping.is_set():
                yield self._jobs.get_nowait()

    def _run(self, job: J) -> None:
        for piece in self._fetch(job):
            self._arrivals.put(piece, self._size_of(piece))
            if self._stopping.is_set():
                return


@contextmanager
def at_speed() -> Iterator[None]:
    """Tune Python for a worker pool, in the whole process, for the block.

    Garbage is collected less often, and threads get the interpreter lock sooner: the writer
    releases it for every statement, and would wait 5 ms for it twenty times a batch.
    """
    young, *older = gc.get_threshold()
    interval = sys.getswitchinterval()
    gc.set_threshold(max(young, _GC_THRESHOLD), *older)
    sys.setswitchinterval(min(interval, _TURN_SECONDS) + _ROUNDING)
    try:
        yield
    finally:
        gc.set_threshold(young, *older)
        sys.setswitchinterval(interval + _ROUNDING)
