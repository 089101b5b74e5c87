"""Whole demo worlds in stores, priced with the embedded prices, as a sync would leave them.

What the sync takes days of pages for is done at once: rows are translated and written by the
product's own rooms; sessions, threads and credentials are told from the world itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec
import pyarrow as pa
import stores_of_the_run
import truth

from aibridge.bulk import (
    BulkInitiator,
    BulkInterception,
    BulkPrompt,
    BulkTokenUsage,
    BulkToolUsage,
)
from bridgeboard.analysis.radar.finding import Finding
from bridgeboard.demo.records import InterceptionRow, Tables
from bridgeboard.demo.world import Incident, World, make
from bridgeboard.pricing import Book
from bridgeboard.store import Batch, Store, interceptions, request_links
from bridgeboard.sync import translate

PLANTED_SEED: Final = 8
PLANTED_END: Final = datetime(2026, 11, 16, tzinfo=UTC)
"""Of the quarter that the tests of the radar look at."""
MEMBERS_SINCE: Final = datetime(1900, 1, 1)  # noqa: DTZ001 - the store's times have no zone
MEMBERS_UNTIL: Final = datetime(3000, 1, 1)  # noqa: DTZ001 - likewise

_SESSIONS: Final = """
    INSERT INTO sessions BY NAME
    WITH named AS (
        SELECT t.session_id AS id, u.* FROM usage u JOIN told t ON u.id = t.id::UUID)
    SELECT row_number() OVER (ORDER BY min(started_at), id, initiator) AS session, id, initiator,
        any_value(client) AS client, list_sort(list(DISTINCT provider)) AS providers,
        list_sort(list(DISTINCT model)) AS models, min(started_at) AS started_at,
        max(ended_at) AS ended_at, sum(input_sum) AS input_sum, sum(output_sum) AS output_sum,
        sum(cache_read_sum) AS cache_read_sum, sum(cache_write_sum) AS cache_write_sum,
        max(ended_at) AS listed_at, 0 AS digest, max(ended_at) AS detailed_at, 0 AS detailed_digest
    FROM named GROUP BY id, initiator"""
_LINKS: Final = """
    SELECT u.usage, u.started_at, s.session, t.thread, t.threads, t.credential_kind
    FROM usage u JOIN told t ON u.id = t.id::UUID
    JOIN sessions s ON s.id = t.session_id AND s.initiator = u.initiator"""


def fill(store: Store, world: World, *, teams: bool = True) -> None:
    """Write all finished requests of a world into an empty store."""
    rows = truth.finished(world.tables)
    told = translate.interception_tables(
        _bulk(world, rows), list(range(len(rows))), Book(), text=False
    )
    with store.write() as batch:
        interceptions.put(batch, told)
        _link(batch, rows)
        if teams:
            _assign(batch, world.teams)


def filled(path: Path, world: World, *, threads: int = 1) -> Store:
    """A new store file with a world in it, open."""
    store = Store.open(path, threads=threads)
    fill(store, world)
    return store


def planted(path: Path) -> tuple[Store, World]:
    """An open store with a whole quarter, and its world without what was recorded of requests."""
    store = Store.open(stores_of_the_run.copy("planted", _fill_planted, path), threads=1)
    world = stores_of_the_run.value("planted world", _planted_people)
    _planted.cache_clear()
    return store, world


@cache
def _planted() -> World:
    return make(PLANTED_SEED, end=PLANTED_END)


def _fill_planted(store: Store) -> None:
    fill(store, _planted())


def _planted_people() -> World:
    return replace(_planted(), tables=Tables(_planted().tables.people))


def _link(batch: Batch, rows: Sequence[InterceptionRow]) -> None:
    told = pa.Table.from_pylist(
        [
            {
                "id": row.id,
                "session_id": row.session_id,
                "thread": row.thread_root_id or row.id,
                "threads": int(row.thread_root_id is None),
                "credential_kind": row.credential_kind,
            }
            for row in rows
        ]
    )
    with batch.registered(told=told):
        batch.execute(_SESSIONS)
        found = batch.table(_LINKS).cast(request_links.LINK)
    request_links.apply(batch, found)


def _assign(batch: Batch, teams: Mapping[str, Sequence[str]]) -> None:
    members = [
        {
            "username": name.lower(),
            "team": team,
            "valid_from": MEMBERS_SINCE,
            "valid_to": MEMBERS_UNTIL,
        }
        for team, names in teams.items()
        for name in names
    ]
    with batch.registered(members=pa.Table.from_pylist(members)):
        batch.execute("INSERT INTO memberships BY NAME SELECT * FROM members")


def _bulk(world: World, rows: Sequence[InterceptionRow]) -> list[BulkInterception]:
    people = {
        one.id: BulkInitiator(UUID(one.id), one.username, one.name) for one in world.tables.people
    }
    tokens, prompts, tools = (
        _grouped(table) for table in (world.tables.tokens, world.tables.prompts, world.tables.tools)
    )
    return [
        BulkInterception(
            id=UUID(row.id),
            initiator=people[row.initiator_id],
            provider=row.provider,
            provider_name=row.provider_name,
            model=row.model,
            started_at=row.started_at,
            token_usages=[_token(one) for one in tokens[row.id]],
            user_prompts=[_prompt(one) for one in prompts[row.id]],
            tool_usages=[_tool(one) for one in tools[row.id]],
            api_key_id=row.api_key_id,
            client=row.client,
            ended_at=row.ended_at,
        )
        for row in rows
    ]


def _grouped(table: Sequence[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for record in table:
        found[record.interception_id].append(record)
    return found


def _token(row: Any) -> BulkTokenUsage:
    return BulkTokenUsage(
        id=UUID(row.id),
        interception_id=UUID(row.interception_id),
        provider_response_id=row.provider_response_id,
        input_tokens=row.input_tokens,
        output_tokens=row.output_tokens,
        cache_read_input_tokens=row.cache_read_input_tokens,
        cache_write_input_tokens=row.cache_write_input_tokens,
        created_at=row.created_at.astimezone(UTC),
        metadata=msgspec.Raw(msgspec.json.encode(row.metadata or {})),
    )


def _prompt(row: Any) -> BulkPrompt:
    return BulkPrompt(
        id=UUID(row.id),
        interception_id=UUID(row.interception_id),
        provider_response_id=row.provider_response_id,
        prompt=row.prompt,
        created_at=row.created_at,
    )


def _tool(row: Any) -> BulkToolUsage:
    return BulkToolUsage(
        id=UUID(row.id),
        interception_id=UUID(row.interception_id),
        provider_response_id=row.provider_response_id,
        server_url=row.server_url,
        tool=row.tool,
        injected=row.injected,
        input=row.input,
        invocation_error=row.invocation_error,
        created_at=row.created_at,
    )


def found(incident: Incident, findings: Iterable[Finding], people: Mapping[str, str]) -> bool:
    """Whether a finding of an incident's kind is about it and overlaps it in time.

    ``people`` is id → user name. A spike of a team is found by the team's name or by that of a
    member who had a part in it; own keys are found if everybody who has one is told.
    """
    near = [
        one for one in findings if one.kind == incident.kind and is_about(one, incident, people)
    ]
    if incident.kind == "credential_drift":
        told = {one.subject.name for one in near}
        return {people[each] for each in incident.person_ids} <= told
    return bool(near)


def is_about(finding: Finding, incident: Incident, people: Mapping[str, str]) -> bool:
    """Whether a finding, of whatever kind, is about an incident's subject and overlaps it."""
    if finding.first_at >= incident.ended_at or finding.last_at < incident.started_at:
        return False
    ref = finding.subject.session
    if ref:
        return ref.id in incident.session_ids and ref.initiator_id in incident.person_ids
    if finding.subject.about == "initiator":
        return finding.subject.name in {people[each] for each in incident.person_ids}
    servers = dict(finding.evidence.scope.include).get("server", ())
    return incident.subject in {finding.subject.name, *servers}
