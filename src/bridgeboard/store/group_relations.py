"""What tables hold for readers who see groups of people only: SELECTs of sums that are kept.

They hold whole blocks of days (``store.group_blocks``). What each question may split by is one of
``Live``, so that only sums of classes, or of teams, or of tools can be had, and never of two of
these together (``store.k_anonymity``).
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal

from bridgeboard.store.group_sums import COUNTS, OFFER, PRICES
from bridgeboard.store.k_anonymity import OTHER

Live = Literal["nothing", "kinds", "teams", "tools", "nobody", "shape"]
"""What a question may split by: nothing but time; what requests were made with; teams; tools. A
question about single people sees nobody, and one that does not say what it is about sees when
there is anything, and nothing else."""

TIMES: Final = frozenset({"hour", "day", "week", "month", "weekday_hour"})
KINDS: Final = frozenset(
    {
        "provider",
        "provider_name",
        "vendor",
        "model",
        "client",
        "credential_kind",
        "status",
        "accuracy",
    }
)
TOOLS: Final = frozenset({"tool", "server"})
TEAMS: Final = frozenset({"team"})
PEOPLE: Final = frozenset({"initiator"})
"""The dimensions of questions; one that is not here is one of people."""


def live(dimensions: Collection[str] | None) -> Live:
    """What a question sees that speaks of these dimensions; None is not told."""
    if dimensions is None:
        return "shape"
    categories = set(dimensions) - TIMES
    if categories - (KINDS | TOOLS | TEAMS):
        return "nobody"
    if categories & TOOLS:
        return "nothing" if categories - TOOLS else "tools"
    if categories & KINDS:
        return "kinds"
    return "teams" if categories else "nothing"


def group_relation(
    floor: int, kind: Live, table: str, columns: Mapping[str, str], schema: str
) -> str | None:
    """The SELECT of what groups have in place of a table; None where they have nothing else.

    Args:
        floor: how many people a group has at least: sums that were made for fewer are not seen.
        kind: of question.
        table: its name.
        columns: those of the real table, with their types: what groups do not have is NULL.
        schema: the full name of the schema that the tables are in.
    """
    grouped = (_SHAPE if kind == "shape" else _GROUPED).get(table)
    if grouped is None:
        return None
    source, own = grouped
    known = {*own.split(), *_NAMED.get((kind, table), "").split()}
    shown = ", ".join(_column(known, *each) for each in columns.items())
    where = "WHERE FALSE" if kind == "nobody" else ""
    return f"SELECT {shown} FROM {source.format(real=schema, floor=floor)} t {where}"


def _column(known: Collection[str], name: str, kind: str) -> str:
    if name in known:
        return f"t.{name}::HUGEINT AS {name}" if name in _ADDED else f"t.{name}"
    if name in _CALLED:
        other = f"['{OTHER}']" if kind.endswith("[]") else f"'{OTHER}'"
        return f"{other} AS {name}"
    return f"NULL::{kind} AS {name}"


_ADDED: Final = frozenset({*COUNTS, *PRICES})
# Blocks made for groups of fewer people are not shown; they come back if the floor is lowered.
_SEEN: Final = (
    "(SELECT * FROM {{real}}.{0} WHERE frozen IN (SELECT frozen FROM {{real}}.group_blocks"
    " WHERE floor >= {{floor}}))"
)
_GROUPED: Final[Mapping[str, tuple[str, str]]] = {
    "usage": (
        _SEEN.format("group_usage"),
        "started_at initiator status grain thread tool_calls injected tool_errors "
        + " ".join((*COUNTS, *PRICES)),
    ),
    "tool_calls": (_SEEN.format("group_calls"), "started_at initiator grain injected failed"),
    "sessions": (_SEEN.format("group_sessions"), "started_at initiator detailed_at"),
    "initiators": (
        "(SELECT DISTINCT initiator, username FROM {real}.group_members)",
        "initiator username",
    ),
    "memberships": ("{real}.group_members", "username valid_from valid_to"),
}
"""Table → the table of groups behind it, and what any question sees of that."""
_SHAPE: Final[Mapping[str, tuple[str, str]]] = {
    "usage": (
        (
            f"(SELECT DISTINCT started_at FROM {_SEEN.format('group_blocks')} b"
            " WHERE counted = 'requests')"
        ),
        "started_at",
    )
}
_NAMED: Final[Mapping[tuple[Live, str], str]] = {
    ("kinds", "usage"): " ".join((*OFFER, "client", "credential_kind")),
    ("kinds", "sessions"): "client",
    ("teams", "memberships"): "team",
    ("tools", "tool_calls"): "tool server_url",
}
"""What only one kind of question sees by name."""
_CALLED: Final = frozenset(
    {*OFFER, "client", "credential_kind", "providers", "models", "tool", "server_url", "team"}
)
"""Columns that have names in them; where these are not seen, all have the same."""
