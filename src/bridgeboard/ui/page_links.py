"""Addresses of pages about one thing: the parameters that name it, as links and moves want them."""

from typing import Final
from uuid import UUID

SESSION: Final = "pages/session.py"


def session(id_: str, initiator_id: UUID | str) -> dict[str, str]:
    """The query parameters that name one session of one initiator."""
    return {"id": id_, "person": str(initiator_id)}
