"""Searches the prompts of all sessions of a list, by slices of time, the latest first."""

from collections.abc import Iterator
from typing import Any, Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission
from bridgeboard.analysis import text_search
from bridgeboard.model.errors import ListError
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.text_search import Hit, Progress, Search
from bridgeboard.ui import current_user, navigation, runner, url_values
from bridgeboard.ui.components import clock, notices, recorded_text, reveal
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.views import session_list

WORDS: Final = url_values.text("search", 200)
MOST: Final = 50

_hits = element("hits", '<div class="hits">\n</div>', "follow.js", "hits.js")


def show(find: Find) -> None:
    """The field to type words in, and where they are; nothing where searching is not permitted."""
    if not (settings.current().search_text and current_user.reader().may(Permission.SEARCH)):
        return
    words = st.text_input(
        "Search in prompts",
        icon=":material/search:",
        placeholder="All of these words",
        max_chars=200,
        help="Upper and lower case are the same. Hits show what people wrote, so the audit log "
        "notes every search, with its filters and a digest of the words.",
        **WORDS.widget_arguments(),
    )
    if not words.strip():
        return
    try:
        search = Search(words)
    except ListError as error:
        notices.remark(str(error))
        return
    if not reveal.searched(find, search):
        st.caption("Hits are recorded text: turn on the switch to see them.")
        return
    _draw(_searched(find, search), words)


def _searched(find: Find, search: Search) -> Progress:
    """All slices asked one after the other, with the count beside a bar; nothing of it is kept."""
    with runner.current().snapshot() as reader:
        steps = text_search.searched(reader, find, search, most=MOST)
        progress = next(steps)
        bar = st.progress(0.0, _so_far(progress))
        for progress in steps:
            bar.progress(min(1.0, progress.searched / max(1, progress.texts)), _so_far(progress))
    bar.empty()
    return progress


def _so_far(progress: Progress) -> str:
    return (
        f"Searched {progress.searched:,} of {formats.plural(progress.texts, 'prompt')}, "
        f"{formats.plural(len(progress.hits), 'hit')}"
    )


def _draw(progress: Progress, words: str) -> None:
    if not progress.hits:
        notices.empty(
            f"No prompt in this list has {formats.unmarked(words)!r}. "
            f"{formats.plural(progress.texts, 'prompt')} searched."
        )
        return
    many = (
        f"The latest {MOST} hits; there may be more"
        if progress.is_full
        else f"{formats.plural(len(progress.hits), 'hit')}, the latest first"
    )
    st.markdown(f"{many}. {_so_far(progress).split(',')[0]}.")
    known = session_list.addresses(
        [hit.session for hit in progress.hits if hit.session is not None]
    )
    with st.container(height=420, key="hits-box"):
        _hits(
            key="hits",
            data={"hits": [_line(hit, _address(hit, known, words)) for hit in progress.hits]},
        )


def _address(hit: Hit, known: dict[int, dict[str, str]], words: str) -> str | None:
    """Where a hit is in its session; None where that is not known."""
    if hit.session is None or hit.session not in known:
        return None
    thread = {"thread": [str(hit.thread)]} if hit.thread else {}
    place = {name: [word] for name, word in known[hit.session].items()}
    return navigation.page_address("session", {**place, **thread, "find": [words]})


def _line(hit: Hit, address: str | None) -> dict[str, Any]:
    return {
        "title": formats.moment(hit.written_at, clock.zone()),
        "address": address,
        "parts": list(_parts(hit)),
    }


def _parts(hit: Hit) -> Iterator[dict[str, Any]]:
    """The snippet in parts, and whether the text goes on at its ends."""
    if hit.is_cut_before:
        yield {"text": "… ", "marked": False}
    yield from recorded_text.split(hit.snippet, hit.matches)
    if hit.is_cut_after:
        yield {"text": " …", "marked": False}
