"""When a store was made of a backup, and from when on that knew nothing."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

KEY: Final = "restorations"
"""Setting of the store: when it was restored, and up to when what was restored had been read."""


@dataclass(frozen=True)
class Restoration:
    """When a store was restored, and from when on its backup knew nothing.

    ``since`` is None where there was no backup: the store began anew.
    """

    at: datetime
    since: datetime | None


def read(text: str | None) -> list[Restoration]:
    """The restorations that the setting tells of, the first time first."""
    return [
        Restoration(datetime.fromisoformat(at), datetime.fromisoformat(since) if since else None)
        for at, since in json.loads(text or "[]")
    ]


def written(restorations: Sequence[Restoration]) -> str:
    """The same as the text of the setting."""
    return json.dumps(
        [[one.at.isoformat(), one.since and one.since.isoformat()] for one in restorations]
    )
