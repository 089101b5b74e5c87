"""Keeps the groups that a login or the proxy tells of a reader, where teams are made of them."""

import logging
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic
from typing import Final

import streamlit as st

from bridgeboard import settings
from bridgeboard.runtime import state_files
from bridgeboard.state import StateError
from bridgeboard.state.logins import ClosedError
from bridgeboard.ui import current_user
from bridgeboard.ui.current_user import Reader

AGAIN_SECONDS: Final = 60.0
"""How long a page that could not keep them does not try again: its reader would wait."""
_NOTED: Final = "noted_groups"
_TRY_AT: Final = "note_groups_at"

log = logging.getLogger(__name__)


def note(reader: Reader) -> None:
    """Keep the groups of somebody who came in, once in a browser session.

    What cannot be kept is logged, and tried again later.
    """
    now = settings.current()
    if not state_files.keeps_login_groups(now):
        return
    with suppress(ClosedError):  # then whoever asks next who the reader is leads them out
        who = current_user.identity()
        told = (who.username, who.groups)
        state = st.session_state
        if not who.username or state.get(_NOTED) == told or monotonic() < state.get(_TRY_AT, 0):
            return
        # A login tells what was so when it began, and may be older than another one's.
        at = reader.login.began_at if reader.login else datetime.now(UTC)
        try:
            state_files.login_groups(now).note(who.username, who.groups, at)
        except StateError as error:
            log.warning("The groups of somebody who came in could not be kept. %s", error)
            state[_TRY_AT] = monotonic() + AGAIN_SECONDS
        else:
            state[_NOTED] = told
