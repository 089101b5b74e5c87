"""Steps of walks → what one transaction writes, translated and priced beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pyarrow.compute as pc

from aibridge import BulkInterception, BulkPage
from bridgeboard.model.completeness import LeftOut
from bridgeboard.store import Told
from bridgeboard.store.sync_state import Window
from bridgeboard.sync.options import Options
from bridgeboard.sync.paging import Remark, Step
from bridgeboard.sync.quarantine import Suspect, as_rejected, is_beyond_belief, suspects
from bridgeboard.sync.translate import told


@dataclass(frozen=True)
class Arrival:
    """One step of a window's walk."""

    window: Window
    step: Step


@dataclass(frozen=True)
class Load:
    """What some arrivals bring: each interception once and as it was told last.

    The pages themselves are let go: they are many times as large.
    """

    marks: tuple[Arrival, ...]
    told: Told | None
    suspects: tuple[Suspect, ...]
    remarks: tuple[Remark, ...]
    left_out: tuple[LeftOut, ...]
    read: int

    @classmethod
    def of(cls, arrivals: Sequence[Arrival], options: Options) -> "Load":
        """Translate and price arrivals."""
        pages = [arrival.step.page for arrival in arrivals if arrival.step.page]
        fresh = _fresh(pages)
        beyond = {id_: row for id_, (row, _) in fresh.items() if is_beyond_belief(row)}
        fresh = {id_: each for id_, each in fresh.items() if id_ not in beyond}
        rejected = [each for page in pages for each in page.rejected]
        rejected += map(as_rejected, beyond.values())
        rows = [row for row, _ in fresh.values()]
        digests = [digest for _, digest in fresh.values()]
        return cls(
            tuple(replace(each, step=replace(each.step, page=None)) for each in arrivals),
            told(rows, digests, options.book, text=options.text) if rows else None,
            tuple(suspects(rejected, text=options.text)),
            tuple(each for arrival in arrivals for each in arrival.step.remarks),
            tuple(each for arrival in arrivals for each in arrival.step.left_out),
            sum(page.size for page in pages),
        )

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the interceptions."""
        return frozenset(self.told.usage["id"].to_pylist()) if self.told else frozenset()

    @property
    def newest(self) -> datetime | None:
        """When the latest of them began; None without any."""
        latest = pc.max(self.told.usage["started_at"]).as_py() if self.told else None
        return latest and latest.replace(tzinfo=UTC)


def _fresh(pages: Sequence[BulkPage]) -> dict[UUID, tuple[BulkInterception, int]]:
    return {
        row.id: (row, digest)
        for page in pages
        for row, digest in zip(page.rows, page.digests, strict=True)
    }
