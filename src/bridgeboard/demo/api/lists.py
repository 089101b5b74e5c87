"""The lists: interceptions, sessions, models, clients (api-contract 2.3, 2.4, 2.6, 2.7).

Servers up to v2.34 have interceptions. The list of sessions has its cursor's defects (2.4, 4.3).
Models come in code-point order, clients in the order of their first appearance, since the server
promises none.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from bridgeboard.demo.api import asking, golang, http_answers
from bridgeboard.demo.api.asking import Ask
from bridgeboard.demo.api.index import POSITION, Rows, SessionKey, Tally, View, Whole, by_session
from bridgeboard.demo.api.query_parameters import Endpoint, Filters
from bridgeboard.demo.records import InterceptionRow, PromptRow, TokenRow, ToolRow

_FAILURE = "Internal error getting AI Bridge interceptions."


def interceptions(ask: Ask) -> http_answers.Answer:
    """Answer one page, newest first; ``count`` ignores page and cursor."""
    page = asking.page(ask)
    asking.check_cursor(page.after_id, "after_id", page.offset)
    asking.check_limit(page.limit)
    filters = asking.search(ask, "interceptions", "Invalid workspace search query.", _FAILURE)
    rows = asking.hits(ask, filters)
    # Rows come oldest first, so what lies before the cursor is what the caller has not seen.
    end = bisect_left(rows, _position(ask, page.after_id), key=POSITION) if page.after_id else None
    results = [interception(ask, row) for row in page.cut(rows[:end][::-1])]
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


def interception(ask: Ask, row: InterceptionRow) -> dict[str, Any]:
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
        "token_usages": [
            _child(ask, row, *Tally.__slots__) for row in index.tokens.get(row.id, ())
        ],
        "user_prompts": [_child(ask, row, "prompt") for row in index.prompts.get(row.id, ())],
        "tool_usages": [
            tool_call(ask, row) | {"invocation_error": row.invocation_error}
            for row in index.tools.get(row.id, ())
        ],
    }


def tool_call(ask: Ask, row: ToolRow) -> dict[str, Any]:
    """Return a tool call as the session detail has it: without its invocation error."""
    return _child(ask, row, "server_url", "tool", "injected", "input")


def _child(ask: Ask, row: TokenRow | PromptRow | ToolRow, *columns: str) -> dict[str, Any]:
    """The columns that all children of interceptions have, with some of their own between."""
    names = ("id", "interception_id", "provider_response_id", *columns, "metadata")
    return {name: getattr(row, name) for name in names} | {"created_at": ask.stamp(row.created_at)}


_NULL_METADATA = (
    'sql: Scan error on column index 9, name "metadata": unsupported Scan, storing driver.Value'
    " type <nil> into type *json.RawMessage"
)
ACTIVITY = attrgetter("last_active_at", "session_id")


@dataclass(frozen=True, slots=True)
class Group:
    """The matching interceptions of one session and initiator, and what they alone decide."""

    session_id: str
    initiator_id: str
    started_at: datetime
    ended_at: datetime
    threads: int
    last_active_at: datetime

    @property
    def key(self) -> SessionKey:
        """The row's identity."""
        return self.session_id, self.initiator_id


def sessions(ask: Ask) -> http_answers.Answer:
    """Answer one page, last active first; ``count`` is that of all groups."""
    page = asking.page(ask)
    cursor = ask.first("after_session_id")
    asking.check_cursor(cursor, "after_session_id", page.offset)
    asking.check_limit(page.limit)
    failure = f"Internal error getting {ask.era.product} sessions."
    filters = asking.search(ask, "sessions", "Invalid session search query.", failure)
    groups = _groups(ask, filters)
    remaining = _after(ask, groups, cursor) if cursor else groups
    rows = [_result(ask, group, failure) for group in page.cut(remaining)]
    return http_answers.ok({"count": len(groups), "sessions": rows})


def _groups(ask: Ask, filters: Filters) -> Sequence[Group]:
    if filters == Filters() and ask.reads_all:
        return unfiltered(ask.view)
    return _ranked(ask.view, asking.hits(ask, filters))


def unfiltered(view: View) -> Sequence[Group]:
    """Return the whole list of a view; made once per view."""
    return view.remember("sessions", lambda: _ranked(view, view.finished))


def group(view: View, key: SessionKey, rows: Rows) -> Group:
    """Compute what a session's matching rows decide (api-contract 4.3, "hit")."""
    return Group(
        session_id=key[0],
        initiator_id=key[1],
        started_at=rows[0].started_at,
        ended_at=max(row.ended_at for row in rows if row.ended_at),
        threads=sum(row.thread_root_id is None for row in rows),
        last_active_at=view.active_at(rows),
    )


