"""Pages that were read → rows that one transaction writes, translated and priced."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from uuid import UUID

import pyarrow.compute as pc

from aibridge import BulkInterception, BulkPage
from bridgeboard.model.store_status import LeftOut
from bridgeboard.store import UsageTables
from bridgeboard.store.sync_state import Window
from bridgeboard.sync.options import Options
from bridgeboard.sync.paging import Remark, Step
from bridgeboard.sync.quarantine import Suspect, as_rejected, has_impossible_counts, suspects
from bridgeboard.sync.translate import interception_tables


@dataclass(frozen=True)
class WindowStep:
    """One page of a window, with how far the window is then."""

    window: Window
    step: Step


@dataclass(frozen=True)
class TranslatedBatch:
    """The rows of some pages: each interception once, in its latest version.

    The pages themselves are dropped: they are many times as large.
    """

    marks: tuple[WindowStep, ...]
    tables: UsageTables | None
    suspects: tuple[Suspect, ...]
    remarks: tuple[Remark, ...]
    left_out: tuple[LeftOut, ...]
    read: int

    @classmethod
    def of(cls, steps: Sequence[WindowStep], options: Options) -> "TranslatedBatch":
        """Translate and price pages."""
        pages = [each.step.page for each in steps if each.step.page]
        fresh = _fresh(pages)
        impossible = {id_: row for id_, (row, _) in fresh.items() if has_impossible_counts(row)}
        fresh = {id_: each for id_, each in fresh.items() if id_ not in impossible}
        rejected = [each for page in pages for each in page.rejected]
        rejected += map(as_rejected, impossible.values())
        rows = [row for row, _ in fresh.values()]
        digests = [digest for _, digest in fresh.values()]
        return cls(
            tuple(replace(each, step=replace(each.step, page=None)) for each in steps),
            interception_tables(rows, digests, options.book, text=options.text) if rows else None,
            tuple(suspects(rejected, text=options.text)),
            tuple(remark for each in steps for remark in each.step.remarks),
            tuple(left_out for each in steps for left_out in each.step.left_out),
            sum(page.size for page in pages),
        )

    @property
    def ids(self) -> frozenset[str]:
        """The ids of the interceptions."""
        return frozenset(self.tables.usage["id"].to_pylist()) if self.tables else frozenset()

    @property
    def newest(self) -> datetime | None:
        """When the latest of them began; None without any."""
        latest = pc.max(self.tables.usage["started_at"]).as_py() if self.tables else None
        return latest and latest.replace(tzinfo=UTC)


def _fresh(pages: Sequence[BulkPage]) -> dict[UUID, tuple[BulkInterception, int]]:
    return {
        row.id: (row, digest)
        for page in pages
        for row, digest in zip(page.rows, page.digests, strict=True)
    }
