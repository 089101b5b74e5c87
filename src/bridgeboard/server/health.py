"""How it is with sync and backups, for a monitor: as JSON, and as text for Prometheus."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from bridgeboard.model.store_status import BackupStatus, CopyStatus, MirrorStatus, Status, Totals
from bridgeboard.model.sync_report import SyncReport

METRICS_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""The content type of the text format of Prometheus."""


def synced(status: Status) -> dict[str, object]:
    """The background sync for a monitor: numbers and times, nothing that only a viewer may see."""
    event = status.event
    return {
        "state": status.state,
        "good": status.problem is None,
        "last_good_at": status.good_at.isoformat() if status.good_at else None,
        "phase": event.phase if event else None,
        "done": event.done if event else 0,
        "total": event.total if event else None,
        "quarantined": event.quarantined if event else 0,
    }


def backed_up(status: BackupStatus) -> dict[str, object]:
    """The nightly backups for a monitor, likewise."""
    return {
        "good": status.problem is None,
        "last_good_at": status.good[0].made_at.isoformat() if status.good else None,
        "bytes": status.good[0].bytes if status.good else None,
    }


def mirrored(status: MirrorStatus) -> dict[str, object]:
    """The mirror in ClickHouse for a monitor, likewise."""
    return {
        "good": status.problem is None,
        "last_good_at": status.at.isoformat() if status.at else None,
        "version": status.version,
    }


def copied(status: CopyStatus, now: datetime) -> dict[str, object]:
    """The copies that are published, or the one that is read, likewise."""
    age = (now - status.current_at).total_seconds() if status.current_at else None
    return {
        "good": status.problem is None,
        "made_at": status.made_at.isoformat() if status.made_at else None,
        "current_at": status.current_at.isoformat() if status.current_at else None,
        "age_seconds": None if age is None else round(max(0.0, age)),
    }


@dataclass(frozen=True)
class _Metric:
    """One metric: its name without prefix, what it is, and its value; None is not known."""

    name: str
    help: str
    value: float | None
    kind: str = "gauge"
    labels: str = ""


def metrics(
    report: SyncReport, totals: Totals, now: datetime, *, lease: int | None, holds: bool | None
) -> str:
    """A sync node in the text format of Prometheus; what is not known yet is left out.

    Args:
        report: what it tells.
        totals: what its syncs have done since its start.
        now: the time, aware.
        lease: the number of its lease; None without one.
        holds: whether it holds the lease; None where it needs none.
    """
    every = [*_of_status(report, now), *_of_totals(totals), *_of_lease(lease, holds=holds)]
    if report.mirror:
        every += _of_mirror(report.mirror)
    return "".join(_lines(each for each in every if each.value is not None))


def _of_status(report: SyncReport, now: datetime) -> Iterator[_Metric]:
    status, backups = report.status, report.backups
    good_at = status.good_at
    is_failing = status.problem is not None
    running = f'{{version="{report.version}"}}'
    last = backups.good[0].made_at if backups.good else None
    yield _Metric("build_info", "The version that runs.", 1, labels=running)
    yield _Metric(
        "sync_last_good_timestamp_seconds", "When the last good sync ended.", _seconds(good_at)
    )
    yield _Metric(
        "sync_age_seconds",
        "How long ago that was.",
        None if good_at is None else max(0.0, (now - good_at).total_seconds()),
    )
    yield _Metric("sync_running", "Whether a sync runs now.", status.state == "syncing")
    yield _Metric("sync_failing", "Whether the last sync failed.", is_failing)
    yield _Metric(
        "store_version", "The number of the last batch of the store.", report.store_version
    )
    yield _Metric(
        "backup_last_good_timestamp_seconds", "When the last good backup was made.", _seconds(last)
    )
    yield _Metric("backup_failing", "Whether the last backup failed.", backups.problem is not None)
    yield _Metric(
        "alerts_failing",
        "Whether nobody could be told of alerts.",
        report.alert_problem is not None,
    )


def _of_mirror(status: MirrorStatus) -> Iterator[_Metric]:
    at = _seconds(status.at)
    yield _Metric("mirror_last_good_timestamp_seconds", "Which state the mirror has.", at)
    yield _Metric("mirror_failing", "Whether it is behind.", status.problem is not None)
    yield _Metric("mirror_version", "The number of its state.", status.version or None)
    yield _Metric("mirror_rows_total", "Rows that were written to it.", status.rows, "counter")


def _of_totals(totals: Totals) -> Iterator[_Metric]:
    counters = {
        "syncs_good_total": ("Syncs that ended well.", totals.good),
        "syncs_failed_total": ("Syncs that failed.", totals.failed),
        "rows_read_total": ("Requests that were read.", totals.read_rows),
        "rows_changed_total": ("Of these, new or changed ones.", totals.changed_rows),
        "session_details_read_total": ("Sessions whose details were read.", totals.details),
        "records_quarantined_total": ("Records that could not be read.", totals.quarantined),
        "api_requests_total": ("Requests to the deployment.", totals.requests),
    }
    for name, (told, value) in counters.items():
        yield _Metric(name, told, value, "counter")


def _of_lease(number: int | None, *, holds: bool | None) -> Iterator[_Metric]:
    yield _Metric("lease_held", "Whether this process is the one that syncs.", holds)
    yield _Metric("lease_number", "The number of its lease.", number)


def _lines(metrics: Iterable[_Metric]) -> Iterator[str]:
    for each in metrics:
        name = f"bridgeboard_{each.name}"
        yield f"# HELP {name} {each.help}\n# TYPE {name} {each.kind}\n"
        yield f"{name}{each.labels} {float(each.value or 0)!r}\n"


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
