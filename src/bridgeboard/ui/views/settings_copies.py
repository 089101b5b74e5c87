"""The page Settings: copies of the store that are published, or what a mere reader shows."""

from typing import Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission
from bridgeboard.model.store_status import CopyStatus
from bridgeboard.runtime import process
from bridgeboard.settings import Settings
from bridgeboard.ui import current_user
from bridgeboard.ui.components import clock, notices, tables

_PUBLISHED: Final = ("Published copies", "the published copies", "**No newer copy is published.**")
_MIRRORED: Final = ("ClickHouse", "the mirror", "**ClickHouse cannot be read.**")
_READ: Final = ("Replica", "the copy", "**There is no newer copy to be seen.**")


def show() -> None:
    """When the newest copy was made and what stands in the way; nothing where there are none."""
    chosen, keeper = settings.current(), process.current()
    if not chosen.reads_only and chosen.publish_path is None:
        return
    title, tile, failed = _READ if chosen.reads_only else _PUBLISHED
    if chosen.store:
        title, tile, failed = _MIRRORED
    st.header(title, anchor=False)
    with notices.tile(tile):
        status = keeper.copy_status if keeper else CopyStatus()
        tables.facts(_lines(chosen, status), key="copies", label=title)
        if chosen.reads_only:
            st.caption(
                "This dashboard only reads. The process that syncs makes backups and sends alerts, "
                "and is asked for syncs and details of sessions if both have one state database."
            )
        if status.problem and current_user.reader().may(Permission.SYNC):
            notices.problem(failed, settings.unsecret(status.problem, chosen))


def _lines(chosen: Settings, status: CopyStatus) -> dict[str, str]:
    zone = clock.zone()
    if chosen.store:
        return {
            "Last change mirrored": formats.moment(status.made_at, zone),
            "Last answer": formats.moment(status.seen_at, zone),
            "Server": chosen.store,
        }
    lines = {
        "Copy made": formats.moment(status.made_at, zone),
        "Known to be current at": formats.moment(status.current_at, zone),
        "Folder of copies": str(chosen.replica_path or chosen.publish_path),
    }
    if status.bytes is not None:
        lines["Size of the copy"] = f"{formats.compact(status.bytes)} bytes"
    return lines
