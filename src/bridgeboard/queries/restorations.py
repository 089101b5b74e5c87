"""What syncs have read since a store was restored."""

from typing import Final

LAST_READ: Final = "SELECT max(began_at) FROM runs WHERE outcome = 'done' AND began_at >= $1"
"""When the last sync that went well began, if that was at a time or later; NULL if none was."""
NEXT: Final = "SELECT min(started_at) FROM usage WHERE started_at >= $1"
"""When the first request from a time on began."""
