"""Coder's groups as the store holds them: who was in which one when, and how the last reading went.

Everything here is known by the deployment's ids. Of the group Everyone, which each organisation
has, nobody is listed as a member: it is the organisation itself.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Final, Literal, NamedTuple, Self


@dataclass(frozen=True)
class Group:
    """A group of the deployment.

    Attributes:
        id: it never changes, whatever the group is called.
        organization: the id of its organisation.
        organization_name: what that is called.
        name: unique within the organisation.
        display_name: what people see; may be empty.
        source: ``user``, or ``oidc`` where the login's provider decides who is in it.
        members: how many there are, as the server counts; None is not known.
        former: names that it had before, oldest first.
        gone_at: when it was first missed; None while it is there.
    """

    id: str
    organization: str
    organization_name: str
    name: str
    display_name: str = ""
    source: str = ""
    members: int | None = None
    former: tuple[str, ...] = ()
    gone_at: datetime | None = None

    @property
    def is_everyone(self) -> bool:
        """Whether it is the organisation itself."""
        return self.id == self.organization

    @property
    def title(self) -> str:
        """What people call it."""
        return self.display_name.strip() or self.name


class Stay(NamedTuple):
    """Somebody in a group over ``[since, until)``, aware; None is without end."""

    person: str
    group: str
    since: datetime | None = None
    until: datetime | None = None


Part = Literal["groups", "budgets", "spend"]
"""What is read of Coder: groups with members; limits; what was spent, as Coder counts."""
Problem = Literal["", "forbidden", "unlicensed", "switched_off", "too_old", "partial", "failed"]
"""Why a part is not known, empty where it is; ``partial``: known in part, nothing is ended by it;
``failed``: the server did not answer as it should, and what was known before stays."""
READING: Final = "coder_groups"
"""Setting of the store: the text of ``LastReading``."""


@dataclass(frozen=True)
class LastReading:
    """How the last attempt to read Coder's groups went.

    Attributes:
        tried_at: when it was made; None if never.
        complete_at: when groups were last read whole, all members included; None if never.
        problems: what was not read, by part.
        detail: what the server said, where that tells more.
    """

    tried_at: datetime | None = None
    complete_at: datetime | None = None
    problems: Mapping[Part, Problem] = field(default_factory=dict)
    detail: str = ""

    def problem(self, part: Part) -> Problem:
        """Why a part was not read; empty where it was."""
        return self.problems.get(part, "")

    @property
    def text(self) -> str:
        """As the setting of the store."""
        times = {name: at and at.isoformat() for name, at in asdict(self).items() if "_at" in name}
        return json.dumps({**times, "problems": dict(self.problems), "detail": self.detail})

    @classmethod
    def of(cls, text: str | None) -> Self:
        """What a text of the setting says."""
        said = json.loads(text or "{}")
        tried, complete = (
            datetime.fromisoformat(said[name]) if said.get(name) else None
            for name in ("tried_at", "complete_at")
        )
        return cls(tried, complete, said.get("problems", {}), said.get("detail", ""))


LoginGap = Literal["", "no_login", "no_username", "no_groups", "state"]
"""Why logins tell nobody's groups, empty where they do: nobody logs in here; no claim or header is
named for the user name, or for groups; what they told cannot be read."""
TEAMS: Final = "group_teams"
"""Setting of the store: the text of ``TeamsNote``."""


@dataclass(frozen=True)
class TeamsNote:
    """Where teams come from, and what of it an operator may want to change.

    Attributes:
        source: the teams file, the groups of Coder, those that logins tell, or nothing.
        teams: how many there are now.
        undecided: how many people are in several groups now of which none is known to count.
        unknown: what ``team_groups`` names and is no group, or several.
        people: how many people of the store logins have told groups of.
        strangers: how many user names that logins told are nobody's in the store, or several
            people's.
        gap: why nobody's groups are told, where that is so.
        is_open: whether any group may make somebody one of the people whom a lead sees.
    """

    source: Literal["file", "groups", "login", "none"]
    teams: int = 0
    undecided: int = 0
    unknown: tuple[str, ...] = ()
    people: int = 0
    strangers: int = 0
    gap: LoginGap = ""
    is_open: bool = False

    @property
    def text(self) -> str:
        """As the setting of the store."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, text: str | None) -> Self | None:
        """What a text of the setting says; None without one."""
        if not text:
            return None
        said = json.loads(text)
        return cls(**{**said, "unknown": tuple(said["unknown"])})
