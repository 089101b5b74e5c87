"""Which two things the page Compare shows: from the address, else the two largest.

Widgets show what the address says, and change it only in their own callbacks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

import streamlit as st

from bridgeboard import formats
from bridgeboard.analysis import session_data, session_list
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.session_detail import Head, Owner
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import Order
from bridgeboard.ui import navigation, runner, url, url_values
from bridgeboard.ui.components import value_picker

WHAT: Final = "what"
A: Final = "a"
B: Final = "b"
SESSIONS: Final = "sessions"
KINDS: Final = {
    "people": "initiator",
    "families": "family",
    "clients": "client",
    "teams": "team",
    "models": "model",
}
"""Word in the address → dimension."""
_LABELS: Final = {"families": "Models", "models": "Model ids"}
RANKED_BY: Final = "total_tokens"
LONGEST: Final = 2_000
Pair = dict[str, str]
"""What stands on side "a" and on side "b"; "" is nothing."""


@dataclass(frozen=True)
class Side:
    """A session that an id or a link names; ``owner`` is None where there is none.

    ``sharers`` is how many other people have a session of the same id, if nobody was named.
    """

    told: str
    owner: Owner | None = None
    head: Head | None = None
    sharers: int = 0


def kind() -> str:
    """What is compared: a word of ``KINDS``, or "sessions"."""
    words = (*KINDS, SESSIONS)
    named = st.query_params.get(WHAT, "").lower()
    if named and named not in words:
        url.complain(f"{WHAT}={named}")
    url_values.give(_widget(WHAT), named if named in words else words[0])
    chosen = st.segmented_control(
        "Compare",
        words,
        required=True,
        format_func=lambda word: _LABELS.get(word, word.capitalize()),
        key=_widget(WHAT),
        on_change=_take_kind,
        label_visibility="collapsed",
    )
    return str(chosen or words[0])


def values(word: str, scope: Scope) -> tuple[str, str] | None:
    """The two values of a dimension; None where there are not two to choose from."""
    name = KINDS[word]
    pair = {
        key: next(iter(value_picker.named(name, [value])), "")
        for key, value in _pair(_largest(name, scope)).items()
    }
    with st.container(horizontal=True, key="compared"):
        for key in (A, B):
            with st.container():
                _picker(key, name, pair)
    return (pair[A], pair[B]) if all(pair.values()) else None


def sessions(scope: Scope) -> tuple[Side, Side] | None:
    """The two sessions whose ids or links were given; None while one of them is missing."""
    pair = _pair(_longest(scope))
    with st.container(horizontal=True, key="compared"):
        ids = [_field(key, pair) for key in (A, B)]
    return (_side(ids[0]), _side(ids[1])) if all(ids) else None


def _widget(name: str) -> str:
    return f"compare-{name}"


def _take_kind() -> None:
    """Other things are compared now: the two that were chosen are none of them."""
    url.put({WHAT: [st.session_state[_widget(WHAT)]], A: (), B: ()})


def _take(key: str, pair: Pair, dimension: str | None) -> None:
    """Both sides get into the address, so that a link shows the same two for ever."""
    value = st.session_state[_widget(key)] or ""
    named = value if dimension is None else value_picker.choices(dimension).value(value)
    url.put({name: [value] for name, value in {**pair, key: named}.items()})


def _pair(largest: Sequence[str]) -> Pair:
    """The two that the address names; for what it does not name, the largest not named.

    An empty value is one that the reader took away: nothing is put in its place.
    """
    named = {key: next(iter(st.query_params.get_all(key)), None) for key in (A, B)}
    free = [each for each in largest if each not in named.values()]
    return {
        key: (free.pop(0) if free else "") if value is None else value[:LONGEST]
        for key, value in named.items()
    }


def _largest(name: str, scope: Scope) -> list[str]:
    answer = runner.current().measured((RANKED_BY,), name, scope.free(name), f"-{RANKED_BY}")
    return [str(value) for value in answer.column(name)[:4]]


def _picker(key: str, name: str, pair: Pair) -> None:
    chosen = [formats.visible(pair[key])] if pair[key] else []
    options = value_picker.offered(name, _widget(key), chosen)
    url_values.give(_widget(key), chosen[0] if chosen else None)
    st.selectbox(
        f"{DIMENSIONS[name].label} {key.upper()}",
        options,
        index=None,
        key=_widget(key),
        on_change=_take,
        args=(key, pair, name),
        placeholder="Choose one",
    )


def _longest(scope: Scope) -> list[str]:
    """The largest sessions of the period, as links: an id alone may be of several people."""
    shown = session_list.page(runner.current(), Find(scope), Order(RANKED_BY), limit=2)
    heads = [session_data.head(runner.current(), row.session) for row in shown.rows]
    return [
        f"session?{urlencode(navigation.session(head.id, head.initiator_id))}"
        for head in heads
        if head
    ]


def _field(key: str, pair: Pair) -> str:
    url_values.give(_widget(key), pair[key])
    text = st.text_input(
        f"Session {key.upper()}",
        key=_widget(key),
        on_change=_take,
        args=(key, pair, None),
        max_chars=LONGEST,
        placeholder="Its ID, or a link to it",
        help="The link of a session's page, or the ID at its head.",
    )
    return (text or "").strip()


def _side(value: str) -> Side:
    id_, person = _named(value)
    owners = session_data.owners(runner.current(), id_)
    mine = [one for one in owners if person in {"", str(one.initiator_id)}]
    if not mine:
        return Side(value)
    sharers = 0 if person else len(owners) - 1
    return Side(value, mine[0], session_data.head(runner.current(), mine[0].session), sharers)


def _named(value: str) -> tuple[str, str]:
    """The id and the person that a link or an id names; "" for nobody."""
    try:
        query = parse_qs(urlsplit(value).query)
    except ValueError:
        return value, ""
    if "id" not in query:
        return value, ""
    return query["id"][0], (query.get("initiator") or query.get("person") or [""])[0].lower()
