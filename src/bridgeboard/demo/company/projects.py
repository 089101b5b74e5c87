"""What the demo company builds: repositories with files, names and tickets to talk about."""

from dataclasses import dataclass

from bridgeboard.demo.company.tables import table


@dataclass(frozen=True, slots=True)
class Project:
    """A repository. ``test`` and ``build`` are shell commands; ``ticket`` a tracker's key."""

    name: str
    language: str
    ticket: str
    test: str
    build: str
    files: tuple[str, ...]
    symbols: tuple[str, ...]
    things: tuple[str, ...]


_TABLE = table("projects")
_PROJECTS = {name: Project(name, **fields) for name, fields in _TABLE["projects"].items()}
PROJECTS = {
    team: tuple(map(_PROJECTS.__getitem__, names)) for team, names in _TABLE["teams"].items()
}
"""Team → the repositories it works in; "" is for those without a team."""

LINES: dict[str, tuple[str, ...]] = _TABLE["lines"]
"""Language → lines that look like it."""
