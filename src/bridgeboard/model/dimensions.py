"""What numbers can be split and filtered by: a closed vocabulary.

A column is SQL over a row ``f`` of a source, and never NULL: no name, or an empty one, is
"Unknown". ``b`` is the initiator's membership at the time of the row.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from bridgeboard.model.errors import MetricError

Source = Literal["usage", "calls", "sessions", "unread"]
"""What is counted: what used tokens, tool calls, sessions, or sessions that are unread.

A session is unread as long as no request is known to be its own.
"""

UNKNOWN: Final = "Unknown"
UNASSIGNED: Final = "Unassigned"
SMALL_GROUPS: Final = "Other (small groups)"
"""What few people did, to who sees groups only: it has no name of its own."""
CLIENT_SIDE: Final = "Client-side"
HOURS_A_WEEK: Final = 168


@dataclass(frozen=True)
class Dimension:
    """One way to split numbers.

    Attributes:
        name: in code, SQL and addresses.
        label: on the screen.
        definition: one sentence.
        columns: per source that can be split by it, what a row belongs to. Those of time are made
            per scope (``bridgeboard.queries.metric_sources``) and are empty here.
        shown: SQL from what was grouped by to what comes out; ``{}`` is the former.
        time: whether its values are stretches of time.
        recurs: how many values it has, where these come again and again: whole numbers from 0 on.
            They can be filtered by, while other stretches of time are chosen by a period.
        of: the dimension whose values it brings together under one name each, by a table of names.
        overlapping: sources whose rows can belong to several values at once, so that parts do
            not add up to the whole.
    """

    name: str
    label: str
    definition: str
    columns: Mapping[Source, str] = field(default_factory=dict, hash=False)
    shown: str = "{}"
    time: bool = False
    recurs: int = 0
    of: str = ""
    overlapping: frozenset[Source] = frozenset()

    def splits(self, source: Source) -> bool:
        """Whether rows of a source can be split by it."""
        return self.time or source in self.columns


def _known(name: str, *sources: Source) -> dict[Source, str]:
    # A comparison, other than coalesce and nullif, keeps the column's dictionary: a fifth the time.
    sql = f"CASE WHEN f.{name} <> '' THEN f.{name} ELSE '{UNKNOWN}' END"
    return dict.fromkeys(sources, sql)


_EVERY: Final[tuple[Source, ...]] = ("usage", "calls", "sessions", "unread")
_REQUESTS: Final[tuple[Source, ...]] = ("usage", "calls")
_SESSIONS: Final[frozenset[Source]] = frozenset({"sessions", "unread"})
_SERVER: Final = f"CASE {{0}} WHEN '' THEN '{CLIENT_SIDE}' ELSE {{0}} END"
_ACCURACY: Final = "CASE f.grain WHEN 'interception' THEN 'exact' ELSE 'aggregate' END"
_PERSON: Final = f"coalesce((SELECT person FROM people p WHERE p.initiator = {{}}), '{UNKNOWN}')"
_TIMES: Final = (
    Dimension(
        "hour",
        "Hour",
        "The hour in which a request began, known by its first moment in UTC.",
        shown="make_timestamp({})",
        time=True,
    ),
    Dimension(
        "day",
        "Day",
        "The local day on which a request began.",
        shown="make_date(CAST({} AS INTEGER))",
        time=True,
    ),
    Dimension(
        "week",
        "Week",
        "The local week in which a request began, known by its first day.",
        shown="make_date(CAST({} AS INTEGER))",
        time=True,
    ),
    Dimension(
        "month",
        "Month",
        "The local month in which a request began, known by its first day.",
        shown="make_date(CAST(divide({0}, 12) AS INTEGER), CAST(mod({0}, 12) + 1 AS INTEGER), 1)",
        time=True,
    ),
    Dimension(
        "weekday_hour",
        "Hour of the week",
        "The local weekday and hour in which a request began: 0 is Monday from midnight.",
        shown="CAST({} AS INTEGER)",
        time=True,
        recurs=HOURS_A_WEEK,
    ),
)
_CATEGORIES: Final = (
    Dimension(
        "initiator",
        "Person",
        "Whose request it was.",
        dict.fromkeys(_EVERY, "f.initiator"),
        shown=_PERSON,
    ),
    Dimension(
        "team",
        "Team",
        "The team that the person belonged to when the request began.",
        dict.fromkeys(_EVERY, f"coalesce(b.team, '{UNASSIGNED}')"),
    ),
    Dimension(
        "provider",
        "Provider",
        "The kind of API that the request was made to.",
        _known("provider", *_EVERY),
        overlapping=_SESSIONS,
    ),
    Dimension(
        "provider_name",
        "Provider instance",
        "The configured provider that the request went to.",
        _known("provider_name", *_REQUESTS),
    ),
    Dimension(
        "vendor",
        "Vendor",
        "Who bills for the request.",
        _known("vendor", *_REQUESTS),
    ),
    Dimension(
        "family",
        "Model",
        "The model that was asked for, by its name: whoever sells it, in whatever region.",
        _known("model", *_EVERY),
        of="model",
        overlapping=_SESSIONS,
    ),
    Dimension(
        "model",
        "Model id",
        "The id of the model that was asked for, as it was recorded.",
        _known("model", *_EVERY),
        overlapping=_SESSIONS,
    ),
    Dimension(
        "client",
        "Client",
        "The tool that made the request for the person.",
        _known("client", *_EVERY),
    ),
    Dimension(
        "credential_kind",
        "Credential",
        "Whose key paid: the company's (centralized) or the person's own (byok).",
        _known("credential_kind", *_REQUESTS),
    ),
    Dimension("tool", "Tool", "The tool that was called.", _known("tool", "calls")),
    Dimension(
        "server",
        "MCP server",
        "The MCP server that ran the tool; tools of the client itself have none.",
        # Named when grouped: named before, its millions of rows take four times as long.
        {"calls": "f.server_url"},
        shown=_SERVER,
    ),
    Dimension(
        "accuracy",
        "Accuracy",
        "Whether usage is known per request (exact) or only as a sum (aggregate).",
        dict.fromkeys(_REQUESTS, _ACCURACY),
    ),
    Dimension(
        "status",
        "Price status",
        "What is known about the price; of several responses, the least certain.",
        {"usage": "f.status"},
    ),
)

DIMENSIONS: Final[Mapping[str, Dimension]] = {one.name: one for one in (*_TIMES, *_CATEGORIES)}
"""All dimensions by name."""


def dimension(name: str) -> Dimension:
    """The dimension of a name. Raises MetricError for a name that is none."""
    if name not in DIMENSIONS:
        raise MetricError(f"{name!r} is no dimension; there are {', '.join(DIMENSIONS)}.")
    return DIMENSIONS[name]


SESSIONS_OF_GROUPS: Final = frozenset({"team", "client"})
"""Dimensions by which sums of groups tell sessions, beside those of time."""


def groups_tell_sessions(dimensions: Iterable[str]) -> bool:
    """Whether sums of groups of people tell how many sessions there are by some dimensions."""
    return all(DIMENSIONS[name].time or name in SESSIONS_OF_GROUPS for name in dimensions)
