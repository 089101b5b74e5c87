"""Small made-up companies whose every sum tells which requests are in it.

A request has twice as many input tokens as the one before it, so that a sum of input tokens is a
set of requests: whatever is answered can be taken apart again, and played off against all else.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa

from bridgeboard.model.dimensions import DIMENSIONS
from bridgeboard.model.metrics import METRICS
from bridgeboard.model.scope import Scope
from bridgeboard.queries.metric_query import Query, select, values
from bridgeboard.store import Reader, Store

MOST = 60
"""Requests of a company: a sum of all their tokens has as many bits as the database has for it."""
BEGAN = datetime(2026, 3, 2, tzinfo=UTC)
DAYS = 5
OFFERS = (
    ("anthropic", "anthropic", "anthropic", "opus", "priced"),
    ("anthropic", "anthropic", "anthropic", "haiku", "priced"),
    ("anthropic", "bedrock", "aws", "opus", "priced"),
    ("openai", "openai", "openai", "gpt", "priced"),
    ("copilot", "copilot", "github", "gpt", "notional"),
    ("openai", "vllm", None, "qwen", "unpriced"),
)
CLIENTS = ("Claude Code", "Codex", None, "Zed")
TEAMS = ("Platform", "Search", "Sales", None)
TOOLS = (("Bash", ""), ("Read", ""), ("search", "https://mcp.example.com"), ("odd", ""))
OVER = BEGAN + timedelta(days=DAYS)
SYNCED = {
    "run": 1,
    "began_at": (OVER + timedelta(hours=25)).replace(tzinfo=None),
    "ended_at": None,
    "generation": "interceptions",
    "outcome": "done",
    **dict.fromkeys(
        ("read_rows", "changed_rows", "sessions", "details", "quarantined", "requests"), 1
    ),
    "message": "",
}
"""A sync a day after the day after: all days are over, and have settled."""
LONG_AGO, LONG_AFTER = datetime(1900, 1, 1), datetime(3000, 1, 1)  # noqa: DTZ001 - as stored


@dataclass(frozen=True)
class Crowd:
    """The rows of each table; ``owners`` of each request, in their order, the person."""

    rows: dict[str, list[dict[str, Any]]]
    owners: tuple[int, ...]

    def store(self, path: Path) -> Store:
        opened = Store.open(path, threads=1)
        put(opened, self.rows)
        return opened


def put(opened: Store, rows: dict[str, list[dict[str, Any]]]) -> None:
    """Write rows into a store."""
    with opened.write() as batch:
        for name, told in rows.items():
            columns = batch.table(f"FROM {name} LIMIT 0").schema
            shape = pa.schema([columns.field(each) for each in (told or [{}])[0]])
            with batch.registered(given=pa.Table.from_pylist(told, shape)):
                batch.execute(f"INSERT INTO {name} BY NAME SELECT * FROM given")


def crowd(seed: int) -> Crowd:
    """A company of a few people who do not do all the same."""
    dice = Random(seed)  # noqa: S311 - a seed of a test
    people = range(1, dice.randint(3, 12) + 1)
    likes = {person: dice.choices(range(len(OFFERS)), (8, 4, 2, 5, 2, 1), k=2) for person in people}
    tools = {person: dice.choices(CLIENTS, (6, 4, 2, 1), k=2) for person in people}
    requests = [
        _request(dice, number, person, likes[person], tools[person])
        for number, person in enumerate(sorted(dice.choices(people, k=dice.randint(20, MOST))))
    ]
    calls = [call for each in requests for call in _calls(dice, each)]
    rows = {
        "initiators": [
            {"initiator": each, "id": str(_id(each)), "username": f"Person{each}", "name": ""}
            for each in people
        ],
        "memberships": [one for each in people for one in _member(dice, each)],
        "usage": requests,
        "tool_calls": calls,
        "sessions": [_session(dice, each) for each in requests[::3]],
        "runs": [SYNCED],
    }
    return Crowd(rows, tuple(each["initiator"] for each in requests))


def _id(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012}"


def _request(
    dice: Random, number: int, person: int, offers: Sequence[int], clients: Sequence[Any]
) -> dict[str, Any]:
    provider, name, vendor, model, status = OFFERS[dice.choice(offers)]
    at = BEGAN + timedelta(days=dice.randrange(DAYS), seconds=dice.randrange(86_400))
    is_own = dice.random() < 0.1
    tokens = dict.fromkeys(("output", "cache_read", "cache_write"), 0)
    known = None if status == "unpriced" else 7
    return {
        "usage": number + 1,
        "id": _id(number),
        "grain": "action" if dice.random() < 0.1 else "interception",
        "started_at": at.replace(tzinfo=None),
        "ended_at": at.replace(tzinfo=None) + timedelta(seconds=dice.randrange(1, 90)),
        "initiator": person,
        "provider": provider,
        "provider_name": name,
        "vendor": vendor,
        "model": model,
        "client": dice.choice(clients),
        "credential_kind": "byok" if is_own else "centralized",
        "session": number // 3,
        "thread": None,
        "threads": 0,
        "requests": 1,
        "responses": 1,
        "prompts": 1,
        "tool_calls": dice.randrange(4),
        "injected": 0,
        "tool_errors": 0,
        "input": 1 << number,
        **tokens,
        "input_sum": 1 << number,
        **{f"{each}_sum": 0 for each in tokens},
        "priced_tokens": 0 if known is None else 1 << number,
        "cost": known and (0 if is_own else known),
        "shadow_cost": known and (known if is_own else 0),
        "cache_saving": known and 0,
        "status": "notional" if is_own and known else status,
        "digest": number,
    }


def _calls(dice: Random, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    names = ("usage", "started_at", "grain", "initiator", "provider", "model", "client", "session")
    for ordinal in range(request["tool_calls"]):
        tool, server = dice.choices(TOOLS, (6, 4, 2, 1))[0]
        yield {
            **{name: request[name] for name in names},
            "ordinal": ordinal,
            "called_at": request["started_at"],
            "tool": tool,
            "server_url": server,
            "injected": bool(server),
            "failed": dice.random() < 0.2,
            "input_hash": 1,
        }


def _session(dice: Random, request: dict[str, Any]) -> dict[str, Any]:
    sums = ("input_sum", "output_sum", "cache_read_sum", "cache_write_sum", "digest")
    sums = (*sums, "detailed_digest")
    return {
        "session": request["session"],
        "id": f"s-{request['session']}",
        "initiator": request["initiator"],
        "client": request["client"],
        "providers": [request["provider"]],
        "models": [request["model"]],
        "started_at": request["started_at"],
        **dict.fromkeys(sums, 0),
        "listed_at": request["started_at"],
        "detailed_at": request["started_at"] if dice.random() < 0.8 else None,
    }


def _member(dice: Random, person: int) -> Iterator[dict[str, Any]]:
    """Most are in one team all the time; some change it, and some are in none."""
    team = dice.choices(TEAMS, (4, 3, 2, 1))[0]
    moves_at = BEGAN + timedelta(days=dice.randrange(1, DAYS), hours=dice.randrange(24))
    moved = moves_at.replace(tzinfo=None)
    spans = [(team, LONG_AGO, LONG_AFTER)]
    if dice.random() < 0.2:
        spans = [(team, LONG_AGO, moved), (dice.choice(TEAMS), moved, LONG_AFTER)]
    for each, since, until in spans:
        if each is not None:
            yield {
                "username": f"person{person}",
                "team": each,
                "valid_from": since,
                "valid_to": until,
            }


def questions(reader: Reader, seed: int) -> Iterator[Query]:
    """Input tokens by everything, in stretches of time, whole days or not, and with filters."""
    dice = Random(seed)  # noqa: S311 - likewise
    whole = Scope(BEGAN, OVER)
    ends = sorted(dice.random() for _ in range(2))
    part = Scope(*(BEGAN + end * (OVER - BEGAN) for end in ends), "Asia/Kathmandu")
    number = METRICS["input_tokens"]
    names = [name for name, one in DIMENSIONS.items() if not one.time and number.splits(one)]
    for scope in (whole, part, Scope(BEGAN, BEGAN + timedelta(hours=30))):
        for by in ((), ("hour",), *((name,) for name in names)):
            yield select(("input_tokens",), by, scope)
            yield select(("input_tokens",), by, scope.only("weekday_hour", *map(str, range(12))))
    for pair in (*combinations(names, 2), *(("day", name) for name in names)):
        yield select(("input_tokens",), pair, whole)
    for name, one in DIMENSIONS.items():
        told = [] if one.time else reader.rows(*values(name, whole))
        for scope in (each for value, _ in told for each in _filtered(whole, name, str(value))):
            yield select(("input_tokens",), ("day",), scope)
    yield select(("input_tokens",), ("team",), whole.only("client", "Codex").only("model", "opus"))


def _filtered(scope: Scope, name: str, value: str) -> tuple[Scope, Scope]:
    return scope.only(name, value), scope.without(name, value)


def sums(reader: Reader, seed: int) -> set[int]:
    """All that comes of these questions, each a set of requests."""
    rows = (row for query in questions(reader, seed) for row in reader.rows(*query))
    return {int(row[-1] or 0) for row in rows} - {0}


def vectors(found: set[int]) -> np.ndarray[Any, Any]:
    """Sums as rows of ones and zeros: whether each request is in it."""
    return np.array(
        [[one >> number & 1 for number in range(MOST)] for one in sorted(found)], dtype=float
    ).reshape(-1, MOST)


def exposed(found: set[int], owners: Sequence[int], floor: int) -> list[tuple[int, ...]]:
    """Sets of fewer than ``floor`` people of whom some combination of sums tells.

    Any combination at all: it is about these people only if it leaves out everybody else's
    requests, and something is left of it. There is such a combination just if fewer of the sums
    are independent once these people's requests are taken out of them.
    """
    told = vectors(found)
    rank = np.linalg.matrix_rank(told) if told.size else 0
    people = sorted(set(owners))
    columns = {each: [n for n, owner in enumerate(owners) if owner == each] for each in people}
    bad = []
    for few in combinations(people, min(floor - 1, len(people))):
        without = np.delete(told, [n for each in few for n in columns[each]], axis=1)
        if told.size and np.linalg.matrix_rank(without) < rank:
            bad.append(few)
    return bad
