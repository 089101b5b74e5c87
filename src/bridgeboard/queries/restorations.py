"""What syncs have read since a store was restored."""

from typing import Final

READ_SINCE: Final = "SELECT count(*) > 0 FROM runs WHERE outcome = 'done' AND began_at >= ?"
"""Whether a sync that began at a time or later went well."""
NEXT: Final = "SELECT min(started_at) FROM usage WHERE started_at >= ?"
"""When the first request from a time on began."""
