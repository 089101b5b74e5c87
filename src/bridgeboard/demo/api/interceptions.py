"""``GET /interceptions`` (api-contract 2.3, 5.2); servers up to v2.34 have it."""

from bisect import bisect_left
from typing import Any

from bridgeboard.demo.api import asking, http_answers
from bridgeboard.demo.api.asking import Ask
from bridgeboard.demo.api.index import POSITION
from bridgeboard.demo.records import InterceptionRow, PromptRow, TokenRow, ToolRow

_FAILURE = "Internal error getting AI Bridge interceptions."


def listing(ask: Ask) -> http_answers.Answer:
    """Answer one page, newest first; ``count`` ignores page and cursor."""
    page = asking.page(ask)
    asking.check_cursor(page.after_id, "after_id", page.offset)
    asking.check_limit(page.limit)
    filters = asking.search(ask, "interceptions", "Invalid workspace search query.", _FAILURE)
    rows = asking.hits(ask, filters)
    # Rows come oldest first, so what lies before the cursor is what the caller has not seen.
    end = bisect_left(rows, _position(ask, page.after_id), key=POSITION) if page.after_id else None
    results = [told(ask, row) for row in page.cut(rows[:end][::-1])]
    return http_answers.ok({"count": len(rows), "results": results})


def _position(ask: Ask, after_id: str) -> Any:
    row = ask.view.known.get(after_id) if ask.reads_all else None
    if row is None:
        raise lost("after_id", f"{after_id} not found")
    return POSITION(row)


def lost(name: str, trouble: str) -> http_answers.Refused:
    """Refuse a cursor; ``trouble`` is the interception and what is wrong with it."""
    detail = f"execute transaction: {name}: interception {trouble}: invalid pagination cursor"
    return http_answers.refuse(400, "Invalid pagination cursor.", detail)


def told(ask: Ask, row: InterceptionRow) -> dict[str, Any]:
    """Return one result object (api-contract 5.2), children sorted by their time."""
    index, stamp = ask.view.index, ask.stamp
    return {
        "id": row.id,
        "api_key_id": row.api_key_id,
        "initiator": ask.person(row.initiator_id),
        "provider": row.provider,
        "provider_name": asking.provider_name(row),
        "model": row.model,
        "client": row.client,
        "metadata": row.metadata,
        "started_at": stamp(row.started_at),
        "ended_at": None if row.ended_at is None else stamp(row.ended_at),
        "token_usages": [_token_usage(ask, t) for t in index.tokens.get(row.id, ())],
        "user_prompts": [_user_prompt(ask, p) for p in index.prompts.get(row.id, ())],
        "tool_usages": [_tool_usage(ask, t) for t in index.tools.get(row.id, ())],
    }


def _token_usage(ask: Ask, row: TokenRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "interception_id": row.interception_id,
        "provider_response_id": row.provider_response_id,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cache_read_input_tokens": row.cache_read_input_tokens,
        "cache_write_input_tokens": row.cache_write_input_tokens,
        "metadata": row.metadata,
        "created_at": ask.stamp(row.created_at),
    }


def _user_prompt(ask: Ask, row: PromptRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "interception_id": row.interception_id,
        "provider_response_id": row.provider_response_id,
        "prompt": row.prompt,
        "metadata": row.metadata,
        "created_at": ask.stamp(row.created_at),
    }


def _tool_usage(ask: Ask, row: ToolRow) -> dict[str, Any]:
    return tool_call(ask, row) | {"invocation_error": row.invocation_error}


def tool_call(ask: Ask, row: ToolRow) -> dict[str, Any]:
    """Return a tool call as the session detail tells it: without its invocation error."""
    return {
        "id": row.id,
        "interception_id": row.interception_id,
        "provider_response_id": row.provider_response_id,
        "server_url": row.server_url,
        "tool": row.tool,
        "injected": row.injected,
        "input": row.input,
        "metadata": row.metadata,
        "created_at": ask.stamp(row.created_at),
    }
