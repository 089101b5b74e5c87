"""Notices about what is missing, refused or broken, and what to do about it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import streamlit as st

from bridgeboard.formats import unmarked, visible
from bridgeboard.model.deployment import DeploymentError
from bridgeboard.model.errors import ListError, MetricError
from bridgeboard.model.store import NoStoreError, StoreError
from bridgeboard.state import StateError

TROUBLE = (
    DeploymentError,
    ListError,
    MetricError,
    NoStoreError,
    StateError,
    StoreError,
)
"""What can go wrong with one part of a page while the others are well."""

log = logging.getLogger(__name__)


@contextmanager
def tile(what: str) -> Iterator[None]:
    """Show ``what`` (a noun: "the list of sessions"), or why it cannot be shown and a retry.

    A failure stays inside: what follows the block is shown all the same.
    """
    try:
        yield
    except TROUBLE as error:
        log.warning("%s could not be read: %r", what, str(error))
        failure(f"Could not read {what}", error)
    except Exception:
        log.exception("%s failed", what)
        problem(f"**Could not show {unmarked(what)}.** The log of Bridgeboard says why.")


@contextmanager
def surprises(place: Any) -> Iterator[None]:
    """Log whatever nobody foresaw, and say in ``place`` that it happened, without its details."""
    try:
        yield
    except Exception:
        log.exception("a page failed")
        with place:
            problem(
                "**This page failed.** The log of Bridgeboard says why. Other pages still work."
            )


def problem(words: str, details: str = "") -> None:
    """An error in Markdown, and what else is known of it, which may be somebody's text."""
    st.error(words, icon=":material/error:")
    if details:
        st.text(visible(details))


def failure(title: str, error: Exception) -> None:
    """An error with its advice, and a button that tries again."""
    problem(f"**{unmarked(title)}.**", str(error))
    st.button("Try again", key=f"retry-{title}", icon=":material/refresh:")


def state(title: str, text: str, *, icon: str, commands: str | None = None) -> None:
    """A page that has nothing to show: why, what to do, and the commands for it."""
    with st.container(border=True, key="state"):
        st.subheader(f"{icon} {unmarked(title)}", anchor=False)
        st.text(visible(text))  # not as Markdown: addresses in it are there to be copied
        if commands:
            st.code(commands, language=None)
        st.button("Look again", key="retry-state", icon=":material/refresh:")


def plain(text: str) -> str:
    """Somebody's text as a label: with acting characters made visible, and no Markdown."""
    return unmarked(visible(text))


def empty(text: str) -> None:
    """A place with no rows: why, and what to do."""
    st.info(unmarked(text), icon=":material/info:")


def remark(text: str) -> None:
    """A caution about the numbers beside it."""
    warning(unmarked(text))


def warning(words: str, icon: str = ":material/warning:") -> None:
    """A caution in Markdown."""
    st.warning(words, icon=icon)


def success(words: str, icon: str = ":material/verified:") -> None:
    """What was checked and is right, in Markdown."""
    st.success(words, icon=icon)
