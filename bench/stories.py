"""How long the first screen of a long session takes: head, threads, calls and their contents."""

from functools import partial
from typing import Final

from bench.report import Report, median_ms

from bridgeboard.queries import recorded_text, session_calls, session_detail
from bridgeboard.queries.session_calls import Call
from bridgeboard.queries.typed_rows import typed
from bridgeboard.store import Store

STORY_MS: Final = 1000
CALLS: Final = 50
"""Calls that the page shows at first."""
LONG: Final = {"story_first_ms": 1_000, "story_first_20k_ms": 20_000}
_LENGTHEN: Final = (
    """CREATE TEMP TABLE longer AS SELECT usage, $1::BIGINT AS session FROM usage
        WHERE usage BETWEEN $2 AND $2 + $3 - 1""",
    "UPDATE usage u SET session = l.session FROM longer l WHERE u.usage = l.usage",
    "UPDATE tool_calls u SET session = l.session FROM longer l WHERE u.usage = l.usage",
    """UPDATE threads t SET session = l.session FROM longer l JOIN usage u USING (usage)
        WHERE t.id = u.thread""",
    "DROP TABLE longer",
)


def measure(report: Report, store: Store) -> None:
    """Sessions of 1,000 and of 20,000 calls; it makes them of others in a store that is a copy."""
    ((requests,),) = store.rows("SELECT count(*) FROM usage")
    for number, (name, size) in enumerate(LONG.items(), 1):
        if number * 100_000 + size < requests:
            _lengthen(store, number, size)
            taken = median_ms(partial(_first_screen, store, number), runs=9)
            report.say(name, taken, "ms", STORY_MS)


def _lengthen(store: Store, session: int, size: int) -> None:
    with store.write() as batch:
        batch.execute(_LENGTHEN[0], [session, session * 100_000, size])
        for statement in _LENGTHEN[1:]:
            batch.execute(statement)


def _first_screen(store: Store, session: int) -> None:
    with store.snapshot() as reader:
        typed(session_detail.Head, reader.rows(*session_detail.head(session)))
        typed(
            session_detail.Thread,
            reader.rows(*session_detail.threads(session, limit=session_detail.THREADS)),
        )
        shown = typed(Call, reader.rows(*session_calls.calls(session, limit=CALLS)))
        typed(
            recorded_text.Item, reader.rows(*recorded_text.timeline(call.usage for call in shown))
        )
