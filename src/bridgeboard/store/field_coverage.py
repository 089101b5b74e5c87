"""How far the rows of a store reach: of how many of them each thing is known."""

from dataclasses import dataclass
from typing import Final

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Reader

_USAGE: Final = """
SELECT count(*), count(*) FILTER (grain = 'interception'), count(ended_at), count(provider_name),
       count(credential_kind)
FROM usage"""
_CALLS: Final = "SELECT count(*), count(failed) FROM tool_calls"
_SESSIONS: Final = """
SELECT count(*), count(detailed_at), count(detail_problem), count(network_total),
       count(*) FILTER (threads > 50)
FROM sessions"""
_THREADS: Final = "SELECT count(*), count(error_type) FROM threads"
_TEXTS: Final = """
SELECT (SELECT count(*) FROM prompts), (SELECT count(*) FROM thinking),
       (SELECT count(*) FROM tool_inputs)"""


@dataclass(frozen=True)
class Reach:
    """Numbers of rows.

    Attributes:
        usage: rows of usage.
        exact: those that are one request each, not a sum of several.
        timed: those whose end is known.
        named: those whose provider instance is known.
        keyed: those of which is known whose key paid.
        calls: tool calls.
        judged: those of which is known whether they failed.
        sessions: sessions.
        detailed: those whose details were read.
        troubled: those whose details could not be read when they were last asked for.
        networked: those whose network calls are told.
        long: those with more threads than the server tells tokens of (api-contract 4.6).
        threads: threads.
        failing: those that tell an error.
        prompts: prompts whose text is kept.
        thoughts: thoughts, likewise.
        inputs: inputs of tools, likewise.
    """

    usage: int
    exact: int
    timed: int
    named: int
    keyed: int
    calls: int
    judged: int
    sessions: int
    detailed: int
    troubled: int
    networked: int
    long: int
    threads: int
    failing: int
    prompts: int
    thoughts: int
    inputs: int


def reach(reader: Reader | Store) -> Reach:
    """How far a store reaches now."""
    every = (_USAGE, _CALLS, _SESSIONS, _THREADS, _TEXTS)
    return Reach(*(int(count) for sql in every for count in reader.rows(sql)[0]))
