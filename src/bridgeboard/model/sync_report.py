"""What the process that syncs tells of itself to dashboards that only read, also as text."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from bridgeboard.model.deployment import Capabilities
from bridgeboard.model.store_status import Backup, BackupStatus, Event, MirrorStatus, Status

Part = TypeVar("Part")


@dataclass(frozen=True)
class SyncReport:
    """How it is with the process that syncs.

    Attributes:
        status: what its sync does.
        version: of Bridgeboard.
        sync_seconds: between the end of a sync and the next one.
        store_version: the number of the last batch in its store; None before there is a store.
        capabilities: what the deployment and its token can do, as it was known last; None before.
        backups: the backups of its store.
        alert_problem: why nobody could be told of alerts.
        mirror: the mirror of its store; None where there is none.
    """

    status: Status = field(default_factory=Status)
    version: str = ""
    sync_seconds: int = 0
    store_version: int | None = None
    capabilities: Capabilities | None = None
    backups: BackupStatus = field(default_factory=BackupStatus)
    alert_problem: str | None = None
    mirror: MirrorStatus | None = None


def report_text(report: SyncReport) -> str:
    """A report as text."""
    return json.dumps(asdict(report), default=_plain, separators=(",", ":"))


def report_of_text(text: str) -> SyncReport | None:
    """The report in a text; None where there is none, or none that this version can read.

    What another version has more of is left out, and what it lacks is as if it were not known.
    """
    try:
        told = json.loads(text)
        return _part(
            SyncReport,
            told,
            status=_status(told.get("status")),
            capabilities=_capabilities(told.get("capabilities")),
            backups=_backups(told.get("backups")),
            mirror=_mirror(told.get("mirror")),
        )
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError):
        return None


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case Path():
            return str(value)
        case frozenset():
            return sorted(value)
    raise TypeError(type(value))


def _part(kind: type[Part], told: Mapping[str, Any], **read: Any) -> Part:
    """One of a kind, of those of its fields that were told; ``read`` are those read already."""
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    return kind(**{**{name: value for name, value in told.items() if name in known}, **read})


def _status(told: Mapping[str, Any] | None) -> Status:
    if told is None:
        return Status()
    event = told.get("event")
    times = {name: _moment(told.get(name)) for name in ("began_at", "ended_at", "good_at")}
    return _part(Status, told, event=_event(event) if event else None, **times)


def _event(told: Mapping[str, Any]) -> Event:
    left = told.get("left")
    return _part(Event, told, left=None if left is None else timedelta(seconds=left))


def _capabilities(told: Mapping[str, Any] | None) -> Capabilities | None:
    return _part(Capabilities, told, roles=frozenset(told["roles"])) if told else None


def _backups(told: Mapping[str, Any] | None) -> BackupStatus:
    if told is None:
        return BackupStatus()
    good = tuple(
        Backup(Path(one["path"]), datetime.fromisoformat(one["made_at"]), one["bytes"])
        for one in told.get("good", ())
    )
    return _part(BackupStatus, told, good=good, next_at=_moment(told.get("next_at")))


def _mirror(told: Mapping[str, Any] | None) -> MirrorStatus | None:
    return _part(MirrorStatus, told, at=_moment(told.get("at"))) if told else None


def _moment(told: str | None) -> datetime | None:
    return None if told is None else datetime.fromisoformat(told)
