"""Small bridges built by hand: people, calls and what hangs on them, in minutes around ``NOW``."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from bridgeboard.demo.api import Answer, Bridge, Switches
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

NOW = datetime(2026, 5, 20, 12, 0, tzinfo=UTC)
PREFIX = "/api/v2/aibridge"
UNLIMITED = Switches(rate_limit=None)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def wire_time(minutes: float) -> str:
    return at(minutes).isoformat().replace("+00:00", "Z")


def token(person: Person) -> str:
    return f"{person.username:0<10.10}-{person.username:x<22.22}"


@dataclass(frozen=True)
class Reply:
    status: int
    json: Any
    text: str
    answer: Answer


@dataclass
class Book:
    """Raw tables in the making; the first three people are owner, auditor and member."""

    people: list[Person] = field(default_factory=list)
    providers: list[Provider] = field(default_factory=list)
    calls: list[InterceptionRow] = field(default_factory=list)
    tokens: list[TokenRow] = field(default_factory=list)
    prompts: list[PromptRow] = field(default_factory=list)
    tools: list[ToolRow] = field(default_factory=list)
    thoughts: list[ThoughtRow] = field(default_factory=list)
    logs: list[FirewallLog] = field(default_factory=list)
    _last_id: int = 0

    def __post_init__(self) -> None:
        self.owner = self.person("owner", role="owner")
        self.auditor = self.person("auditor", role="auditor")
        self.member = self.person("member")

    def id(self) -> str:
        self._last_id += 1
        return f"00000000-0000-4000-8000-{self._last_id:012d}"

    def person(self, username: str, **more: Any) -> Person:
        self.people.append(Person(self.id(), username, **more))
        return self.people[-1]

    def call(
        self,
        start: float = 0,
        *,
        who: Person | None = None,
        lasts: float | None = 1,
        session: str | None = None,
        root: InterceptionRow | None = None,
        model: str = "claude-4",
        provider: str = "anthropic",
        tokens: Iterable[tuple[int, ...]] = (),
        prompts: Iterable[tuple[float, str]] = (),
        tools: Iterable[str] = (),
        thoughts: Iterable[str] = (),
        **more: Any,
    ) -> InterceptionRow:
        """Add a call; ``lasts`` None leaves it unfinished, ``root`` makes it a child."""
        own = more.pop("id", None) or self.id()
        row = InterceptionRow(
            id=own,
            initiator_id=(who or self.owner).id,
            provider=provider,
            model=model,
            started_at=at(start),
            ended_at=None if lasts is None else at(start + lasts),
            session_id=session or (root.session_id if root else own),
            thread_root_id=root.id if root else None,
            **more,
        )
        self.calls.append(row)
        for counts in tokens:
            self.token_row(row, *counts)
        for when, text in prompts:
            self.prompts.append(PromptRow(self.id(), own, at(when), text))
        for second, tool in enumerate(tools):
            self.tools.append(ToolRow(self.id(), own, at(start + (second + 1) / 60), tool))
        for second, text in enumerate(thoughts):
            self.thoughts.append(ThoughtRow(self.id(), own, at(start + second / 60), text))
        return row

    def token_row(
        self, row: InterceptionRow, *counts: int, metadata: dict[str, Any] | None = None
    ) -> None:
        columns = (*counts, 0, 0, 0, 0)[:4]
        self.tokens.append(
            TokenRow(self.id(), row.id, row.started_at, "resp", *columns, metadata=metadata)
        )

    def tables(self) -> Tables:
        return Tables(
            people=tuple(self.people),
            providers=tuple(self.providers),
            interceptions=tuple(self.calls),
            tokens=tuple(self.tokens),
            prompts=tuple(self.prompts),
            tools=tuple(self.tools),
            thoughts=tuple(self.thoughts),
            firewall_logs=tuple(self.logs),
        )

    def bridge(self, *, switches: Switches = UNLIMITED, **more: Any) -> Bridge:
        keys = {token(person): person.id for person in self.people}
        more = {"tokens": keys, "wall": lambda: NOW} | more
        return Bridge(self.tables(), switches=switches, **more)

    def ask(self, path: str, who: Person | None = None, **params: Any) -> Reply:
        """Ask a fresh v2.34 bridge over these tables; a None parameter is left out."""
        return ask(self.bridge(), path, who or self.owner, **params)


def ask(bridge: Bridge, path: str, who: Person, *, prefix: str = PREFIX, **params: Any) -> Reply:
    query = urlencode({name: value for name, value in params.items() if value is not None})
    return send(bridge, prefix + path, query, {"Coder-Session-Token": token(who)})


def send(
    bridge: Bridge,
    path: str,
    query: str = "",
    headers: Any = (),
    method: str = "GET",
) -> Reply:
    answer = bridge.answer(method, path, query, headers)
    text = answer.body.decode()
    is_json = (answer.header("Content-Type") or "").startswith("application/json")
    return Reply(answer.status, json.loads(text) if is_json else None, text, answer)


def session_path(session_id: str) -> str:
    return "/sessions/" + quote(session_id, safe="")


def ids(reply: Reply) -> list[str]:
    """The ids of whatever a reply lists."""
    for name in ("sessions", "results", "threads"):
        if name in reply.json:
            return [row["id"] for row in reply.json[name]]
    raise AssertionError(reply.text)


def validation(reply: Reply) -> tuple[str, str]:
    """The one validation of a 400."""
    assert reply.status == 400, reply.text
    (only,) = reply.json["validations"]
    return only["field"], only["detail"]


def with_switches(**named: Any) -> Switches:
    return replace(UNLIMITED, **named)
