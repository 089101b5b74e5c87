"""Counts over raw tables, done as plainly as possible: the reference for all other numbers.

Nothing here knows the API, the store or a page.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from bridgeboard.demo.records import InterceptionRow, PromptRow, Tables, TokenRow, ToolRow

Row = TypeVar("Row", PromptRow, TokenRow, ToolRow)


@dataclass(frozen=True)
class Counts:
    """Four disjoint token counts; ``total`` is their sum."""

    input: int
    output: int
    cache_read: int
    cache_write: int

    @property
    def total(self) -> int:
        """All tokens, cached ones included."""
        return self.input + self.output + self.cache_read + self.cache_write


def finished(
    tables: Tables,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    person_id: str | None = None,
    provider: str | None = None,
    provider_name: str | None = None,
    model: str | None = None,
    client: str | None = None,
) -> list[InterceptionRow]:
    """Finished interceptions that started in the half-open window ``[since, until)`` and match.

    ``client`` "Unknown" also matches rows without one (api-contract 3.11). None asks nothing.
    """
    rows = [row for row in tables.interceptions if row.ended_at is not None]
    if since is not None:
        rows = [row for row in rows if row.started_at >= since]
    if until is not None:
        rows = [row for row in rows if row.started_at < until]
    wanted = {
        "initiator_id": person_id,
        "provider": provider,
        "provider_name": provider_name,
        "model": model,
        "client": client,
    }
    for name, value in wanted.items():
        if value is not None:
            rows = [row for row in rows if (getattr(row, name) or _missing(name)) == value]
    return rows


def people(rows: Iterable[InterceptionRow]) -> set[str]:
    """Ids of the people who made these interceptions."""
    return {row.initiator_id for row in rows}


def sessions(rows: Iterable[InterceptionRow]) -> set[tuple[str, str]]:
    """Distinct (session id, person id): two people may share a session id."""
    return {(row.session_id, row.initiator_id) for row in rows}


def threads(rows: Iterable[InterceptionRow]) -> int:
    """How many of these interceptions are the roots of threads."""
    return len([row for row in rows if row.thread_root_id is None])


def prompts(tables: Tables, rows: Iterable[InterceptionRow]) -> list[PromptRow]:
    """The prompts recorded on these interceptions."""
    return _of(tables.prompts, rows)


def tool_calls(tables: Tables, rows: Iterable[InterceptionRow]) -> list[ToolRow]:
    """The tool calls recorded on these interceptions."""
    return _of(tables.tools, rows)


def token_rows(tables: Tables, rows: Iterable[InterceptionRow]) -> list[TokenRow]:
    """The token rows of these interceptions, as recorded."""
    return _of(tables.tokens, rows)


def recorded(tables: Tables, rows: Iterable[InterceptionRow]) -> Counts:
    """Plain sums of the token rows: what the API's own summaries say (api-contract 4.3)."""
    return total(_counts(token) for token in token_rows(tables, rows))


def responses(tables: Tables, rows: Iterable[InterceptionRow]) -> dict[tuple[str, str], Counts]:
    """(interception id, response id) → its tokens: the greatest of each count over its rows.

    The rows of one streamed response tell the same thing twice (api-contract 4.8). A row
    without response id is a response of its own, under its own id.
    """
    merged: dict[tuple[str, str], list[Counts]] = {}
    for token in token_rows(tables, rows):
        key = (token.interception_id, token.provider_response_id or token.id)
        merged.setdefault(key, []).append(_counts(token))
    return {
        key: Counts(
            max(count.input for count in counts),
            max(count.output for count in counts),
            max(count.cache_read for count in counts),
            max(count.cache_write for count in counts),
        )
        for key, counts in merged.items()
    }


def total(counts: Iterable[Counts]) -> Counts:
    """The sum of many token counts."""
    every = list(counts)
    return Counts(
        sum(count.input for count in every),
        sum(count.output for count in every),
        sum(count.cache_read for count in every),
        sum(count.cache_write for count in every),
    )


def _missing(name: str) -> str | None:
    return "Unknown" if name == "client" else ""


def _counts(token: TokenRow) -> Counts:
    return Counts(
        token.input_tokens,
        token.output_tokens,
        token.cache_read_input_tokens,
        token.cache_write_input_tokens,
    )


def _of(table: Collection[Row], rows: Iterable[InterceptionRow]) -> list[Row]:
    ids = {row.id for row in rows}
    return [row for row in table if row.interception_id in ids]
