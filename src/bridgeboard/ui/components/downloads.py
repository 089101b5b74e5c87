"""Download buttons: files of what is on the screen, each made when its reader asks for it.

A file is for that reader alone: nobody else can have it made, or fetch it
(``server.middleware.file_access``). It is kept until the page of its reader runs again.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from threading import current_thread
from typing import Any, Final

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import add_script_run_ctx, get_script_run_ctx

from bridgeboard import exports, formats
from bridgeboard.access import OPERATOR, Permission, RefusedError, Viewer
from bridgeboard.exports import Column, ExportError, Manifest, Sheet
from bridgeboard.model import pages
from bridgeboard.model.accuracy import Accuracy, column_accuracy, limits
from bridgeboard.model.answer import Answer
from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.errors import ListError, MetricError
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.store import NoStoreError, StoreError
from bridgeboard.server.middleware import file_access
from bridgeboard.state.audit import AuditError
from bridgeboard.state.logins import ClosedError
from bridgeboard.ui import current_user, runner
from bridgeboard.ui.components import clock, notices, tables
from bridgeboard.ui.components.elements import element
from bridgeboard.ui.components.filters import Chosen

log = logging.getLogger(__name__)

_NOTES: Final = (
    "Money is an estimate at list prices, in US dollars; an empty cell is unknown, not zero.",
    "Input, output, cache read and cache write are disjoint counts.",
)
_EXCEL: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PARQUET: Final = "application/vnd.apache.parquet"
_NUMBERS: Final = frozenset({"count", "money", "rate", "seconds"})
_DATES: Final = {"hour": "moment", "day": "date", "week": "date", "month": "date"}
_EXPLAINED: Final = (
    AuditError,
    ClosedError,
    ListError,
    ExportError,
    MetricError,
    NoStoreError,
    RefusedError,
    StoreError,
)
"""Errors whose message says to a reader what is wrong and what to do."""
_FAILURES: Final = "download_failures"

_watch = element("failed_download", "<span hidden>\n</span>", "failed.js")


@dataclass(frozen=True)
class File:
    """A file on offer.

    Attributes:
        label: what its button says.
        make: its bytes; called later, when nobody looks at the page any more.
        name: what the browser calls it.
        mime: its media type.
        key: of the button.
        what: what is in it, for the audit log.
        obstacle: why this file cannot be made, if that is known before; the button is disabled.
    """

    label: str
    make: Callable[[], bytes]
    name: str
    mime: str
    key: str
    what: str
    obstacle: str = ""


@st.fragment
def behind(sheet: Sheet, now: Chosen, *, key: str) -> None:
    """The table behind a picture and its files, made when the reader opens them.

    That runs nothing else of the page: the table has the numbers of the picture, also where a sync
    has brought more meanwhile.
    """
    fold = st.expander(
        "Table and download", key=f"fold-{key}", icon=":material/table:", on_change="rerun"
    )
    if not fold.open:
        return
    with fold, notices.tile("this table"):
        shown = sheet.rows[: tables.MOST]
        st.caption(formats.span(1, len(shown), len(sheet.rows), "row"))
        tables.show(
            [tuple(map(_cell, sheet.columns, row)) for row in shown],
            [_screen_column(one) for one in sheet.columns],
            key=f"table-{key}",
            label=f"The numbers of {sheet.name}",
            search="Search rows",
            count=len(sheet.rows),
        )
        _buttons(sheet.name, lambda: sheet, now, key=key, count=len(sheet.rows))


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


def sheet_of(answer: Answer, name: str) -> Sheet:
    """An answer whose columns are dimensions, metrics, and the limits of these."""
    records = list(answer.records())
    return Sheet(name, tuple(column(each, records) for each in answer.columns), answer.rows)


def sheet_over_time(
    rows: Sequence[tuple[Any, str, Any]], measure: str, split: str, grain: str, how: Accuracy
) -> Sheet:
    """What a chart over time shows: stretch of time, series, value."""
    series = column(split) if split in DIMENSIONS else Column("series", "Series", "text")
    columns = (column(grain), series, with_accuracy(column(measure), how))
    return Sheet(f"{measure} by {grain} and {split}", columns, tuple(rows))


def with_accuracy(one: Column, how: Accuracy) -> Column:
    """A column of numbers that says how the least exact of them stands."""
    reason = "" if how.standing == "exact" else "; ".join(how.reasons)
    return replace(one, accuracy=how.standing, reason=reason)


def column(name: str, records: Sequence[Mapping[str, Any]] = ()) -> Column:
    """A metric's or a dimension's column. Raises KeyError for other names.

    A metric's says how it stands by the records, if these have its limits.
    """
    if name in METRICS:
        one = METRICS[name]
        numbers = Column(name, one.label, one.format, one.definition)
        if not records or not set(limits((name,))) <= set(records[0]):
            return numbers
        return with_accuracy(numbers, column_accuracy(name, records))
    dimension = DIMENSIONS[name]
    kind: Any = _DATES.get(name, "text")
    return Column(name, dimension.label, kind, dimension.definition)


def _buttons(name: str, make: Callable[[], Sheet], now: Chosen, *, key: str, count: int) -> None:
    """One button a kind of file."""
    about = manifest(name, now)
    kinds: list[tuple[str, str, str, Callable[[], bytes]]] = [
        ("CSV", "csv", "text/csv", lambda: exports.csv(make())),
        ("Excel", "xlsx", _EXCEL, lambda: exports.xlsx(make(), about)),
        ("Parquet", "parquet", _PARQUET, lambda: exports.parquet(make(), about)),
        ("Manifest", "json", "application/json", lambda: exports.manifest_json(make(), about)),
    ]
    files = [
        File(
            label,
            written,
            name=exports.file_name(name, about, ending),
            mime=mime,
            key=f"{ending}-{key}",
            what=f"{name}, {about.first_day} to {about.last_day}",
            obstacle=exports.xlsx_obstacle(count) if ending == "xlsx" else "",
        )
        for label, ending, mime, written in kinds
    ]
    offer(files, key=key)


def manifest(title: str, now: Chosen) -> Manifest:
    """What the numbers on the screen are about."""
    store = runner.current()
    covered = store.coverage()
    sums = store.totals(("summed_rows",), now.scope)["summed_rows"]
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


def _cell(column: Column, value: Any) -> Any:
    if value is None or column.kind in _NUMBERS:
        return value
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    return str(value)


def _screen_column(one: Column) -> tables.Column:
    """A column of a file as the screen has it: numbers with all their digits, times in the zone."""
    kind: Any = one.kind if one.kind in _NUMBERS | {"moment"} else "text"
    how = one.accuracy_in_words if one.reason else ""
    meaning = f"{one.definition} {how[:1].upper()}{how[1:]}." if how else one.definition
    return tables.Column(one.label, kind, meaning, exact=True)


def offer(files: Sequence[File], *, key: str) -> None:
    """A row of buttons, one a file, and under them why a file that was asked for was not made.

    Streamlit's own button says only that a file failed, and the log says why. The reason is kept
    for the reader who asked, and a component of ours has the page run again to show it.
    """
    if not current_user.reader().may(Permission.EXPORT):
        st.caption("Your role may not download.")
        return
    failures: dict[str, str] = st.session_state.setdefault(_FAILURES, {})
    with st.container(horizontal=True, gap="small", key=f"files-{key}"):
        for file in files:
            _button(file, failures)
        _watch(
            key=f"failed-{key}",
            data={"title": f"Downloads of {key}"},
            on_failed_change=lambda: None,
            height=1,
        )
    for file in files:
        if reason := failures.pop(file.key, None):
            notices.problem(formats.unmarked(reason))


def _button(file: File, failures: dict[str, str]) -> None:
    """A button that makes a file and takes it away, once it is noted who takes what.

    The file is made as the reader sees things now. It raises AuditError instead when the download
    cannot be noted, and RefusedError for anybody else.
    """
    reader, whose, context = current_user.reader(), current_user.viewer(), get_script_run_ctx()

    def data() -> bytes:
        _refuse_others(whose, file.what)
        failures.pop(file.key, None)
        try:
            with current_user.acting(reader):
                current_user.note("export", file.what)
                content = file.make()
        except Exception as error:
            failures[file.key] = f"{file.label}: {_reason(error)}"
            raise
        if address := _hold(content, file.mime, file.name, file.key, context):
            file_access.made_for(address, whose)
        return content

    st.download_button(
        file.label,
        data=data,
        file_name=file.name,
        mime=file.mime,
        key=file.key,
        on_click="ignore",
        disabled=bool(file.obstacle),
        help=file.obstacle or None,
    )


def _reason(error: Exception) -> str:
    """Why a file was not made, in words for who asked; the log has everything."""
    if isinstance(error, _EXPLAINED):
        return formats.visible(str(error))
    if isinstance(error, MemoryError):
        return "There is not enough memory for this file. Choose a shorter period or a filter."
    if isinstance(error, OSError):
        return f"The file could not be written: {error.strerror or 'an unknown problem'}."
    return "The file could not be made. The log of Bridgeboard says why."


def _refuse_others(whose: Viewer, what: str) -> None:
    """Raise RefusedError unless it is its reader who asks for a file, and note who does instead.

    The id of a button is all that Streamlit asks for, and it makes the file whose-ever it is.
    """
    asking = file_access.asking()
    if whose is OPERATOR or whose == asking:
        return
    try:
        current_user.note("refused file", what, who=asking.name if asking else "somebody unnamed")
    except AuditError as error:
        log.warning("a refusal could not be noted: %s", error)
    raise RefusedError("This file was offered to somebody else.")


def _hold(data: bytes, mime: str, name: str, key: str, context: Any) -> str | None:
    """Let a file belong to the session that asked for it; where it is, if anything serves it.

    By itself it belongs to none, and the end of the second run of anybody's page deletes it: among
    many readers that is sooner than it is fetched. Streamlit knows a file by what is in it, so
    that this is the one it is about to hand out.
    """
    if context is None or not runtime.exists():
        return None
    with _as(context):
        return runtime.get_instance().media_file_mgr.add(
            data, mime, f"made-{key}", file_name=name, is_for_static_download=True
        )


@contextmanager
def _as(context: Any) -> Iterator[None]:
    """As a part of that run of a page; the thread is one of a pool."""
    before = get_script_run_ctx(suppress_warning=True)
    add_script_run_ctx(current_thread(), context)
    try:
        yield
    finally:
        add_script_run_ctx(current_thread(), before)
