import ast
import inspect
import re
import runpy
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from aibridge_wire import (
    ALICE,
    OLD,
    TOKEN,
    TOKENS,
    answer,
    buildinfo,
    detail,
    interception_row,
    session_row,
    thread_row,
    uuid,
)

import aibridge
from aibridge import AsyncClient, Client, group_models, models

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))


def public(kind: type) -> dict[str, inspect.Signature]:
    own = [each for each in kind.__mro__ if each.__module__.startswith("aibridge.")]
    names = [name for each in own for name in vars(each) if not name.startswith("_")]
    return {name: inspect.signature(getattr(kind, name)) for name in [*names, "__init__"]}


def shape(signature: inspect.Signature) -> list[tuple[str, Any, Any]]:
    return [(each.name, each.kind, each.default) for each in signature.parameters.values()]


def returned(signature: inspect.Signature) -> str:
    return str(signature.return_annotation).replace("AsyncIterator", "Iterator")


def test_both_clients_have_the_same_methods_in_the_same_order() -> None:
    assert list(public(Client)) == list(public(AsyncClient))


@pytest.mark.parametrize("name", list(public(Client)))
def test_both_clients_take_and_give_the_same(name: str) -> None:
    sync, waiting = public(Client)[name], public(AsyncClient)[name]
    assert shape(sync) == shape(waiting)
    assert returned(sync) == returned(waiting)


def test_the_methods_are_those_that_others_build_on() -> None:
    assert set(public(Client)) == {
        "__init__", "buildinfo", "capabilities", "clients", "clock_offset", "close",
        "cost_control", "entitlements", "group", "group_budget", "group_members",
        "group_members_spend", "groups", "groups_spend", "interceptions", "interceptions_bulk",
        "interceptions_page", "me", "models", "organizations", "providers", "session", "sessions",
        "sessions_page", "threads", "user_budget", "user_spend",
    }  # fmt: skip  # one list, not sixteen lines


def test_what_is_fetched_is_awaited_and_what_iterates_is_not() -> None:
    iterating = {"interceptions", "sessions", "threads"}
    known = {"__init__", "clock_offset"}
    for name in set(public(AsyncClient)) - known:
        is_awaited = inspect.iscoroutinefunction(getattr(AsyncClient, name))
        assert is_awaited is (name not in iterating)


def test_all_is_sorted_and_holds_every_public_name() -> None:
    tree = ast.parse((ROOT / "src/aibridge/__init__.py").read_text())
    imported = {
        alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert aibridge.__all__ == sorted(aibridge.__all__)
    assert set(aibridge.__all__) == imported
    assert all(getattr(aibridge, name).__doc__ for name in aibridge.__all__)


def test_every_error_and_every_noun_can_be_imported_from_the_top() -> None:
    for module in (aibridge.errors, group_models, models):
        for name, value in vars(module).items():
            is_own = inspect.isclass(value) and value.__module__ == module.__name__
            assert not is_own or name in aibridge.__all__ or name == "Record"


def test_nothing_but_httpx_msgspec_and_pydantic_is_needed() -> None:
    allowed = {"aibridge", "httpx", "httpx_retries", "msgspec", "pydantic"}
    stdlib = sys.stdlib_module_names
    for path in (ROOT / "src/aibridge").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            roots = {name.partition(".")[0] for name in names}
            assert roots <= allowed | stdlib, path


def action() -> dict[str, Any]:
    call = {
        "id": uuid(7),
        "interception_id": uuid(1),
        "provider_response_id": "r",
        "server_url": "",
        "tool": "read_file",
        "injected": False,
        "input": '{"path": "a.py"}',
        "metadata": None,
        "created_at": "2026-05-01T10:00:05Z",
    }
    usage = TOKENS | {"metadata": {}}
    return {
        "model": "m",
        "token_usage": usage,
        "thinking": [{"text": "Hm."}],
        "tool_calls": [call],
    }


def deployment(request: httpx.Request) -> httpx.Response:
    path = request.url.path
    if request.headers["Coder-Session-Token"] != TOKEN:
        return answer({"message": "You are signed out."}, 401)
    everyone = {
        "id": uuid(8),
        "name": "Everyone",
        "organization_id": uuid(8),
        "total_member_count": 2,
    }
    said: dict[str, Any] = {
        "/api/v2/buildinfo": buildinfo(),
        "/api/v2/entitlements": {
            "features": {"aibridge": {"entitlement": "entitled", "enabled": True}}
        },
        "/api/v2/users/me": {"id": ALICE, "username": "alice", "roles": [{"name": "auditor"}]},
        f"{OLD}/sessions": {"count": 1, "sessions": [session_row("s1")]},
        f"{OLD}/sessions/s1": detail([thread_row(1, agentic_actions=[action()])]),
        f"{OLD}/interceptions": {"count": 1, "results": [interception_row(1)]},
        f"{OLD}/models": ["claude-opus-4"],
        "/api/v2/organizations": [],
        "/api/v2/groups": [everyone],
        f"/api/v2/groups/{uuid(8)}/ai/budget": {
            "group_id": uuid(8),
            "spend_limit_micros": 5_000_000,
            "created_at": "2026-05-01T10:00:00Z",
            "updated_at": "2026-05-01T10:00:00Z",
        },
        "/api/v2/users/me/ai/spend": {
            "user_id": ALICE,
            "effective_budget": None,
            "period_start": "2026-05-01T00:00:00Z",
            "period_end": "2026-06-01T00:00:00Z",
            "current_spend_micros": 1_234_567,
        },
    }
    missing = answer({"message": "Session not found."}, 404)
    return answer(said[path]) if path in said else missing


@pytest.fixture
def coder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deployment behind the variables that examples and docs read."""

    def wired(kind: type) -> Any:
        transport = httpx.MockTransport(deployment)
        return lambda *given, **options: kind(*given, **options | {"transport": transport})

    monkeypatch.setenv("CODER_URL", "https://coder.example.com")
    monkeypatch.setenv("CODER_SESSION_TOKEN", TOKEN)
    monkeypatch.setattr(aibridge, "Client", wired(Client))
    monkeypatch.setattr(aibridge, "AsyncClient", wired(AsyncClient))
    monkeypatch.setattr("sys.argv", ["example"])


@pytest.mark.usefixtures("coder")
def test_the_code_of_the_sdk_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/sdk.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 6
    exec(compile("\n".join(blocks), "docs/sdk.md", "exec"), {})  # noqa: S102  # our own page
    assert capsys.readouterr().out.splitlines() == [
        "ready",
        "alice 175",
        "   Why is the build red?",
        "1 of 1, 0 unreadable",
        "404 Session not found.",
        "1 of 1 rows are new, 1 in all",
        "0 of 1 rows are new, the oldest of 10:00",
        "None",
        "Everyone 2 5000000",
        "1234567 None",
        "('claude-opus-4',)",
        "['s1']",
    ]


EXPECTED = {
    "capabilities.py": "All is well.",
    "list_sessions.py": "alice                         175  claude-opus-4",
    "walk_session.py": '    read_file  {"path": "a.py"}',
}


def test_every_example_is_run_here() -> None:
    assert [path.name for path in EXAMPLES] == sorted(EXPECTED)


@pytest.mark.usefixtures("coder")
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_runs(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(path))
    assert EXPECTED[path.name] in capsys.readouterr().out


@pytest.mark.usefixtures("coder")
def test_an_example_tells_an_error_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODER_SESSION_TOKEN", "wrong")
    with pytest.raises(SystemExit, match="coder tokens create"):
        runpy.run_path(str(ROOT / "examples/capabilities.py"))
