"""The page Trust: checks, coverage, unpriced usage, quarantine, sync history."""

from collections.abc import Sequence
from typing import Any, Final

import streamlit as st

from bridgeboard import formats, settings
from bridgeboard.analysis import capabilities, coverage, invariants, prices, sync_history
from bridgeboard.model import pages
from bridgeboard.model.deployment import Capabilities, DeploymentError
from bridgeboard.model.metric import TOKENS
from bridgeboard.settings import SettingsError
from bridgeboard.ui import current_user, live_data, runner
from bridgeboard.ui.components import (
    clock,
    data_quality,
    notices,
    tables,
)
from bridgeboard.ui.components.filters import Chosen
from bridgeboard.ui.components.tables import Column

RUNS: Final = 20
SHOWN: Final = 50


def checked(now: Chosen) -> None:
    """Every invariant with its two numbers, computed now from what is stored."""
    st.header("Do the numbers agree?", anchor=False)
    with notices.tile("the checks"):
        if current_user.reader().row_access.floor is not None:
            st.caption(
                "The checks compare sums of single requests. You see groups of people only, so "
                "they are run for those who may see everything."
            )
            return
        results = runner.current().cached(
            ("checks", now.scope),
            lambda: runner.current().read(lambda reader: invariants.check(reader, now.scope)),
        )
        broken = [one for one in results if not one.holds]
        if broken:
            notices.problem(
                f"**{len(broken)} of {len(results)} checks failed.** Please report this with the "
                "rows below: it is a fault of Bridgeboard, or a damaged store."
            )
        else:
            notices.success(f"**All {len(results)} checks passed**: {formats.unmarked(now.words)}.")
        if runner.current().totals(("summed_rows",), now.scope)["summed_rows"]:
            notices.remark(pages.SUMS)
        shown = sorted(results, key=lambda one: one.holds)
        tables.show(
            [
                (
                    "Yes" if one.holds else "No",
                    one.what,
                    one.left_is,
                    formats.exact_number(one.left, one.kind),
                    one.right_is,
                    formats.exact_number(one.right, one.kind),
                )
                for one in shown
            ],
            _CHECKS,
            key="invariants",
            label="Checks of the numbers, each with its two numbers",
        )


_CHECKS: Final = (
    Column("Agrees"),
    Column("Number"),
    Column("First source"),
    Column("First value", "words"),
    Column("Second source"),
    Column("Second value", "words"),
)


def covered(now: Chosen) -> None:
    """What the store covers of this period and of all times."""
    st.header("What is covered?", anchor=False)
    with notices.tile("the coverage"):
        covers = runner.current().coverage()
        zone = clock.zone()
        shares = runner.current().totals(
            ("detail_coverage", "priced_rate", "exact_rate"), now.scope
        )
        lines = {
            "First request": formats.moment(covers.first_at, zone),
            "Last request": formats.moment(covers.last_at, zone),
            "Last successful sync": formats.moment(covers.synced_at, zone),
            "Usage records": formats.exact(covers.rows),
            "Sessions with details": f"{covers.detailed:,} of {covers.sessions:,}",
            "Sessions of this period with details": formats.rate(shares["detail_coverage"]),
            "Tokens of this period with a price": formats.rate(shares["priced_rate"]),
            "Tokens of this period known per request": formats.rate(shares["exact_rate"]),
            "Price list": runner.current().setting("price_version") or formats.DASH,
            "Records in quarantine": formats.exact(covers.quarantined),
        }
        tables.facts(lines, key="coverage", label="What is covered")


def history() -> None:
    """The last syncs, and what was odd about them."""
    st.header("Syncs", anchor=False)
    with notices.tile("the syncs"):
        if problem := data_quality.trouble():
            notices.remark(problem)
        runs = runner.current().read(lambda reader: sync_history.runs(reader, RUNS))
        if runs:
            tables.show(list(map(_run, runs)), _RUNS, key="runs", label="The last syncs")
        else:
            st.caption("No sync has been made yet.")
        _odd()


_RUNS: Final = (
    Column("Began", "moment"),
    Column("Took", "seconds"),
    Column("Ended"),
    *(
        Column(name, "count", exact=True)
        for name in ("Read", "Changed", "Sessions", "Details", "Quarantined", "Requests")
    ),
    Column("Message"),
)


def _run(run: sync_history.Run) -> tuple[object, ...]:
    counts = run.counts
    return (
        run.began_at,
        (run.ended_at - run.began_at).total_seconds() if run.ended_at else None,
        run.outcome,
        counts.read_rows,
        counts.changed_rows,
        counts.sessions,
        counts.details,
        counts.quarantined,
        counts.requests,
        run.message,
    )


def _odd() -> None:
    odd = runner.current().read(lambda reader: sync_history.anomalies(reader, SHOWN))
    if odd:
        st.subheader("Irregularities", anchor=False)
        tables.show(
            [(one.seen_at, one.kind, one.message) for one in odd],
            (Column("Seen", "moment"), Column("Kind"), Column("Message")),
            key="anomalies",
            label="Irregularities in syncs",
        )


