"""The last syncs of a store, what was odd about them, and what they could not read.

Each takes one parameter: how many rows at most.
"""

from typing import Final

RUNS: Final = """
SELECT began_at, ended_at, coalesce(generation, ''), outcome, message, read_rows, changed_rows,
       sessions, details, quarantined, requests
FROM runs ORDER BY run DESC LIMIT $1"""
ANOMALIES: Final = """
SELECT seen_at, kind, message FROM anomalies ORDER BY seen_at DESC, kind LIMIT $1"""
QUARANTINE: Final = """
SELECT kind, identity, reason, seen_at, tries FROM quarantine
ORDER BY seen_at DESC, kind, identity LIMIT $1"""
