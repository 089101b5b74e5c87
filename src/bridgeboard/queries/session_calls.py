"""The calls of a session, in order, a page at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from bridgeboard.model.accuracy import Accuracy, accuracy, of_usage
from bridgeboard.model.metric import TOKENS
from bridgeboard.model.times import stored
from bridgeboard.queries.metric_query import Query
from bridgeboard.queries.session_columns import NUMBERS, TOLD_STATUS, TOOL_ERRORS
from bridgeboard.queries.typed_rows import Key, columns, holdable, limited, selected

CALLS: Final = 200
"""Calls on a page."""

UNMETERED: Final = "unmetered"
"""Status of a request that ended without any tokens on record."""
REST: Final = "rest"
Part = UUID | Literal["rest"] | None
"""A thread, what is of none, or all of a session."""


class _Running:
    """The cost of a call and of all calls before it, and what makes it less than exact."""

    __slots__ = ()
    running_cost: int | None
    running_unpriced_tokens: int
    running_summed_rows: int
    running_status: str | None

    @property
    def running_accuracy(self) -> Accuracy:
        """How the cost of all calls up to this one stands."""
        if self.running_cost == 0 and not self.running_unpriced_tokens:
            return accuracy("spend", {"spend": 0, **of_usage(0, 1, self.running_status)})
        row = {
            "spend": self.running_cost,
            "unpriced_tokens": self.running_unpriced_tokens,
            "summed_rows": self.running_summed_rows,
        }
        return accuracy("spend", row)


@dataclass(frozen=True, slots=True)
class Call(_Running):
    """A request of a session, or a sum of requests that are not known one by one (``requests`` 0).

    Attributes:
        place: from 1 on, by time, among the calls that were asked for, like all that follows of
            "before".
        interception: its id in the server's words; that of the thread for a sum.
        gap_seconds: from the end of the call before to its start; below zero where both ran at
            once, None where an end is not known.
        context: tokens of the whole prompt: input, cache reads and cache writes.
        running_cost: what all up to it cost; None before anything has a price. How it stands is
            known by their ``running_unpriced_tokens`` and ``running_summed_rows``, and what it is
            called where it is nothing by ``running_status``, which all of them have.
        tool_errors: None where nobody records how calls end.
        is_own_key: whether the person's own key paid; None is not known.
    """

    place: int
    usage: int
    interception: UUID | None
    grain: str
    thread: UUID | None
    started_at: datetime
    ended_at: datetime | None
    gap_seconds: float | None
    provider: str
    model: str | None
    input: int
    output: int
    cache_read: int
    cache_write: int
    context: int
    unpriced_tokens: int
    cost: int | None
    shadow_cost: int | None
    running_cost: int | None
    running_unpriced_tokens: int
    running_summed_rows: int
    running_status: str | None
    status: str
    requests: int
    responses: int | None
    prompts: int | None
    tool_calls: int | None
    injected: int | None
    tool_errors: int | None
    is_own_key: bool | None

    @property
    def key(self) -> Key:
        """What to ask for the calls after it with."""
        return Key(self.started_at, self.usage)

    @property
    def by_metric(self) -> Mapping[str, Any]:
        """Its tokens and costs under the names of the vocabulary, for ``model.accuracy``."""
        names = (*TOKENS, "unpriced_tokens", "cost", "shadow_cost")
        return {
            **{NUMBERS[name]: getattr(self, name) for name in names},
            **of_usage(self.cost, self.context + self.output - self.unpriced_tokens, self.status),
            "summed_rows": int(self.grain != "interception"),
        }


@dataclass(frozen=True, slots=True)
class Mark(_Running):
    """A call as pictures need it: what of ``Call`` is drawn."""

    place: int
    usage: int
    grain: str
    thread: UUID | None
    started_at: datetime
    context: int
    output: int
    cost: int | None
    running_cost: int | None
    running_unpriced_tokens: int
    running_summed_rows: int
    running_status: str | None
    status: str

    @property
    def is_call(self) -> bool:
        """Whether it is one call, and not what is left of a thread or a session as a sum."""
        return self.grain in {"interception", "action"}

    @property
    def is_untold(self) -> bool:
        """Whether it has no tokens on record, as in late threads and after failures."""
        has_some = self.context or self.output
        return self.status == UNMETERED or (self.grain == "action" and not has_some)


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a call or a thread stands: its place from 1 on, and the page that holds it.

    ``after_at`` and ``after_usage`` are the call before that page; None for the first.
    """

    place: int
    page: int
    usage: int | None
    thread: UUID | None
    after_at: datetime | None
    after_usage: int | None

    @property
    def after(self) -> Key | None:
        """What to ask for the page with."""
        if self.after_at is None or self.after_usage is None:
            return None
        return Key(self.after_at, self.after_usage)


