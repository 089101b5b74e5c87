"""The address of a page: what it says, what changes in it, and what links take along.

The address is the truth. Each run reads it, and gives widgets their values before they are made
(``ui.url_values``); a callback writes it, with one change: one entry in the browser's history,
which one press of Back undoes. What cannot be read is collected, and the page says it in one line.
What a link of an earlier time says is read too (``ui.old_urls``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Final, NoReturn
from urllib.parse import urlencode

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from bridgeboard import formats
from bridgeboard.ui import old_urls, url_parameters
from bridgeboard.ui.components import notices

Words = Mapping[str, Sequence[str]]
"""Parameters with their values."""

UNREAD: Final = url_parameters.UNREAD
MOST: Final = 900
"""Values that an address holds at most: Streamlit reads none at all if there are over 1,000."""
LONGEST: Final = 60_000
"""Characters that an address has at most: servers refuse longer request lines."""
_SHOWN: Final = 5
_SHORT: Final = 60
_PENDING: Final = "address_pending"
_REFUSED: Final = "address_refused"
_complaints: ContextVar[dict[str, None] | None] = ContextVar("complaints", default=None)


def get_all(name: str) -> list[str]:
    """All words of a parameter, also those that an old link says in another way."""
    return list(_read().today.get(name, ()))


def current() -> dict[str, list[str]]:
    """All that the address says, in the names and words of today."""
    return _copied(_read().today)


def put(changes: Words) -> None:
    """Change some parameters at once (``url_parameters.changed``). For callbacks.

    What would be too long to be read again is not written, and the page says so. Where Back,
    Forward or a link leads stays as it is: what a callback of that run would write was chosen
    before, or is what the browser has not taken up yet of an earlier step.
    """
    page, is_history_navigation = _run()
    if is_history_navigation:
        return
    raw, pending = _raw(), _pending()
    meant = pending.meant_by(page, raw) if pending else None
    before = meant or current()
    after = url_parameters.changed(before, changes)
    if sum(map(len, after.values())) > MOST or len(urlencode(after, doseq=True)) > LONGEST:
        st.session_state[_REFUSED] = ", ".join(changes)
    elif after != before:
        is_unknown = pending and pending.page == page and (meant or pending.is_new)
        earlier = pending.earlier if pending and is_unknown else ()
        st.session_state[_PENDING] = _Pending(page, (*earlier, raw, before), after)
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
    """Begin a run of the whole page, in which nothing is complained of yet.

    What the browser asked for before it had taken up the last change (a part of the page that
    refreshes itself, or a link that was pressed at once) does not undo that change.
    """
    _complaints.set({})
    pending = _pending()
    if pending is None:
        return
    page, is_history_navigation = _run()
    raw = _raw()
    if is_history_navigation:
        del st.session_state[_PENDING]
    elif meant := pending.meant_by(page, raw):
        earlier = pending.earlier if page == pending.page else (raw,)
        st.session_state[_PENDING] = _Pending(page, earlier, meant, is_new=False)
        st.query_params.from_dict(meant)
    elif pending.is_new and (page, raw) == (pending.page, pending.words):  # the run of the change
        st.session_state[_PENDING] = replace(pending, is_new=False)
    else:
        del st.session_state[_PENDING]


def check(page: str) -> None:
    """Complain of names that a page does not know, and of what could not be read or written."""
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
    notices.warning(
        formats.unmarked(
            f"Not understood in this address: {', '.join(named)}{more}. What you see is without it."
        ),
        icon=":material/link_off:",
    )


def stop() -> NoReturn:
    """End the page here, after saying what was not understood."""
    tell()
    st.stop()


@dataclass(frozen=True)
class _Address:
    """An address that was read.

    Attributes:
        said: all of it as one text.
        raw: its parameters as they stand there.
        today: the same in the names and words of today.
    """

    said: str
    raw: Words
    today: Words


_last: ContextVar[_Address | None] = ContextVar("last_address", default=None)


def _read() -> _Address:
    """The address as it is now; one that has not changed since the last look is not read again.

    Each widget asks what the address says, and Streamlit tells it one parameter at a time.
    """
    said, last = str(st.query_params), _last.get()
    if last and last.said == said:
        return last
    raw = {name: st.query_params.get_all(name) for name in st.query_params}
    address = _Address(said, raw, old_urls.of_today(raw))
    if said == str(st.query_params):  # no other thread has changed it meanwhile
        _last.set(address)
    return address


def _raw() -> dict[str, list[str]]:
    return _copied(_read().raw)


def _copied(words: Words) -> dict[str, list[str]]:
    return {name: list(each) for name, each in words.items()}


@dataclass(frozen=True)
class _Pending:
    """A change of the address that the browser may not have taken up yet.

    Attributes:
        page: the page that it was made on.
        earlier: the addresses that the browser may still say.
        words: the address with the change.
        is_new: whether no run of the whole page has begun since.
    """

    page: str
    earlier: tuple[Words, ...]
    words: dict[str, list[str]]
    is_new: bool = True

    def meant_by(self, page: str, raw: Words) -> dict[str, list[str]] | None:
        """What an address that the browser says was meant to be; None if it knows the change.

        A link to another page that was made before takes along the filters as they were.
        """
        if page == self.page:
            is_known = raw == self.words or raw not in self.earlier
            return None if is_known else _copied(self.words)
        if all(_shared(raw) != _shared(each) for each in self.earlier):
            return None
        own = {name: words for name, words in raw.items() if name not in url_parameters.SHARED}
        words = _copied({**own, **_shared(self.words)})
        return None if words == raw else words


def _pending() -> _Pending | None:
    pending: _Pending | None = st.session_state.get(_PENDING)
    return pending


def _shared(words: Words) -> Words:
    return {name: each for name, each in words.items() if name in url_parameters.SHARED}


def _run() -> tuple[str, bool]:
    """The page of this run, and whether Back, Forward or a link of a table led to its address."""
    context = get_script_run_ctx()
    return (context.page_script_hash, context.is_history_navigation) if context else ("", False)
