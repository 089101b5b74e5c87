"""Reads widgets' values from the address of a page, and writes them back.

The address is the truth. Each run reads it, and gives widgets their values before they are made;
a widget writes it in its callback only, with one change: one entry in the browser's history, which
one press of Back undoes. What cannot be read is collected, and the page says it in one line.

Values in addresses are short and stable: names, dates and numbers, never labels. What a link of an
earlier time says is read too (``ui.old_urls``).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, time
from typing import Any, Final, Generic, NoReturn, TypeVar
from urllib.parse import urlencode

import streamlit as st

from bridgeboard import formats
from bridgeboard.ui import old_urls, url_parameters

T = TypeVar("T")
Words = Mapping[str, Sequence[str]]
"""Parameters with their values."""

UNREAD: Final = url_parameters.UNREAD
MOST: Final = 900
"""Values that an address holds at most: Streamlit reads none at all if there are over 1,000."""
LONGEST: Final = 60_000
"""Characters that an address has at most: servers refuse longer request lines."""
FIRST_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
"""What is outside of these is a slip of the keyboard."""
_SHOWN: Final = 5
_SHORT: Final = 60
_PENDING: Final = "address_pending"
_REFUSED: Final = "address_refused"
_GIVEN: Final = "widgets_given"
_MISSING: Final = object()
_complaints: ContextVar[dict[str, None] | None] = ContextVar("complaints", default=None)


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

    @property
    def key(self) -> str:
        """The key of its widget."""
        return self.name

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


def some_of(name: str, options: Iterable[T], usual: Sequence[T] = ()) -> Several[T]:
    """A parameter that is any of some values."""
    return Several(name, _reader(options, str), usual=usual)


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
    if not FIRST_DAY <= read <= LAST_DAY:
        raise ValueError(word)
    return read


def time_of_day(word: str) -> time:
    """A time of day, to the minute. Raises ValueError for any other text."""
    if not re.fullmatch(r"\d\d:\d\d(:\d\d)?", word, re.ASCII):
        raise ValueError(word)
    return time.fromisoformat(word)


def number(word: str) -> float:
    """A number in plain digits, not below zero. Raises ValueError for any other text."""
    if not re.fullmatch(r"\d{1,15}(\.\d{1,15})?", word, re.ASCII):
        raise ValueError(word)
    return float(word)


def get_all(name: str) -> list[str]:
    """All words of a parameter, those of its old name and of old labels as they are now.

    What an old label named and no page has any more is left out.
    """
    names = [name, *(old for old, new in old_urls.NAMES.items() if new == name)]
    words = next((words for each in names if (words := st.query_params.get_all(each))), [])
    return [new for word in words if (new := old_urls.short(name, word)) is not None]


def current() -> dict[str, list[str]]:
    """All that the address says, in the names and words of today."""
    names = [old_urls.NAMES.get(name, name) for name in st.query_params]
    return {name: get_all(name) for name in dict.fromkeys(names)}


def put(changes: Words) -> None:
    """Change some parameters at once (``url_parameters.changed``). For callbacks.

    What would be too long to be read again is not written, and the page says so.
    """
    before = _latest()
    after = url_parameters.changed(before, changes)
    if sum(map(len, after.values())) > MOST or len(urlencode(after, doseq=True)) > LONGEST:
        st.session_state[_REFUSED] = ", ".join(changes)
    elif after != before:
        st.session_state[_PENDING] = (_raw(), after)
        st.query_params.from_dict(after)


def carried(page: str, here: str = "") -> dict[str, list[str]]:
    """The parameters that a link to a page takes along: the filters, and what it had before.

    ``here`` is the page that the link is on: a link to itself says all that the address says.
    """
    if page == here:
        return current()
    parameters: dict[str, dict[str, list[str]]] = st.session_state.get(_PAGES, {})
    return {**parameters.get("", {}), **parameters.get(page, {}), **everywhere()}


def filters() -> dict[str, list[str]]:
    """What all pages over the store have in their addresses, as it is now."""
    return {name: words for name, words in current().items() if name in url_parameters.SHARED}


def everywhere() -> dict[str, list[str]]:
    """What all pages have in their addresses, as it is now."""
    return {name: words for name, words in current().items() if name in url_parameters.EVERYWHERE}


def keep(page: str) -> None:
    """Remember what a page's address says, for links to it from other pages.

    The filters of all pages are remembered where they count, for who comes back from elsewhere.
    What other pages had is forgotten as far as it means nothing with other filters.
    """
    parameters: dict[str, dict[str, list[str]]] = st.session_state.setdefault(_PAGES, {})
    words = current()
    own = url_parameters.of(page) - url_parameters.SHARED - url_parameters.FLEETING
    if page not in url_parameters.UNFILTERED:
        now = {name: words[name] for name in words if name in url_parameters.FILTERS}
        then = parameters.get("", now)
        changes = {name for name in {*then, *now} if then.get(name) != now.get(name)}
        for each in parameters.values():
            for name in url_parameters.outdated(each, changes):
                del each[name]
        parameters[""] = now
    parameters[page] = {name: words[name] for name in words if name in own}


_PAGES: Final = "addresses_kept"


def begin() -> None:
    """Begin a run, in which nothing is complained of yet."""
    _complaints.set({})


def check(page: str) -> None:
    """Complain of names that a page does not know, and of what could not be read or written."""
    pending = st.session_state.get(_PENDING)
    if pending and _raw() != pending[1]:  # this run began with another address
        del st.session_state[_PENDING]
    if refused := st.session_state.pop(_REFUSED, None):
        complain(f"{refused} with so many values")
    if get_all(UNREAD):
        complain("more than 1,000 values, so that none of them counts")
    known = url_parameters.of(page) | {UNREAD}
    for name in current():
        if name not in known:
            complain(name)


@contextmanager
def apart() -> Iterator[None]:
    """A part of the page that runs by itself, and says itself what it does not understand."""
    own: dict[str, None] = {}
    token = _complaints.set(own)
    try:
        yield
        for what in list(own):  # the whole page reads what all pages have, and tells of it
            if re.split("[= ]", what)[0] in url_parameters.SHARED:
                del own[what]
        tell()
    finally:
        _complaints.reset(token)


def complain(what: str) -> None:
    """Note something in the address that is not understood."""
    complaints = _complaints.get()
    if complaints is not None:
        complaints[what] = None


def tell() -> None:
    """One line about all that was not understood; nothing if that is nothing."""
    complaints = list(_complaints.get() or ())
    if not complaints:
        return
    named = [formats.middle(formats.visible(what), _SHORT) for what in complaints[:_SHOWN]]
    more = f" and {len(complaints) - _SHOWN:,} more" if len(complaints) > _SHOWN else ""
    st.warning(
        formats.unmarked(
            f"Not understood in this address: {', '.join(named)}{more}. What you see is without it."
        ),
        icon=":material/link_off:",
    )


def stop() -> NoReturn:
    """End the page here, after saying what was not understood."""
    tell()
    st.stop()


def _tied(parameter: Parameter[Any] | Several[Any], value: Any) -> dict[str, Any]:
    key = parameter.key
    give(key, value)
    return {"key": key, "on_change": _take, "args": (parameter,)}


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


def _take(parameter: Parameter[Any] | Several[Any]) -> None:
    put({parameter.name: parameter.words(st.session_state.get(parameter.key))})


def _raw() -> dict[str, list[str]]:
    return {name: st.query_params.get_all(name) for name in st.query_params}


def _latest() -> dict[str, list[str]]:
    """The address as the last callback left it.

    A browser that is asked twice in a moment says the second time what its address was before the
    first change has reached it.
    """
    pending = st.session_state.get(_PENDING)
    return dict(pending[1]) if pending and pending[0] == _raw() else current()


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
