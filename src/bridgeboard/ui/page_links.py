"""The link to a session: the parameters that name it."""

from typing import Final
from uuid import UUID

SESSION: Final = "pages/session.py"


def session(id_: str, initiator_id: UUID | str) -> dict[str, str]:
    """The query parameters that name one session of one initiator."""
    return {"id": id_, "person": str(initiator_id)}
