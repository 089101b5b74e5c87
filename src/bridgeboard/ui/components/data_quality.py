"""The strip at the top of each page about how complete and exact its numbers are."""

from datetime import timedelta
from typing import Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.access import Permission
from bridgeboard.analysis.coverage import Coverage
from bridgeboard.model import pages
from bridgeboard.model.scope import Scope
from bridgeboard.runtime import process
from bridgeboard.ui import current_user, runner, url
from bridgeboard.ui.components import clock, notices

QUICK: Final = timedelta(seconds=2)
_SEEN: Final = "version_seen"
_PHASES: Final = {
    "prices": "pricing anew",
    "interceptions": "reading requests",
    "sessions": "reading sessions",
    "details": "reading session details",
    "done": "done",
}
_GOES_ON: Final = (
    "Syncing is off here: set `sync_seconds` above 0, or stop this dashboard and run "
    "`bridgeboard sync`, which goes on where it was stopped."
)
_IS_MIRRORED: Final = (
    "This dashboard reads from ClickHouse: the process that syncs reads the rest and mirrors it. "
    "They are shown as they come."
)
_IS_READ: Final = (
    "This dashboard is a replica: the process that syncs reads the rest, and newer copies of the "
    "store will have it. They are shown as they come."
)


def show(scope: Scope) -> None:
    """When the numbers were synced, what they cover, and how much of them has a price."""
    st.session_state[_SEEN] = runner.current().version
    covered = runner.current().coverage()
    if covered.is_whole and not _begins(covered):
        _facts(scope)
        if _is_empty(covered):
            notices.empty(FIRST_STEPS)
    elif syncs() or settings.current().reads_only:
        _live(scope)
    else:
        notices.warning(f"**Partial numbers.** {pages.PARTIAL} {_GOES_ON}")
        _facts(scope)


def _begins(covered: Coverage) -> bool:
    """Whether the first sync waits for its first answer: the store knows of no sync by then."""
    keeper = process.current()
    return covered.synced_at is None and keeper is not None and keeper.status.state == "syncing"


def syncs() -> bool:
    """Whether a sync runs beside this dashboard, or will begin by itself."""
    keeper = process.current()
    return keeper is not None and keeper.status.state not in {"off", "silent"}


NOTHING: Final = "Nothing is recorded yet."
FIRST_STEPS: Final = (
    f"{NOTHING} Requests appear here once people use AI through the AI Bridge of the deployment, "
    "and a sync has read them. If people use AI already, check two things: that the address of the "
    "deployment, url on the page Settings, is the right one, and that their clients send requests "
    "to its AI Bridge and not to the provider itself."
)
"""What to do where nothing is recorded, said once on each page."""


def why_empty(otherwise: str, none: str = "Nothing") -> str:
    """Why there is nothing to see: it is still being read, there is nothing at all, or otherwise.

    ``none`` is what there is none of: "No session".
    """
    covered = runner.current().coverage()
    if (not covered.is_whole and syncs()) or _begins(covered):
        return f"{none} of this period has been read yet: the first sync is still running."
    return NOTHING if covered.is_whole and _is_empty(covered) else otherwise


def _is_empty(covered: Coverage) -> bool:
    """Whether neither requests nor sessions are known."""
    return covered.first_at is None and not covered.knows_no_request


def progress() -> None:
    """How far the first sync is, for a page that has nothing to show yet."""
    _wait()


@st.fragment(run_every=QUICK)
def _live(scope: Scope) -> None:
    """The same while the first sync runs: numbers on the page move with it."""
    if runner.current().version != st.session_state.get(_SEEN):
        st.rerun()
    words = (
        "**Partial numbers: the first sync is still running.** It reads the newest days first. "
        f"{formats.unmarked(how_far())}"
    )
    if settings.current().reads_only:
        comes = _IS_MIRRORED if settings.current().store else _IS_READ
        words = f"**Partial numbers.** {pages.PARTIAL} {comes}"
    notices.warning(words, icon=":material/hourglass_top:")
    _facts(scope)


@st.fragment(run_every=QUICK)
def _wait() -> None:
    keeper = process.current()
    if keeper is not None and keeper.store is not None:
        st.rerun()
    st.caption(formats.unmarked(how_far()))


