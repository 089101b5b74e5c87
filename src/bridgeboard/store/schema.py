"""The tables, as numbered migrations in ``migrations``. A released migration is never changed.

Skinny facts hold numbers; text recorded from people stands in tables of its own, so that it can be
left out or pruned first. Times are UTC without a zone. There are no keys or indexes: they cost
2.6 times the space and four times the time of a batch, and the one writer keeps identities
itself by windows of ``started_at`` (docs/architecture.md, "Store").
"""

from pathlib import Path
from typing import Final

_FILES: Final = Path(__file__).with_name("migrations").glob("*.sql")

MIGRATIONS: Final = tuple(path.read_text("utf-8") for path in sorted(_FILES))
"""What brings a file from version n to n + 1, by n. An empty file has version 0."""
