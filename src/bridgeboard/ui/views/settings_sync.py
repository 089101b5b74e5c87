"""The page Settings: whether sync, backups and prices work."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission, RefusedError
from bridgeboard.analysis import prices
from bridgeboard.analysis.runner import Runner
from bridgeboard.model import periods
from bridgeboard.model.store import NoStoreError, StoreError
from bridgeboard.model.store_status import BackupStatus, Status
from bridgeboard.runtime import process
from bridgeboard.runtime.process import Process
from bridgeboard.state import StateError
from bridgeboard.state.logins import ClosedError
from bridgeboard.state.wishes import Wish
from bridgeboard.ui import current_user, runner, url
from bridgeboard.ui.components import clock, data_quality, notices, tables

_REQUESTED: Final = "sync_asked"
"""When the sync began after which another one was asked for."""
_UNNOTED: Final = "sync_unnoted"
"""Why one that was asked for was not begun: shown once."""


def sync() -> None:
    """What the sync does, when it went well, what stands in its way, and a button to begin one."""
    st.header("Sync", anchor=False)
    busy = _seen().busy
    st.fragment(_live, run_every=data_quality.QUICK if busy else None)(busy=busy)


def _live(*, busy: bool) -> None:
    """The same in place, again and again while it moves, and the whole page when that changes."""
    current_user.reader()
    now = _seen()
    if now.busy != busy:
        st.rerun()
    _status(now)


@dataclass(frozen=True)
class _Seen:
    """The sync at one moment. Busy is one that runs, or was asked for and is about to.

    ``wish`` is what another process was asked last.
    """

    keeper: Process | None
    status: Status
    busy: bool
    wish: Wish | None = None


def _seen() -> _Seen:
    keeper = process.current()
    status = keeper.status if keeper else Status()
    wish = _wish(keeper)
    is_requested = st.session_state.get(_REQUESTED) == (status.began_at,)
    if wish is not None:
        is_requested = wish.is_open
    busy = status.state == "syncing" or is_requested
    if not busy and st.session_state.pop(_REQUESTED, None) and wish and wish.state == "expired":
        st.session_state[_UNNOTED] = "The process that syncs did not take it up in time."
    return _Seen(keeper, status, busy, wish)


def _wish(keeper: Process | None) -> Wish | None:
    try:
        return keeper.wish() if keeper else None
    except StateError:
        return None  # the status says so


def _status(now: _Seen) -> None:
    with notices.tile("the sync"):
        zone = clock.zone()
        lines = {
            "State": _state(now),
            "Last successful sync": formats.moment(_good_at(now.status), zone),
            "Next sync": formats.moment(_due_at(now), zone),
        }
        tables.facts(lines, key="sync", label="Sync")
        if now.status.problem:
            why = settings.unsecret(now.status.problem, settings.current())
            is_silent = now.status.state == "silent"
            title = "**No sync is known to run.**" if is_silent else "**The last sync failed.**"
            notices.problem(title, why)
        if current_user.reader().may(Permission.SYNC):
            _button(now)


def _state(now: _Seen) -> str:
    keeper, status = now.keeper, now.status
    if keeper is None or not keeper.sync_seconds:
        return f"off: {_why_off(keeper)}"
    if status.state == "syncing":
        begins = status.event is None or status.event.phase == "done"
        return "asking the deployment what is new" if begins else data_quality.how_far()
    if now.busy and keeper.is_remote:
        return "asked for: the process that syncs begins within seconds"
    if now.busy or status.ended_at is None:
        return "about to begin"
    return f"waiting: a sync begins {keeper.sync_seconds} s after the end of the last one"


def _why_off(keeper: Process | None) -> str:
    if keeper is None:
        return "this process keeps no store"
    if keeper.is_remote:
        return "no process syncs now"
    return (
        "sync_seconds is 0" if settings.current().configured else "no deployment and token are set"
    )


def _good_at(status: Status) -> datetime | None:
    if status.good_at:
        return status.good_at
    try:
        return runner.current().coverage().synced_at
    except (NoStoreError, StoreError):
        return None


def _due_at(now: _Seen) -> datetime | None:
    if now.busy or now.status.ended_at is None or not (now.keeper and now.keeper.sync_seconds):
        return None
    return now.status.ended_at + timedelta(seconds=now.keeper.sync_seconds)


def _button(now: _Seen) -> None:
    st.button(
        "Sync now",
        key="sync-now",
        icon=":material/sync:",
        disabled=now.busy or not _can_begin(now.keeper),
        help="Begins a sync at once. The audit log notes that you did.",
        on_click=_begin,
    )
    if problem := st.session_state.pop(_UNNOTED, ""):
        notices.remark(f"No sync was begun. {problem}")


def _can_begin(keeper: Process | None) -> bool:
    return keeper is not None and keeper.sync_seconds > 0


def _begin() -> None:
    """Wake the sync, once it is noted who did; whoever may not, or not any more, does nothing."""
    keeper = process.current()
    try:
        reader = current_user.admitted()
        if keeper is None or not (_can_begin(keeper) and reader.may(Permission.SYNC)):
            return
        current_user.note("sync", who=reader.viewer.name)
        began_at = keeper.status.began_at
        keeper.wake()
    except (ClosedError, RefusedError):  # which the run that follows tells
        return
    except StateError as error:
        st.session_state[_UNNOTED] = str(error)
        return
    st.session_state[_REQUESTED] = (began_at,)


def backups() -> None:
    """When the last good backup was made, how large it is, and why there is no later one."""
    st.header("Backups", anchor=False)
    with notices.tile("the backups"):
        chosen, keeper, zone = settings.current(), process.current(), clock.zone()
        if chosen.backup_time is None and not (keeper and keeper.is_remote):
            st.caption(
                "No backups are made of a demo company."
                if chosen.demo
                else "No backups are made: `backup_at` is `off`."
            )
            return
        status = keeper.backup_status if keeper else BackupStatus()
        last = status.good[0] if status.good else None
        lines = {
            "Last good backup": formats.moment(last.made_at if last else None, zone),
            "Size of that backup": f"{formats.compact(last.bytes)} bytes" if last else formats.DASH,
            "Good backups kept": f"{len(status.good)} of at most {chosen.backups_kept}",
            "Next backup due": formats.moment(status.next_at, zone),
            "Folder of backups": str(chosen.backups_path),
        }
        tables.facts(lines, key="backups", label="Backups")
        if status.problem:
            why = settings.unsecret(status.problem, chosen)
            notices.problem("**The last backup failed.**", why)


def priced() -> None:
    """Which prices the store has, whether the operator's own can be read, and what has none."""
    st.header("Prices", anchor=False)
    with notices.tile("the prices"):
        file, problem = _file()
        try:
            lines = _stored()
        except NoStoreError:
            lines = {"Price list": "none yet: there is no store"}
        tables.facts({**lines, "Your own prices": file}, key="prices", label="Prices")
        if problem:
            notices.problem("**The prices file cannot be used.**", problem)
        st.page_link(
            "pages/trust.py",
            label="What has no price, and why: page Trust",
            query_params=url.carried("trust"),
        )


def _stored() -> dict[str, str]:
    questions = runner.current()
    every = periods.everything()
    at = questions.setting("priced_at")
    share = questions.totals(("priced_rate",), every)["priced_rate"]
    models = questions.cached("unpriced models", partial(_unpriced, questions))
    return {
        "Price list": questions.setting("price_version") or "none yet: usage is being priced",
        "Priced at": formats.moment(datetime.fromisoformat(at) if at else None, clock.zone()),
        "Tokens with a price, all time": formats.rate(share),
        "Models without a price": formats.exact(models),
    }


def _unpriced(questions: Runner) -> int:
    every = periods.everything()
    return questions.read(
        lambda reader: prices.models_without_price(reader, every.since, every.until)
    )


def _file() -> tuple[str, str]:
    """Where the operator's prices are and whether they can be read; and why not."""
    now = settings.current()
    path = now.prices_path
    if path is None:
        return "no file: prices_file is not set", ""
    problem = prices.problem_of(path)
    if problem:
        return f"{path}: {'cannot be used' if path.exists() else 'not found'}", problem
    return f"{path}: found", ""
