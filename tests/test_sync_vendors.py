"""What the server says of its provider instances: read, kept with its date, and priced by."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bridge_transport
import demo_sync
import pytest
from small_bridges import PREFIX, Book, ask, send, token

from aibridge import AsyncClient, Client, ForbiddenError, Provider
from bridgeboard import pricing, sync
from bridgeboard.demo import api
from bridgeboard.demo.records import Provider as Configured
from bridgeboard.pricing import said
from bridgeboard.store import Store
from bridgeboard.sync import vendors

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC)
SECRET = "pass-word"
INSTANCES = [
    Configured("openai", "openai", "OpenAI", base_url="https://api.groq.com/openai/v1"),
    Configured("gpus", "openai-compat", base_url=f"http://me:{SECRET}@gpu.example:8000/v1"),
    Configured("old", "azure", deleted=True, base_url="https://old.example"),
]


@pytest.fixture
def book() -> Book:
    return Book(providers=list(INSTANCES))


def test_only_an_owner_reads_the_configured_providers(book: Book) -> None:
    asked = [ask(book.bridge(), "/ai/providers", who, prefix="/api/v2") for who in book.people]
    assert [reply.status for reply in asked] == [200, 403, 403]
    assert send(book.bridge(), "/api/v2/ai/providers").status == 401
    assert [each["name"] for each in asked[0].json] == ["gpus", "openai"]
    assert asked[0].json[1] | {"id": "", "created_at": "", "updated_at": ""} == {
        "id": "",
        "type": "openai",
        "name": "openai",
        "display_name": "OpenAI",
        "enabled": True,
        "base_url": "https://api.groq.com/openai/v1",
        "api_keys": [],
        "settings": None,
        "created_at": "",
        "updated_at": "",
    }
    assert asked[1].json["message"] == "Forbidden."
    unlicensed = book.bridge(switches=api.Switches(licensed=False, rate_limit=None))
    assert ask(unlicensed, "/ai/providers", book.owner, prefix="/api/v2").status == 200


def test_a_newer_server_tells_names_and_types_to_auditors_and_of_deleted_ones_too(
    book: Book,
) -> None:
    newer = book.bridge(profile="newer")
    prefix = "/api/v2/ai-gateway"
    asked = [ask(newer, "/providers", who, prefix=prefix) for who in book.people]
    assert [reply.status for reply in asked] == [200, 200, 404]
    assert [each["name"] for each in asked[1].json] == ["gpus", "old", "openai"]
    assert ask(book.bridge(), "/providers", book.owner, prefix=PREFIX).status == 400


def told(profile: api.Profile, role: str, kind: str) -> tuple[Provider, ...]:
    made = Book(providers=list(INSTANCES))
    transport = bridge_transport.Transport(made.bridge(profile=profile))
    key = token(getattr(made, role))
    if kind == "sync":
        with Client("http://bridge", key, transport=transport) as client:
            return client.providers()

    async def waiting() -> tuple[Provider, ...]:
        async with AsyncClient("http://bridge", key, transport=transport) as client:
            return await client.providers()

    return asyncio.run(waiting())


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_the_sdk_reads_both_lists_and_no_credential(kind: str) -> None:
    assert {each.name: each.base_url for each in told("v2.34", "owner", kind)} == {
        "gpus": "http://gpu.example:8000/v1",
        "openai": "https://api.groq.com/openai/v1",
    }
    newer = told("newer", "owner", kind)
    assert {each.name: each.type for each in newer}["old"] == "azure"
    assert SECRET not in repr(newer)
    assert {each.base_url for each in told("newer", "auditor", kind)} == {None}
    for profile in ("v2.34", "v2.35"):
        with pytest.raises(ForbiddenError):
            told(profile, "auditor", kind)


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://a:b@host/v1", "https://host/v1"),
        ("https://a:b/c@d@host/v1", "https://host/v1"),
        ("a:b@host", "host"),
        ("https://host/v1", "https://host/v1"),
    ],
)
def test_an_address_is_read_without_its_credentials(url: str, kept: str) -> None:
    assert Provider(name="n", type="openai", base_url=url).base_url == kept


def _said(
    *instances: Provider, before: tuple[pricing.VendorStatement, ...] = ()
) -> tuple[pricing.VendorStatement, ...]:
    return vendors.merged(before, instances, NOW)


def test_what_is_said_first_was_always_so_and_a_change_holds_from_its_day() -> None:
    groq = Provider(name="OpenAI", type="openai", base_url="https://api.groq.com/openai/v1")
    moved = Provider(name="openai", type="openai", base_url="https://api.openai.com/v1")
    first = _said(groq)
    assert [(one.provider_name, one.vendor, one.since) for one in first] == [
        ("openai", "groq", None)
    ]
    assert _said(groq, before=first) == first
    later = _said(moved, before=first)
    assert [(one.vendor, one.host, one.since) for one in later] == [
        ("groq", "api.groq.com", None),
        ("openai", "api.openai.com", NOW),
    ]


def test_a_type_without_an_address_says_nothing_unless_it_has_one_vendor() -> None:
    said = _said(Provider(name="a", type="openai"), Provider(name="b", type="bedrock"))
    assert [(one.provider_name, one.vendor) for one in said] == [("b", "aws")]


def test_a_sync_prices_by_what_the_server_says_and_reprices_when_it_changes(
    tmp_path: Path,
) -> None:
    tables = demo_sync.latest(40)
    with demo_sync.opened(tmp_path) as store:
        demo_sync.run(store, demo_sync.bridge(tables))
        heard = said(store)
        assert {one.provider_name for one in heard} == {
            each.name for each in tables.providers if not each.deleted
        }
        assert "not-a-real-key" not in json.dumps(store.rows("SELECT * FROM meta"))
        before = _vendors(store)
        moved = [
            Configured(each.name, "openai-compat", base_url="http://gpu.example/v1")
            for each in tables.providers
        ]
        later = demo_sync.NOW + timedelta(minutes=5)
        changed = demo_sync.bridge(replace(tables, providers=moved), wall=lambda: later)
        demo_sync.run(store, changed, now=later)
        assert _vendors(store) == before, "what was used before the change keeps its vendor"
        assert {one.vendor for one in said(store) if one.since} == {""}


def test_an_auditors_token_learns_nothing_and_that_is_no_error(tmp_path: Path) -> None:
    tables = demo_sync.latest(5)
    served = demo_sync.bridge(tables)
    key = api.tokens(tables, 1)["auditor"]
    with (
        demo_sync.opened(tmp_path) as store,
        Client(demo_sync.ADDRESS, key, transport=bridge_transport.Transport(served)) as asking,
    ):
        list(sync.run(asking, store, sync.Options(), demo_sync.NOW))
        assert said(store) == ()


def _vendors(store: Store) -> list[tuple[object, ...]]:
    return store.rows("SELECT id, vendor, cost FROM usage ORDER BY id")
