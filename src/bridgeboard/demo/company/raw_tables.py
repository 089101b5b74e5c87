"""The bridge's bookkeeping: what the company's calls leave in the raw tables, route by route."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from random import Random
from typing import Any, TypeVar

from bridgeboard.demo.company.company_data import Offer
from bridgeboard.demo.company.seeded_random import chance, times, uuid, word
from bridgeboard.demo.records import (
    FirewallLog,
    InterceptionRow,
    Person,
    PromptRow,
    Provider,
    Tables,
    ThoughtRow,
    TokenRow,
    ToolRow,
)

T = TypeVar("T")
C = TypeVar("C", TokenRow, PromptRow, ToolRow, ThoughtRow)
_RESPONSE_ID = {"messages": "msg_01", "chat": "chatcmpl-", "responses": "resp_"}


@dataclass(frozen=True, slots=True)
class Spent:
    """What one provider response used, in disjoint tokens; ``hour_write`` is part of the writes."""

    input: int
    output: int
    cache_read: int = 0
    cache_write: int = 0
    hour_write: int = 0
    reasoning: int = 0
    searches: int = 0


@dataclass(frozen=True, slots=True)
class Use:
    """One tool use; a ``server_url`` makes it an injected one, only those can tell an error."""

    tool: str
    input: str
    server_url: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who calls with what: all that the calls of one session have in common.

    ``legacy`` rows are those an older bridge recorded; ``bare`` ones know neither
    client nor key nor any metadata.
    ``session_id`` None lets each thread be its own session (api-contract 4.2).
    """

    person: Person
    client: str | None
    offer: Offer
    session_id: str | None
    agent: str = ""
    api_key_id: str | None = None
    credential_kind: str = "centralized"
    credential_hint: str = ""
    legacy: bool = False
    bare: bool = False

    @property
    def no_metadata(self) -> dict[str, Any] | None:
        """Empty metadata, as these rows know it."""
        return None if self.bare else {}


@dataclass(frozen=True, slots=True)
class Call:
    """One request through the bridge. No ``spent``: the provider never reported its usage."""

    id: str
    root: str | None
    started_at: datetime
    ended_at: datetime | None
    spent: tuple[Spent, ...] = ()
    prompt: str | None = None
    uses: tuple[Use, ...] = ()
    thoughts: tuple[str, ...] = ()
    error: tuple[str, str] = ("", "")
    streamed: bool = True
    firewall: tuple[str, int] | None = None


@dataclass(slots=True)
class Books:
    """The tables while they are being written; rows are made once and never changed."""

    interceptions: list[InterceptionRow] = field(default_factory=list)
    tokens: list[TokenRow] = field(default_factory=list)
    prompts: list[PromptRow] = field(default_factory=list)
    tools: list[ToolRow] = field(default_factory=list)
    thoughts: list[ThoughtRow] = field(default_factory=list)
    firewall_logs: list[FirewallLog] = field(default_factory=list)

    def record(self, rng: Random, seat: Seat, call: Call) -> None:
        """Write down one call with everything that hangs on it."""
        prefix = _RESPONSE_ID[seat.offer.route]
        answers = [prefix + word(rng, 22) for _ in call.spent] or [""]
        self.interceptions.append(_interception(seat, call))
        if call.prompt is not None:
            self._prompt(rng, seat, call, answers[0])
        if call.spent:
            self._tokens(rng, seat, call, answers)
        if call.uses:
            self._tools(rng, seat, call, answers[-1])
        for text, at in _spread(call, call.thoughts):
            self.thoughts.append(ThoughtRow(uuid(rng), call.id, at, text))

    def tables(
        self,
        people: Sequence[Person],
        providers: Sequence[Provider],
        since: datetime | None = None,
    ) -> Tables:
        """The finished tables in the order of time, of all calls or of those from ``since`` on."""
        begun = attrgetter("started_at", "id")
        recorded = attrgetter("created_at", "id")
        calls = [row for row in self.interceptions if since is None or row.started_at >= since]
        ids = {row.id for row in calls}

        def children(rows: Iterable[C]) -> tuple[C, ...]:
            return tuple(sorted((row for row in rows if row.interception_id in ids), key=recorded))

        return Tables(
            people=tuple(people),
            providers=tuple(providers),
            interceptions=tuple(sorted(calls, key=begun)),
            tokens=children(self.tokens),
            prompts=children(self.prompts),
            tools=children(self.tools),
            thoughts=children(self.thoughts),
            firewall_logs=tuple(self.firewall_logs),
        )

    def _prompt(self, rng: Random, seat: Seat, call: Call, answer: str) -> None:
        key = (uuid(rng), call.id, call.started_at)
        self.prompts.append(PromptRow(*key, call.prompt or "", answer, seat.no_metadata))

    def _tools(self, rng: Random, seat: Seat, call: Call, answer: str) -> None:
        answer = "" if chance(rng, 0.003) else answer
        for use, at in _spread(call, call.uses):
            injected = (use.server_url, bool(use.server_url), use.error)
            row = (uuid(rng), call.id, at, use.tool, use.input, answer, *injected)
            self.tools.append(ToolRow(*row, seat.no_metadata))

    def _tokens(self, rng: Random, seat: Seat, call: Call, answers: Sequence[str]) -> None:
        rows = [
            (answer, counts, metadata)
            for answer, spent in zip(answers, call.spent, strict=True)
            for counts, metadata in _booked(rng, seat, call, spent)
        ]
        for (answer, counts, metadata), at in _spread(call, rows):
            tokens = (counts.input, counts.output, counts.cache_read, counts.cache_write)
            known = None if seat.bare else metadata
            self.tokens.append(TokenRow(uuid(rng), call.id, at, answer, *tokens, known))


