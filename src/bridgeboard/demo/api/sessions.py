"""``GET /sessions``: the list, with its cursor's defects (api-contract 2.4, 4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from bridgeboard.demo.api import asking, golang, http_answers
from bridgeboard.demo.api.asking import Ask
from bridgeboard.demo.api.grammar import Filters
from bridgeboard.demo.api.index import Rows, SessionKey, View, Whole, by_session

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


def listing(ask: Ask) -> http_answers.Answer:
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