_PLACED: Final = """
own AS (
    SELECT f.*, {unpriced} AS unpriced_tokens, row_number() OVER by_time AS place,
        (epoch_us(f.started_at) - epoch_us(lag(f.ended_at) OVER by_time)) / 1e6 AS gap_seconds,
        sum(f.cost) OVER by_time AS running_cost,
        sum({unpriced}) OVER by_time AS running_unpriced_tokens,
        CASE WHEN min({status}) OVER by_time = max({status}) OVER by_time
            THEN min({status}) OVER by_time END AS running_status,
        sum(CAST(f.grain <> 'interception' AS INTEGER)) OVER by_time AS running_summed_rows
    FROM usage f WHERE f.session = $1{part} WINDOW by_time AS (ORDER BY f.started_at, f.usage))
"""
_UNPRICED: Final = (
    "(CAST(f.input AS HUGEINT) + f.output + f.cache_read + f.cache_write - f.priced_tokens)"
)
_CALLS: Final = """
WITH {placed} SELECT {columns} FROM own f{where} ORDER BY f.started_at, f.usage{limit}
"""
_SQL: Final = {
    "interception": "f.id",
    "context": "f.input + f.cache_read + f.cache_write",
    "tool_errors": TOOL_ERRORS,
    **{
        name: f"CASE WHEN f.grain <> 'session' THEN f.{name} END"
        for name in ("responses", "prompts", "tool_calls", "injected")
    },
    "is_own_key": "CAST(f.credential_kind = 'byok' AS BOOLEAN)",
}
"""Field of a call → SQL, where it is no column of ``own``."""
_CALL_SPOT: Final = """
WITH {placed},
chosen AS (
    SELECT * FROM own WHERE id = TRY_CAST($2 AS UUID) ORDER BY requests DESC, place LIMIT 1)
SELECT c.place, divide(c.place - 1, $3) + 1, c.usage, c.thread, b.started_at, b.usage
FROM chosen c LEFT JOIN own b ON b.place = divide(c.place - 1, $3) * $3
"""


def calls(
    session: int, part: Part = None, *, after: Key | None = None, limit: int | None = CALLS
) -> Query:
    """Rows of ``Call`` by time, from behind ``after`` on; all of them without a limit."""
    params: list[object] = [session]
    placed = _placed(part, params)
    where = ""
    if after:
        params += [stored(after.started_at), after.usage]
        at, usage = f"${len(params) - 1}", f"${len(params)}"
        where = f" WHERE f.started_at >= {at} AND (f.started_at > {at} OR f.usage > {usage})"
    shown = selected(Call, "f", _SQL)
    sql = _CALLS.format(placed=placed, columns=shown, where=where, limit=limited(limit))
    return Query(sql, tuple(params))


def course(session: int, part: Part = None) -> Query:
    """Rows of ``Mark`` by time, all of them: many, for ``thinned`` to make few of."""
    params: list[object] = [session]
    placed = _placed(part, params)
    sql = "SELECT *, input + cache_read + cache_write AS context FROM own"
    return Query(f"WITH {placed} SELECT {columns(Mark)} FROM ({sql}) ORDER BY place", tuple(params))


def call_spot(
    session: int, interception: UUID | str, part: Part = None, *, size: int = CALLS
) -> Query:
    """One row of ``Spot``, where a call stands among those of a part; none if it is not there."""
    params: list[object] = [session, holdable(str(interception)), size]
    return Query(_CALL_SPOT.format(placed=_placed(part, params)), tuple(params))


def _placed(part: Part, params: list[object]) -> str:
    where = ""
    if part == REST:
        where = " AND f.thread IS NULL"
    elif part is not None:
        params.append(str(part))
        where = f" AND f.thread = TRY_CAST(${len(params)} AS UUID)"
    return _PLACED.format(part=where, unpriced=_UNPRICED, status=TOLD_STATUS)
