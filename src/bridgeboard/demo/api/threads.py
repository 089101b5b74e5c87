"""``GET /sessions/{id}``: one session and a page of its threads (api-contract 2.5, 4.4-4.7)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridgeboard.demo.api import asking, golang, http_answers
from bridgeboard.demo.api.asking import Ask
from bridgeboard.demo.api.index import POSITION, Rows, by_session, tally
from bridgeboard.demo.api.lists import ACTIVITY, group, lost, readable, tool_call
from bridgeboard.demo.records import InterceptionRow, TokenRow

DEFAULT_LIMIT = 50
LARGEST_LIMIT = 200
LIT_THREADS = 50
"""How many of a session's threads have their token rows loaded (the defect of 4.6)."""

_LONGEST_HINT = 15  # bytes
_BOTH = "Cannot use both after_id and before_id in the same request."


@dataclass(frozen=True, slots=True)
class Thread:
    """A root and all finished rows of the session that name it, oldest first; lit: see 4.6."""

    root: InterceptionRow
    rows: Rows
    lit: bool

    def tokens(self, ask: Ask, rows: Iterable[InterceptionRow]) -> list[TokenRow]:
        """Return the token rows the server has loaded for ``rows`` of this thread."""
        stored = ask.view.index.tokens
        return [token for row in rows for token in stored.get(row.id, ())] if self.lit else []


def detail(ask: Ask, session_id: str) -> http_answers.Answer:
    """Answer one session; its threads are those of all initiators who share the id."""
    after = _cursor(ask, "after_id")
    before = _cursor(ask, "before_id")
    if after and before:
        raise http_answers.refuse(400, _BOTH)
    limit = _limit(ask)
    asking.check_text("Internal error fetching session.", [session_id])
    rows = ask.view.sessions.get(session_id, ()) if ask.reads_all else ()
    if not rows:
        raise http_answers.refuse(404, "Session not found.")
    threads = _threads(rows)
    page = _page(ask, session_id, threads, after, before)[:limit]
    fields = _header(ask, rows, threads)
    if page:
        fields |= _bounds(ask, "page_", [row for thread in page for row in thread.rows])
    return http_answers.ok(fields | {"threads": [_thread(ask, thread) for thread in page]})


def _cursor(ask: Ask, name: str) -> str | None:
    text = ask.first(name)
    try:
        cursor = golang.uuid(text) if text else golang.NIL_UUID
    except ValueError as problem:
        raise http_answers.refuse(400, f"Invalid {name} query parameter.", str(problem)) from None
    return None if cursor == golang.NIL_UUID else cursor


def _limit(ask: Ask) -> int:
    try:
        limit = golang.integer(ask.first("limit") or str(DEFAULT_LIMIT))
    except ValueError:
        limit = 0
    if not 1 <= limit <= LARGEST_LIMIT:
        complaint = f"Limit must be between 1 and {LARGEST_LIMIT}."
        raise http_answers.refuse(400, "Invalid limit query parameter.", complaint)
    return limit


def _threads(rows: Rows) -> list[Thread]:
    members: dict[str, list[InterceptionRow]] = {}
    for row in rows:
        members.setdefault(row.thread_root_id or row.id, []).append(row)
    roots = [row for row in rows if row.thread_root_id is None]
    return [Thread(root, members[root.id], n < LIT_THREADS) for n, root in enumerate(roots)]


def _page(
    ask: Ask, session_id: str, threads: list[Thread], after: str | None, before: str | None
) -> list[Thread]:
    if after:
        position = _position(ask, session_id, "after_id", after)
        return [thread for thread in threads if POSITION(thread.root) > position]
    if before:
        position = _position(ask, session_id, "before_id", before)
        return [thread for thread in threads if POSITION(thread.root) < position]
    return threads


def _position(ask: Ask, session_id: str, name: str, cursor: str) -> Any:
    row = ask.view.known.get(cursor)
    if row is None:
        raise lost(name, f"{cursor} not found")
    if row.session_id != session_id:
        raise lost(name, f"{cursor} does not belong to session {session_id}")
    return POSITION(row)