def _ranked(view: View, rows: Rows) -> list[Group]:
    groups = [group(view, key, members) for key, members in by_session(rows).items()]
    # The server leaves ties of activity and id open; here the initiator decides, for repeatability.
    groups.sort(key=attrgetter("initiator_id"))
    groups.sort(key=ACTIVITY, reverse=True)
    return groups


def _after(ask: Ask, groups: Sequence[Group], cursor: str) -> Sequence[Group]:
    if asking.is_unstorable(cursor):
        raise http_answers.refuse(500, "Internal error validating after_session_id cursor.")
    rows = ask.view.sessions.get(cursor, ()) if ask.reads_all else ()
    if not rows:
        lost = f"after_session_id: session {golang.quote(cursor)} not found"
        raise http_answers.refuse(400, "Query parameter has invalid value.", lost)
    # The defect of api-contract 2.4: the position ignores the filters, and of all initiators of
    # this id it is the newest one's.
    position = max(ask.view.active_at(members) for members in by_session(rows).values()), cursor
    return [group for group in groups if ACTIVITY(group) < position]


def readable(whole: Whole, failure: str) -> Whole:
    """Fail as the server does to read the metadata of a session whose first one is NULL."""
    if whole.metadata is None:
        raise http_answers.refuse(500, failure, _NULL_METADATA)
    return whole


def _result(ask: Ask, row: Group, failure: str) -> dict[str, Any]:
    whole = readable(ask.view.whole(row.key), failure)
    fields: dict[str, Any] = {
        "id": row.session_id,
        "initiator": ask.person(row.initiator_id),
        "providers": whole.providers,
        "models": whole.models,
        "client": whole.client,
        "metadata": whole.metadata,
        "started_at": ask.stamp(row.started_at),
        "ended_at": ask.stamp(row.ended_at),
        "threads": row.threads,
        "token_usage_summary": whole.tokens.columns(),
    }
    if ask.era.tells_network_calls and whole.network_calls is not None:
        total, blocked = whole.network_calls
        fields["network_calls"] = {"total": total, "blocked": blocked}
    if whole.last_prompt:
        fields["last_prompt"] = whole.last_prompt
    return fields | {"last_active_at": ask.stamp(row.last_active_at)}


def models(ask: Ask) -> http_answers.Answer:
    """Answer the distinct models of finished interceptions, or ``null``."""
    page, filters = _question(ask, "models")
    names = sorted({row.model for row in _rows(ask)})
    return http_answers.ok(page.cut(_matching(names, filters.model)) or None)


def clients(ask: Ask) -> http_answers.Answer:
    """Answer the distinct clients, or ``null``; a missing and a stored ``Unknown`` are two."""
    page, filters = _question(ask, "clients")
    stored = dict.fromkeys(row.client for row in _rows(ask))
    names = ["Unknown" if client is None else client for client in stored]
    return http_answers.ok(page.cut(_matching(names, filters.client)) or None)


def _question(ask: Ask, endpoint: Endpoint) -> tuple[asking.Page, Filters]:
    page = asking.page(ask)
    asking.check_limit(page.limit)
    product = ask.era.product
    complaint = f"Invalid {product} {endpoint} search query."
    failure = f"Internal error getting {product} {endpoint}."
    return page, asking.search(ask, endpoint, complaint, failure)


def _rows(ask: Ask) -> Rows:
    return asking.hits(ask, Filters())


def _matching(names: list[str], prefix: str | None) -> list[str]:
    if prefix is None:
        return names
    pattern = like(prefix + "%")
    return [name for name in names if pattern.fullmatch(name)]


def like(pattern: str) -> re.Pattern[str]:
    """Translate an SQL LIKE pattern: ``%`` any text, ``_`` one character, backslash escapes.

    Every text between two ``%`` matches at its first chance for good (an atomic group), so no
    pattern, however hostile, takes more than linear steps per name.
    """
    pieces = [""]
    for escaped, plain in re.findall(r"\\(.?)|([^\\])", pattern, re.DOTALL):
        if plain == "%":
            pieces.append("")
        elif plain == "_":
            pieces[-1] += "."
        else:
            pieces[-1] += re.escape(escaped or plain)
    first, *others = pieces
    if not others:
        return re.compile(first, re.DOTALL)
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    return re.compile(f"{first}{between}.*{others[-1]}", re.DOTALL)
