"""Output of all commands: two streams, and errors as messages instead of tracebacks."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from bridgeboard.runtime.failure_messages import FORESEEN

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def explained() -> Iterator[None]:
    """End with status 2 and a sentence where somebody can do something about an error."""
    try:
        yield
    except FORESEEN as error:
        err.print(f"bridgeboard: {error}", markup=False)
        raise typer.Exit(2) from None


def stop_signal() -> threading.Event:
    """An event that is set by Ctrl+C or a polite kill."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    return stopped


def end_politely() -> None:
    """Let a polite kill unwind the stack, so that what was made for the while is put away."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
