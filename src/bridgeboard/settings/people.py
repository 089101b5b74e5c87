"""The tables that say who is what: ``[roles]`` and ``[leads]``."""

from collections.abc import Mapping
from typing import Any

from bridgeboard.access import Role

Words = dict[str, tuple[str, ...]]
"""A role → whose it is; or who leads → which teams."""


def words(told: Any) -> Any:
    """A table of lists of words; one word alone is a list of one. Raises ValueError."""
    if not isinstance(told, Mapping):
        raise ValueError('Write a table of lists, for example admin = ["platform-admins"]')  # noqa: TRY004 - pydantic's way
    return {str(name).strip(): _listed(str(name), value) for name, value in told.items()}


def roles(told: Words) -> Words:
    """The table of roles if each is one. Raises ValueError."""
    for name in told:
        if name not in set(Role):
            known = ", ".join(Role)
            raise ValueError(f"{name!r} is no role. Known are: {known}")
    return told


def leads_without_teams(roles: Words, leads: Words) -> list[str]:
    """Who has the role of a lead and no team."""
    known = {who.lower() for who in leads}
    return [who for who in roles.get(Role.LEAD, ()) if who.lower() not in known]


def _listed(name: str, value: object) -> tuple[str, ...]:
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, (list, tuple)) or not listed:
        raise ValueError(f'{name!r} needs a list of words, for example ["platform-admins"]')
    if not all(isinstance(word, str) and word.strip() for word in listed):
        raise ValueError(f"{name!r} lists something that is no word")
    return tuple(word.strip() for word in listed)
