"""The server's counts of closed days, and what it fails to list (``model.completeness``)."""

from typing import Final

DAY_COUNTS: Final = """
SELECT kind, day, counted, held, unreadable, counted_at, coalesce(deleted, 0)
FROM day_counts ORDER BY day DESC, kind"""
LEFT_OUT: Final = """
SELECT kind, since, until, rows, reason, seen_at FROM left_out
ORDER BY until DESC NULLS FIRST, since DESC, kind"""
