"""Where in a session the reader is. The address knows all of it, so that a link shows the same.

What a widget holds follows the address, never the other way round but in its own callback.
"""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

import streamlit as st

from bridgeboard.explorer.calls import REST, Part

LAST: Final = "last_session"
WITHIN: Final = ("thread", "call", "find", "hit", "threads", "calls")
"""Parameters that name a place within a session."""
_LINKED: Final = "call_linked"


@dataclass(frozen=True)
class Place:
    """What the address names.

    Attributes:
        id, initiator: the session, and whose; None is not told.
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
    told = st.query_params
    return Place(
        id=told.get("id", ""),
        initiator=_uuid("person"),
        thread=REST if told.get("thread") == REST else _uuid("thread"),
        call=_uuid("call"),
        find=told.get("find", ""),
        hit=_number("hit"),
        threads=_number("threads"),
        calls=_number("calls"),
    )


def keep() -> None:
    """Take up the session that was left.

    Leaving by a link leaves an entry without parameters behind, which Back then leads to.
    """
    if "id" not in st.query_params:
        for name, value in st.session_state.get(LAST, {}).items():
            st.query_params[name] = value
    elif st.query_params["id"]:
        st.session_state[LAST] = st.query_params.to_dict()


def to_session(address: dict[str, str]) -> None:
    """Show another session; a page link to the same page would leave the address as it is."""
    _drop(*WITHIN)
    for name, value in address.items():
        st.query_params[name] = value


def to_thread(thread: Part) -> None:
    """Show one thread, or with None the whole session."""
    _drop("thread", "call", "hit", "calls")
    if thread is not None:
        st.query_params["thread"] = str(thread)


def show_call(interception: UUID) -> None:
    """Show a request, on whatever page of the calls it is."""
    _drop("hit", "calls")
    st.query_params["call"] = str(interception)


def to_call(interception: UUID) -> None:
    """Put a request into the address, for its link."""
    show_call(interception)
    st.session_state[_LINKED] = True


def to_hit(number: int, thread: Part) -> None:
    """Show a text with the words looked for; in its thread, if one thread is shown at a time."""
    _drop("call", "calls")
    st.query_params["hit"] = str(number)
    if "thread" in st.query_params:
        _drop("threads")
        st.query_params["thread"] = str(thread or REST)


def to_words(words: str) -> None:
    """Look for words, from the first text on."""
    _drop("find", "hit", "call", "calls")
    if words:
        st.query_params["find"] = words


def to_page(of: str, number: int) -> None:
    """Show another page of the threads or of the calls."""
    if of == "calls":
        _drop("call", "hit")
    st.query_params[of] = str(number)


def was_linked() -> bool:
    """Whether a request has just been put into the address; told once."""
    return bool(st.session_state.pop(_LINKED, False))


def _drop(*names: str) -> None:
    for name in names:
        st.query_params.pop(name, None)


def _uuid(name: str) -> UUID | None:
    try:
        return UUID(st.query_params.get(name, ""))
    except ValueError:
        return None


def _number(name: str) -> int | None:
    told = st.query_params.get(name, "")
    is_one = told.isascii() and told.isdigit() and len(told) <= len("1000000000")
    return max(1, int(told)) if is_one else None
