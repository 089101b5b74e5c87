"""Download buttons: files of what is on the screen, made on request."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from bridgeboard import exports, formats
from bridgeboard.exports import Manifest, Sheet
from bridgeboard.model import pages
from bridgeboard.ui import runner
from bridgeboard.ui.components import clock, data_table, prepared_files
from bridgeboard.ui.components.filters import Chosen

SHOWN: Final = 1_000
_NOTES: Final = (
    "Money is an estimate at list prices, in US dollars; an empty cell is unknown, not zero.",
    "Input, output, cache read and cache write are disjoint counts.",
)


def behind(sheet: Sheet, now: Chosen, *, key: str) -> None:
    """The table behind a picture and its files, made when the reader opens them."""
    fold = st.expander(
        "Table and download", key=f"fold-{key}", icon=":material/table:", on_change="rerun"
    )
    if not fold.open:
        return
    with fold:
        shown = sheet.rows[:SHOWN]
        st.caption(formats.span(1, len(shown), len(sheet.rows), "row"))
        data_table.show(
            [tuple(map(_cell, sheet.columns, row)) for row in shown],
            [_column(one) for one in sheet.columns],
            key=f"table-{key}",
            alt=f"The numbers of {sheet.name}",
        )
        buttons(sheet, now, key=key)


def menu(sheet: Sheet, now: Chosen, *, key: str) -> None:
    """The files of a table that is on the screen already."""
    later(sheet.name, lambda: sheet, now, key=key, count=len(sheet.rows))


def later(
    name: str, make: Callable[[], Sheet], now: Chosen, *, key: str, count: int, words: str = ""
) -> None:
    """The files of a table of ``count`` rows that is made only when one of them is asked for."""
    rows = formats.plural(count, "row")
    words = words or f"{rows}, with all digits and a note of what they are about."
    with st.popover("Download", icon=":material/download:", type="tertiary", key=f"menu-{key}"):
        st.caption(words)
        _buttons(name, make, now, key=key, count=count)


def buttons(sheet: Sheet, now: Chosen, *, key: str) -> None:
    """One button a kind of file."""
    _buttons(sheet.name, lambda: sheet, now, key=key, count=len(sheet.rows))


def _buttons(name: str, make: Callable[[], Sheet], now: Chosen, *, key: str, count: int) -> None:
    about = manifest(name, now)
    offered = [
        prepared_files.File(
            label,
            written,
            name=exports.file_name(name, about, ending),
            mime=kind,
            key=f"{ending}-{key}",
            what=f"{name}, {about.first_day} to {about.last_day}",
            obstacle=exports.xlsx_obstacle(count) if ending == "xlsx" else "",
        )
        for label, ending, kind, written in _files(make, about)
    ]
    prepared_files.buttons(offered, key=key)


def manifest(title: str, now: Chosen) -> Manifest:
    """What the numbers on the screen are about."""
    store = runner.current()
    covered = runner.current().coverage()
    sums = runner.current().totals(("summed_rows",), now.scope)["summed_rows"]
    return Manifest(
        title=title,
        since=now.scope.since,
        until=now.scope.until,
        zone=now.scope.zone,
        data_version=str(store.version),
        made_at=clock.now(),
        synced_at=covered.synced_at,
        price_version=store.setting("price_version") or None,
        include=dict(now.scope.include),
        exclude=dict(now.scope.exclude),
        notes=(
            *_NOTES,
            *(() if covered.is_whole else (pages.PARTIAL,)),
            *((pages.SUMS,) if sums else ()),
        ),
    )


def _files(
    make: Callable[[], Sheet], about: Manifest
) -> list[tuple[str, str, str, Callable[[], bytes]]]:
    return [
        ("CSV", "csv", "text/csv", lambda: exports.csv(make())),
        ("Excel", "xlsx", _EXCEL, lambda: exports.xlsx(make(), about)),
        ("Parquet", "parquet", _PARQUET, lambda: exports.parquet(make(), about)),
        ("Manifest", "json", "application/json", lambda: exports.manifest_json(make(), about)),
    ]


_EXCEL: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PARQUET: Final = "application/vnd.apache.parquet"


def _cell(column: exports.Column, value: Any) -> Any:
    if value is None or column.kind in _NUMBERS:
        return value
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return str(value)


def _column(one: exports.Column) -> data_table.Column:
    """A column of a file as the screen has it: numbers with all their digits, times in the zone."""
    kind: Any = one.kind if one.kind in _NUMBERS | {"moment"} else "text"
    how = one.accuracy_in_words if one.reason else ""
    meaning = f"{one.definition} {how[:1].upper()}{how[1:]}." if how else one.definition
    return data_table.Column(one.name, one.label, kind, meaning, exact=True)


_NUMBERS: Final = frozenset({"count", "money", "rate", "seconds"})
