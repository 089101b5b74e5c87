"""Rows of interceptions that have everything."""

from typing import Any

from aibridge_wire import interception_row, uuid


def child(number: int, **told: Any) -> dict[str, Any]:
    return {
        "id": uuid(number),
        "interception_id": uuid(1),
        "provider_response_id": "r",
        "metadata": {},
        "created_at": "2026-05-01T10:00:05.123456Z",
    } | told


def whole_row(number: int = 1, **changes: Any) -> dict[str, Any]:
    """An interception with a child of each kind."""
    counts = {
        "input_tokens": 100,
        "output_tokens": 50,
        "cache_read_input_tokens": 20,
        "cache_write_input_tokens": 5,
    }
    tool = {
        "server_url": "",
        "tool": "read_file",
        "injected": False,
        "input": '{"path": "a.py"}',
        "invocation_error": "",
    }
    children = {
        "token_usages": [child(2, **counts, metadata={"service_tier": "flex"})],
        "user_prompts": [child(3, prompt="Why is the build red?")],
        "tool_usages": [child(4, **tool)],
    }
    return interception_row(number, **children | changes)
