"""SQL views over kept sums, for readers who see groups only.

They hold whole blocks of days (``store.group_blocks``). What each question may split by is one of
``Live``, so that only sums of classes, or of teams, or of tools can be had, and never of two of
these together (``store.k_anonymity``).
"""

from collections.abc import Collection, Mapping
from typing import Final, Literal

from bridgeboard.store.group_sums import COUNTS, OFFER, PRICES
from bridgeboard.store.k_anonymity import OTHER

PIN: Final = "groups_frozen"
"""A variable of the reader's cursor: the last batch of blocks that it sees."""
LAST: Final = "SELECT coalesce(max(frozen), 0) FROM {real}.group_blocks"
"""What a snapshot sets it to, for all its cursors."""

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


def views(
    schema: str, floor: int, live_sums: Live, columns: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The view of each table that groups have, for one kind of question.

    Args:
        schema: the full name of the schema that the tables are in.
        floor: how many people a group has at least: sums that were made for fewer are not seen.
        live_sums: the kind of question.
        columns: those of the real tables, with their types: what groups do not have is NULL.
    """
    where = "WHERE FALSE" if live_sums == "nobody" else ""
    names = {"real": schema, "floor": floor}
    views_ = {}
    for table, (source, own) in (_SHAPE if live_sums == "shape" else _GROUPED).items():
        known = {*own.split(), *_NAMED.get((live_sums, table), "").split()}
        shown = (_column(known, *each) for each in columns[table].items())
        views_[table] = f"SELECT {', '.join(shown)} FROM {source.format(**names)} t {where}"
    return views_


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
    f" WHERE floor >= {{{{floor}}}} AND frozen <= getvariable('{PIN}')))"
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