def _header(ask: Ask, rows: Rows, threads: Sequence[Thread]) -> dict[str, Any]:
    """Tell the whole session as its most recently active initiator's row of the list does."""
    view = ask.view
    groups = (group(view, key, members) for key, members in by_session(rows).items())
    newest = max(groups, key=ACTIVITY)
    whole = readable(view.whole(newest.key), "Internal error fetching session.")
    loaded = [token for thread in threads for token in thread.tokens(ask, thread.rows)]
    fields: dict[str, Any] = {
        "id": newest.session_id,
        "initiator": ask.person(newest.initiator_id),
        "providers": whole.providers,
        "models": whole.models,
        "metadata": whole.metadata,
        "started_at": ask.stamp(newest.started_at),
        "ended_at": ask.stamp(newest.ended_at),
        "token_usage_summary": whole.tokens.columns() | {"metadata": summed_metadata(loaded)},
    }
    return fields if whole.client is None else fields | {"client": whole.client}


def _bounds(ask: Ask, prefix: str, rows: Rows) -> dict[str, str]:
    return {
        f"{prefix}started_at": ask.stamp(min(row.started_at for row in rows)),
        f"{prefix}ended_at": ask.stamp(max(row.ended_at for row in rows if row.ended_at)),
    }


def _thread(ask: Ask, thread: Thread) -> dict[str, Any]:
    root, index = thread.root, ask.view.index
    fields: dict[str, Any] = {"id": root.id}
    if prompts := index.prompts.get(root.id):
        fields["prompt"] = prompts[0].prompt
    fields |= {
        "model": root.model,
        "provider": root.provider,
        "credential_kind": root.credential_kind,
        "credential_hint": masked(root.credential_hint),
    }
    fields |= _firewall(ask, root) | _error(ask, root) | _bounds(ask, "", thread.rows)
    return fields | {
        "token_usage": usage(thread.tokens(ask, thread.rows)),
        "agentic_actions": [
            _action(ask, thread, row) for row in thread.rows if row.id in index.tools
        ],
    }


def masked(hint: str) -> str:
    """Return a credential hint that certainly hides the credential (api-contract 4.4)."""
    is_safe = not hint or ("..." in hint and len(hint.encode()) <= _LONGEST_HINT)
    return hint if is_safe else "..."


def _firewall(ask: Ask, root: InterceptionRow) -> dict[str, Any]:
    fields = {
        "agent_firewall_session_id": root.agent_firewall_session_id,
        "agent_firewall_sequence_number": root.agent_firewall_sequence_number,
    }
    return _present(fields) if ask.era.threads_tell_firewall else {}


def _error(ask: Ask, root: InterceptionRow) -> dict[str, Any]:
    if not (ask.era.tells_errors and root.error_type):
        return {}
    return {"error_type": root.error_type} | _present({"error_message": root.error_message or None})


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _action(ask: Ask, thread: Thread, row: InterceptionRow) -> dict[str, Any]:
    index = ask.view.index
    return {
        "model": row.model,
        "token_usage": usage(thread.tokens(ask, [row])),
        "thinking": [{"text": thought.text} for thought in index.thoughts.get(row.id, ())],
        "tool_calls": [tool_call(ask, tool) for tool in index.tools[row.id]],
    }


def usage(rows: Sequence[TokenRow]) -> dict[str, Any]:
    """Return summed token columns and summed metadata of some token rows."""
    return tally(rows).columns() | {"metadata": summed_metadata(rows)}


def summed_metadata(rows: Iterable[TokenRow]) -> dict[str, int]:
    """Add up all integers by key; nested keys are joined with dots, all else is dropped."""
    sums: dict[str, int] = {}
    for row in rows:
        for key, value in _integers("", row.metadata):
            sums[key] = sums.get(key, 0) + value
    return dict(sorted(sums.items()))


def _integers(path: str, value: Any) -> Iterator[tuple[str, int]]:
    if path and (number := _integer(value)) is not None:
        yield path, number
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _integers(f"{path}.{key}" if path else key, inner)


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if not isinstance(value, str):
        return None
    try:
        return golang.integer(value)
    except ValueError:
        return None