def quarantine() -> None:
    """What could not be read: why, since when, how often tried. The records stay in the store."""
    st.header("Quarantine", anchor=False)
    with notices.tile("the quarantine"):
        rows = runner.current().read(lambda reader: sync_history.quarantined(reader, SHOWN))
        if not rows:
            st.caption("Every record could be read.")
            return
        tables.show(
            [(one.kind, one.identity, one.reason, one.seen_at, one.tries) for one in rows],
            _QUARANTINED,
            key="quarantine",
            label="Records that could not be read",
        )
        st.markdown(
            f"{formats.span(1, len(rows), runner.current().coverage().quarantined, 'record')}. "
            "An update of Bridgeboard may read them: run `bridgeboard sync --requeue` then."
        )


_QUARANTINED: Final = (
    Column("Kind"),
    Column("Record"),
    Column("Why"),
    Column("Seen", "moment"),
    Column("Tries", "count", exact=True),
)


def unpriced(now: Chosen) -> None:
    """Usage without a price, between which bounds it lies, and what to put into prices.toml."""
    st.header("Usage without a price", anchor=False)
    with notices.tile("the usage without a price"):
        questions, window = runner.current(), (now.scope.since, now.scope.until)
        rows = questions.cached(
            ("unpriced", *window),
            lambda: questions.read(lambda reader: prices.estimated(reader, *window)),
        )
        if not rows:
            st.caption("No usage of this period is without a price. Filters do not apply here.")
            return
        tables.show(
            [
                (
                    _named(row["provider_name"]),
                    _named(row["model"]),
                    int(row["requests"]),
                    sum(int(row[kind]) for kind in TOKENS),
                    _bound(row["least"]),
                    _bound(row["most"]),
                    str(row["note"] or ""),
                )
                for row in rows
            ],
            _UNPRICED,
            key="unpriced",
            label="Usage without a price",
            search="Search models",
        )
        _proposal([str(row["snippet"]) for row in rows if row["snippet"]])


def _proposal(snippets: Sequence[str]) -> None:
    """What the operator may put into the prices file, for who sees all that it would change."""
    lower = "This usage is not in the spend, which is therefore a lower bound (≥)."
    if not snippets or not current_user.reader().row_access.is_of_everybody:
        st.markdown(lower)
        return
    st.markdown(
        f"{lower} Fill in the numbers, add this to your prices file and run `bridgeboard reprice`. "
        "The lines change no other price:"
    )
    st.code("\n".join(snippets[:SHOWN]), language=None)


_UNPRICED: Final = (
    Column("Instance"),
    Column("Model id"),
    Column("Requests", "count", exact=True),
    Column("Tokens", "count", exact=True),
    Column("At least", "money"),
    Column("At most", "money"),
    Column("Why"),
)


def _named(value: object) -> str:
    return formats.visible(value) if isinstance(value, str) and value else "Unknown"


def _bound(value: Any) -> int | None:
    return None if value is None else int(value)


def server() -> None:
    """What can be known of this deployment, by its version and by the rows that the store has."""
    st.header("What does this deployment report?", anchor=False)
    with notices.tile("what the deployment reports"):
        known = runner.current().cached("known", _known)
        version = formats.unmarked(capabilities.short(known.version))
        st.caption(
            f"AI Bridge {version}, as of the last sync, and the records stored here."
            if version
            else "No sync has run yet."
        )
        lines = capabilities.capability_lines(known)
        tables.show(
            [(one.what, one.here.capitalize(), one.so_what) for one in lines],
            [Column("Information"), Column("Available"), Column("What follows")],
            key="known",
            label="What this deployment reports, and what follows",
            is_sortable=False,
        )
    _token()


def _known() -> capabilities.Known:
    questions, now = runner.current(), settings.current()
    last = questions.read(lambda reader: sync_history.runs(reader, 1))
    return capabilities.Known(
        reach=questions.read(coverage.field_coverage),
        version=questions.setting("server_version") or "",
        generation=last[0].generation if last else "",
        text=questions.setting("text") or now.text,
        text_days=now.text_days,
        rows_days=now.rows_days,
        first_at=questions.coverage().first_at,
    )


def _token() -> None:
    """What the deployment lets this token do, asked now; the rest of the page needs no answer."""
    try:
        able = live_data.capabilities()
    except (DeploymentError, SettingsError) as error:
        st.caption(
            f"Asking the deployment just now failed: {formats.unmarked(str(error))} What is said "
            "above is known from the last sync and needs no answer."
        )
        return
    version = formats.unmarked(capabilities.short(able.version))
    reads = "may read everybody's sessions" if able.can_read else "may not read what others do"
    names = "may" if able.can_filter_provider_name else "may not"
    st.caption(
        f"Asked now: the deployment is {version}. The token{_whose(able)} {reads} and {names} ask "
        "for one provider instance only."
    )


def _whose(able: Capabilities) -> str:
    """Whose token it is, for readers who may see everybody's name."""
    row_access = current_user.reader().row_access
    if not row_access.is_of_everybody or row_access.pseudonyms:
        return ""
    who = f"{able.username} ({', '.join(sorted(able.roles)) or 'member'})"
    return f" is that of {formats.unmarked(who)}, who"
