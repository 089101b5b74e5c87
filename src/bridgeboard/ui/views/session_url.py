"""The part of the address that names a place within a session.

What a widget holds follows the address, never the other way round but in its own callback.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import streamlit as st

from bridgeboard.queries.session_calls import REST, Part
from bridgeboard.ui import url, url_parameters
from bridgeboard.ui.url import complain, put

LAST: Final = "last_session"
WITHIN: Final = ("thread", "call", "find", "hit", "threads", "calls")
"""Parameters that name a place within a session."""
_LINKED: Final = "call_linked"


@dataclass(frozen=True)
class Place:
    """What the address names.

    Attributes:
        id, initiator: the session, and whose; None is not in the address.
        thread: a thread, what is of none, or None for the whole session.
        call: a request to open.
        find: words to look for; "" is none.
        hit: which text with the words, from 1 on.
        threads, calls: pages of the lists, from 1 on; None follows from the others.
    """

    id: str
    initiator: UUID | None
    thread: Part
    call: UUID | None
    find: str
    hit: int | None
    threads: int | None
    calls: int | None


def asked() -> Place:
    """What the address names now; what makes no sense in it is left out."""
    parameters = st.query_params
    return Place(
        id=parameters.get("id", ""),
        initiator=_uuid("initiator"),
        thread=REST if parameters.get("thread") == REST else _uuid("thread"),
        call=_uuid("call"),
        find=parameters.get("find", ""),
        hit=_number("hit"),
        threads=_number("threads"),
        calls=_number("calls"),
    )


def keep() -> None:
    """Take up the session that was left.

    Leaving by a link leaves an entry without parameters behind, which Back then leads to.
    """
    if "id" not in st.query_params:
        if last := st.session_state.get(LAST):
            st.query_params.from_dict(last)
    elif st.query_params["id"]:
        st.session_state[LAST] = st.query_params.to_dict()


def to_session(session: dict[str, str]) -> None:
    """Show another session; a page link to the same page would leave the address as it is."""
    put({**_without(*WITHIN), **{name: [value] for name, value in session.items()}})


_WITHIN_THREAD: Final[dict[str, Sequence[str]]] = {"call": (), "hit": (), "calls": ()}
"""What names a place that another thread does not have."""


def to_thread(thread: Part) -> None:
    """Show one thread, or with None the whole session."""
    put({**_WITHIN_THREAD, "thread": () if thread is None else [str(thread)]})


def thread_address(thread: Part) -> str:
    """The address that shows one thread alone."""
    words = url_parameters.changed(url.current(), {**_WITHIN_THREAD, "thread": [str(thread)]})
    return f"?{urlencode(words, doseq=True)}"


def show_call(interception: UUID) -> None:
    """Show a request, on whatever page of the calls it is."""
    put({**_without("hit", "calls"), "call": [str(interception)]})


def to_call(interception: UUID) -> None:
    """Put a request into the address, for its link."""
    show_call(interception)
    st.session_state[_LINKED] = True


def to_hit(number: int, thread: Part) -> None:
    """Show a text with the words looked for; in its thread, if one thread is shown at a time."""
    alone = "thread" in st.query_params
    within = {"threads": (), "thread": [str(thread or REST)]} if alone else {}
    put({**_without("call", "calls"), **within, "hit": [str(number)]})


def to_words(words: str) -> None:
    """Look for words, from the first text on."""
    put({**_without("hit", "call", "calls"), "find": [words] if words else ()})


def to_page(of: str, number: int) -> None:
    """Show another page of the threads or of the calls."""
    gone = _without("call", "hit") if of == "calls" else {}
    put({**gone, of: [str(number)]})


def was_linked() -> bool:
    """Whether a request has just been put into the address; true once."""
    return bool(st.session_state.pop(_LINKED, False))


def _without(*names: str) -> dict[str, Sequence[str]]:
    return dict.fromkeys(names, ())


def _uuid(name: str) -> UUID | None:
    word = next(reversed(url.get_all(name)), "")
    try:
        return UUID(word) if word else None
    except ValueError:
        complain(f"{name}={word}")
        return None


def _number(name: str) -> int | None:
    word = st.query_params.get(name, "")
    is_one = word.isascii() and word.isdigit() and len(word) <= len("1000000000")
    if word and not is_one:
        complain(f"{name}={word}")
    return max(1, int(word)) if is_one else None
