"""A store file with the rows of ``facts``, and the dashboard of this process looking at it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import stores_of_the_run
import streamlit as st
from facts import facts

from bridgeboard import settings
from bridgeboard.runtime import process
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.settings import DemoSettings
from bridgeboard.store import Store

TABLES = ("initiators", "memberships", "families", "usage", "tool_calls", "sessions")


def filled(path: Path) -> Store:
    """An open store with all that ``facts`` knows."""
    return Store.open(stores_of_the_run.copy("facts", _fill, path), threads=1)


def _fill(store: Store) -> None:
    with store.write() as batch:
        for table in TABLES:
            given = facts().connection.sql(f"FROM {table}").to_arrow_table()
            with batch.registered(given=given):
                batch.execute(f"INSERT INTO {table} BY NAME SELECT * FROM given")


@contextmanager
def looking(store: Store, now: datetime) -> Iterator[None]:
    """Let the dashboard of this process read a store, at a time that stands still."""
    plain = settings.Settings.model_construct(timeout_seconds=1.0)
    token = "abcdefghij-0123456789012345678901"
    pointed = DemoSettings.of(plain, "http://127.0.0.1:9", token, now)
    st.cache_resource.clear()
    settings.install(pointed)
    watch = BackgroundSync(pointed, clock=lambda: now, opened=store)
    process.install(watch)
    try:
        yield
    finally:
        watch.deployment.close()
        process.install(None)
        settings._installed = None
        st.cache_resource.clear()