def how_far() -> str:
    """What the running sync does, and how much of it is done."""
    keeper = process.current()
    status = keeper.status if keeper else None
    if status is None or status.event is None:
        return "Waiting for the deployment's first answer …"
    event = status.event
    words = f"Now {_PHASES.get(event.phase, event.phase)}: {formats.exact(event.done)}"
    if event.total:
        words += f" of {formats.exact(event.total)}"
    if event.windows_total:
        words += f", {event.windows_done} of {event.windows_total} days"
    if event.left:
        words += f", about {formats.duration(event.left)} to go"
    return words + "."


def _facts(scope: Scope) -> None:
    facts = [_synced(), _copied(), _window(), *_shares(scope), _left_out(), _server()]
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="trust"):
        if settings.current().demo:
            _demo()
        st.caption(" · ".join(filter(None, facts)), width="content")
        st.page_link(
            "pages/trust.py",
            label="Trust",
            icon=":material/verified:",
            query_params=url.carried("trust"),
        )
    for problem in filter(None, (trouble(), _copy_trouble())):
        st.caption(f":material/warning: {formats.unmarked(problem)}")


def is_silent() -> bool:
    """Whether nothing is heard of the process that is to sync; its last sync went as it went."""
    keeper = process.current()
    return keeper is not None and keeper.status.state == "silent"


def trouble() -> str:
    """How the last sync failed, or that nobody syncs; empty when neither is so.

    What went wrong may name a session or quote the deployment: not all may know that.
    """
    keeper = process.current()
    if keeper is None or not keeper.status.problem:
        return ""
    reader = current_user.reader()
    if reader.row_access.is_of_everybody or reader.may(Permission.SYNC):
        problem = settings.unsecret(keeper.status.problem, settings.current())
        return problem if is_silent() else f"The last sync failed: {problem}"
    return runner.UNSYNCED if is_silent() else runner.UNTOLD


def _copy_trouble() -> str:
    """Why a replica has no newer copy; empty where all is well. It may name folders."""
    keeper = process.current()
    if keeper is None or not keeper.is_remote or not keeper.copy_status.problem:
        return ""
    if current_user.reader().may(Permission.SYNC):
        return settings.unsecret(keeper.copy_status.problem, settings.current())
    return f"These numbers may be old. {runner.UNSEEN}"


def _copied() -> str:
    """That this dashboard only reads, and how old what it shows is."""
    keeper = process.current()
    if keeper is None or not keeper.is_remote or keeper.copy_status.made_at is None:
        return ""
    age = formats.ago(clock.now() - keeper.copy_status.made_at)
    return (
        f"ClickHouse, mirrored {age}" if settings.current().store else f"replica, copy made {age}"
    )


def _demo() -> None:
    st.badge("Demo company, invented data", icon=":material/science:", color="orange")


def _synced() -> str:
    keeper = process.current()
    good_at = keeper.status.good_at if keeper else None
    at = good_at or runner.current().coverage().synced_at
    if at is None:
        return "not synced yet"
    if settings.current().stands_at:
        local = at.astimezone(clock.zone())
        return f"synced at {formats.clock_time(at, clock.zone())} {formats.offset(local)}"
    return f"synced {formats.ago(clock.now() - at)}"


def _window() -> str:
    covered = runner.current().coverage()
    if covered.first_at is None or covered.last_at is None:
        return "nothing recorded yet"
    first, last = (at.astimezone(clock.zone()).date() for at in (covered.first_at, covered.last_at))
    return f"covers {formats.days(first, last)}"


def _shares(scope: Scope) -> list[str]:
    words = {
        "detail_coverage": "details of {} of sessions",
        "priced_rate": "{} of tokens priced",
    }
    shares = runner.current().totals(tuple(words), scope)
    return [
        sentence.format(formats.rate(shares[name]))
        for name, sentence in words.items()
        if shares[name] is not None
    ]


def _left_out() -> str:
    """How many records are in no number, as they could not be read or believed."""
    count = runner.current().coverage().quarantined
    return f"{formats.plural(count, 'record')} in quarantine" if count else ""


def _server() -> str:
    version = runner.current().setting("server_version")
    return f"AI Bridge {formats.unmarked(version.partition('+')[0])}" if version else ""