def _booked(
    rng: Random, seat: Seat, call: Call, spent: Spent
) -> list[tuple[Spent, dict[str, Any]]]:
    """The rows of one response: a stream of Messages has two, and one if it never ended."""
    if not call.streamed or seat.offer.route != "messages":
        return [(spent, _metadata(seat, spent))]
    first = Spent(
        spent.input,
        rng.randint(1, 8),
        spent.cache_read,
        spent.cache_write,
        spent.hour_write,
        spent.reasoning,
    )
    final = max(spent.output, first.output)
    last = [(Spent(0, final), dict[str, Any]())] if call.ended_at else []
    return [(first, _metadata(seat, first)), *last]


def _interception(seat: Seat, call: Call) -> InterceptionRow:
    about = {"Username": seat.person.username}
    if seat.agent:
        about["request_user_agent"] = seat.agent
    mark = call.firewall or (None, None)
    return InterceptionRow(
        id=call.id,
        initiator_id=seat.person.id,
        provider=seat.offer.wire,
        model=seat.offer.model,
        started_at=call.started_at,
        ended_at=call.ended_at,
        session_id=seat.session_id or call.root or call.id,
        provider_name=seat.offer.provider_name,
        client=seat.client,
        metadata={} if seat.bare else about,
        thread_root_id=call.root,
        api_key_id=seat.api_key_id,
        credential_kind=seat.credential_kind,
        credential_hint=seat.credential_hint,
        error_type=call.error[0],
        error_message=call.error[1],
        agent_firewall_session_id=mark[0],
        agent_firewall_sequence_number=mark[1],
    )


def _metadata(seat: Seat, spent: Spent) -> dict[str, Any]:
    """Token metadata as the route writes it; older bridges repeat the caches (api-contract 4.7)."""
    match seat.offer.route:
        case "messages":
            mine = {
                "web_search_requests": spent.searches,
                "cache_ephemeral_1h_input": spent.hour_write,
                "cache_ephemeral_5m_input": spent.cache_write - spent.hour_write,
            }
            old = {
                "cache_read_input": spent.cache_read,
                "cache_creation_input": spent.cache_write,
            }
        case "responses":
            total = spent.input + spent.cache_read + spent.cache_write + spent.output
            mine = {"output_reasoning": spent.reasoning, "total_tokens": total}
            old = {"input_cached": spent.cache_read}
        case _:
            mine = {
                "prompt_audio": 0,
                "completion_accepted_prediction": 0,
                "completion_rejected_prediction": 0,
                "completion_audio": 0,
                "completion_reasoning": spent.reasoning,
            }
            old = {"prompt_cached": spent.cache_read}
    return mine | old if seat.legacy else mine


def _spread(call: Call, things: Sequence[T]) -> list[tuple[T, datetime]]:
    """Things of a call with the moments they were recorded at, all inside the call."""
    if call.ended_at is None:
        return [(thing, call.started_at) for thing in things]
    moments = times(len(things), call.ended_at - call.started_at)
    return [(thing, call.started_at + at) for thing, at in zip(things, moments, strict=True)]
