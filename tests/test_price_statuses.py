"""Usage that is not billed, or has no known price, is called so wherever an amount would stand."""

from pathlib import Path

import pytest
from dashboard_store import filled
from facts import facts
from listed_sessions import EVERYTHING

from bridgeboard import exports, formats
from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.runner import Snapshot, answer
from bridgeboard.model.accuracy import EXACT, Accuracy, accuracy, column_accuracy, of_usage
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import Status
from bridgeboard.queries import session_calls, session_detail
from bridgeboard.queries.session_calls import Call
from bridgeboard.queries.session_columns import COLUMNS
from bridgeboard.queries.session_detail import Head, Thread
from bridgeboard.queries.session_filters import Find
from bridgeboard.queries.session_list import LARGEST, listing, page
from bridgeboard.queries.typed_rows import typed
from bridgeboard.store import Store
from bridgeboard.ui.components import downloads, tables
from bridgeboard.ui.components.tables import Inexact, Words

DOLLAR = 10**12
NOT_BILLED = ("included", "notional", "free")


@pytest.mark.parametrize("status", [*Status, "unmetered"])
def test_the_cost_of_a_single_usage_is_called_what_its_price_is(status: str) -> None:
    cost = None if status == "unpriced" else 0 if status in NOT_BILLED else DOLLAR
    row = {
        "spend": cost,
        "unpriced_tokens": 7 * (cost is None),
        **of_usage(cost, 7 * (cost is not None), status),
    }
    shown = formats.number(cost, "money", accuracy("spend", row).standing)
    assert shown == (status if cost != DOLLAR else "$1.00")
    assert set(formats.STATUSES) <= {*Status, "not billed"}


def test_an_amount_of_which_a_part_is_not_billed_says_so_to_who_points_at_it() -> None:
    row = {"spend": 5 * DOLLAR, "unbilled_tokens": 7}
    how = accuracy("spend", row)
    note = "7 tokens are not billed: they are included, notional or free"
    assert how.is_exact
    assert tables.number(5 * DOLLAR, "money", how) == Words("$5.00", f"exactly $5.00; {note}")
    cell = Inexact.of(5 * DOLLAR, how)
    assert tables._cell(tables.Column("Spend", "money"), cell) == ["$5.00", f"$5.00; {note}"]
    assert column_accuracy("spend", [row]) == EXACT


def test_a_lower_bound_keeps_its_mark_and_nothing_known_of_it_is_unpriced() -> None:
    limits = {"unpriced_tokens": 7, "unbilled_tokens": 7, "status": "notional"}
    assert accuracy("spend", {"spend": 5, **limits}).standing == "at_least"
    for nothing in (0, None):
        how = accuracy("spend", {"spend": nothing, **limits})
        assert (how.standing, how.is_bound) == ("unpriced", True)
        cell = Inexact.of(nothing, how)
        assert tables._cell(tables.Column("Spend", "money"), cell) == "unpriced"
        assert tables._key(tables.Column("Spend", "money"), cell) is None


def test_what_is_not_billed_is_sorted_as_nothing_and_kept_as_a_number() -> None:
    cell = Inexact.of(0, Accuracy("notional", ("because",)))
    assert tables._key(tables.Column("Spend", "money"), cell) == 0
    assert tables._cell(tables.Column("Spend", "money"), cell) == "notional"


@pytest.mark.parametrize("by", ["model", "initiator", "client", "status"])
def test_rows_of_a_table_that_cost_nothing_have_the_status_of_their_usage(
    by: str, tmp_path: Path
) -> None:
    times = [row["started_at"] for row in facts().usage]
    scope = Scope(min(times), max(times))
    with filled(tmp_path / "facts.duckdb") as store:
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET cost = 0, status = CASE usage % 3 WHEN 0 THEN 'included'"
                " WHEN 1 THEN 'notional' ELSE 'free' END, client = 'c' || usage % 4,"
                " priced_tokens = input + output + cache_read + cache_write"
            )
            batch.execute("UPDATE usage SET status = 'free' WHERE client = 'c1'")
        with store.snapshot() as reader:
            _check_statuses(Snapshot(reader), by, scope)


def test_a_session_that_costs_nothing_has_the_status_of_all_of_its_usage(tmp_path: Path) -> None:
    keys = {row["session"] for row in facts().usage if row["session"] is not None}
    session = max(keys, key=lambda key: sum(row["session"] == key for row in facts().usage))
    with filled(tmp_path / "facts.duckdb") as store:
        for status in ("notional", "free"):
            with store.write() as batch:
                batch.execute(
                    "UPDATE usage SET cost = 0, status = CASE WHEN status = 'unmetered' THEN status"
                    f" ELSE '{status}' END, priced_tokens = input + output + cache_read"
                    " + cache_write"
                )
            assert _standings(store, session) == {status}
        with store.write() as batch:
            batch.execute(
                "UPDATE usage SET status = 'included' WHERE usage ="
                " (SELECT max(usage) FROM usage WHERE session = $1)",
                [session],
            )
        (head,) = typed(Head, store.rows(*session_detail.head(session)))
        assert accuracy("spend", head.by_metric).standing == "not billed"
        assert _listed(store, session) == {"not billed"}


def _standings(store: Store, session: int) -> set[str]:
    """What the spend of a session, its threads and its calls is called, wherever they used some."""
    (head,) = typed(Head, store.rows(*session_detail.head(session)))
    threads = typed(Thread, store.rows(*session_detail.threads(session)))
    calls = typed(Call, store.rows(*session_calls.calls(session)))
    assert len(calls) > 1
    return {
        accuracy("spend", head.by_metric).standing,
        *_listed(store, session),
        *(accuracy("spend", each.by_metric).standing for each in threads if each.total_tokens),
        *(call.running_accuracy.standing for call in calls if call.running_status),
    }


def _listed(store: Store, session: int) -> set[str]:
    """What the spend of a session, and that of all of it, is called in the list."""
    with store.snapshot() as reader:
        rows = page(answer(reader, listing(Find(EVERYTHING), limit=LARGEST)), limit=LARGEST).rows
    (row,) = (row for row in rows if row.session == session)
    columns = COLUMNS["cost"], COLUMNS["whole_cost"]
    return {accuracy("spend", row.numbers_of(column)).standing for column in columns}


def _check_statuses(questions: Questions, by: str, scope: Scope) -> None:
    measured = questions.measured(("spend", "cost_per_request"), by, scope, "-spend")
    usage = questions.split(("requests",), tuple(dict.fromkeys((by, "status"))), scope)
    statuses: dict[object, set[object]] = {}
    for row in usage.records():
        statuses.setdefault(row[by], set()).add(row["status"])
    for row in measured.records():
        (status, *others) = statuses[row[by]]
        for name in ("spend", "cost_per_request"):
            if row[name] == 0:
                expected = "not billed" if others else status
                assert accuracy(name, row).standing == expected
    sheet = downloads.sheet_of(measured, "Spend")
    assert [row[1] for row in sheet.rows] == measured.column("spend")
    assert exports.csv(sheet)
    assert METRICS["spend"].label in {column.label for column in sheet.columns}
