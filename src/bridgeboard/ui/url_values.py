"""Values of widgets in the address of a page: how they are read from its words, and written.

Values in addresses are short and stable: names, dates and numbers, never labels. A widget gets its
value from the address before it is made, and writes the address in its callback only.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final, Generic, TypeVar

import streamlit as st

from bridgeboard.model import periods
from bridgeboard.ui.url import complain, get_all, put

T = TypeVar("T")

_GIVEN: Final = "widgets_given"
_MISSING: Final = object()


class NotOfferedError(ValueError):
    """A word that addresses may have, but not beside the other choices: nobody wrote it wrong."""


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """A parameter of one value.

    Attributes:
        name: in the address.
        read: its value from a word. Raises ValueError for what it does not understand, and
            NotOfferedError for what it cannot be at present.
        write: the word of a value.
        usual: the value of an address without it; it is not written.
        widget: the key of the widget for it, if that is not its name.
    """

    name: str
    read: Callable[[str], T]
    write: Callable[[T], str] = str
    usual: T | None = None
    widget: str = ""

    @property
    def key(self) -> str:
        """The key of its widget."""
        return self.widget or self.name

    def value(self) -> T | None:
        """What the address says; the usual value where it says nothing that is understood."""
        words = [word for word in get_all(self.name) if word]
        if len(set(words)) > 1:
            complain(f"{self.name} more than once")
        try:
            return self.read(words[-1]) if words else self.usual
        except NotOfferedError:
            return self.usual
        except (ValueError, OverflowError):
            complain(f"{self.name}={words[-1]}")
            return self.usual

    def words(self, value: T | None) -> list[str]:
        """How the address says a value."""
        return [] if value is None or value == self.usual else [self.write(value)]

    def widget_arguments(self) -> dict[str, Any]:
        """Key and callback of its widget, which gets the value of the address first."""
        return _tied(self, self.value())


@dataclass(frozen=True)
class Several(Generic[T]):
    """A parameter of any number of values, each of them once; attributes as those of Parameter."""

    name: str
    read: Callable[[str], T]
    write: Callable[[T], str] = str
    usual: Sequence[T] = field(default_factory=tuple)
    widget: str = ""

    @property
    def key(self) -> str:
        """The key of its widget."""
        return self.widget or self.name

    def value(self) -> list[T]:
        """What the address says; what is not understood of it is left out."""
        values: dict[T, None] = {}
        for word in filter(None, get_all(self.name)):
            try:
                values[self.read(word)] = None
            except (ValueError, OverflowError):
                complain(f"{self.name}={word}")
        return list(values) or list(self.usual)

    def words(self, values: Iterable[T] | None) -> list[str]:
        """How the address says values."""
        chosen = list(values or ())
        return [] if chosen == list(self.usual) else [self.write(value) for value in chosen]

    def widget_arguments(self) -> dict[str, Any]:
        """Key and callback of its widget, which gets the values of the address first."""
        return _tied(self, self.value())


def one_of(
    name: str,
    options: Iterable[T],
    usual: T | None = None,
    write: Callable[[T], str] = str,
    known: Callable[[str], object] | None = None,
) -> Parameter[T]:
    """A parameter that is one of some values.

    Where the values depend on other choices, ``known`` reads every word that some choices allow,
    and raises ValueError for any other.
    """
    return Parameter(name, _reader(options, write, known), write, usual)


def some_of(
    name: str, options: Iterable[T], usual: Sequence[T] = (), widget: str = ""
) -> Several[T]:
    """A parameter that is any of some values."""
    return Several(name, _reader(options, str), usual=usual, widget=widget)


def among(words: Iterable[str]) -> Callable[[str], str]:
    """What reads each of some words, and raises ValueError for any other."""
    return _reader(words, str)


def switch(name: str, *, usual: bool = False) -> Parameter[bool]:
    """A parameter that is on or off."""
    write = {True: "true", False: "false"}.__getitem__
    read = _reader((True, False), write)
    return Parameter(name, lambda word: read(word.lower()), write, usual)


def text(name: str, longest: int) -> Parameter[str]:
    """A parameter that is any text of at most so many characters."""
    return Parameter(name, lambda word: _of_length(word, longest), usual="")


def day(word: str) -> date:
    """A day as addresses have it. Raises ValueError for one that does not exist."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", word, re.ASCII):
        raise ValueError(word)
    read = date.fromisoformat(word)
    if not periods.FIRST_DAY <= read <= periods.LAST_DAY:
        raise ValueError(word)
    return read


def time_of_day(word: str) -> time:
    """A time of day, to the minute. Raises ValueError for any other text."""
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", word, re.ASCII):
        raise ValueError(word)
    return time.fromisoformat(word)


@dataclass(frozen=True)
class End:
    """Where a period begins or ends: a day, a time of day on it, or that alone."""

    day: date | None
    at: time | None = None

    def __str__(self) -> str:
        at = f"T{self.at:%H:%M}" if self.at else ""
        return f"{self.day or ''}{at}"


def end(word: str) -> End:
    """Where a period begins or ends: ``2026-11-01``, ``2026-11-01T09:30`` or ``T09:30``.

    Raises ValueError for any other text.
    """
    date_part, has_time, at = word.partition("T")
    if not (date_part or at) or (has_time and not at):
        raise ValueError(word)
    return End(day(date_part) if date_part else None, time_of_day(at) if at else None)


def number(word: str) -> float:
    """A number in plain digits, not below zero. Raises ValueError for any other text."""
    if not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", word, re.ASCII):
        raise ValueError(word)
    return float(word)


def give(key: str, value: Any) -> None:
    """Let a widget that is made after this hold a value.

    Only a difference is written: to write all values of a long list sends them to the browser. It
    is written again in the next run, because what a run has not sent yet is lost if another begins.
    """
    given = st.session_state.setdefault(_GIVEN, {})
    current = st.session_state.get(key, _MISSING)
    if current is _MISSING and value in (None, "", False, []):
        return
    is_new = current is _MISSING or current != value
    if is_new or given.pop(key, _MISSING) == value:
        st.session_state[key] = value
    if is_new:
        given[key] = value


def _tied(parameter: Parameter[Any] | Several[Any], value: Any) -> dict[str, Any]:
    key = parameter.key
    give(key, value)
    return {"key": key, "on_change": _take, "args": (parameter,)}


def _take(parameter: Parameter[Any] | Several[Any]) -> None:
    put({parameter.name: parameter.words(st.session_state.get(parameter.key))})


def _reader(
    options: Iterable[T], write: Callable[[T], str], known: Callable[[str], object] | None = None
) -> Callable[[str], T]:
    offered = {write(option): option for option in options}

    def read(word: str) -> T:
        if word in offered:
            return offered[word]
        if known is None:
            raise ValueError(word)
        known(word)
        raise NotOfferedError(word)

    return read


def _of_length(word: str, longest: int) -> str:
    if len(word) > longest:
        raise ValueError(word[:longest])
    return word
